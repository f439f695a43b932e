//! One hold as somebody may see it: what happens next, why it waits, who takes part, what was found, what was done.
//!
//! # Invariants
//! Whoever opens a hold is entered in the ledger before they see it. Who may see no evidence gets no sentence, no finding, no name of a file
//! and no reason; who may not read text gets no subject and no word of the sender. Of a confidential hold nobody gets any of them.

use std::time::{Duration, SystemTime};

pub use super::hold_shape::{
    AttachmentLine, EvidenceLine, HoldView, May, PastLine, ReasonView, RecipientLine, RequestView,
    SimilarLine, WordLine,
};
use super::holds;
use crate::console::access::Permission;
use crate::console::page::machine_time;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::detect::{Category, Findings};
use crate::mail::Address;
use crate::policy::History;
use crate::policy::governance::Kept;
use crate::quarantine::lifecycle;
use crate::quarantine::strip::Attachment;
use crate::quarantine::view;
use crate::store::{HoldDetails, HoldState, HoldSummary, Past, Request, same_name};

const DAY: Duration = Duration::from_hours(24);

/// Findings of a hold that are listed; the rest is counted.
const FINDINGS: usize = 200;

/// Opens a hold by its id or reference; the ledger has it.
pub async fn open(site: &Site, caller: &Caller, id: &str) -> Result<HoldView, Refusal> {
    let found = found(site, caller, id, Permission::SeeHolds).await?;
    let id = found.summary.id;
    let hold = caller
        .desk(site)
        .open(id, caller.actor(), site.now())
        .await?;
    let may = may(site, caller, &hold.summary);
    let attachments = attachments(site, caller, &hold, may).await?;
    let history = site.store().history(id).await?;
    let similar = similar(site, caller, &hold).await?;
    Ok(seen(
        site,
        caller,
        &hold,
        (attachments, history, similar),
        may,
    ))
}

/// The hold of this id or reference, if the caller may know of it and has this permission on it. Nothing is entered in the ledger.
pub(super) async fn found(
    site: &Site,
    caller: &Caller,
    id: &str,
    permission: Permission,
) -> Result<HoldDetails, Refusal> {
    if !caller.access.may(permission) {
        return Err(Refusal::Denied);
    }
    let id = site.store().find_hold(id).await?;
    let hold = site.store().open_hold(id).await?;
    let (access, schools) = (&caller.access, site.schools());
    if !access.may_on(Permission::SeeHolds, &hold.summary, schools) {
        return Err(Refusal::Missing);
    }
    if !access.may_on(permission, &hold.summary, schools) {
        return Err(Refusal::Denied);
    }
    Ok(hold)
}

/// What a caller may do with a hold.
fn may(site: &Site, caller: &Caller, hold: &HoldSummary) -> May {
    let may = |permission| caller.access.may_on(permission, hold, site.schools());
    let own = caller.access.sent(hold);
    May {
        see_evidence: may(Permission::SeeEvidence),
        read: may(Permission::ReadContent),
        decide: may(Permission::Decide) && !own,
        legal_hold: may(Permission::LegalHold) && !own,
    }
}

async fn attachments(
    site: &Site,
    caller: &Caller,
    hold: &HoldDetails,
    may: May,
) -> Result<Vec<Attachment>, Refusal> {
    if !may.see_evidence || hold.record.confidential {
        return Ok(Vec::new());
    }
    Ok(caller.desk(site).attachments(hold.summary.id).await?)
}

async fn similar(
    site: &Site,
    caller: &Caller,
    hold: &HoldDetails,
) -> Result<Vec<SimilarLine>, Refusal> {
    let now = site.now();
    let all = view::similar(site.store(), hold).await?;
    let (access, schools) = (&caller.access, site.schools());
    let seen = all
        .into_iter()
        .filter(|one| access.may_on(Permission::SeeHolds, &one.hold, schools));
    Ok(seen
        .map(|one| SimilarLine {
            line: holds::line(site, caller, &one.hold, now),
            same_sender: one.same_sender,
            same_rule: one.same_rule,
            values: one.values,
        })
        .collect())
}

/// What is kept beside a hold.
type Beside = (Vec<Attachment>, Vec<Past>, Vec<SimilarLine>);

fn seen(
    site: &Site,
    caller: &Caller,
    hold: &HoldDetails,
    (attachments, history, similar): Beside,
    may: May,
) -> HoldView {
    let now = site.now();
    let record = &hold.record;
    let shown = may.see_evidence && !record.confidential;
    let reads = may.read && !record.confidential;
    let ends = ends(site, &hold.summary);
    let evidence = record.findings.iter().filter(|_| shown);
    let words = hold.told.iter().filter(|told| told.is_of_the_sender());
    HoldView {
        line: holds::line(site, caller, &hold.summary, now),
        ends_at: machine_time(ends),
        left_seconds: ends.duration_since(now).map_or(0, |left| left.as_secs()),
        reasons: reasons(hold, shown),
        confidential: record.confidential,
        needs_second_person: hold.needs_second_person(),
        special: hold.summary.categories.contains(&Category::Medical),
        recipients: recipients(site, hold),
        people: record.people,
        more_evidence: if shown {
            record.findings.len().saturating_sub(FINDINGS)
        } else {
            0
        },
        evidence: evidence
            .take(FINDINGS)
            .map(|found| EvidenceLine {
                category: found.category.name().to_owned(),
                confidence: found.confidence.name().to_owned(),
                location: found.location.clone(),
                masked: found.masked.clone(),
            })
            .collect(),
        attachments: attachments
            .iter()
            .map(|one| attachment(hold, one))
            .collect(),
        history: history.iter().map(|past| past_line(past, may)).collect(),
        similar,
        words: words
            .filter(|_| reads)
            .map(|told| WordLine {
                at: machine_time(told.at),
                text: told.reason.clone(),
                asks: told.action == crate::store::ledger::action::RELEASE_WANTED,
                time: Some(told.at),
            })
            .collect(),
        request: hold
            .request
            .as_ref()
            .filter(|_| hold.summary.state == HoldState::Awaiting)
            .map(|request| request_view(hold, request, caller, may)),
        legal_hold_reason: hold
            .legal_hold
            .as_ref()
            .filter(|_| may.see_evidence)
            .map(|legal| legal.reason.clone()),
        judgement: hold
            .summary
            .judgement
            .map(|judgement| judgement.name().to_owned()),
        may,
        ends: Some(ends),
    }
}

/// When the content of a hold is deleted, by the policy as it is now.
fn ends(site: &Site, hold: &HoldSummary) -> SystemTime {
    let (kept, since) = match hold.state {
        HoldState::Released => (Kept::Released, hold.decided_at),
        HoldState::Refused => (Kept::Refused, hold.decided_at),
        _ => (Kept::Held, None),
    };
    let days = site.store().retention().days(kept, &hold.categories);
    since.unwrap_or(hold.received_at) + DAY * days
}

fn reasons(hold: &HoldDetails, shown: bool) -> Vec<ReasonView> {
    let reasons = view::why(hold).into_iter();
    reasons
        .map(|reason| ReasonView {
            title: reason.title,
            clause: reason.clause,
            sentence: Some(reason.sentence).filter(|_| shown),
            severity: reason.severity.name().to_owned(),
            decisive: reason.decisive,
            what_to_do: reason.what_to_do.to_owned(),
        })
        .collect()
}

/// Who is to get it. Whom the message is about is not known here, nor who was written to before.
pub(super) fn recipients(site: &Site, hold: &HoldDetails) -> Vec<RecipientLine> {
    let tools = site.pipeline().tools();
    let (findings, history) = (Findings::default(), History::default());
    let encrypts = site.pipeline().encrypts();
    let all = view::recipients(&hold.envelope, &tools.policy, &findings, &history, encrypts);
    all.into_iter()
        .enumerate()
        .map(|(number, one)| RecipientLine {
            number,
            outside: !matches!(one.known, view::Known::Internal | view::Known::Partner),
            known: one.known.name().to_owned(),
            address: one.address,
            classes: one.classes,
            encrypted: one.encrypted,
        })
        .collect()
}

fn attachment(hold: &HoldDetails, of: &Attachment) -> AttachmentLine {
    let inside = |place: &str| {
        let rest = place.strip_prefix(&of.location);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '/', '!', '>']))
    };
    let found = || {
        hold.record
            .findings
            .iter()
            .filter(|one| inside(&one.location))
    };
    let protection = found().find(|one| one.category == Category::Protected);
    let mut kinds: Vec<String> = found()
        .filter(|one| one.category != Category::Protected)
        .map(|one| one.category.name().to_owned())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let name = of.location.strip_prefix("attachment:");
    AttachmentLine {
        number: of.number,
        name: name.unwrap_or(&of.location).to_owned(),
        media_type: of.media_type.clone(),
        bytes: of.bytes,
        bound: of.bound.map(|bound| bound.name().to_owned()),
        protection: protection.map(|one| one.masked.clone()),
        found: kinds,
    }
}

fn past_line(past: &Past, may: May) -> PastLine {
    use crate::store::ledger::action::{JUSTIFIED, RELEASE_WANTED};
    let entry = &past.entry;
    let of_the_sender = [JUSTIFIED, RELEASE_WANTED].contains(&entry.action.as_str());
    let shown = if of_the_sender {
        may.read
    } else {
        may.see_evidence
    };
    PastLine {
        at: machine_time(entry.at),
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        reason: past.reason.clone().filter(|_| shown),
        time: Some(entry.at),
    }
}

fn request_view(hold: &HoldDetails, request: &Request, caller: &Caller, may: May) -> RequestView {
    let rcpts = request.rcpts.iter();
    let named = rcpts.filter_map(|index| hold.envelope.rcpts.get(*index));
    RequestView {
        by: request.by.clone(),
        reason: if may.see_evidence {
            request.reason.clone()
        } else {
            String::new()
        },
        recipients: named
            .map(|rcpt| {
                let address = rcpt.address().map(Address::as_str);
                address.unwrap_or("Postmaster").to_owned()
            })
            .collect(),
        of: hold.envelope.rcpts.len(),
        version: request.sent.name().to_owned(),
        without: request.sent.left_out(),
        encrypt: request.encrypt,
        yours: same_name(&request.by, caller.actor()),
    }
}

/// The state at this moment.
pub(super) fn state_now(hold: &HoldDetails, now: SystemTime) -> HoldState {
    lifecycle::at(hold.summary.state, hold.summary.claim.as_ref(), now)
}

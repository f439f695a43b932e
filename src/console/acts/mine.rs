//! What a sender may do with their own held messages: see why they wait, say a word, take them back, send the version with initials.
//!
//! # Invariants
//! Own is what came from the caller's own address and nothing else; the rest is told as if it were not there. Senders see no more of a message
//! than they wrote, no evidence in clear, and of reviewers the names of those who decided. The version with initials goes only when the
//! policy of now would deliver it.

use std::time::SystemTime;

use serde::Serialize;
use utoipa::ToSchema;

use super::hold::state_now;
use super::hold_content::{passes, with_initials};
use super::hold_decide::{by, on};
use crate::console::access::Permission;
use crate::console::page::machine_time;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::console::words::Words;
use crate::mail::Address;
use crate::quarantine::desk::{LONGEST_WORD, MOST_WORDS};
use crate::quarantine::view;
use crate::store::{HoldDetails, HoldQuery, HoldState, HoldSummary, Sort};

/// Messages of one page.
const PAGE: u32 = 25;

/// Findings that are listed.
const FINDINGS: usize = 50;

/// One of the caller's own messages.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MineLine {
    /// What it is called.
    pub reference: String,
    /// Its state at this moment, as a sender knows it: `waiting`, `released`, `refused`, `expired`, `purged`.
    pub state: String,
    /// When it came.
    pub received_at: String,
    /// The subject.
    pub subject: Option<String>,
    /// To whom.
    pub recipients: Vec<String>,
    /// When it came.
    #[serde(skip)]
    pub time: Option<SystemTime>,
}

/// A page of them.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct MinePage {
    /// The newest first.
    pub messages: Vec<MineLine>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Where the page before begins.
    pub previous: Option<String>,
}

/// One of them, whole.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MineView {
    /// As in the list.
    pub line: MineLine,
    /// The version that an act must name.
    pub version: i64,
    /// Why it waits.
    pub reasons: Vec<MineReason>,
    /// What was found, masked.
    pub evidence: Vec<String>,
    /// What the caller has said.
    pub words: Vec<String>,
    /// They asked for the release.
    pub asked: bool,
    /// They may say more.
    pub may_speak: bool,
    /// They may try to send it with initials, or take it back.
    pub waits: bool,
    /// The content is nobody's to read.
    pub confidential: bool,
    /// Who decided.
    pub decided_by: Option<String>,
}

/// Why it waits, in the words of the notice.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MineReason {
    /// The rule's title.
    pub title: String,
    /// Where the trust's policy says so.
    pub clause: Option<String>,
    /// What was seen.
    pub sentence: String,
    /// What to do instead.
    pub remedy: Option<String>,
}

/// The caller's own messages that were held, the newest first.
pub async fn list(site: &Site, caller: &Caller, cursor: Option<&str>) -> Result<MinePage, Refusal> {
    let own = own(caller)?;
    let cursor = cursor.map(str::parse).transpose();
    let query = HoldQuery {
        from: Some(own.clone()),
        sort: Sort::Newest,
        cursor: cursor.map_err(|_| super::holds::wrong("this place in the list is none"))?,
        limit: PAGE,
        ..HoldQuery::default()
    };
    let page = site.store().search_holds(&query).await?;
    let now = site.now();
    let sent = page.holds.iter().filter(|hold| caller.access.sent(hold));
    Ok(MinePage {
        messages: sent.map(|hold| line(hold, now)).collect(),
        next: page.next.map(|next| next.to_string()),
        previous: page.previous.map(|previous| previous.to_string()),
    })
}

/// One of them.
pub async fn open(site: &Site, caller: &Caller, id: &str) -> Result<MineView, Refusal> {
    let hold = mine(site, caller, id).await?;
    let record = &hold.record;
    let rules = &site.pipeline().tools().policy.rules;
    let reasons = view::why(&hold)
        .into_iter()
        .filter(|reason| reason.decisive);
    let remedy = |title: &str| {
        let rule = rules.iter().find(|rule| &*rule.title == title)?;
        Some(rule.remedy.as_ref()?.to_string())
    };
    let words = || hold.told.iter().filter(|told| told.is_of_the_sender());
    let waits = state_now(&hold, site.now()).is_waiting();
    let evidence = record.findings.iter().filter(|_| !record.confidential);
    let english = Words::english();
    Ok(MineView {
        line: line(&hold.summary, site.now()),
        version: hold.summary.version,
        reasons: reasons
            .map(|reason| MineReason {
                remedy: remedy(&reason.title),
                title: reason.title,
                clause: reason.clause,
                sentence: reason.sentence,
            })
            .collect(),
        evidence: evidence
            .take(FINDINGS)
            .map(|found| {
                let kind = english.say(&format!("hold-found-{}", found.category.name()));
                format!("{kind}: {} ({})", found.masked, found.location)
            })
            .collect(),
        words: words().map(|told| told.reason.clone()).collect(),
        asked: hold.summary.word.is_some_and(|word| word.asks),
        may_speak: waits && words().count() < MOST_WORDS,
        waits,
        confidential: record.confidential,
        decided_by: hold.summary.decided_by.clone(),
    })
}

/// Says a word to the reviewer, and asks for the release or not.
pub async fn justify(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
    (text, asks): (&str, bool),
) -> Result<(), Refusal> {
    let hold = mine(site, caller, id).await?;
    let text = text.trim();
    let words = Words::english();
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Refusal::Wrong(words.say("mine-text-needed")));
    }
    if text.chars().nth(LONGEST_WORD).is_some() {
        return Err(Refusal::Wrong(words.say("mine-text-long")));
    }
    let desk = caller.desk(site);
    let (on, by) = (on(&hold, version), by(site, caller, text));
    Ok(desk.justify(on, by, asks).await?)
}

/// Takes a message back: it is not sent, and nobody is told.
pub async fn take_back(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
) -> Result<(), Refusal> {
    let hold = mine(site, caller, id).await?;
    let reason = Words::english().say("mine-taken-back");
    let desk = caller.desk(site);
    let (on, by) = (on(&hold, version), by(site, caller, &reason));
    Ok(desk.take_back(on, by).await?)
}

/// Sends the version with initials, if policy would deliver it.
pub async fn send_with_initials(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
) -> Result<(), Refusal> {
    let hold = mine(site, caller, id).await?;
    let made = with_initials(site, &hold).await?;
    let words = Words::english();
    if !passes(&made) {
        return Err(Refusal::Wrong(words.say("mine-still-held")));
    }
    let reason = words.say("mine-sent-initials");
    let desk = caller.desk(site);
    let (on, by) = (on(&hold, version), by(site, caller, &reason));
    Ok(desk.send_own(on, by, made.proposal.message.into()).await?)
}

fn own(caller: &Caller) -> Result<&Address, Refusal> {
    if !caller.access.may(Permission::OwnHolds) {
        return Err(Refusal::Denied);
    }
    caller.access.address().ok_or(Refusal::Denied)
}

/// The hold of this id or reference, if the caller sent it.
async fn mine(site: &Site, caller: &Caller, id: &str) -> Result<HoldDetails, Refusal> {
    own(caller)?;
    let id = site.store().find_hold(id).await?;
    let hold = site.store().open_hold(id).await?;
    if !caller.access.sent(&hold.summary) {
        return Err(Refusal::Missing);
    }
    Ok(hold)
}

fn line(hold: &HoldSummary, now: SystemTime) -> MineLine {
    let state = crate::quarantine::lifecycle::at(hold.state, hold.claim.as_ref(), now);
    let sealed = hold.sealed.as_ref();
    MineLine {
        reference: hold.id.reference().to_string(),
        state: match state {
            HoldState::Held | HoldState::Claimed | HoldState::Awaiting => "waiting",
            decided => decided.name(),
        }
        .to_owned(),
        received_at: machine_time(hold.received_at),
        subject: sealed.and_then(|sealed| sealed.subject.clone()),
        recipients: sealed.map_or_else(Vec::new, |sealed| sealed.rcpt_to.clone()),
        time: Some(hold.received_at),
    }
}

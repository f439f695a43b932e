//! Decisions on one hold: claims, release and refuse, a second person, what must be kept for a case, and whether it was right to stop it.
//!
//! # Invariants
//! Nobody decides on what they sent. Every act names the version that was seen. A release of health, SEN or safeguarding data needs words
//! beside its reason, and so does a reason that is none of the list. What will be sent can be asked for before it is, in
//! `hold_plan`.

use super::hold::found;
use super::hold_content::with_initials;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::console::words::Words;
use crate::detect::Category;
use crate::mail::Address;
use crate::quarantine::desk::{By, CLAIM, On, Outcome, Release, Tell, To, Version};
use crate::store::{HoldDetails, Judgement, VersionSent};
use bytes::Bytes;

/// Reasons of a release, in the order in which they are offered. Their words are `hold-release-NAME`.
pub const RELEASE_REASONS: [&str; 6] = [
    "entitled",
    "agreed",
    "checked",
    "urgent-care",
    "no-data",
    "other",
];

/// Reasons of a refusal. Their words are `hold-refuse-NAME`.
pub const REFUSE_REASONS: [&str; 6] = [
    "wrong-person",
    "too-much",
    "unprotected",
    "own-mailbox",
    "not-work",
    "other",
];

/// Why, and whether it was right to stop the message.
#[derive(Debug, Clone, Default)]
pub struct Why {
    /// The version of the hold that was seen.
    pub version: i64,
    /// One of the list.
    pub reason: String,
    /// In words.
    pub text: String,
    /// What the reviewer judges.
    pub judgement: Option<Judgement>,
}

/// Which text is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Form {
    /// As it is held.
    #[default]
    Held,
    /// With initials for pupils' names.
    Initials,
    /// Without these attachments.
    Without {
        /// Their numbers.
        numbers: Vec<usize>,
        /// Their names stay in the text that stands for them.
        keep_names: bool,
    },
}

/// What is to be sent, to whom.
#[derive(Debug, Clone, Default)]
pub struct ReleaseInput {
    /// Why.
    pub why: Why,
    /// Places of recipients; all of them when there is none.
    pub rcpts: Vec<usize>,
    /// Which text.
    pub form: Form,
    /// By the way that encrypts only.
    pub encrypt: bool,
}

/// Sends a message, or asks a second person for it.
pub async fn release(
    site: &Site,
    caller: &Caller,
    id: &str,
    input: &ReleaseInput,
) -> Result<Outcome, Refusal> {
    let hold = decidable(site, caller, id).await?;
    let reason = reason(&input.why, &RELEASE_REASONS, "release", is_special(&hold))?;
    encrypts(site, input)?;
    let chosen = chosen(&hold, &input.rcpts)?;
    let some: Vec<Address> = chosen
        .iter()
        .filter_map(|index| hold.envelope.rcpts.get(*index)?.address().cloned())
        .collect();
    let to = if chosen.len() == hold.envelope.rcpts.len() {
        To::All
    } else {
        To::Only(&some)
    };
    let version = match &input.form {
        Form::Held => Version::Held,
        Form::Initials => Version::Initials(initials(site, &hold).await?),
        Form::Without {
            numbers,
            keep_names,
        } => Version::Without {
            numbers,
            keep_names: *keep_names,
        },
    };
    let release = Release {
        to,
        version,
        encrypt: input.encrypt,
    };
    let on = on(&hold, input.why.version);
    let desk = caller.desk(site);
    let outcome = desk.release_or_ask(on, by(site, caller, &reason), &release);
    let outcome = outcome.await?;
    judged(site, caller, &hold, input.why.judgement).await?;
    Ok(outcome)
}

/// Refuses a message, and tells its sender or not.
pub async fn refuse(
    site: &Site,
    caller: &Caller,
    id: &str,
    why: &Why,
    tell: bool,
) -> Result<(), Refusal> {
    let hold = decidable(site, caller, id).await?;
    let reason = reason(why, &REFUSE_REASONS, "refuse", false)?;
    let tell = if tell { Tell::Sender } else { Tell::Nobody };
    let desk = caller.desk(site);
    let (on, by) = (on(&hold, why.version), by(site, caller, &reason));
    desk.refuse(on, by, tell).await?;
    judged(site, caller, &hold, why.judgement).await
}

/// Takes a hold for half an hour, from another if `take_over` says so.
pub async fn claim(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
    take_over: bool,
) -> Result<(), Refusal> {
    let hold = decidable(site, caller, id).await?;
    let (desk, on) = (caller.desk(site), on(&hold, version));
    desk.claim(on, caller.actor(), site.now(), (CLAIM, take_over))
        .await?;
    Ok(())
}

/// Gives a hold back.
pub async fn unclaim(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
) -> Result<(), Refusal> {
    let hold = decidable(site, caller, id).await?;
    let (desk, on) = (caller.desk(site), on(&hold, version));
    Ok(desk.unclaim(on, caller.actor(), site.now()).await?)
}

/// Approves the release that another asked for, which sends it.
pub async fn approve(site: &Site, caller: &Caller, id: &str, why: &Why) -> Result<(), Refusal> {
    let hold = decidable(site, caller, id).await?;
    let reason = reason(why, &RELEASE_REASONS, "release", is_special(&hold))?;
    let asked = hold.request.as_ref().map(|request| &request.sent);
    let made = match asked {
        Some(VersionSent::Initials) => Some(initials(site, &hold).await?),
        _ => None,
    };
    let desk = caller.desk(site);
    let (on, by) = (on(&hold, why.version), by(site, caller, &reason));
    desk.approve(on, by, made).await?;
    judged(site, caller, &hold, why.judgement).await
}

/// Says no to the release that was asked for: the hold waits again.
pub async fn decline(site: &Site, caller: &Caller, id: &str, why: &Why) -> Result<(), Refusal> {
    let hold = decidable(site, caller, id).await?;
    let text = needed(&why.text)?;
    let desk = caller.desk(site);
    let on = on(&hold, why.version);
    Ok(desk.decline(on, by(site, caller, text)).await?)
}

/// Takes back what the caller asked for.
pub async fn withdraw(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
) -> Result<(), Refusal> {
    let hold = decidable(site, caller, id).await?;
    let (desk, on) = (caller.desk(site), on(&hold, version));
    Ok(desk.withdraw(on, caller.actor(), site.now()).await?)
}

/// Has the content of a hold kept for a case, or no longer; the text is the case's reference.
pub async fn legal_hold(
    site: &Site,
    caller: &Caller,
    id: &str,
    (why, place): (&Why, bool),
) -> Result<(), Refusal> {
    let hold = found(site, caller, id, Permission::LegalHold).await?;
    not_own(caller, &hold)?;
    let text = needed(&why.text)?;
    let desk = caller.desk(site);
    let (on, by) = (on(&hold, why.version), by(site, caller, text));
    Ok(desk.legal_hold(on, by, place).await?)
}

/// Notes whether it was right to stop a message.
pub async fn judge(
    site: &Site,
    caller: &Caller,
    id: &str,
    judgement: Judgement,
) -> Result<(), Refusal> {
    let hold = decidable(site, caller, id).await?;
    judged(site, caller, &hold, Some(judgement)).await
}

async fn judged(
    site: &Site,
    caller: &Caller,
    hold: &HoldDetails,
    judgement: Option<Judgement>,
) -> Result<(), Refusal> {
    let Some(judgement) = judgement else {
        return Ok(());
    };
    let id = hold.summary.id;
    let (actor, now) = (caller.actor(), site.now());
    Ok(site.store().judge_hold(id, judgement, actor, now).await?)
}

/// The hold, if the caller may decide on it.
pub(super) async fn decidable(
    site: &Site,
    caller: &Caller,
    id: &str,
) -> Result<HoldDetails, Refusal> {
    let hold = found(site, caller, id, Permission::Decide).await?;
    not_own(caller, &hold)?;
    Ok(hold)
}

/// Nobody decides on what they sent.
fn not_own(caller: &Caller, hold: &HoldDetails) -> Result<(), Refusal> {
    if caller.access.sent(&hold.summary) {
        return Err(Refusal::Denied);
    }
    Ok(())
}

/// Health, SEN, safeguarding.
pub(super) fn is_special(hold: &HoldDetails) -> bool {
    hold.summary.categories.contains(&Category::Medical)
}

/// The reason as it is kept: the words of the one that was chosen, then those that were written.
pub(super) fn reason(
    why: &Why,
    known: &[&str],
    kind: &str,
    needs_text: bool,
) -> Result<String, Refusal> {
    let words = Words::english();
    let chosen = known.iter().find(|name| **name == why.reason);
    let chosen = chosen.ok_or_else(|| Refusal::Wrong(words.say("hold-choose-reason")))?;
    let text = why.text.trim();
    let said = text.chars().any(char::is_alphanumeric);
    if needs_text && !said {
        return Err(Refusal::Wrong(words.say("hold-special-text")));
    }
    if *chosen == "other" {
        return Ok(needed(&why.text)?.to_owned());
    }
    let chosen = words.say(&format!("hold-{kind}-{chosen}"));
    Ok(if said {
        format!("{chosen}: {text}")
    } else {
        chosen
    })
}

fn needed(text: &str) -> Result<&str, Refusal> {
    let text = text.trim();
    if text.chars().any(char::is_alphanumeric) {
        return Ok(text);
    }
    Err(Refusal::Wrong(Words::english().say("hold-text-needed")))
}

/// Places of the recipients that were chosen; all of them when none was named.
pub(super) fn chosen(hold: &HoldDetails, rcpts: &[usize]) -> Result<Vec<usize>, Refusal> {
    let all = hold.envelope.rcpts.len();
    if rcpts.is_empty() {
        return Ok((0..all).collect());
    }
    if rcpts.iter().any(|index| *index >= all) {
        return Err(Refusal::Wrong(
            Words::english().say("hold-choose-recipients"),
        ));
    }
    let mut chosen = rcpts.to_vec();
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

pub(super) fn encrypts(site: &Site, input: &ReleaseInput) -> Result<(), Refusal> {
    if input.encrypt && !site.pipeline().encrypts() {
        return Err(Refusal::Wrong(Words::english().say("hold-no-encryption")));
    }
    Ok(())
}

async fn initials(site: &Site, hold: &HoldDetails) -> Result<Bytes, Refusal> {
    Ok(with_initials(site, hold).await?.proposal.message.into())
}

pub(super) fn conflict(hold: &HoldDetails) -> Refusal {
    let summary = &hold.summary;
    let by = summary
        .decided_by
        .clone()
        .or_else(|| summary.acted_by.clone());
    Refusal::Desk(crate::quarantine::DeskError::Store(
        crate::store::StoreError::Conflict {
            state: summary.state,
            by,
        },
    ))
}

pub(super) fn on(hold: &HoldDetails, version: i64) -> On {
    On {
        id: hold.summary.id,
        version: Some(version),
    }
}

pub(super) fn by<'a>(site: &Site, caller: &'a Caller, reason: &'a str) -> By<'a> {
    By {
        actor: caller.actor(),
        reason,
        at: site.now(),
    }
}

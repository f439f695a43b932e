//! One decision on many holds of one kind.
//!
//! # Invariants
//! The holds have the same rules and the same state, and are at most [`AT_MOST`]. Each is decided by itself, on the version that was shown, with
//! its own entries in the ledger; one that fails leaves the others as they are. What two people release, what holds health, SEN or safeguarding
//! data and what is confidential is never released here.

use serde::Serialize;
use utoipa::ToSchema;

use super::hold::{found, state_now};
use super::hold_decide::{REFUSE_REASONS, RELEASE_REASONS, Why, by, is_special, on, reason};
use super::holds::{HoldLine, line};
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::console::words::Words;
use crate::quarantine::DeskError;
use crate::quarantine::desk::{Tell, To};
use crate::store::HoldDetails;

/// Holds decided together: more than that nobody has looked at.
pub const AT_MOST: usize = 200;

/// What is done with all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Together {
    /// Released as they are, to everybody they were for.
    Release,
    /// Refused, and their senders are told.
    RefuseAndTell,
    /// Refused, and nobody is told.
    Refuse,
}

impl Together {
    /// Its name in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::RefuseAndTell => "refuse-tell",
            Self::Refuse => "refuse",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::Release, Self::RefuseAndTell, Self::Refuse];
        all.into_iter().find(|one| one.name() == name)
    }
}

/// Holds to be decided together.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BulkPlan {
    /// All of them.
    pub holds: Vec<HoldLine>,
    /// None of them may be released together, and why: a key of words.
    pub no_release: Option<String>,
}

/// What became of one of them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BulkResult {
    /// Its id.
    pub id: String,
    /// What people call it by.
    pub reference: String,
    /// It was decided.
    pub done: bool,
    /// Why not.
    pub why: Option<String>,
}

/// Looks at holds that are to be decided together. Nothing is changed.
pub async fn plan(site: &Site, caller: &Caller, ids: &[String]) -> Result<BulkPlan, Refusal> {
    let holds = alike(site, caller, ids).await?;
    let now = site.now();
    let no_release = holds.iter().find_map(no_release);
    Ok(BulkPlan {
        no_release: no_release.map(str::to_owned),
        holds: holds
            .iter()
            .map(|hold| line(site, caller, &hold.summary, now))
            .collect(),
    })
}

/// Decides them, each on the version that was shown.
pub async fn decide(
    site: &Site,
    caller: &Caller,
    holds: &[(String, i64)],
    together: Together,
    why: &Why,
) -> Result<Vec<BulkResult>, Refusal> {
    let ids: Vec<String> = holds.iter().map(|(id, _)| id.clone()).collect();
    let reason = match together {
        Together::Release => reason(why, &RELEASE_REASONS, "release", false)?,
        _ => reason(why, &REFUSE_REASONS, "refuse", false)?,
    };
    allowed(caller, &ids)?;
    let mut results = Vec::with_capacity(holds.len());
    let mut rules = None;
    for (id, version) in holds {
        let at = (id.as_str(), *version);
        let done = one(site, caller, at, (together, &reason), &mut rules).await;
        let reference = id.parse::<crate::mail::QueueId>().map(|id| id.reference());
        results.push(BulkResult {
            reference: reference.map_or_else(|_| id.clone(), |reference| reference.to_string()),
            id: id.clone(),
            done: done.is_ok(),
            why: done.err().map(|refusal| refusal.to_string()),
        });
    }
    Ok(results)
}

async fn one(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
    (together, reason): (Together, &str),
    rules: &mut Option<Vec<String>>,
) -> Result<(), Refusal> {
    let hold = super::hold_decide::decidable(site, caller, id).await?;
    // The first that can be decided says what kind of holds these are.
    let first = rules.get_or_insert_with(|| hold.summary.rules.clone());
    if *first != hold.summary.rules {
        return Err(Refusal::Wrong(Words::english().say("bulk-unlike")));
    }
    let (desk, on) = (caller.desk(site), on(&hold, version));
    let by = by(site, caller, reason);
    match together {
        Together::Release => {
            if let Some(key) = no_release(&hold) {
                return Err(Refusal::Wrong(Words::english().say(key)));
            }
            desk.release(on, by, To::All).await?;
        }
        Together::RefuseAndTell => desk.refuse(on, by, Tell::Sender).await?,
        Together::Refuse => desk.refuse(on, by, Tell::Nobody).await?,
    }
    Ok(())
}

/// Why a hold is never released together with others: a key of words.
fn no_release(hold: &HoldDetails) -> Option<&'static str> {
    if hold.record.confidential {
        Some("bulk-confidential")
    } else if is_special(hold) {
        Some("bulk-special")
    } else if hold.needs_second_person() {
        Some("bulk-two-people")
    } else {
        None
    }
}

fn allowed(caller: &Caller, ids: &[String]) -> Result<(), Refusal> {
    let words = Words::english();
    if !caller.access.may(Permission::Decide) {
        return Err(Refusal::Denied);
    }
    if ids.is_empty() {
        return Err(Refusal::Wrong(words.say("bulk-none")));
    }
    if ids.len() > AT_MOST {
        return Err(Refusal::Wrong(words.say("bulk-many")));
    }
    Ok(())
}

async fn alike(site: &Site, caller: &Caller, ids: &[String]) -> Result<Vec<HoldDetails>, Refusal> {
    allowed(caller, ids)?;
    let words = Words::english();
    let now = site.now();
    let mut holds: Vec<HoldDetails> = Vec::with_capacity(ids.len());
    for id in ids {
        let hold = found(site, caller, id, Permission::Decide).await?;
        if caller.access.sent(&hold.summary) {
            return Err(Refusal::Wrong(words.say("bulk-own")));
        }
        if !state_now(&hold, now).is_waiting() {
            return Err(Refusal::Desk(DeskError::Forbidden(
                crate::quarantine::Forbidden::Decided(hold.summary.state),
            )));
        }
        if let Some(first) = holds.first() {
            let same = first.summary.rules == hold.summary.rules
                && state_now(first, now) == state_now(&hold, now);
            if !same {
                return Err(Refusal::Wrong(words.say("bulk-unlike")));
            }
        }
        if holds
            .iter()
            .all(|known| known.summary.id != hold.summary.id)
        {
            holds.push(hold);
        }
    }
    Ok(holds)
}

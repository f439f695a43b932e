//! The reviewer's desk: reading, claims, decisions by one person or two, and what must be kept for a case.
//!
//! # Invariants
//! A decision, the delivery or notice it causes, the release ticket and the ledger entries are one transaction. Every act names the version
//! of the hold that it was made on, so that of two reviewers one wins. A released message goes to the queue and from there straight to the
//! next hop: it is not judged again. Reading is recorded too. A release allows the very text that it sends to pass once more, to the same
//! recipients by the same way: of a version with initials or without attachments that version, while the original stays held.
//!
//! Which step may follow which is in `lifecycle.rs`; releases in `desk/release.rs`, second persons in `desk/second_person.rs`, what senders do in
//! `desk/sender.rs`.

mod release;
mod second_person;
mod sender;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::lifecycle::{self, Act, Forbidden, Standing, next};
use super::strip::{self, Attachment, NoStrip};
use crate::limits::{Budget, Limits};
use crate::mail::QueueId;
use crate::store::ledger::action;
use crate::store::{
    Custody, HoldAct, HoldDetails, HoldState, Past, Person, SamePerson, StoreError, What, same_name,
};

pub use release::{Outcome, Release, To, Version};
pub use sender::{LONGEST_WORD, MOST_WORDS};

/// How long a claim lasts unless it is said otherwise: time to read a long message and ask somebody by telephone.
pub const CLAIM: Duration = Duration::from_mins(30);

/// Longest claim: a day's work. A hold must not be out of reach because somebody is on holiday.
pub const LONGEST_CLAIM: Duration = Duration::from_hours(8);

/// Longest reason, in characters.
const LONGEST_REASON: usize = 4_000;

/// Why a decision was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// A decision needs a reason in words.
    #[error("a reason is needed")]
    NoReason,
    /// The reason is a document of its own.
    #[error("a reason has at most {LONGEST_REASON} characters")]
    LongReason,
    /// A decision needs a name.
    #[error("the name of whoever decides is needed")]
    NoActor,
    /// A release needs at least one of the message's own recipients, and only those.
    #[error("a release goes to recipients of the message, at least one of them")]
    Recipients,
    /// The message went to a confidential channel (a union, occupational health): nobody reads it.
    #[error("this message goes to a confidential channel: its content is not shown")]
    Confidential,
    /// A version with initials goes out for its own hold only.
    #[error("this version was made for another hold")]
    Foreign,
    /// The sender is to be told and cannot be: the null sender, or no notice could be written.
    #[error("the sender cannot be told")]
    Notice,
    /// The hold's state does not allow it.
    #[error("{0}")]
    Forbidden(Forbidden),
    /// Another reviewer has the hold.
    #[error("{by} has claimed it: take it over first, and they can see that you did")]
    Claimed {
        /// Who has it.
        by: String,
        /// Until when.
        until: SystemTime,
    },
    /// One person is not enough.
    #[error("this message is released by two people: ask a second one")]
    SecondPerson,
    /// Nobody approves what they asked for.
    #[error("{0}")]
    SamePerson(SamePerson),
    /// Only who asked takes it back.
    #[error("only {0}, who asked, takes the request back; anybody else declines it")]
    NotRequester(String),
    /// What was asked for is not what would be sent.
    #[error("the request is void: what it would send is not what was asked for; ask again")]
    Void,
    /// The version that was asked for must be made again, to be compared.
    #[error("the request is for a version with initials: make that version again to approve it")]
    NoVersion,
    /// There is no version without these attachments.
    #[error(transparent)]
    NoStrip(#[from] NoStrip),
    /// A sender said what there was to say.
    #[error("you have written {MOST_WORDS} times: the reviewer has your words")]
    ManyWords,
    /// The store said no; [`StoreError::Conflict`] when somebody decided first.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who decides, why, and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The name that goes into the ledger.
    pub actor: &'a str,
    /// The reason; kept sealed with the hold.
    pub reason: &'a str,
    /// The time of the decision.
    pub at: SystemTime,
}

/// The hold that is acted on.
#[derive(Debug, Clone, Copy)]
pub struct On {
    /// Its id.
    pub id: QueueId,
    /// The version that the reviewer saw; `None` takes the present one.
    pub version: Option<i64>,
}

impl From<QueueId> for On {
    fn from(id: QueueId) -> Self {
        Self { id, version: None }
    }
}

/// Whether the sender learns of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Nobody is told: the sender of an automatic forward is usually an outsider.
    Nobody,
    /// The envelope sender gets a notice.
    Sender,
}

/// What a notice to a sender is written from.
#[derive(Debug)]
pub struct NoticeRequest<'a> {
    /// The hold that was refused.
    pub hold: &'a HoldDetails,
    /// The reviewer's reason.
    pub reason: &'a str,
    /// The id the notice will have.
    pub id: QueueId,
}

/// Writes the notice to the sender of a refused message; `None` when it cannot.
pub type ComposeNotice = Arc<dyn Fn(&NoticeRequest<'_>) -> Option<Bytes> + Send + Sync>;

/// The desk.
#[derive(Clone)]
pub struct Desk {
    store: Custody,
    compose: ComposeNotice,
    login: Arc<str>,
    limits: Arc<Limits>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// A hold with where it stands now, a claim that lapsed being none.
struct Seen {
    hold: HoldDetails,
    before: HoldState,
    after: Standing,
}

impl Desk {
    /// A desk over this store, at which nobody is known to sit: nobody can be a second person there.
    pub fn new(store: Custody, compose: ComposeNotice) -> Self {
        Self {
            store,
            compose,
            login: Arc::from(""),
            limits: Arc::default(),
        }
    }

    /// The same desk with somebody at it, by what the machine or the sign-in knows them by.
    #[must_use]
    pub fn signed_in_as(mut self, login: &str) -> Self {
        self.login = Arc::from(login);
        self
    }

    /// The same desk, reading messages within these limits.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.limits = Arc::new(limits);
        self
    }

    /// Shows a hold; the ledger notes who looked before they see it. Of a confidential one neither subject nor findings are shown.
    pub async fn open(
        &self,
        id: QueueId,
        actor: &str,
        at: SystemTime,
    ) -> Result<HoldDetails, DeskError> {
        let mut hold = self.store.open_hold(id).await?;
        self.note(id, actor, action::OPENED, at).await?;
        if hold.record.confidential {
            hold.record.subject = None;
            hold.record.findings.clear();
        }
        Ok(hold)
    }

    /// Shows the message itself; the ledger notes who read it before they do.
    pub async fn read(&self, id: QueueId, actor: &str, at: SystemTime) -> Result<Bytes, DeskError> {
        self.read_as(id, actor, action::READ, at).await
    }

    /// As [`read`](Self::read), for what the ledger calls otherwise: [`action::UNMASKED`] or [`action::SAVED`].
    pub async fn read_as(
        &self,
        id: QueueId,
        actor: &str,
        action: &str,
        at: SystemTime,
    ) -> Result<Bytes, DeskError> {
        if self.store.open_hold(id).await?.record.confidential {
            return Err(DeskError::Confidential);
        }
        let message = self.store.open_message(id).await?;
        self.note(id, actor, action, at).await?;
        Ok(message)
    }

    /// The attachments of a held message, for [`Version::Without`]. Like a list of findings it tells names of files, and is no reading.
    pub async fn attachments(&self, id: QueueId) -> Result<Vec<Attachment>, DeskError> {
        if self.store.open_hold(id).await?.record.confidential {
            return Err(DeskError::Confidential);
        }
        let message = self.store.open_message(id).await?;
        let budget = Budget::new(Arc::clone(&self.limits));
        off_the_threads(move || strip::attachments(&message, &budget)).await
    }

    /// What happened to a hold, oldest first.
    pub async fn history(&self, id: QueueId) -> Result<Vec<Past>, DeskError> {
        Ok(self.store.history(id).await?)
    }

    async fn note(
        &self,
        id: QueueId,
        actor: &str,
        action: &str,
        at: SystemTime,
    ) -> Result<(), DeskError> {
        let actor = named(actor)?;
        let detail = serde_json::json!({});
        Ok(self
            .store
            .note(actor, action, Some(id), &detail, at)
            .await?)
    }

    /// Takes a hold for a time, so that two reviewers do not work on one; whoever has it may take it for longer. What somebody else has is
    /// taken from them only with `take_over`. Gives the end of the claim.
    pub async fn claim(
        &self,
        on: impl Into<On>,
        actor: &str,
        at: SystemTime,
        (time, take_over): (Duration, bool),
    ) -> Result<SystemTime, DeskError> {
        let actor = named(actor)?;
        let on = on.into();
        let (hold, state) = self.present(on, at).await?;
        let holder = hold.summary.claim.as_ref().map(|claim| claim.by.as_str());
        let another = state == HoldState::Claimed && !holder.is_some_and(|by| same_name(by, actor));
        let act = if state == HoldState::Claimed && (take_over || !another) {
            Act::TakeOver
        } else {
            Act::Claim
        };
        if another && !take_over {
            return Err(claimed(&hold));
        }
        let seen = seen(hold, state, act)?;
        let until = at + time.min(LONGEST_CLAIM);
        let what = What::Claim {
            until,
            taken_over: another,
        };
        self.act(&seen, actor, at, what).await?;
        Ok(until)
    }

    /// Gives a hold back to whoever takes it next.
    pub async fn unclaim(
        &self,
        on: impl Into<On>,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), DeskError> {
        let actor = named(actor)?;
        let seen = self.stands(on.into(), Act::Unclaim, actor, at).await?;
        self.act(&seen, actor, at, What::Unclaim).await
    }

    /// Has the content of a hold kept beyond its retention, or no longer; the reason is the reference of a case.
    pub async fn legal_hold(
        &self,
        on: impl Into<On>,
        by: By<'_>,
        place: bool,
    ) -> Result<(), DeskError> {
        by.check()?;
        let reason = by.reason.trim().to_owned();
        let (act, what) = if place {
            (Act::PlaceLegalHold, What::PlaceLegalHold(reason))
        } else {
            (Act::LiftLegalHold, What::LiftLegalHold(reason))
        };
        let seen = self.stands(on.into(), act, by.actor, by.at).await?;
        self.act(&seen, by.actor.trim(), by.at, what).await
    }

    /// The hold as it is now, if it is the version that was seen.
    async fn present(&self, on: On, at: SystemTime) -> Result<(HoldDetails, HoldState), DeskError> {
        let hold = self.store.open_hold(on.id).await?;
        let summary = &hold.summary;
        if on.version.is_some_and(|seen| seen != summary.version) {
            return Err(conflict(&hold));
        }
        let state = lifecycle::at(summary.state, summary.claim.as_ref(), at);
        Ok((hold, state))
    }

    /// The hold, if the act is open to it and to this person.
    async fn stands(
        &self,
        on: On,
        act: Act,
        actor: &str,
        at: SystemTime,
    ) -> Result<Seen, DeskError> {
        let (hold, state) = self.present(on, at).await?;
        let seen = seen(hold, state, act)?;
        let theirs = matches!(act, Act::Unclaim | Act::Ask | Act::Release | Act::Refuse);
        let claim = seen.hold.summary.claim.as_ref();
        let another = claim.is_some_and(|claim| !same_name(&claim.by, actor));
        if theirs && seen.before == HoldState::Claimed && another {
            return Err(claimed(&seen.hold));
        }
        Ok(seen)
    }

    async fn act(
        &self,
        seen: &Seen,
        actor: &str,
        at: SystemTime,
        what: What,
    ) -> Result<(), DeskError> {
        let act = HoldAct {
            id: seen.hold.summary.id,
            version: seen.hold.summary.version,
            to: seen.after.state,
            actor: actor.trim().to_owned(),
            at,
            what,
        };
        Ok(self.store.act(act).await?)
    }

    fn person<'a>(&'a self, actor: &'a str) -> Person<'a> {
        Person {
            actor,
            login: &self.login,
        }
    }
}

impl By<'_> {
    fn check(&self) -> Result<(), DeskError> {
        named(self.actor)?;
        // Letters or digits: dots and dashes are not a reason.
        if !self.reason.chars().any(char::is_alphanumeric) {
            return Err(DeskError::NoReason);
        }
        if self.reason.chars().nth(LONGEST_REASON).is_some() {
            return Err(DeskError::LongReason);
        }
        Ok(())
    }
}

fn named(actor: &str) -> Result<&str, DeskError> {
    let actor = actor.trim();
    if actor.is_empty() {
        return Err(DeskError::NoActor);
    }
    Ok(actor)
}

/// What an act makes of a hold; a hold that is decided is a conflict, and says by whom.
fn seen(hold: HoldDetails, before: HoldState, act: Act) -> Result<Seen, DeskError> {
    let from = Standing {
        state: before,
        legal_hold: hold.summary.legal_hold,
    };
    match next(from, act) {
        Ok(after) => Ok(Seen {
            hold,
            before,
            after,
        }),
        Err(Forbidden::Decided(_) | Forbidden::Gone(_)) => Err(conflict(&hold)),
        Err(forbidden) => Err(DeskError::Forbidden(forbidden)),
    }
}

fn conflict(hold: &HoldDetails) -> DeskError {
    let summary = &hold.summary;
    let by = summary
        .decided_by
        .clone()
        .or_else(|| summary.acted_by.clone());
    DeskError::Store(StoreError::Conflict {
        state: summary.state,
        by,
    })
}

fn claimed(hold: &HoldDetails) -> DeskError {
    match &hold.summary.claim {
        Some(claim) => DeskError::Claimed {
            by: claim.by.clone(),
            until: claim.until,
        },
        None => DeskError::Forbidden(Forbidden::Claimed),
    }
}

/// Work on a whole message, off the asynchronous threads.
async fn off_the_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DeskError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| DeskError::Store(StoreError::Unavailable("a blocking task ended".to_owned())))
}

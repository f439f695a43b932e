//! The reviewer's desk: release and refuse, with a reason, once.
//!
//! # Invariants
//! A decision, the delivery or notice it causes, the release ticket and the ledger entry are one transaction. A released
//! message goes to the queue and from there straight to the next hop: it is not judged again. Reading is recorded too. A version
//! with initials goes out only for the hold that it was made for, and allows no later message to pass: the original stays held.
//!
//! # Known gaps
//! No claims, no second person, no release to fewer parts of the message: a hold is decided by one reviewer as it is, or with initials.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::initials;
use super::lifecycle::{Act, next};
use crate::mail::{Address, Envelope, QueueId};
use crate::store::{
    Body, Custody, Decision, DeliveryKind, HoldDetails, NewDelivery, StoreError, Ticket,
    VersionSent,
};

/// Why a decision was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// A decision needs a reason in words.
    #[error("a reason is needed")]
    NoReason,
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

/// To whom a message is released.
#[derive(Debug, Clone, Copy)]
pub enum To<'a> {
    /// To all it was for.
    All,
    /// To these of them.
    Only(&'a [Address]),
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

/// What a decision sets off.
#[derive(Debug, Default)]
struct Causes {
    delivery: Option<NewDelivery>,
    ticket: Option<Ticket>,
    version_sent: VersionSent,
}

/// Writes the notice to the sender of a refused message; `None` when it cannot.
pub type ComposeNotice = Arc<dyn Fn(&NoticeRequest<'_>) -> Option<Bytes> + Send + Sync>;

/// The desk.
#[derive(Clone)]
pub struct Desk {
    store: Custody,
    compose: ComposeNotice,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk over this store.
    pub fn new(store: Custody, compose: ComposeNotice) -> Self {
        Self { store, compose }
    }

    /// Shows a hold; the ledger notes who looked before they see it. Of a confidential one neither subject nor findings are shown.
    pub async fn open(
        &self,
        id: QueueId,
        actor: &str,
        at: SystemTime,
    ) -> Result<HoldDetails, DeskError> {
        let mut hold = self.store.open_hold(id).await?;
        self.note(id, actor, "opened", at).await?;
        if hold.record.confidential {
            hold.record.subject = None;
            hold.record.findings.clear();
        }
        Ok(hold)
    }

    /// Shows the message itself; the ledger notes who read it before they do.
    pub async fn read(&self, id: QueueId, actor: &str, at: SystemTime) -> Result<Bytes, DeskError> {
        if self.store.open_hold(id).await?.record.confidential {
            return Err(DeskError::Confidential);
        }
        let message = self.store.open_message(id).await?;
        self.note(id, actor, "read", at).await?;
        Ok(message)
    }

    async fn note(
        &self,
        id: QueueId,
        actor: &str,
        action: &str,
        at: SystemTime,
    ) -> Result<(), DeskError> {
        let actor = actor.trim();
        if actor.is_empty() {
            return Err(DeskError::NoActor);
        }
        let detail = serde_json::json!({});
        Ok(self
            .store
            .note(actor, action, Some(id), &detail, at)
            .await?)
    }

    /// Lets a message go, to all its recipients or some. For the store's ticket time the same message with the same
    /// findings passes to the same recipients.
    pub async fn release(&self, id: QueueId, by: By<'_>, to: To<'_>) -> Result<(), DeskError> {
        by.check()?;
        let hold = self.undecided(id, Act::Release).await?;
        let rcpts = chosen(&hold.envelope, to)?;
        let delivery = release_of(&hold, &rcpts, by, Body::Hold(id));
        let ticket = Ticket {
            rcpts,
            expires_at: by.at + self.store.config().ticket,
        };
        let causes = Causes {
            delivery: Some(delivery),
            ticket: Some(ticket),
            version_sent: VersionSent::Held,
        };
        self.decide(&hold, Act::Release, by, causes).await
    }

    /// Lets a message go with initials for its pupils' names: `message` is what [`super::initials::propose`] made of this hold.
    pub async fn release_initials(
        &self,
        id: QueueId,
        by: By<'_>,
        to: To<'_>,
        message: Bytes,
    ) -> Result<(), DeskError> {
        by.check()?;
        if !initials::is_made_for(&message, id) {
            return Err(DeskError::Foreign);
        }
        let hold = self.undecided(id, Act::Release).await?;
        let rcpts = chosen(&hold.envelope, to)?;
        let causes = Causes {
            delivery: Some(release_of(&hold, &rcpts, by, Body::Message(message))),
            ticket: None,
            version_sent: VersionSent::Initials,
        };
        self.decide(&hold, Act::Release, by, causes).await
    }

    /// Refuses a message for good.
    pub async fn refuse(&self, id: QueueId, by: By<'_>, tell: Tell) -> Result<(), DeskError> {
        by.check()?;
        let hold = self.undecided(id, Act::Refuse).await?;
        let notice = match tell {
            Tell::Nobody => None,
            Tell::Sender => Some(self.notice(&hold, by)?),
        };
        let causes = Causes {
            delivery: notice,
            ..Causes::default()
        };
        self.decide(&hold, Act::Refuse, by, causes).await
    }

    /// The hold, if the act is open to it.
    async fn undecided(&self, id: QueueId, act: Act) -> Result<HoldDetails, DeskError> {
        match self.store.open_hold(id).await {
            Ok(hold) if next(hold.summary.state, act).is_ok() => Ok(hold),
            Ok(hold) => Err(DeskError::Store(StoreError::Conflict {
                state: hold.summary.state,
                by: hold.summary.decided_by,
            })),
            Err(error) => Err(error.into()),
        }
    }

    async fn decide(
        &self,
        hold: &HoldDetails,
        act: Act,
        by: By<'_>,
        causes: Causes,
    ) -> Result<(), DeskError> {
        let to = next(hold.summary.state, act).map_err(|forbidden| {
            DeskError::Store(StoreError::Conflict {
                state: forbidden.0,
                by: hold.summary.decided_by.clone(),
            })
        })?;
        let decision = Decision {
            id: hold.summary.id,
            version: hold.summary.version,
            to,
            actor: by.actor.trim().to_owned(),
            reason: by.reason.trim().to_owned(),
            at: by.at,
            delivery: causes.delivery,
            ticket: causes.ticket,
            version_sent: causes.version_sent,
        };
        Ok(self.store.decide(decision).await?)
    }

    fn notice(&self, hold: &HoldDetails, by: By<'_>) -> Result<NewDelivery, DeskError> {
        let sender = hold
            .envelope
            .mail_from
            .address()
            .cloned()
            .ok_or(DeskError::Notice)?;
        let id = Custody::new_id()?;
        let message = (self.compose)(&NoticeRequest {
            hold,
            reason: by.reason.trim(),
            id,
        })
        .ok_or(DeskError::Notice)?;
        Ok(NewDelivery {
            id,
            kind: DeliveryKind::Notice,
            // The null sender: a notice must never cause a return (RFC 5321 4.5.5, RFC 3834 4).
            envelope: Envelope::of(None, [sender]),
            body: Body::Message(message),
            prefix: String::new(),
            xforward: None,
            encrypt: false,
            created_at: by.at,
            not_before: by.at,
        })
    }
}

impl By<'_> {
    fn check(&self) -> Result<(), DeskError> {
        if self.actor.trim().is_empty() {
            return Err(DeskError::NoActor);
        }
        // Letters or digits: dots and dashes are not a reason.
        if !self.reason.chars().any(char::is_alphanumeric) {
            return Err(DeskError::NoReason);
        }
        Ok(())
    }
}

/// The delivery of a release to these recipients.
fn release_of(hold: &HoldDetails, rcpts: &[usize], by: By<'_>, body: Body) -> NewDelivery {
    let chosen = rcpts
        .iter()
        .filter_map(|index| hold.envelope.rcpts.get(*index).cloned());
    NewDelivery {
        id: hold.summary.id,
        kind: DeliveryKind::Release,
        envelope: Envelope {
            rcpts: chosen.collect(),
            ..hold.envelope.clone()
        },
        body,
        prefix: String::new(),
        xforward: None,
        encrypt: false,
        created_at: by.at,
        not_before: by.at,
    }
}

/// Indexes of the recipients a release is for, in the envelope's order.
fn chosen(envelope: &Envelope, to: To<'_>) -> Result<Vec<usize>, DeskError> {
    let To::Only(wanted) = to else {
        return Ok((0..envelope.rcpts.len()).collect());
    };
    let wanted: Vec<String> = wanted.iter().map(Address::key).collect();
    let keys: Vec<Option<String>> = envelope
        .rcpts
        .iter()
        .map(|rcpt| rcpt.address().map(Address::key))
        .collect();
    let all_theirs = wanted
        .iter()
        .all(|wanted| keys.iter().flatten().any(|key| key == wanted));
    let rcpts: Vec<usize> = (0..keys.len())
        .filter(|index| {
            keys[*index]
                .as_ref()
                .is_some_and(|key| wanted.contains(key))
        })
        .collect();
    if rcpts.is_empty() || !all_theirs {
        return Err(DeskError::Recipients);
    }
    Ok(rcpts)
}

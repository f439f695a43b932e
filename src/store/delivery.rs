//! What the durable queue holds: deliveries of released mail, spooled mail, notices and returns.
//!
//! # Invariants
//! A delivery is worked on only under a lease whose fence is current; every step names it, and a step under a lease
//! that somebody else took over fails with [`StoreError::LeaseLost`](super::StoreError::LeaseLost).

use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::wire::StoredEnvelope;
use crate::mail::{Envelope, QueueId};

/// Why a message is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryKind {
    /// A reviewer released it.
    Release,
    /// It passed on a listener that spools.
    Spool,
    /// Beadle tells a person something.
    Notice,
    /// A delivery status notification.
    Dsn,
}

impl DeliveryKind {
    /// The name used in the database and in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Spool => "spool",
            Self::Notice => "notice",
            Self::Dsn => "dsn",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Release, Self::Spool, Self::Notice, Self::Dsn]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// The message of a delivery.
#[derive(Debug, Clone)]
pub enum Body {
    /// These bytes, to be sealed and stored.
    Message(Bytes),
    /// The message of this hold, as it is stored.
    Hold(QueueId),
}

/// A message to put into the queue.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its id in logs; the hold's own id for a release.
    pub id: QueueId,
    /// Why it is sent.
    pub kind: DeliveryKind,
    /// Sender and recipients.
    pub envelope: Envelope,
    /// The message.
    pub body: Body,
    /// Header lines to prepend on delivery, each ending in CRLF.
    pub prefix: String,
    /// XFORWARD attributes to hand on.
    pub xforward: Option<String>,
    /// Only a next hop that encrypts may have it.
    pub encrypt: bool,
    /// When it became ours: retries and their end count from here.
    pub created_at: SystemTime,
    /// Not to be tried before.
    pub not_before: SystemTime,
}

/// A next hop's answer, as it is kept. (Replies belong to a floor that the store does not see.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The code.
    pub code: u16,
    /// The enhanced code.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The lines of text.
    pub lines: Vec<String>,
}

/// How far a delivery is for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientState {
    /// Not delivered yet; the last answer, if there was one.
    Pending(Option<Answer>),
    /// The next hop took it.
    Delivered,
    /// The next hop refused it for good, or time ran out.
    Failed(Answer),
}

impl RecipientState {
    /// Whether there is still something to do.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Pending(_))
    }
}

/// A delivery in the hands of a worker.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The delivery's id.
    pub id: QueueId,
    /// Which lease this is: each one has a higher number than the last.
    pub fence: i64,
    /// Why it is sent.
    pub kind: DeliveryKind,
    /// When it became ours.
    pub created_at: SystemTime,
    /// When its retries began: then, or when somebody began them anew.
    pub window_at: SystemTime,
    /// How many attempts were begun before this one.
    pub attempts: u32,
    /// The sender was told of a delay.
    pub delay_noticed: bool,
    /// How many attempts ended without our learning whether the next hop took the message.
    pub possible_duplicates: u32,
    /// Sender and recipients.
    pub envelope: Envelope,
    /// How far it is for each recipient, in the envelope's order.
    pub recipients: Vec<RecipientState>,
    /// Header lines to prepend.
    pub prefix: String,
    /// XFORWARD attributes to hand on.
    pub xforward: Option<String>,
    /// Only a next hop that encrypts may have it.
    pub encrypt: bool,
}

/// What happens to a delivery next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing is left to do; some recipients may have failed.
    Finished,
    /// It is tried again then.
    Retry(SystemTime),
}

/// The outcome of an attempt, to be recorded.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// How far it is now for each recipient.
    pub recipients: Vec<RecipientState>,
    /// What happens next.
    pub next: Next,
    /// The sender has now been told of a delay.
    pub delay_noticed: bool,
    /// The connection was lost between the last byte and the answer.
    pub unknown: bool,
    /// If it ends here with failures, it is kept as a dead letter: nobody has been told who would send it again.
    pub keep_dead: bool,
}

/// Where a delivery is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueState {
    /// It waits for its time or is worked on.
    Waiting,
    /// It ended without reaching everybody, and is kept for an operator.
    Dead,
    /// It is finished; its content is gone from the queue.
    Finished,
}

impl QueueState {
    /// The name used on the command line and in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
            Self::Finished => "finished",
        }
    }
}

/// A line of a list of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySummary {
    /// Its id.
    pub id: QueueId,
    /// Why it is sent.
    pub kind: DeliveryKind,
    /// Where it is in its life.
    pub state: QueueState,
    /// When it became ours.
    pub created_at: SystemTime,
    /// When it is tried next; `None` when it is not.
    pub due_at: Option<SystemTime>,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
    /// Attempts begun.
    pub attempts: u32,
    /// Recipients it ended for without being delivered.
    pub failed: u32,
    /// Attempts whose outcome is not known.
    pub possible_duplicates: u32,
    /// Who works on it, and until when that is promised.
    pub leased: Option<(String, SystemTime)>,
}

/// Everything about a delivery but its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryDetails {
    /// As in the list.
    pub summary: DeliverySummary,
    /// Sender and recipients; `None` once it is finished.
    pub envelope: Option<Envelope>,
    /// How far it is for each recipient, in the envelope's order.
    pub recipients: Vec<RecipientState>,
    /// Only a next hop that encrypts may have it.
    pub encrypt: bool,
}

/// The sealed progress column.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredProgress {
    pub(crate) envelope: StoredEnvelope,
    pub(crate) recipients: Vec<RecipientState>,
    pub(crate) prefix: String,
    pub(crate) xforward: Option<String>,
    #[serde(default)]
    pub(crate) encrypt: bool,
}

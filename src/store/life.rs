//! What is kept of a hold's life between its arrival and its end: who has it, what was asked for, why it must be kept, and what was said.
//!
//! # Invariants
//! A request names all that its approval will do: the text by its SHA-256, the recipients, the way. It is good for one version of its hold
//! and void for any other. Reasons, cases and requests are sealed with the hold and go with its content; in the ledger stand hashes of them.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::clock::{micros, time};
use super::hold::HoldState;
use super::ledger::{Entry, action};
use crate::mail::QueueId;

/// Reasons kept of one hold; of more the oldest go.
pub(super) const TOLD: usize = 200;

/// A reviewer's claim on a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldClaim {
    /// Who has it.
    pub by: String,
    /// Until when.
    pub until: SystemTime,
}

/// Which text of a held message a release sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionSent {
    /// The message as it is held.
    #[default]
    Held,
    /// The message with pupils' names turned into initials.
    Initials,
    /// The message without some of its attachments.
    Without {
        /// Their numbers, as `quarantine::strip` counts them.
        numbers: Vec<usize>,
        /// Their names stay in the text that stands in their place.
        keep_names: bool,
    },
}

impl VersionSent {
    /// The name used in the ledger and in output.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Initials => "initials",
            Self::Without { .. } => "without-attachments",
        }
    }

    /// How many attachments it leaves out.
    pub fn left_out(&self) -> usize {
        match self {
            Self::Held | Self::Initials => 0,
            Self::Without { numbers, .. } => numbers.len(),
        }
    }
}

/// A release that a second person is asked to approve: all that the approval will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub by: String,
    /// What the machine knows them by; empty when it does not.
    pub login: String,
    /// When.
    #[serde(with = "stamp")]
    pub at: SystemTime,
    /// Why.
    pub reason: String,
    /// The version of the hold that it is good for.
    pub version: i64,
    /// Indexes into the hold's recipients.
    pub rcpts: Vec<usize>,
    /// Only a next hop that encrypts may have it.
    pub encrypt: bool,
    /// Which text is sent.
    pub sent: VersionSent,
    /// The SHA-256 of that text.
    pub sha256: [u8; 32],
}

/// Why the content of a hold must be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalHold {
    /// Who said so.
    pub by: String,
    /// When.
    #[serde(with = "stamp")]
    pub at: SystemTime,
    /// Why: the reference of a case.
    pub reason: String,
}

/// A reason that somebody gave for an act on a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The act, as the ledger names it.
    pub action: String,
    /// Who.
    pub by: String,
    /// When, to the microsecond: the time of the ledger's entry.
    #[serde(with = "stamp")]
    pub at: SystemTime,
    /// Why.
    pub reason: String,
    /// What the ledger's hash of the reason was made with: gone with the hold, and then the hash tells nothing.
    #[serde(default)]
    pub salt: Option<[u8; 16]>,
}

/// An entry of the ledger about a hold, with the reason that was given, while that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The entry.
    pub entry: Entry,
    /// The reason.
    pub reason: Option<String>,
}

/// An act on a hold that does not decide it.
#[derive(Debug, Clone)]
pub struct HoldAct {
    /// The hold.
    pub id: QueueId,
    /// The version it was made on.
    pub version: i64,
    /// The state after.
    pub to: HoldState,
    /// Who.
    pub actor: String,
    /// When.
    pub at: SystemTime,
    /// What happens.
    pub what: What,
}

/// What happens to a hold that is not decided by it.
#[derive(Debug, Clone)]
pub enum What {
    /// The actor has it until then.
    Claim {
        /// When the claim ends.
        until: SystemTime,
        /// Somebody else had it.
        taken_over: bool,
    },
    /// Nobody has it.
    Unclaim,
    /// A second person is asked. [`Request::version`] is set when it is kept.
    Ask(Box<Request>),
    /// The request is declined, for this reason.
    Decline(String),
    /// The request is taken back.
    Withdraw,
    /// Its content must be kept, for this reason.
    PlaceLegalHold(String),
    /// It need not be kept any longer, for this reason.
    LiftLegalHold(String),
    /// Its sender says something to the reviewer.
    Justify {
        /// What.
        text: String,
        /// They ask for its release.
        asks: bool,
    },
}

/// What a sender said to the reviewer, as a list of holds tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderWord {
    /// When they last did.
    pub at: SystemTime,
    /// They asked for its release.
    pub asks: bool,
    /// How often they said something.
    pub times: usize,
}

impl SenderWord {
    /// What these reasons say of it.
    pub(super) fn of(told: &[Told]) -> Option<Self> {
        let words = || told.iter().filter(|told| told.is_of_the_sender());
        let last = words().next_back()?;
        Some(Self {
            at: last.at,
            asks: words().any(|told| told.action == action::RELEASE_WANTED),
            times: words().count(),
        })
    }
}

impl Told {
    /// Whether it is a word of the sender rather than a reviewer's reason.
    pub fn is_of_the_sender(&self) -> bool {
        [action::JUSTIFIED, action::RELEASE_WANTED].contains(&self.action.as_str())
    }
}

impl What {
    /// The name of the act in the ledger.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Claim { .. } => "claimed",
            Self::Unclaim => "unclaimed",
            Self::Ask(_) => "requested",
            Self::Decline(_) => "declined",
            Self::Withdraw => "withdrawn",
            Self::PlaceLegalHold(_) => "legal-hold",
            Self::LiftLegalHold(_) => "legal-hold-lifted",
            Self::Justify { asks: false, .. } => action::JUSTIFIED,
            Self::Justify { asks: true, .. } => action::RELEASE_WANTED,
        }
    }

    /// The reason that was given.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Claim { .. } | Self::Unclaim | Self::Withdraw => None,
            Self::Ask(request) => Some(&request.reason),
            Self::Decline(reason) | Self::PlaceLegalHold(reason) | Self::LiftLegalHold(reason) => {
                Some(reason)
            }
            Self::Justify { text, .. } => Some(text),
        }
    }
}

/// Times as microseconds since 1970.
mod stamp {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{micros, time};

    pub(super) fn serialize<S: Serializer>(at: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(micros(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        Ok(time(i64::deserialize(from)?))
    }
}

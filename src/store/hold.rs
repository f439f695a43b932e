//! What is kept of a held message, and what is shown of it.
//!
//! # Invariants
//! Subject, addresses, file names, explanations and masked evidence leave this module only into sealed columns; rule ids,
//! categories, times and sizes are kept in clear for lists and reports.

use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::judgement::Judgement;
use super::life::{HoldClaim, LegalHold, Request, SenderWord, Told, VersionSent};
use super::wire::StoredEnvelope;
use crate::detect::{Category, Confidence};
use crate::mail::{Envelope, QueueId};
use crate::policy::{Action, Severity};

/// Where a hold is in its life. `quarantine::lifecycle` says which steps are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HoldState {
    /// Waiting for a reviewer.
    Held,
    /// A reviewer has it, until a time.
    Claimed,
    /// A release was asked for, and waits for a second person.
    Awaiting,
    /// A reviewer let it go; the queue delivers it.
    Released,
    /// A reviewer refused it.
    Refused,
    /// Nobody decided within the retention; its content is gone.
    Expired,
    /// It was decided, and its content is gone.
    Purged,
}

impl HoldState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Held,
        Self::Claimed,
        Self::Awaiting,
        Self::Released,
        Self::Refused,
        Self::Expired,
        Self::Purged,
    ];

    /// The name used in the database, on the command line and in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Claimed => "claimed",
            Self::Awaiting => "awaiting",
            Self::Released => "released",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Purged => "purged",
        }
    }

    /// Whether nobody has decided it and its content is there.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Held | Self::Claimed | Self::Awaiting)
    }

    /// The state of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for HoldState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rule that fired on a held message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// The rule's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where the trust's policy says so.
    pub clause: Option<String>,
    /// What it asked for.
    pub action: Action,
    /// Why it fired, in plain words.
    pub because: String,
    /// How grave.
    #[serde(default)]
    pub severity: Severity,
    /// The hold must not wait.
    #[serde(default)]
    pub urgent: bool,
    /// Two people release it: the rule says so, or the policy says so of rules as grave as this. Settled when the message is held.
    #[serde(default)]
    pub four_eyes: bool,
}

/// A finding as a reviewer sees it in a list: masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// What kind of data.
    pub category: Category,
    /// The detector's id.
    pub detector: String,
    /// How sure.
    pub confidence: Confidence,
    /// Where, in the words of the outside contract.
    pub location: String,
    /// The evidence, masked.
    pub masked: String,
}

/// What judging said of a held message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// The decoded subject.
    pub subject: Option<String>,
    /// The rules that fired, strictest first.
    pub rules: Vec<RuleRecord>,
    /// The findings.
    pub findings: Vec<FindingRecord>,
    /// How many different people the findings are about.
    pub people: usize,
    /// The explanation as `explain` prints it, masked.
    pub explanation: String,
    /// The keys of the values that were found (`ValueKey`): what a release allows.
    pub values: Vec<u128>,
    /// Nobody reads the content: it went to a confidential channel.
    #[serde(default)]
    pub confidential: bool,
}

/// Who handed a held message over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldClient {
    /// Its address.
    pub ip: IpAddr,
    /// What it called itself.
    pub helo: String,
}

/// A message to hold.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// Its id.
    pub id: QueueId,
    /// Sender and recipients.
    pub envelope: Envelope,
    /// Who handed it over.
    pub client: HoldClient,
    /// When its last byte arrived.
    pub received_at: SystemTime,
    /// The message, byte for byte, with any header lines that were prepended.
    pub message: Bytes,
    /// What judging said.
    pub record: HoldRecord,
    /// Where it comes from, for reports.
    pub origin: Origin,
}

/// Where a message comes from, in clear and without a name: what reports count by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The id of the sender's school.
    pub school: Option<String>,
    /// The id of the group that the sender belongs to.
    pub group: Option<String>,
    /// What [`Custody::sender_token`](super::Custody::sender_token) makes of the sender's address.
    pub sender: Option<i64>,
}

/// A line of a list of holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldSummary {
    /// Its id.
    pub id: QueueId,
    /// Where it is in its life. A claim may have lapsed since: `quarantine::lifecycle::at` tells.
    pub state: HoldState,
    /// Who has it, while it is claimed.
    pub claim: Option<HoldClaim>,
    /// Its content must be kept for a case.
    pub legal_hold: bool,
    /// Who acted last, while its content is there.
    pub acted_by: Option<String>,
    /// Counts its changes; an act names the version it was made on.
    pub version: i64,
    /// When its last byte arrived.
    pub received_at: SystemTime,
    /// The size of the message in bytes.
    pub size: u64,
    /// Ids of the rules that fired.
    pub rules: Vec<String>,
    /// Categories of the findings.
    pub categories: Vec<Category>,
    /// When it was decided.
    pub decided_at: Option<SystemTime>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// The id of the sender's school.
    pub school: Option<String>,
    /// What a reviewer judges of it.
    pub judgement: Option<Judgement>,
    /// What its sender said to the reviewer, while its content is there.
    pub word: Option<SenderWord>,
    /// What is sealed; `None` once the content is gone.
    pub sealed: Option<SealedSummary>,
}

/// The personal part of a line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSummary {
    /// The sender's address, empty for the null sender.
    pub mail_from: String,
    /// The recipients' addresses.
    pub rcpt_to: Vec<String>,
    /// The subject; none of a confidential hold, which nobody reads.
    pub subject: Option<String>,
}

/// Everything about one hold except the message itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldDetails {
    /// As in the list.
    pub summary: HoldSummary,
    /// Sender and recipients as they were given.
    pub envelope: Envelope,
    /// Who handed it over.
    pub client: HoldClient,
    /// What judging said.
    pub record: HoldRecord,
    /// SHA-256 of the message.
    pub sha256: [u8; 32],
    /// Why the reviewer decided as they did.
    pub reason: Option<String>,
    /// The release that waits for a second person.
    pub request: Option<Request>,
    /// Why its content must be kept, when it must.
    pub legal_hold: Option<LegalHold>,
    /// The reasons that were given on its way, oldest first, the last 200 of them.
    pub told: Vec<Told>,
}

impl HoldDetails {
    /// Whether two people release it: by a rule, or by how grave a rule is. Settled when it was held.
    pub fn needs_second_person(&self) -> bool {
        self.record.rules.iter().any(|rule| rule.four_eyes)
    }
}

/// Which holds to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct HoldFilter {
    /// Only those in this state.
    pub state: Option<HoldState>,
    /// At most so many (0 means 1,000), newest first.
    pub limit: u32,
    /// Only those older than this hold: the next page.
    pub before: Option<QueueId>,
}

/// The sealed record column.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    pub(crate) envelope: StoredEnvelope,
    pub(crate) client: HoldClient,
    pub(crate) record: HoldRecord,
    pub(crate) sha256: [u8; 32],
    pub(crate) body_sha256: [u8; 32],
    pub(crate) message_id: Vec<u8>,
}

/// The sealed decision column.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredDecision {
    pub(crate) reason: String,
    /// What the ledger's hash of the reason begins with; decisions of earlier versions have a keyed hash there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) salt: Option<[u8; 16]>,
}

impl SealedSummary {
    pub(crate) fn of(envelope: &Envelope, record: &HoldRecord) -> Self {
        let subject = record.subject.clone().filter(|_| !record.confidential);
        Self {
            mail_from: envelope
                .mail_from
                .address()
                .map_or_else(String::new, |address| address.as_str().to_owned()),
            rcpt_to: envelope
                .rcpts
                .iter()
                .map(|rcpt| {
                    rcpt.address()
                        .map_or("Postmaster", |address| address.as_str())
                        .to_owned()
                })
                .collect(),
            subject,
        }
    }
}

/// A decision on a hold, to be recorded with everything it causes in one transaction.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The hold.
    pub id: QueueId,
    /// The version it was decided on.
    pub version: i64,
    /// What it becomes.
    pub to: HoldState,
    /// Who decided.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: SystemTime,
    /// What is to be delivered because of it: the release itself, or a notice.
    pub delivery: Option<super::delivery::NewDelivery>,
    /// For a release: the recipients it is for (indexes) and until when it holds.
    pub ticket: Option<Ticket>,
    /// For a release: which text of the message is sent.
    pub version_sent: VersionSent,
}

/// What a release allows: the text that it sends, to these recipients, by the way it took, until then, with no findings beyond those
/// decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Indexes into the hold's recipients.
    pub rcpts: Vec<usize>,
    /// When it ends.
    pub expires_at: SystemTime,
}

/// A message that would be held, asked about before it is.
#[derive(Debug, Clone, Copy)]
pub struct Resend<'a> {
    /// Its identity.
    pub identity: &'a super::identity::Identity,
    /// Sender and recipients.
    pub envelope: &'a Envelope,
    /// The keys of the values found in it.
    pub values: &'a [u128],
}

/// A release that lets a message pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passes {
    /// The hold that was released.
    pub hold: QueueId,
    /// Only a next hop that encrypts may have it, as it was released.
    pub encrypt: bool,
}

/// What a reference given to a person leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referenced {
    /// A hold.
    Hold(QueueId),
    /// A message that was refused: its id, when, and the ids of the rules.
    Refusal(Refusal),
}

/// A message that was refused, as far as it is kept: no addresses, no content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its id; its reference was given to the sender.
    pub id: QueueId,
    /// When.
    pub at: SystemTime,
    /// Ids of the rules that refused it.
    pub rules: Vec<String>,
    /// Categories of the findings.
    pub categories: Vec<Category>,
    /// Why, in plain words; it holds no personal data.
    pub explanation: String,
    /// Of the gravest rule, for reports; not read back.
    pub severity: Option<Severity>,
    /// How many people the findings are about, for reports; not read back.
    pub people: usize,
    /// Where it comes from, for reports; not read back.
    pub origin: Origin,
}

pub(crate) fn parse_id(text: &str) -> Result<QueueId, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt("id"))
}

//! Entries of the ledger: who did what to which hold, and what of it is hashed.
//!
//! # Invariants
//! No entry holds personal data of pupils, senders or recipients: ids, counts, hashes. Its hash covers every field, each preceded by
//! its length, and the hash before it. Entries are only ever added, in the transaction of the act they record. In format 2 a person's
//! name is not chained: `person = SHA-256(salt, name)` is, and salt and name stand beside the entry, where they can be erased while the
//! chain still holds. Format 1, with the name chained in clear, is what stood before; both verify.
//!
//! # Known gaps
//! A person who acts under the name `system` or `relay` is taken for the relay itself. Names in entries of format 1 cannot be erased.

use std::time::SystemTime;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Value, json};

use super::clock::time;
use super::error::StoreError;
use super::rows::LedgerRow;

/// The hash before the first entry.
pub(crate) const GENESIS: [u8; 32] = [0; 32];

/// The format of new entries.
pub(crate) const FORMAT: i64 = 2;

/// Bytes of the salt beside a name: 128 random bits, so that a hash cannot be tried against a list of names once it is gone.
pub(crate) const SALT: usize = 16;

/// What the relay itself is called in entries; not personal data.
const OWN_NAMES: [&str; 2] = ["system", "relay"];

/// Stands where a name was erased.
pub const ERASED: &str = "(erased)";

/// Names of actions that entries record beside those that states of holds and policies have.
pub mod action {
    /// A message was refused by policy; the subject is its id.
    pub const TURNED_AWAY: &str = "turned-away";
    /// A hold was looked at, with masked evidence.
    pub const OPENED: &str = "opened";
    /// A held message was read.
    pub const READ: &str = "read";
    /// Names in a held message were shown in clear.
    pub const UNMASKED: &str = "unmasked";
    /// A held message was written to a file.
    pub const SAVED: &str = "saved";
    /// A report left the console as a file.
    pub const EXPORTED: &str = "exported";
    /// Somebody signed in.
    pub const SIGNED_IN: &str = "signed-in";
    /// Somebody signed out, or was signed out.
    pub const SIGNED_OUT: &str = "signed-out";
    /// An account was made; the subject is its id.
    pub const ACCOUNT_CREATED: &str = "account-created";
    /// What an account may do, or is called, was changed.
    pub const ACCOUNT_CHANGED: &str = "account-changed";
    /// An account was removed.
    pub const ACCOUNT_REMOVED: &str = "account-removed";
    /// A local account got a password, a secret of one-time codes and recovery codes.
    pub const CREDENTIALS_SET: &str = "credentials-set";
    /// A recovery code was used.
    pub const RECOVERY_USED: &str = "recovery-used";
    /// A program's token was made.
    pub const TOKEN_CREATED: &str = "token-created";
    /// A program's token was ended.
    pub const TOKEN_REVOKED: &str = "token-revoked";
    /// A node began to accept mail; the subject is its name.
    pub const STARTED: &str = "started";
    /// A node ended in order.
    pub const STOPPED: &str = "stopped";
    /// A node works under another configuration than before; the subject is its name.
    pub const CONFIGURATION: &str = "configuration";
    /// A node looks for other people than before; the subject is its name.
    pub const ROSTER: &str = "roster";
    /// A person's name was erased from the ledger.
    pub const PERSON_ERASED: &str = "person-erased";
    /// The sender of a hold said something to the reviewer.
    pub const JUSTIFIED: &str = "justified";
    /// The sender of a hold asked for its release.
    pub const RELEASE_WANTED: &str = "release-wanted";
    /// The sender of a hold sent it with initials, which policy lets pass.
    pub const SENT_BY_SENDER: &str = "sent-by-sender";
    /// The sender of a hold took it back.
    pub const WITHDRAWN_BY_SENDER: &str = "withdrawn-by-sender";
    /// A reviewer said whether a hold was right; the detail says what was said before.
    pub const JUDGED: &str = "judged";
    /// A personal data breach was put on record; the subject is its id.
    pub const INCIDENT_OPENED: &str = "incident-opened";
    /// The work-sheet of a breach was changed.
    pub const INCIDENT_CHANGED: &str = "incident-changed";
    /// A breach was closed.
    pub const INCIDENT_CLOSED: &str = "incident-closed";
    /// The key that signs checkpoints was made.
    pub const LEDGER_KEY: &str = "ledger-key";
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1 without gaps.
    pub seq: i64,
    /// When.
    pub at: SystemTime,
    /// Who: a person's name, [`ERASED`], or `system` and `relay` for the relay itself.
    pub actor: String,
    /// What: one of [`action`], a state of a hold (`held`, `released`, `refused`, `expired`, `purged`), `told`, or a step of a policy
    /// (`policy-proposed`, `policy-approved`, `policy-emergency`, `policy-rejected`, `policy-adopted`, `policy-changed`).
    pub action: String,
    /// On what: the id of a hold or a policy on record, the name of a node, or empty.
    pub subject: String,
    /// Counts, ids and hashes, as a JSON object.
    pub detail: String,
}

/// An entry's number and hash: what an auditor notes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    /// The number of the last entry; 0 when there is none.
    pub seq: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What checking the ledger found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerCheck {
    /// How many entries are good from the start.
    pub good: i64,
    /// The last good entry.
    pub head: Head,
    /// The first entry that was changed, is missing or stands in the wrong place.
    pub first_bad: Option<i64>,
}

impl From<LedgerRow<'_>> for Entry {
    fn from(row: LedgerRow<'_>) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self {
            seq: row.seq,
            at: time(row.at),
            actor: match (row.name, row.person) {
                (Some((_, name)), _) => text(name),
                (None, Some(_)) => ERASED.to_owned(),
                (None, None) => text(row.actor),
            },
            action: text(row.action),
            subject: text(row.subject),
            detail: text(row.detail),
        }
    }
}

/// Whoever acts, as a new entry keeps them.
#[derive(Debug)]
pub(crate) struct Author<'a> {
    /// The relay's own name, chained in clear; empty for a person.
    pub(crate) own: &'a str,
    /// The chained hash, and the salt that stands beside the entry with the name.
    pub(crate) person: Option<([u8; 32], [u8; SALT])>,
}

impl<'a> Author<'a> {
    pub(crate) fn of(actor: &'a str) -> Result<Self, StoreError> {
        if actor.is_empty() || OWN_NAMES.contains(&actor) {
            return Ok(Self {
                own: actor,
                person: None,
            });
        }
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt)
            .map_err(|_| StoreError::Unavailable("no random numbers".to_owned()))?;
        Ok(Self {
            own: "",
            person: Some((person_hash(&salt, actor.as_bytes()), salt)),
        })
    }

    pub(crate) fn hash(&self) -> Option<&[u8]> {
        self.person.as_ref().map(|(hash, _)| hash.as_slice())
    }
}

/// SHA-256 of salt and name; the salt always has the same length, so that no two pairs run into one.
pub(crate) fn person_hash(salt: &[u8], name: &[u8]) -> [u8; 32] {
    sha256(&[salt, name])
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// What is hashed of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hashed<'a> {
    pub(crate) format: i64,
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) actor: &'a [u8],
    pub(crate) action: &'a [u8],
    pub(crate) subject: &'a [u8],
    pub(crate) detail: &'a [u8],
    pub(crate) person: Option<&'a [u8]>,
}

impl<'a> Hashed<'a> {
    pub(crate) fn of(row: &LedgerRow<'a>) -> Self {
        Self {
            format: row.format,
            seq: row.seq,
            at: row.at,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
            person: row.person,
        }
    }

    /// `None` for a format that there is not. `room` is a buffer to use again: one call of the digest costs less than ten.
    pub(crate) fn hash(&self, previous: &[u8], room: &mut Vec<u8>) -> Option<[u8; 32]> {
        let label: &[u8] = match (self.format, self.person) {
            (1, None) => b"beadle ledger 1",
            (2, _) => b"beadle ledger 2",
            _ => return None,
        };
        room.clear();
        room.extend_from_slice(label);
        room.extend_from_slice(previous);
        room.extend_from_slice(&self.seq.to_be_bytes());
        room.extend_from_slice(&self.at.to_be_bytes());
        let mut field = |bytes: &[u8]| {
            room.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            room.extend_from_slice(bytes);
        };
        for text in [self.actor, self.action, self.subject, self.detail] {
            field(text);
        }
        if self.format == 2 {
            field(self.person.unwrap_or_default());
        }
        Some(sha256(&[room]))
    }
}

/// The detail of an entry on what is in force now, when the last such entry says something else; both as JSON.
pub(crate) fn changed_detail(last: Option<&str>, now: &str) -> Option<String> {
    let now: Value = serde_json::from_str(now).unwrap_or_default();
    let last: Value = last
        .and_then(|last| serde_json::from_str(last).ok())
        .unwrap_or_default();
    let before = last.get("after").cloned().unwrap_or_default();
    (before != now).then(|| json!({ "before": before, "after": now }).to_string())
}

/// The detail of an entry that says how often a name was erased: beside entries, and with ended holds.
pub(crate) fn erased_detail(entries: u64, holds: u64, reason: &str) -> String {
    json!({ "entries": entries, "holds": holds, "reason": reason }).to_string()
}

/// How many names an entry of this detail accounts for.
pub(crate) fn erased_entries(detail: &[u8]) -> u64 {
    let detail: Value = serde_json::from_slice(detail).unwrap_or_default();
    detail
        .get("entries")
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

/// What a decision's entry has of its reason: a salted hash. The salt is kept sealed with the reason, and goes with it: from then on
/// nobody can try words against the hash, not even who has the store's keys; until then anybody who may read the reason can show that
/// it is the one that was given.
pub(crate) fn reason_hash(salt: &[u8; SALT], reason: &str) -> [u8; 32] {
    sha256(&[b"beadle reason 2", salt, reason.as_bytes()])
}

/// A salt for a reason.
pub(crate) fn reason_salt() -> Result<[u8; SALT], StoreError> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt)
        .map_err(|_| StoreError::Unavailable("no random numbers".to_owned()))?;
    Ok(salt)
}

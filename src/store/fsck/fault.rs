//! What can be wrong in a store, and what to do about it.
//!
//! # Invariants
//! Ids, random keys and times only: nothing that was sealed.

use std::fmt;
use std::time::SystemTime;

/// What has a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A blob, by its key.
    Blob,
    /// The database as a whole.
    Database,
    /// A delivery, by id.
    Delivery,
    /// A hold, by id.
    Hold,
    /// A master key, by id.
    Key,
    /// The ledger, by the number of the entry.
    Ledger,
    /// A secret of the store itself, by name.
    Secret,
    /// A release ticket, by the id of its hold.
    Ticket,
}

impl Subject {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Database => "database",
            Self::Delivery => "delivery",
            Self::Hold => "hold",
            Self::Key => "key",
            Self::Ledger => "ledger",
            Self::Secret => "secret",
            Self::Ticket => "ticket",
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// State and content of a row do not go together.
    Contradiction,
    /// The database finds something wrong with its file.
    Database(String),
    /// The decision does not open.
    Decision,
    /// A key is not in the source; so many rows need it.
    KeyGone(u64),
    /// Left half written by a crash.
    Leftover,
    /// The chain breaks at this entry.
    Ledger,
    /// The message in the blob does not open.
    Message,
    /// The blob of this key is not there.
    Missing(String),
    /// A ticket without its hold.
    NoHold,
    /// No row knows it; written then.
    Orphan(SystemTime),
    /// The message opens and is not the one that was recorded.
    OtherMessage,
    /// Envelope and progress do not open.
    Progress,
    /// The record does not open.
    Record,
    /// The master key it is wrapped under is not in the source; counted by key, see [`Fault::KeyGone`].
    UnknownKey,
    /// The blob is there and cannot be read.
    Unreadable(String),
    /// The wrapped key does not unwrap under its master key.
    Wrapped,
}

impl Fault {
    /// Its name in output for machines; added to, never changed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Database(_) => "database",
            Self::Decision => "decision",
            Self::KeyGone(_) | Self::UnknownKey => "key-unknown",
            Self::Leftover => "leftover",
            Self::Ledger => "ledger",
            Self::Message => "message-damaged",
            Self::Missing(_) => "message-missing",
            Self::NoHold => "no-hold",
            Self::Orphan(_) => "orphan",
            Self::OtherMessage => "message-differs",
            Self::Progress => "progress",
            Self::Record => "record",
            Self::Unreadable(_) => "message-unreadable",
            Self::Wrapped => "wrapped-key",
        }
    }

    /// What to do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Contradiction
            | Self::Decision
            | Self::Progress
            | Self::Record
            | Self::Wrapped => {
                "restore the database from a backup; what it wrote meanwhile is lost with that, so compare first"
            }
            Self::Database(_) => {
                "stop the relay, keep a copy of the file, and restore the database from a backup"
            }
            Self::KeyGone(_) | Self::UnknownKey => {
                "put this key back into the source of master keys, in any place but the first"
            }
            Self::Leftover | Self::Orphan(_) => "`beadle fsck --repair` removes it",
            Self::Ledger => {
                "keep a copy of the database, and see `beadle ledger verify` for what was changed and by whom it was noted"
            }
            Self::Message | Self::Missing(_) | Self::OtherMessage | Self::Unreadable(_) => {
                "restore this blob from a backup; a hold without its message can only be refused"
            }
            Self::NoHold => "it lets nothing pass that it names; it ends by itself",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradiction => f.write_str("its state and its content do not go together"),
            Self::Database(line) => write!(f, "{line}"),
            Self::Decision => f.write_str("the decision on it does not open"),
            Self::KeyGone(rows) => write!(f, "{rows} rows need it and the source does not have it"),
            Self::Leftover => f.write_str("half written when something ended, more than a day ago"),
            Self::Ledger => {
                f.write_str("this entry was changed, is missing or stands in the wrong place")
            }
            Self::Message => f.write_str("its message is damaged and does not open"),
            Self::Missing(blob) => write!(f, "its message is not there (blob {blob})"),
            Self::NoHold => f.write_str("the hold that it is for is not there"),
            Self::Orphan(_) => f.write_str("no row knows it"),
            Self::OtherMessage => {
                f.write_str("its message opens and is not the one that was recorded")
            }
            Self::Progress => f.write_str("its envelope and progress do not open"),
            Self::Record => f.write_str("what is recorded of it does not open"),
            Self::UnknownKey => {
                f.write_str("the master key it is wrapped under is not in the source")
            }
            Self::Unreadable(error) => write!(f, "its message cannot be read: {error}"),
            Self::Wrapped => f.write_str("its key does not unwrap"),
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What has it.
    pub subject: Subject,
    /// Which; empty for the database.
    pub id: String,
    /// What is wrong.
    pub fault: Fault,
    /// It is no more.
    pub repaired: bool,
}

//! The ledger: who did what to which hold, as a chain of hashes that shows any change.
//!
//! # Invariants
//! An entry holds no personal data of pupils, senders or recipients: ids, counts, and a keyed hash of the reviewer's reason. Its
//! hash covers every field, each preceded by its length, and the hash before it. Entries are only ever added, in
//! the transaction of the act they record.
//!
//! # Known gaps
//! A chain alone does not show that its end was cut off or that all of it was written anew: that takes signed checkpoints
//! kept elsewhere. [`Custody::verify_ledger`](super::Custody::verify_ledger) takes a head that was noted before.

use std::time::SystemTime;

use aws_lc_rs::digest::{Context, SHA256};

use super::clock::time;
use super::rows::LedgerRow;

/// The hash before the first entry.
pub(crate) const GENESIS: [u8; 32] = [0; 32];

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1 without gaps.
    pub seq: i64,
    /// When.
    pub at: SystemTime,
    /// Who: a reviewer, `system`, `cli:uid`.
    pub actor: String,
    /// What: `held`, `released`, `refused`, `expired`, `purged`, `opened`; `policy-proposed`, `policy-approved`, `policy-emergency`,
    /// `policy-rejected`, `policy-adopted`, `policy-changed`.
    pub action: String,
    /// On what: the id of a hold or a policy on record, or empty.
    pub subject: String,
    /// Counts and ids, as a JSON object.
    pub detail: String,
}

/// An entry's number and hash: what an auditor notes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl From<LedgerRow> for Entry {
    fn from(row: LedgerRow) -> Self {
        Self {
            seq: row.seq,
            at: time(row.at),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
        }
    }
}

/// The chain as far as it was followed from its beginning.
#[derive(Debug)]
pub(crate) struct Chain(Head);

impl Default for Chain {
    fn default() -> Self {
        Self(Head {
            seq: 0,
            hash: GENESIS,
        })
    }
}

impl Chain {
    /// The last good entry so far.
    pub(crate) fn head(&self) -> Head {
        self.0
    }

    /// Follows one entry; `Some` when it is not the one that belongs here.
    pub(crate) fn follow(&mut self, row: &LedgerRow, noted: Option<Head>) -> Option<LedgerCheck> {
        let hash = Hashed {
            seq: row.seq,
            at: row.at,
            actor: &row.actor,
            action: &row.action,
            subject: &row.subject,
            detail: &row.detail,
        }
        .hash(&self.0.hash);
        let differs = noted.is_some_and(|noted| noted.seq == row.seq && noted.hash != hash);
        if row.seq != self.0.seq + 1 || row.prev != self.0.hash || row.hash != hash || differs {
            return Some(self.bad());
        }
        self.0 = Head { seq: row.seq, hash };
        None
    }

    /// What there is to say at the end of the chain.
    pub(crate) fn ended(&self, noted: Option<Head>) -> LedgerCheck {
        if noted.is_some_and(|noted| noted.seq > self.0.seq) {
            return self.bad();
        }
        LedgerCheck {
            good: self.0.seq,
            head: self.0,
            first_bad: None,
        }
    }

    fn bad(&self) -> LedgerCheck {
        LedgerCheck {
            good: self.0.seq,
            head: self.0,
            first_bad: Some(self.0.seq + 1),
        }
    }
}

/// What is hashed of an entry.
pub(crate) struct Hashed<'a> {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) actor: &'a str,
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) detail: &'a str,
}

impl Hashed<'_> {
    pub(crate) fn hash(&self, previous: &[u8]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(b"beadle ledger 1");
        context.update(previous);
        context.update(&self.seq.to_be_bytes());
        context.update(&self.at.to_be_bytes());
        for field in [self.actor, self.action, self.subject, self.detail] {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field.as_bytes());
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        out
    }
}

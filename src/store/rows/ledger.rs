//! The ledger: entries, the names beside them, signed checkpoints.
//!
//! # Invariants
//! A page keeps all its texts in one buffer and lends them out: reading a million entries allocates some hundred buffers.

use std::time::SystemTime;

use async_trait::async_trait;

use crate::store::clock::micros;
use crate::store::error::StoreError;

/// An entry as it is stored, lent by a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerRow<'a> {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) format: i64,
    pub(crate) actor: &'a [u8],
    pub(crate) action: &'a [u8],
    pub(crate) subject: &'a [u8],
    pub(crate) detail: &'a [u8],
    pub(crate) person: Option<&'a [u8]>,
    pub(crate) prev: &'a [u8],
    pub(crate) hash: &'a [u8],
    /// Salt and name, unless they were erased.
    pub(crate) name: Option<(&'a [u8], &'a [u8])>,
}

#[derive(Debug)]
struct Packed {
    seq: i64,
    at: i64,
    format: i64,
    start: usize,
    /// Where each field ends; the first begins at `start`.
    ends: [usize; 9],
    has_person: bool,
    has_name: bool,
}

/// Entries in order, in one buffer.
#[derive(Debug, Default)]
pub(crate) struct LedgerPage {
    bytes: Vec<u8>,
    rows: Vec<Packed>,
}

impl LedgerPage {
    /// Room for so many entries of usual length.
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(rows * 320),
            rows: Vec::with_capacity(rows),
        }
    }

    pub(crate) fn push(&mut self, row: &LedgerRow<'_>) {
        let start = self.bytes.len();
        let (salt, name) = row.name.unwrap_or_default();
        let fields = [
            row.actor,
            row.action,
            row.subject,
            row.detail,
            row.person.unwrap_or_default(),
            row.prev,
            row.hash,
            salt,
            name,
        ];
        let ends = fields.map(|field| {
            self.bytes.extend_from_slice(field);
            self.bytes.len()
        });
        self.rows.push(Packed {
            seq: row.seq,
            at: row.at,
            format: row.format,
            start,
            ends,
            has_person: row.person.is_some(),
            has_name: row.name.is_some(),
        });
    }

    pub(crate) fn last_seq(&self) -> Option<i64> {
        self.rows.last().map(|row| row.seq)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = LedgerRow<'_>> {
        self.rows.iter().map(|row| {
            let mut start = row.start;
            let [
                actor,
                action,
                subject,
                detail,
                person,
                prev,
                hash,
                salt,
                name,
            ] = row.ends.map(|end| {
                let field = &self.bytes[start..end];
                start = end;
                field
            });
            LedgerRow {
                seq: row.seq,
                at: row.at,
                format: row.format,
                actor,
                action,
                subject,
                detail,
                person: row.has_person.then_some(person),
                prev,
                hash,
                name: row.has_name.then_some((salt, name)),
            }
        })
    }
}

/// An entry to add.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEntry<'a> {
    pub(crate) at: i64,
    pub(crate) actor: &'a str,
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) detail: &'a str,
}

impl<'a> NewEntry<'a> {
    /// Who did what to which, with what is to be said of it.
    pub(crate) fn of(
        actor: &'a str,
        action: &'a str,
        subject: &'a str,
        detail: &'a str,
        at: SystemTime,
    ) -> Self {
        Self {
            at: micros(at),
            actor,
            action,
            subject,
            detail,
        }
    }
}

/// Which entries are asked for, oldest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerQuery<'a> {
    pub(crate) from: i64,
    pub(crate) limit: u32,
    /// On this subject alone.
    pub(crate) about: Option<&'a str>,
    /// By this person, or part of the relay, alone.
    pub(crate) actor: Option<&'a str>,
}

/// A signed head.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct CheckpointRow {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) note: String,
}

/// The ledger.
#[async_trait]
pub(crate) trait LedgerStore {
    /// Adds an entry for an act that changes nothing else.
    async fn note(
        &self,
        at: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), StoreError>;

    /// Adds an entry if what the last one of this action and subject says is in force now is something else
    /// ([`changed_detail`](crate::store::ledger::changed_detail)); its own `detail` is what is in force now, as JSON. Whether it did.
    async fn note_change(&self, entry: NewEntry<'_>) -> Result<bool, StoreError>;

    /// The entries asked for, oldest first.
    async fn ledger_page(&self, query: LedgerQuery<'_>) -> Result<LedgerPage, StoreError>;

    /// Number and hash of the last entry.
    async fn ledger_head(&self) -> Result<Option<(i64, Vec<u8>)>, StoreError>;

    /// Deletes a person's name beside the entries, and with holds whose content is gone, and adds the entry that says so; `detail` is
    /// made by [`erased_detail`](crate::store::ledger::erased_detail) of the mark that `entry.detail` is. Gives both numbers; nothing is
    /// added when they are 0.
    async fn erase_person(&self, name: &str, entry: NewEntry<'_>)
    -> Result<(u64, u64), StoreError>;

    /// The wrapped key that signs checkpoints: the one that is there, or else the one offered, with the entry that says so.
    async fn ledger_key(
        &self,
        offered: Option<(&str, &[u8], NewEntry<'_>)>,
    ) -> Result<Option<(String, Vec<u8>)>, StoreError>;

    /// Keeps a checkpoint unless one of this entry is there; gives the one that is there then.
    async fn keep_checkpoint(&self, row: &CheckpointRow) -> Result<CheckpointRow, StoreError>;

    /// Checkpoints from this entry on, oldest first.
    async fn checkpoints(&self, from: i64, limit: u32) -> Result<Vec<CheckpointRow>, StoreError>;

    /// The newest checkpoint at or before this entry.
    async fn checkpoint_before(&self, seq: i64) -> Result<Option<CheckpointRow>, StoreError>;
}

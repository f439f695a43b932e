//! Rows of every table as plain values: what a backup reads in one snapshot and a restore writes in one transaction.
//!
//! # Invariants
//! [`tables`] describes the whole schema in one place for both databases; a test compares it with the real one, so that a forgotten
//! table or column fails there and not on the day of a restore. Tables stand in an order in which they can be filled (foreign keys,
//! the ledger by its numbers). Names in it are of small letters and `_`, so that they can stand in SQL.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::store::error::StoreError;

/// What a column holds, alike in both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColumnKind {
    Integer,
    Text,
    Bytes,
    /// 0 or 1 in SQLite.
    Boolean,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// Its primary key, by which it is read; empty where it has none, and then it is read in the order of all its columns.
    pub(crate) key: Vec<String>,
}

impl Table {
    /// Where a column stands in a row.
    pub(crate) fn index(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The columns by which rows are told apart and put in order.
    pub(crate) fn order(&self) -> Vec<&str> {
        if self.key.is_empty() {
            return self.columns.iter().map(|c| c.name.as_str()).collect();
        }
        self.key.iter().map(String::as_str).collect()
    }

    /// Whether every name may stand in SQL and every key is a column.
    pub(crate) fn is_sound(&self) -> bool {
        let plain = |name: &str| {
            let mut bytes = name.bytes();
            (1..=63).contains(&name.len())
                && bytes
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        plain(&self.name)
            && !self.columns.is_empty()
            && self.columns.iter().all(|column| plain(&column.name))
            && self.key.iter().all(|key| self.index(key).is_some())
    }
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
    Boolean(bool),
}

impl Value {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

/// The values of a row, in the order of the table's columns.
pub(crate) type Row = Vec<Value>;

/// Columns with their kinds, and the primary key.
type Described = (
    &'static str,
    &'static [(&'static str, ColumnKind)],
    &'static [&'static str],
);

use ColumnKind::{Boolean as F, Bytes as B, Integer as I, Text as T};

/// The schema, in the order in which a restore fills it.
#[rustfmt::skip]
const TABLES: &[Described] = &[
    ("master_key", &[("id", T), ("added_at", I), ("dropped_at", I)], &["id"]),
    ("keyring", &[("name", T), ("kek", T), ("dek", B)], &["name"]),
    ("hold", &[
        ("id", T), ("reference", T), ("received_at", I), ("size", I), ("state", T), ("version", I), ("rules", T), ("categories", T),
        ("mark", B), ("decided_at", I), ("decided_by", T), ("kek", T), ("dek", B), ("record", B), ("decision", B), ("blob", T),
        ("acted_by", T), ("claimed_by", T), ("claimed_until", I), ("request", B), ("legal_hold", B), ("told", B), ("tokens", B),
        ("school", T), ("sender_group", T), ("sender", I), ("severity", T), ("people", I), ("decided_as", T), ("judgement", T),
    ], &["id"]),
    ("hold_token", &[("token", B), ("received_at", I), ("hold", T)], &["token", "received_at", "hold"]),
    ("hold_rule", &[("rule", T), ("received_at", I), ("hold", T)], &["rule", "received_at", "hold"]),
    ("hold_category", &[("category", T), ("received_at", I), ("hold", T)], &["category", "received_at", "hold"]),
    ("ticket", &[("hold", T), ("message", B), ("rcpts", B), ("vals", B), ("expires_at", I), ("encrypt", F)], &["hold"]),
    ("delivery", &[
        ("id", T), ("kind", T), ("created_at", I), ("due_at", I), ("finished_at", I), ("attempts", I), ("attempting", I),
        ("delay_noticed", F), ("duplicates", I), ("failed", I), ("fence", I), ("leased_by", T), ("leased_until", I), ("kek", T),
        ("dek", B), ("progress", B), ("blob", T), ("sealed_as", T), ("window_at", I),
    ], &["id"]),
    ("dead_letter", &[("id", T), ("died_at", I), ("kek", T), ("dek", B), ("progress", B), ("blob", T)], &["id"]),
    ("delivered", &[("key", B), ("answer", B), ("expires_at", I)], &["key"]),
    ("refusal", &[
        ("id", T), ("reference", T), ("at", I), ("rules", T), ("categories", T), ("explanation", T),
        ("school", T), ("sender_group", T), ("sender", I), ("severity", T), ("people", I),
    ], &["id"]),
    ("ledger", &[
        ("seq", I), ("at", I), ("actor", T), ("action", T), ("subject", T), ("detail", T), ("prev", B), ("hash", B),
        ("format", I), ("person", B),
    ], &["seq"]),
    ("ledger_person", &[("seq", I), ("salt", B), ("actor", T)], &["seq"]),
    ("checkpoint", &[("seq", I), ("at", I), ("hash", B), ("note", T)], &["seq"]),
    ("forwarding", &[
        ("mailbox", B), ("target", B), ("first_seen", I), ("last_seen", I), ("messages", I), ("marks", T), ("notices", I),
        ("notice_day", T), ("addresses", B),
    ], &["mailbox", "target"]),
    ("habits", &[("name", T), ("at", I), ("state", B)], &["name"]),
    ("notice_mark", &[("mark", B), ("expires_at", I)], &["mark"]),
    ("notice_sent", &[("scope", B), ("at", I)], &[]),
    ("notice_pending", &[("role", T), ("rule", T), ("outcome", T), ("number", I)], &["role", "rule", "outcome"]),
    ("notice_digest", &[("role", T), ("day", T)], &["role"]),
    ("notice_escalation", &[("hold", T), ("role", T), ("rule", T), ("minutes", I), ("due_at", I)], &["hold", "role"]),
    ("facts", &[("id", T), ("at", I), ("sealed", B)], &["id"]),
    ("proposal", &[
        ("id", T), ("at", I), ("state", T), ("requester", T), ("requester_login", T), ("before", T), ("sha256", T),
        ("second_person", F), ("sealed", B), ("decided_at", I), ("approver", T), ("enforced_at", I),
    ], &["id"]),
    ("account", &[
        ("id", T), ("kind", T), ("login", B), ("disabled", F), ("created_at", I), ("signed_in_at", I), ("version", I), ("sealed", B),
    ], &["id"]),
    ("credential", &[("account", T), ("totp_step", I), ("sealed", B)], &["account"]),
    ("recovery", &[("account", T), ("sha256", B)], &["account", "sha256"]),
    ("saved_view", &[("id", T), ("account", T), ("created_at", I), ("sealed", B)], &["id"]),
    ("incident", &[
        ("id", T), ("opened_at", I), ("aware_at", I), ("changed_at", I), ("closed_at", I), ("version", I), ("school", T), ("holds", T),
        ("sealed", B),
    ], &["id"]),
    ("enforced", &[("one", I), ("what", T), ("at", I)], &["one"]),
];

/// Tables that a backup leaves out, with the reason.
#[cfg(test)]
pub(crate) const LEFT_OUT: &[(&str, &str)] = &[
    ("session", "whoever was signed in signs in again"),
    (
        "api_token",
        "a token that was revoked since must not come back",
    ),
    ("hold_state", "the schema itself fills it"),
    ("hold_count", "triggers count what is inserted"),
    (
        "_sqlx_migrations",
        "the manifest names the schema, and the migrator writes it",
    ),
];

/// The version that all migrations up to it count as in [`BackupStore::schema`]: one database has them as one, the other as five.
pub(crate) const BASE_SCHEMA: i64 = 5;

/// Every table of the schema, in the order in which a restore fills them.
pub(crate) fn tables() -> Vec<Table> {
    let table = |(name, columns, key): &Described| Table {
        name: (*name).to_owned(),
        columns: columns
            .iter()
            .map(|(name, kind)| Column {
                name: (*name).to_owned(),
                kind: *kind,
            })
            .collect(),
        key: key.iter().map(|name| (*name).to_owned()).collect(),
    };
    TABLES.iter().map(table).collect()
}

/// All tables as they were at one moment. Dropping it ends the snapshot.
#[async_trait]
pub(crate) trait Snapshot: Send {
    /// The next rows of this table in its order; none at its end. Asking for another table begins that one.
    async fn next_rows(&mut self, table: &Table, limit: u32) -> Result<Vec<Row>, StoreError>;
}

/// A transaction that fills empty tables. Dropping it undoes everything.
#[async_trait]
pub(crate) trait Refill: Send {
    /// Inserts rows as they are.
    async fn insert(&mut self, table: &Table, rows: &[Row]) -> Result<(), StoreError>;

    /// After `Ok` every row is on stable storage.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Whole tables, for backup and restore.
#[async_trait]
pub(crate) trait BackupStore {
    /// Versions of the schema that are applied, ascending; all up to [`BASE_SCHEMA`] count as that one.
    async fn schema(&self) -> Result<Vec<i64>, StoreError>;

    /// Begins reading: what was committed before this call is seen, what is committed after its first read is not.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Whether none of these tables has a row.
    async fn is_empty(&self, tables: &[Table]) -> Result<bool, StoreError>;

    /// Begins filling tables.
    async fn refill(&self) -> Result<Box<dyn Refill>, StoreError>;

    /// Makes deliveries that are due at `paused` due at `now`, with an entry in the ledger by `actor` that counts them, and gives their
    /// number; none adds no entry.
    async fn resume(&self, paused: i64, now: i64, actor: &str) -> Result<u64, StoreError>;
}

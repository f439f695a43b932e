//! Rows of the register of forwarding mailboxes, and the kept state of what is watched over time.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};

use super::Database;
use crate::store::error::StoreError;

/// A row of the register.
#[derive(Debug)]
pub(crate) struct ForwardingRow {
    pub(crate) mailbox: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) first_seen: i64,
    pub(crate) last_seen: i64,
    pub(crate) messages: i64,
    pub(crate) marks: String,
    pub(crate) notices: i64,
    pub(crate) notice_day: Option<String>,
    pub(crate) addresses: Vec<u8>,
}

impl FromRow<'_, SqliteRow> for ForwardingRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            mailbox: row.try_get("mailbox")?,
            target: row.try_get("target")?,
            first_seen: row.try_get("first_seen")?,
            last_seen: row.try_get("last_seen")?,
            messages: row.try_get("messages")?,
            marks: row.try_get("marks")?,
            notices: row.try_get("notices")?,
            notice_day: row.try_get("notice_day")?,
            addresses: row.try_get("addresses")?,
        })
    }
}

/// What the register says of one more message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noted {
    pub(crate) notice_due: bool,
    pub(crate) first_of_mailbox: bool,
    pub(crate) messages: i64,
}

impl Database {
    /// Counts one more message; `fresh` is the row for a pair that is not known. `merge` adds the marks of `fresh` to those there.
    pub(crate) async fn note_forward(
        &self,
        fresh: &ForwardingRow,
        merge: impl Fn(&str) -> Result<String, StoreError> + Send,
    ) -> Result<Noted, StoreError> {
        let mut tx = self.begin().await?;
        let known: Option<ForwardingRow> =
            sqlx::query_as("SELECT * FROM forwarding WHERE mailbox = ? AND target = ?")
                .bind(&fresh.mailbox)
                .bind(&fresh.target)
                .fetch_optional(&mut *tx)
                .await?;
        let of_mailbox: i64 =
            sqlx::query_scalar("SELECT count(*) FROM forwarding WHERE mailbox = ?")
                .bind(&fresh.mailbox)
                .fetch_one(&mut *tx)
                .await?;
        let (marks, messages, notice_due) = match &known {
            None => (fresh.marks.clone(), 1, true),
            Some(row) => (
                merge(&row.marks)?,
                row.messages.saturating_add(1),
                // Days are written as 2026-11-23 and so in order. A clock that was set back gives no second notice.
                row.notice_day < fresh.notice_day,
            ),
        };
        sqlx::query(
            "INSERT INTO forwarding (mailbox, target, first_seen, last_seen, messages, marks, notices, notice_day, addresses) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (mailbox, target) DO UPDATE SET messages = excluded.messages, marks = excluded.marks, notices = notices + ?, \
             first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen), \
             notice_day = max(coalesce(notice_day, ''), excluded.notice_day)",
        )
        .bind(&fresh.mailbox)
        .bind(&fresh.target)
        .bind(fresh.first_seen)
        .bind(fresh.last_seen)
        .bind(messages)
        .bind(marks)
        .bind(fresh.notices)
        .bind(&fresh.notice_day)
        .bind(&fresh.addresses)
        .bind(notice_due)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Noted {
            notice_due,
            first_of_mailbox: of_mailbox == 0,
            messages,
        })
    }

    /// The register, last seen first.
    pub(crate) async fn forwardings(&self, limit: u32) -> Result<Vec<ForwardingRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM forwarding ORDER BY last_seen DESC, mailbox, target LIMIT ?",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?)
    }

    /// Forgets pairs that were last seen before `before`.
    pub(crate) async fn forget_forwardings(&self, before: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM forwarding WHERE last_seen < ?")
            .bind(before)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn save_habits(
        &self,
        name: &str,
        at: i64,
        state: &[u8],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO habits (name, at, state) VALUES (?, ?, ?) \
             ON CONFLICT (name) DO UPDATE SET at = excluded.at, state = excluded.state",
        )
        .bind(name)
        .bind(at)
        .bind(state)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn habits(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT state FROM habits WHERE name = ?")
                .bind(name)
                .fetch_optional(&self.reader)
                .await?,
        )
    }
}

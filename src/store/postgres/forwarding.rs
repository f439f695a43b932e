//! Rows of the register of forwarding mailboxes, and the kept state of what is watched over time.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::fault::Fault;
use super::{PostgresStore, transact};
use crate::store::error::StoreError;
use crate::store::rows::{ForwardingRow, ForwardingStore, Noted};

/// How long the state of a node that saves no more is kept: as long as the register, 400 days.
const HABITS_KEPT: i64 = 400 * 24 * 3600 * 1_000_000;

type Merge<'m> = &'m (dyn for<'a> Fn(&'a str) -> Result<String, StoreError> + Send + Sync);

async fn note(
    tx: &mut PgConnection,
    fresh: &ForwardingRow,
    merge: Merge<'_>,
) -> Result<Noted, Fault> {
    // One message of a mailbox at a time: rows that are not there yet cannot be locked, and of two messages at once one alone is the
    // mailbox's first and asks for the notice. The token is a keyed hash, so that other mailboxes rarely wait.
    let turn = fresh
        .mailbox
        .first_chunk()
        .map_or(0, |eight| i64::from_be_bytes(*eight));
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(turn)
        .execute(&mut *tx)
        .await?;
    let known: Option<ForwardingRow> =
        sqlx::query_as("SELECT * FROM forwarding WHERE mailbox = $1 AND target = $2")
            .bind(&fresh.mailbox)
            .bind(&fresh.target)
            .fetch_optional(&mut *tx)
            .await?;
    let of_mailbox: i64 = sqlx::query_scalar("SELECT count(*) FROM forwarding WHERE mailbox = $1")
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
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (mailbox, target) DO UPDATE SET messages = excluded.messages, marks = excluded.marks, \
         notices = forwarding.notices + $10, first_seen = least(forwarding.first_seen, excluded.first_seen), \
         last_seen = greatest(forwarding.last_seen, excluded.last_seen), \
         notice_day = greatest(forwarding.notice_day, excluded.notice_day)",
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
    .bind(i64::from(notice_due))
    .execute(&mut *tx)
    .await?;
    Ok(Noted {
        notice_due,
        first_of_mailbox: of_mailbox == 0,
        messages,
    })
}

#[async_trait]
impl ForwardingStore for PostgresStore {
    async fn note_forward(
        &self,
        fresh: &ForwardingRow,
        merge: &(dyn for<'a> Fn(&'a str) -> Result<String, StoreError> + Send + Sync),
    ) -> Result<Noted, StoreError> {
        transact!(self, |tx| note(tx, fresh, merge).await)
    }

    async fn forwardings(&self, limit: u32) -> Result<Vec<ForwardingRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM forwarding ORDER BY last_seen DESC, mailbox, target LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }

    async fn forget_forwardings(&self, before: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM forwarding WHERE last_seen < $1")
            .bind(before)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn save_habits(&self, name: &str, at: i64, state: &[u8]) -> Result<(), StoreError> {
        sqlx::query(
            "WITH gone AS (DELETE FROM habits WHERE at < $4 AND name <> $1) \
             INSERT INTO habits (name, at, state) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET at = excluded.at, state = excluded.state",
        )
        .bind(name)
        .bind(at)
        .bind(state)
        .bind(at.saturating_sub(HABITS_KEPT))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn habits(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT state FROM habits WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.pool)
                .await?,
        )
    }
}

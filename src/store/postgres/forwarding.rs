//! Rows of the register of forwarding mailboxes, and the kept state of what is watched over time.

use async_trait::async_trait;

use super::{Gate, PostgresStore};
use crate::store::error::StoreError;
use crate::store::rows::{ForwardingRow, ForwardingStore, Noted};

#[async_trait]
impl ForwardingStore for PostgresStore {
    async fn note_forward(
        &self,
        fresh: &ForwardingRow,
        merge: &(dyn for<'a> Fn(&'a str) -> Result<String, StoreError> + Send + Sync),
    ) -> Result<Noted, StoreError> {
        let mut tx = self.begin().await?;
        // Of two nodes with a message of one mailbox, one asks for the notice.
        Gate::Forwarding.pass(&mut tx).await?;
        let known: Option<ForwardingRow> =
            sqlx::query_as("SELECT * FROM forwarding WHERE mailbox = $1 AND target = $2")
                .bind(&fresh.mailbox)
                .bind(&fresh.target)
                .fetch_optional(&mut *tx)
                .await?;
        let of_mailbox: i64 =
            sqlx::query_scalar("SELECT count(*) FROM forwarding WHERE mailbox = $1")
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
             ON CONFLICT (mailbox, target) DO UPDATE SET messages = excluded.messages, marks = excluded.marks, notices = forwarding.notices + $10, \
             first_seen = least(forwarding.first_seen, excluded.first_seen), \
             last_seen = greatest(forwarding.last_seen, excluded.last_seen), \
             notice_day = greatest(coalesce(forwarding.notice_day, ''), excluded.notice_day)",
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
        tx.commit().await?;
        Ok(Noted {
            notice_due,
            first_of_mailbox: of_mailbox == 0,
            messages,
        })
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
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM forwarding WHERE last_seen < $1")
            .bind(before)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn save_habits(&self, name: &str, at: i64, state: &[u8]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO habits (name, at, state) VALUES ($1, $2, $3) \
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

    async fn habits(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT state FROM habits WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.pool)
                .await?,
        )
    }
}

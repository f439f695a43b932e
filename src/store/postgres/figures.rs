//! What reports count of holds and refusals, and what reviewers judge.

use async_trait::async_trait;

use super::{PostgresStore, ledger};
use crate::store::error::StoreError;
use crate::store::judgement::judged_detail;
use crate::store::rows::{FiguresStore, NewEntry};

/// Holds and refusals of these conditions, those of a day in one text.
macro_rules! figures {
    ($holds:literal, $refusals:literal) => {
        concat!(
            "SELECT string_agg(coalesce(id::text, '') || chr(9) || coalesce(received_at::text, '') || chr(9) || coalesce(state::text, '') || chr(9) || coalesce(decided_at::text, '') || chr(9) || coalesce(decided_as::text, '') || chr(9) || coalesce(judgement::text, '') || chr(9) || coalesce(severity::text, '') || chr(9) || coalesce(people::text, '') || chr(9) || coalesce(school::text, '') || chr(9) || coalesce(sender_group::text, '') || chr(9) || coalesce(sender::text, '') || chr(9) || coalesce(rules::text, '') || chr(9) || categories, chr(10)) \
             FROM hold WHERE ",
            $holds,
            " GROUP BY received_at / 86400000000 UNION ALL SELECT string_agg(coalesce(id::text, '') || chr(9) || coalesce(at::text, '') || chr(9) || coalesce('turned-away'::text, '') || chr(9) || coalesce(NULL::text, '') || chr(9) || coalesce(NULL::text, '') || chr(9) || coalesce(NULL::text, '') || chr(9) || coalesce(severity::text, '') || chr(9) || coalesce(people::text, '') || chr(9) || coalesce(school::text, '') || chr(9) || coalesce(sender_group::text, '') || chr(9) || coalesce(sender::text, '') || chr(9) || coalesce(rules::text, '') || chr(9) || categories, chr(10)) \
             FROM refusal WHERE ",
            $refusals,
            " GROUP BY at / 86400000000"
        )
    };
}

#[async_trait]
impl FiguresStore for PostgresStore {
    async fn figures(&self, since: i64) -> Result<Vec<String>, StoreError> {
        Ok(
            sqlx::query_scalar(figures!("received_at >= $1", "at >= $1"))
                .bind(since)
                .fetch_all(&self.pool)
                .await?,
        )
    }

    async fn figures_after(&self, seq: i64) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(figures!(
            "id IN (SELECT subject FROM ledger WHERE seq > $1)",
            "id IN (SELECT subject FROM ledger WHERE seq > $1)"
        ))
        .bind(seq)
        .fetch_all(&self.pool)
        .await?)
    }

    async fn ends(
        &self,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<(i64, i64, String, String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, action, subject, detail FROM ledger WHERE action IN ('expired', 'purged') AND at >= $1 AND at < $2 \
             ORDER BY seq DESC LIMIT $3",
        )
        .bind(from)
        .bind(to)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }

    async fn end_counts(&self, from: i64, to: i64) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT action, count(*) FROM ledger WHERE action IN ('expired', 'purged') AND at >= $1 AND at < $2 GROUP BY action",
        )
        .bind(from)
        .bind(to)
        .fetch_all(&self.pool)
        .await?)
    }

    async fn judge(&self, judgement: &str, entry: NewEntry<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let before: Option<String> =
            sqlx::query_scalar("SELECT judgement FROM hold WHERE id = $1 FOR UPDATE")
                .bind(entry.subject)
                .fetch_one(&mut *tx)
                .await?;
        sqlx::query("UPDATE hold SET judgement = $1 WHERE id = $2")
            .bind(judgement)
            .bind(entry.subject)
            .execute(&mut *tx)
            .await?;
        let detail = judged_detail(before.as_deref(), judgement);
        let NewEntry {
            at,
            actor,
            action,
            subject,
            ..
        } = entry;
        ledger::append(&mut tx, at, actor, action, subject, &detail).await?;
        tx.commit().await?;
        Ok(())
    }
}

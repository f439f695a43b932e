//! What reports count of holds and refusals, and what reviewers judge.

use async_trait::async_trait;

use super::{SqliteStore, ledger};
use crate::store::error::StoreError;
use crate::store::judgement::judged_detail;
use crate::store::rows::{FiguresStore, NewEntry};

/// Holds and refusals of these conditions, those of a day in one text.
macro_rules! figures {
    ($holds:literal, $refusals:literal) => {
        concat!(
            "SELECT group_concat(coalesce(id, '') || char(9) || coalesce(received_at, '') || char(9) || coalesce(state, '') || char(9) || coalesce(decided_at, '') || char(9) || coalesce(decided_as, '') || char(9) || coalesce(judgement, '') || char(9) || coalesce(severity, '') || char(9) || coalesce(people, '') || char(9) || coalesce(school, '') || char(9) || coalesce(sender_group, '') || char(9) || coalesce(sender, '') || char(9) || coalesce(rules, '') || char(9) || categories, char(10)) \
             FROM hold WHERE ",
            $holds,
            " GROUP BY received_at / 86400000000 UNION ALL SELECT group_concat(coalesce(id, '') || char(9) || coalesce(at, '') || char(9) || coalesce('turned-away', '') || char(9) || coalesce(NULL, '') || char(9) || coalesce(NULL, '') || char(9) || coalesce(NULL, '') || char(9) || coalesce(severity, '') || char(9) || coalesce(people, '') || char(9) || coalesce(school, '') || char(9) || coalesce(sender_group, '') || char(9) || coalesce(sender, '') || char(9) || coalesce(rules, '') || char(9) || categories, char(10)) \
             FROM refusal WHERE ",
            $refusals,
            " GROUP BY at / 86400000000"
        )
    };
}

#[async_trait]
impl FiguresStore for SqliteStore {
    async fn figures(&self, since: i64) -> Result<Vec<String>, StoreError> {
        Ok(
            sqlx::query_scalar(figures!("received_at >= ?1", "at >= ?1"))
                .bind(since)
                .fetch_all(&self.reader)
                .await?,
        )
    }

    async fn figures_after(&self, seq: i64) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(figures!(
            "id IN (SELECT subject FROM ledger WHERE seq > ?1)",
            "id IN (SELECT subject FROM ledger WHERE seq > ?1)"
        ))
        .bind(seq)
        .fetch_all(&self.reader)
        .await?)
    }

    async fn ends(
        &self,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<(i64, i64, String, String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, action, subject, detail FROM ledger WHERE action IN ('expired', 'purged') AND at >= ? AND at < ? \
             ORDER BY seq DESC LIMIT ?",
        )
        .bind(from)
        .bind(to)
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?)
    }

    async fn end_counts(&self, from: i64, to: i64) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT action, count(*) FROM ledger WHERE action IN ('expired', 'purged') AND at >= ? AND at < ? GROUP BY action",
        )
        .bind(from)
        .bind(to)
        .fetch_all(&self.reader)
        .await?)
    }

    async fn judge(&self, judgement: &str, entry: NewEntry<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let before: Option<String> = sqlx::query_scalar("SELECT judgement FROM hold WHERE id = ?")
            .bind(entry.subject)
            .fetch_one(&mut *tx)
            .await?;
        sqlx::query("UPDATE hold SET judgement = ? WHERE id = ?")
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

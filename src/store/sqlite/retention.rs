//! What ends: holds past their retention, finished deliveries, old refusals, and blobs that nobody knows.

use async_trait::async_trait;

use super::{SqliteStore, deliveries::in_use, ledger};
use crate::store::error::StoreError;
use crate::store::rows::{EndRow, Ended, Forget, KeptRow, RetentionStore};

#[async_trait]
impl RetentionStore for SqliteStore {
    async fn kept(
        &self,
        before: i64,
        after: (i64, &str),
        limit: u32,
    ) -> Result<Vec<KeptRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, state, version, received_at, decided_at, size, categories, dek, blob, \
             EXISTS (SELECT 1 FROM delivery WHERE delivery.blob = hold.blob) AS on_its_way \
             FROM hold WHERE blob IS NOT NULL AND received_at < ? AND (received_at, id) > (?, ?) \
             ORDER BY received_at, id LIMIT ?",
        )
        .bind(before)
        .bind(after.0)
        .bind(after.1)
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?)
    }

    async fn end_holds(&self, rows: &[EndRow], now: i64) -> Result<Ended, StoreError> {
        let mut tx = self.begin().await?;
        let mut ended = Ended::default();
        for row in rows {
            let changed = sqlx::query(
                "UPDATE hold SET state = ?, version = version + 1, kek = NULL, dek = NULL, record = NULL, \
                 decision = NULL, blob = NULL WHERE id = ? AND version = ? AND blob IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.blob = hold.blob)",
            )
            .bind(row.to)
            .bind(&row.id)
            .bind(row.version)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 {
                continue;
            }
            ledger::append(&mut tx, now, "system", row.to, &row.id, &row.detail).await?;
            // The key of a dead release opens the hold's message: it ends with it.
            sqlx::query("DELETE FROM dead_letter WHERE blob = ?")
                .bind(&row.blob)
                .execute(&mut *tx)
                .await?;
            ended.ids.push(row.id.clone());
            if !in_use(&mut tx, &row.blob).await? {
                ended.blobs.push(row.blob.clone());
            }
        }
        tx.commit().await?;
        Ok(ended)
    }

    async fn forget(&self, what: Forget, limit: u32) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let mut most = 0;
        for (statement, time) in [
            (
                "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE finished_at < ? \
                 AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE dead_letter.id = delivery.id) LIMIT ?)",
                what.events,
            ),
            (
                "DELETE FROM refusal WHERE id IN (SELECT id FROM refusal WHERE at < ? LIMIT ?)",
                what.events,
            ),
            (
                "DELETE FROM ticket WHERE hold IN (SELECT hold FROM ticket WHERE expires_at <= ? LIMIT ?)",
                what.now,
            ),
            (
                "DELETE FROM delivered WHERE key IN (SELECT key FROM delivered WHERE expires_at <= ? LIMIT ?)",
                what.now,
            ),
            // What still refers to a hold keeps its row.
            (
                "DELETE FROM hold WHERE id IN (SELECT id FROM hold WHERE blob IS NULL \
                 AND coalesce(decided_at, received_at) < ? \
                 AND NOT EXISTS (SELECT 1 FROM ticket WHERE ticket.hold = hold.id) \
                 AND NOT EXISTS (SELECT 1 FROM notice_escalation WHERE notice_escalation.hold = hold.id) LIMIT ?)",
                what.events,
            ),
        ] {
            let done = sqlx::query(statement)
                .bind(time)
                .bind(i64::from(limit))
                .execute(&mut *tx)
                .await?;
            most = most.max(done.rows_affected());
        }
        tx.commit().await?;
        Ok(most)
    }

    async fn needs(&self, blob: &str) -> Result<bool, StoreError> {
        let mut connection = self.reader.acquire().await?;
        in_use(&mut connection, blob).await
    }

    async fn blobs(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, blob FROM hold WHERE blob IS NOT NULL \
             UNION SELECT id, blob FROM delivery WHERE blob IS NOT NULL \
             UNION SELECT id, blob FROM dead_letter",
        )
        .fetch_all(&self.reader)
        .await?)
    }
}

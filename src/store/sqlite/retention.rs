//! What ends: holds past their retention, finished deliveries, old refusals, and blobs that nobody knows.

use async_trait::async_trait;

use super::{SqliteStore, deliveries::in_use, ledger, search};
use crate::store::clock::number;
use crate::store::error::StoreError;
use crate::store::rows::{Ended, RetentionStore};

/// Holds ended in one transaction.
const BATCH: i64 = 200;

#[async_trait]
impl RetentionStore for SqliteStore {
    async fn end_holds(&self, before: i64, now: i64) -> Result<Ended, StoreError> {
        let mut tx = self.begin().await?;
        let due: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT id, state, blob FROM hold WHERE blob IS NOT NULL AND received_at < ? \
             AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.blob = hold.blob) \
             ORDER BY received_at LIMIT ?",
        )
        .bind(before)
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        let mut ended = Ended {
            more: number(due.len()) == BATCH,
            ..Ended::default()
        };
        for (id, state, blob) in due {
            let to = if state == "held" { "expired" } else { "purged" };
            search::forget(&mut tx, &id).await?;
            sqlx::query(
                "UPDATE hold SET state = ?, version = version + 1, kek = NULL, dek = NULL, record = NULL, \
                 decision = NULL, blob = NULL, tokens = NULL WHERE id = ?",
            )
            .bind(to)
            .bind(&id)
            .execute(&mut *tx)
            .await?;
            ledger::append(&mut tx, now, "system", to, &id, "{}").await?;
            if to == "expired" {
                ended.expired += 1;
            } else {
                ended.purged += 1;
            }
            if !in_use(&mut tx, &blob).await? {
                ended.blobs.push(blob);
            }
        }
        tx.commit().await?;
        Ok(ended)
    }

    async fn forget(&self, before: i64, now: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (statement, time) in [
            ("DELETE FROM delivery WHERE finished_at < ?", before),
            ("DELETE FROM refusal WHERE at < ?", before),
            ("DELETE FROM ticket WHERE expires_at <= ?", now),
            ("DELETE FROM delivered WHERE expires_at <= ?", now),
        ] {
            sqlx::query(statement).bind(time).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn needs(&self, blob: &str) -> Result<bool, StoreError> {
        let mut connection = self.reader.acquire().await?;
        in_use(&mut connection, blob).await
    }

    async fn blobs(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, blob FROM hold WHERE blob IS NOT NULL \
             UNION SELECT id, blob FROM delivery WHERE blob IS NOT NULL",
        )
        .fetch_all(&self.reader)
        .await?)
    }
}

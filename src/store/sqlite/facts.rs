//! Rows of the facts of judged messages.

use async_trait::async_trait;

use super::SqliteStore;
use crate::store::error::StoreError;
use crate::store::rows::{FactsRow, FactsStore};

#[async_trait]
impl FactsStore for SqliteStore {
    async fn keep_facts(&self, rows: &[FactsRow]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for row in rows {
            sqlx::query(
                "INSERT INTO facts (id, at, sealed) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
            )
            .bind(&row.id)
            .bind(row.at)
            .bind(&row.sealed)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn facts(&self, at: i64, id: &str, limit: u32) -> Result<Vec<FactsRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, at, sealed FROM facts WHERE (at, id) > (?, ?) ORDER BY at, id LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?)
    }

    async fn forget_facts(&self, before: i64, limit: u32) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "DELETE FROM facts WHERE id IN (SELECT id FROM facts WHERE at < ? ORDER BY at, id LIMIT ?)",
        )
        .bind(before)
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}

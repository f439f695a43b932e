//! Rows of the facts of judged messages.

use async_trait::async_trait;

use super::PostgresStore;
use crate::store::error::StoreError;
use crate::store::rows::{FactsRow, FactsStore};

#[async_trait]
impl FactsStore for PostgresStore {
    async fn keep_facts(&self, rows: &[FactsRow]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for row in rows {
            sqlx::query(
                "INSERT INTO facts (id, at, sealed) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
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
            "SELECT id, at, sealed FROM facts WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT $3",
        )
        .bind(at)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }

    async fn forget_facts(&self, before: i64, limit: u32) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "DELETE FROM facts WHERE id IN (SELECT id FROM facts WHERE at < $1 ORDER BY at, id LIMIT $2)",
        )
        .bind(before)
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}

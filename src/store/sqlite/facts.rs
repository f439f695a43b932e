//! Rows of the facts of judged messages.

use super::Database;
use crate::store::error::StoreError;

/// The record of one message.
#[derive(Debug)]
pub(crate) struct FactsRow {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) sealed: Vec<u8>,
}

impl Database {
    /// Adds records in one transaction; those that are there already stay as they are.
    pub(crate) async fn keep_facts(&self, rows: &[FactsRow]) -> Result<(), StoreError> {
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

    /// Records after this time and id, oldest first.
    pub(crate) async fn facts(
        &self,
        at: i64,
        id: &str,
        limit: u32,
    ) -> Result<Vec<FactsRow>, StoreError> {
        let rows: Vec<(String, i64, Vec<u8>)> = sqlx::query_as(
            "SELECT id, at, sealed FROM facts WHERE (at, id) > (?, ?) ORDER BY at, id LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(id, at, sealed)| FactsRow { id, at, sealed })
            .collect())
    }

    /// Deletes up to `limit` records from before `before` and gives their number.
    pub(crate) async fn forget_facts(&self, before: i64, limit: u32) -> Result<u64, StoreError> {
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

//! Rows of the facts of judged messages.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::fault::Fault;
use super::{PostgresStore, transact};
use crate::store::error::StoreError;
use crate::store::rows::{FactsRow, FactsStore};

async fn keep(tx: &mut PgConnection, rows: &[FactsRow]) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO facts (id, at, sealed) SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bytea[]) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.sealed.clone()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl FactsStore for PostgresStore {
    async fn keep_facts(&self, rows: &[FactsRow]) -> Result<(), StoreError> {
        transact!(self, |tx| keep(tx, rows).await)
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
        // Two nodes that forget at once take different rows.
        Ok(sqlx::query(
            "WITH old AS MATERIALIZED (SELECT id FROM facts WHERE at < $1 ORDER BY at, id LIMIT $2 FOR UPDATE SKIP LOCKED) \
             DELETE FROM facts WHERE id IN (SELECT id FROM old)",
        )
        .bind(before)
        .bind(i64::from(limit))
        .execute(&self.pool)
        .await?
        .rows_affected())
    }
}

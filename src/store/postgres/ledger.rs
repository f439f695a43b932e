//! Adding to the ledger, and reading it.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::PostgresStore;
use crate::store::error::StoreError;
use crate::store::ledger::Hashed;
use crate::store::rows::{LedgerRow, LedgerStore};

/// Adds an entry within the transaction of the act it records.
pub(crate) async fn append(
    tx: &mut PgConnection,
    at: i64,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    // Held until the transaction ends: the next one sees this entry, and so the chain has no fork.
    let (last, previous): (i64, Vec<u8>) =
        sqlx::query_as("SELECT seq, hash FROM ledger_head FOR UPDATE")
            .fetch_one(&mut *tx)
            .await?;
    let seq = last + 1;
    let hash = Hashed {
        seq,
        at,
        actor,
        action,
        subject,
        detail,
    }
    .hash(&previous);
    sqlx::query(
        "WITH head AS (UPDATE ledger_head SET seq = $1, hash = $8) \
         INSERT INTO ledger (seq, at, actor, action, subject, detail, prev, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(seq)
    .bind(at)
    .bind(actor)
    .bind(action)
    .bind(subject)
    .bind(detail)
    .bind(previous)
    .bind(hash.as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl LedgerStore for PostgresStore {
    async fn note(
        &self,
        at: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        append(&mut tx, at, actor, action, subject, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn ledger_page(&self, from: i64, limit: u32) -> Result<Vec<LedgerRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, actor, action, subject, detail, prev, hash FROM ledger \
             WHERE seq >= $1 ORDER BY seq LIMIT $2",
        )
        .bind(from)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }
}

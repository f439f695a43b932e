//! Adding to the ledger, and reading it.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::SqliteStore;
use crate::store::error::StoreError;
use crate::store::ledger::{GENESIS, Hashed};
use crate::store::rows::{LedgerRow, LedgerStore};

/// Adds an entry within the transaction of the act it records.
pub(crate) async fn append(
    tx: &mut SqliteConnection,
    at: i64,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut *tx)
            .await?;
    let (seq, previous) = last.map_or((1, GENESIS.to_vec()), |(seq, hash)| (seq + 1, hash));
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
        "INSERT INTO ledger (seq, at, actor, action, subject, detail, prev, hash) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
impl LedgerStore for SqliteStore {
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

    async fn ledger_about(&self, subject: &str) -> Result<Vec<LedgerRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, actor, action, subject, detail, prev, hash FROM ledger \
             WHERE subject = ? AND subject <> '' ORDER BY seq LIMIT 10000",
        )
        .bind(subject)
        .fetch_all(&self.reader)
        .await?)
    }

    async fn ledger_page(&self, from: i64, limit: u32) -> Result<Vec<LedgerRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, actor, action, subject, detail, prev, hash FROM ledger \
             WHERE seq >= ? ORDER BY seq LIMIT ?",
        )
        .bind(from)
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?)
    }
}

//! Rows of the delivery queue.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::SqliteStore;
use crate::store::error::StoreError;
use crate::store::rows::{DeliveryRow, LeasedRow, QueueStore, SettledRow};

/// Inserts a delivery.
pub(super) async fn insert_delivery(
    row: &DeliveryRow,
    tx: &mut SqliteConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO delivery (id, kind, created_at, due_at, kek, dek, progress, blob, sealed_as) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&row.id)
    .bind(row.kind)
    .bind(row.created_at)
    .bind(row.due_at)
    .bind(&row.kek)
    .bind(&row.dek)
    .bind(&row.progress)
    .bind(&row.blob)
    .bind(&row.sealed_as)
    .execute(tx)
    .await?;
    Ok(())
}

fn held(changed: u64) -> Result<(), StoreError> {
    if changed == 0 {
        return Err(StoreError::LeaseLost);
    }
    Ok(())
}

/// Whether a hold or an unfinished delivery still needs this blob.
pub(super) async fn in_use(tx: &mut SqliteConnection, blob: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM hold WHERE blob = ?1 UNION ALL SELECT 1 FROM delivery WHERE blob = ?1 LIMIT 1",
    )
    .bind(blob)
    .fetch_optional(tx)
    .await?;
    Ok(found.is_some())
}

#[async_trait]
impl QueueStore for SqliteStore {
    async fn lease(
        &self,
        now: i64,
        worker: &str,
        limit: u32,
        until: i64,
    ) -> Result<Vec<LeasedRow>, StoreError> {
        // Asked of a reader first: an idle queue takes no write lock.
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM delivery WHERE due_at <= ?1 AND (leased_until IS NULL OR leased_until <= ?1) LIMIT 1",
        )
        .bind(now)
        .fetch_optional(&self.reader)
        .await?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let rows = sqlx::query_as(
            "UPDATE delivery SET fence = fence + 1, leased_by = ?2, leased_until = ?3, \
             duplicates = duplicates + attempting, attempting = 0 \
             WHERE id IN (SELECT id FROM delivery WHERE due_at <= ?1 \
                          AND (leased_until IS NULL OR leased_until <= ?1) ORDER BY due_at LIMIT ?4) \
             RETURNING id, kind, created_at, attempts, delay_noticed, duplicates, fence, kek, dek, progress",
        )
        .bind(now)
        .bind(worker)
        .bind(until)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rows)
    }

    async fn reclaim(&self, worker: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE delivery SET leased_until = NULL, leased_by = NULL WHERE leased_by = ? AND due_at IS NOT NULL",
        )
        .bind(worker)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(changed)
    }

    async fn attempting(&self, id: &str, fence: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE delivery SET attempting = 1, attempts = attempts + 1 \
             WHERE id = ? AND fence = ? AND leased_by IS NOT NULL AND due_at IS NOT NULL",
        )
        .bind(id)
        .bind(fence)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        held(changed)?;
        tx.commit().await?;
        Ok(())
    }

    async fn extend(&self, id: &str, fence: i64, until: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE delivery SET leased_until = ? \
             WHERE id = ? AND fence = ? AND leased_by IS NOT NULL AND due_at IS NOT NULL",
        )
        .bind(until)
        .bind(id)
        .bind(fence)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        held(changed)?;
        tx.commit().await?;
        Ok(())
    }

    async fn settle(&self, row: &SettledRow) -> Result<Option<String>, StoreError> {
        let mut tx = self.begin().await?;
        let blob: Option<Option<String>> = sqlx::query_scalar(
            "SELECT blob FROM delivery WHERE id = ? AND fence = ? AND due_at IS NOT NULL",
        )
        .bind(&row.id)
        .bind(row.fence)
        .fetch_optional(&mut *tx)
        .await?;
        let blob = blob.ok_or(StoreError::LeaseLost)?;
        let (progress, due_at, finished_at) = match &row.retry {
            Some((progress, due_at)) => (Some(progress), Some(*due_at), None),
            None => (None, None, Some(row.at)),
        };
        let changed = sqlx::query(
            "UPDATE delivery SET due_at = ?3, finished_at = ?4, failed = ?5, \
             delay_noticed = ?6, duplicates = duplicates + ?7, attempting = 0, leased_by = NULL, leased_until = NULL, \
             progress = ?8, \
             kek = CASE WHEN ?3 IS NULL THEN NULL ELSE kek END, \
             dek = CASE WHEN ?3 IS NULL THEN NULL ELSE dek END, \
             blob = CASE WHEN ?3 IS NULL THEN NULL ELSE blob END \
             WHERE id = ?1 AND fence = ?2",
        )
        .bind(&row.id)
        .bind(row.fence)
        .bind(due_at)
        .bind(finished_at)
        .bind(row.failed)
        .bind(row.delay_noticed)
        .bind(i64::from(row.unknown))
        .bind(progress)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        held(changed)?;
        for more in &row.more {
            insert_delivery(more, &mut tx).await?;
        }
        let free = match (row.retry.is_none(), blob) {
            (true, Some(blob)) => (!in_use(&mut tx, &blob).await?).then_some(blob),
            _ => None,
        };
        tx.commit().await?;
        Ok(free)
    }

    async fn delivery_blob(
        &self,
        id: &str,
        fence: i64,
    ) -> Result<(String, String, String, Vec<u8>), StoreError> {
        sqlx::query_as(
            "SELECT blob, sealed_as, kek, dek FROM delivery WHERE id = ? AND fence = ? AND due_at IS NOT NULL",
        )
        .bind(id)
        .bind(fence)
        .fetch_optional(&self.reader)
        .await?
        .ok_or(StoreError::LeaseLost)
    }

    async fn queue(
        &self,
        limit: u32,
    ) -> Result<Vec<(String, String, i64, Option<i64>, i64, i64, i64)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, kind, created_at, due_at, attempts, failed, duplicates FROM delivery \
             ORDER BY due_at IS NULL, due_at, created_at LIMIT ?",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?)
    }

    async fn queue_depth(&self) -> Result<(i64, Option<i64>), StoreError> {
        Ok(sqlx::query_as(
            "SELECT count(*), min(created_at) FROM delivery WHERE due_at IS NOT NULL",
        )
        .fetch_one(&self.reader)
        .await?)
    }
}

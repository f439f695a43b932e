//! Rows of the delivery queue.

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::commit::inserted;
use super::{PostgresStore, ledger, ring};
use crate::store::delivery::QueueState;
use crate::store::error::StoreError;
use crate::store::rows::{
    CancelRow, DeliveryRow, LeasedRow, QueueRow, QueueStore, RetryRow, SettledRow,
};

/// What a [`QueueRow`] is read from; a condition follows.
const QUEUE: &str = "SELECT delivery.id, kind, created_at, due_at, finished_at, died_at, attempts, failed, duplicates, fence, leased_by, \
                     leased_until, coalesce(delivery.kek, dead_letter.kek) AS kek, coalesce(delivery.dek, dead_letter.dek) AS dek, \
                     coalesce(delivery.progress, dead_letter.progress) AS progress \
                     FROM delivery LEFT JOIN dead_letter ON dead_letter.id = delivery.id WHERE ";

/// Inserts a delivery.
pub(super) async fn insert_delivery(
    row: &DeliveryRow,
    tx: &mut PgConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO delivery (id, kind, created_at, due_at, kek, dek, progress, blob, sealed_as) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
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
    .await
    .map(|done| inserted(&done))?
}

fn held(changed: u64) -> Result<(), StoreError> {
    if changed == 0 {
        return Err(StoreError::LeaseLost);
    }
    Ok(())
}

/// Ends a dead letter.
pub(super) async fn bury(tx: &mut PgConnection, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM dead_letter WHERE id = $1")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether a hold, an unfinished delivery or a dead letter still needs this blob.
pub(super) async fn in_use(tx: &mut PgConnection, blob: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM hold WHERE blob = $1) OR EXISTS (SELECT 1 FROM delivery WHERE blob = $1) \
         OR EXISTS (SELECT 1 FROM dead_letter WHERE blob = $1)",
    )
    .bind(blob)
    .fetch_one(tx)
    .await?)
}

#[async_trait]
impl QueueStore for PostgresStore {
    async fn lease(
        &self,
        now: i64,
        worker: &str,
        limit: u32,
        until: i64,
    ) -> Result<Vec<LeasedRow>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query_as(
            "UPDATE delivery SET fence = fence + 1, leased_by = $2, leased_until = $3, \
             duplicates = duplicates + attempting, attempting = 0 \
             WHERE id IN (SELECT id FROM delivery WHERE due_at <= $1 \
                          AND (leased_until IS NULL OR leased_until <= $1) ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED) \
             RETURNING id, kind, created_at, coalesce(window_at, created_at) AS window_at, attempts, delay_noticed, \
             duplicates, fence, kek, dek, progress",
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
            "UPDATE delivery SET leased_until = NULL, leased_by = NULL WHERE leased_by = $1 AND due_at IS NOT NULL",
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
             WHERE id = $1 AND fence = $2 AND leased_by IS NOT NULL AND due_at IS NOT NULL",
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
            "UPDATE delivery SET leased_until = $1 \
             WHERE id = $2 AND fence = $3 AND leased_by IS NOT NULL AND due_at IS NOT NULL",
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
            "SELECT blob FROM delivery WHERE id = $1 AND fence = $2 AND due_at IS NOT NULL FOR UPDATE",
        )
        .bind(&row.id)
        .bind(row.fence)
        .fetch_optional(&mut *tx)
        .await?;
        let blob = blob.ok_or(StoreError::LeaseLost)?;
        if let Some(progress) = &row.dead {
            sqlx::query(
                "INSERT INTO dead_letter (id, died_at, kek, dek, progress, blob) \
                 SELECT id, $1, kek, dek, $2, blob FROM delivery WHERE id = $3",
            )
            .bind(row.at)
            .bind(progress)
            .bind(&row.id)
            .execute(&mut *tx)
            .await?;
        }
        let (progress, due_at, finished_at) = match &row.retry {
            Some((progress, due_at)) => (Some(progress), Some(*due_at), None),
            None => (None, None, Some(row.at)),
        };
        let changed = sqlx::query(
            "UPDATE delivery SET due_at = $3, finished_at = $4, failed = $5, \
             delay_noticed = $6, duplicates = duplicates + $7, attempting = 0, leased_by = NULL, leased_until = NULL, \
             progress = $8, \
             kek = CASE WHEN $3 IS NULL THEN NULL ELSE kek END, \
             dek = CASE WHEN $3 IS NULL THEN NULL ELSE dek END, \
             blob = CASE WHEN $3 IS NULL THEN NULL ELSE blob END \
             WHERE id = $1 AND fence = $2",
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
        if !row.more.is_empty() {
            ring(&mut tx).await?;
        }
        if let Some((action, detail)) = &row.entry {
            ledger::append(&mut tx, row.at, "relay", action, &row.id, detail).await?;
        }
        tx.commit().await?;
        Ok(free)
    }

    async fn delivery_blob(
        &self,
        id: &str,
        fence: i64,
    ) -> Result<(String, String, String, Vec<u8>), StoreError> {
        sqlx::query_as(
            "SELECT blob, sealed_as, kek, dek FROM delivery WHERE id = $1 AND fence = $2 AND due_at IS NOT NULL",
        )
        .bind(id)
        .bind(fence)
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::LeaseLost)
    }

    async fn queue(
        &self,
        state: Option<QueueState>,
        limit: u32,
    ) -> Result<Vec<QueueRow>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(QUEUE);
        query.push(match state {
            None => "TRUE",
            Some(QueueState::Waiting) => "due_at IS NOT NULL",
            Some(QueueState::Dead) => "died_at IS NOT NULL",
            Some(QueueState::Finished) => "finished_at IS NOT NULL AND died_at IS NULL",
        });
        query
            .push(" ORDER BY died_at IS NULL, due_at IS NULL, coalesce(due_at, died_at, finished_at), delivery.id LIMIT ")
            .push_bind(i64::from(limit));
        Ok(query.build_query_as().fetch_all(&self.pool).await?)
    }

    async fn delivery(&self, id: &str) -> Result<QueueRow, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(QUEUE);
        query.push("delivery.id = ").push_bind(id);
        Ok(query.build_query_as().fetch_one(&self.pool).await?)
    }

    async fn retry(&self, row: &RetryRow) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed = match &row.anew {
            None => sqlx::query(
                "UPDATE delivery SET due_at = $1 WHERE id = $2 AND fence = $3 AND due_at IS NOT NULL \
                 AND (leased_until IS NULL OR leased_until <= $1)",
            )
                .bind(row.at)
                .bind(&row.id)
                .bind(row.fence)
                .execute(&mut *tx)
                .await?
                .rows_affected(),
            Some(progress) => {
                let changed = sqlx::query(
                    "UPDATE delivery SET due_at = $1, window_at = $1, finished_at = NULL, attempts = 0, failed = 0, \
                     delay_noticed = FALSE, fence = delivery.fence + 1, progress = $4, kek = dead_letter.kek, \
                     dek = dead_letter.dek, blob = dead_letter.blob \
                     FROM dead_letter WHERE dead_letter.id = delivery.id AND delivery.id = $2 AND fence = $3",
                )
                .bind(row.at)
                .bind(&row.id)
                .bind(row.fence)
                .bind(progress)
                .execute(&mut *tx)
                .await?
                .rows_affected();
                bury(&mut tx, &row.id).await?;
                changed
            }
        };
        if changed == 0 {
            return Ok(false);
        }
        ledger::append(
            &mut tx,
            row.at,
            &row.actor,
            "queue-retried",
            &row.id,
            &row.detail,
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn cancel(&self, row: &CancelRow) -> Result<Option<Option<String>>, StoreError> {
        let mut tx = self.begin().await?;
        let found: Option<(Option<String>, Option<String>)> = sqlx::query_as(
            "SELECT delivery.blob, dead_letter.blob FROM delivery LEFT JOIN dead_letter ON dead_letter.id = delivery.id \
             WHERE delivery.id = $1 AND fence = $2 AND (dead_letter.id IS NOT NULL \
             OR (due_at IS NOT NULL AND (leased_until IS NULL OR leased_until <= $3))) FOR UPDATE OF delivery",
        )
        .bind(&row.id)
        .bind(row.fence)
        .bind(row.at)
        .fetch_optional(&mut *tx)
        .await?;
        let Some((Some(blob), _) | (None, Some(blob))) = found else {
            return Ok(None);
        };
        sqlx::query(
            "UPDATE delivery SET due_at = NULL, finished_at = $2, fence = fence + 1, leased_by = NULL, leased_until = NULL, \
             kek = NULL, dek = NULL, progress = NULL, blob = NULL WHERE id = $1",
        )
        .bind(&row.id)
        .bind(row.at)
        .execute(&mut *tx)
        .await?;
        bury(&mut tx, &row.id).await?;
        let free = (!in_use(&mut tx, &blob).await?).then_some(blob);
        ledger::append(
            &mut tx,
            row.at,
            &row.actor,
            "queue-cancelled",
            &row.id,
            &row.detail,
        )
        .await?;
        tx.commit().await?;
        Ok(Some(free))
    }

    async fn end_dead(
        &self,
        before: i64,
        now: i64,
        limit: u32,
    ) -> Result<Vec<Option<String>>, StoreError> {
        let mut tx = self.begin().await?;
        let due: Vec<(String, String)> = sqlx::query_as(
            "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter WHERE died_at < $1 ORDER BY died_at LIMIT $2 \
             FOR UPDATE SKIP LOCKED) RETURNING id, blob",
        )
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        let mut free = Vec::with_capacity(due.len());
        for (id, blob) in due {
            free.push((!in_use(&mut tx, &blob).await?).then_some(blob));
            ledger::append(&mut tx, now, "system", "dead-letter-ended", &id, "{}").await?;
        }
        tx.commit().await?;
        Ok(free)
    }

    async fn dead_letters(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM dead_letter")
            .fetch_one(&self.pool)
            .await?)
    }

    async fn queue_depth(&self) -> Result<(i64, Option<i64>), StoreError> {
        Ok(sqlx::query_as(
            "SELECT count(*), min(created_at) FROM delivery WHERE due_at IS NOT NULL",
        )
        .fetch_one(&self.pool)
        .await?)
    }
}

//! Rows of the delivery queue.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::fault::Fault;
use super::holds::share;
use super::ledger::{self, Addition};
use super::{PostgresStore, ring_bell, transact};
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

/// Inserts deliveries of messages of their own, and gives the ids of those that were not there.
pub(super) async fn insert_deliveries(
    tx: &mut PgConnection,
    rows: &[&DeliveryRow],
) -> Result<HashSet<String>, Fault> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let text = |of: fn(&DeliveryRow) -> &str| -> Vec<String> {
        rows.iter().map(|row| of(row).to_owned()).collect()
    };
    let ids: Vec<String> = sqlx::query_scalar(
        "INSERT INTO delivery (id, kind, created_at, due_at, kek, dek, progress, blob, sealed_as) \
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[], $7::bytea[], $8::text[], \
         $9::text[]) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(text(|row| &row.id))
    .bind(text(|row| row.kind))
    .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.due_at).collect::<Vec<_>>())
    .bind(text(|row| &row.kek))
    .bind(rows.iter().map(|row| row.dek.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.progress.clone()).collect::<Vec<_>>())
    .bind(text(|row| &row.blob))
    .bind(text(|row| &row.sealed_as))
    .fetch_all(tx)
    .await?;
    Ok(ids.into_iter().collect())
}

/// Inserts a delivery. One that sends a hold's message keeps the hold's content from ending.
pub(super) async fn insert_delivery(row: &DeliveryRow, tx: &mut PgConnection) -> Result<(), Fault> {
    if row.sealed_as != row.id && !share(tx, &row.sealed_as, &row.blob).await? {
        return Err(StoreError::Missing.into());
    }
    if insert_deliveries(tx, &[row]).await?.is_empty() {
        return Err(StoreError::Exists.into());
    }
    Ok(())
}

fn held(changed: u64) -> Result<(), StoreError> {
    if changed == 0 {
        return Err(StoreError::LeaseLost);
    }
    Ok(())
}

/// Ends a dead letter.
async fn bury(tx: &mut PgConnection, id: &str) -> Result<(), Fault> {
    sqlx::query("DELETE FROM dead_letter WHERE id = $1")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether a hold, an unfinished delivery or a dead letter still needs this blob. The caller has locked the rows through which it could
/// come to be needed anew: the delivery and its dead letter, or the hold.
pub(super) async fn in_use(tx: &mut PgConnection, blob: &str) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM hold WHERE blob = $1) OR EXISTS (SELECT 1 FROM delivery WHERE blob = $1) \
         OR EXISTS (SELECT 1 FROM dead_letter WHERE blob = $1)",
    )
    .bind(blob)
    .fetch_one(tx)
    .await?)
}

async fn settle(tx: &mut PgConnection, row: &SettledRow) -> Result<Option<String>, Fault> {
    // Locked, so that nobody leases, cancels or sends it again between here and the end.
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
         delay_noticed = $6, duplicates = duplicates + $7, attempting = FALSE, leased_by = NULL, leased_until = NULL, \
         progress = $8, \
         kek = CASE WHEN $3::bigint IS NULL THEN NULL ELSE kek END, \
         dek = CASE WHEN $3::bigint IS NULL THEN NULL ELSE dek END, \
         blob = CASE WHEN $3::bigint IS NULL THEN NULL ELSE blob END \
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
        insert_delivery(more, tx).await?;
    }
    if !row.more.is_empty() {
        ring_bell(tx).await?;
    }
    let free = match (row.retry.is_none(), blob) {
        (true, Some(blob)) => (!in_use(tx, &blob).await?).then_some(blob),
        _ => None,
    };
    if let Some((action, detail)) = &row.entry {
        let addition = Addition {
            at: row.at,
            actor: "relay",
            action,
            subject: &row.id,
            detail,
        };
        ledger::append(tx, addition).await?;
    }
    Ok(free)
}

async fn retry(tx: &mut PgConnection, row: &RetryRow) -> Result<bool, Fault> {
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
        Some(progress) => anew(tx, row, progress).await?,
    };
    if changed == 0 {
        return Ok(false);
    }
    ring_bell(tx).await?;
    let addition = Addition {
        at: row.at,
        actor: &row.actor,
        action: "queue-retried",
        subject: &row.id,
        detail: &row.detail,
    };
    ledger::append(tx, addition).await?;
    Ok(true)
}

/// Begins a dead letter from the beginning.
async fn anew(tx: &mut PgConnection, row: &RetryRow, progress: &[u8]) -> Result<u64, Fault> {
    // The hold first, as everywhere: its end also ends the dead letter of its release, whose key opens the same message.
    let of: Option<(String, String)> = sqlx::query_as(
        "SELECT sealed_as, dead_letter.blob FROM delivery JOIN dead_letter ON dead_letter.id = delivery.id WHERE delivery.id = $1",
    )
    .bind(&row.id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((sealed_as, blob)) = of else {
        return Ok(0);
    };
    if sealed_as != row.id && !share(tx, &sealed_as, &blob).await? {
        return Ok(0);
    }
    // Then both rows: neither the letter's end nor another retry comes between, and who deletes the blob sees one of the two.
    let locked = sqlx::query(
        "SELECT 1 FROM delivery JOIN dead_letter ON dead_letter.id = delivery.id WHERE delivery.id = $1 AND fence = $2 FOR UPDATE",
    )
    .bind(&row.id)
    .bind(row.fence)
    .fetch_optional(&mut *tx)
    .await?;
    if locked.is_none() {
        return Ok(0);
    }
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
    bury(tx, &row.id).await?;
    Ok(changed)
}

async fn cancel(tx: &mut PgConnection, row: &CancelRow) -> Result<Option<Option<String>>, Fault> {
    // Locked: a worker that leases at this moment has it, or finds it cancelled.
    let found: Option<Option<String>> = sqlx::query_scalar(
        "SELECT delivery.blob FROM delivery WHERE id = $1 AND fence = $2 \
         AND (due_at IS NULL OR leased_until IS NULL OR leased_until <= $3) FOR UPDATE",
    )
    .bind(&row.id)
    .bind(row.fence)
    .bind(row.at)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(waiting) = found else {
        return Ok(None);
    };
    let dead: Option<String> =
        sqlx::query_scalar("DELETE FROM dead_letter WHERE id = $1 RETURNING blob")
            .bind(&row.id)
            .fetch_optional(&mut *tx)
            .await?;
    let Some(blob) = waiting.or(dead) else {
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
    let free = (!in_use(tx, &blob).await?).then_some(blob);
    let addition = Addition {
        at: row.at,
        actor: &row.actor,
        action: "queue-cancelled",
        subject: &row.id,
        detail: &row.detail,
    };
    ledger::append(tx, addition).await?;
    Ok(Some(free))
}

async fn end_dead(
    tx: &mut PgConnection,
    before: i64,
    now: i64,
    limit: u32,
) -> Result<Vec<Option<String>>, Fault> {
    // Nodes that do this at once take different letters; one that somebody sends again now is left to him.
    let due: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, blob FROM dead_letter WHERE died_at < $1 ORDER BY died_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await?;
    let mut free = Vec::with_capacity(due.len());
    for (id, blob) in &due {
        bury(tx, id).await?;
        free.push((!in_use(tx, blob).await?).then(|| blob.clone()));
    }
    let additions: Vec<_> = due
        .iter()
        .map(|(id, _)| Addition {
            at: now,
            actor: "system",
            action: "dead-letter-ended",
            subject: id,
            detail: "{}",
        })
        .collect();
    ledger::append_all(tx, &additions).await?;
    Ok(free)
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
        // Rows that another node is leasing are passed over: each is leased once, and nobody waits.
        Ok(sqlx::query_as(
            "WITH due AS MATERIALIZED (SELECT id FROM delivery WHERE due_at <= $1 \
             AND (leased_until IS NULL OR leased_until <= $1) ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED) \
             UPDATE delivery SET fence = fence + 1, leased_by = $2, leased_until = $3, \
             duplicates = duplicates + attempting::int, attempting = FALSE \
             WHERE id IN (SELECT id FROM due) \
             RETURNING id, kind, created_at, coalesce(window_at, created_at) AS window_at, attempts, delay_noticed, \
             duplicates, fence, kek, dek, progress",
        )
        .bind(now)
        .bind(worker)
        .bind(until)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }

    async fn reclaim(&self, worker: &str) -> Result<u64, StoreError> {
        Ok(sqlx::query(
            "UPDATE delivery SET leased_until = NULL, leased_by = NULL WHERE leased_by = $1 AND due_at IS NOT NULL",
        )
        .bind(worker)
        .execute(&self.pool)
        .await?
        .rows_affected())
    }

    async fn attempting(&self, id: &str, fence: i64) -> Result<(), StoreError> {
        let changed = sqlx::query(
            "UPDATE delivery SET attempting = TRUE, attempts = attempts + 1 \
             WHERE id = $1 AND fence = $2 AND leased_by IS NOT NULL AND due_at IS NOT NULL",
        )
        .bind(id)
        .bind(fence)
        .execute(&self.pool)
        .await?
        .rows_affected();
        held(changed)
    }

    async fn extend(&self, id: &str, fence: i64, until: i64) -> Result<(), StoreError> {
        let changed = sqlx::query(
            "UPDATE delivery SET leased_until = $1 \
             WHERE id = $2 AND fence = $3 AND leased_by IS NOT NULL AND due_at IS NOT NULL",
        )
        .bind(until)
        .bind(id)
        .bind(fence)
        .execute(&self.pool)
        .await?
        .rows_affected();
        held(changed)
    }

    async fn settle(&self, row: &SettledRow) -> Result<Option<String>, StoreError> {
        transact!(self, |tx| settle(tx, row).await)
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
        transact!(self, |tx| retry(tx, row).await)
    }

    async fn cancel(&self, row: &CancelRow) -> Result<Option<Option<String>>, StoreError> {
        transact!(self, |tx| cancel(tx, row).await)
    }

    async fn end_dead(
        &self,
        before: i64,
        now: i64,
        limit: u32,
    ) -> Result<Vec<Option<String>>, StoreError> {
        transact!(self, |tx| end_dead(tx, before, now, limit).await)
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

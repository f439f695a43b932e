//! What ends: holds past their retention, finished deliveries, old refusals, and blobs that nobody knows.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::deliveries::in_use;
use super::fault::Fault;
use super::ledger::{self, Addition};
use super::{PostgresStore, transact};
use crate::store::error::StoreError;
use crate::store::rows::{EndRow, Ended, Forget, KeptRow, RetentionStore};

async fn end_holds(tx: &mut PgConnection, rows: &[EndRow], now: i64) -> Result<Ended, Fault> {
    // Locked in the order of ids, by a statement of its own: it waits for whoever puts a delivery of one of these into the queue, and
    // the statements after it see that delivery. One statement alone would look with the eyes of before it waited.
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    sqlx::query("SELECT 1 FROM hold WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind(ids)
        .execute(&mut *tx)
        .await?;
    let mut ended = Ended::default();
    let mut additions = Vec::new();
    for row in rows {
        let changed = sqlx::query(
            "UPDATE hold SET state = $1, version = version + 1, kek = NULL, dek = NULL, record = NULL, \
             decision = NULL, blob = NULL WHERE id = $2 AND version = $3 AND blob IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.blob = hold.blob)",
        )
        .bind(row.to)
        .bind(&row.id)
        .bind(row.version)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if changed == 0 {
            continue;
        }
        additions.push(Addition {
            at: now,
            actor: "system",
            action: row.to,
            subject: &row.id,
            detail: &row.detail,
        });
        // The key of a dead release opens the hold's message: it ends with it.
        sqlx::query("DELETE FROM dead_letter WHERE blob = $1")
            .bind(&row.blob)
            .execute(&mut *tx)
            .await?;
        ended.ids.push(row.id.clone());
        if !in_use(tx, &row.blob).await? {
            ended.blobs.push(row.blob.clone());
        }
    }
    ledger::append_all(tx, &additions).await?;
    Ok(ended)
}

async fn forget(tx: &mut PgConnection, what: Forget, limit: u32) -> Result<u64, Fault> {
    let mut most = 0;
    // Nodes that forget at once take different rows.
    for (statement, time) in [
        (
            "WITH old AS MATERIALIZED (SELECT id FROM delivery WHERE finished_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE dead_letter.id = delivery.id) LIMIT $2 FOR UPDATE SKIP LOCKED) \
             DELETE FROM delivery WHERE id IN (SELECT id FROM old)",
            what.events,
        ),
        (
            "WITH old AS MATERIALIZED (SELECT id FROM refusal WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED) \
             DELETE FROM refusal WHERE id IN (SELECT id FROM old)",
            what.events,
        ),
        (
            "WITH old AS MATERIALIZED (SELECT hold FROM ticket WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) \
             DELETE FROM ticket WHERE hold IN (SELECT hold FROM old)",
            what.now,
        ),
        (
            "WITH old AS MATERIALIZED (SELECT key FROM delivered WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) \
             DELETE FROM delivered WHERE key IN (SELECT key FROM old)",
            what.now,
        ),
        // What still refers to a hold keeps its row.
        (
            "WITH old AS MATERIALIZED (SELECT id FROM hold WHERE blob IS NULL \
             AND coalesce(decided_at, received_at) < $1 \
             AND NOT EXISTS (SELECT 1 FROM ticket WHERE ticket.hold = hold.id) \
             AND NOT EXISTS (SELECT 1 FROM notice_escalation WHERE notice_escalation.hold = hold.id) \
             LIMIT $2 FOR UPDATE SKIP LOCKED) DELETE FROM hold WHERE id IN (SELECT id FROM old)",
            what.events,
        ),
    ] {
        let done = sqlx::query(statement)
            .bind(time)
            .bind(i64::from(limit))
            .execute(&mut *tx)
            .await?;
        most = most.max(done.rows_affected());
    }
    Ok(most)
}

#[async_trait]
impl RetentionStore for PostgresStore {
    async fn kept(
        &self,
        before: i64,
        after: (i64, &str),
        limit: u32,
    ) -> Result<Vec<KeptRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, state, version, received_at, decided_at, size, categories, dek, blob, \
             EXISTS (SELECT 1 FROM delivery WHERE delivery.blob = hold.blob) AS on_its_way \
             FROM hold WHERE blob IS NOT NULL AND received_at < $1 AND (received_at, id) > ($2, $3) \
             ORDER BY received_at, id LIMIT $4",
        )
        .bind(before)
        .bind(after.0)
        .bind(after.1)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }

    async fn end_holds(&self, rows: &[EndRow], now: i64) -> Result<Ended, StoreError> {
        transact!(self, |tx| end_holds(tx, rows, now).await)
    }

    async fn forget(&self, what: Forget, limit: u32) -> Result<u64, StoreError> {
        transact!(self, |tx| forget(tx, what, limit).await)
    }

    async fn needs(&self, blob: &str) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?;
        in_use(&mut connection, blob)
            .await
            .map_err(|fault| fault.error)
    }

    async fn blobs(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, blob FROM hold WHERE blob IS NOT NULL \
             UNION SELECT id, blob FROM delivery WHERE blob IS NOT NULL \
             UNION SELECT id, blob FROM dead_letter",
        )
        .fetch_all(&self.pool)
        .await?)
    }
}

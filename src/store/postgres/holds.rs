//! Rows of holds, decisions and release tickets.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::deliveries::insert_delivery;
use super::fault::Fault;
use super::ledger::{self, Addition};
use super::{PostgresStore, ring_bell, transact};
use crate::store::error::StoreError;
use crate::store::hold::{HoldFilter, HoldState};
use crate::store::rows::{DecisionRow, HOLD_COLUMNS, HoldRow, HoldStore, StoredHold, TicketMatch};

/// Inserts holds without their ledger entries and gives the ids of those that were not there: neither the id nor, among those that
/// wait, the message.
pub(super) async fn insert_holds(
    tx: &mut PgConnection,
    rows: &[&HoldRow],
) -> Result<HashSet<String>, Fault> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let text = |of: fn(&HoldRow) -> &str| -> Vec<String> {
        rows.iter().map(|row| of(row).to_owned()).collect()
    };
    let bytes = |of: fn(&HoldRow) -> &[u8]| -> Vec<Vec<u8>> {
        rows.iter().map(|row| of(row).to_vec()).collect()
    };
    let ids: Vec<String> = sqlx::query_scalar(
        "INSERT INTO hold (id, reference, received_at, size, state, rules, categories, mark, kek, dek, record, blob) \
         SELECT id, reference, received_at, size, 'held', rules, categories, mark, kek, dek, record, blob \
         FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::bytea[], \
         $10::bytea[], $11::text[]) \
         AS new (id, reference, received_at, size, rules, categories, mark, kek, dek, record, blob) \
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(text(|row| &row.id))
    .bind(text(|row| &row.reference))
    .bind(rows.iter().map(|row| row.received_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.size).collect::<Vec<_>>())
    .bind(text(|row| &row.rules))
    .bind(text(|row| &row.categories))
    .bind(rows.iter().map(|row| row.mark.clone()).collect::<Vec<_>>())
    .bind(text(|row| &row.kek))
    .bind(bytes(|row| &row.dek))
    .bind(bytes(|row| &row.record))
    .bind(text(|row| &row.blob))
    .fetch_all(tx)
    .await?;
    Ok(ids.into_iter().collect())
}

/// The ledger entry of a new hold.
pub(super) fn held_entry(row: &HoldRow) -> Addition<'_> {
    Addition {
        at: row.received_at,
        actor: "relay",
        action: "held",
        subject: &row.id,
        detail: &row.detail,
    }
}

/// Locks a hold for whoever needs its blob, until the transaction ends; `false` when its content is gone. Who ends a hold locks its row
/// against this and looks afterwards, so that either sees the other.
pub(super) async fn share(tx: &mut PgConnection, id: &str, blob: &str) -> Result<bool, Fault> {
    let there: Option<i64> =
        sqlx::query_scalar("SELECT version FROM hold WHERE id = $1 AND blob = $2 FOR SHARE")
            .bind(id)
            .bind(blob)
            .fetch_optional(tx)
            .await?;
    Ok(there.is_some())
}

/// What somebody else made of a hold.
async fn why_not(tx: &mut PgConnection, id: &str) -> Result<StoreError, Fault> {
    let now: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT state, decided_by FROM hold WHERE id = $1")
            .bind(id)
            .fetch_optional(tx)
            .await?;
    let Some((state, by)) = now else {
        return Ok(StoreError::Missing);
    };
    let state = HoldState::of(&state).ok_or(StoreError::Corrupt("state of a hold"))?;
    Ok(StoreError::Conflict { state, by })
}

async fn decide(tx: &mut PgConnection, row: &DecisionRow) -> Result<(), Fault> {
    // A compare-and-set: of two decisions the second waits for the row, sees what the first made of it, and changes nothing; the
    // statement after it sees that too.
    let changed = sqlx::query(
        "UPDATE hold SET state = $1, version = version + 1, decided_at = $2, decided_by = $3, decision = $4 \
         WHERE id = $5 AND version = $6 AND state = 'held'",
    )
    .bind(row.to.name())
    .bind(row.at)
    .bind(&row.actor)
    .bind(&row.decision)
    .bind(&row.id)
    .bind(row.version)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if changed == 0 {
        return Err(why_not(tx, &row.id).await?.into());
    }
    if let Some(delivery) = &row.delivery {
        insert_delivery(delivery, tx).await?;
        ring_bell(tx).await?;
    }
    if let Some(ticket) = &row.ticket {
        sqlx::query(
            "INSERT INTO ticket (hold, message, rcpts, vals, expires_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&row.id)
        .bind(&ticket.message)
        .bind(&ticket.rcpts)
        .bind(&ticket.vals)
        .bind(ticket.expires_at)
        .execute(&mut *tx)
        .await?;
    }
    let addition = Addition {
        at: row.at,
        actor: &row.actor,
        action: row.to.name(),
        subject: &row.id,
        detail: &row.detail,
    };
    ledger::append(tx, addition).await
}

#[async_trait]
impl HoldStore for PostgresStore {
    async fn hold(&self, id: &str) -> Result<StoredHold, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT ");
        query.push(HOLD_COLUMNS).push(" FROM hold WHERE ");
        query.push("id = ").push_bind(id);
        Ok(query.build_query_as().fetch_one(&self.pool).await?)
    }

    async fn holds(&self, filter: HoldFilter) -> Result<Vec<StoredHold>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT ");
        query.push(HOLD_COLUMNS).push(" FROM hold WHERE TRUE");
        if let Some(state) = filter.state {
            query.push(" AND state = ").push_bind(state.name());
        }
        if let Some(before) = filter.before {
            query
                .push(" AND (received_at, id) < (SELECT received_at, id FROM hold WHERE id = ")
                .push_bind(before.to_string())
                .push(")");
        }
        let limit = if filter.limit == 0 {
            1_000
        } else {
            filter.limit
        };
        query
            .push(" ORDER BY received_at DESC, id DESC LIMIT ")
            .push_bind(i64::from(limit));
        Ok(query.build_query_as().fetch_all(&self.pool).await?)
    }

    async fn held_as(&self, mark: &[u8]) -> Result<Option<String>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT id FROM hold WHERE mark = $1 AND state = 'held' LIMIT 1")
                .bind(mark)
                .fetch_optional(&self.pool)
                .await?,
        )
    }

    async fn holds_like(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let past = format!("{prefix}~");
        Ok(sqlx::query_scalar(
            "SELECT id FROM hold WHERE (id >= $1 AND id < $2) OR (reference >= $1 AND reference < $2) LIMIT 2",
        )
        .bind(prefix)
        .bind(past)
        .fetch_all(&self.pool)
        .await?)
    }

    async fn refusals(
        &self,
        reference: &str,
    ) -> Result<Vec<(String, i64, String, String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, at, rules, categories, explanation FROM refusal WHERE reference = $1 LIMIT 2",
        )
        .bind(reference)
        .fetch_all(&self.pool)
        .await?)
    }

    async fn hold_counts(&self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        Ok(
            sqlx::query_as("SELECT state, count(*), min(received_at) FROM hold GROUP BY state")
                .fetch_all(&self.pool)
                .await?,
        )
    }

    async fn decide(&self, row: &DecisionRow) -> Result<(), StoreError> {
        transact!(self, |tx| decide(tx, row).await)
    }

    async fn tickets(&self, message: &[u8], now: i64) -> Result<Vec<TicketMatch>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT hold, rcpts, vals FROM ticket WHERE message = $1 AND expires_at > $2",
        )
        .bind(message)
        .bind(now)
        .fetch_all(&self.pool)
        .await?)
    }
}

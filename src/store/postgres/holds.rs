//! Rows of holds, decisions and release tickets.

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::commit::inserted;
use super::deliveries::insert_delivery;
use super::{PostgresStore, ledger, ring, search};
use crate::store::error::StoreError;
use crate::store::hold::{HoldFilter, HoldState};
use crate::store::rows::{
    ActRow, HOLD_COLUMNS, HoldRow, HoldStore, StoredHold, TicketMatch, TicketRow,
};

/// Inserts a hold without its ledger entry, unless its id is there or the same message waits already.
pub(super) async fn insert_hold(row: &HoldRow, tx: &mut PgConnection) -> Result<(), StoreError> {
    let done = sqlx::query(
            "INSERT INTO hold (id, reference, received_at, size, state, rules, categories, mark, kek, dek, record, blob, tokens, \
             school, sender_group, sender, severity, people) \
             VALUES ($1, $2, $3, $4, 'held', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
             ON CONFLICT DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.reference)
        .bind(row.received_at)
        .bind(row.size)
        .bind(&row.rules)
        .bind(&row.categories)
        .bind(&row.mark)
        .bind(&row.kek)
        .bind(&row.dek)
        .bind(&row.record)
        .bind(&row.blob)
        .bind(&row.tokens)
        .bind(&row.counted.school)
        .bind(&row.counted.sender_group)
        .bind(row.counted.sender)
        .bind(row.counted.severity)
        .bind(row.counted.people)
        .execute(&mut *tx)
        .await?;
    inserted(&done)?;
    search::list(tx, row).await
}

async fn insert_ticket(
    hold: &str,
    ticket: &TicketRow,
    tx: &mut PgConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ticket (hold, message, rcpts, vals, encrypt, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(hold)
    .bind(&ticket.message)
    .bind(&ticket.rcpts)
    .bind(&ticket.vals)
    .bind(ticket.encrypt)
    .bind(ticket.expires_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// What somebody else made of a hold.
async fn why_not(tx: &mut PgConnection, id: &str) -> Result<StoreError, StoreError> {
    let now: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT state, coalesce(decided_by, acted_by) FROM hold WHERE id = $1")
            .bind(id)
            .fetch_optional(tx)
            .await?;
    let Some((state, by)) = now else {
        return Ok(StoreError::Missing);
    };
    let state = HoldState::of(&state).ok_or(StoreError::Corrupt("state of a hold"))?;
    Ok(StoreError::Conflict { state, by })
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
        query.push(HOLD_COLUMNS).push(" FROM hold WHERE ");
        query.push("TRUE");
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
            // The states as the index names them, or it is not used.
            sqlx::query_scalar("SELECT id FROM hold WHERE mark = $1 AND state IN ('held', 'claimed', 'awaiting') LIMIT 1")
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
            // No row that every node would have to lock: a state is counted along its index, up to 100,000.
            sqlx::query_as(
                "SELECT name, (SELECT count(*) FROM (SELECT 1 FROM hold WHERE state = name LIMIT 100000) AS counted), first \
                 FROM hold_state CROSS JOIN LATERAL (SELECT min(received_at) AS first FROM hold WHERE state = name) AS f \
                 WHERE first IS NOT NULL",
            )
            .fetch_all(&self.pool)
            .await?,
        )
    }

    async fn act(&self, row: &ActRow) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let (claimed_by, claimed_until) = row.claim.clone().unzip();
        let decided = row.decision.is_some();
        let changed = sqlx::query(
            "UPDATE hold SET state = $1, version = version + 1, acted_by = $2, claimed_by = $3, claimed_until = $4, request = $5, \
             legal_hold = $6, told = $7, decided_at = coalesce($8, decided_at), decided_by = coalesce($9, decided_by), \
             decision = coalesce($10, decision), decided_as = coalesce($11, decided_as) WHERE id = $12 AND version = $13 AND blob IS NOT NULL",
        )
        .bind(row.to.name())
        .bind(&row.actor)
        .bind(claimed_by)
        .bind(claimed_until)
        .bind(&row.request)
        .bind(&row.legal_hold)
        .bind(&row.told)
        .bind(decided.then_some(row.at))
        .bind(decided.then_some(&row.actor))
        .bind(&row.decision)
        .bind(decided.then_some(row.to.name()))
        .bind(&row.id)
        .bind(row.version)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if changed == 0 {
            return Err(why_not(&mut tx, &row.id).await?);
        }
        if let Some(delivery) = &row.delivery {
            insert_delivery(delivery, &mut tx).await?;
            ring(&mut tx).await?;
        }
        if let Some(ticket) = &row.ticket {
            insert_ticket(&row.id, ticket, &mut tx).await?;
        }
        for (action, detail) in &row.entries {
            ledger::append(&mut tx, row.at, &row.actor, action, &row.id, detail).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn tickets(&self, message: &[u8], now: i64) -> Result<Vec<TicketMatch>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT hold, rcpts, vals, encrypt FROM ticket WHERE message = $1 AND expires_at > $2",
        )
        .bind(message)
        .bind(now)
        .fetch_all(&self.pool)
        .await?)
    }
}

//! Rows of holds, decisions and release tickets.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::deliveries::DeliveryRow;
use super::{Database, ledger};
use crate::store::error::StoreError;
use crate::store::hold::{HoldFilter, HoldState};

/// A hold to insert.
#[derive(Debug)]
pub(crate) struct HoldRow {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) received_at: i64,
    pub(crate) size: i64,
    pub(crate) rules: String,
    pub(crate) categories: String,
    pub(crate) mark: Option<Vec<u8>>,
    pub(crate) kek: String,
    pub(crate) dek: Vec<u8>,
    pub(crate) record: Vec<u8>,
    pub(crate) blob: String,
    pub(crate) detail: String,
}

impl HoldRow {
    pub(super) async fn insert(&self, tx: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO hold (id, reference, received_at, size, state, rules, categories, mark, kek, dek, record, blob) \
             VALUES (?, ?, ?, ?, 'held', ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&self.id)
        .bind(&self.reference)
        .bind(self.received_at)
        .bind(self.size)
        .bind(&self.rules)
        .bind(&self.categories)
        .bind(&self.mark)
        .bind(&self.kek)
        .bind(&self.dek)
        .bind(&self.record)
        .bind(&self.blob)
        .execute(&mut *tx)
        .await?;
        ledger::append(
            tx,
            self.received_at,
            "relay",
            "held",
            &self.id,
            &self.detail,
        )
        .await
    }
}

/// The sealed columns of a hold whose content is still there.
#[derive(Debug, Clone)]
pub(crate) struct SealedHold {
    pub(crate) kek: String,
    pub(crate) dek: Vec<u8>,
    pub(crate) record: Vec<u8>,
    pub(crate) decision: Option<Vec<u8>>,
    pub(crate) blob: String,
}

/// A hold as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredHold {
    pub(crate) id: String,
    pub(crate) received_at: i64,
    pub(crate) size: i64,
    pub(crate) state: String,
    pub(crate) version: i64,
    pub(crate) rules: String,
    pub(crate) categories: String,
    pub(crate) decided_at: Option<i64>,
    pub(crate) decided_by: Option<String>,
    pub(crate) sealed: Option<SealedHold>,
}

type Row = (
    String,
    i64,
    i64,
    String,
    i64,
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<String>,
);

const COLUMNS: &str = "SELECT id, received_at, size, state, version, rules, categories, decided_at, decided_by, \
                       kek, dek, record, decision, blob FROM hold WHERE ";

impl StoredHold {
    fn of(row: Row) -> Self {
        let sealed = match (row.9, row.10, row.11, row.13) {
            (Some(kek), Some(dek), Some(record), Some(blob)) => Some(SealedHold {
                kek,
                dek,
                record,
                decision: row.12,
                blob,
            }),
            _ => None,
        };
        Self {
            id: row.0,
            received_at: row.1,
            size: row.2,
            state: row.3,
            version: row.4,
            rules: row.5,
            categories: row.6,
            decided_at: row.7,
            decided_by: row.8,
            sealed,
        }
    }
}

/// A release ticket to insert.
#[derive(Debug)]
pub(crate) struct TicketRow {
    pub(crate) message: Vec<u8>,
    pub(crate) rcpts: Vec<u8>,
    pub(crate) vals: Vec<u8>,
    pub(crate) expires_at: i64,
}

/// A ticket that is for the message asked about.
#[derive(Debug)]
pub(crate) struct TicketMatch {
    pub(crate) hold: String,
    pub(crate) rcpts: Vec<u8>,
    pub(crate) vals: Vec<u8>,
}

/// A decision with all it causes.
#[derive(Debug)]
pub(crate) struct DecisionRow {
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) to: HoldState,
    pub(crate) actor: String,
    pub(crate) at: i64,
    pub(crate) decision: Vec<u8>,
    pub(crate) detail: String,
    pub(crate) delivery: Option<DeliveryRow>,
    pub(crate) ticket: Option<TicketRow>,
}

impl Database {
    pub(crate) async fn hold(&self, id: &str) -> Result<StoredHold, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push("id = ").push_bind(id);
        let row: Row = query.build_query_as().fetch_one(&self.reader).await?;
        Ok(StoredHold::of(row))
    }

    pub(crate) async fn holds(&self, filter: HoldFilter) -> Result<Vec<StoredHold>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
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
        let rows: Vec<Row> = query.build_query_as().fetch_all(&self.reader).await?;
        Ok(rows.into_iter().map(StoredHold::of).collect())
    }

    /// The hold of the same message, if it still waits.
    pub(crate) async fn held_as(&self, mark: &[u8]) -> Result<Option<String>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT id FROM hold WHERE mark = ? AND state = 'held' LIMIT 1")
                .bind(mark)
                .fetch_optional(&self.reader)
                .await?,
        )
    }

    /// Ids of holds that begin with `prefix` or whose reference does; at most two, which is enough to say that it is not unique.
    pub(crate) async fn holds_like(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let past = format!("{prefix}~");
        Ok(sqlx::query_scalar(
            "SELECT id FROM hold WHERE (id >= ?1 AND id < ?2) OR (reference >= ?1 AND reference < ?2) LIMIT 2",
        )
        .bind(prefix)
        .bind(past)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Refusals of this reference: id, time, rules, categories, explanation.
    pub(crate) async fn refusals(
        &self,
        reference: &str,
    ) -> Result<Vec<(String, i64, String, String, String)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, at, rules, categories, explanation FROM refusal WHERE reference = ? LIMIT 2",
        )
        .bind(reference)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Counts of holds by state.
    pub(crate) async fn hold_counts(&self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        Ok(
            sqlx::query_as("SELECT state, count(*), min(received_at) FROM hold GROUP BY state")
                .fetch_all(&self.reader)
                .await?,
        )
    }

    /// State change, delivery, ticket and ledger entry, or nothing.
    pub(crate) async fn decide(&self, row: &DecisionRow) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE hold SET state = ?, version = version + 1, decided_at = ?, decided_by = ?, decision = ? \
             WHERE id = ? AND version = ? AND state = 'held'",
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
            return Err(why_not(&mut tx, &row.id).await?);
        }
        if let Some(delivery) = &row.delivery {
            delivery.insert(&mut tx).await?;
        }
        if let Some(ticket) = &row.ticket {
            sqlx::query(
                "INSERT INTO ticket (hold, message, rcpts, vals, expires_at) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(&row.id)
            .bind(&ticket.message)
            .bind(&ticket.rcpts)
            .bind(&ticket.vals)
            .bind(ticket.expires_at)
            .execute(&mut *tx)
            .await?;
        }
        ledger::append(
            &mut tx,
            row.at,
            &row.actor,
            row.to.name(),
            &row.id,
            &row.detail,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Tickets for this message that have not ended.
    pub(crate) async fn tickets(
        &self,
        message: &[u8],
        now: i64,
    ) -> Result<Vec<TicketMatch>, StoreError> {
        let rows: Vec<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT hold, rcpts, vals FROM ticket WHERE message = ? AND expires_at > ?",
        )
        .bind(message)
        .bind(now)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(hold, rcpts, vals)| TicketMatch { hold, rcpts, vals })
            .collect())
    }
}

/// What somebody else made of a hold.
async fn why_not(tx: &mut SqliteConnection, id: &str) -> Result<StoreError, StoreError> {
    let now: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT state, decided_by FROM hold WHERE id = ?")
            .bind(id)
            .fetch_optional(tx)
            .await?;
    let Some((state, by)) = now else {
        return Ok(StoreError::Missing);
    };
    let state = HoldState::of(&state).ok_or(StoreError::Corrupt("state of a hold"))?;
    Ok(StoreError::Conflict { state, by })
}

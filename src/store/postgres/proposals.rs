//! Rows of policies on record, and what is in force.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::fault::Fault;
use super::ledger::{self, Addition};
use super::{PostgresStore, Turn, take_turn, transact};
use crate::store::error::StoreError;
use crate::store::rows::{Admission, ProposalRow, ProposalStore, Step};

async fn insert(row: &ProposalRow, tx: &mut PgConnection) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO proposal (id, at, state, requester, requester_login, before, sha256, second_person, sealed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.id)
    .bind(row.at)
    .bind(&row.state)
    .bind(&row.requester)
    .bind(&row.requester_login)
    .bind(&row.before)
    .bind(&row.sha256)
    .bind(row.second_person)
    .bind(&row.sealed)
    .execute(tx)
    .await?;
    Ok(())
}

fn entry<'a>(step: &'a Step, subject: &'a str) -> Addition<'a> {
    Addition {
        at: step.at,
        actor: &step.actor,
        action: step.action,
        subject,
        detail: &step.detail,
    }
}

async fn propose(tx: &mut PgConnection, row: &ProposalRow, step: &Step) -> Result<(), Fault> {
    // What `admit` counts does not change under it.
    take_turn(tx, Turn::Policy).await?;
    insert(row, tx).await?;
    ledger::append(tx, entry(step, &row.id)).await
}

async fn decide(
    tx: &mut PgConnection,
    row: &ProposalRow,
    to: &str,
    step: &Step,
) -> Result<bool, Fault> {
    // A compare-and-set on the state that was seen: of two that decide at once the second changes nothing.
    let done = sqlx::query(
        "UPDATE proposal SET state = $1, decided_at = $2, approver = $3 WHERE id = $4 AND state = $5",
    )
    .bind(to)
    .bind(step.at)
    .bind(&step.actor)
    .bind(&row.id)
    .bind(&row.state)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    ledger::append(tx, entry(step, &row.id)).await?;
    Ok(true)
}

async fn admit(tx: &mut PgConnection, new: &Admission<'_>) -> Result<bool, Fault> {
    // Whether a text is on record is asked of rows that may not be there and so cannot be locked: nodes that start together take turns.
    take_turn(tx, Turn::Policy).await?;
    let before: Option<String> = sqlx::query_scalar("SELECT what FROM enforced")
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(row) = &new.fresh {
        let (known, others): (i64, i64) =
            sqlx::query_as("SELECT count(*) FILTER (WHERE sha256 = $1), count(*) FROM proposal")
                .bind(&row.sha256)
                .fetch_one(&mut *tx)
                .await?;
        if known > 0 || (others > 0 && new.action == "policy-adopted") {
            return Ok(false);
        }
        insert(row, tx).await?;
    }
    if new.is_file {
        sqlx::query(
            "UPDATE proposal SET enforced_at = $1 WHERE sha256 = $2 AND state NOT IN ('proposed', 'rejected')",
        )
        .bind(new.at)
        .bind(new.what)
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query(
        "INSERT INTO enforced (one, what, at) VALUES (1, $1, $2) \
         ON CONFLICT (one) DO UPDATE SET what = excluded.what, at = excluded.at",
    )
    .bind(new.what)
    .bind(new.at)
    .execute(&mut *tx)
    .await?;
    let moved = before.as_deref() != Some(new.what);
    // A built-in policy as the very first changes nothing that is on record.
    if moved && (before.is_some() || new.is_file) {
        let detail =
            serde_json::json!({ "before": before.unwrap_or_default(), "policy": new.what });
        let addition = Addition {
            at: new.at,
            actor: "system",
            action: new.action,
            subject: new.fresh.as_ref().map_or("", |row| row.id.as_str()),
            detail: &detail.to_string(),
        };
        ledger::append(tx, addition).await?;
    }
    Ok(true)
}

#[async_trait]
impl ProposalStore for PostgresStore {
    async fn propose(&self, row: &ProposalRow, step: &Step) -> Result<(), StoreError> {
        transact!(self, |tx| propose(tx, row, step).await)
    }

    async fn proposals(&self, sha256: Option<&str>) -> Result<Vec<ProposalRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM proposal WHERE $1::text IS NULL OR sha256 = $1 ORDER BY at DESC, id",
        )
        .bind(sha256)
        .fetch_all(&self.pool)
        .await?)
    }

    async fn proposal(&self, id: &str) -> Result<ProposalRow, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM proposal WHERE id = $1")
            .bind(id)
            .fetch_one(&self.pool)
            .await?)
    }

    async fn enforced(&self) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT what FROM enforced")
            .fetch_optional(&self.pool)
            .await?)
    }

    async fn decide_proposal(
        &self,
        row: &ProposalRow,
        to: &str,
        step: &Step,
    ) -> Result<bool, StoreError> {
        transact!(self, |tx| decide(tx, row, to, step).await)
    }

    async fn admit(&self, new: Admission<'_>) -> Result<bool, StoreError> {
        transact!(self, |tx| admit(tx, &new).await)
    }
}

//! Rows of policies on record, and what is in force.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::{Gate, PostgresStore, ledger};
use crate::store::error::StoreError;
use crate::store::rows::{Admission, ProposalRow, ProposalStore, Step};

async fn insert(row: &ProposalRow, tx: &mut PgConnection) -> Result<(), StoreError> {
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

#[async_trait]
impl ProposalStore for PostgresStore {
    async fn propose(&self, row: &ProposalRow, step: &Step) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        insert(row, &mut tx).await?;
        ledger::append(
            &mut tx,
            step.at,
            &step.actor,
            step.action,
            &row.id,
            &step.detail,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn proposals(&self, sha256: Option<&str>) -> Result<Vec<ProposalRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM proposal WHERE $1 IS NULL OR sha256 = $2 ORDER BY at DESC, id",
        )
        .bind(sha256)
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
        let mut tx = self.begin().await?;
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
        ledger::append(
            &mut tx,
            step.at,
            &step.actor,
            step.action,
            &row.id,
            &step.detail,
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn admit(&self, new: Admission<'_>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // Two nodes that start at once: the second sees what the first put into force.
        Gate::Enforced.pass(&mut tx).await?;
        let before: Option<String> = sqlx::query_scalar("SELECT what FROM enforced")
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(row) = &new.fresh {
            let (known, others): (i64, i64) = sqlx::query_as(
                "SELECT count(*) FILTER (WHERE sha256 = $1), count(*) FROM proposal",
            )
            .bind(&row.sha256)
            .fetch_one(&mut *tx)
            .await?;
            if known > 0 || (others > 0 && new.action == "policy-adopted") {
                return Ok(false);
            }
            insert(row, &mut tx).await?;
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
            let subject = new.fresh.as_ref().map_or("", |row| row.id.as_str());
            let detail =
                serde_json::json!({ "before": before.unwrap_or_default(), "policy": new.what });
            let detail = detail.to_string();
            ledger::append(&mut tx, new.at, "system", new.action, subject, &detail).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

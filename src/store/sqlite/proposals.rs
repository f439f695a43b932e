//! Rows of policies on record, and what is in force.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _, SqliteConnection};

use super::{Database, ledger};
use crate::store::error::StoreError;

/// A policy's text on record.
#[derive(Debug)]
pub(crate) struct ProposalRow {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) state: String,
    pub(crate) requester: String,
    pub(crate) requester_login: String,
    pub(crate) before: String,
    pub(crate) sha256: String,
    pub(crate) second_person: bool,
    pub(crate) sealed: Vec<u8>,
    pub(crate) decided_at: Option<i64>,
    pub(crate) approver: Option<String>,
    pub(crate) enforced_at: Option<i64>,
}

impl FromRow<'_, SqliteRow> for ProposalRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            state: row.try_get("state")?,
            requester: row.try_get("requester")?,
            requester_login: row.try_get("requester_login")?,
            before: row.try_get("before")?,
            sha256: row.try_get("sha256")?,
            second_person: row.try_get("second_person")?,
            sealed: row.try_get("sealed")?,
            decided_at: row.try_get("decided_at")?,
            approver: row.try_get("approver")?,
            enforced_at: row.try_get("enforced_at")?,
        })
    }
}

impl ProposalRow {
    async fn insert(&self, tx: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO proposal (id, at, state, requester, requester_login, before, sha256, second_person, sealed) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&self.id)
        .bind(self.at)
        .bind(&self.state)
        .bind(&self.requester)
        .bind(&self.requester_login)
        .bind(&self.before)
        .bind(&self.sha256)
        .bind(self.second_person)
        .bind(&self.sealed)
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// The ledger entry of a step.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) at: i64,
    pub(crate) actor: String,
    pub(crate) action: &'static str,
    pub(crate) detail: String,
}

/// A policy that begins to be enforced.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    pub(crate) what: &'a str,
    pub(crate) at: i64,
    pub(crate) action: &'static str,
    /// Its row, when it comes on record with this.
    pub(crate) fresh: Option<ProposalRow>,
    pub(crate) is_file: bool,
}

impl Database {
    pub(crate) async fn propose(&self, row: &ProposalRow, step: &Step) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        row.insert(&mut tx).await?;
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

    /// Policies on record, newest first; of one text alone when it is given.
    pub(crate) async fn proposals(
        &self,
        sha256: Option<&str>,
    ) -> Result<Vec<ProposalRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM proposal WHERE ? IS NULL OR sha256 = ? ORDER BY at DESC, id",
        )
        .bind(sha256)
        .bind(sha256)
        .fetch_all(&self.reader)
        .await?)
    }

    pub(crate) async fn proposal(&self, id: &str) -> Result<ProposalRow, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM proposal WHERE id = ?")
            .bind(id)
            .fetch_one(&self.reader)
            .await?)
    }

    pub(crate) async fn enforced(&self) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT what FROM enforced")
            .fetch_optional(&self.reader)
            .await?)
    }

    /// Whether the proposal still was in the state of `row` and is decided now.
    pub(crate) async fn decide_proposal(
        &self,
        row: &ProposalRow,
        to: &str,
        step: &Step,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE proposal SET state = ?, decided_at = ?, approver = ? WHERE id = ? AND state = ?",
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

    /// Notes what is in force. `false`: another node put something on record meanwhile, and nothing was done.
    pub(crate) async fn admit(&self, new: Admission<'_>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let before: Option<String> = sqlx::query_scalar("SELECT what FROM enforced")
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(row) = &new.fresh {
            let (known, others): (i64, i64) =
                sqlx::query_as("SELECT count(*) FILTER (WHERE sha256 = ?), count(*) FROM proposal")
                    .bind(&row.sha256)
                    .fetch_one(&mut *tx)
                    .await?;
            if known > 0 || (others > 0 && new.action == "policy-adopted") {
                return Ok(false);
            }
            row.insert(&mut tx).await?;
        }
        if new.is_file {
            sqlx::query(
                "UPDATE proposal SET enforced_at = ? WHERE sha256 = ? AND state NOT IN ('proposed', 'rejected')",
            )
            .bind(new.at)
            .bind(new.what)
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query(
            "INSERT INTO enforced (one, what, at) VALUES (1, ?, ?) \
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

//! Rows of personal data breaches and their work-sheets.

use async_trait::async_trait;

use super::{PostgresStore, ledger};
use crate::store::error::StoreError;
use crate::store::rows::{IncidentRow, IncidentStore, NewEntry};

#[async_trait]
impl IncidentStore for PostgresStore {
    async fn open_incident(
        &self,
        row: &IncidentRow,
        entry: NewEntry<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO incident (id, opened_at, aware_at, changed_at, closed_at, version, school, holds, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&row.id)
        .bind(row.opened_at)
        .bind(row.aware_at)
        .bind(row.changed_at)
        .bind(row.closed_at)
        .bind(row.version)
        .bind(&row.school)
        .bind(&row.holds)
        .bind(&row.sealed)
        .execute(&mut *tx)
        .await?;
        ledger::append(
            &mut tx,
            entry.at,
            entry.actor,
            entry.action,
            &row.id,
            entry.detail,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn change_incident(
        &self,
        row: &IncidentRow,
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE incident SET aware_at = $1, changed_at = $2, closed_at = $3, version = $4, school = $5, holds = $6, \
             sealed = $7 WHERE id = $8 AND version = $9 - 1",
        )
        .bind(row.aware_at)
        .bind(row.changed_at)
        .bind(row.closed_at)
        .bind(row.version)
        .bind(&row.school)
        .bind(&row.holds)
        .bind(&row.sealed)
        .bind(&row.id)
        .bind(row.version)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if changed == 0 {
            return Ok(false);
        }
        ledger::append(
            &mut tx,
            entry.at,
            entry.actor,
            entry.action,
            &row.id,
            entry.detail,
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn incident(&self, id: &str) -> Result<IncidentRow, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM incident WHERE id = $1")
            .bind(id)
            .fetch_one(&self.pool)
            .await?)
    }

    async fn incidents(&self, limit: u32) -> Result<Vec<IncidentRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM incident ORDER BY closed_at IS NOT NULL, aware_at DESC, id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }
}

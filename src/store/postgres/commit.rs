//! Inserting what becomes ours.

use async_trait::async_trait;
use sqlx::postgres::PgQueryResult;
use sqlx::{Connection as _, PgConnection};

use super::deliveries::insert_delivery;
use super::holds::insert_hold;
use super::{PostgresStore, ledger, ring};
use crate::store::error::StoreError;
use crate::store::ledger::action;
use crate::store::rows::{CommitStore, Insert};

#[async_trait]
impl CommitStore for PostgresStore {
    async fn insert_all(&self, rows: &[Insert]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let mut tx = self.begin().await?;
        let mut answers = Vec::with_capacity(rows.len());
        for row in rows {
            match insert(&mut tx, row).await {
                Err(error) if error != StoreError::Exists => return Err(error),
                answer => answers.push(answer),
            }
        }
        let queued = |row: &&Insert| matches!(row, Insert::Delivery(_) | Insert::Split(..));
        if rows.iter().any(|row| queued(&row)) {
            ring(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(answers)
    }
}

async fn insert(tx: &mut PgConnection, row: &Insert) -> Result<(), StoreError> {
    match row {
        Insert::Hold(hold) => insert_hold(hold, tx).await,
        Insert::Split(hold, delivery) => {
            let mut both = tx.begin().await?;
            insert_hold(hold, &mut both).await?;
            insert_delivery(delivery, &mut both).await?;
            Ok(both.commit().await?)
        }
        Insert::Delivery(delivery) => insert_delivery(delivery, tx).await,
        Insert::Refusal {
            id,
            reference,
            at,
            rules,
            categories,
            explanation,
            detail,
        } => {
            sqlx::query(
                "INSERT INTO refusal (id, reference, at, rules, categories, explanation) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(id)
            .bind(reference)
            .bind(at)
            .bind(rules)
            .bind(categories)
            .bind(explanation)
            .execute(&mut *tx)
            .await
            .map(|done| inserted(&done))??;
            ledger::append(tx, *at, "system", action::TURNED_AWAY, id, detail).await
        }
    }
}

/// A row whose id was there already was not inserted; the transaction goes on for the others.
pub(super) fn inserted(done: &PgQueryResult) -> Result<(), StoreError> {
    if done.rows_affected() == 0 {
        return Err(StoreError::Exists);
    }
    Ok(())
}

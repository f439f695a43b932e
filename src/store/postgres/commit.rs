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
        let mut answers = vec![Ok(()); rows.len()];
        // In the order of marks: two nodes that are handed the same messages wait for each other's in one direction only.
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|index| mark(&rows[*index]));
        for index in order {
            match insert(&mut tx, &rows[index]).await {
                Err(error) if error != StoreError::Exists => return Err(error),
                answer => answers[index] = answer,
            }
        }
        // The head of the ledger is locked here, when nothing else is waited for any more.
        for (row, answer) in rows.iter().zip(&answers) {
            if answer.is_ok() {
                enter(&mut tx, row).await?;
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

/// What makes a held message the same as another; none for the rest.
fn mark(row: &Insert) -> Option<&[u8]> {
    match row {
        Insert::Hold(hold) | Insert::Split(hold, _) => hold.mark.as_deref(),
        Insert::Delivery(_) | Insert::Refusal(_) => None,
    }
}

/// The ledger's entry of a row that was inserted.
async fn enter(tx: &mut PgConnection, row: &Insert) -> Result<(), StoreError> {
    match row {
        Insert::Hold(hold) | Insert::Split(hold, _) => {
            let at = hold.received_at;
            ledger::append(tx, at, "relay", "held", &hold.id, &hold.detail).await
        }
        Insert::Refusal(row) => {
            ledger::append(
                tx,
                row.at,
                "system",
                action::TURNED_AWAY,
                &row.id,
                &row.detail,
            )
            .await
        }
        Insert::Delivery(_) => Ok(()),
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
        Insert::Refusal(row) => {
            sqlx::query(
                "INSERT INTO refusal (id, reference, at, rules, categories, explanation, school, sender_group, sender, severity, people) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(&row.id)
            .bind(&row.reference)
            .bind(row.at)
            .bind(&row.rules)
            .bind(&row.categories)
            .bind(&row.explanation)
            .bind(&row.counted.school)
            .bind(&row.counted.sender_group)
            .bind(row.counted.sender)
            .bind(row.counted.severity)
            .bind(row.counted.people)
            .execute(&mut *tx)
            .await
            .map(|done| inserted(&done))?
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

//! Inserting what becomes ours.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::deliveries::insert_delivery;
use super::holds::insert_hold;
use super::{SqliteStore, ledger};
use crate::store::error::StoreError;
use crate::store::ledger::action;
use crate::store::rows::{CommitStore, Insert};

#[async_trait]
impl CommitStore for SqliteStore {
    async fn insert_all(&self, rows: &[Insert]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let mut tx = self.begin().await?;
        let mut answers = Vec::with_capacity(rows.len());
        for row in rows {
            match insert(&mut tx, row).await {
                Err(error) if error != StoreError::Exists => return Err(error),
                answer => answers.push(answer),
            }
        }
        tx.commit().await?;
        Ok(answers)
    }
}

async fn insert(tx: &mut SqliteConnection, row: &Insert) -> Result<(), StoreError> {
    match row {
        Insert::Hold(hold) => insert_hold(hold, tx).await,
        Insert::Split(hold, delivery) => {
            insert_hold(hold, tx).await?;
            insert_delivery(delivery, tx).await
        }
        Insert::Delivery(delivery) => insert_delivery(delivery, tx).await,
        Insert::Refusal(row) => {
            sqlx::query(
                "INSERT INTO refusal (id, reference, at, rules, categories, explanation, school, sender_group, sender, severity, people) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            .await?;
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
    }
}

//! Inserting what becomes ours: a few statements for many messages.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};

use super::deliveries::{insert_deliveries, insert_delivery};
use super::fault::Fault;
use super::holds::{held_entry, insert_holds};
use super::ledger;
use super::{PostgresStore, ring_bell, transact};
use crate::store::error::StoreError;
use crate::store::rows::{CommitStore, DeliveryRow, HoldRow, Insert};

type Answers = Vec<Result<(), StoreError>>;

#[async_trait]
impl CommitStore for PostgresStore {
    async fn insert_all(&self, rows: &[Insert]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        transact!(self, |tx| insert_all(tx, rows).await)
    }
}

async fn insert_all(tx: &mut PgConnection, rows: &[Insert]) -> Result<Answers, Fault> {
    let plain: Vec<&HoldRow> = rows
        .iter()
        .filter_map(|row| match row {
            Insert::Hold(hold) => Some(&**hold),
            _ => None,
        })
        .collect();
    let own: Vec<&DeliveryRow> = rows
        .iter()
        .filter_map(|row| match row {
            Insert::Delivery(delivery) if delivery.id == delivery.sealed_as => Some(&**delivery),
            _ => None,
        })
        .collect();
    // A row that is there already makes no error, which would end the whole transaction: it is missed among those that came in.
    let holds = insert_holds(tx, &plain).await?;
    let deliveries = insert_deliveries(tx, &own).await?;
    let mut answers = Vec::with_capacity(rows.len());
    let mut entries = Vec::new();
    let mut rings = !deliveries.is_empty();
    for row in rows {
        let answer = match row {
            Insert::Hold(hold) => came_in(&holds, &hold.id),
            Insert::Split(hold, delivery) => split(tx, hold, delivery).await?,
            Insert::Delivery(delivery) if delivery.id == delivery.sealed_as => {
                came_in(&deliveries, &delivery.id)
            }
            Insert::Delivery(delivery) => told_apart(insert_delivery(delivery, tx).await)?,
            Insert::Refusal { .. } => insert_refusal(tx, row).await?,
        };
        if answer.is_ok() {
            rings |= matches!(row, Insert::Split(..) | Insert::Delivery(_));
            if let Insert::Hold(hold) | Insert::Split(hold, _) = row {
                entries.push(held_entry(hold));
            }
        }
        answers.push(answer);
    }
    if rings {
        ring_bell(tx).await?;
    }
    ledger::append_all(tx, &entries).await?;
    Ok(answers)
}

fn came_in(ids: &HashSet<String>, id: &str) -> Result<(), StoreError> {
    if ids.contains(id) {
        Ok(())
    } else {
        Err(StoreError::Exists)
    }
}

/// An answer for one row alone, or the end of all.
fn told_apart(done: Result<(), Fault>) -> Result<Result<(), StoreError>, Fault> {
    match done {
        Err(fault) if matches!(fault.error, StoreError::Exists | StoreError::Missing) => {
            Ok(Err(fault.error))
        }
        Err(fault) => Err(fault),
        Ok(()) => Ok(Ok(())),
    }
}

/// Both or neither: a savepoint takes back the hold whose delivery is there already.
async fn split(
    tx: &mut PgConnection,
    hold: &HoldRow,
    delivery: &DeliveryRow,
) -> Result<Result<(), StoreError>, Fault> {
    let mut both = tx.begin().await?;
    if insert_holds(&mut both, &[hold]).await?.is_empty() {
        both.rollback().await?;
        return Ok(Err(StoreError::Exists));
    }
    let answer = told_apart(insert_delivery(delivery, &mut both).await)?;
    if answer.is_ok() {
        both.commit().await?;
    } else {
        both.rollback().await?;
    }
    Ok(answer)
}

async fn insert_refusal(
    tx: &mut PgConnection,
    row: &Insert,
) -> Result<Result<(), StoreError>, Fault> {
    let Insert::Refusal {
        id,
        reference,
        at,
        rules,
        categories,
        explanation,
    } = row
    else {
        return Ok(Ok(()));
    };
    let done = sqlx::query(
        "INSERT INTO refusal (id, reference, at, rules, categories, explanation) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(reference)
    .bind(at)
    .bind(rules)
    .bind(categories)
    .bind(explanation)
    .execute(tx)
    .await?;
    Ok(if done.rows_affected() == 0 {
        Err(StoreError::Exists)
    } else {
        Ok(())
    })
}

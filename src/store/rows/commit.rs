//! What becomes ours: many messages in one transaction.

use async_trait::async_trait;

use super::{Counted, DeliveryRow, HoldRow};
use crate::store::error::StoreError;

/// Something to insert.
#[derive(Debug)]
pub(crate) enum Insert {
    Hold(Box<HoldRow>),
    /// A hold for some recipients and a delivery for the others: both or neither.
    Split(Box<HoldRow>, Box<DeliveryRow>),
    Delivery(Box<DeliveryRow>),
    Refusal(Box<RefusalRow>),
}

/// A refusal to insert.
#[derive(Debug)]
pub(crate) struct RefusalRow {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) at: i64,
    pub(crate) rules: String,
    pub(crate) categories: String,
    pub(crate) explanation: String,
    /// Of its ledger entry.
    pub(crate) detail: String,
    pub(crate) counted: Counted,
}

/// What becomes ours.
#[async_trait]
pub(crate) trait CommitStore {
    /// Inserts all of these in one transaction and gives an answer to each: [`StoreError::Exists`] undoes its own row alone, any other
    /// error undoes them all and is the outer one.
    async fn insert_all(&self, rows: &[Insert]) -> Result<Vec<Result<(), StoreError>>, StoreError>;
}

//! Facts of judged messages.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// The record of one message.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct FactsRow {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) sealed: Vec<u8>,
}

/// Facts of judged messages.
#[async_trait]
pub(crate) trait FactsStore {
    /// Adds records in one transaction; those that are there already stay as they are.
    async fn keep_facts(&self, rows: &[FactsRow]) -> Result<(), StoreError>;

    /// Records after this time and id, oldest first.
    async fn facts(&self, at: i64, id: &str, limit: u32) -> Result<Vec<FactsRow>, StoreError>;

    /// Deletes up to `limit` records from before `before` and gives their number.
    async fn forget_facts(&self, before: i64, limit: u32) -> Result<u64, StoreError>;
}

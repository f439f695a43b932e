//! What the check of the whole store asks of the database.

use async_trait::async_trait;

use super::StoredHold;
use crate::store::error::StoreError;

/// What is sealed of a delivery that has not ended, or of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SealedDelivery {
    pub(crate) id: String,
    pub(crate) kek: String,
    pub(crate) dek: Vec<u8>,
    pub(crate) progress: Vec<u8>,
    pub(crate) blob: String,
    pub(crate) sealed_as: String,
}

/// Rows that contradict themselves, by id; at most a thousand of each kind.
#[derive(Debug, Default)]
pub(crate) struct Contradictions {
    pub(crate) holds: Vec<String>,
    pub(crate) deliveries: Vec<String>,
    /// Release tickets of holds that are not there.
    pub(crate) tickets: Vec<String>,
}

/// What the check of the whole store asks of the database.
#[async_trait]
pub(crate) trait FsckStore {
    /// What the database finds wrong with its own file, in its own words, at most a hundred lines: names of tables and indexes, numbers.
    async fn integrity(&self) -> Result<Vec<String>, StoreError>;

    /// Rows whose state and content do not go together.
    async fn contradictions(&self) -> Result<Contradictions, StoreError>;

    /// Holds with content past `after`, in the order of their ids.
    async fn sealed_holds(&self, after: &str, limit: u32) -> Result<Vec<StoredHold>, StoreError>;

    /// Deliveries that have not ended and dead letters past `after`, in the order of their ids.
    async fn sealed_deliveries(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<SealedDelivery>, StoreError>;

    /// One of them as it is now; `None` when it has ended.
    async fn sealed_delivery(&self, id: &str) -> Result<Option<SealedDelivery>, StoreError>;
}

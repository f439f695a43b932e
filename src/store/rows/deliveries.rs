//! The delivery queue.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// A delivery to insert.
#[derive(Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) created_at: i64,
    pub(crate) due_at: i64,
    pub(crate) kek: String,
    pub(crate) dek: Vec<u8>,
    pub(crate) progress: Vec<u8>,
    pub(crate) blob: String,
    pub(crate) sealed_as: String,
}

/// A delivery that was leased.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct LeasedRow {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) created_at: i64,
    pub(crate) attempts: i64,
    pub(crate) delay_noticed: bool,
    pub(crate) duplicates: i64,
    pub(crate) fence: i64,
    pub(crate) kek: String,
    pub(crate) dek: Vec<u8>,
    pub(crate) progress: Vec<u8>,
}

/// The outcome of an attempt.
#[derive(Debug)]
pub(crate) struct SettledRow {
    pub(crate) id: String,
    pub(crate) fence: i64,
    /// The progress to keep and when to go on; `None` when the delivery is finished.
    pub(crate) retry: Option<(Vec<u8>, i64)>,
    pub(crate) at: i64,
    pub(crate) failed: i64,
    pub(crate) delay_noticed: bool,
    pub(crate) unknown: bool,
    pub(crate) more: Vec<DeliveryRow>,
}

/// The delivery queue.
#[async_trait]
pub(crate) trait QueueStore {
    /// Leases what is due. An attempt that was begun and never settled counts as a possible duplicate.
    async fn lease(
        &self,
        now: i64,
        worker: &str,
        limit: u32,
        until: i64,
    ) -> Result<Vec<LeasedRow>, StoreError>;

    /// Ends the leases of a worker that is starting anew and so cannot be working on them.
    async fn reclaim(&self, worker: &str) -> Result<u64, StoreError>;

    /// Notes that an attempt begins.
    async fn attempting(&self, id: &str, fence: i64) -> Result<(), StoreError>;

    /// Prolongs a lease.
    async fn extend(&self, id: &str, fence: i64, until: i64) -> Result<(), StoreError>;

    /// Records an outcome and whatever it adds to the queue. Gives the finished delivery's blob, when no hold has it.
    async fn settle(&self, row: &SettledRow) -> Result<Option<String>, StoreError>;

    /// Where the message of a delivery is: blob, the id it is sealed as, and its wrapped key.
    async fn delivery_blob(
        &self,
        id: &str,
        fence: i64,
    ) -> Result<(String, String, String, Vec<u8>), StoreError>;

    /// The queue as a list, unfinished first, then by due time.
    async fn queue(
        &self,
        limit: u32,
    ) -> Result<Vec<(String, String, i64, Option<i64>, i64, i64, i64)>, StoreError>;

    /// How many deliveries wait, and since when the oldest.
    async fn queue_depth(&self) -> Result<(i64, Option<i64>), StoreError>;
}

//! The delivery queue.

use async_trait::async_trait;

use crate::store::delivery::QueueState;
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
    pub(crate) window_at: i64,
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
    /// The progress to keep when it ended and an operator may send it again.
    pub(crate) dead: Option<Vec<u8>>,
    /// What the ledger says of its end: action and detail.
    pub(crate) entry: Option<(&'static str, String)>,
    pub(crate) failed: i64,
    pub(crate) delay_noticed: bool,
    pub(crate) unknown: bool,
    pub(crate) more: Vec<DeliveryRow>,
}

/// A delivery as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct QueueRow {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) created_at: i64,
    pub(crate) due_at: Option<i64>,
    pub(crate) finished_at: Option<i64>,
    pub(crate) died_at: Option<i64>,
    pub(crate) attempts: i64,
    pub(crate) failed: i64,
    pub(crate) duplicates: i64,
    pub(crate) fence: i64,
    pub(crate) leased_by: Option<String>,
    pub(crate) leased_until: Option<i64>,
    pub(crate) kek: Option<String>,
    pub(crate) dek: Option<Vec<u8>>,
    pub(crate) progress: Option<Vec<u8>>,
}

/// A delivery to make due.
#[derive(Debug)]
pub(crate) struct RetryRow {
    pub(crate) id: String,
    pub(crate) fence: i64,
    pub(crate) at: i64,
    /// The progress to begin with, when it is a dead letter.
    pub(crate) anew: Option<Vec<u8>>,
    pub(crate) actor: String,
    pub(crate) detail: String,
}

/// A delivery to end.
#[derive(Debug)]
pub(crate) struct CancelRow {
    pub(crate) id: String,
    pub(crate) fence: i64,
    pub(crate) at: i64,
    pub(crate) actor: String,
    pub(crate) detail: String,
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

    /// The queue as a list: dead letters, then what waits by due time, then what is finished; those in one state alone when it is given.
    async fn queue(
        &self,
        state: Option<QueueState>,
        limit: u32,
    ) -> Result<Vec<QueueRow>, StoreError>;

    /// One delivery.
    async fn delivery(&self, id: &str) -> Result<QueueRow, StoreError>;

    /// Makes a delivery due, if nobody works on it: one that waits at once, a dead letter from the beginning with this progress. `false`:
    /// it changed meanwhile.
    async fn retry(&self, row: &RetryRow) -> Result<bool, StoreError>;

    /// Ends a delivery that waits or is dead, if nobody works on it; gives its blob when nothing else needs it. `None`: it changed meanwhile.
    async fn cancel(&self, row: &CancelRow) -> Result<Option<Option<String>>, StoreError>;

    /// Ends dead letters from before `before`, up to `limit`, each with an entry; gives the blobs that nothing else needs.
    async fn end_dead(
        &self,
        before: i64,
        now: i64,
        limit: u32,
    ) -> Result<Vec<Option<String>>, StoreError>;

    /// How many dead letters there are.
    async fn dead_letters(&self) -> Result<i64, StoreError>;

    /// How many deliveries wait, and since when the oldest.
    async fn queue_depth(&self) -> Result<(i64, Option<i64>), StoreError>;
}

//! What ends, and the blobs that rows need.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// What one round ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) expired: u64,
    pub(crate) purged: u64,
    /// Blobs that may be deleted now.
    pub(crate) blobs: Vec<String>,
    /// More is waiting.
    pub(crate) more: bool,
}

/// What ends, and the blobs that rows need.
#[async_trait]
pub(crate) trait RetentionStore {
    /// Ends holds received before `before`: undecided ones expire, decided ones are purged once nothing delivers them any
    /// more. Their keys are gone with the commit.
    async fn end_holds(&self, before: i64, now: i64) -> Result<Ended, StoreError>;

    /// Forgets finished deliveries and refusals from before `before`, and tickets and remembered answers that have ended.
    async fn forget(&self, before: i64, now: i64) -> Result<(), StoreError>;

    /// Whether some row needs this blob.
    async fn needs(&self, blob: &str) -> Result<bool, StoreError>;

    /// Every blob that a row needs, with the row's id.
    async fn blobs(&self) -> Result<Vec<(String, String)>, StoreError>;
}

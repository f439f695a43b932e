//! What ends, and the blobs that rows need.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// A hold whose content is there, as far as retention asks.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct KeptRow {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) version: i64,
    pub(crate) received_at: i64,
    pub(crate) decided_at: Option<i64>,
    pub(crate) size: i64,
    pub(crate) categories: String,
    pub(crate) dek: Vec<u8>,
    pub(crate) blob: String,
    /// It must be kept for a case.
    pub(crate) legal_hold: bool,
    /// An unfinished delivery still sends its message.
    pub(crate) on_its_way: bool,
}

/// A hold whose content ends.
#[derive(Debug)]
pub(crate) struct EndRow {
    pub(crate) id: String,
    /// The version it was judged due at.
    pub(crate) version: i64,
    pub(crate) to: &'static str,
    pub(crate) blob: String,
    pub(crate) detail: String,
}

/// What one round ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Ids of the holds whose content is gone.
    pub(crate) ids: Vec<String>,
    /// Blobs that may be deleted now.
    pub(crate) blobs: Vec<String>,
}

/// Until when records without content are kept; each is forgotten when it is older.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forget {
    /// Finished deliveries, refusals, and holds whose content ended, from before this.
    pub(crate) events: i64,
    /// Tickets and remembered answers that end by now.
    pub(crate) now: i64,
}

/// What ends, and the blobs that rows need.
#[async_trait]
pub(crate) trait RetentionStore {
    /// Holds with content that came before `before`, the oldest first, after this time and id.
    async fn kept(
        &self,
        before: i64,
        after: (i64, &str),
        limit: u32,
    ) -> Result<Vec<KeptRow>, StoreError>;

    /// Ends the content of these holds: their keys are gone with the commit. One that changed since, or that a delivery needs, stays.
    async fn end_holds(&self, rows: &[EndRow], now: i64) -> Result<Ended, StoreError>;

    /// Forgets what is past its time, up to `limit` rows of each kind, and gives the greatest number that it forgot of one.
    async fn forget(&self, what: Forget, limit: u32) -> Result<u64, StoreError>;

    /// Whether some row needs this blob.
    async fn needs(&self, blob: &str) -> Result<bool, StoreError>;

    /// Every blob that a row needs, with the row's id.
    async fn blobs(&self) -> Result<Vec<(String, String)>, StoreError>;
}

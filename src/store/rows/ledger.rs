//! The ledger.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// An entry as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct LedgerRow {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: String,
    pub(crate) prev: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

/// The ledger.
#[async_trait]
pub(crate) trait LedgerStore {
    /// Adds an entry for an act that changes nothing else.
    async fn note(
        &self,
        at: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), StoreError>;

    /// Entries on this subject, oldest first, as many as one hold can have and no more than 10,000.
    async fn ledger_about(&self, subject: &str) -> Result<Vec<LedgerRow>, StoreError>;

    /// Entries from `from` on, oldest first.
    async fn ledger_page(&self, from: i64, limit: u32) -> Result<Vec<LedgerRow>, StoreError>;
}

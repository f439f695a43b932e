//! Personal data breaches and their work-sheets.

use async_trait::async_trait;

use super::NewEntry;
use crate::store::error::StoreError;

/// A breach as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct IncidentRow {
    pub(crate) id: String,
    pub(crate) opened_at: i64,
    pub(crate) aware_at: i64,
    pub(crate) changed_at: i64,
    pub(crate) closed_at: Option<i64>,
    pub(crate) version: i64,
    pub(crate) school: Option<String>,
    pub(crate) holds: String,
    pub(crate) sealed: Vec<u8>,
}

/// Personal data breaches and their work-sheets; each change with its entry in the ledger, in one transaction.
#[async_trait]
pub(crate) trait IncidentStore {
    async fn open_incident(&self, row: &IncidentRow, entry: NewEntry<'_>)
    -> Result<(), StoreError>;

    /// Puts `row`, whose version is the one it becomes, in the place of the version before; `false` when that is not the one there.
    async fn change_incident(
        &self,
        row: &IncidentRow,
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError>;

    async fn incident(&self, id: &str) -> Result<IncidentRow, StoreError>;

    /// Open ones first, then those of which the trust became aware last.
    async fn incidents(&self, limit: u32) -> Result<Vec<IncidentRow>, StoreError>;
}

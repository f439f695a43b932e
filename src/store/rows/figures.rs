//! What reports count of holds and refusals, and what reviewers judge.

use async_trait::async_trait;

use super::NewEntry;
use crate::store::error::StoreError;

/// A hold or a refusal as reports see it: nothing sealed, no name.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct FigureRow {
    pub(crate) id: String,
    pub(crate) at: i64,
    /// The state of a hold; `turned-away` for a refusal.
    pub(crate) state: String,
    pub(crate) decided_at: Option<i64>,
    pub(crate) decided_as: Option<String>,
    pub(crate) judgement: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) people: Option<i64>,
    pub(crate) school: Option<String>,
    pub(crate) sender_group: Option<String>,
    pub(crate) sender: Option<i64>,
    pub(crate) rules: String,
    pub(crate) categories: String,
}

/// What reports count.
#[async_trait]
pub(crate) trait FiguresStore {
    /// Holds and refusals since then, in no order.
    async fn figures(&self, since: i64) -> Result<Vec<FigureRow>, StoreError>;

    /// Holds and refusals that the ledger has entries about after this one.
    async fn figures_after(&self, seq: i64) -> Result<Vec<FigureRow>, StoreError>;

    /// Entries of the ledger that say that a hold's content ended in this span, the last first: number, time, action, id, detail.
    async fn ends(
        &self,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<(i64, i64, String, String, String)>, StoreError>;

    /// How many such entries there are, by action.
    async fn end_counts(&self, from: i64, to: i64) -> Result<Vec<(String, i64)>, StoreError>;

    /// Notes what a reviewer judges of a hold, with its entry, whose detail says what it was before. [`StoreError::Missing`] when there is
    /// no such hold.
    async fn judge(&self, judgement: &str, entry: NewEntry<'_>) -> Result<(), StoreError>;
}

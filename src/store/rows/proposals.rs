//! Policies on record, and what is in force.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// A policy's text on record.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ProposalRow {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) state: String,
    pub(crate) requester: String,
    pub(crate) requester_login: String,
    pub(crate) before: String,
    pub(crate) sha256: String,
    pub(crate) second_person: bool,
    pub(crate) sealed: Vec<u8>,
    pub(crate) decided_at: Option<i64>,
    pub(crate) approver: Option<String>,
    pub(crate) enforced_at: Option<i64>,
}

/// The ledger entry of a step.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) at: i64,
    pub(crate) actor: String,
    pub(crate) action: &'static str,
    pub(crate) detail: String,
}

/// A policy that begins to be enforced.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    pub(crate) what: &'a str,
    pub(crate) at: i64,
    pub(crate) action: &'static str,
    /// Its row, when it comes on record with this.
    pub(crate) fresh: Option<ProposalRow>,
    pub(crate) is_file: bool,
}

/// Policies on record, and what is in force.
#[async_trait]
pub(crate) trait ProposalStore {
    async fn propose(&self, row: &ProposalRow, step: &Step) -> Result<(), StoreError>;

    /// Policies on record, newest first; of one text alone when it is given.
    async fn proposals(&self, sha256: Option<&str>) -> Result<Vec<ProposalRow>, StoreError>;

    async fn proposal(&self, id: &str) -> Result<ProposalRow, StoreError>;

    async fn enforced(&self) -> Result<Option<String>, StoreError>;

    /// Whether the proposal still was in the state of `row` and is decided now.
    async fn decide_proposal(
        &self,
        row: &ProposalRow,
        to: &str,
        step: &Step,
    ) -> Result<bool, StoreError>;

    /// Notes what is in force. `false`: another node put something on record meanwhile, and nothing was done.
    async fn admit(&self, new: Admission<'_>) -> Result<bool, StoreError>;
}

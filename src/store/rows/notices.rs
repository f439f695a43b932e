//! What notices must remember.

use async_trait::async_trait;

use super::DeliveryRow;
use crate::store::error::StoreError;

/// A notice with its delivery.
#[derive(Debug)]
pub(crate) struct ToldRow {
    pub(crate) delivery: DeliveryRow,
    pub(crate) about: String,
    pub(crate) detail: String,
    pub(crate) scope: Option<[u8; 16]>,
}

/// A role to tell unless somebody decides.
#[derive(Debug)]
pub(crate) struct EscalationRow {
    pub(crate) hold: String,
    pub(crate) role: String,
    pub(crate) rule: String,
    pub(crate) minutes: i64,
    pub(crate) due_at: i64,
}

/// A hold that waits, without anything sealed.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct WaitingRow {
    pub(crate) id: String,
    pub(crate) received_at: i64,
    pub(crate) rules: String,
    pub(crate) categories: String,
    pub(crate) school: Option<String>,
    pub(crate) version: i64,
    /// It must be kept for a case.
    pub(crate) kept: bool,
}

/// Everything of one message or one round.
#[derive(Debug)]
pub(crate) struct NoticeRow {
    pub(crate) at: i64,
    pub(crate) told: Vec<ToldRow>,
    /// Marks that are made only if they are not there yet: else nothing is recorded.
    pub(crate) claims: Vec<([u8; 16], i64)>,
    pub(crate) marks: Vec<([u8; 16], i64)>,
    pub(crate) lines: Vec<(String, String, &'static str)>,
    pub(crate) escalations: Vec<EscalationRow>,
    pub(crate) ended: Vec<(String, String)>,
    pub(crate) begun: Vec<(String, String)>,
    pub(crate) digested: Vec<(String, String)>,
}

/// What notices must remember.
#[async_trait]
pub(crate) trait NoticeStore {
    /// Records all of it, or nothing: `false` when another node made one of these claims, ended one of these
    /// escalations or wrote one of these digests meanwhile.
    async fn record_notices(&self, row: &NoticeRow) -> Result<bool, StoreError>;

    async fn notice_known(&self, mark: &[u8], now: i64) -> Result<bool, StoreError>;

    async fn notices_sent(&self, scope: &[u8], since: i64) -> Result<u32, StoreError>;

    async fn digest_days(&self) -> Result<Vec<(String, String)>, StoreError>;

    async fn digest_counts(&self) -> Result<Vec<(String, String, String, i64)>, StoreError>;

    /// Holds that wait, the oldest first; `asked`: only those that wait for a second person.
    async fn waiting_holds(&self, asked: bool, limit: u32) -> Result<Vec<WaitingRow>, StoreError>;

    async fn due_escalations(&self, now: i64) -> Result<Vec<(EscalationRow, bool)>, StoreError>;

    async fn forget_notices(&self, now: i64, sent: i64) -> Result<(), StoreError>;
}

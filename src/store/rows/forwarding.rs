//! The register of forwarding mailboxes, and the kept state of what is watched over time.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// A row of the register.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ForwardingRow {
    pub(crate) mailbox: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) first_seen: i64,
    pub(crate) last_seen: i64,
    pub(crate) messages: i64,
    pub(crate) marks: String,
    pub(crate) notices: i64,
    pub(crate) notice_day: Option<String>,
    pub(crate) addresses: Vec<u8>,
}

/// What the register says of one more message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noted {
    pub(crate) notice_due: bool,
    pub(crate) first_of_mailbox: bool,
    pub(crate) messages: i64,
}

/// The register of forwarding mailboxes, and the kept state of what is watched over time.
#[async_trait]
pub(crate) trait ForwardingStore {
    /// Counts one more message; `fresh` is the row for a pair that is not known. `merge` adds the marks of `fresh` to those there.
    async fn note_forward(
        &self,
        fresh: &ForwardingRow,
        merge: &(dyn for<'a> Fn(&'a str) -> Result<String, StoreError> + Send + Sync),
    ) -> Result<Noted, StoreError>;

    /// The register, last seen first.
    async fn forwardings(&self, limit: u32) -> Result<Vec<ForwardingRow>, StoreError>;

    /// Forgets pairs that were last seen before `before`.
    async fn forget_forwardings(&self, before: i64) -> Result<(), StoreError>;

    async fn save_habits(&self, name: &str, at: i64, state: &[u8]) -> Result<(), StoreError>;

    async fn habits(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

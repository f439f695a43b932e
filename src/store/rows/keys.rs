//! What is wrapped under which master key, and which keys there have been.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// Where wrapped keys stand. Every table with a `kek` is here: a rotation that forgot one would lose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The store's own secrets, by name.
    Keyring,
    /// Holds, by id.
    Holds,
    /// Deliveries, by id.
    Deliveries,
    /// Dead letters, by id; as the deliveries that they were.
    DeadLetters,
}

impl Place {
    /// Every place.
    pub(crate) const ALL: [Self; 4] = [
        Self::Keyring,
        Self::Holds,
        Self::Deliveries,
        Self::DeadLetters,
    ];
}

/// How much is wrapped under a key in one place.
#[derive(Debug)]
pub(crate) struct WrappedCount {
    pub(crate) place: Place,
    pub(crate) kek: String,
    pub(crate) rows: i64,
    /// When the oldest row came; keyrings do not say.
    pub(crate) oldest: Option<i64>,
}

/// A wrapped key.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct WrappedRow {
    pub(crate) id: String,
    pub(crate) kek: String,
    pub(crate) dek: Vec<u8>,
}

/// A wrapped key and what is to stand in its place.
#[derive(Debug)]
pub(crate) struct RewrappedRow {
    pub(crate) old: WrappedRow,
    pub(crate) dek: Vec<u8>,
}

/// A master key that there is or has been.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) added_at: i64,
    pub(crate) dropped_at: Option<i64>,
}

/// What is wrapped under which master key, and which keys there have been.
#[async_trait]
pub(crate) trait KeyStore {
    /// How much is wrapped under each key, by place.
    async fn wrapped_counts(&self) -> Result<Vec<WrappedCount>, StoreError>;

    /// Keys in one place that are wrapped under another key than `current`, of rows past `after`, in the order of their ids.
    async fn wrapped_page(
        &self,
        place: Place,
        current: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<WrappedRow>, StoreError>;

    /// Puts new wrapped keys, all under `current`, in the place of old ones that are still as they were read, with a ledger entry
    /// for every key they were wrapped under before. Gives how many were exchanged. [`StoreError::Key`] when `current` was dropped.
    async fn rewrap(
        &self,
        place: Place,
        current: &str,
        rows: &[RewrappedRow],
        at: i64,
        actor: &str,
    ) -> Result<u64, StoreError>;

    /// Notes these keys, with a ledger entry for each one that was not known. Gives how many those were.
    async fn add_keys(&self, ids: &[String], at: i64, actor: &str) -> Result<u64, StoreError>;

    /// Every key that there is or has been.
    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError>;

    /// From now on nothing may be wrapped under this key, with a ledger entry. Nothing is changed while something is: gives how
    /// many rows that are. [`StoreError::Missing`] when there was never such a key.
    async fn drop_key(&self, id: &str, at: i64, actor: &str) -> Result<u64, StoreError>;
}

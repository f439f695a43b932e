//! The duplicate guard, and the store's own wrapped secret.

use async_trait::async_trait;

use crate::store::error::StoreError;

/// The duplicate guard, and the store's own wrapped secret.
#[async_trait]
pub(crate) trait GuardStore {
    async fn remember(&self, key: &[u8], answer: &[u8], until: i64) -> Result<(), StoreError>;

    /// The answer of this key that has not ended; what another node remembered too.
    async fn recalled(&self, key: &[u8], now: i64) -> Result<Option<Vec<u8>>, StoreError>;

    async fn remembered(&self) -> Result<Vec<(Vec<u8>, Vec<u8>, i64)>, StoreError>;

    /// The store's own secret: the one that is there, or else the one offered.
    async fn secret(&self, kek: &str, offered: &[u8]) -> Result<(String, Vec<u8>), StoreError>;
}

//! Rows of the duplicate guard, and the store's own wrapped secret.

use async_trait::async_trait;

use super::SqliteStore;
use crate::store::error::StoreError;
use crate::store::rows::GuardStore;

#[async_trait]
impl GuardStore for SqliteStore {
    async fn remember(&self, key: &[u8], answer: &[u8], until: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO delivered (key, answer, expires_at) VALUES (?, ?, ?) \
             ON CONFLICT (key) DO UPDATE SET answer = excluded.answer, expires_at = excluded.expires_at",
        )
        .bind(key)
        .bind(answer)
        .bind(until)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn remembered(&self) -> Result<Vec<(Vec<u8>, Vec<u8>, i64)>, StoreError> {
        Ok(
            sqlx::query_as("SELECT key, answer, expires_at FROM delivered")
                .fetch_all(&self.reader)
                .await?,
        )
    }

    async fn recalled(&self, key: &[u8], now: i64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT answer FROM delivered WHERE key = ? AND expires_at > ?")
                .bind(key)
                .bind(now)
                .fetch_optional(&self.reader)
                .await?,
        )
    }

    async fn secret(&self, kek: &str, offered: &[u8]) -> Result<(String, Vec<u8>), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO keyring (name, kek, dek) VALUES ('store', ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(kek)
        .bind(offered)
        .execute(&mut *tx)
        .await?;
        let row = sqlx::query_as("SELECT kek, dek FROM keyring WHERE name = 'store'")
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(row)
    }
}

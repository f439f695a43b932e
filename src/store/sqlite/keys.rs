//! What is wrapped under which master key, and which keys there have been.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::json;
use sqlx::SqliteConnection;

use super::{SqliteStore, ledger};
use crate::store::error::StoreError;
use crate::store::rows::{KeyRow, KeyStore, Place, RewrappedRow, WrappedCount, WrappedRow};

fn counting(place: Place) -> &'static str {
    match place {
        Place::Keyring => "SELECT kek, count(*), NULL FROM keyring GROUP BY kek",
        Place::Holds => {
            "SELECT kek, count(*), min(received_at) FROM hold WHERE kek IS NOT NULL GROUP BY kek"
        }
        Place::Deliveries => {
            "SELECT kek, count(*), min(created_at) FROM delivery WHERE kek IS NOT NULL GROUP BY kek"
        }
        Place::DeadLetters => "SELECT kek, count(*), min(died_at) FROM dead_letter GROUP BY kek",
    }
}

fn page(place: Place) -> &'static str {
    match place {
        Place::Keyring => {
            "SELECT name AS id, kek, dek FROM keyring WHERE kek <> ? AND name > ? ORDER BY name LIMIT ?"
        }
        Place::Holds => {
            "SELECT id, kek, dek FROM hold WHERE kek <> ? AND dek IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
        }
        Place::Deliveries => {
            "SELECT id, kek, dek FROM delivery WHERE kek <> ? AND dek IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
        }
        Place::DeadLetters => {
            "SELECT id, kek, dek FROM dead_letter WHERE kek <> ? AND id > ? ORDER BY id LIMIT ?"
        }
    }
}

fn exchange(place: Place) -> &'static str {
    match place {
        Place::Keyring => {
            "UPDATE keyring SET kek = ?, dek = ? WHERE name = ? AND kek = ? AND dek = ?"
        }
        Place::Holds => "UPDATE hold SET kek = ?, dek = ? WHERE id = ? AND kek = ? AND dek = ?",
        Place::Deliveries => {
            "UPDATE delivery SET kek = ?, dek = ? WHERE id = ? AND kek = ? AND dek = ?"
        }
        Place::DeadLetters => {
            "UPDATE dead_letter SET kek = ?, dek = ? WHERE id = ? AND kek = ? AND dek = ?"
        }
    }
}

#[async_trait]
impl KeyStore for SqliteStore {
    async fn wrapped_counts(&self) -> Result<Vec<WrappedCount>, StoreError> {
        let mut connection = self.reader.acquire().await?;
        counts(&mut connection).await
    }

    async fn wrapped_page(
        &self,
        place: Place,
        current: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<WrappedRow>, StoreError> {
        Ok(sqlx::query_as(page(place))
            .bind(current)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await?)
    }

    async fn rewrap(
        &self,
        place: Place,
        current: &str,
        rows: &[RewrappedRow],
        at: i64,
        actor: &str,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        refuse_dropped(&mut tx, current).await?;
        let mut exchanged: BTreeMap<&str, u64> = BTreeMap::new();
        for row in rows {
            let changed = sqlx::query(exchange(place))
                .bind(current)
                .bind(&row.dek)
                .bind(&row.old.id)
                .bind(&row.old.kek)
                .bind(&row.old.dek)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            *exchanged.entry(&row.old.kek).or_default() += changed;
        }
        exchanged.retain(|_, count| *count > 0);
        for (from, count) in &exchanged {
            let detail = json!({ "from": from, "to": current, "count": count }).to_string();
            ledger::append(&mut tx, at, actor, "key-rewrapped", "", &detail).await?;
        }
        tx.commit().await?;
        Ok(exchanged.values().sum())
    }

    async fn add_keys(&self, ids: &[String], at: i64, actor: &str) -> Result<u64, StoreError> {
        let known = self.keys().await?;
        let is_known = |id: &String| known.iter().any(|key| key.id == *id);
        // Asked of a reader first: as a rule there is nothing to write.
        if ids.iter().all(is_known) {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let mut added = 0;
        for id in ids {
            let changed = sqlx::query(
                "INSERT INTO master_key (id, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(id)
            .bind(at)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed > 0 {
                let detail = json!({ "key": id }).to_string();
                ledger::append(&mut tx, at, actor, "key-added", "", &detail).await?;
            }
            added += changed;
        }
        tx.commit().await?;
        Ok(added)
    }

    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        Ok(
            sqlx::query_as("SELECT id, added_at, dropped_at FROM master_key ORDER BY added_at, id")
                .fetch_all(&self.reader)
                .await?,
        )
    }

    async fn drop_key(&self, id: &str, at: i64, actor: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let wrapped: i64 = counts(&mut tx)
            .await?
            .iter()
            .filter(|count| count.kek == id)
            .map(|count| count.rows)
            .sum();
        if wrapped > 0 {
            return Ok(wrapped.unsigned_abs());
        }
        let dropped: Option<Option<i64>> =
            sqlx::query_scalar("SELECT dropped_at FROM master_key WHERE id = ?")
                .bind(id)
                .fetch_optional(&mut *tx)
                .await?;
        if dropped.ok_or(StoreError::Missing)?.is_none() {
            sqlx::query("UPDATE master_key SET dropped_at = ? WHERE id = ?")
                .bind(at)
                .bind(id)
                .execute(&mut *tx)
                .await?;
            let detail = json!({ "key": id }).to_string();
            ledger::append(&mut tx, at, actor, "key-dropped", "", &detail).await?;
            tx.commit().await?;
        }
        Ok(0)
    }
}

async fn counts(connection: &mut SqliteConnection) -> Result<Vec<WrappedCount>, StoreError> {
    let mut found = Vec::new();
    for place in Place::ALL {
        let rows: Vec<(String, i64, Option<i64>)> = sqlx::query_as(counting(place))
            .fetch_all(&mut *connection)
            .await?;
        let counts = rows.into_iter().map(|(kek, rows, oldest)| WrappedCount {
            place,
            kek,
            rows,
            oldest,
        });
        found.extend(counts);
    }
    Ok(found)
}

async fn refuse_dropped(connection: &mut SqliteConnection, id: &str) -> Result<(), StoreError> {
    let dropped: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM master_key WHERE id = ? AND dropped_at IS NOT NULL")
            .bind(id)
            .fetch_optional(connection)
            .await?;
    dropped.map_or(Ok(()), |_| {
        Err(StoreError::Key(
            format!("key `{id}` was dropped meanwhile").into(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_table_with_wrapped_keys_is_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("beadle.db");
        let store = SqliteStore::open(&path, 1, false).await.unwrap();
        let mut tables: Vec<String> = sqlx::query_scalar(
            "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c \
             WHERE m.type = 'table' AND c.name = 'kek'",
        )
        .fetch_all(&store.reader)
        .await
        .unwrap();
        tables.sort();
        let mut rotated: Vec<&str> = Place::ALL
            .into_iter()
            .map(|place| {
                let statement = exchange(place);
                assert!(page(place).contains(statement.split(' ').nth(1).unwrap()));
                statement.split(' ').nth(1).unwrap()
            })
            .collect();
        rotated.sort_unstable();
        assert_eq!(tables, rotated);
    }
}

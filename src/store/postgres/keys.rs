//! What is wrapped under which master key, and which keys there have been.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::json;
use sqlx::PgConnection;

use super::{PostgresStore, ledger};
use crate::store::error::StoreError;
use crate::store::rows::{KeyRow, KeyStore, Place, RewrappedRow, WrappedCount, WrappedRow};

fn counting(place: Place) -> &'static str {
    match place {
        Place::Keyring => "SELECT kek, count(*), NULL::BIGINT FROM keyring GROUP BY kek",
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
            "SELECT name AS id, kek, dek FROM keyring WHERE kek <> $1 AND name > $2 ORDER BY name LIMIT $3"
        }
        Place::Holds => {
            "SELECT id, kek, dek FROM hold WHERE kek <> $1 AND dek IS NOT NULL AND id > $2 ORDER BY id LIMIT $3"
        }
        Place::Deliveries => {
            "SELECT id, kek, dek FROM delivery WHERE kek <> $1 AND dek IS NOT NULL AND id > $2 ORDER BY id LIMIT $3"
        }
        Place::DeadLetters => {
            "SELECT id, kek, dek FROM dead_letter WHERE kek <> $1 AND id > $2 ORDER BY id LIMIT $3"
        }
    }
}

fn exchange(place: Place) -> &'static str {
    match place {
        Place::Keyring => {
            "UPDATE keyring SET kek = $1, dek = $2 WHERE name = $3 AND kek = $4 AND dek = $5"
        }
        Place::Holds => {
            "UPDATE hold SET kek = $1, dek = $2 WHERE id = $3 AND kek = $4 AND dek = $5"
        }
        Place::Deliveries => {
            "UPDATE delivery SET kek = $1, dek = $2 WHERE id = $3 AND kek = $4 AND dek = $5"
        }
        Place::DeadLetters => {
            "UPDATE dead_letter SET kek = $1, dek = $2 WHERE id = $3 AND kek = $4 AND dek = $5"
        }
    }
}

#[async_trait]
impl KeyStore for PostgresStore {
    async fn wrapped_counts(&self) -> Result<Vec<WrappedCount>, StoreError> {
        let mut connection = self.pool.acquire().await?;
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
            .fetch_all(&self.pool)
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
                "INSERT INTO master_key (id, added_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
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
                .fetch_all(&self.pool)
                .await?,
        )
    }

    async fn drop_key(&self, id: &str, at: i64, actor: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        // Nobody adds rows until this has ended; after it their triggers see that the key is dropped.
        sqlx::query("LOCK TABLE keyring, hold, delivery, dead_letter IN SHARE ROW EXCLUSIVE MODE")
            .execute(&mut *tx)
            .await?;
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
            sqlx::query_scalar("SELECT dropped_at FROM master_key WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *tx)
                .await?;
        if dropped.ok_or(StoreError::Missing)?.is_none() {
            sqlx::query("UPDATE master_key SET dropped_at = $1 WHERE id = $2")
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

async fn counts(connection: &mut PgConnection) -> Result<Vec<WrappedCount>, StoreError> {
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

async fn refuse_dropped(connection: &mut PgConnection, id: &str) -> Result<(), StoreError> {
    let dropped: Option<i64> = sqlx::query_scalar(
        "SELECT 1::BIGINT FROM master_key WHERE id = $1 AND dropped_at IS NOT NULL",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    dropped.map_or(Ok(()), |_| {
        Err(StoreError::Key(
            format!("key `{id}` was dropped meanwhile").into(),
        ))
    })
}

//! What the check of the whole store asks of PostgreSQL.
//!
//! # Known gaps
//! The server checks its own pages, where the cluster has checksums; from outside only an extension (amcheck) could.

use async_trait::async_trait;

use super::PostgresStore;
use crate::store::error::StoreError;
use crate::store::rows::{Contradictions, FsckStore, HOLD_COLUMNS, SealedDelivery, StoredHold};

/// Deliveries that have not ended, and dead letters, whose content stands beside them.
macro_rules! sealed_deliveries {
    () => {
        "SELECT delivery.id, coalesce(delivery.kek, dead_letter.kek) AS kek, coalesce(delivery.dek, dead_letter.dek) AS dek, \
         coalesce(delivery.progress, dead_letter.progress) AS progress, coalesce(delivery.blob, dead_letter.blob) AS blob, sealed_as \
         FROM delivery LEFT JOIN dead_letter ON dead_letter.id = delivery.id \
         WHERE coalesce(delivery.dek, dead_letter.dek) IS NOT NULL AND coalesce(delivery.kek, dead_letter.kek) IS NOT NULL \
         AND coalesce(delivery.progress, dead_letter.progress) IS NOT NULL AND coalesce(delivery.blob, dead_letter.blob) IS NOT NULL"
    };
}

#[async_trait]
impl FsckStore for PostgresStore {
    async fn integrity(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn contradictions(&self) -> Result<Contradictions, StoreError> {
        let find = |statement: &'static str| sqlx::query_scalar(statement).fetch_all(&self.pool);
        Ok(Contradictions {
            holds: find(
                "SELECT id FROM hold WHERE (dek IS NULL) <> (state IN ('expired', 'purged')) \
                 OR (dek IS NULL) <> (kek IS NULL) OR (dek IS NULL) <> (record IS NULL) \
                 OR (dek IS NULL) <> (blob IS NULL) OR state NOT IN (SELECT name FROM hold_state) \
                 OR (state IN ('released', 'refused') AND (decided_at IS NULL OR decided_by IS NULL)) LIMIT 1000",
            )
            .await?,
            deliveries: find(
                "SELECT id FROM delivery WHERE (due_at IS NULL) <> (finished_at IS NOT NULL) \
                 OR (due_at IS NULL) <> (dek IS NULL) OR (dek IS NULL) <> (kek IS NULL) \
                 OR (dek IS NULL) <> (progress IS NULL) OR (dek IS NULL) <> (blob IS NULL) \
                 UNION SELECT dead_letter.id FROM dead_letter LEFT JOIN delivery ON delivery.id = dead_letter.id \
                 WHERE finished_at IS NULL LIMIT 1000",
            )
            .await?,
            tickets: find(
                "SELECT hold FROM ticket WHERE NOT EXISTS (SELECT 1 FROM hold WHERE hold.id = ticket.hold) LIMIT 1000",
            )
            .await?,
        })
    }

    async fn sealed_holds(&self, after: &str, limit: u32) -> Result<Vec<StoredHold>, StoreError> {
        let mut query = sqlx::QueryBuilder::new("SELECT ");
        query.push(HOLD_COLUMNS);
        query.push(" FROM hold WHERE blob IS NOT NULL AND id > ");
        query.push_bind(after);
        query.push(" ORDER BY id LIMIT ");
        query.push_bind(i64::from(limit));
        Ok(query.build_query_as().fetch_all(&self.pool).await?)
    }

    async fn sealed_deliveries(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<SealedDelivery>, StoreError> {
        Ok(sqlx::query_as(concat!(
            sealed_deliveries!(),
            " AND delivery.id > $1 ORDER BY delivery.id LIMIT $2"
        ))
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }

    async fn sealed_delivery(&self, id: &str) -> Result<Option<SealedDelivery>, StoreError> {
        Ok(
            sqlx::query_as(concat!(sealed_deliveries!(), " AND delivery.id = $1"))
                .bind(id)
                .fetch_optional(&self.pool)
                .await?,
        )
    }
}

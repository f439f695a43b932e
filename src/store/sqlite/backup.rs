//! Whole tables of SQLite: read in one snapshot, filled in one transaction.
//!
//! # Invariants
//! A snapshot is one deferred transaction on a reader: writers go on meanwhile (<https://sqlite.org/isolation.html>). As long as it
//! lasts the write-ahead log cannot be emptied, so that it grows and keys that retention deletes stay in it; whoever reads ends in
//! bounded time.

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, Sqlite, Transaction};
use std::path::Path;

use super::{SqliteStore, ledger, migrator};
use crate::store::error::StoreError;
use crate::store::rows::{
    BASE_SCHEMA, BackupStore, ColumnKind, Refill, Row, Snapshot, Table, Value,
};

impl SqliteStore {
    /// Makes a database with just these versions of the schema, as a backup was taken at. One that this version does not know is
    /// [`StoreError::NewerSchema`].
    pub(crate) async fn create_at(path: &Path, schema: &[i64]) -> Result<Self, StoreError> {
        let known = migrator();
        let asked = |version: i64| version <= BASE_SCHEMA || schema.contains(&version);
        if let Some(unknown) = schema
            .iter()
            .find(|version| !known.version_exists(**version))
        {
            return Err(StoreError::NewerSchema(*unknown));
        }
        let wanted: Vec<_> = known
            .iter()
            .filter(|one| asked(one.version))
            .cloned()
            .collect();
        Self::open_with(path, 1, false, Migrator::with_migrations(wanted)).await
    }
}

#[async_trait]
impl BackupStore for SqliteStore {
    async fn schema(&self) -> Result<Vec<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT version FROM _sqlx_migrations WHERE version >= ? ORDER BY version",
        )
        .bind(BASE_SCHEMA)
        .fetch_all(&self.reader)
        .await?)
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let mut tx = self.reader.begin().await?;
        // A deferred transaction sees what is committed at its first read: this one.
        sqlx::query("SELECT 1 FROM keyring LIMIT 1")
            .execute(&mut *tx)
            .await?;
        Ok(Box::new(SqliteSnapshot { tx, at: None }))
    }

    async fn is_empty(&self, tables: &[Table]) -> Result<bool, StoreError> {
        for table in tables {
            let sql = format!("SELECT 1 FROM \"{}\" LIMIT 1", table.name);
            let found: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_optional(&self.writer)
                .await?;
            if found.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn refill(&self) -> Result<Box<dyn Refill>, StoreError> {
        Ok(Box::new(SqliteRefill(self.begin().await?)))
    }

    async fn resume(&self, paused: i64, now: i64, actor: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let resumed =
            sqlx::query("UPDATE delivery SET due_at = ?1, window_at = ?1 WHERE due_at = ?2")
                .bind(now)
                .bind(paused)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        if resumed > 0 {
            let detail = serde_json::json!({ "deliveries": resumed }).to_string();
            ledger::append(&mut tx, now, actor, "queue-resumed", "", &detail).await?;
        }
        tx.commit().await?;
        Ok(resumed)
    }
}

/// How far a table was read.
struct Position {
    table: String,
    /// The key of the last row, where the table has one.
    after: Option<Row>,
    /// Rows read so far.
    skip: i64,
}

struct SqliteSnapshot {
    tx: Transaction<'static, Sqlite>,
    at: Option<Position>,
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    async fn next_rows(&mut self, table: &Table, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut at = match self.at.take() {
            Some(at) if at.table == table.name => at,
            _ => Position {
                table: table.name.clone(),
                after: None,
                skip: 0,
            },
        };
        let sql = select(table, at.after.is_some());
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in at.after.iter().flatten() {
            query = bind(query, value);
        }
        // Without a key there is no place to go on from but the number of rows; the one such table is small.
        let skip = if table.key.is_empty() { at.skip } else { 0 };
        let found = query
            .bind(i64::from(limit))
            .bind(skip)
            .fetch_all(&mut *self.tx)
            .await?;
        let rows = found
            .iter()
            .map(|row| values(table, row))
            .collect::<Result<Vec<Row>, StoreError>>()?;
        at.skip += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if let Some(last) = rows.last().filter(|_| !table.key.is_empty()) {
            let indexes = table.key.iter().filter_map(|key| table.index(key));
            at.after = Some(indexes.map(|index| last[index].clone()).collect());
        }
        self.at = Some(at);
        Ok(rows)
    }
}

struct SqliteRefill(Transaction<'static, Sqlite>);

#[async_trait]
impl Refill for SqliteRefill {
    async fn insert(&mut self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        let columns = quoted(table.columns.iter().map(|column| column.name.as_str()));
        let marks = vec!["?"; table.columns.len()].join(", ");
        let sql = format!(
            "INSERT INTO \"{}\" ({columns}) VALUES ({marks})",
            table.name
        );
        for row in rows {
            let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
            for value in row {
                query = bind(query, value);
            }
            query.execute(&mut *self.0).await?;
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.commit().await?;
        Ok(())
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

fn bind<'q>(query: Query<'q>, value: &Value) -> Query<'q> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.clone()),
        Value::Bytes(bytes) => query.bind(bytes.clone()),
        Value::Boolean(set) => query.bind(i64::from(*set)),
    }
}

/// One page of a table in its order.
fn select(table: &Table, goes_on: bool) -> String {
    let columns = quoted(table.columns.iter().map(|column| column.name.as_str()));
    let order = quoted(table.order().into_iter());
    let after = if goes_on {
        let marks = vec!["?"; table.key.len()].join(", ");
        format!("WHERE ({order}) > ({marks}) ")
    } else {
        String::new()
    };
    let name = &table.name;
    format!("SELECT {columns} FROM \"{name}\" {after}ORDER BY {order} LIMIT ? OFFSET ?")
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

fn values(table: &Table, row: &SqliteRow) -> Result<Row, StoreError> {
    let mut values = Row::with_capacity(table.columns.len());
    for (index, column) in table.columns.iter().enumerate() {
        let value = match column.kind {
            ColumnKind::Integer => row.try_get::<Option<i64>, _>(index)?.map(Value::Integer),
            ColumnKind::Text => row.try_get::<Option<String>, _>(index)?.map(Value::Text),
            ColumnKind::Bytes => row.try_get::<Option<Vec<u8>>, _>(index)?.map(Value::Bytes),
            ColumnKind::Boolean => row
                .try_get::<Option<i64>, _>(index)?
                .map(|number| Value::Boolean(number != 0)),
        };
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::{LEFT_OUT, tables};
    use std::collections::BTreeSet;

    /// Every table and column of the real schema, as SQLite tells it.
    #[tokio::test]
    async fn the_description_is_the_schema() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("beadle.db"), 1, false)
            .await
            .unwrap();
        let real: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        )
        .fetch_all(&store.reader)
        .await
        .unwrap();
        let described = tables();
        let mut known: BTreeSet<&str> = described.iter().map(|table| table.name.as_str()).collect();
        known.extend(LEFT_OUT.iter().map(|(name, _)| *name));
        let real: BTreeSet<&str> = real.iter().map(String::as_str).collect();
        assert_eq!(known, real, "describe a new table in rows/backup.rs");
        for table in &described {
            assert!(table.is_sound(), "{}", table.name);
            let found: Vec<(String, String, i64)> =
                sqlx::query_as("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid")
                    .bind(&table.name)
                    .fetch_all(&store.reader)
                    .await
                    .unwrap();
            let names: BTreeSet<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
            let ours: BTreeSet<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
            assert_eq!(
                ours, names,
                "describe new columns of {} in rows/backup.rs",
                table.name
            );
            let mut key: Vec<_> = found.iter().filter(|(.., pk)| *pk > 0).collect();
            key.sort_by_key(|(.., pk)| *pk);
            let key: Vec<&str> = key.iter().map(|(name, ..)| name.as_str()).collect();
            assert_eq!(table.key, key, "key of {}", table.name);
            let script: String = sqlx::query_scalar("SELECT sql FROM sqlite_master WHERE name = ?")
                .bind(&table.name)
                .fetch_one(&store.reader)
                .await
                .unwrap();
            for column in &table.columns {
                let (_, kind, _) = found
                    .iter()
                    .find(|(name, ..)| *name == column.name)
                    .unwrap();
                // A number in PostgreSQL too, where it is added up.
                let is_number = column.name == "attempting";
                let yes_or_no =
                    !is_number && script.contains(&format!("{} IN (0, 1)", column.name));
                let expected = match kind.as_str() {
                    "INTEGER" if yes_or_no => ColumnKind::Boolean,
                    "INTEGER" => ColumnKind::Integer,
                    "TEXT" => ColumnKind::Text,
                    _ => ColumnKind::Bytes,
                };
                assert_eq!(column.kind, expected, "{}.{}", table.name, column.name);
            }
        }
    }

    #[tokio::test]
    async fn a_table_without_a_key_is_read_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("beadle.db"), 1, false)
            .await
            .unwrap();
        let tables = tables();
        let table = tables
            .iter()
            .find(|table| table.name == "notice_sent")
            .unwrap();
        let row = |at: i64| vec![Value::Bytes(vec![1; 16]), Value::Integer(at)];
        // Two rows that are equal are two rows.
        let all: Vec<Row> = [1, 1, 2, 3, 4].map(row).to_vec();
        let mut refill = store.refill().await.unwrap();
        refill.insert(table, &all).await.unwrap();
        refill.commit().await.unwrap();
        let mut snapshot = store.snapshot().await.unwrap();
        let mut read = Vec::new();
        loop {
            let page = snapshot.next_rows(table, 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            read.extend(page);
        }
        assert_eq!(read, all);
        assert!(!store.is_empty(&tables).await.unwrap());
    }

    #[tokio::test]
    async fn a_schema_of_the_future_is_refused_and_an_older_one_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let refused = SqliteStore::create_at(&path, &[5, 9_999]).await;
        assert!(matches!(refused, Err(StoreError::NewerSchema(9_999))));
        let store = SqliteStore::create_at(&path, &[5]).await.unwrap();
        assert_eq!(store.schema().await, Ok(vec![5]));
        store.writer.close().await;
        let store = SqliteStore::open(&path, 1, false).await.unwrap();
        assert!(store.schema().await.unwrap().len() > 1);
    }
}

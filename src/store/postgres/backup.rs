//! Whole tables of PostgreSQL: read in one snapshot, filled in one transaction.
//!
//! # Invariants
//! A snapshot is one transaction that is REPEATABLE READ and READ ONLY: it sees what was committed before its first statement. The head of
//! the ledger is set from the entries in the transaction that fills them, last.

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Postgres, Row as _, Transaction};

use super::{PostgresStore, ledger, ring};
use crate::store::error::StoreError;
use crate::store::rows::{
    BASE_SCHEMA, BackupStore, ColumnKind, Refill, Row, Snapshot, Table, Value,
};

/// What the first migration has of SQLite's: all that was released when it was written.
const FIRST: [i64; 3] = [BASE_SCHEMA, 9, 11];

#[async_trait]
impl BackupStore for PostgresStore {
    async fn schema(&self) -> Result<Vec<i64>, StoreError> {
        let later: Vec<i64> = sqlx::query_scalar(
            "SELECT version FROM _sqlx_migrations WHERE version > 1 ORDER BY version",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut schema = [FIRST.as_slice(), &later].concat();
        schema.sort_unstable();
        Ok(schema)
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut tx = self.pool.begin_with(begin).await?;
        sqlx::query("SELECT 1 FROM keyring LIMIT 1")
            .execute(&mut *tx)
            .await?;
        Ok(Box::new(PostgresSnapshot { tx, at: None }))
    }

    async fn is_empty(&self, tables: &[Table]) -> Result<bool, StoreError> {
        for table in tables {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM \"{}\")", table.name);
            let found: bool = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&self.pool)
                .await?;
            if found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn refill(&self) -> Result<Box<dyn Refill>, StoreError> {
        Ok(Box::new(PostgresRefill(self.begin().await?)))
    }

    async fn resume(&self, paused: i64, now: i64, actor: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let resumed =
            sqlx::query("UPDATE delivery SET due_at = $1, window_at = $1 WHERE due_at = $2")
                .bind(now)
                .bind(paused)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        if resumed > 0 {
            ring(&mut tx).await?;
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
    /// The key of the last row, where the table has one, with the kinds of its columns.
    after: Option<Vec<(ColumnKind, Value)>>,
    /// Rows read so far.
    skip: i64,
}

struct PostgresSnapshot {
    tx: Transaction<'static, Postgres>,
    at: Option<Position>,
}

#[async_trait]
impl Snapshot for PostgresSnapshot {
    async fn next_rows(&mut self, table: &Table, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut at = match self.at.take() {
            Some(at) if at.table == table.name => at,
            _ => Position {
                table: table.name.clone(),
                after: None,
                skip: 0,
            },
        };
        let mut query = sqlx::query(AssertSqlSafe(select(table, at.after.is_some())));
        for (kind, value) in at.after.iter().flatten() {
            query = bind(query, *kind, value);
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
            let parts = indexes.map(|index| (table.columns[index].kind, last[index].clone()));
            at.after = Some(parts.collect());
        }
        self.at = Some(at);
        Ok(rows)
    }
}

struct PostgresRefill(Transaction<'static, Postgres>);

#[async_trait]
impl Refill for PostgresRefill {
    async fn insert(&mut self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        let columns = quoted(table.columns.iter().map(|column| column.name.as_str()));
        let marks = marks(1, table.columns.len());
        let sql = format!(
            "INSERT INTO \"{}\" ({columns}) VALUES ({marks})",
            table.name
        );
        for row in rows {
            let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
            for (column, value) in table.columns.iter().zip(row) {
                query = bind(query, column.kind, value);
            }
            query.execute(&mut *self.0).await?;
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE ledger_head SET seq = last.seq, hash = last.hash \
             FROM (SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1) AS last",
        )
        .execute(&mut *self.0)
        .await?;
        self.0.commit().await?;
        Ok(())
    }
}

type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// Binds a value with the type of its column, which PostgreSQL wants of an absent one too.
fn bind<'q>(query: Query<'q>, kind: ColumnKind, value: &Value) -> Query<'q> {
    match (kind, value) {
        (_, Value::Integer(number)) => query.bind(*number),
        (_, Value::Text(text)) => query.bind(text.clone()),
        (_, Value::Bytes(bytes)) => query.bind(bytes.clone()),
        (_, Value::Boolean(set)) => query.bind(*set),
        (ColumnKind::Integer, Value::Null) => query.bind(None::<i64>),
        (ColumnKind::Text, Value::Null) => query.bind(None::<String>),
        (ColumnKind::Bytes, Value::Null) => query.bind(None::<Vec<u8>>),
        (ColumnKind::Boolean, Value::Null) => query.bind(None::<bool>),
    }
}

/// One page of a table in its order.
fn select(table: &Table, goes_on: bool) -> String {
    let columns = quoted(table.columns.iter().map(|column| column.name.as_str()));
    let order = quoted(table.order().into_iter());
    let (after, next) = if goes_on {
        let key = table.key.len();
        let marks = marks(1, key);
        (format!("WHERE ({order}) > ({marks}) "), key + 1)
    } else {
        (String::new(), 1)
    };
    let (name, skip) = (&table.name, next + 1);
    format!("SELECT {columns} FROM \"{name}\" {after}ORDER BY {order} LIMIT ${next} OFFSET ${skip}")
}

fn marks(from: usize, count: usize) -> String {
    let marks = (from..from + count).map(|number| format!("${number}"));
    marks.collect::<Vec<_>>().join(", ")
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

fn values(table: &Table, row: &PgRow) -> Result<Row, StoreError> {
    let mut values = Row::with_capacity(table.columns.len());
    for (index, column) in table.columns.iter().enumerate() {
        let value = match column.kind {
            ColumnKind::Integer => row.try_get::<Option<i64>, _>(index)?.map(Value::Integer),
            ColumnKind::Text => row.try_get::<Option<String>, _>(index)?.map(Value::Text),
            ColumnKind::Bytes => row.try_get::<Option<Vec<u8>>, _>(index)?.map(Value::Bytes),
            ColumnKind::Boolean => row.try_get::<Option<bool>, _>(index)?.map(Value::Boolean),
        };
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(values)
}

//! PostgreSQL: one database that any number of nodes share.
//!
//! # Invariants
//! READ COMMITTED: every change is a compare-and-set on one row, or runs under a lock that its function names. The head of the ledger is
//! locked last in a transaction, and so no two transactions can wait for each other in a ring. `synchronous_commit=on` is set for each
//! session: a commit that returned is on the server's stable storage, and a server with `fsync=off` is refused. No text of an error holds a
//! value: PostgreSQL's own messages quote rows, so only their codes are told. No SQL stands outside this folder and its twin.
//!
//! # Standards
//! <https://www.postgresql.org/docs/15/transaction-iso.html>, <https://www.postgresql.org/docs/15/explicit-locking.html>,
//! <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
//!
//! # Known gaps
//! Deleted keys stay in the server's write-ahead log and its archives until those are recycled; a base backup keeps them as long as itself.

mod backup;
mod commit;
mod deliveries;
mod facts;
mod forwarding;
mod fsck;
mod guard;
mod holds;
mod keys;
mod ledger;
mod notices;
mod proposals;
mod retention;
mod search;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use sqlx::{PgConnection, Postgres, SqlSafeStr as _, Transaction};
use tokio::sync::Notify;

pub use settings::{DatabaseConfig, DatabaseError};

use super::error::StoreError;
use super::rows::Store;

/// The channel on which one node tells the others that something is in the queue.
const CHANNEL: &str = "beadle_queue";

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects and brings the schema up to date.
    pub(crate) async fn open(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let options = config.options()?;
        let pool = PgPoolOptions::new()
            .max_connections(config.connections.max(2))
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        let fsync: String = sqlx::query_scalar("SHOW fsync").fetch_one(&pool).await?;
        if fsync != "on" {
            return Err(StoreError::Unavailable(
                "database: the server has fsync off and would lose mail that was answered 250; set fsync = on".to_owned(),
            ));
        }
        migrator().run(&pool).await?;
        Ok(Self { pool })
    }

    /// A transaction that may write.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(self.pool.begin().await?)
    }
}

/// Lets one transaction at a time through, until it ends: for what reads several rows before it writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gate {
    Forwarding = 1,
    Enforced = 2,
}

impl Gate {
    /// "BDL" before the number, so that other programs' locks on one database are others.
    pub(crate) async fn pass(self, tx: &mut PgConnection) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_advisory_xact_lock(4342860, $1)")
            .bind(self as i32)
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// Wakes every node's queue when the transaction commits.
pub(crate) async fn ring(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_notify($1, '')")
        .bind(CHANNEL)
        .execute(tx)
        .await?;
    Ok(())
}

#[async_trait]
impl Store for PostgresStore {
    /// A write that is undone: a server that is read only, as a standby is, refuses it.
    async fn probe(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM delivered WHERE FALSE")
            .execute(&mut *tx)
            .await?;
        tx.rollback().await?;
        Ok(())
    }

    /// Deleted rows are overwritten when the table is vacuumed; the server does that by itself, later.
    async fn shred(&self) -> Result<bool, StoreError> {
        for table in [
            "VACUUM hold",
            "VACUUM delivery",
            "VACUUM dead_letter",
            "VACUUM keyring",
            "VACUUM ledger_person",
        ] {
            sqlx::query(table).execute(&self.pool).await?;
        }
        Ok(true)
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// Rings at each notice of another node. A lost connection is made again; what was missed meanwhile is found by polling.
    async fn listen(&self, wake: Arc<Notify>) {
        const AGAIN: Duration = Duration::from_secs(5);
        loop {
            if let Ok(mut listener) = PgListener::connect_with(&self.pool).await
                && listener.listen(CHANNEL).await.is_ok()
            {
                while listener.recv().await.is_ok() {
                    wake.notify_one();
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

/// The schema's history. Files in `migrations/postgres` are never changed once released.
fn migrator() -> Migrator {
    let scripts = [
        (
            1,
            "custody",
            include_str!("../migrations/postgres/0001_custody.sql"),
        ),
        (
            6,
            "cycle",
            include_str!("../migrations/postgres/0006_cycle.sql"),
        ),
        (
            7,
            "ledger",
            include_str!("../migrations/postgres/0007_ledger.sql"),
        ),
        (
            8,
            "keys",
            include_str!("../migrations/postgres/0008_keys.sql"),
        ),
        (
            10,
            "search",
            include_str!("../migrations/postgres/0010_search.sql"),
        ),
    ];
    let migrations = scripts.map(|(version, name, script)| {
        let kind = MigrationType::Simple;
        Migration::new(version, name.into(), kind, script.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.to_vec())
}

//! PostgreSQL: the database that several nodes share.
//!
//! # Invariants
//! `synchronous_commit = on` in every session, whatever the server's default, and no server with `fsync` or `full_page_writes` off: a
//! commit that returned is on stable storage. Transactions are READ COMMITTED: every change is a compare-and-set on a row that it locks, or passes a
//! gate that its function names. The head of the ledger is locked last, since it is held until the commit's sync, and so no two
//! transactions wait for each other in a ring. No error and no log line holds a bound value. No SQL stands
//! outside this folder.
//!
//! # Standards
//! <https://www.postgresql.org/docs/current/transaction-iso.html>, explicit-locking.html, errcodes-appendix.html, wal-async-commit.html.
//!
//! # Known gaps
//! Deleted keys stay in the server's write-ahead log and its archives until those are recycled; a base backup keeps them as long as itself.
//! A pooler between must keep sessions (PgBouncer: `pool_mode = session`): settings, prepared statements and LISTEN belong to one.

mod accounts;
mod backup;
mod commit;
mod config;
mod deliveries;
mod facts;
mod fault;
mod figures;
mod forwarding;
mod fsck;
mod guard;
mod holds;
mod incidents;
mod keys;
mod ledger;
mod notices;
mod proposals;
mod retention;
mod search;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, Postgres, SqlSafeStr as _, Transaction,
};
use tokio::sync::Notify;

use super::error::StoreError;
use super::rows::Store;

pub use config::DatabaseConfig;
pub(crate) use fault::classed;

/// The oldest server that is supported: the oldest that the PostgreSQL project itself still maintained when this was written.
const OLDEST: i32 = 140_000;

/// Reaching the server, and waiting for a free connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Where a transaction that adds deliveries rings.
const CHANNEL: &str = "beadle_queue";

/// What each session begins with: a commit waits for the disk, and no statement waits longer than a client does for our answer.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '15s'; SET lock_timeout = '15s'; \
                       SET idle_in_transaction_session_timeout = '60s'; SET default_transaction_isolation = 'read committed'; \
                       SET bytea_output = 'hex'";

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    pool: PgPool,
    /// A connection of its own for the bell.
    bell: PgPool,
}

impl PostgresStore {
    /// Connects, refuses a server that cannot keep promises, and brings the schema up to date.
    pub(crate) async fn open(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let options = config.options()?;
        let mut connection = tokio::time::timeout(CONNECT, PgConnection::connect_with(&options))
            .await
            .map_err(|_| StoreError::Unavailable("database: no answer".to_owned()))??;
        fit(&mut connection, config.allow_unsynced).await?;
        // Under sqlx's advisory lock: nodes that start together take turns.
        migrator().run(&mut connection).await?;
        connection.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(config.connections.max(2))
            .acquire_timeout(CONNECT)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(SESSION).execute(connection).await?;
                    Ok(())
                })
            });
        let bell = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(CONNECT);
        Ok(Self {
            pool: pool.connect_with(options.clone()).await?,
            bell: bell.connect_lazy_with(options),
        })
    }

    /// Rings until the connection breaks.
    async fn ring(&self, wake: &Notify, heard: &mut bool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.bell).await?;
        listener.listen(CHANNEL).await?;
        // Whatever was rung before is unheard.
        wake.notify_one();
        *heard = true;
        while listener.try_recv().await?.is_some() {
            wake.notify_one();
        }
        Ok(())
    }

    /// A transaction that may write.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(self.pool.begin().await?)
    }
}

/// Whether this server keeps what it commits.
async fn fit(connection: &mut PgConnection, allow_unsynced: bool) -> Result<(), StoreError> {
    let (version, fsync, pages): (i32, String, String) = sqlx::query_as(
        "SELECT current_setting('server_version_num')::int, current_setting('fsync'), current_setting('full_page_writes')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if version < OLDEST {
        return Err(StoreError::Settings(format!(
            "store.database.url: found PostgreSQL {}; allowed: 14 or newer; upgrade the server",
            version / 10_000
        )));
    }
    if (fsync != "on" || pages != "on") && !allow_unsynced {
        return Err(StoreError::Settings(format!(
            "store.database: found a server with fsync={fsync} and full_page_writes={pages}, which may lose what it has committed; allowed: \
             both on; set them in postgresql.conf (store.database.allow_unsynced is for servers whose mail may be lost)"
        )));
    }
    Ok(())
}

/// Lets one transaction at a time through, until it ends: for what reads several rows before it writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gate {
    /// The register of forwarding mailboxes.
    Forwarding = 1,
    /// What is in force.
    Enforced = 2,
    /// Rounds of digests and escalations.
    Notices = 3,
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
    /// Takes an id of a transaction, which a read-only server refuses.
    async fn probe(&self) -> Result<(), StoreError> {
        let mut tx: Transaction<'_, Postgres> = self.pool.begin().await?;
        sqlx::query("SELECT seq FROM ledger_head FOR SHARE SKIP LOCKED")
            .execute(&mut *tx)
            .await?;
        tx.rollback().await?;
        Ok(())
    }

    /// Deleted row versions go with the server's own vacuum, asked for here for the tables with keys and names; what its write-ahead log
    /// and archives keep is the server's operator's to end.
    async fn shred(&self) -> Result<bool, StoreError> {
        for statement in [
            "VACUUM hold",
            "VACUUM delivery",
            "VACUUM dead_letter",
            "VACUUM keyring",
            "VACUUM ledger_person",
        ] {
            if let Err(error) = sqlx::raw_sql(statement).execute(&self.pool).await {
                let error = StoreError::from(error);
                tracing::info!(%error, "left to the server's own vacuum");
            }
        }
        Ok(true)
    }

    fn shared(&self) -> bool {
        true
    }

    async fn listen(&self, wake: Arc<Notify>) {
        const LONGEST: Duration = Duration::from_secs(30);
        let mut pause = Duration::from_millis(250);
        while !self.bell.is_closed() {
            let mut heard = false;
            let ended = self.ring(&wake, &mut heard).await;
            if self.bell.is_closed() {
                return;
            }
            if heard {
                pause = Duration::from_millis(250);
            }
            if let Err(error) = ended {
                let error = StoreError::from(error);
                tracing::warn!(%error, "the queue's bell is not heard; deliveries of other nodes wait for the next poll");
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    async fn close(&self) {
        self.bell.close().await;
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
        (
            12,
            "accounts",
            include_str!("../migrations/postgres/0012_accounts.sql"),
        ),
        (
            13,
            "figures",
            include_str!("../migrations/postgres/0013_figures.sql"),
        ),
    ];
    let migrations = scripts.map(|(version, name, script)| {
        let kind = MigrationType::Simple;
        Migration::new(version, name.into(), kind, script.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.to_vec())
}

/// What every connection has in common.
fn common(options: PgConnectOptions) -> PgConnectOptions {
    // sqlx would log the text of statements; their values are never in it, but neither are they of use.
    options
        .application_name("beadle")
        .disable_statement_logging()
}

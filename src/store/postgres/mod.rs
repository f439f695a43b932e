//! PostgreSQL: the database that several nodes share.
//!
//! # Invariants
//! `synchronous_commit = on` in every session, whatever the server's default, and no server with `fsync` or `full_page_writes` off: a
//! commit that returned is on stable storage. Transactions are READ COMMITTED; whatever is read before it is written is locked, and the
//! reason stands beside each lock. The head of the ledger is locked last, since it is held until the commit's sync. Whoever needs a hold's
//! blob has the hold's row locked FOR SHARE, whoever ends it FOR UPDATE. No error and no log line holds a bound value. No SQL stands
//! outside this folder.
//!
//! # Standards
//! <https://www.postgresql.org/docs/current/transaction-iso.html>, explicit-locking.html, errcodes-appendix.html, wal-async-commit.html.
//!
//! # Known gaps
//! A pooler between must keep sessions (PgBouncer: `pool_mode = session`): settings, prepared statements and LISTEN belong to one.

mod commit;
mod config;
mod deliveries;
mod facts;
mod fault;
mod forwarding;
mod guard;
mod holds;
mod ledger;
mod notices;
mod proposals;
mod retention;

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
use fault::Fault;
pub(crate) use fault::classed;

/// The oldest server that is supported: the oldest that the PostgreSQL project itself still maintained when this was written.
const OLDEST: i32 = 140_000;

/// Reaching the server, and waiting for a free connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How often a transaction is tried that lost to another by deadlock or serialization.
const TRIES: u32 = 3;

/// Where a transaction that adds deliveries rings.
const CHANNEL: &str = "beadle_queue";

/// What each session begins with: a commit waits for the disk, and no statement waits longer than a client does for our answer.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '15s'; SET lock_timeout = '15s'; \
                       SET idle_in_transaction_session_timeout = '60s'; SET default_transaction_isolation = 'read committed'; \
                       SET bytea_output = 'hex'";

/// Subjects of advisory locks, which are held to the end of a transaction.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// What is in force.
    Policy = 1,
    /// Rounds of digests and escalations.
    Notices = 2,
}

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    pool: PgPool,
    /// A connection of its own for the bell.
    bell: PgPool,
}

/// Runs a piece of work as one transaction, and again when it lost to another one.
macro_rules! transact {
    ($store:expr, |$tx:ident| $work:expr) => {{
        let mut tried = 0;
        loop {
            tried += 1;
            let done: Result<_, $crate::store::postgres::fault::Fault> = async {
                let mut transaction = $store.pool.begin().await?;
                let $tx = &mut *transaction;
                let value = $work?;
                transaction.commit().await?;
                Ok(value)
            }
            .await;
            match done {
                Ok(value) => break Ok(value),
                Err(fault) if fault.lost && tried < $crate::store::postgres::TRIES => {}
                Err(fault) => break Err(fault.error),
            }
        }
    }};
}
use transact;

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

/// Waits for a turn that lasts to the end of the transaction.
async fn take_turn(tx: &mut PgConnection, turn: Turn) -> Result<(), Fault> {
    // The first number keeps us apart from other users of the database's advisory locks.
    sqlx::query("SELECT pg_advisory_xact_lock(1113940036, $1)")
        .bind(turn as i32)
        .execute(tx)
        .await?;
    Ok(())
}

/// Rings the bell of every node when the transaction commits.
async fn ring_bell(tx: &mut PgConnection) -> Result<(), Fault> {
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

    /// Deleted row versions go with the server's own vacuum, asked for here for the tables with keys; what its write-ahead log and
    /// archives keep is the server's operator's to end.
    async fn shred(&self) -> Result<(), StoreError> {
        for statement in ["VACUUM hold", "VACUUM delivery", "VACUUM dead_letter"] {
            if let Err(error) = sqlx::raw_sql(statement).execute(&self.pool).await {
                let error = StoreError::from(error);
                tracing::info!(%error, "left to the server's own vacuum");
            }
        }
        Ok(())
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
            9,
            "retention",
            include_str!("../migrations/postgres/0009_retention.sql"),
        ),
        (
            11,
            "dead letters",
            include_str!("../migrations/postgres/0011_dead_letters.sql"),
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

//! `backup` and `restore`: a copy of everything in our keeping, its check, and a store made of it, from the command line.
//!
//! # Invariants
//! Checking and restoring need the master key and make none. What is printed names ids, files and counts, nobody.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use clap::{Args, Subcommand};

use crate::app::admission;
use crate::app::cli::StorePlace;
use crate::app::config::Config;
use crate::app::holds::login_name;
use crate::app::tools::{self, ToolsError};
use crate::app::wiring::{self, StartError};
use crate::store::backup::{self, BackupDone, BackupError, BackupOrder, RestoreOrder, Verified};
use crate::store::{Custody, StoreError};

/// Flags of `backup`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BackupArgs {
    /// Where the store is, and with it the configuration of its master key.
    #[command(flatten)]
    pub place: StorePlace,
    /// The folder to make; it must not be there yet.
    #[arg(value_name = "DIR", required = true)]
    pub to: Option<PathBuf>,
    /// An earlier backup of this store on the same file system: messages that are in it are linked, not copied.
    #[arg(long, value_name = "OLD_DIR")]
    pub reuse: Option<PathBuf>,
    /// Who takes it, for the ledger; the login name when not given.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<BackupCommand>,
}

/// What can be done with a backup beside taking it.
#[derive(Debug, Clone, Subcommand)]
pub enum BackupCommand {
    /// Check that a backup is whole and unchanged and could be restored with the master key at hand.
    Verify {
        /// The backup.
        dir: PathBuf,
        /// Also open every message and compare it with the one that was held.
        #[arg(long)]
        deep: bool,
    },
}

/// Flags of `restore`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct RestoreArgs {
    /// The new place, which must be empty but for the master key.
    #[command(flatten)]
    pub place: StorePlace,
    /// The backup.
    #[arg(value_name = "DIR", required = true)]
    pub from: Option<PathBuf>,
    /// Let mail that was waiting go out at once, though it may have gone out after the backup was taken.
    #[arg(long)]
    pub deliver_queue: bool,
    /// Who restores, for the ledger; the login name when not given.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<RestoreCommand>,
}

/// What can be done after a restore.
#[derive(Debug, Clone, Subcommand)]
pub enum RestoreCommand {
    /// Let the mail go out that a restore kept back.
    DeliverQueue {
        /// Who says so, for the ledger; the login name when not given.
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
}

/// Why a command about backups did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BackupCommandError {
    /// The command line leaves something open.
    #[error("{0}")]
    Usage(&'static str),
    /// The store or its key cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Policy or patterns cannot be used.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// The backup or the place to restore into said no.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backup has problems, which were printed.
    #[error("the backup has {0} problems")]
    Problems(u64),
    /// The backup is whole, but what was backed up is not.
    #[error("{0} messages are missing from the store; the backup has everything else")]
    Lost(usize),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
}

impl BackupCommandError {
    /// Whether the answer is no rather than something being broken.
    pub fn is_no(&self) -> bool {
        match self {
            Self::Backup(error) => error.is_no(),
            Self::Problems(_) | Self::Lost(_) => true,
            _ => false,
        }
    }
}

/// Whether the command reads a store; otherwise the data folder need not be there.
pub fn needs_store(args: &BackupArgs) -> bool {
    args.command.is_none()
}

/// Does what `backup` was asked.
pub async fn run(
    args: &BackupArgs,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), BackupCommandError> {
    if let Some(BackupCommand::Verify { dir, deep }) = &args.command {
        return verify(dir, *deep, config, out).await;
    }
    let to = args.to.as_deref().ok_or(BackupCommandError::Usage(
        "backup: found no folder; allowed: the folder to make",
    ))?;
    let store = wiring::open_store(config, false).await?;
    let actor = args.actor.clone().unwrap_or_else(login_name);
    let begun = Instant::now();
    let order = BackupOrder {
        to,
        reuse: args.reuse.as_deref(),
        node: &config.server.name,
        actor: &actor,
        now: SystemTime::now(),
    };
    let done = store.back_up(order).await?;
    store.close().await;
    print_done(&done, begun, out)?;
    if done.missing.is_empty() {
        return Ok(());
    }
    for blob in &done.missing {
        writeln!(out, "missing from the store: blob {blob}")?;
    }
    Err(BackupCommandError::Lost(done.missing.len()))
}

fn print_done(done: &BackupDone, begun: Instant, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "backup {}: {} holds, {} rows, {} messages ({} bytes, {} linked), ledger up to entry {}, {:.1} s",
        done.id,
        done.holds,
        done.rows,
        done.blobs,
        done.blob_bytes,
        done.linked,
        done.head,
        begun.elapsed().as_secs_f64()
    )?;
    if done.ended > 0 {
        writeln!(out, "{} messages ended while it was taken", done.ended)?;
    }
    writeln!(
        out,
        "The master key is not in it: keep a copy of that elsewhere."
    )
}

async fn verify(
    dir: &Path,
    deep: bool,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), BackupCommandError> {
    let master = wiring::brought_keys(config).await?;
    let dir = dir.to_owned();
    let check = tokio::task::spawn_blocking(move || backup::verify(&dir, &master, deep));
    let ended = |_| StoreError::Unavailable("a blocking task ended".to_owned());
    let found = check.await.map_err(ended)??;
    print_verified(&found, out)?;
    for problem in &found.problems {
        writeln!(out, "{problem}")?;
    }
    let unnamed = found.problem_count - found.problems.len() as u64;
    if unnamed > 0 {
        writeln!(out, "and {unnamed} more")?;
    }
    if found.is_sound() {
        return Ok(());
    }
    Err(BackupCommandError::Problems(found.problem_count))
}

fn print_verified(found: &Verified, out: &mut dyn Write) -> io::Result<()> {
    if found.id.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "backup {} of {}: {} holds ({} with content), {} deliveries, {} messages ({} bytes, {} opened), {} rows, {} ledger entries",
        found.id,
        found.time,
        found.holds,
        found.with_content,
        found.deliveries,
        found.blobs,
        found.blob_bytes,
        found.opened,
        found.rows,
        found.entries
    )
}

/// Does what `restore` was asked.
pub async fn restore(
    args: &RestoreArgs,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), BackupCommandError> {
    let now = SystemTime::now();
    if let Some(RestoreCommand::DeliverQueue { actor }) = &args.command {
        let store = wiring::open_store(config, false).await?;
        let actor = actor.clone().unwrap_or_else(login_name);
        let resumed = store.resume_restored(&actor, now).await?;
        writeln!(out, "{resumed} deliveries go out from now on")?;
        return Ok(());
    }
    let from = args.from.as_deref().ok_or(BackupCommandError::Usage(
        "restore: found no folder; allowed: the folder of a backup",
    ))?;
    let begun = Instant::now();
    let actor = args.actor.clone().unwrap_or_else(login_name);
    let restored = backup::restore(RestoreOrder {
        from,
        config: wiring::store_settings(config, false),
        master: wiring::brought_keys(config).await?,
        deliver_queue: args.deliver_queue,
        actor: &actor,
        now,
    })
    .await?;
    if restored.started_over {
        writeln!(
            out,
            "an earlier restore into this folder had not ended; it was begun anew"
        )?;
    }
    print_verified(&restored.verified, out)?;
    writeln!(out, "restored in {:.1} s", begun.elapsed().as_secs_f64())?;
    for problem in &restored.verified.problems {
        writeln!(out, "{problem}")?;
    }
    if restored.ended > 0 {
        writeln!(
            out,
            "{} had ended while the backup was taken",
            restored.ended
        )?;
    }
    if restored.paused > 0 {
        writeln!(
            out,
            "{} deliveries were waiting and may have gone out since: they are kept back until `beadle restore deliver-queue`, or \
             `beadle queue retry ID` for one",
            restored.paused
        )?;
    }
    retain(&restored.custody, config, now, out).await?;
    restored.custody.close().await;
    Ok(())
}

/// Ends what is past its time by now, if the policy at hand is the one that the restored record says is in force: another one could end
/// what has to be kept.
async fn retain(
    store: &Custody,
    config: &Config,
    now: SystemTime,
    out: &mut dyn Write,
) -> Result<(), BackupCommandError> {
    let name = &config.trust.policy;
    let read = match tools::read_policy(&config.trust) {
        Ok(read) => read,
        Err(error) => {
            writeln!(out, "retention waits for the relay to start: {error}")?;
            return Ok(());
        }
    };
    if let Err(error) = admission::is_enforced(store, name, &read).await {
        writeln!(out, "retention waits for the relay to start: {error}")?;
        return Ok(());
    }
    store.set_retention(read.policy.governance.retention.clone());
    let ended = store.expire_due(now).await?;
    writeln!(
        out,
        "retention: {} expired undecided, {} purged after their decision",
        ended.expired, ended.purged
    )?;
    Ok(())
}

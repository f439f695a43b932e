//! `retention`: what is kept how long, what ends next, and ending it now, from the command line.
//!
//! # Invariants
//! The policy says how long, and only the one that the relay enforces ends anything; a report and a dry run may be asked of any other. A
//! dry run writes nothing. No address and no subject is printed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::app::admission;
use crate::app::cli::StorePlace;
use crate::app::config::Config;
use crate::app::holds::rfc3339;
use crate::app::tools::{self, ToolsError};
use crate::app::wiring::{self, StartError};
use crate::mail::QueueId;
use crate::policy::governance::{Kept, Retention};
use crate::store::{Custody, HoldState, KeptHold, StoreError};

/// Longest that a policy keeps anything: everything ends by then.
const EVER: Duration = Duration::from_hours(24 * 3_660);

/// Flags of `retention`.
#[derive(Debug, Clone, Args)]
pub struct RetentionArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// A built-in policy by name, or a policy file.
    #[arg(long, value_name = "NAME|FILE", global = true)]
    pub policy: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: RetentionCommand,
}

/// What can be done about retention.
#[derive(Debug, Clone, Subcommand)]
pub enum RetentionCommand {
    /// Show how long the policy keeps things, what is kept by outcome and category, and what ends in the next days.
    Report {
        /// Days to look ahead.
        #[arg(long, value_name = "N", default_value_t = 7)]
        days: u32,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prove that the content of a hold is gone: the ledger's entry, the destroyed key, the blob, the signature over it.
    Proof {
        /// The hold: its id, its reference, or the beginning of one.
        id: String,
    },
    /// End what is past its time now; the relay does so every hour.
    Run {
        /// Print what would end, and end nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Why a command about retention did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The store cannot be opened, or the policy may not be enforced.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The policy cannot be read.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A restore brought the content back.
    #[error(
        "{0}: its content is there again, by a restore; retention ends it anew in its next round"
    )]
    CameBack(QueueId),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
}

impl RetentionError {
    /// Whether the answer is no rather than something being broken.
    pub fn is_no(&self) -> bool {
        use StoreError::{Ambiguous, Missing};
        matches!(self, Self::CameBack(_) | Self::Store(Missing | Ambiguous))
    }
}

/// Does what `retention` was asked.
pub async fn run(
    args: &RetentionArgs,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), RetentionError> {
    let mut trust = config.trust.clone();
    if let Some(policy) = &args.policy {
        trust.policy.clone_from(policy);
    }
    let read = tools::read_policy(&trust)?;
    let store = wiring::open_store(config, false).await?;
    if matches!(args.command, RetentionCommand::Run { dry_run: false }) {
        admission::is_enforced(&store, &trust.policy, &read).await?;
    }
    store.set_retention(read.policy.governance.retention.clone());
    let now = SystemTime::now();
    match args.command {
        RetentionCommand::Report { days, json } => {
            let report = Report::of(&store, now, days).await?;
            if json {
                writeln!(
                    out,
                    "{}",
                    serde_json::to_string(&report).unwrap_or_default()
                )?;
                return Ok(());
            }
            Ok(report.print(out)?)
        }
        RetentionCommand::Proof { ref id } => proof(&store, id, out).await,
        RetentionCommand::Run { dry_run: true } => dry_run(&store, now, out).await,
        RetentionCommand::Run { dry_run: false } => {
            let ended = store.expire_due(now).await?;
            let (expired, purged) = (ended.expired, ended.purged);
            writeln!(
                out,
                "{expired} expired undecided, {purged} purged after their decision"
            )?;
            Ok(())
        }
    }
}

async fn proof(store: &Custody, id: &str, out: &mut dyn Write) -> Result<(), RetentionError> {
    // The ledger outlasts the row of a hold: a whole id is looked for there alone.
    let id = match store.find_hold(id).await {
        Ok(id) => id,
        Err(StoreError::Missing) => {
            let whole = id.trim().to_ascii_uppercase();
            whole.parse().map_err(|_| StoreError::Missing)?
        }
        Err(error) => return Err(error.into()),
    };
    let proof = store.prove_end(id).await?;
    let entry = &proof.entry;
    writeln!(out, "Hold        {id}")?;
    writeln!(out, "Ended       {} ({})", rfc3339(entry.at), entry.action)?;
    writeln!(
        out,
        "Entry       {} of the ledger: {}",
        entry.seq, entry.detail
    )?;
    let blob = if proof.blob_is_there {
        "still there, without its key; the sweep removes it"
    } else {
        "gone"
    };
    writeln!(out, "Blob        {blob}")?;
    let ledger = if proof.ledger_holds {
        "holds"
    } else {
        "DOES NOT HOLD; see beadle ledger verify"
    };
    writeln!(out, "Ledger      {ledger}")?;
    match &proof.checkpoint {
        Some(note) => writeln!(out, "Signed by\n\n{note}")?,
        None => writeln!(out, "Signed      not yet; the next checkpoint covers it")?,
    }
    if proof.came_back {
        return Err(RetentionError::CameBack(id));
    }
    Ok(())
}

async fn dry_run(
    store: &Custody,
    now: SystemTime,
    out: &mut dyn Write,
) -> Result<(), RetentionError> {
    let mut reader = store.kept_until(now);
    let mut number = 0u64;
    while let Some(page) = reader.next().await? {
        for hold in page {
            number += u64::from(!hold.on_its_way && !hold.legal_hold);
            let note = if hold.legal_hold {
                "  stays: a legal hold keeps it"
            } else if hold.on_its_way {
                "  waits: its release is on its way"
            } else {
                ""
            };
            let id = hold.id;
            let (state, days) = (hold.state.name(), hold.days);
            writeln!(
                out,
                "{id}  {state:<8}  {days} days, ended {}{note}",
                rfc3339(hold.ends_at)
            )?;
        }
    }
    writeln!(out, "{number} would end")?;
    Ok(())
}

/// Holds of one outcome and category.
#[derive(Debug, Default, Serialize)]
struct Line {
    number: u64,
    bytes: u64,
    oldest: Option<String>,
    next_end: Option<String>,
    end_soon: u64,
    overdue: u64,
}

/// What is kept, by outcome and category.
#[derive(Debug, Serialize)]
struct Report {
    at: String,
    days_ahead: u32,
    clause: Option<String>,
    held_days: u32,
    released_days: u32,
    refused_days: u32,
    event_days: u32,
    own_days: BTreeMap<&'static str, [u32; 3]>,
    /// Holds by outcome and category; one with several categories counts for each, and one with none under `none`.
    kept: BTreeMap<(&'static str, &'static str), Line>,
    /// Holds with content.
    holds: u64,
}

impl Report {
    async fn of(store: &Custody, now: SystemTime, days: u32) -> Result<Self, StoreError> {
        let retention = store.retention();
        let mut report = Self {
            at: rfc3339(now),
            days_ahead: days,
            clause: retention.clause.as_deref().map(str::to_owned),
            held_days: retention.held_days,
            released_days: retention.released_days,
            refused_days: retention.refused_days,
            event_days: retention.event_days,
            own_days: own_days(&retention),
            kept: BTreeMap::new(),
            holds: 0,
        };
        let soon = now + Duration::from_hours(24 * u64::from(days));
        let mut reader = store.kept_until(now + EVER);
        while let Some(page) = reader.next().await? {
            for hold in &page {
                report.count(hold, now, soon);
            }
        }
        Ok(report)
    }

    fn count(&mut self, hold: &KeptHold, now: SystemTime, soon: SystemTime) {
        self.holds += 1;
        let mut names: Vec<&'static str> = hold.categories.iter().map(|c| c.name()).collect();
        if names.is_empty() {
            names.push("none");
        }
        for name in names {
            let line = self.kept.entry((outcome(hold.state), name)).or_default();
            line.number += 1;
            line.bytes += hold.size;
            // Holds come in the order of their arrival.
            line.oldest.get_or_insert_with(|| rfc3339(hold.received_at));
            let ends = rfc3339(hold.ends_at);
            if line.next_end.as_ref().is_none_or(|known| ends < *known) {
                line.next_end = Some(ends);
            }
            line.end_soon += u64::from(hold.ends_at <= soon);
            line.overdue += u64::from(hold.ends_at <= now);
        }
    }

    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "Kept by the policy{}: {} days undecided, {} after a release, {} after a refusal; what happened {} days",
            self.clause
                .as_deref()
                .map_or_else(String::new, |clause| format!(" ({clause})")),
            self.held_days,
            self.released_days,
            self.refused_days,
            self.event_days
        )?;
        for (category, [held, released, refused]) in &self.own_days {
            writeln!(out, "  {category}: {held}, {released}, {refused}")?;
        }
        writeln!(out, "\n{} holds have content at {}", self.holds, self.at)?;
        for ((outcome, category), line) in &self.kept {
            writeln!(
                out,
                "  {outcome:<9} {category:<15} {:>7} holds {:>12} bytes, oldest {}, next ends {}; {} in {} days, {} overdue",
                line.number,
                line.bytes,
                line.oldest.as_deref().unwrap_or("-"),
                line.next_end.as_deref().unwrap_or("-"),
                line.end_soon,
                self.days_ahead,
                line.overdue
            )?;
        }
        Ok(())
    }
}

fn outcome(state: HoldState) -> &'static str {
    match state {
        HoldState::Released => "released",
        HoldState::Refused => "refused",
        _ => "held",
    }
}

/// Days undecided, released and refused of the categories that have their own.
fn own_days(retention: &Retention) -> BTreeMap<&'static str, [u32; 3]> {
    let all = retention.categories.iter().flat_map(|own| &own.of);
    all.map(|category| {
        let days = Kept::ALL.map(|kept| retention.days(kept, &[*category]));
        (category.name(), days)
    })
    .collect()
}

//! `fsck`: whether everything in the store is there and opens, from the command line.
//!
//! # Invariants
//! No content is printed: ids, random keys, times.

use std::io::{self, Write};
use std::time::SystemTime;

use serde_json::json;

use crate::app::cli::{FsckArgs, FsckOutput};
use crate::app::config::Config;
use crate::app::holds::rfc3339;
use crate::app::wiring::{self, StartError};
use crate::store::StoreError;
use crate::store::fsck::{Fault, Fsck, Problem, Scope, Summary};

/// Why a check did not end well.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The check could not be done.
    #[error("the check could not be done: {0}")]
    Store(#[from] StoreError),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
    /// There are problems.
    #[error("{0} problems")]
    Problems(u64),
}

/// Does what `fsck` was asked.
pub async fn run(args: &FsckArgs, config: &Config, out: &mut dyn Write) -> Result<(), FsckError> {
    let master = wiring::master_keys(config).await?;
    let fsck = Fsck::open(&wiring::store_settings(config, false), master).await?;
    let scope = Scope {
        deep: args.deep,
        repair: args.repair,
        now: SystemTime::now(),
    };
    // Told as they are found; a failure to write is told at the end.
    let (sender, mut problems) = tokio::sync::mpsc::unbounded_channel();
    let mut tell = |problem: &Problem| {
        let _ended = sender.send(problem.clone());
    };
    let checked = fsck.run(scope, &mut tell);
    tokio::pin!(checked);
    let summary = loop {
        tokio::select! {
            biased;
            Some(problem) = problems.recv() => write_problem(&problem, args.output, out)?,
            summary = &mut checked => break summary,
        }
    };
    while let Ok(problem) = problems.try_recv() {
        write_problem(&problem, args.output, out)?;
    }
    fsck.close().await;
    let summary = summary?;
    write_summary(&summary, args.output, out)?;
    match summary.problems {
        0 => Ok(()),
        problems => Err(FsckError::Problems(problems)),
    }
}

fn write_problem(problem: &Problem, output: FsckOutput, out: &mut dyn Write) -> io::Result<()> {
    let since = match problem.fault {
        Fault::Orphan(written) => Some(rfc3339(written)),
        _ => None,
    };
    if output == FsckOutput::Json {
        let line = json!({
            "subject": problem.subject.name(),
            "id": problem.id,
            "problem": problem.fault.name(),
            "found": problem.fault.to_string(),
            "written": since,
            "mend": problem.fault.mend(),
            "repaired": problem.repaired,
        });
        return writeln!(out, "{line}");
    }
    let since = since.map_or_else(String::new, |since| format!(", written {since}"));
    let mend = if problem.repaired {
        "removed"
    } else {
        problem.fault.mend()
    };
    let (subject, id) = (problem.subject.name(), &problem.id);
    let name = format!("{subject} {id}");
    writeln!(out, "{}: {}{since}; {mend}", name.trim_end(), problem.fault)
}

fn write_summary(summary: &Summary, output: FsckOutput, out: &mut dyn Write) -> io::Result<()> {
    if output == FsckOutput::Json {
        let line = json!({ "summary": {
            "holds": summary.holds,
            "deliveries": summary.deliveries,
            "secrets": summary.secrets,
            "blobs": summary.blobs,
            "young_blobs": summary.young,
            "ledger_entries": summary.entries,
            "bytes_opened": summary.opened,
            "unknown_keys": summary.unknown_keys,
            "problems": summary.problems,
            "repaired": summary.repaired,
        }});
        return writeln!(out, "{line}");
    }
    writeln!(
        out,
        "{} holds, {} deliveries, {} secrets, {} blobs ({} too young to judge), {} ledger entries; {} bytes of messages opened",
        summary.holds,
        summary.deliveries,
        summary.secrets,
        summary.blobs,
        summary.young,
        summary.entries,
        summary.opened
    )?;
    writeln!(
        out,
        "{} problems, {} repaired",
        summary.problems, summary.repaired
    )
}

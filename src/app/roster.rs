//! `roster check`: how a roster file is read.
//!
//! # Invariants
//! Names are printed only where they are risky, for the administrator to judge; nothing is logged.

use std::io::{self, Write};
use std::path::Path;

use crate::app::tools::{self, ToolsError};
use crate::roster::{ColumnUse, Roster, RosterKind};

/// Why the check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file cannot be used.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
}

/// Writes how the roster (and the staff list) are read.
pub fn check(file: &Path, staff: Option<&Path>, out: &mut dyn Write) -> Result<(), CheckError> {
    let (roster, report) = tools::import(file, RosterKind::Pupils)?;
    writeln!(out, "Read as {}\n\nColumns", report.format.name())?;
    for (header, used) in &report.columns {
        match used {
            ColumnUse::Mapped(column) => writeln!(out, "  {header:<28} {}", column.name())?,
            ColumnUse::Unmapped => writeln!(out, "  {header:<28} (not used)")?,
            ColumnUse::Dropped => writeln!(out, "  {header:<28} (dropped unread: passwords)")?,
        }
    }
    writeln!(out, "\n{} rows, {} people", report.rows, report.people)?;
    for (school, people) in &report.schools {
        writeln!(
            out,
            "  {people:>7}  {}",
            if school.is_empty() {
                "(no school named)"
            } else {
                school
            }
        )?;
    }
    for row in &report.skipped {
        writeln!(out, "  row {} left out: {}", row.row, row.reason)?;
    }
    for row in &report.warnings {
        writeln!(out, "  row {}: {}", row.row, row.reason)?;
    }
    let staff = match staff {
        Some(path) => tools::import(path, RosterKind::Staff)?.0,
        None => Roster::default(),
    };
    let risky = roster.risky_names(&staff);
    writeln!(out, "\n{} names that need care", risky.len())?;
    for name in &risky {
        writeln!(out, "  {:<30} {}", name.name, name.risk.treatment())?;
    }
    Ok(())
}

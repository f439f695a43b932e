//! `roster check`: how roster files are read.
//!
//! # Invariants
//! Names are printed only where they are risky, for the administrator to judge; headers only on the terminal; nothing is logged.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::app::people::{self, Loaded};
use crate::app::tools::ToolsError;
use crate::roster::{ColumnUse, ImportReport, Risk, Roster, RosterKind, SkippedRow};

/// Rows whose numbers are printed for one reason.
const ROWS_SHOWN: usize = 20;
/// Very common names that are printed.
const FREQUENT_SHOWN: usize = 20;

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

/// Writes how rosters (and staff lists) are read.
pub fn check(paths: &[PathBuf], staff: &[PathBuf], out: &mut dyn Write) -> Result<(), CheckError> {
    let loaded = load(paths, RosterKind::Pupils, out)?;
    for (path, report) in &loaded.reports {
        read(path, report, out)?;
    }
    total(&loaded, out)?;
    let staff = if staff.is_empty() {
        Roster::default()
    } else {
        let loaded = load(staff, RosterKind::Staff, out)?;
        writeln!(out, "staff: {}", loaded.roster.len())?;
        loaded.roster
    };
    risks(&loaded.roster, &staff, out)
}

/// Loads rosters; a file without names has its headers shown before it is refused.
fn load(paths: &[PathBuf], kind: RosterKind, out: &mut dyn Write) -> Result<Loaded, CheckError> {
    let loaded = people::load(paths, kind);
    if let Err(ToolsError::Roster { source, .. }) = &loaded
        && !source.headers().is_empty()
    {
        writeln!(out, "Headers that were seen")?;
        for header in source.headers() {
            writeln!(out, "  {header}")?;
        }
    }
    Ok(loaded?)
}

fn read(path: &Path, report: &ImportReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}", path.display(), report.format)?;
    for (file, what) in &report.files {
        writeln!(out, "  {file:<28} {what}")?;
    }
    writeln!(out, "\nColumns")?;
    for (header, used) in &report.columns {
        match used {
            ColumnUse::Mapped(column) => writeln!(out, "  {header:<28} {}", column.name())?,
            ColumnUse::Unmapped => writeln!(out, "  {header:<28} (not used)")?,
            ColumnUse::Dropped => writeln!(out, "  {header:<28} (dropped unread: passwords)")?,
        }
    }
    writeln!(out, "\n{} rows, {} people", report.rows, report.people)?;
    if report.contacts > 0 {
        writeln!(out, "{} rows of contacts", report.contacts)?;
    }
    for (school, people) in &report.schools {
        let school = if school.is_empty() {
            "(no school named)"
        } else {
            school
        };
        writeln!(out, "  {people:>7}  {school}")?;
    }
    rows(&report.skipped, "left out: ", out)?;
    rows(&report.warnings, "", out)?;
    writeln!(out)
}

/// Rows by reason, the first of each by number.
fn rows(rows: &[SkippedRow], what: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut by_reason: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for row in rows {
        let numbers = by_reason.entry((&row.place, row.reason)).or_default();
        numbers.push(row.row);
    }
    for ((place, reason), numbers) in by_reason {
        let shown: Vec<String> = numbers
            .iter()
            .take(ROWS_SHOWN)
            .map(usize::to_string)
            .collect();
        let more = match numbers.len().saturating_sub(ROWS_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let place = if place.is_empty() {
            String::new()
        } else {
            format!("{place}, ")
        };
        let row = if numbers.len() == 1 { "row" } else { "rows" };
        writeln!(
            out,
            "  {place}{row} {}{more} {what}{reason}",
            shown.join(", ")
        )?;
    }
    Ok(())
}

fn total(loaded: &Loaded, out: &mut dyn Write) -> io::Result<()> {
    let people = &loaded.roster.people;
    let having = |has: fn(&crate::roster::Person) -> bool| {
        people.iter().filter(|person| has(person)).count()
    };
    writeln!(
        out,
        "{} pupils in all; {} with a date of birth, {} with a UPN, {} with an address of a contact",
        people.len(),
        having(|person| person.born.is_some()),
        having(|person| person.upn.is_some()),
        having(|person| !person.contacts.is_empty()),
    )?;
    let lost = loaded.unmatched;
    if lost.unknown > 0 {
        writeln!(
            out,
            "contacts whose pupil is not in the roster: {}",
            lost.unknown
        )?;
    }
    if lost.ambiguous > 0 {
        writeln!(
            out,
            "contacts left out, since several pupils have their number (add a UPN or a school column): {}",
            lost.ambiguous
        )?;
    }
    Ok(())
}

fn risks(roster: &Roster, staff: &Roster, out: &mut dyn Write) -> Result<(), CheckError> {
    let (frequent, risky): (Vec<_>, Vec<_>) = roster
        .risky_names(staff)
        .into_iter()
        .partition(|name| name.risk == Risk::Frequent);
    writeln!(out, "\n{} names that need care", risky.len())?;
    for name in &risky {
        writeln!(out, "  {:<30} {}", name.name, name.risk.treatment())?;
    }
    if !frequent.is_empty() {
        let treatment = Risk::Frequent.treatment();
        writeln!(out, "\n{} {treatment}", frequent.len())?;
    }
    for name in frequent.iter().take(FREQUENT_SHOWN) {
        writeln!(out, "  {}", name.name)?;
    }
    if frequent.len() > FREQUENT_SHOWN {
        writeln!(out, "  and {} more", frequent.len() - FREQUENT_SHOWN)?;
    }
    Ok(())
}

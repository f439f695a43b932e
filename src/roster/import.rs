//! Importing an export of a school's system: one file or a set of them go in, people and a report come out.
//!
//! # Invariants
//! The format is told by the bytes, never by the name of a single file. Unpacking is bounded by what comes out, not by what the file
//! declares. Passwords are not copied out of the row they stand in.
//!
//! # Known gaps
//! Old binary workbooks (`.xls`) are not read: save them as XLSX or CSV.

use crate::roster::person::{Roster, RosterKind};
use crate::roster::report::{Format, ImportReport};
use crate::roster::{bundle, delimited, packed, transfer, wonde, workbook};

/// Why a file is no roster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// There is no header line.
    #[error("file is empty")]
    Empty,
    /// No columns with forename and surname, or a full name; the headers that were seen.
    #[error("no columns for names among the headers: {}; name the columns Surname and Forename, or export them", .0.join(", "))]
    NoNames(Vec<String>),
    /// Every row was skipped.
    #[error("no row names a person")]
    Nobody,
    /// It is of a known format and cannot be read.
    #[error("it looks like {format} and cannot be read: {reason}")]
    Broken {
        /// The format.
        format: &'static str,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// A set of files without the one that lists people; the names that were seen.
    #[error("no file that lists people (users.csv, student.csv, teacher.csv) among: {}", .0.join(", "))]
    NoPeopleFile(Vec<String>),
}

impl Roster {
    /// Reads one file: CSV, an XLSX workbook, a zip of OneRoster or School Data Sync files, a Common Transfer File, or Wonde's JSON.
    pub fn import(bytes: &[u8], kind: RosterKind) -> Result<(Self, ImportReport), RosterError> {
        match sniff(bytes) {
            Shape::Zip => {
                let files = packed::files(bytes)?;
                if packed::is_workbook(&files) {
                    workbook::read(&files, kind)?.people(Format::Workbook, kind)
                } else {
                    bundle::read(&files, kind)
                }
            }
            Shape::OldWorkbook => Err(RosterError::Broken {
                format: "an Excel workbook of 2003 or older",
                reason: "save it as XLSX or CSV and try again",
            }),
            Shape::Xml => transfer::read(bytes)?.people(Format::TransferFile, kind),
            Shape::Json => wonde::read(bytes)?.people(Format::Wonde, kind),
            Shape::Text => delimited::read(bytes)?.people(Format::Csv, kind),
        }
    }

    /// Reads the files of a folder as one export: OneRoster, or School Data Sync of any version.
    pub fn import_files(
        files: &[(String, Vec<u8>)],
        kind: RosterKind,
    ) -> Result<(Self, ImportReport), RosterError> {
        bundle::read(files, kind)
    }
}

enum Shape {
    Zip,
    OldWorkbook,
    Xml,
    Json,
    Text,
}

fn sniff(bytes: &[u8]) -> Shape {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = start.get(..start.len().min(4096)).unwrap_or_default();
    let begins = head.trim_ascii_start();
    if begins.starts_with(b"PK\x03\x04") {
        Shape::Zip
    } else if begins.starts_with(b"\xd0\xcf\x11\xe0") {
        Shape::OldWorkbook
    } else if begins.starts_with(b"<") || head.starts_with(b"\xff\xfe<\0") {
        Shape::Xml
    } else if begins.starts_with(b"{") || begins.starts_with(b"[") {
        Shape::Json
    } else {
        Shape::Text
    }
}

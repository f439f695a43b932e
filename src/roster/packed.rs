//! The files inside a zip, unpacked in memory under a ceiling.
//!
//! # Invariants
//! At most [`FILES`] files and [`UNPACKED`] bytes come out, counted as they come; a file beyond that is an error, never a cut.

use std::io::{Cursor, Read};

use crate::roster::import::RosterError;

/// Files looked at: a workbook of many sheets has some dozens.
const FILES: usize = 512;
/// Bytes in all: a OneRoster set of a million people has about 300 MB.
const UNPACKED: u64 = 1 << 30;

const BROKEN: RosterError = RosterError::Broken {
    format: "a zip",
    reason: "it is damaged or protected by a password; export it again",
};
const TOO_BIG: RosterError = RosterError::Broken {
    format: "a zip",
    reason: "it holds more than 512 files or 1 GiB",
};

/// Names and contents.
pub(super) fn files(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, RosterError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| BROKEN)?;
    if archive.len() > FILES {
        return Err(TOO_BIG);
    }
    let mut files = Vec::new();
    let mut left = UNPACKED;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|_| BROKEN)?;
        if file.is_dir() {
            continue;
        }
        let name = file.name().map_err(|_| BROKEN)?.into_owned();
        let mut content = Vec::new();
        file.take(left + 1)
            .read_to_end(&mut content)
            .map_err(|_| BROKEN)?;
        left = left.checked_sub(content.len() as u64).ok_or(TOO_BIG)?;
        files.push((name, content));
    }
    Ok(files)
}

/// Whether these are the parts of an XLSX workbook.
pub(super) fn is_workbook(files: &[(String, Vec<u8>)]) -> bool {
    files
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("xl/workbook.xml"))
}

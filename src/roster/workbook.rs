//! Excel workbooks: the first sheet whose headers name people, wherever its header row stands among the first rows.
//!
//! # Invariants
//! Memory follows the cells there are, never the dimensions that a sheet declares; cells beyond column [`COLUMNS`] are left out.
//!
//! # Standards
//! ECMA-376 part 1, 18.3 (sheets), 18.4.8 (shared strings).
//!
//! # Known gaps
//! A date is told by its column alone: number formats are not read.

use crate::roster::import::RosterError;
use crate::roster::markup::{Step, walk};
use crate::roster::person::RosterKind;
use crate::roster::sheet::Sheet;

/// Columns that are read; no export has more than a few dozen.
const COLUMNS: usize = 256;
/// Rows above the header, for a title, a school and a date of printing.
const ROWS_ABOVE: usize = 12;

const BROKEN: RosterError = RosterError::Broken {
    format: "an Excel workbook",
    reason: "a sheet in it is damaged; save it again, or as CSV",
};

/// Reads the parts of a workbook.
pub(super) fn read(parts: &[(String, Vec<u8>)], kind: RosterKind) -> Result<Sheet, RosterError> {
    let strings = match part(parts, "xl/sharedstrings.xml") {
        Some(bytes) => shared_strings(bytes)?,
        None => Vec::new(),
    };
    let mut sheets: Vec<&(String, Vec<u8>)> = parts
        .iter()
        .filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name.starts_with("xl/worksheets/sheet")
        })
        .collect();
    sheets.sort_by_key(|(name, _)| (name.len(), name.clone()));
    let mut first = None;
    for (_, bytes) in sheets {
        let rows = rows(bytes, &strings)?;
        let candidates = (0..rows.len().min(ROWS_ABOVE)).map(|at| below(&rows, at));
        for sheet in candidates {
            if sheet.names_people(kind) {
                return Ok(sheet);
            }
            first.get_or_insert(sheet);
        }
    }
    let seen = first.map(|sheet| sheet.headers).unwrap_or_default();
    Err(if seen.is_empty() {
        RosterError::Empty
    } else {
        RosterError::NoNames(seen)
    })
}

/// The table whose headers are the row at this place.
fn below(rows: &[(usize, Vec<String>)], at: usize) -> Sheet {
    Sheet {
        headers: rows[at].1.clone(),
        rows: rows[at + 1..]
            .iter()
            .map(|(_, cells)| Some(cells.clone()))
            .collect(),
        first_row: rows[at].0 + 1,
        serial_dates: true,
        warnings: Vec::new(),
    }
}

fn part<'p>(parts: &'p [(String, Vec<u8>)], name: &str) -> Option<&'p [u8]> {
    let found = parts
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(&found.1)
}

fn shared_strings(bytes: &[u8]) -> Result<Vec<String>, RosterError> {
    let mut strings: Vec<String> = Vec::new();
    let whole = walk(bytes, |path, step| match (path, step) {
        ([_, si], Step::Start(_)) if si == "si" => strings.push(String::new()),
        // Phonetic guides (`rPh`) are no part of what is shown.
        ([_, _, .., t], Step::End(text)) if t == "t" && !path.iter().any(|name| name == "rPh") => {
            if let Some(last) = strings.last_mut() {
                last.push_str(text);
            }
        }
        _ => {}
    });
    if whole { Ok(strings) } else { Err(BROKEN) }
}

/// Rows that hold something, with their number.
fn rows(bytes: &[u8], strings: &[String]) -> Result<Vec<(usize, Vec<String>)>, RosterError> {
    let mut rows: Vec<(usize, Vec<String>)> = Vec::new();
    let (mut column, mut kind) = (0, String::new());
    let whole = walk(bytes, |path, step| {
        let Some(name) = path.last() else {
            return;
        };
        match (name.as_str(), step) {
            ("row", Step::Start(attribute)) => {
                let before = rows.last().map_or(0, |row| row.0);
                let number = attribute("r")
                    .and_then(|r| r.parse().ok())
                    .unwrap_or(before + 1);
                rows.push((number, Vec::new()));
                column = 0;
            }
            ("row", Step::End(_)) if rows.last().is_some_and(|row| row.1.is_empty()) => {
                rows.pop();
            }
            ("c", Step::Start(attribute)) => {
                column = attribute("r").and_then(|r| column_of(&r)).unwrap_or(column);
                kind = attribute("t").unwrap_or_default();
            }
            ("c", Step::End(_)) => column += 1,
            ("v" | "t", Step::End(text))
                if column < COLUMNS && !path.iter().any(|n| n == "rPh") =>
            {
                let shared = || strings.get(text.parse::<usize>().ok()?).map(String::as_str);
                let shown = if kind == "s" && name == "v" {
                    shared().unwrap_or_default()
                } else {
                    text
                };
                if let Some((_, cells)) = rows.last_mut() {
                    if cells.len() <= column {
                        cells.resize(column + 1, String::new());
                    }
                    cells[column].push_str(shown);
                }
            }
            _ => {}
        }
    });
    if whole { Ok(rows) } else { Err(BROKEN) }
}

/// "C7" is the third column: 2.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .take(4);
    let number = letters.fold(0, |number, b| {
        number * 26 + usize::from(b.to_ascii_uppercase() - b'A') + 1
    });
    number.checked_sub(1)
}

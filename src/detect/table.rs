//! Rows, cells and headers of a table unit.
//!
//! # Invariants
//! Offsets are of the plain text. A table without newlines is one header row and has no cells below it.

use std::ops::Range;

/// The headers of a table unit, in lower case.
#[derive(Debug)]
pub struct Table {
    /// Header cells.
    pub headers: Vec<String>,
    /// Where the first row below the headers starts.
    pub body: usize,
}

const FORENAMES: &[&str] = &[
    "forename",
    "forenames",
    "first name",
    "firstname",
    "given name",
    "givenname",
    "legal forename",
    "preferred forename",
    "preferred name",
    "known as",
    "first",
    "chosen name",
];
const SURNAMES: &[&str] = &[
    "surname",
    "last name",
    "lastname",
    "family name",
    "familyname",
    "legal surname",
    "preferred surname",
    "last",
];
const PEOPLE: &[&str] = &[
    "name",
    "full name",
    "fullname",
    "pupil",
    "student",
    "child",
    "learner",
    "pupil name",
    "student name",
    "child name",
    "pupils",
    "students",
];

/// "Pupil surname" and "Student's first name" without whose it is.
fn without_person(header: &str) -> &str {
    const WHOSE: &[&str] = &["pupil", "student", "child", "learner"];
    let Some((whose, name)) = header.split_once(' ') else {
        return header;
    };
    let whose = whose.strip_suffix("'s").unwrap_or(whose);
    if WHOSE.contains(&whose) { name } else { header }
}

impl Table {
    /// Reads the header line.
    pub fn of(text: &str) -> Self {
        let end = text.find('\n').unwrap_or(text.len());
        let headers = text[..end]
            .split('\t')
            .map(|cell| {
                cell.trim()
                    .trim_end_matches(':')
                    .replace('_', " ")
                    .to_lowercase()
            })
            .collect();
        Self {
            headers,
            body: (end + 1).min(text.len()),
        }
    }

    /// The row around an offset, without its line end.
    pub fn row(text: &str, at: usize) -> Range<usize> {
        let bytes = text.as_bytes();
        let at = at.min(bytes.len());
        let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |line| line + 1);
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |line| at + line);
        start..end
    }

    /// The header above an offset.
    pub fn header(&self, text: &str, at: usize) -> Option<&str> {
        let row = Self::row(text, at);
        if row.start < self.body {
            return None;
        }
        let column = memchr::memchr_iter(b'\t', &text.as_bytes()[row.start..at]).count();
        self.headers.get(column).map(String::as_str)
    }

    /// Columns of forename and surname, if both are there.
    pub fn name_columns(&self) -> Option<(usize, usize)> {
        let column = |names: &[&str]| {
            let is = |header: &String| names.contains(&without_person(header));
            self.headers.iter().position(is)
        };
        let surname = column(SURNAMES)?;
        // "Name" beside "Surname" is the forename.
        let forename = column(FORENAMES).or_else(|| column(&["name", "names"]))?;
        Some((forename, surname))
    }

    /// Whether a header announces people's names.
    pub fn names_people(header: &str) -> bool {
        [FORENAMES, SURNAMES, PEOPLE]
            .iter()
            .any(|names| names.contains(&header))
    }

    /// Whether a label stands for a forename (`Some(true)`) or a surname (`Some(false)`).
    pub fn part_of_name(label: &str) -> Option<bool> {
        let label = label.trim().trim_end_matches(':').trim_end();
        let label = label.strip_suffix("(s)").unwrap_or(label);
        // Most cells are no label; none is longer than the longest of them.
        if label.len() > 20 || !label.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let label = label.replace('_', " ").to_ascii_lowercase();
        if FORENAMES.contains(&label.as_str()) {
            return Some(true);
        }
        SURNAMES.contains(&label.as_str()).then_some(false)
    }

    /// The cells of a row with their ranges.
    pub fn cells(text: &str, row: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut start = row.start;
        text[row].split('\t').map(move |cell| {
            let range = start..start + cell.len();
            start = range.end + 1;
            range
        })
    }

    /// Whether a cell says something.
    pub fn is_filled(cell: &str) -> bool {
        let plain = cell.trim().trim_end_matches('.').to_ascii_lowercase();
        !matches!(
            plain.as_str(),
            "" | "-"
                | "--"
                | "n"
                | "no"
                | "none"
                | "n/a"
                | "na"
                | "nil"
                | "false"
                | "0"
                | "no known"
                | "none known"
                | "not applicable"
                | "nothing"
        )
    }
}

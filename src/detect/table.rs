//! Rows, cells and headers of a table unit.
//!
//! # Invariants
//! Offsets are of the plain text. A table without newlines is one header row and has no cells below it. The column of a cell is counted
//! from the cell that was asked for before, so that a row of millions of cells is not counted anew for each of them.

use std::cell::Cell;
use std::ops::Range;

/// The headers of a table unit, in lower case.
#[derive(Debug)]
pub struct Table {
    /// Header cells.
    pub headers: Vec<String>,
    /// Where the first row below the headers starts.
    pub body: usize,
    /// The place whose header was asked for last.
    last: Cell<Place>,
}

/// A place in a table.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Where it is.
    at: usize,
    /// Where its row starts.
    row: usize,
    /// The number of its column.
    column: usize,
    /// Bytes that were looked at for this and all places before it.
    looked: usize,
}

impl Place {
    /// Another place, counted from this one.
    fn moved(self, text: &[u8], at: usize) -> Self {
        let at = at.min(text.len());
        let between = &text[self.at.min(at)..self.at.max(at)];
        let tabs = |bytes: &[u8]| memchr::memchr_iter(b'\t', bytes).count();
        let looked = self.looked + between.len();
        let line = memchr::memrchr(b'\n', between);
        match line {
            None if at >= self.at => Self {
                at,
                column: self.column + tabs(between),
                looked,
                ..self
            },
            None => Self {
                at,
                column: self.column - tabs(between),
                looked,
                ..self
            },
            Some(line) if at >= self.at => Self {
                at,
                row: self.at + line + 1,
                column: tabs(&between[line + 1..]),
                looked,
            },
            Some(_) => {
                let row = memchr::memrchr(b'\n', &text[..at]).map_or(0, |line| line + 1);
                Self {
                    at,
                    row,
                    column: tabs(&text[row..at]),
                    looked: looked + at - row,
                }
            }
        }
    }
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
            last: Cell::default(),
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
        let place = self.last.get().moved(text.as_bytes(), at);
        self.last.set(place);
        if place.row < self.body {
            return None;
        }
        self.headers.get(place.column).map(String::as_str)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of every cell of a table, in the order given.
    fn headers(table: &Table, text: &str, cells: impl Iterator<Item = usize>) {
        let plain = |at: usize| {
            let row = Table::row(text, at);
            let column = text[row.start..at].matches('\t').count();
            let body = row.start >= table.body;
            body.then(|| table.headers.get(column)).flatten()
        };
        for at in cells {
            let header = table.header(text, at);
            assert_eq!(header, plain(at).map(String::as_str), "{at}");
        }
    }

    #[test]
    fn headers_are_the_same_in_whatever_order_they_are_asked_for() {
        let text = "Name\tForm\tNotes\na\t\tb\nccc\td\te\tf\n\n\tg";
        let table = Table::of(text);
        let all = || 0..=text.len();
        headers(&table, text, all());
        headers(&table, text, all().rev());
        headers(&table, text, all().map(|at| at * 7 % (text.len() + 1)));
    }

    #[test]
    fn the_work_grows_with_the_row_not_with_its_square() {
        let looked = |cells: usize| {
            let text = format!("Name\n{}", "Ann Hall\t".repeat(cells));
            let table = Table::of(&text);
            let starts = (0..cells).map(|cell| 5 + cell * 9);
            headers_only(&table, &text, starts);
            table.last.get().looked
        };
        assert!(looked(4000) <= 4 * looked(1000) + 100);
        assert!(looked(4000) <= 4000 * 9 + 100);
    }

    fn headers_only(table: &Table, text: &str, cells: impl Iterator<Item = usize>) {
        for at in cells {
            table.header(text, at);
        }
    }
}

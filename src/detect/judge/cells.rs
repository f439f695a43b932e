//! Names whose parts stand in cells that do not touch: in two columns, in two rows of a form, anywhere in a row.
//!
//! # Invariants
//! Each row is looked at once; of a row without known headers at most [`CELLS_IN_ROW`] cells, so the pairs tried are bounded.
//!
//! # Known gaps
//! Without headers a cell must be one part of the name and nothing else: "Oliver James" with "Whitcombe" two cells on is not found.

use std::ops::Range;

use crate::detect::index::{NAME, ORDINARY, PUPIL};
use crate::detect::judge::Judge;
use crate::detect::raw::{Raw, RawName, letters};
use crate::detect::table::Table;
use crate::detect::token::{MAX_WORD, Tokens};
use crate::extract::View;

/// Names taken from cells of one table.
const NAMES_IN_CELLS: usize = 100_000;
/// Rows between the forename and the surname of one form.
const FORM_ROWS: usize = 6;
/// Cells of a row that are tried with each other.
const CELLS_IN_ROW: usize = 24;
/// Bytes of a line of text that may be a row.
const LONGEST_ROW: usize = 512;
/// Bytes of a cell that holds a number and says by it that the line is a row.
const NUMBERED: usize = 16;
/// Cells of a row that may be names: surname, forename and what the pupil is known as.
const NAMES_OF_ONE: usize = 3;

impl Judge<'_> {
    /// Forename and surname in cells that do not touch: in two columns, or in two rows of a form that goes down.
    pub(super) fn names_in_cells(&self, raw: &mut Raw) {
        let table = self.scene.table.as_ref();
        if let Some((table, columns)) = table.and_then(|table| Some((table, table.name_columns()?)))
        {
            self.names_in_columns(table, columns, raw);
            return;
        }
        if table.is_some() {
            self.names_in_rows(raw);
        }
        // A register pasted into a letter is read too; file names and properties hold none.
        if table.is_some() || self.scene.unit.view == View::Visible {
            self.names_in_any_cells(raw);
        }
    }

    /// "Whitcombe | 7A | Oliver" in a table whose headers do not say which column is which, or has none, and "Whitcombe;7A;Oliver" in a
    /// line of text: two cells of one row that are the two parts of a name and nothing else.
    fn names_in_any_cells(&self, raw: &mut Raw) {
        let text = self.scene.text();
        let mut at = 0;
        let mut parts: Vec<(Range<usize>, u64)> = Vec::new();
        while at < text.len() && raw.names.len() < NAMES_IN_CELLS {
            let row = Table::row(text, at);
            at = row.end + 1;
            let Some(divider) = self.divider(&row) else {
                continue;
            };
            parts.clear();
            let cells = cells(text, row, divider).take(CELLS_IN_ROW);
            parts.extend(cells.filter_map(|cell| Some((cell.clone(), self.part_of_name(cell)?))));
            // A row with more names than one person's is a seating plan or a team sheet.
            if (2..=NAMES_OF_ONE).contains(&parts.len()) {
                // Words beside each other have met already, but for a comma, which parts forenames too.
                let touching = usize::from(divider != b',');
                raw.names.extend(self.name_among(&parts, 1 + touching));
            }
        }
    }

    /// What parts the cells of a row; none for a line of text that is no row.
    ///
    /// A sentence has commas too, so a line of text needs two dividers and a cell with a number: a form, a date, a mark.
    fn divider(&self, row: &Range<usize>) -> Option<u8> {
        let line = self.scene.bytes(row.clone());
        if self.scene.table.is_some() {
            return Some(b'\t');
        }
        if line.len() > LONGEST_ROW {
            return None;
        }
        let divider = [b';', b'|', b',']
            .into_iter()
            .find(|divider| memchr::memchr_iter(*divider, line).nth(1).is_some())?;
        let numbered = |cell: &[u8]| {
            let cell = cell.trim_ascii();
            cell.len() <= NUMBERED && cell.iter().any(u8::is_ascii_digit)
        };
        line.split(|b| *b == divider)
            .any(numbered)
            .then_some(divider)
    }

    /// The name that two of these cells make, so many bytes apart at least.
    fn name_among(&self, parts: &[(Range<usize>, u64)], apart: usize) -> Option<RawName> {
        let names = &self.engine.indexes.names;
        let pairs = parts.iter().enumerate().flat_map(|(index, second)| {
            let before = parts[..index].iter();
            before.map(move |first| (first, second))
        });
        pairs
            .filter(|(first, second)| second.0.start >= first.0.end + apart)
            .find_map(|(first, second)| {
                let key = self.engine.indexes.keys.pair(first.1, second.1);
                names.with_key(key).next()?;
                self.name_in_cells(&first.0, &second.0)
                    .or_else(|| self.name_in_cells(&second.0, &first.0))
            })
            .filter(|name| !names.pair(name.place).is(ORDINARY))
    }

    /// The hash of a cell that is a forename or a surname, written with a capital.
    fn part_of_name(&self, cell: Range<usize>) -> Option<u64> {
        let bytes = self.scene.bytes(cell).trim_ascii();
        let name = (2..=MAX_WORD).contains(&bytes.len())
            && (bytes[0].is_ascii_uppercase() || bytes[0] >= 0x80)
            && !bytes
                .iter()
                .any(|b| b.is_ascii_digit() || b",;:@/".contains(b));
        if !name {
            return None;
        }
        let indexes = &self.engine.indexes;
        let hash = indexes.keys.word(&letters(bytes));
        (indexes.words.get(indexes.keys.spread(hash)) & NAME != 0).then_some(hash)
    }

    fn names_in_columns(&self, table: &Table, columns: (usize, usize), raw: &mut Raw) {
        let text = self.scene.text();
        let mut at = table.body;
        while at < text.len() && raw.names.len() < NAMES_IN_CELLS {
            let row = Table::row(text, at);
            at = row.end + 1;
            let cells: Vec<Range<usize>> = Table::cells(text, row).collect();
            if let (Some(f), Some(s)) = (cells.get(columns.0), cells.get(columns.1)) {
                raw.names.extend(self.name_in_cells(f, s));
            }
        }
    }

    /// "Surname" with its value beside it, "Forename" with its value a few rows up or down.
    fn names_in_rows(&self, raw: &mut Raw) {
        let text = self.scene.text();
        let (mut at, mut number) = (0, 0);
        let mut forename: Option<(usize, Range<usize>)> = None;
        let mut surname: Option<(usize, Range<usize>)> = None;
        while at < text.len() && raw.names.len() < NAMES_IN_CELLS {
            let row = Table::row(text, at);
            at = row.end + 1;
            number += 1;
            let mut filled =
                Table::cells(text, row).filter(|cell| !text[cell.clone()].trim().is_empty());
            let (Some(label), Some(value)) = (filled.next(), filled.next()) else {
                continue;
            };
            match Table::part_of_name(&text[label]) {
                Some(true) => forename = Some((number, value)),
                Some(false) => surname = Some((number, value)),
                None => continue,
            }
            let (Some(f), Some(s)) = (&forename, &surname) else {
                continue;
            };
            if f.0.abs_diff(s.0) <= FORM_ROWS {
                raw.names.extend(self.name_in_cells(&f.1, &s.1));
            }
            // The next form's label must not be paired with this one's value.
            (forename, surname) = (None, None);
        }
    }

    fn name_in_cells(&self, f: &Range<usize>, s: &Range<usize>) -> Option<RawName> {
        let text = self.scene.text().as_bytes();
        let keys = &self.engine.indexes.keys;
        let names = &self.engine.indexes.names;
        let whole = letters(&text[f.clone()]);
        let first = Tokens::new(keys, &text[f.clone()])
            .next()
            .map(|token| {
                letters(&text[f.start + token.start as usize..f.start + token.end as usize])
            })
            .filter(|first| *first != whole);
        let surname = letters(&text[s.clone()]);
        [Some(whole), first]
            .into_iter()
            .flatten()
            .find_map(|forename| {
                let hashes = (keys.word(&forename), keys.word(&surname));
                let verify = keys.verify(&forename, &surname);
                let place = names
                    .with_key(keys.pair(hashes.0, hashes.1))
                    .find(|place| names.agrees(*place, verify) && names.pair(*place).is(PUPIL))?;
                Some(RawName {
                    range: f.start.min(s.start)..f.end.max(s.end),
                    place,
                    forename: hashes.0,
                    capitals: true,
                    spaced: false,
                    misspelt: false,
                    forename_first: f.start < s.start,
                    person: None,
                    columns: Some((f.clone(), s.clone())),
                    forename_at: f.clone(),
                    surname_at: s.clone(),
                })
            })
    }
}

fn cells(text: &str, row: Range<usize>, divider: u8) -> impl Iterator<Item = Range<usize>> {
    let mut start = row.start;
    text[row].split(char::from(divider)).map(move |cell| {
        let range = start..start + cell.len();
        start = range.end + 1;
        range
    })
}

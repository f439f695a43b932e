//! Names whose parts stand in cells of a table that do not touch: in two columns, in two rows of a form, anywhere in a row.
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

/// Names taken from cells of one table.
const NAMES_IN_CELLS: usize = 100_000;
/// Rows between the forename and the surname of one form.
const FORM_ROWS: usize = 6;
/// Cells of a row that are tried with each other.
const CELLS_IN_ROW: usize = 24;
/// Cells of a row that may be names: surname, forename and what the pupil is known as.
const NAMES_OF_ONE: usize = 3;

impl Judge<'_> {
    /// Forename and surname in cells that do not touch: in two columns, or in two rows of a form that goes down.
    pub(super) fn names_in_cells(&self, raw: &mut Raw) {
        let Some(table) = &self.scene.table else {
            return;
        };
        match table.name_columns() {
            Some(columns) => self.names_in_columns(table, columns, raw),
            None => {
                self.names_in_rows(raw);
                self.names_in_any_cells(raw);
            }
        }
    }

    /// "Whitcombe | 7A | Oliver" in a table whose headers do not say which column is which, or has none: two cells of one row that
    /// are the two parts of a name and nothing else.
    fn names_in_any_cells(&self, raw: &mut Raw) {
        let text = self.scene.text();
        let mut at = 0;
        let mut parts: Vec<(Range<usize>, u64)> = Vec::new();
        while at < text.len() && raw.names.len() < NAMES_IN_CELLS {
            let row = Table::row(text, at);
            at = row.end + 1;
            parts.clear();
            let cells = Table::cells(text, row).take(CELLS_IN_ROW);
            parts.extend(cells.filter_map(|cell| Some((cell.clone(), self.part_of_name(cell)?))));
            // A row with more names than one person's is a seating plan or a team sheet.
            if (2..=NAMES_OF_ONE).contains(&parts.len()) {
                raw.names.extend(self.name_among(&parts));
            }
        }
    }

    /// The name that two of these cells make; cells that touch were met as words beside each other.
    fn name_among(&self, parts: &[(Range<usize>, u64)]) -> Option<RawName> {
        let names = &self.engine.indexes.names;
        let pairs = parts.iter().enumerate().flat_map(|(index, second)| {
            let before = parts[..index].iter();
            before.map(move |first| (first, second))
        });
        pairs
            .filter(|(first, second)| second.0.start > first.0.end + 1)
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
                })
            })
    }
}

//! Cells of a sheet, as they come, to tables whose lines are the sheet's rows.
//!
//! # Invariants
//! Memory follows the cells, never the sheet's declared dimensions: two cells a million rows apart are two rows. Line `n` of a table
//! is row `first + n`: blank rows between others are blank lines, and after a long gap a new table begins with the headers again.
//! Everything written counts against the room: a cell is cut where the room ends, and headers are said again only while they are short.

use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::text::push_cell;

/// Empty cells shown in a row before a cell far to the right.
const WIDEST_GAP: usize = 64;
/// Blank rows written out between two rows of one table.
const LONGEST_GAP: u32 = 256;
/// Bytes of a row that may be the headers of a table: 256 columns of 64 letters.
const LONGEST_HEADER: usize = 16 * 1024;

/// A table and the number of its first row, counted from 1.
pub(crate) type Rows = (u32, String);

/// A sheet under way.
#[derive(Default)]
pub(crate) struct Grid {
    done: Vec<Rows>,
    /// Bytes that may still be written.
    room: usize,
    table: String,
    /// The number of the first line of `table`.
    first: u32,
    header: String,
    line: String,
    /// The row under way, counted from 1; 0 before the first.
    row: u32,
    /// The row of the last line written.
    last: u32,
    filled: usize,
    /// The cell, row and column counted from 0, whose text stands in the next record.
    pub(crate) formula: Option<(u32, usize)>,
}

impl Grid {
    /// A sheet of at most about `room` bytes: cells beyond are left out, and [`Self::is_full`] tells.
    pub(crate) fn of(room: usize) -> Self {
        Self {
            room: room.saturating_add(1),
            ..Self::default()
        }
    }

    /// A row begins, counted from 1; `None` is the next one.
    pub(crate) fn row(&mut self, number: Option<u32>) {
        self.end_row();
        self.row = number.unwrap_or(self.row.saturating_add(1));
    }

    /// A cell of a row, both counted from 0.
    pub(crate) fn put(&mut self, row: u32, column: usize, shown: &str) {
        let row = row.saturating_add(1);
        if row != self.row {
            self.row(Some(row));
        }
        self.cell(Some(column), shown);
    }

    /// A cell of the row under way; `None` is the next one.
    pub(crate) fn cell(&mut self, column: Option<usize>, shown: &str) {
        let column = column.unwrap_or(self.filled);
        if shown.is_empty() || self.is_full() {
            return;
        }
        if self.filled > 0 || column > 0 {
            let gap = column
                .saturating_sub(self.filled.saturating_sub(1))
                .clamp(usize::from(self.filled > 0), WIDEST_GAP);
            self.line.extend(std::iter::repeat_n('\t', gap));
            self.spend(gap);
        }
        let mut end = shown.len().min(self.room);
        while !shown.is_char_boundary(end) {
            end += 1;
        }
        push_cell(&mut self.line, &shown[..end]);
        self.spend(end + 1);
        self.filled = column.saturating_add(1);
    }

    /// Whether nothing more will be written.
    pub(crate) fn is_full(&self) -> bool {
        self.room == 0
    }

    fn spend(&mut self, bytes: usize) {
        self.room = self.room.saturating_sub(bytes);
    }

    fn end_row(&mut self) {
        self.filled = 0;
        if self.line.trim().is_empty() {
            self.line.clear();
            return;
        }
        let blank = self.row.checked_sub(self.last.saturating_add(1));
        match blank {
            _ if self.table.is_empty() => {
                self.first = self.row;
                self.header.clone_from(&self.line);
            }
            Some(blank) if blank <= LONGEST_GAP => {
                self.table.extend(std::iter::repeat_n('\n', blank as usize));
                self.spend(blank as usize);
            }
            _ => {
                self.done
                    .push((self.first, std::mem::take(&mut self.table)));
                self.first = self.row;
                if self.header.len() <= LONGEST_HEADER.min(self.room) {
                    self.table.push_str(&self.header);
                    self.table.push('\n');
                    self.first = self.row.saturating_sub(1);
                    self.spend(self.header.len() + 1);
                }
            }
        }
        self.table.push_str(&self.line);
        self.table.push('\n');
        self.line.clear();
        self.last = self.row;
    }

    /// Says the tables of a sheet of this name, and that they were cut where they were.
    pub(crate) fn say(self, gather: &mut Gather<'_>, location: &Location, sheet: &str) {
        if self.is_full() {
            gather.unread(&location.at(sheet), UnreadReason::TooBig, "text/plain");
        }
        for (first, table) in self.finish() {
            gather.unit(&location.at(place(sheet, first)), View::Table, table);
        }
    }

    /// The tables.
    pub(crate) fn finish(mut self) -> Vec<Rows> {
        self.end_row();
        if !self.table.is_empty() {
            self.done.push((self.first, self.table));
        }
        self.done
    }
}

/// Where a table of a sheet stands: its sheet, and its first row unless that is the sheet's.
pub(crate) fn place(sheet: &str, first: u32) -> String {
    if first <= 1 {
        sheet.to_owned()
    } else {
        format!("{sheet}!row {first}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_rows() {
        let mut grid = Grid::of(1 << 20);
        grid.put(1, 0, "Name");
        grid.put(1, 2, "DOB");
        grid.put(3, 0, "Kai");
        grid.put(900_000, 1, "x");
        assert_eq!(
            grid.finish(),
            [
                (2, "Name\t\tDOB\n\nKai\n".to_owned()),
                (900_000, "Name\t\tDOB\n\tx\n".to_owned())
            ]
        );
        assert_eq!(place("Sheet1", 1), "Sheet1");
        // Nothing that repeats goes beyond the room: neither a cell, nor gaps, nor headers.
        let mut grid = Grid::of(1000);
        for row in 0..1000 {
            grid.put(row * 1000, 50, &"é".repeat(400));
        }
        assert!(grid.is_full());
        let written: usize = grid.finish().iter().map(|(_, table)| table.len()).sum();
        assert!((1001..1100).contains(&written), "{written}");
        assert_eq!(place("Sheet1", 7), "Sheet1!row 7");
    }
}

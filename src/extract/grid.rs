//! Cells of a sheet, as they come, to tables whose lines are the sheet's rows.
//!
//! # Invariants
//! Memory follows the cells, never the sheet's declared dimensions: two cells a million rows apart are two rows. Line `n` of a table
//! is row `first + n`: blank rows between others are blank lines, and after a long gap a new table begins with the headers again.

use crate::extract::text::push_cell;

/// Empty cells shown in a row before a cell far to the right.
const WIDEST_GAP: usize = 64;
/// Blank rows written out between two rows of one table.
const LONGEST_GAP: u32 = 256;

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
    /// A sheet of at most about `room` bytes: cells beyond are left out, so the text is longer than the limit and the cut is said.
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
        if shown.is_empty() || self.room == 0 {
            return;
        }
        self.room = self.room.saturating_sub(shown.len() + 1);
        if self.filled > 0 || column > 0 {
            let gap = column
                .saturating_sub(self.filled.saturating_sub(1))
                .clamp(usize::from(self.filled > 0), WIDEST_GAP);
            self.line.extend(std::iter::repeat_n('\t', gap));
        }
        push_cell(&mut self.line, shown);
        self.filled = column + 1;
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
            }
            _ => {
                self.done
                    .push((self.first, std::mem::take(&mut self.table)));
                self.table.push_str(&self.header);
                self.table.push('\n');
                self.first = self.row.saturating_sub(1);
            }
        }
        self.table.push_str(&self.line);
        self.table.push('\n');
        self.line.clear();
        self.last = self.row;
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
        assert_eq!(place("Sheet1", 7), "Sheet1!row 7");
    }
}

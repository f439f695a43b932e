//! Excel's binary workbooks (`.xlsb`): sheets as tables; every other part as runs of text.
//!
//! # Invariants
//! A record that is damaged ends its own part only. Strings that no cell shows are given in hidden view.
//!
//! # Standards
//! MS-XLSB 2.1.4 (records), 2.4 (records by name), 2.5.168 and 2.5.166 (strings).
//!
//! # Known gaps
//! Comments, names and formulas are read as runs of four letters and more, without their cell.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::extract::biff;
use crate::extract::binary::Fields;
use crate::extract::content::{Location, View};
use crate::extract::gather::Gather;
use crate::extract::grid::Grid;
use crate::extract::ooxml;
use crate::extract::runs;
use crate::extract::xlsx::{self, Parts};

/// The part that makes a package one of these.
pub(crate) const WORKBOOK: &str = "xl/workbook.bin";

#[derive(Default)]
struct Book {
    strings: Vec<String>,
    dates: Vec<bool>,
    from_1904: bool,
    /// Sheet name by part path, and whether it is hidden.
    sheets: HashMap<String, (String, bool)>,
}

/// All records of a part: number and data.
fn records(part: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut fields = Fields::of(part);
    std::iter::from_fn(move || {
        let mut kind = u16::from(fields.byte()?);
        if kind & 0x80 != 0 {
            kind = kind & 0x7f | u16::from(fields.byte()? & 0x7f) << 7;
        }
        let mut size = 0usize;
        for step in 0..4 {
            let byte = fields.byte()?;
            size |= usize::from(byte & 0x7f) << (7 * step);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let size = size.min(fields.rest().len());
        Some((kind, fields.take(size)?))
    })
}

/// A string with a 32-bit count of characters; the count of all ones is none.
fn string(fields: &mut Fields<'_>) -> Option<String> {
    let count = fields.u32()?;
    if count == u32::MAX {
        return Some(String::new());
    }
    let raw = fields.take((count as usize).checked_mul(2)?)?;
    let units: Vec<u16> = raw
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    Some(String::from_utf16_lossy(&units))
}

/// Reads the sheets of a workbook.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, parts: &Parts) {
    let before = gather.content.units.len();
    let mut book = Book::default();
    if let Some(data) = xlsx::find(parts, "xl/sharedStrings.bin") {
        book.strings = records(data)
            .filter(|(kind, _)| *kind == 19)
            .map(|(_, data)| string(&mut Fields::from(data, 1)).unwrap_or_default())
            .collect();
    }
    if let Some(data) = xlsx::find(parts, "xl/styles.bin") {
        book.dates = date_styles(data);
    }
    let names = workbook(parts, &mut book);
    gather.unit(&location.at("sheet names"), View::Visible, names);
    for (path, data) in parts {
        let lower = path.to_ascii_lowercase();
        if !is_sheet(&lower) {
            continue;
        }
        if gather.stopped(location) {
            return;
        }
        let (name, hidden) = book.sheets.get(&lower).cloned().unwrap_or_else(|| {
            let file = lower.rsplit('/').next().unwrap_or("sheet");
            (file.trim_end_matches(".bin").to_owned(), false)
        });
        let name = if hidden {
            format!("{name}, hidden sheet")
        } else {
            name
        };
        sheet(data, &book, gather.room()).say(gather, location, &name);
    }
    let said = gather.content.units[before..]
        .iter()
        .map(|unit| unit.text.as_str());
    let more = runs::unsaid(said, &book.strings.join("\n"));
    gather.unit(&location.at("strings of no cell"), View::Hidden, more);
    rest(gather, location, parts, before);
}

fn is_sheet(path: &str) -> bool {
    (path.starts_with("xl/worksheets/") || path.starts_with("xl/macrosheets/"))
        && std::path::Path::new(path)
            .extension()
            .is_some_and(|extension| extension == "bin")
        && !path.contains("binaryindex")
}

/// Whether a part of a binary workbook is read here.
pub(crate) fn reads(path: &str) -> bool {
    path.starts_with("xl/")
        && std::path::Path::new(path)
            .extension()
            .is_some_and(|extension| extension == "bin")
        && !path.contains("/embeddings/")
        && !path.contains("/activex/")
        && !path.ends_with("vbaproject.bin")
}

/// Text anywhere else: comments, names, links, headers and footers, pivot caches.
fn rest(gather: &mut Gather<'_>, location: &Location, parts: &Parts, before: usize) {
    for (path, data) in parts {
        let lower = path.to_ascii_lowercase();
        if !reads(&lower)
            || matches!(lower.as_str(), "xl/sharedstrings.bin" | "xl/styles.bin")
            || lower.contains("printersettings")
            || ooxml::is_file(data)
        {
            continue;
        }
        let mut text = String::new();
        for (_, data) in records(data) {
            text.push_str(&runs::wide(data));
        }
        let said = gather.content.units[before..]
            .iter()
            .map(|unit| unit.text.as_str());
        let more = runs::unsaid(said, &text);
        let file = lower.rsplit('/').next().unwrap_or(&lower);
        gather.unit(
            &location.at(file.trim_end_matches(".bin")),
            View::Hidden,
            more,
        );
    }
}

fn date_styles(data: &[u8]) -> Vec<bool> {
    let mut custom: HashMap<u16, bool> = HashMap::new();
    let mut styles = Vec::new();
    let mut in_cells = false;
    for (kind, data) in records(data) {
        let mut fields = Fields::of(data);
        match kind {
            44 => {
                if let (Some(id), Some(code)) = (fields.u16(), string(&mut fields)) {
                    custom.insert(id, xlsx::is_date_format(&code));
                }
            }
            617 => in_cells = true,
            618 => in_cells = false,
            47 if in_cells => {
                let id = fields.skip(2).and_then(|()| fields.u16()).unwrap_or(0);
                let date = custom.get(&id).copied();
                styles.push(date.unwrap_or(xlsx::is_date_number(u32::from(id))));
            }
            _ => {}
        }
    }
    styles
}

/// Notes sheets and the calendar; returns the sheets' names.
fn workbook(parts: &Parts, book: &mut Book) -> String {
    let targets = xlsx::targets(parts, "xl/_rels/workbook.bin.rels");
    let mut names = String::new();
    for (kind, data) in xlsx::find(parts, WORKBOOK)
        .map(records)
        .into_iter()
        .flatten()
    {
        let mut fields = Fields::of(data);
        match kind {
            153 => book.from_1904 = fields.u32().is_some_and(|flags| flags & 1 != 0),
            156 => {
                let (Some(state), Some(_)) = (fields.u32(), fields.u32()) else {
                    continue;
                };
                let (Some(id), Some(name)) = (string(&mut fields), string(&mut fields)) else {
                    continue;
                };
                names.push_str(&name);
                names.push('\n');
                if let Some(path) = targets.get(&id) {
                    book.sheets.insert(path.clone(), (name, state != 0));
                }
            }
            _ => {}
        }
    }
    names
}

fn sheet(data: &[u8], book: &Book, room: usize) -> Grid {
    let mut grid = Grid::of(room);
    let mut row = 0u32;
    let mut column = 0u32;
    for (kind, data) in records(data) {
        let mut fields = Fields::of(data);
        match kind {
            0 => {
                row = fields.u32().unwrap_or(row.saturating_add(1));
                column = 0;
            }
            1..=18 if !grid.is_full() => {
                let short = kind > 11;
                let place = if short { Some(column) } else { fields.u32() };
                let (Some(place), Some(style)) = (place, fields.u32()) else {
                    continue;
                };
                column = place.saturating_add(1);
                let kind = if short { kind - 11 } else { kind };
                if let Some(shown) = value(kind, &mut fields, book, (style & 0x00ff_ffff) as usize)
                {
                    grid.put(row, place as usize, &shown);
                }
            }
            _ => {}
        }
    }
    grid
}

fn value<'b>(
    kind: u16,
    fields: &mut Fields<'_>,
    book: &'b Book,
    style: usize,
) -> Option<Cow<'b, str>> {
    let date = book.dates.get(style).copied().unwrap_or(false);
    let number = |value: f64| xlsx::number(&value.to_string(), date, book.from_1904);
    Some(match kind {
        2 => number(biff::rk(fields.u32()?)).into(),
        4 | 10 => biff::truth(fields.byte()?).into(),
        5 | 9 => number(fields.f64()?).into(),
        6 | 8 => string(fields)?.into(),
        7 => book.strings.get(fields.size()?)?.as_str().into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_by_kind() {
        let mut part = vec![0, 4, 2, 0, 0, 0];
        part.extend([7, 12, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        part.extend([2, 12, 2, 0, 0, 0, 1, 0, 0, 0]);
        part.extend(((40_614u32 << 2) | 2).to_le_bytes());
        part.extend([6, 14, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, b'x', 0]);
        let book = Book {
            strings: vec!["a".to_owned(), "Kai".to_owned()],
            dates: vec![false, true],
            ..Book::default()
        };
        assert_eq!(
            sheet(&part, &book, 1000).finish(),
            [(3, "Kai\t\t12/03/2011\tx\n".to_owned())]
        );
    }
}

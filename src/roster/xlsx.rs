//! Workbooks: the cells of every visible sheet that has columns for names.
//!
//! # Invariants
//! Sheets are walked as XML, never allocated by the size they declare; text taken from cells is bounded, since a shared string
//! can be named by many cells.
//!
//! # Standards
//! ECMA-376 part 1, 18.3 (sheets), 18.4 (shared strings), 18.8.30 (number formats).
//!
//! # Known gaps
//! OpenDocument and binary (.xls, .xlsb) workbooks are refused with a word on what to do.

use std::collections::HashMap;
use std::sync::Arc;

use csv::StringRecord;

use crate::roster::columns;
use crate::roster::date::Date;
use crate::roster::import::{Draft, Line, RosterError, TITLE_LINES, Table};
use crate::roster::markup::{self, Step, attribute};
use crate::roster::unpack::Archive;

/// Sheets of a workbook that are looked at.
const SHEETS: usize = 512;
/// Columns of a sheet that are read; exports have under 100.
const COLUMNS: usize = 512;
/// Bytes of one cell that are read: names, addresses and numbers are far shorter.
const CELL_BYTES: usize = 1_024;
/// Bytes of all cells of a workbook.
const TEXT_BYTES: usize = 512 << 20;
/// Days between the two calendars of workbooks.
const TO_1904: u32 = 1_462;

/// What the sheets of a workbook share.
#[derive(Default)]
struct Workbook {
    strings: Vec<String>,
    /// For every cell style, whether it shows a date.
    dates: Vec<bool>,
    from_1904: bool,
    /// Name, path and whether it is shown, in the order of the tabs.
    sheets: Vec<(String, String, bool)>,
}

/// A row that has cells: its number and their texts.
type Row = (usize, Vec<String>);

/// Reads a workbook.
pub(super) fn read(draft: &mut Draft<'_>, bytes: &[u8]) -> Result<(), RosterError> {
    let mut archive = Archive::open(bytes)?;
    let book = workbook(&mut archive)?;
    draft.report.is_of("Excel workbook");
    let outer = Arc::clone(&draft.place);
    let (mut seen, mut used, mut left) = (Vec::new(), 0, TEXT_BYTES);
    let several = book.sheets.len() > 1;
    for (name, path, shown) in &book.sheets {
        let place = match (several, outer.is_empty()) {
            (false, _) => outer.to_string(),
            (true, true) => name.clone(),
            (true, false) => format!("{outer}, {name}"),
        };
        if !shown {
            draft.note(&place, "hidden sheet, not read");
            continue;
        }
        let Some(data) = archive.find(path)? else {
            continue;
        };
        let rows = rows(&crate::roster::decode::text(&data), &book, &mut left)?;
        draft.place = Arc::from(place.as_str());
        if several {
            draft.name.clone_from(name);
        }
        match sheet(draft, &rows) {
            Ok(()) => {
                used += 1;
                if several {
                    draft.note(&place, "people");
                }
            }
            Err(RosterError::NoNames(headers)) => {
                draft.note(&place, "no columns for names, not read");
                seen.extend(headers);
            }
            Err(RosterError::Empty) => {}
            Err(error) => return Err(error),
        }
        draft.place = Arc::clone(&outer);
    }
    match (used, seen.is_empty()) {
        (0, true) => Err(RosterError::Empty),
        (0, false) => Err(RosterError::NoNames(seen)),
        _ => Ok(()),
    }
}

fn sheet(draft: &mut Draft<'_>, rows: &[Row]) -> Result<(), RosterError> {
    let mut header = 0;
    for (index, (_, fields)) in rows.iter().take(TITLE_LINES).enumerate() {
        match draft.line(fields.iter().map(String::as_str), index == 0) {
            Line::Header => {
                header = index;
                break;
            }
            Line::Data => break,
            Line::Title => {}
        }
    }
    let Some((_, fields)) = rows.get(header) else {
        return Err(RosterError::Empty);
    };
    let columns = columns::uses(fields.iter().map(String::as_str), draft.kind);
    let table: Table = draft.table(columns)?;
    for (row, fields) in &rows[header + 1..] {
        draft.row(&table, *row, &StringRecord::from(fields.as_slice()));
    }
    Ok(())
}

fn workbook(archive: &mut Archive<'_>) -> Result<Workbook, RosterError> {
    const NONE: RosterError = RosterError::Unreadable {
        what: "found an archive with neither a workbook nor files of a roster",
        mend: "give a .xlsx workbook, or a zip of CSV, XML or JSON files",
    };
    let mut book = Workbook::default();
    let part = |archive: &mut Archive<'_>, path: &str| -> Result<Option<String>, RosterError> {
        let data = archive.find(path)?;
        Ok(data.map(|data| crate::roster::decode::text(&data)))
    };
    let main = part(archive, "xl/workbook.xml")?.ok_or(NONE)?;
    let mut targets = HashMap::new();
    if let Some(text) = part(archive, "xl/_rels/workbook.xml.rels")? {
        markup::walk(&text, |step| {
            if let Step::Start("Relationship", start) = step
                && let (Some(id), Some(target)) =
                    (attribute(start, "Id"), attribute(start, "Target"))
            {
                let path = target
                    .strip_prefix('/')
                    .map_or_else(|| format!("xl/{target}"), str::to_owned);
                targets.insert(id, path);
            }
        })?;
    }
    markup::walk(&main, |step| match step {
        Step::Start("workbookPr", start) => {
            book.from_1904 = attribute(start, "date1904")
                .is_some_and(|value| matches!(value.as_str(), "1" | "true"));
        }
        Step::Start("sheet", start) => {
            let name = attribute(start, "name").unwrap_or_default();
            let shown = attribute(start, "state").is_none_or(|state| state == "visible");
            if let Some(path) = attribute(start, "id").and_then(|id| targets.get(&id))
                && book.sheets.len() < SHEETS
            {
                book.sheets.push((name, path.clone(), shown));
            }
        }
        _ => {}
    })?;
    if let Some(text) = part(archive, "xl/sharedStrings.xml")? {
        book.strings = shared_strings(&text)?;
    }
    if let Some(text) = part(archive, "xl/styles.xml")? {
        book.dates = date_styles(&text)?;
    }
    Ok(book)
}

fn shared_strings(text: &str) -> Result<Vec<String>, RosterError> {
    let mut strings = Vec::new();
    let (mut current, mut in_text, mut phonetic) = (String::new(), false, 0_usize);
    markup::walk(text, |step| match step {
        Step::Start("si", _) => current.clear(),
        Step::Start("t", _) => in_text = true,
        Step::Start("rPh", _) => phonetic += 1,
        Step::End("rPh") => phonetic = phonetic.saturating_sub(1),
        Step::End("t") => in_text = false,
        Step::End("si") => strings.push(std::mem::take(&mut current)),
        Step::Text(text) if in_text && phonetic == 0 => push(&mut current, text),
        _ => {}
    })?;
    Ok(strings)
}

/// Adds a text to a cell's, up to what is read of a cell.
fn push(cell: &mut String, text: &str) {
    let room = CELL_BYTES.saturating_sub(cell.len());
    cell.push_str(&text[..text.floor_char_boundary(room)]);
}

fn date_styles(text: &str) -> Result<Vec<bool>, RosterError> {
    let mut custom: HashMap<String, bool> = HashMap::new();
    let (mut styles, mut in_cells) = (Vec::new(), false);
    markup::walk(text, |step| match step {
        Step::Start("numFmt", start) => {
            if let (Some(id), Some(code)) =
                (attribute(start, "numFmtId"), attribute(start, "formatCode"))
            {
                custom.insert(id, is_date_format(&code));
            }
        }
        Step::Start("cellXfs", _) => in_cells = true,
        Step::End("cellXfs") => in_cells = false,
        Step::Start("xf", start) if in_cells => {
            let id = attribute(start, "numFmtId").unwrap_or_default();
            let built_in = id
                .parse::<u32>()
                .is_ok_and(|id| matches!(id, 14..=17 | 22 | 27..=36 | 50..=58));
            styles.push(custom.get(&id).copied().unwrap_or(built_in));
        }
        _ => {}
    })?;
    Ok(styles)
}

/// A format code with a day or a year outside quotes and brackets.
fn is_date_format(code: &str) -> bool {
    let (mut quoted, mut bracketed) = (false, false);
    for c in code.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' => bracketed = true,
            ']' => bracketed = false,
            'd' | 'D' | 'y' | 'Y' if !quoted && !bracketed => return true,
            _ => {}
        }
    }
    false
}

#[derive(Default)]
struct Cell {
    column: usize,
    kind: String,
    style: usize,
    value: String,
}

fn rows(text: &str, book: &Workbook, left: &mut usize) -> Result<Vec<Row>, RosterError> {
    let (mut rows, mut row, mut cell): (Vec<Row>, Row, Cell) = Default::default();
    let (mut number, mut in_value, mut phonetic) = (0, false, 0_usize);
    markup::walk(text, |step| match step {
        Step::Start("row", start) => {
            number = attribute(start, "r")
                .and_then(|r| r.parse().ok())
                .unwrap_or(number + 1);
            row = (number, Vec::new());
        }
        Step::Start("c", start) => {
            cell = Cell {
                column: attribute(start, "r").map_or(row.1.len(), |r| column(&r)),
                kind: attribute(start, "t").unwrap_or_default(),
                style: attribute(start, "s")
                    .and_then(|s| s.parse().ok())
                    .unwrap_or(usize::MAX),
                value: String::new(),
            };
        }
        Step::Start("v" | "t", _) => in_value = true,
        Step::End("v" | "t") => in_value = false,
        Step::Start("rPh", _) => phonetic += 1,
        Step::End("rPh") => phonetic = phonetic.saturating_sub(1),
        Step::Text(text) if in_value && phonetic == 0 => push(&mut cell.value, text),
        Step::End("c") if cell.column < COLUMNS => {
            let shown = shown(&cell, book);
            if !shown.is_empty() && *left > 0 {
                if row.1.len() <= cell.column {
                    row.1.resize(cell.column + 1, String::new());
                }
                // An empty cell of the row takes its place too.
                *left = left.saturating_sub(shown.len() + size_of::<String>());
                row.1[cell.column] = shown;
            }
        }
        Step::End("row") if !row.1.is_empty() => {
            *left = left.saturating_sub(row.1.len() * size_of::<String>());
            rows.push(std::mem::take(&mut row));
        }
        _ => {}
    })?;
    if *left == 0 {
        return Err(RosterError::Unreadable {
            what: "the workbook's cells hold more than 512 MiB",
            mend: "split it by school",
        });
    }
    Ok(rows)
}

/// `AB12` is column 27, counted from 0; no sheet has more than 16,384.
fn column(reference: &str) -> usize {
    let letters = reference
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .take(3);
    let number = letters.fold(0_usize, |sum, letter| {
        sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    number.saturating_sub(1)
}

fn shown(cell: &Cell, book: &Workbook) -> String {
    let value = cell.value.trim();
    match cell.kind.as_str() {
        "s" => value
            .parse::<usize>()
            .ok()
            .and_then(|index| book.strings.get(index))
            .map(|text| text.trim().to_owned())
            .unwrap_or_default(),
        "inlineStr" | "str" | "d" => value.to_owned(),
        "e" | "b" => String::new(),
        _ => {
            let date = book.dates.get(cell.style).copied().unwrap_or(false);
            number(value, date, book.from_1904)
        }
    }
}

/// A number as people see it: dates by day, long whole numbers such as a ULN without an exponent.
fn number(value: &str, date: bool, from_1904: bool) -> String {
    let Ok(parsed) = value.parse::<f64>() else {
        return value.to_owned();
    };
    if date && (1.0..2_958_466.0).contains(&parsed) {
        #[expect(clippy::cast_sign_loss, reason = "it is at least 1")]
        let serial = parsed as u32 + if from_1904 { TO_1904 } else { 0 };
        return Date::of_sheet_day(serial)
            .map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day))
            .unwrap_or_default();
    }
    if value.contains(['e', 'E', '.']) && parsed.fract() == 0.0 && parsed.abs() < 1e18 {
        return format!("{parsed:.0}");
    }
    value.to_owned()
}

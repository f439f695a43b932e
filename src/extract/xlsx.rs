//! Excel workbooks: sheets as tables, with shared strings, dates as people see them, hidden sheets, names, comments.
//!
//! # Invariants
//! Memory follows the file, never the sheet's declared dimensions: two cells a million rows apart are two rows.
//!
//! # Standards
//! ECMA-376 part 1, 18.3 (sheets), 18.8.30 (number formats), 18.17.4 (dates).
//!
//! # Known gaps
//! Number formats other than dates and long numbers are not applied: the stored value is shown.

use std::borrow::Cow;
use std::collections::HashMap;

use quick_xml::events::BytesStart;

use crate::extract::content::{Location, View};
use crate::extract::gather::Gather;
use crate::extract::grid::Grid;
use crate::extract::ooxml;
use crate::extract::runs;
use crate::extract::sniff::extension;
use crate::extract::xml::{self, Step, attribute};

/// The workbook's part, and the folders of sheets, as nearly all programs call them.
pub(crate) const WORKBOOK: &str = "xl/workbook.xml";
pub(crate) const FOLDERS: [&str; 2] = ["xl/worksheets/", "xl/macrosheets/"];

/// The parts of a package: path and bytes.
pub(crate) type Parts = [(String, Vec<u8>)];

#[derive(Default)]
struct Workbook {
    strings: Vec<String>,
    /// For each cell style: it shows a date.
    dates: Vec<bool>,
    from_1904: bool,
    /// Sheet name by part path, and whether it is hidden.
    sheets: HashMap<String, (String, bool)>,
}

/// The part of this path, whatever its case.
pub(crate) fn find<'p>(parts: &'p Parts, path: &str) -> Option<&'p [u8]> {
    parts
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(path))
        .map(|(_, data)| data.as_slice())
}

/// Reads the sheets of a workbook.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, parts: &Parts) {
    let before = gather.content.units.len();
    let mut book = Workbook::default();
    if let Some(data) = find(parts, "xl/sharedStrings.xml") {
        book.strings = shared_strings(data);
    }
    if let Some(data) = find(parts, "xl/styles.xml") {
        book.dates = date_styles(data);
    }
    workbook(gather, location, parts, &mut book);
    for (path, data) in parts {
        let lower = path.to_ascii_lowercase();
        if !FOLDERS.iter().any(|at| lower.starts_with(at)) || extension(&lower) != "xml" {
            continue;
        }
        if gather.stopped(location) {
            return;
        }
        let (name, hidden) = book.sheets.get(&lower).cloned().unwrap_or_else(|| {
            (
                lower
                    .rsplit('/')
                    .next()
                    .unwrap_or("sheet")
                    .trim_end_matches(".xml")
                    .to_owned(),
                false,
            )
        });
        let sheet = sheet(data, &book, gather.room());
        let name = if hidden {
            format!("{name}, hidden sheet")
        } else {
            name
        };
        sheet.grid.say(gather, location, &name);
        gather.unit(&location.at(name), View::Hidden, sheet.aside);
    }
    let said = gather.content.units[before..]
        .iter()
        .map(|unit| unit.text.as_str());
    let more = runs::unsaid(said, &book.strings.join("\n"));
    gather.unit(&location.at("strings of no cell"), View::Hidden, more);
}

/// Parts of a workbook other than its sheets.
pub(crate) fn other(
    gather: &mut Gather<'_>,
    location: &Location,
    path: &str,
    file: &str,
    data: &[u8],
) {
    let known = path.starts_with("xl/theme") && extension(file) == "xml"
        || matches!(
            path,
            "xl/styles.xml" | "xl/sharedstrings.xml" | WORKBOOK | "xl/calcchain.xml"
        );
    if known {
        return;
    }
    if FOLDERS.iter().any(|at| path.starts_with(at)) && extension(path) == "xml" {
        return;
    }
    let place = location.at(file.trim_end_matches(".xml"));
    let story = ooxml::story(data);
    gather.unit(&place, View::Hidden, story.visible);
    gather.unit(&place, View::Hidden, story.hidden);
    // Pivot caches and external links keep cell values in `v`, tables their column names in `name`.
    if path.contains("pivot") || path.contains("externallink") || path.contains("/tables/") {
        gather.unit(&place, View::Hidden, xml::all_text(data, &["v", "name"]));
    }
}

fn shared_strings(data: &[u8]) -> Vec<String> {
    let mut strings = Vec::new();
    let (mut current, mut in_text, mut phonetic) = (String::new(), false, 0usize);
    xml::walk(data, |step| match step {
        Step::Start("si", _, empty) => {
            current.clear();
            if empty {
                strings.push(String::new());
            }
        }
        Step::Start("t", _, empty) => in_text = !empty,
        Step::Start("rPh", _, false) => phonetic += 1,
        Step::End("rPh") => phonetic = phonetic.saturating_sub(1),
        Step::End("t") => in_text = false,
        Step::End("si") => strings.push(std::mem::take(&mut current)),
        Step::Text(text) if in_text && phonetic == 0 => current.push_str(text),
        _ => {}
    });
    strings
}

fn date_styles(data: &[u8]) -> Vec<bool> {
    let mut custom: HashMap<String, bool> = HashMap::new();
    let mut styles = Vec::new();
    let mut in_cells = false;
    xml::walk(data, |step| match step {
        Step::Start("numFmt", start, _) => {
            if let (Some(id), Some(code)) =
                (attribute(start, "numFmtId"), attribute(start, "formatCode"))
            {
                custom.insert(id, is_date_format(&code));
            }
        }
        Step::Start("cellXfs", ..) => in_cells = true,
        Step::End("cellXfs") => in_cells = false,
        Step::Start("xf", start, _) if in_cells => {
            let id = attribute(start, "numFmtId").unwrap_or_default();
            let built_in = id.parse().is_ok_and(is_date_number);
            styles.push(custom.get(&id).copied().unwrap_or(built_in));
        }
        _ => {}
    });
    styles
}

/// The built-in formats that show a date.
pub(crate) fn is_date_number(id: u32) -> bool {
    matches!(id, 14..=17 | 22 | 27..=36 | 50..=58)
}

/// A format code with a day or a year outside quotes and brackets.
pub(crate) fn is_date_format(code: &str) -> bool {
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

/// The parts that a part of the folder `xl` points to, in lower case, by identifier.
pub(crate) fn targets(parts: &Parts, path: &str) -> HashMap<String, String> {
    let mut targets: HashMap<String, String> = HashMap::new();
    xml::walk(find(parts, path).unwrap_or_default(), |step| {
        if let Step::Start(_, start, _) = step
            && let (Some(id), Some(target)) = (attribute(start, "Id"), attribute(start, "Target"))
        {
            let target = target.to_ascii_lowercase();
            let path = target
                .strip_prefix('/')
                .map_or_else(|| format!("xl/{target}"), str::to_owned);
            targets.insert(id, path);
        }
    });
    targets
}

fn workbook(gather: &mut Gather<'_>, location: &Location, parts: &Parts, book: &mut Workbook) {
    let targets = targets(parts, "xl/_rels/workbook.xml.rels");
    let (mut names, mut defined, mut in_name) = (String::new(), String::new(), false);
    let Some(data) = find(parts, WORKBOOK) else {
        return;
    };
    xml::walk(data, |step| match step {
        Step::Start("workbookPr", start, _) => {
            book.from_1904 = attribute(start, "date1904")
                .is_some_and(|value| matches!(value.as_str(), "1" | "true"));
        }
        Step::Start("sheet", start, _) => {
            let name = attribute(start, "name").unwrap_or_default();
            let hidden = attribute(start, "state").is_some_and(|state| state != "visible");
            names.push_str(&name);
            names.push('\n');
            if let Some(path) = attribute(start, "id").and_then(|id| targets.get(&id).cloned()) {
                book.sheets.insert(path, (name, hidden));
            }
        }
        Step::Start("definedName", start, empty) => {
            in_name = !empty;
            defined.push_str(&attribute(start, "name").unwrap_or_default());
            defined.push(' ');
        }
        Step::End("definedName") => {
            in_name = false;
            defined.push('\n');
        }
        Step::Text(text) if in_name => defined.push_str(text),
        _ => {}
    });
    gather.unit(&location.at("sheet names"), View::Visible, names);
    gather.unit(&location.at("defined names"), View::Hidden, defined);
}

struct Sheet {
    grid: Grid,
    /// Headers, footers, validation lists, texts in formulas.
    aside: String,
}

#[derive(Default)]
struct Cell {
    column: Option<usize>,
    kind: String,
    style: usize,
    value: String,
}

fn sheet(data: &[u8], book: &Workbook, room: usize) -> Sheet {
    let mut sheet = Sheet {
        grid: Grid::of(room),
        aside: String::new(),
    };
    let mut cell = Cell::default();
    let (mut inside, mut header) = (String::new(), String::new());
    let mut in_cell = false;
    xml::walk(data, |step| match step {
        Step::Start("row", start, _) => {
            let number = attribute(start, "r").and_then(|number| number.trim().parse().ok());
            sheet.grid.row(number);
        }
        Step::Start("c", start, empty) => {
            cell = Cell {
                column: attribute(start, "r").map(|reference| column(&reference)),
                kind: attribute(start, "t").unwrap_or_default(),
                style: attribute(start, "s")
                    .and_then(|s| s.parse().ok())
                    .unwrap_or(usize::MAX),
                value: String::new(),
            };
            in_cell = !empty;
        }
        Step::Start(name, start, empty) => {
            prompts(name, start, &mut sheet.aside);
            if !empty {
                name.clone_into(&mut inside);
            }
        }
        Step::End(name) if is_margin(name) => {
            sheet.aside.push_str(&margin(&std::mem::take(&mut header)));
            sheet.aside.push('\n');
            inside.clear();
        }
        Step::End("c") => {
            in_cell = false;
            if !sheet.grid.is_full() {
                sheet.grid.cell(cell.column, &shown(&cell, book));
            }
        }
        Step::End(_) => inside.clear(),
        Step::Text(text) => match inside.as_str() {
            "v" | "t" if in_cell => cell.value.push_str(text),
            name if is_margin(name) => header.push_str(text),
            "f" if in_cell && text.contains('"') => {
                sheet.aside.push_str(text);
                sheet.aside.push('\n');
            }
            _ if !text.trim().is_empty() => {
                sheet.aside.push_str(text);
                sheet.aside.push('\n');
            }
            _ => {}
        },
    });
    sheet
}

/// The words that a cell shows when the pointer rests on it or a value is refused (ECMA-376 18.3.1.32, 18.3.1.47).
fn prompts(element: &str, start: &BytesStart<'_>, out: &mut String) {
    let names: &[&str] = match element {
        "hyperlink" => &["tooltip", "display"],
        "filter" | "customFilter" | "inputCells" => &["val"],
        "scenario" => &["name", "comment"],
        "dataValidation" => &["promptTitle", "prompt", "errorTitle", "error"],
        _ => return,
    };
    for value in names.iter().filter_map(|name| attribute(start, name)) {
        out.push_str(&value);
        out.push('\n');
    }
}

fn is_margin(element: &str) -> bool {
    matches!(
        element,
        "oddHeader" | "oddFooter" | "evenHeader" | "evenFooter" | "firstHeader" | "firstFooter"
    )
}

/// The words of a page header without its codes (ECMA-376 18.3.1.46): `&L`, `&12`, `&"Arial,Bold"`, `&K01+000`.
pub(crate) fn margin(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = match piece.as_bytes() {
            [] => "",
            [b'"', ..] => piece[1..].split_once('"').map_or("", |(_, rest)| rest),
            [b'0'..=b'9', ..] => piece.trim_start_matches(|c: char| c.is_ascii_digit()),
            [b'K', ..] => piece.get(7..).unwrap_or_default(),
            [b'L' | b'C' | b'R', ..] => {
                out.push('\n');
                &piece[1..]
            }
            [first, ..] if first.is_ascii_alphabetic() => &piece[1..],
            _ => piece,
        };
        out.push_str(rest);
    }
    out
}

/// `AB12` is column 27, counted from 0; no sheet has more than 16,384.
fn column(reference: &str) -> usize {
    let letters = reference
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .take(3);
    let number = letters.fold(0usize, |sum, letter| {
        sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    number.saturating_sub(1)
}

/// What a cell shows; one that is not of the kind it says shows what is written in it.
fn shown<'c>(cell: &'c Cell, book: &'c Workbook) -> Cow<'c, str> {
    let value = cell.value.trim();
    match (cell.kind.as_str(), value) {
        ("s", _) => match value.parse::<usize>() {
            Ok(index) => book.strings.get(index).map_or("", String::as_str).into(),
            Err(_) => value.into(),
        },
        ("inlineStr" | "str" | "e" | "d", _) => cell.value.as_str().into(),
        ("b", "1" | "true") => "TRUE".into(),
        ("b", "0" | "false") => "FALSE".into(),
        ("b", _) => value.into(),
        _ => {
            let date = book.dates.get(cell.style).copied().unwrap_or(false);
            number(value, date, book.from_1904).into()
        }
    }
}

/// A number as people see it: dates by day, long whole numbers without an exponent.
pub(crate) fn number(value: &str, date: bool, from_1904: bool) -> String {
    let Ok(parsed) = value.parse::<f64>() else {
        return value.to_owned();
    };
    if date && (1.0..2_958_466.0).contains(&parsed) {
        return day(parsed as i64 + if from_1904 { 1462 } else { 0 });
    }
    if value.contains(['e', 'E']) && parsed.fract() == 0.0 && parsed.abs() < 1e18 {
        return format!("{parsed:.0}");
    }
    value.to_owned()
}

/// Day `serial` of Excel's calendar, in which 1900 was a leap year.
fn day(serial: i64) -> String {
    let days = if serial < 61 {
        serial - 25_568
    } else {
        serial - 25_569
    };
    // Civil date from days since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{day:02}/{month:02}/{year}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_prompts_are_aside() {
        let found = sheet(
            b"<worksheet><sheetData/><dataValidation prompt='Kai Moss'/><hyperlink ref='A1' tooltip='Zara Bell'/>\
              <headerFooter><oddHeader>&amp;L&amp;\"Arial,Bold\"&amp;12Amelia Hart&amp;RPage &amp;P</oddHeader></headerFooter></worksheet>",
            &Workbook::default(),
            1000,
        );
        assert_eq!(found.aside, "Kai Moss\nZara Bell\n\nAmelia Hart\nPage \n");
    }

    #[test]
    fn numbers_as_people_see_them() {
        assert_eq!(number("40614", true, false), "12/03/2011");
        assert_eq!(number("59", true, false), "28/02/1900");
        assert_eq!(number("39152", true, true), "12/03/2011");
        assert_eq!(number("9.434765919E9", false, false), "9434765919");
        assert_eq!(number("12.5", false, false), "12.5");
        assert_eq!(column("AB12"), 27);
        assert!(
            is_date_format("dd/mm/yyyy")
                && !is_date_format("0.00\"day\"")
                && !is_date_format("[Red]0")
        );
    }
}

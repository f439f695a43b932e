//! Excel workbooks before 2007: own tables with the sheets' row numbers; `undoc` for old versions and as a second view.
//!
//! # Invariants
//! A string that the program stored and no cell shows is given in hidden view. Memory follows the records, not declared counts.
//!
//! # Standards
//! MS-XLS 2.4 (records), 2.5.293 (rich strings across CONTINUE records); the BIFF5 layout where the version says so.
//!
//! # Known gaps
//! BIFF2 to BIFF4 are left to `undoc`. Number formats other than dates and long numbers are not applied.

use std::collections::HashMap;

use crate::extract::biff::{self, Book, Record};
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::grid::Grid;
use crate::extract::ole::Streams;
use crate::extract::{legacy, runs, sniff, xlsx};

/// Records whose strings no cell shows: names, links, validation, external and pivot values.
const SAID_ASIDE: [u16; 8] = [0x18, 0x1b8, 0x1be, 0xcd, 0x5a, 0x23, 0x1ae, 0xb0];

/// Reads a workbook.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, streams: &Streams, bytes: &[u8]) {
    let (before, unread) = (gather.content.units.len(), gather.content.unread.len());
    let stream = streams.get("Workbook").or_else(|| streams.get("Book"));
    if let Some(stream) = stream {
        let begins = biff::records(stream).next().map(|record| record.kind);
        if !matches!(begins, Some(0x09 | 0x209 | 0x409 | 0x809)) {
            gather.unread(location, UnreadReason::Broken, sniff::XLS);
        }
        sheets(gather, location, stream);
    }
    let tables = |gather: &Gather<'_>| {
        gather.content.units[before..]
            .iter()
            .any(|unit| unit.view == View::Table)
    };
    let shown = tables(gather);
    // It builds every cell with a string of its own: of a sheet that is cut already it would not see the end.
    let cut = gather.content.unread[unread..]
        .iter()
        .any(|unread| unread.reason == UnreadReason::TooBig);
    if cut {
        return;
    }
    let parsed = legacy::attempt(|| undoc::xls::XlsParser::from_bytes(bytes.to_vec())?.parse());
    match &parsed {
        Some(document) if !shown => legacy::say(gather, location, document),
        Some(document) => {
            let said = gather.content.units[before..]
                .iter()
                .map(|unit| unit.text.as_str());
            // A row whose dates are written another way is not said twice: cell by cell.
            let cells = document.plain_text().replace('\t', "\n");
            let more = runs::unsaid(said, &cells);
            gather.unit(location, View::Hidden, more);
        }
        None => {}
    }
    if stream.is_none() && parsed.is_none() {
        gather.unread(location, UnreadReason::Broken, sniff::XLS);
        gather.unit(location, View::Hidden, runs::all(bytes));
    }
    pivots(gather, location, streams, before);
    // Records that no longer follow one another: the letters are still there.
    if gather.content.units.len() == before {
        gather.unit(
            location,
            View::Hidden,
            runs::all(stream.unwrap_or_default()),
        );
    }
}

/// Reads a workbook before Excel 5, which is a stream without a compound file.
pub(crate) fn bare(gather: &mut Gather<'_>, location: &Location, bytes: &[u8]) {
    let parsed = legacy::attempt(|| undoc::xls::XlsParser::from_bytes(bytes.to_vec())?.parse());
    if let Some(document) = parsed {
        legacy::say(gather, location, &document);
    } else {
        gather.unread(location, UnreadReason::Broken, sniff::XLS);
        gather.unit(location, View::Hidden, runs::all(bytes));
    }
}

/// Cached values of pivot tables.
fn pivots(gather: &mut Gather<'_>, location: &Location, streams: &Streams, before: usize) {
    let mut cached = String::new();
    for (_, data) in streams.children("_SX_DB_CUR") {
        for record in biff::records(data).filter(|record| record.kind == 0xcd) {
            cached.push_str(&biff::text(record.data, 2, true, 1252));
            cached.push('\n');
        }
    }
    let said = gather.content.units[before..]
        .iter()
        .map(|unit| unit.text.as_str());
    let more = runs::unsaid(said, &cached);
    gather.unit(&location.at("pivot tables"), View::Hidden, more);
}

/// What is collected of one sheet.
struct Sheet {
    place: String,
    grid: Grid,
    aside: String,
    comments: String,
}

impl Sheet {
    fn of(place: String, room: usize) -> Self {
        Self {
            place,
            grid: Grid::of(room),
            aside: String::new(),
            comments: String::new(),
        }
    }

    fn say(self, gather: &mut Gather<'_>, location: &Location) {
        self.grid.say(gather, location, &self.place);
        let place = location.at(self.place);
        gather.unit(&place, View::Hidden, self.comments);
        gather.unit(&place, View::Hidden, self.aside);
    }
}

fn sheets(gather: &mut Gather<'_>, location: &Location, stream: &[u8]) {
    let before = gather.content.units.len();
    let mut book = Book::default();
    let mut places: HashMap<usize, String> = HashMap::new();
    let (mut names, mut aside) = (String::new(), String::new());
    let mut open: Option<Sheet> = None;
    let mut records = biff::records(stream).peekable();
    while let Some(record) = records.next() {
        match record.kind {
            0x809 => {
                book.begin(record.data);
                if let Some(done) = open.take() {
                    done.say(gather, location);
                }
                if gather.stopped(location) {
                    return;
                }
                let globals = biff::kind_of_substream(record.data) == Some(5);
                if !globals {
                    let place = places
                        .get(&record.at)
                        .cloned()
                        .unwrap_or_else(|| "sheet".to_owned());
                    open = Some(Sheet::of(place, gather.room()));
                }
            }
            0x85 => {
                let Some((at, hidden, name)) = biff::bound_sheet(record.data, &book) else {
                    continue;
                };
                names.push_str(&name);
                names.push('\n');
                places.insert(
                    at,
                    if hidden {
                        format!("{name}, hidden sheet")
                    } else {
                        name
                    },
                );
            }
            0xfc => {
                let mut pieces = vec![record.data];
                while let Some(more) = records.next_if(|record| record.kind == 0x3c) {
                    pieces.push(more.data);
                }
                book.strings = biff::shared_strings(&pieces);
            }
            0x1b6 => {
                let text = records.next_if(|record| record.kind == 0x3c);
                let into = open
                    .as_mut()
                    .map_or(&mut aside, |sheet| &mut sheet.comments);
                if let Some(text) = text {
                    into.push_str(&biff::drawn_text(record.data, text.data));
                    into.push('\n');
                }
            }
            kind if SAID_ASIDE.contains(&kind) => {
                let into = open.as_mut().map_or(&mut aside, |sheet| &mut sheet.aside);
                into.push_str(&runs::all(record.data));
            }
            _ => {
                if let Some(sheet) = open.as_mut() {
                    cell(sheet, &book, &record);
                } else {
                    book.global(&record);
                }
            }
        }
    }
    if let Some(done) = open {
        done.say(gather, location);
    }
    gather.unit(&location.at("sheet names"), View::Visible, names);
    gather.unit(&location.at("defined names"), View::Hidden, aside);
    unshown(gather, location, &book, before);
}

/// Strings that no cell shows.
fn unshown(gather: &mut Gather<'_>, location: &Location, book: &Book, before: usize) {
    let strings = book.strings.join("\n");
    let said = gather.content.units[before..]
        .iter()
        .map(|unit| unit.text.as_str());
    let more = runs::unsaid(said, &strings);
    gather.unit(&location.at("strings of no cell"), View::Hidden, more);
}

fn cell(sheet: &mut Sheet, book: &Book, record: &Record<'_>) {
    let data = record.data;
    match record.kind {
        0x14 | 0x15 => {
            sheet.aside.push_str(&xlsx::margin(&book.text(data, 0)));
            sheet.aside.push('\n');
        }
        // The author of a comment.
        0x1c => {
            sheet.comments.push_str(&book.text(data, 8));
            sheet.comments.push('\n');
        }
        // The string that the formula before it resulted in.
        0x207 => {
            let text = book.text(data, 0);
            let column = sheet.grid.formula.take();
            if let Some((row, column)) = column {
                sheet.grid.put(row, column, &text);
            } else {
                sheet.aside.push_str(&text);
                sheet.aside.push('\n');
            }
        }
        _ => {
            if sheet.grid.is_full() {
                return;
            }
            for (row, column, value) in biff::cells(record, book) {
                match value {
                    biff::Value::Shown(text) => sheet.grid.put(row, column, &text),
                    biff::Value::StringFollows => sheet.grid.formula = Some((row, column)),
                }
            }
        }
    }
}

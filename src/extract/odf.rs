//! OpenDocument texts, spreadsheets and presentations.
//!
//! # Standards
//! OASIS OpenDocument 1.3, parts 2 (packages) and 3 (schema).
//!
//! # Known gaps
//! Flat XML documents are read as XML text. An encrypted document is not tried with candidate passwords.

use crate::extract::content::{Location, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::grid::{self, Grid};
use crate::extract::locks;
use crate::extract::ooxml;
use crate::extract::picture;
use crate::extract::read;
use crate::extract::sniff::extension;
use crate::extract::xml::{self, Step, attribute, line};

/// Repetitions of a cell that are written out; more are formatting.
const MOST_REPEATS: usize = 64;

/// Reads a document.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    bytes: &[u8],
    kind: &'static str,
    depth: usize,
) {
    let Some(parts) = ooxml::parts(gather, location, bytes, kind) else {
        return;
    };
    let manifest = parts
        .iter()
        .find(|(name, _)| name == "META-INF/manifest.xml")
        .map(|(_, data)| data.as_slice());
    if let Some(cipher) = manifest.and_then(cipher) {
        if cipher.contains("aes") || cipher.contains("chacha") {
            gather.protect(
                location,
                ProtectionState::Password,
                "OpenDocument file encrypted with AES",
            );
        } else {
            gather.protect(
                location,
                ProtectionState::Opaque,
                "OpenDocument file with an old or unknown cipher",
            );
            gather.unread(location, UnreadReason::Unsupported, kind);
        }
        return;
    }
    locks::open_document(gather, location, &parts);
    let before = gather.content.units.len();
    let mut pictures = false;
    for (name, data) in &parts {
        if gather.stopped(location) {
            return;
        }
        let file = name.rsplit('/').next().unwrap_or(name);
        match file {
            "content.xml" => body(gather, location, data),
            "styles.xml" => {
                let story = story(data, gather.room());
                gather.unit(
                    &location.at("headers and footers"),
                    View::Visible,
                    story.visible,
                );
            }
            "meta.xml" => gather.unit(
                &location.at("properties"),
                View::Properties,
                xml::all_text(data, &["name"]),
            ),
            "mimetype" | "manifest.xml" | "settings.xml" | "manifest.rdf" => {}
            _ if name.starts_with("Thumbnails/") || name.starts_with("Configurations2/") => {}
            _ if name.starts_with("Pictures/") => {
                pictures = true;
                picture::inside(gather, location, file, data);
            }
            // Where lines broke on the screen; the program's own picture of an embedded object.
            "layout-cache" => {}
            _ if name.starts_with("ObjectReplacements/") => {}
            _ if name.starts_with("Pictures/") => pictures = true,
            _ if matches!(extension(file).as_str(), "xml" | "rdf") => {
                gather.unit(&location.at(file), View::Hidden, xml::all_text(data, &[]));
            }
            _ => read::file(gather, &location.inside(file), file, None, data, depth + 1),
        }
    }
    let said = gather.content.units[before..]
        .iter()
        .any(|unit| matches!(unit.view, View::Visible | View::Table));
    if pictures && !said {
        gather.unread(location, UnreadReason::ImageOnly, kind);
    }
}

/// The cipher's name when the manifest says that entries are encrypted.
fn cipher(manifest: &[u8]) -> Option<String> {
    let mut found: Option<String> = None;
    xml::walk(manifest, |step| {
        if let Step::Start(name, start, _) = step {
            match name {
                "encryption-data" => found = found.take().or_else(|| Some(String::new())),
                "algorithm" => {
                    found = attribute(start, "algorithm-name")
                        .map(|name| name.to_ascii_lowercase())
                        .or(found.take());
                }
                _ => {}
            }
        }
    });
    found
}

fn body(gather: &mut Gather<'_>, location: &Location, data: &[u8]) {
    let story = story(data, gather.room());
    gather.unit(location, View::Visible, story.visible);
    gather.unit(location, View::Hidden, story.hidden);
    for (name, table) in story.tables {
        let place = if name.is_empty() {
            location.clone()
        } else {
            location.at(name)
        };
        gather.unit(&place, View::Table, table);
    }
    // Cells and blanks that repeat: what is left out here may be less than the limit.
    if story.cut {
        gather.unread(location, UnreadReason::TooBig, "text/plain");
    }
}

/// A table under way: its name, its rows, the number of the row under way, its cells with their repetitions.
struct OpenTable {
    name: String,
    grid: Grid,
    row: u32,
    repeats: u32,
    cells: Vec<(String, usize)>,
}

#[derive(Default)]
struct Story {
    visible: String,
    hidden: String,
    tables: Vec<(String, String)>,
    open: Vec<OpenTable>,
    aside: usize,
    in_paragraph: usize,
    /// Bytes that all tables together may still say.
    room: usize,
    /// A table was cut.
    cut: bool,
}

fn story(data: &[u8], room: usize) -> Story {
    let mut story = Story {
        room,
        ..Story::default()
    };
    xml::walk(data, |step| match step {
        Step::Start(name, start, empty) => {
            story.start(name, start, empty);
            if empty {
                story.end(name);
            }
        }
        Step::End(name) => story.end(name),
        Step::Text(text) => {
            if story.in_paragraph > 0 || story.aside > 0 {
                story.put(text);
            }
        }
    });
    story
}

impl Story {
    fn put(&mut self, text: &str) {
        if self.aside > 0 {
            self.hidden.push_str(text);
            return;
        }
        self.visible.push_str(text);
        if let Some((cell, _)) = self
            .open
            .last_mut()
            .and_then(|table| table.cells.last_mut())
        {
            cell.push_str(text);
        }
    }

    fn aside(&mut self, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            self.hidden.push_str(&value);
            self.hidden.push('\n');
        }
    }

    fn start(&mut self, name: &str, start: &quick_xml::events::BytesStart<'_>, _empty: bool) {
        match name {
            "p" | "h" => self.in_paragraph += 1,
            "s" => {
                let count = attribute(start, "c")
                    .and_then(|c| c.parse::<usize>().ok())
                    .unwrap_or(1);
                self.put(&" ".repeat(count.min(MOST_REPEATS)));
            }
            "tab" => self.put("\t"),
            "line-break" => self.put("\n"),
            "annotation" | "tracked-changes" | "title" | "desc" | "hidden-text"
            | "hidden-paragraph" => {
                self.aside(attribute(start, "string-value"));
                self.aside += 1;
            }
            "table" => {
                line(&mut self.visible);
                if self.open.len() < MOST_REPEATS {
                    self.open.push(OpenTable {
                        name: attribute(start, "name").unwrap_or_default(),
                        // Tables in tables share what is left.
                        grid: Grid::of(self.room >> self.open.len()),
                        row: 1,
                        repeats: 1,
                        cells: Vec::new(),
                    });
                }
            }
            "table-row" => {
                if let Some(table) = self.open.last_mut() {
                    table.repeats = attribute(start, "number-rows-repeated")
                        .and_then(|count| count.parse().ok())
                        .unwrap_or(1);
                }
            }
            "table-cell" | "covered-table-cell" => {
                let repeats = attribute(start, "number-columns-repeated")
                    .and_then(|n| n.parse::<usize>().ok())
                    .unwrap_or(1);
                if let Some(table) = self.open.last_mut() {
                    table.cells.push((String::new(), repeats));
                }
            }
            "a" => {
                let outside = |link: &String| {
                    let link = link.to_ascii_lowercase();
                    ["mailto:", "http:", "https:", "tel:"]
                        .iter()
                        .any(|scheme| link.starts_with(scheme))
                };
                self.aside(attribute(start, "href").filter(outside));
            }
            // Fields, forms and hidden text keep their words in attributes.
            "user-field-decl" | "user-field-get" | "variable-set" | "variable-decl"
            | "conditional-text" => {
                for name in [
                    "string-value",
                    "string-value-if-true",
                    "string-value-if-false",
                ] {
                    self.aside(attribute(start, name));
                }
            }
            "textarea" | "fixed-text" | "button" | "listbox" | "combobox" | "checkbox"
            | "radio" | "formatted-text" | "date" | "item" | "option" | "image-frame" | "text"
            | "password" => {
                for name in ["label", "value", "current-value", "title"] {
                    self.aside(attribute(start, name));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" | "h" => {
                self.in_paragraph = self.in_paragraph.saturating_sub(1);
                line(if self.aside > 0 {
                    &mut self.hidden
                } else {
                    &mut self.visible
                });
                if let Some((cell, _)) = self
                    .open
                    .last_mut()
                    .and_then(|table| table.cells.last_mut())
                    && !cell.is_empty()
                {
                    cell.push(' ');
                }
            }
            "annotation" | "tracked-changes" | "title" | "desc" | "hidden-text"
            | "hidden-paragraph" => {
                self.aside = self.aside.saturating_sub(1);
                line(&mut self.hidden);
            }
            "table-row" => self.end_row(),
            "table" => {
                if let Some(table) = self.open.pop() {
                    self.cut |= table.grid.is_full();
                    for (first, rows) in table.grid.finish() {
                        self.room = self.room.saturating_sub(rows.len());
                        self.tables.push((grid::place(&table.name, first), rows));
                    }
                }
            }
            _ => {}
        }
    }

    fn end_row(&mut self) {
        let Some(table) = self.open.last_mut() else {
            return;
        };
        table.grid.row(Some(table.row));
        let mut column = 0usize;
        for (cell, repeats) in table.cells.drain(..) {
            let cell = cell.trim();
            for time in 0..repeats.min(MOST_REPEATS) {
                if cell.is_empty() || table.grid.is_full() {
                    break;
                }
                table.grid.cell(Some(column.saturating_add(time)), cell);
            }
            column = column.saturating_add(repeats);
        }
        table.row = table.row.saturating_add(table.repeats.max(1));
    }
}

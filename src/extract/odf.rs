//! OpenDocument texts, spreadsheets and presentations.
//!
//! # Standards
//! OASIS OpenDocument 1.3, parts 2 (packages) and 3 (schema).
//!
//! # Known gaps
//! Flat XML documents are read as XML text. An encrypted document is not tried with candidate passwords.

use crate::extract::content::{Location, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::locks;
use crate::extract::ooxml;
use crate::extract::picture;
use crate::extract::read;
use crate::extract::sniff::extension;
use crate::extract::text::push_cell;
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
                let story = story(data);
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
    let story = story(data);
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
}

/// A table under way: its name, its finished rows, the cells of its row with their repetitions.
type OpenTable = (String, String, Vec<(String, usize)>);

#[derive(Default)]
struct Story {
    visible: String,
    hidden: String,
    tables: Vec<(String, String)>,
    open: Vec<OpenTable>,
    aside: usize,
    in_paragraph: usize,
}

fn story(data: &[u8]) -> Story {
    let mut story = Story::default();
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
        if let Some((cell, _)) = self.open.last_mut().and_then(|table| table.2.last_mut()) {
            cell.push_str(text);
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
            | "hidden-paragraph" => self.aside += 1,
            "table" => {
                line(&mut self.visible);
                if self.open.len() < MOST_REPEATS {
                    self.open.push((
                        attribute(start, "name").unwrap_or_default(),
                        String::new(),
                        Vec::new(),
                    ));
                }
            }
            "table-cell" | "covered-table-cell" => {
                let repeats = attribute(start, "number-columns-repeated")
                    .and_then(|n| n.parse::<usize>().ok())
                    .unwrap_or(1);
                if let Some(table) = self.open.last_mut() {
                    table.2.push((String::new(), repeats.min(MOST_REPEATS)));
                }
            }
            "a" => {
                if let Some(link) =
                    attribute(start, "href").filter(|link| link.starts_with("mailto:"))
                {
                    self.hidden.push_str(&link);
                    self.hidden.push('\n');
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
                if let Some((cell, _)) = self.open.last_mut().and_then(|table| table.2.last_mut())
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
                if let Some((name, rows, _)) = self.open.pop()
                    && rows.lines().count() > 0
                {
                    self.tables.push((name, rows));
                }
            }
            _ => {}
        }
    }

    fn end_row(&mut self) {
        let Some((_, rows, cells)) = self.open.last_mut() else {
            return;
        };
        let mut row = String::new();
        for (i, (cell, repeats)) in cells.drain(..).enumerate() {
            let times = if cell.trim().is_empty() { 1 } else { repeats };
            for time in 0..times {
                if i > 0 || time > 0 {
                    row.push('\t');
                }
                push_cell(&mut row, &cell);
            }
        }
        if !row.trim().is_empty() {
            rows.push_str(row.trim_end());
            rows.push('\n');
        }
    }
}

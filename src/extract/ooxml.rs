//! Word, Excel and PowerPoint documents since 2007: every part of the package that holds text.
//!
//! # Invariants
//! No part is skipped for its name: what has no walk of its own is read as XML text (hidden view) or, when it is no XML, as an
//! embedded file. Runs that the program split are joined.
//!
//! # Standards
//! ECMA-376 parts 1 and 2.
//!
//! # Known gaps
//! Pictures in a document are no unread unless the document has no text at all: every letterhead has a logo. Macros are not read.

use crate::extract::archive::Archive;
use crate::extract::bounded::Stop;
use crate::extract::cfb;
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::locks;
use crate::extract::packed::Packed;
use crate::extract::picture;
use crate::extract::read;
use crate::extract::runs;
use crate::extract::sniff::{self, FileKind, extension};
use crate::extract::xlsb;
use crate::extract::xlsx;
use crate::extract::xml::{self, Step, attribute, line};
use crate::mime::Defect;

/// The text of one part, by view.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) visible: String,
    pub(crate) hidden: String,
    pub(crate) tables: Vec<String>,
}

/// Unpacks a package; the bytes of each part beside its name. Faults are said at `location`.
pub(crate) fn parts(
    gather: &mut Gather<'_>,
    location: &Location,
    bytes: &[u8],
    kind: &str,
) -> Option<Vec<(String, Vec<u8>)>> {
    let Some(mut archive) = Archive::open(bytes) else {
        gather.unread(location, UnreadReason::Broken, kind);
        return None;
    };
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let name = archive.name(index);
        if name.ends_with('/') {
            continue;
        }
        if parts.len() >= gather.budget.limits.files {
            gather.unread(location, UnreadReason::TooBig, kind);
            break;
        }
        let (data, stop) = archive.read(index, None, gather.budget);
        if let Some(stop) = stop {
            gather.unread(location, stop.reason(), kind);
            if matches!(stop, Stop::TimedOut) {
                break;
            }
        }
        parts.push((name, data));
    }
    // What other programs show instead: a second part of one name, one that only its own header names.
    let (beside, mismatch) = archive.beside();
    if mismatch {
        gather.defect(Defect::ContainerMismatch);
    }
    let most = gather.budget.limits.files.saturating_sub(parts.len());
    if beside.len() > most {
        gather.unread(location, UnreadReason::TooBig, kind);
    }
    for at in beside.into_iter().take(most) {
        let Some((name, data, stop)) = archive.local(at, gather.budget) else {
            continue;
        };
        if let Some(stop) = stop {
            gather.unread(location, stop.reason(), kind);
        }
        if !data.is_empty() {
            parts.push((name, data));
        }
    }
    Some(parts)
}

/// Reads a package.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    bytes: &[u8],
    kind: &'static str,
    depth: usize,
) {
    let Some(mut parts) = parts(gather, location, bytes, kind) else {
        return;
    };
    // Slides and sheets in the order people count them.
    parts.sort_by_key(|(name, _)| (number(name), name.clone()));
    locks::office(gather, location, &parts);
    let before = gather.content.units.len();
    let binary = parts
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(xlsb::WORKBOOK));
    let sheets = |(name, _): &(String, Vec<u8>)| {
        let name = name.to_ascii_lowercase();
        name == xlsx::WORKBOOK
            || extension(&name) == "xml" && xlsx::FOLDERS.iter().any(|at| name.starts_with(at))
    };
    if !binary && parts.iter().any(sheets) {
        xlsx::read(gather, location, &parts);
    } else if binary {
        xlsb::read(gather, location, &parts);
    }
    let mut pictures = false;
    for (name, data) in &parts {
        if gather.stopped(location) {
            return;
        }
        if binary && xlsb::reads(&name.to_ascii_lowercase()) && !is_file(data) {
            continue;
        }
        pictures |= part(gather, location, name, data, depth);
    }
    let said = gather.content.units[before..]
        .iter()
        .any(|unit| matches!(unit.view, View::Visible | View::Table));
    if pictures && !said {
        gather.unread(location, UnreadReason::ImageOnly, kind);
    }
}

/// Whether a part is a document or archive of its own, whatever its name says. Only kinds that begin with a mark count.
pub(crate) fn is_file(data: &[u8]) -> bool {
    match sniff::sniff(data, "", None) {
        FileKind::Pdf
        | FileKind::Ooxml(_)
        | FileKind::Odf(_)
        | FileKind::Zip
        | FileKind::Rtf
        | FileKind::EncryptedOffice
        | FileKind::Iwork => true,
        FileKind::Ole(_) => data.starts_with(&cfb::MAGIC),
        FileKind::Packed(kind) => matches!(
            kind,
            Packed::SevenZip | Packed::Rar | Packed::Gzip | Packed::Cab
        ),
        _ => false,
    }
}

/// The first number in a part's file name.
fn number(name: &str) -> u32 {
    let file = name.rsplit('/').next().unwrap_or(name);
    let digits: String = file
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(0)
}

/// Reads one part; says whether it is a picture.
fn part(
    gather: &mut Gather<'_>,
    location: &Location,
    name: &str,
    data: &[u8],
    depth: usize,
) -> bool {
    let lower = name.to_ascii_lowercase();
    let file = lower.rsplit('/').next().unwrap_or(&lower);
    let kind = extension(file);
    let xml = matches!(kind.as_str(), "xml" | "rels" | "vml");
    if !xml || is_file(data) {
        return embedded(gather, location, name, &lower, data, depth);
    }
    let in_attributes = lower.starts_with("customxml/item") && !lower.contains("itemprops")
        || lower.starts_with("ppt/tags/")
        || file == "connections.xml";
    if in_attributes && kind == "xml" {
        let place = location.at(file.trim_end_matches(".xml"));
        gather.unit(&place, View::Hidden, xml::all_values(data));
    } else if lower.starts_with("docprops/") || lower.starts_with("customxml/") {
        gather.unit(
            &location.at("properties"),
            View::Properties,
            xml::all_text(data, &["name"]),
        );
    } else if kind == "rels" {
        gather.unit(&location.at("links"), View::Hidden, external_targets(data));
    } else if lower.starts_with("word/") {
        word(gather, location, file, data);
    } else if lower.starts_with("ppt/") {
        slides(gather, location, &lower, file, data);
    } else if lower.starts_with("xl/") {
        xlsx::other(gather, location, &lower, file, data);
    } else if file != "[content_types].xml" {
        gather.unit(location, View::Hidden, xml::all_text(data, &[]));
    }
    false
}

fn embedded(
    gather: &mut Gather<'_>,
    location: &Location,
    name: &str,
    lower: &str,
    data: &[u8],
    depth: usize,
) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let extension = lower.rsplit('.').next().unwrap_or("");
    let picture = matches!(
        extension,
        "png"
            | "jpg"
            | "jpeg"
            | "gif"
            | "bmp"
            | "tif"
            | "tiff"
            | "emf"
            | "wmf"
            | "wdp"
            | "svg"
            | "webp"
            | "ico"
    );
    // Thumbnails and printer settings are made by the program; fonts hold no text.
    let silent = lower.starts_with("docprops/")
        || lower.contains("printersettings")
        || matches!(extension, "odttf" | "fntdata" | "ttf");
    // What only bears such a name is an embedded file like another.
    let macros = lower.ends_with("vbaproject.bin")
        && sniff::sniff(data, "", None) == FileKind::Ole("application/x-ole-storage");
    let made_by_program = macros || silent && !is_file(data);
    if made_by_program || data.iter().all(|byte| *byte == 0) {
        return false;
    }
    if lower.contains("customproperty") && extension == "bin" {
        gather.unit(
            &location.at("properties"),
            View::Properties,
            runs::wide(data),
        );
        return false;
    }
    if picture
        && sniff::sniff(data, file, None)
            .media_type()
            .starts_with("image/")
    {
        picture::inside(gather, location, file, data);
        return true;
    }
    read::file(gather, &location.inside(file), file, None, data, depth + 1);
    false
}

/// Targets outside the package: web and mail links.
fn external_targets(data: &[u8]) -> String {
    let mut out = String::new();
    xml::walk(data, |step| {
        if let Step::Start(_, start, _) = step
            && let Some(target) = attribute(start, "Target")
            && (attribute(start, "TargetMode").is_some_and(|mode| mode == "External")
                || target.contains(':'))
        {
            out.push_str(&String::from_utf8_lossy(&crate::mime::words::unpercent(
                &target,
            )));
            out.push('\n');
        }
    });
    out
}

fn word(gather: &mut Gather<'_>, location: &Location, file: &str, data: &[u8]) {
    const SILENT: [&str; 5] = [
        "styles.xml",
        "fonttable.xml",
        "websettings.xml",
        "theme1.xml",
        "styleswitheffects.xml",
    ];
    if SILENT.contains(&file) {
        // The names of styles stand in attributes; words are no part of them, but a document may be told to begin here.
        gather.unit(&location.at(file), View::Hidden, xml::all_text(data, &[]));
        return;
    }
    let body = file.starts_with("document");
    let shown = body
        || ["header", "footer", "footnotes", "endnotes"]
            .iter()
            .any(|start| file.starts_with(start));
    let place = if body {
        location.clone()
    } else {
        location.at(file.trim_end_matches(".xml"))
    };
    let story = story(data);
    let view = if shown { View::Visible } else { View::Hidden };
    gather.unit(&place, view, story.visible);
    gather.unit(&place, View::Hidden, story.hidden);
    for table in story.tables {
        gather.unit(&place, View::Table, table);
    }
    // Values that stand in attributes: mail-merge sources, defaults of form fields.
    if matches!(file, "settings.xml") {
        gather.unit(&place, View::Hidden, xml::all_text(data, &["dst", "name"]));
    }
}

fn slides(gather: &mut Gather<'_>, location: &Location, path: &str, file: &str, data: &[u8]) {
    let slide = path.starts_with("ppt/slides/");
    let notes = path.starts_with("ppt/notesslides/");
    let place = match (slide || notes, number(file)) {
        (true, n) => location.at(format!("{} {n}", if slide { "slide" } else { "notes" })),
        (false, _) => location.at(file.trim_end_matches(".xml")),
    };
    if path.starts_with("ppt/theme") {
        gather.unit(&place, View::Hidden, xml::all_text(data, &[]));
        return;
    }
    let mut story = story(data);
    if !slide && !notes && story.visible.is_empty() {
        story.visible = xml::all_text(data, &["name"]);
    }
    gather.unit(
        &place,
        if slide || notes {
            View::Visible
        } else {
            View::Hidden
        },
        story.visible,
    );
    gather.unit(&place, View::Hidden, story.hidden);
    for table in story.tables {
        gather.unit(&place, View::Table, table);
    }
}

#[derive(Default)]
struct Walk {
    story: Story,
    /// Text of enclosing paragraphs, set aside while a text box inside them is read, and the boxes before it.
    aside: Vec<(String, String)>,
    /// Texts of boxes that hang on the paragraph under way: they go before it, so that it stays in one piece.
    boxes: String,
    tables: Vec<Vec<Vec<String>>>,
    in_text: usize,
    deleted: usize,
    fallback: usize,
    vanish: bool,
    in_code: bool,
}

/// The text of a WordprocessingML or DrawingML part.
pub(crate) fn story(data: &[u8]) -> Story {
    let mut walk = Walk::default();
    xml::walk(data, |step| match step {
        Step::Start(name, start, empty) => {
            walk.attributes(name, start);
            walk.start(name, start);
            if empty {
                walk.end(name);
            }
        }
        Step::End(name) => walk.end(name),
        Step::Text(text) => walk.text(text),
    });
    while !walk.aside.is_empty() {
        walk.end_box();
    }
    walk.place_boxes();
    walk.story
}

impl Walk {
    fn attributes(&mut self, name: &str, start: &quick_xml::events::BytesStart<'_>) {
        if matches!(
            name,
            "docPr"
                | "cNvPr"
                | "tblCaption"
                | "tblDescription"
                | "statusText"
                | "helpText"
                | "default"
                | "listEntry"
                | "docVar"
                | "listItem"
                | "textpath"
                | "hyperlink"
                | "hlinkClick"
                | "hlinkHover"
                | "shape"
                | "query"
                | "connectString"
                | "tag"
                | "alias"
        ) {
            for key in [
                "descr",
                "title",
                "val",
                "displayText",
                "string",
                "tooltip",
                "alt",
            ] {
                if let Some(value) = attribute(start, key).filter(|value| value.trim().len() > 1) {
                    self.story.hidden.push_str(&value);
                    self.story.hidden.push('\n');
                }
            }
        }
        if name == "fldSimple"
            && let Some(code) = attribute(start, "instr")
        {
            self.story.hidden.push_str(&code);
            self.story.hidden.push('\n');
        }
    }

    fn start(&mut self, name: &str, start: &quick_xml::events::BytesStart<'_>) {
        match name {
            "t" | "delText" => self.in_text += 1,
            "instrText" | "delInstrText" => self.in_code = true,
            "del" | "moveFrom" => self.deleted += 1,
            "Fallback" => self.fallback += 1,
            "r" | "p" => self.vanish = false,
            "vanish" | "webHidden" => {
                self.vanish = attribute(start, "val")
                    .is_none_or(|val| !matches!(val.as_str(), "0" | "false" | "off"));
            }
            "tab" | "ptab" => self.put("\t"),
            "br" | "cr" => self.put("\n"),
            "noBreakHyphen" => self.put("-"),
            "tbl" => {
                line(&mut self.story.visible);
                if self.tables.len() < 64 {
                    self.tables.push(Vec::new());
                }
            }
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    table.push(Vec::new());
                }
            }
            "tc" => {
                if let Some(row) = self.tables.last_mut().and_then(|table| table.last_mut()) {
                    row.push(String::new());
                }
            }
            "txbxContent" => self.aside.push((
                std::mem::take(&mut self.story.visible),
                std::mem::take(&mut self.boxes),
            )),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" | "delText" => self.in_text = self.in_text.saturating_sub(1),
            "instrText" | "delInstrText" => {
                self.in_code = false;
                self.story.hidden.push(' ');
            }
            "del" | "moveFrom" => {
                self.deleted = self.deleted.saturating_sub(1);
                line(&mut self.story.hidden);
            }
            "Fallback" => self.fallback = self.fallback.saturating_sub(1),
            "p" => self.end_paragraph(),
            "comment" | "pt" | "v" | "tr" => line(&mut self.story.visible),
            "tc" if self.story.visible.ends_with('\n') && self.aside.is_empty() => {
                self.story.visible.pop();
                self.story.visible.push('\t');
            }
            "tbl" => self.end_table(),
            "txbxContent" => self.end_box(),
            _ => {}
        }
    }

    fn end_box(&mut self) {
        self.place_boxes();
        let Some((outer, before)) = self.aside.pop() else {
            return;
        };
        line(&mut self.story.visible);
        let inner = std::mem::replace(&mut self.story.visible, outer);
        self.boxes = before;
        // The first box takes the place of the empty text: nested ones are not copied at each level.
        if self.boxes.is_empty() {
            self.boxes = inner;
        } else {
            self.boxes.push_str(&inner);
        }
    }

    /// Once for each paragraph, so that its text is moved once whatever hangs on it.
    fn place_boxes(&mut self) {
        if self.boxes.is_empty() {
            return;
        }
        let at = self.story.visible.rfind('\n').map_or(0, |n| n + 1);
        let paragraph = self.story.visible.split_off(at);
        if self.story.visible.is_empty() {
            self.story.visible = std::mem::take(&mut self.boxes);
        } else {
            self.story.visible.push_str(&self.boxes);
            self.boxes.clear();
        }
        self.story.visible.push_str(&paragraph);
    }

    fn end_paragraph(&mut self) {
        line(&mut self.story.hidden);
        if self.fallback == 0 {
            self.place_boxes();
            line(&mut self.story.visible);
        }
        if let Some(cell) = self.cell()
            && !cell.is_empty()
        {
            cell.push(' ');
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else {
            return;
        };
        let rows: Vec<String> = table
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| cell.trim().replace(['\n', '\t'], " "))
                    .collect::<Vec<_>>()
                    .join("\t")
            })
            .filter(|row| !row.trim().is_empty())
            .collect();
        if rows.len() > 1 {
            self.story.tables.push(rows.join("\n"));
        }
    }

    fn cell(&mut self) -> Option<&mut String> {
        self.tables.last_mut()?.last_mut()?.last_mut()
    }

    fn put(&mut self, text: &str) {
        if self.deleted > 0 || self.vanish || self.fallback > 0 {
            self.story.hidden.push_str(text);
            return;
        }
        self.story.visible.push_str(text);
        if let Some(cell) = self.cell() {
            cell.push_str(text);
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text > 0 {
            self.put(text);
        } else if self.in_code {
            self.story.hidden.push_str(text);
        } else if !text.trim().is_empty() {
            // Text of elements no program should have put it in, chart caches, SmartArt.
            self.put(text);
        }
    }
}

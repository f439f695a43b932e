//! Rich Text Format: `rtf-parser-tt` for what is shown, and an own walk for tables, instructions, embedded files and the rest.
//!
//! # Invariants
//! The own walk goes through the bytes once; it keeps one small record for each open group. Words of a destination that no reader
//! knows are given in hidden view, never dropped.
//!
//! # Standards
//! Rich Text Format 1.9.1; MS-OLEDS 2.2.5 (embedded objects).
//!
//! # Known gaps
//! Pictures in Windows metafiles are not read.

use rtf_parser_tt::{Part, RtfDocument};

use crate::extract::binary::Fields;
use crate::extract::cfb;
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::rtf_walk::{self, Payload};
use crate::extract::{ole, runs, sniff, walk};

/// Embedded files of one document.
const MOST_PAYLOADS: usize = 256;

/// The words of a document as its own walk finds them.
pub(crate) fn text(bytes: &[u8]) -> String {
    rtf_walk::walk(bytes).body
}

/// Reads a document.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let before = gather.content.units.len();
    if let Ok(document) = RtfDocument::from_bytes(bytes) {
        shown(gather, location, &document);
    }
    let read = gather.content.units.len() > before;
    let own = rtf_walk::walk(bytes);
    if read {
        let said = gather.content.units[before..]
            .iter()
            .map(|unit| unit.text.as_str());
        let more = runs::unsaid(said, &own.body);
        gather.unit(location, View::Hidden, more);
    } else {
        gather.unit(location, View::Visible, own.body);
    }
    let said = gather.content.units[before..]
        .iter()
        .map(|unit| unit.text.as_str());
    let more = runs::unsaid(said, &own.aside);
    gather.unit(location, View::Hidden, more);
    for (index, table) in own.tables.into_iter().enumerate() {
        gather.unit(
            &location.at(format!("table {}", index + 1)),
            View::Table,
            table,
        );
    }
    if own.payloads.len() > MOST_PAYLOADS {
        gather.unread(location, UnreadReason::TooBig, "application/rtf");
    }
    let mut pictures = false;
    for (index, payload) in own.payloads.into_iter().take(MOST_PAYLOADS).enumerate() {
        if gather.stopped(location) {
            return;
        }
        match payload {
            Payload::Object(data) => object(gather, location, &data, depth),
            Payload::Picture(data) => {
                pictures |= picture(gather, location, &data, index + 1, depth);
            }
        }
    }
    let said = gather.content.units[before..]
        .iter()
        .any(|unit| matches!(unit.view, View::Visible | View::Table));
    if pictures && !said {
        gather.unread(location, UnreadReason::ImageOnly, "application/rtf");
    }
}

fn shown(gather: &mut Gather<'_>, location: &Location, document: &RtfDocument) {
    let (mut body, mut hidden, mut notes, mut margins) =
        (String::new(), String::new(), String::new(), String::new());
    for block in &document.body {
        let out = match block.part {
            _ if block.painter.hidden => &mut hidden,
            Part::Note(_) => &mut notes,
            Part::Header | Part::Footer => &mut margins,
            _ => &mut body,
        };
        out.push_str(&block.text);
    }
    gather.unit(location, View::Visible, body);
    gather.unit(location, View::Hidden, hidden);
    gather.unit(&location.at("notes"), View::Visible, notes);
    gather.unit(&location.at("headers and footers"), View::Visible, margins);
    let info = &document.info;
    let fields = [
        &info.title,
        &info.subject,
        &info.author,
        &info.manager,
        &info.company,
        &info.operator,
        &info.category,
        &info.keywords,
        &info.comment,
    ];
    let said: Vec<&str> = fields.into_iter().flatten().map(String::as_str).collect();
    gather.unit(
        &location.at("properties"),
        View::Properties,
        said.join("\n"),
    );
}

/// An object as OLE 1 stores it: version, format, three names, then the native data.
fn object(gather: &mut Gather<'_>, location: &Location, data: &[u8], depth: usize) {
    let parsed = || -> Option<(&[u8], &[u8])> {
        let mut fields = Fields::of(data);
        fields.skip(8)?;
        let size = fields.size()?;
        let class = fields.take(size)?;
        for _ in 0..2 {
            let size = fields.size()?;
            fields.skip(size)?;
        }
        let size = fields.size()?;
        let rest = fields.rest();
        Some((class, &rest[..size.min(rest.len())]))
    };
    match parsed() {
        Some((class, native)) if class.starts_with(b"Package") => {
            ole::native(gather, location, native, depth);
        }
        Some((_, native)) => ole::file(gather, location, "object", native, depth),
        None => {
            // Programs that look for the document itself find it wherever it begins.
            let at = memchr::memmem::find(data, &cfb::MAGIC).unwrap_or(0);
            ole::file(gather, location, "object", &data[at..], depth);
        }
    }
}

/// A picture; says whether it is one that is no decoration.
fn picture(
    gather: &mut Gather<'_>,
    location: &Location,
    data: &[u8],
    index: usize,
    depth: usize,
) -> bool {
    let kind = sniff::sniff(data, "", None);
    match kind {
        sniff::FileKind::Image(_) if walk::is_small_picture("", data) => false,
        sniff::FileKind::Image("image/wmf" | "image/emf")
        | sniff::FileKind::Other(_)
        | sniff::FileKind::Empty => true,
        _ => {
            ole::file(gather, location, &format!("picture-{index}"), data, depth);
            true
        }
    }
}

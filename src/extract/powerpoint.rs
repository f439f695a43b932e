//! PowerPoint presentations before 2007: `undoc` for slides and notes, and an own walk over all text atoms for the rest.
//!
//! # Invariants
//! The own walk goes through the stream once and keeps no stack: a container's children follow its header.
//!
//! # Standards
//! MS-PPT 2.3.1 (records), 2.9.2 (text atoms), 2.10.34 (embedded objects).
//!
//! # Known gaps
//! Pictures are not read; PowerPoint 95 is read as runs of text.

use crate::extract::binary::Fields;
use crate::extract::bounded::Stop;
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::ole::{self, Streams};
use crate::extract::{codepage, gzip, legacy, runs, sniff};

const TEXT_CHARS: u16 = 0x0fa0;
const TEXT_BYTES: u16 = 0x0fa8;
const STRING: u16 = 0x0fba;
const OBJECT: u16 = 0x1011;

/// Reads a presentation.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    streams: &Streams,
    bytes: &[u8],
    depth: usize,
) {
    let before = gather.content.units.len();
    let parsed = legacy::attempt(|| undoc::ppt::PptParser::from_bytes(bytes.to_vec())?.parse());
    if let Some(document) = &parsed {
        legacy::say(gather, location, document);
    }
    let shown = gather.content.units.len() > before;
    let Some(stream) = streams.get("PowerPoint Document") else {
        gather.unread(location, UnreadReason::Broken, sniff::PPT);
        gather.unit(location, View::Hidden, runs::all(bytes));
        return;
    };
    let atoms = atoms(stream);
    if !shown && atoms.text.trim().is_empty() {
        if parsed.is_none() {
            gather.unread(location, UnreadReason::Broken, sniff::PPT);
        }
        gather.unit(location, View::Hidden, runs::all(stream));
    }
    let said = gather.content.units[before..]
        .iter()
        .map(|unit| unit.text.as_str());
    let more = runs::unsaid(said, &atoms.text);
    let view = if shown { View::Hidden } else { View::Visible };
    gather.unit(&location.at("masters, comments, hidden text"), view, more);
    for object in atoms.objects {
        if gather.stopped(location) {
            return;
        }
        embedded(gather, location, object, depth);
    }
}

#[derive(Default)]
struct Atoms<'a> {
    text: String,
    /// Embedded objects: whether they are compressed, and their bytes.
    objects: Vec<(bool, &'a [u8])>,
}

fn atoms(stream: &[u8]) -> Atoms<'_> {
    let mut found = Atoms::default();
    let mut fields = Fields::of(stream);
    while let (Some(version), Some(kind), Some(size)) = (fields.u16(), fields.u16(), fields.size())
    {
        // A container: its records follow.
        if version & 0xf == 0xf {
            continue;
        }
        let body = fields.rest();
        let body = &body[..size.min(body.len())];
        match kind {
            TEXT_CHARS | STRING => line(&mut found.text, &codepage::wide(body)),
            TEXT_BYTES => line(
                &mut found.text,
                &encoding_rs::WINDOWS_1252
                    .decode_without_bom_handling(body)
                    .0,
            ),
            OBJECT => found.objects.push((version >> 4 == 1, body)),
            _ => {}
        }
        if fields.skip(size).is_none() {
            break;
        }
    }
    found
}

fn line(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\r' | '\u{b}' => out.push('\n'),
            c if c.is_control() && !matches!(c, '\t' | '\n') => {}
            c => out.push(c),
        }
    }
    out.push('\n');
}

fn embedded(
    gather: &mut Gather<'_>,
    location: &Location,
    (packed, data): (bool, &[u8]),
    depth: usize,
) {
    if !packed {
        ole::file(gather, location, "embedded", data, depth);
        return;
    }
    let declared = Fields::of(data).size();
    let packed = data.get(4..).unwrap_or_default();
    let (bytes, stop, _) = gzip::inflate(packed, true, gather.budget);
    // PowerPoint does not end its streams: all the bytes it announces are all there are.
    let whole = stop == Some(Stop::Broken) && declared == Some(bytes.len());
    if let Some(stop) = stop.filter(|_| !whole) {
        gather.unread(location, stop.reason(), sniff::PPT);
    }
    ole::file(gather, location, "embedded", &bytes, depth);
}

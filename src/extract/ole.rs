//! OLE compound files as a whole: their streams, property sets and embedded files; the documents in them have readers of their own.
//!
//! # Invariants
//! Streams that share sectors cannot multiply: all streams together are at most [`MOST_TIMES`] the file. What no reader understands is
//! shown as runs of text and said to be unread.
//!
//! # Standards
//! MS-CFB; MS-OLEPS 2.21 (property sets); MS-OLEDS 2.3.6 (OLE10Native).
//!
//! # Known gaps
//! Publisher and Visio are read as runs of text only. Macros are not read.

use std::collections::HashSet;
use std::io::{Cursor, Read, Write};

use crate::extract::binary::Fields;
use crate::extract::cfb;
use crate::extract::codepage;
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::{outlook, powerpoint, read, runs, sniff, word, workbook};

/// Bytes of all streams together for each byte of the file.
const MOST_TIMES: usize = 4;
/// Streams of one file.
const MOST_STREAMS: usize = 20_000;
/// Strings of one property set.
const MOST_PROPERTIES: usize = 4_096;

/// A stream with its path, parts joined by `/`, without a slash before it.
pub(crate) struct Stream {
    pub(crate) path: String,
    pub(crate) data: Vec<u8>,
}

/// The streams of a compound file.
pub(crate) struct Streams {
    all: Vec<Stream>,
    /// Their numbers in the order of their paths.
    by_path: Vec<usize>,
    /// Not every stream could be read.
    pub(crate) broken: bool,
}

impl Streams {
    /// Opens a file; `None` when its directory cannot be read.
    pub(crate) fn open(bytes: &[u8]) -> Option<Self> {
        let mut file = ::cfb::CompoundFile::open(Cursor::new(bytes)).ok()?;
        let paths: Vec<(std::path::PathBuf, u64)> = file
            .walk()
            .filter(::cfb::Entry::is_stream)
            .take(MOST_STREAMS)
            .map(|entry| (entry.path().to_path_buf(), entry.len()))
            .collect();
        let mut room = bytes.len().saturating_mul(MOST_TIMES);
        let mut streams = Self {
            all: Vec::new(),
            by_path: Vec::new(),
            broken: paths.len() == MOST_STREAMS,
        };
        for (path, declared) in paths {
            let mut data = Vec::new();
            let whole = file.open_stream(&path).is_ok_and(|stream| {
                stream
                    .take(room as u64)
                    .read_to_end(&mut data)
                    .is_ok_and(|read| read as u64 == declared)
            });
            streams.broken |= !whole;
            room = room.saturating_sub(data.len());
            let path = path.to_string_lossy().trim_start_matches('/').to_owned();
            streams.all.push(Stream { path, data });
        }
        let path = |at: &usize| streams.all.get(*at).map(|stream| stream.path.as_str());
        let mut order: Vec<usize> = (0..streams.all.len()).collect();
        order.sort_by(|one, other| path(one).cmp(&path(other)));
        streams.by_path = order;
        Some(streams)
    }

    /// The stream of this path, whatever its case.
    pub(crate) fn get(&self, path: &str) -> Option<&[u8]> {
        self.all
            .iter()
            .find(|stream| stream.path.eq_ignore_ascii_case(path))
            .map(|stream| stream.data.as_slice())
    }

    /// The streams inside a storage at any depth, in the order of the file, with their paths in it. Found by halving: a file may have as
    /// many storages as streams.
    fn inside(&self, storage: &str) -> Vec<(&str, &Stream)> {
        let path = |at: &usize| self.all.get(*at).map_or("", |stream| stream.path.as_str());
        let prefix = if storage.is_empty() {
            String::new()
        } else {
            format!("{storage}/")
        };
        let from = self.by_path.partition_point(|at| path(at) < &*prefix);
        let mut found: Vec<usize> = self.by_path[from..]
            .iter()
            .copied()
            .take_while(|at| path(at).starts_with(&prefix))
            .collect();
        found.sort_unstable();
        found
            .into_iter()
            .filter_map(|at| {
                let stream = self.all.get(at)?;
                Some((&stream.path[prefix.len()..], stream))
            })
            .collect()
    }

    /// The streams right inside a storage (`""` for the root), by name.
    pub(crate) fn children(&self, storage: &str) -> impl Iterator<Item = (&str, &[u8])> {
        self.inside(storage)
            .into_iter()
            .filter(|(name, _)| !name.contains('/'))
            .map(|(name, stream)| (name, stream.data.as_slice()))
    }

    /// The storages right inside a storage, each once.
    pub(crate) fn storages(&self, storage: &str) -> Vec<String> {
        let mut seen: HashSet<&str> = HashSet::new();
        self.inside(storage)
            .into_iter()
            .filter_map(|(rest, _)| rest.split_once('/'))
            .filter(|(first, _)| seen.insert(first))
            .map(|(first, _)| {
                if storage.is_empty() {
                    first.to_owned()
                } else {
                    format!("{storage}/{first}")
                }
            })
            .collect()
    }

    /// A storage as a file of its own.
    pub(crate) fn extract(&self, storage: &str) -> Option<Vec<u8>> {
        let mut file = ::cfb::CompoundFile::create(Cursor::new(Vec::new())).ok()?;
        for (path, stream) in self.inside(storage) {
            if let Some((parents, _)) = path.rsplit_once('/') {
                file.create_storage_all(parents).ok()?;
            }
            file.create_stream(path)
                .ok()?
                .write_all(&stream.data)
                .ok()?;
        }
        file.flush().ok()?;
        Some(file.into_inner().into_inner())
    }
}

/// Reads a compound file of this kind.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    bytes: &[u8],
    kind: &'static str,
    depth: usize,
) {
    let Some(streams) = Streams::open(bytes) else {
        if kind == sniff::XLS && !bytes.starts_with(&cfb::MAGIC) {
            return workbook::bare(gather, location, bytes);
        }
        gather.unread(location, UnreadReason::Broken, kind);
        gather.unit(location, View::Hidden, runs::all(bytes));
        return;
    };
    if streams.broken {
        gather.unread(location, UnreadReason::Broken, kind);
    }
    match kind {
        sniff::DOC => word::read(gather, location, &streams, bytes),
        sniff::XLS => workbook::read(gather, location, &streams, bytes),
        sniff::PPT => powerpoint::read(gather, location, &streams, bytes, depth),
        sniff::MSG => {
            outlook::read(gather, location, &streams, "", depth);
            return;
        }
        _ => unknown(gather, location, &streams, kind),
    }
    properties(gather, location, &streams);
    embedded(gather, location, &streams, "", depth);
}

fn unknown(gather: &mut Gather<'_>, location: &Location, streams: &Streams, kind: &'static str) {
    // A wrapper of one embedded file says nothing of its own; a formula holds letters and signs that its runs show.
    let wrapper = streams
        .all
        .iter()
        .any(|stream| is_payload(&stream.path) || stream.path == "Equation Native");
    if !wrapper {
        gather.unread(location, UnreadReason::Unsupported, kind);
    }
    for stream in streams
        .all
        .iter()
        .filter(|stream| !is_payload(&stream.path))
    {
        gather.unit(location, View::Hidden, runs::all(&stream.data));
    }
}

fn is_payload(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "\u{1}Ole10Native" | "Package" | "EmbeddedOdf")
}

/// Title, author, custom properties and their like.
fn properties(gather: &mut Gather<'_>, location: &Location, streams: &Streams) {
    for (name, data) in streams.children("") {
        if name.starts_with('\u{5}') {
            gather.unit(
                &location.at("properties"),
                View::Properties,
                property_set(data),
            );
        }
    }
}

/// The strings of a property set, a line each.
pub(crate) fn property_set(data: &[u8]) -> String {
    let mut out = String::new();
    let mut head = Fields::from(data, 24);
    let sets = head.u32().unwrap_or(0).min(8);
    let mut left = MOST_PROPERTIES;
    for _ in 0..sets {
        let Some(start) = head.skip(16).and_then(|()| head.size()) else {
            break;
        };
        one_set(data, start, &mut left, &mut out);
    }
    out
}

fn one_set(data: &[u8], start: usize, left: &mut usize, out: &mut String) {
    let mut list = Fields::from(data, start.saturating_add(4));
    let count = list.size().unwrap_or(0);
    let mut entries = Vec::new();
    for _ in 0..count.min(*left) {
        let (Some(id), Some(offset)) = (list.u32(), list.size()) else {
            break;
        };
        entries.push((id, start.saturating_add(offset)));
    }
    *left -= entries.len();
    let page = entries
        .iter()
        .find(|(id, _)| *id == 1)
        .and_then(|(_, at)| Fields::from(data, at.saturating_add(4)).u16())
        .map_or(1252, u32::from);
    for (id, at) in entries {
        let mut value = Fields::from(data, at);
        if id == 0 {
            dictionary(&mut value, page, left, out);
        } else if let Some(kind) = value.u32() {
            typed(&mut value, kind, page, left, out);
        }
    }
}

fn typed(value: &mut Fields<'_>, kind: u32, page: u32, left: &mut usize, out: &mut String) {
    const VECTOR: u32 = 0x1000;
    match kind & 0xffff {
        0x1e => say(
            out,
            value
                .size()
                .and_then(|size| value.take(size))
                .map(|raw| codepage::text(raw, page)),
        ),
        0x1f => say(
            out,
            value
                .size()
                .and_then(|units| value.take(units.checked_mul(2)?))
                .map(codepage::wide),
        ),
        0x41 => say(
            out,
            value
                .size()
                .and_then(|size| value.take(size))
                .map(runs::wide),
        ),
        kind if kind & VECTOR != 0 => {
            let count = value.size().unwrap_or(0).min(*left);
            for _ in 0..count {
                if value.is_done() {
                    break;
                }
                *left = left.saturating_sub(1);
                let item = if kind & 0xfff == 0x0c {
                    value.u32().unwrap_or(0)
                } else {
                    kind & 0xfff
                };
                match item {
                    0x1e | 0x1f => typed(value, item, page, left, out),
                    0x03 => {
                        let _number = value.u32();
                    }
                    _ => break,
                }
            }
        }
        _ => {}
    }
}

/// The names of custom properties.
fn dictionary(value: &mut Fields<'_>, page: u32, left: &mut usize, out: &mut String) {
    for _ in 0..value.size().unwrap_or(0).min(*left) {
        *left = left.saturating_sub(1);
        let (Some(_), Some(size)) = (value.u32(), value.size()) else {
            return;
        };
        let size = if page == 1200 {
            size.saturating_mul(2).next_multiple_of(4)
        } else {
            size
        };
        let Some(raw) = value.take(size) else { return };
        say(out, Some(codepage::text(raw, page)));
    }
}

fn say(out: &mut String, text: Option<String>) {
    if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
        out.push_str(text.trim());
        out.push('\n');
    }
}

/// Documents and packages inside a storage, at any depth.
pub(crate) fn embedded(
    gather: &mut Gather<'_>,
    location: &Location,
    streams: &Streams,
    storage: &str,
    depth: usize,
) {
    if storage.split('/').count() > gather.budget.limits.container_depth {
        gather.unread(location, UnreadReason::TooDeep, "application/x-ole-storage");
        return;
    }
    for (name, data) in streams.children(storage) {
        if gather.stopped(location) {
            return;
        }
        match name {
            "\u{1}Ole10Native" => {
                native(gather, location, data.get(4..).unwrap_or_default(), depth);
            }
            "Package" | "EmbeddedOdf" => file(gather, location, "embedded", data, depth),
            "CONTENTS" | "Contents" if sniff::sniff(data, "", None).is_rich() => {
                file(gather, location, "embedded", data, depth);
            }
            _ => {}
        }
    }
    for inner in streams.storages(storage) {
        if gather.stopped(location) {
            return;
        }
        let document = streams.children(&inner).any(|(name, _)| {
            matches!(
                name.to_ascii_lowercase().as_str(),
                "worddocument"
                    | "workbook"
                    | "book"
                    | "powerpoint document"
                    | "encryptedpackage"
                    | "visiodocument"
            ) || name == "__properties_version1.0"
        });
        if !document {
            embedded(gather, location, streams, &inner, depth);
        } else if let Some(bytes) = streams.extract(&inner) {
            file(gather, location, "embedded", &bytes, depth);
        } else {
            gather.unread(location, UnreadReason::Broken, "application/x-ole-storage");
        }
    }
}

/// A packed file with its name: two bytes of flags, label, path, then the data.
pub(crate) fn native(gather: &mut Gather<'_>, location: &Location, data: &[u8], depth: usize) {
    let parsed = || -> Option<(String, &[u8])> {
        let mut fields = Fields::of(data);
        fields.skip(2)?;
        let label = fields.asciiz()?;
        fields.asciiz()?;
        fields.skip(4)?;
        let path = fields.size()?;
        fields.skip(path)?;
        let size = fields.size()?;
        Some((codepage::text(label, 1252), fields.take(size)?))
    };
    match parsed() {
        Some((name, bytes)) => {
            let base = name.rsplit(['\\', '/']).next().unwrap_or(&name);
            file(gather, location, base, bytes, depth);
        }
        None => file(gather, location, "embedded", data, depth),
    }
}

/// Reads an embedded file; one without a name is called after its kind.
pub(crate) fn file(
    gather: &mut Gather<'_>,
    location: &Location,
    name: &str,
    bytes: &[u8],
    depth: usize,
) {
    if bytes.is_empty() {
        return;
    }
    let name = if name.contains('.') {
        name.to_owned()
    } else {
        let kind = sniff::sniff(bytes, "", None);
        format!("{name}.{}", sniff::extension_for(kind))
    };
    read::file(
        gather,
        &location.inside(&name),
        &name,
        None,
        bytes,
        depth + 1,
    );
}

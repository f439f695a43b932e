//! Pages, Numbers and Keynote since 2013: the strings of their archives, and the preview that Apple's programs store beside them.
//!
//! # Invariants
//! A chunk is unpacked only when the size it declares is within a fixed bound; nesting of messages is followed to a fixed depth.
//!
//! # Standards
//! Snappy format description (raw blocks); Protocol Buffers encoding. Apple documents neither its archives nor its messages: the layout
//! was learnt from files (4-byte chunk headers; a length, `ArchiveInfo`, payloads).
//!
//! # Known gaps
//! Strings lose their cells, and numbers in tables are not read: a document with tables says that it is not read whole.

use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::{ooxml, read, sniff};

/// The media type said of all three.
pub(crate) const KIND: &str = "application/vnd.apple.iwork";
/// Largest unpacked chunk: the programs write 64 KiB.
const LARGEST_CHUNK: usize = 1 << 20;
/// Nesting of messages that is followed.
const DEEPEST: usize = 16;

/// Reads a document.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let Some(parts) = ooxml::parts(gather, location, bytes, KIND) else {
        return;
    };
    let before = gather.content.units.len();
    let mut pictures = false;
    for (name, data) in &parts {
        if gather.stopped(location) {
            return;
        }
        let file = name.rsplit('/').next().unwrap_or(name);
        let extension = sniff::extension(file);
        if extension == "iwa" {
            let (text, whole) = strings(data, gather.budget.limits.file_text_bytes);
            if !whole {
                gather.unread(location, UnreadReason::Broken, KIND);
            }
            if name.contains("Tables/Tile") {
                gather.unread(location, UnreadReason::Unsupported, KIND);
            }
            let styles = [
                "Stylesheet",
                "Metadata",
                "ViewState",
                "CalculationEngine",
                "AnnotationAuthor",
            ];
            let view = if styles.iter().any(|style| file.contains(style)) {
                View::Hidden
            } else {
                View::Visible
            };
            gather.unit(&location.at(file.trim_end_matches(".iwa")), view, text);
            continue;
        }
        if matches!(sniff::sniff(data, file, None), sniff::FileKind::Image(_)) {
            // Previews show the first page again.
            pictures |= name.starts_with("Data/");
            continue;
        }
        if !matches!(extension.as_str(), "plist" | "plistxml")
            && !data.is_empty()
            && file != "DocumentIdentifier"
        {
            read::file(gather, &location.inside(file), file, None, data, depth + 1);
        }
    }
    let said = gather.content.units[before..]
        .iter()
        .any(|unit| unit.view == View::Visible);
    if pictures && !said {
        gather.unread(location, UnreadReason::ImageOnly, KIND);
    }
}

/// The strings of an archive, and whether all of it could be unpacked.
fn strings(archive: &[u8], room: usize) -> (String, bool) {
    let mut plain: Vec<u8> = Vec::new();
    let mut rest = archive;
    let mut whole = true;
    while let [0, a, b, c, body @ ..] = rest {
        let size = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
        let Some(chunk) = body.get(..size) else {
            whole = false;
            break;
        };
        let fits = snap::raw::decompress_len(chunk).is_ok_and(|size| size <= LARGEST_CHUNK)
            && plain.len() <= room;
        match snap::raw::Decoder::new().decompress_vec(if fits { chunk } else { &[] }) {
            Ok(data) => plain.extend(data),
            Err(_) => whole = false,
        }
        rest = &body[size..];
    }
    whole &= rest.is_empty();
    let mut out = String::new();
    let mut messages = plain.as_slice();
    while let Some(payload) = next(&mut messages) {
        message(payload, 0, &mut out);
    }
    (out, whole && messages.is_empty())
}

/// The payloads of the next archive, taken off the front.
fn next<'a>(messages: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = *messages;
    let size = usize::try_from(varint(&mut rest)?).ok()?;
    let mut info = rest.get(..size)?;
    rest = &rest[size..];
    let mut length = 0usize;
    while let Some(field) = field(&mut info) {
        if let (2, Field::Bytes(mut inner)) = field {
            while let Some(field) = self::field(&mut inner) {
                if let (3, Field::Number(bytes)) = field {
                    length = length.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
                }
            }
        }
    }
    let payload = rest.get(..length)?;
    *messages = &rest[length..];
    Some(payload)
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for step in 0..10 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << (7 * step).min(63);
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = varint(bytes)?;
    let mut take = |count: usize| -> Option<&'a [u8]> {
        let found = bytes.get(..count)?;
        *bytes = &bytes[count..];
        Some(found)
    };
    let value = match key & 7 {
        1 => take(8).map(|_| Field::Fixed)?,
        5 => take(4).map(|_| Field::Fixed)?,
        0 => Field::Number(varint(bytes)?),
        2 => {
            let size = usize::try_from(varint(bytes)?).ok()?;
            let found = bytes.get(..size)?;
            *bytes = &bytes[size..];
            Field::Bytes(found)
        }
        _ => return None,
    };
    Some((key >> 3, value))
}

/// The strings of a message; what may be both a string and a message is taken for both.
fn message(mut bytes: &[u8], depth: usize, out: &mut String) {
    while let Some((_, value)) = field(&mut bytes) {
        let Field::Bytes(inner) = value else { continue };
        let text = std::str::from_utf8(inner).ok();
        let shown = text.filter(|text| {
            text.chars()
                .all(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r' | '\u{b}'))
                && text.chars().any(char::is_alphanumeric)
        });
        if let Some(text) = shown {
            out.push_str(text);
            out.push('\n');
        }
        if depth < DEEPEST && inner.len() > 2 {
            message(inner, depth + 1, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_an_archive() {
        let payload = b"\x0a\x0bAmelia Hart\x12\x07\x0a\x05Zo\xc3\xabK";
        let mut plain = vec![6, 0x08, 1, 0x12, 2, 0x18, payload.len() as u8];
        plain.extend(payload);
        let packed = snap::raw::Encoder::new()
            .compress_vec(&plain)
            .unwrap_or_default();
        let mut archive = vec![0, packed.len() as u8, 0, 0];
        archive.extend(packed);
        let (text, whole) = strings(&archive, 1000);
        assert!(
            whole && text.contains("Amelia Hart\n") && text.contains("ZoëK\n"),
            "{text}"
        );
        assert!(!strings(b"\0\xff\0\0abc", 1000).1);
    }
}

//! Formats that are read as runs of text only, and said to be unread: OneNote sections, Access and SQLite databases.
//!
//! # Standards
//! MS-ONESTORE 2.6.13 (embedded files of a section).
//!
//! # Known gaps
//! Text of a database is read without its tables; numbers and dates are not read.

use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::{ole, runs};

/// The first bytes of a section of OneNote.
pub(crate) const ONENOTE: &[u8] =
    b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";
/// What stands before an embedded file: an identifier, then the length in eight bytes and twelve unused ones.
const EMBEDDED: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
/// Embedded files of one section.
const MOST_FILES: usize = 256;

/// The database a file is, by its first bytes.
pub(crate) fn database(bytes: &[u8]) -> Option<&'static str> {
    let name = bytes.get(4..19)?;
    matches!(name, b"Standard Jet DB" | b"Standard ACE DB").then_some("application/x-msaccess")
}

/// Reads what can be read.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    bytes: &[u8],
    kind: &'static str,
    depth: usize,
) {
    gather.unread(location, UnreadReason::Unsupported, kind);
    let mut text = String::new();
    let mut from = 0;
    if bytes.starts_with(ONENOTE) {
        for at in memchr::memmem::find_iter(bytes, EMBEDDED).take(MOST_FILES) {
            let head = at + EMBEDDED.len();
            let size = bytes
                .get(head..head + 8)
                .and_then(|raw| raw.try_into().ok())
                .map_or(0, u64::from_le_bytes);
            let file = usize::try_from(size)
                .ok()
                .and_then(|size| bytes.get(head + 20..(head + 20).checked_add(size)?));
            if let Some(file) = file.filter(|_| at >= from) {
                text.push_str(&runs::all(&bytes[from..at]));
                ole::file(gather, location, "embedded", file, depth);
                from = head + 20 + file.len();
            }
        }
    }
    text.push_str(&runs::all(&bytes[from..]));
    gather.unit(location, View::Hidden, text);
}

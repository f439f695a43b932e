//! Locks that hide nothing: sheets, workbooks and texts that are guarded against changes, files that ask to be opened read-only.
//!
//! # Invariants
//! The contents are plain and are read like any others; the lock is said, because people take it for protection.
//!
//! # Standards
//! ECMA-376 part 1: 18.2.29 (workbookProtection), 18.3.1.85 (sheetProtection), 18.2.12 (fileSharing), 17.15.1.29 (documentProtection),
//! 17.15.1.93 (writeProtection), 19.2.1.19 (modifyVerifier). OpenDocument 1.3 part 3: 19.698 (table:protected), 19.850 (text:protected).
//!
//! # Known gaps
//! Locks of documents of Office 2003 and before are not said.

use crate::extract::content::{CHANGES, Location, ProtectionState, READ_ONLY};
use crate::extract::gather::Gather;

/// Elements, the attributes one of which must be there (none: the element alone says it), and what they say.
const LOCKS: [(&str, &[&str], &str); 6] = [
    (
        "sheetProtection",
        &["sheet=", "hashValue=", "password="],
        CHANGES,
    ),
    (
        "workbookProtection",
        &["lockStructure=", "lockWindows=", "lockRevision="],
        CHANGES,
    ),
    ("documentProtection", &["enforcement="], CHANGES),
    ("modifyVerifier", &[], READ_ONLY),
    ("writeProtection", &[], READ_ONLY),
    (
        "fileSharing",
        &["readOnlyRecommended=", "hashValue=", "reservationPassword="],
        READ_ONLY,
    ),
];

/// Parts of a package that may hold a lock.
fn may_lock(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("xl/worksheets/")
        || name.starts_with("xl/chartsheets/")
        || matches!(
            name.as_str(),
            "xl/workbook.xml" | "word/settings.xml" | "ppt/presentation.xml"
        )
}

/// Says the locks of an Office package.
pub(crate) fn office(gather: &mut Gather<'_>, location: &Location, parts: &[(String, Vec<u8>)]) {
    for (_, data) in parts.iter().filter(|(name, _)| may_lock(name)) {
        for (element, attributes, reason) in LOCKS {
            if tags(data, element)
                .any(|tag| attributes.is_empty() || attributes.iter().any(|name| is_set(tag, name)))
            {
                gather.protect(location, ProtectionState::Apparent, reason);
            }
        }
    }
}

/// Says the locks of an OpenDocument package.
pub(crate) fn open_document(
    gather: &mut Gather<'_>,
    location: &Location,
    parts: &[(String, Vec<u8>)],
) {
    let locked = |name: &str, data: &[u8]| match name {
        "content.xml" => [
            "table:protected=",
            "text:protected=",
            "table:structure-protected=",
        ]
        .iter()
        .any(|attribute| {
            memchr::memmem::find_iter(data, attribute)
                .any(|at| data[at + attribute.len()..].get(1..5) == Some(b"true"))
        }),
        _ => false,
    };
    if parts.iter().any(|(name, data)| locked(name, data)) {
        gather.protect(location, ProtectionState::Apparent, CHANGES);
    }
}

/// The tags of an element under any prefix, without their brackets.
fn tags<'d>(data: &'d [u8], element: &'d str) -> impl Iterator<Item = &'d [u8]> {
    const LONGEST: usize = 2048;
    memchr::memmem::find_iter(data, element).filter_map(move |at| {
        let opens = at > 0 && matches!(data[at - 1], b'<' | b':');
        let rest = &data[at + element.len()..];
        let rest = &rest[..rest.len().min(LONGEST)];
        let ends = rest
            .first()
            .is_some_and(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'>'));
        let end = memchr::memchr(b'>', rest)?;
        (opens && ends).then(|| &rest[..end])
    })
}

/// Whether an attribute is there and not switched off.
fn is_set(tag: &[u8], name: &str) -> bool {
    memchr::memmem::find_iter(tag, name).any(|at| {
        let value = tag.get(at + name.len() + 1..).unwrap_or_default();
        !(value.starts_with(b"0") && matches!(value.get(1), Some(b'"' | b'\''))
            || value.starts_with(b"false")
            || value.starts_with(b"off"))
    })
}

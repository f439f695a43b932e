//! How a reviewer's version is written: pieces of the message replaced, the rest byte for byte; and what every version says of itself.
//!
//! # Invariants
//! Where two pieces overlap the first stands. A signature over the text that was is no longer true: `DKIM-Signature` and the ARC set are
//! removed, as RFC 6377 5.7 asks of whoever changes a message, and `Content-MD5` with them; `X-Beadle-Changed` says what was done.
//!
//! # Standards
//! RFC 6376 4.2 and 6.1, RFC 6377 5.7, RFC 8617 4.1.

use std::ops::Range;

use super::fields;
use crate::mime::{Defect, Message};

/// The field that says that a message was changed on its way, and how.
pub const CHANGED_HEADER: &str = "X-Beadle-Changed";

/// Fields that vouch for the text that was.
const VOUCHERS: [&str; 5] = [
    "DKIM-Signature",
    "ARC-Seal",
    "ARC-Message-Signature",
    "ARC-Authentication-Results",
    "Content-MD5",
];

/// Bytes of the message and what is to stand in their place.
pub(super) type Splice = (Range<usize>, Vec<u8>);

/// The header section of the message itself.
pub(super) fn top(message: &Message<'_>) -> Range<usize> {
    0..message.parts.first().map_or(0, |root| root.header.end)
}

/// Whether programs see other parts or other fields than those that are changed: then a change of one reading leaves the others.
pub(super) fn is_ambiguous(message: &Message<'_>) -> bool {
    message.defects.iter().any(|defect| {
        matches!(
            defect,
            Defect::BrokenBoundary
                | Defect::DuplicateHeader
                | Defect::MalformedHeader
                | Defect::TooComplex
                | Defect::EncodedComposite
                | Defect::PartialMessage
        )
    })
}

/// What every version changes: it says so in this line, and what vouches for the old text goes.
pub(super) fn changed(message: &Message<'_>, line: &str) -> Vec<Splice> {
    let raw = message.raw;
    let mut splices = vec![(0..0, format!("{line}{}", line_end(raw)).into_bytes())];
    for field in fields::fields(raw, top(message)) {
        if VOUCHERS.iter().any(|name| field.is(raw, name)) {
            splices.push((field.range, Vec::new()));
        }
    }
    splices
}

/// The message with its pieces replaced.
pub(super) fn applied(raw: &[u8], mut splices: Vec<Splice>) -> Vec<u8> {
    splices.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = Vec::with_capacity(raw.len() + 1024);
    let mut at = 0;
    for (range, bytes) in splices {
        // A field that vouches and stands in a changed part's header is cut once.
        if range.start < at {
            continue;
        }
        out.extend_from_slice(&raw[at..range.start]);
        out.extend_from_slice(&bytes);
        at = range.end;
    }
    out.extend_from_slice(&raw[at..]);
    out
}

/// How the message ends its lines.
pub(super) fn line_end(raw: &[u8]) -> &'static str {
    let first = memchr::memchr(b'\n', raw);
    let bare = first.is_some_and(|at| at == 0 || raw[at - 1] != b'\r');
    if bare { "\n" } else { "\r\n" }
}

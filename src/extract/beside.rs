//! What stands in a file beside the format it was read as: an archive after a PDF, text after the last byte of a picture.
//!
//! # Invariants
//! A file that two programs open as two things is read as both. Only bytes that the format itself leaves out are looked at here,
//! so that an ordinary file costs one search of its end.
//!
//! # Standards
//! ISO 32000-2 7.5.5 and Annex C.2 (junk before the header and after the end); APPNOTE 4.3.16 (comment of an archive); PNG 5.6.

use crate::extract::archive;
use crate::extract::cfb;
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::pdf;
use crate::extract::picture;
use crate::extract::read;
use crate::extract::sniff::{self, FileKind};
use crate::mime::{Defect, charset};

/// Padding and line ends shorter than this say nothing.
const NOTHING: usize = 8;
/// Unknown bytes shorter than this are padding of some writer; longer ones are said.
const PADDING: usize = 256;
/// Pieces of one file that are read.
const MOST: usize = 16;

/// Reads what the reader of `kind` did not look at.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    kind: FileKind,
    name: &str,
    bytes: &[u8],
    depth: usize,
) {
    let pieces = pieces(kind, name, bytes);
    if pieces.len() > MOST {
        gather.unread(location, UnreadReason::TooBig, kind.media_type());
    }
    for piece in pieces.into_iter().take(MOST) {
        one(gather, location, piece, depth);
    }
}

/// Whether nothing but the format itself stands in the file.
pub(crate) fn is_alone(kind: FileKind, bytes: &[u8]) -> bool {
    pieces(kind, "", bytes).is_empty()
}

fn pieces<'b>(kind: FileKind, name: &str, bytes: &'b [u8]) -> Vec<&'b [u8]> {
    let mut found: Vec<&[u8]> = Vec::new();
    match kind {
        // Themes and embedded documents are archives inside a stream, which the document's reader opens. Sectors that no stream has hold
        // what was deleted: only an archive or a document in them was put there.
        _ if bytes.starts_with(&cfb::MAGIC) => {
            let rest = cfb::unused_end(bytes);
            found.extend(archive::start(rest).map(|at| &rest[at..]));
            found.extend(pdf::header(rest).map(|at| &rest[at..]));
        }
        FileKind::Zip | FileKind::Ooxml(_) | FileKind::Odf(_) => {
            found.extend(archive::comment_and_rest(bytes));
            if sniff::extension(name) == "pdf" {
                found.extend(pdf::header(bytes).map(|at| &bytes[at..]));
            }
        }
        FileKind::Pdf => {
            found.extend(pdf::foreign(bytes));
            found.extend(archive::start(bytes).map(|at| &bytes[at..]));
        }
        // Their readers say what follows their end; what they hold may well be an archive that is not packed again.
        FileKind::Empty
        | FileKind::EncryptedOffice
        | FileKind::Packed(_)
        | FileKind::Tnef
        | FileKind::Runs(_) => {}
        FileKind::Iwork => found.extend(archive::comment_and_rest(bytes)),
        _ => {
            if let FileKind::Image(_) = kind {
                found.extend(picture::rest(bytes));
            }
            if let Some(at) = pdf::header(bytes).filter(|at| pdf::has_objects(&bytes[*at..])) {
                found.push(&bytes[at..]);
            }
            found.extend(archive::start(bytes).map(|at| &bytes[at..]));
        }
    }
    found.retain(|piece| trimmed(piece).len() >= NOTHING && piece.len() < bytes.len());
    // An archive that begins where the format ends was found twice.
    found.dedup_by_key(|piece| piece.as_ptr());
    found
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let from = bytes.iter().position(|byte| !blank(byte)).unwrap_or(0);
    let to = bytes
        .iter()
        .rposition(|byte| !blank(byte))
        .map_or(from, |at| at + 1);
    &bytes[from..to]
}

/// Reads what follows the end of a packed file; zeros are padding.
pub(crate) fn after(gather: &mut Gather<'_>, location: &Location, rest: &[u8], depth: usize) {
    if trimmed(rest).len() >= NOTHING {
        one(gather, location, rest, depth);
    }
}

fn one(gather: &mut Gather<'_>, location: &Location, piece: &[u8], depth: usize) {
    let piece = trimmed(piece);
    let kind = sniff::sniff(piece, "", None);
    match kind {
        FileKind::Text(_) | FileKind::Csv => {
            gather.unit(location, View::Hidden, charset::decode(piece, None));
        }
        FileKind::Other("application/octet-stream") if piece.len() < PADDING => {}
        _ => {
            gather.defect(Defect::ContainerMismatch);
            let name = format!("beside.{}", sniff::extension_for(kind));
            read::file(
                gather,
                &location.inside(&name),
                &name,
                None,
                piece,
                depth + 1,
            );
        }
    }
}

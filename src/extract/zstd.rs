//! Zstandard: its frames one after the other.
//!
//! # Invariants
//! Frames are joined as `unzstd` joins them; skippable frames are read as files of their own, because any bytes may stand in them.
//!
//! # Standards
//! RFC 8878.
//!
//! # Known gaps
//! Frames that need a dictionary of their own are unread.

use ruzstd::decoding::StreamingDecoder;

use crate::extract::bounded::{self, DICTIONARY, Stop, Taken};
use crate::extract::content::Location;
use crate::extract::gather::Gather;
use crate::limits::Budget;

const KIND: &str = "application/zstd";
const MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";

/// The number of a skippable frame: 16 magic numbers.
pub(crate) fn is_skippable(bytes: &[u8]) -> bool {
    matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Reads a file.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let (content, stop, others) = unpack(bytes, gather.budget);
    let name = bounded::inner_name(location, &["zst", "zstd"]);
    let inside = location.inside(&name);
    bounded::found(gather, &inside, &name, KIND, (&content, stop), depth);
    for other in others {
        bounded::after_end(gather, location, other, depth);
    }
}

/// Pieces beside the frames that are read.
const MOST_OTHERS: usize = 16;

/// What came out, why it stopped, and what stands in skippable frames and after the last frame.
pub(crate) fn unpack<'b>(
    bytes: &'b [u8],
    budget: &Budget,
) -> (Vec<u8>, Option<Stop>, Vec<&'b [u8]>) {
    let mut taken = Taken::new(bytes.len());
    let (mut rest, mut stop, mut others) = (bytes, None, Vec::new());
    while stop.is_none() {
        // The rest is a file of its own, one level deeper.
        if others.len() >= MOST_OTHERS {
            break;
        }
        if let Some((inside, after)) = skippable(rest) {
            others.push(inside);
            rest = after;
            continue;
        }
        if !rest.starts_with(MAGIC) {
            break;
        }
        match StreamingDecoder::new_with_max_window_size(rest, DICTIONARY) {
            Ok(mut frame) => {
                stop = taken.fill(&mut frame, budget);
                rest = frame.into_inner();
            }
            Err(_) => stop = Some(Stop::Unsupported),
        }
    }
    if stop.is_none() {
        others.push(rest);
    }
    (taken.bytes, stop, others)
}

fn skippable(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if !is_skippable(bytes) {
        return None;
    }
    let length = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?) as usize;
    bytes[8..].split_at_checked(length)
}

//! bzip2: its streams one after the other.
//!
//! # Invariants
//! Streams are joined as `bunzip2` joins them. What follows the last one and is no padding is read as a file of its own.

use bzip2::bufread::BzDecoder;

use crate::extract::bounded::{self, Stop, Taken};
use crate::extract::content::Location;
use crate::extract::gather::Gather;
use crate::limits::Budget;

const KIND: &str = "application/x-bzip2";
const MAGIC: &[u8] = b"BZh";

/// Reads a file.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let (content, stop, rest) = unpack(bytes, gather.budget);
    let name = bounded::inner_name(location, &["bz2", "bz"]);
    let inside = location.inside(&name);
    bounded::found(gather, &inside, &name, KIND, (&content, stop), depth);
    if stop.is_none() {
        bounded::after_end(gather, location, rest, depth);
    }
}

/// What came out, why it stopped, what follows.
pub(crate) fn unpack<'b>(bytes: &'b [u8], budget: &Budget) -> (Vec<u8>, Option<Stop>, &'b [u8]) {
    let mut taken = Taken::new(bytes.len());
    let (mut rest, mut stop) = (bytes, None);
    while rest.starts_with(MAGIC) && stop.is_none() {
        let before = rest.len();
        let mut stream = BzDecoder::new(rest);
        stop = taken.fill(&mut stream, budget);
        rest = stream.into_inner();
        if rest.len() == before {
            stop = stop.or(Some(Stop::Broken));
        }
    }
    (taken.bytes, stop, rest)
}

//! Unpacking under limits that count the bytes produced, for every packed format.
//!
//! # Invariants
//! No size that a file declares is allocated or believed: what a reader yields is counted, and a decoder whose dictionary would be larger
//! than [`DICTIONARY`] is refused before it is made.

use std::io::Read;

use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::read;
use crate::limits::Budget;

/// Largest dictionary or model of a decoder, in bytes: what 7-Zip's `-mx9` and `zstd --ultra --long=28` write, and a quarter of a worker's
/// memory.
pub(crate) const DICTIONARY: u64 = 256 << 20;

/// The same in KiB, with room for a decoder's own tables.
pub(crate) const DICTIONARY_KIB: u32 = ((DICTIONARY >> 10) + 1024) as u32;

/// Members of one packed file: `bgzip` begins one for each 64 KiB, and each costs a decoder of its own.
const MOST_MEMBERS: usize = 10_000;

/// Why a packed file gave no more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    TooBig,
    Broken,
    Unsupported,
    TimedOut,
    Encrypted,
}

impl Stop {
    pub(crate) fn reason(self) -> UnreadReason {
        match self {
            Self::TooBig => UnreadReason::TooBig,
            Self::Broken => UnreadReason::Broken,
            Self::Unsupported | Self::Encrypted => UnreadReason::Unsupported,
            Self::TimedOut => UnreadReason::TimedOut,
        }
    }
}

/// Bytes taken from a decoder so far.
pub(crate) struct Taken {
    pub(crate) bytes: Vec<u8>,
    /// Bytes the packed form has: what `ratio` is measured against.
    packed: u64,
    /// What a decoder writes to, kept from one member to the next.
    block: Vec<u8>,
    members: usize,
}

impl Taken {
    pub(crate) fn new(packed: usize) -> Self {
        Self {
            bytes: Vec::new(),
            packed: packed as u64,
            block: Vec::new(),
            members: 0,
        }
    }

    /// Adds a piece, or says which limit forbids it.
    pub(crate) fn push(&mut self, piece: &[u8], budget: &Budget) -> Result<(), Stop> {
        let limits = &budget.limits;
        let total = (self.bytes.len() + piece.len()) as u64;
        let expands = total > limits.ratio_grace_bytes && total / self.packed.max(1) > limits.ratio;
        if budget.is_cancelled() {
            return Err(Stop::TimedOut);
        }
        if total > limits.file_bytes || expands || !budget.take_unpacked(piece.len() as u64) {
            return Err(Stop::TooBig);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// Reads one member to its end. What came out before a fault is kept.
    pub(crate) fn fill(&mut self, reader: &mut dyn Read, budget: &Budget) -> Option<Stop> {
        self.members += 1;
        if self.members > MOST_MEMBERS {
            return Some(Stop::TooBig);
        }
        let mut block = std::mem::take(&mut self.block);
        block.resize(64 * 1024, 0);
        let stop = self.pour(reader, &mut block, budget);
        self.block = block;
        stop
    }

    fn pour(&mut self, reader: &mut dyn Read, block: &mut [u8], budget: &Budget) -> Option<Stop> {
        loop {
            if budget.is_cancelled() {
                return Some(Stop::TimedOut);
            }
            match reader.read(block) {
                Ok(0) => return None,
                Ok(count) => {
                    if let Err(stop) = self.push(&block[..count], budget) {
                        return Some(stop);
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // lzma-rust2 says so when a dictionary is larger than it was allowed.
                Err(error) if error.kind() == std::io::ErrorKind::OutOfMemory => {
                    return Some(Stop::TooBig);
                }
                Err(_) => return Some(Stop::Broken),
            }
        }
    }
}

/// Reads to the end under the limits of size, ratio and time. What came out before a fault is kept.
pub(crate) fn drain(
    reader: &mut dyn Read,
    packed: usize,
    budget: &Budget,
) -> (Vec<u8>, Option<Stop>) {
    let mut taken = Taken::new(packed);
    let stop = taken.fill(reader, budget);
    (taken.bytes, stop)
}

/// Reads one unpacked file, whole or as far as it came.
pub(crate) fn found(
    gather: &mut Gather<'_>,
    inside: &Location,
    name: &str,
    kind: &'static str,
    (bytes, stop): (&[u8], Option<Stop>),
    depth: usize,
) {
    if let Some(stop) = stop {
        gather.unit(inside, View::FileName, name);
        gather.unread(inside, stop.reason(), kind);
        if bytes.is_empty() {
            return;
        }
    }
    read::file(gather, inside, name, None, bytes, depth + 1);
}

/// The name of what a file such as `list.csv.gz` holds: without its last extension, `.tgz` and its like as `.tar`.
pub(crate) fn inner_name(location: &Location, extensions: &[&str]) -> String {
    let name = match &location.place {
        crate::extract::Place::Attachment(names) => names.last().map_or("", String::as_str),
        _ => "",
    };
    let lower = name.to_ascii_lowercase();
    for tar in ["tgz", "tbz", "tbz2", "txz", "tzst", "tlz"] {
        if let Some(stem) = lower.strip_suffix(&format!(".{tar}")) {
            return format!("{}.tar", &name[..stem.len()]);
        }
    }
    extensions
        .iter()
        .find_map(|extension| lower.strip_suffix(&format!(".{extension}")))
        .map(|stem| name[..stem.len()].to_owned())
        .filter(|stem| !stem.is_empty())
        .unwrap_or_else(|| "content".to_owned())
}

/// Says and reads what follows the end of a packed file; zeros are padding.
pub(crate) fn after_end(gather: &mut Gather<'_>, location: &Location, rest: &[u8], depth: usize) {
    crate::extract::beside::after(gather, location, rest, depth);
}

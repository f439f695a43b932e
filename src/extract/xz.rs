//! XZ, LZMA and LZIP: the LZMA family of single-file formats.
//!
//! # Invariants
//! Streams are joined as `unxz` joins them. What follows the last one and is no padding is read as a file of its own.
//!
//! # Standards
//! The .xz file format 1.2; lzma-file-format.txt of XZ Utils; APPNOTE 5.8.8 (LZMA in ZIP); draft-diaz-lzip.

use lzma_rust2::{LzipReader, LzmaReader, XzReader};

use crate::extract::bounded::{self, DICTIONARY, DICTIONARY_KIB, Stop, Taken};
use crate::extract::content::Location;
use crate::extract::gather::Gather;
use crate::limits::Budget;

const MAGIC: &[u8] = b"\xfd7zXZ\0";

/// The formats told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lzma {
    /// `.xz`.
    Xz,
    /// `.lzma`, also "LZMA alone".
    Alone,
    /// `.lz`.
    Lzip,
}

impl Lzma {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Xz => "application/x-xz",
            Self::Alone => "application/x-lzma",
            Self::Lzip => "application/lzip",
        }
    }
}

/// Reads a file.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    kind: Lzma,
    bytes: &[u8],
    depth: usize,
) {
    let (content, stop, rest) = match kind {
        Lzma::Xz => unpack(bytes, gather.budget),
        Lzma::Alone => alone(bytes, gather.budget),
        Lzma::Lzip => lzip(bytes, gather.budget),
    };
    let name = bounded::inner_name(location, &["xz", "lzma", "lz"]);
    let inside = location.inside(&name);
    bounded::found(
        gather,
        &inside,
        &name,
        kind.media_type(),
        (&content, stop),
        depth,
    );
    if stop.is_none() {
        bounded::after_end(gather, location, rest, depth);
    }
}

/// XZ: what came out, why it stopped, what follows.
pub(crate) fn unpack<'b>(bytes: &'b [u8], budget: &Budget) -> (Vec<u8>, Option<Stop>, &'b [u8]) {
    let mut taken = Taken::new(bytes.len());
    let (mut rest, mut stop) = (bytes, None);
    while rest.starts_with(MAGIC) && stop.is_none() {
        let mut stream = XzReader::new_mem_limit(rest, false, DICTIONARY_KIB);
        stop = taken.fill(&mut stream, budget);
        if stop.is_none() {
            rest = stream.into_inner();
            // Streams are padded to four bytes with zeros.
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            if rest[zeros..].starts_with(MAGIC) {
                rest = &rest[zeros..];
            }
        }
    }
    (taken.bytes, stop, rest)
}

/// The header of `.lzma` has no magic number: properties, a dictionary of a size that writers choose, the size or "unknown".
pub(crate) fn is_alone(bytes: &[u8]) -> bool {
    const LARGEST: u64 = 1 << 38;
    let Some(header) = bytes.get(..14) else {
        return false;
    };
    let dictionary = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
    let size = header[5..13]
        .iter()
        .rev()
        .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    // 2^n or 2^n + 2^(n-1), as XZ Utils demands of a file without a magic number.
    let plausible =
        dictionary.is_power_of_two() || dictionary % 3 == 0 && (dictionary / 3).is_power_of_two();
    header[0] < 225
        && header[0] > 0
        && dictionary >= 4096
        && plausible
        && (size == u64::MAX || size < LARGEST)
        && header[13] == 0
}

fn alone<'b>(bytes: &'b [u8], budget: &Budget) -> (Vec<u8>, Option<Stop>, &'b [u8]) {
    let mut taken = Taken::new(bytes.len());
    match LzmaReader::new_mem_limit(bytes, DICTIONARY_KIB, None) {
        Ok(mut reader) => {
            let stop = taken.fill(&mut reader, budget);
            (taken.bytes, stop, reader.into_inner())
        }
        Err(_) => (Vec::new(), Some(Stop::TooBig), &[]),
    }
}

fn lzip<'b>(bytes: &'b [u8], budget: &Budget) -> (Vec<u8>, Option<Stop>, &'b [u8]) {
    // Byte 5 is the coded dictionary size: a power of two, less some sixteenths of it.
    if bytes
        .get(5)
        .is_none_or(|coded| 1u64 << (coded & 0x1f) > DICTIONARY)
    {
        return (Vec::new(), Some(Stop::TooBig), &[]);
    }
    let mut taken = Taken::new(bytes.len());
    let mut reader = LzipReader::new(bytes);
    let stop = taken.fill(&mut reader, budget);
    (taken.bytes, stop, reader.into_inner())
}

/// LZMA inside ZIP: a version, the length of the properties, the properties, the data.
pub(crate) fn unpack_zip_lzma(
    packed: &[u8],
    size: u64,
    budget: &Budget,
) -> (Vec<u8>, Option<Stop>) {
    let Some(([_, _, 5, 0, properties, d0, d1, d2, d3], data)) = packed.split_first_chunk::<9>()
    else {
        return (Vec::new(), Some(Stop::Broken));
    };
    let dictionary = u32::from_le_bytes([*d0, *d1, *d2, *d3]);
    if u64::from(dictionary) > DICTIONARY {
        return (Vec::new(), Some(Stop::TooBig));
    }
    let mut taken = Taken::new(packed.len());
    match LzmaReader::new_with_props(data, size, *properties, dictionary, None) {
        Ok(mut reader) => {
            let stop = taken.fill(&mut reader, budget);
            (taken.bytes, stop)
        }
        Err(_) => (Vec::new(), Some(Stop::Broken)),
    }
}

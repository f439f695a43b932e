//! Packed formats besides ZIP: which one a file is, and its reader.
//!
//! # Invariants
//! A format is told by its signature or its checksum, never by a name; a text that begins with the letters of a signature stays a text.

use crate::extract::bz2;
use crate::extract::cabinet;
use crate::extract::content::Location;
use crate::extract::executable;
use crate::extract::gather::Gather;
use crate::extract::gzip;
use crate::extract::rar;
use crate::extract::sevenz;
use crate::extract::tape;
use crate::extract::xz::{self, Lzma};
use crate::extract::zstd;

/// A packed format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    /// 7-Zip.
    SevenZip,
    /// RAR of any version.
    Rar,
    /// tar.
    Tar,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// XZ, LZMA, LZIP.
    Lzma(Lzma),
    /// Zstandard.
    Zstd,
    /// Windows cabinet.
    Cab,
    /// A program, by its media type, in which an archive may stand.
    Program(&'static str),
}

const MAGIC: &[(&[u8], Packed)] = &[
    (sevenz::MAGIC, Packed::SevenZip),
    (rar::MAGIC, Packed::Rar),
    (b"RE\x7e\x5e", Packed::Rar),
    (b"\x1f\x8b", Packed::Gzip),
    (b"BZh", Packed::Bzip2),
    (b"\xfd7zXZ\0", Packed::Lzma(Lzma::Xz)),
    (b"LZIP\x01", Packed::Lzma(Lzma::Lzip)),
    (b"\x28\xb5\x2f\xfd", Packed::Zstd),
    (b"MSCF", Packed::Cab),
    (b"MZ", Packed::Program(executable::WINDOWS)),
    (b"\x7fELF", Packed::Program(executable::UNIX)),
];

impl Packed {
    /// The media type, for people and policy.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::SevenZip => "application/x-7z-compressed",
            Self::Rar => "application/vnd.rar",
            Self::Tar => "application/x-tar",
            Self::Gzip => "application/gzip",
            Self::Bzip2 => "application/x-bzip2",
            Self::Lzma(kind) => kind.media_type(),
            Self::Zstd => "application/zstd",
            Self::Cab => "application/vnd.ms-cab-compressed",
            Self::Program(kind) => kind,
        }
    }
}

/// The format of a file, if it is one of these.
pub(crate) fn kind(bytes: &[u8]) -> Option<Packed> {
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        let lettered = bytes[..bytes.len().min(256)]
            .iter()
            .all(|b| !b.is_ascii_control() || b.is_ascii_whitespace());
        return (!lettered).then_some(*kind);
    }
    if zstd::is_skippable(bytes) {
        return Some(Packed::Zstd);
    }
    if tape::is_tar(bytes) {
        return Some(Packed::Tar);
    }
    xz::is_alone(bytes).then_some(Packed::Lzma(Lzma::Alone))
}

/// Reads a file.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    kind: Packed,
    bytes: &[u8],
    depth: usize,
) {
    match kind {
        Packed::SevenZip => sevenz::read(gather, location, bytes, depth),
        Packed::Rar => rar::read(gather, location, bytes, depth),
        Packed::Tar => tape::read(gather, location, bytes, depth),
        Packed::Gzip => gzip::read(gather, location, bytes, depth),
        Packed::Bzip2 => bz2::read(gather, location, bytes, depth),
        Packed::Lzma(kind) => xz::read(gather, location, kind, bytes, depth),
        Packed::Zstd => zstd::read(gather, location, bytes, depth),
        Packed::Cab => cabinet::read(gather, location, bytes, depth),
        Packed::Program(kind) => executable::read(gather, location, kind, bytes, depth),
    }
}

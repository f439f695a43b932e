//! Programs that unpack themselves: the archive inside a Windows or Unix program, found by its signature.
//!
//! # Invariants
//! A program without an archive is unread. One with an archive is read as that archive; what the program itself does is not looked at.
//!
//! # Standards
//! PE/COFF: only its first two letters; ELF: its first four. The signatures of 7z, RAR, CAB and ZIP.
//!
//! # Known gaps
//! Installers with formats of their own (NSIS, Inno Setup, MSI) are unread.

use crate::extract::archive;
use crate::extract::cabinet;
use crate::extract::content::{Location, UnreadReason};
use crate::extract::gather::Gather;
use crate::extract::rar;
use crate::extract::read;
use crate::extract::sevenz;

/// Windows programs.
pub(crate) const WINDOWS: &str = "application/vnd.microsoft.portable-executable";
/// Unix programs.
pub(crate) const UNIX: &str = "application/x-executable";
/// Archives in one program that are read.
const MOST: usize = 4;

/// Reads the archives in a program.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    kind: &'static str,
    bytes: &[u8],
    depth: usize,
) {
    let found = payloads(bytes);
    if found.is_empty() {
        gather.unread(location, UnreadReason::Unsupported, kind);
    }
    for (at, name) in found {
        let inside = location.inside(name);
        read::file(gather, &inside, name, None, &bytes[at..], depth + 1);
    }
}

/// Where archives begin. A signature counts when what follows it is the header that belongs to it: programs hold the signatures of the
/// formats they read.
fn payloads(bytes: &[u8]) -> Vec<(usize, &'static str)> {
    let first = |magic: &[u8], holds: &dyn Fn(&[u8]) -> bool| {
        memchr::memmem::find_iter(bytes, magic)
            .filter(|at| *at > 0)
            .take(64)
            .find(|at| holds(&bytes[*at..]))
    };
    let mut out: Vec<(usize, &'static str)> = Vec::new();
    // Version 0.x, and an end inside the file.
    let whole = |at: &[u8]| {
        let number = |from: usize| -> Option<u64> {
            Some(u64::from_le_bytes(at.get(from..from + 8)?.try_into().ok()?))
        };
        let end = number(12)
            .zip(number(20))
            .and_then(|(offset, size)| offset.checked_add(size)?.checked_add(32));
        at.get(6) == Some(&0) && end.is_some_and(|end| end > 32 && end <= at.len() as u64)
    };
    out.extend(first(sevenz::MAGIC, &whole).map(|at| (at, "payload.7z")));
    let rar = |at: &[u8]| {
        // Version 4 and the type of its main header, or version 5.
        at.get(6) == Some(&0) && at.get(9) == Some(&0x73) || at.get(6..8) == Some(&[1, 0])
    };
    out.extend(first(rar::MAGIC, &rar).map(|at| (at, "payload.rar")));
    let cab = |at: &[u8]| {
        let size = at
            .get(8..12)
            .and_then(|size| size.try_into().ok())
            .map(u32::from_le_bytes);
        size.is_some_and(|size| size > 36 && size as usize <= at.len()) && at.get(25) == Some(&1)
    };
    out.extend(first(cabinet::MAGIC, &cab).map(|at| (at, "payload.cab")));
    out.extend(archive::start(bytes).map(|at| (at, "payload.zip")));
    out.sort_unstable();
    // An archive inside another one is found again when that one is read.
    out.truncate(MOST);
    let last = out.first().map_or(bytes.len(), |(at, _)| *at);
    out.retain(|(at, _)| *at <= last);
    out
}

//! ZIP: every entry of the directory and every local header, read under limits that count bytes produced.
//!
//! # Invariants
//! The `zip` crate believes the central directory and keeps the last of two entries of one name. What only other programs show
//! (doubles, entries missing from the directory, local headers that say otherwise) is found by an own walk, read
//! where it can be, and reported as [`Defect::ContainerMismatch`].
//!
//! # Standards
//! APPNOTE 4.3.7, 4.3.12, 4.3.16; WinZip AE-1/AE-2.
//!
//! # Known gaps
//! Methods other than stored and deflate are unread, as are archives in several volumes.

use std::io::{Cursor, Read};

use zip::read::ZipReadOptions;
use zip::result::ZipError;

use crate::extract::content::{Location, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::read;
use crate::limits::Budget;
use crate::mime::{Defect, charset};

const LOCAL: &[u8] = b"PK\x03\x04";
const END: &[u8] = b"PK\x05\x06";
const CENTRAL: &[u8] = b"PK\x01\x02";
const KIND: &str = "application/zip";

/// One line of the central directory.
struct Listed {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    packed: usize,
    local: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(
        bytes.get(at..at + 2)?.try_into().ok()?,
    )))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

/// The central directory as it stands in the bytes; stops at the first thing it does not understand.
fn directory(bytes: &[u8]) -> Vec<Listed> {
    let Some(end) = memchr::memmem::rfind(bytes, END) else {
        return Vec::new();
    };
    let size = u32_at(bytes, end + 12).unwrap_or(0);
    let declared = u32_at(bytes, end + 16).unwrap_or(0);
    // A stub before the archive shifts every offset by the same amount.
    let start = end
        .checked_sub(size)
        .filter(|at| bytes[*at..].starts_with(CENTRAL))
        .unwrap_or(declared.min(bytes.len()));
    let shift = start.saturating_sub(declared);
    let mut at = start;
    let mut out = Vec::new();
    while bytes.get(at..at + 4) == Some(CENTRAL) && out.len() < 100_000 {
        let read = || -> Option<(Listed, usize)> {
            let name_len = u16_at(bytes, at + 28)?;
            let skip = u16_at(bytes, at + 30)? + u16_at(bytes, at + 32)?;
            let listed = Listed {
                name: bytes.get(at + 46..at + 46 + name_len)?.to_vec(),
                flags: u16_at(bytes, at + 8)? as u16,
                method: u16_at(bytes, at + 10)? as u16,
                packed: u32_at(bytes, at + 20)?,
                local: u32_at(bytes, at + 42)?.saturating_add(shift),
            };
            Some((listed, at + 46 + name_len + skip))
        };
        let Some((listed, next)) = read() else { break };
        out.push(listed);
        at = next;
    }
    out
}

/// The last whole end record.
fn end_record(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(bytes, END).filter(|at| bytes.len() - at >= 22)
}

/// Where an archive begins inside a file of another kind.
pub(crate) fn start(bytes: &[u8]) -> Option<usize> {
    end_record(bytes)?;
    directory(bytes)
        .iter()
        .map(|entry| entry.local)
        .filter(|at| bytes.get(*at..).is_some_and(|at| at.starts_with(LOCAL)))
        .min()
}

/// The comment of an archive and what follows it.
pub(crate) fn comment_and_rest(bytes: &[u8]) -> Vec<&[u8]> {
    let Some(end) = end_record(bytes) else {
        return Vec::new();
    };
    let comment = u16_at(bytes, end + 20).unwrap_or(0);
    let from = end + 22;
    let to = (from + comment).min(bytes.len());
    vec![&bytes[from..to], &bytes[to..]]
}

/// Local headers that the directory does not list, and whether listed ones contradict it.
fn compare(bytes: &[u8], listed: &[Listed]) -> (Vec<usize>, bool) {
    let mut contradicts = false;
    let mut covered: Vec<(usize, usize)> = Vec::new();
    for entry in listed {
        // Sizes and offsets of 32 ones stand in a ZIP64 field; the crate reads those.
        if entry.local == u32::MAX as usize || entry.packed == u32::MAX as usize {
            return (Vec::new(), contradicts);
        }
        let Some(header) = bytes
            .get(entry.local..)
            .filter(|header| header.starts_with(LOCAL))
        else {
            contradicts = true;
            continue;
        };
        let (Some(flags), Some(method), Some(name_len), Some(extra)) = (
            u16_at(header, 6),
            u16_at(header, 8),
            u16_at(header, 26),
            u16_at(header, 28),
        ) else {
            contradicts = true;
            continue;
        };
        let name = header.get(30..30 + name_len).unwrap_or_default();
        contradicts |= name != entry.name
            || (flags as u16 ^ entry.flags) & 1 != 0
            || method as u16 != entry.method;
        covered.push((
            entry.local,
            entry.local + 30 + name_len + extra + entry.packed,
        ));
    }
    covered.sort_unstable();
    contradicts |= covered.windows(2).any(|pair| pair[0].1 > pair[1].0);
    let mut stray = Vec::new();
    let mut from = 0;
    for (start, end) in covered.iter().copied().chain([(bytes.len(), bytes.len())]) {
        if start > from {
            stray.extend(
                memchr::memmem::find_iter(&bytes[from..start], LOCAL)
                    .map(|at| from + at)
                    .filter(|at| plausible(&bytes[*at..])),
            );
        }
        from = from.max(end.min(bytes.len()));
    }
    stray.truncate(64);
    (stray, contradicts)
}

fn plausible(header: &[u8]) -> bool {
    let (Some(version), Some(method), Some(name)) =
        (u16_at(header, 4), u16_at(header, 8), u16_at(header, 26))
    else {
        return false;
    };
    version & 0xff < 100
        && matches!(method, 0 | 1..=9 | 12 | 14 | 93 | 95 | 99)
        && (1..1024).contains(&name)
}

/// Why an entry gave no bytes.
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

/// Reads to the end under the limits of size, ratio and time. What came out before a fault is kept.
fn drain(reader: &mut impl Read, packed: u64, budget: &Budget) -> (Vec<u8>, Option<Stop>) {
    let limits = &budget.limits;
    let mut out = Vec::new();
    let mut block = vec![0u8; 64 * 1024];
    loop {
        if budget.is_cancelled() {
            return (out, Some(Stop::TimedOut));
        }
        match reader.read(&mut block) {
            Ok(0) => return (out, None),
            Ok(count) => {
                let total = (out.len() + count) as u64;
                let expands =
                    total > limits.ratio_grace_bytes && total / packed.max(1) > limits.ratio;
                if total > limits.file_bytes || expands || !budget.take_unpacked(count as u64) {
                    return (out, Some(Stop::TooBig));
                }
                out.extend_from_slice(&block[..count]);
            }
            Err(_) => return (out, Some(Stop::Broken)),
        }
    }
}

/// A ZIP opened for reading by index.
pub(crate) struct Archive<'a> {
    zip: zip::ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Archive<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        zip::ZipArchive::new(Cursor::new(bytes))
            .ok()
            .map(|zip| Self { zip })
    }

    pub(crate) fn len(&self) -> usize {
        self.zip.len()
    }

    pub(crate) fn name(&self, index: usize) -> String {
        self.zip
            .by_index_data(index)
            .map(|entry| entry_name(entry.name_raw()))
            .unwrap_or_default()
    }

    /// The bytes of an entry, or what was had before it stopped.
    pub(crate) fn read(
        &mut self,
        index: usize,
        password: Option<&str>,
        budget: &Budget,
    ) -> (Vec<u8>, Option<Stop>) {
        let options = ZipReadOptions::new().password(password.map(str::as_bytes));
        match self.zip.by_index_with_options(index, options) {
            Ok(mut file) => {
                let packed = file.compressed_size();
                drain(&mut file, packed, budget)
            }
            Err(ZipError::InvalidPassword) => (Vec::new(), Some(Stop::Encrypted)),
            Err(ZipError::UnsupportedArchive(why)) if why == ZipError::PASSWORD_REQUIRED => {
                (Vec::new(), Some(Stop::Encrypted))
            }
            Err(ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_)) => {
                (Vec::new(), Some(Stop::Unsupported))
            }
            Err(_) => (Vec::new(), Some(Stop::Broken)),
        }
    }
}

fn entry_name(raw: &[u8]) -> String {
    charset::decode(raw, Some("utf-8"))
}

/// Reads an archive and everything in it.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let listed = directory(bytes);
    let (stray, contradicts) = compare(bytes, &listed);
    let mut names: Vec<&[u8]> = listed.iter().map(|entry| entry.name.as_slice()).collect();
    names.sort_unstable();
    let doubles = names.windows(2).any(|pair| pair[0] == pair[1]);
    if contradicts || doubles || !stray.is_empty() {
        gather.defect(Defect::ContainerMismatch);
    }
    let Some(mut archive) = Archive::open(bytes) else {
        gather.unread(location, UnreadReason::Broken, KIND);
        strays(gather, location, bytes, &stray_or_all(bytes, stray), depth);
        return;
    };
    if archive.len() == 0 && !stray.is_empty() {
        gather.unread(location, UnreadReason::Broken, KIND);
    }
    for index in 0..archive.len() {
        if gather.stopped(location) {
            return;
        }
        if index >= gather.budget.limits.files {
            gather.unread(location, UnreadReason::TooBig, KIND);
            break;
        }
        entry(gather, location, &mut archive, index, depth);
    }
    let mut extra = stray;
    if doubles || contradicts {
        extra.extend(
            listed
                .iter()
                .map(|entry| entry.local)
                .filter(|at| bytes.get(*at..).is_some_and(|b| b.starts_with(LOCAL))),
        );
    }
    strays(gather, location, bytes, &extra, depth);
}

fn stray_or_all(bytes: &[u8], stray: Vec<usize>) -> Vec<usize> {
    if stray.is_empty() {
        memchr::memmem::find_iter(bytes, LOCAL)
            .filter(|at| plausible(&bytes[*at..]))
            .take(256)
            .collect()
    } else {
        stray
    }
}

fn entry(
    gather: &mut Gather<'_>,
    location: &Location,
    archive: &mut Archive<'_>,
    index: usize,
    depth: usize,
) {
    let name = archive.name(index);
    let Ok(data) = archive.zip.by_index_data(index) else {
        return;
    };
    if data.is_dir() {
        gather.unit(location, View::FileName, name);
        return;
    }
    let encrypted = data.encrypted();
    let aes = encrypted
        && matches!(
            archive.zip.get_aes_verification_key_and_salt(index),
            Ok(Some(_))
        );
    let inside = location.inside(&name);
    if !encrypted {
        let (bytes, stop) = archive.read(index, None, gather.budget);
        found(gather, &inside, &name, &bytes, stop, depth);
        return;
    }
    gather.unit(&inside, View::FileName, name.clone());
    let passwords = gather.passwords.clone();
    for password in &passwords {
        if gather.stopped(&inside) {
            return;
        }
        let (bytes, stop) = archive.read(index, Some(password), gather.budget);
        if stop.is_none() {
            gather.protect(
                &inside,
                ProtectionState::Apparent,
                "the password travels with it",
            );
            read::file(gather, &inside, &name, None, &bytes, depth + 1);
            return;
        }
        if stop == Some(Stop::TooBig) {
            gather.protect(
                &inside,
                ProtectionState::Apparent,
                "the password travels with it",
            );
            gather.unread(&inside, UnreadReason::TooBig, KIND);
            return;
        }
    }
    gather.file(&inside, "application/octet-stream", 0, false);
    if aes {
        gather.protect(
            &inside,
            ProtectionState::Password,
            "AES-encrypted entry of a ZIP archive",
        );
    } else {
        gather.protect(
            &inside,
            ProtectionState::Apparent,
            "the archive uses the weak cipher ZipCrypto",
        );
        gather.unread(&inside, UnreadReason::Unsupported, KIND);
    }
}

fn found(
    gather: &mut Gather<'_>,
    inside: &Location,
    name: &str,
    bytes: &[u8],
    stop: Option<Stop>,
    depth: usize,
) {
    if let Some(stop) = stop {
        gather.unit(inside, View::FileName, name);
        gather.unread(inside, stop.reason(), KIND);
        if bytes.is_empty() {
            return;
        }
    }
    read::file(gather, inside, name, None, bytes, depth + 1);
}

/// Entries by their local headers alone.
fn strays(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], at: &[usize], depth: usize) {
    for &start in at {
        if gather.stopped(location) {
            return;
        }
        let mut cursor = &bytes[start..];
        let name_len = u16_at(cursor, 26).unwrap_or(0);
        let name = entry_name(cursor.get(30..30 + name_len).unwrap_or_default());
        let inside = location.inside(&name);
        match zip::read::read_zipfile_from_stream(&mut cursor) {
            Ok(Some(mut file)) => {
                let packed = file.compressed_size();
                let (bytes, stop) = drain(&mut file, packed, gather.budget);
                found(gather, &inside, &name, &bytes, stop, depth);
            }
            Ok(None) => {}
            Err(_) => {
                gather.unit(&inside, View::FileName, name);
                gather.unread(&inside, UnreadReason::Broken, KIND);
            }
        }
    }
}

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
//! Imploded, shrunk and reduced entries (PKZIP 1, before 1993), encrypted entries that are packed with LZMA, XZ or Zstandard, and archives in
//! several volumes are unread.

use std::io::{Cursor, Read};

use zip::CompressionMethod;
use zip::read::ZipReadOptions;
use zip::result::ZipError;

use crate::extract::binary;
use crate::extract::bounded::{Stop, drain, found};
use crate::extract::content::{Location, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::password::{self, TRAVELS};
use crate::extract::xz;
use crate::extract::zstd;
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
    binary::u16_at(bytes, at).map(usize::from)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    binary::u32_at(bytes, at).map(|number| number as usize)
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

/// A ZIP opened for reading by index.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    zip: zip::ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Archive<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        zip::ZipArchive::new(Cursor::new(bytes))
            .ok()
            .map(|zip| Self { bytes, zip })
    }

    /// Whether the entry says that it is under PKWARE's strong encryption (APPNOTE 4.4.4, bit 6), which no program here opens.
    fn is_strong(&self, index: usize) -> bool {
        self.zip
            .by_index_data(index)
            .ok()
            .and_then(|entry| {
                let at = usize::try_from(entry.header_start()).ok()?;
                u16_at(self.bytes, at.checked_add(6)?)
            })
            .is_none_or(|flags| flags & 0x40 != 0)
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
        if let Some(unpacked) = self.unpack(index, budget) {
            return unpacked;
        }
        let options = ZipReadOptions::new().password(password.map(str::as_bytes));
        match self.zip.by_index_with_options(index, options) {
            Ok(mut file) => {
                let packed = usize::try_from(file.compressed_size()).unwrap_or(usize::MAX);
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

    /// Methods that the crate has only in C, or without a limit on the dictionary. They are unpacked here and their checksum compared.
    fn unpack(&mut self, index: usize, budget: &Budget) -> Option<(Vec<u8>, Option<Stop>)> {
        let mut entry = self.zip.by_index_raw(index).ok()?;
        let (method, size, sum) = (entry.compression(), entry.size(), entry.crc32());
        let ours = [
            CompressionMethod::ZSTD,
            CompressionMethod::ZSTD_DEPRECATED,
            CompressionMethod::XZ,
            CompressionMethod::LZMA,
        ];
        if entry.encrypted() || !ours.contains(&method) {
            return None;
        }
        // The raw bytes are a slice of the archive: no more than it has.
        let mut packed = Vec::new();
        if entry.read_to_end(&mut packed).is_err() {
            return Some((Vec::new(), Some(Stop::Broken)));
        }
        let (bytes, stop) = if method == CompressionMethod::LZMA {
            xz::unpack_zip_lzma(&packed, size, budget)
        } else if method == CompressionMethod::XZ {
            let (bytes, stop, _) = xz::unpack(&packed, budget);
            (bytes, stop)
        } else {
            let (bytes, stop, _) = zstd::unpack(&packed, budget);
            (bytes, stop)
        };
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        let stop = stop.or_else(|| (crc.sum() != sum).then_some(Stop::Broken));
        Some((bytes, stop))
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
        found(gather, &inside, &name, KIND, (&bytes, stop), depth);
        return;
    }
    gather.unit(&inside, View::FileName, name.clone());
    closed(gather, &inside, archive, (index, aes), &name, depth);
}

/// Microseconds of one try: AES derives its key in 1,000 rounds of HMAC-SHA-1, ZipCrypto in none.
const TRY_AES: u64 = 1_000;
const TRY_ZIPCRYPTO: u64 = 50;

/// An encrypted entry: opened with a word of the message, or said to be protected.
fn closed(
    gather: &mut Gather<'_>,
    inside: &Location,
    archive: &mut Archive<'_>,
    (index, aes): (usize, bool),
    name: &str,
    depth: usize,
) {
    let budget = gather.budget;
    let cost = if aes { TRY_AES } else { TRY_ZIPCRYPTO };
    // ZipCrypto lets one wrong password in 256 begin: only the checksum at the end tells. AES tells at the start.
    let opened = password::attempt(gather, cost, |word| {
        let (bytes, stop) = archive.read(index, Some(word), budget);
        let limit = matches!(stop, Some(Stop::TooBig | Stop::TimedOut));
        (stop.is_none() || aes && limit).then_some((bytes, stop))
    });
    if let Some((bytes, stop)) = opened {
        gather.protect(inside, ProtectionState::Apparent, TRAVELS);
        found(gather, inside, name, KIND, (&bytes, stop), depth);
        return;
    }
    gather.file(inside, "application/octet-stream", 0, false);
    if aes {
        gather.protect(
            inside,
            ProtectionState::Password,
            "AES-encrypted entry of a ZIP archive",
        );
    } else if archive.is_strong(index) {
        gather.protect(
            inside,
            ProtectionState::Opaque,
            "encryption that could not be confirmed",
        );
        gather.unread(inside, UnreadReason::Unsupported, KIND);
    } else {
        gather.protect(
            inside,
            ProtectionState::Apparent,
            "the archive uses the weak cipher ZipCrypto",
        );
        gather.unread(inside, UnreadReason::Unsupported, KIND);
    }
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
                let packed = usize::try_from(file.compressed_size()).unwrap_or(usize::MAX);
                let (bytes, stop) = drain(&mut file, packed, gather.budget);
                found(gather, &inside, &name, KIND, (&bytes, stop), depth);
            }
            Ok(None) => {}
            Err(_) => {
                gather.unit(&inside, View::FileName, name);
                gather.unread(&inside, UnreadReason::Broken, KIND);
            }
        }
    }
}

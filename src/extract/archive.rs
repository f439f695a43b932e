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

use std::collections::HashSet;
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
/// A 32-bit number that says: look elsewhere.
const ONES: usize = u32::MAX as usize;
/// Packed bytes that are unpacked of one archive, for each byte before its directory. Honest entries share none; those that two headers describe in two
/// ways are read twice.
const MOST_TIMES: u64 = 2;

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
        let Some((listed, next)) = one_listed(bytes, at, shift) else {
            break;
        };
        out.push(listed);
        at = next;
    }
    out
}

fn one_listed(bytes: &[u8], at: usize, shift: usize) -> Option<(Listed, usize)> {
    let name_len = u16_at(bytes, at + 28)?;
    let extra = at + 46 + name_len;
    let extra_len = u16_at(bytes, at + 30)?;
    let next = extra + extra_len + u16_at(bytes, at + 32)?;
    let mut listed = Listed {
        name: bytes.get(at + 46..extra)?.to_vec(),
        flags: u16_at(bytes, at + 8)? as u16,
        method: u16_at(bytes, at + 10)? as u16,
        packed: u32_at(bytes, at + 20)?,
        local: u32_at(bytes, at + 42)?,
    };
    // APPNOTE 4.5.3: what is all ones stands in a field of its own, in this order.
    let mut wide = wide_numbers(bytes.get(extra..extra + extra_len).unwrap_or_default());
    if u32_at(bytes, at + 24)? == ONES {
        wide.next();
    }
    for number in [&mut listed.packed, &mut listed.local] {
        if *number == ONES {
            *number = wide.next().unwrap_or(ONES);
        }
    }
    listed.local = listed.local.saturating_add(shift);
    Some((listed, next))
}

/// The numbers of the ZIP64 field among the extra fields.
fn wide_numbers(mut extra: &[u8]) -> impl Iterator<Item = usize> {
    let mut field: &[u8] = &[];
    while let (Some(id), Some(size)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let body = extra.get(4..4 + size).unwrap_or_default();
        if id == 1 {
            field = body;
            break;
        }
        extra = extra.get(4 + size..).unwrap_or_default();
    }
    field.chunks_exact(8).map(|raw| {
        let number = raw.try_into().map_or(u64::MAX, u64::from_le_bytes);
        usize::try_from(number).unwrap_or(usize::MAX)
    })
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

/// Where an archive says two things: local headers that the directory does not list, and those that say otherwise than it.
#[derive(Default)]
struct Compared {
    stray: Vec<usize>,
    differing: Vec<usize>,
    /// Entries that share bytes, or that lead to no header.
    overlaps: bool,
}

impl Compared {
    fn is_clean(&self) -> bool {
        self.stray.is_empty() && self.differing.is_empty() && !self.overlaps
    }
}

fn compare(bytes: &[u8], listed: &[Listed]) -> Compared {
    let mut found = Compared::default();
    let mut covered: Vec<(usize, usize)> = Vec::new();
    for entry in listed {
        let header = bytes
            .get(entry.local..)
            .filter(|header| header.starts_with(LOCAL));
        let Some((length, agrees)) = header.and_then(|header| agreement(header, entry)) else {
            found.overlaps = true;
            continue;
        };
        if !agrees {
            found.differing.push(entry.local);
        }
        covered.push((entry.local, entry.local.saturating_add(length)));
    }
    covered.sort_unstable();
    found.overlaps |= covered.windows(2).any(|pair| pair[0].1 > pair[1].0);
    let mut from = 0;
    for (start, end) in covered.iter().copied().chain([(bytes.len(), bytes.len())]) {
        if start > from {
            found.stray.extend(
                memchr::memmem::find_iter(&bytes[from..start], LOCAL)
                    .map(|at| from + at)
                    .filter(|at| plausible(&bytes[*at..])),
            );
        }
        from = from.max(end.min(bytes.len()));
    }
    found.stray.truncate(64);
    found
}

/// The bytes of an entry with its local header, and whether that header says what the directory says.
fn agreement(header: &[u8], entry: &Listed) -> Option<(usize, bool)> {
    let flags = u16_at(header, 6)?;
    let (packed, name_len) = (u32_at(header, 18)?, u16_at(header, 26)?);
    let name = header.get(30..30 + name_len).unwrap_or_default();
    // Bit 3: the sizes follow the data. All ones: they stand in a field of their own.
    let sized = flags & 8 == 0 && packed != ONES;
    let agrees = name == entry.name
        && (flags as u16 ^ entry.flags) & 1 == 0
        && u16_at(header, 8)? == usize::from(entry.method)
        && (!sized || packed == entry.packed);
    let length = (30 + name_len + u16_at(header, 28)?).saturating_add(entry.packed);
    Some((length, agrees))
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
    /// Packed bytes that may still be unpacked.
    left: u64,
}

impl<'a> Archive<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        let zip = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
        Some(Self {
            bytes,
            left: zip.central_directory_start().saturating_mul(MOST_TIMES),
            zip,
        })
    }

    /// Where the local headers stand that the entries read by index do not show: not in the directory, listed under a name that another
    /// entry has, or saying otherwise than the directory. And whether the archive says two things anywhere.
    pub(crate) fn beside(&self) -> (Vec<usize>, bool) {
        let listed = directory(self.bytes);
        let compared = compare(self.bytes, &listed);
        let mut names: Vec<&[u8]> = listed.iter().map(|entry| entry.name.as_slice()).collect();
        names.sort_unstable();
        let doubles = names.windows(2).any(|pair| pair[0] == pair[1]);
        let clean = !doubles && compared.is_clean();
        let mut at = compared.stray;
        at.extend(compared.differing);
        if doubles {
            let read: HashSet<u64> = (0..self.len())
                .filter_map(|index| self.zip.by_index_data(index).ok())
                .map(|entry| entry.header_start())
                .collect();
            let hidden = listed.iter().map(|entry| entry.local).filter(|at| {
                !read.contains(&(*at as u64))
                    && self.bytes.get(*at..).is_some_and(|b| b.starts_with(LOCAL))
            });
            at.extend(hidden);
        }
        at.sort_unstable();
        at.dedup();
        (at, !clean)
    }

    /// The name and bytes of the entry whose local header stands at an offset; `None` when nothing does.
    pub(crate) fn local(
        &mut self,
        at: usize,
        budget: &Budget,
    ) -> Option<(String, Vec<u8>, Option<Stop>)> {
        let (name, packed) = local_head(self.bytes, at);
        if !self.feed(packed) {
            return Some((name, Vec::new(), Some(Stop::TooBig)));
        }
        local_entry(self.bytes, at, name, budget)
    }

    /// Spends packed bytes; `false` when entries share so many that no honest archive is like it.
    fn feed(&mut self, packed: u64) -> bool {
        let fits = packed.min(self.bytes.len() as u64) <= self.left;
        self.left = self.left.saturating_sub(packed);
        fits
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
        if password.is_none() {
            let packed = self.zip.by_index_data(index);
            let packed = packed.map_or(0, |entry| entry.compressed_size());
            if !self.feed(packed) {
                return (Vec::new(), Some(Stop::TooBig));
            }
        }
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
    let Some(mut archive) = Archive::open(bytes) else {
        let stray = compare(bytes, &directory(bytes)).stray;
        if !stray.is_empty() {
            gather.defect(Defect::ContainerMismatch);
        }
        gather.unread(location, UnreadReason::Broken, KIND);
        for at in stray_or_all(bytes, stray) {
            if gather.stopped(location) {
                return;
            }
            let (name, _) = local_head(bytes, at);
            let entry = local_entry(bytes, at, name, gather.budget);
            stray_entry(gather, location, entry, depth);
        }
        return;
    };
    let (beside, mismatch) = archive.beside();
    if mismatch {
        gather.defect(Defect::ContainerMismatch);
    }
    if archive.len() == 0 && !beside.is_empty() {
        gather.unread(location, UnreadReason::Broken, KIND);
    }
    let most = gather.budget.limits.files;
    let mut folders = String::new();
    for index in 0..archive.len() {
        if gather.stopped(location) {
            return;
        }
        if index >= most {
            gather.unread(location, UnreadReason::TooBig, KIND);
            break;
        }
        entry(gather, location, &mut archive, index, &mut folders, depth);
    }
    gather.unit(location, View::FileName, folders);
    if beside.len() > most {
        gather.unread(location, UnreadReason::TooBig, KIND);
    }
    for at in beside.into_iter().take(most) {
        if gather.stopped(location) {
            return;
        }
        let entry = archive.local(at, gather.budget);
        stray_entry(gather, location, entry, depth);
    }
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
    folders: &mut String,
    depth: usize,
) {
    let name = archive.name(index);
    let Ok(data) = archive.zip.by_index_data(index) else {
        gather.unread(location, UnreadReason::Broken, KIND);
        return;
    };
    // A folder that holds bytes is a file to any program that does not go by its name.
    if data.is_dir() && data.compressed_size() == 0 {
        folders.push_str(&name);
        folders.push('\n');
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
    if !gather.budget.take_file() {
        gather.unread(location, UnreadReason::TooBig, KIND);
        return;
    }
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

/// The name in a local header, and the packed size it says.
fn local_head(bytes: &[u8], at: usize) -> (String, u64) {
    let header = bytes.get(at..).unwrap_or_default();
    let name_len = u16_at(header, 26).unwrap_or(0);
    let name = entry_name(header.get(30..30 + name_len).unwrap_or_default());
    (name, u32_at(header, 18).unwrap_or(0) as u64)
}

/// An entry by its local header alone; `None` when there is none.
fn local_entry(
    bytes: &[u8],
    at: usize,
    name: String,
    budget: &Budget,
) -> Option<(String, Vec<u8>, Option<Stop>)> {
    let mut cursor = bytes.get(at..)?;
    match zip::read::read_zipfile_from_stream(&mut cursor) {
        Ok(Some(mut file)) => {
            let packed = usize::try_from(file.compressed_size()).unwrap_or(usize::MAX);
            let (bytes, stop) = drain(&mut file, packed, budget);
            Some((name, bytes, stop))
        }
        Ok(None) => None,
        Err(_) => Some((name, Vec::new(), Some(Stop::Broken))),
    }
}

fn stray_entry(
    gather: &mut Gather<'_>,
    location: &Location,
    entry: Option<(String, Vec<u8>, Option<Stop>)>,
    depth: usize,
) {
    if let Some((name, bytes, stop)) = entry {
        let inside = location.inside(&name);
        found(gather, &inside, &name, KIND, (&bytes, stop), depth);
    }
}

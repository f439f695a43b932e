//! OLE compound files: only their directory, to tell encrypted Office documents from old ones.
//!
//! # Invariants
//! "Encrypted" is said only when the directory names both streams and the header of the encryption stream is one that Office
//! writes; a text inside a document cannot fake it.
//!
//! # Standards
//! MS-CFB 2.2, 2.6; MS-OFFCRYPTO 2.3.4.
//!
//! # Known gaps
//! The contents of .doc, .xls, .ppt and .msg are not read. A workbook under Excel's built-in password ("VelvetSweatshop"), which opens
//! for everyone, is taken for encrypted, and candidate passwords are not tried on Office files.

use crate::extract::sniff::FileKind;

/// The first eight bytes of a compound file.
pub(crate) const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Chains longer than this belong to no honest header or directory.
const LONGEST_CHAIN: usize = 4096;
const END: u32 = 0xffff_fffa;

struct Compound<'a> {
    bytes: &'a [u8],
    sector: usize,
    fat: Vec<u32>,
}

struct Entry {
    name: String,
    kind: u8,
    start: u32,
    size: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl<'a> Compound<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let shift = u16_at(bytes, 30)?;
        if !matches!(shift, 9 | 12) {
            return None;
        }
        let sector = 1usize << shift;
        let mut fat_sectors: Vec<u32> = (0..109)
            .filter_map(|i| u32_at(bytes, 76 + i * 4))
            .take_while(|at| *at < END)
            .collect();
        let mut next = u32_at(bytes, 68)?;
        let mut hops = 0;
        while next < END && hops < LONGEST_CHAIN {
            let at = (next as usize + 1).checked_mul(sector)?;
            let more = sector / 4 - 1;
            fat_sectors.extend(
                (0..more)
                    .filter_map(|i| u32_at(bytes, at + i * 4))
                    .filter(|at| *at < END),
            );
            next = u32_at(bytes, at + more * 4)?;
            hops += 1;
        }
        let mut fat = Vec::new();
        for number in fat_sectors.into_iter().take(bytes.len() / sector + 1) {
            let at = (number as usize + 1) * sector;
            fat.extend((0..sector / 4).map_while(|i| u32_at(bytes, at + i * 4)));
        }
        Some(Self { bytes, sector, fat })
    }

    fn chain(&self, start: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let (mut at, mut hops) = (start, 0);
        while at < END && hops < LONGEST_CHAIN {
            let offset = (at as usize + 1) * self.sector;
            let Some(sector) = self
                .bytes
                .get(offset..(offset + self.sector).min(self.bytes.len()).max(offset))
            else {
                break;
            };
            out.extend_from_slice(sector);
            at = self.fat.get(at as usize).copied().unwrap_or(u32::MAX);
            hops += 1;
        }
        out
    }

    fn entries(&self) -> Vec<Entry> {
        let Some(start) = u32_at(self.bytes, 48) else {
            return Vec::new();
        };
        self.chain(start)
            .chunks_exact(128)
            .filter_map(|raw| {
                let length = usize::from(u16_at(raw, 64)?).clamp(2, 64) - 2;
                let units: Vec<u16> = raw[..length]
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                    .collect();
                let entry = Entry {
                    name: String::from_utf16_lossy(&units).to_ascii_lowercase(),
                    kind: raw[66],
                    start: u32_at(raw, 116)?,
                    size: u32_at(raw, 120)? as usize,
                };
                (entry.kind != 0).then_some(entry)
            })
            .collect()
    }

    /// The first bytes of a stream, from the mini stream when it is small.
    fn head(&self, entries: &[Entry], entry: &Entry) -> Option<Vec<u8>> {
        if entry.size >= 4096 {
            return Some(self.chain(entry.start));
        }
        let root = entries.iter().find(|entry| entry.kind == 5)?;
        let mini = self.chain(root.start);
        let at = entry.start as usize * 64;
        Some(mini.get(at..(at + 64).min(mini.len()))?.to_vec())
    }
}

/// What a compound file is.
pub(crate) fn kind(bytes: &[u8]) -> FileKind {
    const OLE: FileKind = FileKind::Other("application/x-ole-storage");
    let Some(compound) = Compound::open(bytes) else {
        return OLE;
    };
    let entries = compound.entries();
    let stream = |name: &str| {
        entries
            .iter()
            .find(|entry| entry.name == name && entry.kind == 2)
    };
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    if has("\u{6}dataspaces") && has("drmencrypteddataspace") {
        return FileKind::Rpmsg;
    }
    if let (Some(info), Some(package)) = (stream("encryptioninfo"), stream("encryptedpackage")) {
        let plain =
            has("worddocument") || has("workbook") || has("book") || has("powerpoint document");
        let head = compound.head(&entries, info).unwrap_or_default();
        let version = (u16_at(&head, 0), u16_at(&head, 2));
        let known = matches!(version, (Some(4), Some(4)) | (Some(2..=4), Some(2)));
        if known && !plain && package.size > 8 {
            return FileKind::EncryptedOffice;
        }
        return FileKind::Other("application/x-encrypted-office");
    }
    if has("worddocument") {
        FileKind::Other("application/msword")
    } else if has("workbook") || has("book") {
        FileKind::Other("application/vnd.ms-excel")
    } else if has("powerpoint document") {
        FileKind::Other("application/vnd.ms-powerpoint")
    } else if has("__properties_version1.0") {
        FileKind::Other("application/vnd.ms-outlook")
    } else {
        OLE
    }
}

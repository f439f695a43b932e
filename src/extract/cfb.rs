//! OLE compound files before they are read: their kind, what seals them, and the sectors that belong to nothing. `ole` reads their contents.
//!
//! # Invariants
//! "Encrypted" is said only when the directory names both streams and the header of the encryption stream is one that Office
//! writes; a text inside a document cannot fake it.
//!
//! # Standards
//! MS-CFB 2.2, 2.6; MS-OFFCRYPTO 2.2, 2.3.4; MS-DOC 2.5.1 (fEncrypted); MS-XLS 2.4.117 (FilePass); MS-PPT 2.3.2 (headerToken).

use crate::extract::binary::{u16_at, u32_at};
use crate::extract::sniff::{self, FileKind};

/// The first eight bytes of a compound file.
pub(crate) const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Chains longer than this belong to no honest header or directory; nor do chains longer than their file, which run in circles.
const LONGEST_CHAIN: usize = 4096;
const END: u32 = 0xffff_fffa;
/// Streams below this size stand in the mini stream.
const MINI: usize = 4096;
/// Bytes of an encrypted package that are looked at.
const SAMPLE: usize = 64 * 1024;
/// Records of a workbook that are looked at for its encryption.
const FIRST_RECORDS: usize = 32;

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
        while next < END && hops < LONGEST_CHAIN.min(bytes.len() / sector) {
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
        for range in self.sectors(start) {
            out.extend_from_slice(&self.bytes[range]);
        }
        out
    }

    /// Where the sectors of a chain stand in the file.
    fn sectors(&self, start: u32) -> Vec<std::ops::Range<usize>> {
        let mut out = Vec::new();
        let mut at = start;
        let longest = LONGEST_CHAIN.min(self.bytes.len() / self.sector + 1);
        while at < END && out.len() < longest {
            let offset = (at as usize + 1) * self.sector;
            if offset >= self.bytes.len() {
                break;
            }
            out.push(offset..(offset + self.sector).min(self.bytes.len()));
            at = self.fat.get(at as usize).copied().unwrap_or(u32::MAX);
        }
        out
    }

    /// Where the first `most` bytes of a stream stand in the file.
    fn positions(&self, entries: &[Entry], entry: &Entry, most: usize) -> Vec<usize> {
        if entry.size >= MINI {
            let sectors = self.sectors(entry.start);
            return sectors
                .into_iter()
                .flatten()
                .take(most.min(entry.size))
                .collect();
        }
        // Its chain of small sectors is taken to be unbroken, as every writer makes it.
        let root = entries.iter().find(|entry| entry.kind == 5);
        let mini = root.map_or_else(Vec::new, |root| self.sectors(root.start));
        mini.into_iter()
            .flatten()
            .skip(entry.start as usize * 64)
            .take(most.min(entry.size))
            .collect()
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
        if entry.size >= MINI {
            return Some(self.chain(entry.start));
        }
        let root = entries.iter().find(|entry| entry.kind == 5)?;
        let mini = self.chain(root.start);
        let at = entry.start as usize * 64;
        Some(mini.get(at..(at + 64).min(mini.len()))?.to_vec())
    }
}

/// The sectors after the last one that belongs to anything.
pub(crate) fn unused_end(bytes: &[u8]) -> &[u8] {
    const FREE: u32 = u32::MAX;
    let end = Compound::open(bytes).and_then(|compound| {
        let last = compound.fat.iter().rposition(|next| *next != FREE)?;
        (last + 2).checked_mul(compound.sector)
    });
    end.and_then(|end| bytes.get(end..)).unwrap_or_default()
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
    if has("\u{9}drmcontent") || has("\u{6}dataspaces") && has("drmencrypteddataspace") {
        return FileKind::Rpmsg;
    }
    if let (Some(info), Some(package)) = (stream("encryptioninfo"), stream("encryptedpackage")) {
        let plain =
            has("worddocument") || has("workbook") || has("book") || has("powerpoint document");
        let head = compound.head(&entries, info).unwrap_or_default();
        let version = (u16_at(&head, 0), u16_at(&head, 2));
        let known = matches!(version, (Some(4), Some(4)) | (Some(2..=4), Some(2)));
        let cipher: Vec<u8> = compound
            .positions(&entries, package, SAMPLE)
            .into_iter()
            .map(|at| bytes[at])
            .collect();
        let shown = cipher.get(8..).is_none_or(sniff::is_readable);
        if known && !plain && !shown && package.size > 8 {
            return FileKind::EncryptedOffice;
        }
        return FileKind::Other("application/x-encrypted-office");
    }
    if is_encrypted_binary(&compound, &entries) {
        return FileKind::EncryptedOffice;
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

/// Whether a document of Word, Excel or PowerPoint before 2007 says that it is encrypted.
fn is_encrypted_binary(compound: &Compound<'_>, entries: &[Entry]) -> bool {
    let head = |name: &str| {
        let entry = entries
            .iter()
            .find(|entry| entry.name == name && entry.kind == 2)?;
        let at = compound.positions(entries, entry, MINI);
        Some(
            at.into_iter()
                .map(|at| compound.bytes[at])
                .collect::<Vec<u8>>(),
        )
    };
    let word = head("worddocument")
        .and_then(|head| u16_at(&head, 10))
        .is_some_and(|flags| flags & 0x0100 != 0);
    let excel = ["workbook", "book"]
        .iter()
        .filter_map(|name| head(name))
        .any(|head| records(&head).iter().any(|record| record.kind == FILE_PASS));
    let slides = head("current user").and_then(|head| u32_at(&head, 12)) == Some(0xf3d1_c4df);
    word || excel || slides
}

const FILE_PASS: u16 = 0x002f;
const WRITE_PROTECT: u16 = 0x0086;

/// A record of a workbook: its kind and where it stands in the stream, its header included.
struct Record {
    kind: u16,
    range: std::ops::Range<usize>,
}

/// The first records of a workbook; the headers are never encrypted.
fn records(stream: &[u8]) -> Vec<Record> {
    let mut out = Vec::new();
    let mut at = 0;
    while out.len() < FIRST_RECORDS
        && let (Some(kind), Some(length)) = (u16_at(stream, at), u16_at(stream, at + 2))
    {
        let end = at + 4 + usize::from(length);
        out.push(Record {
            kind,
            range: at..end,
        });
        at = end;
    }
    out
}

/// A workbook whose write protection stands before its encryption, with the two exchanged: programs that decrypt look for the encryption in
/// the second record only. Both lengths stay, so nothing behind them moves.
pub(crate) fn in_order(bytes: &[u8]) -> Option<Vec<u8>> {
    let compound = Compound::open(bytes)?;
    let entries = compound.entries();
    let book = entries
        .iter()
        .find(|entry| entry.kind == 2 && matches!(entry.name.as_str(), "workbook" | "book"))?;
    let at = compound.positions(&entries, book, MINI);
    let head: Vec<u8> = at.iter().map(|at| bytes[*at]).collect();
    let records = records(&head);
    let pass = records.iter().position(|record| record.kind == FILE_PASS)?;
    let before = records.get(1..pass).filter(|before| {
        !before.is_empty()
            && before
                .iter()
                .all(|record| record.kind == WRITE_PROTECT && record.range.len() == 4)
    })?;
    let from = before.first()?.range.start;
    let moved = head.get(records[pass].range.clone())?;
    let mut turned = moved.to_vec();
    turned.extend_from_slice(head.get(from..records[pass].range.start)?);
    let mut out = bytes.to_vec();
    for (offset, byte) in turned.into_iter().enumerate() {
        *out.get_mut(*at.get(from + offset)?)? = byte;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of three sectors whose table of sectors, and whose list of tables, lead back to themselves.
    fn in_circles() -> Vec<u8> {
        let mut file = vec![0u8; 512 * 3];
        file[..8].copy_from_slice(&MAGIC);
        file[30] = 9;
        // The directory begins in sector 1; the list of tables goes on in sector 1, whose last number is sector 1.
        file[48] = 1;
        file[68] = 1;
        file[512 * 3 - 4] = 1;
        // Sector 0 is the one table: sector 1 is followed by sector 1.
        file[512 + 4] = 1;
        file[80..512].fill(0xff);
        file
    }

    #[test]
    fn a_chain_in_circles_is_no_longer_than_its_file() {
        let file = in_circles();
        let compound = Compound::open(&file).unwrap();
        assert!(compound.fat.len() <= 4 * 128, "{}", compound.fat.len());
        assert_eq!(compound.sectors(1).len(), 4);
        assert!(compound.chain(1).len() <= file.len() + 512);
        assert_eq!(kind(&file), FileKind::Other("application/x-ole-storage"));
    }
}

//! CAB: the cabinets of Windows, each folder unpacked once and cut into its files.
//!
//! # Invariants
//! A folder's data is what its blocks yield, not what they declare. Two files of one name are both read. Bytes after the cabinet are read as
//! a file of their own.
//!
//! # Standards
//! MS-CAB (cabinet file format), MS-MCI (MSZIP), MS-PATCH 2 (LZX, by the `lzxd` crate).
//!
//! # Known gaps
//! Quantum, which nothing has written since 1997, and files that go on in another cabinet are unread.

use std::collections::HashSet;

use flate2::{Decompress, FlushDecompress};
use lzxd::{Lzxd, WindowSize};

use crate::extract::binary;
use crate::extract::bounded::{self, Stop, Taken};
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::limits::Budget;
use crate::mime::charset;

pub(crate) const MAGIC: &[u8] = b"MSCF\0\0\0\0";
const KIND: &str = "application/vnd.ms-cab-compressed";
/// MSZIP's window and the most a block yields (MS-MCI 2).
const WINDOW: usize = 32 * 1024;
const MOST_BLOCK: usize = 64 * 1024;

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    binary::u16_at(bytes, at).map(usize::from)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    binary::u32_at(bytes, at).map(|number| number as usize)
}

struct Cabinet {
    size: usize,
    /// Bytes reserved in each block's header.
    block_reserve: usize,
    folders: Vec<Folder>,
    files: Vec<File>,
    names: Vec<String>,
}

struct Folder {
    data: usize,
    blocks: usize,
    method: usize,
}

struct File {
    name: String,
    size: usize,
    offset: usize,
    folder: usize,
}

/// Text up to a NUL, and where it ends.
fn text(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let length = memchr::memchr(0, rest.get(..rest.len().min(1024))?)?;
    Some((&rest[..length], at + length + 1))
}

fn parse(bytes: &[u8]) -> Option<Cabinet> {
    let (folders, files) = (u16_at(bytes, 26)?, u16_at(bytes, 28)?);
    let flags = u16_at(bytes, 30)?;
    let mut at = 36;
    let (mut folder_reserve, mut block_reserve) = (0, 0);
    if flags & 4 != 0 {
        folder_reserve = usize::from(*bytes.get(38)?);
        block_reserve = usize::from(*bytes.get(39)?);
        at = 40 + u16_at(bytes, 36)?;
    }
    let mut names = Vec::new();
    // The names of the cabinets and disks before and after this one.
    for _ in 0..(flags & 1) * 2 + (flags >> 1 & 1) * 2 {
        let (name, next) = text(bytes, at)?;
        names.push(charset::decode(name, None));
        at = next;
    }
    let mut cabinet = Cabinet {
        size: u32_at(bytes, 8)?,
        block_reserve,
        folders: Vec::new(),
        files: Vec::new(),
        names,
    };
    for _ in 0..folders {
        cabinet.folders.push(Folder {
            data: u32_at(bytes, at)?,
            blocks: u16_at(bytes, at + 4)?,
            method: u16_at(bytes, at + 6)?,
        });
        at += 8 + folder_reserve;
    }
    at = u32_at(bytes, 16)?;
    for _ in 0..files {
        let (name, next) = text(bytes, at.checked_add(16)?)?;
        let utf8 = u16_at(bytes, at + 14)? & 0x80 != 0;
        cabinet.files.push(File {
            name: charset::decode(name, utf8.then_some("utf-8")),
            size: u32_at(bytes, at)?,
            offset: u32_at(bytes, at + 4)?,
            folder: u16_at(bytes, at + 8)?,
        });
        at = next;
    }
    Some(cabinet)
}

/// Reads a cabinet.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let Some(cabinet) = parse(bytes) else {
        gather.unread(location, UnreadReason::Broken, KIND);
        return;
    };
    gather.unit(location, View::FileName, cabinet.names.join("\n"));
    let most = gather.budget.limits.files;
    if cabinet.files.len() > most {
        gather.unread(location, UnreadReason::TooBig, KIND);
    }
    let used: HashSet<usize> = cabinet
        .files
        .iter()
        .take(most)
        .map(|file| file.folder)
        .collect();
    for (index, folder) in cabinet.folders.iter().enumerate() {
        if gather.stopped(location) {
            return;
        }
        let files = || {
            cabinet
                .files
                .iter()
                .take(most)
                .filter(|file| file.folder == index)
        };
        if !used.contains(&index) {
            continue;
        }
        let (data, stop) = unpack(bytes, &cabinet, folder, gather.budget);
        // Files that share a folder's bytes: what is given twice counts as unpacked again.
        let mut given = 0usize;
        for file in files() {
            let had = data
                .get(file.offset..)
                .map(|from| &from[..from.len().min(file.size)])
                .unwrap_or_default();
            given = given.saturating_add(had.len());
            let shared = given.saturating_sub(data.len()).min(had.len());
            if shared > 0 && !gather.budget.take_unpacked(shared as u64) {
                gather.unread(location, UnreadReason::TooBig, KIND);
                break;
            }
            let stop = (had.len() < file.size).then_some(stop.unwrap_or(Stop::Broken));
            let inside = location.inside(&file.name);
            bounded::found(gather, &inside, &file.name, KIND, (had, stop), depth);
        }
    }
    // Folder numbers from 0xfffd on: the file begins or goes on in another cabinet.
    for file in cabinet.files.iter().take(most) {
        if file.folder >= cabinet.folders.len() {
            let inside = location.inside(&file.name);
            gather.unit(&inside, View::FileName, file.name.clone());
            gather.unread(&inside, UnreadReason::Unsupported, KIND);
        }
    }
    if let Some(rest) = bytes.get(cabinet.size..) {
        bounded::after_end(gather, location, rest, depth);
    }
}

enum Method {
    Stored,
    MsZip(Box<Decompress>),
    Lzx(Box<Lzxd>),
}

fn method(code: usize) -> Option<Method> {
    const WINDOWS: [WindowSize; 7] = [
        WindowSize::KB32,
        WindowSize::KB64,
        WindowSize::KB128,
        WindowSize::KB256,
        WindowSize::KB512,
        WindowSize::MB1,
        WindowSize::MB2,
    ];
    match code & 0x0f {
        0 => Some(Method::Stored),
        1 => Some(Method::MsZip(Box::new(Decompress::new(false)))),
        3 => (code >> 8 & 0x1f)
            .checked_sub(15)
            .and_then(|window| WINDOWS.get(window))
            .map(|window| Method::Lzx(Box::new(Lzxd::new(*window)))),
        _ => None,
    }
}

/// A folder's data, as far as its blocks yield it.
fn unpack(
    bytes: &[u8],
    cabinet: &Cabinet,
    folder: &Folder,
    budget: &Budget,
) -> (Vec<u8>, Option<Stop>) {
    let Some(mut method) = method(folder.method) else {
        return (Vec::new(), Some(Stop::Unsupported));
    };
    let mut taken = Taken::new(bytes.len());
    let mut at = folder.data;
    for _ in 0..folder.blocks {
        let block = || -> Option<(&[u8], usize)> {
            let (packed, size) = (u16_at(bytes, at + 4)?, u16_at(bytes, at + 6)?);
            let from = at + 8 + cabinet.block_reserve;
            Some((bytes.get(from..from + packed)?, size))
        };
        let Some((packed, size)) = block() else {
            return (taken.bytes, Some(Stop::Broken));
        };
        at += 8 + cabinet.block_reserve + packed.len();
        let piece = match &mut method {
            Method::Stored => Some(packed.to_vec()),
            Method::MsZip(state) => mszip(state, packed, size, &taken.bytes),
            Method::Lzx(state) => state.decompress_next(packed, size).ok().map(<[u8]>::to_vec),
        };
        let Some(piece) = piece else {
            return (taken.bytes, Some(Stop::Broken));
        };
        if let Err(stop) = taken.push(&piece, budget) {
            return (taken.bytes, Some(stop));
        }
    }
    (taken.bytes, None)
}

/// One MSZIP block: a deflate stream of its own that may refer to what the blocks before it yielded.
fn mszip(state: &mut Decompress, packed: &[u8], size: usize, before: &[u8]) -> Option<Vec<u8>> {
    let data = packed.strip_prefix(b"CK")?;
    state.reset(false);
    let window = &before[before.len().saturating_sub(WINDOW)..];
    if !window.is_empty() {
        state.set_dictionary(window).ok()?;
    }
    let mut out = Vec::with_capacity(size.min(MOST_BLOCK));
    state
        .decompress_vec(data, &mut out, FlushDecompress::Finish)
        .ok()?;
    (out.len() == size).then_some(out)
}

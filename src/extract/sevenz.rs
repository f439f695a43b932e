//! 7z: every file of the archive, decoded block by block.
//!
//! # Invariants
//! A block is decoded once for all its files (they are packed as one stream). A password counts as right only when a file's own
//! checksum says so. Bytes after the archive are read as a file of their own.
//!
//! # Standards
//! 7zFormat.txt of the LZMA SDK; the key derivation of its AES coder: 2^n rounds of SHA-256.
//!
//! # Known gaps
//! `sevenz-rust2` does not wipe its copy of a password. A first file beyond the limits is not told from a wrong password. Brotli, LZ4, Zstandard (of 7-Zip's forks) and Deflate64 coders, and archives in several volumes, are unread.

use std::io::Cursor;

use sevenz_rust2::{Archive, BlockDecoder, EncoderMethod, Error, Password};

use crate::extract::bounded::{self, DICTIONARY_KIB, Stop, drain};
use crate::extract::content::{Location, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::password::{self, TRAVELS};
use crate::limits::Budget;

pub(crate) const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c";
const KIND: &str = "application/x-7z-compressed";

/// Nanoseconds of one round of the key derivation (measured: 2^19 rounds in 30 ms).
const ROUND_NANOS: u64 = 57;
/// Bytes decrypted in a microsecond.
const BYTES_A_MICRO: u64 = 200;
/// Rounds, as a power of two, beyond which nothing is tried: four times what 7-Zip writes.
const MOST_POWER: u32 = 21;

/// Reads an archive.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let opened = match open(bytes, &Password::empty()) {
        Ok(archive) => Some((archive, Password::empty())),
        Err(Error::PasswordRequired) => closed_names(gather, location, bytes),
        Err(error) => {
            gather.unread(location, reason(&error), KIND);
            None
        }
    };
    if let Some((archive, password)) = opened {
        whole(gather, location, bytes, &archive, password, depth);
    }
    if let Some(end) = end(bytes) {
        bounded::after_end(gather, location, &bytes[end..], depth);
    }
}

fn open(bytes: &[u8], password: &Password) -> Result<Archive, Error> {
    Archive::read_with_memory_limit(&mut Cursor::new(bytes), password, DICTIONARY_KIB as usize)
}

fn reason(error: &Error) -> UnreadReason {
    match error {
        Error::MaxMemLimited { .. } => UnreadReason::TooBig,
        Error::UnsupportedCompressionMethod(_)
        | Error::Unsupported(_)
        | Error::UnsupportedVersion { .. }
        | Error::ExternalUnsupported => UnreadReason::Unsupported,
        _ => UnreadReason::Broken,
    }
}

/// Where the archive ends, by its start header.
fn end(bytes: &[u8]) -> Option<usize> {
    let number = |at: usize| -> Option<usize> {
        let digits: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
        usize::try_from(u64::from_le_bytes(digits)).ok()
    };
    32usize
        .checked_add(number(12)?)?
        .checked_add(number(20)?)
        .filter(|end| *end < bytes.len())
}

/// An archive whose names are encrypted too.
fn closed_names(
    gather: &mut Gather<'_>,
    location: &Location,
    bytes: &[u8],
) -> Option<(Archive, Password)> {
    // The coder's identifier and its properties stand in the clear header that points to the encrypted one.
    let header = usize::try_from(u64::from_le_bytes(bytes.get(12..20)?.try_into().ok()?))
        .ok()
        .and_then(|offset| bytes.get(offset.checked_add(32)?..))
        .unwrap_or_default();
    let power = memchr::memmem::find(header, EncoderMethod::ID_AES256_SHA256)
        .and_then(|at| header.get(at + 5))
        .map_or(MOST_POWER + 1, |first| u32::from(first & 0x3f));
    let Some(cost) = cost(power) else {
        opaque(gather, location);
        return None;
    };
    let opened = password::attempt(gather, cost, |word| {
        let password = Password::from(word);
        open(bytes, &password)
            .ok()
            .map(|archive| (archive, password))
    });
    say(gather, location, opened.is_some());
    opened
}

/// Says how the archive is protected, once the message's words were tried on it.
fn say(gather: &mut Gather<'_>, location: &Location, opened: bool) {
    let (state, reason) = if opened {
        (ProtectionState::Apparent, TRAVELS)
    } else {
        (ProtectionState::Password, "7z archive encrypted with AES")
    };
    gather.protect(location, state, reason);
}

/// Microseconds of one try, unless the file asks for more than is done. 63 stands for no derivation at all.
fn cost(power: u32) -> Option<u64> {
    match power {
        63 => Some(100),
        0..=MOST_POWER => Some(((1u64 << power) * ROUND_NANOS / 1_000).max(100)),
        _ => None,
    }
}

fn opaque(gather: &mut Gather<'_>, location: &Location) {
    gather.protect(
        location,
        ProtectionState::Opaque,
        "encryption that could not be confirmed",
    );
    gather.unread(location, UnreadReason::Unsupported, KIND);
}

fn whole(
    gather: &mut Gather<'_>,
    location: &Location,
    bytes: &[u8],
    archive: &Archive,
    mut password: Password,
    depth: usize,
) {
    let most = gather.budget.limits.files;
    if archive.files.len() > most {
        gather.unread(location, UnreadReason::TooBig, KIND);
    }
    for (index, entry) in archive.files.iter().enumerate().take(most) {
        let alone = archive
            .stream_map
            .file_block_index
            .get(index)
            .is_none_or(Option::is_none);
        if alone && entry.is_directory() {
            gather.unit(location, View::FileName, entry.name());
        } else if alone {
            let inside = location.inside(entry.name());
            bounded::found(gather, &inside, entry.name(), KIND, (&[], None), depth);
        }
    }
    let mut left = most;
    for block in 0..archive.blocks.len() {
        if gather.stopped(location) || left == 0 {
            return;
        }
        let source = Source {
            bytes,
            archive,
            block,
            most: left,
        };
        left = left.saturating_sub(source.count().max(1));
        if let Some(power) = power(archive, block) {
            match closed_block(gather, location, &source, &password, power) {
                Some((word, files)) => {
                    password = word;
                    entries(gather, location, files, depth);
                }
                None => source.names(gather, location),
            }
        } else {
            let files = source.decode(&password, gather.budget);
            entries(gather, location, files, depth);
        }
    }
}

/// The power of two of the key derivation, if the block is encrypted.
fn power(archive: &Archive, block: usize) -> Option<u32> {
    archive
        .blocks
        .get(block)?
        .coders
        .iter()
        .find(|coder| coder.encoder_method_id() == EncoderMethod::ID_AES256_SHA256)
        .map(|coder| {
            coder
                .properties()
                .first()
                .map_or(MOST_POWER + 1, |first| u32::from(first & 0x3f))
        })
}

/// One block of an archive.
struct Source<'a> {
    bytes: &'a [u8],
    archive: &'a Archive,
    block: usize,
    /// Files still allowed.
    most: usize,
}

/// A decoded file: its name, its bytes, why they stopped.
struct Decoded {
    name: String,
    bytes: Vec<u8>,
    stop: Option<Stop>,
}

impl Source<'_> {
    fn count(&self) -> usize {
        self.decoder(&Password::empty(), &mut Cursor::new(self.bytes))
            .entry_count()
    }

    fn decoder<'d>(
        &'d self,
        password: &'d Password,
        cursor: &'d mut Cursor<&'d [u8]>,
    ) -> BlockDecoder<'d, Cursor<&'d [u8]>> {
        BlockDecoder::new_with_memory_limit(
            1,
            DICTIONARY_KIB as usize,
            self.block,
            self.archive,
            password,
            cursor,
        )
    }

    /// The files of the block, as far as they could be had.
    fn decode(&self, password: &Password, budget: &Budget) -> Vec<Decoded> {
        let mut out: Vec<Decoded> = Vec::new();
        let mut cursor = Cursor::new(self.bytes);
        let decoder = self.decoder(password, &mut cursor);
        let names: Vec<String> = decoder
            .entries()
            .iter()
            .map(|entry| entry.name().to_owned())
            .take(self.most)
            .collect();
        let result = decoder.for_each_entries(&mut |entry, reader| {
            if out.len() >= self.most {
                return Ok(false);
            }
            let (bytes, stop) = drain(reader, self.bytes.len(), budget);
            out.push(Decoded {
                name: entry.name().to_owned(),
                bytes,
                stop,
            });
            Ok(stop.is_none())
        });
        let stop = match &result {
            // A file that ended the walk is said by its own stop; those after it share it.
            Ok(_) => out.last().and_then(|last| last.stop),
            Err(error) => Some(match reason(error) {
                UnreadReason::TooBig => Stop::TooBig,
                UnreadReason::Unsupported => Stop::Unsupported,
                _ => Stop::Broken,
            }),
        };
        if let Some(stop) = stop {
            if let Some(last) = out.last_mut()
                && result.is_err()
            {
                last.stop = last.stop.or(Some(stop));
            }
            out.extend(names.into_iter().skip(out.len()).map(|name| Decoded {
                name,
                bytes: Vec::new(),
                stop: Some(stop),
            }));
        }
        out
    }

    /// The names of a block that stays closed.
    fn names(&self, gather: &mut Gather<'_>, location: &Location) {
        let mut cursor = Cursor::new(self.bytes);
        let password = Password::empty();
        let decoder = self.decoder(&password, &mut cursor);
        for entry in decoder.entries().iter().take(self.most) {
            let inside = location.inside(entry.name());
            gather.unit(&inside, View::FileName, entry.name());
            gather.file(&inside, "application/octet-stream", 0, false);
        }
    }
}

/// Opens an encrypted block, with the password that opened the one before first.
fn closed_block(
    gather: &mut Gather<'_>,
    location: &Location,
    source: &Source<'_>,
    known: &Password,
    power: u32,
) -> Option<(Password, Vec<Decoded>)> {
    let Some(cost) = cost(power) else {
        opaque(gather, location);
        return None;
    };
    let budget = gather.budget;
    // What was decrypted with a wrong key does not unpack, or fails its checksum.
    let right = |password: &Password| {
        let mut files = source.decode(password, &budget.scratch());
        if files.first().is_none_or(|first| first.stop.is_some()) {
            return None;
        }
        let total = files.iter().map(|file| file.bytes.len() as u64).sum();
        if !budget.take_unpacked(total)
            && let Some(last) = files.last_mut()
        {
            last.stop = Some(Stop::TooBig);
        }
        Some(files)
    };
    let cost = cost + source.bytes.len() as u64 / BYTES_A_MICRO;
    if !known.is_empty()
        && let Some(files) = right(known)
    {
        return Some((known.clone(), files));
    }
    let opened = password::attempt(gather, cost, |word| {
        let password = Password::from(word);
        right(&password).map(|files| (password, files))
    });
    say(gather, location, opened.is_some());
    opened
}

fn entries(gather: &mut Gather<'_>, location: &Location, files: Vec<Decoded>, depth: usize) {
    for file in files {
        if gather.stopped(location) {
            return;
        }
        let inside = location.inside(&file.name);
        let had = (file.bytes.as_slice(), file.stop);
        bounded::found(gather, &inside, &file.name, KIND, had, depth);
    }
}

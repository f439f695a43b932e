//! tar: every member, with every name it goes by.
//!
//! # Invariants
//! Paths, targets of links and names in pax headers are names of files. Members after an end mark (archives that were joined) are read, and
//! bytes after the last member are read as a file of their own.
//!
//! # Standards
//! POSIX.1-2001 pax interchange format; ustar; GNU long names and sparse files; the header of Unix V7.

use std::io::Cursor;

use tar::{Archive, Entry};

use crate::extract::bounded::{self, Stop, drain};
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::mime::charset;

const KIND: &str = "application/x-tar";
const BLOCK: usize = 512;
/// Names in pax headers; the other fields are properties.
const NAMES: [&[u8]; 3] = [b"path", b"linkpath", b"GNU.sparse.name"];

/// Whether the first block is a header: its checksum (the sum of its bytes, its own taken for spaces) is the only mark old ones have.
pub(crate) fn is_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..BLOCK) else {
        return false;
    };
    let digits = header[148..156].trim_ascii_start();
    let digits = digits
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'7'))
        .fold((0u32, 0), |(sum, count), byte| {
            (sum << 3 | u32::from(byte & 7), count + 1)
        });
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if (148..156).contains(&at) {
                32
            } else {
                u32::from(*byte)
            }
        })
        .sum();
    digits.1 > 1 && digits.0 == sum && header[0] != 0
}

/// Reads an archive.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let mut archive = Archive::new(Cursor::new(bytes));
    archive.set_ignore_zeros(true);
    let Ok(entries) = archive.entries() else {
        gather.unread(location, UnreadReason::Broken, KIND);
        return;
    };
    let (mut end, mut count) = (0usize, 0usize);
    for entry in entries {
        if gather.stopped(location) {
            return;
        }
        count += 1;
        if count > gather.budget.limits.files {
            gather.unread(location, UnreadReason::TooBig, KIND);
            return;
        }
        let Ok(mut entry) = entry else {
            // Foreign bytes after the last member, or a broken one: what stands there is read below.
            if !is_foreign(bytes, end) {
                gather.unread(location, UnreadReason::Broken, KIND);
            }
            break;
        };
        end = end_of(&entry, bytes.len());
        member(gather, location, &mut entry, bytes.len(), depth);
    }
    bounded::after_end(gather, location, &bytes[end..], depth);
}

/// Whether two blocks of zeros, the end mark, follow the last member.
fn is_foreign(bytes: &[u8], end: usize) -> bool {
    bytes
        .get(end..end + 2 * BLOCK)
        .is_some_and(|mark| mark.iter().all(|byte| *byte == 0))
}

fn end_of<R: std::io::Read>(entry: &Entry<'_, R>, most: usize) -> usize {
    let size = entry.header().entry_size().unwrap_or(0);
    let end = entry
        .raw_file_position()
        .saturating_add(size)
        .div_ceil(BLOCK as u64)
        .saturating_mul(BLOCK as u64);
    usize::try_from(end).map_or(most, |end| end.min(most))
}

/// GNU's sparse format 1.0 puts a map before the data: a count and twice as many numbers, a line each, to the end of a block. The holes are
/// zeros and are left out.
fn without_map(bytes: &[u8]) -> &[u8] {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let number = |line: &[u8]| std::str::from_utf8(line).ok()?.parse::<usize>().ok();
    let mut length = 0;
    let mut take = || {
        let line = lines.next()?;
        length += line.len() + 1;
        number(line)
    };
    let Some(count) = take() else { return bytes };
    for _ in 0..count.saturating_mul(2) {
        if take().is_none() {
            return bytes;
        }
    }
    bytes
        .get(length.next_multiple_of(BLOCK)..)
        .unwrap_or_default()
}

/// Times, sizes and owners by number say nothing, and look like the numbers that detectors look for.
fn is_number(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
}

fn member<R: std::io::Read>(
    gather: &mut Gather<'_>,
    location: &Location,
    entry: &mut Entry<'_, R>,
    packed: usize,
    depth: usize,
) {
    let decode = |bytes: &[u8]| charset::decode(bytes, Some("utf-8"));
    let mut name = decode(&entry.path_bytes());
    let (mut names, mut properties) = (Vec::new(), Vec::new());
    let mut mapped = false;
    if let Some(target) = entry.link_name_bytes() {
        names.push(decode(&target));
    }
    if let Ok(Some(extensions)) = entry.pax_extensions() {
        for extension in extensions.flatten() {
            let value = decode(extension.value_bytes());
            mapped |= extension.key_bytes() == b"GNU.sparse.major" && value == "1";
            if NAMES.contains(&extension.key_bytes()) {
                names.push(value);
            } else if !is_number(&value) {
                properties.push(value);
            }
        }
    }
    if mapped && let Some(real) = names.last() {
        // The header's own name is made up by the writer.
        names.push(std::mem::replace(&mut name, real.clone()));
    }
    let header = entry.header();
    properties.extend(header.username_bytes().map(decode));
    let kind = header.entry_type();
    let inside = location.inside(&name);
    names.retain(|other| *other != name);
    gather.unit(&inside, View::FileName, names.join("\n"));
    gather.unit(&inside, View::Properties, properties.join("\n"));
    if kind.is_pax_global_extensions() {
        // Its records say something of the files that follow.
        let (bytes, _) = drain(entry, packed, gather.budget);
        gather.unit(location, View::Properties, decode(&bytes));
        return;
    }
    let holds = kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() || entry.size() > 0;
    if !holds {
        gather.unit(location, View::FileName, name);
        return;
    }
    let (bytes, stop) = drain(entry, packed, gather.budget);
    // A member that is cut ends without an error.
    let cut = (bytes.len() as u64) < entry.size();
    let stop = stop.or(cut.then_some(Stop::Broken));
    let data = if mapped { without_map(&bytes) } else { &bytes };
    bounded::found(gather, &inside, &name, KIND, (data, stop), depth);
}

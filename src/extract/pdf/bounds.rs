//! How far a stream expands, before anything decodes it: `hayro` decodes without a cap.
//!
//! # Invariants
//! Work is bounded by the allowance, not by what a stream says of itself. A stream whose worst case fits is not touched.
//!
//! # Standards
//! ISO 32000-2 7.4. Worst cases: Flate 1032 (two bits a run of 258 bytes), LZW 2731 (twelve bits for a string of 4096 bytes),
//! run length 64, ASCII85 four (`z`).

use std::io::Read;

use flate2::read::{DeflateDecoder, ZlibDecoder};
use hayro_syntax::Filter;
use hayro_syntax::object::stream::Stream;

/// Layers of compression that are undone of one stream.
const MOST_LAYERS: usize = 4;
/// How far before its data the dictionary of a stream may begin.
const DICTIONARY: usize = 1024;

/// Whether the streams that the parser unpacks to find objects may yield more than `most` bytes together. They are found by their words
/// and unpacked by their data alone: nothing that a filter says is believed, and no reference is followed.
///
/// A stream under encryption or under another filter first is not seen.
pub(super) fn objects_expand(bytes: &[u8], most: u64) -> bool {
    let mut left = most;
    for at in memchr::memmem::find_iter(bytes, b"stream") {
        let dictionary = &bytes[at.saturating_sub(DICTIONARY)..at];
        let from = memchr::memmem::rfind(dictionary, b"obj").unwrap_or(0);
        let dictionary = &dictionary[from..];
        // A name may be written with escapes (7.3.5).
        let holds = |name: &[u8]| memchr::memmem::find(dictionary, name).is_some();
        if from > 0 && !holds(b"ObjStm") && !holds(b"XRef") && !holds(b"#") {
            continue;
        }
        let data = bytes[at + 6..].trim_ascii_start();
        let Some(used) = layers(data, left) else {
            return true;
        };
        left -= used;
    }
    false
}

/// Bytes of all layers of one stream; `None` when they are more than `most`.
fn layers(data: &[u8], most: u64) -> Option<u64> {
    let mut used = 0u64;
    let mut layer = inflated(data, most)?;
    for _ in 1..MOST_LAYERS {
        used += layer.len() as u64;
        if layer.is_empty() {
            break;
        }
        layer = inflated(&layer, most.checked_sub(used)?)?;
    }
    used.checked_add(layer.len() as u64)
        .filter(|used| *used <= most)
}

/// What zlib data holds, empty for other data; `None` when that is more than `most`.
fn inflated(data: &[u8], most: u64) -> Option<Vec<u8>> {
    let zlib = matches!(data, [first, second, ..]
        if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0);
    if zlib {
        inflate(data, most)
    } else {
        Some(Vec::new())
    }
}

/// Whether decoding may yield more than `most` bytes. Pictures are bounded by their dimensions elsewhere.
pub(super) fn expands(stream: &Stream<'_>, most: u64) -> bool {
    expansion(stream, most).is_none()
}

/// Bytes that were unpacked to know that decoding yields no more than `most`; `None` when it may.
pub(super) fn expansion(stream: &Stream<'_>, most: u64) -> Option<u64> {
    let filters = stream.filters();
    let worst = filters.iter().map(|filter| factor(*filter));
    let worst: u64 = worst.fold(1, u64::saturating_mul);
    if worst == 1 {
        return Some(0);
    }
    let raw = stream.raw_data();
    if (raw.len() as u64).saturating_mul(worst) <= most {
        return Some(0);
    }
    let mut used = 0u64;
    let mut bytes = raw.into_owned();
    for filter in filters {
        bytes = match filter {
            Filter::FlateDecode => inflate(&bytes, most)?,
            Filter::AsciiHexDecode => hex(&bytes),
            Filter::Ascii85Decode => base85(&bytes),
            Filter::Crypt => bytes,
            // What comes after a picture's filter is pixels.
            Filter::DctDecode
            | Filter::JpxDecode
            | Filter::Jbig2Decode
            | Filter::CcittFaxDecode => return Some(used),
            // Rare since 1996: its worst case decides.
            Filter::LzwDecode | Filter::RunLengthDecode => {
                let worst = (bytes.len() as u64).saturating_mul(factor(filter));
                return (worst <= most).then_some(used);
            }
        };
        used += bytes.len() as u64;
    }
    Some(used)
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = bytes
        .iter()
        .take_while(|byte| **byte != b'>')
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0))
        .collect()
}

fn base85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut value, mut have) = (0u32, 0usize);
    for &byte in bytes {
        match byte {
            b'~' => break,
            b'z' if have == 0 => out.extend([0; 4]),
            b'!'..=b'u' => {
                value = value.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                have += 1;
            }
            _ => {}
        }
        if have == 5 {
            out.extend(value.to_be_bytes());
            (value, have) = (0, 0);
        }
    }
    if have > 1 {
        for _ in have..5 {
            value = value.wrapping_mul(85).wrapping_add(84);
        }
        out.extend(&value.to_be_bytes()[..have - 1]);
    }
    out
}

fn factor(filter: Filter) -> u64 {
    match filter {
        Filter::FlateDecode => 1_032,
        Filter::LzwDecode => 2_731,
        Filter::RunLengthDecode => 64,
        Filter::Ascii85Decode => 4,
        _ => 1,
    }
}

/// The bytes, or nothing when there are more than `most`. What comes before an error counts, as it does for viewers.
fn inflate(bytes: &[u8], most: u64) -> Option<Vec<u8>> {
    let take = |decoder: &mut dyn Read| {
        let mut out = Vec::new();
        // An error ends the data; what came before it stays.
        let _ = decoder.take(most + 1).read_to_end(&mut out);
        out
    };
    let mut out = take(&mut ZlibDecoder::new(bytes));
    if out.is_empty() {
        out = take(&mut DeflateDecoder::new(bytes));
    }
    (out.len() as u64 <= most).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_filters_are_undone() {
        assert_eq!(hex(b"41 6D656c69 61>zz"), b"Amelia");
        assert_eq!(base85(b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(base85(b"z87cUR~"), b"\0\0\0\0Hell");
    }

    #[test]
    fn inflating_stops_at_the_allowance() {
        use std::io::Write as _;
        let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        coder.write_all(&[0; 10_000]).unwrap();
        let coded = coder.finish().unwrap();
        assert_eq!(
            inflate(&coded, 10_000).map(|bytes| bytes.len()),
            Some(10_000)
        );
        assert_eq!(inflate(&coded, 9_999), None);
        // A cut stream still says what it had.
        assert!(inflate(&coded[..coded.len() - 6], 10_000).is_some());
    }
}

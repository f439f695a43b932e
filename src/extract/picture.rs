//! Pictures: that they may show what nobody has read, how many pixels they say they have, where they end, and which of them OCR may see.
//!
//! # Invariants
//! A picture stays [`UnreadReason::ImageOnly`] until somebody read it. None is decoded here: its header says how large it is, and one that
//! does not say so is not read.
//!
//! # Standards
//! PNG 5.3 and 11.2.2; GIF89a 18; JPEG (ITU-T T.81) B.2.2; the WebP container specification; TIFF 6.0 section 2; the BITMAPINFOHEADER.
//!
//! # Known gaps
//! HEIC, AVIF, PSD and vector formats are never read. Of an animation only what a decoder shows first is.

use crate::extract::content::{Location, Picture, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::metadata;

/// Pixels below which a picture holds no line of text: a word of 12 by 250.
const TOO_SMALL: u64 = 3_000;
/// Pages of one TIFF that are looked at.
const MOST_PAGES: usize = 100;

/// Reads a picture that is a file.
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    media_type: &'static str,
    bytes: &[u8],
) {
    gather.unread(location, UnreadReason::ImageOnly, media_type);
    let said = metadata::text(bytes);
    gather.unit(&location.at("properties"), View::Properties, said);
    offer(gather, location.at("picture"), location, bytes);
}

/// Reads a picture that stands in a document under this file name; the document's reader says whether it makes the document one.
pub(crate) fn inside(gather: &mut Gather<'_>, location: &Location, file: &str, bytes: &[u8]) {
    let at = location.at(format!("picture {file}"));
    gather.unit(&at, View::Properties, metadata::text(bytes));
    offer(gather, at, location, bytes);
}

/// Keeps a picture for OCR, if its format, its size and the allowance let it; `answers` is the place that is a picture until it is read.
pub(crate) fn offer(gather: &mut Gather<'_>, at: Location, answers: &Location, bytes: &[u8]) {
    if !gather.keeps_pictures {
        return;
    }
    match pixels(bytes) {
        Some(pixels) if pixels < TOO_SMALL => {}
        Some(pixels) if has_room(gather, pixels) => {
            keep(gather, at, answers, bytes.to_vec(), pixels);
        }
        // Nobody reads it: its place stays a picture whatever is read beside it.
        _ if gather
            .content
            .pictures
            .iter()
            .any(|known| known.bytes.is_empty() && known.answers == *answers) => {}
        _ => gather.content.pictures.push(Picture {
            location: at,
            answers: answers.clone(),
            bytes: Vec::new(),
            pixels: 0,
        }),
    }
}

/// Keeps a picture of this many pixels for OCR, if the allowance lets it.
pub(crate) fn keep(
    gather: &mut Gather<'_>,
    at: Location,
    answers: &Location,
    bytes: Vec<u8>,
    pixels: u64,
) {
    if pixels < TOO_SMALL || !has_room(gather, pixels) {
        return;
    }
    gather.content.pictures.push(Picture {
        location: at,
        answers: answers.clone(),
        bytes,
        pixels,
    });
}

/// Whether a picture of this many pixels may still be kept.
pub(crate) fn has_room(gather: &Gather<'_>, pixels: u64) -> bool {
    let kept = &gather.content.pictures;
    let spent: u64 = kept.iter().map(|picture| picture.pixels).sum();
    gather.keeps_pictures
        && kept.len() < gather.budget.limits.ocr_pictures
        && spent.saturating_add(pixels) <= gather.budget.limits.ocr_pixels
}

/// Pixels of all pages of a picture in a format that the recogniser decodes.
fn pixels(bytes: &[u8]) -> Option<u64> {
    if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
        return tiff(bytes);
    }
    size(bytes).map(|(width, height)| u64::from(width) * u64::from(height))
}

/// Width and height in pixels.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some((be32(bytes, 16)?, be32(bytes, 20)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some((le16(bytes, 6)?, le16(bytes, 8)?));
    }
    if bytes.starts_with(b"\xff\xd8") {
        return jpeg(bytes);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return webp(bytes);
    }
    if bytes.starts_with(b"BM") {
        // A height below zero says that the top row comes first.
        let height = i32::from_le_bytes(bytes.get(22..26)?.try_into().ok()?);
        return Some((le32(bytes, 18)?, height.unsigned_abs()));
    }
    None
}

/// Pixels of all pages (TIFF 6.0: directories of entries of twelve bytes; 256 is the width, 257 the height, of type short or long).
fn tiff(bytes: &[u8]) -> Option<u64> {
    let big = bytes.starts_with(b"MM");
    let short = |at: usize| {
        if big {
            be16(bytes, at)
        } else {
            le16(bytes, at)
        }
    };
    let long = |at: usize| {
        if big {
            be32(bytes, at)
        } else {
            le32(bytes, at)
        }
    };
    let (mut at, mut total) = (long(4)? as usize, 0u64);
    for _ in 0..MOST_PAGES {
        let entries = short(at)? as usize;
        let (mut width, mut height) = (0u64, 0u64);
        for entry in (0..entries).map(|i| at + 2 + i * 12) {
            let value = match short(entry + 2)? {
                3 => short(entry + 8)?,
                _ => long(entry + 8)?,
            };
            match short(entry)? {
                256 => width = u64::from(value),
                257 => height = u64::from(value),
                _ => {}
            }
        }
        total = total.saturating_add(width.saturating_mul(height));
        at = long(at + 2 + entries * 12)? as usize;
        if at == 0 {
            return Some(total);
        }
    }
    // More pages than that, or a directory that leads back to itself.
    None
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    let pair: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(u32::from(u16::from_be_bytes(pair)))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    let pair: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(u32::from(u16::from_le_bytes(pair)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    Some(le16(bytes, at)? | u32::from(*bytes.get(at + 2)?) << 16)
}

/// The largest frame: a small preview may stand before the picture.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    while let Some(&marker) = bytes.get(at + 1) {
        if bytes[at] != 0xff {
            return None;
        }
        match marker {
            0xff => at += 1,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((be16(bytes, at + 7)?, be16(bytes, at + 5)?));
            }
            0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 | 0xda => return None,
            _ => at += 2 + be16(bytes, at + 2)? as usize,
        }
    }
    None
}

fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((le24(bytes, 24)? + 1, le24(bytes, 27)? + 1)),
        b"VP8 " => Some((le16(bytes, 26)? & 0x3fff, le16(bytes, 28)? & 0x3fff)),
        b"VP8L" => {
            let bits = le16(bytes, 21)? | le16(bytes, 23)? << 16;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

/// What follows the end of a picture.
pub(crate) fn rest(bytes: &[u8]) -> Option<&[u8]> {
    let end = if bytes.starts_with(b"\x89PNG") {
        png_end(bytes)?
    } else if bytes.starts_with(b"GIF8") {
        // The block terminator and the trailer; a byte pair inside compressed data only makes the rest start early.
        memchr::memmem::rfind(bytes, b"\0;")? + 2
    } else if bytes.starts_with(b"\xff\xd8") {
        memchr::memmem::rfind(bytes, b"\xff\xd9")? + 2
    } else if bytes.starts_with(b"RIFF") {
        let size: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
        (u32::from_le_bytes(size) as usize).saturating_add(8)
    } else {
        return None;
    };
    bytes.get(end..).filter(|rest| !rest.is_empty())
}

fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8usize;
    loop {
        let next = at.checked_add(be32(bytes, at)? as usize)?.checked_add(12)?;
        if bytes.get(at + 4..at + 8)? == b"IEND" {
            return Some(next);
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_by_format() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([0, 0, 1, 0, 0, 0, 0, 64, 8, 2, 0, 0, 0, 1, 2, 3, 4]);
        png.extend(b"\0\0\0\0IEND\xaeB`\x82and more");
        assert_eq!(size(&png), Some((256, 64)));
        assert_eq!(rest(&png), Some(&b"and more"[..]));
        assert_eq!(size(b"GIF89a\x10\0\x20\0\0\0\0"), Some((16, 32)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04JF\xff\xc0\0\x11\x08\0\x30\0\x40\x03";
        assert_eq!(size(jpeg), Some((64, 48)));
        let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0";
        assert_eq!(size(webp), Some((16, 32)));
        assert_eq!(size(b"BM"), None);
        let mut bmp = b"BM".to_vec();
        bmp.resize(18, 0);
        bmp.extend([64, 0, 0, 0, 0xd0, 0xff, 0xff, 0xff]);
        assert_eq!(size(&bmp), Some((64, 48)));
    }

    #[test]
    fn pages_of_a_tiff_add_up_and_a_loop_ends() {
        let page = |next: u8| {
            let mut out =
                b"\0\x02\x01\0\0\x03\0\0\0\x01\0\x40\0\0\x01\x01\0\x04\0\0\0\x01\0\0\0\x30"
                    .to_vec();
            out.extend([0, 0, 0, next]);
            out
        };
        let two = [b"MM\0*\0\0\0\x08".to_vec(), page(38), page(0)].concat();
        assert_eq!(pixels(&two), Some(2 * 64 * 48));
        let looped = [b"MM\0*\0\0\0\x08".to_vec(), page(8)].concat();
        assert_eq!(pixels(&looped), None);
        assert_eq!(pixels(b"MM\0*\xff\xff\xff\xff"), None);
    }
}

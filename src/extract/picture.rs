//! Pictures from outside: how many pixels they say they have, and where they end.
//!
//! # Standards
//! PNG 5.3 and 11.2.2; GIF89a 18; JPEG (ITU-T T.81) B.2.2; the WebP container specification.

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
    None
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    let pair: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u32::from(u16::from_be_bytes(pair)))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    let pair: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u32::from(u16::from_le_bytes(pair)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
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
    }
}

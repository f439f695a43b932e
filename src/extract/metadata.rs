//! What a picture says about itself: EXIF, XMP, IPTC captions, comments, in the containers of JPEG, PNG, WebP, GIF, TIFF and HEIC.
//!
//! # Invariants
//! Only the container's own chain is followed, each step at least a byte further; nothing is allocated by a declared size, and
//! packed text is unpacked to [`UNPACKED`] at most.
//!
//! # Standards
//! EXIF 3.0 (CIPA DC-008), read by `kamadak-exif`; XMP (ISO 16684-1) part 3 for where it lies; IPTC-IIM 4.2 in Photoshop resource 0x0404;
//! PNG 11.3.3 (tEXt, zTXt, iTXt, eXIf); GIF89a 24 and 26; the WebP container specification.
//!
//! # Known gaps
//! Extended XMP beyond the first packet, maker notes, and metadata of BMP and PSD are not read.

use std::io::{Cursor, Read as _};

use exif::{Context, Tag, Value};
use flate2::read::ZlibDecoder;

use crate::extract::xml;
use crate::mime::charset;

/// Text unpacked from one packed chunk; captions are below 2 kB.
const UNPACKED: u64 = 1 << 20;
/// Steps of one container's chain; a photograph has dozens, an animation thousands of blocks.
const STEPS: usize = 20_000;
/// XMP may hold a property as an attribute; these are the ones people fill in.
const PROPERTIES: [&str; 15] = [
    "title",
    "creator",
    "description",
    "subject",
    "Headline",
    "Instructions",
    "CaptionWriter",
    "Credit",
    "Source",
    "City",
    "Location",
    "Label",
    "UserComment",
    "PersonInImage",
    "CreatorTool",
];

/// Everything textual in a picture's metadata, a line each.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut out = Found::default();
    if bytes.starts_with(b"\xff\xd8") {
        jpeg(bytes, &mut out);
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        png(bytes, &mut out);
    } else if bytes.starts_with(b"RIFF") {
        webp(bytes, &mut out);
    } else if bytes.starts_with(b"GIF8") {
        gif(bytes, &mut out);
    } else if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
        out.exif(bytes);
    } else if bytes.get(4..8) == Some(b"ftyp") {
        let mut reader = exif::Reader::new();
        let read = reader
            .continue_on_error(true)
            .read_from_container(&mut Cursor::new(bytes));
        out.fields(read);
    }
    out.text
}

#[derive(Default)]
struct Found {
    text: String,
}

impl Found {
    fn say(&mut self, label: &str, text: &str) {
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        if text.is_empty() {
            return;
        }
        if !label.is_empty() {
            self.text.push_str(label);
            self.text.push_str(": ");
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn xmp(&mut self, bytes: &[u8]) {
        self.say("", &xml::all_text(bytes, &PROPERTIES));
    }

    fn exif(&mut self, bytes: &[u8]) {
        let mut reader = exif::Reader::new();
        let read = reader.continue_on_error(true).read_raw(bytes.to_vec());
        self.fields(read);
    }

    fn fields(&mut self, read: Result<exif::Exif, exif::Error>) {
        let Ok(exif) = read.or_else(|error| error.distill_partial_result(|_| {})) else {
            return;
        };
        for field in exif.fields() {
            let label = field.tag.to_string();
            match &field.value {
                Value::Ascii(texts) => {
                    for text in texts {
                        self.say(&label, &charset::decode(text, Some("utf-8")));
                    }
                }
                // A code of eight bytes names the characters.
                Value::Undefined(bytes, _) if field.tag == Tag::UserComment => {
                    self.say(&label, &comment(bytes));
                }
                Value::Byte(bytes) if field.tag.context() == Context::Tiff => {
                    self.tiff_bytes(field.tag.number(), bytes);
                }
                Value::Undefined(bytes, _) if field.tag.context() == Context::Tiff => {
                    self.tiff_bytes(field.tag.number(), bytes);
                }
                Value::Rational(_) if matches!(field.tag, Tag::GPSLatitude | Tag::GPSLongitude) => {
                    self.say(&label, &field.display_value().to_string());
                }
                _ => {}
            }
        }
    }

    /// Tags that hold text as bytes: what Windows writes (UTF-16), XMP, IPTC.
    fn tiff_bytes(&mut self, tag: u16, bytes: &[u8]) {
        match tag {
            0x9c9b..=0x9c9f => self.say("", &charset::decode(bytes, Some("utf-16le"))),
            700 => self.xmp(bytes),
            33_723 => self.iptc(bytes),
            34_377 => self.photoshop(bytes),
            _ => {}
        }
    }

    /// Resources: `8BIM`, a number, a padded name, a length, padded data.
    fn photoshop(&mut self, mut bytes: &[u8]) {
        for _ in 0..STEPS {
            let Some(rest) = bytes.strip_prefix(b"8BIM") else {
                return;
            };
            let (Some(id), Some(name)) = (rest.get(..2), rest.get(2)) else {
                return;
            };
            let named = 2 + (usize::from(*name) + 1).next_multiple_of(2);
            let Some(length) = be32(rest, named) else {
                return;
            };
            let data = rest.get(named + 4..).unwrap_or(&[]);
            let inner = &data[..length.min(data.len())];
            if id == [0x04, 0x04] {
                self.iptc(inner);
            }
            bytes = data.get(length.next_multiple_of(2)..).unwrap_or(&[]);
        }
    }

    /// Datasets: a mark, a record, a number, a length, text. Record 2 is the one people write; below 5 it has numbers.
    fn iptc(&mut self, mut bytes: &[u8]) {
        while let [0x1c, record, number, high, low, rest @ ..] = bytes {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            // A length with its top bit set counts the bytes of a length; no caption is that long.
            let Some(text) = rest.get(..length) else {
                return;
            };
            if *record == 2 && *number >= 5 {
                self.say("", &charset::decode(text, None));
            }
            bytes = &rest[length..];
        }
    }
}

fn comment(bytes: &[u8]) -> String {
    let (code, text) = bytes.split_at(bytes.len().min(8));
    match code {
        b"UNICODE\0" if charset::wide(text).is_none() => charset::decode(text, Some("utf-16be")),
        b"JIS\0\0\0\0\0" => charset::decode(text, Some("iso-2022-jp")),
        b"ASCII\0\0\0" | b"UNICODE\0" | b"\0\0\0\0\0\0\0\0" => charset::decode(text, None),
        _ => charset::decode(bytes, None),
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_be_bytes(four) as usize)
}

fn jpeg(bytes: &[u8], out: &mut Found) {
    let mut at = 2usize;
    for _ in 0..STEPS {
        let (Some(0xff), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) else {
            return;
        };
        match marker {
            0xff => {
                at += 1;
                continue;
            }
            0x01 | 0xd0..=0xd8 => {
                at += 2;
                continue;
            }
            0xd9 | 0xda => return,
            _ => {}
        }
        let Some([high, low]) = bytes.get(at + 2..at + 4) else {
            return;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low])).max(2);
        let end = (at + 2 + length).min(bytes.len());
        let data = bytes.get(at + 4..end).unwrap_or(&[]);
        segment(marker, data, out);
        at += 2 + length;
    }
}

fn segment(marker: u8, data: &[u8], out: &mut Found) {
    const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
    match marker {
        0xe1 => {
            if let Some(exif) = data.strip_prefix(b"Exif\0\0") {
                out.exif(exif);
            } else if let Some(xmp) = data.strip_prefix(XMP) {
                out.xmp(xmp);
            }
        }
        0xed => {
            if let Some(resources) = data.strip_prefix(b"Photoshop 3.0\0") {
                out.photoshop(resources);
            }
        }
        0xfe => out.say("Comment", &charset::decode(data, None)),
        _ => {}
    }
}

fn png(bytes: &[u8], out: &mut Found) {
    let mut at = 8usize;
    for _ in 0..STEPS {
        let (Some(length), Some(kind)) = (be32(bytes, at), bytes.get(at + 4..at + 8)) else {
            return;
        };
        let end = (at + 8).saturating_add(length).min(bytes.len());
        let data = bytes.get(at + 8..end).unwrap_or(&[]);
        chunk(kind, data, out);
        at = (at + 12).saturating_add(length);
    }
}

fn chunk(kind: &[u8], data: &[u8], out: &mut Found) {
    let split = |data: &[u8]| -> Option<(String, usize)> {
        let end = memchr::memchr(0, data)?;
        Some((String::from_utf8_lossy(&data[..end]).into_owned(), end + 1))
    };
    match kind {
        b"eXIf" => out.exif(data),
        b"tEXt" => {
            if let Some((key, at)) = split(data) {
                let text = charset::decode(&data[at..], Some("windows-1252"));
                out.keyword(&key, &text);
            }
        }
        b"zTXt" => {
            if let Some((key, at)) = split(data) {
                let packed = data.get(at + 1..).unwrap_or(&[]);
                out.keyword(
                    &key,
                    &charset::decode(&unpacked(packed), Some("windows-1252")),
                );
            }
        }
        b"iTXt" => {
            let Some((key, at)) = split(data) else { return };
            let packed = data.get(at) == Some(&1);
            // A flag, a method, a language and a translated key, each of the last two ended by a zero.
            let rest = data.get(at + 2..).unwrap_or(&[]);
            let mut fields = rest.splitn(3, |byte| *byte == 0).skip(2);
            let text = fields.next().unwrap_or(&[]);
            let text = if packed {
                unpacked(text)
            } else {
                text.to_vec()
            };
            out.keyword(&key, &charset::decode(&text, Some("utf-8")));
        }
        _ => {}
    }
}

impl Found {
    /// A text of a PNG under its key; under two keys stands XMP, or a profile in hexadecimal.
    fn keyword(&mut self, key: &str, text: &str) {
        if key == "XML:com.adobe.xmp" {
            self.xmp(text.as_bytes());
        } else if key.starts_with("Raw profile type ") {
            let digits: Vec<u8> = text
                .split_ascii_whitespace()
                .skip(2)
                .flat_map(str::chars)
                .filter_map(|c| c.to_digit(16))
                .map(|digit| digit as u8)
                .collect();
            let bytes: Vec<u8> = digits
                .chunks_exact(2)
                .map(|pair| pair[0] << 4 | pair[1])
                .collect();
            match key {
                "Raw profile type iptc" => self.photoshop(&bytes),
                "Raw profile type xmp" => self.xmp(&bytes),
                _ => self.exif(bytes.strip_prefix(b"Exif\0\0").unwrap_or(&bytes)),
            }
        } else {
            self.say(key, text);
        }
    }
}

/// Packed text, up to its bound or its first error.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // An error ends the text; what came before it stays.
    let _ = ZlibDecoder::new(bytes).take(UNPACKED).read_to_end(&mut out);
    out
}

fn webp(bytes: &[u8], out: &mut Found) {
    let mut at = 12usize;
    for _ in 0..STEPS {
        let (Some(kind), Some(length)) = (bytes.get(at..at + 4), bytes.get(at + 4..at + 8)) else {
            return;
        };
        let length = length
            .iter()
            .rev()
            .fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        let end = (at + 8).saturating_add(length).min(bytes.len());
        let data = bytes.get(at + 8..end).unwrap_or(&[]);
        match kind {
            b"EXIF" => out.exif(data.strip_prefix(b"Exif\0\0").unwrap_or(data)),
            b"XMP " => out.xmp(data),
            _ => {}
        }
        at = (at + 8).saturating_add(length).saturating_add(length % 2);
    }
}

/// Comments and XMP in the extensions of a GIF; pictures are stepped over block by block.
fn gif(bytes: &[u8], out: &mut Found) {
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3usize << ((flags & 7) + 1)
        }
    };
    let mut at = 13 + bytes.get(10).map_or(0, |flags| table(*flags));
    for _ in 0..STEPS {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(0x21), Some(label)) => {
                let (data, next) = blocks(bytes, at + 2);
                match label {
                    0xfe => out.say("Comment", &charset::decode(&data, None)),
                    0x01 => out.say("", &charset::decode(data.get(12..).unwrap_or(&[]), None)),
                    // XMP lies bare behind its name, whatever the lengths of blocks make of it.
                    0xff if data.starts_with(b"XMP DataXMP") => {
                        let xmp = bytes.get(at + 14..next).unwrap_or(&[]);
                        let end = memchr::memmem::rfind(xmp, b">").map_or(0, |at| at + 1);
                        out.xmp(&xmp[..end]);
                    }
                    _ => {}
                }
                at = next;
            }
            (Some(0x2c), _) => {
                let colours = bytes.get(at + 9).map_or(0, |flags| table(*flags));
                at = blocks(bytes, at + 11 + colours).1;
            }
            _ => return,
        }
    }
}

/// The data of a chain of blocks and where it ends.
fn blocks(bytes: &[u8], mut at: usize) -> (Vec<u8>, usize) {
    let mut data = Vec::new();
    while let Some(&length) = bytes.get(at) {
        let end = (at + 1 + usize::from(length)).min(bytes.len());
        if length == 0 {
            return (data, end);
        }
        data.extend_from_slice(&bytes[at + 1..end]);
        at = end;
    }
    (data, at)
}

//! Files that stand in a text by older conventions than MIME: uuencode, its base64 form, yEnc, BinHex.
//!
//! # Invariants
//! Decoding never fails. Only the runs of BinHex grow, and no further than `GROWTH` allows.
//!
//! # Standards
//! POSIX uuencode; yEnc draft 1.3; RFC 1741 (BinHex 4.0).
//!
//! # Known gaps
//! Checksums are not compared: what a lenient program shows is what counts. A resource fork of BinHex is not read.

use crate::mime::transfer;

/// A file that stood in a text: its name and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedFile {
    /// The name that stands with it.
    pub name: String,
    /// The decoded bytes.
    pub bytes: Vec<u8>,
}

/// Every `begin 644 name` and `begin-base64 644 name` block of a text. A block without `end` counts too.
pub fn uuencoded(input: &[u8]) -> Vec<CodedFile> {
    let mut files = Vec::new();
    let finder = memchr::memmem::Finder::new(b"begin");
    let mut at = 0;
    while let Some(found) = finder.find(&input[at..]) {
        let start = at + found;
        at = start + 5;
        let coded = input[at..].starts_with(b"-base64 ");
        if !coded && !input[at..].starts_with(b" ") {
            continue;
        }
        if start != 0 && input[start - 1] != b'\n' {
            continue;
        }
        let line_end = memchr::memchr(b'\n', &input[start..]).map_or(input.len(), |n| start + n);
        let line = String::from_utf8_lossy(&input[start..line_end]);
        let mut words = line.trim_end().splitn(3, ' ').skip(1);
        let (Some(mode), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        if !(3..=4).contains(&mode.len()) || !mode.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let (bytes, used) = if coded {
            base64_lines(&input[line_end..])
        } else {
            uu_lines(&input[line_end..])
        };
        at = line_end + used;
        if !bytes.is_empty() {
            files.push(CodedFile {
                name: name.trim().to_owned(),
                bytes,
            });
        }
    }
    files
}

fn uu_lines(input: &[u8]) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let mut used = 0;
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        used += line.len();
        let text = line.trim_ascii_end();
        if text == b"end" {
            break;
        }
        let Some((&count, body)) = text.split_first() else {
            continue;
        };
        if !(b' '..=b'`').contains(&count) {
            break;
        }
        let count = usize::from((count - b' ') & 63);
        let mut line_bytes = Vec::with_capacity(count + 3);
        for group in body.chunks(4) {
            let mut bits = 0u32;
            for i in 0..4 {
                let byte = group.get(i).copied().unwrap_or(b' ');
                bits = bits << 6 | u32::from(byte.wrapping_sub(b' ') & 63);
            }
            line_bytes.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
        }
        line_bytes.truncate(count);
        bytes.extend_from_slice(&line_bytes);
    }
    (bytes, used)
}

/// The lines of the base64 form (`begin-base64`), up to `====`.
fn base64_lines(input: &[u8]) -> (Vec<u8>, usize) {
    let mut used = 0;
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii().starts_with(b"====") {
            break;
        }
        used += line.len();
    }
    (transfer::base64(&input[..used]).bytes, used)
}

/// Every yEnc block: `=ybegin ... name=x`, lines, `=yend`. A block without an end counts too.
pub fn yencoded(input: &[u8]) -> Vec<CodedFile> {
    let mut files = Vec::new();
    let finder = memchr::memmem::Finder::new(b"=ybegin ");
    let mut at = 0;
    while let Some(found) = finder.find(&input[at..]) {
        let start = at + found;
        let mut lines = input[start..].split_inclusive(|byte| *byte == b'\n');
        let head = lines.next().unwrap_or_default();
        at = start + head.len();
        if start != 0 && input[start - 1] != b'\n' {
            continue;
        }
        let head = String::from_utf8_lossy(head);
        let name = head.split_once("name=").map_or("", |(_, name)| name.trim());
        let mut bytes = Vec::new();
        for line in lines {
            if line.starts_with(b"=yend") {
                break;
            }
            at += line.len();
            if !line.starts_with(b"=ypart") {
                yenc_line(line, &mut bytes);
            }
        }
        if !bytes.is_empty() {
            files.push(CodedFile {
                name: name.to_owned(),
                bytes,
            });
        }
    }
    files
}

fn yenc_line(line: &[u8], bytes: &mut Vec<u8>) {
    let mut escaped = false;
    for &byte in line {
        match byte {
            b'\r' | b'\n' => {}
            b'=' if !escaped => escaped = true,
            _ => {
                let shift = if escaped { 106 } else { 42 };
                bytes.push(byte.wrapping_sub(shift));
                escaped = false;
            }
        }
    }
}

/// The line that announces BinHex; programs look for its beginning only.
const BINHEX: &[u8] = b"(This file must be converted with BinHex";
/// Bytes a run-length code may make of each byte of text: two signs and a half say 255; pictures of one colour grow tenfold.
const GROWTH: usize = 16;

/// Every BinHex block: the announcement, then signs between two colons. A block that is not closed counts too.
pub fn binhex(input: &[u8]) -> Vec<CodedFile> {
    let mut files = Vec::new();
    for start in memchr::memmem::find_iter(input, BINHEX) {
        let Some(line) = memchr::memchr(b'\n', &input[start..]) else {
            break;
        };
        let text = input[start + line..].trim_ascii_start();
        let Some(text) = text.strip_prefix(b":") else {
            continue;
        };
        let text = &text[..memchr::memchr(b':', text).unwrap_or(text.len())];
        files.extend(fork(&unrun(&six_bits(text), text.len() * GROWTH)));
    }
    files
}

fn six_bits(text: &[u8]) -> Vec<u8> {
    const SIGNS: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut have) = (0u32, 0u8);
    for sign in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let Some(value) = memchr::memchr(*sign, SIGNS) else {
            continue;
        };
        bits = bits << 6 | value as u32;
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    out
}

/// `0x90 n` repeats the byte before it, `0x90 0` is the byte itself.
fn unrun(bytes: &[u8], most: usize) -> Vec<u8> {
    const RUN: u8 = 0x90;
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        if out.len() >= most {
            break;
        }
        match (byte, rest.as_slice().first()) {
            (RUN, Some(&count)) => {
                rest.next();
                match (count, out.last().copied()) {
                    (0, _) => out.push(RUN),
                    (count, Some(last)) => {
                        out.extend(std::iter::repeat_n(last, usize::from(count) - 1));
                    }
                    (_, None) => {}
                }
            }
            _ => out.push(byte),
        }
    }
    out
}

/// The name and the data fork: a length and the name, a zero, type and creator, flags, two lengths, a checksum, the fork.
fn fork(bytes: &[u8]) -> Option<CodedFile> {
    let (&length, rest) = bytes.split_first()?;
    let name = rest.get(..usize::from(length))?;
    let rest = rest.get(usize::from(length) + 11..)?;
    let size: [u8; 4] = rest.get(..4)?.try_into().ok()?;
    let data = rest.get(10..)?;
    let size = u32::from_be_bytes(size) as usize;
    Some(CodedFile {
        name: String::from_utf8_lossy(name).into_owned(),
        bytes: data[..size.min(data.len())].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuencode_blocks_are_found() {
        let files =
            uuencoded(b"hello\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nbegin the day\r\n");
        assert_eq!(
            files,
            [CodedFile {
                name: "cat.txt".into(),
                bytes: b"Cat".to_vec()
            }]
        );
    }

    #[test]
    fn other_blocks_are_found() {
        let [file] = uuencoded(b"begin-base64 644 a.txt\nQ2F0\n====\n")
            .try_into()
            .unwrap();
        assert_eq!(
            (file.name.as_str(), file.bytes.as_slice()),
            ("a.txt", &b"Cat"[..])
        );
        let [file] =
            yencoded(b"x\n=ybegin line=128 size=4 name=b c.txt\r\nm\x8b\x9e=J\r\n=yend size=4\r\n")
                .try_into()
                .unwrap();
        assert_eq!(
            (file.name.as_str(), file.bytes.as_slice()),
            ("b c.txt", &b"Cat\xe0"[..])
        );
        assert!(binhex(b"(This file must be converted with BinHex 4.0)\n:!").is_empty());
        assert_eq!(
            unrun(&[7, 0x90, 3, 0x90, 0, 0x90], 99),
            [7, 7, 7, 0x90, 0x90]
        );
        assert!(unrun(&[7, 0x90, 255, 0x90, 255, 0x90, 255], 300).len() < 600);
    }
}

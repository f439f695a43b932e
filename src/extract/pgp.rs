//! OpenPGP messages: whether armour or packets hold encryption, a signature, or only look like it.
//!
//! # Invariants
//! "Encrypted" is said of session keys that ciphertext follows to the end of the file, never of a first line or a first byte.
//!
//! # Standards
//! RFC 9580 4.2 (packet headers), 5.1, 5.3, 5.13 (versions), 6 (armour), 10.3 (message grammar).

use crate::extract::sniff::{self, FileKind};
use crate::mime::transfer;

const ARMOUR: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
/// Packets looked at; a message to a large list holds a session key for each reader.
const MOST_PACKETS: usize = 4_096;

/// What a file is, if it is OpenPGP.
pub(crate) fn kind(bytes: &[u8]) -> Option<FileKind> {
    let head = bytes.trim_ascii();
    if head.starts_with(SIGNATURE) {
        return Some(if is_signature(head) {
            FileKind::PgpSignature
        } else {
            FileKind::PgpReadable
        });
    }
    if head.starts_with(ARMOUR) {
        return Some(armoured(head));
    }
    is_encrypted(bytes).then_some(FileKind::PgpEncrypted)
}

/// One packet and what follows it.
struct Packet<'a> {
    tag: u8,
    body: &'a [u8],
    rest: &'a [u8],
}

fn packet(bytes: &[u8]) -> Option<Packet<'_>> {
    let first = *bytes.first()?;
    let whole = |tag, header: usize, length: usize| {
        let end = header.checked_add(length)?;
        Some(Packet {
            tag,
            body: bytes.get(header..end)?,
            rest: &bytes[end..],
        })
    };
    let number = |from: usize, count: usize| -> Option<usize> {
        let digits = bytes.get(from..from + count)?;
        Some(digits.iter().fold(0, |sum, d| sum << 8 | usize::from(*d)))
    };
    if first & 0xc0 == 0xc0 {
        let tag = first & 0x3f;
        return match *bytes.get(1)? {
            length @ 0..192 => whole(tag, 2, usize::from(length)),
            length @ 192..224 => whole(
                tag,
                3,
                (usize::from(length) - 192) * 256 + number(2, 1)? + 192,
            ),
            255 => whole(tag, 6, number(2, 4)?),
            _ => chunked(tag, bytes),
        };
    }
    if first & 0x80 == 0 {
        return None;
    }
    let tag = first >> 2 & 0x0f;
    match first & 3 {
        0 => whole(tag, 2, number(1, 1)?),
        1 => whole(tag, 3, number(1, 2)?),
        2 => whole(tag, 5, number(1, 4)?),
        _ => whole(tag, 1, bytes.len() - 1),
    }
}

/// A packet in chunks: each of a power of two, the last of any length.
fn chunked(tag: u8, bytes: &[u8]) -> Option<Packet<'_>> {
    let mut at = 1;
    loop {
        let length = *bytes.get(at)?;
        let next = |header: usize, length: usize| at.checked_add(header)?.checked_add(length);
        let end = match length {
            224..255 => {
                at = next(1, 1 << (length & 0x1f))?;
                continue;
            }
            0..192 => next(1, usize::from(length))?,
            192..224 => {
                let low = usize::from(*bytes.get(at + 1)?);
                next(2, (usize::from(length) - 192) * 256 + low + 192)?
            }
            255 => {
                let digits: [u8; 4] = bytes.get(at + 1..at + 5)?.try_into().ok()?;
                next(5, u32::from_be_bytes(digits) as usize)?
            }
        };
        return Some(Packet {
            tag,
            body: bytes.get(2..end)?,
            rest: &bytes[end..],
        });
    }
}

/// Session keys, then ciphertext to the end.
fn is_encrypted(bytes: &[u8]) -> bool {
    let (mut rest, mut keys) = (bytes, 0usize);
    for _ in 0..MOST_PACKETS {
        let Some(packet) = packet(rest) else {
            return false;
        };
        rest = packet.rest;
        let version = packet.body.first().copied();
        match (packet.tag, version) {
            (1, Some(2 | 3 | 6)) | (3, Some(4..=6)) => keys += 1,
            // Marker and padding.
            (10 | 21, _) => {}
            (18, Some(1 | 2)) | (20, Some(1)) | (9, _) => {
                return keys > 0
                    && rest.is_empty()
                    && packet.body.len() > 20
                    && !sniff::is_readable(&packet.body[1..]);
            }
            _ => return false,
        }
    }
    false
}

/// The packets of armour; what its own lines say stands apart.
struct Armour {
    packets: Vec<u8>,
    alone: bool,
}

fn armour(text: &[u8]) -> Option<Armour> {
    let first = memchr::memchr(b'\n', text)?;
    let body = &text[first + 1..];
    // Its headers end at an empty line; there may be none of them.
    let start = if body.starts_with(b"\n") || body.starts_with(b"\r\n") {
        0
    } else {
        [&b"\n\n"[..], b"\n\r\n"]
            .iter()
            .filter_map(|gap| memchr::memmem::find(body, gap).map(|n| n + gap.len()))
            .min()
            .unwrap_or(0)
    };
    let end = memchr::memmem::find(&body[start..], b"-----END PGP").map(|at| at + start);
    let until = end.unwrap_or(body.len());
    let after = end.map_or(&b""[..], |end| {
        let last = &body[end..];
        memchr::memmem::find(&last[5..], b"-----").map_or(&b""[..], |at| &last[at + 10..])
    });
    let mut coded: Vec<u8> = Vec::new();
    let mut strict = end.is_some();
    for line in body[start..until].split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        // The checksum.
        if line.starts_with(b"=") && line.len() == 5 {
            continue;
        }
        strict &= line.len() <= 76
            && line
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
        coded.extend_from_slice(line);
    }
    Some(Armour {
        packets: transfer::base64(&coded).bytes,
        alone: strict && after.trim_ascii().is_empty(),
    })
}

fn is_signature(text: &[u8]) -> bool {
    let Some(armour) = armour(text).filter(|armour| armour.alone) else {
        return false;
    };
    let mut rest = armour.packets.as_slice();
    while !rest.is_empty() {
        match packet(rest) {
            Some(packet) if packet.tag == 2 && matches!(packet.body.first(), Some(3..=6)) => {
                rest = packet.rest;
            }
            _ => return false,
        }
    }
    !armour.packets.is_empty()
}

fn armoured(text: &[u8]) -> FileKind {
    if armour(text).is_some_and(|armour| is_encrypted(&armour.packets)) {
        FileKind::PgpEncrypted
    } else {
        FileKind::PgpReadable
    }
}

/// What an armoured file holds, for a look at what can be read in it.
pub(crate) fn packets(text: &[u8]) -> Vec<u8> {
    armour(text.trim_ascii()).map_or_else(Vec::new, |armour| armour.packets)
}

/// The kind of an armoured message inside a text.
pub(crate) fn in_text(text: &str) -> Option<FileKind> {
    let at = memchr::memmem::find(text.as_bytes(), ARMOUR)?;
    if at != 0 && text.as_bytes()[at - 1] != b'\n' {
        return None;
    }
    Some(armoured(&text.as_bytes()[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    fn in_armour(what: &str, packets: &[u8]) -> String {
        let body = base64::engine::general_purpose::STANDARD.encode(packets);
        let lines: Vec<String> = body
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        let lines = lines.join("\n");
        format!("-----BEGIN PGP {what}-----\n\n{lines}\n=abcd\n-----END PGP {what}-----\n")
    }

    fn cipher(length: u32) -> Vec<u8> {
        (0..length)
            .map(|i| (i * i * 167 + i * 31 + 131) as u8)
            .collect()
    }

    fn session_key() -> Vec<u8> {
        let mut key = vec![0x85, 0x01, 0x0c, 3];
        key.extend([9u8; 0x10b]);
        key
    }

    #[test]
    fn armour_alone_is_no_encryption() {
        let message = |packets: &[u8]| in_text(&in_armour("MESSAGE", packets));
        let mut literal = vec![0xcb, 60, b't', 0, 0, 0, 0, 0];
        literal.extend([b'x'; 54]);
        assert_eq!(message(&literal), Some(FileKind::PgpReadable));
        let key = session_key();
        assert_eq!(message(&key), Some(FileKind::PgpReadable));
        assert_eq!(
            message(&[key.as_slice(), &literal].concat()),
            Some(FileKind::PgpReadable)
        );
        let data = [&[0xd2, 101, 1][..], &cipher(100)].concat();
        let whole = [key.as_slice(), &data].concat();
        assert_eq!(message(&whole), Some(FileKind::PgpEncrypted));
        assert_eq!(kind(&whole), Some(FileKind::PgpEncrypted));
        assert_eq!(message(&data), Some(FileKind::PgpReadable));
        let chunks = [&[0xd2, 0xe9, 1][..], &cipher(511), &[10], &cipher(10)].concat();
        assert_eq!(
            kind(&[key.as_slice(), &chunks].concat()),
            Some(FileKind::PgpEncrypted)
        );
        let words = [
            &[0xd2, 105, 1][..],
            &b"Amelia Hart, epilepsy ".repeat(5)[..104],
        ]
        .concat();
        assert_eq!(kind(&[key.as_slice(), &words].concat()), None);
        let more = [whole.as_slice(), b"Amelia Hart"].concat();
        assert_eq!(kind(&more), None);
        assert_eq!(in_text("no armour"), None);
    }

    #[test]
    fn a_signature_is_only_a_signature() {
        let packets = [&[0xc2, 101, 4][..], &cipher(100)].concat();
        let signature = in_armour("SIGNATURE", &packets);
        assert_eq!(kind(signature.as_bytes()), Some(FileKind::PgpSignature));
        for pretence in [
            signature + "Amelia Hart",
            in_armour("SIGNATURE", b"Amelia Hart"),
            "-----BEGIN PGP SIGNATURE-----\nAmelia Hart".to_owned(),
        ] {
            assert_eq!(kind(pretence.as_bytes()), Some(FileKind::PgpReadable));
        }
    }
}

//! OpenPGP messages: whether armour or packets hold encryption, a signature, or only look like it.
//!
//! # Invariants
//! "Encrypted" is said of session keys that ciphertext follows to the end of the file, never of a first line or a first byte. What is only
//! signed, compressed or wrapped is read.
//!
//! # Standards
//! RFC 9580 4.2 (packet headers), 5.1, 5.3, 5.13 (versions), 6 (armour), 5.6 (compressed data), 5.9 (literal data),
//! 10.3 (message grammar).
//!
//! # Known gaps
//! Messages that are encrypted under a password alone are not tried with the words of the message.

use std::borrow::Cow;

use crate::extract::bounded::Stop;
use crate::extract::bz2;
use crate::extract::content::{Location, ProtectionState, UnreadReason};
use crate::extract::gather::Gather;
use crate::extract::gzip;
use crate::extract::read;
use crate::extract::sniff::{self, FileKind};
use crate::mime::{charset, transfer};

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
    if is_encrypted(bytes) {
        return Some(FileKind::PgpEncrypted);
    }
    if all_signatures(bytes) {
        return Some(FileKind::PgpSignature);
    }
    is_message(bytes).then_some(FileKind::PgpReadable)
}

/// One packet and what follows it.
struct Packet<'a> {
    tag: u8,
    body: Cow<'a, [u8]>,
    rest: &'a [u8],
}

fn packet(bytes: &[u8]) -> Option<Packet<'_>> {
    let first = *bytes.first()?;
    let whole = |tag, header: usize, length: usize| {
        let end = header.checked_add(length)?;
        Some(Packet {
            tag,
            body: Cow::Borrowed(bytes.get(header..end)?),
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
    let mut body = Vec::new();
    let mut at = 1usize;
    loop {
        let length = *bytes.get(at)?;
        let (header, count, more) = match length {
            224..255 => (1, 1usize << (length & 0x1f), true),
            0..192 => (1, usize::from(length), false),
            192..224 => {
                let low = usize::from(*bytes.get(at + 1)?);
                (2, (usize::from(length) - 192) * 256 + low + 192, false)
            }
            255 => {
                let digits: [u8; 4] = bytes.get(at + 1..at + 5)?.try_into().ok()?;
                (5, u32::from_be_bytes(digits) as usize, false)
            }
        };
        let from = at + header;
        let end = from.checked_add(count)?;
        body.extend_from_slice(bytes.get(from..end)?);
        at = end;
        if !more {
            return Some(Packet {
                tag,
                body: Cow::Owned(body),
                rest: &bytes[end..],
            });
        }
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
    all_signatures(&armour.packets)
}

/// Signature packets and nothing else.
fn all_signatures(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        match packet(rest) {
            Some(packet) if packet.tag == 2 && matches!(packet.body.first(), Some(3..=6)) => {
                rest = packet.rest;
            }
            _ => return false,
        }
    }
    !bytes.is_empty()
}

/// A message without encryption, by the grammar: signatures around literal or compressed data, to the end of the file.
fn is_message(bytes: &[u8]) -> bool {
    let (mut rest, mut data) = (bytes, 0usize);
    for _ in 0..MOST_PACKETS {
        if rest.is_empty() {
            break;
        }
        let Some(packet) = packet(rest) else {
            return false;
        };
        rest = packet.rest;
        match (packet.tag, packet.body.first()) {
            (2, Some(3..=6)) | (4, Some(3 | 6)) | (10 | 21, _) => {}
            (8, Some(0..=3)) => data += 1,
            (11, Some(b'b' | b't' | b'u' | b'l' | b'1' | b'm')) => {
                let name = packet.body.get(1).map_or(0, |length| usize::from(*length));
                if packet.body.len() < name + 6 {
                    return false;
                }
                data += 1;
            }
            _ => return false,
        }
    }
    data == 1 && rest.is_empty()
}

/// Whether only a password opens an encrypted message: it has session keys, and none of them is to a person's key.
fn is_by_password(packets: &[u8]) -> bool {
    let mut rest = packets;
    let mut passwords = 0;
    for _ in 0..MOST_PACKETS {
        match packet(rest) {
            Some(packet) if matches!(packet.tag, 3 | 10 | 21) => {
                passwords += usize::from(packet.tag == 3);
                rest = packet.rest;
            }
            Some(packet) => return packet.tag != 1 && passwords > 0,
            None => return false,
        }
    }
    false
}

/// How an encrypted message is protected: armoured, in a text, or as packets.
pub(crate) fn protection(bytes: &[u8]) -> (ProtectionState, &'static str) {
    let at = memchr::memmem::find(bytes, ARMOUR);
    let packets = at.and_then(|at| armour(&bytes[at..]));
    let packets = packets
        .as_ref()
        .map_or(bytes, |armour| armour.packets.as_slice());
    if is_by_password(packets) {
        (
            ProtectionState::Password,
            "OpenPGP encrypted under a password",
        )
    } else {
        (ProtectionState::EndToEnd, "OpenPGP encrypted")
    }
}

/// What a message without encryption holds.
struct Literal {
    name: String,
    bytes: Vec<u8>,
    stop: Option<Stop>,
}

/// Reads a message that is signed, compressed or only wrapped. What is not understood is said.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    gather.protect(
        location,
        ProtectionState::Apparent,
        "OpenPGP armour without encryption",
    );
    let at = memchr::memmem::find(bytes, ARMOUR);
    let armoured = at.and_then(|at| armour(&bytes[at..]));
    let packets = armoured
        .as_ref()
        .map_or(bytes, |armour| armour.packets.as_slice());
    let mut found = Vec::new();
    let whole = literals(gather, packets, &mut found, 0);
    if !whole || found.is_empty() {
        gather.unread(
            location,
            UnreadReason::Unsupported,
            FileKind::PgpReadable.media_type(),
        );
    }
    for literal in found {
        if let Some(stop) = literal.stop {
            gather.unread(location, stop.reason(), FileKind::PgpReadable.media_type());
        }
        let inside = location.inside(&literal.name);
        read::file(
            gather,
            &inside,
            &literal.name,
            None,
            &literal.bytes,
            depth + 1,
        );
    }
}

/// Walks packets into `found`; whether every one of them was understood.
fn literals(gather: &Gather<'_>, packets: &[u8], found: &mut Vec<Literal>, level: usize) -> bool {
    const DEEPEST: usize = 8;
    let mut rest = packets;
    for _ in 0..MOST_PACKETS {
        if rest.is_empty() {
            return true;
        }
        let Some(packet) = packet(rest) else {
            return false;
        };
        rest = packet.rest;
        match packet.tag {
            2 | 4 | 10 | 13 | 21 => {}
            8 if level < DEEPEST => {
                let Some((inner, stop)) = unpack(gather, &packet.body) else {
                    return false;
                };
                let before = found.len();
                let whole = literals(gather, &inner, found, level + 1);
                if let Some(last) = found.get_mut(before..).and_then(<[Literal]>::last_mut) {
                    last.stop = last.stop.or(stop);
                }
                if !whole || stop.is_some() && found.len() == before {
                    return false;
                }
            }
            11 => match literal(&packet.body) {
                Some(literal) => found.push(literal),
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

fn unpack(gather: &Gather<'_>, body: &[u8]) -> Option<(Vec<u8>, Option<Stop>)> {
    let (method, packed) = body.split_first()?;
    Some(match method {
        0 => (packed.to_vec(), None),
        1 | 2 => {
            let (bytes, stop, _) = gzip::inflate(packed, *method == 2, gather.budget);
            (bytes, stop)
        }
        3 => {
            let (bytes, stop, _) = bz2::unpack(packed, gather.budget);
            (bytes, stop)
        }
        _ => return None,
    })
}

/// Its format, the length of its name, the name, a date, the data.
fn literal(body: &[u8]) -> Option<Literal> {
    let length = usize::from(*body.get(1)?);
    let name = charset::decode(body.get(2..2 + length)?, Some("utf-8"));
    Some(Literal {
        // A signature's text has no name, or this one (RFC 9580 5.9).
        name: if name.is_empty() || name == "_CONSOLE" {
            "message.txt".to_owned()
        } else {
            name
        },
        bytes: body.get(2 + length + 4..)?.to_vec(),
        stop: None,
    })
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

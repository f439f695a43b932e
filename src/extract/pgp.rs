//! OpenPGP messages: whether armour holds encryption or only looks like it.
//!
//! # Standards
//! RFC 9580 4.2 (packet headers), 6 (armour), 10.3 (message grammar).

use crate::extract::sniff::FileKind;
use crate::mime::transfer;

const ARMOUR: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// What a file is, if it is OpenPGP.
pub(crate) fn kind(bytes: &[u8]) -> Option<FileKind> {
    let head = bytes.trim_ascii_start();
    if head.starts_with(b"-----BEGIN PGP SIGNATURE") {
        return Some(FileKind::PgpSignature);
    }
    if head.starts_with(ARMOUR) {
        return Some(armoured(head));
    }
    // Binary: public-key or symmetric session key, then a length that fits in the file.
    let tag = tag(*bytes.first()?)?;
    (matches!(tag, 1 | 3) && bytes.len() > 64 && binary_packet(bytes))
        .then_some(FileKind::PgpEncrypted)
}

/// A first packet whose declared length is plausible and whose version is known.
fn binary_packet(bytes: &[u8]) -> bool {
    let (length, header) = match (bytes[0] & 0x40 != 0, bytes[1]) {
        (true, first) if first < 192 => (usize::from(first), 2),
        (true, first) if first < 224 => (
            (usize::from(first) - 192) * 256 + usize::from(bytes[2]) + 192,
            3,
        ),
        (false, first) if bytes[0].trailing_zeros() >= 2 => (usize::from(first), 2),
        (false, _) if bytes[0] & 3 == 1 => (usize::from(bytes[1]) << 8 | usize::from(bytes[2]), 3),
        _ => return false,
    };
    let version = bytes[header];
    let next = bytes.get(header + length).copied().and_then(tag);
    matches!(version, 3..=6) && matches!(next, Some(1 | 3 | 9 | 18 | 20))
}

fn tag(byte: u8) -> Option<u8> {
    match byte {
        byte if byte & 0xc0 == 0xc0 => Some(byte & 0x3f),
        byte if byte & 0x80 != 0 => Some(byte >> 2 & 0x0f),
        _ => None,
    }
}

fn armoured(text: &[u8]) -> FileKind {
    let body = &text[ARMOUR.len()..];
    let start = [&b"\n\n"[..], b"\n\r\n"]
        .iter()
        .filter_map(|gap| memchr::memmem::find(body, gap).map(|n| n + gap.len()))
        .min()
        .unwrap_or(0);
    let end = memchr::memmem::find(body, b"-----END")
        .unwrap_or(body.len())
        .max(start);
    let packets = transfer::base64(&body[start..end.min(start + 400)]).bytes;
    match packets.first().copied().and_then(tag) {
        Some(1 | 3 | 9 | 18 | 20) if end - start > 64 => FileKind::PgpEncrypted,
        _ => FileKind::PgpReadable,
    }
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

    #[test]
    fn armour_alone_is_no_encryption() {
        use base64::Engine;
        let armour = |packets: &[u8]| {
            let body = base64::engine::general_purpose::STANDARD.encode(packets);
            format!("-----BEGIN PGP MESSAGE-----\n\n{body}\n=abcd\n-----END PGP MESSAGE-----\n")
        };
        let mut literal = vec![0xcb, 60, b't', 0, 0, 0, 0, 0];
        literal.extend([b'x'; 60]);
        assert_eq!(in_text(&armour(&literal)), Some(FileKind::PgpReadable));
        let mut session = vec![0x85, 0x01, 0x0c, 3];
        session.extend([9u8; 300]);
        assert_eq!(in_text(&armour(&session)), Some(FileKind::PgpEncrypted));
        assert_eq!(in_text("no armour"), None);
    }
}

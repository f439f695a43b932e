//! CMS objects (S/MIME): what they are by their object identifier, and the content inside a signature.
//!
//! # Invariants
//! "Enveloped" is said only of a well-formed structure around bytes that show nothing; `smime-type` and file names are not looked at.
//!
//! # Standards
//! RFC 5652; RFC 3274 (compressed data); RFC 5083 (authenticated enveloped data); RFC 7468 8 and 9 (the textual form); X.690 with indefinite
//! lengths, which streaming S/MIME writers use.
//!
//! # Known gaps
//! Encrypted data without recipients (RFC 5652 8), digested and authenticated data are opaque.

use std::borrow::Cow;

use crate::extract::bounded::Stop;
use crate::extract::content::ProtectionState;
use crate::extract::gzip;
use crate::extract::sniff::{self, FileKind};
use crate::limits::Budget;
use crate::mime::transfer;

const SIGNED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const ENVELOPED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
const COMPRESSED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 9];
const AUTH_ENVELOPED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23];
/// Nesting of constructed strings that is followed.
const DEEPEST: usize = 16;

struct Element<'a> {
    tag: u8,
    body: &'a [u8],
    rest: &'a [u8],
}

/// One element. An indefinite length yields everything up to its end-of-contents octets.
fn element(input: &[u8], depth: usize) -> Option<Element<'_>> {
    let (&tag, after) = input.split_first()?;
    let (&length, after) = after.split_first()?;
    if length == 0x80 {
        if depth > DEEPEST {
            return None;
        }
        let mut at = after;
        loop {
            if at.starts_with(&[0, 0]) {
                let body = &after[..after.len() - at.len()];
                return Some(Element {
                    tag,
                    body,
                    rest: &at[2..],
                });
            }
            at = element(at, depth + 1)?.rest;
        }
    }
    let (length, after) = if length < 0x80 {
        (usize::from(length), after)
    } else {
        let count = usize::from(length & 0x7f);
        if count > 4 || after.len() < count {
            return None;
        }
        let (digits, after) = after.split_at(count);
        (
            digits
                .iter()
                .fold(0usize, |sum, digit| sum << 8 | usize::from(*digit)),
            after,
        )
    };
    (after.len() >= length).then(|| Element {
        tag,
        body: &after[..length],
        rest: &after[length..],
    })
}

/// Ciphers that fall to a search of their keys: RC2 (S/MIME 2 has 40 bits of it), RC4, DES.
const WEAK: [&[u8]; 3] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 2],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 4],
    &[0x2b, 0x0e, 3, 2, 7],
];

/// The bytes of an object in its textual form.
pub(crate) fn der(bytes: &[u8]) -> Cow<'_, [u8]> {
    for label in ["PKCS7", "CMS", "PKCS #7 SIGNED DATA"] {
        let begin = format!("-----BEGIN {label}-----");
        if let Some(text) = bytes.trim_ascii_start().strip_prefix(begin.as_bytes()) {
            let end = memchr::memmem::find(text, b"-----END").unwrap_or(text.len());
            return Cow::Owned(transfer::base64(&text[..end]).bytes);
        }
    }
    Cow::Borrowed(bytes)
}

/// The object identifier and the content of a ContentInfo.
fn content_info(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let outer = element(bytes, 0).filter(|outer| outer.tag == 0x30)?;
    let oid = element(outer.body, 0).filter(|oid| oid.tag == 6)?;
    let content = element(oid.rest, 0).filter(|content| content.tag == 0xa0)?;
    Some((oid.body, content.body))
}

/// What a DER file is, if it is CMS.
pub(crate) fn kind(bytes: &[u8]) -> Option<FileKind> {
    let bytes = &*der(bytes);
    if bytes.first() != Some(&0x30) {
        return None;
    }
    let Some((oid, content)) = content_info(bytes) else {
        // It claims to be CMS and is cut or broken.
        let claims = memchr::memmem::find(&bytes[..bytes.len().min(32)], &SIGNED[..8]).is_some();
        return claims.then_some(FileKind::CmsOther);
    };
    if oid == SIGNED {
        return Some(match signed_content(bytes) {
            Some(_) => FileKind::CmsSigned,
            None => FileKind::CmsDetached,
        });
    }
    if oid == ENVELOPED || oid == AUTH_ENVELOPED {
        return Some(match envelope(content) {
            Some(envelope) if !envelope.shows => FileKind::CmsEnveloped,
            _ => FileKind::CmsOther,
        });
    }
    oid.starts_with(&SIGNED[..7]).then_some(FileKind::CmsOther)
}

/// What an envelope says of its protection.
struct Envelope {
    /// Every recipient is one who knows a password (RFC 5652 6.2.4).
    by_password: bool,
    weak: bool,
    /// What should be ciphertext is there and mostly readable.
    shows: bool,
}

/// version, [originator], recipients SET, encrypted content SEQUENCE of its type, its cipher and itself.
fn envelope(content: &[u8]) -> Option<Envelope> {
    let body = element(content, 0)?;
    let version = element(body.body, 0).filter(|version| version.tag == 2)?;
    let mut recipients = element(version.rest, 0)?;
    if recipients.tag == 0xa0 {
        recipients = element(recipients.rest, 0)?;
    }
    if recipients.tag != 0x31 || recipients.body.is_empty() {
        return None;
    }
    let (mut by_password, mut rest) = (true, recipients.body);
    while !rest.is_empty() {
        let recipient = element(rest, 0)?;
        by_password &= recipient.tag == 0xa3;
        rest = recipient.rest;
    }
    let encrypted = element(recipients.rest, 0).filter(|info| info.tag == 0x30)?;
    let kind = element(encrypted.body, 0).filter(|oid| oid.tag == 6)?;
    let cipher = element(kind.rest, 0).filter(|cipher| cipher.tag == 0x30)?;
    let oid = element(cipher.body, 0).filter(|oid| oid.tag == 6)?;
    let mut bytes = Vec::new();
    if let Some(data) = element(cipher.rest, 0) {
        match data.tag {
            0x80 => bytes.extend_from_slice(data.body),
            0xa0 => octets(data.body, &mut bytes, 0)?,
            _ => return None,
        }
    }
    Some(Envelope {
        by_password,
        weak: WEAK.contains(&oid.body),
        shows: bytes.is_empty() || sniff::is_readable(&bytes),
    })
}

/// How an enveloped object is protected, and whether it must be called unread too.
pub(crate) fn protection(bytes: &[u8]) -> (ProtectionState, &'static str, bool) {
    let bytes = der(bytes);
    match content_info(&bytes).and_then(|(_, content)| envelope(content)) {
        Some(Envelope { weak: true, .. }) => (
            ProtectionState::Apparent,
            "S/MIME under a cipher that can be broken",
            true,
        ),
        Some(Envelope {
            by_password: true, ..
        }) => (
            ProtectionState::Password,
            "S/MIME encrypted under a password",
            false,
        ),
        Some(_) => (
            ProtectionState::EndToEnd,
            "S/MIME encrypted to its recipients",
            false,
        ),
        None => (
            ProtectionState::Opaque,
            "encryption that could not be confirmed",
            true,
        ),
    }
}

/// The content of compressed data (RFC 3274): zlib, and nothing secret. `None` when it is none.
pub(crate) fn compressed_content(bytes: &[u8], budget: &Budget) -> Option<(Vec<u8>, Option<Stop>)> {
    let bytes = der(bytes);
    let (oid, content) = content_info(&bytes)?;
    if oid != COMPRESSED {
        return None;
    }
    let body = element(content, 0)?;
    let version = element(body.body, 0)?;
    let method = element(version.rest, 0)?;
    let encapsulated = element(method.rest, 0)?;
    let oid = element(encapsulated.body, 0)?;
    let wrapper = element(oid.rest, 0).filter(|wrapper| wrapper.tag == 0xa0)?;
    let mut packed = Vec::new();
    octets(wrapper.body, &mut packed, 0)?;
    let (bytes, stop, _) = gzip::inflate(&packed, true, budget);
    Some((bytes, stop))
}

/// The content inside signed data; `None` when the signature stands beside it.
pub(crate) fn signed_content(bytes: &[u8]) -> Option<Vec<u8>> {
    let bytes = &*der(bytes);
    let (oid, content) = content_info(bytes)?;
    if oid != SIGNED {
        return None;
    }
    let signed = element(content, 0)?;
    let version = element(signed.body, 0)?;
    let digests = element(version.rest, 0)?;
    let encapsulated = element(digests.rest, 0)?;
    let oid = element(encapsulated.body, 0)?;
    let wrapper = element(oid.rest, 0).filter(|wrapper| wrapper.tag == 0xa0)?;
    let mut out = Vec::new();
    octets(wrapper.body, &mut out, 0)?;
    Some(out)
}

/// An octet string, in one piece or constructed of many.
fn octets(input: &[u8], out: &mut Vec<u8>, depth: usize) -> Option<()> {
    let mut rest = input;
    while !rest.is_empty() {
        let piece = element(rest, 0)?;
        match piece.tag {
            4 => out.extend_from_slice(piece.body),
            0x24 if depth < DEEPEST => octets(piece.body, out, depth + 1)?,
            _ => return None,
        }
        rest = piece.rest;
    }
    Some(())
}

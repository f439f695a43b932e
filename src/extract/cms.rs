//! CMS objects (S/MIME): what they are by their object identifier, and the content inside a signature.
//!
//! # Invariants
//! "Enveloped" is said only of a well-formed outer structure; `smime-type` and file names are not looked at.
//!
//! # Standards
//! RFC 5652; X.690 with indefinite lengths, which streaming S/MIME writers use.

use crate::extract::sniff::FileKind;

const SIGNED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const ENVELOPED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
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

/// The object identifier and the content of a ContentInfo.
fn content_info(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let outer = element(bytes, 0).filter(|outer| outer.tag == 0x30)?;
    let oid = element(outer.body, 0).filter(|oid| oid.tag == 6)?;
    let content = element(oid.rest, 0).filter(|content| content.tag == 0xa0)?;
    Some((oid.body, content.body))
}

/// What a DER file is, if it is CMS.
pub(crate) fn kind(bytes: &[u8]) -> Option<FileKind> {
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
        // version, [originator], recipients SET, encrypted content SEQUENCE
        let recipients = element(content, 0)
            .and_then(|body| element(body.body, 0))
            .filter(|version| version.tag == 2)
            .and_then(|version| element(version.rest, 0))
            .and_then(|next| {
                if next.tag == 0xa0 {
                    element(next.rest, 0)
                } else {
                    Some(next)
                }
            })
            .is_some_and(|set| set.tag == 0x31 && !set.body.is_empty());
        return Some(if recipients {
            FileKind::CmsEnveloped
        } else {
            FileKind::CmsOther
        });
    }
    oid.starts_with(&SIGNED[..7]).then_some(FileKind::CmsOther)
}

/// The content inside signed data; `None` when the signature stands beside it.
pub(crate) fn signed_content(bytes: &[u8]) -> Option<Vec<u8>> {
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

//! A body's text back into bytes: charset, then transfer encoding.
//!
//! # Invariants
//! Charset and transfer encoding stay as they are wherever they can carry the new text, so that most bodies change in the name alone.
//! Otherwise the body becomes UTF-8, quoted-printable where its declared encoding is the identity. What is written is read back as the
//! text that was to be written, or nothing is written.
//!
//! # Standards
//! RFC 2045 6.7 (quoted-printable), 6.8 (base64); RFC 5322 2.1.1 (lines of at most 998 bytes).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding, UTF_8};
use lettre::message::Body;
use lettre::message::header::ContentTransferEncoding;

use crate::mime::{Part, charset, transfer};

/// Longest line in bytes without its end that a body may have unencoded (RFC 5322 2.1.1).
const LONGEST_LINE: usize = 998;
/// Characters of a line of base64 (RFC 2045 6.8).
const BASE64_LINE: usize = 76;

/// A body as bytes, and what its header must now say.
pub(super) struct Written {
    /// The body.
    pub(super) body: Vec<u8>,
    /// The charset is now UTF-8 and was not.
    pub(super) utf8: bool,
    /// The transfer encoding is now quoted-printable and was not.
    pub(super) quoted: bool,
}

/// The text of a part with its own line ends.
pub(super) fn text(part: &Part<'_>) -> String {
    charset::decode(&part.bytes, part.param("charset"))
}

/// Writes `new` in the place of the `old` text of a part whose body stands in the message as `raw`.
pub(super) fn write(
    part: &Part<'_>,
    raw: &[u8],
    (old, new): (&str, &str),
    line_end: &str,
) -> Option<Written> {
    let kept = in_charset(part, old, new);
    let utf8 = kept.is_none();
    let bytes = kept.unwrap_or_else(|| new.as_bytes().to_vec());
    let encoding = part.headers.all("Content-Transfer-Encoding").last();
    let encoding = encoding.map(|value| crate::mime::words::structured(value).value);
    let (body, quoted) = match encoding.as_deref().unwrap_or_default() {
        "quoted-printable" => (quoted_printable(&bytes, line_end)?, false),
        "base64" => (base64(&bytes, raw, line_end), false),
        "" | "7bit" | "8bit" | "binary" if is_carried(&bytes, &part.bytes) => (bytes, false),
        "" | "7bit" | "8bit" | "binary" => (quoted_printable(&bytes, line_end)?, true),
        _ => return None,
    };
    Some(Written { body, utf8, quoted })
}

/// The new text in the charset of the old one, if that charset gives back the old bytes exactly and can carry the new text.
///
/// In a page a letter that the charset has not is written as a character reference; the encoder does that by itself.
fn in_charset(part: &Part<'_>, old: &str, new: &str) -> Option<Vec<u8>> {
    let bytes: &[u8] = &part.bytes;
    let page = super::is_page(&part.media_type);
    let label = part.param("charset");
    let label = label.map(|label| label.trim().trim_matches(['"', '\'']));
    let declared = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    if let Some(encoding) = declared
        && encoding.encode(old).0 == bytes
    {
        let (encoded, used, lossy) = encoding.encode(new);
        let same = used == encoding.output_encoding() && encoding.output_encoding() == encoding;
        return (same && (page || !lossy)).then(|| encoded.into_owned());
    }
    // UTF-8 that no header announces stays what it is.
    let unannounced = label.is_none() || declared == Some(UTF_8);
    (unannounced && old.as_bytes() == bytes).then(|| new.as_bytes().to_vec())
}

/// Whether the bytes can stand unencoded where the old ones did.
fn is_carried(new: &[u8], old: &[u8]) -> bool {
    let longest = |bytes: &[u8]| {
        bytes
            .split(|b| *b == b'\n')
            .map(<[u8]>::len)
            .max()
            .unwrap_or(0)
    };
    let plain = new.is_ascii() || !old.is_ascii();
    plain && longest(new) <= longest(old).max(LONGEST_LINE)
}

fn quoted_printable(bytes: &[u8], line_end: &str) -> Option<Vec<u8>> {
    let lines = memchr::memmem::find(bytes, b"\r\n").is_some();
    let bare = memchr::memchr(b'\n', bytes).is_some() && !lines;
    let text = if bare {
        with_returns(bytes)
    } else {
        bytes.to_vec()
    };
    let body = Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable).ok()?;
    let mut body = body.into_vec();
    if line_end == "\n" {
        body.retain(|byte| *byte != b'\r');
    }
    let read = transfer::quoted_printable(&body);
    let same = if line_end == "\n" {
        read == without_returns(bytes)
    } else if bare {
        read == with_returns(bytes)
    } else {
        read == bytes
    };
    same.then_some(body)
}

fn with_returns(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

fn without_returns(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .copied()
        .filter(|byte| *byte != b'\r')
        .collect()
}

/// Base64 in lines, with the white space that stood at the end of the old body.
fn base64(bytes: &[u8], raw: &[u8], line_end: &str) -> Vec<u8> {
    let coded = STANDARD.encode(bytes);
    let mut out = Vec::with_capacity(coded.len() + coded.len() / 38 + 4);
    for (number, line) in coded.as_bytes().chunks(BASE64_LINE).enumerate() {
        if number > 0 {
            out.extend_from_slice(line_end.as_bytes());
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(&raw[raw.trim_ascii_end().len()..]);
    out
}

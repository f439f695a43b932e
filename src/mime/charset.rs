//! Bytes of text to characters, in the charset a label names or, failing that, the one the bytes look like.
//!
//! # Standards
//! RFC 2046 4.1.2; RFC 2152 (UTF-7); the labels of the WHATWG Encoding Standard.
//!
//! # Known gaps
//! ISO-2022-KR, HZ and EBCDIC are not read; [`is_lost`] says so.

use crate::mime::transfer;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Decodes text. A label that the bytes contradict is not believed.
pub fn decode(bytes: &[u8], label: Option<&str>) -> String {
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        return encoding
            .decode_without_bom_handling(&bytes[skip..])
            .0
            .into_owned();
    }
    let label = label.map(|label| label.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    if let Some(label) = label.as_deref() {
        if matches!(label, "utf-7" | "unicode-1-1-utf-7" | "csutf7" | "utf7") {
            return utf7(bytes);
        }
        if let Some(encoding) = Encoding::for_label(label.as_bytes()) {
            if encoding == UTF_16LE || encoding == UTF_16BE {
                let encoding = wide(bytes).unwrap_or(encoding);
                return encoding.decode_without_bom_handling(bytes).0.into_owned();
            }
            let (text, broken) = encoding.decode_without_bom_handling(bytes);
            if !broken && wide(bytes).is_none() {
                return text.into_owned();
            }
        }
    }
    guess(bytes)
}

/// Whether decoding did not show what a program that knows the charset shows: an unknown label over bytes that are no plain text,
/// a charset of escapes that browsers refuse, or a text full of replacement characters.
pub fn is_lost(bytes: &[u8], label: Option<&str>, text: &str) -> bool {
    let (mut all, mut replaced) = (0usize, 0usize);
    for c in text.chars().take(64 * 1024) {
        all += 1;
        replaced += usize::from(c == '\u{fffd}');
    }
    if replaced >= 4 && replaced * 20 > all {
        return true;
    }
    let label = label.map(|label| label.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    let Some(label) = label.filter(|label| !label.is_empty() && !label.contains("utf")) else {
        return false;
    };
    if label == "unicode-1-1-utf-7" || Encoding::for_bom(bytes).is_some() || wide(bytes).is_some() {
        return false;
    }
    match Encoding::for_label(label.as_bytes()) {
        // HZ opens with `~{`, ISO-2022 with an escape or a shift.
        Some(encoding) if encoding == encoding_rs::REPLACEMENT => {
            memchr::memmem::find(bytes, b"~{").is_some()
                || memchr::memchr2(0x1b, 0x0e, bytes).is_some()
                || !bytes.is_ascii()
        }
        Some(_) => false,
        None => std::str::from_utf8(bytes).is_err() && !mostly_ascii(bytes),
    }
}

/// Western text under a label nobody knows is still read; EBCDIC has its letters above 0x80.
fn mostly_ascii(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| byte.is_ascii()).count() * 4 > bytes.len() * 3
}

/// UTF-7: `+` opens base64 of UTF-16, anything outside its alphabet closes it, and only `-` is swallowed.
/// (`mail-parser` swallows whatever closes it, which glues names together.)
fn utf7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'+', rest) {
        out.push_str(&String::from_utf8_lossy(&rest[..at]));
        rest = &rest[at + 1..];
        let run = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
            .count();
        if run == 0 {
            out.push('+');
        } else {
            let wide = transfer::base64(&rest[..run]).bytes;
            let units: Vec<u16> = wide
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            out.push_str(&String::from_utf16_lossy(&units));
        }
        rest = rest[run..].strip_prefix(b"-").unwrap_or(&rest[run..]);
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

/// The text with UTF-7 undone, when no charset names it and it hides plain letters: `+AEEAbQ-` for `Am`.
pub(crate) fn hidden_utf7(bytes: &[u8], label: Option<&str>) -> Option<String> {
    if label.is_some_and(|label| label.to_ascii_lowercase().contains("utf-7")) {
        return None;
    }
    let coded = |at: usize| {
        let rest = &bytes[at + 1..];
        let run = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
            .count();
        // Two letters are six signs; the units of plain letters have a zero before them.
        let wide = transfer::base64(&rest[..run.min(64)]).bytes;
        run >= 6
            && wide.len() >= 4
            && wide
                .chunks_exact(2)
                .all(|unit| unit[0] == 0 && (unit[1] == b' ' || unit[1].is_ascii_graphic()))
    };
    memchr::memmem::find_iter(bytes, b"+A")
        .any(coded)
        .then(|| utf7(bytes))
}

/// Whether these bytes are UTF-16 by their pattern of zero bytes.
pub fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(512) & !1];
    if sample.len() < 4 || !sample.contains(&0) {
        return None;
    }
    let zeros = |odd: usize| {
        sample
            .iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    if odd * 10 >= half * 6 && even * 10 < half {
        Some(UTF_16LE)
    } else if even * 10 >= half * 6 && odd * 10 < half {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn guess(bytes: &[u8]) -> String {
    if let Some(encoding) = wide(bytes) {
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    let escaped = bytes.contains(&0x1b);
    if !escaped && let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(64 * 1024)], true);
    let encoding = detector.guess(None, Utf8Detection::Allow);
    let encoding = if encoding == UTF_8 {
        encoding_rs::WINDOWS_1252
    } else {
        encoding
    };
    if let Ok(text) = std::str::from_utf8(bytes)
        && encoding != encoding_rs::ISO_2022_JP
    {
        return text.to_owned();
    }
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_guesses_and_lies() {
        assert_eq!(decode("Zoë".as_bytes(), Some("utf-8")), "Zoë");
        assert_eq!(decode(b"Zo\xeb", Some("iso-8859-1")), "Zoë");
        assert_eq!(
            decode(b"Zo\xeb Applegate went to school", Some("utf-8")),
            "Zoë Applegate went to school"
        );
        assert_eq!(
            decode(b"Zo\xeb Applegate went to school", Some("x-nonsense")),
            "Zoë Applegate went to school"
        );
        assert_eq!(decode("Zoë".as_bytes(), None), "Zoë");
        assert_eq!(decode(b"Zo+AOs-", Some("UTF-7")), "Zoë");
    }

    #[test]
    fn what_no_reading_shows_is_lost() {
        let lost = |bytes: &[u8], label| is_lost(bytes, Some(label), &decode(bytes, Some(label)));
        // "Amelia Hart has asthma" in code page 037.
        let ebcdic = b"\xc1\x94\x85\x93\x89\x81\x40\xc8\x81\x99\xa3\x40\x88\x81\xa2\x40\x81\xa2\xa3\x88\x94\x81";
        assert!(lost(ebcdic, "ibm037") && lost(ebcdic, "x-ebcdic"));
        assert!(lost(b"~{#A#m#e~} has asthma", "hz-gb-2312"));
        assert!(!lost(b"plain words", "hz-gb-2312"));
        assert!(!lost(b"caf\xe9 and plain words", "x-unknown"));
        assert!(!lost("Zo\u{eb}".as_bytes(), "utf8mb4"));
        assert!(!lost(b"plain words", "x-unknown"));
        assert!(!lost(b"Zo+AOs-", "utf-7"));
    }

    #[test]
    fn utf16_with_and_without_a_mark() {
        let little: Vec<u8> = "Amelia Hart"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = "Amelia Hart"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for label in [None, Some("utf-16"), Some("us-ascii")] {
            assert_eq!(decode(&little, label), "Amelia Hart");
            assert_eq!(decode(&big, label), "Amelia Hart");
        }
    }
}

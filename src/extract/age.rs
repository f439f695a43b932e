//! age files: whether a header of age really heads a header, and ciphertext follows it.
//!
//! # Standards
//! age-encryption.org/v1 (C2SP): version line, stanzas, MAC line, payload; ASCII armour as strict PEM.
//!
//! # Known gaps
//! Files under a passphrase are not tried with the words of the message.

use crate::extract::sniff::{self, FileKind};
use crate::mime::transfer;

const VERSION: &[u8] = b"age-encryption.org/v1\n";
const BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const END: &[u8] = b"-----END AGE ENCRYPTED FILE-----";
/// The nonce of the payload and one empty chunk's tag.
const LEAST_PAYLOAD: usize = 32;

/// Whether a passphrase opens the file: the only stanza is then of the type scrypt.
pub(crate) fn is_by_password(bytes: &[u8]) -> bool {
    let binary = if bytes.starts_with(BEGIN) {
        let end = memchr::memmem::find(bytes, END).unwrap_or(bytes.len());
        transfer::base64(&bytes[BEGIN.len().min(end)..end]).bytes
    } else {
        bytes.to_vec()
    };
    binary
        .strip_prefix(VERSION)
        .is_some_and(|header| header.starts_with(b"-> scrypt "))
}

/// `Age` when the whole grammar is there; a claim alone is no encryption.
pub(crate) fn kind(bytes: &[u8]) -> Option<FileKind> {
    let binary = if bytes.starts_with(BEGIN) {
        let end = memchr::memmem::find(bytes, END)?;
        let alone = bytes[end + END.len()..].trim_ascii().is_empty();
        let body = &bytes[BEGIN.len()..end];
        // Strict PEM: lines of 64 characters of base64 and nothing else.
        let strict = body
            .split(|byte| *byte == b'\n')
            .all(|line| line.trim_ascii().len() <= 64 && is_base64(line.trim_ascii(), b"+/="));
        if !alone || !strict {
            return None;
        }
        transfer::base64(body).bytes
    } else {
        bytes.to_vec()
    };
    let payload = payload(&binary)?;
    (payload.len() >= LEAST_PAYLOAD && !sniff::is_readable(payload)).then_some(FileKind::Age)
}

fn is_base64(line: &[u8], more: &[u8]) -> bool {
    line.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || more.contains(byte))
}

/// What follows the MAC line of a well-formed header.
fn payload(binary: &[u8]) -> Option<&[u8]> {
    let mut rest = binary.strip_prefix(VERSION)?;
    let mut stanzas = 0usize;
    loop {
        let end = memchr::memchr(b'\n', rest)?;
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(mac) = line.strip_prefix(b"--- ") {
            return (stanzas > 0 && mac.len() == 43 && is_base64(mac, b"+/")).then_some(rest);
        }
        if line.starts_with(b"-> ") {
            stanzas += 1;
        } else if stanzas == 0 || line.len() > 64 || !is_base64(line, b"+/") {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(payload: &[u8]) -> Vec<u8> {
        let mac = "m".repeat(43);
        let head = format!("age-encryption.org/v1\n-> X25519 {mac}\n{mac}\n--- {mac}\n");
        [head.as_bytes(), payload].concat()
    }

    fn armour(binary: &[u8]) -> String {
        use base64::Engine;
        let body = base64::engine::general_purpose::STANDARD.encode(binary);
        let lines: Vec<String> = body
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        format!(
            "-----BEGIN AGE ENCRYPTED FILE-----\n{}\n-----END AGE ENCRYPTED FILE-----\n",
            lines.join("\n")
        )
    }

    #[test]
    fn the_grammar_and_nothing_readable() {
        let cipher: Vec<u8> = (0..90u32).map(|i| (i * 167 + 131) as u8).collect();
        assert_eq!(kind(&file(&cipher)), Some(FileKind::Age));
        assert_eq!(kind(armour(&file(&cipher)).as_bytes()), Some(FileKind::Age));
        let words = b"Amelia Hart has epilepsy. ".repeat(4);
        assert_eq!(kind(&file(&words)), None);
        assert_eq!(kind(armour(&file(&words)).as_bytes()), None);
        assert_eq!(kind(&[VERSION, &cipher].concat()), None);
        let after = armour(&file(&cipher)) + "Amelia Hart";
        assert_eq!(kind(after.as_bytes()), None);
        assert_eq!(
            kind(b"-----BEGIN AGE ENCRYPTED FILE-----\nAmelia Hart"),
            None
        );
    }
}

//! Undoing transfer encodings the way lenient mail programs do: base64 and quoted-printable.
//!
//! # Invariants
//! Decoding never fails and never yields more bytes than it was given. What strict and lenient programs would read
//! differently is said in [`Decoded::clean`].
//!
//! # Standards
//! RFC 2045 6.7 (quoted-printable), 6.8 (base64).

/// Decoded bytes and whether every program would agree on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// No byte outside the grammar was met.
    pub clean: bool,
}

/// Value of a base64 character; 64 for `=`, 65 for white space, 66 for url-safe characters plus their value elsewhere.
const fn sextets() -> [u8; 256] {
    let mut table = [255u8; 256];
    let mut i = 0;
    while i < 26 {
        table[b'A' as usize + i] = i as u8;
        table[b'a' as usize + i] = i as u8 + 26;
        i += 1;
    }
    i = 0;
    while i < 10 {
        table[b'0' as usize + i] = i as u8 + 52;
        i += 1;
    }
    table[b'+' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'=' as usize] = PAD;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table
}

const PAD: u8 = 64;
const SPACE: u8 = 65;
const SEXTETS: [u8; 256] = sextets();

/// Decodes base64, skipping what does not belong, reading on after padding, taking the url-safe alphabet too.
pub fn base64(input: &[u8]) -> Decoded {
    let mut bytes = Vec::with_capacity(input.len() / 4 * 3 + 3);
    let mut clean = true;
    let mut padded = false;
    let (mut bits, mut have) = (0u32, 0u8);
    for &byte in input {
        let sextet = match SEXTETS[byte as usize] {
            SPACE => continue,
            PAD => {
                flush(&mut bytes, bits, have);
                (bits, have) = (0, 0);
                padded = true;
                continue;
            }
            255 => {
                clean = false;
                match byte {
                    b'-' => 62,
                    b'_' => 63,
                    _ => continue,
                }
            }
            sextet => sextet,
        };
        if padded {
            clean = false;
            padded = false;
        }
        bits = bits << 6 | u32::from(sextet);
        have += 1;
        if have == 4 {
            bytes.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
            (bits, have) = (0, 0);
        }
    }
    clean &= have != 1;
    flush(&mut bytes, bits, have);
    Decoded { bytes, clean }
}

fn flush(bytes: &mut Vec<u8>, bits: u32, have: u8) {
    match have {
        2 => bytes.push((bits >> 4) as u8),
        3 => bytes.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => {}
    }
}

/// Whether a byte belongs to base64 text.
pub fn is_base64_byte(byte: u8) -> bool {
    SEXTETS[byte as usize] <= PAD
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// Decodes quoted-printable; an `=` that starts nothing stands for itself.
pub fn quoted_printable(input: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some(at) = memchr::memchr(b'=', rest) {
        bytes.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if let [high, low, tail @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.push(high << 4 | low);
            rest = tail;
            continue;
        }
        let blanks = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
            .count();
        match rest.get(blanks) {
            Some(b'\n') => rest = &rest[blanks + 1..],
            None => rest = &[],
            Some(_) => bytes.push(b'='),
        }
    }
    bytes.extend_from_slice(rest);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_reads_what_lenient_programs_read() {
        assert_eq!(
            base64(b"SGVs\r\nbG8="),
            Decoded {
                bytes: b"Hello".to_vec(),
                clean: true
            }
        );
        assert_eq!(base64(b"SGVsbG8").bytes, b"Hello");
        let joined = base64(b"SGVsbG8=SGVsbG8=");
        assert_eq!(
            (joined.bytes.as_slice(), joined.clean),
            (&b"HelloHello"[..], false)
        );
        let junk = base64(b"SG!Vs*bG8=");
        assert_eq!((junk.bytes.as_slice(), junk.clean), (&b"Hello"[..], false));
        assert_eq!(base64(b"-_-_").bytes, [0xfb, 0xff, 0xbf]);
    }

    #[test]
    fn quoted_printable_keeps_stray_equals() {
        assert_eq!(
            quoted_printable(b"a=3Db=c3=a9=\r\nc = d=  \nend="),
            "a=b\u{e9}c = dend".as_bytes()
        );
        assert_eq!(quoted_printable(b"x=ZZ"), b"x=ZZ");
    }
}

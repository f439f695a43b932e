//! Trying passwords on a PDF: the user's by the PDF reader itself, the owner's by turning it into the user's.
//!
//! # Invariants
//! A word that opens a document as its owner opens it as well as one that opens it as its user.
//!
//! # Standards
//! ISO 32000-1 7.6.3.3 and 7.6.3.4: algorithm 7, for revisions 2 to 4; the reader knows owners of revisions 5 and 6.
//!
//! # Known gaps
//! A user password that is no UTF-8 is not tried by way of the owner's.

use hayro_syntax::Pdf;
use md5::{Digest, Md5};

use crate::extract::gather::Gather;
use crate::extract::password;

const PAD: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08,
    0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

/// Microseconds of one try: revision 6 hashes 64 times or more with AES and SHA-512, the others 50 times with MD5.
const TRY_NEW: u64 = 25_000;
const TRY_OLD: u64 = 500;

/// Opens a document with a word of the message.
pub(crate) fn open(gather: &mut Gather<'_>, bytes: &[u8]) -> Option<Pdf> {
    let lock = Lock::find(bytes);
    let cost = if lock.is_some() { TRY_OLD } else { TRY_NEW };
    // The reader takes its own copy of the document for each try.
    let cost = cost + bytes.len() as u64 / 1_000;
    password::attempt(gather, cost, |word| {
        let with = |word: &str| Pdf::new_with_password(bytes.to_vec(), word).ok();
        with(word).or_else(|| {
            let user = lock.as_ref()?.user_password(word.as_bytes())?;
            let user = zeroize::Zeroizing::new(String::from_utf8(user).ok()?);
            with(&user)
        })
    })
}

/// What the owner's entry of revisions 2 to 4 needs.
struct Lock {
    owner: [u8; 32],
    revision: u32,
    key_bytes: usize,
}

impl Lock {
    /// The encryption dictionary, which is never encrypted or packed itself.
    fn find(bytes: &[u8]) -> Option<Self> {
        const AROUND: usize = 2048;
        let handler = memchr::memmem::rfind(bytes, b"/Standard")?;
        let from = handler.saturating_sub(AROUND);
        let before = &bytes[from..handler];
        let start = memchr::memmem::rfind(before, b" obj").map_or(0, |at| at + 4);
        let dictionary = &bytes[from + start..bytes.len().min(handler + AROUND)];
        let dictionary =
            &dictionary[..memchr::memmem::find(dictionary, b"endobj").unwrap_or(dictionary.len())];
        let revision = number(value(dictionary, b"/R")?)?;
        let bits = value(dictionary, b"/Length").and_then(number).unwrap_or(40);
        if !(2..=4).contains(&revision) {
            return None;
        }
        let key_bytes = match revision {
            2 => 5,
            4 => 16,
            _ => (bits as usize / 8).clamp(5, 16),
        };
        Some(Self {
            owner: string(value(dictionary, b"/O")?)?
                .get(..32)?
                .try_into()
                .ok()?,
            revision,
            key_bytes,
        })
    }

    /// Algorithm 7: the user password under the owner's.
    fn user_password(&self, owner: &[u8]) -> Option<Vec<u8>> {
        let length = owner.len().min(32);
        let mut padded = [0u8; 32];
        padded[..length].copy_from_slice(&owner[..length]);
        padded[length..].copy_from_slice(&PAD[..32 - length]);
        let mut key: [u8; 16] = Md5::digest(padded).into();
        if self.revision > 2 {
            for _ in 0..50 {
                key = Md5::digest(&key[..self.key_bytes]).into();
            }
        }
        let mut text = self.owner;
        let passes = if self.revision > 2 { 20u8 } else { 1 };
        for pass in (0..passes).rev() {
            let key: Vec<u8> = key[..self.key_bytes]
                .iter()
                .map(|byte| byte ^ pass)
                .collect();
            rc4(&key, &mut text);
        }
        let end = (0..=32).find(|at| text[*at..] == PAD[..32 - at])?;
        Some(text[..end].to_vec())
    }
}

fn rc4(key: &[u8], text: &mut [u8]) {
    let mut state: [u8; 256] = std::array::from_fn(|i| i as u8);
    let mut j = 0u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % key.len()]);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0u8, 0u8);
    for byte in text {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(usize::from(i), usize::from(j));
        let at = state[usize::from(i)].wrapping_add(state[usize::from(j)]);
        *byte ^= state[usize::from(at)];
    }
}

/// What follows a key of the dictionary.
fn value<'d>(dictionary: &'d [u8], key: &[u8]) -> Option<&'d [u8]> {
    memchr::memmem::find_iter(dictionary, key)
        .map(|at| &dictionary[at + key.len()..])
        .find(|rest| {
            rest.first()
                .is_some_and(|b| b.is_ascii_whitespace() || matches!(b, b'(' | b'<'))
        })
        .map(<[u8]>::trim_ascii_start)
}

fn number(text: &[u8]) -> Option<u32> {
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .take_while(u8::is_ascii_digit)
        .take(6)
        .collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// A literal or hexadecimal string (ISO 32000-1 7.3.4).
fn string(text: &[u8]) -> Option<Vec<u8>> {
    const LONGEST: usize = 128;
    if let Some(hex) = text.strip_prefix(b"<") {
        let digits: Vec<u8> = hex
            .iter()
            .take_while(|byte| **byte != b'>')
            .filter_map(|byte| char::from(*byte).to_digit(16))
            .map(|digit| digit as u8)
            .take(LONGEST * 2)
            .collect();
        return Some(
            digits
                .chunks(2)
                .map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0))
                .collect(),
        );
    }
    let mut out = Vec::new();
    let mut rest = text.strip_prefix(b"(")?.iter().copied().peekable();
    let mut depth = 0;
    while let Some(byte) = rest.next() {
        if out.len() >= LONGEST {
            break;
        }
        match byte {
            b')' if depth == 0 => return Some(out),
            b')' => depth -= 1,
            b'(' => depth += 1,
            b'\\' => {
                match rest.next()? {
                    b'n' => out.push(b'\n'),
                    b'r' => out.push(b'\r'),
                    b't' => out.push(b'\t'),
                    b'b' => out.push(8),
                    b'f' => out.push(12),
                    b'\n' => {}
                    b'\r' => drop(rest.next_if_eq(&b'\n')),
                    digit @ b'0'..=b'7' => {
                        let mut code = u32::from(digit - b'0');
                        for _ in 0..2 {
                            let Some(next) = rest.next_if(|b| matches!(b, b'0'..=b'7')) else {
                                break;
                            };
                            code = code * 8 + u32::from(next - b'0');
                        }
                        out.push(code as u8);
                    }
                    other => out.push(other),
                }
                continue;
            }
            _ => {}
        }
        out.push(byte);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_both_kinds() {
        assert_eq!(string(b"<41 4>x"), Some(vec![0x41, 0x40]));
        assert_eq!(
            string(b"(a(b)\\)\\\\\\101\\7\\n\\\nz) /U"),
            Some(b"a(b))\\A\x07\nz".to_vec())
        );
        assert_eq!(string(b"(open"), None);
    }

    #[test]
    fn rc4_as_its_authors_wrote_it() {
        let mut text = *b"Plaintext";
        rc4(b"Key", &mut text);
        assert_eq!(text, [0xbb, 0xf3, 0x16, 0xe8, 0xd9, 0x40, 0xaf, 0x0a, 0xd3]);
    }
}

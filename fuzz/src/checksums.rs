//! Checksums of archives' headers, made right: without, hardly any mutation of a 7z or a RAR comes past the first check.
//!
//! # Standards
//! 7zFormat.txt (SignatureHeader), RAR 5.0 archive format (general block), technote.txt of RAR 4 (HEAD_CRC).

/// Rewrites the checksums of `bytes` where it is a 7z or a RAR; what does not parse stays as it is.
pub fn mend(bytes: &mut [u8]) {
    if bytes.starts_with(b"7z\xbc\xaf\x27\x1c") {
        let _ = seven_zip(bytes);
    } else if bytes.starts_with(b"Rar!\x1a\x07\x01\0") {
        let mut at = 8;
        while let Some(next) = rar5(bytes, at) {
            at = next;
        }
    } else if bytes.starts_with(b"Rar!\x1a\x07\0") {
        let mut at = 7;
        while let Some(next) = rar4(bytes, at) {
            at = next;
        }
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let digits = bytes.get(at..at.checked_add(length)?)?;
    Some(digits.iter().rev().fold(0, |number, digit| number << 8 | usize::from(*digit)))
}

fn seven_zip(bytes: &mut [u8]) -> Option<()> {
    let from = number(bytes, 12, 8)?.checked_add(32)?;
    let header = bytes.get(from..from.checked_add(number(bytes, 20, 8)?)?)?;
    let sum = crc32fast::hash(header).to_le_bytes();
    bytes.get_mut(28..32)?.copy_from_slice(&sum);
    let sum = crc32fast::hash(bytes.get(12..32)?).to_le_bytes();
    bytes.get_mut(8..12)?.copy_from_slice(&sum);
    Some(())
}

/// A number in groups of seven bits, and where it ends.
fn groups(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut number = 0;
    for shift in 0..9 {
        let byte = *bytes.get(at)?;
        at += 1;
        number |= usize::from(byte & 0x7f) << (shift * 7);
        if byte & 0x80 == 0 {
            return Some((number, at));
        }
    }
    None
}

/// Mends the block at `at`, and says where the next one stands.
fn rar5(bytes: &mut [u8], at: usize) -> Option<usize> {
    let (size, from) = groups(bytes, at + 4)?;
    let end = from.checked_add(size)?;
    let sum = crc32fast::hash(bytes.get(at + 4..end)?).to_le_bytes();
    bytes.get_mut(at..at + 4)?.copy_from_slice(&sum);
    let (_kind, flags) = groups(bytes, from)?;
    let (flags, mut rest) = groups(bytes, flags)?;
    if flags & 1 != 0 {
        rest = groups(bytes, rest)?.1;
    }
    let data = if flags & 2 != 0 { groups(bytes, rest)?.0 } else { 0 };
    end.checked_add(data)
}

/// The same for a block of RAR 1.5 to 4.
fn rar4(bytes: &mut [u8], at: usize) -> Option<usize> {
    let (flags, size) = (number(bytes, at + 3, 2)?, number(bytes, at + 5, 2)?);
    let end = at + size.max(7);
    let sum = crc32fast::hash(bytes.get(at + 2..end)?).to_le_bytes();
    bytes.get_mut(at..at + 2)?.copy_from_slice(&sum[..2]);
    let data = if flags & 0x8000 != 0 { number(bytes, at + 7, 4)? } else { 0 };
    end.checked_add(data)
}

//! The sums that a pattern of an administrator may ask for by name.
//!
//! # Standards
//! ISO/IEC 7812-1 annex B (Luhn); ISO 7064 (modulus 97, 10); the NHS Data Dictionary (modulus 11); DfE Unique Pupil Number 2.0.

use serde::Deserialize;

use crate::detect::checks;

/// A named sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// Every second digit doubled; library and loyalty cards, IMEI.
    Luhn,
    /// Weights falling to 2 from the left, the last digit or X makes the sum divide by 11; ISBN-10, many account numbers.
    Mod11,
    /// Letters as 10 to 35, the first four characters moved to the end, remainder 1 of 97; IBAN, creditor identifiers.
    Mod97,
    /// Payment card: issuer range, length, Luhn, no published test number.
    PaymentCard,
    /// International bank account number: country, length, remainder.
    Iban,
    /// NHS number: ten digits, modulus 11.
    NhsNumber,
    /// Unique pupil number: check letter.
    Upn,
}

impl Checksum {
    /// Whether a text passes; separators do not count.
    pub fn passes(self, text: &[u8]) -> bool {
        let plain: Vec<u8> = text
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(u8::to_ascii_uppercase)
            .collect();
        let digits: Vec<u8> = plain
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .copied()
            .collect();
        match self {
            Self::Luhn => digits.len() >= 2 && checks::luhn(&digits),
            Self::Mod11 => mod11(&plain),
            Self::Mod97 => mod97(&plain),
            Self::PaymentCard => checks::payment_card(&digits),
            Self::Iban => checks::iban(&plain),
            Self::NhsNumber => digits.len() == 10 && mod11(&digits),
            Self::Upn => checks::upn(&plain),
        }
    }
}

fn mod11(plain: &[u8]) -> bool {
    let Some((last, rest)) = plain.split_last() else {
        return false;
    };
    let digit = |byte: u8| u64::from(byte.wrapping_sub(b'0'));
    let check = match last {
        b'X' => 10,
        byte if byte.is_ascii_digit() => digit(*byte),
        _ => return false,
    };
    if rest.is_empty() || !rest.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u64 = rest
        .iter()
        .rev()
        .zip(2..)
        .map(|(byte, weight)| digit(*byte) * weight)
        .sum();
    (sum + check).is_multiple_of(11)
}

fn mod97(plain: &[u8]) -> bool {
    if plain.len() < 5 {
        return false;
    }
    let (head, tail) = plain.split_at(4);
    let rest = tail.iter().chain(head).fold(0_u32, |rest, byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte - b'0')) % 97
        } else {
            (rest * 100 + u32::from(byte - b'A') + 10) % 97
        }
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_sums_agree_with_published_values() {
        for (sum, good, bad) in [
            (Checksum::Luhn, "7992 7398 713", "7992 7398 710"),
            (Checksum::Mod11, "0-306-40615-2", "0-306-40615-3"),
            (Checksum::Mod11, "0-8044-2957-X", "0-8044-2957-1"),
            (
                Checksum::Mod97,
                "GB82 WEST 1234 5698 7654 32",
                "GB82 WEST 1234 5698 7654 23",
            ),
            (
                Checksum::Iban,
                "GB82WEST12345698765432",
                "GB82WEST12345698765433",
            ),
            (Checksum::NhsNumber, "943 476 5870", "943 476 5871"),
            (Checksum::Upn, "b801200005001", "a801200005001"),
            (
                Checksum::PaymentCard,
                "4539 5787 6362 1486",
                "4539 5787 6362 1487",
            ),
        ] {
            assert!(sum.passes(good.as_bytes()), "{sum:?} {good}");
            assert!(!sum.passes(bad.as_bytes()), "{sum:?} {bad}");
        }
        for text in [
            "",
            "X",
            "A",
            "é",
            "12345678901234567890123456789012345678901234567890",
        ] {
            for sum in [
                Checksum::Luhn,
                Checksum::Mod11,
                Checksum::Mod97,
                Checksum::Upn,
            ] {
                let _ = sum.passes(text.as_bytes());
            }
        }
    }
}

//! Identifiers that a state gives one person: National Insurance number, passport, machine-readable zone, driving licence, tax reference.
//!
//! # Invariants
//! Each is found from the digits in it, with a look of a few bytes to both sides, so the work for a run of digits is bounded.
//!
//! # Standards
//! National Insurance number: HMRC NIM39110. Unique taxpayer reference: HMRC reference checker. Machine-readable zone: ICAO Doc 9303
//! parts 4 and 5, check digits by 7-3-1. Driving licence of Great Britain: the published layout; its last letters are no public
//! check, so the date inside is what is checked. Passport: nine digits, or one or two letters and seven digits; no check digit.
//!
//! # Known gaps
//! Driving licences of Northern Ireland are eight digits and are not told from other numbers. Passports need the word beside them.

use std::ops::Range;

use crate::detect::numbers::{Number, NumberKind};

/// Bytes before a number within which a word must say that it is a passport.
const SAID_BEFORE: usize = 64;
/// Bytes of a table's beginning in which its headers stand.
const HEADERS: usize = 512;

/// The identifier around the digits that start at `at`, if there is one.
pub(super) fn around(text: &[u8], at: usize) -> Option<Number> {
    let number = |kind, range| Number { kind, range };
    machine_readable(text, at)
        .map(|range| number(NumberKind::MachineReadable, range))
        .or_else(|| {
            driving_licence(text, at).map(|range| number(NumberKind::DrivingLicence, range))
        })
        .or_else(|| {
            national_insurance(text, at)
                .map(|(range, whole)| number(NumberKind::Nino { whole }, range))
        })
        .or_else(|| passport(text, at).map(|range| number(NumberKind::Passport, range)))
}

fn touches(text: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| text.get(at))
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80)
}

/// Two letters, six digits and a letter from A to D; single spaces or hyphens may part the pairs. `false` when the last letter is
/// missing, as payroll lists often have it.
fn national_insurance(text: &[u8], at: usize) -> Option<(Range<usize>, bool)> {
    let parted = at
        .checked_sub(1)
        .is_some_and(|before| matches!(text[before], b' ' | b'-'));
    let start = at.checked_sub(2 + usize::from(parted))?;
    let prefix = [text[start], text[start + 1]].map(|b| b.to_ascii_uppercase());
    if touches(text, start.checked_sub(1)) || !is_nino_prefix(prefix) {
        return None;
    }
    let mut end = at;
    for digit in 0..6 {
        if digit > 0 && digit % 2 == 0 && matches!(text.get(end), Some(b' ' | b'-')) {
            end += 1;
        }
        if !text.get(end)?.is_ascii_digit() {
            return None;
        }
        end += 1;
    }
    let gap = usize::from(matches!(text.get(end), Some(b' ' | b'-')));
    let suffix = text.get(end + gap).map(u8::to_ascii_uppercase);
    // "SC 99-00-12 A/C 90000012": the letter is another word's.
    let stands = !touches(text, Some(end + gap + 1)) && text.get(end + gap + 1) != Some(&b'/');
    if matches!(suffix, Some(b'A'..=b'D')) && stands {
        return Some((start..end + gap + 1, true));
    }
    (!touches(text, Some(end))).then_some((start..end, false))
}

/// Prefixes that are given out: neither letter is D F I Q U V, the second is not O, and seven pairs are kept back.
fn is_nino_prefix(prefix: [u8; 2]) -> bool {
    const NEVER: &[u8] = b"DFIQUV";
    const KEPT: [&[u8; 2]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    prefix
        .iter()
        .all(|b| b.is_ascii_uppercase() && !NEVER.contains(b))
        && prefix[1] != b'O'
        && !KEPT.contains(&&prefix)
}

/// Five characters of the surname, a decade, a month (plus 50 for women), a day, a year, two initials, three more characters; in capitals
/// a space or hyphen may stand before and behind the date.
fn driving_licence(text: &[u8], at: usize) -> Option<Range<usize>> {
    let parts = |at: usize| matches!(text.get(at), Some(b' ' | b'-'));
    let digits = text[at..]
        .iter()
        .take(11)
        .take_while(|b| b.is_ascii_digit())
        .count();
    // A short surname is filled up with nines, which run into the date.
    let (date, gap) = match at + digits {
        end if digits >= 6 => {
            let parted = digits == 6 && at.checked_sub(1).is_some_and(parts);
            (end - 6, usize::from(parted))
        }
        end if parts(end) => (end + 1, 1),
        _ => return None,
    };
    let (start, rest) = (date.checked_sub(5 + gap)?, date + 6 + gap);
    let end = rest + 5;
    let (surname, tail) = (text.get(start..start + 5)?, text.get(rest..end)?);
    let whole = text[date..date + 6].iter().all(u8::is_ascii_digit);
    let capitals = !surname.iter().chain(tail).any(u8::is_ascii_lowercase);
    let parted = gap == 0 || (parts(date + 6) && capitals && tail[2].is_ascii_digit());
    if !whole || !parted {
        return None;
    }
    let letters = surname
        .iter()
        .take_while(|b| b.is_ascii_alphabetic())
        .count();
    let filled = letters >= 2 && surname[letters..].iter().all(|b| *b == b'9');
    let initials =
        tail[0].is_ascii_alphabetic() && (tail[1].is_ascii_alphabetic() || tail[1] == b'9');
    let checks = tail[2].is_ascii_alphanumeric() && tail[3..].iter().all(u8::is_ascii_alphabetic);
    let value = |at: usize| u32::from(text[at] - b'0') * 10 + u32::from(text[at + 1] - b'0');
    let month = value(date + 1) % 50;
    let legal =
        (1..=12).contains(&month) && value(date + 1) <= 62 && (1..=31).contains(&value(date + 3));
    let apart = !touches(text, start.checked_sub(1)) && !touches(text, Some(end));
    (filled && initials && checks && legal && apart).then_some(start..end)
}

/// A line of 44 characters of a passport, of 36 of a visa or a card of two lines, or of 30 of a card of three, whose check digits agree.
fn machine_readable(text: &[u8], at: usize) -> Option<Range<usize>> {
    let part = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'<';
    let before = text[..at]
        .iter()
        .rev()
        .take(45)
        .take_while(|b| part(b))
        .count();
    let after = text[at..].iter().take(45).take_while(|b| part(b)).count();
    let line = &text[at - before..at + after];
    let checked = |field: Range<usize>| {
        let digit = line.get(field.end).copied().unwrap_or_default();
        check_digit(&line[field]) == Some(digit)
    };
    let sex = |at: usize| matches!(line[at], b'M' | b'F' | b'<' | b'X');
    let agrees = match line.len() {
        44 | 36 => checked(0..9) && checked(13..19) && checked(21..27) && sex(20),
        30 => checked(0..6) && checked(8..14) && sex(7) && line.contains(&b'<'),
        _ => false,
    };
    agrees.then_some(at - before..at + after)
}

/// The check digit of a field: values times 7, 3, 1 in turn, modulo ten; letters count from 10, a filler is 0.
fn check_digit(field: &[u8]) -> Option<u8> {
    let mut sum = 0;
    for (byte, weight) in field.iter().zip([7, 3, 1].into_iter().cycle()) {
        let value = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'A'..=b'Z' => u32::from(byte - b'A') + 10,
            b'<' => 0,
            _ => return None,
        };
        sum += value * weight;
    }
    Some(b'0' + (sum % 10) as u8)
}

/// Nine digits, or seven behind one or two letters, where "passport" stands before or in a table's headers.
fn passport(text: &[u8], at: usize) -> Option<Range<usize>> {
    let digits = text[at..]
        .iter()
        .take(10)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let letters = text[..at]
        .iter()
        .rev()
        .take(3)
        .take_while(|b| b.is_ascii_alphabetic())
        .count();
    let shape = matches!((letters, digits), (0, 9) | (1 | 2, 7) | (1, 8));
    let range = at - letters..at + digits;
    if !shape || touches(text, range.start.checked_sub(1)) || touches(text, Some(range.end)) {
        return None;
    }
    let says = |text: &[u8]| {
        text.windows(8)
            .any(|word| word.eq_ignore_ascii_case(b"passport"))
    };
    let near = &text[range.start.saturating_sub(SAID_BEFORE)..range.start];
    (says(near) || says(&text[..HEADERS.min(range.start)])).then_some(range)
}

/// Whether ten digits are a unique taxpayer reference: the sum of digits two to ten chooses the first.
pub fn utr(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 9] = [6, 7, 8, 9, 10, 5, 4, 3, 2];
    let [first, rest @ ..] = digits else {
        return false;
    };
    if rest.len() != WEIGHTS.len() || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = rest
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    b"21987654321".get((sum % 11) as usize) == Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(NumberKind, &str)> {
        let at = text.bytes().position(|b| b.is_ascii_digit())?;
        let number = around(text.as_bytes(), at)?;
        Some((number.kind, &text[number.range]))
    }

    #[test]
    fn identifiers_are_found_from_their_digits() {
        use NumberKind::{DrivingLicence, MachineReadable, Nino, Passport};
        let whole = Nino { whole: true };
        let part = Nino { whole: false };
        let zone = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";
        let card = "D231458907UTO7408122F1204159<<<<<<<6";
        for (text, kind, value) in [
            ("NI AB123456C.", whole, "AB123456C"),
            ("ab 12 34 56 c", whole, "ab 12 34 56 c"),
            ("AB-12-34-56-C", whole, "AB-12-34-56-C"),
            ("AB 123456 C", whole, "AB 123456 C"),
            ("AB123456 was", part, "AB123456"),
            ("MORGA657054SM9IJ", DrivingLicence, "MORGA657054SM9IJ"),
            ("LEE99657054S99IJ", DrivingLicence, "LEE99657054S99IJ"),
            ("QZXJK 657054 SM9IJ", DrivingLicence, "QZXJK 657054 SM9IJ"),
            ("QZX99 657054 S99IJ", DrivingLicence, "QZX99 657054 S99IJ"),
            ("Passport 990000012", Passport, "990000012"),
            ("passport no: ZZ9900001", Passport, "ZZ9900001"),
            (zone, MachineReadable, zone),
            (card, MachineReadable, card),
        ] {
            assert_eq!(found(text), Some((kind, value)), "{text}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_left() {
        for text in [
            "QQ123456C",
            "BG123456A",
            "AO123456A",
            "XAB123456C",
            "AB123456CD",
            "AB1234567C",
            "AB12345",
            "MORGA657554SM9IJ", // no thirty-fifth day
            "MORGA669054SM9IJ", // no month nineteen
            "MORGA657054SM9I1",
            "XMORGA657054SM9IJ",
            "please order 657054 items",
            "order 990000012",
            "passport photo 1234",
            "L898902C46UTO7408122F1204159ZE184226B<<<<<10",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn tax_references() {
        assert!(utr(b"1955839661"));
        for wrong in ["1955839662", "195583966", "19558396611", "", "a955839661"] {
            assert!(!utr(wrong.as_bytes()), "{wrong}");
        }
    }
}

//! The checks of identifiers: check digits, check letters, ranges and lengths.
//!
//! # Standards
//! Luhn: ISO/IEC 7812-1 annex B. IBAN: ISO 13616, ISO 7064 MOD 97-10, lengths of the SWIFT registry. NHS number: NHS Data Dictionary.
//! ULN: HESA C17051. UPN: DfE Government Data Standards Catalogue. Ranges of card numbers: the public tables that `docs` cites.

/// Whether digits pass the Luhn check.
pub fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let value = u32::from(digit - b'0');
            match (index % 2, value) {
                (0, value) => value,
                (_, value) if value > 4 => value * 2 - 9,
                (_, value) => value * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Numbers that payment services publish for trying things out. They pass every check and belong to nobody.
const TEST_CARDS: &[&str] = &[
    "2222420000001113",
    "2223000048400011",
    "2223003122003222",
    "2223520043560014",
    "30569309025904",
    "3056930009020004",
    "3530111333300000",
    "3566000020000410",
    "3566002020360505",
    "36227206271667",
    "371449635398431",
    "374245455400126",
    "378282246310005",
    "378734493671000",
    "38520000023237",
    "4000000000000002",
    "4000000000000077",
    "4000000000003220",
    "4000000000009995",
    "4000002500003155",
    "4000002760003184",
    "4000056655665556",
    "4000058260000005",
    "4001919257537193",
    "4007702835532454",
    "4012888888881881",
    "4012000033330026",
    "4012000077777777",
    "4017340000000003",
    "4111111111111111",
    "4222222222222",
    "4242424242424242",
    "4263982640269299",
    "4263970000005262",
    "4444333322221111",
    "4462030000000000",
    "4484070000000000",
    "4508034508034509",
    "4716989580001715",
    "4911830000000",
    "4917300800000000",
    "4917484589897107",
    "4917610000000000",
    "4917610000000000003",
    "4918190000000002",
    "5019717010103742",
    "5100000010001004",
    "5105105105105100",
    "5200828282828210",
    "5425233430109903",
    "5454545454545454",
    "5500000000000004",
    "5555341244441115",
    "5555555555554444",
    "6011000000000012",
    "6011000990139424",
    "6011000991300009",
    "6011000400000000",
    "6011111111111117",
    "6200000000000005",
    "6250941006528599",
    "6304000000000000",
    "6331101999990016",
    "6703444444444449",
    "6759649826438453",
    "6771798021000008",
    "6799990100000000019",
];

/// Whether digits are a payment card number: issuer range with its length, Luhn, and no published test number.
pub fn payment_card(digits: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(digits) else {
        return false;
    };
    let alike = digits.iter().all(|digit| *digit == digits[0]);
    !alike && card_range(text) && luhn(digits) && !TEST_CARDS.contains(&text)
}

fn card_range(digits: &str) -> bool {
    let prefix = |count: usize| {
        digits
            .get(..count)
            .and_then(|text| text.parse::<u32>().ok())
            .unwrap_or(0)
    };
    let length = digits.len();
    match (prefix(1), prefix(2), prefix(3), prefix(4), prefix(6)) {
        (4, ..) => matches!(length, 13 | 16 | 19),
        (_, 34 | 37, ..) => length == 15,
        (_, _, 300..=305, _, _) | (_, _, _, 3095, _) | (_, 36 | 38 | 39, ..) => {
            matches!(length, 14 | 16)
        }
        (_, 51..=55, ..) | (_, _, _, 3528..=3589, _) | (_, _, _, _, 222_100..=272_099) => {
            length == 16
        }
        (_, _, _, 6011, _) | (_, _, 644..=659, _, _) => matches!(length, 16 | 19),
        (_, 62, ..) => (16..=19).contains(&length),
        (_, 50 | 56 | 57 | 58, ..)
        | (_, _, _, 6304 | 6706 | 6709 | 6759..=6763 | 6771 | 6799, _) => {
            (12..=19).contains(&length)
        }
        _ => false,
    }
}

/// What ten digits are by their weighted sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TenDigits {
    /// NHS number, CHI or H&C number.
    Nhs,
    /// Unique learner number.
    Uln,
    /// Neither.
    Neither,
}

/// Types ten digits with one sum: the two families were made so that they exclude each other.
pub fn ten_digits(digits: &[u8]) -> TenDigits {
    if digits.len() != 10 || digits.iter().all(|digit| *digit == digits[0]) {
        return TenDigits::Neither;
    }
    let sum: u32 = digits
        .iter()
        .zip((1..=10).rev())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    match sum % 11 {
        0 if in_nhs_ranges(digits) => TenDigits::Nhs,
        10 if digits[0] != b'0' => TenDigits::Uln,
        _ => TenDigits::Neither,
    }
}

/// Which number of the NHS family ten digits that pass the sum are, by the range they stand in.
pub fn nhs_family(digits: &[u8]) -> &'static str {
    match digits {
        [b'0'..=b'2', ..] | [b'3', b'0' | b'1', ..] => "check digit agrees: CHI number of Scotland",
        [b'3', ..] => {
            "check digit agrees: health and care number of Northern Ireland or NHS number"
        }
        [b'4' | b'6' | b'7', ..] => "check digit agrees: NHS number of England or Wales",
        [b'8', ..] => "check digit agrees: health identifier of Ireland or NHS number",
        _ => "check digit agrees: a range that is not issued",
    }
}

/// Below 32 stand Scotland's numbers, which begin with a day, a month and a year; from there on every number may occur.
fn in_nhs_ranges(digits: &[u8]) -> bool {
    let pair = |at: usize| u32::from(digits[at] - b'0') * 10 + u32::from(digits[at + 1] - b'0');
    pair(0) >= 32 || ((1..=31).contains(&pair(0)) && (1..=12).contains(&pair(2)))
}

/// Whether thirteen characters are a UPN, permanent or temporary; upper case is expected.
pub fn upn(text: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let place = |letter: u8| LETTERS.iter().position(|known| *known == letter);
    let [check, body @ .., last] = text else {
        return false;
    };
    if text.len() != 13 || !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let last = if last.is_ascii_digit() {
        Some(usize::from(last - b'0'))
    } else {
        place(*last)
    };
    let Some(last) = last else {
        return false;
    };
    let sum: usize = body
        .iter()
        .zip(2..)
        .map(|(digit, weight)| usize::from(digit - b'0') * weight)
        .sum();
    place(*check) == Some((sum + last * 13) % 23)
}

/// Lengths of the SWIFT IBAN registry.
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// The length of an IBAN of a country, given in capitals.
pub fn iban_length(country: [u8; 2]) -> Option<usize> {
    IBAN_LENGTHS
        .iter()
        .find(|(known, _)| **known == country)
        .map(|(_, length)| *length)
}

/// Whether capitals and digits are an IBAN: country, length and the remainder of 1.
pub fn iban(text: &[u8]) -> bool {
    let [a, b, ..] = text else {
        return false;
    };
    if iban_length([*a, *b]) != Some(text.len()) || text.len() < 5 {
        return false;
    }
    let (head, tail) = text.split_at(4);
    let mut rest = 0_u32;
    for byte in tail.iter().chain(head) {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A' + 10),
            _ => return false,
        } % 97;
    }
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upns() {
        for good in [
            "B801200005001",
            "B999000025001",
            "G30920001600A",
            "M80120000500A",
            "P207000016049",
        ] {
            assert!(upn(good.as_bytes()), "{good}");
        }
        for bad in [
            "A801200005001",
            "Q207000016049",
            "B80120000500",
            "I801200005001",
            "B80120000500I",
            "",
        ] {
            assert!(!upn(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn ten_digits_have_one_type() {
        for (digits, kind) in [
            ("9276308686", TenDigits::Uln),
            ("9434765870", TenDigits::Nhs),
            ("9434765919", TenDigits::Nhs),
            ("9990000018", TenDigits::Nhs),
            ("0508319943", TenDigits::Nhs),
            ("3638884872", TenDigits::Nhs),
            ("9434765871", TenDigits::Neither),
            ("0123456789", TenDigits::Neither),
            ("1111111111", TenDigits::Neither),
        ] {
            assert_eq!(ten_digits(digits.as_bytes()), kind, "{digits}");
        }
    }

    #[test]
    fn ibans() {
        for good in [
            "GB82WEST12345698765432",
            "GB29NWBK60161331926819",
            "DE89370400440532013000",
            "NO9386011117947",
        ] {
            assert!(iban(good.as_bytes()), "{good}");
        }
        for bad in [
            "GB82WEST12345698765433",
            "GB82WEST1234569876543",
            "ZZ82WEST12345698765432",
            "GB",
        ] {
            assert!(!iban(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn cards() {
        assert!(luhn(b"4111111111111111"));
        for test in TEST_CARDS {
            assert!(!payment_card(test.as_bytes()), "{test}");
        }
        assert!(payment_card(b"4929000000006"));
        assert!(payment_card(b"4539578763621486"));
        assert!(payment_card(b"340000000000009"));
        assert!(!payment_card(b"4539578763621487"));
        assert!(!payment_card(b"9539578763621481"));
    }
}

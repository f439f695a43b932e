//! Numbers that pass their checks but were never issued, planted in subject, body, table and attachment.

use crate::message::{self, Carrier};
use crate::random::Random;
use crate::sample::{Planted, Sample, What};

const UPN_LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
const COUNT: usize = 60;

fn upn_letter(rest: &str) -> char {
    let value = |c: char| match c.to_digit(10) {
        Some(digit) => digit as usize,
        None => UPN_LETTERS
            .iter()
            .position(|b| char::from(*b) == c)
            .unwrap_or(0),
    };
    let sum: usize = rest
        .chars()
        .enumerate()
        .map(|(index, c)| (index + 2) * value(c))
        .sum();
    char::from(UPN_LETTERS[sum % 23])
}

/// A permanent UPN of local authority 999.
pub fn upn(random: &mut Random) -> String {
    let rest = format!(
        "999{}{}{}",
        random.digits(4),
        14 + random.below(11),
        random.digits(3)
    );
    format!("{}{rest}", upn_letter(&rest))
}

/// A temporary UPN.
fn temporary_upn(random: &mut Random) -> String {
    let last = char::from(UPN_LETTERS[random.below(23)]);
    let rest = format!(
        "999{}{}{}{last}",
        random.digits(4),
        14 + random.below(11),
        random.digits(2)
    );
    format!("{}{rest}", upn_letter(&rest))
}

/// An NHS number of the range kept for tests.
pub fn nhs(random: &mut Random) -> String {
    loop {
        let body = format!("9{}", random.digits(8));
        let sum: u32 = body
            .bytes()
            .zip((2..=10).rev())
            .map(|(b, weight)| u32::from(b - b'0') * weight)
            .sum();
        let check = 11 - sum % 11;
        if check != 10 {
            return format!("{body}{}", check % 11);
        }
    }
}

fn luhn(body: &str) -> u32 {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, b)| {
            let value = u32::from(b - b'0') * if index % 2 == 0 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    (10 - sum % 10) % 10
}

/// A payment card of a prefix for which no issuer is known.
pub fn card(random: &mut Random) -> String {
    let (prefix, length) = [("499999", 16), ("272099", 16), ("349999", 15)][random.below(3)];
    let body = format!("{prefix}{}", random.digits(length - prefix.len() - 1));
    format!("{body}{}", luhn(&body))
}

fn grouped(number: &str, sizes: &[usize], separator: &str) -> String {
    let (mut rest, mut parts) = (number, Vec::new());
    for size in sizes.iter().cycle() {
        let (part, more) = rest.split_at((*size).min(rest.len()));
        parts.push(part);
        rest = more;
        if rest.is_empty() {
            break;
        }
    }
    parts.join(separator)
}

fn card_groups(number: &str) -> &'static [usize] {
    if number.len() == 15 { &[4, 6, 5] } else { &[4] }
}

/// An IBAN whose bank code belongs to no bank.
pub fn iban(random: &mut Random) -> String {
    let (country, body) = match random.below(5) {
        0 => ("GB", format!("QZXJ00{}", random.digits(12))),
        1 => ("IE", format!("QZXJ00{}", random.digits(12))),
        2 => ("DE", format!("99{}", random.digits(16))),
        3 => ("NL", format!("QZXJ{}", random.digits(10))),
        _ => ("PL", format!("9999{}", random.digits(20))),
    };
    let number: String = format!("{body}{country}00")
        .chars()
        .map(|c| c.to_digit(36).unwrap_or(0).to_string())
        .collect();
    let rest = number
        .bytes()
        .fold(0, |rest, b| (rest * 10 + u32::from(b - b'0')) % 97);
    format!("{country}{:02}{body}", 98 - rest)
}

/// A learner number: weights 10 to 2, tenth digit from the remainder by 11.
fn uln(random: &mut Random) -> String {
    loop {
        let body = format!("{}{}", 1 + random.below(8), random.digits(8));
        let sum: u32 = body
            .bytes()
            .zip((2..=10).rev())
            .map(|(b, weight)| u32::from(b - b'0') * weight)
            .sum();
        let rest = sum % 11;
        if rest != 0 {
            return format!("{body}{}", 10 - rest);
        }
    }
}

fn utr(random: &mut Random) -> String {
    let rest = random.digits(9);
    let weights = [6, 7, 8, 9, 10, 5, 4, 3, 2];
    let sum: u32 = rest
        .bytes()
        .zip(weights)
        .map(|(b, weight)| u32::from(b - b'0') * weight)
        .sum();
    let check = b"21987654321"[(sum % 11) as usize];
    format!("{}{rest}", char::from(check))
}

/// One kind of identifier: class, detector, category, and how it is written with its label.
struct Kind {
    class: &'static str,
    detector: &'static str,
    category: &'static str,
    label: &'static str,
    make: fn(&mut Random, usize) -> String,
}

const KINDS: &[Kind] = &[
    Kind {
        class: "UPN",
        detector: "upn",
        category: "pupil-id",
        label: "UPN",
        make: |r, t| if t % 3 == 2 { temporary_upn(r) } else { upn(r) },
    },
    Kind {
        class: "NHS number",
        detector: "nhs-number",
        category: "medical",
        label: "NHS number",
        make: |r, t| {
            grouped(
                &nhs(r),
                [&[3, 3, 4][..], &[10], &[3, 3, 4]][t % 3],
                [" ", "", "-"][t % 3],
            )
        },
    },
    Kind {
        class: "payment card",
        detector: "payment-card",
        category: "financial",
        label: "Card number",
        make: |r, t| {
            let number = card(r);
            grouped(&number, card_groups(&number), [" ", "", "-"][t % 3])
        },
    },
    Kind {
        class: "IBAN",
        detector: "iban",
        category: "financial",
        label: "IBAN",
        make: |r, t| grouped(&iban(r), &[4], [" ", ""][t % 2]),
    },
    Kind {
        class: "sort code and account",
        detector: "sort-code-account",
        category: "financial",
        label: "Sort code and account number",
        make: |r, t| {
            let mark = ["-", " ", ""][t % 3];
            format!(
                "00{mark}{}{mark}{} {}{}",
                32 + r.below(60),
                40 + r.below(58),
                3 + r.below(6),
                r.digits(7)
            )
        },
    },
    Kind {
        class: "ULN",
        detector: "uln",
        category: "pupil-id",
        label: "ULN",
        make: |r, _| uln(r),
    },
    Kind {
        class: "National Insurance number",
        detector: "national-insurance-number",
        category: "personal-id",
        label: "National Insurance number",
        make: |r, t| {
            grouped(
                &format!("JX{}{}", r.digits(6), ["A", "B", "C", "D"][t % 4]),
                &[2],
                ["", " "][t % 2],
            )
        },
    },
    Kind {
        class: "UTR",
        detector: "utr",
        category: "financial",
        label: "UTR",
        make: |r, _| utr(r),
    },
    Kind {
        class: "passport number",
        detector: "passport",
        category: "personal-id",
        label: "Passport number",
        make: |r, _| format!("99{}", r.digits(7)),
    },
];

/// Labels before which each identifier stands; the classes of detectors that the catalogue does not have are left out.
pub fn samples(has: &dyn Fn(&str) -> Option<String>) -> Vec<Sample> {
    let mut out = Vec::new();
    for kind in KINDS {
        let Some(_) = has(kind.detector) else {
            continue;
        };
        let mut random = Random::of(kind.class);
        for turn in 0..COUNT {
            let value = (kind.make)(&mut random, turn / 7);
            out.push(plain(kind, turn, &value));
        }
    }
    disguised(&mut out);
    out
}

fn planted(kind: &Kind, place: &'static str, value: &str) -> Vec<Planted> {
    vec![Planted {
        category: kind.category,
        detector: kind.detector,
        place,
        what: What::Value(value.to_owned()),
    }]
}

fn sample(
    kind: &Kind,
    class: &'static str,
    place: &'static str,
    message: Vec<u8>,
    value: &str,
    shown: &str,
) -> Sample {
    Sample {
        class,
        planted: planted(kind, place, value),
        allowed: &["pupil-id", "personal-detail"],
        message,
        shown: format!("{place}: {shown}"),
    }
}

fn plain(kind: &Kind, turn: usize, value: &str) -> Sample {
    let label = kind.label;
    let line = match turn % 3 {
        0 => format!("{label}: {value}"),
        1 => format!(
            "The {} is {value}, as you asked.",
            label.replacen("Card", "card", 1)
        ),
        _ => format!("{label} {value}"),
    };
    let carrier = [
        Carrier::Plain8,
        Carrier::Subject,
        Carrier::Html,
        Carrier::TxtFile,
        Carrier::Docx,
    ][turn % 5];
    if turn % 7 < 2 {
        let rows = [
            vec!["Line".to_owned(), label.to_owned()],
            vec!["1".to_owned(), value.to_owned()],
        ];
        let csv = format!("Line,{label}\r\n1,{value}\r\n");
        let message = if turn.is_multiple_of(2) {
            message::with_file("table.xlsx", message::XLSX, &message::xlsx(&rows))
        } else {
            message::with_file("table.csv", "text/csv", csv.as_bytes())
        };
        return sample(kind, kind.class, "attachment", message, value, &csv);
    }
    sample(
        kind,
        kind.class,
        carrier.place(),
        message::carry(carrier, &line),
        value,
        &format!("{carrier:?} {line:?}"),
    )
}

/// Identifiers whose digits carry zero-width characters, no-break spaces, full-width digits or soft breaks.
fn disguised(out: &mut Vec<Sample>) {
    let class = "identifiers in disguise";
    let mut random = Random::of(class);
    for turn in 0..COUNT * 2 {
        let kind = &KINDS[turn % 5];
        let value = (kind.make)(&mut random, turn / 5);
        let shown: String = match (turn / 5) % 5 {
            0 => value.chars().flat_map(|c| [c, '\u{200b}']).collect(),
            1 => value.replace(' ', "\u{a0}"),
            2 => value
                .chars()
                .map(|c| {
                    if c.is_ascii_digit() {
                        char::from_u32(c as u32 + 0xfee0).unwrap_or(c)
                    } else {
                        c
                    }
                })
                .collect(),
            3 => value.chars().flat_map(|c| [c, '\u{ad}']).collect(),
            _ => value.replace('-', "\u{2011}"),
        };
        let line = format!("{}: {shown}", kind.label);
        let carrier = [
            Carrier::PlainQp,
            Carrier::Html,
            Carrier::Docx,
            Carrier::PlainB64,
        ][turn % 4];
        out.push(sample(
            kind,
            class,
            carrier.place(),
            message::carry(carrier, &line),
            &value,
            &format!("{carrier:?} {line:?}"),
        ));
    }
}

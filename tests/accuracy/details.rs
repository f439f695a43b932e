//! Date of birth, postcode, telephone number and e-mail address of a pupil, and the dates, codes, numbers and addresses that are not theirs.
//! Postcodes are of the area ZZ99, telephone numbers of the ranges kept for drama, addresses of `.example`.

use crate::kinds::carry;
use crate::message::{self, Carrier};
use crate::people::Pupil;
use crate::random::Random;
use crate::sample::{Planted, Sample, What, chosen, turns};

/// Messages a class.
const COUNT: usize = 120;

/// One detail: how it stands beside a name.
struct Detail {
    class: &'static str,
    detector: &'static str,
    /// Texts around `{n}` and `{v}`.
    texts: &'static [&'static str],
    headers: &'static [&'static str],
    make: fn(&mut Random, usize, &Pupil) -> String,
}

const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DETAILS: &[Detail] = &[
    Detail {
        class: "date of birth",
        detector: "date-of-birth",
        texts: &[
            "{n}, born {v}",
            "{n} (DOB: {v}) moves to the other group.",
            "{n} {v}",
            "Date of birth of {n}: {v}",
            "Name: {n}\nDOB: {v}\nGroup: B",
            "Please book {n}, d.o.b. {v}, for the eye test.",
            "{v} - {n}",
            "Name: {n}\n\nDate of birth: {v}",
            "{n} joins us on Monday. The date of birth is {v}.",
            "{n}\n{v}",
        ],
        headers: &["DOB", "Date of birth", "Born"],
        make: |_, turn, p| born(turn, p),
    },
    Detail {
        class: "postcode",
        detector: "postcode",
        texts: &[
            "{n}, 4 Mill Lane, {v}",
            "{n} lives at {v}.",
            "Address of {n}: 4 Mill Lane, Oxthorpe, {v}",
            "Name: {n}\nStreet: 4 Mill Lane\nPostcode: {v}",
            "{n}\n4 Mill Lane\nOxthorpe\n{v}",
            "The taxi for {n} stops at {v} at eight.",
            "{v}: {n}",
        ],
        headers: &["Postcode", "Post code", "Address"],
        make: |r, turn, _| {
            let end = r.pick(&["WZ", "GZ", "AB", "XX", "HJ"]);
            let number = 1 + r.below(9);
            match turn % 4 {
                2 => format!("ZZ99{number}{end}"),
                3 => format!("zz99 {number}{}", end.to_lowercase()),
                _ => format!("ZZ99 {number}{end}"),
            }
        },
    },
    Detail {
        class: "telephone number",
        detector: "telephone",
        texts: &[
            "{n}'s mum is on {v}.",
            "{n}: {v}",
            "Ring {v} about {n}.",
            "Name: {n}\nMobile: {v}",
            "{n}, contact 1: {v}",
            "Emergency number for {n} is {v}, day and night.",
            "{n} | {v} | bus 4",
            "{n}\nTel. {v}",
        ],
        headers: &["Phone", "Mobile", "Contact 1"],
        make: |r, turn, _| {
            let tail = r.digits(3);
            match turn % 11 {
                0 => format!("07700 900{tail}"),
                1 => format!("07700900{tail}"),
                2 => format!("+44 7700 900{tail}"),
                3 => format!("01632 960{tail}"),
                4 => format!("(01632) 960{tail}"),
                5 => format!("+44 (0)1632 960{tail}"),
                6 => format!("020 7946 0{tail}"),
                7 => format!("0044 7700 900{tail}"),
                8 => format!("07700-900-{tail}"),
                9 => format!("0113 496 0{tail}"),
                _ => format!("07700 900 {tail}"),
            }
        },
    },
    Detail {
        class: "e-mail address",
        detector: "email-address",
        texts: &[
            "{n}'s dad: {v}",
            "{n} <{v}>",
            "Reply to {v} about {n}.",
            "Name: {n}\nE-mail: {v}",
            "The address for {n} is {v}.",
            "{n} ({v}) was not told.",
            "{n}\n{v}",
        ],
        headers: &["Email", "E-mail address", "Contact"],
        make: |r, turn, _| {
            let number = r.digits(2);
            match turn % 5 {
                0 => format!("dad{number}@home.example"),
                1 => format!("the.parents+school{number}@mailbox.example"),
                2 => format!("MUM_{number}@Post.Home.Example"),
                3 => format!("{number}jo-lee@home-mail.example"),
                _ => format!("carer{number}@a.b.example"),
            }
        },
    },
];

/// What stands beside a name and is nobody's detail: `{d}` a date, `{e}` digits.
const NOT_THEIRS: &[(&str, &[&str])] = &[
    (
        "dates that are no births",
        &[
            "{n} was away on {d}.",
            "{n} has a lesson on {d} and again a week later.",
            "Library book of {n}, due {d}",
            "{n}: term starts {d}",
            "{n} joined on {d} and is settling in.",
            "Invoice of {d} for {n}",
            "{n} will sit the paper on {d} at nine.",
        ],
    ),
    (
        "codes beside a name",
        &[
            "{n} has locker B1{e}2A.",
            "{n} takes the paper 8461/1H in room C1{e}.",
            "{n} is in seat ZZ99-3-{e}.",
            "{n}: item AB1{e}-9CI is missing.",
            "{n} found book Zz99 3wZ on the shelf.",
            "{n} scored {e} of 200 in round Q9 {e}.",
            "Voucher for {n}: MX9 {e}KC",
        ],
    ),
    (
        "the school's own numbers below a name",
        &[
            "{n} is away. Call us on 01632 960{e}.",
            "Thank you for seeing {n}.\n\nLarkrise School, Mill Lane, Oxthorpe, ZZ99 3WZ\nTel. 01632 960{e}",
            "{n} left a scarf.\n\nRegards\nThe office\noffice2@larkrise.example | 01632 960{e}",
            "{n} can come on Monday. For questions write to office2@larkrise.example.",
            "{n} won.\n\nOur office is open from 8 to 4: +44 1632 960{e}.",
            "{n} owes 12.50 for order 0{e}4 and {e} points.",
            "{n} finished in 01:32:96 and ran 960{e} steps.",
        ],
    ),
];

/// All of them.
pub fn samples(pupils: &[Pupil]) -> Vec<Sample> {
    let mut out = Vec::new();
    let everybody = chosen(pupils, |_| true);
    for detail in DETAILS {
        let mut random = Random::of(detail.class);
        for (turn, pupil) in turns(&everybody, COUNT) {
            out.push(planted(detail, turn, pupil, &pupils[pupil], &mut random));
        }
    }
    for (class, texts) in NOT_THEIRS {
        let mut random = Random::of(class);
        for (turn, pupil) in turns(&everybody, COUNT) {
            let p = &pupils[pupil];
            let date = another_day(&mut random, turn, p);
            let text = texts[turn % texts.len()]
                .replace("{n}", &p.name())
                .replace("{d}", &date)
                .replace("{e}", &random.digits(3));
            let carrier = carrier(turn / texts.len(), &text);
            let shown = format!("{carrier:?} {text:?}");
            out.push(Sample::name(
                class,
                pupil,
                carrier.place(),
                carry(carrier, &text),
                &shown,
            ));
        }
    }
    alone(pupils, &mut out);
    out
}

/// The same details with nobody named.
fn alone(pupils: &[Pupil], out: &mut Vec<Sample>) {
    const TEXTS: &[&str] = &[
        "Call the office on {t} or write to {m}.",
        "Please use the side gate, 4 Mill Lane, {p}.",
        "Date of birth: {b}. Please fill in the rest of the form.",
        "The coach leaves from {p}; the driver is on {t}.",
        "{f} has lost the note with {t} on it.",
        "Subscribe at {m}; the next issue is out on {b}.",
    ];
    let class = "details with nobody named";
    let mut random = Random::of(class);
    for (turn, pupil) in turns(&chosen(pupils, |_| true), COUNT * 3) {
        let p = &pupils[pupil];
        let text = TEXTS[turn % TEXTS.len()]
            .replace("{t}", &(DETAILS[2].make)(&mut random, turn, p))
            .replace("{m}", &(DETAILS[3].make)(&mut random, turn, p))
            .replace("{p}", &(DETAILS[1].make)(&mut random, turn, p))
            .replace("{b}", &born(turn, p))
            .replace("{f}", &p.forename);
        let carrier = carrier(turn / TEXTS.len(), &text);
        let shown = format!("{carrier:?} {text:?}");
        out.push(Sample::negative(class, carry(carrier, &text), &shown));
    }
}

fn carrier(turn: usize, text: &str) -> Carrier {
    let carriers = [
        Carrier::Plain8,
        Carrier::Html,
        Carrier::Docx,
        Carrier::PlainQp,
        Carrier::TxtFile,
        Carrier::Subject,
    ];
    match carriers[turn % carriers.len()] {
        Carrier::Subject if text.contains('\n') => Carrier::PlainB64,
        carrier => carrier,
    }
}

fn planted(detail: &Detail, turn: usize, pupil: usize, p: &Pupil, random: &mut Random) -> Sample {
    let value = (detail.make)(random, turn / 2, p);
    let name = p.name();
    let (place, message, shown) = if turn % 4 == 3 {
        let header = detail.headers[turn / 4 % detail.headers.len()];
        let rows = [
            ["Pupil", "Group", header].map(str::to_owned).to_vec(),
            [&name, "B", &value].map(str::to_owned).to_vec(),
        ];
        let csv = format!("Pupil,Group,{header}\r\n{name},B,{value}\r\n");
        let shown = format!("{rows:?}");
        match turn / 4 % 3 {
            0 => (
                "attachment",
                message::with_file("list.csv", "text/csv", csv.as_bytes()),
                shown,
            ),
            1 => (
                "attachment",
                message::with_file("list.xlsx", message::XLSX, &message::xlsx(&rows)),
                shown,
            ),
            _ => ("body", message::html_table(&rows), shown),
        }
    } else {
        let text = detail.texts[turn % detail.texts.len()]
            .replace("{n}", &name)
            .replace("{v}", &value);
        let carrier = carrier(turn / detail.texts.len() + turn, &text);
        let shown = format!("{carrier:?} {text:?}");
        (carrier.place(), carry(carrier, &text), shown)
    };
    let mut sample = Sample::name(detail.class, pupil, place, message, &shown);
    sample.planted.push(Planted {
        category: "personal-detail",
        detector: detail.detector,
        place,
        what: What::Value(value),
    });
    sample
}

/// A pupil's date of birth as people write it.
fn born(turn: usize, p: &Pupil) -> String {
    let parts: Vec<usize> = p
        .born
        .split('/')
        .filter_map(|part| part.parse().ok())
        .collect();
    written(turn, parts[0], parts[1], parts[2])
}

/// A day of the school year, never the pupil's birth.
fn another_day(random: &mut Random, turn: usize, p: &Pupil) -> String {
    loop {
        let (day, month) = (1 + random.below(28), 1 + random.below(12));
        if format!("{day:02}/{month:02}/2026") != p.born {
            return written(turn, day, month, 2026);
        }
    }
}

fn written(turn: usize, day: usize, month: usize, year: usize) -> String {
    let name = MONTHS[month - 1];
    let short = &name[..3];
    let end = match day {
        1 | 21 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    match turn % 12 {
        0 => format!("{day:02}/{month:02}/{year}"),
        1 => format!("{day}/{month}/{:02}", year % 100),
        2 => format!("{day} {name} {year}"),
        3 => format!("{day:02}.{month:02}.{year}"),
        4 => format!("{year}-{month:02}-{day:02}"),
        5 => format!("{day}{end} {name} {year}"),
        6 => format!("{day}-{short}-{year}"),
        7 => format!("{day:02}-{month:02}-{year}"),
        8 => format!("{day} {short} {:02}", year % 100),
        9 => format!("{day:02}-{short}-{:02}", year % 100),
        10 => format!("{name} {day}, {year}"),
        _ => format!("{day:02} {month:02} {year}"),
    }
}

//! Kinds of findings that need no pupil: machine-readable zones, driving licences, secrets, markings, transfer files; each in many forms.
//! Nothing here was ever issued: see [`crate::papers`]; schools are of local authority 999.

use crate::message::{self, Carrier};
use crate::papers::{check, date, licence, padded, passport_line, zone_name};
use crate::random::Random;
use crate::sample::{Planted, Sample, What};

/// Messages a class.
const COUNT: usize = 96;

/// Carriers of text in turn.
const CARRIERS: &[Carrier] = &[
    Carrier::Plain8,
    Carrier::Html,
    Carrier::Docx,
    Carrier::PlainQp,
    Carrier::TxtFile,
    Carrier::PlainB64,
    Carrier::Subject,
];

/// One kind.
struct Kind {
    class: &'static str,
    detector: &'static str,
    category: &'static str,
    /// Texts around `{v}`.
    texts: &'static [&'static str],
    /// Headers of columns.
    headers: &'static [&'static str],
    /// What is written and what must be found of it.
    make: fn(&mut Random, usize) -> (String, String),
}

const ZONES: &[&str] = &[
    "{v}",
    "MRZ:\n{v}",
    "Passport details below.\n\n{v}\n\nPlease check the spelling.",
    "Machine readable zone\n{v}\nIssued in May",
    "> from the scan:\n> {q}",
    "Scan of the card:\n\n    {i}",
];

const KINDS: &[Kind] = &[
    Kind {
        class: "machine-readable zone, passport",
        detector: "machine-readable-zone",
        category: "personal-id",
        texts: ZONES,
        headers: &["MRZ", "Passport MRZ", "Scan"],
        make: |r, _| {
            let line = passport_line(r, 14);
            (
                format!("{}\n{line}", padded(&format!("P<UTO{}", zone_name(r)), 44)),
                line,
            )
        },
    },
    Kind {
        class: "machine-readable zone, card of two lines",
        detector: "machine-readable-zone",
        category: "personal-id",
        texts: ZONES,
        headers: &["MRZ", "Identity card", "Scan"],
        make: |r, t| {
            let line = passport_line(r, 7);
            let kind = ["I<UTO", "ACUTO", "V<UTO"][t % 3];
            (
                format!("{}\n{line}", padded(&format!("{kind}{}", zone_name(r)), 36)),
                line,
            )
        },
    },
    Kind {
        class: "machine-readable zone, card of three lines",
        detector: "machine-readable-zone",
        category: "personal-id",
        texts: ZONES,
        headers: &["MRZ", "Residence permit", "Scan"],
        make: |r, t| {
            let number = r.digits(9);
            let kind = ["I<UTO", "IRUTO", "C<UTO"][t % 3];
            let first = padded(&format!("{kind}{number}{}", check(&number)), 30);
            let (born, ends) = (date(r), date(r));
            let sex = ["M", "F", "<"][t % 3];
            let second = padded(
                &format!("{born}{}{sex}{ends}{}UTO", check(&born), check(&ends)),
                29,
            );
            let composite = format!(
                "{}{}{}{}",
                &first[5..],
                &second[..7],
                &second[8..15],
                &second[18..]
            );
            let second = format!("{second}{}", check(&composite));
            (
                format!("{first}\n{second}\n{}", padded(&zone_name(r), 30)),
                second,
            )
        },
    },
    Kind {
        class: "driving licence",
        detector: "driving-licence",
        category: "personal-id",
        texts: &[
            "Driving licence: {v}",
            "My driving licence number is {v}.",
            "Licence no. {v}, categories B and D1",
            "For the minibus: {v} (DVLA driver number)",
            "{v}",
            "Driver number\n{v}\nValid to 2031",
            "Licence {v} 35",
        ],
        headers: &["Driving licence", "Licence number", "DVLA no"],
        make: |r, t| {
            let licence = licence(r);
            let shown = match t % 4 {
                2 => format!("{} {} {}", &licence[..5], &licence[5..11], &licence[11..]),
                3 => licence.to_lowercase(),
                _ => licence.clone(),
            };
            (shown, licence)
        },
    },
    Kind {
        class: "passwords behind labels",
        detector: "labelled-secret",
        category: "credential",
        texts: &[
            "Password: {v}",
            "Username: jsmith Password: {v}",
            "User: jsmith\nPass: {v}\nSite: portal",
            "The password for the portal is {v}.",
            "The new password is {v}, please change it.",
            "pw = {v}",
            "Your login is jsmith and the password is {v}",
            "Passwort und password: {v}",
            "Password -> {v}",
            "Temporary password: {v}",
            "Wi-Fi password: {v}",
            "**Password:** {v}",
            "Passphrase: {v}",
            "Password (case sensitive): {v}",
            "The zip is locked. Password:\n{v}",
        ],
        headers: &["Password", "Pwd", "Passcode"],
        make: |r, t| {
            let word = r.pick(&[
                "Kestrel",
                "Badger",
                "Tr33house",
                "blue-horse",
                "sun?shine",
                "Otter",
            ]);
            let secret = match t % 4 {
                0 => format!("{word}{}", r.digits(2)),
                1 => format!("{word}-{}!", r.digits(2)),
                2 => format!("{}{word}", r.digits(3)),
                _ => format!("x{}K{}pQ", r.digits(2), r.digits(3)),
            };
            (secret.clone(), secret)
        },
    },
    Kind {
        class: "codes and plain words behind labels",
        detector: "labelled-secret",
        category: "credential",
        texts: &[
            "Door code: {p}",
            "The alarm code is {p}.",
            "PIN: {p}",
            "Gate code {p2}",
            "Key safe code: {p}",
            "Password: {w}",
            "Wi-Fi password: {w}\nNetwork: larkrise-guest",
            "Security code = {p}",
        ],
        headers: &["PIN", "Password", "Passcode"],
        make: |r, _| {
            let code = format!("{}", 1234 + r.below(8000));
            (code.clone(), code)
        },
    },
    Kind {
        class: "keys of services",
        detector: "api-key",
        category: "credential",
        texts: &[
            "{v}",
            "key: {v}",
            "The token for the sync is {v}, keep it safe.",
            "export TOKEN={v}",
            "\"apiKey\": \"{v}\"",
            "Use {v} in the header.",
        ],
        headers: &["Key", "Token", "Secret"],
        make: |r, t| {
            let mut random = |count: usize| -> String {
                (0..count)
                    .map(|_| char::from(b"ABCDEFGHJKMNPQRSTUVWXYZ23456789"[r.below(31)]))
                    .collect()
            };
            let key = match t % 6 {
                0 => format!("AKIA{}EXAMPLE", random(9)),
                1 => format!("ghp_{}EXAMPLE", random(29)),
                2 => format!("glpat-{}EXAMPLE", random(13)),
                3 => format!("AIza{}EXAMPLE", random(28)),
                4 => format!("xoxb-{}-EXAMPLE", random(24)),
                _ => format!("sk_live_{}EXAMPLE", random(17)),
            };
            (key.clone(), key)
        },
    },
    Kind {
        class: "private keys",
        detector: "private-key",
        category: "credential",
        texts: &[
            "{v}",
            "The key for the backup:\n{v}",
            "Please install:\n\n{v}\n\nThanks",
        ],
        headers: &[],
        make: |r, t| {
            let kind = ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "][t % 5];
            let head = format!("-----BEGIN {kind}PRIVATE KEY-----");
            (
                format!(
                    "{head}\nEXAMPLE{}\n-----END {kind}PRIVATE KEY-----",
                    r.digits(20)
                ),
                head,
            )
        },
    },
    Kind {
        class: "markings",
        detector: "confidential-marking",
        category: "marking",
        texts: &[
            "{v}",
            "{v}\n\nMinutes of the pay committee",
            "Minutes of the pay committee\n{v}\n3 November",
            "{v} - staffing review",
            "*** {v} ***",
            "[{v}] staffing review",
            "{v}: budget 2027",
            "Page 1\n{v}",
        ],
        headers: &[],
        make: |_, t| {
            let marking = [
                "CONFIDENTIAL",
                "OFFICIAL-SENSITIVE",
                "STRICTLY CONFIDENTIAL",
                "OFFICIAL: SENSITIVE",
                "INTERNAL USE ONLY",
                "NOT FOR ONWARD DISTRIBUTION",
                "GOVERNORS ONLY",
                "Strictly Confidential",
                "OFFICIAL - SENSITIVE",
                "NOT FOR PUBLICATION",
            ][t % 10];
            // "Strictly Confidential - review" is prose; only capitals open a line.
            (marking.to_owned(), marking.to_owned())
        },
    },
];

/// All of them.
pub fn samples() -> Vec<Sample> {
    let mut out = Vec::new();
    for kind in KINDS {
        let mut random = Random::of(kind.class);
        for turn in 0..COUNT {
            out.push(planted(kind, turn, &mut random));
        }
    }
    transfer_files(&mut out);
    out
}

/// A carrier that can hold the text.
pub fn carrier(turn: usize, text: &str) -> Carrier {
    match CARRIERS[turn % CARRIERS.len()] {
        Carrier::Subject if text.contains('\n') => Carrier::Plain8,
        carrier => carrier,
    }
}

/// A text in its carrier; every line is a paragraph of a Word file.
pub fn carry(carrier: Carrier, text: &str) -> Vec<u8> {
    if carrier != Carrier::Docx {
        return message::carry(carrier, text);
    }
    let lines: Vec<String> = text.lines().map(message::run).collect();
    message::with_file("note.docx", message::DOCX, &message::docx(&lines))
}

fn planted(kind: &Kind, turn: usize, random: &mut Random) -> Sample {
    let (written, mut value) = (kind.make)(random, turn / 3);
    let (place, message, shown) = if turn % 5 == 4 && !kind.headers.is_empty() {
        let header = kind.headers[turn / 5 % kind.headers.len()];
        let rows = [
            vec!["Line".to_owned(), header.to_owned(), "Done".to_owned()],
            vec!["1".to_owned(), written.replace('\n', " "), "yes".to_owned()],
        ];
        let csv = format!(
            "Line,{header},Done\r\n1,\"{}\",yes\r\n",
            written.replace('\n', "\r\n")
        );
        let shown = format!("{rows:?}");
        match turn / 5 % 3 {
            0 => (
                "attachment",
                message::with_file("table.xlsx", message::XLSX, &message::xlsx(&rows)),
                shown,
            ),
            1 => (
                "attachment",
                message::with_file("table.csv", "text/csv", csv.as_bytes()),
                csv,
            ),
            _ => ("body", message::html_table(&rows), shown),
        }
    } else {
        let mut text = kind.texts[turn % kind.texts.len()].to_owned();
        if text.contains("{w}") {
            "treehouse".clone_into(&mut value);
        }
        let quoted = written.replace('\n', "\n> ");
        let indented = written.replace('\n', "\n    ");
        for (mark, with) in [
            ("{v}", written.as_str()),
            ("{q}", &quoted),
            ("{i}", &indented),
            ("{p}", &written),
            ("{p2}", &format!(": {written}")),
            ("{w}", "treehouse"),
        ] {
            text = text.replace(mark, with);
        }
        let carrier = carrier(turn / 2, &text);
        let shown = format!("{carrier:?} {text:?}");
        (carrier.place(), carry(carrier, &text), shown)
    };
    Sample {
        class: kind.class,
        planted: vec![Planted {
            category: kind.category,
            detector: kind.detector,
            place,
            what: What::Value(value),
        }],
        allowed: &[],
        message,
        shown: format!("{place}: {shown}"),
    }
}

/// Common transfer files, by name and by what they hold.
fn transfer_files(out: &mut Vec<Sample>) {
    let class = "common transfer files";
    let mut random = Random::of(class);
    for turn in 0..COUNT {
        let name = format!(
            "999{}_CTF_999{}_{}",
            random.digits(4),
            ["LLLL".to_owned(), random.digits(4)][turn % 2],
            random.digits(3)
        );
        let root = [
            "<CTfile>",
            "<CTfile xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">",
            "<CTFpupilData>",
        ][turn % 3];
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{root}<Header><DocumentName>Common Transfer File</DocumentName></Header>"
        );
        let (file, kind, data, value) = match turn % 6 {
            0 => (format!("{name}.xml"), "text/xml", "<x/>".to_owned(), name),
            1 => (
                format!("{name}.XML").to_lowercase(),
                "application/xml",
                "<x/>".to_owned(),
                name,
            ),
            2 => (
                format!("{name}.xml.txt"),
                "text/plain",
                "See portal.".to_owned(),
                name,
            ),
            3 => (
                format!("Copy of {name} (1).xml"),
                "application/octet-stream",
                "<x/>".to_owned(),
                name,
            ),
            4 => ("export.xml".to_owned(), "text/xml", xml, "CT".to_owned()),
            _ => (
                "export.dat".to_owned(),
                "application/octet-stream",
                xml,
                "CT".to_owned(),
            ),
        };
        out.push(Sample {
            class,
            planted: vec![Planted {
                category: "pupil-id",
                detector: "ctf-file",
                place: "attachment",
                what: What::Value(value),
            }],
            allowed: &["pupil-id"],
            message: message::with_file(&file, kind, data.as_bytes()),
            shown: format!("{file} {data:?}"),
        });
    }
}

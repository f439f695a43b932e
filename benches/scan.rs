//! How fast detection is: the whole scan, for sizes of text and of roster, and on texts made to slow it down.
//!
//! Prints MB/s of text on one core. Own timing, because a figure per second of text is what the limits are set in.
//! `cargo bench --bench scan [-- QUICK]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and fails loudly"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use beadle::detect::normalise::Plain;
use beadle::detect::{Catalogue, Engine, ScanContext};
use beadle::extract::{Content, Location, Place, Unit, View};
use beadle::limits::{Budget, Limits};
use beadle::roster::{FullName, Person, Roster};

/// A small generator with a fixed seed, so that runs compare.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % below
    }
}

const SYLLABLES: [&str; 32] = [
    "al", "ber", "car", "dan", "el", "far", "gor", "han", "is", "jo", "kel", "lor", "mar", "nor",
    "ol", "pen", "quin", "ros", "sam", "tor", "ul", "vic", "wil", "xan", "yor", "zel", "brook",
    "field", "ton", "ley", "worth", "by",
];

fn word(random: &mut Random, parts: usize) -> String {
    (0..parts)
        .map(|_| SYLLABLES[random.next(SYLLABLES.len())])
        .collect()
}

fn title(text: &str) -> String {
    let mut text = text.to_owned();
    text[..1].make_ascii_uppercase();
    text
}

/// People with forenames of 3,000 and surnames of 50,000: as unevenly spread as no real school, but as many words.
fn roster(count: usize) -> Roster {
    let mut random = Random(7);
    let forenames: Vec<String> = (0..3_000).map(|_| title(&word(&mut random, 2))).collect();
    let surnames: Vec<String> = (0..50_000).map(|_| title(&word(&mut random, 3))).collect();
    let people = (0..count)
        .map(|_| Person {
            legal: FullName {
                forename: forenames[random.next(forenames.len())].clone(),
                surname: surnames[random.next(surnames.len())].clone(),
            },
            ..Person::default()
        })
        .collect();
    Roster { people }
}

const COMMON: &[&str] = &[
    "the", "of", "and", "to", "in", "that", "is", "was", "he", "for", "it", "with", "as", "his",
    "on", "be", "at", "by", "had", "not", "are", "but", "from", "or", "have", "an", "they",
    "which", "one", "you", "were", "her", "all", "she", "there", "would", "their", "we", "him",
    "been", "has", "when", "who", "will", "more", "no", "if", "out", "so", "said", "school",
    "class", "teacher", "report", "meeting", "parents", "please", "week", "year", "homework",
    "morning", "trip", "return", "form", "letter", "office", "thank",
];

/// Prose: common words, some longer ones, a name word now and then, sentences and lines.
fn prose(bytes: usize, roster: &Roster) -> String {
    let mut random = Random(11);
    let mut text = String::with_capacity(bytes + 64);
    let mut line = 0;
    while text.len() < bytes {
        let before = text.len();
        match random.next(100) {
            0..70 => text.push_str(COMMON[random.next(COMMON.len())]),
            70..97 => text.push_str(&word(&mut random, 3)),
            97 => text.push_str(&roster.people[random.next(roster.len())].legal.forename),
            98 => text.push_str(&random.next(100_000).to_string()),
            _ => text.push_str("Ordinarily"),
        }
        text.push_str(if random.next(12) == 0 { ". " } else { " " });
        line += text.len() - before;
        if line > 72 {
            text.push('\n');
            line = 0;
        }
    }
    text
}

fn rate(bytes: usize, least: Duration, mut work: impl FnMut()) -> f64 {
    work();
    let mut best = f64::MAX;
    let start = Instant::now();
    while start.elapsed() < least {
        let one = Instant::now();
        work();
        best = best.min(one.elapsed().as_secs_f64());
    }
    bytes as f64 / 1e6 / best
}

fn scan_rate(engine: &Engine, text: &str, view: View, least: Duration) -> f64 {
    let content = Content {
        units: vec![Unit {
            location: Location::of(Place::Body),
            view,
            text: text.to_owned(),
        }],
        ..Content::default()
    };
    let budget = Budget::new(Arc::new(Limits::default()));
    rate(text.len(), least, || {
        black_box(engine.scan(black_box(&content), &ScanContext::default(), &budget));
    })
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "QUICK");
    let least = Duration::from_millis(if quick { 300 } else { 2_000 });
    let catalogue = Catalogue::embedded().unwrap();
    let sizes: &[usize] = if quick {
        &[1_000, 10_000]
    } else {
        &[1_000, 10_000, 100_000, 1_000_000]
    };
    sizes_of_text_and_roster(&catalogue, sizes, least);
    let people = roster(10_000);
    let engine = Engine::build(&people, &Roster::default(), &catalogue, [3; 16]).unwrap();
    kinds_of_text(&engine, &people, least);
}

fn sizes_of_text_and_roster(catalogue: &Catalogue, sizes: &[usize], least: Duration) {
    println!("    names  build ms  index MB      4 KB     50 KB      1 MB");
    for size in sizes {
        let people = roster(*size);
        let start = Instant::now();
        let engine = Engine::build(&people, &Roster::default(), catalogue, [3; 16]).unwrap();
        let built = start.elapsed().as_secs_f64() * 1e3;
        let index = engine.index_bytes() as f64 / 1e6;
        print!("{size:>9} {built:>9.0} {index:>9.1}");
        for bytes in [4_000, 50_000, 1_000_000] {
            let text = prose(bytes, &people);
            print!(" {:>9.0}", scan_rate(&engine, &text, View::Visible, least));
        }
        println!();
    }
}

fn kinds_of_text(engine: &Engine, people: &Roster, least: Duration) {
    println!("\n10,000 names, 1 MB of           MB/s");
    let plain = prose(1_000_000, people);
    let accented = plain
        .replace("school", "\u{e9}cole")
        .replace(". ", ".\u{a0}");
    let mut random = Random(5);
    let digits: String = (0..1_000_000)
        .map(|_| char::from(b"0123456789 -"[random.next(12)]))
        .collect();
    let names = || people.people.iter().cycle().map(|person| &person.legal);
    let near: Vec<&str> = names()
        .take(80_000)
        .map(|name| name.forename.as_str())
        .collect();
    let full: Vec<&str> = names()
        .take(60_000)
        .flat_map(|name| [name.forename.as_str(), " ", name.surname.as_str(), "\n"])
        .collect();
    for (name, text, view) in [
        ("prose", &plain, View::Visible),
        ("prose, some beyond ASCII", &accented, View::Visible),
        ("prose in capitals", &plain.to_uppercase(), View::Visible),
        ("prose as a table", &plain.replace(' ', "\t"), View::Table),
        ("random digits", &digits, View::Visible),
        (
            "one digit over and over",
            &"4".repeat(1_000_000),
            View::Visible,
        ),
        (
            "card-shaped digits",
            &"4539 5787 6362 1487 ".repeat(50_000),
            View::Visible,
        ),
        ("forenames only", &near.join(" "), View::Visible),
        ("full names only", &full.concat(), View::Visible),
        ("single letters", &"a b c d ".repeat(125_000), View::Visible),
        (
            "one letter over and over",
            &"a".repeat(1_000_000),
            View::Visible,
        ),
        (
            "zero-width between letters",
            &"n\u{200b}o\u{200b}".repeat(125_000),
            View::Visible,
        ),
        (
            "Cyrillic in Latin words",
            &"sch\u{43e}\u{43e}l ".repeat(100_000),
            View::Visible,
        ),
        ("terms", &"epilepsy asthma ".repeat(62_500), View::Visible),
        ("a file's name", &plain, View::FileName),
    ] {
        println!("{name:<28} {:>8.0}", scan_rate(engine, text, view, least));
    }
    let normalise = rate(accented.len(), least, || {
        black_box(Plain::of(black_box(&accented)));
    });
    println!("{:<28} {normalise:>8.0}", "normalise alone, beyond ASCII");
}

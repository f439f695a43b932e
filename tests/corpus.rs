//! Runs `beadle scan` over the labelled messages of `corpus/` and holds the answers against the labels.
//!
//! # Invariants
//! Dispositions are right for every checked-in message, every planted finding is reported where it was planted, and mail that must
//! pass carries no finding of medium confidence or more beside those its label allows.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot read its labels has failed; the table is its report"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

#[derive(Deserialize)]
struct Labelled {
    file: String,
    mail_from: String,
    rcpt_to: Vec<String>,
    expect: Expected,
    class: String,
    why: String,
}

#[derive(Deserialize)]
struct Expected {
    disposition: String,
    findings: Vec<Planted>,
    unread: Option<bool>,
}

#[derive(Deserialize)]
struct Planted {
    category: String,
    location: String,
    value: String,
}

#[derive(Deserialize)]
struct Answer {
    file: String,
    disposition: String,
    #[serde(default)]
    rules: Vec<String>,
    findings: Vec<Reported>,
    unread: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Reported {
    category: String,
    confidence: String,
    location: String,
    #[serde(default)]
    value: String,
}

/// Figures of one class.
#[derive(Default)]
struct Tally {
    messages: usize,
    dispositions: usize,
    planted: usize,
    found: usize,
    found_medium: usize,
    reported: usize,
    unwanted: usize,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn labels(folder: &str) -> Vec<Labelled> {
    let path = root().join(folder).join("manifest.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

fn scan(folder: &str) -> BTreeMap<String, Answer> {
    let output = Command::new(env!("CARGO_BIN_EXE_beadle"))
        .current_dir(root())
        .args(["scan", "--policy", "standard"])
        .args(["--roster", "patterns/sample/roster.csv"])
        .args(["--staff", "patterns/sample/staff.csv"])
        .args(["--internal-domain", "oakfield-trust.example"])
        .args(["--partner-domain", "council-safeguarding.example"])
        .args(["--manifest", &format!("{folder}/manifest.jsonl")])
        .args(["--output", "jsonl", "--reveal"])
        .output()
        .unwrap_or_else(|e| panic!("the scanner does not start: {e}"));
    let lines = String::from_utf8_lossy(&output.stdout);
    let answers: BTreeMap<_, _> = lines
        .lines()
        .map(|line| {
            let answer: Answer =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            (name_of(&answer.file).to_owned(), answer)
        })
        .collect();
    assert!(
        !answers.is_empty(),
        "no answers: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    answers
}

/// The last component of a path, whatever the scanner puts before it.
fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Letters that look like Latin ones, each followed by the letter it looks like; the corpus uses no others.
const LOOK_ALIKES: &str = "аaсcеeоoрpхxуyіiАAВBСCЕEНHКKМMОOРPТTХXοoνvΑAΒBΕEΗHΙIΚKΜMΝNΟOΡPΤTΧXΥYΖZ";

/// Works before lower-casing, because capital Nu looks like N and its small letter like v.
fn look_alike(c: char) -> char {
    let mut chars = LOOK_ALIKES.chars();
    while let (Some(odd), Some(plain)) = (chars.next(), chars.next()) {
        if odd == c {
            return plain;
        }
    }
    c
}

/// A text as a person would compare it: compatibility forms, case, marks and look-alikes folded, letters and digits only.
fn folded(text: &str) -> String {
    let mut out = String::new();
    // The Hangul fillers are letters to Unicode and nothing to a reader.
    let shown = |c: &char| !is_combining_mark(*c) && !matches!(c, '\u{115f}' | '\u{1160}');
    for c in text.nfkd().filter(shown) {
        for c in look_alike(c).to_lowercase() {
            match c {
                'ß' => out.push_str("ss"),
                'ø' => out.push('o'),
                'ł' => out.push('l'),
                'đ' => out.push('d'),
                c if c.is_alphanumeric() => out.push(c),
                _ => {}
            }
        }
    }
    out
}

/// The letters of a name in one order, so that "Ash, Ann" equals "Ann Ash".
fn letters(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = folded(text).chars().collect();
    letters.sort_unstable();
    letters
}

fn same_value(planted: &str, reported: &str) -> bool {
    let (want, got) = (folded(planted), folded(reported));
    want.is_empty()
        || !got.is_empty() && (got.contains(&want) || want.contains(&got) && got.len() > 3)
        || letters(planted) == letters(reported)
}

/// The same place, or a deeper or closer one (`... (row 4)`, `...!inner`).
fn same_place(planted: &str, reported: &str) -> bool {
    reported
        .strip_prefix(planted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(" (") || rest.starts_with('!'))
}

fn matches(planted: &Planted, reported: &Reported) -> bool {
    planted.category == reported.category
        && same_place(&planted.location, &reported.location)
        && same_value(&planted.value, &reported.value)
}

fn is_content(reported: &Reported) -> bool {
    ["pupil-name", "pupil-id", "financial", "medical"].contains(&reported.category.as_str())
}

/// Compares one answer with its label; what is wrong goes to `wrong`.
fn compare(label: &Labelled, answer: Option<&Answer>, tally: &mut Tally, wrong: &mut Vec<String>) {
    let mut say = |text: String| wrong.push(format!("{}: {text} ({})", label.file, label.why));
    tally.messages += 1;
    tally.planted += label.expect.findings.len();
    let Some(answer) = answer else {
        return say("no answer".to_owned());
    };
    if answer.disposition == label.expect.disposition {
        tally.dispositions += 1;
    } else {
        say(format!(
            "expected {}, got {} by {:?}",
            label.expect.disposition, answer.disposition, answer.rules
        ));
    }
    for planted in &label.expect.findings {
        let mut hits = answer
            .findings
            .iter()
            .filter(|r| matches(planted, r))
            .peekable();
        if hits.peek().is_some() {
            tally.found += 1;
            tally.found_medium += usize::from(hits.any(|r| r.confidence != "low"));
        } else {
            say(format!(
                "missed {} {:?} in {}",
                planted.category, planted.value, planted.location
            ));
        }
    }
    let acting = || {
        answer
            .findings
            .iter()
            .filter(|r| is_content(r) && r.confidence != "low")
    };
    tally.reported += acting().count();
    if label.expect.disposition == "deliver" && label.expect.findings.is_empty() {
        for r in acting() {
            tally.unwanted += 1;
            say(format!(
                "unwanted {} {:?} in {}",
                r.category, r.value, r.location
            ));
        }
    }
    match label.expect.unread {
        Some(true) if answer.unread.is_empty() => say("nothing reported as unread".to_owned()),
        Some(false) if !answer.unread.is_empty() => {
            say(format!("unread for no reason: {:?}", answer.unread));
        }
        _ => {}
    }
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.3}", part as f64 / whole as f64)
}

fn table(tallies: &BTreeMap<&str, Tally>) -> String {
    let mut out = String::from(
        "| class | messages | disposition | recall | recall, medium | precision |\n|---|---|---|---|---|---|\n",
    );
    for (class, t) in tallies {
        let _ = writeln!(
            out,
            "| {class} | {} | {} | {} | {} | {} |",
            t.messages,
            share(t.dispositions, t.messages),
            share(t.found, t.planted),
            share(t.found_medium, t.planted),
            share(t.reported - t.unwanted, t.reported),
        );
    }
    out
}

fn gate(folder: &str) {
    let answers = scan(folder);
    let labels = labels(folder);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut wrong = Vec::new();
    for label in &labels {
        let answer = answers.get(name_of(&label.file));
        for class in [label.class.as_str(), "~ all"] {
            let mut scratch = Vec::new();
            compare(
                label,
                answer,
                tallies.entry(class).or_default(),
                &mut scratch,
            );
            if class == "~ all" {
                wrong.append(&mut scratch);
            }
        }
    }
    println!("{}", table(&tallies));
    assert!(
        wrong.is_empty(),
        "{} of {} labels not met:\n{}",
        wrong.len(),
        labels.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_label_of_the_corpus_is_met() {
    gate("corpus");
}

#[test]
fn every_label_of_the_demo_is_met() {
    gate("corpus/demo");
}

#[test]
fn the_manifest_and_the_folder_agree() {
    for folder in ["corpus", "corpus/demo"] {
        let listed: BTreeSet<_> = labels(folder).into_iter().map(|l| l.file).collect();
        let present: BTreeSet<_> = std::fs::read_dir(root().join(folder).join("messages"))
            .unwrap()
            .map(|entry| format!("messages/{}", entry.unwrap().file_name().to_string_lossy()))
            .collect();
        assert_eq!(listed, present, "{folder}");
    }
}

#[test]
fn the_corpus_is_wide_enough() {
    let labels = labels("corpus");
    let passing = labels
        .iter()
        .filter(|l| l.expect.disposition == "deliver")
        .count();
    assert!(labels.len() >= 400, "{} messages", labels.len());
    assert!(
        passing * 100 >= labels.len() * 40,
        "{passing} messages that must pass"
    );
    for disposition in ["deliver", "quarantine", "block"] {
        assert!(
            demo_shows(disposition) > 0,
            "the demo shows no {disposition}"
        );
    }
    for label in &labels {
        for address in label
            .rcpt_to
            .iter()
            .chain((!label.mail_from.is_empty()).then_some(&label.mail_from))
        {
            assert!(
                address.to_lowercase().ends_with(".example"),
                "{}: {address}",
                label.file
            );
        }
    }
}

fn demo_shows(disposition: &str) -> usize {
    labels("corpus/demo")
        .iter()
        .filter(|l| l.expect.disposition == disposition)
        .count()
}

/// A label with one planted finding, for the test of the comparison itself.
fn sample_label(disposition: &str, planted: &[(&str, &str, &str)]) -> Labelled {
    Labelled {
        file: "messages/sample.eml".to_owned(),
        mail_from: String::new(),
        rcpt_to: Vec::new(),
        expect: Expected {
            disposition: disposition.to_owned(),
            findings: planted
                .iter()
                .map(|(category, location, value)| Planted {
                    category: (*category).to_owned(),
                    location: (*location).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect(),
            unread: Some(false),
        },
        class: "sample".to_owned(),
        why: "sample".to_owned(),
    }
}

fn mistakes(label: &Labelled, answer: &str) -> usize {
    let answer: Answer = serde_json::from_str(answer).unwrap_or_else(|e| panic!("{e}: {answer}"));
    let mut wrong = Vec::new();
    compare(label, Some(&answer), &mut Tally::default(), &mut wrong);
    wrong.len()
}

#[test]
fn a_wrong_answer_is_noticed() {
    let name =
        r#"{"category":"pupil-name","confidence":"medium","location":"body","value":"Ash, Ann"}"#;
    let held = sample_label("quarantine", &[("pupil-name", "body", "Ann Ash")]);
    let passed = sample_label("deliver", &[]);
    let answer = |disposition: &str, findings: &str, unread: &str| {
        format!(
            r#"{{"file":"sample.eml","disposition":"{disposition}","rules":[],"findings":[{findings}],"unread":[{unread}]}}"#
        )
    };
    assert_eq!(mistakes(&held, &answer("quarantine", name, "")), 0);
    assert_eq!(mistakes(&held, &answer("block", name, "")), 1);
    assert_eq!(mistakes(&held, &answer("quarantine", "", "")), 1);
    let elsewhere = name.replace("body", "subject");
    assert_eq!(mistakes(&held, &answer("quarantine", &elsewhere, "")), 1);
    assert_eq!(mistakes(&passed, &answer("deliver", "", "")), 0);
    assert_eq!(mistakes(&passed, &answer("deliver", name, "")), 1);
    let low = name.replace("medium", "low");
    assert_eq!(mistakes(&passed, &answer("deliver", &low, "")), 0);
    assert_eq!(mistakes(&passed, &answer("deliver", "", "{}")), 1);
    let mut wrong = Vec::new();
    compare(&held, None, &mut Tally::default(), &mut wrong);
    assert_eq!(wrong.len(), 1);
}

#[test]
fn values_compare_as_people_would() {
    assert!(same_value("Jakub Kowalczyk", "Kowalczyk, JAKUB"));
    assert!(same_value(
        "Jakub Kowalczyk",
        "J\u{200b}a\u{ad}kub\u{a0}Kowalczyk"
    ));
    assert!(same_value("Jakub Kowalczyk", "J\u{430}kub Kow\u{430}lczyk"));
    assert!(same_value("Klara Weissmann", "Klara Weißmann"));
    assert!(!same_value("Jakub Kowalczyk", "Zofia Nowakowska"));
    assert!(same_place("attachment:a.zip", "attachment:a.zip!b.txt"));
    assert!(same_place("body", "body (line 3)"));
    assert!(!same_place("attachment:a", "attachment:ab"));
}

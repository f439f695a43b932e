//! Counting what was found against what was planted, and the tables made of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use beadle::detect::{Confidence, Finding};
use beadle::pipeline::judge::Judgement;

use crate::people::folded;
use crate::sample::{Planted, Sample, What};

/// Figures of one class or one detector.
#[derive(Default, Clone)]
pub struct Tally {
    pub messages: usize,
    pub planted: usize,
    pub any: usize,
    pub medium: usize,
    pub high: usize,
    pub obfuscated: usize,
    /// Findings of medium confidence or more, and those of them that nothing planted explains.
    pub reported: usize,
    pub unwanted: usize,
    /// Messages with at least one unwanted finding.
    pub disturbed: usize,
}

/// Everything counted.
#[derive(Default)]
pub struct Report {
    pub classes: BTreeMap<&'static str, Tally>,
    pub detectors: BTreeMap<String, Tally>,
    /// For each class: what went wrong, in the order met.
    pub wrong: BTreeMap<&'static str, Vec<String>>,
}

fn is_about(planted: &Planted, finding: &Finding, names: &[(String, String)]) -> bool {
    if planted.category != finding.category.name() {
        return false;
    }
    match &planted.what {
        What::Pupil(number) => {
            let same = finding
                .person
                .is_some_and(|person| person.0 as usize == *number);
            same || {
                let (f, s) = &names[*number];
                let got = folded(finding.text.reveal());
                got == format!("{f}{s}") || got == format!("{s}{f}")
            }
        }
        What::Value(value) => {
            let (want, got) = (folded(value), folded(finding.text.reveal()));
            !got.is_empty() && (got.contains(&want) || (want.contains(&got) && got.len() > 3))
        }
    }
}

impl Report {
    /// Counts one judged message.
    pub fn count(&mut self, sample: &Sample, judgement: &Judgement, names: &[(String, String)]) {
        let tally = self.classes.entry(sample.class).or_default();
        let wrong = self.wrong.entry(sample.class).or_default();
        tally.messages += 1;
        let findings = &judgement.findings.list;
        for planted in &sample.planted {
            let detector = self
                .detectors
                .entry(planted.detector.to_owned())
                .or_default();
            let best = findings
                .iter()
                .filter(|f| is_about(planted, f, names))
                .filter(|f| f.location.place.to_string().starts_with(planted.place))
                .max_by_key(|f| f.confidence);
            for tally in [&mut *tally, detector] {
                tally.planted += 1;
                tally.any += usize::from(best.is_some());
                tally.medium +=
                    usize::from(best.is_some_and(|f| f.confidence >= Confidence::Medium));
                tally.high += usize::from(best.is_some_and(|f| f.confidence >= Confidence::High));
                tally.obfuscated += usize::from(best.is_some_and(|f| f.obfuscated));
            }
            match best {
                None => wrong.push(format!("missed {} in {}", planted.detector, sample.shown)),
                Some(f) if f.confidence == Confidence::Low => {
                    wrong.push(format!("only low {} in {}", planted.detector, sample.shown));
                }
                Some(_) => {}
            }
        }
        let mut unwanted = 0;
        for finding in findings
            .iter()
            .filter(|f| f.confidence >= Confidence::Medium)
        {
            let explained = sample
                .planted
                .iter()
                .any(|planted| is_about(planted, finding, names))
                || sample.allowed.contains(&finding.category.name());
            let detector = self
                .detectors
                .entry(finding.detector.to_string())
                .or_default();
            for tally in [&mut *tally, detector] {
                tally.reported += 1;
                tally.unwanted += usize::from(!explained);
            }
            if !explained {
                unwanted += 1;
                wrong.push(format!(
                    "unwanted {} {:?} in {}",
                    finding.detector,
                    finding.text.reveal(),
                    sample.shown
                ));
            }
        }
        tally.disturbed += usize::from(unwanted > 0);
    }

    /// What went wrong, at most `most` lines a class.
    pub fn wrong_lines(&self, most: usize) -> String {
        let mut out = String::new();
        for (class, wrong) in &self.wrong {
            for line in wrong.iter().take(most) {
                let _ = writeln!(out, "{class}: {line}");
            }
        }
        out
    }

    /// All classes together.
    pub fn total(&self) -> Tally {
        let mut all = Tally::default();
        for t in self.classes.values() {
            all.messages += t.messages;
            all.planted += t.planted;
            all.any += t.any;
            all.medium += t.medium;
            all.high += t.high;
            all.reported += t.reported;
            all.unwanted += t.unwanted;
            all.disturbed += t.disturbed;
        }
        all
    }

    /// The tables in Markdown.
    pub fn tables(&self) -> String {
        let mut out = String::from(
            "### Planted, by class\n\n| class | messages | planted | recall, any | recall, medium | high | precision |\n|---|---|---|---|---|---|---|\n",
        );
        for (class, t) in self.classes.iter().filter(|(_, t)| t.planted > 0) {
            let _ = writeln!(
                out,
                "| {class} | {} | {} | {} | {} | {} | {} |",
                t.messages,
                t.planted,
                share(t.any, t.planted),
                share(t.medium, t.planted),
                share(t.high, t.planted),
                share(t.reported - t.unwanted, t.reported)
            );
        }
        out.push_str("\n### Nothing planted, by class\n\n| class | messages | unwanted findings | messages with one | quiet |\n|---|---|---|---|---|\n");
        for (class, t) in self.classes.iter().filter(|(_, t)| t.planted == 0) {
            let _ = writeln!(
                out,
                "| {class} | {} | {} | {} | {} |",
                t.messages,
                t.unwanted,
                t.disturbed,
                share(t.messages - t.disturbed, t.messages)
            );
        }
        out.push_str("\n### By detector\n\n| detector | planted | recall, any | recall, medium | reported | unwanted | precision |\n|---|---|---|---|---|---|---|\n");
        for (detector, t) in &self.detectors {
            let _ = writeln!(
                out,
                "| {detector} | {} | {} | {} | {} | {} | {} |",
                t.planted,
                share(t.any, t.planted),
                share(t.medium, t.planted),
                t.reported,
                t.unwanted,
                share(t.reported - t.unwanted, t.reported)
            );
        }
        out
    }
}

/// A part of a whole with three decimals, cut rather than rounded up to 1.
pub fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.3}", (part * 1000 / whole) as f64 / 1000.0)
}

//! Names made of ordinary words ("Grace Hope", "Will Young"): what around them says that a pupil is meant.
//!
//! # Known gaps
//! A name before another capitalised word ("Grace Hope Thursday autism review") counts only with a label, a form or a date of birth.

use std::ops::Range;

use crate::detect::judge::Judge;
use crate::detect::raw::{Raw, RawName};
use crate::detect::table::Table;
use crate::detect::vocabulary::TermKind;
use crate::extract::Place;

/// Words that go on after an adjective or a verb where a pupil's name would end.
const PLURALS: &[&str] = &[
    "adult",
    "adults",
    "boy",
    "boys",
    "carer",
    "carers",
    "child",
    "children",
    "girl",
    "girls",
    "learner",
    "learners",
    "lives",
    "man",
    "men",
    "mind",
    "minds",
    "mother",
    "mothers",
    "offender",
    "offenders",
    "one",
    "ones",
    "patient",
    "patients",
    "people",
    "person",
    "persons",
    "pupil",
    "pupils",
    "student",
    "students",
    "woman",
    "women",
];

/// Bytes of "Re:", "Fwd:" and the like before what a subject begins with.
const MARKS: usize = 120;

impl Judge<'_> {
    /// Whether a label, the place in the subject, or a strong term in the same sentence says that two ordinary words are a name.
    pub(super) fn is_set_apart(&self, name: &RawName, raw: &Raw) -> bool {
        self.is_labelled(name) || self.opens_subject(name) || self.is_said_to_have(name, raw)
    }

    /// "Name: Grace Hope", "Forename: Grace", "| Pupil | Grace Hope |".
    fn is_labelled(&self, name: &RawName) -> bool {
        let before = self.line_before(name);
        let label = before.trim_end_matches([':', '-', '=', '|', '\t', ' ']);
        let label = label.trim_start_matches(['>', '*', '|', '\t', ' ']);
        let parted = before.len() > label.len() && before.trim_end() != label;
        let labels = label.rsplit(['\t', '|', ';']).next().unwrap_or_default();
        parted
            && (Table::names_people(&labels.trim().to_ascii_lowercase()) || self.is_announced(name))
    }

    fn line_before(&self, name: &RawName) -> &str {
        let before = self.line(name).before;
        &before[before.ceil_char_boundary(before.len().saturating_sub(40))..]
    }

    /// "Grace Hope - meeting", "Re: Will Young": a subject that is a name, or begins with one set off.
    fn opens_subject(&self, name: &RawName) -> bool {
        if self.scene.unit.location.place != Place::Subject {
            return false;
        }
        let text = self.scene.text();
        if name.range.start > MARKS {
            return false;
        }
        let before = text[..name.range.start].to_ascii_lowercase();
        let opens = before
            .split([':', ' '])
            .all(|word| ["", "re", "fw", "fwd", "aw", "wg"].contains(&word));
        let after = text[name.range.end..].trim_start();
        let set_off =
            after.is_empty() || after.starts_with(['-', ':', '|', '(', '[', '/', ',', ';']);
        opens && set_off
    }

    /// "Grace Hope was diagnosed with autism", but not "Will Young People With Autism Cope?" nor an autism training.
    fn is_said_to_have(&self, name: &RawName, raw: &Raw) -> bool {
        let between = self.scene.bytes(name.range.clone());
        let in_order = name.forename_first || between.contains(&b',');
        if !in_order || self.goes_on(name) {
            return false;
        }
        let sentence = self.scene.sentence(&name.range);
        let from = raw
            .terms
            .partition_point(|term| term.range.start < sentence.start);
        let mut inside = raw.terms[from..]
            .iter()
            .take_while(|term| term.range.end <= sentence.end);
        let strong = inside
            .clone()
            .any(|term| term.term.kind == TermKind::Strong && !overlaps(&term.range, &name.range));
        strong && !inside.any(|term| term.term.kind == TermKind::Negative)
    }

    /// Whether the next word belongs to the words of a name, so that they are no name: "Will Young people", "Grace Hope Church".
    fn goes_on(&self, name: &RawName) -> bool {
        let after = &self.scene.text()[name.range.end..];
        let Some(rest) = after.strip_prefix([' ', '\n']) else {
            return after.starts_with('-');
        };
        let word = rest
            .split(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        let lower = word.to_ascii_lowercase();
        let title = word.starts_with(|c: char| c.is_ascii_uppercase()) && lower[1..] == word[1..];
        title || PLURALS.contains(&lower.as_str())
    }
}

fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

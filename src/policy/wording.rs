//! Findings in plain words: kinds, counts of distinct people and values, places.
//!
//! # Invariants
//! No value, name, address or file name.

use std::collections::BTreeSet;

use super::condition::PlaceKind;
use crate::detect::{Category, Finding};
use crate::extract::View;

/// Distinct people and values of some findings.
pub(super) struct Count {
    pub(super) people: usize,
    pub(super) values: usize,
}

impl Count {
    pub(super) fn of(list: &[Finding], indexes: &[usize]) -> Self {
        let mut people: Vec<_> = indexes.iter().filter_map(|i| list[*i].person).collect();
        people.sort_unstable();
        people.dedup();
        let mut values: Vec<_> = indexes.iter().map(|i| list[*i].value).collect();
        values.sort_unstable();
        values.dedup();
        Self {
            people: people.len(),
            values: values.len(),
        }
    }
}

/// `3 pupils' full names in the body and an attachment`, for each category.
pub fn counted(list: &[Finding], indexes: &[usize]) -> Vec<String> {
    let categories: BTreeSet<Category> = indexes.iter().map(|i| list[*i].category).collect();
    let parts = categories.into_iter().map(|category| {
        let of = |index: &&usize| list[**index].category == category;
        let own: Vec<usize> = indexes.iter().filter(of).copied().collect();
        let count = Count::of(list, &own);
        let places = joined(own.iter().map(|i| place_name(&list[*i])).collect());
        let what = noun(category, &count);
        format!("{what} in {places}")
    });
    parts.collect()
}

/// [`counted`] in one text.
pub(super) fn described(list: &[Finding], indexes: &[usize]) -> String {
    counted(list, indexes).join("; ")
}

fn noun(category: Category, count: &Count) -> String {
    let (number, one, many) = match category {
        Category::PupilName => (
            count.people.max(usize::from(count.values > 0)),
            "pupil's full name",
            "pupils' full names",
        ),
        Category::PupilId => (count.values, "pupil identifier", "pupil identifiers"),
        Category::PersonalId => (count.values, "personal identifier", "personal identifiers"),
        Category::PersonalDetail => (count.values, "personal detail", "personal details"),
        Category::Credential => (count.values, "password or key", "passwords or keys"),
        Category::Marking => (count.values, "marking", "markings"),
        Category::Financial => (count.values, "financial detail", "financial details"),
        Category::Medical => {
            let what = "medical, SEN or safeguarding detail";
            let details = plural(count.values, what, &format!("{what}s"));
            return match count.people {
                0 => details,
                people => format!("{details} of {}", plural(people, "person", "people")),
            };
        }
        Category::Offensive => (count.values, "offensive word", "offensive words"),
        Category::ChainLetter => (
            count.values,
            "phrase of a chain letter",
            "phrases of a chain letter",
        ),
        Category::Suspect => (count.values, "mark of phishing", "marks of phishing"),
        Category::AutoForward | Category::Protected => {
            (count.values, category.name(), category.name())
        }
    };
    plural(number, one, many)
}

fn plural(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}

pub(super) fn parts_of(count: usize) -> String {
    plural(count, "part", "parts")
}

fn place_name(finding: &Finding) -> &'static str {
    match (PlaceKind::of(&finding.location.place), finding.view) {
        (_, View::FileName) => "a file name",
        (PlaceKind::Attachment, View::Properties) => "the properties of an attachment",
        (PlaceKind::Subject, _) => "the subject",
        (PlaceKind::Header, _) => "a header",
        (PlaceKind::Body, View::Hidden) => "the hidden body",
        (PlaceKind::Body, _) => "the body",
        (PlaceKind::Attachment, _) => "an attachment",
    }
}

pub(super) fn joined(names: BTreeSet<&str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

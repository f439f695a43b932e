//! What to write where: from the places of names in a text to changes of its source.
//!
//! # Invariants
//! The changes of one source do not overlap. A name is changed wholly or not at all: where two readings of a source give names that
//! overlap, the name in cells of its own comes first, then the whole name, then the forename alone.
//!
//! A forename alone is changed only where it can hardly be anything else: written with a capital, of one pupil alone among those the
//! message names, no ordinary word ("Will", "Grace"), no word of a sender's or recipient's name, and not before another capitalised
//! word ("Oliver Twist").

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::people::{Label, People, siblings};
use super::traced::Traced;
use super::{letters, plain};
use crate::detect::{NameForm, NameSpan};
use crate::roster::ordinary;

/// What kind of source a text was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The value of a header field.
    Field,
    /// Plain text.
    Plain,
    /// HTML.
    Page,
}

/// One text of a source with the names in it.
pub(super) struct Reading {
    pub(super) text: Traced,
    pub(super) names: Vec<NameSpan>,
}

/// A range of a text or a source, and what is to stand in its place.
pub(super) type Change = (Range<usize>, String);

/// The changes of a source, in its order, and the initials of the names that they turn.
pub(super) fn changes(
    source: &str,
    kind: Kind,
    readings: &[Reading],
    people: &People,
    spared: &HashSet<String>,
) -> (Vec<Change>, Vec<String>) {
    let mut taken: BTreeMap<usize, Change> = BTreeMap::new();
    let mut turned = Vec::new();
    for rank in 0..3 {
        for reading in readings {
            for name in reading.names.iter().filter(|name| rank_of(name) == rank) {
                let places = in_text(reading.text.text(), name, people, spared);
                let group: Vec<Change> = places
                    .into_iter()
                    .flat_map(|(range, text)| in_source(source, kind, &reading.text, range, &text))
                    .collect();
                let label = name.person.and_then(|person| people.label(person));
                if !group.is_empty() && group.iter().all(|(range, _)| is_free(&taken, range)) {
                    turned.extend(label.map(Label::text));
                    taken.extend(group.into_iter().map(|change| (change.0.start, change)));
                }
            }
        }
    }
    (taken.into_values().collect(), turned)
}

/// A text with its changes made.
pub(super) fn applied(source: &str, changes: &[Change]) -> String {
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    for (range, text) in changes {
        out.push_str(source.get(at..range.start).unwrap_or_default());
        out.push_str(text);
        at = range.end;
    }
    out.push_str(source.get(at..).unwrap_or_default());
    out
}

fn rank_of(name: &NameSpan) -> u8 {
    match name.form {
        NameForm::Whole { apart: true, .. } => 0,
        NameForm::Whole { .. } => 1,
        NameForm::Forename => 2,
    }
}

fn is_free(taken: &BTreeMap<usize, Change>, range: &Range<usize>) -> bool {
    let before = taken.range(..range.end.max(range.start + 1)).next_back();
    before.is_none_or(|(start, (other, _))| other.end <= range.start && *start != range.start)
}

/// What a name in a text becomes; nothing where it stays.
pub(super) fn in_text(
    text: &str,
    name: &NameSpan,
    people: &People,
    spared: &HashSet<String>,
) -> Vec<Change> {
    let Some(label) = name.person.and_then(|person| people.label(person)) else {
        return Vec::new();
    };
    let NameForm::Whole {
        forename,
        surname,
        apart,
    } = &name.form
    else {
        let sure = is_certain(text, &name.range, people, spared);
        return Vec::from_iter(
            sure.then(|| (name.range.clone(), ended(text, &name.range, label.text()))),
        );
    };
    let gap = forename.end.min(surname.end)..forename.start.max(surname.start);
    let between = text.get(gap.clone()).unwrap_or_default();
    if *apart || letters::divides(between) {
        return vec![
            (
                forename.clone(),
                ended(text, forename, label.forename().to_owned()),
            ),
            (surname.clone(), ended(text, surname, label.surname())),
        ];
    }
    if let Some(second) = siblings(between) {
        let second = gap.start + second..name.range.end;
        let other = letters::initials(text.get(second.start..gap.end).unwrap_or_default())
            + &letters::initials(text.get(surname.clone()).unwrap_or_default());
        return vec![
            (forename.clone(), label.text()),
            (second.clone(), ended(text, &second, other)),
        ];
    }
    vec![(name.range.clone(), ended(text, &name.range, label.text()))]
}

/// The initials without their last full stop, where one follows.
fn ended(text: &str, range: &Range<usize>, mut initials: String) -> String {
    if text[range.end..].starts_with('.') && initials.ends_with('.') {
        initials.pop();
    }
    initials
}

/// Whether a forename that stands alone is surely the pupil's.
fn is_certain(text: &str, range: &Range<usize>, people: &People, spared: &HashSet<String>) -> bool {
    let forename = &text[range.clone()];
    let mut after = text[range.end..].chars();
    let another = after.next() == Some(' ') && after.next().is_some_and(char::is_uppercase);
    !another
        && people.is_only_one(forename)
        && !ordinary::is_word(forename)
        && !spared.contains(&forename.to_lowercase())
}

/// A change of a text as changes of its source.
fn in_source(
    source: &str,
    kind: Kind,
    text: &Traced,
    range: Range<usize>,
    initials: &str,
) -> Vec<Change> {
    let pieces = text.sources(range);
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return Vec::new();
    };
    match kind {
        Kind::Field => vec![(first.start..last.end, initials.to_owned())],
        Kind::Plain => {
            let mut changes = plain::replace(source, first.start..last.end, initials);
            changes.retain(|(range, text)| !range.is_empty() || !text.is_empty());
            changes
        }
        Kind::Page => {
            let initials = if source.is_ascii() {
                references(initials)
            } else {
                initials.to_owned()
            };
            pieces
                .into_iter()
                .enumerate()
                .map(|(number, piece)| {
                    (
                        piece,
                        if number == 0 {
                            initials.clone()
                        } else {
                            String::new()
                        },
                    )
                })
                .collect()
        }
    }
}

/// Letters outside ASCII as character references, for a page that has none.
fn references(text: &str) -> String {
    use std::fmt::Write as _;
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
        } else {
            // Writing into a string cannot fail.
            let _ = write!(out, "&#{};", u32::from(c));
        }
        out
    })
}

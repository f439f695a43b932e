//! Where the names stand that were found, for whoever is to write something else in their place.
//!
//! # Invariants
//! A span lies on character boundaries of the unit's own text. Middle names behind a forename are looked for in [`REACH`] bytes.
//!
//! # Known gaps
//! A surname alone ("Whitcombe was late") is no name here, as it is no finding.

use std::ops::Range;

use crate::detect::finding::{NameForm, NameSpan, PersonId};
use crate::detect::judge::Judge;
use crate::detect::raw::{RawName, letters};
use crate::detect::token::{DIGITS, Tokens};

/// Bytes behind "Whitcombe, Oliver" in which middle names may follow.
const REACH: usize = 64;
/// Middle names that may follow.
const MIDDLES: usize = 3;

impl Judge<'_> {
    /// The names that were found and the forenames that stand for them, in the order of the text.
    pub(in crate::detect) fn name_spans(&self) -> Vec<NameSpan> {
        let whole = self
            .named
            .iter()
            .map(|(name, person)| self.whole(name, *person));
        let starts: std::collections::HashSet<usize> = self
            .named
            .iter()
            .map(|(name, _)| name.range.start)
            .collect();
        let alone = self
            .anchors
            .iter()
            .filter(|anchor| anchor.forename.is_some() && !starts.contains(&anchor.range.start))
            .map(|anchor| NameSpan {
                range: self.scene.plain.original_range(anchor.range.clone()),
                person: anchor.person,
                form: NameForm::Forename,
            });
        let mut spans: Vec<NameSpan> = whole.chain(alone).collect();
        spans.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end)));
        spans
    }

    fn whole(&self, name: &RawName, person: Option<PersonId>) -> NameSpan {
        let (mut range, mut forename) = (name.range.clone(), name.forename_at.clone());
        if !name.forename_first && name.columns.is_none() {
            let end = self.end_of_middles(forename.end, person);
            range.end = range.end.max(end);
            forename.end = end;
        }
        let original = |range: Range<usize>| self.scene.plain.original_range(range);
        NameSpan {
            range: original(range),
            person,
            form: NameForm::Whole {
                forename: original(forename),
                surname: original(name.surname_at.clone()),
                apart: name.columns.is_some(),
            },
        }
    }

    /// Where the middle names end that follow a forename: "Whitcombe, Oliver James".
    fn end_of_middles(&self, from: usize, person: Option<PersonId>) -> usize {
        let Some(person) = person else { return from };
        let text = self.scene.text().as_bytes();
        let near = &text[from..(from + REACH).min(text.len())];
        let (keys, names) = (&self.engine.indexes.keys, &self.engine.indexes.names);
        let mut end = 0;
        for token in Tokens::new(keys, near).take(MIDDLES) {
            let (start, stop) = (token.start as usize, token.end as usize);
            let word = &near[start..stop];
            let middle = names.is_middle(person.0, keys.word(&letters(word)));
            if near.get(end..start) != Some(b" ") || token.flags & DIGITS != 0 || !middle {
                break;
            }
            end = stop;
        }
        from + end
    }
}

//! A pupil's own date of birth near their name, beyond the sentence: "She starts on Monday. Date of birth: ...".
//!
//! # Invariants
//! Only the date on the roster of the pupil who is named counts, so a date nearby is no chance: one day in some five thousand. Each place
//! is found once; the look is bounded by [`WINDOW`] around each name, and by the row in a table.

use std::collections::HashSet;

use crate::detect::catalogue::Check;
use crate::detect::context::{self, WINDOW};
use crate::detect::finding::Confidence;
use crate::detect::judge::{Draft, Judge};

impl Judge<'_> {
    pub(super) fn births(&mut self) {
        let Some(checked) = self.engine.checked(Check::BirthDate) else {
            return;
        };
        let told = self
            .found
            .iter()
            .filter(|(_, finding)| finding.detector == checked.id);
        let mut seen: HashSet<usize> = told.map(|(at, _)| at.start).collect();
        let mut found = Vec::new();
        let (known, keys) = (&self.engine.known, &self.engine.indexes.keys);
        for anchor in self.anchors.iter().filter(|anchor| !anchor.weak) {
            let Some(person) = anchor.person.filter(|person| known.has_date(person.0)) else {
                continue;
            };
            let window = self.scene.window(&anchor.range, WINDOW);
            let text = self.scene.bytes(window.clone());
            if !text.iter().any(u8::is_ascii_digit) {
                continue;
            }
            let own = context::dates(text)
                .filter(|(_, date)| date.is_some_and(|date| known.is_born(keys, person.0, date)))
                .map(|(range, _)| window.start + range.start..window.start + range.end)
                .filter(|range| seen.insert(range.start));
            found.extend(own.map(|range| (person, range)));
        }
        for (person, range) in found {
            let reasons = vec!["the date of birth on the roster, near the name".to_owned()];
            let draft = self.draft(checked, &range, Confidence::High, reasons);
            self.push(Draft {
                person: Some(person),
                ..draft
            });
        }
    }
}

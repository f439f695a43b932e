//! Date of birth, postcode, telephone number and e-mail address beside a pupil's name, in the same row or sentence.
//!
//! # Invariants
//! Without a pupil's name beside it none of these is a finding: every signature and every newsletter holds some. The participants'
//! own addresses are none either. Each place is looked at once, however many names stand around it.
//!
//! # Known gaps
//! Of dates only the pupil's own date of birth on the roster counts; of addresses only the postcode is found, not the street.

use std::collections::HashSet;
use std::ops::Range;

use crate::detect::catalogue::Check;
use crate::detect::context;
use crate::detect::finding::{Confidence, PersonId};
use crate::detect::judge::{Draft, Judge};

/// One detail beside a name.
struct Detail {
    check: Check,
    range: Range<usize>,
    confidence: Confidence,
    reason: &'static str,
}

impl Judge<'_> {
    pub(super) fn details(&mut self) {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for anchor in self.anchors.iter().filter(|anchor| !anchor.weak) {
            let Some(person) = anchor.person else {
                continue;
            };
            let sentence = self.scene.sentence(&anchor.range);
            let text = self.scene.bytes(sentence.clone());
            if !text.iter().any(|b| b.is_ascii_digit() || *b == b'@') {
                continue;
            }
            // An address that is the pupil's name is found as that already.
            let apart = |detail: &Detail| {
                detail.range.end <= anchor.range.start || detail.range.start >= anchor.range.end
            };
            let fresh = self.beside(person, &sentence).into_iter();
            let fresh = fresh.filter(|detail| apart(detail) && seen.insert(detail.range.start));
            found.extend(fresh.map(|detail| (person, detail)));
        }
        for (person, detail) in found {
            self.push_detail(person, &detail);
        }
    }

    fn beside(&self, person: PersonId, sentence: &Range<usize>) -> Vec<Detail> {
        let (known, keys) = (&self.engine.known, &self.engine.indexes.keys);
        let text = self.scene.bytes(sentence.clone());
        let detail = |check, range: Range<usize>, confidence, reason| Detail {
            check,
            range: sentence.start + range.start..sentence.start + range.end,
            confidence,
            reason,
        };
        let births = context::dates(text)
            .filter(|(_, date)| date.is_some_and(|date| known.is_born(keys, person.0, date)))
            .map(|(range, _)| {
                let reason = "the date of birth on the roster, beside the name";
                detail(Check::BirthDate, range, Confidence::High, reason)
            });
        let mut found: Vec<Detail> = births.collect();
        let reason = "in the same sentence or row as a pupil";
        let medium = Confidence::Medium;
        found.extend(
            context::postcodes(text).map(|range| detail(Check::Postcode, range, medium, reason)),
        );
        found.extend(
            context::telephones(text).map(|range| detail(Check::Telephone, range, medium, reason)),
        );
        let addresses =
            context::addresses(text).filter(|range| !self.is_participants(&text[range.clone()]));
        found.extend(addresses.map(|range| detail(Check::EmailAddress, range, medium, reason)));
        found
    }

    fn is_participants(&self, address: &[u8]) -> bool {
        let mut participants = self.context.participants.iter();
        participants.any(|known| known.as_bytes().eq_ignore_ascii_case(address))
    }

    fn push_detail(&mut self, person: PersonId, detail: &Detail) {
        let Some(checked) = self.engine.checked(detail.check) else {
            return;
        };
        let reasons = vec![detail.reason.to_owned()];
        let draft = self.draft(checked, &detail.range, detail.confidence, reasons);
        let draft = Draft {
            person: Some(person),
            ..draft
        };
        self.push(draft);
    }
}

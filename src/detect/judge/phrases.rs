//! Phrases that together tell what a message is: a chain letter, phishing that is passed on.
//!
//! # Invariants
//! One strong phrase is of the detector's confidence, any further one makes all of them high; two weak ones are medium; one weak phrase
//! is nothing. Phrases are counted over the whole message, each once.

use std::collections::BTreeSet;

use crate::detect::catalogue::Check;
use crate::detect::engine::Checked;
use crate::detect::finding::{Confidence, Finding};
use crate::detect::judge::{Draft, Judge};
use crate::detect::raw::{Raw, letters};
use crate::detect::vocabulary::TermKind;

impl<'j> Judge<'j> {
    /// Notes the phrases of one unit: strong ones as medium, weak ones as low, until [`weigh`] has seen the whole message. `false`
    /// when some were left out.
    pub(super) fn phrases(&mut self, raw: &Raw) -> bool {
        let mut room = self.room();
        let mut drafts: Vec<Draft<'j>> = Vec::new();
        for (term, checked) in self.counted(raw, Check::Phrases) {
            if room == 0 {
                break;
            }
            room -= 1;
            let overlaps = drafts.last().is_some_and(|last| {
                *last.detector == checked.id && term.range.start < last.range.end
            });
            let sentence = self.scene.sentence(&term.range);
            if overlaps || checked.negative.find(self.scene.bytes(sentence)).is_some() {
                continue;
            }
            let (confidence, reason) = if term.term.kind == TermKind::Grave {
                (Confidence::Medium, "a strong phrase")
            } else {
                (Confidence::Low, "a weak phrase")
            };
            let value = letters(self.scene.bytes(term.range.clone()));
            drafts.push(Self::said(
                checked,
                term.range.clone(),
                confidence,
                reason,
                &value,
            ));
        }
        for draft in drafts {
            self.push(draft);
        }
        room > 0
    }
}

/// Weighs the phrases of each detector in the findings of one message, and takes out those that are too few.
pub fn weigh(list: &mut Vec<Finding>, checked: &[Checked]) {
    let detectors = checked
        .iter()
        .filter(|checked| checked.detector.check == Check::Phrases);
    for checked in detectors {
        let own = |finding: &Finding| finding.detector == checked.id;
        let mut strong = BTreeSet::new();
        let mut all = BTreeSet::new();
        for finding in list.iter().filter(|finding| own(finding)) {
            all.insert(finding.value);
            if finding.confidence > Confidence::Low {
                strong.insert(finding.value);
            }
        }
        let sure = match (strong.len(), all.len()) {
            (0, 0 | 1) => {
                list.retain(|finding| !own(finding));
                continue;
            }
            (0, _) => Confidence::Medium,
            (1, 1) => checked.detector.confidence,
            _ => Confidence::High,
        };
        for finding in list.iter_mut().filter(|finding| own(finding)) {
            finding.confidence = sure;
        }
    }
}

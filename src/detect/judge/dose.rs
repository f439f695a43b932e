//! Doses of medicine near a pupil: "18 mg", "5 ml twice a day", "two puffs".
//!
//! # Invariants
//! An amount alone is nothing. Units that kitchens and laboratories use as well need a word of medicine or a schedule beside them.

use std::ops::Range;

use crate::detect::engine::Checked;
use crate::detect::finding::{Category, Confidence};
use crate::detect::judge::statements::SAME;
use crate::detect::judge::{Draft, Judge};
use crate::detect::raw::Raw;
use crate::detect::vocabulary::TermKind;

/// Units that hardly anything but medicine is measured in.
const OF_MEDICINE: &[&str] = &["mg", "mcg", "ug", "microgram", "milligram", "puff"];
/// Amounts in words.
const WORDS: &[&str] = &["half", "one", "two", "three", "four", "five", "six", "ten"];

impl<'j> Judge<'j> {
    /// What a unit says, and the end of the sentence that it speaks for.
    pub(super) fn dose(
        &self,
        checked: &'j Checked,
        raw: &Raw,
        index: usize,
    ) -> (Option<Draft<'j>>, usize) {
        let unit = &raw.terms[index].range;
        let Some(start) = amount_before(self.before(unit.start, 12)) else {
            return (None, 0);
        };
        let range = unit.start - start..unit.end;
        let sentence = self.scene.sentence(&range);
        let nearest = self.nearest(&range, &sentence);
        let Some(anchor) = nearest.filter(|anchor| !anchor.weak) else {
            return (None, sentence.end.min(range.end + SAME));
        };
        let bytes = self.scene.bytes(sentence.clone());
        let schedule = checked.keywords.find(bytes).is_some();
        let medicine = self.names_medicine(raw, index, &range, &sentence);
        let name = self.scene.bytes(unit.clone()).to_ascii_lowercase();
        let of_medicine = OF_MEDICINE
            .iter()
            .any(|unit| name.strip_suffix(b"s").unwrap_or(&name) == unit.as_bytes());
        let of = self.after(unit.end, 4).starts_with(" of ");
        let denied = checked.negative.find(bytes).is_some() && !medicine;
        let signs = usize::from(of_medicine && !of) + usize::from(schedule) + usize::from(medicine);
        let confidence = match signs {
            _ if denied => None,
            0 => None,
            1 => Some(Confidence::Medium),
            _ => Some(Confidence::High),
        };
        let draft = confidence.map(|confidence| {
            let value = self.scene.bytes(range.clone());
            let reason = "a dose in the same sentence as a pupil";
            let draft = Self::said(checked, range.clone(), confidence, reason, value);
            Draft {
                person: anchor.person,
                ..draft
            }
        });
        (draft, sentence.end)
    }

    /// Whether a word of medicine stands in a sentence beside the dose.
    fn names_medicine(
        &self,
        raw: &Raw,
        index: usize,
        dose: &Range<usize>,
        sentence: &Range<usize>,
    ) -> bool {
        let detectors = &self.engine.indexes.vocabulary.detectors;
        raw.terms[index.saturating_sub(20)..]
            .iter()
            .take(40)
            .filter(|term| {
                let inside = term.range.start >= sentence.start && term.range.end <= sentence.end;
                inside && (term.range.end <= dose.start || term.range.start >= dose.end)
            })
            .any(|term| {
                let owner = detectors.get(usize::from(term.term.detector));
                matches!(
                    term.term.kind,
                    TermKind::Strong | TermKind::Weak | TermKind::Hint
                ) && owner.is_some_and(|owner| {
                    owner.category == Category::Medical && &*owner.id == "medical-term"
                })
            })
    }
}

/// Bytes from the start of the amount before a unit to the unit.
fn amount_before(before: &str) -> Option<usize> {
    let trimmed = before.trim_end_matches([' ', '-']);
    if before.len() - trimmed.len() > 1 {
        return None;
    }
    let kept = trimmed.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
    let number = &trimmed[kept.len()..];
    if number.starts_with(|c: char| c.is_ascii_digit()) {
        let glued = kept.ends_with(|c: char| c.is_alphanumeric() || c == '\u{a3}' || c == '-');
        return (!glued).then_some(before.len() - kept.len());
    }
    let word = trimmed
        .rsplit(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    let known = WORDS.iter().any(|known| known.eq_ignore_ascii_case(word));
    (known && trimmed.len() < before.len()).then_some(before.len() - trimmed.len() + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_stand_before_units() {
        for (before, bytes) in [
            ("Keppra 500 ", Some(4)),
            ("Keppra 500", Some(3)),
            ("take two ", Some(4)),
            ("0.5 ", Some(4)),
            ("a few ", None),
            ("", None),
            ("room B12", None),
        ] {
            assert_eq!(amount_before(before), bytes, "{before}");
        }
    }
}

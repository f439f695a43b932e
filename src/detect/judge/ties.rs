//! Whom a term is about: the pupil of its sentence, of its paragraph, or of the record it stands in.
//!
//! # Invariants
//! In a table only the row counts, never the distance. In running text the term's own sentence comes first, then its paragraph, then what
//! is listed under a name, then words that go on about one person ("he", "the child", "Mum"). A sentence about many ("all parents",
//! "several cases") ties no term to a pupil of another sentence. What is tied to nobody is of low confidence, not lost.
//!
//! # Known gaps
//! A pronoun is taken for the pupil who was named last, also when it means a teacher named in between.

use std::ops::Range;

use crate::detect::context::WINDOW;
use crate::detect::finding::{Confidence, PersonId};
use crate::detect::judge::{Anchor, Judge};
use crate::detect::passages::{PARAGRAPH, Passages};
use crate::detect::signs::Sign;

/// Bytes between a pupil and a term of another sentence within which a strong term is certain.
const CLOSE: usize = 150;

/// Whom a term is about, how sure that is, and why.
pub(super) type Tie = (Option<PersonId>, Confidence, &'static str);

impl Judge<'_> {
    /// Whom a term is about; `passages` is the shape of a text that is no table.
    pub(super) fn subject_of(
        &self,
        range: &Range<usize>,
        strong: bool,
        sentence: &Range<usize>,
        passages: Option<&Passages<'_>>,
    ) -> Option<Tie> {
        let sure = if strong {
            Confidence::High
        } else {
            Confidence::Medium
        };
        if let Some(anchor) = self.nearest(range, sentence) {
            let (mut sure, mut place) = (sure, "in the same sentence as a pupil");
            if passages.is_none() {
                place = "in the same row as a pupil";
            } else if passages.is_some_and(|passages| passages.is_of_many(range.start)) {
                (sure, place) = (
                    Confidence::Low,
                    "of a group, in the same sentence as a pupil",
                );
            }
            return tie(anchor, sure, place);
        }
        let elsewhere =
            passages.and_then(|passages| self.elsewhere(range, sure, sentence, passages));
        if let Some(tie) = elsewhere
            && tie.1 > Confidence::Low
        {
            return Some(tie);
        }
        let about = self.about.iter().find(|anchor| !anchor.weak);
        let about = about.filter(|_| {
            let many = |passages: &Passages<'_>| {
                let whole = passages.around(range);
                passages.signs.said(whole.start, sentence) == Some(Sign::Many)
            };
            strong && !passages.is_some_and(many)
        });
        let reason = "the subject, the file's name or the form is about a pupil";
        about
            .and_then(|anchor| tie(anchor, Confidence::Medium, reason))
            .or(elsewhere)
    }

    /// The pupil of another sentence.
    fn elsewhere(
        &self,
        range: &Range<usize>,
        sure: Confidence,
        sentence: &Range<usize>,
        passages: &Passages<'_>,
    ) -> Option<Tie> {
        let strong = sure == Confidence::High;
        let low = strong.then_some(Confidence::Low);
        let by_distance = |anchor: &Anchor| {
            let near =
                anchor.range.start < range.end + CLOSE && anchor.range.end + CLOSE > range.start;
            if near { sure } else { Confidence::Medium }
        };
        let own = passages.around(range);
        if let Some(anchor) = self.nearest(range, &own) {
            let named = passages.sentence(&anchor.range);
            // What is said before the pupil is named says nothing of what follows.
            let from = if named.end <= sentence.start {
                named.end
            } else {
                sentence.start
            };
            return match passages.signs.said(from, sentence) {
                Some(Sign::Many) => tie(anchor, low?, "beside a pupil, in a sentence about many"),
                _ => tie(
                    anchor,
                    by_distance(anchor),
                    "in the same paragraph as a pupil",
                ),
            };
        }
        let said = passages.signs.said(own.start, sentence);
        if said == Some(Sign::Many) {
            return None;
        }
        let number = passages.number(range.start);
        let around = self.scene.window(range, PARAGRAPH);
        let before = || self.nearest(range, &(around.start..range.start));
        let behind = || self.nearest(range, &(range.end..around.end));
        let under = [before(), behind()].into_iter().flatten();
        if let Some(anchor) = under
            .into_iter()
            .find(|anchor| passages.is_under(number, &anchor.range))
        {
            return tie(anchor, sure, "in a record under a pupil's name");
        }
        let goes_on = said.is_some() || passages.goes_on(sentence);
        if goes_on && let Some(anchor) = before() {
            return tie(
                anchor,
                by_distance(anchor),
                "goes on about a pupil named before",
            );
        }
        let window = self.scene.window(range, WINDOW);
        let anchor = self.nearest(range, &window)?;
        let named = passages.sentence(&anchor.range);
        let news = passages.signs.circular || passages.is_praise(&named);
        // A word of every day needs to be expected: a note, a call, a name that heads the text.
        let expected = strong || passages.is_matter(&named) || passages.stands_alone(&anchor.range);
        let confidence = if expected && !news {
            Confidence::Medium
        } else {
            Confidence::Low
        };
        tie(anchor, confidence, "in another paragraph than a pupil")
    }
}

/// A tie to the bearer of a name; one that is not certain makes it weaker.
fn tie(anchor: &Anchor, confidence: Confidence, reason: &'static str) -> Option<Tie> {
    let confidence = if anchor.weak {
        lowered(confidence)?
    } else {
        confidence
    };
    Some((anchor.person, confidence, reason))
}

/// One step less.
pub(super) fn lowered(confidence: Confidence) -> Option<Confidence> {
    match confidence {
        Confidence::High => Some(Confidence::Medium),
        Confidence::Medium => Some(Confidence::Low),
        Confidence::Low => None,
    }
}

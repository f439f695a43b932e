//! Words of money with a person and an amount: salaries, arrears, hardship.
//!
//! # Invariants
//! The name of a member of staff counts here, unless it is a participant's.
//! Without a person there is no finding; without an amount it is low.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::detect::engine::Checked;
use crate::detect::finding::{Confidence, PersonId};
use crate::detect::index::STAFF;
use crate::detect::judge::statements::SAME;
use crate::detect::judge::{Draft, Judge};
use crate::detect::raw::{NameWord, Raw, letters};

/// Bytes between the parts of a name, or between a title and a surname.
const GAP: usize = 3;
const TITLES: &[&str] = &["dr", "miss", "mr", "mrs", "ms", "mx", "prof", "sir", "rev"];

#[expect(
    clippy::expect_used,
    reason = "the pattern is constant and a test compiles it"
)]
static AMOUNT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:[\u{a3}\u{20ac}]|\bgbp|\beur) ?[0-9]|[0-9] ?(?:pounds|gbp)\b")
        .expect("a constant pattern")
});

/// Whose money it is.
enum Whom {
    /// A pupil's; none for a number that is not on the roster.
    Pupil(Option<PersonId>),
    /// That of a member of staff, or of somebody with a title.
    Adult,
}

impl Whom {
    fn pupil(&self) -> Option<PersonId> {
        match self {
            Self::Pupil(person) => *person,
            Self::Adult => None,
        }
    }
}

impl<'j> Judge<'j> {
    /// What a word of money says, and the end of the sentence that it speaks for.
    pub(super) fn money(
        &self,
        checked: &'j Checked,
        raw: &Raw,
        range: &Range<usize>,
    ) -> (Option<Draft<'j>>, usize) {
        let sentence = self.scene.sentence(range);
        let bytes = self.scene.bytes(sentence.clone());
        let Some(whom) = self.person_or_staff(raw, range, &sentence) else {
            return (None, sentence.end.min(range.end + SAME));
        };
        if checked.negative.find(bytes).is_some() {
            return (None, sentence.end);
        }
        // The plain form has no currency signs.
        let written = self.scene.plain.original_text(sentence.clone());
        let (confidence, reason) = if AMOUNT.is_match(written) {
            (checked.detector.confidence, "with a person and an amount")
        } else {
            (Confidence::Low, "with a person")
        };
        let value = self.scene.bytes(range.clone());
        let draft = Self::said(checked, range.clone(), confidence, reason, value);
        let person = whom.pupil();
        (Some(Draft { person, ..draft }), sentence.end)
    }

    /// An amount in a column of money, in the row of a person.
    pub(super) fn money_cell(
        &self,
        checked: &'j Checked,
        raw: &Raw,
        cell: Range<usize>,
        row: Range<usize>,
    ) -> Option<Draft<'j>> {
        let bytes = self.scene.bytes(cell.clone());
        let amount =
            bytes.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2 && bytes.len() <= 24;
        let whom = self.person_or_staff(raw, &cell, &row).filter(|_| amount)?;
        let reason = "an amount in a column of money, in a person's row";
        let draft = Self::said(checked, cell, checked.detector.confidence, reason, bytes);
        let person = whom.pupil();
        Some(Draft { person, ..draft })
    }

    /// The pupil within a window, or that a member of staff is named there, or a surname with its title.
    fn person_or_staff(
        &self,
        raw: &Raw,
        range: &Range<usize>,
        window: &Range<usize>,
    ) -> Option<Whom> {
        if let Some(anchor) = self.nearest(range, window).filter(|anchor| !anchor.weak) {
            return Some(Whom::Pupil(anchor.person));
        }
        let first = raw
            .words
            .partition_point(|word| (word.start as usize) < window.start);
        let words = raw.words[first..]
            .iter()
            .take_while(|word| word.end as usize <= window.end);
        let mut before = None;
        for word in words {
            if self.is_titled(word) || before.is_some_and(|first| self.is_staff(first, word)) {
                return Some(Whom::Adult);
            }
            before = Some(word);
        }
        None
    }

    fn is_titled(&self, word: &NameWord) -> bool {
        let before = self.before(word.start as usize, 6);
        let last = before.trim_end_matches([' ', '.']);
        let title = last.rsplit(|c: char| !c.is_ascii_alphabetic()).next();
        last.len() < before.len()
            && title.is_some_and(|title| TITLES.contains(&title.to_ascii_lowercase().as_str()))
    }

    /// Whether two words are the name of a member of staff who takes no part in the message.
    fn is_staff(&self, first: &NameWord, second: &NameWord) -> bool {
        let gap = (second.start as usize).saturating_sub(first.end as usize);
        if gap == 0 || gap > GAP {
            return false;
        }
        let (keys, names) = (&self.engine.indexes.keys, &self.engine.indexes.names);
        let letters =
            |word: &NameWord| letters(self.scene.bytes(word.start as usize..word.end as usize));
        let (a, b) = (letters(first), letters(second));
        let orders = [keys.verify(&a, &b), keys.verify(&b, &a)];
        names
            .with_key(keys.pair(first.hash, second.hash))
            .any(|place| {
                orders.iter().any(|order| names.agrees(place, *order))
                    && names.pair(place).is(STAFF)
                    && !self.participants.contains(&place)
            })
    }
}

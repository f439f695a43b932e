//! Words that count whoever is meant: a word list of strong and weak words, with what is said around them.
//!
//! # Invariants
//! A word inside an innocent phrase of its dictionary is nothing, and so is one in a long run of signs (an encoded file). A weak word
//! alone is low; it takes somebody who is called so, or a strong word beside it, to make it medium. An everyday word counts only where
//! somebody is called so. A strong word that is reported, or has hidden letters, is medium at most.
//!
//! # Known gaps
//! Who is quoted is guessed from words of saying and from quotation marks in the same sentence. Irony, banter and lessons about such
//! words are not told from abuse.

use std::ops::Range;

use crate::detect::catalogue::Check;
use crate::detect::context::is_word_at;
use crate::detect::engine::Checked;
use crate::detect::finding::Confidence;
use crate::detect::judge::Judge;
use crate::detect::raw::{Raw, RawTerm, letters};
use crate::detect::vocabulary::TermKind;

/// Bytes before a word in which somebody may be addressed.
const ADDRESS: usize = 60;
/// What ends names of hosts.
const HOSTS: &[&str] = &[".com", ".org", ".net", ".co.", ".uk", ".sch."];
/// Bytes of a run of letters and signs in which no word is said.
const RUN: usize = 50;
/// Words between "you" and what somebody is called.
const BETWEEN: usize = 5;

/// Whom a word is said to.
const ADDRESSED: &[&str] = &["u", "ya", "yer", "you", "you're", "youre"];
/// Whom a word is said of, behind "called".
const CALLED: &[&str] = &["call", "called", "calling", "calls"];
/// Who may stand between "called" and the word.
const PEOPLE: &[&str] = &[
    "boy",
    "boys",
    "child",
    "children",
    "classmate",
    "colleague",
    "girl",
    "girls",
    "head",
    "her",
    "him",
    "his",
    "me",
    "member",
    "mum",
    "my",
    "our",
    "parent",
    "people",
    "pupil",
    "pupils",
    "staff",
    "student",
    "teacher",
    "teachers",
    "their",
    "them",
    "us",
];
/// What else may stand between that and the word.
const FILLERS: &[&str] = &[
    "a",
    "absolute",
    "all",
    "an",
    "another",
    "are",
    "being",
    "big",
    "bloody",
    "complete",
    "dirty",
    "fat",
    "fucking",
    "it",
    "just",
    "lazy",
    "little",
    "lot",
    "lying",
    "miserable",
    "of",
    "old",
    "one",
    "pathetic",
    "right",
    "sad",
    "silly",
    "skinny",
    "stupid",
    "such",
    "that",
    "the",
    "thick",
    "total",
    "ugly",
    "useless",
    "utter",
    "what",
    "young",
];

/// A word as it stands in the text.
struct Said<'j> {
    checked: &'j Checked,
    range: Range<usize>,
    value: Vec<u8>,
    kind: TermKind,
    /// Letters that are seen, where others are hidden.
    seen: Option<usize>,
}

impl<'j> Judge<'j> {
    /// Judges the words of dictionaries that count whoever is meant. `false` when some were left out.
    pub(super) fn words(&mut self, raw: &Raw) -> bool {
        let room = self.room();
        let mut said = self.said_words(raw, room);
        let complete = said.len() <= room;
        said.sort_by_key(|word| (word.range.start, std::cmp::Reverse(word.range.end)));
        said.truncate(room);
        let mut drafts = Vec::new();
        let mut until = 0;
        for (index, word) in said.iter().enumerate() {
            if word.range.start < until {
                continue;
            }
            until = word.range.end;
            let sentence = self.scene.sentence(&word.range);
            let beside = said[index.saturating_sub(8)..].iter().take(16);
            let company = beside.into_iter().any(|other| {
                let inside = other.range.start >= sentence.start && other.range.end <= sentence.end;
                let apart =
                    other.range.end <= word.range.start || other.range.start >= word.range.end;
                other.kind == TermKind::Grave && inside && apart
            });
            if let Some((confidence, reason)) = self.weigh_word(word, &sentence, company) {
                let (range, value) = (word.range.clone(), &word.value);
                drafts.push(Self::said(word.checked, range, confidence, reason, value));
            }
        }
        for draft in drafts {
            self.push(draft);
        }
        complete
    }

    /// The words that stand in the text, in no order; of those with hidden letters not many more than `room`.
    fn said_words(&self, raw: &Raw, room: usize) -> Vec<Said<'j>> {
        let mut said = Vec::new();
        let engine = self.engine;
        for (term, checked) in self.counted(raw, Check::Words) {
            let text = self.scene.text().as_bytes();
            if !is_word_at(text, term.range.start, term.range.len()) {
                continue;
            }
            said.push(Said {
                checked,
                range: term.range.clone(),
                value: letters_read(self.scene.bytes(term.range.clone())),
                kind: term.term.kind,
                seen: None,
            });
        }
        for masked in &engine.masked {
            let mut owners = engine.checked.iter();
            let Some(checked) = owners.find(|checked| checked.id == masked.detector) else {
                continue;
            };
            for hidden in masked.find(self.scene.text().as_bytes(), room) {
                said.push(Said {
                    checked,
                    range: hidden.range,
                    value: hidden.word.as_bytes().to_vec(),
                    kind: TermKind::Grave,
                    seen: (!hidden.whole).then_some(hidden.seen),
                });
            }
        }
        said
    }

    /// The terms of detectors with this check that are outside every innocent phrase, in the order of the text.
    pub(super) fn counted<'r>(
        &self,
        raw: &'r Raw,
        check: Check,
    ) -> impl Iterator<Item = (&'r RawTerm, &'j Checked)> {
        let is_said = |term: &&RawTerm| {
            let kind = term.term.kind;
            matches!(kind, TermKind::Grave | TermKind::Mild | TermKind::Everyday)
        };
        let owners = if raw.terms.iter().any(|term| is_said(&term)) {
            self.checked_of(check)
        } else {
            Vec::new()
        };
        let counts = move |(index, term): (usize, &'r RawTerm)| {
            let owner = owners.get(usize::from(term.term.detector));
            let checked = owner.copied().flatten()?;
            (is_said(&term) && !is_innocent(&raw.terms, index)).then_some((term, checked))
        };
        raw.terms.iter().enumerate().filter_map(counts)
    }

    /// The detector with this check behind each detector of the vocabulary.
    fn checked_of(&self, check: Check) -> Vec<Option<&'j Checked>> {
        let engine = self.engine;
        let known = engine.indexes.vocabulary.detectors.iter();
        let of = |id| engine.checked.iter().find(|checked| checked.id == id);
        known
            .map(|owner| {
                (owner.check == check)
                    .then(|| of(owner.id.clone()))
                    .flatten()
            })
            .collect()
    }

    /// How sure a word is, and why; none when what stands around it explains it.
    fn weigh_word(
        &self,
        word: &Said<'_>,
        sentence: &Range<usize>,
        company: bool,
    ) -> Option<(Confidence, &'static str)> {
        let checked = word.checked;
        let bytes = self.scene.bytes(sentence.clone());
        let address = self.scene.is_in_link(&word.range) && !self.has_own_at(&word.range);
        let link = address || self.is_in_host(&word.range);
        if !link && self.is_in_noise(&word.range) {
            return None;
        }
        if word.kind != TermKind::Grave {
            if link || checked.negative.find(bytes).is_some() {
                return None;
            }
            if is_addressed(self.before(word.range.start, ADDRESS)) {
                return Some((Confidence::Medium, "said to or of somebody"));
            }
            return match (word.kind, company) {
                (TermKind::Mild, true) => {
                    Some((Confidence::Medium, "a weak word beside a strong one"))
                }
                (TermKind::Mild, false) => Some((Confidence::Low, "a weak word")),
                _ => None,
            };
        }
        match word.seen {
            _ if link => return Some((Confidence::Low, "in a link")),
            Some(1) => return Some((Confidence::Low, "one letter is left of it")),
            Some(_) => return Some((Confidence::Medium, "some of its letters are hidden")),
            None => {}
        }
        if checked.keywords.find(bytes).is_some() || self.is_quoted(word, sentence) {
            let sure = checked.detector.confidence.min(Confidence::Medium);
            return Some((sure, "in reported speech"));
        }
        Some((checked.detector.confidence, "a strong word"))
    }

    /// Whether a word is a part of a host's name: "mail.word.com".
    fn is_in_host(&self, range: &Range<usize>) -> bool {
        let next = self.after(range.end, 5).to_ascii_lowercase();
        HOSTS.iter().any(|end| next.starts_with(end))
    }

    /// Whether a word stands in a run without white space that is longer than any word with its signs.
    fn is_in_noise(&self, range: &Range<usize>) -> bool {
        let before = self.before(range.start, RUN);
        let after = self.after(range.end, RUN);
        let start = before.rfind(char::is_whitespace);
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let run = range.len() + end + before.len() - start.map_or(0, |at| at + 1);
        run > RUN
    }

    /// "w@sp": the sign stands for a letter, and no address goes on behind it.
    fn has_own_at(&self, range: &Range<usize>) -> bool {
        let own = memchr::memchr(b'@', self.scene.bytes(range.clone())).is_some();
        let next = self.after(range.end, 2);
        own && !(next.starts_with('.') && next.ends_with(|c: char| c.is_ascii_alphanumeric()))
    }

    /// Whether a quotation mark opens right before a word, or somewhere before it in its sentence and closes behind it.
    fn is_quoted(&self, word: &Said<'_>, sentence: &Range<usize>) -> bool {
        let text = self.scene.text().as_bytes();
        let before = &text[sentence.start..word.range.start.max(sentence.start)];
        let behind = &text[word.range.end.min(sentence.end)..sentence.end];
        let marks = |bytes: &[u8]| memchr::memchr_iter(b'"', bytes).count();
        before.ends_with(b"'") || (marks(before) % 2 == 1 && marks(behind) > 0)
    }
}

/// Whether a term lies inside an innocent phrase of the same detector.
fn is_innocent(terms: &[RawTerm], index: usize) -> bool {
    /// Terms on each side that are looked at: as many as overlap in a phrase at most.
    const NEAR: usize = 8;
    let term = &terms[index];
    terms[index.saturating_sub(NEAR)..]
        .iter()
        .take(2 * NEAR)
        .any(|other| {
            other.term.kind == TermKind::Innocent
                && other.term.detector == term.term.detector
                && other.range.start <= term.range.start
                && other.range.end >= term.range.end
        })
}

/// A word as it is counted: its letters, with digits read as those they stand for.
fn letters_read(text: &[u8]) -> Vec<u8> {
    let read = text.iter().map(|byte| match byte {
        b'0' => b'o',
        b'1' => b'i',
        b'3' => b'e',
        b'4' => b'a',
        b'5' => b's',
        b'7' => b't',
        other => *other,
    });
    letters(&read.collect::<Vec<u8>>()).to_vec()
}

/// Whether somebody is called by the word that follows: "you stupid ...", "called her a ...".
fn is_addressed(before: &str) -> bool {
    let before = before
        .rsplit(['.', '!', '?', ';'])
        .next()
        .unwrap_or_default();
    let words = before
        .rsplit(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\'').to_ascii_lowercase())
        .filter(|word| !word.is_empty());
    let mut whom = false;
    for word in words.take(BETWEEN + 1) {
        let word = word.as_str();
        if ADDRESSED.contains(&word) {
            return true;
        }
        if CALLED.contains(&word) {
            // "Devices called pigs" are nobody.
            return whom;
        }
        if PEOPLE.contains(&word) {
            whom = true;
        } else if !FILLERS.contains(&word) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_called_a_word() {
        for before in [
            "you ",
            "You stupid little ",
            "he called her a ",
            "She's calling the teacher a \"",
            "you're such an ",
        ] {
            assert!(is_addressed(before), "{before}");
        }
        for before in [
            "",
            "did you see the blue ",
            "thank you. The ",
            "it was a ",
            "devices called ",
            "called out. A ",
        ] {
            assert!(!is_addressed(before), "{before}");
        }
    }

    #[test]
    fn digits_are_read_for_counting() {
        assert_eq!(letters_read(b"Tr33 T0p"), b"treetop");
    }
}

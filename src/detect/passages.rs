//! Paragraphs, list items and labelled lines of a text, and its sentences.
//!
//! # Invariants
//! Built in one pass over a text; every look afterwards is bounded by [`PARAGRAPH`] bytes or [`BETWEEN`] paragraphs.
//!
//! # Known gaps
//! Text without blank lines does not say where a paragraph ends: a full line that ends a sentence goes on when the next word would not
//! have fitted on it. English only.

use std::ops::Range;

use crate::detect::context::WINDOW;
use crate::detect::normalise::Plain;
use crate::detect::signs::{self, Signs};

/// Bytes of a paragraph on each side of a place that are looked at.
pub(super) const PARAGRAPH: usize = 600;
/// Paragraphs between a name and what is listed below it.
pub(super) const BETWEEN: usize = 12;
/// Characters from which a line without a sign at its end goes on below; mail is wrapped at 65 to 78.
const FULL: usize = 45;
/// The same for a line that ends a sentence, which more often ends a paragraph.
const FULL_STOP: usize = 55;
/// Characters of the longest line that a program or a writer breaks.
const WRAPPED: usize = 100;
/// Bytes of a line that is a heading or an entry and no prose.
const SHORT: usize = 60;
/// Bytes and words of the label of a line.
const LABEL: (usize, usize) = (40, 5);

/// What quotes and indents a line.
const INDENTS: [char; 6] = ['>', '|', ' ', '\t', '\n', '\r'];
/// Bullets that plain text has as spaces.
const BULLETS: [char; 7] = [
    '\u{2022}', '\u{2023}', '\u{25aa}', '\u{25cf}', '\u{25e6}', '\u{b7}', '\u{f0b7}',
];
/// Words before a name that announce news and not a record.
const NEWS: &[&str] = &[
    "birthday",
    "captain",
    "certificate",
    "certificates",
    "congratulations",
    "done",
    "goal",
    "goals",
    "news",
    "player",
    "points",
    "prize",
    "scorer",
    "scorers",
    "star",
    "thank",
    "thanks",
    "welcome",
    "winner",
    "winners",
    "writer",
];
/// Words beside a name that stands alone on its line.
const ANNOUNCES: &[&str] = &[
    "about",
    "and",
    "child",
    "class",
    "concerning",
    "confidential",
    "dob",
    "for",
    "form",
    "full",
    "learner",
    "name",
    "needs",
    "new",
    "note",
    "notes",
    "of",
    "on",
    "patient",
    "pupil",
    "re",
    "record",
    "ref",
    "regarding",
    "student",
    "subject",
    "the",
    "tutor",
    "upn",
    "who",
    "year",
];
/// Labels of lines that belong to a record about somebody.
const RECORD: &[&str] = &[
    "action",
    "allergies",
    "allergy",
    "background",
    "category",
    "comment",
    "comments",
    "concern",
    "concerns",
    "condition",
    "conditions",
    "details",
    "diagnosis",
    "diet",
    "dietary",
    "disability",
    "health",
    "history",
    "illness",
    "incident",
    "medical",
    "medication",
    "medicine",
    "need",
    "needs",
    "note",
    "notes",
    "plan",
    "provision",
    "reason",
    "send",
    "sen",
    "status",
    "support",
    "symptoms",
    "treatment",
    "what",
];

/// The shape of one text.
#[derive(Debug)]
pub(super) struct Passages<'t> {
    text: &'t str,
    /// Where paragraphs start, in plain offsets, and whether with a bullet that the plain text leaves out.
    starts: Vec<(u32, bool)>,
    /// Words that say whom sentences are about.
    pub(super) signs: Signs,
}

impl<'t> Passages<'t> {
    /// Reads a text.
    pub(super) fn of(plain: &'t Plain<'_>) -> Self {
        Self {
            text: &plain.text,
            starts: starts(plain),
            signs: Signs::of(plain.text.as_bytes()),
        }
    }

    /// The number of the paragraph in which an offset lies.
    pub(super) fn number(&self, at: usize) -> usize {
        self.starts
            .partition_point(|(start, _)| *start as usize <= at)
            .saturating_sub(1)
    }

    /// The paragraph of a number.
    pub(super) fn paragraph(&self, number: usize) -> Range<usize> {
        let start = |number: usize| self.starts.get(number).map(|(start, _)| *start as usize);
        start(number).unwrap_or(0)..start(number + 1).unwrap_or(self.text.len())
    }

    /// The paragraph around a range, as far as [`PARAGRAPH`] reaches.
    pub(super) fn around(&self, range: &Range<usize>) -> Range<usize> {
        let whole = self.paragraph(self.number(range.start));
        whole.start.max(range.start.saturating_sub(PARAGRAPH))
            ..whole.end.max(range.end).min(range.end + PARAGRAPH)
    }

    /// The sentence around a range inside its paragraph, as far as [`WINDOW`] reaches.
    pub(super) fn sentence(&self, range: &Range<usize>) -> Range<usize> {
        let whole = self.around(range);
        let text = self.text.as_bytes();
        let ends = |at: usize| {
            matches!(text[at], b'.' | b'!' | b'?')
                && text.get(at + 1).is_some_and(u8::is_ascii_whitespace)
        };
        let low = whole.start.max(range.start.saturating_sub(WINDOW));
        let high = whole.end.min(range.end + WINDOW);
        let start = (low..range.start).rev().find(|at| ends(*at));
        let end = (range.end..high).find(|at| ends(*at));
        start.map_or(low, |at| at + 1)..end.unwrap_or(high)
    }

    /// Whether a sentence begins as one does that goes on about somebody: "Diagnosed with ...".
    pub(super) fn goes_on(&self, sentence: &Range<usize>) -> bool {
        signs::goes_on(bare(&self.text[sentence.clone()]))
    }

    /// Whether the words right before an offset make a term that of a group.
    pub(super) fn is_of_many(&self, at: usize) -> bool {
        const REACH: usize = 64;
        let start = self.text.ceil_char_boundary(at.saturating_sub(REACH));
        signs::is_of_many(&self.text[start..at])
    }

    /// Whether a sentence brings up a matter about whom it names.
    pub(super) fn is_matter(&self, sentence: &Range<usize>) -> bool {
        signs::is_matter(&self.text[sentence.clone()])
    }

    /// Whether a sentence praises whom it names, so that the next one may be about anything.
    pub(super) fn is_praise(&self, sentence: &Range<usize>) -> bool {
        signs::is_praise(&self.text[sentence.clone()])
    }

    /// Whether a name is all that its paragraph says.
    pub(super) fn stands_alone(&self, name: &Range<usize>) -> bool {
        let number = self.number(name.start);
        let whole = self.paragraph(number);
        let bullet = self.starts.get(number).is_some_and(|(_, bullet)| *bullet);
        let rest = |part: Range<usize>| bare(self.text.get(part).unwrap_or_default());
        !bullet
            && !is_item(bare(&self.text[whole.clone()]))
            && is_alone(
                rest(whole.start..name.start),
                rest(name.end..whole.end.max(name.end)),
            )
    }

    /// Whether what stands in one paragraph is about the person named in another.
    ///
    /// A name that stands alone or before a colon heads what is listed below it; labelled lines are one record.
    pub(super) fn is_under(&self, said: usize, name: &Range<usize>) -> bool {
        let named = self.number(name.start);
        let (first, last) = (said.min(named), said.max(named));
        if last - first > BETWEEN {
            return false;
        }
        let line = |number: usize| bare(&self.text[self.paragraph(number)]);
        let alone = self.stands_alone(name);
        let item = |number: usize| {
            let bullet = self.starts.get(number).is_some_and(|(_, bullet)| *bullet);
            bullet || is_item(line(number))
        };
        if !(first + 1..last).all(|number| item(number) || is_entry(line(number))) {
            return false;
        }
        let (heading, entry) = (line(named), line(said));
        let touching = last - first == 1;
        let entry_below = item(said) || is_entry(entry);
        if said < named {
            return alone && entry_below && touching
                || is_field(heading) && is_field(entry) && !is_news(heading);
        }
        if entry_below {
            let below = item(named) && !item(said) && touching;
            let record = is_field(heading) && is_field(entry) && !is_news(heading);
            return alone
                || heading.trim_end().ends_with(':')
                || below
                || record
                || (is_in_record(entry) && !is_news(heading));
        }
        alone && touching
    }
}

/// Where paragraphs start: behind blank lines, at items and labelled lines, and where a line ended before it was full.
fn starts(plain: &Plain<'_>) -> Vec<(u32, bool)> {
    let mut starts = Vec::new();
    let mut at = 0;
    let (mut before, mut earlier) = ("", 0);
    for line in plain.text.split('\n') {
        let now = bare(line);
        let indent = at + line.len() - line.trim_start_matches(INDENTS).len();
        let bullet =
            !now.is_empty() && indent > at && plain.original_text(at..indent).contains(BULLETS);
        // Blank lines belong to the paragraph above them.
        let new = !now.is_empty() && (bullet || !goes_on_below(before, earlier, now));
        if starts.is_empty() || new {
            starts.push((at as u32, bullet));
            earlier = 0;
        } else {
            earlier = before.len();
        }
        before = now;
        at += line.len() + 1;
    }
    starts
}

/// A line without what quotes and indents it.
fn bare(line: &str) -> &str {
    line.trim_start_matches(INDENTS).trim_end()
}

/// Whether a line is the continuation of the one before; `earlier` is the length of the line before that one.
fn goes_on_below(before: &str, earlier: usize, now: &str) -> bool {
    if before.is_empty() || is_item(now) || is_field(now) {
        return false;
    }
    let stops = before.ends_with(['.', '!', '?', ':']);
    if !stops && now.starts_with(|c: char| c.is_lowercase()) {
        return true;
    }
    if before.len() < FULL {
        return false;
    }
    let word = now.split(' ').next().unwrap_or_default().len();
    let fits = before.len() + 1 + word <= now.len().max(earlier);
    !stops || ((FULL_STOP..=WRAPPED).contains(&before.len()) && !fits)
}

/// "- ", "* ", "1. ", "a) ".
fn is_item(line: &str) -> bool {
    let Some((mark, _)) = line.split_once([' ', '\t']) else {
        return false;
    };
    let number = mark
        .strip_suffix(['.', ')'])
        .map(|mark| mark.trim_start_matches('('));
    matches!(mark, "-" | "*" | "+" | "o")
        || number.is_some_and(|number| {
            (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
                || number.len() == 1 && number.bytes().all(|b| b.is_ascii_lowercase())
        })
}

/// The label of a line: "Diagnosis: ...", "Condition - ...", "4 Nov - ...".
fn label(line: &str) -> Option<&str> {
    let colon = line.find(':');
    let dash = line.find(" - ").or_else(|| line.find('\t'));
    let end = match (colon, dash) {
        (Some(colon), Some(dash)) => colon.min(dash),
        (colon, dash) => colon.or(dash)?,
    };
    let label = line[..end].trim_matches(['*', '_', ' ', '-']);
    let plain = label.starts_with(char::is_alphanumeric)
        && !label.contains(['.', '!', '?'])
        && label.len() <= LABEL.0
        && label.split_whitespace().count() <= LABEL.1;
    plain.then_some(label)
}

fn is_field(line: &str) -> bool {
    label(line).is_some()
}

/// An item, a labelled line, or a line too short for prose.
fn is_entry(line: &str) -> bool {
    let short = line.len() <= SHORT && !line.ends_with(['.', '!', '?']);
    short || is_item(line) || is_field(line)
}

fn is_in_record(line: &str) -> bool {
    label(line).is_some_and(|label| {
        !is_news(label)
            && label
                .split([' ', '/'])
                .any(|word| RECORD.contains(&word.to_ascii_lowercase().as_str()))
    })
}

fn is_news(line: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric())
        .any(|word| NEWS.contains(&word.to_ascii_lowercase().as_str()))
}

/// Whether a name is all that its line says, but for the words that announce a record: "About ... (7K):".
fn is_alone(before: &str, after: &str) -> bool {
    let words = |text: &str| text.split_whitespace().count();
    words(before) + words(after) <= 6
        && [before, after]
            .into_iter()
            .flat_map(str::split_whitespace)
            .all(|word| {
                let plain = word.trim_matches(|c: char| !c.is_alphanumeric());
                plain.is_empty()
                    || word.starts_with('(')
                    || word.ends_with(')')
                    || plain.bytes().any(|b| b.is_ascii_digit())
                    || ANNOUNCES.contains(&plain.to_ascii_lowercase().as_str())
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraphs(text: &str) -> Vec<&str> {
        let plain = Plain::of(text);
        let passages = Passages::of(&plain);
        (0..passages.starts.len())
            .map(|number| text[passages.paragraph(number)].trim())
            .filter(|paragraph| !paragraph.is_empty())
            .collect()
    }

    #[test]
    fn lines_that_were_wrapped_are_one_paragraph() {
        let wrapped = "A line as long as the mail program lets it be, and then a\nsecond one that ends it.\n\nThird.";
        assert_eq!(paragraphs(wrapped).len(), 2);
        let ends = "It was the end of a very long day and nobody had seen a sign.\nHowever, the bus came and took all of them home by the sea.";
        assert_eq!(paragraphs(ends).len(), 1);
        assert_eq!(paragraphs("One.\nTwo.\nThree.").len(), 3);
        assert_eq!(
            paragraphs("Needs:\n- a seat\n- a plan that is\n  long").len(),
            3
        );
        assert_eq!(paragraphs("Name: A\nForm: 7K\nNote: b").len(), 3);
        assert_eq!(
            paragraphs(
                "> quoted and long enough to go on below the end of\n> this line\n>\n> next"
            )
            .len(),
            2
        );
    }

    #[test]
    fn records_hang_together() {
        let under = |text: &str, name: &str, term: &str| {
            let plain = Plain::of(text);
            let passages = Passages::of(&plain);
            let start = text.find(name).unwrap_or_default();
            let at = text.find(term).unwrap_or_default();
            passages.is_under(passages.number(at), &(start..start + name.len()))
        };
        for text in [
            "Ann Hart\n- asthma",
            "Ann Hart needs:\n- a seat\n- asthma plan",
            "Name: Ann Hart\n\nDiagnosis: asthma",
            "Diagnosis: asthma\nName: Ann Hart",
            "1. Ann Hart\n   Plan for asthma, see folder",
            "Ann Hart joins us.\nMedical: asthma",
        ] {
            assert!(under(text, "Ann Hart", "asthma"), "{text}");
        }
        for text in [
            "- Ann Hart won the cup\n- asthma talk",
            "Goals: Ann Hart\nNurse: asthma clinic",
            "Congratulations, Ann Hart!\n\nAn asthma nurse visits on Monday.",
            "Ann Hart won.\n\nAn asthma nurse visits on Monday.",
        ] {
            assert!(!under(text, "Ann Hart", "asthma"), "{text}");
        }
    }
}

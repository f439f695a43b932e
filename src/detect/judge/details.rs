//! Date of birth, postcode, telephone number and e-mail address beside a pupil's name, in the same row or sentence.
//!
//! # Invariants
//! Without a pupil's name beside it none of these is a finding: every signature and every newsletter holds some. The participants'
//! own addresses are none either. In running text a telephone number or an address needs more than a name beside it, for lists of
//! recipients and signatures hold many: it fits the name, stands right behind it, or a word ties the two ("his mum is on ...").
//! Each place is looked at once, however many names stand around it.
//!
//! # Known gaps
//! Of dates only the pupil's own date of birth on the roster counts; of addresses only the postcode is found, not the street.

use std::collections::HashSet;
use std::ops::Range;

use crate::detect::catalogue::Check;
use crate::detect::context;
use crate::detect::finding::{Confidence, PersonId};
use crate::detect::judge::{Anchor, Draft, Judge};
use crate::detect::raw::{Letters, letters};

/// Bytes between a name and what is tied to it.
const TIED: usize = 120;
/// Lines between a labelled name and its number, in a form that goes down.
const FORM_LINES: usize = 6;
/// Addresses of one sentence from which on it is a list of recipients.
const LIST: usize = 3;
/// Letters of a name that tell an address as that person's.
const TELLING: usize = 3;

/// Words between a name and a number or an address, on either side, that tie the two.
const TIES: &[&str] = &[
    "address",
    "call",
    "carer",
    "contact",
    "contacted",
    "dad",
    "daddy",
    "details",
    "email",
    "emailed",
    "emergency",
    "father",
    "gran",
    "grandad",
    "grandma",
    "guardian",
    "her",
    "his",
    "home",
    "mail",
    "mob",
    "mobile",
    "mother",
    "mum",
    "mummy",
    "nan",
    "number",
    "parent",
    "parents",
    "phone",
    "reach",
    "reached",
    "ring",
    "tel",
    "telephone",
    "text",
    "their",
];
/// Words that tie only when they are all that stands between.
const LINKS: &[&str] = &["and", "at", "is", "on", "or", "via"];
/// Words before a name that say what an address before them is for.
const SUBJECTS: &[&str] = &["about", "concerning", "for", "re", "regarding"];

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
            let own = self.own(anchor, self.beside(person, &sentence));
            let fresh = own
                .into_iter()
                .filter(|detail| seen.insert(detail.range.start));
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
        found.extend(
            context::addresses(text)
                .map(|range| detail(Check::EmailAddress, range, medium, reason)),
        );
        found.sort_by_key(|detail| detail.range.start);
        found
    }

    /// Those of the details, in the order of the text, that are the pupil's own.
    fn own(&self, anchor: &Anchor, mut details: Vec<Detail>) -> Vec<Detail> {
        let name = &anchor.range;
        let address = |detail: &&Detail| detail.check == Check::EmailAddress;
        let list = details.iter().filter(address).count() >= LIST
            || (self.scene.table.is_none() && self.is_in_header(name.start));
        let labelled = self.about.iter().any(|about| about.range == *name);
        // Behind the name each one found reaches to the next: "07700 900123 or 07700 900456".
        let mut reached = name.end;
        details.retain(|detail| {
            let range = &detail.range;
            // An address that is the pupil's name is found as that already.
            if range.start < name.end && range.end > name.start {
                return false;
            }
            let found = self.scene.bytes(range.clone());
            let mail = detail.check == Check::EmailAddress;
            if mail && self.is_participants(found) {
                return false;
            }
            let tied = self.scene.table.is_some()
                || !(mail || detail.check == Check::Telephone)
                || (mail && self.fits(name, found))
                || if range.start >= name.end {
                    let gap = self.scene.bytes(reached.min(range.start)..range.start);
                    is_tied_behind(gap, list, labelled)
                } else {
                    let gap = self.scene.bytes(range.end..name.start.max(range.end));
                    !list && is_tied_before(gap)
                };
            // A postcode further down than the name's line is a signature's, which goes on with the firm's numbers.
            let leads = mail
                || detail.check == Check::Telephone
                || !self
                    .scene
                    .bytes(reached.min(range.start)..range.start)
                    .contains(&b'\n');
            if tied && leads {
                reached = reached.max(range.end);
            }
            tied
        });
        details
    }

    /// Whether the part of an address before the at-sign is made of the name: "o.whitcombe", "whitcombe", "oliver", "oliverw".
    fn fits(&self, name: &Range<usize>, address: &[u8]) -> bool {
        let local = letters(address.split(|b| *b == b'@').next().unwrap_or_default());
        let words: Vec<Letters> = self
            .scene
            .bytes(name.clone())
            .split(|b| !b.is_ascii_alphabetic() && *b < 0x80)
            .map(letters)
            .filter(|word| word.len() >= TELLING)
            .collect();
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            return false;
        };
        is_made_of(&local, first, last) || is_made_of(&local, last, first)
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

/// Whether a local part is one name with nothing, the beginning, or the whole of the other: "whitcombe", "owhitcombe", "whitcombeoliver".
fn is_made_of(local: &[u8], name: &[u8], other: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(local, name) else {
        return false;
    };
    let rest = [&local[..at], &local[at + name.len()..]].concat();
    other.starts_with(&rest) || rest.starts_with(other)
}

/// The words of a gap between a name and a detail, in small letters; none if something in it parts the two.
fn words(gap: &[u8]) -> Option<Vec<String>> {
    if gap.len() > TIED || gap.contains(&b'@') {
        return None;
    }
    let words = gap
        .split(|b| !b.is_ascii_alphabetic())
        .filter(|word| word.len() > 1);
    Some(
        words
            .map(|word| String::from_utf8_lossy(word).to_ascii_lowercase())
            .collect(),
    )
}

fn ties(words: &[String]) -> bool {
    words.iter().any(|word| TIES.contains(&word.as_str()))
}

/// Whether what stands between a name and a detail behind it says that the detail is the name's bearer's.
fn is_tied_behind(gap: &[u8], list: bool, labelled: bool) -> bool {
    let Some(words) = words(gap) else {
        return false;
    };
    let opens = |gap: &[u8]| matches!(gap.trim_ascii_start(), [b'<' | b'[' | b'(' | b'"', ..]);
    if list {
        return words.iter().all(|word| word == "mailto") && opens(gap);
    }
    let lines = memchr::memchr_iter(b'\n', gap).count();
    let row = lines == 0 && (gap.contains(&b'\t') || gap.contains(&b'|') || is_row(gap));
    let beside = lines <= 1 && words.iter().all(|word| LINKS.contains(&word.as_str()));
    let most = if labelled { FORM_LINES } else { 1 };
    row || beside || (lines <= most && !gap.contains(&b';') && ties(&words))
}

/// Whether a gap is cells of a row pasted into a letter: ", 7A, Fenwick Hall, ". A sentence has commas too, but no form between them.
fn is_row(gap: &[u8]) -> bool {
    const NUMBERED: usize = 12;
    let mut cells = gap.split(|b| matches!(b, b',' | b';'));
    let numbered = |cell: &[u8]| {
        let cell = cell.trim_ascii();
        cell.len() <= NUMBERED && cell.iter().any(u8::is_ascii_digit)
    };
    gap.iter().filter(|b| matches!(b, b',' | b';')).count() >= 2 && cells.any(numbered)
}

/// The same for a detail before the name: "jo@home.example about Oliver", "07700 900123 (Oliver's mum)".
fn is_tied_before(gap: &[u8]) -> bool {
    let Some(words) = words(gap) else {
        return false;
    };
    let says = words.iter().any(|word| SUBJECTS.contains(&word.as_str())) || ties(&words);
    let lines = memchr::memchr_iter(b'\n', gap).count();
    lines <= 1 && !gap.contains(&b';') && (says || gap.trim_ascii() == b"(" || gap.contains(&b'\t'))
}

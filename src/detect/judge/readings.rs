//! Signs in and right around two words that somebody else is meant, or nobody: another middle initial, a longer name, an office, a verb.
//!
//! # Invariants
//! Only what stands in the words themselves or touches them counts here, so the work for a name is bounded by its length. A doubt makes
//! a finding low, and anything that corroborates the name outweighs it; only what cannot be a name at all is left out.
//!
//! # Known gaps
//! A middle initial speaks against a pupil only where the roster has middle names for every pupil of that name. A second surname
//! behind a name without a hyphen ("Ann Hall Lindh") is not seen.

use crate::detect::index::NAME;
use crate::detect::judge::Judge;
use crate::detect::raw::{RawName, letters};
use crate::detect::token::is_word_byte;
use crate::extract::View;
use crate::roster::ordinary;

/// Surnames that are an office or a title before a forename ("King George").
const OFFICES: &[&str] = &[
    "abbot",
    "archbishop",
    "baron",
    "bishop",
    "brother",
    "cardinal",
    "count",
    "deacon",
    "dean",
    "duke",
    "earl",
    "father",
    "friar",
    "judge",
    "king",
    "lord",
    "major",
    "marshal",
    "marshall",
    "pope",
    "prince",
    "princess",
    "prior",
    "queen",
    "saint",
    "sergeant",
    "sister",
    "squire",
];
/// Surnames that are an everyday verb or noun when they alone are in small letters ("John may know").
const SMALL: &[&str] = &[
    "abbot", "best", "bishop", "call", "dean", "hope", "judge", "king", "long", "love", "may",
    "might", "must", "pope", "read", "say", "will", "wish",
];
/// What makes the name of a person that of a place or a firm.
const PLACES: &[&str] = &[
    "avenue",
    "bridge",
    "building",
    "center",
    "centre",
    "company",
    "convention",
    "corporation",
    "foundation",
    "gallery",
    "inc",
    "institute",
    "lane",
    "limited",
    "llc",
    "llp",
    "ltd",
    "memorial",
    "museum",
    "plc",
    "road",
    "stadium",
    "street",
    "theatre",
];
/// Bytes of a word beside a name that are looked at.
const LONGEST: usize = 40;
/// Bytes before a name in which a tab says that its line is a row.
const ROW: usize = 512;
/// Months that are surnames, too.
const MONTHS: &[&str] = &["april", "august", "june", "march", "may"];
/// What stands before a month.
const BEFORE_MONTHS: &[&str] = &[
    "by", "during", "early", "from", "in", "last", "late", "mid", "next", "since", "this", "till",
    "until",
];

/// What the middle initial beside a name says of the pupils who bear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Initial {
    /// None is written, or the roster does not tell.
    Silent,
    /// It is this pupil's.
    Agrees(u32),
    /// Every pupil of the name has other middle names.
    Contradicts,
}

impl Judge<'_> {
    /// Whether two words are no name where they stand.
    pub(super) fn is_no_name(&self, name: &RawName) -> bool {
        if name.columns.is_some() {
            return false;
        }
        self.joins_cells(name)
            || self.joins_people(name)
            || self.is_month(name)
            || self.is_office(name)
            || self.is_host(name)
    }

    /// "Hall, Oliver" in one cell and "Whitcombe" in the next; "Hall, Oliver Whitcombe; Ash, Ann" in a quoted list.
    fn joins_cells(&self, name: &RawName) -> bool {
        let text = self.scene.bytes(name.range.clone());
        let start = name.range.start;
        if text.contains(&b',') || !self.ends_an_entry(start) {
            return false;
        }
        let near = self.scene.bytes(start.saturating_sub(ROW)..start);
        let line = near.rsplit(|b| *b == b'\n').next();
        let row = text.contains(&b'\t') && line.is_some_and(|line| line.contains(&b'\t'));
        let after = self.scene.text().as_bytes().get(name.range.end);
        row || (after == Some(&b';') && self.is_in_header(start))
    }

    /// "Ann Whitcombe, Oliver Ash": the end of one name in a list and the beginning of the next.
    fn joins_people(&self, name: &RawName) -> bool {
        let text = self.scene.text().as_bytes();
        let inside = &text[name.range.clone()];
        if name.forename_first || !inside.contains(&b',') {
            return false;
        }
        let before = text[..name.range.start]
            .strip_suffix(b" ")
            .map(|text| &text[text.len() - word_before(text)..]);
        let after = text[name.range.end..]
            .strip_prefix(b" ")
            .map(|text| &text[..word_after(text)]);
        let (Some(before), Some(after)) = (before, after) else {
            return false;
        };
        let shouted = !inside.iter().any(u8::is_ascii_lowercase);
        let surname = after.first().is_some_and(u8::is_ascii_uppercase)
            && (is_title_case(after) || (shouted && after.len() > 2))
            && !ordinary::is_word(&String::from_utf8_lossy(after))
            && !self.is_middle(name, after);
        surname && before.first().is_some_and(u8::is_ascii_uppercase) && self.is_name(before)
    }

    fn is_middle(&self, name: &RawName, word: &[u8]) -> bool {
        let indexes = &self.engine.indexes;
        let hash = indexes.keys.word(&letters(word));
        let mut people = indexes.names.people(name.place).iter();
        people.any(|person| indexes.names.is_middle(*person, hash))
    }

    /// "ann@oliverwhitcombe.example": the name of a host.
    fn is_host(&self, name: &RawName) -> bool {
        let text = self.scene.text().as_bytes();
        let after = text.get(name.range.end..).unwrap_or_default();
        let at = |place: usize| text.get(place).copied();
        let mail = name.range.start > 1
            && at(name.range.start - 1) == Some(b'@')
            && at(name.range.start - 2).is_some_and(|b| b.is_ascii_alphanumeric());
        mail && matches!(after, [b'.', letter, ..] if letter.is_ascii_alphabetic())
    }

    /// "In May, John left".
    fn is_month(&self, name: &RawName) -> bool {
        let text = self.scene.bytes(name.range.clone());
        let first = first_word(text);
        if name.forename_first || !text.contains(&b',') || !MONTHS.contains(&first.as_str()) {
            return false;
        }
        let start = name.range.start;
        let before = self.scene.bytes(start.saturating_sub(12)..start);
        BEFORE_MONTHS.contains(&last_word(before.trim_ascii_end()).as_str())
    }

    /// Why a pair of words may well be somebody else, if anything around them says so.
    pub(super) fn doubt(&self, name: &RawName) -> Option<&'static str> {
        if name.columns.is_some() || self.scene.table.is_some() {
            return None;
        }
        if self.initial(name) == Initial::Contradicts {
            return Some("the middle initial is not the pupil's");
        }
        if self.is_part_of_a_longer(name) {
            return Some("part of a longer name");
        }
        if self.is_place(name) {
            return Some("the name of a place or a firm");
        }
        if self.is_verb(name) {
            return Some("a word in small letters behind a forename");
        }
        if self.is_outsider(name) {
            return Some("a correspondent from outside");
        }
        None
    }

    /// "John may know": the surname alone is written small and is a word of every day.
    fn is_verb(&self, name: &RawName) -> bool {
        let text = self.scene.bytes(name.range.clone());
        let begins = text.first().is_some_and(u8::is_ascii_uppercase);
        let last = text.rsplit(|b| !b.is_ascii_alphabetic()).next();
        let small = last.is_some_and(|word| {
            !word.is_empty()
                && word.iter().all(u8::is_ascii_lowercase)
                && SMALL.iter().any(|verb| verb.as_bytes() == word)
        });
        name.forename_first && begins && small
    }

    /// "Oliver Whitcombe Street", "Oliver Whitcombe Ltd".
    fn is_place(&self, name: &RawName) -> bool {
        let after = &self.scene.text().as_bytes()[name.range.end..];
        let Some(after) = after.strip_prefix(b" ") else {
            return false;
        };
        let word = &after[..word_after(after)];
        let capital = word.first().is_some_and(u8::is_ascii_uppercase);
        let lower = String::from_utf8_lossy(word).to_ascii_lowercase();
        name.forename_first && capital && PLACES.contains(&lower.as_str())
    }

    /// "King George", but for a list that names the surname first.
    fn is_office(&self, name: &RawName) -> bool {
        let text = self.scene.bytes(name.range.clone());
        if name.forename_first
            || self.scene.unit.view != View::Visible
            || text.contains(&b',')
            || !OFFICES.contains(&first_word(text).as_str())
        {
            return false;
        }
        let all = self.scene.text().as_bytes();
        let before = all[..name.range.start].iter().rev().find(|b| **b != b' ');
        let after = all[name.range.end..]
            .iter()
            .find(|b| **b != b' ' && **b != b'\r');
        let edge =
            |byte: Option<&u8>| byte.is_none_or(|b| matches!(b, b'\n' | b'\t' | b'|' | b';'));
        !(edge(before) && edge(after))
    }

    /// "Hall-Whitcombe, Oliver", "Oliver Whitcombe-Hall": a hyphen joins another word of a name.
    fn is_part_of_a_longer(&self, name: &RawName) -> bool {
        if self.scene.unit.view != View::Visible {
            return false;
        }
        let text = self.scene.text().as_bytes();
        let (start, end) = (name.range.start, name.range.end);
        let before = text[..start]
            .strip_suffix(b"-")
            .map(|text| &text[text.len() - word_before(text)..]);
        let after = text[end..]
            .strip_prefix(b"-")
            .map(|text| &text[..word_after(text)]);
        let commas = text[start..end].contains(&b',');
        before.is_some_and(|word| is_title_case(word) && (commas || self.is_name(word)))
            || after.is_some_and(|word| is_title_case(word) && self.is_name(word))
    }

    fn is_name(&self, word: &[u8]) -> bool {
        let indexes = &self.engine.indexes;
        let hash = indexes.keys.word(&letters(word));
        indexes.words.get(indexes.keys.spread(hash)) & NAME != 0
    }

    /// What the middle initial between or behind the words says: "Oliver J. Whitcombe", "Whitcombe, Oliver J."
    pub(super) fn initial(&self, name: &RawName) -> Initial {
        let indexes = &self.engine.indexes;
        let written = self.written_initial(name).map(|letter| vec![letter]);
        let Some(written) = written.or_else(|| self.written_middle(name)) else {
            return Initial::Silent;
        };
        let hash = indexes.keys.word(&letters(&written));
        let pupils = indexes
            .names
            .people(name.place)
            .iter()
            .copied()
            .filter(|number| (*number as usize) < self.engine.known.len());
        let mut known = 0;
        let mut count = 0;
        for pupil in pupils {
            if indexes.names.is_middle(pupil, hash) {
                return Initial::Agrees(pupil);
            }
            count += 1;
            known += usize::from(indexes.names.has_middle(pupil));
        }
        if count > 0 && known == count {
            Initial::Contradicts
        } else {
            Initial::Silent
        }
    }

    /// "Whitcombe, Oliver James;" in a quoted list of recipients.
    fn written_middle(&self, name: &RawName) -> Option<Vec<u8>> {
        const LONGEST: usize = 24;
        let text = self.scene.text().as_bytes();
        let [b' ', rest @ ..] = &text[name.range.end..] else {
            return None;
        };
        let len = rest
            .iter()
            .take(LONGEST)
            .take_while(|b| is_word_byte(**b))
            .count();
        let ends = matches!(rest.get(len), Some(b';' | b'\n' | b'\r'));
        let middle = !name.forename_first
            && text[name.range.clone()].contains(&b',')
            && ends
            && is_title_case(&rest[..len])
            && self.is_in_header(name.range.start);
        middle.then(|| rest[..len].to_vec())
    }

    fn written_initial(&self, name: &RawName) -> Option<u8> {
        let text = self.scene.text().as_bytes();
        let inside = &text[name.range.clone()];
        if name.spaced {
            return None;
        }
        if name.person.is_some() {
            let mut words = inside.split(|b| !is_word_byte(*b) && *b != b'\'').skip(1);
            return words.find_map(|word| match word {
                [letter] if letter.is_ascii_uppercase() => Some(*letter),
                _ => None,
            });
        }
        if name.forename_first || !inside.contains(&b',') {
            return None;
        }
        let [b' ', letter, rest @ ..] = &text[name.range.end..] else {
            return None;
        };
        let ends = match rest.first() {
            None | Some(b'.' | b';' | b',' | b'\n' | b'\r' | b'<' | b'(' | b')' | b'@' | b'/') => {
                true
            }
            Some(b' ' | b'\t') => !matches!(letter, b'A' | b'I'),
            _ => false,
        };
        (letter.is_ascii_uppercase() && ends).then_some(*letter)
    }
}

fn is_title_case(word: &[u8]) -> bool {
    word.len() > 1 && word[0].is_ascii_uppercase() && word[1..].iter().any(u8::is_ascii_lowercase)
}

/// The length of the word that a text ends with.
fn word_before(text: &[u8]) -> usize {
    let word = text.iter().rev().take(LONGEST);
    word.take_while(|b| is_word_byte(**b)).count()
}

/// The length of the word that a text begins with.
fn word_after(text: &[u8]) -> usize {
    let word = text.iter().take(LONGEST);
    word.take_while(|b| is_word_byte(**b)).count()
}

fn first_word(text: &[u8]) -> String {
    let word = text.split(|b| !is_word_byte(*b)).next().unwrap_or_default();
    String::from_utf8_lossy(word).to_ascii_lowercase()
}

fn last_word(text: &[u8]) -> String {
    let word = text
        .rsplit(|b| !is_word_byte(*b))
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(word).to_ascii_lowercase()
}

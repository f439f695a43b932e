//! The one pass over a unit's plain text: words against the index, digits to the number scanner. Out come raw hits.
//!
//! # Invariants
//! The work for one word is bounded: a ring of [`RING`] tokens, [`RECENT`] name words.

mod pairing;
mod shape;

use std::ops::Range;

use crate::detect::index::{NAME, NAME_START, Names, TERM_END, TERM_SHIFT, Words};
use crate::detect::numbers;
use crate::detect::raw::{NameWord, Raw, RawTerm};
use crate::detect::spelling::Neighbours;
use crate::detect::token::{DIGITS, GLUED, Keys, MAX_WORD, Token, Tokens};
use crate::detect::vocabulary::{ANY_NUMBER, Sequence, Term, TermKind, Vocabulary};
use crate::extract::View;

const RING: usize = 16;
const RECENT: usize = 8;
/// Words between forename and surname: two middle names or initials, or the labels of a form.
const MAX_GAP: u32 = 3;
/// Bytes between forename and surname.
const MAX_GAP_BYTES: usize = 96;

/// The indexes that the pass looks into.
#[derive(Debug)]
pub struct Indexes {
    /// Keys of the hashes.
    pub keys: Keys,
    /// Single words.
    pub words: Words,
    /// Names.
    pub names: Names,
    /// Terms.
    pub vocabulary: Vocabulary,
    /// Words a slip away from names, where the option for them is on.
    pub neighbours: Option<Neighbours>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Word {
    first: u32,
    last: u32,
    start: u32,
    end: u32,
    hash: u64,
    capital: bool,
    spaced: bool,
    /// Which ones among its digits stand for an l, the first in the lowest bit; the others stand for an i.
    ells: u8,
}

impl Word {
    /// A token as it stands.
    fn of(number: u32, token: &Token) -> Self {
        Self {
            first: number,
            last: number,
            start: token.start,
            end: token.end,
            hash: token.hash,
            capital: token.is_capitalised(),
            spaced: false,
            ells: 0,
        }
    }

    /// Where it stands.
    fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Tokens drawn together to one word.
#[derive(Debug, Clone, Copy, Default)]
struct Together {
    first: u32,
    count: u32,
    start: u32,
    end: u32,
    hash: u64,
    len: usize,
    capital: bool,
}

impl Together {
    fn begin(number: u32, token: &Token) -> Self {
        Self {
            first: number,
            count: 1,
            start: token.start,
            end: token.end,
            hash: token.hash,
            len: usize::from(token.len),
            capital: token.is_capitalised(),
        }
    }

    fn extend(&mut self, keys: &Keys, token: &Token) {
        self.count += 1;
        self.end = token.end;
        self.hash = keys.concat(self.hash, token.hash, usize::from(token.len));
        self.len += usize::from(token.len);
    }
}

/// The pass over one unit.
pub struct Stream<'i, 't> {
    indexes: &'i Indexes,
    text: &'t [u8],
    view: View,
    raw: &'t mut Raw,
    cap: usize,
    ring: [Token; RING],
    /// What is known of the tokens in the ring.
    known: [u32; RING],
    number: u32,
    /// Number of the last token that begins a name of several words.
    name_start: u32,
    recent: [Word; RECENT],
    recent_count: usize,
    /// Number of the last word that is a forename or a surname.
    last_name: u32,
    glued: Together,
    spaced: Together,
    /// Where the last word with digits ended.
    leet_until: usize,
}

impl<'i, 't> Stream<'i, 't> {
    /// Prepares a pass; at most `cap` hits of each kind are kept.
    pub fn new(
        indexes: &'i Indexes,
        text: &'t [u8],
        view: View,
        cap: usize,
        raw: &'t mut Raw,
    ) -> Self {
        Self {
            indexes,
            text,
            view,
            raw,
            cap,
            ring: [Token::default(); RING],
            known: [0; RING],
            number: 0,
            name_start: u32::MAX,
            recent: [Word::default(); RECENT],
            recent_count: 0,
            last_name: u32::MAX,
            glued: Together::default(),
            spaced: Together::default(),
            leet_until: 0,
        }
    }

    /// Goes over the whole text; `go_on` is asked now and then. `false` when it was told to stop.
    pub fn run(mut self, go_on: &dyn Fn() -> bool) -> bool {
        let indexes = self.indexes;
        let mut digits_until = 0;
        for token in Tokens::new(&indexes.keys, self.text) {
            if token.flags & DIGITS != 0 {
                let start = token.start as usize;
                if start >= digits_until {
                    digits_until = numbers::scan(self.text, start, &mut self.raw.numbers);
                    if self.raw.numbers.len() > self.cap {
                        self.raw.numbers.truncate(self.cap);
                        self.raw.cut = true;
                    }
                }
                self.digits_for_letters(&token);
            }
            if token.len <= 2
                || token.flags & GLUED != 0
                || self.spaced.count + self.glued.count > 0
            {
                self.draw_together(&token);
            }
            self.ring[self.number as usize % RING] = token;
            let known = indexes.words.get(indexes.keys.spread(token.hash));
            self.known[self.number as usize % RING] = known;
            if known != 0 {
                self.known(&token, known);
            }
            if known & NAME == 0 && self.number.wrapping_sub(self.last_name) <= MAX_GAP + 1 {
                self.possessive(&token);
            }
            if let Some(neighbours) = &indexes.neighbours {
                self.misspelt(neighbours, &token, known);
            }
            if self.number.wrapping_sub(self.name_start) <= 3 {
                self.several_words(&token);
            }
            if known & TERM_END != 0 {
                self.terms(&token, known);
            }
            if self.is_address_or_file(&token) {
                self.split(token.start, token.end, false);
            }
            self.number += 1;
            if self.number.is_multiple_of(8192) && !go_on() {
                return false;
            }
        }
        self.end_glued();
        self.end_spaced();
        true
    }

    fn known(&mut self, token: &Token, known: u32) {
        if known & NAME != 0 {
            self.word(Word::of(self.number, token));
            if token.is_capitalised() && self.raw.words.len() < self.cap {
                self.raw.words.push(NameWord {
                    start: token.start,
                    end: token.end,
                    hash: token.hash,
                });
            }
        }
        if known & NAME_START != 0 {
            self.name_start = self.number;
        }
    }

    /// Words that only glue or letter-spacing parts.
    fn draw_together(&mut self, token: &Token) {
        if token.flags & GLUED != 0 && self.number > 0 {
            if self.glued.count == 0 {
                let before = self.ring[(self.number - 1) as usize % RING];
                self.glued = Together::begin(self.number - 1, &before);
            }
            self.glued.extend(&self.indexes.keys, token);
        } else {
            self.end_glued();
        }
        let single = self.is_one_letter(token);
        let gap = self
            .text
            .get(self.spaced.end as usize..token.start as usize)
            .unwrap_or_default();
        // A cell or a line ends the word; "S. u. m." has a full stop and a space between its letters.
        let one_apart = match gap {
            [one] => !matches!(one, b'\n' | b'\t' | b'|' | b';'),
            gap => gap == b". ",
        };
        if single && self.spaced.count > 0 && one_apart {
            self.spaced.extend(&self.indexes.keys, token);
        } else {
            self.end_spaced();
            if single {
                self.spaced = Together::begin(self.number, token);
            }
        }
    }

    /// A letter that stands alone, or what is left of "ß", "Æ" and "Œ".
    fn is_one_letter(&self, token: &Token) -> bool {
        const FOLDED: [&[u8]; 3] = [b"ss", b"ae", b"oe"];
        let spelled = || &self.text[token.start as usize..token.end as usize];
        match token.len {
            1 => token.flags & DIGITS == 0,
            2 => FOLDED
                .iter()
                .any(|folded| spelled().eq_ignore_ascii_case(folded)),
            _ => false,
        }
    }

    fn end_glued(&mut self) {
        let run = std::mem::take(&mut self.glued);
        if run.count > 1 {
            self.drawn(run, false);
            // "LottevanderBerg": the particle in small letters sticks to the forename.
            self.split(run.start, run.end, false);
        }
    }

    fn end_spaced(&mut self) {
        let run = std::mem::take(&mut self.spaced);
        if run.count > 2 {
            self.drawn(run, true);
            self.split(run.start, run.end, true);
        }
    }

    fn drawn(&mut self, run: Together, spaced: bool) {
        if run.len > MAX_WORD {
            return;
        }
        if spaced {
            let range = run.start as usize..run.end as usize;
            self.lone_term(range, run.hash, &[TermKind::Grave]);
        }
        let word = Word {
            first: run.first,
            last: run.first + run.count - 1,
            start: run.start,
            end: run.end,
            hash: run.hash,
            capital: run.capital,
            spaced,
            ells: 0,
        };
        self.if_name(word);
    }

    /// A word that stands in a text otherwise than in its letters, when it counts whoever is meant.
    fn lone_term(&mut self, range: Range<usize>, hash: u64, kinds: &[TermKind]) {
        let indexes = self.indexes;
        let known = indexes.words.get(indexes.keys.spread(hash));
        if known & TERM_END == 0 {
            return;
        }
        let lists = &indexes.vocabulary.lists;
        let list = lists.get((known >> TERM_SHIFT) as usize);
        let counts =
            |sequence: &&Sequence| sequence.rest.is_empty() && kinds.contains(&sequence.term.kind);
        if let Some(sequence) = list.and_then(|list| list.iter().find(counts)) {
            self.term(range, sequence.term);
        }
    }

    fn if_name(&mut self, word: Word) {
        let indexes = self.indexes;
        if indexes.words.get(indexes.keys.spread(word.hash)) & NAME != 0 {
            self.word(word);
        }
    }

    /// Names of several words that end with this token.
    fn several_words(&mut self, token: &Token) {
        let keys = &self.indexes.keys;
        let (mut hash, mut len) = (token.hash, usize::from(token.len));
        for back in 1..=3.min(self.number) {
            let first = self.number - back;
            let part = self.ring[first as usize % RING];
            len += usize::from(part.len);
            if len > MAX_WORD || part.flags & DIGITS != 0 {
                break;
            }
            hash = keys.concat(part.hash, hash, len - usize::from(part.len));
            if !self.parts_of_one_name(part.start as usize..token.start as usize) {
                break;
            }
            let word = Word {
                first,
                last: self.number,
                start: part.start,
                end: token.end,
                hash,
                capital: part.is_capitalised() || token.is_capitalised(),
                spaced: false,
                ells: 0,
            };
            self.if_name(word);
        }
    }

    fn parts_of_one_name(&self, range: Range<usize>) -> bool {
        let bytes = &self.text[range];
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        bytes.len() <= MAX_GAP_BYTES
            && lines <= usize::from(self.view != View::Table)
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphabetic() || *b >= 0x80 || b" -'`._\n>+".contains(b))
    }

    /// Terms that end with this word.
    fn terms(&mut self, token: &Token, known: u32) {
        let indexes = self.indexes;
        let Some(list) = indexes.vocabulary.lists.get((known >> TERM_SHIFT) as usize) else {
            return;
        };
        for sequence in list {
            if let Some(start) = self.start_of(&sequence.rest, token) {
                self.term(start as usize..token.end as usize, sequence.term);
            }
        }
    }

    /// Where a term starts whose earlier words stand before this token.
    fn start_of(&self, earlier: &[u64], token: &Token) -> Option<u32> {
        let mut start = token.start;
        for (back, hash) in (1..RING as u32).zip(earlier) {
            let part = &self.ring[self.number.checked_sub(back)? as usize % RING];
            let same = part.hash == *hash || *hash == ANY_NUMBER && part.flags & DIGITS != 0;
            if !same || start - part.end > 4 {
                return None;
            }
            start = part.start;
        }
        Some(start)
    }

    fn term(&mut self, range: Range<usize>, term: Term) {
        if term.capitals && self.text[range.clone()].iter().any(u8::is_ascii_lowercase) {
            return;
        }
        let first = self.text.get(range.start);
        if term.small && first.is_some_and(u8::is_ascii_uppercase) {
            return;
        }
        // "I'll" is no "ill", but "he'll kill you" may be a phrase.
        let phrase = matches!(term.kind, TermKind::Grave | TermKind::Mild)
            && memchr::memchr(b' ', &self.text[range.clone()]).is_some();
        if !phrase && is_contraction(&self.text[range.clone()]) {
            return;
        }
        // "form 8" is no part of "form 8T".
        let last = self.text.get(range.end.wrapping_sub(1));
        let next = self.text.get(range.end);
        if last.is_some_and(u8::is_ascii_digit) && next.is_some_and(u8::is_ascii_alphanumeric) {
            return;
        }
        if self.raw.terms.len() < self.cap.saturating_mul(4) {
            self.raw.terms.push(RawTerm { range, term });
        } else {
            self.raw.cut = true;
        }
    }
}

/// Whether a word is two drawn together ("I'll", "can't"), whose letters without the apostrophe spell another ("ill", "cant").
fn is_contraction(word: &[u8]) -> bool {
    const ENDS: [&[u8]; 6] = [b"ll", b"d", b"ve", b"re", b"m", b"t"];
    let apostrophe = word.iter().position(|b| matches!(b, b'\'' | b'`'));
    apostrophe.is_some_and(|at| {
        let end = &word[at + 1..];
        let end = &end[..end.iter().take_while(|b| b.is_ascii_alphabetic()).count()];
        ENDS.iter().any(|known| end.eq_ignore_ascii_case(known))
    })
}

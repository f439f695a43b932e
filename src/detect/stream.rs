//! The one pass over a unit's plain text: words against the index, digits to the number scanner. Out come raw hits.
//!
//! # Invariants
//! The work for one word is bounded: a ring of [`RING`] tokens, [`RECENT`] name words.

use std::ops::Range;

use crate::detect::index::{
    LABEL, MIDDLE, NAME, NAME_START, Names, PUPIL, TERM_END, TERM_SHIFT, Words,
};
use crate::detect::numbers;
use crate::detect::raw::{NameWord, Raw, RawName, RawTerm, letters};
use crate::detect::token::{DIGITS, GLUED, Keys, MAX_WORD, Token, Tokens, is_word_byte};
use crate::detect::vocabulary::{Term, Vocabulary};
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
}

/// What stands between forename and surname.
struct Between {
    /// Whose middle names they are.
    person: Option<u32>,
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
            if token.len == 1
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
            let word = Word {
                first: self.number,
                last: self.number,
                start: token.start,
                end: token.end,
                hash: token.hash,
                capital: token.is_capitalised(),
                spaced: false,
            };
            self.word(word);
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
        let single = token.len == 1 && token.flags & DIGITS == 0;
        let one_apart =
            token.start == self.spaced.end + 1 && self.text[self.spaced.end as usize] != b'\n';
        if single && self.spaced.count > 0 && one_apart {
            self.spaced.extend(&self.indexes.keys, token);
        } else {
            self.end_spaced();
            if single {
                self.spaced = Together::begin(self.number, token);
            }
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
        let word = Word {
            first: run.first,
            last: run.first + run.count - 1,
            start: run.start,
            end: run.end,
            hash: run.hash,
            capital: run.capital,
            spaced,
        };
        self.if_name(word);
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

    /// A word of a name: does it make a whole name with one before it?
    fn word(&mut self, word: Word) {
        for index in 0..self.recent_count.min(RECENT) {
            let before = self.recent[index];
            if before.last < word.first
                && word.first - before.last - 1 <= MAX_GAP
                && self.may_stand_between(before.last + 1..word.first)
            {
                self.pair(before, word);
            }
        }
        self.recent[self.recent_count % RECENT] = word;
        self.recent_count += 1;
        if self.recent_count >= 2 * RECENT {
            self.recent_count -= RECENT;
        }
    }

    /// Cheap to ask before the names are: labels, middle names and initials may part a name, other words do not.
    fn may_stand_between(&self, mut tokens: Range<u32>) -> bool {
        tokens.all(|number| {
            let slot = number as usize % RING;
            self.known[slot] & (LABEL | MIDDLE) != 0 || self.ring[slot].len == 1
        })
    }

    fn pair(&mut self, a: Word, b: Word) {
        let indexes = self.indexes;
        for place in indexes.names.with_key(indexes.keys.pair(a.hash, b.hash)) {
            let pair = indexes.names.pair(place);
            if !pair.is(PUPIL) {
                continue;
            }
            let forename_first = pair.starts_with(a.hash);
            let (forename, surname) = if forename_first { (a, b) } else { (b, a) };
            if !self.agree(place, &forename, &surname) {
                continue;
            }
            let Some(between) = self.gap(place, &a, &b, forename_first) else {
                continue;
            };
            self.push_name(RawName {
                range: a.start as usize..b.end as usize,
                place,
                forename: forename.hash,
                capitals: a.capital && b.capital,
                spaced: a.spaced || b.spaced,
                forename_first,
                person: between.person,
                columns: None,
            });
        }
    }

    /// Whether the letters themselves, not only their hashes, are the name's.
    fn agree(&self, place: usize, forename: &Word, surname: &Word) -> bool {
        let spelled = |word: &Word, one: u8| {
            let text = &self.text[word.start as usize..word.end as usize];
            if word.spaced && text.iter().any(u8::is_ascii_digit) {
                return text.iter().map(|b| letter_for(*b, one)).collect();
            }
            letters(text)
        };
        [(b'i', b'i'), (b'i', b'l'), (b'l', b'i'), (b'l', b'l')]
            .iter()
            .take(if forename.spaced || surname.spaced {
                4
            } else {
                1
            })
            .any(|(first, last)| {
                let verify = self
                    .indexes
                    .keys
                    .verify(&spelled(forename, *first), &spelled(surname, *last));
                self.indexes.names.agrees(place, verify)
            })
    }

    fn push_name(&mut self, name: RawName) {
        if self.raw.names.len() < self.cap {
            self.raw.names.push(name);
        } else {
            self.raw.cut = true;
        }
    }

    /// Whether what stands between two words lets them be one name; inside, whose middle names it holds.
    fn gap(&self, place: usize, a: &Word, b: &Word, forename_first: bool) -> Option<Between> {
        let tokens = (a.last + 1)..b.first;
        let mut labelled = false;
        let mut person = None;
        if !tokens.is_empty() {
            let between: Vec<Token> = tokens
                .map(|number| self.ring[number as usize % RING])
                .collect();
            let known =
                |token: &Token| self.indexes.words.get(self.indexes.keys.spread(token.hash));
            labelled = between.iter().all(|token| known(token) & LABEL != 0);
            if !labelled {
                let people = self.indexes.names.people(place);
                let middles = |person: &&u32| {
                    let fits = |token: &Token| {
                        token.flags & DIGITS == 0
                            && (token.len == 1
                                || self.indexes.names.is_middle(**person, token.hash))
                    };
                    between.len() <= 2 && between.iter().all(fits)
                };
                person = Some(*people.iter().find(middles)?);
            }
        }
        let between = a.end as usize..b.start as usize;
        (between.len() <= MAX_GAP_BYTES && self.separators(between, forename_first, labelled))
            .then_some(Between { person })
    }

    fn separators(&self, range: Range<usize>, forename_first: bool, labelled: bool) -> bool {
        let text = self.text;
        let at = |at: usize| text.get(at).copied().unwrap_or(b' ');
        let (mut lines, mut cells, mut commas) = (0, 0, 0);
        for index in range {
            let (before, next) = (at(index.wrapping_sub(1)), at(index + 1));
            match text[index] {
                b'\n' => lines += 1,
                b'\t' => cells += 1,
                b',' if forename_first && next == b' ' => return false,
                b',' => commas += 1,
                b'.' if next.is_ascii_whitespace()
                    && at(index.wrapping_sub(2)).is_ascii_alphabetic()
                    && before.is_ascii_alphabetic() =>
                {
                    return false;
                }
                b'-' if before == b' ' && next == b' ' && self.view != View::FileName => {
                    return false;
                }
                b':' | b'=' if !labelled => return false,
                // A quote's mark stands at the line's beginning.
                b'>' if lines == 0 => return false,
                b' ' | b'.' | b'-' | b'_' | b'\'' | b'"' | b'`' | b'*' | b'>' | b'+' | b'\r'
                | b':' | b'=' => {}
                byte if byte.is_ascii_alphanumeric() || byte >= 0x80 => {}
                _ => return false,
            }
        }
        let lines_allowed = match self.view {
            View::Table => 0,
            _ if labelled => 2,
            _ => usize::from(forename_first || commas > 0),
        };
        lines <= lines_allowed && commas <= 1 && (cells <= 1 || labelled)
    }

    /// "0liver", "Wh1tcombe": digits that stand for letters inside a word that is somebody's name.
    fn digits_for_letters(&mut self, token: &Token) {
        const LONGEST: usize = 24;
        let text = self.text;
        let part = |at: usize| text.get(at).is_some_and(|b| is_word_byte(*b) && *b < 0x80);
        let (mut start, mut end) = (token.start as usize, token.end as usize);
        if token.len > 2 || start < self.leet_until {
            return;
        }
        while start > 0 && part(start - 1) && token.end as usize - start < LONGEST {
            start -= 1;
        }
        while part(end) && end - start < LONGEST {
            end += 1;
        }
        self.leet_until = end;
        let chunk = &text[start..end];
        let digits = chunk.iter().filter(|b| b.is_ascii_digit()).count();
        if !(4..LONGEST).contains(&chunk.len()) || digits * 2 > chunk.len() {
            return;
        }
        let before = runs(&text[start..token.start as usize]);
        let after = runs(&text[token.end as usize..end]);
        for one in [b'i', b'l'] {
            let word: Vec<u8> = chunk.iter().map(|b| letter_for(*b, one)).collect();
            self.if_name(Word {
                first: self.number.saturating_sub(before),
                last: self.number + after,
                start: start as u32,
                end: end as u32,
                hash: self.indexes.keys.word(&word),
                capital: true,
                spaced: true,
            });
        }
    }

    fn is_address_or_file(&self, token: &Token) -> bool {
        if token.len < 5 || token.flags & DIGITS != 0 {
            return false;
        }
        let (start, end) = (token.start as usize, token.end as usize);
        self.text.get(end) == Some(&b'@')
            || (start > 0 && matches!(self.text[start - 1], b'@' | b'#'))
            || self.view == View::FileName
            || self.text[end..]
                .iter()
                .take(5)
                .take_while(|b| b.is_ascii_digit())
                .count()
                > 0
                && self.text[end..]
                    .iter()
                    .take(6)
                    .find(|b| !b.is_ascii_digit())
                    == Some(&b'@')
    }

    /// A whole name written as one word: every place where it could be cut.
    fn split(&mut self, start: u32, end: u32, spaced: bool) {
        let indexes = self.indexes;
        let keys = &indexes.keys;
        let letters = letters(&self.text[start as usize..end as usize]);
        if !(5..=MAX_WORD).contains(&letters.len()) {
            return;
        }
        for cut in 2..letters.len() - 1 {
            let (a, b) = letters.split_at(cut);
            let hashes = (keys.word(a), keys.word(b));
            let is_name = |hash| indexes.words.get(keys.spread(hash)) & NAME != 0;
            if !is_name(hashes.0) || !is_name(hashes.1) {
                continue;
            }
            for place in indexes.names.with_key(keys.pair(hashes.0, hashes.1)) {
                let pair = indexes.names.pair(place);
                let forename_first = pair.starts_with(hashes.0);
                let (forename, surname) = if forename_first { (a, b) } else { (b, a) };
                if pair.is(PUPIL) && indexes.names.agrees(place, keys.verify(forename, surname)) {
                    let name = RawName {
                        range: start as usize..end as usize,
                        place,
                        forename: if forename_first { hashes.0 } else { hashes.1 },
                        capitals: true,
                        spaced,
                        forename_first,
                        person: None,
                        columns: None,
                    };
                    self.push_name(name);
                }
            }
        }
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
            if part.hash != *hash || start - part.end > 4 {
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
        if self.raw.terms.len() < self.cap.saturating_mul(4) {
            self.raw.terms.push(RawTerm { range, term });
        } else {
            self.raw.cut = true;
        }
    }
}

/// The letter that a digit stands for; a letter in lower case.
fn letter_for(byte: u8, one: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' => one,
        b'3' => b'e',
        b'4' => b'a',
        b'5' => b's',
        b'7' => b't',
        b'8' => b'b',
        byte => byte.to_ascii_lowercase(),
    }
}

/// How many tokens letters and digits make that touch each other.
fn runs(text: &[u8]) -> u32 {
    text.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .count() as u32
}

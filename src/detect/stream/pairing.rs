//! Names out of words: which two words, with what between them, are one person's name.
//!
//! # Invariants
//! A blank line, a row's end or a sentence's end parts names; so does any word but a middle name, an initial, a label, or a short
//! group in brackets or quotes behind the forename ("Oliver (Ollie) Whitcombe").
//!
//! # Known gaps
//! A possessive without its apostrophe is read after surnames of one word only: not "Callum McAllisters inhaler".

use std::ops::Range;

use crate::detect::index::{LABEL, MIDDLE, NAME, PUPIL};
use crate::detect::raw::{Letters, RawName, letters};
use crate::detect::spelling::{Neighbours, SHORTEST};
use crate::detect::stream::shape::{self, Beside, Shape};
use crate::detect::stream::{MAX_GAP, MAX_GAP_BYTES, RECENT, RING, Stream, Word};
use crate::detect::token::{DIGITS, MAX_WORD, Token, is_word_byte};
use crate::detect::vocabulary::TermKind;
use crate::extract::View;

/// Words are noted in the order in which they end, but for those with digits in them, which are noted from their first digit on:
/// a word that ends so many tokens before another cannot be followed by a nearer one.
const BACKWARDS: u32 = 24 + MAX_GAP;

/// What stands between forename and surname.
struct Between {
    /// Whose middle names they are.
    person: Option<u32>,
    /// The second part stands in brackets.
    bracketed: bool,
}

impl Stream<'_, '_> {
    /// A word of a name: does it make a whole name with one before it?
    pub(super) fn word(&mut self, word: Word) {
        for back in 1..=self.recent_count.min(RECENT) {
            let before = self.recent[(self.recent_count - back) % RECENT];
            if before.last + BACKWARDS < word.first {
                break;
            }
            if before.last < word.first
                && word.first - before.last - 1 <= MAX_GAP
                && self.may_part(before.end, before.last + 1..word.first)
            {
                self.pair(before, word);
            }
        }
        self.sibling(word);
        self.last_name = word.last;
        self.recent[self.recent_count % RECENT] = word;
        self.recent_count += 1;
        if self.recent_count >= 2 * RECENT {
            self.recent_count -= RECENT;
        }
    }

    /// "Oliver and Grace Whitcombe": the surname is the first one's too.
    fn sibling(&mut self, surname: Word) {
        let Some(number) = surname.first.checked_sub(1) else {
            return;
        };
        let second = self.ring[number as usize % RING];
        let gap = self.text.get(second.end as usize..surname.start as usize);
        if !surname.capital || !second.is_capitalised() || gap != Some(b" ") {
            return;
        }
        for back in 1..=self.recent_count.min(RECENT) {
            let first = self.recent[(self.recent_count - back) % RECENT];
            let apart = surname.first.wrapping_sub(first.last);
            let between = first.end as usize..second.start as usize;
            let joined = matches!(
                (apart, self.text.get(between)),
                (3, Some(b" and ")) | (2, Some(b" & "))
            );
            if joined && first.capital {
                self.pair_apart(first, surname);
            }
        }
    }

    /// Forename first, whatever stands between.
    fn pair_apart(&mut self, forename: Word, surname: Word) {
        let indexes = self.indexes;
        for place in indexes
            .names
            .with_key(indexes.keys.pair(forename.hash, surname.hash))
        {
            let pair = indexes.names.pair(place);
            if pair.is(PUPIL)
                && pair.starts_with(forename.hash)
                && self.agree(place, &forename, &surname)
            {
                self.push_name(RawName {
                    range: forename.start as usize..surname.end as usize,
                    place,
                    forename: forename.hash,
                    capitals: true,
                    spaced: forename.spaced || surname.spaced,
                    misspelt: false,
                    forename_first: true,
                    person: None,
                    columns: None,
                    forename_at: forename.range(),
                    surname_at: surname.range(),
                });
            }
        }
    }

    /// Cheap to ask before the names are: labels, middle names and initials may part a name, and behind them a group in brackets or
    /// quotes; other words do not.
    fn may_part(&self, from: u32, mut tokens: Range<u32>) -> bool {
        let other = tokens.find(|number| {
            let slot = *number as usize % RING;
            self.known[slot] & (LABEL | MIDDLE) == 0 && self.ring[slot].len != 1
        });
        let Some(other) = other else {
            return true;
        };
        let between = from as usize..self.ring[other as usize % RING].start as usize;
        let between = self.text.get(between).unwrap_or_default();
        between.len() <= MAX_GAP_BYTES && between.iter().any(|b| shape::OPENS.contains(b))
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
                range: a.start as usize..b.end as usize + usize::from(between.bracketed),
                place,
                forename: forename.hash,
                capitals: a.capital && b.capital,
                spaced: a.spaced || b.spaced,
                misspelt: false,
                forename_first,
                person: between.person,
                columns: None,
                forename_at: forename.range(),
                surname_at: surname.range(),
            });
        }
    }

    /// "Oliver Whitcomb": a word with a slip, beside the other word of the name.
    pub(super) fn misspelt(&mut self, neighbours: &Neighbours, token: &Token, known: u32) {
        let Some(number) = self.number.checked_sub(1) else {
            return;
        };
        let slot = number as usize % RING;
        let (before, known_before) = (self.ring[slot], self.known[slot]);
        let slips = |token: &Token| token.is_capitalised() && usize::from(token.len) >= SHORTEST;
        let (a, b) = (Word::of(number, &before), Word::of(self.number, token));
        if known & NAME != 0 && known_before & NAME == 0 && slips(&before) {
            self.pair_with_slip(neighbours, (a, b), true);
        } else if known & NAME == 0 && known_before & NAME != 0 && slips(token) {
            self.pair_with_slip(neighbours, (a, b), false);
        }
    }

    fn pair_with_slip(&mut self, neighbours: &Neighbours, (a, b): (Word, Word), in_first: bool) {
        let indexes = self.indexes;
        let (odd, sure) = if in_first { (a, b) } else { (b, a) };
        let spelled = letters(&self.text[odd.start as usize..odd.end as usize]);
        for meant in neighbours.of(&indexes.keys, &spelled) {
            for place in indexes.names.with_key(indexes.keys.pair(meant, sure.hash)) {
                let pair = indexes.names.pair(place);
                let forename = if pair.starts_with(meant) {
                    meant
                } else {
                    sure.hash
                };
                let forename_first = (forename == meant) == in_first;
                let (first, last) = if forename_first { (a, b) } else { (b, a) };
                if !pair.is(PUPIL) || self.gap(place, &a, &b, forename_first).is_none() {
                    continue;
                }
                self.push_name(RawName {
                    range: a.start as usize..b.end as usize,
                    place,
                    forename,
                    capitals: a.capital && b.capital,
                    spaced: false,
                    misspelt: true,
                    forename_first,
                    person: None,
                    columns: None,
                    forename_at: first.range(),
                    surname_at: last.range(),
                });
            }
        }
    }

    /// Whether the letters themselves, not only their hashes, are the name's.
    fn agree(&self, place: usize, forename: &Word, surname: &Word) -> bool {
        let spelled = |word: &Word| {
            let text = &self.text[word.start as usize..word.end as usize];
            if word.spaced && text.iter().any(u8::is_ascii_digit) {
                return in_letters(text, word.ells);
            }
            letters(text)
        };
        let verify = self
            .indexes
            .keys
            .verify(&spelled(forename), &spelled(surname));
        self.indexes.names.agrees(place, verify)
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
        let range = a.end as usize..b.start as usize;
        if range.len() > MAX_GAP_BYTES {
            return None;
        }
        let group = shape::group(self.text, range.clone()).filter(|_| forename_first);
        let indexes = self.indexes;
        let is_label =
            |token: &Token| indexes.words.get(indexes.keys.spread(token.hash)) & LABEL != 0;
        let inside = |token: &Token| {
            let at = token.start as usize;
            group.as_ref().is_some_and(|group| group.contains(&at))
        };
        let (mut labels, mut nicknames) = (0, 0);
        let mut middles: [Token; MAX_GAP as usize] = Default::default();
        let mut middle_count = 0;
        for number in a.last + 1..b.first {
            let token = self.ring[number as usize % RING];
            if is_label(&token) {
                labels += usize::from(!inside(&token));
            } else if inside(&token) {
                nicknames += 1;
            } else {
                *middles.get_mut(middle_count)? = token;
                middle_count += 1;
            }
        }
        if nicknames > 2 || middle_count > 2 {
            return None;
        }
        let middles = &middles[..middle_count];
        let person = if middles.is_empty() {
            None
        } else {
            Some(self.person_with(place, middles)?)
        };
        let shape = Shape {
            text: self.text,
            view: self.view,
            range,
            group,
            forename_first,
            labelled: labels > 0,
            bracketed: self.text.get(b.end as usize) == Some(&b')'),
        };
        let separated = shape.separators()?;
        if separated.divided && !self.stands_alone(place, a, b, forename_first) {
            return None;
        }
        Some(Between {
            person,
            bracketed: separated.bracketed,
        })
    }

    /// Who of a pair's people has these middle names or initials.
    fn person_with(&self, place: usize, middles: &[Token]) -> Option<u32> {
        let names = &self.indexes.names;
        let people = names.people(place).iter().copied();
        people.into_iter().find(|person| {
            middles.iter().all(|token| {
                token.flags & DIGITS == 0
                    && (token.len == 1 || names.is_middle(*person, token.hash))
            })
        })
    }

    /// Whether two words with a divider between them are not each part of something else: "Ann Whitcombe; Oliver Hughes",
    /// "Oliver: Whitcombe Road", "Jack / Oliver / James".
    fn stands_alone(&self, place: usize, a: &Word, b: &Word, forename_first: bool) -> bool {
        let indexes = self.indexes;
        let belongs_elsewhere = |beside: Beside, counts_touching: bool| {
            let word = &self.text[beside.word.clone()];
            let hash = indexes.keys.word(&letters(word));
            let people = indexes.names.people(place);
            let middle = people
                .iter()
                .any(|person| indexes.names.is_middle(*person, hash));
            let capital = word.first().is_some_and(u8::is_ascii_uppercase);
            let lower = word.iter().any(u8::is_ascii_lowercase);
            if !capital || middle {
                false
            } else if beside.divided {
                indexes.words.get(indexes.keys.spread(hash)) & NAME != 0
            } else {
                lower && counts_touching
            }
        };
        let (start, end) = (a.start as usize, b.end as usize);
        let before = Beside::before(self.text, start)
            .is_some_and(|beside| belongs_elsewhere(beside, !forename_first));
        let after =
            Beside::after(self.text, end).is_some_and(|beside| belongs_elsewhere(beside, true));
        !before && !after
    }

    /// "Oliver Whitcombes asthma": the possessive without its apostrophe, after another word of a name and before what is owned.
    pub(super) fn possessive(&mut self, token: &Token) {
        let (start, end) = (token.start as usize, token.end as usize);
        let stem = letters(&self.text[start..end]);
        let Some((b's', stem)) = stem.split_last() else {
            return;
        };
        if stem.len() < 3 || !shape::owns(&self.text[end..]) {
            return;
        }
        self.if_name(Word {
            first: self.number,
            last: self.number,
            start: token.start,
            end: token.end - 1,
            hash: self.indexes.keys.word(stem),
            capital: token.is_capitalised(),
            spaced: false,
            ells: 0,
        });
    }

    /// "0liver", "Wh1tcombe": digits that stand for letters inside a word that is somebody's name.
    pub(super) fn digits_for_letters(&mut self, token: &Token) {
        const LONGEST: usize = 24;
        /// What a word must keep of its own letters.
        const LETTERS: usize = 2;
        /// Ones of a word that are read both ways.
        const ONES: usize = 3;
        let text = self.text;
        let part = |at: usize| text.get(at).is_some_and(|b| is_word_byte(*b) && *b < 0x80);
        let (mut start, mut end) = (token.start as usize, token.end as usize);
        if token.len > 3 || start < self.leet_until {
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
        if !(4..LONGEST).contains(&chunk.len()) || digits + LETTERS > chunk.len() {
            return;
        }
        let before = runs(&text[start..token.start as usize]);
        let after = runs(&text[token.end as usize..end]);
        let ones = memchr::memchr_iter(b'1', chunk).count().min(ONES);
        for ells in 0..1_u8 << ones {
            let word = in_letters(chunk, ells);
            let hash = self.indexes.keys.word(&word);
            self.lone_term(start..end, hash, &[TermKind::Grave, TermKind::Mild]);
            self.if_name(Word {
                first: self.number.saturating_sub(before),
                last: self.number + after,
                start: start as u32,
                end: end as u32,
                hash,
                capital: true,
                spaced: true,
                ells,
            });
        }
    }

    pub(super) fn is_address_or_file(&self, token: &Token) -> bool {
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
    pub(super) fn split(&mut self, start: u32, end: u32, spaced: bool) {
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
                    let (start, end) = (start as usize, end as usize);
                    let middle = start + after_letters(&self.text[start..end], cut);
                    let (first, last) = (start..middle, middle..end);
                    let name = RawName {
                        range: start..end,
                        place,
                        forename: if forename_first { hashes.0 } else { hashes.1 },
                        capitals: true,
                        spaced,
                        misspelt: false,
                        forename_first,
                        person: None,
                        columns: None,
                        forename_at: if forename_first {
                            first.clone()
                        } else {
                            last.clone()
                        },
                        surname_at: if forename_first { last } else { first },
                    };
                    self.push_name(name);
                }
            }
        }
    }
}

/// How many bytes of a text hold its first letters, so many of them.
fn after_letters(text: &[u8], count: usize) -> usize {
    let is_letter = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80;
    let mut letters = text.iter().enumerate().filter(|(_, b)| is_letter(b));
    letters.nth(count).map_or(text.len(), |(at, _)| at)
}

/// A word with letters for its digits; a one is an l where `ells` has its bit, else an i.
fn in_letters(text: &[u8], ells: u8) -> Letters {
    let mut ones = 0;
    let letter = |byte: &u8| match byte {
        b'0' => b'o',
        b'1' => {
            ones += 1;
            if ones <= 8 && ells & (1 << (ones - 1)) != 0 {
                b'l'
            } else {
                b'i'
            }
        }
        b'3' => b'e',
        b'4' => b'a',
        b'5' => b's',
        b'7' => b't',
        b'8' => b'b',
        byte => byte.to_ascii_lowercase(),
    };
    text.iter().map(letter).collect()
}

/// How many tokens letters and digits make that touch each other: a capital behind a small letter begins one too.
fn runs(text: &[u8]) -> u32 {
    let goes_on = |a: &u8, b: &u8| {
        a.is_ascii_digit() == b.is_ascii_digit()
            && !(a.is_ascii_lowercase() && b.is_ascii_uppercase())
    };
    text.chunk_by(goes_on).count() as u32
}

//! Cutting plain text into words and numbers, each word with a keyed hash that can be concatenated.
//!
//! The hash of a word is a polynomial over its lower-case letters modulo 2^64, so the hash of "smithjones" follows from those of
//! "smith" and "jones": hyphens, spaces, apostrophes and CamelCase need no forms of their own in the index.
//!
//! # Invariants
//! A polynomial modulo 2^64 is not collision-resistant against long crafted strings; words are cut at [`MAX_WORD`] letters, and
//! every match is verified with SipHash over the letters.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher128};

/// Letters of a word that count; longer words match nothing.
pub const MAX_WORD: usize = 48;

/// The first letter is a capital.
pub const CAPITAL: u8 = 1;
/// A letter is lower case.
pub const LOWER: u8 = 2;
/// A capital stands after the first letter.
pub const INNER_CAPITAL: u8 = 4;
/// Nothing but a change of case, or a hyphen at the line's end, parts it from the word before.
pub const GLUED: u8 = 8;
/// It is a run of digits.
pub const DIGITS: u8 = 16;

/// A word or a run of digits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Token {
    /// Hash of the folded letters.
    pub hash: u64,
    /// Plain offset of its first byte.
    pub start: u32,
    /// Plain offset behind its last byte.
    pub end: u32,
    /// Folded bytes that went into the hash.
    pub len: u16,
    /// What it looks like.
    pub flags: u8,
}

impl Token {
    /// Written with a capital first, or all in capitals.
    pub fn is_capitalised(&self) -> bool {
        self.flags & CAPITAL != 0
    }

    /// Written all in capitals.
    pub fn is_all_capitals(&self) -> bool {
        self.flags & (CAPITAL | LOWER) == CAPITAL
    }
}

/// The keys of one installation.
#[derive(Clone)]
pub struct Keys {
    base: u64,
    powers: [u64; MAX_WORD + 1],
    mix: [u64; 2],
    sip: (u64, u64),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Derives the keys from the installation's secret.
    pub fn new(secret: [u8; 16]) -> Self {
        let (low, high) = secret.split_at(8);
        let word = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0_u64, |value, byte| (value << 8) | u64::from(*byte))
        };
        let sip = (word(low), word(high));
        let derive = |label: u8| {
            let mut hasher = SipHasher24::new_with_keys(sip.0, sip.1);
            hasher.write(&[b'k', label]);
            hasher.finish()
        };
        let base = derive(0) | 5; // odd and not 1, so powers do not vanish
        let mut powers = [1; MAX_WORD + 1];
        for index in 1..powers.len() {
            powers[index] = base.wrapping_mul(powers[index - 1]);
        }
        Self {
            base,
            powers,
            mix: [derive(1) | 1, derive(2) | 1],
            sip,
        }
    }

    /// The hash of a word without the letters' separators.
    pub fn word(&self, letters: &[u8]) -> u64 {
        letters.iter().fold(0, |hash, byte| self.push(hash, *byte))
    }

    #[inline]
    fn push(&self, hash: u64, byte: u8) -> u64 {
        hash.wrapping_mul(self.base).wrapping_add(u64::from(byte))
    }

    /// The hash of one word written behind another.
    pub fn concat(&self, first: u64, second: u64, second_len: usize) -> u64 {
        let power = self.powers.get(second_len).copied().unwrap_or(0);
        first.wrapping_mul(power).wrapping_add(second)
    }

    /// Spreads a word's hash over all bits, for tables. Never 0.
    #[inline]
    pub fn spread(&self, hash: u64) -> u64 {
        let wide = u128::from(hash ^ self.mix[0]) * u128::from(self.mix[1] ^ hash.rotate_left(32));
        ((wide >> 64) as u64 ^ wide as u64) | 1
    }

    /// A key for two words in either order.
    pub fn pair(&self, a: u64, b: u64) -> u64 {
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        self.spread(
            self.spread(low)
                .wrapping_mul(3)
                .wrapping_add(self.spread(high).rotate_left(17)),
        )
    }

    /// The verifying hash of a forename's and a surname's letters.
    pub fn verify(&self, forename: &[u8], surname: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.sip.0 ^ 0x6e61_6d65, self.sip.1);
        hasher.write(forename);
        hasher.write_u8(b'|');
        hasher.write(surname);
        hasher.finish()
    }

    /// The keyed hash of a value that stands in a finding.
    pub fn value(&self, kind: &str, value: &[u8]) -> u128 {
        let mut hasher = SipHasher128::new_with_keys(self.sip.0, self.sip.1 ^ 0x0076_616c_7565);
        hasher.write(kind.as_bytes());
        hasher.write_u8(0);
        hasher.write(value);
        hasher.finish128().as_u128()
    }
}

const OTHER: u8 = 0;
const LETTER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 3;
const APOSTROPHE: u8 = 4;

const CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | 0x80..=0xff => LETTER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b'\'' | b'`' => APOSTROPHE,
            _ => OTHER,
        };
        byte += 1;
    }
    table
};

/// Whether a byte of plain text belongs to a word or a number.
pub fn is_word_byte(byte: u8) -> bool {
    matches!(CLASS[byte as usize], LETTER | UPPER | DIGIT)
}

/// Cuts plain text into tokens.
#[derive(Debug)]
pub struct Tokens<'t> {
    keys: &'t Keys,
    text: &'t [u8],
    at: usize,
    glued: bool,
}

impl<'t> Tokens<'t> {
    /// Starts at the beginning of a plain text.
    pub fn new(keys: &'t Keys, text: &'t [u8]) -> Self {
        Self {
            keys,
            text,
            at: 0,
            glued: false,
        }
    }

    fn class(&self, at: usize) -> u8 {
        self.text
            .get(at)
            .map_or(OTHER, |byte| CLASS[*byte as usize])
    }

    /// The word that starts at `start`; `self.at` ends behind it.
    #[inline]
    fn letters(&mut self, start: usize) -> Token {
        let text = self.text;
        let mut at = start;
        let (mut hash, mut len, mut lower) = (0_u64, 0_u32, false);
        let mut flags = if self.glued { GLUED } else { 0 };
        if CLASS[text[start] as usize] == UPPER {
            flags |= CAPITAL;
        }
        self.glued = false;
        let mut end = start;
        while at < text.len() {
            let byte = text[at];
            match CLASS[byte as usize] {
                LETTER => {
                    hash = self.keys.push(hash, byte);
                    lower = true;
                }
                UPPER => {
                    if lower && at == end {
                        self.glued = true;
                        break;
                    }
                    if at > start {
                        flags |= INNER_CAPITAL;
                    }
                    hash = self.keys.push(hash, byte | 0x20);
                }
                APOSTROPHE if at > start && at == end => match self.after_apostrophe(at) {
                    Apostrophe::Inside => {
                        at += 1;
                        continue;
                    }
                    Apostrophe::Possessive => {
                        at += 2;
                        break;
                    }
                    Apostrophe::Quote => break,
                },
                _ => break,
            }
            len += 1;
            at += 1;
            end = at;
        }
        self.at = at;
        if at == end {
            self.glue_over_line_end(at);
        }
        if lower {
            flags |= LOWER;
        }
        Token {
            hash: if len as usize <= MAX_WORD { hash } else { 0 },
            start: start as u32,
            end: end as u32,
            len: len.min(u32::from(u16::MAX)) as u16,
            flags,
        }
    }

    /// A word that is parted by a hyphen at the line's end goes on in the next line.
    fn glue_over_line_end(&mut self, at: usize) {
        if self.text.get(at) == Some(&b'-')
            && self.text.get(at + 1) == Some(&b'\n')
            && matches!(self.class(at + 2), LETTER | UPPER)
        {
            self.at = at + 2;
            self.glued = true;
        }
    }

    fn after_apostrophe(&self, at: usize) -> Apostrophe {
        if !matches!(self.class(at + 1), LETTER | UPPER) {
            return Apostrophe::Quote;
        }
        let possessive = matches!(self.text[at + 1], b's' | b'S');
        if possessive && !matches!(self.class(at + 2), LETTER | UPPER) {
            Apostrophe::Possessive
        } else {
            Apostrophe::Inside
        }
    }

    fn digits(&mut self, start: usize) -> Token {
        let mut at = start;
        let mut hash = 0;
        while self.class(at) == DIGIT {
            hash = self.keys.push(hash, self.text[at]);
            at += 1;
        }
        self.at = at;
        self.glued = false;
        Token {
            hash,
            start: start as u32,
            end: at as u32,
            len: (at - start).min(usize::from(u16::MAX)) as u16,
            flags: DIGITS,
        }
    }
}

enum Apostrophe {
    Inside,
    Possessive,
    Quote,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        let mut at = self.at;
        while at < self.text.len() {
            match CLASS[self.text[at] as usize] {
                LETTER | UPPER => return Some(self.letters(at)),
                DIGIT => return Some(self.digits(at)),
                _ => {
                    at += 1;
                    self.glued = self.glued && self.at == at;
                }
            }
        }
        self.at = at;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let keys = Keys::new([7; 16]);
        Tokens::new(&keys, text.as_bytes())
            .map(|token| {
                let glue = if token.flags & GLUED == 0 { "" } else { "+" };
                format!("{glue}{}", &text[token.start as usize..token.end as usize])
            })
            .collect()
    }

    #[test]
    fn cuts_where_names_are_cut() {
        assert_eq!(
            words("Ann's O'Neil's 'x' JeanLuc a_b 9B"),
            ["Ann", "O'Neil", "x", "Jean", "+Luc", "a", "b", "9", "B"]
        );
        assert_eq!(
            words("Whit-\ncombe McAllister"),
            ["Whit", "+combe", "Mc", "+Allister"]
        );
    }

    #[test]
    fn hashes_concatenate() {
        let keys = Keys::new([7; 16]);
        let (a, b) = (keys.word(b"smith"), keys.word(b"jones"));
        assert_eq!(keys.concat(a, b, 5), keys.word(b"smithjones"));
        assert_eq!(keys.pair(a, b), keys.pair(b, a));
    }
}

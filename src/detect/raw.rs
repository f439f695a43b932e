//! What the pass over one unit hands on: names, terms, numbers, words, in plain offsets, not yet judged.

use std::ops::Range;

use smallvec::SmallVec;

use crate::detect::numbers::Number;
use crate::detect::token::MAX_WORD;
use crate::detect::vocabulary::Term;

/// Forename and surname found together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawName {
    /// Where it stands, in plain offsets.
    pub range: Range<usize>,
    /// Place of the pair in [`Names`].
    pub place: usize,
    /// Hash of the forename as it stands here.
    pub forename: u64,
    /// Both parts are written with capitals.
    pub capitals: bool,
    /// Letters had to be drawn together.
    pub spaced: bool,
    /// One of the two is misspelt.
    pub misspelt: bool,
    /// The forename comes first.
    pub forename_first: bool,
    /// Whose middle names stand between, when some do.
    pub person: Option<u32>,
    /// The parts when they stand in columns apart.
    pub columns: Option<(Range<usize>, Range<usize>)>,
    /// Where the forename stands.
    pub forename_at: Range<usize>,
    /// Where the surname stands.
    pub surname_at: Range<usize>,
}

/// A term, in plain offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawTerm {
    /// Where it stands.
    pub range: Range<usize>,
    /// The term.
    pub term: Term,
}

/// A word of somebody's name, in plain offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameWord {
    /// Where it starts.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// Its hash.
    pub hash: u64,
}

/// What one pass found.
#[derive(Debug, Default)]
pub struct Raw {
    /// Names.
    pub names: Vec<RawName>,
    /// Terms and context words.
    pub terms: Vec<RawTerm>,
    /// Numbers that pass their checks.
    pub numbers: Vec<Number>,
    /// Single words of names, written with a capital.
    pub words: Vec<NameWord>,
    /// Something was left out because there was too much of it.
    pub cut: bool,
}

impl Raw {
    /// Empties it for the next unit, keeping its memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.terms.clear();
        self.numbers.clear();
        self.words.clear();
        self.cut = false;
    }
}

/// Letters of a word or a few; they stand on the stack unless there are more than a word may have.
pub type Letters = SmallVec<[u8; MAX_WORD]>;

/// The letters of a stretch of plain text as they are hashed.
pub fn letters(text: &[u8]) -> Letters {
    text.iter()
        .filter(|b| b.is_ascii_alphabetic() || **b >= 0x80)
        .map(u8::to_ascii_lowercase)
        .collect()
}

//! The terms and context words of the dictionaries, compiled to sequences of word hashes.
//!
//! # Invariants
//! Terms are found by whole words, with the plural of their last word; hyphens and spaces between words are alike.

use std::collections::HashMap;
use std::sync::Arc;

use crate::detect::catalogue::{Catalogue, Check, Dictionary};
use crate::detect::finding::Category;
use crate::detect::index::{LABEL, TERM_END, TERM_SHIFT};
use crate::detect::normalise::Plain;
use crate::detect::token::{Keys, Tokens};

/// Stands in a term, written `#`, for a number of any digits that is not its last word.
pub const ANY_NUMBER: u64 = u64::MAX;

/// What a term is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TermKind {
    /// Special-category data by itself.
    Strong,
    /// Special-category data close to a person.
    Weak,
    /// An everyday word that counts only beside another term, close to a person.
    Hint,
    /// An abbreviation that needs capitals and context.
    Code,
    /// A word of the codes' field.
    CodeContext,
    /// It makes a term a topic.
    Negative,
    /// A word for a single pupil.
    Role,
    /// A word from which its detector reads on: the label of a password, a marking, the unit of a dose.
    Opener,
    /// A word or phrase that counts whoever is meant.
    Grave,
    /// Likewise, with less weight.
    Mild,
    /// A word that counts only where somebody is called by it.
    Everyday,
    /// A phrase in which such a word is innocent.
    Innocent,
}

/// A compiled term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// What it is for.
    pub kind: TermKind,
    /// It counts only in capitals.
    pub capitals: bool,
    /// It does not count with a capital first.
    pub small: bool,
    /// Place in [`Vocabulary::detectors`].
    pub detector: u8,
}

/// The words of a term before its last.
#[derive(Debug)]
pub struct Sequence {
    /// Hashes of the earlier words, the nearest first.
    pub rest: Box<[u64]>,
    /// The term.
    pub term: Term,
}

/// A detector that owns terms.
#[derive(Debug)]
pub struct TermDetector {
    /// Its id.
    pub id: Arc<str>,
    /// Its category.
    pub category: Category,
    /// What decides about its words.
    pub check: Check,
    /// Headers of columns that hold such data, lower case.
    pub headers: Vec<String>,
}

/// All terms by their last word: fewer words end a term than begin one ("in", "on", "no").
#[derive(Debug, Default)]
pub struct Vocabulary {
    /// Lists by number, as the word table names them.
    pub lists: Vec<Vec<Sequence>>,
    /// Detectors with terms.
    pub detectors: Vec<TermDetector>,
}

impl Vocabulary {
    /// Compiles the dictionaries; words go to `words` with their flags.
    pub fn build(keys: &Keys, catalogue: &Catalogue, words: &mut Vec<(u64, u32)>) -> Self {
        let mut vocabulary = Self::default();
        let mut by_last: HashMap<u64, Vec<Sequence>> = HashMap::new();
        for dictionary in &catalogue.dictionaries {
            let owner = dictionary.detector.as_ref().and_then(|id| {
                let mut known = catalogue.detectors.iter();
                known.find(|known| known.id == *id && known.check.has_dictionary())
            });
            let number = vocabulary.detectors.len() as u8;
            if let Some(owner) = owner {
                vocabulary.detectors.push(TermDetector {
                    id: Arc::from(owner.id.as_str()),
                    category: owner.category,
                    check: owner.check,
                    headers: dictionary
                        .headers
                        .iter()
                        .map(|header| header.to_lowercase())
                        .collect(),
                });
            }
            for (terms, kind) in lists(dictionary, owner.map(|owner| owner.check)) {
                for text in terms {
                    let term = Term {
                        kind,
                        capitals: kind == TermKind::Code || dictionary.capitals.contains(text),
                        small: dictionary.small.contains(text),
                        detector: number,
                    };
                    add(keys, text, term, &mut by_last);
                }
            }
            words.extend(
                dictionary
                    .labels
                    .iter()
                    .map(|label| (keys.spread(keys.word(label.as_bytes())), LABEL)),
            );
        }
        vocabulary.openers(keys, catalogue, &mut by_last);
        for (last, list) in by_last {
            words.push((
                keys.spread(last),
                TERM_END | (vocabulary.lists.len() as u32) << TERM_SHIFT,
            ));
            vocabulary.lists.push(list);
        }
        vocabulary
    }

    /// The words with which statements begin that a detector's own check reads.
    fn openers(
        &mut self,
        keys: &Keys,
        catalogue: &Catalogue,
        by_last: &mut HashMap<u64, Vec<Sequence>>,
    ) {
        let with_words = catalogue
            .detectors
            .iter()
            .filter(|detector| detector.check.has_words());
        for detector in with_words {
            let term = Term {
                kind: TermKind::Opener,
                capitals: false,
                small: false,
                detector: self.detectors.len() as u8,
            };
            self.detectors.push(TermDetector {
                id: Arc::from(detector.id.as_str()),
                category: detector.category,
                check: detector.check,
                headers: Vec::new(),
            });
            for text in &detector.anchors {
                add(keys, text, term, by_last);
            }
        }
    }
}

/// The lists of a dictionary by what they are for; those of the check that owns it, then those for every detector.
fn lists(dictionary: &Dictionary, owner: Option<Check>) -> Vec<(&Vec<String>, TermKind)> {
    let mut lists = match owner {
        Some(Check::Words | Check::Phrases) => {
            return vec![
                (&dictionary.strong, TermKind::Grave),
                (&dictionary.weak, TermKind::Mild),
                (&dictionary.hints, TermKind::Everyday),
                (&dictionary.negative, TermKind::Innocent),
            ];
        }
        Some(_) => vec![
            (&dictionary.strong, TermKind::Strong),
            (&dictionary.weak, TermKind::Weak),
            (&dictionary.hints, TermKind::Hint),
            (&dictionary.codes, TermKind::Code),
        ],
        None => Vec::new(),
    };
    lists.extend([
        (&dictionary.code_context, TermKind::CodeContext),
        (&dictionary.negative, TermKind::Negative),
        (&dictionary.role, TermKind::Role),
    ]);
    lists
}

fn add(keys: &Keys, text: &str, term: Term, by_last: &mut HashMap<u64, Vec<Sequence>>) {
    let plain = Plain::of(text);
    let any = plain.text.replace('#', "0");
    let tokens: Vec<(u64, usize)> = Tokens::new(keys, any.as_bytes())
        .map(|token| match plain.text.as_bytes()[token.start as usize] {
            b'#' => (ANY_NUMBER, 1),
            _ => (token.hash, usize::from(token.len)),
        })
        .collect();
    let plural = |(hash, len): (u64, usize)| (keys.concat(hash, keys.word(b"s"), 1), len + 1);
    let mut push = |words: &[(u64, usize)]| {
        if let [rest @ .., last] = words {
            let rest = rest.iter().rev().map(|(hash, _)| *hash).collect();
            by_last
                .entry(last.0)
                .or_default()
                .push(Sequence { rest, term });
        }
    };
    let Some(last) = tokens.last().copied() else {
        return;
    };
    let mut many = tokens.clone();
    if let Some(end) = many.last_mut() {
        *end = plural(last);
    }
    let can_be_many = term.kind != TermKind::Code && !text.ends_with('s');
    push(&tokens);
    if can_be_many {
        push(&many);
    }
    // "EpiPen" and "self-harm" are also written as one word.
    if tokens.len() > 1 && !text.contains(' ') {
        let joined = tokens[1..].iter().fold(tokens[0], |whole, part| {
            (keys.concat(whole.0, part.0, part.1), whole.1 + part.1)
        });
        push(&[joined]);
        if can_be_many {
            push(&[plural(joined)]);
        }
    }
}

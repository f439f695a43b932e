//! Words of which some letters are hidden: "f**k", "sh!t", "wan$er".
//!
//! # Invariants
//! Only signs that stand inside or beside a word cost more than a search for them. A run of letters and signs is read once for
//! each kind of sign in it, and one of more than [`LONGEST`] bytes not at all.
//!
//! # Known gaps
//! Digits are left to the pass over the text, which reads them as letters anyway. Stretched words ("fuuuck") are not read.

use std::ops::Range;
use std::sync::Arc;

use crate::detect::catalogue::{Catalogue, Check};

/// Bytes of a run that may be a word.
const LONGEST: usize = 24;
/// Letters of a word with hidden letters: of three, too many words are left.
const SHORTEST: usize = 4;

/// A word behind signs.
pub(super) struct Hidden<'m> {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// The word.
    pub(super) word: &'m str,
    /// Letters of it that are seen, those included that a sign stands for.
    pub(super) seen: usize,
    /// Each of its letters is seen.
    pub(super) whole: bool,
}

/// The words of a detector that are read behind signs.
pub(super) struct Masked {
    /// The detector's id.
    pub(super) detector: Arc<str>,
    words: Vec<String>,
}

impl Masked {
    /// The strong single words of each dictionary of [`Check::Words`].
    pub(super) fn all(catalogue: &Catalogue) -> Vec<Self> {
        let owners = catalogue
            .detectors
            .iter()
            .filter(|detector| detector.check == Check::Words);
        owners
            .map(|owner| {
                let own = catalogue
                    .dictionaries
                    .iter()
                    .filter(|dictionary| dictionary.detector.as_ref() == Some(&owner.id));
                let mut words: Vec<String> = own
                    .flat_map(|dictionary| dictionary.strong.iter())
                    .filter(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()))
                    .filter(|word| (SHORTEST..LONGEST).contains(&word.len()))
                    .flat_map(|word| {
                        [
                            word.to_ascii_lowercase(),
                            format!("{word}s").to_ascii_lowercase(),
                        ]
                    })
                    .collect();
                words.sort();
                words.dedup();
                Self {
                    detector: Arc::from(owner.id.as_str()),
                    words,
                }
            })
            .collect()
    }

    /// The words with hidden letters in a text, no more than twice `room` and one each.
    pub(super) fn find(&self, text: &[u8], room: usize) -> Vec<Hidden<'_>> {
        let mut found = Vec::new();
        let mut until = 0;
        for at in memchr::memchr3_iter(b'*', b'@', b'$', text) {
            if found.len() > room {
                break;
            }
            self.at(text, at, &mut until, &mut found);
        }
        until = 0;
        let begun = found.len();
        for at in memchr::memchr2_iter(b'!', b'#', text) {
            if found.len() - begun > room {
                break;
            }
            if at < until {
                continue;
            }
            // A run that holds one of the first signs, too, has been read.
            let run = run_around(text, at);
            if memchr::memchr3(b'*', b'@', b'$', &text[run]).is_none() {
                self.at(text, at, &mut until, &mut found);
            }
        }
        found
    }

    fn at<'m>(&'m self, text: &[u8], at: usize, until: &mut usize, found: &mut Vec<Hidden<'m>>) {
        if at < *until {
            return;
        }
        let run = run_around(text, at);
        *until = run.end;
        if run.len() > LONGEST || !text[run.clone()].iter().any(u8::is_ascii_alphabetic) {
            return;
        }
        let trimmed = without_punctuation(text, run.clone());
        let inner = without_emphasis(text, trimmed.clone());
        let hidden = [trimmed, inner]
            .into_iter()
            .find_map(|range| self.word(text, range));
        found.extend(hidden);
    }

    /// The word that a run may be.
    fn word(&self, text: &[u8], range: Range<usize>) -> Option<Hidden<'_>> {
        let run = &text[range.clone()];
        // Without a sign the pass over the text has read it.
        if !run.iter().any(|byte| is_sign(*byte)) || is_marked_only(run) {
            return None;
        }
        let mut words = self.words.iter().filter(|word| word.len() == run.len());
        words.find_map(|word| {
            let seen = seen(run, word.as_bytes())?;
            Some(Hidden {
                range: range.clone(),
                word,
                seen,
                whole: seen == word.len(),
            })
        })
    }
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b'*' | b'@' | b'$' | b'!' | b'#')
}

/// Whether a sign stands for any letter.
fn hides(byte: u8) -> bool {
    matches!(byte, b'*' | b'#')
}

/// Whether the first letter is hidden, or the last one alone: then the asterisk is a mark of emphasis or of a note.
fn is_marked_only(run: &[u8]) -> bool {
    let inside = run.iter().filter(|byte| is_sign(**byte)).count();
    match run {
        [first, .., last] => hides(*first) || (hides(*last) && inside == 1),
        _ => true,
    }
}

fn belongs(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || is_sign(byte)
}

/// The letters, digits and signs around a place, one more than [`LONGEST`] at most on each side.
fn run_around(text: &[u8], at: usize) -> Range<usize> {
    let before = text[..at].iter().rev().take(LONGEST + 1);
    let start = at - before.take_while(|byte| belongs(**byte)).count();
    let after = text[at..].iter().take(LONGEST + 1);
    start..at + after.take_while(|byte| belongs(**byte)).count()
}

/// A run without the exclamation marks at its ends.
fn without_punctuation(text: &[u8], run: Range<usize>) -> Range<usize> {
    let bytes = &text[run.clone()];
    let before = bytes.iter().take_while(|byte| **byte == b'!').count();
    let after = bytes.iter().rev().take_while(|byte| **byte == b'!').count();
    run.start + before..run.end.saturating_sub(after).max(run.start + before)
}

/// A run without the asterisks that set it in bold: as many behind it as before it.
fn without_emphasis(text: &[u8], run: Range<usize>) -> Range<usize> {
    let bytes = &text[run.clone()];
    let stars = bytes.iter().take_while(|byte| **byte == b'*').count();
    let behind = bytes.iter().rev().take_while(|byte| **byte == b'*').count();
    if stars == 0 || behind < stars || run.len() < 2 * stars {
        return run;
    }
    run.start + stars..run.end - stars
}

/// How many letters of a word are seen in a run of the same length; none where one speaks against it.
fn seen(run: &[u8], word: &[u8]) -> Option<usize> {
    let mut seen = 0;
    for (byte, letter) in run.iter().zip(word) {
        let stands_for = match byte {
            b'*' | b'#' => continue,
            b'@' | b'4' => b"a".as_slice(),
            b'$' | b'5' => b"s",
            b'!' | b'1' => b"il",
            b'0' => b"o",
            b'3' => b"e",
            b'7' => b"t",
            other if other.eq_ignore_ascii_case(letter) => &[*letter],
            _ => return None,
        };
        if !stands_for.contains(letter) {
            return None;
        }
        seen += 1;
    }
    Some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_behind_signs_are_read() {
        let masked = Masked {
            detector: Arc::from("own"),
            words: ["arrow", "basket", "baskets", "tree"]
                .map(str::to_owned)
                .to_vec(),
        };
        let found = |text: &str| {
            let found = masked.find(text.as_bytes(), 100);
            let shown = found.iter().map(|hidden| {
                (
                    text[hidden.range.clone()].to_owned(),
                    hidden.word.to_owned(),
                    hidden.seen,
                )
            });
            shown.collect::<Vec<_>>()
        };
        let one = |run: &str, word: &str, seen| vec![(run.to_owned(), word.to_owned(), seen)];
        assert_eq!(found("a tr*e!"), one("tr*e", "tree", 3));
        assert_eq!(found("T***, he said"), one("T***", "tree", 1));
        assert_eq!(found("**b*sk3t$** here"), one("b*sk3t$", "baskets", 6));
        assert_eq!(found("a b@sket"), one("b@sket", "basket", 6));
        for quiet in [
            "tree!",
            "***ket",
            "tre*",
            "*tree*",
            "****",
            "tr**s",
            "tree*s",
            "xtr*e",
            "tr*ex",
            "**ee",
            "tr*\u{e9}",
            "!",
            "a @ b",
            "trxe*",
            "",
        ] {
            assert!(found(quiet).is_empty(), "{quiet}");
        }
        assert!(found(&"*".repeat(100_000)).is_empty());
        assert_eq!(masked.find("tr*e ".repeat(500).as_bytes(), 100).len(), 101);
    }
}

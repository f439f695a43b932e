//! The version with initials beside the original: subject and bodies, with the words that differ.
//!
//! # Invariants
//! Attachments are not opened: a version with initials has them as they were. Work is bounded by [`CELLS`] for each place; what would take more is
//! shown as changed as a whole.

use crate::detect::Secret;
use crate::extract::{self, Content, FileInput, Place, Reader, Unit, View};
use crate::limits::Budget;
use crate::mime;

use super::{PART_BYTES, text};

/// Steps of comparing words in one place: a thousand words with a thousand.
const CELLS: usize = 1 << 20;
/// Places that are compared.
const PLACES: usize = 100;

/// A run of text of one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: Secret,
    /// The other text has something else here.
    pub changed: bool,
}

/// One place in both texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Where, in the words of findings (`subject`, `body`).
    pub place: String,
    /// The original.
    pub before: Vec<Piece>,
    /// The version.
    pub after: Vec<Piece>,
    /// They differ.
    pub changed: bool,
    /// There is more text than is shown.
    pub cut: bool,
}

/// Opens no attachment.
struct Closed;

impl Reader for Closed {
    fn read(&self, _: &FileInput<'_>, _: &Budget) -> Content {
        Content::default()
    }
}

/// Compares a message with a version of it.
pub fn compare(original: &[u8], version: &[u8], budget: &Budget) -> Vec<Side> {
    let before = texts(original, &budget.scratch());
    let mut after = texts(version, &budget.scratch());
    let mut sides = Vec::new();
    for unit in before.into_iter().take(PLACES) {
        let same = |other: &Unit| other.location == unit.location && other.view == unit.view;
        let other = after.iter().position(same).map(|at| after.remove(at).text);
        sides.push(side(&unit, &other.unwrap_or_default()));
    }
    sides
}

/// What a reader of the message meets of its subject, fields and bodies.
fn texts(raw: &[u8], budget: &Budget) -> Vec<Unit> {
    let message = mime::parse(raw, budget);
    let mut content = extract::walk(&message, budget, &Closed);
    content.units.retain(|unit| {
        let shown = matches!(unit.view, View::Visible | View::Table | View::Properties);
        shown && !matches!(unit.location.place, Place::Attachment(_))
    });
    content.units
}

fn side(unit: &Unit, after: &str) -> Side {
    let cut = |text: &str| text::shown(&text[..text.floor_char_boundary(PART_BYTES)]);
    let (old, new) = (cut(&unit.text), cut(after));
    let (before, after_pieces) = words(&old, &new);
    Side {
        place: unit.location.to_string(),
        changed: old != new,
        before,
        after: after_pieces,
        cut: unit.text.len() > PART_BYTES || after.len() > PART_BYTES,
    }
}

/// Both texts in pieces: line by line where they have as many lines, else as a whole.
fn words(old: &str, new: &str) -> (Vec<Piece>, Vec<Piece>) {
    let (mut before, mut after) = (Pieces::default(), Pieces::default());
    let mut left = CELLS;
    if old.split('\n').count() == new.split('\n').count() {
        for (old, new) in old.split_inclusive('\n').zip(new.split_inclusive('\n')) {
            line(old, new, &mut left, &mut before, &mut after);
        }
    } else {
        line(old, new, &mut left, &mut before, &mut after);
    }
    (before.finish(), after.finish())
}

/// Compares two lines word by word.
fn line(old: &str, new: &str, left: &mut usize, before: &mut Pieces, after: &mut Pieces) {
    if old == new {
        before.push(old, false);
        after.push(new, false);
        return;
    }
    let a: Vec<&str> = split(old);
    let b: Vec<&str> = split(new);
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let tails = a[head..].iter().rev().zip(b[head..].iter().rev());
    let tail = tails.take_while(|(a, b)| a == b).count();
    let (middle_a, middle_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let put = |pieces: &mut Pieces, words: &[&str]| {
        for word in words {
            pieces.push(word, false);
        }
    };
    put(before, &a[..head]);
    put(after, &b[..head]);
    let cells = (middle_a.len() + 1).saturating_mul(middle_b.len() + 1);
    if let Some(more) = left.checked_sub(cells) {
        *left = more;
        common(middle_a, middle_b, before, after);
    } else {
        rest(before, middle_a);
        rest(after, middle_b);
    }
    put(before, &a[a.len() - tail..]);
    put(after, &b[b.len() - tail..]);
}

/// Words and the spaces between them.
fn split(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let space = first.is_whitespace();
        let end = rest.find(|c: char| c.is_whitespace() != space);
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        out.push(word);
        rest = after;
    }
    out
}

/// The longest common row of words stays, all else has changed.
fn common(a: &[&str], b: &[&str], before: &mut Pieces, after: &mut Pieces) {
    let width = b.len() + 1;
    let mut longest = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = if a[i] == b[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            before.push(a[i], false);
            after.push(b[j], false);
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            before.push(a[i], true);
            i += 1;
        } else {
            after.push(b[j], true);
            j += 1;
        }
    }
    rest(before, &a[i..]);
    rest(after, &b[j..]);
}

/// Words that the other text does not have.
fn rest(pieces: &mut Pieces, words: &[&str]) {
    for word in words {
        pieces.push(word, true);
    }
}

/// Pieces in the making: neighbours of one kind are one piece.
#[derive(Default)]
struct Pieces(Vec<(String, bool)>);

impl Pieces {
    fn push(&mut self, text: &str, changed: bool) {
        match self.0.last_mut() {
            Some((last, kind)) if *kind == changed => last.push_str(text),
            _ => self.0.push((text.to_owned(), changed)),
        }
    }

    fn finish(self) -> Vec<Piece> {
        let pieces = self.0.into_iter().map(|(text, changed)| Piece {
            text: Secret::new(text),
            changed,
        });
        pieces.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pieces: &[Piece]) -> String {
        let piece = |piece: &Piece| {
            let text = piece.text.reveal();
            if piece.changed {
                format!("<{text}>")
            } else {
                text.to_owned()
            }
        };
        pieces.iter().map(piece).collect()
    }

    #[test]
    fn the_words_that_differ_are_marked_on_both_sides() {
        let (before, after) = words(
            "Dear all,\nOliver Whitcombe and Zoë Hart are ill today.\nBye",
            "Dear all,\nO.W. and Z.H. are ill today.\nBye",
        );
        assert_eq!(
            said(&before),
            "Dear all,\n<Oliver Whitcombe> and <Zoë Hart> are ill today.\nBye"
        );
        assert_eq!(
            said(&after),
            "Dear all,\n<O.W.> and <Z.H.> are ill today.\nBye"
        );
    }

    #[test]
    fn what_is_too_long_to_compare_is_changed_as_a_whole() {
        let (old, new) = ("a ".repeat(3_000), "b ".repeat(3_000));
        let (before, after) = words(&old, &new);
        assert!(before.iter().chain(&after).any(|piece| piece.changed));
        assert_eq!(said(&before).replace(['<', '>'], ""), old);
    }
}

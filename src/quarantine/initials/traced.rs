//! A text that knows where each of its characters came from.
//!
//! # Invariants
//! Beside every byte of the text stands the range of the source that its character was read from; it is empty where the source
//! holds no such character (the line break that a block of HTML implies). Offsets fit in 32 bits, since `LONGEST` bounds the source.

use std::ops::Range;

/// A text read from a source, with the way back.
#[derive(Clone, Default)]
pub(super) struct Traced {
    text: String,
    from: Vec<(u32, u32)>,
}

impl Traced {
    /// A text that is its own source.
    pub(super) fn plain(text: &str) -> Self {
        let mut traced = Self::default();
        traced.push_str(text, 0);
        traced
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Appends a character that was read from this range.
    pub(super) fn push(&mut self, c: char, from: Range<usize>) {
        self.text.push(c);
        let from = (from.start as u32, from.end as u32);
        self.from.resize(self.text.len(), from);
    }

    /// Appends a stretch of the source as it stands there.
    pub(super) fn push_str(&mut self, text: &str, at: usize) {
        for (offset, c) in text.char_indices() {
            let start = at + offset;
            self.push(c, start..start + c.len_utf8());
        }
    }

    /// Appends a part of another text of the same source.
    pub(super) fn append(&mut self, other: &Self, range: Range<usize>) {
        self.text.push_str(&other.text[range.clone()]);
        self.from.extend_from_slice(&other.from[range]);
    }

    /// What of the source a range of the text was read from: pieces in order, none empty, none touching the next.
    pub(super) fn sources(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut pieces: Vec<Range<usize>> = Vec::new();
        for (start, end) in self.from.get(range).into_iter().flatten() {
            let (start, end) = (*start as usize, *end as usize);
            match pieces.last_mut() {
                _ if start == end => {}
                Some(last) if start <= last.end && end >= last.start => {
                    last.end = last.end.max(end);
                }
                _ => pieces.push(start..end),
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_the_source_are_found_again() {
        let mut traced = Traced::plain("Zoë ");
        traced.push('&', 10..15);
        traced.push('\n', 15..15);
        traced.push_str("ab", 30);
        assert_eq!(traced.text(), "Zoë &\nab");
        assert_eq!(traced.sources(0..4), vec![0..4]);
        assert_eq!(
            traced.sources(2..traced.text().len()),
            vec![2..5, 10..15, 30..32]
        );
    }
}

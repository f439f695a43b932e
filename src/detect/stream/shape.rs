//! The punctuation in and around a name: what between two words lets them be one name, and what beside them speaks against it.
//!
//! # Invariants
//! Every look is bounded: by the gap between the words, or by [`BESIDE`] bytes.

use std::ops::Range;

use crate::detect::token::is_word_byte;
use crate::extract::View;

/// Signs with which people draw tables of their own, and file systems paths.
const DIVIDERS: &[u8] = b"|;:/=~\\";
/// Bytes beside a name that are looked at.
const BESIDE: usize = 32;
/// Bytes of a group in brackets or quotes.
const GROUP: usize = 40;

/// What opens a group in brackets or quotes.
pub(super) const OPENS: &[u8] = b"([\"'";

/// What stands between two words.
pub(super) struct Shape<'t> {
    pub(super) text: &'t [u8],
    pub(super) view: View,
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// A group in brackets or quotes in it, which does not count.
    pub(super) group: Option<Range<usize>>,
    pub(super) forename_first: bool,
    /// Labels stand in it.
    pub(super) labelled: bool,
    /// A closing bracket follows the second word.
    pub(super) bracketed: bool,
}

/// How two words are parted.
pub(super) struct Separated {
    /// A divider parts them, and no label says that they belong together.
    pub(super) divided: bool,
    /// The second is in brackets.
    pub(super) bracketed: bool,
}

impl Shape<'_> {
    /// Whether the line after this line's end stands apart from the line before: a list's next point, a table's next row.
    fn begins_another(&self, end: usize) -> bool {
        let after = &self.text[end + 1..(end + 1 + BESIDE).min(self.text.len())];
        let after = after.trim_ascii_start();
        let point = matches!(after, [b'-' | b'*' | b'+', b' ', ..]);
        let line = |bytes: &[u8]| bytes.contains(&b'\t');
        let before = &self.text[end.saturating_sub(BESIDE)..end];
        let before = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let after = after.split(|b| *b == b'\n').next().unwrap_or_default();
        point || line(before.trim_ascii_start()) || line(after)
    }

    /// Whether the words may be one name.
    pub(super) fn separators(&self) -> Option<Separated> {
        let text = self.text;
        let at = |at: usize| text.get(at).copied().unwrap_or(b' ');
        let (mut lines, mut cells, mut commas, mut dividers) = (0, 0, 0, 0);
        let mut bracketed = false;
        for index in self.range.clone() {
            if self
                .group
                .as_ref()
                .is_some_and(|group| group.contains(&index))
            {
                continue;
            }
            let (before, next) = (at(index.wrapping_sub(1)), at(index + 1));
            match text[index] {
                // The next point of a list, or the next row of a table.
                b'\n' if !self.labelled && self.begins_another(index) => return None,
                b'\n' => lines += 1,
                b'\t' => cells += 1,
                b',' if self.forename_first && next == b' ' && !self.labelled => return None,
                b',' => commas += 1,
                b'.' if next.is_ascii_whitespace()
                    && at(index.wrapping_sub(2)).is_ascii_alphabetic()
                    && before.is_ascii_alphabetic() =>
                {
                    return None;
                }
                b'-' if before == b' ' && next == b' ' && self.view != View::FileName => {
                    return None;
                }
                // A quote's mark stands at the line's beginning.
                b'>' if lines == 0 => return None,
                // "Forename(s)"
                b'(' | b')' if self.labelled => {}
                b'(' if self.bracketed && index + 1 == self.range.end => bracketed = true,
                byte if DIVIDERS.contains(&byte) => dividers += 1,
                b' ' | b'.' | b'-' | b'_' | b'\'' | b'"' | b'`' | b'*' | b'>' | b'+' | b'\r' => {}
                byte if byte.is_ascii_alphanumeric() || byte >= 0x80 => {}
                _ => return None,
            }
        }
        let divided = dividers > 0 && !self.labelled;
        let lines_allowed = match self.view {
            View::Table => 0,
            _ if self.labelled => 2,
            _ if divided || bracketed => 0,
            _ => usize::from(self.forename_first || commas > 0),
        };
        let fits = lines <= lines_allowed && commas <= 1 && (cells <= 1 || self.labelled);
        let one = !divided || (dividers == 1 && commas + cells == 0 && !bracketed);
        (fits && one).then_some(Separated { divided, bracketed })
    }
}

/// The first group in brackets or quotes in a range: "(Ollie)", "'Ollie'", its signs included.
pub(super) fn group(text: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let bytes = &text[range.clone()];
    let open = bytes.iter().position(|b| OPENS.contains(b))?;
    let (close, quote) = match bytes[open] {
        b'(' => (b')', false),
        b'[' => (b']', false),
        quote => (quote, true),
    };
    let inside = &bytes[open + 1..];
    let len = inside.iter().take(GROUP).position(|b| *b == close)?;
    let parted = |b: Option<&u8>| b.is_none_or(|b| !is_word_byte(*b));
    let outside = !quote
        || (parted(open.checked_sub(1).and_then(|at| bytes.get(at)))
            && parted(inside.get(len + 1))
            && open > 0
            && inside.get(len + 1).is_some());
    let plain = !inside[..len].iter().any(|b| b"\n\t".contains(b));
    (outside && plain && len > 0).then(|| range.start + open..range.start + open + len + 2)
}

/// The word next to a name on its line.
pub(super) struct Beside {
    /// Where the word is.
    pub(super) word: Range<usize>,
    /// A divider or a comma parts it from the name.
    pub(super) divided: bool,
}

impl Beside {
    /// The word after a place.
    pub(super) fn after(text: &[u8], from: usize) -> Option<Self> {
        let near = &text[from..(from + BESIDE).min(text.len())];
        let gap = near.iter().position(|b| is_word_byte(*b))?;
        let len = near[gap..].iter().take_while(|b| is_word_byte(**b)).count();
        Some(Self {
            word: from + gap..from + gap + len,
            divided: divided(&near[..gap])?,
        })
    }

    /// The word before a place.
    pub(super) fn before(text: &[u8], until: usize) -> Option<Self> {
        let near = &text[until.saturating_sub(BESIDE)..until];
        let end = near.iter().rposition(|b| is_word_byte(*b))? + 1;
        let len = near[..end]
            .iter()
            .rev()
            .take_while(|b| is_word_byte(**b))
            .count();
        let base = until - near.len();
        Some(Self {
            word: base + end - len..base + end,
            divided: divided(&near[end..])?,
        })
    }
}

/// Whether a divider stands between a name and the word beside it; none if that word is no neighbour.
fn divided(gap: &[u8]) -> Option<bool> {
    let signs: Vec<u8> = gap.iter().copied().filter(|b| *b != b' ').collect();
    match signs[..] {
        [] => Some(false),
        [sign] if sign == b',' || DIVIDERS.contains(&sign) => Some(true),
        _ => None,
    }
}

/// Whether what follows a word in s can be owned: a word in small letters that is no verb, or an abbreviation.
///
/// Otherwise the s belongs to the name: "Oliver Woods left", "Oliver Woods, aged 40".
pub(super) fn owns(after: &[u8]) -> bool {
    const NEVER_OWNED: &[&[u8]] = &[
        b"a", b"after", b"and", b"are", b"as", b"asked", b"at", b"because", b"before", b"but",
        b"by", b"called", b"came", b"can", b"could", b"did", b"does", b"for", b"from", b"gave",
        b"goes", b"got", b"had", b"has", b"have", b"he", b"if", b"in", b"into", b"is", b"joined",
        b"left", b"may", b"might", b"must", b"not", b"of", b"on", b"or", b"said", b"says", b"she",
        b"should", b"so", b"than", b"that", b"the", b"their", b"then", b"they", b"to", b"told",
        b"took", b"until", b"was", b"we", b"went", b"were", b"when", b"where", b"which", b"while",
        b"who", b"will", b"with", b"would", b"wrote", b"you", b"your",
    ];
    let Some(rest) = after.strip_prefix(b" ") else {
        return false;
    };
    let len = rest.iter().take_while(|b| is_word_byte(**b)).count();
    let word = &rest[..len];
    let small = word.iter().all(|b| !b.is_ascii_uppercase());
    let abbreviation = word.iter().all(u8::is_ascii_uppercase);
    len > 0 && (small || abbreviation) && !NEVER_OWNED.contains(&word)
}

//! What stands around a hit: sentence, row, window, keywords, dates, addresses.
//!
//! # Invariants
//! Every look around is bounded by [`WINDOW`], so the work for a hit does not grow with the text.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::detect::normalise::{Plain, is_ignorable};
use crate::detect::table::Table;
use crate::extract::{Unit, View};
use crate::roster::Date;

/// Bytes on each side within which evidence counts (Purview's and Google's default proximity is 300 characters).
pub const WINDOW: usize = 300;

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants and a test compiles them"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static POSTCODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)\b(?:[a-z]{1,2}[0-9][a-z0-9]? ?[0-9][abd-hjlnp-uw-z]{2}|GIR ?0AA)\b")
});
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)\b(?:[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2})|[0-9]{4}-[0-9]{2}-[0-9]{2}",
        r"|[0-9]{1,2} [0-9]{1,2} [0-9]{4}",
        r"|[0-9]{1,2}(?:st|nd|rd|th)?[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}(?:,? |-)(?:[0-9]{4}|[0-9]{2})",
        r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6} [0-9]{1,2}(?:st|nd|rd|th)?,? [0-9]{4})\b"
    ))
});
static BORN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)\b(?:d\.?o\.?b|born|birth|birthday|birthdate)\b"));
static CLASS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)\b(?:(?:year|yr)\.? ?(?:[1-9]|1[0-3])[a-z]?|y(?:[1-9]|1[0-3])|(?:form|class|tutor group|reg) ?:? ?[0-9]{1,2} ?[a-z]{1,3})\b",
    )
});

/// National numbers of ten or eleven digits, with 0, +44 or 0044 first, single spaces or hyphens between, the area in brackets or not.
static TELEPHONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?-u)(?:(?:(?:\+|\b00)44[ -]?(?:\(0\)[ -]?)?|\b0)[1-9](?:[ -]?[0-9]){8,9}",
        r"|\(0[1-9][0-9]{1,4}\) ?[0-9](?:[ -]?[0-9]){4,7})\b"
    ))
});
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?-u)\b[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}\b",
    )
});

fn places<'t>(regex: &'static Regex, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
    regex.find_iter(text).map(|found| found.range())
}

/// The dates in a text, with the day where it exists.
pub fn dates(text: &[u8]) -> impl Iterator<Item = (Range<usize>, Option<Date>)> + '_ {
    places(&DATE, text).map(|range| {
        let written = std::str::from_utf8(&text[range.clone()]).unwrap_or_default();
        (range, Date::parse(written))
    })
}

/// The postcodes in a text; letters of both cases make a word with digits in it, not a postcode.
pub fn postcodes(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    places(&POSTCODE, text).filter(|range| {
        let letters = || {
            text[range.clone()]
                .iter()
                .filter(|b| b.is_ascii_alphabetic())
        };
        letters().all(u8::is_ascii_uppercase) || letters().all(u8::is_ascii_lowercase)
    })
}

/// The telephone numbers of the United Kingdom in a text.
pub fn telephones(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    places(&TELEPHONE, text)
}

/// The e-mail addresses in a text.
pub fn addresses(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    places(&ADDRESS, text)
}

/// One unit in plain form with what is known of its shape.
#[derive(Debug)]
pub struct Scene<'u> {
    /// The unit.
    pub unit: &'u Unit,
    /// Its plain text.
    pub plain: Plain<'u>,
    /// Its table, if it is one.
    pub table: Option<Table>,
}

impl<'u> Scene<'u> {
    /// Looks at a unit.
    pub fn of(unit: &'u Unit) -> Self {
        let plain = Plain::of(&unit.text);
        let table = (unit.view == View::Table).then(|| Table::of(&plain.text));
        Self { unit, plain, table }
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        &self.plain.text
    }

    /// The text of a range as a reader sees it: white space collapsed, invisible characters left out.
    pub fn original(&self, range: Range<usize>) -> String {
        let words: Vec<&str> = self.plain.original_text(range).split_whitespace().collect();
        let mut text = words.join(" ");
        text.retain(|c| !is_ignorable(c));
        text
    }

    /// The window around a range; in a table, the row as far as the window reaches.
    pub fn window(&self, range: &Range<usize>, reach: usize) -> Range<usize> {
        let text = self.text().as_bytes();
        let mut start = range.start.saturating_sub(reach);
        let mut end = (range.end + reach).min(text.len());
        if self.table.is_some() {
            start = memchr::memrchr(b'\n', &text[start..range.start])
                .map_or(start, |at| start + at + 1);
            end = memchr::memchr(b'\n', &text[range.end..end]).map_or(end, |at| range.end + at);
        }
        start..end
    }

    /// The sentence or row around a range, as far as the window reaches.
    pub fn sentence(&self, range: &Range<usize>) -> Range<usize> {
        let window = self.window(range, WINDOW);
        if self.table.is_some() {
            return window;
        }
        let text = self.text().as_bytes();
        let ends = |at: usize| {
            let blank =
                text[at] == b'\n' && text.get(at + 1).is_some_and(|b| *b == b'\n' || *b == b'\r');
            let stop = matches!(text[at], b'.' | b'!' | b'?')
                && text.get(at + 1).is_some_and(u8::is_ascii_whitespace);
            blank || stop
        };
        let start = (window.start..range.start)
            .rev()
            .find(|at| ends(*at))
            .map_or(window.start, |at| at + 1);
        let end = (range.end..window.end)
            .find(|at| ends(*at))
            .unwrap_or(window.end);
        start..end
    }

    /// The bytes of a window.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.text().as_bytes()[range]
    }

    /// Whether a window holds the date of birth, or a date next to a word for birth.
    pub fn has_birth(&self, window: Range<usize>, is_born: impl Fn(Date) -> bool) -> bool {
        let bytes = self.bytes(window);
        let mut dates = DATE.find_iter(bytes).peekable();
        if dates.peek().is_none() {
            return false;
        }
        let same = |found: regex::bytes::Match<'_>| {
            let text = std::str::from_utf8(found.as_bytes()).unwrap_or_default();
            Date::parse(text).is_some_and(&is_born)
        };
        dates.any(same) || BORN.is_match(bytes)
    }

    /// Whether a window holds a postcode.
    pub fn has_postcode(&self, window: Range<usize>) -> bool {
        POSTCODE.is_match(self.bytes(window))
    }

    /// Whether a window names a year group or a class.
    pub fn has_class(&self, window: Range<usize>) -> bool {
        CLASS.is_match(self.bytes(window))
    }

    /// Whether the run of non-space characters around a range is an address of the web or of mail.
    pub fn is_in_link(&self, range: &Range<usize>) -> bool {
        let text = self.text().as_bytes();
        let low = range.start.saturating_sub(WINDOW);
        let high = (range.end + 80).min(text.len());
        let start = text[low..range.start]
            .iter()
            .rposition(u8::is_ascii_whitespace)
            .map_or(low, |at| low + at + 1);
        let end = text[range.end..high]
            .iter()
            .position(u8::is_ascii_whitespace)
            .map_or(high, |at| range.end + at);
        let run = &text[start..end];
        let holds = |needle: &[u8]| memchr::memmem::find(run, needle).is_some();
        holds(b"://") || holds(b"www.") || holds(b"@") || holds(b"cid:")
    }

    /// The header above a range, in a table.
    pub fn header(&self, range: &Range<usize>) -> Option<&str> {
        self.table.as_ref()?.header(self.text(), range.start)
    }
}

/// Whether letters and digits end before the `len` bytes at a place and begin again behind them.
pub fn is_word_at(text: &[u8], at: usize, len: usize) -> bool {
    let inner = |place: Option<&u8>| place.is_some_and(u8::is_ascii_alphanumeric);
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    !inner(before) && !inner(text.get(at + len))
}

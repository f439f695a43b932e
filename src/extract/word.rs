//! Word documents before 2007: `undoc` for structure, and an own walk over the piece table for what it leaves out.
//!
//! # Invariants
//! The own walk reads every story of the text (notes, headers, comments, text boxes) with its hidden and deleted words; lines that
//! `undoc` did not show are given in hidden view.
//!
//! # Standards
//! MS-DOC 2.4.1 (piece table), 2.5.1 (file information block), 2.8.35 (stories).
//!
//! # Known gaps
//! Pictures and drawings are not read; a text without styles (Word 6 and 95) is not parted into stories.

use crate::extract::binary::{Fields, u16_at, u32_at};
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::ole::Streams;
use crate::extract::{codepage, legacy, runs, sniff};

/// The stories in the order of the text, by the field of the FIB that counts their characters, and their names.
const STORIES: [(usize, &str); 8] = [
    (76, ""),
    (80, "footnotes"),
    (84, "headers and footers"),
    (88, "macros"),
    (92, "comments"),
    (96, "endnotes"),
    (100, "text boxes"),
    (104, "text boxes of headers"),
];
/// Pairs of offset and length in the FIB that hold names: bookmarks, titles, authors of comments, of changes, of saves.
const NAMES: [usize; 5] = [21, 32, 36, 51, 71];

/// Reads a document.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, streams: &Streams, bytes: &[u8]) {
    let before = gather.content.units.len();
    let parsed = legacy::attempt(|| undoc::doc::DocParser::from_bytes(bytes.to_vec())?.parse());
    if let Some(document) = &parsed {
        legacy::say(gather, location, document);
    }
    let stories = streams.get("WordDocument").and_then(|main| {
        let flags = u16_at(main, 10)?;
        let table = streams.get(if flags & 0x0200 == 0 {
            "0Table"
        } else {
            "1Table"
        });
        stories(main, table)
    });
    let shown = parsed.is_some() && gather.content.units.len() > before;
    match stories {
        Some((stories, whole)) => {
            if !whole {
                gather.unread(location, UnreadReason::Broken, sniff::DOC);
            }
            own(gather, location, stories, before, shown);
        }
        None if !shown => {
            gather.unread(location, UnreadReason::Broken, sniff::DOC);
            gather.unit(location, View::Hidden, runs::all(bytes));
        }
        None => {}
    }
    // A piece table that leads nowhere: the letters are still there.
    if gather.content.units.len() == before {
        let main = streams.get("WordDocument").unwrap_or_default();
        gather.unit(location, View::Hidden, runs::all(main));
    }
}

fn own(gather: &mut Gather<'_>, location: &Location, stories: Stories, before: usize, shown: bool) {
    for (name, text) in stories {
        let place = if name.is_empty() {
            location.clone()
        } else {
            location.at(name)
        };
        let (visible, codes) = plain(&text);
        gather.unit(&place, View::Hidden, codes);
        if shown {
            let said = gather.content.units[before..]
                .iter()
                .map(|unit| unit.text.as_str());
            let more = runs::unsaid(said, &visible);
            gather.unit(&place, View::Hidden, more);
        } else {
            let view = if matches!(name, "comments" | "names") {
                View::Hidden
            } else {
                View::Visible
            };
            gather.unit(&place, view, visible);
        }
    }
}

/// The text of each story with its name.
type Stories = Vec<(&'static str, String)>;

/// The stories, and whether they are all that the pieces say.
fn stories(main: &[u8], table: Option<&[u8]>) -> Option<(Stories, bool)> {
    /// `nFib` of Word 97, the first with a piece table in a stream of its own.
    const WORD_97: u16 = 0x00c1;
    if u16_at(main, 2)? < WORD_97 {
        let (from, to) = (u32_at(main, 24)? as usize, u32_at(main, 28)? as usize);
        let text = main.get(from..to.min(main.len()))?;
        let text = codepage::encoding(page(u16_at(main, 6)?))
            .decode_without_bom_handling(text)
            .0
            .into_owned();
        return Some((vec![("", text)], true));
    }
    let table = table?;
    let slice = |index: usize| {
        let at = u32_at(main, 154 + index * 8)? as usize;
        let size = u32_at(main, 158 + index * 8)? as usize;
        table.get(at..at.checked_add(size)?)
    };
    let (units, whole) = characters(main, slice(33)?)?;
    let mut found = Vec::new();
    let mut from = 0usize;
    for (field, name) in STORIES {
        let count = u32_at(main, field).unwrap_or(0) as usize;
        let to = from.saturating_add(count).min(units.len());
        found.push((name, String::from_utf16_lossy(&units[from..to])));
        from = to;
    }
    // A document whose counts are wrong still has its text.
    found.push(("rest", String::from_utf16_lossy(&units[from..])));
    let names: String = NAMES
        .iter()
        .filter_map(|index| slice(*index))
        .map(runs::wide)
        .collect();
    found.push(("names", names));
    Some((found, whole))
}

/// The code page of the language a document names: Word before 97 wrote letters in it.
fn page(language: u16) -> u32 {
    match language & 0x3ff {
        0x02 | 0x19 | 0x22 | 0x23 | 0x2f => 1251,
        0x05 | 0x0e | 0x15 | 0x18 | 0x1a | 0x1b | 0x1c | 0x24 => 1250,
        0x08 => 1253,
        0x1f => 1254,
        0x25..=0x27 => 1257,
        _ => 1252,
    }
}

/// All characters in the order of the text; and whether they are all, which pieces that share bytes are not.
fn characters(main: &[u8], clx: &[u8]) -> Option<(Vec<u16>, bool)> {
    let mut fields = Fields::of(clx);
    loop {
        match fields.byte()? {
            1 => {
                let size = usize::from(fields.u16()?);
                fields.skip(size)?;
            }
            2 => break,
            _ => return None,
        }
    }
    let size = fields.size()?;
    let pieces = fields.take(size.min(fields.rest().len()))?;
    let count = pieces.len().checked_sub(4)? / 12;
    // Pieces of one document share no bytes: there are no more characters than bytes.
    let most = main.len();
    let mut whole = true;
    let mut units: Vec<u16> = Vec::new();
    for piece in 0..count {
        let start = u32_at(pieces, piece * 4)? as usize;
        let end = u32_at(pieces, piece * 4 + 4)? as usize;
        let at = u32_at(pieces, (count + 1) * 4 + piece * 8 + 2)?;
        let left = most.saturating_sub(units.len());
        let length = end.saturating_sub(start).min(left);
        whole &= left > 0;
        if at & 0x4000_0000 == 0 {
            let from = (at as usize).min(main.len());
            let to = from.saturating_add(length * 2).min(main.len());
            units.extend(
                main[from..to]
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]])),
            );
        } else {
            let from = ((at & 0x3fff_ffff) as usize / 2).min(main.len());
            let to = from.saturating_add(length).min(main.len());
            units.extend(
                codepage::encoding(1252)
                    .decode_without_bom_handling(&main[from..to])
                    .0
                    .encode_utf16(),
            );
        }
    }
    Some((units, whole))
}

/// Text as people see it, and the instructions of its fields.
fn plain(text: &str) -> (String, String) {
    let (mut shown, mut codes) = (String::with_capacity(text.len()), String::new());
    // For each open field: its result has begun.
    let mut fields: Vec<bool> = Vec::new();
    for c in text.chars() {
        let in_code = fields.last() == Some(&false);
        let out = if in_code { &mut codes } else { &mut shown };
        match c {
            '\u{13}' => {
                if fields.len() < 64 {
                    fields.push(false);
                }
            }
            '\u{14}' => {
                if let Some(last) = fields.last_mut() {
                    *last = true;
                }
                codes.push('\n');
            }
            '\u{15}' => {
                fields.pop();
            }
            '\u{7}' => out.push('\t'),
            '\r' | '\u{b}' | '\u{c}' | '\u{e}' => {
                out.push('\n');
                // An instruction ends with its paragraph: a field that never ends hides nothing.
                if in_code {
                    shown.push('\n');
                    fields.clear();
                }
            }
            '\u{1e}' => out.push('-'),
            '\u{a0}' => out.push(' '),
            c if c.is_control() && c != '\t' || c == '\u{1f}' => {}
            c => out.push(c),
        }
    }
    (shown, codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_show_their_results() {
        let (shown, codes) =
            plain("a\u{13} MERGEFIELD Pupil \u{14}Amelia\u{15} b\rName\u{7}Kai\u{7}\u{7}");
        assert_eq!(shown, "aAmelia b\nName\tKai\t\t");
        assert_eq!(codes.trim(), "MERGEFIELD Pupil");
    }
}

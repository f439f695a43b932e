//! Statements that begin with a known word: which detector reads on from it, and what stands under it when it heads a column.
//!
//! # Invariants
//! The work for a word is bounded by the window around it, and the number of words that are looked at by the length of the text, so
//! that a text of nothing but labels costs no more than a few of any other. What is left out is said. A column is read under the
//! first [`COLUMNS`] such headers of a table only.

use std::ops::Range;

use crate::detect::catalogue::Check;
use crate::detect::engine::Checked;
use crate::detect::finding::Confidence;
use crate::detect::judge::{Draft, Judge};
use crate::detect::raw::{Raw, RawTerm};
use crate::detect::table::Table;
use crate::detect::vocabulary::TermKind;

/// Headers of one table under which values are read.
const COLUMNS: usize = 4;
/// Bytes of text for each word that is looked at, beyond the first [`FREE`].
const BYTES_PER_WORD: usize = 128;
const FREE: usize = 256;
/// Bytes behind a word of money or a unit within which another of its kind tells nothing new.
pub(super) const SAME: usize = 100;

impl<'j> Judge<'j> {
    /// Judges what begins with the words of the detectors that have words of their own. `false` when some were left out.
    pub(super) fn statements(&mut self, raw: &Raw) -> bool {
        let mut openers = raw
            .terms
            .iter()
            .enumerate()
            .filter(|(_, term)| term.term.kind == TermKind::Opener)
            .peekable();
        if openers.peek().is_none() {
            return true;
        }
        let mut room = self.room();
        let owners = self.owners();
        let mut until = vec![0; owners.len()];
        let mut columns = 0;
        let mut drafts = Vec::new();
        let mut complete = true;
        for (index, opener) in openers {
            let number = usize::from(opener.term.detector);
            let Some(checked) = owners.get(number).copied().flatten() else {
                continue;
            };
            if opener.range.start < until[number] {
                continue;
            }
            until[number] = opener.range.end;
            if room == 0 {
                complete = false;
                break;
            }
            room -= 1;
            // Finding the column costs a look at the headers before it.
            let heads = if columns < COLUMNS {
                self.heads_column(&opener.range)
            } else {
                None
            };
            if let Some(column) = heads {
                columns += 1;
                self.under(checked, column, raw, &mut drafts);
            }
            let (draft, end) = self.statement(checked, raw, index, opener);
            until[number] = until[number].max(end);
            drafts.extend(draft);
        }
        for draft in drafts {
            self.push(draft);
        }
        complete
    }

    /// How many words of a detector are looked at.
    pub(super) fn room(&self) -> usize {
        FREE + self.scene.text().len() / BYTES_PER_WORD
    }

    /// The checked detector behind each detector of the vocabulary.
    fn owners(&self) -> Vec<Option<&'j Checked>> {
        let engine = self.engine;
        let known = engine.indexes.vocabulary.detectors.iter();
        known
            .map(|owner| {
                let mut checked = engine.checked.iter();
                checked.find(|checked| checked.id == owner.id && owner.check.has_words())
            })
            .collect()
    }

    /// What one word begins, and the offset up to which it has spoken for its detector.
    fn statement(
        &self,
        checked: &'j Checked,
        raw: &Raw,
        index: usize,
        opener: &RawTerm,
    ) -> (Option<Draft<'j>>, usize) {
        match checked.detector.check {
            Check::Credential => {
                let draft = self.credential(checked, &opener.range);
                let end = draft.as_ref().map_or(0, |draft| draft.range.end);
                (draft, end)
            }
            Check::Marking => (self.marking(checked, &opener.range), 0),
            Check::CtfFile => (self.ctf_file(checked, &opener.range), 0),
            Check::Money => self.money(checked, raw, &opener.range),
            Check::Dose => self.dose(checked, raw, index),
            _ => (None, 0),
        }
    }

    /// The column that a word heads, in a table.
    fn heads_column(&self, range: &Range<usize>) -> Option<usize> {
        let table = self.scene.table.as_ref()?;
        if range.end > table.body || table.body >= self.scene.text().len() {
            return None;
        }
        let before = self.scene.bytes(0..range.start);
        Some(memchr::memchr_iter(b'\t', before).count())
    }

    /// The filled cells of a column as findings.
    fn under(&self, checked: &'j Checked, column: usize, raw: &Raw, drafts: &mut Vec<Draft<'j>>) {
        let Some(table) = &self.scene.table else {
            return;
        };
        let text = self.scene.text();
        let mut start = table.body;
        for line in text[table.body..].split('\n') {
            let row = start..start + line.len();
            start = row.end + 1;
            let cell = Table::cells(text, row.clone()).nth(column);
            let filled = cell.filter(|cell| Table::is_filled(&text[cell.clone()]));
            drafts.extend(filled.and_then(|cell| match checked.detector.check {
                Check::Credential => self.credential_cell(checked, cell),
                Check::Money => self.money_cell(checked, raw, cell, row),
                _ => None,
            }));
        }
    }

    /// A finding of a statement.
    pub(super) fn said(
        checked: &'j Checked,
        range: Range<usize>,
        confidence: Confidence,
        reason: &str,
        value: &[u8],
    ) -> Draft<'j> {
        Draft {
            detector: &checked.id,
            category: checked.detector.category,
            confidence,
            range,
            person: None,
            value: value.to_ascii_lowercase(),
            reasons: vec![reason.to_owned()],
            obfuscated: false,
        }
    }

    /// Text behind an offset, at most so many bytes.
    pub(super) fn after(&self, at: usize, reach: usize) -> &str {
        let text = self.scene.text();
        let end = text.floor_char_boundary(at.saturating_add(reach).min(text.len()));
        text.get(at..end).unwrap_or_default()
    }

    /// Text before an offset, at most so many bytes.
    pub(super) fn before(&self, at: usize, reach: usize) -> &str {
        let text = self.scene.text();
        let start = text.ceil_char_boundary(at.saturating_sub(reach));
        text.get(start..at).unwrap_or_default()
    }
}

//! Terms in one unit: which of them are about a pupil.
//!
//! # Invariants
//! A term that belongs to a word like "policy" or "training" is a topic. In a table only the row counts, never the distance.

use std::cell::OnceCell;
use std::ops::Range;

use crate::detect::context::WINDOW;
use crate::detect::finding::{Category, Confidence};
use crate::detect::judge::ties::lowered;
use crate::detect::judge::{Anchor, Draft, Judge};
use crate::detect::passages::{PARAGRAPH, Passages};
use crate::detect::raw::{Raw, RawTerm};
use crate::detect::table::Table;
use crate::detect::vocabulary::TermKind;
use crate::extract::View;

/// Bytes around a term within which a word like "policy" or "training" belongs to it.
const PHRASE: usize = 14;

impl<'j> Judge<'j> {
    pub(super) fn terms(&mut self, raw: &Raw) {
        let mut until = 0;
        let mut drafts = Vec::new();
        let nobody = self.about.is_empty() && self.anchors.is_empty();
        if nobody || raw.terms.is_empty() {
            return;
        }
        // Reading the shape of a text costs a pass over it; most texts have no term near a pupil.
        let shape = OnceCell::new();
        for (index, term) in raw.terms.iter().enumerate() {
            let owned = matches!(
                term.term.kind,
                TermKind::Strong | TermKind::Weak | TermKind::Hint | TermKind::Code
            );
            if !owned || term.range.start < until {
                continue;
            }
            if let Some(draft) = self.term(&raw.terms, index, term, &shape) {
                until = term.range.end;
                drafts.push(draft);
            }
        }
        for draft in drafts {
            self.push(draft);
        }
    }

    fn term(
        &self,
        terms: &[RawTerm],
        index: usize,
        term: &RawTerm,
        shape: &OnceCell<Passages<'j>>,
    ) -> Option<Draft<'j>> {
        let engine = self.engine;
        let owner = engine
            .indexes
            .vocabulary
            .detectors
            .get(usize::from(term.term.detector))?;
        let wide = self.scene.window(&term.range, PARAGRAPH);
        if self.about.is_empty() && self.nearest(&term.range, &wide).is_none() {
            return None;
        }
        let prose = self.scene.table.is_none();
        let passages = prose.then(|| shape.get_or_init(|| Passages::of(&self.scene.plain)));
        let wide = self.scene.sentence(&term.range);
        let sentence = passages.map_or_else(|| wide.clone(), |p| p.sentence(&term.range));
        let around = |kind: TermKind, range: &Range<usize>| {
            let from = index
                - terms[..index]
                    .iter()
                    .rev()
                    .take(40)
                    .take_while(|other| other.range.end > range.start)
                    .count();
            terms[from..]
                .iter()
                .take(80)
                .take_while(|other| other.range.start < range.end)
                .any(|other| {
                    other.term.kind == kind
                        && !(kind == TermKind::Negative
                            && self.is_said_of_one(other, term, passages))
                })
        };
        let strong = match term.term.kind {
            TermKind::Strong => true,
            TermKind::Code => {
                let header = self
                    .scene
                    .header(&term.range)
                    .is_some_and(|header| owner.headers.iter().any(|known| known == header));
                let near = self.scene.window(&term.range, 40);
                if !header && !around(TermKind::CodeContext, &near) {
                    return None;
                }
                true
            }
            TermKind::Hint if !self.has_company(terms, index, &wide) => return None,
            _ => false,
        };
        let phrase = self.scene.window(&term.range, PHRASE);
        let phrase = phrase.start.max(sentence.start)..phrase.end.min(sentence.end);
        if around(TermKind::Negative, &phrase) || self.scene.is_in_link(&term.range) {
            return None;
        }
        let (person, mut confidence, reason) =
            self.subject_of(&term.range, strong, &sentence, passages)?;
        if around(TermKind::Negative, &sentence) {
            confidence = lowered(confidence)?;
        }
        let value = self.scene.bytes(term.range.clone()).to_ascii_lowercase();
        Some(Draft {
            detector: &owner.id,
            category: owner.category,
            confidence,
            range: term.range.clone(),
            person,
            value,
            reasons: vec![reason.to_owned()],
            obfuscated: false,
        })
    }

    /// "Talk about his epilepsy", "guidance for Oliver's epilepsy": no topic, as one person stands between.
    fn is_said_of_one(
        &self,
        topic: &RawTerm,
        term: &RawTerm,
        passages: Option<&Passages<'_>>,
    ) -> bool {
        const REACH: usize = 40;
        let between = topic.range.end..term.range.start;
        if between.is_empty() || between.len() > REACH || term.term.kind == TermKind::Hint {
            return false;
        }
        let whose = |anchor: &Anchor| self.after(anchor.range.end, 3).starts_with("'s ");
        passages.is_some_and(|passages| passages.signs.names_one(&between))
            || self.nearest(&term.range, &between).is_some_and(whose)
    }

    /// Whether an everyday word stands in one sentence with a pupil and with another term.
    fn has_company(&self, terms: &[RawTerm], index: usize, sentence: &Range<usize>) -> bool {
        let term = &terms[index];
        let text = |other: &RawTerm| self.scene.bytes(other.range.clone()).to_ascii_lowercase();
        let own = text(term);
        self.nearest(&term.range, sentence).is_some()
            && terms[index.saturating_sub(20)..]
                .iter()
                .take(40)
                .any(|other| {
                    let says = matches!(
                        other.term.kind,
                        TermKind::Strong | TermKind::Weak | TermKind::Hint
                    );
                    let inside =
                        other.range.start >= sentence.start && other.range.end <= sentence.end;
                    let apart =
                        other.range.end <= term.range.start || other.range.start >= term.range.end;
                    says && inside && apart && text(other) != own
                })
    }

    /// Filled cells under a header that announces such data, in rows with a pupil.
    pub(super) fn columns(&mut self, raw: &Raw) {
        let Some(table) = &self.scene.table else {
            return;
        };
        let detectors = &self.engine.indexes.vocabulary.detectors;
        let wanted: Vec<(usize, usize)> = table
            .headers
            .iter()
            .enumerate()
            .filter_map(|(column, header)| {
                let owner = detectors
                    .iter()
                    .position(|owner| owner.headers.contains(header))?;
                Some((column, owner))
            })
            .collect();
        if wanted.is_empty() {
            return;
        }
        let text = self.scene.text();
        let mut drafts: Vec<Draft<'j>> = Vec::new();
        let mut last_row = 0..0;
        for anchor in self
            .anchors
            .iter()
            .filter(|anchor| anchor.range.start >= table.body)
        {
            // Finding a row costs its length.
            if last_row.contains(&anchor.range.start) {
                continue;
            }
            let row = Table::row(text, anchor.range.start);
            last_row = row.clone();
            let cells: Vec<Range<usize>> = Table::cells(text, row).collect();
            for (column, owner) in &wanted {
                let Some(cell) = cells
                    .get(*column)
                    .filter(|cell| Table::is_filled(&text[(*cell).clone()]))
                else {
                    continue;
                };
                let from = raw
                    .terms
                    .partition_point(|term| term.range.start < cell.start);
                let told = raw.terms[from..].iter().take(8).any(|term| {
                    term.range.end <= cell.end
                        && matches!(
                            term.term.kind,
                            TermKind::Strong | TermKind::Weak | TermKind::Hint | TermKind::Code
                        )
                });
                if told || text[cell.clone()].trim().len() > WINDOW {
                    continue;
                }
                let owner = &detectors[*owner];
                drafts.push(Draft {
                    detector: &owner.id,
                    category: owner.category,
                    confidence: if anchor.weak {
                        Confidence::Medium
                    } else {
                        Confidence::High
                    },
                    range: cell.clone(),
                    person: anchor.person,
                    value: text[cell.clone()].trim().to_ascii_lowercase().into_bytes(),
                    reasons: vec!["a filled cell under such a header, in a pupil's row".to_owned()],
                    obfuscated: false,
                });
            }
        }
        let raise: Vec<(usize, usize)> = wanted;
        for draft in drafts {
            self.push(draft);
        }
        self.raise_in_columns(&raise);
    }

    /// A term in a column of its kind is certain.
    fn raise_in_columns(&mut self, wanted: &[(usize, usize)]) {
        if wanted.is_empty() || self.scene.unit.view != View::Table {
            return;
        }
        let scene = self.scene;
        for (at, finding) in &mut self.found {
            if finding.category != Category::Medical || finding.confidence == Confidence::High {
                continue;
            }
            let column = scene.header(&(at.start..at.start));
            let headers = wanted
                .iter()
                .flat_map(|(_, owner)| &self.engine.indexes.vocabulary.detectors[*owner].headers);
            if column.is_some_and(|column| headers.into_iter().any(|known| known == column)) {
                finding.confidence = finding.confidence.raised();
                finding.reasons.push("in a column for it".to_owned());
            }
        }
    }
}

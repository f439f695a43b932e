//! Joining the raw hits of one unit to findings: which count, how sure, about whom.
//!
//! # Invariants
//! No finding of a term without a person or a pupil's identifier. Reasons never hold a value.

mod births;
mod cells;
mod correspondents;
mod credential;
mod details;
mod dialled;
mod dose;
mod line;
mod marking;
mod marks;
mod money;
mod names;
mod numbers;
mod ordinary;
mod phrases;
mod readings;
mod spans;
mod statements;
mod terms;
mod ties;
mod words;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use crate::detect::context::Scene;
use crate::detect::engine::{Engine, ScanContext};
use crate::detect::finding::{Category, Confidence, Finding, Findings, PersonId, Secret, ValueKey};
use crate::detect::mask;
use crate::detect::raw::{Raw, RawName};
use crate::extract::View;

pub(super) use phrases::weigh as weigh_phrases;

/// A place in the text that stands for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The pupil; none for an identifier that is not on the roster.
    pub person: Option<PersonId>,
    /// Hash of the forename, when it was found by name.
    pub forename: Option<u64>,
    /// Where, in plain offsets of its own unit.
    pub range: Range<usize>,
    /// The finding it comes from is of low confidence.
    pub weak: bool,
}

/// What a finding is made of.
pub struct Draft<'d> {
    /// The detector's id.
    pub detector: &'d Arc<str>,
    /// The category.
    pub category: Category,
    /// How sure, before disguise.
    pub confidence: Confidence,
    /// Where.
    pub range: Range<usize>,
    /// Whom.
    pub person: Option<PersonId>,
    /// The value as it is counted.
    pub value: Vec<u8>,
    /// The evidence.
    pub reasons: Vec<String>,
    /// Undoing a disguise made the match, beyond what the plain text knows.
    pub obfuscated: bool,
}

/// The judgement of one unit.
pub struct Judge<'j> {
    engine: &'j Engine,
    scene: &'j Scene<'j>,
    context: &'j ScanContext,
    participants: &'j HashSet<usize>,
    about: Vec<Anchor>,
    anchors: Vec<Anchor>,
    ids: Vec<Range<usize>>,
    /// Findings with their plain offsets.
    pub found: Vec<(Range<usize>, Finding)>,
    /// The names among them as they were read.
    named: Vec<(RawName, Option<PersonId>)>,
}

impl<'j> Judge<'j> {
    /// Prepares the judgement; `about` are the people the unit is about before its text is read.
    pub(super) fn new(
        engine: &'j Engine,
        scene: &'j Scene<'j>,
        context: &'j ScanContext,
        participants: &'j HashSet<usize>,
        about: Vec<Anchor>,
    ) -> Self {
        Self {
            engine,
            scene,
            context,
            participants,
            about,
            anchors: Vec::new(),
            ids: Vec::new(),
            found: Vec::new(),
            named: Vec::new(),
        }
    }

    /// Judges the raw hits.
    pub fn judge(&mut self, raw: &mut Raw) {
        raw.terms
            .sort_by_key(|term| (term.range.start, std::cmp::Reverse(term.range.end)));
        self.names_in_cells(raw);
        self.note_ids(raw);
        raw.names.retain(|name| !self.joins_entries(name));
        let names = names::best_of_overlapping(&mut raw.names, self.engine);
        self.names(&names, raw);
        self.details();
        self.births();
        self.mentions(raw);
        self.anchors.sort_by_key(|anchor| anchor.range.start);
        self.numbers(raw);
        self.anchors.sort_by_key(|anchor| anchor.range.start);
        self.terms(raw);
        self.columns(raw);
        raw.cut |= !self.statements(raw);
        raw.cut |= !self.words(raw);
        raw.cut |= !self.phrases(raw);
    }

    /// The places that stand for people.
    pub fn anchors(&self) -> Vec<Anchor> {
        self.anchors.clone()
    }

    /// The findings in the order of the text, at most `room`.
    pub fn finish(mut self, room: usize) -> Findings {
        let unfinished = self.order(room);
        self.ordered(room, unfinished)
    }

    /// The first `room` of the findings, which are in order.
    fn ordered(self, room: usize, unfinished: bool) -> Findings {
        let list = self
            .found
            .into_iter()
            .take(room)
            .map(|(_, finding)| finding)
            .collect();
        Findings {
            list,
            unfinished,
            ..Findings::default()
        }
    }

    /// Puts the findings in the order of the text and says the rows of the first `room`; whether there are more.
    fn order(&mut self, room: usize) -> bool {
        self.found
            .sort_by_key(|(at, finding)| (at.start, finding.category));
        self.rows(room);
        self.found.len() > room
    }

    /// Says the row of each finding of a table, in one pass over the text.
    fn rows(&mut self, room: usize) {
        if self.scene.unit.view != View::Table {
            return;
        }
        let text = self.scene.plain.text.as_bytes();
        let (mut line, mut counted) = (0usize, 0usize);
        for (at, finding) in self.found.iter_mut().take(room) {
            let to = at.start.clamp(counted, text.len());
            line += memchr::memchr_iter(b'\n', &text[counted..to]).count();
            counted = to;
            finding.location = finding.location.row(line);
        }
    }

    pub(super) fn push(&mut self, draft: Draft<'_>) {
        let text = self.scene.original(draft.range.clone());
        self.push_text(draft, text);
    }

    pub(super) fn push_text(&mut self, mut draft: Draft<'_>, text: String) {
        let obfuscated = draft.obfuscated || self.scene.plain.is_disguised(&draft.range);
        let mut confidence = draft.confidence;
        if obfuscated {
            confidence = confidence.raised();
            draft.reasons.push("written in disguise".to_owned());
        }
        let key = self
            .engine
            .indexes
            .keys
            .value(draft.category.name(), &draft.value);
        let finding = Finding {
            category: draft.category,
            detector: draft.detector.clone(),
            confidence,
            location: self.scene.unit.location.clone(),
            view: self.scene.unit.view,
            person: draft.person,
            value: ValueKey(key),
            masked: match draft.category {
                Category::Medical
                    if text.bytes().any(|b| b.is_ascii_digit()) && text.len() >= 10 =>
                {
                    mask::number(&text)
                }
                category => mask::value(category, &text),
            },
            text: Secret::new(text),
            reasons: draft.reasons,
            obfuscated,
        };
        self.found.push((draft.range, finding));
    }

    /// The surest place nearby that stands for a pupil; in a table within the row.
    pub(super) fn pupil_near(&self, range: &Range<usize>, reach: usize) -> Option<&Anchor> {
        let window = self.scene.window(range, reach);
        self.nearest(range, &window).filter(|anchor| !anchor.weak)
    }

    /// The anchor nearest to a range within a window.
    fn nearest(&self, range: &Range<usize>, window: &Range<usize>) -> Option<&Anchor> {
        let after = self
            .anchors
            .partition_point(|anchor| anchor.range.start < range.start);
        let fits =
            |anchor: &&Anchor| anchor.range.start < window.end && anchor.range.end > window.start;
        let gap = |anchor: &Anchor| {
            if anchor.range.start >= range.end {
                anchor.range.start - range.end
            } else {
                range.start.saturating_sub(anchor.range.end)
            }
        };
        // A few on each side: a half name before the whole one must not hide it.
        let before = self.anchors[after.saturating_sub(4)..after]
            .iter()
            .filter(fits);
        let behind = self.anchors[after..].iter().take(4).filter(fits);
        before
            .chain(behind)
            .min_by_key(|anchor| (anchor.weak, gap(anchor)))
    }
}

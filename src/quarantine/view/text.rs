//! The text of a message cut into plain and marked runs, with the findings where they stand.
//!
//! # Invariants
//! The runs of a part, put together, are its text from the front: nothing is left out between them. Runs do not overlap: of findings in one place
//! the one that begins first is marked, of those the longest, of those the surest; the others are named beside it. Characters that turn the
//! direction of text, and control characters, are shown as U+FFFD, so that nothing reads as something else.

use std::ops::Range;
use std::sync::Arc;

use crate::detect::{Category, Confidence, Finding, Findings, Mark, Secret};
use crate::extract::{Content, Location, Place, Unit, View};

use super::{AttachmentView, MESSAGE_BYTES, PART_BYTES, PARTS};

/// Findings named beside the one that is marked.
const ALSO: usize = 8;

/// How a reader of the message meets a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Shown as running text.
    Shown,
    /// Present but not shown by mail programs.
    Hidden,
    /// A table: rows of cells.
    Table,
    /// The name of a file.
    FileName,
    /// Properties of a document or of the message.
    Properties,
}

impl From<View> for Origin {
    fn from(view: View) -> Self {
        match view {
            View::Visible => Self::Shown,
            View::Hidden => Self::Hidden,
            View::Table => Self::Table,
            View::FileName => Self::FileName,
            View::Properties => Self::Properties,
        }
    }
}

/// Whether the reader may see what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As it stands. The caller has logged that somebody asked for it.
    Revealed,
    /// With the masked evidence in the place of what was found.
    Masked,
}

/// The finding that a run of text is marked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingMark {
    /// Its number among the findings of the message, from 1.
    pub number: usize,
    /// What kind of data.
    pub category: Category,
    /// The detector's id.
    pub detector: Arc<str>,
    /// How sure.
    pub confidence: Confidence,
    /// What stands here, masked.
    pub masked: String,
    /// Numbers of other findings in the same place, at most eight.
    pub also: Vec<usize>,
}

/// A run of text, marked or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The text.
    pub text: Secret,
    /// What was found in it.
    pub finding: Option<FindingMark>,
}

impl Run {
    /// What a reader sees of it.
    pub fn read(&self, reading: Reading) -> &str {
        match (&self.finding, reading) {
            (Some(mark), Reading::Masked) => &mark.masked,
            _ => self.text.reveal(),
        }
    }
}

/// A cell of a table: runs without tabs and line ends.
pub type Cell = Vec<Run>;

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number as findings have it (`Sheet2!row 14`).
    pub place: String,
    /// Its cells.
    pub cells: Vec<Cell>,
}

/// The text of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartView {
    /// Where it stands.
    pub location: Location,
    /// Where, in the words of findings (`attachment:list.xlsx (Sheet2)`). File names in it may name a person: where evidence is masked, say the
    /// attachment's number instead.
    pub place: String,
    /// The number of the attachment it stands in.
    pub attachment: Option<usize>,
    /// How a reader of the message meets it.
    pub origin: Origin,
    /// The text.
    pub runs: Vec<Run>,
    /// Findings that stand behind what is shown.
    pub beyond: usize,
    /// There is more text than is shown.
    pub cut: bool,
}

impl PartView {
    /// The rows, if it is a table.
    pub fn rows(&self) -> Option<Vec<Row>> {
        if self.origin != Origin::Table {
            return None;
        }
        let mut rows = vec![vec![Cell::new()]];
        for run in &self.runs {
            split(run, &mut rows);
        }
        let row = |(line, cells)| {
            let detail = self.location.row(line).detail;
            Row {
                place: detail.unwrap_or_default(),
                cells,
            }
        };
        Some(rows.into_iter().enumerate().map(row).collect())
    }
}

/// Adds a run to a table, a new cell behind each tab and a new row behind each line end. Of a marked run that spans cells the evidence stands
/// in the first.
fn split(run: &Run, rows: &mut Vec<Vec<Cell>>) {
    let mut mark = run.finding.clone();
    for (line, text) in run.text.reveal().split('\n').enumerate() {
        if line > 0 {
            rows.push(vec![Cell::new()]);
        }
        let Some(row) = rows.last_mut() else { return };
        for (column, text) in text.split('\t').enumerate() {
            if column > 0 {
                row.push(Cell::new());
            }
            if text.is_empty() {
                continue;
            }
            if let Some(cell) = row.last_mut() {
                cell.push(Run {
                    text: Secret::new(text),
                    finding: mark.clone(),
                });
            }
            if let Some(mark) = &mut mark {
                mark.masked = String::from("\u{2022}");
            }
        }
    }
}

/// Texts within the limits.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) parts: Vec<PartView>,
    pub(super) cut: bool,
}

/// The texts of a message; `marks` are by unit.
pub(super) fn parts(
    content: &Content,
    findings: &Findings,
    marks: Vec<Vec<Mark>>,
    attachments: &[AttachmentView],
) -> Shown {
    let mut shown = Shown::default();
    let mut left = MESSAGE_BYTES;
    for (unit, marks) in content.units.iter().zip(marks) {
        if unit.text.trim().is_empty() {
            continue;
        }
        if shown.parts.len() == PARTS || left == 0 {
            shown.cut = true;
            break;
        }
        let part = part(unit, findings, marks, attachments, left.min(PART_BYTES));
        let used: usize = part.runs.iter().map(|run| run.text.reveal().len()).sum();
        left = left.saturating_sub(used);
        shown.cut |= part.cut;
        shown.parts.push(part);
    }
    shown
}

fn part(
    unit: &Unit,
    findings: &Findings,
    marks: Vec<Mark>,
    attachments: &[AttachmentView],
    most: usize,
) -> PartView {
    let (runs, beyond) = runs(&unit.text, &findings.list, marks, most);
    let inside = |attachment: &&AttachmentView| attachment.holds(&unit.location.place);
    PartView {
        place: shown(&unit.location.to_string()),
        attachment: attachments.iter().find(inside).map(|one| one.number),
        location: unit.location.clone(),
        origin: unit.view.into(),
        cut: unit.text.len() > most,
        runs,
        beyond,
    }
}

/// A text cut into runs, and how many findings stand behind its first `most` bytes. A marked run is never cut in two.
pub(super) fn runs(
    text: &str,
    findings: &[Finding],
    mut marks: Vec<Mark>,
    most: usize,
) -> (Vec<Run>, usize) {
    let sure = |mark: &Mark| findings.get(mark.finding).map(|finding| finding.confidence);
    marks.sort_by(|a, b| {
        let key = |mark: &Mark| (mark.range.start, std::cmp::Reverse(mark.range.end));
        key(a).cmp(&key(b)).then_with(|| sure(b).cmp(&sure(a)))
    });
    let end = text.floor_char_boundary(most);
    let mut cutter = Cutter {
        text,
        at: 0,
        runs: Vec::new(),
    };
    let mut stop = end;
    let mut beyond = std::collections::BTreeSet::new();
    for mark in marks {
        let Some(finding) = findings.get(mark.finding) else {
            continue;
        };
        if mark.range.end > stop {
            // Half of a value is neither masked nor shown.
            stop = stop.min(mark.range.start.max(cutter.at));
            beyond.insert(mark.finding);
            continue;
        }
        cutter.mark(&mark, finding);
    }
    let at = cutter.at;
    cutter.plain(at.max(stop));
    (cutter.runs, beyond.len())
}

/// Cuts a text into runs from its front.
struct Cutter<'t> {
    text: &'t str,
    at: usize,
    runs: Vec<Run>,
}

impl Cutter<'_> {
    fn plain(&mut self, to: usize) {
        self.push(self.at..to, None);
    }

    fn mark(&mut self, mark: &Mark, finding: &Finding) {
        let number = mark.finding + 1;
        if mark.range.end <= self.at {
            if let Some(over) = self.runs.last_mut().and_then(|run| run.finding.as_mut())
                && over.number != number
                && over.also.len() < ALSO
                && !over.also.contains(&number)
            {
                over.also.push(number);
            }
            return;
        }
        if mark.range.start > self.at {
            self.plain(mark.range.start);
        }
        self.push(
            self.at..mark.range.end,
            Some(FindingMark {
                number,
                category: finding.category,
                detector: Arc::clone(&finding.detector),
                confidence: finding.confidence,
                masked: mark.masked.clone(),
                also: Vec::new(),
            }),
        );
    }

    fn push(&mut self, range: Range<usize>, finding: Option<FindingMark>) {
        let Some(text) = self.text.get(range.clone()) else {
            return;
        };
        self.at = range.end;
        if !text.is_empty() {
            self.runs.push(Run {
                text: Secret::new(shown(text)),
                finding,
            });
        }
    }
}

/// A text without what would make it read as another: controls other than tab and line end, and turns of direction (UAX #9).
pub(super) fn shown(text: &str) -> String {
    let odd = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.replace("\r\n", "\n").replace(odd, "\u{FFFD}")
}

/// The names of files that lead to a place.
pub(super) fn names(place: &Place) -> &[String] {
    match place {
        Place::Attachment(names) => names,
        Place::Subject | Place::Header | Place::Body => &[],
    }
}

//! The register of near misses: what would have left the trust and did not.
//!
//! # Invariants
//! A reference leads to a message for whoever may open it; nothing of what it says is here. What was released was no near miss; what waits
//! may yet be one and is counted beside.

use std::collections::BTreeMap;

use super::counted::{Scope, Sources};
use super::model::{Cell, Column, KeyFigure, Report, Section, Table};
use super::words::{about, category_title, outcome_title, severity_title};
use crate::policy::Severity;
use crate::store::{Figure, FigureOutcome};

/// Lines of the register; the gravest and latest stay.
pub const LINES: usize = 1_000;

/// Whether a message was about to leave and did not: refused at once, or held and then refused.
pub fn is_near_miss(outcome: FigureOutcome) -> bool {
    matches!(outcome, FigureOutcome::TurnedAway | FigureOutcome::Refused)
}

/// The register of a scope.
pub fn near_misses(sources: Sources<'_>, scope: &Scope) -> Report {
    let mut missed: Vec<&Figure> = Vec::new();
    let mut waiting = 0;
    for figure in sources.of(scope) {
        if is_near_miss(figure.outcome) {
            missed.push(figure);
        }
        waiting += u64::from(figure.outcome == FigureOutcome::Waiting);
    }
    missed.sort_by_key(|figure| std::cmp::Reverse((figure.severity, figure.at, figure.id)));
    Report {
        kind: "near-misses",
        title: "Register of near misses".to_owned(),
        about: about(sources, scope),
        sections: vec![
            at_a_glance(&missed, waiting),
            by_kind(&missed, sources),
            register(sources, &missed),
        ],
    }
}

fn at_a_glance(missed: &[&Figure], waiting: u64) -> Section {
    let by = |severity: Severity| {
        let of = missed.iter().filter(|f| f.severity == Some(severity));
        Cell::Count(of.count() as u64)
    };
    let most = missed.iter().map(|figure| figure.people).max().unwrap_or(0);
    Section::new("At a glance")
        .say(
            "A near miss is a message with personal data, or against the policy, that would have left the trust and did not: it was refused \
             at once, or held and refused by a reviewer.",
        )
        .with(vec![
            KeyFigure::new("Near misses", Cell::Count(missed.len() as u64), "in this period"),
            KeyFigure::new("Criminal", by(Severity::Criminal), "severity of the gravest rule"),
            KeyFigure::new("High", by(Severity::High), "severity of the gravest rule"),
            KeyFigure::new(
                "Most people in one message",
                Cell::Count(u64::from(most)),
                "that the data found was about",
            ),
            KeyFigure::new("Waiting", Cell::Count(waiting), "held and not decided: not counted yet"),
        ])
}

fn by_kind(missed: &[&Figure], sources: Sources<'_>) -> Section {
    let mut kinds: BTreeMap<&'static str, [u64; 5]> = BTreeMap::new();
    for figure in missed {
        let place = match figure.severity {
            None => 4,
            Some(Severity::Criminal) => 0,
            Some(Severity::High) => 1,
            Some(Severity::Medium) => 2,
            Some(Severity::Low) => 3,
        };
        for category in sources.figures.categories(figure) {
            let counts = kinds.entry(category_title(*category)).or_default();
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
    }
    let rows = kinds.into_iter().map(|(kind, counts)| {
        let mut row = vec![Cell::text(kind)];
        row.extend(counts.map(Cell::Count));
        row.push(Cell::Count(counts.iter().sum()));
        row
    });
    let mut columns = vec![Column::words("Kind of data", 5)];
    let numbers = ["Criminal", "High", "Medium", "Low", "Not recorded", "All"];
    columns.extend(numbers.map(Column::number));
    Section::new("What would have left").with(Table {
        caption: "Near misses by kind of data and severity".to_owned(),
        columns,
        rows: rows.collect(),
    })
}

fn register(sources: Sources<'_>, missed: &[&Figure]) -> Section {
    let shown = missed.iter().take(LINES);
    let rows = shown.map(|figure| message_row(sources, figure));
    let section = Section::new("The register");
    let section = match missed.len().checked_sub(LINES) {
        Some(left @ 1..) => section.say(format!(
            "The {LINES} gravest and latest are listed; {left} more are in the figures above. Choose a shorter period to list them."
        )),
        _ => section,
    };
    section.with(Table {
        caption: "Near misses, the gravest first".to_owned(),
        columns: message_columns(),
        rows: rows.collect(),
    })
}

/// The columns of a list of messages.
pub(super) fn message_columns() -> Vec<Column> {
    vec![
        Column::words("Reference", 4),
        Column::words("When", 5),
        Column::words("What became of it", 5),
        Column::words("Severity", 3),
        Column::words("School", 5),
        Column::words("Kinds of data", 6),
        Column::words("Rules", 7),
        Column::number("People"),
    ]
}

/// A message in such a list: nothing of what it says.
pub(super) fn message_row(sources: Sources<'_>, figure: &Figure) -> Vec<Cell> {
    let figures = sources.figures;
    let categories = figures.categories(figure).iter();
    let categories: Vec<&str> = categories.map(|c| category_title(*c)).collect();
    let rules = figures.rules(figure).map(|id| sources.rule_title(id));
    let school = figures.school(figure).map(|id| sources.school_name(id));
    vec![
        Cell::Text(figure.id.reference().to_string()),
        Cell::Moment(sources.local(figure.at)),
        Cell::text(outcome_title(figure.outcome)),
        Cell::text(severity_title(figure.severity)),
        school.map_or(Cell::Nothing, Cell::Text),
        Cell::Text(categories.join(", ")),
        Cell::Text(rules.collect::<Vec<_>>().join("; ")),
        Cell::Count(u64::from(figure.people)),
    ]
}

//! Retention: what ended in a period, with the ledger's proof of each, and what is kept now.
//!
//! # Invariants
//! Counts of ends are the ledger's, which is only ever added to. A proof names the entry, the mark of the destroyed key and the checkpoint
//! that covers it; `beadle retention proof` checks one of them anew.

use super::counted::{Scope, Sources};
use super::model::{Cell, Column, KeyFigure, Report, Section, Table};
use super::words::about;
use crate::policy::governance::Retention;
use crate::store::{EndedContent, HoldState};

/// Ends listed at most.
pub const LINES: u32 = 500;

/// What is known of retention, beside figures.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// How long things are kept.
    pub retention: &'a Retention,
    /// What ended in the period.
    pub ended: &'a EndedContent,
    /// Holds by state, with when the first of each came, in microseconds since 1970 UTC.
    pub holds: &'a [(HoldState, u64, i64)],
    /// The last entry of the ledger that a signed checkpoint covers.
    pub signed: Option<i64>,
    /// Whether the whole chain was followed for this report and holds; `None` when it was not followed.
    pub ledger_holds: Option<bool>,
}

/// What ended in the period of a scope, which schools and rules do not narrow.
pub fn retention(sources: Sources<'_>, scope: &Scope, kept: Kept<'_>) -> Report {
    Report {
        kind: "retention",
        title: "Retention: what ended and what is kept".to_owned(),
        about: about(sources, &Scope::all(scope.period)),
        sections: vec![
            at_a_glance(kept),
            rules(kept),
            now(sources, kept),
            proofs(sources, kept),
        ],
    }
}

fn at_a_glance(kept: Kept<'_>) -> Section {
    let ended = kept.ended;
    let ledger = match kept.ledger_holds {
        Some(true) => "holds: every entry was followed",
        Some(false) => "DOES NOT HOLD: run beadle ledger verify",
        None => "was not followed for this report",
    };
    Section::new("At a glance").with(vec![
        KeyFigure::new(
            "Contents ended",
            Cell::Count(ended.expired + ended.purged),
            "their keys were destroyed in this period",
        ),
        KeyFigure::new(
            "After a decision",
            Cell::Count(ended.purged),
            "released or refused, and past their days",
        ),
        KeyFigure::new(
            "Undecided",
            Cell::Count(ended.expired),
            "expired: the messages never arrived",
        ),
        KeyFigure::new(
            "The ledger",
            Cell::text(ledger),
            "of all acts, chained by hashes",
        ),
    ])
}

fn rules(kept: Kept<'_>) -> Section {
    let retention = kept.retention;
    let row = |what: &str, days: u32| vec![Cell::text(what), Cell::Count(u64::from(days))];
    let table = Table {
        caption: "Days that the policy keeps things".to_owned(),
        columns: vec![Column::words("What", 6), Column::number("Days")],
        rows: vec![
            row(
                "Content of a message that nobody decided",
                retention.held_days,
            ),
            row("Content of a released message", retention.released_days),
            row("Content of a refused message", retention.refused_days),
            row("What happened, without content", retention.event_days),
        ],
    };
    let clause = retention.clause.as_deref().map_or_else(
        || "The policy names no clause for this.".to_owned(),
        |clause| format!("The trust's policy says so in {clause}."),
    );
    let own = retention.categories.len();
    let section = Section::new("How long things are kept").say(clause);
    let section = if own > 0 {
        section
            .say("Some kinds of data have days of their own; beadle retention report lists them.")
    } else {
        section
    };
    section.with(table)
}

fn now(sources: Sources<'_>, kept: Kept<'_>) -> Section {
    let rows = kept.holds.iter().map(|(state, number, first)| {
        vec![
            Cell::text(state.name()),
            Cell::text(match state {
                HoldState::Expired | HoldState::Purged => "ended",
                _ => "sealed, kept",
            }),
            Cell::Count(*number),
            Cell::Moment(sources.local(*first)),
        ]
    });
    Section::new("What is there now").with(Table {
        caption: "Messages by state, today".to_owned(),
        columns: vec![
            Column::words("State", 3),
            Column::words("Content", 3),
            Column::number("Messages"),
            Column::words("First arrived", 4),
        ],
        rows: rows.collect(),
    })
}

fn proofs(sources: Sources<'_>, kept: Kept<'_>) -> Section {
    let rows = kept.ended.list.iter().map(|ended| {
        let detail: serde_json::Value = serde_json::from_str(&ended.detail).unwrap_or_default();
        let text = |key: &str| match detail.get(key) {
            Some(serde_json::Value::String(text)) => Cell::text(text.as_str()),
            Some(serde_json::Value::Number(number)) => Cell::Text(number.to_string()),
            _ => Cell::Nothing,
        };
        let signed = kept.signed.is_some_and(|signed| signed >= ended.entry);
        vec![
            Cell::Text(ended.id.reference().to_string()),
            Cell::Moment(sources.local_of(ended.at)),
            Cell::text(if ended.expired {
                "Undecided"
            } else {
                "After a decision"
            }),
            text("days"),
            Cell::Text(ended.entry.to_string()),
            text("key"),
            Cell::text(if signed {
                "yes"
            } else {
                "by the next checkpoint"
            }),
        ]
    });
    let all = kept.ended.expired + kept.ended.purged;
    let section = Section::new("Proofs").say(
        "Each line is an entry of the ledger. The key that opened the content was destroyed in the same transaction; a copy of the sealed \
         content is noise without it.",
    );
    let listed = kept.ended.list.len() as u64;
    let section = if all > listed {
        section.say(format!("The last {listed} of {all} are listed."))
    } else {
        section
    };
    section.with(Table {
        caption: "Contents that ended, the last first".to_owned(),
        columns: vec![
            Column::words("Reference", 4),
            Column::words("Ended", 5),
            Column::words("How", 4),
            Column::words("Days kept", 2),
            Column::words("Entry", 3),
            Column::words("Mark of the key", 7),
            Column::words("Signed", 4),
        ],
        rows: rows.collect(),
    })
}

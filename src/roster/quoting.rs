//! Quotes of a CSV text that do not close where their field ends: the reader takes what follows for the same field, silently.
//!
//! # Standards
//! RFC 4180 2.5 to 2.7. Like the `csv` crate: a quote counts only as the first character of a field, a carriage return ends a
//! record as a line feed does, and empty lines are no records.

use std::sync::Arc;

use crate::roster::report::SkippedRow;

/// Where the reading of a field stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At a field's first character.
    Start,
    /// In a field without quotes.
    Bare,
    /// Between a field's quotes.
    Quoted,
    /// Behind a quote that closes the field, or is the first of two.
    Closed,
}

/// The records, the header being 1, with a quote that is never closed or closes before its field ends.
pub(super) fn open_quotes(text: &str, delimiter: u8, place: &Arc<str>) -> Vec<SkippedRow> {
    let (mut state, mut row, mut empty) = (State::Start, 1, true);
    let mut found: Vec<SkippedRow> = Vec::new();
    for byte in text.bytes() {
        let ends_record = matches!(byte, b'\n' | b'\r') && state != State::Quoted;
        if ends_record {
            row += usize::from(!empty);
            (state, empty) = (State::Start, true);
            continue;
        }
        empty = false;
        state = match state {
            State::Start | State::Closed if byte == b'"' => State::Quoted,
            State::Quoted if byte == b'"' => State::Closed,
            State::Quoted => State::Quoted,
            _ if byte == delimiter => State::Start,
            State::Closed if byte != b' ' => {
                let reason = "text stands behind a closing quote: an earlier one may be missing";
                if found.last().is_none_or(|last| last.row != row) {
                    found.push(SkippedRow {
                        place: Arc::clone(place),
                        row,
                        reason,
                    });
                }
                State::Bare
            }
            State::Closed => State::Closed,
            State::Start | State::Bare => State::Bare,
        };
    }
    if state == State::Quoted {
        let reason = "a quote is never closed: all rows below were read as part of this one";
        found.push(SkippedRow {
            place: Arc::clone(place),
            row,
            reason,
        });
    }
    found
}

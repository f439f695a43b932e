//! CSV exports: which character parts the fields, where the header line stands, and the rows below it.
//!
//! # Standards
//! RFC 4180, with `;` and tab as spreadsheets write them; a report's title lines above the header are passed over.

use csv::StringRecord;

use crate::roster::columns;
use crate::roster::import::TITLE_LINES;
use crate::roster::import::{Draft, Line, RosterError};
use crate::roster::quoting;

/// Reads a CSV text.
pub(super) fn read(draft: &mut Draft<'_>, text: &str) -> Result<(), RosterError> {
    let (above, text) = from_header(draft, text);
    let delimiter = delimiter(first_line(text).ok_or(RosterError::Empty)?);
    let mut records = reader(text, delimiter).into_records();
    let Some(Ok(headers)) = records.next() else {
        return Err(RosterError::Empty);
    };
    let table = draft.table(columns::uses(headers.iter(), draft.kind))?;
    draft.report.is_of(match delimiter {
        b'\t' => "CSV with tabs",
        b';' => "CSV with semicolons",
        _ => "CSV",
    });
    let mut open = quoting::open_quotes(text, delimiter, &draft.place);
    for warning in &mut open {
        warning.row += above;
    }
    draft.report.warnings.extend(open);
    for (index, record) in records.enumerate() {
        let row = above + index + 2;
        if let Ok(record) = record {
            draft.row(&table, row, &record);
        } else {
            draft.report.rows += 1;
            draft.report.broken_rows += 1;
            draft.skip(row, "broken");
        }
    }
    Ok(())
}

/// The fields of every record of a text; the first are the headers. What is broken is left out.
pub(super) fn records(text: &str) -> impl Iterator<Item = StringRecord> {
    let text = text.trim_start();
    let delimiter = delimiter(first_line(text).unwrap_or_default());
    reader(text, delimiter).into_records().flatten()
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().find(|line| !line.trim().is_empty())
}

/// The text from its header line on, with the number of lines above it: the first line whose fields can name people, else the first.
fn from_header<'t>(draft: &Draft<'_>, text: &'t str) -> (usize, &'t str) {
    let text = text.trim_start();
    let (mut rest, mut above) = (text, 0);
    while above < TITLE_LINES {
        let Some(line) = first_line(rest) else { break };
        let fields = reader(line, delimiter(line)).into_records().next();
        let fields = fields.and_then(Result::ok).unwrap_or_default();
        match draft.line(fields.iter(), above == 0) {
            Line::Header => return (above, rest),
            Line::Data => break,
            Line::Title => {}
        }
        above += 1;
        let end = line.as_ptr() as usize - rest.as_ptr() as usize + line.len();
        rest = rest[end..].trim_start_matches(['\r', '\n']);
    }
    (0, text)
}

/// The delimiter that the header line has most of, outside quotes.
pub(super) fn delimiter(header: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [0_usize; 3];
    for byte in header.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => counts[0] += 1,
            b';' if !quoted => counts[1] += 1,
            b'\t' if !quoted => counts[2] += 1,
            _ => {}
        }
    }
    let [comma, semicolon, tab] = counts;
    if tab > comma && tab >= semicolon {
        b'\t'
    } else if semicolon > comma {
        b';'
    } else {
        b','
    }
}

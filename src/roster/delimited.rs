//! Text with a delimiter between fields: commas, semicolons or tabs, whatever the header line has most of.
//!
//! # Standards
//! RFC 4180, read leniently: rows may be of any length.

use crate::roster::import::RosterError;
use crate::roster::report::SkippedRow;
use crate::roster::sheet::Sheet;
use crate::roster::{decode, quoting};

/// Reads the bytes of an export in any of the usual encodings.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet, RosterError> {
    let text = decode::text(bytes);
    let header = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .ok_or(RosterError::Empty)?;
    let delimiter = delimiter(header);
    let text = text.trim_start();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let Some(Ok(headers)) = records.next() else {
        return Err(RosterError::Empty);
    };
    let fields = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    let warnings: Vec<SkippedRow> = quoting::open_quotes(text, delimiter);
    Ok(Sheet {
        headers: headers
            .iter()
            .map(|header| header.trim_matches('\u{feff}').trim().to_owned())
            .collect(),
        rows: records.map(|record| record.ok().map(fields)).collect(),
        first_row: 2,
        serial_dates: false,
        warnings,
    })
}

/// The delimiter that the header line has most of, outside quotes.
fn delimiter(header: &str) -> u8 {
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

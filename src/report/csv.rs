//! A report as CSV: its tables one after the other, each under its caption.
//!
//! # Invariants
//! A text that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`, tab, carriage return at its beginning) gets an apostrophe before it.
//! Numbers are written plainly: no commas, shares as fractions of 1, times in seconds, moments as ISO 8601.
//!
//! # Standards
//! RFC 4180, with a byte order mark, without which Excel reads UTF-8 as Windows-1252. OWASP, "CSV injection".

use super::model::{Block, Cell, KeyFigure, Report, Table};

/// Why a report has no CSV.
#[derive(Debug, thiserror::Error)]
#[error("the report could not be written as CSV: {0}")]
pub struct CsvError(#[from] csv::Error);

/// The report as CSV.
pub fn csv(report: &Report) -> Result<Vec<u8>, CsvError> {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record([guarded(&report.title)])?;
    for (label, value) in &report.about {
        writer.write_record([guarded(label), guarded(value)])?;
    }
    for section in &report.sections {
        for block in &section.blocks {
            match block {
                Block::Text(_) => {}
                Block::Figures(figures) => key_figures(&mut writer, &section.heading, figures)?,
                Block::Table(known) => table(&mut writer, known)?,
                Block::Chart(chart) => table(&mut writer, &chart.table())?,
            }
        }
    }
    writer
        .into_inner()
        .map_err(|error| CsvError(csv::Error::from(error.into_error())))
}

type Writer = csv::Writer<Vec<u8>>;

fn key_figures(
    writer: &mut Writer,
    heading: &str,
    figures: &[KeyFigure],
) -> Result<(), csv::Error> {
    caption(writer, heading)?;
    writer.write_record(["Figure", "Value", "Made of"])?;
    for figure in figures {
        writer.write_record([
            guarded(&figure.label),
            plain(&figure.value),
            guarded(&figure.note),
        ])?;
    }
    Ok(())
}

fn table(writer: &mut Writer, table: &Table) -> Result<(), csv::Error> {
    caption(writer, &table.caption)?;
    writer.write_record(table.columns.iter().map(|column| guarded(&column.title)))?;
    for row in &table.rows {
        writer.write_record(row.iter().map(plain))?;
    }
    Ok(())
}

/// An empty line, then what comes.
fn caption(writer: &mut Writer, caption: &str) -> Result<(), csv::Error> {
    writer.write_record([""])?;
    writer.write_record([guarded(caption)])
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => guarded(text),
        Cell::Count(count) => count.to_string(),
        Cell::Share(share) => format!("{share:.4}"),
        Cell::Seconds(seconds) => seconds.to_string(),
        Cell::Moment(at) => at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        Cell::Nothing => String::new(),
    }
}

fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

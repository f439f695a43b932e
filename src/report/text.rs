//! A report as plain text, for a terminal and for the words of a mail.
//!
//! # Invariants
//! No control character of a text reaches the terminal.

use std::fmt::Write as _;

use super::model::{Block, Report, Table};

/// Widest column, in characters.
const WIDEST: usize = 44;

/// The report as text.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    heading(&mut out, &report.title, '=');
    for (label, value) in &report.about {
        let _ = writeln!(out, "{}: {}", line(label), line(value));
    }
    for section in &report.sections {
        out.push('\n');
        heading(&mut out, &section.heading, '-');
        for block in &section.blocks {
            match block {
                Block::Text(text) => {
                    let _ = writeln!(out, "{}", line(text));
                }
                Block::Figures(figures) => {
                    for figure in figures {
                        let value = line(&figure.value.to_string());
                        let _ = writeln!(
                            out,
                            "{:<34} {value:>18}  {}",
                            line(&figure.label),
                            line(&figure.note)
                        );
                    }
                }
                Block::Table(known) => table(&mut out, known),
                Block::Chart(chart) => table(&mut out, &chart.table()),
            }
        }
    }
    out
}

/// The few figures to be seen first, for a mail that carries the report as a file.
pub fn glance(report: &Report) -> String {
    let mut out = String::new();
    for (label, value) in &report.about {
        let _ = writeln!(out, "{}: {}", line(label), line(value));
    }
    let blocks = report.sections.iter().flat_map(|section| &section.blocks);
    let first = blocks.into_iter().find_map(|block| match block {
        Block::Figures(figures) => Some(figures),
        _ => None,
    });
    out.push('\n');
    for figure in first.into_iter().flatten() {
        let value = line(&figure.value.to_string());
        let _ = writeln!(
            out,
            "{}: {value} ({})",
            line(&figure.label),
            line(&figure.note)
        );
    }
    out
}

fn heading(out: &mut String, text: &str, under: char) {
    let text = line(text);
    let rule: String = std::iter::repeat_n(under, text.chars().count()).collect();
    let _ = writeln!(out, "{text}\n{rule}");
}

fn table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "\n{}", line(&table.caption));
    let titles: Vec<String> = table.columns.iter().map(|c| cut(&c.title)).collect();
    let rows: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| cut(&cell.to_string())).collect())
        .collect();
    let widths: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(at, title)| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(|cell| cell.chars().count()).max();
            widest.unwrap_or(0).max(title.chars().count())
        })
        .collect();
    let mut write = |cells: &[String]| {
        let mut row = String::from(" ");
        for ((cell, width), column) in cells.iter().zip(&widths).zip(&table.columns) {
            let _ = if column.number {
                write!(row, " {cell:>width$} ")
            } else {
                write!(row, " {cell:<width$} ")
            };
        }
        let _ = writeln!(out, "{}", row.trim_end());
    };
    write(&titles);
    for row in &rows {
        write(row);
    }
    if rows.is_empty() {
        out.push_str("  Nothing in this period.\n");
    }
}

fn cut(text: &str) -> String {
    let text = line(text);
    if text.chars().count() <= WIDEST {
        return text;
    }
    let kept: String = text.chars().take(WIDEST - 1).collect();
    format!("{kept}…")
}

/// One line, without what a terminal would act on.
fn line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.collect()
}

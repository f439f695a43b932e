//! A report as HTML: a piece for a page of the console, or a file of its own.
//!
//! # Invariants
//! Everything is escaped by the template; only our own SVG and style are not. The piece has no style and no script; the file carries its own
//! style, fetches nothing, and says so to the browser.

use askama::Template;

use super::model::{Block, KeyFigure, Report, Table};
use super::svg::svg;

/// Why a report has no HTML: its template failed, which a test rules out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the report could not be written as HTML")]
pub struct HtmlError;

/// A section as the template sees it.
struct ShownSection<'a> {
    number: usize,
    heading: &'a str,
    blocks: Vec<Shown<'a>>,
}

/// A block as the template sees it.
enum Shown<'a> {
    Text(&'a str),
    Figures(&'a [KeyFigure]),
    Table(&'a Table),
    Chart {
        svg: String,
        title: &'a str,
        table: Table,
    },
}

#[derive(Template)]
#[template(path = "report/fragment.html")]
struct Fragment<'a> {
    report: &'a Report,
    sections: Vec<ShownSection<'a>>,
}

#[derive(Template)]
#[template(path = "report/standalone.html")]
struct Standalone<'a> {
    report: &'a Report,
    style: &'static str,
    fragment: String,
}

/// The report without its title, for a page that has a heading of its own.
pub fn fragment(report: &Report) -> Result<String, HtmlError> {
    let mut charts = 0;
    let mut sections = Vec::with_capacity(report.sections.len());
    for (index, section) in report.sections.iter().enumerate() {
        let blocks = section.blocks.iter().map(|block| match block {
            Block::Text(text) => Shown::Text(text),
            Block::Figures(figures) => Shown::Figures(figures),
            Block::Table(table) => Shown::Table(table),
            Block::Chart(chart) => {
                charts += 1;
                Shown::Chart {
                    svg: svg(chart, charts),
                    title: &chart.title,
                    table: chart.table(),
                }
            }
        });
        sections.push(ShownSection {
            number: index + 1,
            heading: &section.heading,
            blocks: blocks.collect(),
        });
    }
    Fragment { report, sections }
        .render()
        .map_err(|_| HtmlError)
}

/// The report as a file.
pub fn standalone(report: &Report) -> Result<String, HtmlError> {
    let page = Standalone {
        report,
        style: include_str!("../console/views/report/standalone.css"),
        fragment: fragment(report)?,
    };
    page.render().map_err(|_| HtmlError)
}

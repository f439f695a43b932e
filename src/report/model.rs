//! A report as every form shows it: sections of text, key figures, tables and charts.
//!
//! # Invariants
//! Cells are typed, so that a spreadsheet gets numbers and not their spelling. A chart carries all that its data table needs. No cell holds
//! a pupil's or a sender's name, but for senders that a caller passed in.

use jiff::civil::{Date, DateTime};
use serde::Serialize;

/// Whole days of the trust's calendar, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

/// Longest period of a report, in days: ten years and the leap days in them.
pub const LONGEST: i64 = 3_653;

/// Why two days are no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// It ends before it begins.
    #[error("the last day comes before the first; swap them")]
    Backwards,
    /// It is too long.
    #[error("a report covers at most ten years; choose a later first day")]
    TooLong,
}

impl Period {
    /// From this day to that.
    pub fn new(from: Date, to: Date) -> Result<Self, PeriodError> {
        let period = Self { from, to };
        if from > to {
            return Err(PeriodError::Backwards);
        }
        if period.days() > LONGEST {
            return Err(PeriodError::TooLong);
        }
        Ok(period)
    }

    /// The days that end with `last`, so many of them.
    pub fn ending(last: Date, days: i64) -> Self {
        let back = days.clamp(1, LONGEST) - 1;
        let from = last.checked_sub(jiff::Span::new().days(back));
        Self {
            from: from.unwrap_or(last),
            to: last,
        }
    }

    /// How many days.
    pub fn days(self) -> i64 {
        i64::from((self.to - self.from).get_days()) + 1
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Its name in file names and the interface: `summary`.
    pub kind: &'static str,
    /// Its title, for people.
    pub title: String,
    /// What it covers: label and value.
    pub about: Vec<(String, String)>,
    /// Its sections, in order.
    pub sections: Vec<Section>,
}

/// A section with a heading.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// What stands in it.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section with nothing in it yet.
    pub fn new(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            blocks: Vec::new(),
        }
    }

    /// With one block more.
    #[must_use]
    pub fn with(mut self, block: impl Into<Block>) -> Self {
        self.blocks.push(block.into());
        self
    }

    /// With a paragraph more.
    #[must_use]
    pub fn say(self, text: impl Into<String>) -> Self {
        self.with(Block::Text(text.into()))
    }
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A few figures to be seen first.
    Figures(Vec<KeyFigure>),
    /// A table.
    Table(Table),
    /// A chart.
    Chart(Chart),
}

impl From<Vec<KeyFigure>> for Block {
    fn from(figures: Vec<KeyFigure>) -> Self {
        Self::Figures(figures)
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Chart> for Block {
    fn from(chart: Chart) -> Self {
        Self::Chart(chart)
    }
}

/// A figure to be seen first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyFigure {
    /// What it is.
    pub label: String,
    /// The figure.
    pub value: Cell,
    /// What it is made of.
    pub note: String,
}

impl KeyFigure {
    /// A figure with what it is and what it is made of.
    pub fn new(label: impl Into<String>, value: Cell, note: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value,
            note: note.into(),
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Words.
    Text(String),
    /// How many.
    Count(u64),
    /// A share, of 1.
    Share(f64),
    /// Time in seconds.
    Seconds(u32),
    /// A moment, in the trust's time.
    Moment(DateTime),
    /// There is nothing to say: not 0.
    Nothing,
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The share of `part` in `all`; nothing when there is nothing to share.
    pub fn share(part: u64, all: u64) -> Self {
        if all == 0 {
            return Self::Nothing;
        }
        Self::Share(part as f64 / all as f64)
    }

    /// Whether it stands at the right of its column.
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Count(_) | Self::Share(_) | Self::Seconds(_) | Self::Nothing
        )
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Count(count) => f.write_str(&grouped(*count)),
            Self::Share(share) => write!(f, "{:.1}%", share * 100.0),
            Self::Seconds(seconds) => f.write_str(&span(*seconds)),
            Self::Moment(at) => write!(f, "{}", at.strftime("%-d %b %Y, %H:%M")),
            Self::Nothing => f.write_str("–"),
        }
    }
}

/// A whole number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A span in the two largest of days, hours and minutes.
pub fn span(seconds: u32) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => "under a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// Its cells are numbers, at the right.
    pub number: bool,
    /// How much of the width it wants, beside the others.
    pub weight: u8,
}

impl Column {
    /// A column of words.
    pub fn words(title: &str, weight: u8) -> Self {
        Self {
            title: title.to_owned(),
            number: false,
            weight,
        }
    }

    /// A column of numbers.
    pub fn number(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            number: true,
            weight: 2,
        }
    }
}

/// A table whose first column heads its rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each as long as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartKind {
    /// Bars from the left, one below the other, for names.
    Bars,
    /// Lines from the left to the right, for time.
    Lines,
}

/// Values of one kind along a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// What they are.
    pub name: String,
    /// One for each label.
    pub values: Vec<u64>,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How it is drawn.
    pub kind: ChartKind,
    /// What the labels are: `Week beginning`.
    pub axis: String,
    /// What the values are along.
    pub labels: Vec<String>,
    /// The values; at most three series are told apart without colour.
    pub series: Vec<Series>,
}

impl Chart {
    /// The same as a table.
    pub fn table(&self) -> Table {
        let mut columns = vec![Column::words(&self.axis, 4)];
        columns.extend(
            self.series
                .iter()
                .map(|series| Column::number(&series.name)),
        );
        let rows = self.labels.iter().enumerate().map(|(index, label)| {
            let mut row = vec![Cell::text(label.as_str())];
            row.extend(
                self.series
                    .iter()
                    .map(|series| Cell::Count(series.values.get(index).copied().unwrap_or(0))),
            );
            row
        });
        Table {
            caption: self.title.clone(),
            columns,
            rows: rows.collect(),
        }
    }

    /// The same in a sentence, for who does not see it.
    pub fn described(&self) -> String {
        let series = self.series.iter().map(|series| {
            let total: u64 = series.values.iter().sum();
            let values = series.values.iter().zip(&self.labels);
            // Of equals the first.
            let most = values.rev().max_by_key(|(value, _)| **value);
            match most.filter(|(most, _)| **most > 0) {
                None => format!("{}: none.", series.name),
                Some((most, label)) => format!(
                    "{}: {} in all, most in {label} ({}).",
                    series.name,
                    grouped(total),
                    grouped(*most)
                ),
            }
        });
        series.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelt_for_people() {
        assert_eq!(Cell::Count(1_234_567).to_string(), "1,234,567");
        assert_eq!(Cell::Count(999).to_string(), "999");
        assert_eq!(Cell::share(1, 8).to_string(), "12.5%");
        assert_eq!(Cell::share(0, 0).to_string(), "–");
        assert_eq!(Cell::Seconds(59).to_string(), "under a minute");
        assert_eq!(Cell::Seconds(3_599).to_string(), "59 min");
        assert_eq!(Cell::Seconds(90_000).to_string(), "1 d 1 h");
    }

    #[test]
    fn a_period_has_its_days() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let year = Period::new(day("2026-01-01"), day("2026-12-31")).unwrap();
        assert_eq!(year.days(), 365);
        assert_eq!(Period::ending(day("2026-03-01"), 7).from, day("2026-02-23"));
        let backwards = Period::new(day("2026-01-02"), day("2026-01-01"));
        assert_eq!(backwards, Err(PeriodError::Backwards));
        let long = Period::new(day("2000-01-01"), day("2026-01-01"));
        assert_eq!(long, Err(PeriodError::TooLong));
    }
}

//! The forms that a report is given in.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::csv::CsvError;
use super::html::HtmlError;
use super::model::Report;
use super::pdf::PdfError;
use super::xlsx::XlsxError;

/// A form of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A page with charts, in one file.
    Html,
    /// Tables, for other programs.
    Csv,
    /// A workbook.
    Xlsx,
    /// For boards and paper.
    #[default]
    Pdf,
    /// For a terminal.
    Text,
    /// For programs of one's own.
    Json,
}

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// As HTML.
    #[error(transparent)]
    Html(#[from] HtmlError),
    /// As CSV.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// As a workbook.
    #[error(transparent)]
    Xlsx(#[from] XlsxError),
    /// As PDF.
    #[error(transparent)]
    Pdf(#[from] PdfError),
    /// As JSON.
    #[error("the report could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 6] = [
        Self::Html,
        Self::Csv,
        Self::Xlsx,
        Self::Pdf,
        Self::Text,
        Self::Json,
    ];

    /// The name used in settings and as the end of a file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Pdf => "pdf",
            Self::Text => "txt",
            Self::Json => "json",
        }
    }

    /// The form of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// The media type (RFC 2046, RFC 4180, RFC 8118, RFC 8259).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// The report in this form; `made` is the moment that a file says it was made.
    pub fn write(self, report: &Report, made: DateTime) -> Result<Vec<u8>, FormError> {
        Ok(match self {
            Self::Html => super::html::standalone(report)?.into_bytes(),
            Self::Csv => super::csv::csv(report)?,
            Self::Xlsx => super::xlsx::xlsx(report)?,
            Self::Pdf => super::pdf::pdf(report, made)?,
            Self::Text => super::text::text(report).into_bytes(),
            Self::Json => serde_json::to_vec_pretty(report)?,
        })
    }
}

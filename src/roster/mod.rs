//! Whom to look for: pupils, staff and contacts, imported from the trust's own files.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod columns;
pub mod date;
pub mod import;
pub mod ordinary;
pub mod person;
pub mod report;

mod bundle;
mod decode;
mod delimited;
mod markup;
mod packed;
mod quoting;
mod sheet;
mod transfer;
mod wonde;
mod workbook;

pub use date::Date;
pub use import::RosterError;
pub use person::{FullName, Person, Roster, RosterKind};
pub use report::{ColumnUse, Format, ImportReport, Risk, RiskyName, SkippedRow};

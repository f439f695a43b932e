//! Whom to look for: pupils, staff and contacts, imported from the trust's own files.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod columns;
pub mod date;
pub mod import;
pub mod ordinary;
pub mod person;
pub mod report;

mod decode;
mod quoting;

pub use date::Date;
pub use import::RosterError;
pub use person::{FullName, Person, Roster, RosterKind};
pub use report::{ColumnUse, ImportReport, Risk, RiskyName, SkippedRow};

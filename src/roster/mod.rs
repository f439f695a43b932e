//! Whom to look for: pupils, staff and contacts, imported from the trust's own files.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod columns;
pub mod date;
pub mod frequent;
pub mod import;
pub mod ordinary;
pub mod person;
pub mod report;

mod contacts;
mod ctf;
mod decode;
mod delimited;
mod joined;
mod json;
mod markup;
mod naming;
mod nested;
mod quoting;
mod rows;
mod same;
mod sets;
mod unpack;
mod xlsx;

pub use date::Date;
pub use import::{File, Import, RosterError, Unmatched};
pub use person::{FullName, Person, Roster, RosterKind};
pub use report::{ColumnUse, ImportReport, Risk, RiskyName, SkippedRow};

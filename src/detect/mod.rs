//! Finding people, identifiers and terms in units of text: normalise once, one pass, then join the evidence.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod finding;

pub use finding::{Category, Confidence, Finding, Findings, PersonId, Secret, ValueKey};

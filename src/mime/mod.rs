//! The message as its recipients' programs may read it: headers, parts, and what is malformed.
//!
//! Two views are taken: the tree of parts ([`tree`]) and a structure-blind sweep of the raw bytes ([`sweep`]), because of 63
//! sloppy or hostile messages the best parser alone showed the hidden text in 37, and both views together in all.
//!
//! # Invariants
//! [`parse`] never fails, never panics, and its stack does not grow with the message.
//!
//! # Known gaps
//! Where programs differ (duplicate fields, broken boundaries) the tree holds one reading, the sweep the raw text, and a
//! [`Defect`] says so; not every reading is built as a tree of its own.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod charset;
pub mod coded;
pub mod defect;
pub mod headers;
mod structure;
pub mod sweep;
pub mod transfer;
pub mod tree;
pub mod words;

pub use defect::Defect;
pub use headers::Headers;
pub use sweep::{Origin, Swept};
pub use tree::{Part, Role};

use crate::limits::Budget;

/// A message in both views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'x> {
    /// The bytes it was read from.
    pub raw: &'x [u8],
    /// The top-level headers.
    pub headers: Headers,
    /// The parts, parents before children; the first is the message itself.
    pub parts: Vec<Part<'x>>,
    /// What is malformed, each kind once.
    pub defects: Vec<Defect>,
    /// What the tree did not show.
    pub sweep: Vec<Swept>,
}

/// Reads a message.
pub fn parse<'x>(raw: &'x [u8], budget: &Budget) -> Message<'x> {
    let mut tree = tree::read(raw, budget, 0);
    let top = headers::section(raw);
    if top.malformed {
        tree.defects.push(Defect::MalformedHeader);
    }
    if top.control {
        tree.defects.push(Defect::ControlCharacters);
    }
    if top.headers.contradicts("Subject") || top.headers.contradicts("From") {
        tree.defects.push(Defect::DuplicateHeader);
    }
    let sweep = sweep::sweep(raw, &mut tree, budget);
    let mut defects = tree.defects;
    defects.sort_unstable();
    defects.dedup();
    Message {
        raw,
        headers: top.headers,
        parts: tree.parts,
        defects,
        sweep,
    }
}

//! Finding people, identifiers and terms in units of text: normalise once, one pass, then join the evidence.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod catalogue;
pub mod checks;
pub mod checksum;
pub mod compiled;
pub mod engine;
pub mod finding;
pub mod modulus;
pub mod nicknames;
pub mod normalise;

mod anchors;
mod context;
pub mod index;
mod judge;
mod keywords;
mod known;
mod marks;
mod mask;
mod masked;
mod names;
mod numbers;
pub mod options;
mod papers;
mod passages;
pub mod patterns;
mod raw;
mod signs;
pub mod spelling;
mod stream;
mod table;
pub mod token;
mod vocabulary;

pub use catalogue::{Catalogue, CatalogueError, Check, Detector, Dictionary, Fault};
pub use compiled::PeopleIndex;
pub use engine::{Engine, ScanContext};
pub use finding::{
    Category, Confidence, Finding, Findings, NameForm, NameSpan, PersonFacts, PersonId, Secret,
    ValueKey,
};
pub use marks::Mark;
pub use modulus::{Fit, ModulusError, ModulusTable};
pub use options::Options;

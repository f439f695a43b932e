//! The trust's rules: what is known of a message goes in, a verdict with reasons comes out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod facts;
pub mod verdict;

pub use facts::{ClientFacts, Facts};
pub use verdict::{Action, NearMiss, RuleHit, Verdict};

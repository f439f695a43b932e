//! The trust's rules: what is known of a message goes in, a verdict with reasons comes out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod auto_forward;
pub mod behaviour;
pub mod case;
pub mod check;
pub mod classes;
pub mod decide;
pub mod document;
pub mod explain;
pub mod facts;
pub mod fields;
pub mod rule;
pub mod sighting;
pub mod verdict;

mod case_document;
mod fingerprints;
mod header_text;
mod hours;
mod spelling;
mod wording;

pub use auto_forward::{Automation, AutomationState, automation, mailbox_owner};
pub use check::{Gravity, Problem};
pub use decide::decide;
pub use document::PolicyError;
pub use explain::{Explanation, reply_text};
pub use facts::{ClientFacts, Facts};
pub use rule::{Mode, Policy};
pub use verdict::{Action, NearMiss, RuleHit, Verdict};

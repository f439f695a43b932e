//! The trust's rules: what is known of a message goes in, a verdict with reasons comes out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod auto_forward;
pub mod behaviour;
pub mod case;
pub mod change;
pub mod check;
pub mod classes;
pub mod compared;
pub mod condition;
pub mod correspondents;
pub mod decide;
pub mod document;
pub mod explain;
pub mod facts;
pub mod fields;
pub mod governance;
pub mod history;
pub mod lists;
pub mod look_alike;
pub mod mailboxes;
pub mod name_agreement;
pub mod namesake;
pub mod own_mailbox;
pub mod person_name;
pub mod recorded;
pub mod replay;
pub mod rule;
pub mod schools;
pub mod sender_groups;
pub mod sighting;
pub mod verdict;

mod because;
mod case_document;
mod exclusions;
mod fingerprints;
mod governance_document;
mod header_text;
mod hours;
mod identity;
mod mailbox_owner;
mod message;

mod rule_document;
mod slip;
mod spelling;
mod traits;
mod wording;

pub use auto_forward::{Automation, AutomationState, automation};
pub use change::{Change, smallest_change};
pub use check::{Gravity, Problem};
pub use compared::compared;
pub use decide::decide;
pub use document::PolicyError;
pub use explain::{Explanation, reply_text};
pub use facts::{ClientFacts, Facts};
pub use fingerprints::origin as mark_origin;
pub use history::{HabitMark, History};
pub use mailbox_owner::mailbox_owner;
pub use recorded::RecordedFacts;
pub use replay::{Difference, Replay};
pub use rule::{Escalation, Mode, Policy, Role, Severity, Tag};
pub use schools::{School, SchoolConfig, Schools, SchoolsError};
pub use sender_groups::{SenderGroup, SenderGroupConfig, SenderGroups, SenderGroupsError, Senders};
pub use verdict::{Action, NearMiss, RuleHit, Verdict, Waived};
pub use wording::counted;

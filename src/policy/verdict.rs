//! What policy says of a message, and why.
//!
//! # Invariants
//! No text in a verdict holds a matched value, a name, an address or a subject: verdicts are logged, recorded and replied.

use std::sync::Arc;

use super::auto_forward::Automation;

/// What is to be done with a message; later variants are stricter, and the strictest rule decides.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Hand it to the next hop.
    Deliver,
    /// Keep it for a reviewer.
    Hold,
    /// Refuse it with a reason.
    Refuse,
}

impl Action {
    /// The name used in policies, records and explanations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

/// One rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleHit {
    /// The rule's id (`subject-name`).
    pub rule: Arc<str>,
    /// Its title, as the sender reads it.
    pub title: Arc<str>,
    /// Where the trust's policy document says so.
    pub clause: Option<Arc<str>>,
    /// What it asks for.
    pub action: Action,
    /// Why it fired, in plain words: kinds, counts, places, recipient classes.
    pub because: String,
    /// The smallest change that would let the message pass.
    pub remedy: Option<Arc<str>>,
    /// Indexes into `Findings::list` that made it fire.
    pub findings: Vec<usize>,
}

/// A rule that almost fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The rule's id.
    pub rule: Arc<str>,
    /// What was missing, in plain words.
    pub missing: String,
}

/// The answer to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The strictest action of all hits, lowered where a cap of the policy says so; `Deliver` when none fired.
    pub action: Action,
    /// Every rule that fired, strictest first, then in the order of the policy file.
    pub hits: Vec<RuleHit>,
    /// Rules that nearly fired.
    pub near: Vec<NearMiss>,
    /// How the message came to be sent.
    pub automation: Automation,
    /// Why `action` is milder than the strictest hit, when it is.
    pub capped: Option<Arc<str>>,
}

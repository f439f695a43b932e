//! What policy says of a message, and why.
//!
//! # Invariants
//! No text in a verdict holds a matched value, a name, an address or a subject: verdicts are logged, recorded and replied.

use std::sync::Arc;

use jiff::civil::DateTime;

use super::auto_forward::Automation;
use super::rule::{Escalation, Role, Severity, Tag};

/// What is to be done with a message; later variants are stricter, and the strictest rule decides.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Hand it to the next hop.
    Deliver,
    /// Hand it over, marked.
    Tag,
    /// Hand it over, and tell the sender.
    Warn,
    /// Hand it to the next hop that encrypts.
    Reroute,
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
            Self::Tag => "tag",
            Self::Warn => "warn",
            Self::Reroute => "reroute",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }

    /// Whether the recipients get the message.
    pub fn passes(self) -> bool {
        self < Self::Hold
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
    /// How grave.
    pub severity: Severity,
    /// What it asks for.
    pub action: Action,
    /// Why it fired, in plain words: kinds, counts, places, recipient classes.
    pub because: String,
    /// What the sender should do instead.
    pub remedy: Option<Arc<str>>,
    /// Who is told.
    pub tell: Vec<Role>,
    /// A hold must not wait.
    pub urgent: bool,
    /// Who is told when nobody decides in time.
    pub escalate: Option<Escalation>,
    /// How the message is marked if it goes out.
    pub tag: Option<Tag>,
    /// A hold is released by two people.
    pub four_eyes: bool,
    /// Indexes into `Findings::list` that made it fire.
    pub findings: Vec<usize>,
    /// Indexes into the envelope's recipients that made it fire.
    pub rcpts: Vec<usize>,
}

/// A rule that almost fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The rule's id.
    pub rule: Arc<str>,
    /// What was missing, in plain words.
    pub missing: String,
}

/// A rule that fired and was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waived {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The exception's id.
    pub exception: Arc<str>,
    /// Where the document makes it, if it does.
    pub clause: Option<Arc<str>>,
    /// How the message is marked.
    pub tag: Option<Tag>,
}

/// The answer to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The strictest action of all hits, lowered where a cap of the policy says so; `Deliver` when none fired.
    pub action: Action,
    /// Every rule that fired, strictest first, then in the order of the policy file.
    pub hits: Vec<RuleHit>,
    /// Every rule in shadow mode that would have fired, in the same order.
    pub shadow: Vec<RuleHit>,
    /// Rules that nearly fired.
    pub near: Vec<NearMiss>,
    /// Rules that exceptions set aside.
    pub waived: Vec<Waived>,
    /// How the message came to be sent.
    pub automation: Automation,
    /// Why `action` is milder than the strictest hit, when it is.
    pub capped: Option<Arc<str>>,
    /// With a hold, the recipients (indexes into the envelope) it is for; the others get the message. `None`: all of them.
    pub split: Option<Vec<usize>>,
    /// When it was judged, in the trust's local time.
    pub at: DateTime,
    /// Nobody reads the content of what is held: it goes to or comes from a confidential channel.
    pub confidential: bool,
}

impl Verdict {
    /// How a message that goes out is marked, by the rules that fired and the exceptions that let it pass.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        let hits = self.hits.iter().filter_map(|hit| hit.tag.as_ref());
        hits.chain(self.waived.iter().filter_map(|w| w.tag.as_ref()))
    }

    /// The same verdict where a message that must be encrypted finds no next hop that does: it is held.
    #[must_use]
    pub fn without_encrypting_hop(mut self) -> Self {
        if self.action == Action::Reroute {
            self.action = Action::Hold;
            self.capped = Some("no next hop encrypts, so it is held".into());
        }
        self
    }
}

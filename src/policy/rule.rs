//! A policy as it is applied: classes, rules, caps and exceptions.

use std::sync::Arc;

use jiff::civil::Date;

use super::auto_forward::AutomationState;
use super::case::Case;
use super::classes::Classes;
use super::condition::{AddedHeader, ClassRef, When};
use super::governance::Governance;
use super::verdict::Action;
use crate::mail::{Address, Domain};

/// Whether a rule acts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It decides.
    #[default]
    Enforce,
    /// It only says what it would have done.
    Shadow,
    /// It is not looked at.
    Off,
}

/// How grave a breach of a rule is.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth a look on the day.
    #[default]
    Medium,
    /// Worth a look at once.
    High,
    /// For the police: nobody whom it concerns is told.
    Criminal,
}

impl Severity {
    /// The name used in policies and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Criminal => "criminal",
        }
    }
}

/// Who is told that a rule fired.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The sender of the message, if it is one of the trust's own.
    Sender,
    /// The owner of the mailbox that forwards.
    Owner,
    /// A role that the policy's `[people]` gives addresses.
    Named(Arc<str>),
}

impl Role {
    /// The name used in policies and records.
    pub fn name(&self) -> &str {
        match self {
            Self::Sender => "sender",
            Self::Owner => "owner",
            Self::Named(name) => name,
        }
    }
}

/// Who is told when nobody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Minutes after which a hold is escalated.
    pub minutes: u32,
    /// Who is told then.
    pub to: Vec<Role>,
}

/// How a delivered message is marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Header lines put before it.
    pub headers: Vec<AddedHeader>,
    /// What is put before its subject; this breaks a signature that covers the subject.
    pub subject_prefix: Option<Arc<str>>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id, unique in the policy.
    pub id: Arc<str>,
    /// Its title, as the sender reads it.
    pub title: Arc<str>,
    /// Where the trust's policy document says so.
    pub clause: Option<Arc<str>>,
    /// How grave a breach is.
    pub severity: Severity,
    /// What it asks for.
    pub action: Action,
    /// Whether it acts.
    pub mode: Mode,
    /// Whether exceptions may waive it.
    pub waivable: bool,
    /// When it fires.
    pub when: When,
    /// What the sender should do instead.
    pub remedy: Option<Arc<str>>,
    /// Which requirements of the catalogue it meets (`R1`, `X2`).
    pub covers: Vec<Arc<str>>,
    /// Who is told when it fires.
    pub tell: Vec<Role>,
    /// A hold by this rule is not left waiting.
    pub urgent: bool,
    /// Who is told when nobody decides in time.
    pub escalate: Option<Escalation>,
    /// How a message that goes out is marked.
    pub tag: Option<Tag>,
    /// Only the recipients that made it fire are held; the others get the message.
    pub split: bool,
    /// A hold by this rule is released by two people.
    pub four_eyes: bool,
    /// What the administrator should know of it: why it is off, what it cannot see.
    pub note: Option<Arc<str>>,
    /// The line it starts on.
    pub line: usize,
}

/// A ceiling on the verdict, for messages whose sender must not be answered with a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// The message is automatic in one of these ways; empty means every one.
    pub automation: Vec<AutomationState>,
    /// The envelope sender is one of these; empty means every one.
    pub senders: Vec<ClassRef>,
    /// The strictest action left.
    pub at: Action,
    /// Why, in plain words.
    pub reason: Arc<str>,
}

/// Members an exception names: a mailbox or a domain with all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// One mailbox, as [`Address::key`] gives it.
    Mailbox(String),
    /// A domain and what is below it.
    Domain(Domain),
}

impl Party {
    /// Reads `local@domain` or `domain`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('@') {
            Address::parse(text).ok().map(|a| Self::Mailbox(a.key()))
        } else {
            Domain::parse(text).ok().map(Self::Domain)
        }
    }

    /// Whether an address is meant.
    pub fn covers(&self, address: &Address) -> bool {
        match self {
            Self::Mailbox(key) => *key == address.key(),
            Self::Domain(domain) => address.domain().is_within(domain),
        }
    }
}

/// A waiver of named rules: standing, when the trust's own document makes it; else granted by somebody and dated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Its id.
    pub id: Arc<str>,
    /// Which requirements of the catalogue it meets.
    pub covers: Vec<Arc<str>>,
    /// Where the trust's document makes it; a standing exception has one.
    pub clause: Option<Arc<str>>,
    /// An exception that is off waives nothing.
    pub mode: Mode,
    /// The rules it waives.
    pub rules: Vec<Arc<str>>,
    /// The senders it is for; empty means every one.
    pub senders: Vec<Party>,
    /// The sender classes it is for; empty means every one.
    pub sender_classes: Vec<ClassRef>,
    /// The recipients it is for; empty means every one.
    pub recipients: Vec<Party>,
    /// The recipient classes it is for; empty means every one.
    pub classes: Vec<ClassRef>,
    /// Only for messages with a single recipient.
    pub only_recipient: bool,
    /// How a message it lets pass is marked.
    pub tag: Option<Tag>,
    /// Why it was granted.
    pub reason: Arc<str>,
    /// Who granted it; the document, when it is standing.
    pub approver: Option<Arc<str>>,
    /// The first day it holds; from ever when not set.
    pub starts: Option<Date>,
    /// The last day it holds; a standing one has none.
    pub expires: Option<Date>,
    /// The line it starts on.
    pub line: usize,
}

impl Exception {
    /// Whether it holds on a day.
    pub fn holds_on(&self, today: Date) -> bool {
        self.mode != Mode::Off
            && self.starts.is_none_or(|first| first <= today)
            && self.expires.is_none_or(|last| today <= last)
    }
}

/// Who may send in the name of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The mailbox in whose name, as [`Address::key`] gives it.
    pub author: String,
    /// Who may.
    pub senders: Vec<Party>,
}

/// A trust's policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its short name.
    pub name: Arc<str>,
    /// Its title.
    pub title: Arc<str>,
    /// The document it enforces.
    pub source: Option<Arc<str>>,
    /// What the document asks for that a relay cannot see or do.
    pub limits: Vec<Arc<str>>,
    /// Who is who.
    pub classes: Classes,
    /// The rules in file order.
    pub rules: Vec<Rule>,
    /// Ceilings on the verdict.
    pub caps: Vec<Cap>,
    /// Waivers.
    pub exceptions: Vec<Exception>,
    /// Who may send in whose name.
    pub identities: Vec<Identity>,
    /// Classes of recipients whose mail no reviewer reads (a union, occupational health).
    pub confidential: Vec<ClassRef>,
    /// Who is told, who reviews, how long things are kept, how the policy is changed.
    pub governance: Governance,
    /// The policy's own cases.
    pub cases: Vec<Case>,
    /// Domains that count as internal in the cases only.
    pub case_internal: Vec<Domain>,
    /// Domains that count as partners in the cases only.
    pub case_partner: Vec<Domain>,
    /// Members that classes have in the cases only, by the index of the class.
    pub case_members: Vec<(usize, Party)>,
}

impl Policy {
    /// The same policy with further domains of the trust and of its secure partners.
    #[must_use]
    pub fn with_domains(&self, internal: &[Domain], partners: &[Domain]) -> Self {
        let mut policy = self.clone();
        policy
            .classes
            .add_domains(super::classes::INTERNAL, internal);
        policy
            .classes
            .add_domains(super::classes::PARTNER, partners);
        policy
    }

    /// The same policy with the members that its cases count on.
    #[must_use]
    pub fn for_cases(&self) -> Self {
        let mut policy = self.with_domains(&self.case_internal, &self.case_partner);
        for (class, party) in &self.case_members {
            policy.classes.add_member(*class, party);
        }
        policy
    }
}

//! A policy as it is applied: classes, rules with their conditions, caps and exceptions.

use std::sync::Arc;

use jiff::civil::Date;

use super::auto_forward::AutomationState;
use super::case::Case;
use super::classes::Classes;
use super::fields::AnyOf;
use super::verdict::Action;
use crate::detect::{Category, Confidence, Finding};
use crate::extract::{Place, ProtectionState, UnreadReason, View};
use crate::mail::{Address, Domain};
use crate::mime::Defect;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth a look on the day.
    #[default]
    Medium,
    /// Worth a look at once.
    High,
}

/// Whom a condition on recipients means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassRef {
    /// Everybody.
    Any,
    /// Neither the trust nor a secure partner.
    Outside,
    /// Anybody who is not the trust: partners included.
    NotInternal,
    /// A registered contact of every pupil the message names.
    Contact,
    /// A class of the policy by its index.
    Named(usize),
}

/// Whom a condition on the envelope sender means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SenderKind {
    /// The null sender, `<>`.
    Null,
    /// One of the trust's own.
    Internal,
    /// Anybody else with an address.
    NotInternal,
}

/// A place without the names of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// The Subject.
    Subject,
    /// Another header.
    Header,
    /// A body.
    Body,
    /// An attachment.
    Attachment,
}

impl PlaceKind {
    /// The kind of a place.
    pub fn of(place: &Place) -> Self {
        match place {
            Place::Subject => Self::Subject,
            Place::Header => Self::Header,
            Place::Body => Self::Body,
            Place::Attachment(_) => Self::Attachment,
        }
    }
}

/// [`View`] by its name in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewKind {
    /// Running text.
    Visible,
    /// Text that is not shown.
    Hidden,
    /// A table.
    Table,
    /// A file's name.
    FileName,
    /// A document's properties.
    Properties,
}

impl ViewKind {
    /// The kind of a view.
    pub fn of(view: View) -> Self {
        match view {
            View::Visible => Self::Visible,
            View::Hidden => Self::Hidden,
            View::Table => Self::Table,
            View::FileName => Self::FileName,
            View::Properties => Self::Properties,
        }
    }
}

/// What must have been found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Categories; empty means every one.
    pub categories: Vec<Category>,
    /// Detector ids; empty means every one.
    pub detectors: Vec<String>,
    /// Detector ids that do not count.
    pub except_detectors: Vec<String>,
    /// Findings less sure than this are near misses.
    pub min_confidence: Confidence,
    /// Distinct people at least.
    pub min_people: usize,
    /// Distinct values at least.
    pub min_values: usize,
    /// Places; `None` means every one.
    pub places: Option<Vec<PlaceKind>>,
    /// Views; empty means every one.
    pub views: Vec<ViewKind>,
    /// Only findings that carry a person.
    pub tied_to_person: bool,
}

impl Found {
    /// Whether a finding counts but for its confidence.
    pub fn fits(&self, finding: &Finding) -> bool {
        let detector = &*finding.detector;
        (self.categories.is_empty() || self.categories.contains(&finding.category))
            && (self.detectors.is_empty() || self.detectors.iter().any(|id| id == detector))
            && !self.except_detectors.iter().any(|id| id == detector)
            && self
                .places
                .as_ref()
                .is_none_or(|places| places.contains(&PlaceKind::of(&finding.location.place)))
            && (self.views.is_empty() || self.views.contains(&ViewKind::of(finding.view)))
            && (!self.tied_to_person || finding.person.is_some())
    }
}

/// The conditions of a rule; all that are set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// At least one recipient is one of these; empty means any recipient.
    pub recipients: Vec<ClassRef>,
    /// Recipients that do not count towards `recipients`.
    pub except_recipients: Vec<ClassRef>,
    /// At least so many recipients count.
    pub min_recipients: usize,
    /// The envelope sender is one of these; empty means every one.
    pub senders: Vec<SenderKind>,
    /// What must have been found.
    pub found: Option<Found>,
    /// A part has one of these protection states.
    pub protection: Vec<ProtectionState>,
    /// Whether a lock against changes, which hides nothing, counts for `protection`; it does unless this is `false`.
    pub locks: Option<bool>,
    /// A part could not be read for one of these reasons.
    pub unread: Option<AnyOf<UnreadReason>>,
    /// The structure has one of these defects.
    pub defects: Option<AnyOf<Defect>>,
    /// The message is automatic in one of these ways.
    pub automation: Vec<AutomationState>,
    /// Some text was read by OCR, which makes mistakes, or none was.
    pub recognised: Option<bool>,
    /// The scan ended early, or did not.
    pub unfinished: Option<bool>,
    /// The message has at least so many bytes.
    pub min_bytes: Option<u64>,
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
    /// The smallest change that would let the message pass.
    pub remedy: Option<Arc<str>>,
    /// The line it starts on.
    pub line: usize,
}

/// A ceiling on the verdict, for messages whose sender must not be answered with a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// The message is automatic in one of these ways; empty means every one.
    pub automation: Vec<AutomationState>,
    /// The envelope sender is one of these; empty means every one.
    pub senders: Vec<SenderKind>,
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

/// A dated waiver of named rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Its id.
    pub id: Arc<str>,
    /// The rules it waives.
    pub rules: Vec<Arc<str>>,
    /// The senders it is for; empty means every one.
    pub senders: Vec<Party>,
    /// The recipients it is for; empty means every one.
    pub recipients: Vec<Party>,
    /// The recipient classes it is for; empty means every one.
    pub classes: Vec<ClassRef>,
    /// Why it was granted.
    pub reason: Arc<str>,
    /// Who granted it.
    pub approver: Arc<str>,
    /// The last day it holds.
    pub expires: Date,
    /// The line it starts on.
    pub line: usize,
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
    /// Who is who.
    pub classes: Classes,
    /// The rules in file order.
    pub rules: Vec<Rule>,
    /// Ceilings on the verdict.
    pub caps: Vec<Cap>,
    /// Waivers.
    pub exceptions: Vec<Exception>,
    /// The policy's own cases.
    pub cases: Vec<Case>,
    /// Domains that count as internal in the cases only.
    pub case_internal: Vec<Domain>,
    /// Domains that count as partners in the cases only.
    pub case_partner: Vec<Domain>,
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
}

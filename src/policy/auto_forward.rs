//! Tells mail that a machine forwarded from mail that a person sent, from top-level headers, envelope and client.
//!
//! # Invariants
//! Exclusions come first: a vacation reply of Exchange carries the very marks of an Exchange forward. A message that goes to the
//! trust's own people only is no automatic forward, whatever it carries. Headers of nested messages are never read.
//!
//! # Standards
//! RFC 3834 (Auto-Submitted), RFC 5322 3.6.6 (Resent fields), RFC 2919 and RFC 2369 (List fields), RFC 6522 (reports).
//!
//! # Known gaps
//! Rules that Outlook runs itself leave no mark; only behaviour over time ([`super::behaviour`]) shows them, and alone makes at most a
//! suspicion. HCL Domino's marks are not known.

use std::collections::HashSet;
use std::sync::Arc;

use super::classes::Classes;
use super::facts::Facts;
use super::fingerprints::{AddressOf, Fingerprint, PATTERNS, Patterns};
use super::header_text::{addresses, contains_one, received_for};
use super::history::HabitMark;
use super::mailbox_owner::mailbox_owner;
use crate::mail::Address;
use crate::mail::Domain;

/// How a message came to be sent.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum AutomationState {
    /// As far as can be told a person sent it.
    #[default]
    None,
    /// A machine forwarded it to the outside.
    AutoForward,
    /// A machine probably forwarded it to the outside.
    Suspected,
    /// A vacation reply or another answer by rule.
    AutoReply,
    /// A mailing list of the trust sent it on.
    List,
    /// A delivery or disposition report.
    Report,
    /// A person redirected it.
    ManualRedirect,
    /// A journal report for the archive.
    Journal,
}

impl AutomationState {
    /// The name used in policies, records and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AutoForward => "auto-forward",
            Self::Suspected => "suspected",
            Self::AutoReply => "auto-reply",
            Self::List => "list",
            Self::Report => "report",
            Self::ManualRedirect => "manual-redirect",
            Self::Journal => "journal",
        }
    }
}

/// What was concluded about automation, and from which marks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Automation {
    /// The conclusion.
    pub state: AutomationState,
    /// The ids of the marks that were seen (`F4`, `envelope`), each once, also those an exclusion set aside.
    pub evidence: Vec<Arc<str>>,
    /// Whether the mailbox that forwards is named; [`mailbox_owner`] tells it.
    pub owner_known: bool,
}

impl Automation {
    /// Whether it is, or probably is, an automatic forward to the outside.
    pub fn is_forward(&self) -> bool {
        matches!(
            self.state,
            AutomationState::AutoForward | AutomationState::Suspected
        )
    }
}

/// From this score a mark makes an automatic forward.
const CERTAIN: u32 = 70;
/// From this score a mark makes a suspicion.
const PROBABLE: u32 = 40;

/// The id under which evidence says that a recipient is the sender's own private mailbox.
pub(super) const OWN_MAILBOX: &str = "own-mailbox";

/// A message as the decision below looks at it.
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) classes: &'a Classes,
    pub(super) from: Vec<Address>,
    pub(super) patterns: &'a Patterns,
}

/// The marks that hold.
#[derive(Default)]
pub(super) struct Marks {
    ids: Vec<Arc<str>>,
    best: u32,
    /// The best of those that mail over time gives.
    habit: u32,
    best_without_traces: u32,
}

impl Marks {
    fn add(&mut self, id: &Arc<str>, score: u32, trace: bool) {
        if !self.ids.contains(id) {
            self.ids.push(id.clone());
        }
        self.best = self.best.max(score);
        if !trace {
            self.best_without_traces = self.best_without_traces.max(score);
        }
    }

    fn add_habit(&mut self, mark: &HabitMark) {
        self.add(&mark.id, 0, false);
        self.habit = self.habit.max(mark.score.min(CERTAIN - 1));
    }

    /// The score that counts. Towards the sender's own private mailbox every mark says more; behaviour alone never says enough.
    fn score(&mut self, towards_own: impl FnOnce() -> bool) -> u32 {
        let said = self.best.max(self.habit);
        if said == 0 || self.best >= CERTAIN || !towards_own() {
            return said;
        }
        self.ids.push(OWN_MAILBOX.into());
        raised(self.best).max(raised(self.habit).min(CERTAIN - 1))
    }

    pub(super) fn has(&self, ids: &[String]) -> bool {
        self.ids.iter().any(|id| ids.iter().any(|o| **o == **id))
    }
}

/// The next higher of the scores that marks have.
fn raised(score: u32) -> u32 {
    match score {
        0 => 0,
        1..PROBABLE => PROBABLE,
        PROBABLE..CERTAIN => CERTAIN,
        _ => 100,
    }
}

/// Concludes how a message came to be sent; `classes` say who belongs to the trust.
pub fn automation(facts: &Facts<'_>, classes: &Classes) -> Automation {
    automation_towards(facts, classes, || false)
}

/// The same for a message of which `towards_own` tells whether a recipient is the sender's own private mailbox; it is asked only where
/// that could change the conclusion.
pub(super) fn automation_towards(
    facts: &Facts<'_>,
    classes: &Classes,
    towards_own: impl FnOnce() -> bool,
) -> Automation {
    let seen = Seen {
        facts,
        classes,
        from: facts
            .headers
            .first("From")
            .map(addresses)
            .unwrap_or_default(),
        patterns: &PATTERNS,
    };
    let mut marks = seen.marks();
    let state = seen.state(&mut marks, towards_own);
    let forward = matches!(
        state,
        AutomationState::AutoForward | AutomationState::Suspected
    );
    Automation {
        state,
        owner_known: forward && mailbox_owner(facts, classes).is_some(),
        evidence: marks.ids,
    }
}

impl Seen<'_> {
    pub(super) fn is_own(&self, address: &Address) -> bool {
        self.classes.of(address).is_internal()
    }

    /// When the policy does not know the trust's domains, any address a forwarding header names is taken for the trust's.
    pub(super) fn may_be_own(&self, address: &Address) -> bool {
        !self.classes.knows_internal() || self.is_own(address)
    }

    pub(super) fn author_is_own(&self) -> bool {
        self.from.iter().any(|address| self.may_be_own(address))
    }

    pub(super) fn author_is_outside(&self) -> bool {
        self.classes.knows_internal()
            && !self.from.is_empty()
            && !self.from.iter().any(|address| self.is_own(address))
    }

    pub(super) fn mail_from(&self) -> Option<&Address> {
        self.facts.envelope.mail_from.address()
    }

    /// Anybody can write the trust's name into From; the envelope of a forward that an exclusion must not excuse gives it away.
    pub(super) fn sender_is_own_or_null(&self) -> bool {
        self.mail_from()
            .is_none_or(|sender| self.may_be_own(sender))
    }

    pub(super) fn first<'s>(&'s self, name: &'s str) -> Option<&'s str> {
        self.facts.headers.first(name)
    }

    fn leaves(&self) -> bool {
        let rcpts = &self.facts.envelope.rcpts;
        let goes_out = |address: &Address| !self.is_own(address);
        rcpts.is_empty() || rcpts.iter().any(|rcpt| rcpt.address().is_none_or(goes_out))
    }

    /// The decision, in the order in which its steps may overrule each other.
    fn state(&self, marks: &mut Marks, towards_own: impl FnOnce() -> bool) -> AutomationState {
        if self.is_report() {
            return AutomationState::Report;
        }
        if self.is_auto_reply(marks) {
            return AutomationState::AutoReply;
        }
        if self.is_own_list() {
            return AutomationState::List;
        }
        if self.is_journal() {
            return AutomationState::Journal;
        }
        if !self.leaves() {
            return AutomationState::None;
        }
        self.forward(marks, towards_own)
    }

    fn forward(&self, marks: &mut Marks, towards_own: impl FnOnce() -> bool) -> AutomationState {
        let handed_over = self.outside_sender_from_own_server() && !self.is_from_calendar();
        if handed_over {
            let score = if self.author_is_outside() || self.from.is_empty() {
                CERTAIN
            } else {
                PROBABLE
            };
            marks.add(&"envelope".into(), score, false);
        }
        for mark in &self.facts.history.marks {
            marks.add_habit(mark);
        }
        let by_hand = marks.best_without_traces.max(marks.habit) < PROBABLE;
        if by_hand && self.is_manual_redirect() {
            return AutomationState::ManualRedirect;
        }
        let structural = self.structural_marks();
        for id in &structural {
            marks.add(&Arc::from(*id), 0, false);
        }
        let score = marks.score(towards_own);
        if score >= CERTAIN {
            AutomationState::AutoForward
        } else if score >= PROBABLE || structural.len() >= 2 {
            AutomationState::Suspected
        } else {
            AutomationState::None
        }
    }

    fn marks(&self) -> Marks {
        let mut marks = Marks::default();
        for field in &self.facts.headers.fields {
            let of_name = self.patterns.by_header.iter();
            let of_name = of_name.filter(|(name, _)| name.eq_ignore_ascii_case(&field.name));
            for index in of_name.flat_map(|(_, marks)| marks) {
                let mark = &self.patterns.file.fingerprint[*index];
                if self.header_fits(mark, &field.value) {
                    marks.add(&mark.id, mark.score, mark.trace);
                }
            }
        }
        for index in &self.patterns.by_envelope {
            let mark = &self.patterns.file.fingerprint[*index];
            if self.envelope_fits(mark) {
                marks.add(&mark.id, mark.score, mark.trace);
            }
        }
        marks
    }

    fn header_fits(&self, mark: &Fingerprint, value: &str) -> bool {
        let headers = self.facts.headers;
        let address = match mark.address {
            None => true,
            Some(AddressOf::Own) => addresses(value).iter().any(|a| self.may_be_own(a)),
            Some(AddressOf::Recipient) => addresses(value)
                .iter()
                .any(|a| !self.is_own(a) && self.is_recipient(a)),
        };
        address
            && (mark.contains.is_empty() || contains_one(value, &mark.contains))
            && !contains_one(value, &mark.not_contains)
            && mark.also.as_ref().is_none_or(|also| {
                headers
                    .all(&also.header)
                    .any(|value| also.contains.is_empty() || contains_one(value, &also.contains))
            })
            && !mark.without.iter().any(|name| headers.has(name))
            && (!mark.from_outside || self.author_is_outside())
    }

    fn envelope_fits(&self, mark: &Fingerprint) -> bool {
        let Some(sender) = self.mail_from() else {
            return false;
        };
        let local = sender.local().to_lowercase();
        let starts = &mark.mail_from_starts;
        let named = starts.iter().any(|start| local.starts_with(start))
            || contains_one(&local, &mark.mail_from_contains);
        named && (!mark.mail_from_own || self.may_be_own(sender))
    }

    fn is_recipient(&self, address: &Address) -> bool {
        let local = address.local().to_lowercase();
        let rcpts = &self.facts.envelope.rcpts;
        rcpts
            .iter()
            .filter_map(|rcpt| rcpt.address())
            .any(|rcpt| rcpt.domain() == address.domain() && rcpt.local().to_lowercase() == local)
    }

    /// An own server never submits for an outsider, except when it forwards.
    fn outside_sender_from_own_server(&self) -> bool {
        self.facts.client.own_server
            && self.classes.knows_internal()
            && self.mail_from().is_some_and(|sender| !self.is_own(sender))
    }

    fn structural_marks(&self) -> Vec<&'static str> {
        let mut marks = Vec::new();
        let outside = self.author_is_outside();
        let sender_own = self
            .first("Sender")
            .is_some_and(|value| addresses(value).iter().any(|a| self.is_own(a)));
        if outside && !sender_own && self.facts.client.own_server {
            marks.push("F23");
        }
        if self.was_delivered_to_own_mailbox() {
            marks.push("F24");
        }
        if outside && (self.recipient_is_not_addressed() || self.is_signed_by_author()) {
            marks.push("F25");
        }
        marks
    }

    fn was_delivered_to_own_mailbox(&self) -> bool {
        if !self.classes.knows_internal() {
            return false;
        }
        let headers = self.facts.headers;
        let stored = headers
            .all("Delivered-To")
            .chain(headers.all("X-Original-To"))
            .any(|value| addresses(value).iter().any(|a| self.is_own(a)));
        // The top hop may name the present recipient of a message that has only just been submitted.
        stored
            || headers
                .all("Received")
                .skip(1)
                .any(|value| received_for(value).is_some_and(|address| self.is_own(&address)))
    }

    fn recipient_is_not_addressed(&self) -> bool {
        let headers = self.facts.headers;
        let named: HashSet<String> = ["To", "Cc", "Resent-To", "Resent-Cc"]
            .iter()
            .flat_map(|name| headers.all(name))
            .flat_map(addresses)
            .map(|address| address.key())
            .collect();
        let rcpts = &self.facts.envelope.rcpts;
        rcpts
            .iter()
            .filter_map(|rcpt| rcpt.address())
            .any(|address| !self.is_own(address) && !named.contains(&address.key()))
    }

    /// A DKIM signature in the name of an outside author: the message crossed the border before.
    fn is_signed_by_author(&self) -> bool {
        let headers = self.facts.headers;
        let signers = headers.all("DKIM-Signature").filter_map(|value| {
            let tag = value.split(';').find_map(|tag| {
                let (name, text) = tag.split_once('=')?;
                (name.trim() == "d").then(|| text.trim())
            })?;
            Domain::parse(tag).ok()
        });
        let signed = signers.into_iter().any(|signer| {
            !self.classes.of_domain(&signer).is_internal()
                && self.from.iter().any(|a| a.domain().is_within(&signer))
        });
        signed || headers.has("ARC-Seal")
    }
}

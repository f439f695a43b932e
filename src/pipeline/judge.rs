//! Judging: a message's bytes go in, a verdict with its grounds comes out.
//!
//! # Invariants
//! `judge` is a function of its arguments: no clock, file or socket of its own (an attachment's reader is handed in). It
//! cannot fail: what could not be read, or was not finished in time, is a fact that policy rules on.

use std::sync::Arc;
use std::time::SystemTime;

use crate::detect::{Category, Confidence, Engine, Findings, ScanContext, Secret};
use crate::extract::{self, Content, Location, Place, ProtectionState, Reader};
use crate::limits::Budget;
use crate::mail::{Address, Envelope, Recipient};
use crate::mime::{self, Defect, Headers};
use crate::policy::{self, AutomationState, ClientFacts, Facts, History, Policy, Verdict};

/// What judging works with; swapped as a whole on reload.
#[derive(Clone)]
pub struct Tools {
    /// Roster, dictionaries and detectors, compiled.
    pub engine: Arc<Engine>,
    /// The trust's rules.
    pub policy: Arc<Policy>,
    /// Who reads rich attachments.
    pub reader: Arc<dyn Reader>,
    /// Where the trust is, for its working hours.
    pub zone: jiff::tz::TimeZone,
}

impl Tools {
    /// The trust's local time at a moment.
    pub fn local(&self, at: SystemTime) -> jiff::civil::DateTime {
        let at = jiff::Timestamp::try_from(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(at)
    }
}

/// A message to judge.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Sender and recipients.
    pub envelope: &'a Envelope,
    /// The client.
    pub client: ClientFacts,
    /// The message as received.
    pub message: &'a [u8],
    /// The moment of judging in the trust's local time, for time windows and exceptions that expire.
    pub now: jiff::civil::DateTime,
    /// What was seen before.
    pub history: &'a History,
}

/// A verdict and its grounds.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// What policy says.
    pub verdict: Verdict,
    /// What was found.
    pub findings: Findings,
    /// What was read and what was not.
    pub content: Content,
    /// The top-level headers.
    pub headers: Headers,
    /// Malformed structure of the message.
    pub defects: Vec<Defect>,
    /// Size of the message in bytes.
    pub bytes: u64,
    /// What was seen before it.
    pub history: History,
}

/// One thing concluded about a message, in the words of the outside contract: a finding, a protected part, or automatic forwarding.
#[derive(Debug, Clone)]
pub struct Conclusion<'a> {
    /// What kind.
    pub category: Category,
    /// The detector, the protection state, or the first mark of forwarding.
    pub detector: &'a str,
    /// How sure.
    pub confidence: Confidence,
    /// Where.
    pub location: Location,
    /// The value masked, or the reason in words.
    pub masked: &'a str,
    /// The matched text, where there is one.
    pub text: Option<&'a Secret>,
    /// Undoing a disguise made the match.
    pub obfuscated: bool,
    /// The evidence in words.
    pub evidence: Vec<&'a str>,
}

impl Judgement {
    /// Everything concluded: the findings in their order, then protection, then forwarding.
    pub fn conclusions(&self) -> impl Iterator<Item = Conclusion<'_>> {
        let findings = self.findings.list.iter().map(|finding| Conclusion {
            category: finding.category,
            detector: &finding.detector,
            confidence: finding.confidence,
            location: finding.location.clone(),
            masked: &finding.masked,
            text: Some(&finding.text),
            obfuscated: finding.obfuscated,
            evidence: finding.reasons.iter().map(String::as_str).collect(),
        });
        let protections = self
            .content
            .protections
            .iter()
            .map(|protection| Conclusion {
                category: Category::Protected,
                detector: protection.state.name(),
                confidence: match protection.state {
                    ProtectionState::Opaque => Confidence::Low,
                    _ => Confidence::High,
                },
                location: protection.location.clone(),
                masked: protection.reason,
                text: None,
                obfuscated: false,
                evidence: Vec::new(),
            });
        findings.chain(protections).chain(self.forwarding())
    }

    fn forwarding(&self) -> Option<Conclusion<'_>> {
        let automation = &self.verdict.automation;
        let confidence = match automation.state {
            AutomationState::AutoForward => Confidence::High,
            AutomationState::Suspected => Confidence::Medium,
            _ => return None,
        };
        Some(Conclusion {
            category: Category::AutoForward,
            detector: automation
                .evidence
                .first()
                .map_or("auto-forward", |mark| mark),
            confidence,
            location: Location::of(Place::Header),
            masked: "automatic forwarding",
            text: None,
            obfuscated: false,
            evidence: automation.evidence.iter().map(|mark| &**mark).collect(),
        })
    }

    /// The facts the verdict was made from.
    pub fn facts<'a>(&'a self, envelope: &'a Envelope, own_server: bool) -> Facts<'a> {
        Facts {
            envelope,
            client: ClientFacts { own_server },
            headers: &self.headers,
            defects: &self.defects,
            content: &self.content,
            findings: &self.findings,
            message_bytes: self.bytes,
            history: &self.history,
        }
    }
}

/// The way of a message through the pure stages: parse, extract, detect, decide.
pub fn judge(case: &Case<'_>, tools: &Tools, budget: &Budget) -> Judgement {
    let message = mime::parse(case.message, budget);
    let content = extract::walk(&message, budget, tools.reader.as_ref());
    let findings = tools.engine.scan(
        &content,
        &taking_part(case.envelope, &message.headers, &tools.policy),
        budget,
    );
    let facts = Facts {
        envelope: case.envelope,
        client: case.client,
        headers: &message.headers,
        defects: &message.defects,
        content: &content,
        findings: &findings,
        message_bytes: case.message.len() as u64,
        history: case.history,
    };
    let verdict = policy::decide(&tools.policy, &facts, case.now);
    Judgement {
        verdict,
        findings,
        headers: message.headers,
        defects: message.defects,
        content,
        bytes: case.message.len() as u64,
        history: case.history.clone(),
    }
}

/// Those who take part: their own names in signatures and quoted headers are no findings. With them the trust's own domains.
pub fn taking_part(envelope: &Envelope, headers: &Headers, policy: &Policy) -> ScanContext {
    let named = ["From", "Sender", "Reply-To", "To", "Cc"]
        .into_iter()
        .filter_map(|name| headers.decoded(name));
    let sender = envelope.mail_from.address();
    let recipients = envelope.rcpts.iter().filter_map(Recipient::address);
    let internal = policy.classes.list().get(policy::classes::INTERNAL);
    let own = internal.into_iter().flat_map(|class| &class.domains);
    ScanContext {
        participants: named.chain(sender.map(ToString::to_string)).collect(),
        recipients: recipients.map(Address::key).collect(),
        inside: own.map(|domain| domain.as_str().to_owned()).collect(),
    }
}

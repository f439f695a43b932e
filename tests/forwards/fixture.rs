//! A message as it lies on the wire with its envelope, and what must be concluded of it.

use std::sync::Arc;

use beadle::extract::{InProcess, walk};
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Domain, Envelope};
use beadle::mime;
use beadle::policy::case::CaseMessage;
use beadle::policy::{AutomationState, Policy};

/// One message.
pub struct Fixture {
    /// Its name: the reference's where that has one.
    pub name: &'static str,
    /// MAIL FROM; empty for the null sender.
    pub from: &'static str,
    /// RCPT TO.
    pub to: &'static [&'static str],
    /// The header section, folded as it came.
    pub headers: &'static str,
    /// What follows the empty line.
    pub body: &'static str,
    /// How it was sent.
    pub state: AutomationState,
    /// The mark that must be among the evidence; empty when there must be none.
    pub evidence: &'static str,
    /// The mailbox that forwards, when the message names it.
    pub owner: &'static str,
}

/// A body that says nothing of how it was sent.
pub const PLAIN: &str = "The coach leaves at ten. Please bring a packed lunch.\n";
/// A private mailbox.
pub const OUT: &[&str] = &["jo.private@mail.example"];
/// Somebody who wrote to the trust.
pub const PARENT: &[&str] = &["parent@home.example"];

/// The standard policy of a trust with two domains and a partner.
pub fn policy() -> Policy {
    let domain = |text| Domain::parse(text).unwrap();
    let internal = [domain("trust.example"), domain("trust.onmicrosoft.example")];
    Policy::embedded("standard")
        .unwrap()
        .with_domains(&internal, &[domain("council.example")])
}

/// Reads a message from its bytes as the relay does; one of the trust's servers handed it over.
pub fn message(from: &str, to: &[&str], headers: &str, body: &str) -> CaseMessage {
    let from = (!from.is_empty()).then(|| Address::parse(from).unwrap());
    let to = to.iter().map(|text| Address::parse(text).unwrap());
    let raw = format!("{headers}\n{body}").replace('\n', "\r\n");
    let budget = Budget::new(Arc::new(Limits::default()));
    let parsed = mime::parse(raw.as_bytes(), &budget);
    let mut message = CaseMessage::new(Envelope::of(from, to));
    message.content = walk(&parsed, &budget, &InProcess);
    message.headers = parsed.headers;
    message.defects = parsed.defects;
    message.bytes = raw.len() as u64;
    message
}

impl Fixture {
    /// The message as it is read.
    pub fn message(&self) -> CaseMessage {
        message(self.from, self.to, self.headers, self.body)
    }
}

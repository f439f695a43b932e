//! Where a notice leads: pages of the console, which ask who is there before they show anything.
//!
//! # Invariants
//! A link is an address of a page that only shows; nothing is decided by following it, so that programs which open every link of a mail
//! decide nothing. It names a hold by its id or reference and nothing else: no token, no address, no text.

use crate::mail::QueueId;

/// The pages of the console that notices lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    origin: String,
}

impl Links {
    /// Pages below this origin: scheme, host and port, without a slash at its end, as whoever reads the configuration has checked.
    pub fn new(origin: String) -> Self {
        Self { origin }
    }

    /// A hold, for those who review.
    pub fn hold(&self, id: QueueId) -> String {
        format!("{}/holds/{id}", self.origin)
    }

    /// What waits for a decision.
    pub fn waiting(&self) -> String {
        format!("{}/holds?state=held", self.origin)
    }

    /// The register of mailboxes that forward to the outside.
    pub fn forwarding(&self) -> String {
        format!("{}/forwarding", self.origin)
    }

    /// A hold, for who sent it: to say why it must go, to send it with initials, or to take it back.
    pub fn mine(&self, id: QueueId) -> String {
        format!("{}/mine/{}", self.origin, id.reference())
    }
}

//! All that policy may know of a message.

use super::history::History;
use crate::detect::Findings;
use crate::extract::Content;
use crate::mail::Envelope;
use crate::mime::{Defect, Headers};

/// What the relay knows of the client that handed the message over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientFacts {
    /// The client is one of the trust's own mail servers (it may hand over mail of outside senders, which marks
    /// automatic forwards); `false` for devices and for messages scanned from files whose origin is not known.
    pub own_server: bool,
}

/// The facts of one message, borrowed from the stages that made them.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Sender and recipients.
    pub envelope: &'a Envelope,
    /// The client.
    pub client: ClientFacts,
    /// The top-level headers.
    pub headers: &'a Headers,
    /// Malformed structure of the message.
    pub defects: &'a [Defect],
    /// Text, unread parts, protection.
    pub content: &'a Content,
    /// What was found.
    pub findings: &'a Findings,
    /// Size of the message in bytes.
    pub message_bytes: u64,
    /// What was seen before this message.
    pub history: &'a History,
}

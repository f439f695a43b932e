//! How a message that passes is marked, and which way it takes.
//!
//! # Invariants
//! The message's own bytes stay as they are, but for a subject prefix that a rule of the trust's policy asks for. Marks are `X-` header
//! lines put before the message, each once.

use bytes::Bytes;

use crate::pipeline::received::Received;
use crate::pipeline::way::Pipeline;
use crate::policy::{Action, Verdict};
use crate::relay::trace;

/// What goes to the next hop.
#[derive(Debug, Clone)]
pub(super) struct Passing {
    /// Header lines before the message.
    pub(super) prefix: Bytes,
    /// The message.
    pub(super) message: Bytes,
    /// Only the next hop that encrypts may have it.
    pub(super) encrypt: bool,
}

impl Pipeline {
    /// The message as its recipients get it, by the way of this action: the verdict's, or that of the release that lets it pass.
    pub(super) fn passing(
        &self,
        received: &Received,
        verdict: &Verdict,
        action: Action,
    ) -> Passing {
        let mut prefix = self.prefix(received);
        let mut message = trace::without_trace(&received.message);
        let marks = header_lines(verdict);
        if !marks.is_empty() {
            prefix = [marks.as_bytes(), &prefix].concat().into();
        }
        let prefixes = verdict
            .tags()
            .filter_map(|tag| tag.subject_prefix.as_deref());
        for text in prefixes {
            message = trace::with_subject_prefix(&message, text);
        }
        Passing {
            prefix,
            message,
            encrypt: action == Action::Reroute,
        }
    }
}

/// The header lines that rules and exceptions ask for, each once.
fn header_lines(verdict: &Verdict) -> String {
    let mut lines: Vec<String> = Vec::new();
    for header in verdict.tags().flat_map(|tag| &tag.headers) {
        let line = format!("{}: {}\r\n", header.name, header.value);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.concat()
}

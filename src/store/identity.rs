//! When two messages are the same message sent again: equal Message-ID, equal authored fields and equal body, whatever was
//! prepended between. Without a Message-ID nobody can tell a retry from a second message, and none is taken for one.
//!
//! # Standards
//! RFC 5322 2.1 (the empty line ends the header section) and 3.6.4 (Message-ID).

use aws_lc_rs::digest::{Context, SHA256, digest};

/// What tells a message from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// SHA-256 of all its bytes.
    pub whole: [u8; 32],
    /// SHA-256 of the fields that authors write (From, To, Cc, Subject, Date) and of what follows the header section.
    pub body: [u8; 32],
    /// The value of its first Message-ID field, unfolded and trimmed; empty when there is none.
    pub message_id: Vec<u8>,
}

impl Identity {
    /// Reads the identity off a message.
    pub fn of(message: &[u8]) -> Self {
        let end = header_end(message);
        Self {
            whole: sha256(message),
            body: authored(&message[..end], &message[end..]),
            message_id: message_id(&message[..end]),
        }
    }
}

/// Fields that tell apart messages with one body and one (constant) Message-ID.
const AUTHORED: &[&[u8]] = &[b"from", b"to", b"cc", b"subject", b"date"];

fn authored(header: &[u8], body: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let mut counts = false;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line
                .split(|byte| *byte == b':')
                .next()
                .unwrap_or_default()
                .trim_ascii_end();
            counts = AUTHORED
                .iter()
                .any(|field| name.eq_ignore_ascii_case(field));
        }
        if counts {
            context.update(line);
        }
    }
    context.update(b"\r\n");
    context.update(body);
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// Where the body begins; the whole length when no empty line ends the header section.
pub(crate) fn header_end(message: &[u8]) -> usize {
    let mut at = 0;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if line == b"\r\n" || line == b"\n" {
            return at;
        }
    }
    message.len()
}

fn message_id(header: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"message-id";
    let mut lines = header.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        if !line[..colon].trim_ascii_end().eq_ignore_ascii_case(NAME) {
            continue;
        }
        let mut value = line[colon + 1..].to_vec();
        while let Some(folded) = lines.next_if(|next| matches!(next.first(), Some(b' ' | b'\t'))) {
            value.extend_from_slice(folded);
        }
        value.retain(|byte| !byte.is_ascii_whitespace());
        return value;
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prepended_fields_do_not_change_who_it_is() {
        let first =
            Identity::of(b"Subject: a\r\nmessage-ID:\r\n <1@trust.example>\r\n\r\nbody\r\n");
        let again = Identity::of(
            b"Received: by x\r\nMessage-Id: <1@trust.example>\r\nSubject: a\r\n\r\nbody\r\n",
        );
        assert_eq!(first.message_id, b"<1@trust.example>");
        assert_eq!(
            (&first.message_id, first.body),
            (&again.message_id, again.body)
        );
        assert_ne!(first.whole, again.whole);
    }

    #[test]
    fn odd_messages_have_an_identity_too() {
        assert_eq!(Identity::of(b"").message_id, b"");
        assert_eq!(Identity::of(b"\r\nMessage-ID: <in@body>").message_id, b"");
        assert_eq!(Identity::of(b"no colon").body, Identity::of(b"").body);
    }
}

//! Beadle's own notices to senders, in plain words.
//!
//! # Invariants
//! A notice holds no matched text, no subject and no recipient: only the rule, the reviewer's reason, the time and the
//! reference. Its envelope sender is null and it is marked automatic, so it can start no mail loop.
//!
//! # Standards
//! RFC 3834 (automatic responses), RFC 5322.
//!
//! # Known gaps
//! A sender with a non-ASCII local part is not tested.

use std::time::SystemTime;

use bytes::Bytes;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};

use crate::mail::{Address, Envelope, Reference};
use crate::relay::trace;

/// Why a notice cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// The builder refused an address.
    #[error("address cannot stand in a header")]
    Address,
    /// The builder refused the message.
    #[error("notice cannot be composed")]
    Compose,
}

/// What tells a sender that a held message was refused by a reviewer.
#[derive(Debug, Clone)]
pub struct RefusedHold<'a> {
    /// The address the notice comes from, one that people may answer.
    pub from: &'a Address,
    /// The name shown with it (the trust's, or `Data protection`).
    pub from_name: &'a str,
    /// The sender of the held message.
    pub to: &'a Address,
    /// The reference to ask about.
    pub reference: Reference,
    /// Title of the rule that held it.
    pub rule_title: &'a str,
    /// What the reviewer wrote for the sender.
    pub reason: &'a str,
    /// When the message arrived.
    pub arrived: SystemTime,
    /// Now.
    pub now: SystemTime,
}

impl RefusedHold<'_> {
    /// The envelope and the message.
    pub fn compose(&self) -> Result<(Envelope, Bytes), NoticeError> {
        let body = format!(
            "A message you sent on {} was held for review and will not be delivered.\r\n\
             None of its recipients received it.\r\n\
             \r\n\
             Rule: {}\r\n\
             Reason: {}\r\n\
             Reference: {}\r\n\
             \r\n\
             If you have questions, answer this message or ask your data protection\r\n\
             officer, and give the reference. Please do not send the message again\r\n\
             unchanged: it would be held again.\r\n",
            trace::date(self.arrived),
            one_line(self.rule_title),
            lines(self.reason),
            self.reference,
        );
        let id = format!(
            "<{}.{}@{}>",
            self.reference,
            self.now
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
                .as_millis(),
            self.from.domain()
        );
        // Set here because the builder would else parse the address again, by narrower rules than ours.
        let recipient = mailbox(None, self.to).email;
        let routing = lettre::address::Envelope::new(None, vec![recipient])
            .map_err(|_| NoticeError::Address)?;
        let message = lettre::Message::builder()
            .envelope(routing)
            .from(mailbox(Some(one_line(self.from_name)), self.from))
            .to(mailbox(None, self.to))
            .subject(format!("Message not delivered ({})", self.reference))
            .date(self.now)
            .message_id(Some(id))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(|_| NoticeError::Compose)?;
        let envelope = Envelope::of(None, [self.to.clone()]);
        Ok((envelope, Bytes::from(message.formatted())))
    }
}

fn mailbox(name: Option<String>, address: &Address) -> Mailbox {
    // Address has no control characters; lettre's own check refuses valid old local parts.
    let address = lettre::Address::new_dangerous(address.local(), address.domain().as_str());
    Mailbox::new(name, address)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A reviewer's text as CRLF lines without control characters.
fn lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.chars().filter(|c| !c.is_control()).collect())
        .collect();
    lines.join("\r\n")
}

/// `Auto-Submitted: auto-generated` (RFC 3834 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn says_why_and_nothing_more() {
        let (from, to) = (
            Address::parse("dpo@trust.example").unwrap(),
            Address::parse("\"j. doe\"@school.example").unwrap(),
        );
        let at = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let reference: Reference = "7K3Q-91ZD".parse().unwrap();
        let (envelope, message) = RefusedHold {
            from: &from,
            from_name: "Data protection\r\nBcc: x@y.example",
            to: &to,
            reference,
            rule_title: "Full name of a pupil outside the trust",
            reason: "Please use initials – zażółć.\nThank you.",
            arrived: at,
            now: at,
        }
        .compose()
        .unwrap();
        assert!(envelope.mail_from.address().is_none());
        assert_eq!(envelope.rcpts[0].address(), Some(&to));
        let parsed = mail_parser::MessageParser::default()
            .parse(&message[..])
            .unwrap();
        assert_eq!(parsed.subject(), Some("Message not delivered (7K3Q-91ZD)"));
        assert_eq!(
            parsed.header("Auto-Submitted").and_then(|h| h.as_text()),
            Some("auto-generated")
        );
        assert!(parsed.header("Bcc").is_none());
        let body = parsed.body_text(0).unwrap();
        for text in [
            "Rule: Full name of a pupil outside the trust",
            "Please use initials – zażółć.\r\nThank you.",
            "Reference: 7K3Q-91ZD",
            "Fri, 15 Jan 2027",
        ] {
            assert!(body.contains(text), "{text} in {body}");
        }
        assert!(message.is_ascii() && message.ends_with(b"\r\n"));
    }
}

//! A notice as mail.
//!
//! # Standards
//! RFC 3834 2, 3.1.7 and 5 (automatic responses), RFC 5321 4.5.5 (null sender), RFC 2046 5.1.4 (plain text first, HTML last).

use std::time::SystemTime;

use bytes::Bytes;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart};

use super::templates::Rendered;
use super::{Kind, MARK, NoticeError};
use crate::mail::{Address, Envelope, QueueId};

/// A notice with its addresses.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// Its kind.
    pub kind: Kind,
    /// The address it comes from, one that people may answer.
    pub from: &'a Address,
    /// The name shown with it.
    pub from_name: &'a str,
    /// Whom it is for: one sender, or everybody who has a role.
    pub to: &'a [Address],
    /// Its own id.
    pub id: QueueId,
    /// Now.
    pub now: SystemTime,
    /// Its words.
    pub words: &'a Rendered,
}

impl Letter<'_> {
    /// The envelope and the message.
    pub fn compose(&self) -> Result<(Envelope, Bytes), NoticeError> {
        // Set here because the builder would else parse the addresses again, by narrower rules than ours.
        let emails = self.to.iter().map(|to| mailbox(None, to).email).collect();
        let routing =
            lettre::address::Envelope::new(None, emails).map_err(|_| NoticeError::Address)?;
        let to: Mailboxes = self.to.iter().map(|to| mailbox(None, to)).collect();
        let from_name = self.from_name.split_whitespace().collect::<Vec<_>>();
        let mut builder = lettre::Message::builder()
            .envelope(routing)
            .from(mailbox(Some(from_name.join(" ")), self.from))
            .mailbox(lettre::message::header::To::from(to))
            .subject(self.words.subject.clone())
            .date(self.now)
            .message_id(Some(format!("<{}.notice@{}>", self.id, self.from.domain())))
            .header(AutoSubmitted)
            .header(Suppress)
            .header(Mark(self.kind.name()));
        if self.kind == Kind::Urgent {
            builder = builder.header(Importance);
        }
        let message = builder
            .multipart(MultiPart::alternative_plain_html(
                crlf(&self.words.text),
                crlf(&self.words.html),
            ))
            .map_err(|_| NoticeError::Compose)?;
        let envelope = Envelope::of(None, self.to.iter().cloned());
        Ok((envelope, Bytes::from(message.formatted())))
    }
}

pub(super) fn mailbox(name: Option<String>, address: &Address) -> Mailbox {
    // Address has no control characters; lettre's own check refuses valid old local parts.
    let address = lettre::Address::new_dangerous(address.local(), address.domain().as_str());
    Mailbox::new(name, address)
}

/// The text with CRLF at the end of lines and without other control characters.
pub(super) fn crlf(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.chars().filter(|c| !c.is_control() || *c == '\t');
        line.chain("\r\n".chars()).collect::<String>()
    });
    lines.collect()
}

/// A header whose value is always the same.
macro_rules! fixed {
    ($(#[$about:meta])* $type:ident, $name:literal, $value:literal) => {
        $(#[$about])*
        #[derive(Clone)]
        pub(super) struct $type;

        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self)
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), $value.to_owned())
            }
        }
    };
}

fixed!(
    /// RFC 3834 5.
    AutoSubmitted,
    "Auto-Submitted",
    "auto-generated"
);
fixed!(
    /// MS-OXCMAIL 2.2.3.2.14: no out-of-office reply, no receipt.
    Suppress,
    "X-Auto-Response-Suppress",
    "All"
);
fixed!(
    /// RFC 2156 5.3.6.
    Importance,
    "Importance",
    "high"
);

/// Our own mark, with the kind.
#[derive(Clone)]
pub(super) struct Mark(pub(super) &'static str);

impl Header for Mark {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str(MARK)
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        kind.map(|kind| Self(kind.name()))
            .ok_or_else(|| "not a kind of notice".into())
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.to_owned())
    }
}

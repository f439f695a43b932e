//! The mail that carries a report to those it is scheduled for.
//!
//! # Invariants
//! What it says are figures; what it carries is the caller's, who schedules no report with names. It goes to the trust's own and to secure
//! partners only, which the caller holds too.

use std::time::SystemTime;

use bytes::Bytes;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailboxes, MultiPart, SinglePart, header};

use super::NoticeError;
use super::letter::{AutoSubmitted, Mark, Suppress, crlf, mailbox};
use crate::mail::{Address, Envelope, QueueId};

/// The kind of this notice, in its header and in records.
pub const KIND: &str = "report";

/// A report with its addresses.
#[derive(Debug, Clone, Copy)]
pub struct ReportLetter<'a> {
    /// The address it comes from.
    pub from: &'a Address,
    /// The name shown with it.
    pub from_name: &'a str,
    /// Who gets it.
    pub to: &'a [Address],
    /// Its own id.
    pub id: QueueId,
    /// Now.
    pub now: SystemTime,
    /// What it is, for people.
    pub subject: &'a str,
    /// What is seen first.
    pub text: &'a str,
    /// The file's name.
    pub file_name: &'a str,
    /// The file's media type.
    pub media_type: &'a str,
    /// The file.
    pub file: &'a [u8],
}

impl ReportLetter<'_> {
    /// The envelope and the message.
    pub fn compose(&self) -> Result<(Envelope, Bytes), NoticeError> {
        let emails = self.to.iter().map(|to| mailbox(None, to).email).collect();
        let routing =
            lettre::address::Envelope::new(None, emails).map_err(|_| NoticeError::Address)?;
        let to: Mailboxes = self.to.iter().map(|to| mailbox(None, to)).collect();
        let from_name = self.from_name.split_whitespace().collect::<Vec<_>>();
        let media_type = ContentType::parse(self.media_type).map_err(|_| NoticeError::Compose)?;
        let file = Attachment::new(self.file_name.to_owned()).body(self.file.to_vec(), media_type);
        let message = lettre::Message::builder()
            .envelope(routing)
            .from(mailbox(Some(from_name.join(" ")), self.from))
            .mailbox(header::To::from(to))
            .subject(self.subject)
            .date(self.now)
            .message_id(Some(format!("<{}.notice@{}>", self.id, self.from.domain())))
            .header(AutoSubmitted)
            .header(Suppress)
            .header(Mark(KIND))
            .multipart(
                MultiPart::mixed()
                    .singlepart(SinglePart::plain(crlf(self.text)))
                    .singlepart(file),
            )
            .map_err(|_| NoticeError::Compose)?;
        let envelope = Envelope::of(None, self.to.iter().cloned());
        Ok((envelope, Bytes::from(message.formatted())))
    }
}

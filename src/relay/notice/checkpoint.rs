//! The mail that carries a signed checkpoint of the ledger to somebody who keeps it.
//!
//! # Invariants
//! It has no personal data: a number, a hash, a time, a signature. The checkpoint stands in it line for line, so that what a reader
//! copies or saves can be checked.

use std::time::SystemTime;

use bytes::Bytes;
use lettre::message::header::ContentType;
use lettre::message::{Mailboxes, header};

use super::NoticeError;
use super::letter::{AutoSubmitted, Mark, Suppress, crlf, mailbox};
use crate::mail::{Address, Envelope, QueueId};

/// The kind of this notice, in its header and in records.
pub const KIND: &str = "checkpoint";

/// A checkpoint with its addresses.
#[derive(Debug, Clone, Copy)]
pub struct CheckpointLetter<'a> {
    /// The address it comes from.
    pub from: &'a Address,
    /// The name shown with it.
    pub from_name: &'a str,
    /// Who keeps it.
    pub to: &'a [Address],
    /// Its own id.
    pub id: QueueId,
    /// Now.
    pub now: SystemTime,
    /// The number of the entry.
    pub entry: i64,
    /// The checkpoint, ending in a line end.
    pub note: &'a str,
}

impl CheckpointLetter<'_> {
    /// The envelope and the message.
    pub fn compose(&self) -> Result<(Envelope, Bytes), NoticeError> {
        let emails = self.to.iter().map(|to| mailbox(None, to).email).collect();
        let routing =
            lettre::address::Envelope::new(None, emails).map_err(|_| NoticeError::Address)?;
        let to: Mailboxes = self.to.iter().map(|to| mailbox(None, to)).collect();
        let from_name = self.from_name.split_whitespace().collect::<Vec<_>>();
        let text = format!(
            "This is a signed checkpoint of the ledger of mail protection, up to entry {}.\n\n\
             Keep this mail. If the ledger is ever cut or written anew, the checkpoint shows it: save the lines below to a file and \
             run\n\n    beadle ledger verify --checkpoints FILE\n\n{}",
            self.entry, self.note
        );
        let message = lettre::Message::builder()
            .envelope(routing)
            .from(mailbox(Some(from_name.join(" ")), self.from))
            .mailbox(header::To::from(to))
            .subject(format!("Checkpoint of the ledger, entry {}", self.entry))
            .date(self.now)
            .message_id(Some(format!("<{}.notice@{}>", self.id, self.from.domain())))
            .header(AutoSubmitted)
            .header(Suppress)
            .header(Mark(KIND))
            .header(ContentType::TEXT_PLAIN)
            .body(crlf(&text))
            .map_err(|_| NoticeError::Compose)?;
        let envelope = Envelope::of(None, self.to.iter().cloned());
        Ok((envelope, Bytes::from(message.formatted())))
    }
}

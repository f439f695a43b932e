//! The recipients of a message by what they are to the trust.
//!
//! # Invariants
//! Order and number are those of the envelope. What is not known is not claimed: without the trust's own domains nobody is called outside.
//!
//! # Known gaps
//! Whether a recipient's own domain would be reached over an encrypted connection is not known before the message is sent; `encrypted` speaks of
//! the next hop that encrypts and of partners, which the policy declares secure.

use std::collections::BTreeSet;

use crate::detect::Findings;
use crate::mail::Envelope;
use crate::policy::lists::ListName;
use crate::policy::{History, Policy, classes};

/// What a recipient is to the trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Known {
    /// One of the trust's own.
    Internal,
    /// A secure partner of the trust.
    Partner,
    /// A registered contact of a pupil whom the message names.
    Contact,
    /// At a service where anybody can have a mailbox.
    Webmail,
    /// Somebody else outside.
    Outside,
    /// No address, or the trust's domains are not known.
    Unknown,
}

impl Known {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "inside the trust",
            Self::Partner => "a secure partner",
            Self::Contact => "a registered contact of a pupil in this message",
            Self::Webmail => "a personal webmail address",
            Self::Outside => "outside the trust",
            Self::Unknown => "not known",
        }
    }
}

/// A recipient.
#[derive(Clone, PartialEq, Eq)]
pub struct RecipientView {
    /// The address as it was given.
    pub address: String,
    /// What it is to the trust.
    pub known: Known,
    /// Every pupil whom the message names has this contact; false when it is nobody's.
    pub contact_of_all: bool,
    /// The address is at a personal webmail service, whatever else it is.
    pub webmail: bool,
    /// The classes of the policy it is in, beside the trust's own and its partners.
    pub classes: Vec<String>,
    /// Nobody of the trust wrote there before, as far as is known.
    pub first_time: bool,
    /// It can be sent so that only the recipient's side reads it: inside, to a partner, or by the next hop that encrypts.
    pub encrypted: bool,
}

impl std::fmt::Debug for RecipientView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecipientView")
            .field("known", &self.known)
            .field("first_time", &self.first_time)
            .finish_non_exhaustive()
    }
}

/// The recipients of a message. `findings` say whose contacts they may be, `history` who was written to before, `encrypts` whether there is a next hop
/// that encrypts.
pub fn recipients(
    envelope: &Envelope,
    policy: &Policy,
    findings: &Findings,
    history: &History,
    encrypts: bool,
) -> Vec<RecipientView> {
    let contacts = findings
        .people
        .values()
        .map(|person| person.contacts.iter().map(String::as_str).collect())
        .collect::<Vec<BTreeSet<&str>>>();
    let view = |(index, recipient): (usize, &crate::mail::Recipient)| {
        let Some(address) = recipient.address() else {
            return RecipientView {
                address: "Postmaster".to_owned(),
                known: Known::Unknown,
                contact_of_all: false,
                webmail: false,
                classes: Vec::new(),
                first_time: false,
                encrypted: encrypts,
            };
        };
        let set = policy.classes.of(address);
        let key = address.key();
        let is_contact = |person: &BTreeSet<&str>| person.contains(key.as_str());
        let webmail = [ListName::Freemail, ListName::Disposable, ListName::Relay]
            .iter()
            .any(|list| list.holds(address.domain()));
        let known = if set.is_internal() {
            Known::Internal
        } else if set.has(classes::PARTNER) {
            Known::Partner
        } else if contacts.iter().any(is_contact) {
            Known::Contact
        } else if webmail {
            Known::Webmail
        } else if policy.classes.knows_internal() {
            Known::Outside
        } else {
            Known::Unknown
        };
        let named = policy.classes.list().iter().enumerate().skip(2);
        RecipientView {
            address: address.as_str().to_owned(),
            known,
            contact_of_all: !contacts.is_empty() && contacts.iter().all(is_contact),
            webmail,
            classes: named
                .filter(|(index, _)| set.has(*index))
                .map(|(_, class)| class.name.to_string())
                .collect(),
            first_time: history.is_first_contact(index),
            encrypted: encrypts || !set.is_outside(),
        }
    };
    envelope.rcpts.iter().enumerate().map(view).collect()
}

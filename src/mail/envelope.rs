//! The envelope of a transaction: what MAIL and RCPT said, kept as raw text so that it is handed on unchanged.
//!
//! # Invariants
//! `raw` holds the path as received, angle brackets included (`<@relay:a@b>`); `params` holds the raw ESMTP
//! parameters after it, without the space before them (`SIZE=1000 BODY=8BITMIME`), empty when there were none.
//!
//! # Standards
//! RFC 5321 4.1.1.2, 4.1.1.3 and 4.1.2; the null reverse-path is RFC 5321 4.5.5.

use super::Address;

/// The sender of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReversePath {
    raw: String,
    address: Option<Address>,
}

impl ReversePath {
    /// A path whose raw text (with brackets) is `raw`; `address` is `None` for the null sender `<>`.
    pub fn new(raw: impl Into<String>, address: Option<Address>) -> Self {
        Self {
            raw: raw.into(),
            address,
        }
    }

    /// The null sender, `<>`.
    pub fn null() -> Self {
        Self::new("<>", None)
    }

    /// The path of a plain address.
    pub fn of(address: Address) -> Self {
        Self {
            raw: format!("<{address}>"),
            address: Some(address),
        }
    }

    /// The path as received, brackets included.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The mailbox, or `None` for the null sender.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }
}

/// A recipient's path: a mailbox, or the domain-less `<Postmaster>` of RFC 5321 4.1.1.3.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ForwardPath {
    raw: String,
    address: Option<Address>,
}

impl ForwardPath {
    /// A path whose raw text (with brackets) is `raw`; `address` is `None` for `<Postmaster>`.
    pub fn new(raw: impl Into<String>, address: Option<Address>) -> Self {
        Self {
            raw: raw.into(),
            address,
        }
    }

    /// The path of a plain address.
    pub fn of(address: Address) -> Self {
        Self {
            raw: format!("<{address}>"),
            address: Some(address),
        }
    }

    /// The path as received, brackets included.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The mailbox, or `None` for `<Postmaster>`.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }
}

/// One accepted RCPT.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipient {
    /// The forward-path.
    pub path: ForwardPath,
    /// Raw ESMTP parameters (`NOTIFY=NEVER ORCPT=rfc822;a+2Bb@c.example`), empty when there were none.
    pub params: String,
}

impl Recipient {
    /// A recipient without parameters.
    pub fn of(address: Address) -> Self {
        Self {
            path: ForwardPath::of(address),
            params: String::new(),
        }
    }

    /// The mailbox, or `None` for `<Postmaster>`.
    pub fn address(&self) -> Option<&Address> {
        self.path.address()
    }
}

/// Sender and recipients of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// The sender.
    pub mail_from: ReversePath,
    /// Raw ESMTP parameters of MAIL, empty when there were none.
    pub mail_params: String,
    /// The recipients in the order of their RCPT commands; never empty once DATA or BDAT was accepted.
    pub rcpts: Vec<Recipient>,
}

impl Envelope {
    /// An envelope of plain addresses; `None` is the null sender.
    pub fn of(mail_from: Option<Address>, rcpts: impl IntoIterator<Item = Address>) -> Self {
        Self {
            mail_from: mail_from.map_or_else(ReversePath::null, ReversePath::of),
            mail_params: String::new(),
            rcpts: rcpts.into_iter().map(Recipient::of).collect(),
        }
    }
}

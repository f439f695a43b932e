//! The next hop as the pipeline and the queue see it: hand over a message, learn what became of each recipient.
//!
//! # Invariants
//! An [`Attempt`] never guesses: `Accepted` means that the next hop answered 2xx after the last byte; whatever was
//! cut off before that answer is `Unknown`.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use crate::mail::Envelope;
use crate::mail::QueueId;
use crate::smtp::reply::Reply;

/// What to do when the next hop takes some recipients and not others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// Some 5xx: deliver to the rest. Any 4xx: deliver to nobody, so that the client's retry makes no duplicate.
    AllOrDefer,
    /// Deliver to whoever is accepted; the queue keeps the rest.
    Each,
}

/// A message to hand over.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The id in logs and trace headers.
    pub id: QueueId,
    /// Sender, recipients and their raw parameters.
    pub envelope: Envelope,
    /// Header lines to prepend, each ending in CRLF; may be empty.
    pub prefix: Bytes,
    /// The message, byte for byte.
    pub message: Bytes,
    /// What to do with mixed answers.
    pub partial: Partial,
    /// XFORWARD attributes (`NAME=... ADDR=...`) to hand on to a next hop that offers XFORWARD.
    pub xforward: Option<String>,
    /// Only a next hop that encrypts may have it.
    pub encrypt: bool,
}

/// What became of an attempt. Indexes count `Outgoing::envelope.rcpts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The next hop took the message for every recipient that is not listed.
    Accepted {
        /// Its answer to the last byte.
        reply: Reply,
        /// Recipients it refused or deferred before the data, with its answer to each.
        refused: Vec<(usize, Reply)>,
    },
    /// Nobody got the message: the answer is 4xx or 5xx.
    Failed {
        /// The answer that decided: the next hop's own, or ours (4.4.x) when it could not be reached or broke off.
        reply: Reply,
        /// Answers to single recipients where there were any.
        refused: Vec<(usize, Reply)>,
    },
    /// The message was sent whole and the connection was lost before the answer: it may or may not have been taken.
    Unknown {
        /// The 4xx to give upstream.
        reply: Reply,
    },
}

/// What the next hop offered in its last EHLO; shapes what Beadle offers upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// It takes DSN parameters.
    pub dsn: bool,
    /// It takes SMTPUTF8.
    pub smtputf8: bool,
    /// It takes BDAT.
    pub chunking: bool,
    /// It takes XFORWARD.
    pub xforward: bool,
    /// Its SIZE limit; `None` when it names none.
    pub size: Option<u64>,
}

/// A boxed future, so that next hops can be handed around as `dyn NextHop`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where passed and released mail goes: an SMTP server, or a Maildir.
pub trait NextHop: Send + Sync {
    /// Hands the message over. Bounded in time by its own deadlines; it must not be dropped after the data began.
    fn deliver(&self, outgoing: Outgoing) -> BoxFuture<'_, Attempt>;

    /// What it offered last; asks it when nothing is known yet. `None` when it cannot be reached.
    fn offer(&self) -> BoxFuture<'_, Option<Offer>>;

    /// Whether it can take messages that only a next hop that encrypts may have.
    fn encrypts(&self) -> bool {
        false
    }
}

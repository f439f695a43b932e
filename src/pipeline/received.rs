//! A message as the sockets hand it over, and who takes it.

use std::net::IpAddr;
use std::time::{Instant, SystemTime};

use bytes::Bytes;

use crate::mail::Envelope;
use crate::mail::QueueId;
use crate::relay::next_hop::{BoxFuture, Offer};
use crate::smtp::reply::Reply;

/// What TLS says of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`.
    pub version: String,
    /// The cipher suite's name.
    pub cipher: String,
    /// Names (SAN, else CN) of a client certificate that was verified.
    pub client_names: Vec<String>,
}

/// The client of a session, as access control classed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its address (behind PROXY, the address the proxy names).
    pub ip: IpAddr,
    /// What it said in EHLO or HELO.
    pub helo: String,
    /// It greeted with EHLO.
    pub esmtp: bool,
    /// Set when the connection is encrypted.
    pub tls: Option<TlsFacts>,
    /// It is one of the trust's own mail servers.
    pub own_server: bool,
    /// The listener spools passed mail instead of relaying it while the client waits.
    pub spool: bool,
    /// Raw XFORWARD attributes of this transaction.
    pub xforward: Option<String>,
}

/// A complete message with its envelope.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its id.
    pub id: QueueId,
    /// Who handed it over.
    pub client: Client,
    /// Sender and recipients.
    pub envelope: Envelope,
    /// The bytes between DATA and the final dot, unstuffed, or the BDAT chunks joined.
    pub message: Bytes,
    /// When MAIL was accepted, on the monotonic clock: the start of the receive time.
    pub started: Instant,
    /// When the last byte arrived, on the monotonic clock: the start of the reply's deadline.
    pub completed: Instant,
    /// When the last byte arrived, by the calendar.
    pub arrived: SystemTime,
}

/// Who takes complete messages from the sockets.
pub trait Accept: Send + Sync + 'static {
    /// Judges, acts and records; the reply is ready to be written. Answers within its own deadline.
    fn accept(&self, received: Received) -> BoxFuture<'_, Reply>;

    /// What the next hop offers, for our own EHLO; the last known answer, without waiting on the network for long.
    fn offer(&self) -> BoxFuture<'_, Option<Offer>>;

    /// A reply that refuses this recipient at RCPT already (the next hop refused it with 5xx within the last hour).
    fn refused_before(&self, recipient: &str) -> Option<Reply>;

    /// Told after the reply to `accept` could not be written, or was written (`delivered`), so that a retry of an accepted
    /// message is answered and not sent again.
    fn replied(&self, id: QueueId, delivered: bool);
}

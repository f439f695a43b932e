//! The client session: from greeting to QUIT as a machine that takes bytes and gives bytes and events.
//!
//! The driver loops: write what [`Client::fill`] gives, take [`Client::event`], and read when there is neither, within the
//! deadline of [`Client::phase`]; a broken connection is told with [`Client::lost`].
//!
//! # Invariants
//! - Each step has exact expected codes: 220 greeting and STARTTLS, 250 EHLO/HELO, MAIL, RSET and the last byte, 250/251 RCPT,
//!   354 DATA, 235/334 AUTH. Any other 2xx or 3xx ends the session.
//! - `Accepted` is said only after 250 to the last byte; when every byte was given out and no 250, 4xx or 5xx came, `Unknown`.
//! - Nothing that came before the TLS handshake is believed after it; bytes behind the 220 of STARTTLS end the session.
//! - Credentials go out only over TLS.
//! - Content goes out only when the recipients' answers allow it. With PIPELINING, MAIL and every RCPT are one flight.
//!   DATA joins the flight where an unwanted 354 cannot arise from a mixed answer (one recipient, or [`Mixed::Each`]); if
//!   a server says 354 although nobody was accepted, the connection is dropped, never ended with a dot: no server may
//!   then deliver an empty message (RFC 2920 3.1 would have us send the dot and hope for 554).
//!
//! # Standards
//! RFC 5321, 2920, 3030, 3207, 4954, 1870, 6152, 6531, 3461; XFORWARD_README of Postfix.
//!
//! # Known gaps
//! No BINARYMIME, no LMTP. BDAT is one chunk. AUTH has PLAIN and LOGIN only.

mod commands;
mod content;
mod opening;
mod outcome;
mod transaction;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use zeroize::Zeroizing;

pub use outcome::{Mixed, Outcome};

use content::Content;
use outcome::ours;
use transaction::Transaction;

use crate::mail::Envelope;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::reply_reader::{Offered, ReplyReader};

/// Bytes that [`Client::fill`] gives at once, about.
pub const FILL: usize = 65_536;

/// A user name and its secret, for AUTH.
#[derive(Clone)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The secret.
    pub secret: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Whether to ask for STARTTLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTls {
    /// Never.
    Never,
    /// When it is offered; a refusal of the command leaves the session in clear.
    IfOffered,
    /// Always; without it the session is broken off.
    Required,
}

/// What a session needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name for EHLO.
    pub ehlo_name: String,
    /// What to do about STARTTLS.
    pub starttls: StartTls,
    /// The connection is encrypted from its first byte.
    pub implicit_tls: bool,
    /// For AUTH; with credentials, a session that cannot use them is broken off.
    pub credentials: Option<Arc<Credentials>>,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Message {
    /// Sender and recipients with raw parameters.
    pub envelope: Envelope,
    /// Header lines to prepend, each ending in CRLF.
    pub prefix: Bytes,
    /// The message.
    pub message: Bytes,
    /// What to do with mixed answers.
    pub mixed: Mixed,
    /// XFORWARD attributes.
    pub xforward: Option<String>,
}

/// What the driver must act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The server said 220 to STARTTLS: shake hands, then call [`Client::tls_started`].
    StartTls,
    /// The session is open and takes messages.
    Ready,
    /// The session could not be opened; the 4xx to give upstream if no other next hop is left.
    Broken(Reply),
    /// The transaction is over.
    Done(Outcome),
}

/// What the machine waits for; the driver has a deadline for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The greeting.
    Greeting,
    /// EHLO, HELO, STARTTLS, AUTH.
    Ehlo,
    /// MAIL (and XFORWARD, RSET before it).
    Mail,
    /// A RCPT.
    Rcpt,
    /// The 354.
    Data,
    /// Content is going out.
    Content,
    /// The answer to the last byte.
    Dot,
    /// Nothing.
    Idle,
}

/// How a connection was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Closed or broken.
    Closed,
    /// The deadline of the phase passed.
    Timeout,
}

/// The command whose reply is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    AuthUser,
    AuthSecret,
    AuthDone,
    Xforward,
    Mail,
    Rcpt,
    Data,
    Final,
    Rset,
    Quit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Opening,
    Handshake,
    Idle,
    Busy,
    Resetting,
    Closed,
}

/// A client session.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    life: Life,
    secure: bool,
    offered: Offered,
    reader: ReplyReader,
    expected: VecDeque<Expect>,
    pending: VecDeque<(Expect, String)>,
    out: Vec<u8>,
    content: Option<Content>,
    transaction: Option<Transaction>,
    content_begun: bool,
    cut_short: bool,
    events: VecDeque<Event>,
    closing: Option<Reply>,
    replies_seen: u64,
}

impl Client {
    /// A session on a fresh connection, waiting for the greeting.
    pub fn new(settings: Settings) -> Self {
        Self {
            secure: settings.implicit_tls,
            settings,
            life: Life::Opening,
            offered: Offered::default(),
            reader: ReplyReader::new(),
            expected: VecDeque::from([Expect::Greeting]),
            pending: VecDeque::new(),
            out: Vec::new(),
            content: None,
            transaction: None,
            content_begun: false,
            cut_short: false,
            events: VecDeque::new(),
            closing: None,
            replies_seen: 0,
        }
    }

    /// Appends bytes to write, about [`FILL`] at most; `false` when there is nothing to write.
    pub fn fill(&mut self, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        out.append(&mut self.out);
        if let Some(content) = &mut self.content {
            let room = FILL.saturating_sub(out.len() - before);
            content.fill(out, room);
        }
        out.len() > before
    }

    /// Takes bytes that were read.
    pub fn receive(&mut self, bytes: &[u8]) {
        let result = self.reader.push(bytes);
        while self.life != Life::Closed {
            let Some(reply) = self.reader.next_reply() else {
                break;
            };
            self.replies_seen += 1;
            self.take(reply);
        }
        if let Err(error) = result {
            self.broken_off(&format!("next hop's {error}"));
        }
    }

    /// The next event.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Told by the driver when the connection is gone or too slow; the events say what that means.
    pub fn lost(&mut self, how: Lost) {
        self.broken_off(match how {
            Lost::Closed => "connection to the next hop was lost",
            Lost::Timeout => "next hop did not answer in time",
        });
    }

    /// What is waited for now.
    pub fn phase(&self) -> Phase {
        if self
            .content
            .as_ref()
            .is_some_and(|content| !content.is_finished())
        {
            return Phase::Content;
        }
        match self.expected.front() {
            Some(Expect::Greeting) => Phase::Greeting,
            Some(
                Expect::Ehlo
                | Expect::Helo
                | Expect::StartTls
                | Expect::AuthUser
                | Expect::AuthSecret
                | Expect::AuthDone,
            ) => Phase::Ehlo,
            Some(Expect::Xforward | Expect::Mail | Expect::Rset) => Phase::Mail,
            Some(Expect::Rcpt) => Phase::Rcpt,
            Some(Expect::Data) => Phase::Data,
            Some(Expect::Final) => Phase::Dot,
            Some(Expect::Quit) | None => Phase::Idle,
        }
    }

    /// Replies taken so far: a deadline starts anew when this grows, not when single bytes trickle in.
    pub fn replies_seen(&self) -> u64 {
        self.replies_seen
    }

    /// What the last EHLO offered.
    pub fn offered(&self) -> &Offered {
        &self.offered
    }

    /// Whether the session is encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether nothing is outstanding and a message may be sent.
    pub fn is_idle(&self) -> bool {
        self.life == Life::Idle
            && self.reader.is_empty()
            && self.expected.is_empty()
            && self.out.is_empty()
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.life == Life::Closed
    }

    /// The 421 that ended the session unasked, if one did.
    pub fn closing(&self) -> Option<&Reply> {
        self.closing.as_ref()
    }

    /// Whether the last message failed because the session ended before any of its content went out (a 421, a lost
    /// connection): that says nothing about the message, so another connection or host may be tried.
    pub fn may_try_elsewhere(&self) -> bool {
        self.cut_short && !self.content_begun
    }

    /// The driver has shaken hands: the session starts anew inside TLS.
    pub fn tls_started(&mut self) {
        if self.life == Life::Handshake {
            self.secure = true;
            self.life = Life::Opening;
            self.reader = ReplyReader::new();
            self.say_ehlo();
        }
    }

    /// Says goodbye; there is nothing to wait for.
    pub fn quit(&mut self) {
        if self.is_idle() {
            self.send(Expect::Quit, "QUIT\r\n");
            self.life = Life::Closed;
        }
    }

    fn send(&mut self, expect: Expect, command: &str) {
        self.out.extend_from_slice(command.as_bytes());
        self.expected.push_back(expect);
    }

    fn take(&mut self, reply: Reply) {
        let Some(expect) = self.expected.pop_front() else {
            if reply.code == 421 {
                self.closing = Some(reply);
            }
            self.broken_off("next hop closed the session");
            return;
        };
        match self.life {
            Life::Opening => self.take_opening(expect, &reply),
            Life::Busy => self.take_busy(expect, reply),
            Life::Resetting if reply.code == 250 => self.life = Life::Idle,
            _ => {
                if reply.code == 421 {
                    self.closing = Some(reply);
                }
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.life = Life::Closed;
        self.expected.clear();
        self.pending.clear();
        self.out.clear();
        self.content = None;
        self.transaction = None;
    }

    /// The session ends here and now; what that means depends on how far it was.
    fn broken_off(&mut self, text: &str) {
        let reply = ours(451, EnhancedCode(4, 4, 2), text);
        match self.life {
            Life::Opening | Life::Handshake => self.events.push_back(Event::Broken(reply)),
            Life::Busy => {
                let outcome = self.cut_off(reply);
                self.events.push_back(Event::Done(outcome));
            }
            Life::Idle | Life::Resetting | Life::Closed => {}
        }
        self.close();
    }
}

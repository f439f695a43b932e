//! One client's connection: moves octets between the socket, the session and the pipeline, and keeps the deadlines.
//!
//! # Invariants
//! Every wait has a deadline. Accepting a message runs as a task of its own: a session that breaks off does not stop it, and
//! a panic in it is answered 451. Each accepted message is reported to [`Accept::replied`] exactly once; `delivered` means
//! that the client was heard from after the reply, for a write that succeeds proves nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{timeout, timeout_at};

use crate::mail::{Envelope, ForwardPath, QueueId, ReversePath};
use crate::net::access::{Admission, ClientRule};
use crate::net::body::{Body, BodyError};
use crate::net::door;
use crate::net::inbound::{Inbound, shutdown_begins};
use crate::net::quota::{Kind, Slot};
use crate::net::stream::{Input, Stream};
use crate::net::tls_server;
use crate::pipeline::{Accept, Client, Received, TlsFacts};
use crate::smtp::data::LineEnds;
use crate::smtp::extension::Offered;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::server::{Event, Phase, Session};

/// Octets left free below the next hop's SIZE for the headers we prepend.
const HEADER_ROOM: u64 = 4 * 1024;

/// Why a connection ends before its session does.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the client closed the connection")]
    Eof,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("no reply could be written in time")]
    SlowReader,
    #[error("tls handshake failed")]
    Handshake,
}

/// Tells the pipeline once what became of a reply.
struct Pending {
    accept: Arc<dyn Accept>,
    id: QueueId,
    delivered: bool,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.accept.replied(self.id, self.delivered);
    }
}

/// One client's connection.
pub(super) struct Connection {
    inbound: Arc<Inbound>,
    shutdown: watch::Receiver<bool>,
    stream: Stream,
    session: Session,
    input: Input,
    slot: Slot,
    ip: IpAddr,
    rule: Option<Arc<ClientRule>>,
    tls: Option<TlsFacts>,
    body: Option<Body>,
    /// When the octets that are arriving began, and how many came since; also for those that will be dropped.
    body_began: Instant,
    body_octets: u64,
    last_phase: Phase,
    expected: u64,
    mail_began: Instant,
    waiting_since: Instant,
    began: Instant,
    session_end: Instant,
    pending: Option<Pending>,
    messages: u32,
}

impl Connection {
    /// Serves one connection from its first octet to its last.
    pub(super) async fn run(
        inbound: Arc<Inbound>,
        mut stream: TcpStream,
        peer: IpAddr,
        shutdown: watch::Receiver<bool>,
    ) {
        let _ = stream.set_nodelay(true);
        let began = Instant::now();
        let Some(ip) = door::client_address(&inbound, &mut stream, peer).await else {
            tracing::info!(ip = %peer, "no valid proxy header");
            return;
        };
        let Some((stream, rule, slot)) = door::admit(&inbound, stream, ip).await else {
            return;
        };
        let mut connection = Self {
            session: Session::new(inbound.settings.clone()),
            // Strangers that only a certificate can let in do not get to hold sessions open for long.
            session_end: began + Duration::from_secs(inbound.config.handshake_seconds),
            began,
            shutdown,
            stream: Stream::Plain(stream),
            input: Input::new(),
            slot,
            ip,
            rule: None,
            tls: None,
            body: None,
            body_began: began,
            body_octets: 0,
            last_phase: Phase::Command,
            expected: 0,
            mail_began: began,
            waiting_since: began,
            pending: None,
            messages: 0,
            inbound,
        };
        connection.set_rule(rule);
        let ended = connection.serve().await;
        let reason = ended.err().map(|broken| broken.to_string());
        tracing::debug!(
            %ip,
            messages = connection.messages,
            ms = began.elapsed().as_millis() as u64,
            reason,
            "session ended"
        );
    }

    async fn serve(&mut self) -> Result<(), Broken> {
        if self.inbound.config.implicit_tls {
            self.start_tls().await?;
        }
        self.session.banner();
        loop {
            let (used, event) = self.session.poll(self.input.unused());
            let event = match event {
                Some(Event::Data(octets)) => {
                    if let Some(body) = &mut self.body {
                        body.push(octets).await;
                    }
                    self.input.used(used);
                    continue;
                }
                other => other,
            };
            match event {
                None | Some(Event::Data(_)) => {
                    self.input.used(used);
                    self.flush().await?;
                    self.read().await?;
                }
                Some(Event::Hello) => {
                    self.input.used(used);
                    self.hello().await;
                }
                Some(Event::Mail { path, size }) => {
                    self.input.used(used);
                    let reply = self.mail(&path, size);
                    self.session.answer(&reply);
                }
                Some(Event::Rcpt(path)) => {
                    self.input.used(used);
                    let reply = self.rcpt(&path);
                    self.session.answer(&reply);
                }
                Some(Event::Body) => {
                    self.input.used(used);
                    self.input.grow();
                    self.body = Some(Body::new(Arc::clone(&self.inbound.room), self.expected));
                }
                Some(Event::Discarded) => {
                    self.input.used(used);
                    self.body = None;
                }
                Some(Event::Complete(envelope)) => {
                    self.input.used(used);
                    self.complete(envelope).await?;
                }
                Some(Event::StartTls) => {
                    self.input.used(used);
                    self.body = None;
                    self.flush().await?;
                    self.start_tls().await?;
                }
                Some(Event::Close) => {
                    self.flush().await?;
                    self.stream.linger().await;
                    return Ok(());
                }
            }
        }
    }

    fn set_rule(&mut self, rule: Option<Arc<ClientRule>>) {
        let normalise = rule.as_ref().is_some_and(|rule| rule.normalise);
        self.session.set_line_ends(if normalise {
            LineEnds::Normalise
        } else {
            LineEnds::Refuse
        });
        if rule.is_some() {
            let limit = Duration::from_secs(self.inbound.config.session_seconds);
            self.session_end = self.began + limit;
        }
        self.rule = rule;
    }

    async fn hello(&mut self) {
        self.body = None;
        // The pipeline answers from memory; should it not, the client still gets a greeting within its patience.
        let offer = timeout(Duration::from_secs(10), self.inbound.accept.offer())
            .await
            .ok()
            .flatten()
            .unwrap_or_default();
        let next_hop = offer
            .size
            .filter(|size| *size > 0)
            .map_or(u64::MAX, |size| size.saturating_sub(HEADER_ROOM).max(1));
        self.session.greet(Offered {
            size: self.inbound.message_bytes.min(next_hop),
            starttls: self.tls.is_none() && self.inbound.tls.is_some(),
            dsn: offer.dsn,
            smtputf8: offer.smtputf8,
            xforward: self.rule.as_ref().is_some_and(|rule| rule.xforward),
            recipients: self.inbound.settings.recipients,
        });
    }

    fn mail(&mut self, sender: &ReversePath, size: Option<u64>) -> Reply {
        let now = Instant::now();
        let Some(rule) = &self.rule else {
            return Admission::needs_certificate(self.tls.is_some());
        };
        if self.inbound.config.require_tls && self.tls.is_none() {
            return Reply::new(530, EnhancedCode(5, 7, 0), "issue STARTTLS first");
        }
        if let Some(reply) = self.inbound.access.load().refuses_sender(rule, sender) {
            return reply;
        }
        if !self
            .slot
            .take(Kind::Messages, rule.messages_per_minute, now)
        {
            return Reply::new(
                450,
                EnhancedCode(4, 7, 1),
                "too many messages, try again later",
            );
        }
        if self.inbound.config.check_disk && !self.disk_has_room() {
            tracing::error!("too little disk space for messages");
            return Reply::new(
                452,
                EnhancedCode(4, 3, 1),
                "out of disk space, try again later",
            );
        }
        self.mail_began = now;
        self.expected = size.unwrap_or(0);
        Reply::new(250, EnhancedCode(2, 1, 0), "ok")
    }

    /// Postfix's queue_minfree rule: 1.5 times the largest message.
    fn disk_has_room(&self) -> bool {
        let needed = self.inbound.message_bytes.saturating_mul(3) / 2;
        match rustix::fs::statvfs(self.inbound.room.folder()) {
            Ok(found) => found.f_bavail.saturating_mul(found.f_frsize) >= needed,
            Err(_) => false,
        }
    }

    fn rcpt(&self, recipient: &ForwardPath) -> Reply {
        let limit = self.rule.as_ref().map_or(0, |r| r.recipients_per_minute);
        if !self.slot.take(Kind::Recipients, limit, Instant::now()) {
            return Reply::new(
                450,
                EnhancedCode(4, 7, 1),
                "too many recipients, try again later",
            );
        }
        let text = recipient
            .address()
            .map_or("postmaster", |address| address.as_str());
        match self.inbound.accept.refused_before(text) {
            Some(reply) => reply,
            None => Reply::new(250, EnhancedCode(2, 1, 5), "ok"),
        }
    }

    async fn complete(&mut self, envelope: Envelope) -> Result<(), Broken> {
        let completed = Instant::now();
        self.flush().await?;
        let Some(body) = self.body.take() else {
            self.session.answer(&Reply::new(
                451,
                EnhancedCode(4, 3, 0),
                "message was lost, try again",
            ));
            return Ok(());
        };
        let whole = match body.finish().await {
            Ok(whole) => whole,
            Err(error) => {
                tracing::error!(%error, ip = %self.ip, "message could not be received");
                self.session.answer(&match error {
                    BodyError::Io(_) => Reply::new(
                        452,
                        EnhancedCode(4, 3, 1),
                        "out of disk space, try again later",
                    ),
                    BodyError::Busy => {
                        Reply::new(451, EnhancedCode(4, 3, 2), "too busy, try again later")
                    }
                });
                return Ok(());
            }
        };
        let mut random = [0; 10];
        if getrandom::fill(&mut random).is_err() {
            self.session.answer(&Reply::new(
                451,
                EnhancedCode(4, 3, 0),
                "internal error, try again",
            ));
            return Ok(());
        }
        let received = Received {
            id: QueueId::from_random(random),
            client: self.client(),
            envelope,
            message: whole.message,
            started: self.mail_began,
            completed,
            arrived: SystemTime::now(),
        };
        let (reply, pending) = self.accept(received, whole.permit).await;
        self.messages += 1;
        self.session.answer(&reply);
        // Dropped on a failed write, and then it reports the reply as not delivered.
        self.flush().await?;
        self.pending = pending;
        if self.input.is_empty() {
            return Ok(());
        }
        // The client sent its next command (Postfix: QUIT) with the message and will not be heard again. Its kernel has our
        // answer; to remember it as lost would swallow the same message sent again on purpose.
        if let Some(mut pending) = self.pending.take() {
            pending.delivered = true;
        }
        Ok(())
    }

    /// Hands the message over in a task of its own, so that nothing that happens to this session can cancel a delivery.
    async fn accept(
        &self,
        received: Received,
        permit: Option<OwnedSemaphorePermit>,
    ) -> (Reply, Option<Pending>) {
        let id = received.id;
        let accept = Arc::clone(&self.inbound.accept);
        let task = tokio::spawn(async move {
            let reply = accept.accept(received).await;
            drop(permit);
            let pending = Pending {
                accept,
                id,
                delivered: false,
            };
            (reply, pending)
        });
        match task.await {
            Ok((reply, pending)) => (reply, Some(pending)),
            Err(error) => {
                tracing::error!(%id, panicked = error.is_panic(), "accepting a message failed");
                let text = "internal error, try again later";
                (Reply::new(451, EnhancedCode(4, 3, 0), text), None)
            }
        }
    }

    fn client(&self) -> Client {
        let rule = self.rule.as_deref();
        Client {
            ip: self.ip,
            helo: self.session.helo().to_owned(),
            esmtp: self.session.is_esmtp(),
            tls: self.tls.clone(),
            own_server: rule.is_some_and(|rule| rule.own_server),
            spool: self.inbound.config.spool || rule.is_some_and(|rule| rule.spool),
            xforward: self.session.xforward().map(str::to_owned),
        }
    }

    async fn start_tls(&mut self) -> Result<(), Broken> {
        let Some(server) = &self.inbound.tls else {
            return Err(Broken::Handshake);
        };
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Broken::Handshake);
        };
        let limit = Duration::from_secs(self.inbound.config.handshake_seconds);
        let stream = match timeout(limit, server.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::info!(ip = %self.ip, %error, "tls handshake failed");
                return Err(Broken::Handshake);
            }
            Err(_) => return Err(Broken::Handshake),
        };
        let facts = tls_server::facts(stream.get_ref().1);
        let admission = self
            .inbound
            .access
            .load()
            .admit(self.ip, &facts.client_names);
        if let Admission::Permitted(rule) = admission {
            self.set_rule(Some(rule));
        }
        self.tls = Some(facts);
        self.stream = Stream::Tls(Box::new(stream));
        self.session.secured();
        Ok(())
    }

    /// Writes the replies that have gathered, at once.
    async fn flush(&mut self) -> Result<(), Broken> {
        if self.session.output().is_empty() {
            return Ok(());
        }
        let output = std::mem::take(self.session.output());
        let limit = Duration::from_secs(self.inbound.config.command_seconds);
        match timeout(limit, self.stream.write(&output)).await {
            Ok(written) => written?,
            Err(_) => return Err(Broken::SlowReader),
        }
        let mut output = output;
        output.clear();
        *self.session.output() = output;
        self.waiting_since = Instant::now();
        Ok(())
    }

    /// Reads more, or ends the session because of a deadline or shutdown.
    async fn read(&mut self) -> Result<(), Broken> {
        let phase = self.session.phase();
        if phase == Phase::Data && self.last_phase != Phase::Data {
            self.body_began = Instant::now();
            self.body_octets = 0;
        }
        self.last_phase = phase;
        let deadline = self.deadline(phase);
        let idle = phase == Phase::Command;
        let read = timeout_at(deadline.into(), self.stream.read(self.input.space()));
        let outcome = tokio::select! {
            biased;
            () = shutdown_begins(&mut self.shutdown), if idle => None,
            read = read => Some(read),
        };
        match outcome {
            None => self.session.end(&Reply::new(
                421,
                EnhancedCode(4, 3, 2),
                "shutting down, try again later",
            )),
            Some(Err(_)) => {
                self.body = None;
                self.session.end(&Reply::new(
                    421,
                    EnhancedCode(4, 4, 2),
                    "timeout, closing connection",
                ));
            }
            Some(Ok(octets)) => {
                let octets = octets?;
                if octets == 0 {
                    return Err(Broken::Eof);
                }
                self.input.filled(octets);
                self.body_octets += octets as u64;
                if let Some(mut pending) = self.pending.take() {
                    pending.delivered = true;
                }
            }
        }
        Ok(())
    }

    fn deadline(&self, phase: Phase) -> Instant {
        let config = &self.inbound.config;
        let seconds = Duration::from_secs;
        let deadline = if phase == Phase::Data {
            let idle = seconds(config.data_idle_seconds);
            let slowest = self
                .body_octets
                .checked_div(config.data_bytes_per_second)
                .map_or(Duration::MAX, seconds);
            let rated = self.body_began.checked_add(idle.saturating_add(slowest));
            let silent = Instant::now() + idle;
            rated.map_or(silent, |rated| rated.min(silent))
        } else {
            self.waiting_since + seconds(config.command_seconds)
        };
        deadline.min(self.session_end)
    }
}

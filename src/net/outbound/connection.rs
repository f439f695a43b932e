//! One connection to a next hop: the client machine driven over a socket, each phase within its deadline.
//!
//! # Invariants
//! Reading goes on while writing, so a server that answers early or stops reading cannot lock the session. A deadline
//! starts anew only with a whole reply or, for content, with progress; single bytes do not extend it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::net::outbound::{Deadlines, HopConfig};
use crate::net::poll::poll_once;
use crate::net::tls_client::TlsClient;
use crate::smtp::client::{Client, Event, FILL, Lost, Message, Outcome, Phase, Settings, StartTls};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::reply_reader::Offered;

/// How long a goodbye or a reset may hold up the answer, at most.
const COURTESY: Duration = Duration::from_secs(5);

/// What a session runs over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why a session could not be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// Not reachable, refused, or not safe enough: the 4xx to give upstream when no next hop is left.
    Failed(Reply),
    /// The TLS handshake failed where a session in clear would be acceptable: try again without.
    TryClear,
}

/// An open session.
pub(super) struct Connection {
    stream: Option<Box<dyn Stream>>,
    machine: Client,
    deadlines: Deadlines,
    buffer: Vec<u8>,
    written: usize,
    wrote_total: u64,
    /// Messages begun on it.
    pub(super) used: u32,
}

enum Progress {
    Wrote(usize),
    Read(usize),
}

impl Connection {
    /// Connects and speaks up to the point where messages can be sent.
    pub(super) async fn open(
        hop: &HopConfig,
        settings: Settings,
        tls: Option<&TlsClient>,
        deadlines: &Deadlines,
    ) -> Result<Self, OpenError> {
        let connect = Duration::from_secs(deadlines.connect);
        let stream = timeout(connect, TcpStream::connect((hop.host.as_str(), hop.port)))
            .await
            .map_err(|_| failed("next hop did not take the connection in time"))?
            .map_err(|_| failed("cannot connect to the next hop"))?;
        // A failure to set it costs speed only.
        let _ = stream.set_nodelay(true);
        let implicit = settings.implicit_tls;
        let may_be_clear = hop.may_be_clear() && settings.starttls != StartTls::Required;
        let mut connection = Self {
            stream: Some(Box::new(stream)),
            machine: Client::new(settings),
            deadlines: deadlines.clone(),
            buffer: Vec::new(),
            written: 0,
            wrote_total: 0,
            used: 0,
        };
        if implicit {
            connection.encrypt(tls, false).await?;
        }
        loop {
            match connection.next_event().await {
                Some(Event::Ready) => return Ok(connection),
                Some(Event::StartTls) => {
                    connection.encrypt(tls, may_be_clear).await?;
                    connection.machine.tls_started();
                }
                Some(Event::Broken(reply)) => return Err(OpenError::Failed(reply)),
                Some(Event::Done(_)) | None => return Err(failed("session could not be opened")),
            }
        }
    }

    async fn encrypt(
        &mut self,
        tls: Option<&TlsClient>,
        may_be_clear: bool,
    ) -> Result<(), OpenError> {
        let (Some(tls), Some(stream)) = (tls, self.stream.take()) else {
            return Err(failed("tls is not set up for this next hop"));
        };
        let handshake = timeout(self.deadlines.of(Phase::Ehlo), tls.connect(stream)).await;
        match handshake {
            Ok(Ok(stream)) => {
                self.stream = Some(Box::new(stream));
                Ok(())
            }
            _ if may_be_clear => Err(OpenError::TryClear),
            Ok(Err(error)) => {
                // The library's text names the fault (wrong name, unknown authority) and no person.
                tracing::warn!(%error, "TLS handshake with the next hop failed");
                Err(OpenError::Failed(Reply::new(
                    451,
                    EnhancedCode(4, 7, 5),
                    "TLS handshake with the next hop failed",
                )))
            }
            Err(_) => Err(failed("TLS handshake with the next hop took too long")),
        }
    }

    /// Sends one message.
    pub(super) async fn send(&mut self, message: Message) -> Outcome {
        self.used += 1;
        self.machine.begin(message);
        loop {
            match self.next_event().await {
                Some(Event::Done(outcome)) => {
                    self.settle().await;
                    return outcome;
                }
                Some(_) => {}
                None => {
                    return Outcome::Unknown {
                        reply: Reply::new(451, EnhancedCode(4, 4, 2), "session ended"),
                    };
                }
            }
        }
    }

    /// After a refused message: waits shortly for the answer to RSET, so that the connection can be used again.
    async fn settle(&mut self) {
        if self.machine.is_idle() || self.machine.is_closed() {
            return;
        }
        let deadline = Instant::now() + COURTESY;
        while !self.machine.is_idle() && !self.machine.is_closed() {
            if !matches!(timeout_at(deadline, self.step()).await, Ok(Ok(()))) {
                self.machine.lost(Lost::Timeout);
            }
        }
    }

    /// Whether the last message failed before any of its content went out, for a reason of the session's.
    pub(super) fn may_try_elsewhere(&self) -> bool {
        self.machine.may_try_elsewhere()
    }

    /// Whether the last message left the session clean.
    pub(super) fn is_idle(&self) -> bool {
        self.machine.is_idle() && self.written == self.buffer.len()
    }

    /// What the next hop offered.
    pub(super) fn offered(&self) -> &Offered {
        self.machine.offered()
    }

    /// Whether it can take another message: idle, and nothing came unasked (a 421, the end of the stream).
    pub(super) async fn is_reusable(&mut self) -> bool {
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let mut byte = [0; 1];
        let silent = poll_once(stream.read(&mut byte)).await.is_none();
        silent && self.is_idle()
    }

    /// Says QUIT without waiting for the answer (as Postfix, `smtp_skip_quit_response`).
    pub(super) async fn quit(mut self) {
        self.machine.quit();
        self.buffer.clear();
        if let (true, Some(mut stream)) = (self.machine.fill(&mut self.buffer), self.stream.take())
        {
            let _ = timeout(COURTESY, async {
                stream.write_all(&self.buffer).await?;
                stream.shutdown().await
            })
            .await;
        }
    }

    /// Runs the machine until it has something to say.
    async fn next_event(&mut self) -> Option<Event> {
        let mut mark = self.mark();
        let mut deadline = Instant::now() + self.deadlines.of(mark.0);
        loop {
            if let Some(event) = self.machine.event() {
                return Some(event);
            }
            if self.machine.is_closed() {
                return None;
            }
            match timeout_at(deadline, self.step()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => self.machine.lost(Lost::Closed),
                Err(_) => self.machine.lost(Lost::Timeout),
            }
            let now = self.mark();
            if now != mark {
                mark = now;
                deadline = Instant::now() + self.deadlines.of(now.0);
            }
        }
    }

    /// What must change for a deadline to start anew.
    fn mark(&self) -> (Phase, u64, u64) {
        let phase = self.machine.phase();
        let content = if phase == Phase::Content {
            self.wrote_total
        } else {
            0
        };
        (phase, self.machine.replies_seen(), content)
    }

    /// Writes or reads once, whichever is possible first. Cancelling it loses nothing.
    async fn step(&mut self) -> std::io::Result<()> {
        if self.written == self.buffer.len() {
            self.buffer.clear();
            self.written = 0;
            self.buffer.reserve(FILL / 8);
            self.machine.fill(&mut self.buffer);
        }
        let Some(stream) = self.stream.as_mut() else {
            return Err(std::io::ErrorKind::NotConnected.into());
        };
        let mut input = [0u8; 4096];
        let out = &self.buffer[self.written..];
        let progress = poll_fn(|cx| {
            if !out.is_empty() {
                if let Poll::Ready(result) = Pin::new(&mut *stream).poll_write(cx, out) {
                    return Poll::Ready(result.map(Progress::Wrote));
                }
            } else if let Poll::Ready(Err(error)) = Pin::new(&mut *stream).poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            let mut read = ReadBuf::new(&mut input);
            match Pin::new(&mut *stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) => Poll::Ready(Ok(Progress::Read(read.filled().len()))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        match progress {
            Ok(Progress::Wrote(0) | Progress::Read(0)) => {
                Err(std::io::ErrorKind::UnexpectedEof.into())
            }
            Ok(Progress::Wrote(count)) => {
                self.written += count;
                self.wrote_total += count as u64;
                Ok(())
            }
            Ok(Progress::Read(count)) => {
                self.machine.receive(&input[..count]);
                Ok(())
            }
            Err(error) => {
                self.last_words().await;
                Err(error)
            }
        }
    }

    /// A server that refuses content early and closes makes our write fail before its reply is read; the reply counts.
    async fn last_words(&mut self) {
        let Some(stream) = self.stream.as_mut() else {
            return;
        };
        let mut input = [0u8; 4096];
        while let Ok(Ok(count @ 1..)) = timeout(COURTESY, stream.read(&mut input)).await {
            self.machine.receive(&input[..count]);
            if self.machine.is_closed() {
                return;
            }
        }
    }
}

fn failed(text: &str) -> OpenError {
    OpenError::Failed(Reply::new(451, EnhancedCode(4, 4, 1), text))
}

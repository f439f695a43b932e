//! A connection's socket, in the clear or encrypted, and the octets read from it that the session has not used yet.
//!
//! # Invariants
//! The buffer always has room for one command line, and grows once, when the first message comes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// Read buffer while commands come; the session needs room for one line of 4096 octets.
const SMALL: usize = 8 * 1024;

/// Read buffer while a message comes.
const LARGE: usize = 64 * 1024;

/// The socket, in the clear or encrypted.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Gone,
}

/// Octets read and not yet used.
pub(super) struct Input {
    octets: Vec<u8>,
    start: usize,
    end: usize,
}

impl Stream {
    pub(super) async fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(space).await,
            Self::Tls(stream) => stream.read(space).await,
            Self::Gone => Ok(0),
        }
    }

    pub(super) async fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(octets).await,
            Self::Tls(stream) => {
                stream.write_all(octets).await?;
                stream.flush().await
            }
            Self::Gone => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }

    /// Closes our side and reads on for a moment: closing with octets unread would reset the connection, and the
    /// client would lose our last reply.
    pub(super) async fn linger(&mut self) {
        let mut rest = [0; 4096];
        let _ = timeout(Duration::from_secs(1), async {
            match self {
                Self::Plain(stream) => stream.shutdown().await,
                Self::Tls(stream) => stream.shutdown().await,
                Self::Gone => Ok(()),
            }?;
            while self.read(&mut rest).await? > 0 {}
            Ok::<_, std::io::Error>(())
        })
        .await;
    }
}

impl Input {
    /// Whether everything that was read has been taken.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn new() -> Self {
        Self {
            octets: vec![0; SMALL],
            start: 0,
            end: 0,
        }
    }

    pub(super) fn unused(&self) -> &[u8] {
        &self.octets[self.start..self.end]
    }

    pub(super) fn used(&mut self, octets: usize) {
        self.start += octets;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Counts octets that were read into [`Input::space`].
    pub(super) fn filled(&mut self, octets: usize) {
        self.end += octets;
    }

    pub(super) fn grow(&mut self) {
        if self.octets.len() < LARGE {
            self.octets.resize(LARGE, 0);
        }
    }

    /// Room to read into; never empty, since the session leaves less than a line unused.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.octets.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.octets[self.end..]
    }
}

//! Listeners: accept connections within bounds, run their sessions, and end them gently.
//!
//! # Invariants
//! Sessions, sessions of one client, memory and disk are bounded; what is over a bound is told 421 or 452 and may come
//! again. On shutdown nothing new is accepted, idle sessions get 421, and messages past DATA have
//! [`Config::drain_seconds`] to end. Logs carry ids, addresses of clients and counts, never mail addresses or text.
//!
//! # Standards
//! RFC 5321 3.8 and 4.5.3.2 (timeouts).

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::limits::Limits;
use crate::net::access::Access;
use crate::net::body::Room;
use crate::net::connection::Connection;
use crate::net::quota::Quotas;
use crate::net::tls_server::TlsServer;
use crate::pipeline::Accept;
use crate::smtp::server::Settings;

/// One listener's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Our name in the banner and in the reply to EHLO.
    pub hostname: String,
    /// TLS from the first octet (port 465) instead of STARTTLS.
    pub implicit_tls: bool,
    /// Refuse MAIL until the connection is encrypted.
    pub require_tls: bool,
    /// Passed mail of every client goes through the durable queue instead of being relayed while the client waits.
    pub spool: bool,
    /// Sessions at a time; more are told 421 4.3.2.
    pub sessions: usize,
    /// Sessions at a time from one address (one /64 of IPv6), unless the client's rule says otherwise.
    pub sessions_per_client: usize,
    /// Seconds a client may take for a command.
    pub command_seconds: u64,
    /// Seconds without any octet of a message.
    pub data_idle_seconds: u64,
    /// Octets a second that a message must average once `data_idle_seconds` have passed; 0: any rate.
    pub data_bytes_per_second: u64,
    /// Seconds a session may last in all.
    pub session_seconds: u64,
    /// Seconds for a TLS handshake; also what a client that only a certificate can let in has in all to present it.
    pub handshake_seconds: u64,
    /// Seconds for the PROXY header of a listed load balancer.
    pub proxy_seconds: u64,
    /// Milliseconds to listen before the banner for clients that talk first; they are refused.
    pub banner_delay_ms: u64,
    /// Seconds that messages past DATA have to end after shutdown began.
    pub drain_seconds: u64,
    /// Octets of an arriving message kept in memory; what is beyond goes to a temporary file.
    pub memory_bytes: usize,
    /// Octets of large messages in memory at a time, all sessions together.
    pub large_bytes: usize,
    /// Seconds a large message waits for that memory before it is told 451 4.3.2.
    pub large_wait_seconds: u64,
    /// Folder for temporary files; the system's by default.
    pub temp_dir: Option<PathBuf>,
    /// Refuse MAIL with 452 4.3.1 when less than 1.5 times the largest message is free in that folder.
    pub check_disk: bool,
    /// Errors of a client after which its session ends.
    pub errors: usize,
    /// Commands without a message in between after which a session ends.
    pub unproductive: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            implicit_tls: false,
            require_tls: false,
            spool: false,
            sessions: 500,
            sessions_per_client: 100,
            command_seconds: 300,
            data_idle_seconds: 180,
            // Postfix's smtpd_min_data_rate.
            data_bytes_per_second: 500,
            session_seconds: 3_600,
            handshake_seconds: 30,
            proxy_seconds: 5,
            banner_delay_ms: 0,
            drain_seconds: 60,
            memory_bytes: 1 << 20,
            large_bytes: 256 << 20,
            large_wait_seconds: 20,
            temp_dir: None,
            check_disk: true,
            errors: 10,
            unproductive: 20,
        }
    }
}

/// A listener's parts: settings, access rules, TLS, and who takes the messages.
pub struct Inbound {
    pub(super) config: Config,
    pub(super) settings: Settings,
    pub(super) message_bytes: u64,
    pub(super) access: ArcSwap<Access>,
    pub(super) tls: Option<Arc<TlsServer>>,
    pub(super) accept: Arc<dyn Accept>,
    pub(super) quotas: Arc<Quotas>,
    pub(super) room: Arc<Room>,
    sessions: Arc<Semaphore>,
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Inbound {
    /// Puts a listener together. Without `tls` no STARTTLS is offered.
    pub fn new(
        config: Config,
        limits: &Limits,
        access: Access,
        tls: Option<Arc<TlsServer>>,
        accept: Arc<dyn Accept>,
    ) -> Self {
        let settings = Settings {
            hostname: config.hostname.clone(),
            recipients: limits.recipients,
            errors: config.errors,
            unproductive: config.unproductive,
            ..Settings::default()
        };
        let room = Room::new(
            config.memory_bytes,
            config.large_bytes,
            config.temp_dir.clone(),
            Duration::from_secs(config.large_wait_seconds),
        );
        Self {
            settings,
            message_bytes: limits.message_bytes as u64,
            access: ArcSwap::from_pointee(access),
            tls,
            accept,
            quotas: Arc::default(),
            room: Arc::new(room),
            sessions: Arc::new(Semaphore::new(
                config.sessions.clamp(1, Semaphore::MAX_PERMITS),
            )),
            config,
        }
    }

    /// Takes new access rules for sessions that begin from now on.
    pub fn set_access(&self, access: Access) {
        self.access.store(Arc::new(access));
    }

    fn begin(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: IpAddr,
        shutdown: &watch::Receiver<bool>,
        running: &mut JoinSet<()>,
    ) {
        let Ok(permit) = Arc::clone(&self.sessions).try_acquire_owned() else {
            tracing::warn!(ip = %peer, "session refused: too many sessions");
            if !self.config.implicit_tls {
                // A fresh socket has room for one line; a client that cannot take it loses only the explanation.
                let _ = stream.try_write(b"421 4.3.2 too many sessions, try again later\r\n");
            }
            return;
        };
        let inbound = Arc::clone(self);
        let shutdown = shutdown.clone();
        running.spawn(async move {
            Connection::run(inbound, stream, peer, shutdown).await;
            drop(permit);
        });
    }
}

/// Accepts and serves connections until `shutdown` turns true (or its sender is gone), then drains.
pub async fn serve(
    listener: TcpListener,
    inbound: Arc<Inbound>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut running = JoinSet::new();
    let sessions_shutdown = shutdown.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let ip = peer.ip().to_canonical();
                    inbound.begin(stream, ip, &sessions_shutdown, &mut running);
                }
                Err(error) => {
                    // Out of descriptors, or the client is gone already: neither passes faster by trying at once.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = running.join_next(), if !running.is_empty() => {}
            () = shutdown_begins(&mut shutdown) => break,
        }
    }
    drop(listener);
    let drain = Duration::from_secs(inbound.config.drain_seconds);
    let drained = tokio::time::timeout(drain, async {
        while running.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        tracing::warn!(sessions = running.len(), "sessions cut off at shutdown");
        running.shutdown().await;
    }
}

/// Returns when shutdown begins, or when nobody is left to begin it.
pub(super) async fn shutdown_begins(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|begun| *begun).await;
}

//! One host that takes mail: its connections, its last offer, and how long it is left alone after a fault.
//!
//! # Invariants
//! A connection goes back to the pool only when its session is cleanly idle after an answered message.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::net::outbound::connection::{Connection, OpenError};
use crate::net::outbound::{Config, HopConfig, OutboundError, TlsLevel};
use crate::net::pool::{Lease, Pool};
use crate::net::tls_client::TlsClient;
use crate::relay::{Attempt, Offer};
use crate::smtp::client::{Credentials, Message, Outcome, Settings, StartTls};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::reply_reader::Offered;

/// What came of trying one host.
pub(super) enum HopAnswer {
    /// The answer stands, whatever other hosts there are.
    Final(Attempt),
    /// Nothing of the message went out; another host may be tried.
    Unusable(Reply),
}

/// One host.
pub(super) struct Hop {
    config: HopConfig,
    name: String,
    settings: Settings,
    tls: Option<TlsClient>,
    pool: Pool<Connection>,
    state: Mutex<State>,
    asking: AtomicBool,
    /// Held while one message tries a host that is cooling; the others wait for what it finds.
    probe: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    offer: Option<(Offer, Instant)>,
    cooling_until: Option<Instant>,
    /// Faults so far, and what the last one was.
    faults: (u64, Option<Reply>),
}

impl Hop {
    pub(super) fn new(config: &Config, hop: &HopConfig) -> Result<Self, OutboundError> {
        let name = hop.name();
        let tls = TlsClient::new(hop).map_err(|source| OutboundError::Tls {
            hop: name.clone(),
            source,
        })?;
        let settings = Settings {
            ehlo_name: hop
                .ehlo_name
                .clone()
                .unwrap_or_else(|| config.ehlo_name.clone()),
            starttls: match hop.tls {
                TlsLevel::None => StartTls::Never,
                TlsLevel::Opportunistic => StartTls::IfOffered,
                TlsLevel::Required | TlsLevel::Verified => StartTls::Required,
            },
            implicit_tls: hop.tls_implicit,
            credentials: credentials(hop)?.map(Arc::new),
        };
        Ok(Self {
            pool: Pool::new(
                config.connections_per_hop,
                Duration::from_secs(config.idle_seconds),
                |connection: Connection| {
                    tokio::spawn(connection.quit());
                },
            ),
            config: hop.clone(),
            name,
            settings,
            tls,
            state: Mutex::default(),
            asking: AtomicBool::new(false),
            probe: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it failed a moment ago.
    pub(super) fn is_cooling(&self) -> bool {
        self.state()
            .cooling_until
            .is_some_and(|until| Instant::now() < until)
    }

    /// The last offer and its age.
    pub(super) fn offer(&self) -> Option<(Offer, Duration)> {
        self.state()
            .offer
            .as_ref()
            .map(|(offer, at)| (offer.clone(), at.elapsed()))
    }

    /// Connects only to learn what is offered; the connection is kept for the next message.
    pub(super) async fn ask(&self, config: &Config) -> Option<Offer> {
        let lease = self
            .pool
            .lease(Duration::from_secs(config.deadlines.connect))
            .await?;
        let connection = self.open(config).await.ok()?;
        lease.give_back(connection);
        self.offer().map(|(offer, _)| offer)
    }

    /// [`Self::ask`] without waiting for it; one at a time.
    pub(super) fn ask_in_background(self: &Arc<Self>, config: &Config) {
        if self.is_cooling() || self.asking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (hop, config) = (Arc::clone(self), config.clone());
        tokio::spawn(async move {
            hop.ask(&config).await;
            hop.asking.store(false, Ordering::Release);
        });
    }

    /// Sends a message over an idle or a new connection.
    pub(super) async fn send(&self, message: &Message, config: &Config) -> HopAnswer {
        let patience = Duration::from_secs(config.deadlines.connect);
        let Some(lease) = self.pool.lease(patience).await else {
            let text = "all connections to the next hop are busy";
            return HopAnswer::Unusable(Reply::new(451, EnhancedCode(4, 3, 2), text));
        };
        while let Some(mut connection) = lease.take_idle() {
            if !connection.is_reusable().await {
                continue;
            }
            let outcome = connection.send(message.clone()).await;
            // The host closed it in the meantime: nothing is lost, a new connection decides.
            if !connection.may_try_elsewhere() {
                return HopAnswer::Final(after(lease, connection, outcome, config));
            }
        }
        let mut connection = match self.open_or_share(config).await {
            Ok(connection) => connection,
            Err(reply) => return HopAnswer::Unusable(reply),
        };
        let outcome = connection.send(message.clone()).await;
        if connection.may_try_elsewhere() {
            let Outcome::Failed { reply, .. } = outcome else {
                return HopAnswer::Final(attempt(outcome));
            };
            self.cool(config, &reply);
            return HopAnswer::Unusable(reply);
        }
        HopAnswer::Final(after(lease, connection, outcome, config))
    }

    /// [`Self::open`], but while the host is cooling only one message at a time waits for it; when that one fails, those
    /// that waited meanwhile fail with it, so that an outage does not cost every message its own connect deadline.
    async fn open_or_share(&self, config: &Config) -> Result<Connection, Reply> {
        if !self.is_cooling() {
            return self.open(config).await;
        }
        let before = self.state().faults.0;
        let probing = self.probe.lock().await;
        if !self.is_cooling() {
            drop(probing);
            return self.open(config).await;
        }
        let (count, last) = self.state().faults.clone();
        match last {
            Some(reply) if count != before => Err(reply),
            _ => self.open(config).await,
        }
    }

    async fn open(&self, config: &Config) -> Result<Connection, Reply> {
        let deadlines = &config.deadlines;
        let first = Connection::open(
            &self.config,
            self.settings.clone(),
            self.tls.as_ref(),
            deadlines,
        );
        let result = match first.await {
            Err(OpenError::TryClear) => {
                tracing::info!(hop = self.name, "TLS handshake failed, going on in clear");
                let settings = Settings {
                    starttls: StartTls::Never,
                    ..self.settings.clone()
                };
                Connection::open(&self.config, settings, None, deadlines).await
            }
            other => other,
        };
        match result {
            Ok(connection) => {
                let mut state = self.state();
                state.cooling_until = None;
                state.offer = Some((offer(connection.offered()), Instant::now()));
                Ok(connection)
            }
            Err(OpenError::Failed(reply)) => {
                self.cool(config, &reply);
                // The first line is ours and names no person; the server's own lines after it might.
                tracing::warn!(
                    hop = self.name,
                    reason = reply.lines.first(),
                    "next hop cannot be used"
                );
                Err(reply)
            }
            Err(OpenError::TryClear) => {
                let text = "TLS handshake with the next hop failed";
                let reply = Reply::new(451, EnhancedCode(4, 7, 5), text);
                self.cool(config, &reply);
                Err(reply)
            }
        }
    }

    fn cool(&self, config: &Config, reply: &Reply) {
        let until = Instant::now() + Duration::from_secs(config.cool_down_seconds);
        let mut state = self.state();
        state.cooling_until = Some(until);
        state.faults = (state.faults.0 + 1, Some(reply.clone()));
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Both fields are whole values; a panic elsewhere cannot leave them half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps or closes the connection, as the outcome allows.
fn after(
    lease: Lease<Connection>,
    connection: Connection,
    outcome: Outcome,
    config: &Config,
) -> Attempt {
    if connection.is_idle() && connection.used < config.messages_per_connection {
        lease.give_back(connection);
    } else {
        tokio::spawn(async move {
            connection.quit().await;
            drop(lease);
        });
    }
    attempt(outcome)
}

fn credentials(hop: &HopConfig) -> Result<Option<Credentials>, OutboundError> {
    let wrong = || OutboundError::Auth(hop.name());
    match (&hop.auth_user, &hop.auth_secret_file) {
        (None, None) => Ok(None),
        (Some(user), Some(file)) if !hop.may_be_clear() => {
            let text = Zeroizing::new(std::fs::read_to_string(file).map_err(|_| wrong())?);
            Ok(Some(Credentials {
                user: user.clone(),
                secret: Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()),
            }))
        }
        _ => Err(wrong()),
    }
}

fn attempt(outcome: Outcome) -> Attempt {
    match outcome {
        Outcome::Accepted { reply, refused } => Attempt::Accepted { reply, refused },
        Outcome::Failed { reply, refused } => Attempt::Failed { reply, refused },
        Outcome::Unknown { reply } => Attempt::Unknown { reply },
    }
}

fn offer(offered: &Offered) -> Offer {
    Offer {
        dsn: offered.dsn,
        smtputf8: offered.smtputf8,
        chunking: offered.chunking,
        xforward: !offered.xforward.is_empty(),
        size: offered.size_limit,
    }
}

//! The SMTP next hop: routes by recipient domain, several hosts with failover, connections that are used again.
//!
//! # Invariants
//! - A message is tried elsewhere only while none of its content went out.
//! - With several routes, deferral on the first route with [`Partial::AllOrDefer`] sends nothing on the others; after an
//!   acceptance the later routes' failures are listed in `refused`.
//! - Logs name hosts and codes, never people or text of the message.
//!
//! # Known gaps
//! With several routes a deferral on a later route comes after delivery on an earlier one, so an upstream that retries for the
//! deferred recipient alone is expected; the pipeline sends a DSN or queues it.

mod config;
mod connection;
mod hop;

use std::sync::Arc;
use std::time::Duration;

pub use config::{Config, Deadlines, HopConfig, HopTextError, RouteConfig, TlsLevel};

use hop::{Hop, HopAnswer};

use crate::mail::{Domain, Envelope};
use crate::net::tls_client::TlsSetupError;
use crate::relay::next_hop::BoxFuture;
use crate::relay::{Attempt, NextHop, Offer, Outgoing, Partial};
use crate::smtp::client::{Message, Mixed};
use crate::smtp::reply::{EnhancedCode, Reply};

/// Why the configured next hops cannot be used; the administrator must mend it.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// A route, or the default, has no next hops.
    #[error("no next hops are configured")]
    NoHops,
    /// A route's domain is none.
    #[error("a route names {0:?}, which is no domain")]
    Domain(String),
    /// TLS of a next hop.
    #[error("next hop {hop}")]
    Tls {
        /// Which one.
        hop: String,
        /// Why.
        #[source]
        source: TlsSetupError,
    },
    /// AUTH needs both a user and a secret file that can be read, and a TLS level that is not `none`.
    #[error(
        "next hop {0}: auth_user needs a readable auth_secret_file and tls required or verified"
    )]
    Auth(String),
}

/// Mail over SMTP to fixed hosts.
#[derive(Clone)]
pub struct SmtpNextHop {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    /// The routes in order, the default last.
    routes: Vec<Route>,
    /// The way of messages that must be encrypted.
    encrypting: Option<Route>,
}

struct Route {
    config: Option<config::RouteConfig>,
    hops: Vec<Arc<Hop>>,
}

impl SmtpNextHop {
    /// Reads certificates and secrets; contacts nobody.
    pub fn new(config: &Config) -> Result<Self, OutboundError> {
        let mut routes = Vec::new();
        for route in &config.routes {
            for domain in &route.domains {
                Domain::parse(domain.strip_prefix("*.").unwrap_or(domain))
                    .map_err(|_| OutboundError::Domain(domain.clone()))?;
            }
            routes.push(Route {
                config: Some(route.clone()),
                hops: hops(config, &route.hops)?,
            });
        }
        routes.push(Route {
            config: None,
            hops: hops(config, &config.hops)?,
        });
        let encrypting = match config.encrypting.as_slice() {
            [] => None,
            list => Some(Route {
                config: None,
                hops: hops(config, list)?,
            }),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                config: config.clone(),
                routes,
                encrypting,
            }),
        })
    }
}

fn hops(config: &Config, hops: &[HopConfig]) -> Result<Vec<Arc<Hop>>, OutboundError> {
    if hops.is_empty() {
        return Err(OutboundError::NoHops);
    }
    hops.iter()
        .map(|hop| Hop::new(config, hop).map(Arc::new))
        .collect()
}

impl NextHop for SmtpNextHop {
    fn deliver(&self, outgoing: Outgoing) -> BoxFuture<'_, Attempt> {
        Box::pin(async move { self.inner.deliver(outgoing).await })
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(async move { self.inner.offer().await })
    }

    fn encrypts(&self) -> bool {
        self.inner.encrypting.is_some()
    }
}

impl Inner {
    async fn deliver(&self, outgoing: Outgoing) -> Attempt {
        if outgoing.encrypt {
            return self.encrypted(&outgoing).await;
        }
        let groups = self.groups(&outgoing.envelope);
        if let [(route, indexes)] = &groups[..] {
            return self.by_route(route, &outgoing, indexes).await;
        }
        let mut total = Combined::default();
        for (route, indexes) in groups {
            let attempt = self.by_route(route, &outgoing, &indexes).await;
            if total.add(attempt, &indexes, outgoing.partial) {
                break;
            }
        }
        total.into_attempt()
    }

    /// The whole message by the hops that encrypt, and by no other.
    async fn encrypted(&self, outgoing: &Outgoing) -> Attempt {
        let all: Vec<usize> = (0..outgoing.envelope.rcpts.len()).collect();
        match &self.encrypting {
            Some(route) => self.by_route(route, outgoing, &all).await,
            None => Attempt::Failed {
                reply: Reply::new(451, EnhancedCode(4, 7, 0), "no next hop encrypts"),
                refused: Vec::new(),
            },
        }
    }

    /// Recipients by route, in the order in which the routes first occur.
    fn groups(&self, envelope: &Envelope) -> Vec<(&Route, Vec<usize>)> {
        let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
        for (index, rcpt) in envelope.rcpts.iter().enumerate() {
            let route = self
                .routes
                .iter()
                .position(|route| match (&route.config, rcpt.address()) {
                    (Some(config), Some(address)) => config.takes(address.domain()),
                    (Some(_), None) => false,
                    (None, _) => true,
                })
                .unwrap_or(self.routes.len() - 1);
            match groups.iter_mut().find(|(known, _)| *known == route) {
                Some((_, indexes)) => indexes.push(index),
                None => groups.push((route, vec![index])),
            }
        }
        groups
            .into_iter()
            .map(|(route, indexes)| (&self.routes[route], indexes))
            .collect()
    }

    async fn by_route(&self, route: &Route, outgoing: &Outgoing, indexes: &[usize]) -> Attempt {
        let message = message(outgoing, indexes);
        let mut last = None;
        let (usable, cooling): (Vec<_>, Vec<_>) =
            route.hops.iter().partition(|hop| !hop.is_cooling());
        for hop in usable.into_iter().chain(cooling) {
            match hop.send(&message, &self.config).await {
                HopAnswer::Final(attempt) => {
                    log(hop, outgoing, &attempt);
                    return attempt;
                }
                HopAnswer::Unusable(reply) => {
                    tracing::info!(id = %outgoing.id, hop = hop.name(), code = reply.code, "trying the next host, if there is one");
                    last = Some(reply);
                }
            }
        }
        let reply = last
            .unwrap_or_else(|| Reply::new(451, EnhancedCode(4, 4, 1), "no next hop can be used"));
        Attempt::Failed {
            reply,
            refused: Vec::new(),
        }
    }

    async fn offer(&self) -> Option<Offer> {
        let mut common: Option<Offer> = None;
        for route in &self.routes {
            let offer = self.route_offer(route).await?;
            common = Some(match common {
                None => offer,
                Some(common) => both(&common, &offer),
            });
        }
        common
    }

    /// What every host of a route that is known offers; the first that answers is asked when none is known.
    async fn route_offer(&self, route: &Route) -> Option<Offer> {
        let mut known: Vec<Offer> = Vec::new();
        let keep = Duration::from_secs(self.config.offer_seconds);
        for hop in &route.hops {
            if let Some((offer, age)) = hop.offer() {
                known.push(offer);
                if age > keep {
                    hop.ask_in_background(&self.config);
                }
            }
        }
        if known.is_empty() {
            for hop in route.hops.iter().filter(|hop| !hop.is_cooling()) {
                if let Some(offer) = hop.ask(&self.config).await {
                    return Some(offer);
                }
            }
        }
        known.into_iter().reduce(|a, b| both(&a, &b))
    }
}

fn both(a: &Offer, b: &Offer) -> Offer {
    Offer {
        dsn: a.dsn && b.dsn,
        smtputf8: a.smtputf8 && b.smtputf8,
        chunking: a.chunking && b.chunking,
        xforward: a.xforward && b.xforward,
        size: match (a.size, b.size) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
    }
}

fn message(outgoing: &Outgoing, indexes: &[usize]) -> Message {
    let envelope = &outgoing.envelope;
    Message {
        envelope: Envelope {
            mail_from: envelope.mail_from.clone(),
            mail_params: envelope.mail_params.clone(),
            rcpts: indexes
                .iter()
                .map(|index| envelope.rcpts[*index].clone())
                .collect(),
        },
        prefix: outgoing.prefix.clone(),
        message: outgoing.message.clone(),
        mixed: match outgoing.partial {
            Partial::AllOrDefer => Mixed::AllOrDefer,
            Partial::Each => Mixed::Each,
        },
        xforward: outgoing.xforward.clone(),
    }
}

fn log(hop: &Hop, outgoing: &Outgoing, attempt: &Attempt) {
    let (result, reply, refused) = match attempt {
        Attempt::Accepted { reply, refused } => ("accepted", reply, refused.len()),
        Attempt::Failed { reply, refused } => ("failed", reply, refused.len()),
        Attempt::Unknown { reply } => ("unknown", reply, 0),
    };
    tracing::debug!(id = %outgoing.id, hop = hop.name(), result, code = reply.code, refused, "next hop answered");
}

/// The attempts of several routes as one.
#[derive(Default)]
struct Combined {
    accepted: Option<Reply>,
    deferred: Option<Reply>,
    failed: Option<Reply>,
    unknown: Option<Reply>,
    refused: Vec<(usize, Reply)>,
}

impl Combined {
    /// Adds a route's attempt; `true` when no further route may be tried.
    fn add(&mut self, attempt: Attempt, indexes: &[usize], partial: Partial) -> bool {
        let all_or_defer = partial == Partial::AllOrDefer;
        match attempt {
            Attempt::Accepted { reply, refused } => {
                self.refuse(indexes, refused);
                self.accepted.get_or_insert(reply);
                false
            }
            Attempt::Failed { reply, refused } => {
                let mut told = refused;
                for at in 0..indexes.len() {
                    if !told.iter().any(|(index, _)| *index == at) {
                        told.push((at, reply.clone()));
                    }
                }
                self.refuse(indexes, told);
                let transient = reply.is_transient();
                let slot = if transient {
                    &mut self.deferred
                } else {
                    &mut self.failed
                };
                slot.get_or_insert(reply);
                all_or_defer && transient && self.accepted.is_none()
            }
            Attempt::Unknown { reply } => {
                let told = (0..indexes.len()).map(|at| (at, reply.clone())).collect();
                self.refuse(indexes, told);
                self.unknown.get_or_insert(reply);
                all_or_defer && self.accepted.is_none()
            }
        }
    }

    fn refuse(&mut self, indexes: &[usize], refused: Vec<(usize, Reply)>) {
        self.refused.extend(
            refused
                .into_iter()
                .filter_map(|(at, reply)| indexes.get(at).map(|index| (*index, reply))),
        );
    }

    fn into_attempt(mut self) -> Attempt {
        self.refused.sort_by_key(|(index, _)| *index);
        let refused = self.refused;
        if let Some(reply) = self.accepted {
            return Attempt::Accepted { reply, refused };
        }
        if let Some(reply) = self.unknown {
            return Attempt::Unknown { reply };
        }
        let reply = self
            .deferred
            .or(self.failed)
            .unwrap_or_else(|| Reply::new(451, EnhancedCode(4, 5, 0), "message has no recipients"));
        Attempt::Failed { reply, refused }
    }
}

//! The `[outbound]` table: where mail goes, how safe the way must be, how long to wait.
//!
//! # Standards
//! Deadlines: RFC 5321 4.5.3.2 where Postfix follows it (`postconf.proto`: connect 30 s, greeting 300, MAIL 300, RCPT 300,
//! DATA 120, content 180, final dot 600). Idle reuse of 2 s: Postfix `smtp_connection_cache_time_limit`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::mail::Domain;
use crate::smtp::client::Phase;

/// Where passed and released mail goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name said in EHLO unless a next hop has its own.
    pub ehlo_name: String,
    /// Next hops in the order they are tried.
    pub hops: Vec<HopConfig>,
    /// Other next hops for some recipient domains; the first route that names the domain counts.
    pub routes: Vec<RouteConfig>,
    /// Next hops that encrypt what they send on, for messages that a rule reroutes; such messages are held when there is none.
    pub encrypting: Vec<HopConfig>,
    /// How long to wait for what.
    pub deadlines: Deadlines,
    /// Seconds an idle connection is kept for the next message; 0 keeps none.
    pub idle_seconds: u64,
    /// Messages sent over one connection before it is closed.
    pub messages_per_connection: u32,
    /// Connections to one next hop at a time; further messages wait up to the connect deadline.
    pub connections_per_hop: usize,
    /// Seconds during which a next hop that could not be used is tried last.
    pub cool_down_seconds: u64,
    /// Seconds after which what a next hop offers in EHLO is asked anew.
    pub offer_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ehlo_name: "localhost".to_owned(),
            hops: Vec::new(),
            routes: Vec::new(),
            encrypting: Vec::new(),
            deadlines: Deadlines::default(),
            idle_seconds: 2,
            messages_per_connection: 100,
            connections_per_hop: 20,
            cool_down_seconds: 30,
            offer_seconds: 60,
        }
    }
}

/// Next hops for some recipient domains.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteConfig {
    /// Recipient domains: `partner.example` means this domain, `*.partner.example` every name below it.
    pub domains: Vec<String>,
    /// Next hops in the order they are tried.
    pub hops: Vec<HopConfig>,
}

impl RouteConfig {
    /// Whether mail to `domain` goes this way.
    pub fn takes(&self, domain: &Domain) -> bool {
        self.domains
            .iter()
            .any(|pattern| match pattern.strip_prefix("*.") {
                Some(parent) => Domain::parse(parent)
                    .is_ok_and(|parent| domain != &parent && domain.is_within(&parent)),
                None => Domain::parse(pattern).is_ok_and(|exact| &exact == domain),
            })
    }
}

/// How safe the way to a next hop must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsLevel {
    /// Never TLS.
    None,
    /// TLS when the next hop offers it and it works, any certificate; else in clear.
    #[default]
    Opportunistic,
    /// TLS or nothing; any certificate.
    Required,
    /// TLS with a certificate for the right name from a trusted authority, or nothing.
    Verified,
}

/// One next hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HopConfig {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// `none`, `opportunistic`, `required` or `verified`.
    pub tls: TlsLevel,
    /// TLS from the first byte (port 465) instead of STARTTLS; any `tls` level below `required` then counts as `required`.
    pub tls_implicit: bool,
    /// Name the certificate must be for; the host when not set. Only with `verified`.
    pub tls_name: Option<String>,
    /// PEM file with the authorities to trust; the system's when not set. Only with `verified`.
    pub ca_file: Option<PathBuf>,
    /// PEM file with our client certificate and its chain.
    pub client_certificate: Option<PathBuf>,
    /// PEM file with the client certificate's private key.
    pub client_key: Option<PathBuf>,
    /// User for AUTH, sent only over TLS.
    pub auth_user: Option<String>,
    /// File with the secret for AUTH; a line end at its end is ignored.
    pub auth_secret_file: Option<PathBuf>,
    /// Name said in EHLO to this next hop.
    pub ehlo_name: Option<String>,
}

impl Default for HopConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 25,
            tls: TlsLevel::default(),
            tls_implicit: false,
            tls_name: None,
            ca_file: None,
            client_certificate: None,
            client_key: None,
            auth_user: None,
            auth_secret_file: None,
            ehlo_name: None,
        }
    }
}

impl HopConfig {
    /// `host:port`, for logs.
    pub fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether a session in clear is acceptable.
    pub fn may_be_clear(&self) -> bool {
        !self.tls_implicit && matches!(self.tls, TlsLevel::None | TlsLevel::Opportunistic)
    }
}

/// A text is not `HOST:PORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("next hop must be HOST:PORT, an IPv6 address in brackets")]
pub struct HopTextError;

impl FromStr for HopConfig {
    type Err = HopTextError;

    /// Reads `HOST:PORT`, `[IPV6]:PORT`, or a host alone for port 25.
    fn from_str(text: &str) -> Result<Self, HopTextError> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(HopTextError)?;
                host.parse::<std::net::Ipv6Addr>()
                    .map_err(|_| HopTextError)?;
                let port = match port.strip_prefix(':') {
                    None if port.is_empty() => None,
                    Some(port) => Some(port),
                    None => return Err(HopTextError),
                };
                (host, port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| HopTextError)?,
            None => 25,
        };
        if host.is_empty() || host.contains(char::is_whitespace) || port == 0 {
            return Err(HopTextError);
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            ..Self::default()
        })
    }
}

/// Seconds to wait in each phase of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// Seconds for the TCP connection, and for a free one of `connections_per_hop`.
    pub connect: u64,
    /// Seconds for the greeting, and for each reply to EHLO, STARTTLS, the TLS handshake and AUTH.
    pub greeting: u64,
    /// Seconds for the reply to MAIL.
    pub mail: u64,
    /// Seconds for the reply to each RCPT.
    pub rcpt: u64,
    /// Seconds for the reply to DATA.
    pub data: u64,
    /// Seconds within which each piece of content must be taken.
    pub content: u64,
    /// Seconds for the reply to the last byte. RFC 5321 asks for 600: giving up early makes duplicates.
    pub dot: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: 30,
            greeting: 300,
            mail: 300,
            rcpt: 300,
            data: 120,
            content: 180,
            dot: 600,
        }
    }
}

impl Deadlines {
    /// The time a phase may take.
    pub fn of(&self, phase: Phase) -> Duration {
        Duration::from_secs(match phase {
            Phase::Greeting | Phase::Ehlo => self.greeting,
            Phase::Mail | Phase::Idle => self.mail,
            Phase::Rcpt => self.rcpt,
            Phase::Data => self.data,
            Phase::Content => self.content,
            Phase::Dot => self.dot,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_command_line_form() {
        for (text, host, port) in [
            ("mx.example:2525", "mx.example", 2525),
            ("mx.example", "mx.example", 25),
            ("[2001:db8::1]:26", "2001:db8::1", 26),
            ("[2001:db8::1]", "2001:db8::1", 25),
            ("192.0.2.1:25", "192.0.2.1", 25),
        ] {
            let hop: HopConfig = text.parse().unwrap();
            assert_eq!((hop.host.as_str(), hop.port), (host, port));
        }
        for text in [
            "",
            ":25",
            "a:",
            "a:0",
            "a:99999",
            "2001:db8::1:25",
            "[x]:25",
            "[::1]25",
        ] {
            assert!(text.parse::<HopConfig>().is_err(), "{text}");
        }
        let hop: HopConfig = "[::1]:2525".parse().unwrap();
        assert_eq!(hop.name(), "[::1]:2525");
    }

    #[test]
    fn routes_name_domains_exactly_or_below() {
        let route = RouteConfig {
            domains: vec!["Partner.example".into(), "*.wide.example".into()],
            hops: vec![],
        };
        let takes = |domain: &str| route.takes(&Domain::parse(domain).unwrap());
        assert!(takes("partner.example") && takes("a.b.wide.example"));
        assert!(!takes("a.partner.example") && !takes("wide.example") && !takes("xwide.example"));
    }

    #[test]
    fn the_table_is_strict_and_complete() {
        let text = toml::to_string(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
        assert!(toml::from_str::<Config>("hop = []").is_err());
        let config: Config =
            toml::from_str("[[hops]]\nhost = \"a.example\"\ntls = \"verified\"\n").unwrap();
        assert_eq!(config.hops[0].tls, TlsLevel::Verified);
        assert_eq!(config.hops[0].port, 25);
    }
}

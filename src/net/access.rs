//! Who may hand over mail: rules for clients and senders as configured, and the decision as a pure function of them.
//!
//! # Invariants
//! Default deny: a client that no rule names is refused before its first command, or, when rules by certificate exist,
//! before its first MAIL. No rule opens the relay to the Internet without a certificate: [`Access::new`] refuses it.
//!
//! # Standards
//! RFC 5321 3.1 (554 as greeting), RFC 3207 4 (530 5.7.0), RFC 5321 4.5.5 (null reverse-path).

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::mail::{Domain, ReversePath};
use crate::smtp::reply::{EnhancedCode, Reply};

/// Who may send, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Rules for clients; the first that fits counts. Clients that fit none are refused.
    pub clients: Vec<ClientRule>,
    /// The trust's own domains as senders; names below them count too. Clients that are not `own_server` may send from
    /// these only.
    pub sender_domains: Vec<String>,
    /// Who may send with the null sender `<>` (bounces, out-of-office replies).
    pub null_sender: NullSender,
}

/// Who may send with the null sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullSender {
    /// The trust's own servers.
    #[default]
    OwnServers,
    /// Nobody.
    Refuse,
}

/// One rule for clients. A rule with networks and certificate names wants both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientRule {
    /// Networks as CIDR (`192.0.2.0/24`) or single addresses; empty: any, and then certificate names are needed.
    pub networks: Vec<String>,
    /// Names of verified client certificates (`mail.protection.outlook.com`, `*.trust.example`); empty: none needed.
    pub certificate_names: Vec<String>,
    /// The client is one of the trust's own mail servers: an outside sender from it is the mark of an automatic forward
    /// and left to policy; from other clients it is refused.
    pub own_server: bool,
    /// Bare CR and LF in DATA become CRLF instead of the message being refused.
    pub normalise: bool,
    /// Passed mail goes through the durable queue instead of being relayed while the client waits.
    pub spool: bool,
    /// The client may use XFORWARD.
    pub xforward: bool,
    /// The peer is a load balancer: it must open with a PROXY header, and the rules are asked again about the address
    /// it names. Such a rule lets nobody send by itself.
    pub proxy: bool,
    /// Sessions at a time from one address (one /64 of IPv6); 0: the listener's default.
    pub sessions: usize,
    /// Messages a minute from one address; 0: no limit.
    pub messages_per_minute: u32,
    /// Recipients a minute from one address; 0: no limit.
    pub recipients_per_minute: u32,
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: found {found}; allowed: {allowed}; to mend it, {mend}")]
pub struct AccessError {
    /// The key.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: &'static str,
    /// What to do.
    pub mend: &'static str,
}

/// The rules, read and checked.
#[derive(Debug, Clone)]
pub struct Access {
    rules: Vec<Rule>,
    sender_domains: Vec<Domain>,
    null_sender: NullSender,
}

#[derive(Debug, Clone)]
struct Rule {
    networks: Vec<IpNet>,
    names: Vec<String>,
    config: Arc<ClientRule>,
}

/// What the rules make of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// This rule lets it in.
    Permitted(Arc<ClientRule>),
    /// Only a certificate could let it in.
    NeedsCertificate,
    /// No rule can fit.
    Refused,
}

impl Config {
    /// The configuration that `--allow CIDR` and `--sender-domain D` stand for: own servers in these networks.
    pub fn of_flags(allow: &[String], sender_domains: &[String]) -> Self {
        Self {
            clients: vec![ClientRule {
                networks: allow.to_vec(),
                own_server: true,
                ..ClientRule::default()
            }],
            sender_domains: sender_domains.to_vec(),
            null_sender: NullSender::default(),
        }
    }
}

impl Access {
    /// Reads and checks the rules.
    pub fn new(config: &Config) -> Result<Self, AccessError> {
        let rules = config
            .clients
            .iter()
            .enumerate()
            .map(|(index, rule)| Rule::new(index, rule))
            .collect::<Result<_, _>>()?;
        let sender_domains = config
            .sender_domains
            .iter()
            .map(|text| {
                Domain::parse(text).map_err(|_| AccessError {
                    key: "sender_domains".to_owned(),
                    found: format!("{text:?}"),
                    allowed: "domain names such as trust.example",
                    mend: "write the part after the @ of your users' addresses",
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rules,
            sender_domains,
            null_sender: config.null_sender,
        })
    }

    /// Whether this peer must open with a PROXY header.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.config.proxy && rule.has_address(peer))
    }

    /// What the rules make of a client at `ip` whose verified certificate has these names.
    pub fn admit(&self, ip: IpAddr, certificate_names: &[String]) -> Admission {
        let mut could = false;
        for rule in self.rules.iter().filter(|rule| !rule.config.proxy) {
            if !rule.has_address(ip) {
                continue;
            }
            if rule.names.is_empty() || rule.has_name(certificate_names) {
                return Admission::Permitted(Arc::clone(&rule.config));
            }
            could = true;
        }
        if could {
            Admission::NeedsCertificate
        } else {
            Admission::Refused
        }
    }

    /// Why a client under this rule may not send as `sender`; `None` when it may.
    pub fn refuses_sender(&self, rule: &ClientRule, sender: &ReversePath) -> Option<Reply> {
        let refuse = |text| Some(Reply::new(550, EnhancedCode(5, 7, 1), text));
        match sender.address() {
            None if self.null_sender == NullSender::OwnServers && rule.own_server => None,
            None => refuse("the null sender is not accepted from this client"),
            Some(_) if rule.own_server => None,
            Some(address) => {
                let own = self
                    .sender_domains
                    .iter()
                    .any(|domain| address.domain().is_within(domain));
                if own {
                    None
                } else {
                    refuse("sender domain is not accepted from this client")
                }
            }
        }
    }
}

impl Admission {
    /// The reply for a client that no rule fits.
    pub fn refused() -> Reply {
        Reply::new(554, EnhancedCode(5, 7, 1), "access denied")
    }

    /// The reply to MAIL from a client that only a certificate could let in.
    pub fn needs_certificate(encrypted: bool) -> Reply {
        if encrypted {
            Reply::new(
                550,
                EnhancedCode(5, 7, 1),
                "client certificate is not accepted",
            )
        } else {
            Reply::new(
                530,
                EnhancedCode(5, 7, 0),
                "issue STARTTLS with a client certificate first",
            )
        }
    }
}

impl Rule {
    fn new(index: usize, config: &ClientRule) -> Result<Self, AccessError> {
        let key = |name: &str| format!("clients[{index}].{name}");
        let mut networks = Vec::with_capacity(config.networks.len());
        for text in &config.networks {
            let network = network(text).ok_or_else(|| AccessError {
                key: key("networks"),
                found: format!("{text:?}"),
                allowed: "CIDR blocks such as 192.0.2.0/24 or 2001:db8::/48, or single addresses",
                mend: "write the address range of your mail servers",
            })?;
            if is_open(&network) && config.certificate_names.is_empty() {
                return Err(AccessError {
                    key: key("networks"),
                    found: format!("{text:?} without certificate_names"),
                    allowed: "networks of /8 (IPv6: /16) or smaller, or certificate_names beside them",
                    mend: "name your mail servers' own networks, or demand a client certificate; \
                           anything wider is an open relay",
                });
            }
            networks.push(network);
        }
        if config.proxy && !config.certificate_names.is_empty() {
            return Err(AccessError {
                key: key("certificate_names"),
                found: "names on a rule with proxy = true".to_owned(),
                allowed: "networks only",
                mend: "give the certificate names to the rule for the clients behind the proxy",
            });
        }
        if networks.is_empty() && config.certificate_names.is_empty() {
            return Err(AccessError {
                key: key("networks"),
                found: "neither networks nor certificate_names".to_owned(),
                allowed: "at least one network or certificate name",
                mend: "say which clients the rule is for",
            });
        }
        if let Some(name) = config.certificate_names.iter().find(|n| !is_name(n)) {
            return Err(AccessError {
                key: key("certificate_names"),
                found: format!("{name:?}"),
                allowed: "host names such as mx.trust.example or *.trust.example",
                mend: "write a name from the certificate's subject alternative names",
            });
        }
        Ok(Self {
            networks,
            names: config
                .certificate_names
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            config: Arc::new(config.clone()),
        })
    }

    fn has_address(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(&ip))
    }

    fn has_name(&self, names: &[String]) -> bool {
        names.iter().any(|name| {
            let name = name.to_ascii_lowercase();
            self.names
                .iter()
                .any(|wanted| match wanted.strip_prefix("*.") {
                    // One label, as in RFC 6125 6.4.3; a certificate for the same wildcard counts as well.
                    Some(parent) => name.split_once('.').is_some_and(|(_, rest)| rest == parent),
                    None => name == *wanted,
                })
        })
    }
}

/// A CIDR block or single address; IPv4 written as IPv6 (`::ffff:192.0.2.0/120`) counts as IPv4.
fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    if let IpNet::V6(v6) = network
        && v6.prefix_len() >= 96
        && let Some(v4) = v6.network().to_ipv4_mapped()
    {
        return Ipv4Net::new(v4, v6.prefix_len() - 96).ok().map(IpNet::V4);
    }
    Some(network.trunc())
}

/// Wider than any organisation's network: half the Internet twice is as open as all of it once.
fn is_open(network: &IpNet) -> bool {
    match network {
        IpNet::V4(network) => network.prefix_len() < 8,
        IpNet::V6(network) => network.prefix_len() < 16,
    }
}

fn is_name(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    !name.starts_with('[') && Domain::parse(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Address;

    fn rule(networks: &[&str], names: &[&str]) -> ClientRule {
        ClientRule {
            networks: networks.iter().map(|&n| n.to_owned()).collect(),
            certificate_names: names.iter().map(|&n| n.to_owned()).collect(),
            ..ClientRule::default()
        }
    }

    fn access(clients: Vec<ClientRule>) -> Access {
        Access::new(&Config {
            clients,
            sender_domains: vec!["Trust.example".to_owned()],
            null_sender: NullSender::OwnServers,
        })
        .unwrap()
    }

    fn admit(access: &Access, ip: &str, names: &[&str]) -> Admission {
        let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
        access.admit(ip.parse().unwrap(), &names)
    }

    #[test]
    fn nobody_is_let_in_by_default() {
        let access = Access::new(&Config::default()).unwrap();
        assert_eq!(
            admit(&access, "127.0.0.1", &["a.example"]),
            Admission::Refused
        );
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let access = access(vec![
            rule(&["192.0.2.7"], &[]),
            rule(&["2001:db8::/48", "198.51.100.0/24"], &["*.trust.example"]),
            rule(&[], &["outlook.example"]),
        ]);
        let permitted = |found| matches!(found, Admission::Permitted(_));
        assert!(permitted(admit(&access, "192.0.2.7", &[])));
        assert!(permitted(admit(&access, "::ffff:192.0.2.7", &[])));
        assert!(permitted(admit(
            &access,
            "2001:db8::5",
            &["MX.trust.example"]
        )));
        assert!(permitted(admit(
            &access,
            "203.0.113.1",
            &["outlook.example"]
        )));
        for (ip, names) in [
            ("192.0.2.8", &["mx.trust.example"][..]),
            ("2001:db8::5", &[]),
            ("2001:db8::5", &["trust.example"]),
            ("2001:db8::5", &["a.mx.trust.example"]),
            ("203.0.113.1", &["outlook.example.evil.example"]),
        ] {
            assert_eq!(
                admit(&access, ip, names),
                Admission::NeedsCertificate,
                "{ip} {names:?}"
            );
        }
    }

    #[test]
    fn a_proxy_may_not_send_by_itself() {
        let proxy = ClientRule {
            proxy: true,
            ..rule(&["192.0.2.0/28"], &[])
        };
        let access = access(vec![proxy]);
        assert!(access.is_proxy("192.0.2.3".parse().unwrap()));
        assert!(!access.is_proxy("192.0.2.33".parse().unwrap()));
        assert_eq!(admit(&access, "192.0.2.3", &[]), Admission::Refused);
    }

    #[test]
    fn open_relays_do_not_start() {
        for network in [
            "0.0.0.0/0",
            "::/0",
            "128.0.0.0/1",
            "::ffff:0.0.0.0/96",
            "2000::/3",
        ] {
            let config = Config {
                clients: vec![rule(&[network], &[])],
                ..Config::default()
            };
            let error = Access::new(&config).unwrap_err();
            assert_eq!(error.key, "clients[0].networks", "{network}");
            assert!(error.to_string().contains("open relay"), "{error}");
            let config = Config {
                clients: vec![rule(&[network], &["mx.trust.example"])],
                ..Config::default()
            };
            assert!(Access::new(&config).is_ok(), "{network}");
        }
        for (networks, names) in [
            (&["300.1.1.1"][..], &[][..]),
            (&["10.0.0.0/33"], &[]),
            (&[], &[]),
            (&[], &["a b"]),
            (&[], &["*.*.example"]),
            (&[], &["*"]),
        ] {
            let config = Config {
                clients: vec![rule(networks, names)],
                ..Config::default()
            };
            assert!(Access::new(&config).is_err(), "{networks:?} {names:?}");
        }
    }

    #[test]
    fn senders_depend_on_the_rule() {
        let access = access(vec![]);
        let own = ClientRule {
            own_server: true,
            ..ClientRule::default()
        };
        let device = ClientRule::default();
        let path = |text: &str| ReversePath::of(Address::parse(text).unwrap());
        let code = |rule: &ClientRule, path: &ReversePath| {
            access.refuses_sender(rule, path).map(|reply| reply.code)
        };
        assert_eq!(code(&own, &ReversePath::null()), None);
        assert_eq!(code(&device, &ReversePath::null()), Some(550));
        assert_eq!(code(&own, &path("parent@elsewhere.example")), None);
        assert_eq!(code(&device, &path("parent@elsewhere.example")), Some(550));
        assert_eq!(code(&device, &path("scan@Office.Trust.Example")), None);
        assert_eq!(code(&device, &path("scan@nottrust.example")), Some(550));
    }

    #[test]
    fn flags_make_rules_for_own_servers() {
        let config = Config::of_flags(&["127.0.0.0/8".to_owned()], &["trust.example".to_owned()]);
        let access = Access::new(&config).unwrap();
        match admit(&access, "127.0.0.1", &[]) {
            Admission::Permitted(rule) => assert!(rule.own_server && !rule.xforward),
            other => panic!("{other:?}"),
        }
    }
}

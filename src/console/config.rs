//! What the console is told: where people reach it, how long a sign-in lasts, whom to ask who somebody is.

use serde::{Deserialize, Serialize};

/// `[console.site]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address that people reach the console at: `https://` and a host, nothing after it. `http://` for a loopback
    /// address only, and then it may be left out.
    pub url: String,
    /// Name of the trust, on every page and report.
    pub trust_name: String,
    /// Networks of reverse proxies whose `X-Forwarded-For` counts, as CIDR or single addresses.
    pub trusted_proxies: Vec<String>,
    /// Hours after which somebody signs in again.
    pub session_hours: u32,
    /// Minutes without a request after which somebody signs in again.
    pub idle_minutes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            trust_name: String::new(),
            trusted_proxies: Vec::new(),
            session_hours: 10,
            idle_minutes: 30,
        }
    }
}

/// Why the console cannot be served with these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The address is none that a browser could be sent to safely.
    #[error(
        "console.site.url: found `{0}`; allowed: https://HOST or https://HOST:PORT without a path, http:// for a loopback address only; \
         write the address that people type"
    )]
    Url(String),
    /// A proxy's network is none.
    #[error(
        "console.site.trusted_proxies: found `{0}`; allowed: networks such as 192.0.2.0/24 or single addresses; mend it"
    )]
    Proxy(String),
    /// A time is none.
    #[error("console.site.{key}: found {found}; allowed: {from} to {to}; the default is {usual}")]
    Time {
        /// The key.
        key: &'static str,
        /// What it was.
        found: u32,
        /// The least.
        from: u32,
        /// The most.
        to: u32,
        /// What is usual.
        usual: u32,
    },
}

impl Config {
    /// Checks what can be wrong by itself.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.origin()?;
        self.proxies()?;
        let time = |key, found, from, to, usual| {
            if (from..=to).contains(&found) {
                return Ok(());
            }
            Err(ConfigError::Time {
                key,
                found,
                from,
                to,
                usual,
            })
        };
        // A working day, and no longer than a night shift's.
        time("session_hours", self.session_hours, 1, 24, 10)?;
        // OWASP: 15 to 30 minutes for what matters; the form of a long message is read longer than five.
        time("idle_minutes", self.idle_minutes, 5, 120, 30)
    }

    /// The networks of the proxies.
    pub fn proxies(&self) -> Result<Vec<ipnet::IpNet>, ConfigError> {
        let one = |text: &String| {
            text.parse()
                .or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from))
                .map_err(|_| ConfigError::Proxy(text.clone()))
        };
        self.trusted_proxies.iter().map(one).collect()
    }

    /// The origin that a browser names when a form of ours is sent (RFC 6454 section 6.2).
    pub fn origin(&self) -> Result<Origin, ConfigError> {
        let wrong = || ConfigError::Url(self.url.clone());
        let uri: axum::http::Uri = self.url.parse().map_err(|_| wrong())?;
        let host = uri.host().ok_or_else(wrong)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare == "localhost"
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        let secure = uri.scheme_str() == Some("https");
        let safe = secure || (uri.scheme_str() == Some("http") && loopback);
        let ends = uri.path() == "/" && uri.query().is_none() && !self.url.ends_with('?');
        let plain = uri
            .authority()
            .is_some_and(|one| !one.as_str().contains('@'));
        if !safe || !ends || !plain {
            return Err(wrong());
        }
        Ok(Origin {
            text: self.url.trim_end_matches('/').to_ascii_lowercase(),
            secure,
        })
    }
}

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// As a browser writes it.
    pub text: String,
    /// Whether it is reached by TLS.
    pub secure: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Result<Origin, ConfigError> {
        let config = Config {
            url: url.to_owned(),
            ..Config::default()
        };
        config.origin()
    }

    #[test]
    fn an_address_is_an_origin_and_safe() {
        assert_eq!(
            at("https://Mail.Trust.example/").unwrap().text,
            "https://mail.trust.example"
        );
        assert!(at("https://mail.trust.example:8443").unwrap().secure);
        assert!(!at("http://127.0.0.1:9226").unwrap().secure);
        assert!(at("http://[::1]:9226").is_ok());
        for wrong in [
            "",
            "mail.trust.example",
            "http://mail.trust.example",
            "https://mail.trust.example/console",
            "https://mail.trust.example/?a=b",
            "https://me:secret@mail.trust.example",
            "ftp://mail.trust.example",
        ] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_and_proxies_are_checked() {
        let good = Config {
            url: "https://mail.trust.example".to_owned(),
            trusted_proxies: vec!["10.0.0.0/8".to_owned(), "::1".to_owned()],
            ..Config::default()
        };
        assert_eq!(good.check(), Ok(()));
        let eternal = Config {
            session_hours: 1000,
            ..good.clone()
        };
        assert!(matches!(eternal.check(), Err(ConfigError::Time { .. })));
        let named = Config {
            trusted_proxies: vec!["proxy".to_owned()],
            ..good
        };
        assert!(matches!(named.check(), Err(ConfigError::Proxy(_))));
    }
}

//! One line to syslog: where it goes and how it looks.
//!
//! # Standards
//! RFC 5424 (form of the line; facility 13 is the log audit, severity 5 a notice), RFC 5426 (over UDP, one line a datagram).
//!
//! # Known gaps
//! Neither way says whether the line arrived. Over UDP it is neither encrypted nor signed by syslog; what we send is signed by itself.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::net::{UdpSocket, UnixDatagram, lookup_host};

/// 8 times the facility, and the severity.
const PRIORITY: u8 = 13 * 8 + 5;
/// Finding the host, and a local daemon that does not read.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Syslog {
    /// A datagram socket of this machine.
    Unix(PathBuf),
    /// A host and a port, as `host:port`.
    Udp(String),
}

impl Syslog {
    /// Reads `unix:PATH` or `udp:HOST:PORT`; `None` for an empty text. The error is the house's.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let wrong = || {
            format!(
                "ledger.syslog: found `{text}`; allowed: unix:/dev/log, udp:HOST:PORT, or nothing; write one of them"
            )
        };
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return path
                .is_absolute()
                .then_some(Some(Self::Unix(path)))
                .ok_or_else(wrong);
        }
        let place = text.strip_prefix("udp:").ok_or_else(wrong)?;
        let (host, port) = place.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        if host.is_empty() || port == 0 {
            return Err(wrong());
        }
        Ok(Some(Self::Udp(place.to_owned())))
    }

    /// Sends one line; `host` is our own name, `kind` what it is about.
    pub async fn send(
        &self,
        host: &str,
        kind: &str,
        text: &str,
        now: SystemTime,
    ) -> io::Result<()> {
        let line = line(host, kind, text, now);
        let sending = async {
            match self {
                Self::Unix(path) => {
                    let socket = UnixDatagram::unbound()?;
                    socket.send_to(line.as_bytes(), path).await
                }
                Self::Udp(place) => {
                    let address = lookup_host(place.as_str()).await?.next();
                    let address = address.ok_or(io::ErrorKind::NotFound)?;
                    let own = if address.is_ipv4() {
                        "0.0.0.0:0"
                    } else {
                        "[::]:0"
                    };
                    let socket = UdpSocket::bind(own).await?;
                    socket.send_to(line.as_bytes(), address).await
                }
            }
        };
        let sent = tokio::time::timeout(PATIENCE, sending).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(())
    }
}

fn line(host: &str, kind: &str, text: &str, now: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(now).unwrap_or_default();
    let process = std::process::id();
    let host: String = host.chars().filter(char::is_ascii_graphic).collect();
    let host = if host.is_empty() { "-" } else { &host };
    format!("<{PRIORITY}>1 {time:.0} {host} beadle {process} {kind} - {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn places_are_read_or_explained() {
        assert_eq!(Syslog::parse(""), Ok(None));
        let unix = Syslog::Unix("/dev/log".into());
        assert_eq!(Syslog::parse("unix:/dev/log"), Ok(Some(unix)));
        for place in ["logs.example:514", "[2001:db8::1]:514"] {
            let udp = Syslog::Udp(place.to_owned());
            assert_eq!(Syslog::parse(&format!("udp:{place}")), Ok(Some(udp)));
        }
        for wrong in [
            "unix:log",
            "udp:host",
            "udp::514",
            "udp:host:0",
            "tcp:host:514",
            "host",
        ] {
            let error = Syslog::parse(wrong).unwrap_err();
            assert!(
                error.contains(wrong) && error.contains("allowed:"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_line_is_of_the_standard_form() {
        let at = UNIX_EPOCH + Duration::from_millis(1_795_874_400_250);
        let line = line("mail.trust.example", "checkpoint", "\"text\"", at);
        let process = std::process::id();
        assert_eq!(
            line,
            format!(
                "<109>1 2026-11-28T14:00:00Z mail.trust.example beadle {process} checkpoint - \"text\""
            )
        );
    }
}

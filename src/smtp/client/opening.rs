//! Opening a session: greeting, EHLO or HELO, STARTTLS, AUTH.
//!
//! # Invariants
//! Whatever goes wrong here is a 4xx for the message: a refused session says nothing about the message.
//!
//! # Standards
//! RFC 5321 3.1 and 3.2, RFC 3207 4 and 4.2 (everything learnt before the handshake is discarded), RFC 4954 4, RFC 4616.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::smtp::client::outcome::ours;
use crate::smtp::client::{Client, Event, Expect, Life, StartTls};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::reply_reader::Offered;

impl Client {
    pub(super) fn say_ehlo(&mut self) {
        self.offered = Offered::default();
        let command = format!("EHLO {}\r\n", self.settings.ehlo_name);
        self.send(Expect::Ehlo, &command);
    }

    pub(super) fn take_opening(&mut self, expect: Expect, reply: &Reply) {
        match (expect, reply.code) {
            (Expect::Greeting, 220) => self.say_ehlo(),
            (Expect::Ehlo, 250) => {
                self.offered = Offered::from_ehlo(reply);
                self.after_ehlo();
            }
            (Expect::Ehlo, 500..600) => {
                let command = format!("HELO {}\r\n", self.settings.ehlo_name);
                self.send(Expect::Helo, &command);
            }
            (Expect::Helo, 250) => self.after_ehlo(),
            (Expect::StartTls, 220) if self.reader.is_empty() => {
                self.life = Life::Handshake;
                self.events.push_back(Event::StartTls);
            }
            // CVE-2011-0411 and its client side: what was injected here would be read as the encrypted session's.
            (Expect::StartTls, 220) => {
                self.broken_off("next hop sent text before the TLS handshake");
            }
            (Expect::StartTls, 400..600)
                if reply.code != 421 && self.settings.starttls == StartTls::IfOffered =>
            {
                self.authenticate();
            }
            (Expect::AuthUser, 334) => {
                let user = self
                    .settings
                    .credentials
                    .as_ref()
                    .map(|credentials| STANDARD.encode(&credentials.user));
                self.send_secret(Expect::AuthSecret, user.unwrap_or_default());
            }
            (Expect::AuthSecret, 334) => {
                let secret = self
                    .settings
                    .credentials
                    .as_ref()
                    .map(|credentials| STANDARD.encode(credentials.secret.as_bytes()));
                self.send_secret(Expect::AuthDone, secret.unwrap_or_default());
            }
            (Expect::AuthDone, 235) => self.ready(),
            (Expect::AuthUser | Expect::AuthSecret | Expect::AuthDone, 400..600) => {
                self.refused(
                    "next hop refused our credentials",
                    EnhancedCode(4, 7, 0),
                    reply,
                );
            }
            (_, 400..600) => {
                self.refused("next hop refused the session", EnhancedCode(4, 3, 2), reply);
            }
            _ => self.broken_off("next hop's reply is out of place"),
        }
    }

    fn after_ehlo(&mut self) {
        if self.secure || self.settings.starttls == StartTls::Never {
            self.authenticate();
        } else if self.offered.starttls {
            self.send(Expect::StartTls, "STARTTLS\r\n");
        } else if self.settings.starttls == StartTls::Required {
            self.give_up("next hop does not offer STARTTLS");
        } else {
            self.authenticate();
        }
    }

    fn authenticate(&mut self) {
        let Some(credentials) = self.settings.credentials.clone() else {
            self.ready();
            return;
        };
        let offers = |mechanism: &str| self.offered.auth.iter().any(|known| known == mechanism);
        if !self.secure {
            self.give_up("credentials are configured and the session is not encrypted");
        } else if offers("PLAIN") {
            let text = Zeroizing::new(format!(
                "\0{}\0{}",
                credentials.user,
                credentials.secret.as_str()
            ));
            let command = format!("AUTH PLAIN {}", STANDARD.encode(text.as_bytes()));
            self.send_secret(Expect::AuthDone, command);
        } else if offers("LOGIN") {
            self.send(Expect::AuthUser, "AUTH LOGIN\r\n");
        } else {
            self.give_up("next hop offers neither AUTH PLAIN nor AUTH LOGIN");
        }
    }

    fn send_secret(&mut self, expect: Expect, line: String) {
        let mut line = Zeroizing::new(line);
        line.push_str("\r\n");
        self.send(expect, &line);
    }

    fn ready(&mut self) {
        self.life = Life::Idle;
        self.events.push_back(Event::Ready);
    }

    fn give_up(&mut self, text: &str) {
        let reply = ours(451, EnhancedCode(4, 7, 0), text);
        self.events.push_back(Event::Broken(reply));
        self.close();
    }

    /// The server's own lines go along, so that an administrator sees why.
    fn refused(&mut self, text: &str, enhanced: EnhancedCode, reply: &Reply) {
        let mut broken = ours(451, enhanced, &format!("{text} ({})", reply.code));
        broken
            .lines
            .extend(reply.lines.iter().filter(|line| !line.is_empty()).cloned());
        self.events.push_back(Event::Broken(broken));
        self.close();
    }
}

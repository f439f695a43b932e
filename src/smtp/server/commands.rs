//! What the session does for each command that is not about the message's octets.
//!
//! # Standards
//! RFC 5321 4.1.1 and 4.1.4 (order of commands), RFC 3207 4, RFC 6531 3.5; XFORWARD as Postfix's XFORWARD_README has it.

use crate::mail::{ForwardPath, Recipient, ReversePath};
use crate::smtp::command::{Command, CommandError};
use crate::smtp::extension::{check_mail, check_rcpt, is_xtext};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::server::{Event, Question, Session, State};

impl Session {
    /// Commands that need nobody else.
    pub(super) fn simple<'a>(&mut self, command: &Command) -> Option<Event<'a>> {
        match command {
            Command::Quit => {
                let dropped = self.reset();
                self.say(221, EnhancedCode(2, 0, 0), "closing connection");
                self.state = State::Closed { told: false };
                return dropped;
            }
            Command::Http => {
                self.end(&Reply::new(
                    554,
                    EnhancedCode(5, 7, 0),
                    "this is a mail server",
                ));
                return None;
            }
            _ => {}
        }
        let dropped = match command {
            Command::Rset => {
                let dropped = self.reset();
                self.say(250, EnhancedCode(2, 0, 0), "ok");
                dropped
            }
            Command::Vrfy => {
                // RFC 5321 7.3: says nothing about who exists.
                self.say(
                    252,
                    EnhancedCode(2, 0, 0),
                    "cannot verify, send mail and see",
                );
                None
            }
            Command::Help => {
                self.say(214, EnhancedCode(2, 0, 0), "see RFC 5321");
                None
            }
            Command::Expn => {
                self.say(502, EnhancedCode(5, 5, 1), "not implemented");
                None
            }
            _ => {
                self.say(250, EnhancedCode(2, 0, 0), "ok");
                None
            }
        };
        self.count_unproductive();
        dropped
    }

    pub(super) fn hello<'a>(&mut self, name: String, esmtp: bool) -> Option<Event<'a>> {
        self.helo = name;
        self.esmtp = esmtp;
        let dropped = self.reset();
        self.count_unproductive();
        if matches!(self.state, State::Closed { .. }) {
            return dropped;
        }
        self.state = State::Question(Question::Hello);
        // A message that was cut off by EHLO and the greeting are one event: Hello also drops what was collected.
        Some(Event::Hello)
    }

    pub(super) fn mail<'a>(&mut self, path: ReversePath, params: String) -> Option<Event<'a>> {
        let Some(offered) = &self.offered else {
            self.fail(503, EnhancedCode(5, 5, 1), "say EHLO first");
            return None;
        };
        if self.transaction.is_some() {
            self.fail(503, EnhancedCode(5, 5, 1), "a transaction is open already");
            return None;
        }
        let found = match check_mail(&params, offered) {
            Ok(found) => found,
            Err(error) => {
                self.fail_with(&error.reply());
                return None;
            }
        };
        if needs_utf8(path.raw(), &params) && !found.smtputf8 {
            self.fail(553, EnhancedCode(5, 6, 7), "address needs SMTPUTF8");
            return None;
        }
        self.count_unproductive();
        if matches!(self.state, State::Closed { .. }) {
            return None;
        }
        self.state = State::Question(Question::Mail {
            path: path.clone(),
            params,
            smtputf8: found.smtputf8,
        });
        Some(Event::Mail {
            path,
            size: found.size,
        })
    }

    pub(super) fn rcpt<'a>(&mut self, path: ForwardPath, params: String) -> Option<Event<'a>> {
        let (Some(offered), Some(transaction)) = (&self.offered, &mut self.transaction) else {
            self.fail(503, EnhancedCode(5, 5, 1), "say MAIL first");
            return None;
        };
        if transaction.chunking {
            self.fail(503, EnhancedCode(5, 5, 1), "the message has begun");
            return None;
        }
        transaction.tried += 1;
        if transaction.envelope.rcpts.len() >= self.settings.recipients
            || transaction.tried > self.settings.recipients.saturating_mul(2)
        {
            self.say(452, EnhancedCode(4, 5, 3), "too many recipients");
            return None;
        }
        if let Err(error) = check_rcpt(&params, offered, transaction.smtputf8) {
            self.fail_with(&error.reply());
            return None;
        }
        if needs_utf8(path.raw(), &params) && !transaction.smtputf8 {
            self.fail(553, EnhancedCode(5, 6, 7), "address needs SMTPUTF8");
            return None;
        }
        self.state = State::Question(Question::Rcpt(Recipient {
            path: path.clone(),
            params,
        }));
        Some(Event::Rcpt(path))
    }

    pub(super) fn starttls<'a>(&mut self) -> Option<Event<'a>> {
        if self.encrypted {
            self.fail(503, EnhancedCode(5, 5, 1), "TLS is on already");
            return None;
        }
        if !self.offered.as_ref().is_some_and(|o| o.starttls) {
            self.fail(502, EnhancedCode(5, 5, 1), "STARTTLS was not offered");
            return None;
        }
        self.reset();
        self.say(220, EnhancedCode(2, 0, 0), "ready to start TLS");
        self.state = State::Question(Question::Tls);
        Some(Event::StartTls)
    }

    pub(super) fn take_xforward(&mut self, text: &str) {
        if !self.offered.as_ref().is_some_and(|o| o.xforward) {
            return self.fail(550, EnhancedCode(5, 7, 0), "XFORWARD was not offered");
        }
        if self.transaction.is_some() {
            return self.fail(503, EnhancedCode(5, 5, 1), "XFORWARD comes before MAIL");
        }
        let words = || text.split([' ', '\t']).filter(|word| !word.is_empty());
        if !words().all(is_attribute) {
            return self.fail(501, EnhancedCode(5, 5, 4), "bad XFORWARD attribute");
        }
        let kept = self.xforward.get_or_insert_default();
        for word in words() {
            if !kept.is_empty() {
                kept.push(' ');
            }
            kept.push_str(word);
        }
        // Seven attributes of at most 255 octets; more is a peer gone wrong.
        if kept.len() > 2048 {
            self.xforward = None;
            return self.fail(501, EnhancedCode(5, 5, 4), "too many XFORWARD attributes");
        }
        self.say(250, EnhancedCode(2, 0, 0), "ok");
    }

    pub(super) fn refuse_line(&mut self, error: CommandError) {
        let (code, enhanced, text) = match error {
            CommandError::Unknown => (500, EnhancedCode(5, 5, 2), "command not recognised"),
            CommandError::Characters => (
                500,
                EnhancedCode(5, 5, 2),
                "characters that are not allowed",
            ),
            CommandError::Arguments => (501, EnhancedCode(5, 5, 4), "syntax error in arguments"),
            CommandError::Sender => (501, EnhancedCode(5, 1, 7), "bad sender address syntax"),
            CommandError::Recipient => (501, EnhancedCode(5, 1, 3), "bad recipient address syntax"),
            CommandError::ChunkSize => {
                // How many octets follow is unknown, and reading them as commands would be smuggling.
                return self.end(&Reply::new(501, EnhancedCode(5, 5, 4), "bad BDAT size"));
            }
        };
        self.fail(code, enhanced, text);
    }
}

/// One `NAME=value` of XFORWARD: a known name, xtext of at most 255 octets.
fn is_attribute(word: &str) -> bool {
    const NAMES: [&str; 7] = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"];
    word.split_once('=').is_some_and(|(name, value)| {
        NAMES.contains(&name.to_ascii_uppercase().as_str()) && value.len() <= 255 && is_xtext(value)
    })
}

/// RFC 6531 3.4: only SMTPUTF8 lets anything but ASCII into paths and parameters.
fn needs_utf8(path: &str, params: &str) -> bool {
    !(path.is_ascii() && params.is_ascii())
}

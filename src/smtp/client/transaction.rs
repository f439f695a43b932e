//! One message on an open session: MAIL to the answer after the last byte.
//!
//! # Invariants
//! Every command that went out has its reply taken before the transaction is over, or the session is closed.
//!
//! # Standards
//! RFC 5321 3.3 and 4.1.1, RFC 2920 3.1, RFC 3030 2.

use crate::smtp::client::commands::{self, Carrier};
use crate::smtp::client::content::{Content, Survey};
use crate::smtp::client::outcome::{decide, handed_up, ours, rcpt_reply};
use crate::smtp::client::{Client, Event, Expect, Life, Message, Mixed, Outcome};
use crate::smtp::reply::{EnhancedCode, Reply};

/// A transaction under way.
#[derive(Debug)]
pub(super) struct Transaction {
    rcpt_count: usize,
    mixed: Mixed,
    carrier: Carrier,
    size: u64,
    content: Option<Content>,
    data_in_flight: bool,
    rcpts: Vec<Reply>,
    /// Set once the answers rule the content out.
    stopped: Option<Outcome>,
    /// Refusals that go with an acceptance.
    refused: Vec<(usize, Reply)>,
}

impl Client {
    /// Starts a transaction; its [`Event::Done`] follows. A message the next hop cannot take is answered at once,
    /// without a word on the wire.
    pub fn begin(&mut self, message: Message) {
        if !self.is_idle() {
            let reply = ours(451, EnhancedCode(4, 3, 0), "session is not idle");
            self.events.push_back(Event::Done(failed(reply)));
            return;
        }
        self.content_begun = false;
        self.cut_short = false;
        if let Err(reply) = self.prepare(message) {
            self.events.push_back(Event::Done(failed(*reply)));
            return;
        }
        self.life = Life::Busy;
        self.pump();
    }

    fn prepare(&mut self, message: Message) -> Result<(), Box<Reply>> {
        let Message {
            envelope,
            prefix,
            message,
            mixed,
            xforward,
        } = message;
        if envelope.rcpts.is_empty() {
            let text = "message has no recipients";
            return Err(Box::new(ours(451, EnhancedCode(4, 5, 0), text)));
        }
        let survey = Survey::of(&prefix, &message);
        let size = (prefix.len() + message.len()) as u64;
        let carrier = commands::carrier(&self.offered, survey, size)?;
        let mut pending = Vec::new();
        for command in commands::xforward(&self.offered, &xforward.unwrap_or_default()) {
            pending.push((Expect::Xforward, command));
        }
        pending.push((
            Expect::Mail,
            commands::mail(&self.offered, &envelope, survey, size)?,
        ));
        for rcpt in &envelope.rcpts {
            let command = commands::rcpt(&self.offered, rcpt.path.raw(), &rcpt.params)?;
            pending.push((Expect::Rcpt, command));
        }
        let safe_to_ask = envelope.rcpts.len() == 1 || mixed == Mixed::Each;
        let data_in_flight = self.offered.pipelining && carrier == Carrier::Data && safe_to_ask;
        if data_in_flight {
            pending.push((Expect::Data, "DATA\r\n".to_owned()));
        }
        self.pending.extend(pending);
        self.transaction = Some(Transaction {
            rcpt_count: envelope.rcpts.len(),
            mixed,
            carrier,
            size,
            content: Some(match carrier {
                Carrier::Data => Content::dotted(prefix, message),
                Carrier::Bdat => Content::verbatim(prefix, message),
            }),
            data_in_flight,
            rcpts: Vec::new(),
            stopped: None,
            refused: Vec::new(),
        });
        Ok(())
    }

    /// Sends what waits: all of it with PIPELINING, else one command when none is outstanding.
    fn pump(&mut self) {
        while self.offered.pipelining || self.expected.is_empty() {
            let Some((expect, command)) = self.pending.pop_front() else {
                return;
            };
            self.send(expect, &command);
        }
    }

    pub(super) fn take_busy(&mut self, expect: Expect, reply: Reply) {
        if reply.code == 421 && expect != Expect::Final {
            self.told_to_go(expect, reply);
            return;
        }
        match (expect, reply.code) {
            // Logging aid only: a refusal must not stop mail (as Postfix's own client treats it).
            (Expect::Xforward, _) | (Expect::Mail, 250) => {}
            (Expect::Rcpt, 250 | 251 | 400..600) => self.take_rcpt(rcpt_reply(reply)),
            (Expect::Data, 354) => self.go_ahead(),
            (Expect::Mail | Expect::Data, 400..600) => self.stop(failed(reply)),
            (Expect::Final, _) => {
                self.take_final(reply);
                return;
            }
            _ => {
                self.broken_off("next hop's reply is out of place");
                return;
            }
        }
        self.go_on();
    }

    /// Rules the content out; the first reason stands.
    fn stop(&mut self, outcome: Outcome) {
        self.pending.clear();
        if let Some(transaction) = &mut self.transaction {
            transaction.stopped.get_or_insert(match outcome {
                Outcome::Failed { reply, refused } if refused.is_empty() => Outcome::Failed {
                    reply: handed_up(reply),
                    refused: transaction.refused.clone(),
                },
                other => other,
            });
        }
    }

    fn take_rcpt(&mut self, reply: Reply) {
        let Some(transaction) = &mut self.transaction else {
            return;
        };
        transaction.rcpts.push(reply);
        if transaction.stopped.is_some() || transaction.rcpts.len() < transaction.rcpt_count {
            return;
        }
        match decide(&transaction.rcpts, transaction.mixed) {
            Err((reply, refused)) => self.stop(Outcome::Failed { reply, refused }),
            Ok(refused) => {
                transaction.refused = refused;
                match transaction.carrier {
                    _ if transaction.data_in_flight => {}
                    Carrier::Data => self
                        .pending
                        .push_back((Expect::Data, "DATA\r\n".to_owned())),
                    Carrier::Bdat => {
                        let command = format!("BDAT {} LAST\r\n", transaction.size);
                        self.send(Expect::Final, &command);
                        self.release_content();
                    }
                }
            }
        }
    }

    fn go_ahead(&mut self) {
        let wanted = self
            .transaction
            .as_ref()
            .is_some_and(|transaction| transaction.stopped.is_none());
        if wanted {
            self.expected.push_back(Expect::Final);
            self.release_content();
        } else if let Some(outcome) = self.stopped() {
            self.events.push_back(Event::Done(outcome));
            self.close();
        }
    }

    fn release_content(&mut self) {
        self.content_begun = true;
        self.content = self
            .transaction
            .as_mut()
            .and_then(|transaction| transaction.content.take());
    }

    fn stopped(&mut self) -> Option<Outcome> {
        self.transaction.as_mut()?.stopped.take()
    }

    /// After each reply: the next command, or the end when nothing is outstanding any more.
    fn go_on(&mut self) {
        if self.life != Life::Busy {
            return;
        }
        self.pump();
        if !self.expected.is_empty() {
            return;
        }
        match self.stopped() {
            Some(outcome) => self.over(outcome, true),
            // Cannot be: whatever is not stopped awaits a reply. No recipients is the one way here.
            None => self.broken_off("transaction has no recipients"),
        }
    }

    fn take_final(&mut self, reply: Reply) {
        let all_out = self.content.as_ref().is_some_and(Content::is_finished);
        let refused = self
            .transaction
            .as_mut()
            .map(|transaction| std::mem::take(&mut transaction.refused))
            .unwrap_or_default();
        let leaving = reply.code == 421;
        match reply.code {
            250 if all_out => self.over(Outcome::Accepted { reply, refused }, false),
            400..600 => {
                let reply = handed_up(reply);
                self.over(Outcome::Failed { reply, refused }, all_out && !leaving);
                if !all_out || leaving {
                    self.close();
                }
            }
            _ => self.broken_off("next hop's reply is out of place"),
        }
    }

    /// The transaction is over and its session goes on.
    fn over(&mut self, outcome: Outcome, reset: bool) {
        self.events.push_back(Event::Done(outcome));
        self.transaction = None;
        self.content = None;
        self.life = Life::Idle;
        if reset {
            self.life = Life::Resetting;
            self.send(Expect::Rset, "RSET\r\n");
        }
    }

    fn told_to_go(&mut self, expect: Expect, reply: Reply) {
        self.closing = Some(reply.clone());
        let stopped = self.stopped();
        self.cut_short = stopped.is_none();
        let outcome = stopped.unwrap_or_else(|| {
            let mut refused = Vec::new();
            if let (Expect::Rcpt, Some(transaction)) = (expect, &self.transaction) {
                let at = transaction.rcpts.len();
                refused = (0..)
                    .zip(&transaction.rcpts)
                    .filter(|(_, reply)| !reply.is_positive())
                    .map(|(index, reply)| (index, reply.clone()))
                    .collect();
                refused.push((at, handed_up(reply.clone())));
            }
            Outcome::Failed {
                reply: handed_up(reply),
                refused,
            }
        });
        self.events.push_back(Event::Done(outcome));
        self.close();
    }

    /// The outcome when the session ends in the middle.
    pub(super) fn cut_off(&mut self, reply: Reply) -> Outcome {
        if self.content.as_ref().is_some_and(Content::is_finished) {
            return Outcome::Unknown { reply };
        }
        let stopped = self.stopped();
        self.cut_short = stopped.is_none();
        stopped.unwrap_or_else(|| failed(reply))
    }
}

fn failed(reply: Reply) -> Outcome {
    Outcome::Failed {
        reply,
        refused: Vec::new(),
    }
}

//! A server's SMTP session as a state machine: the client's bytes in, events and replies out.
//!
//! The shell calls [`Session::poll`] with what it has read; the session says how much it used and what happened. Events
//! that ask something ([`Event::Hello`], [`Event::Mail`], [`Event::Rcpt`], [`Event::Complete`], [`Event::StartTls`]) stop the
//! session until [`Session::greet`], [`Session::answer`] or [`Session::secured`] answers them; everything else it answers by
//! itself. Replies gather in [`Session::output`], so a pipelined group is written at once.
//!
//! # Invariants
//! The session buffers no input: an unfinished line stays with the caller, who needs room for [`Settings::line`] octets.
//! A message whose [`Event::Discarded`] was seen never completes. Between [`Event::StartTls`] and TLS nothing is kept: the
//! rest of the input counts as used. The events and replies do not depend on how the input is split, but for the two
//! rules about what may not yet have been sent (after EHLO and DATA), which look at what is there.
//!
//! # Standards
//! RFC 5321 3 and 4, RFC 2920 (pipelining), RFC 3030 (BDAT), RFC 3207 (STARTTLS), RFC 1870 6 (SIZE), RFC 6531 3.5 (553 5.6.7).

mod body;
mod commands;

use memchr::memchr;

use crate::mail::{Envelope, ForwardPath, Recipient, ReversePath};
use crate::smtp::command::Command;
use crate::smtp::data::{DataReceiver, LineEnds};
use crate::smtp::extension::Offered;
use crate::smtp::reply::{EnhancedCode, Reply};

/// What does not change during a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Our name, in the replies to HELO, EHLO and QUIT.
    pub hostname: String,
    /// Longest command line in octets, CRLF included.
    pub line: usize,
    /// Recipients of one transaction; more are answered 452 4.5.3.
    pub recipients: usize,
    /// Errors after which the session ends with 421.
    pub errors: usize,
    /// Commands without a completed message in between after which the session ends with 421.
    pub unproductive: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            line: 4096,
            recipients: 1_000,
            errors: 10,
            unproductive: 20,
        }
    }
}

/// What happened, in the order of the client's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// HELO or EHLO: answer with [`Session::greet`].
    Hello,
    /// MAIL: answer with [`Session::answer`]; a positive reply opens the transaction.
    Mail {
        /// The sender.
        path: ReversePath,
        /// The declared size.
        size: Option<u64>,
    },
    /// RCPT: answer with [`Session::answer`]; a positive reply adds the recipient.
    Rcpt(ForwardPath),
    /// The body begins: 354 was said, or the first BDAT was read.
    Body,
    /// Octets of the message.
    Data(&'a [u8]),
    /// The message begun will not complete; its octets can be dropped.
    Discarded,
    /// The message is whole: answer with [`Session::answer`], which also ends the transaction.
    Complete(Envelope),
    /// 220 was said: write the output, start TLS, then call [`Session::secured`].
    StartTls,
    /// The session is over: write the output and close.
    Close,
}

/// What the session waits for, so that the shell can set its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A command, with no part of a message received.
    Command,
    /// A command, between the chunks of a message.
    Chunks,
    /// Octets of a message.
    Data,
    /// An answer from the shell.
    Answer,
    /// Nothing more.
    Closed,
}

#[derive(Debug)]
enum State {
    Command,
    LongLine,
    Question(Question),
    Data(DataReceiver),
    Chunk { left: u64, last: bool },
    Closed { told: bool },
}

#[derive(Debug)]
enum Question {
    Hello,
    Mail {
        path: ReversePath,
        params: String,
        smtputf8: bool,
    },
    Rcpt(Recipient),
    Complete,
    Tls,
}

/// A transaction that MAIL opened.
#[derive(Debug)]
struct Transaction {
    envelope: Envelope,
    smtputf8: bool,
    tried: usize,
    octets: u64,
    chunking: bool,
}

/// The session of one client.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    state: State,
    offered: Option<Offered>,
    helo: String,
    esmtp: bool,
    encrypted: bool,
    line_ends: LineEnds,
    transaction: Option<Transaction>,
    /// Why the message that is being received will be refused at its end.
    refusal: Option<Reply>,
    discarded: bool,
    xforward: Option<String>,
    errors: usize,
    unproductive: usize,
    output: Vec<u8>,
}

impl Session {
    /// A session before its banner.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Command,
            offered: None,
            helo: String::new(),
            esmtp: false,
            encrypted: false,
            line_ends: LineEnds::Refuse,
            transaction: None,
            refusal: None,
            discarded: false,
            xforward: None,
            errors: 0,
            unproductive: 0,
            output: Vec::new(),
        }
    }

    /// Says the banner.
    pub fn banner(&mut self) {
        let text = format!("{} ESMTP Beadle", self.settings.hostname);
        Reply::plain(220, text).write_to(&mut self.output);
    }

    /// What becomes of bare CR and LF in DATA from here on.
    pub fn set_line_ends(&mut self, line_ends: LineEnds) {
        self.line_ends = line_ends;
    }

    /// Replies to write; the caller takes them out as it writes.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// What the client called itself, empty before HELO and EHLO.
    pub fn helo(&self) -> &str {
        &self.helo
    }

    /// Whether it greeted with EHLO.
    pub fn is_esmtp(&self) -> bool {
        self.esmtp
    }

    /// Raw XFORWARD attributes of the transaction.
    pub fn xforward(&self) -> Option<&str> {
        self.xforward.as_deref()
    }

    /// What the session waits for.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Command | State::LongLine => match &self.transaction {
                Some(transaction) if transaction.chunking => Phase::Chunks,
                _ => Phase::Command,
            },
            State::Data(_) | State::Chunk { .. } => Phase::Data,
            State::Question(_) => Phase::Answer,
            State::Closed { .. } => Phase::Closed,
        }
    }

    /// Takes what it can from the front of `input`: how much that was, and what happened. Call again with the rest until
    /// there is no event, then read more.
    pub fn poll<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Event<'a>>) {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match &mut self.state {
                State::Closed { told } => {
                    let event = (!*told).then_some(Event::Close);
                    *told = true;
                    return (input.len(), event);
                }
                State::Question(_) => return (used, None),
                State::Data(_) | State::Chunk { .. } => {
                    let (taken, event) = self.poll_body(rest);
                    used += taken;
                    if event.is_some() || matches!(self.state, State::Data(_) | State::Chunk { .. })
                    {
                        return (used, event);
                    }
                }
                State::Command => match self.take_line(rest) {
                    Some((taken, event)) => {
                        used += taken;
                        if event.is_some() {
                            return (used, event);
                        }
                    }
                    None => return (used, None),
                },
                State::LongLine => match memchr(b'\n', rest) {
                    Some(end) => {
                        used += end + 1;
                        self.state = State::Command;
                        self.fail(500, EnhancedCode(5, 5, 6), "line too long");
                    }
                    None => return (input.len(), None),
                },
            }
        }
    }

    /// Answers [`Event::Hello`].
    pub fn greet(&mut self, offered: Offered) {
        if self.esmtp {
            offered
                .reply(&self.settings.hostname)
                .write_to(&mut self.output);
        } else {
            Reply::plain(250, self.settings.hostname.clone()).write_to(&mut self.output);
        }
        self.offered = Some(offered);
        self.state = State::Command;
    }

    /// Answers [`Event::Mail`], [`Event::Rcpt`] or [`Event::Complete`]; a 421 ends the session.
    pub fn answer(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
        let state = std::mem::replace(&mut self.state, State::Command);
        let State::Question(question) = state else {
            return;
        };
        match question {
            Question::Mail {
                path,
                params,
                smtputf8,
            } if reply.is_positive() => {
                self.transaction = Some(Transaction {
                    envelope: Envelope {
                        mail_from: path,
                        mail_params: params,
                        rcpts: Vec::new(),
                    },
                    smtputf8,
                    tried: 0,
                    octets: 0,
                    chunking: false,
                });
            }
            Question::Mail { .. } if reply.is_permanent() => self.errors += 1,
            Question::Rcpt(recipient) if reply.is_positive() => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.envelope.rcpts.push(recipient);
                }
            }
            Question::Complete => {
                self.unproductive = 0;
                self.reset();
            }
            _ => {}
        }
        if reply.code == 421 {
            self.state = State::Closed { told: false };
        } else {
            self.close_after_errors();
        }
    }

    /// TLS is up (also for a connection that began with it): the client starts over with EHLO.
    pub fn secured(&mut self) {
        self.encrypted = true;
        self.offered = None;
        self.helo.clear();
        self.esmtp = false;
        self.state = State::Command;
        self.reset();
    }

    /// Ends the session from outside (deadline, shutdown): says `reply`, then [`Event::Close`] follows.
    pub fn end(&mut self, reply: &Reply) {
        if !matches!(self.state, State::Closed { .. }) {
            reply.write_to(&mut self.output);
            self.state = State::Closed { told: false };
        }
    }

    /// One command line from the front of `input`, or `None` when it is not whole.
    fn take_line<'a>(&mut self, input: &'a [u8]) -> Option<(usize, Option<Event<'a>>)> {
        let Some(end) = memchr(b'\n', input) else {
            if input.len() >= self.settings.line {
                self.state = State::LongLine;
                return Some((input.len(), None));
            }
            return None;
        };
        let (line, rest) = input.split_at(end + 1);
        if line.len() > self.settings.line {
            self.fail(500, EnhancedCode(5, 5, 6), "line too long");
            return Some((line.len(), None));
        }
        let Some(line) = line.strip_suffix(b"\r\n") else {
            self.fail(500, EnhancedCode(5, 5, 2), "lines must end in CR LF");
            return Some((end + 1, None));
        };
        let event = self.command(line, !rest.is_empty());
        // What was sent in the clear behind STARTTLS must not be taken for what TLS protects (RFC 3207 6).
        let used = if matches!(self.state, State::Question(Question::Tls)) {
            input.len()
        } else {
            end + 1
        };
        Some((used, event))
    }

    fn command<'a>(&mut self, line: &[u8], more: bool) -> Option<Event<'a>> {
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(error) => {
                self.refuse_line(error);
                return None;
            }
        };
        if more && matches!(command, Command::Ehlo(_) | Command::Helo(_) | Command::Data) {
            // RFC 2920 3.1: these end a group. Going on would read what belongs to another command as commands.
            self.end(&Reply::new(
                554,
                EnhancedCode(5, 5, 0),
                "input was sent before this command was answered",
            ));
            return None;
        }
        match command {
            Command::Ehlo(name) => self.hello(name, true),
            Command::Helo(name) => self.hello(name, false),
            Command::Mail { path, params } => self.mail(path, params),
            Command::Rcpt { path, params } => self.rcpt(path, params),
            Command::Data => self.data(),
            Command::Bdat { size, last } => self.bdat(size, last),
            Command::StartTls => self.starttls(),
            Command::Xforward(text) => {
                self.take_xforward(&text);
                None
            }
            other => self.simple(&other),
        }
    }

    fn say(&mut self, code: u16, enhanced: EnhancedCode, text: &str) {
        Reply::new(code, enhanced, text).write_to(&mut self.output);
    }

    fn fail(&mut self, code: u16, enhanced: EnhancedCode, text: &str) {
        self.fail_with(&Reply::new(code, enhanced, text));
    }

    fn fail_with(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
        self.errors += 1;
        self.close_after_errors();
    }

    fn count_unproductive(&mut self) {
        self.unproductive += 1;
        self.close_after_errors();
    }

    fn close_after_errors(&mut self) {
        if self.errors >= self.settings.errors || self.unproductive > self.settings.unproductive {
            self.end(&Reply::new(
                421,
                EnhancedCode(4, 7, 0),
                "too many errors or commands without mail",
            ));
        }
    }
}

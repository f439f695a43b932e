//! The session while a message arrives: DATA, BDAT, and the end of a transaction.
//!
//! # Invariants
//! A refused message is heard out before it is answered, so that none of its octets is taken for a command; its
//! [`Event::Discarded`] comes once, as early as the reason is known.
//!
//! # Standards
//! RFC 5321 4.1.1.4, RFC 3030 2 and 4.1, RFC 1870 6.3.

use crate::smtp::data::{DataReceiver, LineEnds, Piece};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::server::{Event, Question, Session, State};

impl Session {
    /// Why no message can begin now.
    pub(super) fn not_ready(&self) -> Option<Reply> {
        let refuse = |code, text| Some(Reply::new(code, EnhancedCode(5, 5, 1), text));
        match &self.transaction {
            None => refuse(503, "say MAIL first"),
            Some(transaction) if transaction.envelope.rcpts.is_empty() => {
                if transaction.tried == 0 {
                    refuse(503, "say RCPT first")
                } else {
                    refuse(554, "no valid recipients")
                }
            }
            Some(_) => None,
        }
    }

    pub(super) fn data<'a>(&mut self) -> Option<Event<'a>> {
        if self.transaction.as_ref().is_some_and(|t| t.chunking) {
            self.fail(503, EnhancedCode(5, 5, 1), "BDAT and DATA cannot be mixed");
            return None;
        }
        if let Some(reply) = self.not_ready() {
            self.fail_with(&reply);
            return None;
        }
        Reply::plain(354, "end with <CR><LF>.<CR><LF>").write_to(&mut self.output);
        self.refusal = None;
        self.discarded = false;
        self.state = State::Data(DataReceiver::new(self.line_ends));
        Some(Event::Body)
    }

    pub(super) fn bdat<'a>(&mut self, size: u64, last: bool) -> Option<Event<'a>> {
        self.refusal = self.not_ready();
        let limit = self.offered.as_ref().map_or(0, |offered| offered.size);
        let mut event = None;
        if self.refusal.is_none()
            && let Some(transaction) = &mut self.transaction
        {
            if !transaction.chunking {
                transaction.chunking = true;
                self.discarded = false;
                event = Some(Event::Body);
            }
            if transaction.octets.saturating_add(size) > limit {
                self.refusal = Some(too_big());
            }
        }
        self.state = State::Chunk { left: size, last };
        event
    }

    pub(super) fn poll_body<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Event<'a>>) {
        match &mut self.state {
            State::Data(_) => self.poll_data(input),
            State::Chunk { left, .. } => {
                let take = usize::try_from(*left).map_or(input.len(), |n| n.min(input.len()));
                *left -= take as u64;
                let done = *left == 0;
                if self.refusal.is_some() {
                    let event = self.discard();
                    if done {
                        self.chunk_done();
                    }
                    return (take, event);
                }
                if take > 0 {
                    if let Some(transaction) = &mut self.transaction {
                        transaction.octets += take as u64;
                    }
                    return (take, Some(Event::Data(&input[..take])));
                }
                if done {
                    return (0, self.chunk_done());
                }
                (0, None)
            }
            _ => (0, None),
        }
    }

    pub(super) fn poll_data<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Event<'a>>) {
        let limit = self.offered.as_ref().map_or(0, |offered| offered.size);
        let mut used = 0;
        while let State::Data(receiver) = &mut self.state {
            let (taken, piece) = receiver.step(&input[used..]);
            let stray = receiver.has_stray();
            used += taken;
            if stray && self.line_ends == LineEnds::Refuse && self.refusal.is_none() {
                self.refusal = Some(Reply::new(
                    554,
                    EnhancedCode(5, 6, 0),
                    "message contains bare CR or LF; send it with BDAT or with CR LF line ends",
                ));
            }
            match piece {
                Piece::More => return (used, self.discard_if_refused()),
                Piece::End => return (used, self.data_done()),
                Piece::Bytes(bytes) => {
                    if let Some(transaction) = &mut self.transaction {
                        transaction.octets += bytes.len() as u64;
                        if transaction.octets > limit && self.refusal.is_none() {
                            self.refusal = Some(too_big());
                        }
                    }
                    if self.refusal.is_none() {
                        return (used, Some(Event::Data(bytes)));
                    }
                    if let Some(event) = self.discard() {
                        return (used, Some(event));
                    }
                }
            }
        }
        (used, None)
    }

    /// The final dot.
    pub(super) fn data_done<'a>(&mut self) -> Option<Event<'a>> {
        match self.refusal.take() {
            None => self.complete(),
            Some(reply) => {
                let event = self.discard();
                self.state = State::Command;
                self.reset();
                self.fail_with(&reply);
                event
            }
        }
    }

    /// The end of a chunk.
    pub(super) fn chunk_done<'a>(&mut self) -> Option<Event<'a>> {
        let State::Chunk { last, .. } = self.state else {
            return None;
        };
        self.state = State::Command;
        if let Some(reply) = self.refusal.take() {
            // Only the first refused chunk counts as an error: a pipelining client has sent the others already, and it
            // shall read why instead of losing the connection.
            self.errors += usize::from(self.transaction.is_some());
            self.reset();
            reply.write_to(&mut self.output);
            self.close_after_errors();
            return None;
        }
        if last {
            return self.complete();
        }
        let octets = self.transaction.as_ref().map_or(0, |t| t.octets);
        self.say(
            250,
            EnhancedCode(2, 0, 0),
            &format!("{octets} octets received"),
        );
        None
    }

    pub(super) fn complete<'a>(&mut self) -> Option<Event<'a>> {
        let transaction = self.transaction.take()?;
        self.state = State::Question(Question::Complete);
        Some(Event::Complete(transaction.envelope))
    }

    pub(super) fn discard_if_refused<'a>(&mut self) -> Option<Event<'a>> {
        if self.refusal.is_some() {
            self.discard()
        } else {
            None
        }
    }

    /// [`Event::Discarded`], once for each message.
    pub(super) fn discard<'a>(&mut self) -> Option<Event<'a>> {
        let begun = matches!(self.state, State::Data(_))
            || self.transaction.as_ref().is_some_and(|t| t.chunking);
        let first = begun && !std::mem::replace(&mut self.discarded, true);
        first.then_some(Event::Discarded)
    }

    /// Forgets the transaction and what XFORWARD said of it.
    pub(super) fn reset<'a>(&mut self) -> Option<Event<'a>> {
        let dropped = self.discard();
        self.transaction = None;
        self.xforward = None;
        self.refusal = None;
        dropped
    }
}

fn too_big() -> Reply {
    Reply::new(552, EnhancedCode(5, 3, 4), "message size exceeds the limit")
}

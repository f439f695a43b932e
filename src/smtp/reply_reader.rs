//! Reading a server's replies from bytes as they arrive, and the extensions its EHLO reply names.
//!
//! # Invariants
//! Memory is bounded: a line of more than [`MAX_LINE`] bytes or a reply of more than [`MAX_REPLY`] is an error as soon as
//! the limit is passed, newline or not (lettre read 64 MiB before it looked). Any split of the bytes gives the same replies.
//! After an error the reader stays in error: what follows cannot be matched to commands any more.
//!
//! # Standards
//! RFC 5321 4.2 and 4.2.1; RFC 2034 (enhanced codes); RFC 5321 4.1.1.1 (EHLO keywords). Wider than the RFC where servers
//! are: `250` without text, lines ended by a bare LF, text that is not UTF-8. Stricter in one: lines of one reply with
//! different codes are malformed, because no reading of `550-`/`250 ` is safe.

use std::collections::VecDeque;

use crate::smtp::reply::{EnhancedCode, Reply};

/// Longest reply line taken, in bytes with its line end. RFC 5321 4.5.3.1.5 says 512; servers exceed it.
pub const MAX_LINE: usize = 4_096;
/// Longest reply taken, in bytes over all its lines.
pub const MAX_REPLY: usize = 65_536;

/// Why what the server sent is no reply; the session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line or the whole reply is longer than the limits.
    #[error("reply is too long")]
    TooLong,
    /// No code, a code outside 200 to 599, or lines of one reply with different codes.
    #[error("reply is malformed")]
    Malformed,
}

/// Collects bytes and gives whole replies.
#[derive(Debug, Default)]
pub struct ReplyReader {
    line: Vec<u8>,
    building: Option<Reply>,
    taken: usize,
    replies: VecDeque<Reply>,
    error: Option<ReplyError>,
}

impl ReplyReader {
    /// A reader at the start of a reply.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes from the wire. Replies that were whole before an error can still be taken with [`Self::next_reply`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ReplyError> {
        let mut rest = bytes;
        while self.error.is_none() && !rest.is_empty() {
            let (piece, ended) = match memchr::memchr(b'\n', rest) {
                Some(at) => (&rest[..=at], true),
                None => (rest, false),
            };
            rest = &rest[piece.len()..];
            self.taken += piece.len();
            if self.line.len() + piece.len() > MAX_LINE || self.taken > MAX_REPLY {
                self.error = Some(ReplyError::TooLong);
                break;
            }
            self.line.extend_from_slice(piece);
            if ended {
                let line = std::mem::take(&mut self.line);
                if let Err(error) = self.take_line(&line) {
                    self.error = Some(error);
                }
            }
        }
        self.error.map_or(Ok(()), Err)
    }

    /// The next whole reply.
    pub fn next_reply(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// Whether nothing is buffered: no reply waiting, no part of one begun.
    pub fn is_empty(&self) -> bool {
        self.replies.is_empty()
            && self.building.is_none()
            && self.line.is_empty()
            && self.error.is_none()
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), ReplyError> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (code, last, text) = split_line(line).ok_or(ReplyError::Malformed)?;
        let text = clean(text);
        let reply = match &mut self.building {
            Some(reply) if reply.code != code => return Err(ReplyError::Malformed),
            Some(reply) => reply,
            none => none.insert(Reply {
                code,
                enhanced: None,
                lines: Vec::new(),
            }),
        };
        let line = match split_enhanced(code, &text) {
            // Only one enhanced code can be handed on; a line with another one keeps it as text.
            Some((enhanced, rest)) if *reply.enhanced.get_or_insert(enhanced) == enhanced => rest,
            _ => &text,
        };
        reply.lines.push(line.to_owned());
        if last {
            self.taken = 0;
            self.replies.extend(self.building.take());
        }
        Ok(())
    }
}

/// Code, whether the reply ends here, text.
fn split_line(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let digits = line.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if !(200..600).contains(&code) {
        return None;
    }
    match line.get(3) {
        None => Some((code, true, &[])),
        Some(b' ') => Some((code, true, &line[4..])),
        Some(b'-') => Some((code, false, &line[4..])),
        Some(_) => None,
    }
}

/// The text as UTF-8 without control characters: it will be logged and handed on.
fn clean(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .trim_end()
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// The enhanced code at the start of a line, when its class agrees with the reply's (RFC 2034 4).
fn split_enhanced(code: u16, text: &str) -> Option<(EnhancedCode, &str)> {
    let (token, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut numbers = token.split('.');
    let mut number = |longest: usize| {
        numbers
            .next()
            .filter(|n| (1..=longest).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|n| n.parse::<u16>().ok())
    };
    let (class, subject, detail) = (number(1)?, number(3)?, number(3)?);
    if numbers.next().is_some() || class != code / 100 {
        return None;
    }
    Some((
        EnhancedCode(class as u8, subject, detail),
        rest.trim_start(),
    ))
}

/// What an EHLO reply offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offered {
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3030 (BDAT).
    pub chunking: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 2034.
    pub enhanced_codes: bool,
    /// RFC 1870: the keyword was there.
    pub size: bool,
    /// RFC 1870: the limit, `None` when it names none or zero.
    pub size_limit: Option<u64>,
    /// RFC 4954: mechanisms, upper case.
    pub auth: Vec<String>,
    /// Postfix XFORWARD: attributes, upper case.
    pub xforward: Vec<String>,
}

impl Offered {
    /// Reads the lines after the first one of a 250 reply to EHLO. Unknown keywords are skipped.
    pub fn from_ehlo(reply: &Reply) -> Self {
        let mut offered = Self::default();
        for line in reply.lines.iter().skip(1) {
            // `AUTH=LOGIN` is how servers before RFC 2554 wrote it; some still do.
            let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
            let Some(keyword) = words.next() else {
                continue;
            };
            let upper = |words: &mut dyn Iterator<Item = &str>, into: &mut Vec<String>| {
                for word in words.map(str::to_ascii_uppercase) {
                    if !into.contains(&word) {
                        into.push(word);
                    }
                }
            };
            match keyword.to_ascii_uppercase().as_str() {
                "PIPELINING" => offered.pipelining = true,
                "8BITMIME" => offered.eight_bit_mime = true,
                "SMTPUTF8" => offered.smtputf8 = true,
                "DSN" => offered.dsn = true,
                "CHUNKING" => offered.chunking = true,
                "STARTTLS" => offered.starttls = true,
                "ENHANCEDSTATUSCODES" => offered.enhanced_codes = true,
                "SIZE" => {
                    offered.size = true;
                    offered.size_limit = words
                        .next()
                        .and_then(|n| n.parse().ok())
                        .filter(|limit| *limit > 0);
                }
                "AUTH" => upper(&mut words, &mut offered.auth),
                "XFORWARD" => upper(&mut words, &mut offered.xforward),
                _ => {}
            }
        }
        offered
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> (Vec<Reply>, Result<(), ReplyError>) {
        let mut reader = ReplyReader::new();
        let result = reader.push(bytes);
        (std::iter::from_fn(|| reader.next_reply()).collect(), result)
    }

    fn one(bytes: &[u8]) -> Reply {
        let (mut replies, result) = read(bytes);
        assert_eq!((replies.len(), result), (1, Ok(())));
        replies.remove(0)
    }

    #[test]
    fn takes_what_servers_send() {
        assert_eq!(one(b"250\r\n"), Reply::plain(250, ""));
        assert_eq!(one(b"250 \r\n"), Reply::plain(250, ""));
        assert_eq!(one(b"250 ok\n"), Reply::plain(250, "ok"));
        assert_eq!(one(b"250 gr\xfc\xdf\r\n").lines, ["gr\u{fffd}\u{fffd}"]);
        assert_eq!(one(b"250 a\rb\0c\r\n").lines, ["a?b?c"]);
        let reply = one(b"550-5.1.1 no such\r\n550 5.1.1 user\r\n");
        assert_eq!(reply.enhanced, Some(EnhancedCode(5, 1, 1)));
        assert_eq!(reply.lines, ["no such", "user"]);
        assert_eq!(one(b"550 5.1.1\r\n").lines, [""]);
        // The class contradicts the code: text, not an enhanced code.
        assert_eq!(one(b"250 5.1.1 x\r\n"), Reply::plain(250, "5.1.1 x"));
        assert_eq!(one(b"250 1.2.3.4 x\r\n"), Reply::plain(250, "1.2.3.4 x"));
        let reply = one(b"550-5.1.1 a\n550 5.7.1 b\n");
        assert_eq!(reply.lines, ["a", "5.7.1 b"]);
    }

    #[test]
    fn refuses_what_is_no_reply() {
        for bytes in [
            &b"\r\n"[..],
            b"25\r\n",
            b"abc hello\r\n",
            b"150 x\r\n",
            b"600 x\r\n",
            b"250x\r\n",
            b"550-a\r\n551 b\r\n",
            b"550-a\r\n250 b\r\n",
        ] {
            assert_eq!(read(bytes), (vec![], Err(ReplyError::Malformed)));
        }
    }

    #[test]
    fn replies_before_an_error_survive_and_the_error_stays() {
        let mut reader = ReplyReader::new();
        assert!(reader.push(b"250 ok\r\nrubbish\r\n250 more\r\n").is_err());
        assert_eq!(reader.next_reply(), Some(Reply::plain(250, "ok")));
        assert_eq!(reader.push(b"250 x\r\n"), Err(ReplyError::Malformed));
        assert_eq!(reader.next_reply(), None);
    }

    #[test]
    fn a_flood_ends_early() {
        let mut reader = ReplyReader::new();
        let flood = vec![b'2'; 1 << 16];
        let chunks = (0..1024)
            .take_while(|_| reader.push(&flood).is_ok())
            .count();
        assert_eq!(chunks, 0);
        assert!(reader.line.len() <= MAX_LINE);
        let mut reader = ReplyReader::new();
        let lines = (0..1 << 20)
            .take_while(|_| reader.push(b"250-x\r\n").is_ok())
            .count();
        assert!(lines <= MAX_REPLY / 7);
    }

    #[test]
    fn reads_ehlo_keywords() {
        let reply = one(b"250-mx.example hi\r\n250-pipelining\r\n250-SIZE 1000\r\n250-AUTH=LOGIN\r\n\
            250-AUTH PLAIN login XOAUTH2\r\n250-XFORWARD NAME ADDR\r\n250-X-NEW thing\r\n250-8BITMIME\r\n250 CHUNKING\r\n");
        let offered = Offered::from_ehlo(&reply);
        assert!(offered.pipelining && offered.eight_bit_mime && offered.chunking && offered.size);
        assert!(!offered.dsn && !offered.smtputf8 && !offered.starttls);
        assert_eq!(offered.size_limit, Some(1000));
        assert_eq!(offered.auth, ["LOGIN", "PLAIN", "XOAUTH2"]);
        assert_eq!(offered.xforward, ["NAME", "ADDR"]);
        let none = Offered::from_ehlo(&one(b"250-PIPELINING\r\n250 SIZE 0\r\n"));
        assert!(!none.pipelining && none.size && none.size_limit.is_none());
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_replies(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b"250-ok\r\n".to_vec()), Just(b"250 5.1.1 x\n".to_vec()), Just(b"550 5.1.1 x\r\n".to_vec()),
                    Just(b"\r".to_vec()), proptest::collection::vec(any::<u8>(), 0..6)], 0..12),
            cuts in proptest::collection::vec(0usize..64, 0..8),
        ) {
            let bytes = bytes.concat();
            let whole = read(&bytes);
            let mut reader = ReplyReader::new();
            let mut result = Ok(());
            let mut rest = &bytes[..];
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                result = reader.push(head);
                rest = tail;
            }
            if !rest.is_empty() {
                result = reader.push(rest);
            }
            let replies: Vec<_> = std::iter::from_fn(|| reader.next_reply()).collect();
            prop_assert_eq!((replies, result), whole);
        }
    }
}

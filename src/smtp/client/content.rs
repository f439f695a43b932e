//! The bytes of a message on their way to the next hop: what they demand of it, and dot-stuffing in bounded pieces.
//!
//! # Invariants
//! Only a `.` that follows CRLF or starts the content is doubled; a message with a bare CR or LF never goes by DATA, so
//! nothing a server might take for an early end can be emitted.
//!
//! # Standards
//! RFC 5321 4.5.2 (transparency) and 2.3.8 (line ends); RFC 3030 2 (BDAT); RFC 6152 (8-bit content).

use bytes::Bytes;

/// What the bytes demand of the next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survey {
    /// A CR or LF stands alone: only BDAT carries it.
    pub bare_line_end: bool,
    /// The last line has no CRLF: BDAT keeps it so, DATA has to add one.
    pub unterminated: bool,
    /// There are bytes above 127: needs 8BITMIME.
    pub eight_bit: bool,
}

impl Survey {
    /// Looks at a message and the header lines to prepend.
    pub fn of(prefix: &[u8], message: &[u8]) -> Self {
        let last = if message.is_empty() { prefix } else { message };
        Self {
            bare_line_end: has_bare_line_end(prefix) || has_bare_line_end(message),
            unterminated: !last.is_empty() && !last.ends_with(b"\r\n"),
            eight_bit: !prefix.is_ascii() || !message.is_ascii(),
        }
    }
}

fn has_bare_line_end(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        if !rest[at..].starts_with(b"\r\n") {
            return true;
        }
        rest = &rest[at + 2..];
    }
    false
}

/// Content being sent, in pieces.
#[derive(Debug)]
pub struct Content {
    parts: [Bytes; 2],
    part: usize,
    at: usize,
    stuffed: bool,
    line_start: bool,
    ended: bool,
}

impl Content {
    /// Content for DATA: stuffed and ended by a lone dot. The parts must have no bare line end.
    pub fn dotted(prefix: Bytes, message: Bytes) -> Self {
        Self::new([prefix, message], true)
    }

    /// Content for BDAT: as it is.
    pub fn verbatim(prefix: Bytes, message: Bytes) -> Self {
        Self::new([prefix, message], false)
    }

    fn new(parts: [Bytes; 2], stuffed: bool) -> Self {
        let empty = parts.iter().all(Bytes::is_empty);
        Self {
            parts,
            part: 0,
            at: 0,
            stuffed,
            line_start: true,
            ended: empty && !stuffed,
        }
    }

    /// Whether every byte was given out.
    pub fn is_finished(&self) -> bool {
        self.ended
    }

    /// Appends the next bytes, stopping soon after `room` bytes.
    pub fn fill(&mut self, out: &mut Vec<u8>, room: usize) {
        let target = out.len().saturating_add(room.max(1));
        while !self.ended && out.len() < target {
            let Some(rest) = self.parts.get(self.part).map(|part| &part[self.at..]) else {
                self.finish(out);
                return;
            };
            if rest.is_empty() {
                self.part += 1;
                self.at = 0;
                self.ended = !self.stuffed && self.part == self.parts.len();
                continue;
            }
            let rest = &rest[..rest.len().min(target - out.len())];
            let taken = if self.stuffed {
                stuff(rest, &mut self.line_start, out)
            } else {
                out.extend_from_slice(rest);
                rest.len()
            };
            self.at += taken;
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.line_start {
            b".\r\n"
        } else {
            b"\r\n.\r\n"
        });
        self.ended = true;
    }
}

/// Copies `rest` with its dots doubled; `line_start` says whether the byte before it ended a line. Gives the bytes taken.
fn stuff(rest: &[u8], line_start: &mut bool, out: &mut Vec<u8>) -> usize {
    if *line_start && rest[0] == b'.' {
        out.push(b'.');
    }
    let mut copied = 0;
    // Dots are rarer than line ends in most mail and much rarer in base64, so the search is for dots.
    for dot in memchr::memchr_iter(b'.', &rest[1..]).map(|at| at + 1) {
        if rest[dot - 1] == b'\n' {
            out.extend_from_slice(&rest[copied..dot]);
            out.push(b'.');
            copied = dot;
        }
    }
    out.extend_from_slice(&rest[copied..]);
    *line_start = rest.ends_with(b"\n");
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(content: Content, room: usize) -> Vec<u8> {
        let mut content = content;
        let mut out = Vec::new();
        while !content.is_finished() {
            let before = out.len();
            content.fill(&mut out, room);
            assert!(out.len() <= before + 2 * room + 8);
        }
        out
    }

    #[test]
    fn stuffs_and_ends_without_a_blank_line() {
        for (message, wire) in [
            (&b""[..], &b".\r\n"[..]),
            (b"hi\r\n", b"hi\r\n.\r\n"),
            (b"hi", b"hi\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"..x\r\n", b"...x\r\n.\r\n"),
            (b"a\r\n.b\r\n.\r\n", b"a\r\n..b\r\n..\r\n.\r\n"),
            (b"a.b\r\n", b"a.b\r\n.\r\n"),
            (b"\r\n", b"\r\n.\r\n"),
        ] {
            for room in 1..8 {
                let content = Content::dotted(Bytes::new(), Bytes::copy_from_slice(message));
                assert_eq!(sent(content, room), wire, "{message:?}");
            }
        }
        let both = Content::dotted(
            Bytes::from_static(b"X: 1\r\n"),
            Bytes::from_static(b".a\r\n"),
        );
        assert_eq!(sent(both, 64), b"X: 1\r\n..a\r\n.\r\n");
    }

    #[test]
    fn surveys_what_the_bytes_demand() {
        let survey = |message: &[u8]| Survey::of(b"", message);
        for bare in [
            &b"a\nb\r\n"[..],
            b"a\rb\r\n",
            b"a\r",
            b"a\r\r\n",
            b"\n.\r\n",
            b"\n",
        ] {
            assert!(survey(bare).bare_line_end, "{bare:?}");
        }
        for clean in [&b""[..], b"a", b"a\r\n\r\n", b"\r\n.\r\n"] {
            assert!(!survey(clean).bare_line_end, "{clean:?}");
        }
        assert!(survey(b"a").unterminated && !survey(b"").unterminated);
        assert!(survey(b"\xe9\r\n").eight_bit && !survey(b"e\r\n").eight_bit);
    }

    proptest! {
        #[test]
        fn unstuffing_gives_the_message_back(
            lines in proptest::collection::vec("[.a]{0,4}", 0..8), room in 1usize..40,
        ) {
            let message: String = lines.join("\r\n") + "\r\n";
            let wire = sent(Content::dotted(Bytes::new(), Bytes::from(message.clone())), room);
            let wire = String::from_utf8(wire).unwrap();
            let body = wire.strip_suffix(".\r\n").unwrap();
            let back: String = body.split_inclusive("\r\n")
                .map(|line| { assert_ne!(line, ".\r\n"); line.strip_prefix('.').unwrap_or(line) }).collect();
            prop_assert_eq!(back, message.clone());
            let verbatim = sent(Content::verbatim(Bytes::from_static(b"\n"), Bytes::from(message.clone())), room);
            prop_assert_eq!(verbatim, format!("\n{message}").into_bytes());
        }
    }
}

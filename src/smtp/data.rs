//! The body after DATA: finds its one true end, takes the stuffed dots out, and notices line ends that other servers
//! read differently.
//!
//! # Invariants
//! Only CRLF.CRLF (or .CRLF right at the start) ends the body, however the input is split. A bare CR or bare LF never takes
//! part in ending it and never makes the following dot a stuffed one, not even when [`LineEnds::Normalise`] turns it into
//! CRLF. Nothing is buffered: pieces borrow from the input, at most three octets of state are carried over.
//!
//! # Standards
//! RFC 5321 4.1.1.4 and 4.5.2; 2.3.8 forbids bare CR and LF. SMTP smuggling: CVE-2023-51764, CVE-2023-51765, CVE-2023-51766.

use memchr::memchr2;

/// What becomes of a bare CR or LF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnds {
    /// It is noted ([`DataReceiver::has_stray`]), so that the message is refused once its real end has come.
    #[default]
    Refuse,
    /// It becomes CRLF: for a listed client that cannot do better.
    Normalise,
}

/// What one step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Octets of the message.
    Bytes(&'a [u8]),
    /// The end of the message; what follows in the input is a command.
    End,
    /// Nothing yet: the input is used up.
    More,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// After CRLF, or at the very start.
    LineStart,
    /// Within a line, or after a bare line end.
    Line,
    /// After a CR that ended the input.
    Cr,
    /// After a dot at the start of a line.
    Dot,
    /// After a dot and a CR at the start of a line.
    DotCr,
}

/// Receives one DATA body.
#[derive(Debug, Clone)]
pub struct DataReceiver {
    state: State,
    line_ends: LineEnds,
    stray: bool,
}

impl DataReceiver {
    /// Ready for the first octet after 354.
    pub fn new(line_ends: LineEnds) -> Self {
        Self {
            state: State::LineStart,
            line_ends,
            stray: false,
        }
    }

    /// Whether a bare CR or LF has been seen.
    pub fn has_stray(&self) -> bool {
        self.stray
    }

    /// Takes what it can from the front of `input`: how much that was, and what it found. Call again with the rest.
    pub fn step<'a>(&mut self, input: &'a [u8]) -> (usize, Piece<'a>) {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            match self.state {
                State::LineStart if byte == b'.' => {
                    self.state = State::Dot;
                    at += 1;
                }
                State::LineStart | State::Line => return self.run(input, at),
                State::Cr => {
                    if let Some(found) = self.after_cr(byte, at) {
                        return found;
                    }
                    at += usize::from(byte == b'\n');
                }
                State::Dot => {
                    self.state = if byte == b'\r' {
                        State::DotCr
                    } else {
                        State::Line
                    };
                    at += usize::from(byte == b'\r');
                }
                State::DotCr if byte == b'\n' => {
                    self.state = State::LineStart;
                    return (at + 1, Piece::End);
                }
                State::DotCr => {
                    self.stray = true;
                    self.state = State::Line;
                    if self.line_ends == LineEnds::Normalise {
                        return (at, Piece::Bytes(b"\r\n"));
                    }
                }
            }
        }
        (at, Piece::More)
    }

    /// The octet after a CR that was the last one of an earlier input. When refusing, that CR was already handed out.
    fn after_cr(&mut self, byte: u8, at: usize) -> Option<(usize, Piece<'static>)> {
        let line_feed = byte == b'\n';
        self.stray |= !line_feed;
        self.state = if line_feed {
            State::LineStart
        } else {
            State::Line
        };
        match (self.line_ends, line_feed) {
            (LineEnds::Normalise, true) => Some((at + 1, Piece::Bytes(b"\r\n"))),
            (LineEnds::Normalise, false) => Some((at, Piece::Bytes(b"\r\n"))),
            (LineEnds::Refuse, true) => Some((at + 1, Piece::Bytes(b"\n"))),
            (LineEnds::Refuse, false) => None,
        }
    }

    /// The longest run from `start` that goes out as it came in. This is the hot path: one `memchr2` for each line.
    fn run<'a>(&mut self, input: &'a [u8], start: usize) -> (usize, Piece<'a>) {
        let mut at = start;
        self.state = State::Line;
        while let Some(found) = memchr2(b'\r', b'\n', &input[at..]) {
            let end = at + found;
            if input[end] == b'\r' {
                match input.get(end + 1) {
                    Some(b'\n') => {
                        at = end + 2;
                        if input.get(at).is_none_or(|byte| *byte == b'.') {
                            self.state = State::LineStart;
                            return (at, Piece::Bytes(&input[start..at]));
                        }
                        continue;
                    }
                    None => {
                        self.state = State::Cr;
                        return match self.line_ends {
                            LineEnds::Refuse => (end + 1, Piece::Bytes(&input[start..=end])),
                            LineEnds::Normalise if end == start => (end + 1, Piece::More),
                            LineEnds::Normalise => (end + 1, Piece::Bytes(&input[start..end])),
                        };
                    }
                    Some(_) => {}
                }
            }
            self.stray = true;
            at = end + 1;
            if self.line_ends == LineEnds::Normalise {
                return self.normalised(input, start, end);
            }
        }
        (input.len(), Piece::Bytes(&input[start..]))
    }

    /// A bare line end at `end`: first what stands before it, then CRLF in its place.
    fn normalised<'a>(&mut self, input: &'a [u8], start: usize, end: usize) -> (usize, Piece<'a>) {
        self.state = State::Line;
        if start == end {
            (end + 1, Piece::Bytes(b"\r\n"))
        } else {
            (end, Piece::Bytes(&input[start..end]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the parts; gives the body, whether it ended and where, and whether strays were seen.
    fn receive(parts: &[&[u8]], line_ends: LineEnds) -> (Vec<u8>, Option<usize>, bool) {
        let mut receiver = DataReceiver::new(line_ends);
        let (mut body, mut consumed) = (Vec::new(), 0);
        for part in parts {
            let mut rest = *part;
            loop {
                let (used, piece) = receiver.step(rest);
                consumed += used;
                rest = &rest[used..];
                match piece {
                    Piece::Bytes(bytes) => body.extend_from_slice(bytes),
                    Piece::End => return (body, Some(consumed), receiver.has_stray()),
                    Piece::More => {
                        assert!(rest.is_empty());
                        break;
                    }
                }
            }
        }
        (body, None, receiver.has_stray())
    }

    /// Input, whether its last octet ends the body, the body where it is accepted, and the normalised body.
    type Row = (&'static [u8], bool, Option<&'static [u8]>, &'static [u8]);

    const TABLE: &[Row] = &[
        (b".\r\n", true, Some(b""), b""),
        (b"\r\n.\r\n", true, Some(b"\r\n"), b"\r\n"),
        (b"a\r\n.\r\n", true, Some(b"a\r\n"), b"a\r\n"),
        (b"..x\r\n.\r\n", true, Some(b".x\r\n"), b".x\r\n"),
        (b"..\r\n.\r\n", true, Some(b".\r\n"), b".\r\n"),
        (
            b"a\r\n..\r\n..b\r\n.\r\n",
            true,
            Some(b"a\r\n.\r\n.b\r\n"),
            b"a\r\n.\r\n.b\r\n",
        ),
        (
            b"a\r\n.b\r\n.\r\n",
            true,
            Some(b"a\r\nb\r\n"),
            b"a\r\nb\r\n",
        ),
        (b"a.\r\n", false, Some(b"a.\r\n"), b"a.\r\n"),
        (b"a\r\n. \r\n", false, Some(b"a\r\n \r\n"), b"a\r\n \r\n"),
        (
            b"a\r\n\0.\r\n",
            false,
            Some(b"a\r\n\0.\r\n"),
            b"a\r\n\0.\r\n",
        ),
        (b"a\r\n.\0\r\n", false, Some(b"a\r\n\0\r\n"), b"a\r\n\0\r\n"),
        (b"a\n.\n", false, None, b"a\r\n.\r\n"),
        (b"a\n.\r\n", false, None, b"a\r\n.\r\n"),
        (b"a\r.\r", false, None, b"a\r\n."),
        (b"a\r.\r\n", false, None, b"a\r\n.\r\n"),
        (b"a\r\n.\rx", false, None, b"a\r\n\r\nx"),
        (b"a\r\n.\n", false, None, b"a\r\n\r\n"),
        (b"a\r\n.\r\r\n", false, None, b"a\r\n\r\n\r\n"),
        (b"a\n.\r\r\n", false, None, b"a\r\n.\r\n\r\n"),
        (b"a\r\r\n.\r\n", true, None, b"a\r\n\r\n"),
        (b"a\r\n\n.\r\n", false, None, b"a\r\n\r\n.\r\n"),
        (b"a\n\r\n.\r\n", true, None, b"a\r\n\r\n"),
        (b"\n.\r\n", false, None, b"\r\n.\r\n"),
        (b"\r.\r\n", false, None, b"\r\n.\r\n"),
        (b"a\r\n.\r\x0b\n", false, None, b"a\r\n\r\n\x0b\r\n"),
        (
            b"a\xc2\x85.\xc2\x85",
            false,
            Some(b"a\xc2\x85.\xc2\x85"),
            b"a\xc2\x85.\xc2\x85",
        ),
    ];

    #[test]
    fn only_the_real_end_ends_the_body_for_every_split() {
        for (input, ends, accepted, normalised) in TABLE {
            for one in 0..=input.len() {
                for two in one..=input.len() {
                    let parts = [&input[..one], &input[one..two], &input[two..]];
                    let (body, end, stray) = receive(&parts, LineEnds::Refuse);
                    let pending = input.ends_with(b"\r") && !ends;
                    assert_eq!(end, ends.then_some(input.len()), "{input:?} {one} {two}");
                    assert!(
                        stray == accepted.is_none() || pending,
                        "{input:?} {one} {two}"
                    );
                    if let Some(accepted) = accepted {
                        assert_eq!(body, *accepted, "{input:?} {one} {two}");
                    }
                    let (body, end, _) = receive(&parts, LineEnds::Normalise);
                    assert_eq!(end, ends.then_some(input.len()), "{input:?} {one} {two}");
                    assert_eq!(body, *normalised, "{input:?} {one} {two}");
                }
            }
        }
    }

    #[test]
    fn what_follows_the_end_is_left_alone() {
        let input = b"hello\r\n.\r\nQUIT\r\n";
        let (body, end, stray) = receive(&[input], LineEnds::Refuse);
        assert_eq!(
            (body.as_slice(), end, stray),
            (&b"hello\r\n"[..], Some(10), false)
        );
    }
}

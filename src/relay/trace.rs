//! Trace headers: the `Received:` line and Beadle's own header that are prepended, and what earlier ones say of loops.
//!
//! # Invariants
//! No header names a recipient: a `for` clause would show blind copies. Bytes of the message are cut only where a field of
//! our own name stands in the header section; everything else stays as it is, byte for byte.
//!
//! # Standards
//! RFC 5321 4.4 (trace information) and 6.3 (loop detection), RFC 3848 (ESMTPS), RFC 5322 3.6.7 and 3.3.
//!
//! # Known gaps
//! The `with` clause does not say UTF8SMTP (RFC 6531 3.7.3).

use std::net::IpAddr;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use crate::mail::QueueId;

/// The name of Beadle's own trace header.
pub const TRACE_HEADER: &str = "X-Beadle-Trace";

/// Most `Received` fields a message may have (Postfix `hopcount_limit`).
pub const MAX_HOPS: usize = 50;

/// Times a message may have passed this relay already; the second time it is back is a loop. Once is normal: a
/// reflecting Microsoft 365 tenant may route its own non-delivery reports through again.
pub const MAX_OWN_PASSES: usize = 2;

/// Who we are in trace headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Our host name, in the `by` clause.
    pub host: String,
    /// The instance id: the same for all nodes that serve one trust.
    pub instance: String,
}

/// The client as the `from` clause shows it.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'a> {
    /// What it said in HELO or EHLO.
    pub helo: &'a str,
    /// Its address.
    pub ip: IpAddr,
    /// It greeted with EHLO.
    pub esmtp: bool,
    /// The connection was encrypted.
    pub tls: bool,
}

/// A message has gone round in circles; the text is fit for a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Loop {
    /// More than [`MAX_HOPS`] `Received` fields.
    #[error("too many hops, this message is looping")]
    TooManyHops,
    /// Our own trace stands in it [`MAX_OWN_PASSES`] times.
    #[error("this message has passed this relay before, mail is looping")]
    OwnHop,
}

impl Identity {
    /// The lines to prepend, each ending in CRLF: our trace header, then `Received`.
    pub fn prefix(&self, from: Peer<'_>, id: QueueId, at: SystemTime) -> Bytes {
        let ip = match from.ip {
            IpAddr::V4(ip) => format!("[{ip}]"),
            IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
        };
        let with = match (from.esmtp, from.tls) {
            (true, true) => "ESMTPS",
            (true, false) => "ESMTP",
            (false, _) => "SMTP",
        };
        Bytes::from(format!(
            "{TRACE_HEADER}: {}; {id}\r\n\
             Received: from {} ({ip})\r\n\tby {} (Beadle {}) with {with} id {id};\r\n\t{}\r\n",
            atom(&self.instance),
            atom(from.helo),
            atom(&self.host),
            atom(&self.instance),
            date(at),
        ))
    }

    /// Judges the header section of `message` (the whole message may be given).
    pub fn check_loop(&self, message: &[u8]) -> Result<(), Loop> {
        let (mut hops, mut received_by_us, mut own_headers) = (0, 0, 0);
        let by_instance = format!("(beadle {})", atom(&self.instance).to_ascii_lowercase());
        let own_value = format!("{};", atom(&self.instance).to_ascii_lowercase());
        for field in Fields::of(message) {
            if field.is("Received") {
                hops += 1;
                let value = field.unfolded();
                received_by_us += usize::from(value.contains(&by_instance));
            } else if field.is(TRACE_HEADER) {
                own_headers += usize::from(field.unfolded().trim_start().starts_with(&own_value));
            }
        }
        if hops > MAX_HOPS {
            return Err(Loop::TooManyHops);
        }
        if received_by_us.max(own_headers) >= MAX_OWN_PASSES {
            return Err(Loop::OwnHop);
        }
        Ok(())
    }
}

/// The message without incoming copies of [`TRACE_HEADER`]; the very same bytes when there is none.
pub fn without_trace(message: &Bytes) -> Bytes {
    let cuts: Vec<(usize, usize)> = Fields::of(message)
        .filter(|field| field.is(TRACE_HEADER))
        .map(|field| (field.start, field.start + field.bytes.len()))
        .collect();
    if cuts.is_empty() {
        return message.clone();
    }
    let mut kept = BytesMut::with_capacity(message.len());
    let mut at = 0;
    for (start, end) in cuts {
        kept.extend_from_slice(&message[at..start]);
        at = end;
    }
    kept.extend_from_slice(&message[at..]);
    kept.freeze()
}

/// The message with `prefix` (printable ASCII) before its subject; the very same bytes when it stands there already. A message
/// without a subject gets one.
pub fn with_subject_prefix(message: &Bytes, prefix: &str) -> Bytes {
    let subject = Fields::of(message).find(|field| field.is("Subject"));
    let Some(field) = subject else {
        return [b"Subject: ", prefix.as_bytes(), b"\r\n", message]
            .concat()
            .into();
    };
    let colon = memchr::memchr(b':', field.bytes).map_or(0, |at| at + 1);
    let value = &field.bytes[colon..];
    if value.trim_ascii_start().starts_with(prefix.as_bytes()) {
        return message.clone();
    }
    let at = field.start + colon;
    let gap: &[u8] = if value.first().is_some_and(u8::is_ascii_whitespace) {
        b""
    } else {
        b" "
    };
    [&message[..at], b" ", prefix.as_bytes(), gap, &message[at..]]
        .concat()
        .into()
}

/// RFC 5322 date and time in UTC.
pub(super) fn date(at: SystemTime) -> String {
    // Out of range only for clocks beyond the year 9999; the epoch is then as good as any.
    let zoned = jiff::Timestamp::try_from(at)
        .unwrap_or_default()
        .to_zoned_datetime(jiff::tz::TimeZone::UTC);
    jiff::fmt::rfc2822::to_string(&zoned).unwrap_or_default()
}

/// Text from outside, fit for a header: what is no part of a host name or literal becomes `?`.
pub(super) fn atom(text: &str) -> String {
    let clean: String = text
        .chars()
        .take(255)
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".-_:[]".contains(c) {
                c
            } else {
                '?'
            }
        })
        .collect();
    if clean.is_empty() {
        "unknown".to_owned()
    } else {
        clean
    }
}

/// One field of the header section with its folded lines and line ends.
struct RawField<'a> {
    start: usize,
    bytes: &'a [u8],
}

impl RawField<'_> {
    fn is(&self, name: &str) -> bool {
        let Some(colon) = memchr::memchr(b':', self.bytes) else {
            return false;
        };
        self.bytes[..colon]
            .trim_ascii_end()
            .eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value in lower case, white space runs as one space.
    fn unfolded(&self) -> String {
        let colon = memchr::memchr(b':', self.bytes).map_or(0, |at| at + 1);
        let value = String::from_utf8_lossy(&self.bytes[colon..]).to_ascii_lowercase();
        let mut words = String::with_capacity(value.len() + 2);
        for word in value.split_ascii_whitespace() {
            words.push(' ');
            words.push_str(word);
        }
        words.push(' ');
        words
    }
}

/// The fields up to the first empty line. Lines may end in a bare LF (mail that came by BDAT).
struct Fields<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn of(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.message[at..]).map_or(self.message.len(), |n| at + n + 1)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = RawField<'a>;

    fn next(&mut self) -> Option<RawField<'a>> {
        let start = self.at;
        let mut end = self.line_end(start);
        let line = self.message.get(start..end)?;
        if line.is_empty() || line == b"\r\n" || line == b"\n" {
            return None;
        }
        while matches!(self.message.get(end), Some(b' ' | b'\t')) {
            end = self.line_end(end);
        }
        self.at = end;
        Some(RawField {
            start,
            bytes: &self.message[start..end],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn identity() -> Identity {
        Identity {
            host: "relay.trust.example".into(),
            instance: "trust-1".into(),
        }
    }

    fn prefix(helo: &str) -> String {
        let from = Peer {
            helo,
            ip: "192.0.2.7".parse().unwrap(),
            esmtp: true,
            tls: true,
        };
        let at = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let bytes = identity().prefix(from, QueueId::from_random([7; 10]), at);
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_prefix_stands_before_the_subject_once() {
        let marked = |message: &'static str| {
            let bytes = with_subject_prefix(&Bytes::from(message), "[External]");
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        let body = "To: a@b.example\r\n\r\nSubject: no\r\n";
        assert_eq!(
            marked("Subject: Trip\r\n\r\nx"),
            "Subject: [External] Trip\r\n\r\nx"
        );
        assert_eq!(marked("subject:Trip\n\nx"), "subject: [External] Trip\n\nx");
        assert_eq!(
            marked("Subject:\r\n =?utf-8?Q?a?=\r\n\r\nx"),
            "Subject: [External]\r\n =?utf-8?Q?a?=\r\n\r\nx"
        );
        assert_eq!(
            marked("Subject: [External] Trip\r\n\r\nx"),
            "Subject: [External] Trip\r\n\r\nx"
        );
        assert_eq!(
            marked("To: a@b.example\r\n\r\nSubject: no\r\n"),
            format!("Subject: [External]\r\n{body}")
        );
    }

    #[test]
    fn the_prefix_exactly() {
        let id = QueueId::from_random([7; 10]);
        assert_eq!(
            prefix("mail.trust.example"),
            format!(
                "X-Beadle-Trace: trust-1; {id}\r\n\
                 Received: from mail.trust.example ([192.0.2.7])\r\n\
                 \tby relay.trust.example (Beadle trust-1) with ESMTPS id {id};\r\n\
                 \tFri, 15 Jan 2027 08:00:00 +0000\r\n"
            )
        );
        let from = Peer {
            helo: "",
            ip: "2001:db8::7".parse().unwrap(),
            esmtp: false,
            tls: false,
        };
        let bytes = identity().prefix(from, id, SystemTime::UNIX_EPOCH);
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains("from unknown ([IPv6:2001:db8::7])"));
        assert!(text.contains(" with SMTP id "));
    }

    #[test]
    fn a_hostile_greeting_cannot_add_lines() {
        let text = prefix("a\r\nX-Evil: 1 (b) by c; d\u{fc}");
        assert_eq!(text.lines().count(), 4);
        assert!(!text.contains("X-Evil: 1"));
    }

    #[test]
    fn loops_are_found() {
        let own = prefix("a.example");
        let foreign = "Received: from a by b.example with ESMTP id 1; date\r\n";
        let body = "Subject: x\r\n\r\nReceived: by relay.trust.example \r\n";
        let judge = |head: String| identity().check_loop(format!("{head}{body}").as_bytes());
        assert_eq!(judge(String::new()), Ok(()));
        assert_eq!(judge(own.clone()), Ok(()));
        assert_eq!(judge(own.repeat(2)), Err(Loop::OwnHop));
        assert_eq!(judge(foreign.repeat(MAX_HOPS)), Ok(()));
        assert_eq!(judge(foreign.repeat(MAX_HOPS + 1)), Err(Loop::TooManyHops));
        // Our trace header was cut on each pass; the Received lines still tell.
        let bytes = Bytes::from(own.repeat(2));
        assert_eq!(
            identity().check_loop(&without_trace(&bytes)),
            Err(Loop::OwnHop)
        );
        // Somebody else's relay of the same product is not ours.
        let other = own
            .replace("trust-1", "other-9")
            .replace("relay.trust", "relay.other");
        assert_eq!(judge(other.repeat(5)), Ok(()));
    }

    #[test]
    fn only_own_headers_are_cut() {
        let message = Bytes::from_static(
            b"A: 1\r\nx-beadle-trace : forged\r\n more\r\nB: 2\nX-Beadle-Trace: z\nX-Beadle-Trace-Not: 3\r\n\r\nX-Beadle-Trace: body\r\n",
        );
        assert_eq!(
            without_trace(&message),
            &b"A: 1\r\nB: 2\nX-Beadle-Trace-Not: 3\r\n\r\nX-Beadle-Trace: body\r\n"[..]
        );
        let clean = Bytes::from_static(b"A: 1\r\n\r\nx");
        assert_eq!(without_trace(&clean).as_ptr(), clean.as_ptr());
    }

    proptest! {
        #[test]
        fn cutting_is_idempotent_and_keeps_the_rest(
            pieces in proptest::collection::vec(prop_oneof![
                Just("X-Beadle-Trace: a; b\r\n"), Just("X-Other: c\r\n"), Just(" folded\r\n"), Just("\r\n"), Just("\n"),
                Just("text"), Just("X-BEADLE-TRACE:\n")], 0..16),
        ) {
            let message = Bytes::from(pieces.concat());
            let cut = without_trace(&message);
            prop_assert_eq!(without_trace(&cut), cut.clone());
            prop_assert!(!Fields::of(&cut).any(|field| field.is(TRACE_HEADER)));
            let others = |bytes: &[u8]| -> Vec<Vec<u8>> {
                Fields::of(bytes).filter(|field| !field.is(TRACE_HEADER)).map(|field| field.bytes.to_vec()).collect()
            };
            prop_assert_eq!(others(&message), others(&cut));
        }

        #[test]
        fn any_bytes_are_judged(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = identity().check_loop(&message);
            prop_assert!(without_trace(&Bytes::from(message.clone())).len() <= message.len());
        }
    }
}

//! Delivery status notifications: what the sender is told when a message failed for good or waits.
//!
//! # Invariants
//! None goes to a null sender, and none about recipients that asked for none. The content of the message is returned only
//! when its sender asked for it (RET=FULL) and it is small; otherwise its header section alone. Every line ends in CRLF.
//!
//! # Standards
//! RFC 3461 5.2 and 6 (when and what), RFC 3464 (fields), RFC 6522 (multipart/report), RFC 6533 (UTF-8), RFC 3834 5
//! (Auto-Submitted), RFC 3462. The size above which RET=FULL gives headers only: Postfix `bounce_size_limit`, 50,000.
//!
//! # Known gaps
//! `relayed`, `expanded` and `delivered` reports are not written: success is the next hop's to report.

use std::fmt::Write;
use std::time::SystemTime;

use bytes::Bytes;

use crate::mail::{Address, Envelope, QueueId, Recipient};
use crate::relay::trace::{atom, date};
use crate::smtp::reply::{EnhancedCode, Reply};

/// Largest message that is returned whole.
const MAX_RETURNED: usize = 50_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Delivery failed for good.
    Failed,
    /// Delivery waits; it will be tried until then.
    Delayed {
        /// When it is given up.
        until: SystemTime,
    },
}

/// What a notification is made of.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// Our host name.
    pub reporting_mta: &'a str,
    /// Failed or delayed.
    pub kind: Kind,
    /// The id of the message reported on.
    pub id: QueueId,
    /// Its envelope.
    pub envelope: &'a Envelope,
    /// Its bytes as they arrived.
    pub message: &'a [u8],
    /// When it arrived.
    pub arrived: SystemTime,
    /// When delivery was last tried.
    pub last_attempt: SystemTime,
    /// Now.
    pub now: SystemTime,
    /// The next hop's name.
    pub remote_mta: Option<&'a str>,
    /// The recipients to report (indexes of `envelope.rcpts`) with the last answer to each.
    pub recipients: &'a [(usize, Reply)],
}

impl Report<'_> {
    /// The notification with its envelope; `None` when nobody is to be told.
    pub fn compose(&self) -> Option<(Envelope, Bytes)> {
        let sender = self.envelope.mail_from.address()?;
        let told: Vec<(&Recipient, &Reply)> = self
            .recipients
            .iter()
            .filter_map(|(index, reply)| Some((self.envelope.rcpts.get(*index)?, reply)))
            .filter(|(rcpt, _)| self.wants(rcpt))
            .collect();
        if told.is_empty() {
            return None;
        }
        let returned = self.returned();
        let utf8 = !sender.as_str().is_ascii()
            || told
                .iter()
                .any(|(rcpt, _)| !rcpt.path.raw().is_ascii() || !rcpt.params.is_ascii())
            || !returned.headers.is_ascii();
        let mut parts = [
            self.explanation(&told, utf8),
            self.fields(&told, utf8),
            returned.part(utf8),
        ];
        // RFC 2046 5.1.1: a part's last line end belongs to the boundary.
        for part in &mut parts {
            part.extend_from_slice(b"\r\n");
        }
        let boundary = boundary(self.id, &parts);
        let eight_bit = parts.iter().any(|part| !part.is_ascii());
        let mut out = self.head(sender, &boundary, eight_bit).into_bytes();
        for part in &parts {
            out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            out.extend_from_slice(part);
        }
        out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Some((Envelope::of(None, [sender.clone()]), Bytes::from(out)))
    }

    /// RFC 3461 4.1: without NOTIFY, failures are reported and delays may be.
    fn wants(&self, rcpt: &Recipient) -> bool {
        let Some(list) = param(&rcpt.params, "NOTIFY") else {
            return true;
        };
        let wanted = match self.kind {
            Kind::Failed => "FAILURE",
            Kind::Delayed { .. } => "DELAY",
        };
        list.split(',')
            .any(|word| word.eq_ignore_ascii_case(wanted))
    }

    fn head(&self, sender: &Address, boundary: &str, eight_bit: bool) -> String {
        let host = atom(self.reporting_mta);
        let (subject, kind) = match self.kind {
            Kind::Failed => ("Undelivered mail returned to sender", "failed"),
            Kind::Delayed { .. } => ("Delayed mail (still being retried)", "delayed"),
        };
        let transfer = if eight_bit {
            "Content-Transfer-Encoding: 8bit\r\n"
        } else {
            ""
        };
        format!(
            "From: Mail Delivery System <MAILER-DAEMON@{host}>\r\n\
             To: {sender}\r\n\
             Subject: {subject}\r\n\
             Date: {}\r\n\
             Message-ID: <{}.{kind}@{host}>\r\n\
             Auto-Submitted: auto-replied\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\
             {transfer}\r\n",
            date(self.now),
            self.id,
        )
    }

    fn explanation(&self, told: &[(&Recipient, &Reply)], utf8: bool) -> Vec<u8> {
        let mut text = match self.kind {
            Kind::Failed => "Your message could not be delivered to the recipients below.\r\n\
                             It will not be tried again.\r\n"
                .to_owned(),
            Kind::Delayed { until } => format!(
                "Your message could not be delivered to the recipients below yet.\r\n\
                 You need not do anything: it will be tried until\r\n{}.\r\n",
                date(until)
            ),
        };
        for (rcpt, reply) in told {
            let _ = write!(text, "\r\n{}\r\n", final_recipient(rcpt));
            for line in &reply.lines {
                for piece in pieces(line, utf8) {
                    let _ = write!(text, "    {piece}\r\n");
                }
            }
        }
        let (charset, transfer) = if text.is_ascii() {
            ("us-ascii", "7bit")
        } else {
            ("utf-8", "8bit")
        };
        format!(
            "Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n{text}"
        )
        .into_bytes()
    }

    fn fields(&self, told: &[(&Recipient, &Reply)], utf8: bool) -> Vec<u8> {
        let mut text = String::new();
        text.push_str(if utf8 {
            "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        } else {
            "Content-Type: message/delivery-status\r\n\r\n"
        });
        if let Some(envid) = param(&self.envelope.mail_params, "ENVID") {
            let _ = write!(text, "Original-Envelope-Id: {}\r\n", xtext(envid, utf8));
        }
        let _ = write!(
            text,
            "Reporting-MTA: dns; {}\r\nArrival-Date: {}\r\n",
            atom(self.reporting_mta),
            date(self.arrived)
        );
        for (rcpt, reply) in told {
            self.recipient_fields(rcpt, reply, utf8, &mut text);
        }
        text.into_bytes()
    }

    fn recipient_fields(&self, rcpt: &Recipient, reply: &Reply, utf8: bool, text: &mut String) {
        text.push_str("\r\n");
        if let Some((kind, address)) =
            param(&rcpt.params, "ORCPT").and_then(|orcpt| orcpt.split_once(';'))
        {
            let _ = write!(
                text,
                "Original-Recipient: {}; {}\r\n",
                atom(kind),
                xtext(address, utf8)
            );
        }
        let address = final_recipient(rcpt);
        let kind = if address.is_ascii() {
            "rfc822"
        } else {
            "utf-8"
        };
        let action = match self.kind {
            Kind::Failed => "failed",
            Kind::Delayed { .. } => "delayed",
        };
        let _ = write!(
            text,
            "Final-Recipient: {kind}; {address}\r\nAction: {action}\r\nStatus: {}\r\n",
            self.status(reply)
        );
        if let Some(remote) = self.remote_mta {
            let _ = write!(text, "Remote-MTA: dns; {}\r\n", atom(remote));
        }
        let _ = write!(text, "Diagnostic-Code: smtp; {}", reply.code);
        if let Some(enhanced) = reply.enhanced {
            let _ = write!(text, " {enhanced}");
        }
        for (index, line) in reply.lines.iter().enumerate() {
            for (at, piece) in pieces(line, utf8).into_iter().enumerate() {
                // Continuation lines are folded: RFC 5322 2.2.3.
                let separator = if index + at == 0 { " " } else { "\r\n " };
                let _ = write!(text, "{separator}{piece}");
            }
        }
        let _ = write!(
            text,
            "\r\nLast-Attempt-Date: {}\r\n",
            date(self.last_attempt)
        );
        if let Kind::Delayed { until } = self.kind {
            let _ = write!(text, "Will-Retry-Until: {}\r\n", date(until));
        }
    }

    /// RFC 3463: a message given up while answers were still 4xx has expired, 4.4.7.
    fn status(&self, reply: &Reply) -> EnhancedCode {
        match (self.kind, reply.enhanced) {
            (Kind::Failed, _) if reply.is_transient() => EnhancedCode(4, 4, 7),
            (_, Some(enhanced)) => enhanced,
            (_, None) => EnhancedCode((reply.code / 100) as u8, 0, 0),
        }
    }

    fn returned(&self) -> Returned<'_> {
        let full = param(&self.envelope.mail_params, "RET")
            .is_some_and(|ret| ret.eq_ignore_ascii_case("FULL"))
            && self.message.len() <= MAX_RETURNED
            && !has_bare_line_end(self.message);
        Returned {
            headers: header_section(self.message),
            message: full.then_some(self.message),
        }
    }
}

/// What goes back of the message.
struct Returned<'a> {
    /// The header section with CRLF line ends, without the empty line.
    headers: Vec<u8>,
    /// The whole message, when it was asked for.
    message: Option<&'a [u8]>,
}

impl Returned<'_> {
    fn part(&self, utf8: bool) -> Vec<u8> {
        let (kind, bytes) = match (self.message, utf8) {
            (Some(message), false) => ("message/rfc822", message),
            (Some(message), true) => ("message/global", message),
            (None, false) => ("text/rfc822-headers", &self.headers[..]),
            (None, true) => ("message/global-headers", &self.headers[..]),
        };
        let transfer = if bytes.is_ascii() { "7bit" } else { "8bit" };
        let mut part =
            format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n")
                .into_bytes();
        part.extend_from_slice(bytes);
        part
    }
}

fn has_bare_line_end(message: &[u8]) -> bool {
    memchr::memchr2_iter(b'\r', b'\n', message).any(|at| match message[at] {
        b'\r' => message.get(at + 1) != Some(&b'\n'),
        _ => at == 0 || message[at - 1] != b'\r',
    })
}

/// The lines before the first empty one; line ends made CRLF, so that a notification can always go by DATA.
fn header_section(message: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for line in message.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || headers.len() + line.len() > MAX_RETURNED {
            break;
        }
        headers.extend(
            line.iter()
                .map(|byte| if *byte == b'\r' { b' ' } else { *byte }),
        );
        headers.extend_from_slice(b"\r\n");
    }
    headers
}

fn boundary(id: QueueId, parts: &[Vec<u8>]) -> String {
    let mut boundary = format!("=_beadle_{id}");
    while parts
        .iter()
        .any(|part| memchr::memmem::find(part, boundary.as_bytes()).is_some())
    {
        boundary.push('_');
    }
    boundary
}

fn final_recipient(rcpt: &Recipient) -> String {
    match rcpt.address() {
        Some(address) => address.as_str().to_owned(),
        None => clean(rcpt.path.raw().trim_matches(['<', '>']), true),
    }
}

/// The value of an ESMTP parameter.
fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    params.split_ascii_whitespace().find_map(|param| {
        let (keyword, value) = param.split_once('=')?;
        keyword.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Decodes RFC 3461 4 xtext; what is no xtext stays.
fn xtext(text: &str, utf8: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'+')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    clean(&String::from_utf8_lossy(&out), utf8)
}

fn clean(text: &str, utf8: bool) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || (!utf8 && !c.is_ascii()) {
                '?'
            } else {
                c
            }
        })
        .collect()
}

/// A reply's line in pieces well below the 998 bytes of RFC 5322 2.1.1.
fn pieces(line: &str, utf8: bool) -> Vec<String> {
    let chars: Vec<char> = clean(line, utf8).chars().collect();
    if chars.is_empty() {
        return vec![String::new()];
    }
    chars
        .chunks(200)
        .map(|piece| piece.iter().collect())
        .collect()
}

#[cfg(test)]
mod tests;

//! The commands of one transaction, shaped to what the next hop offers, or the reply that says why it cannot take it.
//!
//! # Invariants
//! Paths and parameters go out as they came in; a parameter is left out only when its extension is known and not offered,
//! so an unknown one (`XOORG=`) is the next hop's to judge. Nothing with a line end or NUL in it is ever sent.
//!
//! # Standards
//! RFC 1870 6.1 (SIZE), RFC 3461 4 and 5.2.2 (DSN parameters towards a server without DSN are dropped), RFC 6152, RFC 6531
//! 3.5, RFC 4954 5 (AUTH=), RFC 3030; Postfix XFORWARD_README.

use std::fmt::Write;

use crate::mail::Envelope;
use crate::smtp::client::content::Survey;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtp::reply_reader::Offered;

/// How the content travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// DATA, dot-stuffed.
    Data,
    /// One `BDAT n LAST`.
    Bdat,
}

/// DATA unless only BDAT keeps the bytes; `Err` when the next hop cannot take this content at all.
pub fn carrier(offered: &Offered, survey: Survey, size: u64) -> Result<Carrier, Box<Reply>> {
    if offered.size_limit.is_some_and(|limit| size > limit) {
        return refuse(
            552,
            EnhancedCode(5, 3, 4),
            "message is larger than the next hop takes",
        );
    }
    if survey.eight_bit && !offered.eight_bit_mime {
        return refuse(
            554,
            EnhancedCode(5, 6, 3),
            "message has 8-bit content and the next hop does not take it",
        );
    }
    if survey.bare_line_end && !offered.chunking {
        let text =
            "message has a bare CR or LF, which only BDAT carries, and the next hop lacks CHUNKING";
        return refuse(554, EnhancedCode(5, 6, 11), text);
    }
    let keeps_bytes_only_by_bdat = survey.bare_line_end || survey.unterminated;
    Ok(if keeps_bytes_only_by_bdat && offered.chunking {
        Carrier::Bdat
    } else {
        Carrier::Data
    })
}

fn refuse<T>(code: u16, enhanced: EnhancedCode, text: &str) -> Result<T, Box<Reply>> {
    Err(Box::new(Reply::new(code, enhanced, text)))
}

/// `MAIL FROM:...`, with line end.
pub fn mail(
    offered: &Offered,
    envelope: &Envelope,
    survey: Survey,
    size: u64,
) -> Result<String, Box<Reply>> {
    let mut utf8 = !envelope.mail_from.raw().is_ascii()
        || !envelope.mail_params.is_ascii()
        || envelope
            .rcpts
            .iter()
            .any(|rcpt| !rcpt.path.raw().is_ascii() || !rcpt.params.is_ascii());
    let mut command = format!("MAIL FROM:{}", envelope.mail_from.raw());
    for param in envelope.mail_params.split_ascii_whitespace() {
        let keyword = param.split('=').next().unwrap_or(param);
        let forward = match keyword.to_ascii_uppercase().as_str() {
            // Counted and judged anew: the prefix makes the message longer, and the content says what it is.
            "SIZE" | "BODY" => false,
            "SMTPUTF8" => {
                utf8 = true;
                false
            }
            "RET" | "ENVID" => offered.dsn,
            "AUTH" => !offered.auth.is_empty(),
            _ => true,
        };
        if forward {
            command.push(' ');
            command.push_str(param);
        }
    }
    if offered.size {
        // Writing to a String cannot fail.
        let _ = write!(command, " SIZE={size}");
    }
    let declared = envelope.mail_params.to_ascii_uppercase();
    let declared = declared
        .split_ascii_whitespace()
        .any(|param| param == "BODY=8BITMIME");
    if offered.eight_bit_mime && (survey.eight_bit || declared) {
        command.push_str(" BODY=8BITMIME");
    }
    if utf8 {
        if !offered.smtputf8 {
            return refuse(
                553,
                EnhancedCode(5, 6, 7),
                "next hop does not take internationalised addresses",
            );
        }
        command.push_str(" SMTPUTF8");
    }
    finished(command)
}

/// `RCPT TO:...`, with line end.
pub fn rcpt(offered: &Offered, path: &str, params: &str) -> Result<String, Box<Reply>> {
    let mut command = format!("RCPT TO:{path}");
    for param in params.split_ascii_whitespace() {
        let keyword = param.split('=').next().unwrap_or(param);
        let of_dsn = ["NOTIFY", "ORCPT"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(keyword));
        if !of_dsn || offered.dsn {
            command.push(' ');
            command.push_str(param);
        }
    }
    finished(command)
}

fn finished(mut command: String) -> Result<String, Box<Reply>> {
    if command.contains(['\r', '\n', '\0']) {
        return refuse(
            553,
            EnhancedCode(5, 1, 7),
            "address or parameter has a control character",
        );
    }
    command.push_str("\r\n");
    Ok(command)
}

/// XFORWARD commands with the attributes the next hop takes; none when none is left. Split so that no line passes
/// 512 bytes, as XFORWARD_README asks.
pub fn xforward(offered: &Offered, attributes: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for attribute in attributes.split_ascii_whitespace() {
        let name = attribute.split('=').next().unwrap_or(attribute);
        let wanted = offered
            .xforward
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        if !wanted || attribute.len() > 480 || attribute.contains('\0') {
            continue;
        }
        match commands.last_mut() {
            Some(last) if last.len() + attribute.len() < 500 => {
                last.push(' ');
                last.push_str(attribute);
            }
            _ => commands.push(format!("XFORWARD {attribute}")),
        }
    }
    for command in &mut commands {
        command.push_str("\r\n");
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Address, ForwardPath, Recipient, ReversePath};

    const PLAIN: Survey = Survey {
        bare_line_end: false,
        unterminated: false,
        eight_bit: false,
    };

    fn envelope(params: &str) -> Envelope {
        Envelope {
            mail_from: ReversePath::new("<a@b.example>", Address::parse("a@b.example").ok()),
            mail_params: params.to_owned(),
            rcpts: vec![Recipient {
                path: ForwardPath::new("<c@d.example>", None),
                params: String::new(),
            }],
        }
    }

    fn everything() -> Offered {
        Offered {
            eight_bit_mime: true,
            smtputf8: true,
            dsn: true,
            chunking: true,
            size: true,
            ..Offered::default()
        }
    }

    #[test]
    fn parameters_follow_the_offer() {
        let params = "SIZE=5 BODY=8BITMIME RET=HDRS ENVID=a+2Bb XOORG=t.example AUTH=<>";
        let none = Offered::default();
        assert_eq!(
            mail(&none, &envelope(params), PLAIN, 9).unwrap(),
            "MAIL FROM:<a@b.example> XOORG=t.example\r\n"
        );
        assert_eq!(
            mail(&everything(), &envelope(params), PLAIN, 9).unwrap(),
            "MAIL FROM:<a@b.example> RET=HDRS ENVID=a+2Bb XOORG=t.example SIZE=9 BODY=8BITMIME\r\n"
        );
        let dsn = "NOTIFY=NEVER ORCPT=rfc822;a+2Bb@c.example XRDST=x";
        assert_eq!(
            rcpt(&none, "<c@d.example>", dsn).unwrap(),
            "RCPT TO:<c@d.example> XRDST=x\r\n"
        );
        assert_eq!(
            rcpt(&everything(), "<@r.example:\"a b\"@d.example>", dsn).unwrap(),
            format!("RCPT TO:<@r.example:\"a b\"@d.example> {dsn}\r\n")
        );
    }

    #[test]
    fn eight_bit_and_utf8_need_their_extensions() {
        let eight = Survey {
            eight_bit: true,
            ..PLAIN
        };
        let command = mail(&everything(), &envelope("BODY=7BIT"), eight, 9).unwrap();
        assert!(command.ends_with(" BODY=8BITMIME\r\n"), "{command}");
        let reply = carrier(&Offered::default(), eight, 9).unwrap_err();
        assert_eq!(
            (reply.code, reply.enhanced),
            (554, Some(EnhancedCode(5, 6, 3)))
        );
        let reply = mail(&Offered::default(), &envelope("SMTPUTF8"), PLAIN, 9).unwrap_err();
        assert_eq!(
            (reply.code, reply.enhanced),
            (553, Some(EnhancedCode(5, 6, 7)))
        );
        let mut wide = envelope("");
        wide.rcpts[0].path = ForwardPath::new("<ü@d.example>", None);
        assert!(
            mail(&everything(), &wide, PLAIN, 9)
                .unwrap()
                .ends_with(" SMTPUTF8\r\n")
        );
    }

    #[test]
    fn the_carrier_keeps_the_bytes() {
        let bare = Survey {
            bare_line_end: true,
            ..PLAIN
        };
        let open = Survey {
            unterminated: true,
            ..PLAIN
        };
        let chunking = everything();
        let none = Offered::default();
        assert_eq!(carrier(&chunking, bare, 9), Ok(Carrier::Bdat));
        assert_eq!(
            carrier(&none, bare, 9).unwrap_err().enhanced,
            Some(EnhancedCode(5, 6, 11))
        );
        assert_eq!(carrier(&chunking, open, 9), Ok(Carrier::Bdat));
        assert_eq!(carrier(&none, open, 9), Ok(Carrier::Data));
        assert_eq!(carrier(&chunking, PLAIN, 9), Ok(Carrier::Data));
        let small = Offered {
            size_limit: Some(8),
            ..Offered::default()
        };
        assert_eq!(
            carrier(&small, PLAIN, 9).unwrap_err().enhanced,
            Some(EnhancedCode(5, 3, 4))
        );
        assert_eq!(carrier(&small, PLAIN, 8), Ok(Carrier::Data));
    }

    #[test]
    fn injected_lines_are_never_sent() {
        assert!(rcpt(&everything(), "<a@b.example>\r\nDATA", "").is_err());
        assert!(rcpt(&everything(), "<a\0@b.example>", "").is_err());
    }

    #[test]
    fn xforward_keeps_what_is_offered() {
        let offered = Offered {
            xforward: vec!["NAME".into(), "ADDR".into()],
            ..Offered::default()
        };
        assert_eq!(
            xforward(&offered, "NAME=a.example addr=192.0.2.1 IDENT=x"),
            ["XFORWARD NAME=a.example addr=192.0.2.1\r\n"]
        );
        assert!(xforward(&Offered::default(), "NAME=a").is_empty());
        let long = format!("NAME={} ADDR={}", "n".repeat(300), "a".repeat(300));
        assert_eq!(xforward(&offered, &long).len(), 2);
    }
}

//! Command lines as a client writes them: the verb, and the raw text of paths and parameters.
//!
//! # Invariants
//! What a path or a parameter said is kept byte for byte, quotes, source route and case included; the address beside it
//! is only for rules to look at. A line that reaches the parser has lost its CRLF; any other control character in it is
//! a syntax error, so nothing that came in on one line can become two on the way out.
//!
//! # Standards
//! RFC 5321 4.1.1 and 4.1.2, RFC 3030 2 (BDAT), RFC 3207 (STARTTLS), RFC 6531 3.3 (UTF-8 in paths). Wider in two places: a
//! space after `FROM:` and `TO:` is tolerated (many devices write it), and so is more than one between parameters.
//! XFORWARD is Postfix's (<https://www.postfix.org/XFORWARD_README.html>).

use crate::mail::{Address, AddressError, ForwardPath, ReversePath};

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `HELO name`.
    Helo(String),
    /// `EHLO name`.
    Ehlo(String),
    /// `MAIL FROM:<path> parameters`.
    Mail {
        /// The reverse-path.
        path: ReversePath,
        /// The raw parameters, trimmed.
        params: String,
    },
    /// `RCPT TO:<path> parameters`.
    Rcpt {
        /// The forward-path.
        path: ForwardPath,
        /// The raw parameters, trimmed.
        params: String,
    },
    /// `DATA`.
    Data,
    /// `BDAT size [LAST]`.
    Bdat {
        /// Octets that follow the command line.
        size: u64,
        /// Whether this chunk ends the message.
        last: bool,
    },
    /// `RSET`.
    Rset,
    /// `NOOP`, its argument ignored.
    Noop,
    /// `VRFY`, its argument ignored.
    Vrfy,
    /// `EXPN`, which is not implemented.
    Expn,
    /// `HELP`, its argument ignored.
    Help,
    /// `QUIT`.
    Quit,
    /// `STARTTLS`.
    StartTls,
    /// `XFORWARD`, its attributes as raw text.
    Xforward(String),
    /// A verb of HTTP: a web page or program that was tricked into talking to this port.
    Http,
}

/// Why a line is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The verb is not known.
    #[error("command not recognised")]
    Unknown,
    /// The line holds control characters or is not UTF-8.
    #[error("command contains characters that are not allowed")]
    Characters,
    /// The verb is known and its arguments are not as its syntax has them.
    #[error("syntax error in arguments")]
    Arguments,
    /// `BDAT` without a readable size: where the chunk ends cannot be known.
    #[error("bdat size cannot be read")]
    ChunkSize,
    /// The sender's address is not valid.
    #[error("sender address is not valid")]
    Sender,
    /// The recipient's address is not valid.
    #[error("recipient address is not valid")]
    Recipient,
}

/// Verbs of HTTP requests, as Postfix's `smtpd_forbidden_commands` has them, and the header that follows them.
const HTTP: [&str; 5] = ["GET", "POST", "PUT", "CONNECT", "HOST:"];

impl Command {
    /// Reads a line without its CRLF.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let text = std::str::from_utf8(line).map_err(|_| CommandError::Characters)?;
        if text.bytes().any(|b| b < 0x20 && b != b'\t' || b == 0x7f) {
            return Err(CommandError::Characters);
        }
        let text = text.trim_end_matches([' ', '\t']);
        let (verb, rest) = match text.find([' ', '\t']) {
            Some(at) => (&text[..at], text[at + 1..].trim_start_matches([' ', '\t'])),
            None => (text, ""),
        };
        Self::of_verb(&verb.to_ascii_uppercase(), rest)
    }

    fn of_verb(verb: &str, rest: &str) -> Result<Self, CommandError> {
        match verb {
            "EHLO" => client_name(rest).map(Self::Ehlo),
            "HELO" => client_name(rest).map(Self::Helo),
            "MAIL" => mail(rest),
            "RCPT" => rcpt(rest),
            "DATA" => alone(rest, Self::Data),
            "BDAT" => bdat(rest),
            "RSET" => alone(rest, Self::Rset),
            "NOOP" => Ok(Self::Noop),
            "VRFY" => Ok(Self::Vrfy),
            "EXPN" => Ok(Self::Expn),
            "HELP" => Ok(Self::Help),
            "QUIT" => alone(rest, Self::Quit),
            "STARTTLS" => alone(rest, Self::StartTls),
            "XFORWARD" if !rest.is_empty() => Ok(Self::Xforward(rest.to_owned())),
            "XFORWARD" => Err(CommandError::Arguments),
            verb if HTTP.contains(&verb) => Ok(Self::Http),
            _ => Err(CommandError::Unknown),
        }
    }
}

fn alone(rest: &str, command: Command) -> Result<Command, CommandError> {
    if rest.is_empty() {
        Ok(command)
    } else {
        Err(CommandError::Arguments)
    }
}

/// The name a client gives itself. It ends up in `Received` and in logs, so only what host names and address literals
/// are made of is kept; devices that send a product name with spaces are not refused for it.
fn client_name(rest: &str) -> Result<String, CommandError> {
    if rest.is_empty() || rest.len() > 255 {
        return Err(CommandError::Arguments);
    }
    Ok(rest
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' | ':' | '[' | ']' => c,
            _ => '?',
        })
        .collect())
}

/// RFC 3030 2: `BDAT SP chunk-size [SP "LAST"]`.
fn bdat(rest: &str) -> Result<Command, CommandError> {
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let size = words.next().ok_or(CommandError::ChunkSize)?;
    let last = match (words.next(), words.next()) {
        (None, _) => false,
        (Some(word), None) if word.eq_ignore_ascii_case("LAST") => true,
        _ => return Err(CommandError::ChunkSize),
    };
    Ok(Command::Bdat {
        size: decimal(size).ok_or(CommandError::ChunkSize)?,
        last,
    })
}

/// Digits only: no sign, at most the 20 digits of RFC 1870 3.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn mail(rest: &str) -> Result<Command, CommandError> {
    let (raw, params) = path_and_params(rest, "FROM:")?;
    let address = match mailbox(raw) {
        "" if raw == "<>" => None,
        text => Some(address(text).map_err(|_| CommandError::Sender)?),
    };
    Ok(Command::Mail {
        path: ReversePath::new(raw, address),
        params: params.to_owned(),
    })
}

fn rcpt(rest: &str) -> Result<Command, CommandError> {
    let (raw, params) = path_and_params(rest, "TO:")?;
    let text = mailbox(raw);
    let address = if text.eq_ignore_ascii_case("postmaster") {
        None
    } else {
        Some(address(text).map_err(|_| CommandError::Recipient)?)
    };
    Ok(Command::Rcpt {
        path: ForwardPath::new(raw, address),
        params: params.to_owned(),
    })
}

/// [`Address`] lets anything stand between the quotes of a local part; RFC 5321 4.1.2 wants inner quotes escaped.
fn address(text: &str) -> Result<Address, AddressError> {
    let address = Address::parse(text)?;
    if let Some(inner) = address.local().strip_prefix('"') {
        let inner = inner.strip_suffix('"').ok_or(AddressError::Local)?;
        let mut escaped = false;
        for byte in inner.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => return Err(AddressError::Local),
                _ => {}
            }
        }
        if escaped {
            return Err(AddressError::Local);
        }
    }
    Ok(address)
}

/// Splits `FROM:<path> params` into the path with its brackets and the trimmed parameters.
fn path_and_params<'a>(rest: &'a str, keyword: &str) -> Result<(&'a str, &'a str), CommandError> {
    let found = rest.get(..keyword.len());
    if !found.is_some_and(|found| found.eq_ignore_ascii_case(keyword)) {
        return Err(CommandError::Arguments);
    }
    let rest = rest[keyword.len()..].trim_start_matches([' ', '\t']);
    let end = path_end(rest).ok_or(CommandError::Arguments)?;
    let (raw, params) = rest.split_at(end);
    if !params.is_empty() && !params.starts_with([' ', '\t']) {
        return Err(CommandError::Arguments);
    }
    if params.contains('\t') || raw.contains('\t') {
        return Err(CommandError::Characters);
    }
    Ok((raw, params.trim_matches(' ')))
}

/// The index after the `>` that closes the path; a `>` inside quotes does not.
fn path_end(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    if !text.starts_with('<') {
        return None;
    }
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(index + 1),
            b'<' if !quoted && index > 0 => return None,
            _ => {}
        }
    }
    None
}

/// The mailbox within a path: brackets and a source route (`@a,@b:`) left out, as RFC 5321 appendix C allows.
fn mailbox(raw: &str) -> &str {
    let inner = raw
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .unwrap_or("");
    match inner
        .strip_prefix('@')
        .and_then(|rest| rest.split_once(':'))
    {
        Some((_, mailbox)) => mailbox,
        None => inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(line: &str) -> (String, Option<String>, String) {
        match Command::parse(line.as_bytes()).unwrap() {
            Command::Mail { path, params } => (
                path.raw().to_owned(),
                path.address().map(|a| a.as_str().to_owned()),
                params,
            ),
            Command::Rcpt { path, params } => (
                path.raw().to_owned(),
                path.address().map(|a| a.as_str().to_owned()),
                params,
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn paths_and_parameters_keep_their_text() {
        for (line, raw, mailbox, params) in [
            ("MAIL FROM:<>", "<>", None, ""),
            (
                "mail from:<A.b@C.Example> SIZE=10  BODY=8BITMIME",
                "<A.b@C.Example>",
                Some("A.b@C.Example"),
                "SIZE=10  BODY=8BITMIME",
            ),
            (
                "RCPT TO: <x@y.example>",
                "<x@y.example>",
                Some("x@y.example"),
                "",
            ),
            ("RCPT TO:<Postmaster>", "<Postmaster>", None, ""),
            (
                "RCPT TO:<\"a@b\"@c.example>",
                "<\"a@b\"@c.example>",
                Some("\"a@b\"@c.example"),
                "",
            ),
            (
                "RCPT TO:<\"a> b\\\"\"@c.example> NOTIFY=NEVER",
                "<\"a> b\\\"\"@c.example>",
                Some("\"a> b\\\"\"@c.example"),
                "NOTIFY=NEVER",
            ),
            (
                "RCPT TO:<@one.example,@two.example:x@y.example>",
                "<@one.example,@two.example:x@y.example>",
                Some("x@y.example"),
                "",
            ),
            (
                "RCPT TO:<a@[127.0.0.1]> ORCPT=rfc822;a+2Bb@c.example",
                "<a@[127.0.0.1]>",
                Some("a@[127.0.0.1]"),
                "ORCPT=rfc822;a+2Bb@c.example",
            ),
            (
                "RCPT TO:<a..b@c.example>",
                "<a..b@c.example>",
                Some("a..b@c.example"),
                "",
            ),
        ] {
            assert_eq!(
                path_of(line),
                (
                    raw.to_owned(),
                    mailbox.map(str::to_owned),
                    params.to_owned()
                ),
                "{line}"
            );
        }
    }

    #[test]
    fn broken_lines_say_what_is_wrong() {
        use CommandError::{Arguments, Characters, ChunkSize, Recipient, Sender, Unknown};
        for (line, error) in [
            (&b""[..], Unknown),
            (b"FOO bar", Unknown),
            (b"DATA foo", Arguments),
            (b"EHLO", Arguments),
            (b"STARTTLS now", Arguments),
            (b"NOOP \x01", Characters),
            (b"NOOP a\rb", Characters),
            (b"RCPT TO:<\xff@b.example>", Characters),
            (b"MAIL FROM", Arguments),
            (b"MAIL FROM:", Arguments),
            (b"MAIL FROM:a@b.example", Arguments),
            (b"MAIL FROM:<a@b.example", Arguments),
            (b"MAIL FROM:<a@b.example>SIZE=1", Arguments),
            (b"MAIL FROM:<<a@b.example>>", Arguments),
            (b"MAIL FROM:<a>", Sender),
            (b"MAIL FROM:<a b@c.example>", Sender),
            (b"MAIL FROM:<@c.example:>", Sender),
            (b"RCPT TO:<>", Recipient),
            (b"RCPT TO:<\"a\"b\"@c.example>", Arguments),
            (b"RCPT TO:<\"a\\\"@c.example>", Arguments),
            (b"BDAT", ChunkSize),
            (b"BDAT -1", ChunkSize),
            (b"BDAT +1", ChunkSize),
            (b"BDAT 0x10", ChunkSize),
            (b"BDAT 99999999999999999999", ChunkSize),
            (b"BDAT 1 LAS", ChunkSize),
            (b"BDAT 1 LAST x", ChunkSize),
        ] {
            assert_eq!(
                Command::parse(line),
                Err(error),
                "{}",
                String::from_utf8_lossy(line)
            );
        }
    }

    #[test]
    fn chunks_have_a_size_and_may_be_the_last() {
        for (line, size, last) in [
            ("BDAT 0", 0, false),
            ("BDAT 0 LAST", 0, true),
            ("bdat 65536 last", 65_536, true),
            ("BDAT 18446744073709551615", u64::MAX, false),
        ] {
            assert_eq!(
                Command::parse(line.as_bytes()),
                Ok(Command::Bdat { size, last })
            );
        }
    }

    #[test]
    fn client_names_cannot_carry_comments_into_received() {
        assert_eq!(
            Command::parse(b"EHLO Scan (room 4)"),
            Ok(Command::Ehlo("Scan??room?4?".into()))
        );
        assert_eq!(
            Command::parse(b"HELO [IPv6:2001:db8::1]"),
            Ok(Command::Helo("[IPv6:2001:db8::1]".into()))
        );
    }
}

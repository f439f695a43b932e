//! What a server offers in EHLO, and whether the parameters of MAIL and RCPT stay within the offer.
//!
//! # Invariants
//! Parameters are only looked at here; their raw text travels on unchanged. A parameter that was not offered is refused
//! with 555 5.5.4, so nothing reaches the next hop that it cannot take.
//!
//! # Standards
//! RFC 5321 4.1.1.1 and 4.1.1.11, RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 2034, RFC 2920, RFC 3030 (CHUNKING; BINARYMIME is
//! never offered), RFC 3207, RFC 3461 4 (DSN), RFC 6531 3.4 (SMTPUTF8), RFC 9422 (LIMITS).

use crate::smtp::command::decimal;
use crate::smtp::reply::{EnhancedCode, Reply};

/// What a server's EHLO offers beyond PIPELINING, 8BITMIME, ENHANCEDSTATUSCODES and CHUNKING, which are always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Largest message in octets.
    pub size: u64,
    /// STARTTLS, while the connection is in the clear.
    pub starttls: bool,
    /// Delivery status notification parameters.
    pub dsn: bool,
    /// UTF-8 in addresses.
    pub smtputf8: bool,
    /// XFORWARD, to listed peers.
    pub xforward: bool,
    /// Recipients of one transaction, announced as LIMITS RCPTMAX.
    pub recipients: usize,
}

impl Offered {
    /// The reply to EHLO.
    pub fn reply(&self, hostname: &str) -> Reply {
        let mut lines = vec![
            hostname.to_owned(),
            "PIPELINING".to_owned(),
            format!("SIZE {}", self.size),
            "8BITMIME".to_owned(),
            "ENHANCEDSTATUSCODES".to_owned(),
            "CHUNKING".to_owned(),
        ];
        let optional = [
            (self.starttls, "STARTTLS"),
            (self.dsn, "DSN"),
            (self.smtputf8, "SMTPUTF8"),
            (
                self.xforward,
                "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
            ),
        ];
        lines.extend(
            optional
                .iter()
                .filter(|(offered, _)| *offered)
                .map(|(_, line)| (*line).to_owned()),
        );
        lines.push(format!("LIMITS RCPTMAX={}", self.recipients));
        Reply {
            code: 250,
            enhanced: None,
            lines,
        }
    }
}

/// What the parameters of MAIL say that the session must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailParams {
    /// The declared size.
    pub size: Option<u64>,
    /// Whether addresses and headers may hold UTF-8.
    pub smtputf8: bool,
}

/// Why parameters are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// Not a known parameter, or one that was not offered.
    #[error("parameter not recognised")]
    NotOffered,
    /// Known, and its value is not as its syntax has it, or it is there twice.
    #[error("parameter value is not valid")]
    Value,
    /// `BODY=BINARYMIME`.
    #[error("binarymime is not supported")]
    Binary,
    /// The declared size is above the limit.
    #[error("message size exceeds the limit")]
    TooBig,
}

impl ParamError {
    /// The reply to the command.
    pub fn reply(self) -> Reply {
        let (code, enhanced, text) = match self {
            Self::NotOffered => (
                555,
                EnhancedCode(5, 5, 4),
                "parameter not recognised or not offered",
            ),
            Self::Value => (501, EnhancedCode(5, 5, 4), "syntax error in parameters"),
            Self::Binary => (
                501,
                EnhancedCode(5, 6, 1),
                "BODY=BINARYMIME is not supported",
            ),
            Self::TooBig => (552, EnhancedCode(5, 3, 4), "message size exceeds the limit"),
        };
        Reply::new(code, enhanced, text)
    }
}

/// Checks the parameters of MAIL.
pub fn check_mail(params: &str, offered: &Offered) -> Result<MailParams, ParamError> {
    let mut found = MailParams::default();
    each(params, |keyword, value| {
        match (keyword, value) {
            ("SIZE", Some(value)) => {
                let size = decimal_saturating(value).ok_or(ParamError::Value)?;
                found.size = Some(size);
            }
            ("BODY", Some(value)) => match value.to_ascii_uppercase().as_str() {
                "7BIT" | "8BITMIME" => {}
                "BINARYMIME" => return Err(ParamError::Binary),
                _ => return Err(ParamError::Value),
            },
            ("SMTPUTF8", None) if offered.smtputf8 => found.smtputf8 = true,
            ("SMTPUTF8", Some(_)) if offered.smtputf8 => return Err(ParamError::Value),
            ("RET", Some(value)) if offered.dsn => {
                if !["FULL", "HDRS"].contains(&value.to_ascii_uppercase().as_str()) {
                    return Err(ParamError::Value);
                }
            }
            ("ENVID", Some(value)) if offered.dsn => {
                // RFC 3461 4.4: at most 100 characters of xtext.
                if value.len() > 100 || !is_xtext(value) {
                    return Err(ParamError::Value);
                }
            }
            ("SIZE" | "BODY", None) => return Err(ParamError::Value),
            ("RET" | "ENVID", None) if offered.dsn => return Err(ParamError::Value),
            _ => return Err(ParamError::NotOffered),
        }
        Ok(())
    })?;
    if found.size.is_some_and(|size| size > offered.size) {
        return Err(ParamError::TooBig);
    }
    Ok(found)
}

/// Checks the parameters of RCPT; `smtputf8` is what MAIL said.
pub fn check_rcpt(params: &str, offered: &Offered, smtputf8: bool) -> Result<(), ParamError> {
    each(params, |keyword, value| match (keyword, value) {
        ("NOTIFY", Some(value)) if offered.dsn => notify(value),
        ("ORCPT", Some(value)) if offered.dsn => orcpt(value, smtputf8),
        ("NOTIFY" | "ORCPT", None) if offered.dsn => Err(ParamError::Value),
        _ => Err(ParamError::NotOffered),
    })
}

/// Calls `check` with each keyword (in capitals) and value; no keyword may come twice.
fn each(
    params: &str,
    mut check: impl FnMut(&str, Option<&str>) -> Result<(), ParamError>,
) -> Result<(), ParamError> {
    let mut seen: Vec<String> = Vec::new();
    for param in params.split(' ').filter(|param| !param.is_empty()) {
        let (keyword, value) = match param.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (param, None),
        };
        let keyword_is_valid = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
            && keyword
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let value_is_valid = value.is_none_or(|v| !v.is_empty() && !v.contains('='));
        if !keyword_is_valid || !value_is_valid {
            return Err(ParamError::Value);
        }
        let keyword = keyword.to_ascii_uppercase();
        if seen.contains(&keyword) {
            return Err(ParamError::Value);
        }
        check(&keyword, value)?;
        seen.push(keyword);
    }
    Ok(())
}

/// RFC 1870 3 allows 20 digits, more than 64 bits hold; such a size is just too big.
fn decimal_saturating(text: &str) -> Option<u64> {
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| decimal(text).unwrap_or(u64::MAX))
}

/// RFC 3461 4: printable ASCII without `+` and `=`, or `+` and two capital hexadecimal digits.
pub(super) fn is_xtext(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let valid = match byte {
            b'+' => {
                let mut digit = || {
                    bytes
                        .next()
                        .is_some_and(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
                };
                digit() && digit()
            }
            b'=' => false,
            _ => byte.is_ascii_graphic(),
        };
        if !valid {
            return false;
        }
    }
    true
}

/// RFC 3461 4.1: `NEVER`, or a list of `SUCCESS`, `FAILURE`, `DELAY`.
fn notify(value: &str) -> Result<(), ParamError> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Ok(());
    }
    let listed = value
        .split(',')
        .all(|word| ["SUCCESS", "FAILURE", "DELAY"].contains(&word.to_ascii_uppercase().as_str()));
    if listed {
        Ok(())
    } else {
        Err(ParamError::Value)
    }
}

/// RFC 3461 4.2: `type;xtext`, at most 500 characters; RFC 6533 3 allows UTF-8 in an SMTPUTF8 transaction.
fn orcpt(value: &str, smtputf8: bool) -> Result<(), ParamError> {
    let (kind, address) = value.split_once(';').ok_or(ParamError::Value)?;
    let kind_is_valid =
        !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let address_is_valid = !address.is_empty()
        && (is_xtext(address)
            || smtputf8 && kind.eq_ignore_ascii_case("utf-8") && !address.contains('='));
    if kind_is_valid && address_is_valid && value.len() <= 500 {
        Ok(())
    } else {
        Err(ParamError::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(all: bool) -> Offered {
        Offered {
            size: 1000,
            starttls: all,
            dsn: all,
            smtputf8: all,
            xforward: all,
            recipients: 100,
        }
    }

    #[test]
    fn the_offer_is_what_ehlo_lists() {
        let lines = |all| offered(all).reply("gate.trust.example").lines;
        assert_eq!(
            lines(false),
            [
                "gate.trust.example",
                "PIPELINING",
                "SIZE 1000",
                "8BITMIME",
                "ENHANCEDSTATUSCODES",
                "CHUNKING",
                "LIMITS RCPTMAX=100"
            ]
        );
        for keyword in ["STARTTLS", "DSN", "SMTPUTF8"] {
            assert!(lines(true).contains(&keyword.to_owned()));
        }
    }

    #[test]
    fn mail_parameters_stay_within_the_offer() {
        use ParamError::{Binary, NotOffered, TooBig, Value};
        for (params, all, result) in [
            ("", false, Ok((None, false))),
            ("SIZE=1000 BODY=8BITMIME", false, Ok((Some(1000), false))),
            ("size=0  body=7bit", false, Ok((Some(0), false))),
            ("SIZE=1001", false, Err(TooBig)),
            ("SIZE=99999999999999999999", false, Err(TooBig)),
            ("SIZE=-1", false, Err(Value)),
            ("SIZE", false, Err(Value)),
            ("SIZE=1 SIZE=1", false, Err(Value)),
            ("BODY=BINARYMIME", false, Err(Binary)),
            ("BODY=9BIT", false, Err(Value)),
            ("SMTPUTF8", true, Ok((None, true))),
            ("SMTPUTF8", false, Err(NotOffered)),
            ("SMTPUTF8=1", true, Err(Value)),
            ("RET=HDRS ENVID=a+2Bb", true, Ok((None, false))),
            ("RET=HDRS", false, Err(NotOffered)),
            ("RET=ALL", true, Err(Value)),
            ("ENVID=a+2b", true, Err(Value)),
            ("XOORG=trust.example", true, Err(NotOffered)),
            ("AUTH=<>", true, Err(NotOffered)),
            ("=1", true, Err(Value)),
            ("SIZE==1", true, Err(Value)),
        ] {
            let found = check_mail(params, &offered(all)).map(|p| (p.size, p.smtputf8));
            assert_eq!(found, result, "{params}");
        }
    }

    #[test]
    fn recipient_parameters_stay_within_the_offer() {
        use ParamError::{NotOffered, Value};
        for (params, all, result) in [
            ("", false, Ok(())),
            ("NOTIFY=NEVER", true, Ok(())),
            (
                "NOTIFY=success,DELAY ORCPT=rfc822;x@y.example",
                true,
                Ok(()),
            ),
            ("NOTIFY=NEVER,DELAY", true, Err(Value)),
            ("NOTIFY=NEVER", false, Err(NotOffered)),
            ("ORCPT=rfc822;a+2Bb@c.example", true, Ok(())),
            ("ORCPT=x@y.example", true, Err(Value)),
            ("ORCPT=rfc822;", true, Err(Value)),
            ("ORCPT=rfc822;a+b", true, Err(Value)),
            ("SIZE=1", true, Err(NotOffered)),
        ] {
            assert_eq!(check_rcpt(params, &offered(all), false), result, "{params}");
        }
        assert_eq!(
            check_rcpt("ORCPT=utf-8;ü@y.example", &offered(true), true),
            Ok(())
        );
        assert!(check_rcpt("ORCPT=utf-8;ü@y.example", &offered(true), false).is_err());
    }
}

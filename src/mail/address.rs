//! Mail addresses and domains that keep what was written and compare as mail systems do.
//!
//! # Invariants
//! An [`Address`] has a non-empty local part and a non-empty domain, no control characters, and its text is
//! the text that was received: it is forwarded byte for byte. A [`Domain`] is lower case and in A-label form.
//!
//! # Standards
//! RFC 5321 4.1.2 (Mailbox), RFC 6531 3.3 (UTF-8 mailboxes), RFC 5890 (A-labels). Deliberately wider than
//! RFC 5321 in one way: dots may stand anywhere in a local part (`a..b@c`), because such mailboxes exist.

use std::fmt;

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@` outside quotes.
    #[error("address has no domain")]
    NoDomain,
    /// The local part is empty, too long, or has characters that need quoting.
    #[error("local part is not valid")]
    Local,
    /// The domain is empty, too long, or has characters that no domain has.
    #[error("domain is not valid")]
    Domain,
}

/// A domain name or address literal in its canonical form: lower case, A-labels, no trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(String);

impl Domain {
    /// Reads a domain (`Example.ORG`, `bücher.example`) or an address literal (`[192.0.2.1]`).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || text.len() > 255 {
            return Err(AddressError::Domain);
        }
        if text.starts_with('[') {
            let inner = text
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            return match inner {
                Some(inner)
                    if inner
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b".:-".contains(&b)) =>
                {
                    Ok(Self(text.to_ascii_lowercase()))
                }
                _ => Err(AddressError::Domain),
            };
        }
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(text).map_err(|_| AddressError::Domain)?
        };
        let valid = ascii.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
        if valid {
            Ok(Self(ascii))
        } else {
            Err(AddressError::Domain)
        }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `parent` itself or a name below it.
    pub fn is_within(&self, parent: &Domain) -> bool {
        match self.0.strip_suffix(parent.as_str()) {
            Some("") => true,
            Some(rest) => rest.ends_with('.'),
            None => false,
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mailbox, `local@domain`, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    at: usize,
    domain: Domain,
}

impl Address {
    /// Reads `local@domain`; the local part may be quoted and may hold UTF-8 (RFC 6531).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let at = find_at(text).ok_or(AddressError::NoDomain)?;
        let (local, domain) = (&text[..at], &text[at + 1..]);
        if !local_part_is_valid(local) {
            return Err(AddressError::Local);
        }
        let domain = Domain::parse(domain)?;
        Ok(Self {
            text: text.to_owned(),
            at,
            domain,
        })
    }

    /// The whole address as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The local part as it was written, with its quotes if it had them.
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// The domain in canonical form.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// A form for comparing mailboxes: lower case throughout, canonical domain.
    ///
    /// Local parts are case-sensitive by RFC 5321 2.4; every mail system a school uses treats them as equal.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local().to_lowercase(), self.domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The position of the `@` that ends the local part.
fn find_at(text: &str) -> Option<usize> {
    if !text.starts_with('"') {
        return text.find('@');
    }
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (text.as_bytes().get(index + 1) == Some(&b'@')).then_some(index + 1),
            _ => {}
        }
    }
    None
}

/// RFC 5321 4.1.2 Local-part, with dots allowed anywhere and 64 octets stretched to 256 (real-world VERP and SRS).
fn local_part_is_valid(local: &str) -> bool {
    const ATEXT_EXTRA: &[u8] = b"!#$%&'*+-/=?^_`{|}~.";
    if local.is_empty() || local.len() > 256 {
        return false;
    }
    if local.starts_with('"') {
        return local.len() >= 2 && local.bytes().all(|b| b >= 0x20 && b != 0x7f);
    }
    local
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || ATEXT_EXTRA.contains(&b) || b >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_text_and_finds_the_domain() {
        for (text, local, domain) in [
            ("a@b.example", "a", "b.example"),
            ("A.B+tag@B.Example.", "A.B+tag", "b.example"),
            ("\"a@b\"@c.example", "\"a@b\"", "c.example"),
            ("\"a b\\\"\"@c.example", "\"a b\\\"\"", "c.example"),
            ("a..b@c.example", "a..b", "c.example"),
            ("a@[127.0.0.1]", "a", "[127.0.0.1]"),
            ("jörg@bücher.example", "jörg", "xn--bcher-kva.example"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(
                (address.as_str(), address.local(), address.domain().as_str()),
                (text, local, domain)
            );
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c.example",
            "a@b c",
            "\"a@b",
            "a@b@c",
            "a\u{7}@b.example",
            "a@.example",
        ] {
            assert!(Address::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_domain_is_within_itself_and_its_parents() {
        let child = Domain::parse("mail.trust.example").unwrap();
        assert!(child.is_within(&Domain::parse("trust.example").unwrap()));
        assert!(child.is_within(&child));
        assert!(!child.is_within(&Domain::parse("rust.example").unwrap()));
        assert!(!Domain::parse("example").unwrap().is_within(&child));
    }
}

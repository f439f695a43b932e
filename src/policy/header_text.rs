//! Reads addresses and words out of header values, as little as the marks of automatic forwarding need.
//!
//! # Standards
//! RFC 5322 3.4 (addresses), RFC 5321 4.4 (For clause of Received), RFC 2919 (List-Id).

use crate::mail::Address;
use crate::mail::Domain;

/// The addresses a header names: what stands in angle brackets, else the words with an `@`. Quoted names and comments do not
/// count, so that a display name cannot pose as an address.
pub(super) fn addresses(value: &str) -> Vec<Address> {
    let mut plain = String::with_capacity(value.len());
    let mut angles = Vec::new();
    let mut found = Vec::new();
    let (mut quoted, mut comment, mut escaped) = (false, 0usize, false);
    let mut angle: Option<String> = None;
    for c in value.chars() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' if quoted || comment > 0 => escaped = true,
            '"' if comment == 0 && angle.is_none() => quoted = !quoted,
            _ if quoted => {}
            '(' if angle.is_none() => comment += 1,
            ')' if comment > 0 => comment -= 1,
            _ if comment > 0 => {}
            '<' => angle = Some(String::new()),
            '>' => angles.extend(angle.take()),
            _ => match &mut angle {
                Some(text) => text.push(c),
                None => plain.push(c),
            },
        }
    }
    // An address list may mix both forms (RFC 5322 3.4): `a@b, Name <c@d>`.
    for text in angles {
        found.extend(Address::parse(text.trim()).ok());
    }
    for entry in plain.split([',', ';', ':', ' ', '\t']) {
        if entry.contains('@') {
            found.extend(Address::parse(entry.trim()).ok());
        }
    }
    found
}

/// The mailbox a Received field says the hop was for (RFC 5321 4.4, For clause).
pub(super) fn received_for(value: &str) -> Option<Address> {
    let lower = value.to_ascii_lowercase();
    let at = lower.find(" for ")?;
    let rest = value.get(at + 5..)?.trim_start();
    let word = rest.split([';', ' ', '\t']).next()?;
    Address::parse(word.trim_matches(['<', '>'])).ok()
}

/// The domain of a List-Id without its first label (`parents.lists.trust.example` is a list of `lists.trust.example`).
pub(super) fn list_host(value: &str) -> Option<Domain> {
    let id = value
        .rsplit_once('<')
        .map_or(value, |(_, rest)| rest)
        .trim_end_matches([' ', '>']);
    let (_, host) = id.trim().split_once('.')?;
    Domain::parse(host).ok()
}

/// Whether a value begins with `prefix`, case left aside.
pub(super) fn starts_with(value: &str, prefix: &str) -> bool {
    value
        .trim_start()
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Whether a value contains one of `texts`, case left aside.
pub(super) fn contains_one(value: &str, texts: &[String]) -> bool {
    if texts.is_empty() {
        return false;
    }
    let value = value.to_lowercase();
    texts
        .iter()
        .any(|text| value.contains(&text.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_not_taken_from_names() {
        let read =
            |text: &str| -> Vec<String> { addresses(text).iter().map(Address::key).collect() };
        assert_eq!(
            read("\"head@trust.example\" <x@far.example>"),
            ["x@far.example"]
        );
        assert_eq!(
            read("x@far.example (head@trust.example)"),
            ["x@far.example"]
        );
        assert_eq!(read("A@b.example, C <d@e.example>").len(), 2);
        assert_eq!(read("user@t.example;\t1111-2222"), ["user@t.example"]);
        assert!(read("undisclosed-recipients:;").is_empty());
    }

    #[test]
    fn the_for_clause_is_read() {
        let hop = "from a.example by b.example with ESMTPS id 1 for <u@t.example>; Mon, 1 Jan 2026";
        assert_eq!(received_for(hop).unwrap().as_str(), "u@t.example");
        assert!(received_for("from a by b; Mon").is_none());
    }
}

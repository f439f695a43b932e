//! The mailboxes that a header names, each with the name people see beside it.
//!
//! # Invariants
//! A display name never becomes an address and an address never a name. At most [`MAILBOXES_AT_MOST`] are read from one value.
//!
//! # Standards
//! RFC 5322 3.4 (address lists, groups, comments), RFC 2047 (encoded words, decoded after the list was taken apart).

use crate::mail::Address;
use crate::mime::words;

/// As many as one message may have recipients.
pub const MAILBOXES_AT_MOST: usize = 1_000;

/// One mailbox of a header.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedMailbox {
    /// The display name, decoded, empty when there is none.
    pub name: String,
    /// The address.
    pub address: Address,
}

impl std::fmt::Debug for NamedMailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NamedMailbox(..)")
    }
}

/// The mailboxes of an address list such as the value of To: `Name <a@b>`, `a@b (Name)`, `a@b`, groups.
pub fn named_mailboxes(value: &str) -> Vec<NamedMailbox> {
    let mut list = Vec::new();
    let mut entry = Entry::default();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if list.len() >= MAILBOXES_AT_MOST {
            break;
        }
        match c {
            '\\' if entry.quoted || entry.comments > 0 => {
                entry.push_mark(c);
                chars.next().into_iter().for_each(|c| entry.push(c));
            }
            '"' if entry.comments == 0 => {
                entry.quoted = !entry.quoted;
                entry.push_mark(c);
            }
            c if entry.quoted => entry.push(c),
            '(' if !entry.angle => entry.open_comment(),
            ')' if entry.comments > 0 => entry.comments -= 1,
            c if entry.comments > 0 => entry.push(c),
            '<' => entry.angle = true,
            '>' => entry.angle = false,
            // A comma that should be quoted: `Whitcombe, Jane <a@b>`.
            ',' if !entry.angle && entry.has_no_address() => entry.push(c),
            ',' | ';' if !entry.angle => list.extend(std::mem::take(&mut entry).finish()),
            ':' if !entry.angle => entry = Entry::default(),
            c => entry.push(c),
        }
    }
    if list.len() < MAILBOXES_AT_MOST {
        list.extend(entry.finish());
    }
    list
}

/// One entry of the list while it is read.
#[derive(Default)]
struct Entry {
    /// Outside brackets as a name: without quotes and backslashes.
    name: String,
    /// Outside brackets as an address: with them.
    bare: String,
    address: String,
    comment: String,
    quoted: bool,
    angle: bool,
    comments: usize,
}

impl Entry {
    fn push(&mut self, c: char) {
        if self.angle {
            self.address.push(c);
        } else if self.comments > 0 {
            self.comment.push(c);
        } else {
            self.name.push(c);
            self.bare.push(c);
        }
    }

    /// A quote or a backslash: part of an address (`"a, b"@c`), not of a name.
    fn push_mark(&mut self, c: char) {
        if self.angle {
            self.address.push(c);
        } else if self.comments == 0 {
            self.bare.push(c);
        }
    }

    fn has_no_address(&self) -> bool {
        self.address.is_empty() && !self.bare.contains('@')
    }

    fn open_comment(&mut self) {
        self.comments += 1;
        if !self.comment.is_empty() {
            self.comment.push(' ');
        }
    }

    fn finish(self) -> Option<NamedMailbox> {
        let (name, address) = if self.address.is_empty() {
            (self.comment, self.bare)
        } else {
            (self.name, self.address)
        };
        let address = address.trim();
        // A source route (RFC 5322 4.4) stands before the mailbox.
        let address = match address.split_once(':') {
            Some((route, rest)) if route.starts_with('@') => rest,
            _ => address,
        };
        let last = || Address::parse(address.rsplit(',').next()?.trim()).ok();
        Some(NamedMailbox {
            address: Address::parse(address).ok().or_else(last)?,
            name: words::decode(name.trim()).trim().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Vec<(String, String)> {
        let pairs = named_mailboxes(value).into_iter();
        pairs
            .map(|mailbox| (mailbox.name, mailbox.address.as_str().to_owned()))
            .collect()
    }

    fn pair(name: &str, address: &str) -> (String, String) {
        (name.to_owned(), address.to_owned())
    }

    #[test]
    fn every_way_to_write_a_mailbox_is_read() {
        let list = "\"Whitcombe, Jane\" <j@a.example>, k@b.example (Kit \\(home\\)), =?utf-8?q?L=C3=A9a_Roux=2C?= <l@c.example>,m@d.example";
        assert_eq!(
            read(list),
            [
                pair("Whitcombe, Jane", "j@a.example"),
                pair("Kit (home)", "k@b.example"),
                pair("Léa Roux,", "l@c.example"),
                pair("", "m@d.example"),
            ]
        );
        assert_eq!(read("Staff: a@b.example, C <c@d.example>;").len(), 2);
        assert_eq!(
            read("<@hop.example:a@b.example>"),
            [pair("", "a@b.example")]
        );
        assert_eq!(
            read("X <\"a, b\"@c.example>"),
            [pair("X", "\"a, b\"@c.example")]
        );
    }

    #[test]
    fn a_name_does_not_become_an_address() {
        let list = "\"head@trust.example\" <x@far.example>";
        assert_eq!(read(list), [pair("head@trust.example", "x@far.example")]);
        assert!(read("undisclosed-recipients:;").is_empty() && read("\"a@b.example").is_empty());
        assert_eq!(read("\"a, b\"@c.example"), [pair("", "\"a, b\"@c.example")]);
        assert!(read("").is_empty() && read("<>,(((,\"").is_empty());
    }

    #[test]
    fn a_hostile_list_is_bounded() {
        let many = "a@b.example,".repeat(5_000);
        assert_eq!(read(&many).len(), MAILBOXES_AT_MOST);
    }
}

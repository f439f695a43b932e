//! Recipients outside who bear the name of somebody inside: the slip of an address book that completes a name to the wrong mailbox.
//!
//! # Invariants
//! Pure, and linear in the number of mailboxes. Mailboxes of posts and teams are nobody's namesake (every school has an `office@`),
//! and neither is a name of one word. Whoever compares leaves out the sender: a mailbox like the sender's is
//! [`super::own_mailbox`]'s subject.
//!
//! # Known gaps
//! Only those inside who are recipients, or stand in To or Cc, are known; a directory of the trust is not.

use std::collections::HashSet;

use super::person_name::{LocalPart, PersonName};
use crate::mail::Address;

/// The shortest local part of one word that names a person: `jsmith` does, `anna` does not.
const TELLING_LETTERS: usize = 5;

/// How a recipient outside resembles somebody inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namesake {
    /// The same local part, or its words in another order.
    LocalPart,
    /// The display name is that of somebody inside.
    DisplayName,
    /// The display name is the address of somebody inside.
    Address,
}

impl Namesake {
    /// In plain words, without a name.
    pub fn words(self) -> &'static str {
        match self {
            Self::LocalPart => {
                "the same part before the @ as somebody of the trust in this message"
            }
            Self::DisplayName => "the display name of somebody of the trust in this message",
            Self::Address => "an address of the trust for a display name",
        }
    }
}

/// The people inside whom a message names.
#[derive(Debug, Clone, Default)]
pub struct Insiders {
    joined: HashSet<String>,
    sorted: HashSet<String>,
    names: HashSet<String>,
}

impl Insiders {
    /// Adds a mailbox of the trust with the name that To or Cc gives it.
    pub fn add(&mut self, address: &Address, display_name: Option<&str>) {
        let local = LocalPart::of(address.local());
        self.names
            .extend(PersonName::of_local(&local).map(|name| name.sorted()));
        let shown = display_name.and_then(PersonName::of_display);
        self.names.extend(shown.map(|name| name.sorted()));
        if local.is_role() || local.joined.len() < TELLING_LETTERS {
            return;
        }
        if local.words.len() > 1 {
            self.sorted.insert(local.sorted());
        }
        self.joined.insert(local.joined);
    }

    /// Whether a recipient outside is a namesake of one of them; `is_inside` tells the trust's addresses.
    pub fn namesake(
        &self,
        address: &Address,
        display_name: Option<&str>,
        is_inside: impl Fn(&Address) -> bool,
    ) -> Option<Namesake> {
        let local = LocalPart::of(address.local());
        if !local.is_role() && (self.joined.contains(&local.joined) || self.has_words_of(&local)) {
            return Some(Namesake::LocalPart);
        }
        let shown = display_name?.trim_matches(['\'', '"', '<', '>', ' ']);
        if Address::parse(shown).is_ok_and(|named| is_inside(&named)) {
            return Some(Namesake::Address);
        }
        let name = PersonName::of_display(shown)?;
        // Initials are shared by many: "J Smith".
        let full = name.forename.len() > 1;
        (full && self.names.contains(&name.sorted())).then_some(Namesake::DisplayName)
    }

    fn has_words_of(&self, local: &LocalPart) -> bool {
        local.words.len() > 1 && self.sorted.contains(&local.sorted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(inside: (&str, &str), outside: (&str, &str)) -> Option<Namesake> {
        let some = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let mut insiders = Insiders::default();
        let address = Address::parse(&format!("{}@trust.example", inside.0)).unwrap();
        insiders.add(&address, some(inside.1).as_deref());
        let far = Address::parse(&format!("{}@far.example", outside.0)).unwrap();
        insiders.namesake(&far, some(outside.1).as_deref(), |address| {
            address.domain().as_str() == "trust.example"
        })
    }

    #[test]
    fn namesakes_are_found_by_local_part_and_display_name() {
        for (inside, outside, how) in [
            (
                ("jane.whitcombe", ""),
                ("jane.whitcombe", ""),
                Namesake::LocalPart,
            ),
            (
                ("jane.whitcombe", ""),
                ("whitcombe_jane7", ""),
                Namesake::LocalPart,
            ),
            (("jwhitcombe", ""), ("j.whitcombe", ""), Namesake::LocalPart),
            (
                ("jane.whitcombe", ""),
                ("snowleopard", "Whitcombe, Jane"),
                Namesake::DisplayName,
            ),
            (
                ("jw3", "Jane Whitcombe"),
                ("x", "Jane Whitcombe (Oakfield)"),
                Namesake::DisplayName,
            ),
            (("b", ""), ("x", "head@trust.example"), Namesake::Address),
            (("b", ""), ("x", "'head@trust.example'"), Namesake::Address),
        ] {
            assert_eq!(found(inside, outside), Some(how), "{inside:?} {outside:?}");
        }
    }

    #[test]
    fn posts_short_words_and_others_are_no_namesakes() {
        for (inside, outside) in [
            (("office", "Oakfield Office"), ("office", "Hillmere Office")),
            (("head.teacher", ""), ("headteacher", "")),
            (("office.oakfield", ""), ("oakfield.office", "")),
            (("anna", "Anna"), ("anna", "Anna")),
            (
                ("jane.whitcombe", ""),
                ("peter.whitcombe", "Peter Whitcombe"),
            ),
            (("j.whitcombe", ""), ("x", "J Whitcombe")),
            (("jane.whitcombe", ""), ("jane", "jane@far.example")),
            (("2019", ""), ("2019", "")),
        ] {
            assert_eq!(found(inside, outside), None, "{inside:?} {outside:?}");
        }
    }
}

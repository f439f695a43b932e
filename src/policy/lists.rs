//! Lists of mail services that are part of the binary: who gives mailboxes to anybody, who throws them away, who does so beside a business.
//!
//! # Invariants
//! A host is on a list when it or its registrable domain stands there. No host is on two of [`ListName::Freemail`],
//! [`ListName::Disposable`] and [`ListName::WeakFreemail`]. A look-up allocates nothing.
//!
//! # Standards
//! Public Suffix List by the crate `psl` (the registrable domain); RFC 5890 (A-labels). Sources and licences stand in the lists' heads.
//!
//! # Known gaps
//! A family's own domain is on no list; [`super::own_mailbox`] tells it by its name. The lists are as old as the binary.

use std::sync::LazyLock;

use foldhash::HashSet;

use crate::mail::Domain;

const FREEMAIL: &str = include_str!("../../patterns/lists/freemail.txt");
const UK_FREEMAIL: &str = include_str!("../../patterns/lists/uk-freemail.txt");
const RELAYS: &str = include_str!("../../patterns/lists/relays.txt");
const DISPOSABLE: &str = include_str!("../../patterns/lists/disposable.txt");
const UK_WEAK: &str = include_str!("../../patterns/lists/uk-weak.txt");

/// A list of mail services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListName {
    /// Mailboxes that anybody can open, aliases that hide one included.
    Freemail,
    /// Mailboxes made to be thrown away.
    Disposable,
    /// Providers' domains that are also a company's own or sold to small firms.
    WeakFreemail,
    /// The part of [`ListName::Freemail`] that hides a mailbox behind an alias.
    Relay,
}

impl ListName {
    /// Every list.
    pub const ALL: [Self; 4] = [
        Self::Freemail,
        Self::Disposable,
        Self::WeakFreemail,
        Self::Relay,
    ];

    /// Its name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freemail => "freemail",
            Self::Disposable => "disposable",
            Self::WeakFreemail => "weak-freemail",
            Self::Relay => "relay",
        }
    }

    /// Whether a host or its registrable domain is on the list.
    pub fn holds(self, host: &Domain) -> bool {
        let set = self.set();
        set.contains(host.as_str()) || registrable(host).is_some_and(|domain| set.contains(domain))
    }

    /// How many domains the list has.
    pub fn count(self) -> usize {
        self.set().len()
    }

    fn set(self) -> &'static HashSet<&'static str> {
        static SETS: [LazyLock<HashSet<&'static str>>; 4] = [
            LazyLock::new(|| set_of(&[FREEMAIL, UK_FREEMAIL, RELAYS])),
            LazyLock::new(|| set_of(&[DISPOSABLE])),
            LazyLock::new(|| set_of(&[UK_WEAK])),
            LazyLock::new(|| set_of(&[RELAYS])),
        ];
        &SETS[self as usize]
    }
}

/// The part of a host that somebody registered, `trust.org.uk` of `mail.trust.org.uk`; `None` for a public suffix or an address
/// literal.
pub fn registrable(host: &Domain) -> Option<&str> {
    if host.as_str().starts_with('[') {
        return None;
    }
    psl::domain_str(host.as_str())
}

fn set_of(texts: &[&'static str]) -> HashSet<&'static str> {
    texts.iter().flat_map(|text| entries(text)).collect()
}

/// The lines of a list that are no remark.
pub(super) fn entries(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(list: ListName, host: &str) -> bool {
        list.holds(&Domain::parse(host).unwrap())
    }

    #[test]
    fn the_files_are_sorted_canonical_and_apart() {
        for text in [FREEMAIL, UK_FREEMAIL, RELAYS, DISPOSABLE, UK_WEAK] {
            let list: Vec<&str> = entries(text).collect();
            assert!(list.len() > 4 && list.is_sorted_by(|a, b| a < b));
            for name in list {
                let domain = Domain::parse(name).unwrap();
                assert_eq!(domain.as_str(), name);
                assert!(registrable(&domain).is_some(), "{name} is a public suffix");
            }
        }
        let [free, thrown, weak, relay] = ListName::ALL.map(ListName::set);
        assert!(free.is_disjoint(thrown) && free.is_disjoint(weak) && thrown.is_disjoint(weak));
        assert!(relay.is_subset(free));
        assert!(ListName::Freemail.count() > 5_000 && ListName::Disposable.count() > 8_000);
    }

    #[test]
    fn a_host_is_found_by_itself_and_by_what_was_registered() {
        assert!(on(ListName::Freemail, "gmail.com") && on(ListName::Freemail, "GoogleMail.com."));
        assert!(on(ListName::Freemail, "smtp.mail.btinternet.com"));
        assert!(on(ListName::Freemail, "talktalk.net") && on(ListName::Freemail, "outlook.co.uk"));
        assert!(on(ListName::Relay, "privaterelay.appleid.com"));
        assert!(on(ListName::Freemail, "privaterelay.appleid.com"));
        assert!(!on(ListName::Freemail, "appleid.com"));
        assert!(
            on(ListName::Disposable, "mailinator.com") && !on(ListName::Freemail, "mailinator.com")
        );
        assert!(on(ListName::WeakFreemail, "sky.com") && !on(ListName::Freemail, "sky.com"));
        assert!(!on(ListName::Freemail, "notgmail.com") && !on(ListName::Freemail, "com"));
        assert!(
            !on(ListName::Freemail, "gmail.com.trust.example")
                && !on(ListName::Freemail, "[192.0.2.1]")
        );
    }

    #[test]
    fn no_public_body_is_on_a_list() {
        for list in ListName::ALL {
            for name in list.set() {
                for body in [".sch.uk", ".gov.uk", ".nhs.uk", ".police.uk", ".ac.uk"] {
                    assert!(!name.ends_with(body), "{name}");
                }
            }
            for host in ["nhs.net", "cjsm.net", "trust.example"] {
                assert!(!on(list, host), "{host}");
            }
        }
    }
}

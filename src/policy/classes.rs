//! Which class a recipient or sender belongs to: the trust itself, its secure partners, and classes a policy names.
//!
//! # Invariants
//! Who is in no class is outside. A class takes somebody in; only a local part that names a further route takes out again, because
//! the domain then is a relay and not where the message ends.
//!
//! # Standards
//! RFC 5321 appendix F.2 and section 4.1.2 (source routes), RFC 1123 5.2.16 (the "percent hack"), RFC 976 (`host!user`).

use std::sync::{Arc, OnceLock};

use foldhash::HashMap;

use super::lists::ListName;
use super::look_alike::LookAlikes;
use super::rule::Party;
use crate::mail::{Address, Domain};

/// A class of correspondents with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: Arc<str>,
    /// Its domains.
    pub domains: Vec<Domain>,
    /// Whether names below its domains belong to it too.
    pub subdomains: bool,
    /// Single mailboxes, as [`Address::key`] gives them.
    pub addresses: Vec<String>,
    /// It may stay empty: rules for it then wait for members, and nobody needs to be told.
    pub optional: bool,
    /// Lists of mail services whose hosts belong to it.
    pub lists: Vec<ListName>,
}

impl Class {
    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.addresses.is_empty() && self.lists.is_empty()
    }
}

/// A set of classes, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassSet(u64);

impl ClassSet {
    /// Whether the class at `index` is in the set.
    pub fn has(self, index: usize) -> bool {
        index < CLASSES_AT_MOST && self.0 & (1 << index) != 0
    }

    /// One of the trust's own.
    pub fn is_internal(self) -> bool {
        self.has(INTERNAL)
    }

    /// Neither the trust's own nor a secure partner.
    pub fn is_outside(self) -> bool {
        !self.has(INTERNAL) && !self.has(PARTNER)
    }
}

/// The index of the class `internal`.
pub const INTERNAL: usize = 0;
/// The index of the class `partner`.
pub const PARTNER: usize = 1;
/// Classes one policy may have: a [`ClassSet`] is one machine word.
pub const CLASSES_AT_MOST: usize = 64;

/// The classes of a policy with an index over their members.
#[derive(Debug, Clone)]
pub struct Classes {
    list: Vec<Class>,
    domains: HashMap<String, DomainBits>,
    addresses: HashMap<String, u64>,
    lists: Vec<(ListName, u64)>,
    look_alikes: OnceLock<LookAlikes>,
}

#[derive(Debug, Clone, Copy, Default)]
struct DomainBits {
    exact: u64,
    below: u64,
}

impl Default for Classes {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Classes {
    /// The classes `internal` and `partner` with the members the list gives them, then the others in order.
    ///
    /// Classes beyond [`CLASSES_AT_MOST`] are left out; reading a policy reports that as a mistake before.
    pub fn new(named: Vec<Class>) -> Self {
        let empty = |name: &str| Class {
            name: name.into(),
            domains: Vec::new(),
            subdomains: true,
            addresses: Vec::new(),
            optional: false,
            lists: Vec::new(),
        };
        let mut list = vec![empty("internal"), empty("partner")];
        for class in named {
            match list.iter_mut().find(|known| known.name == class.name) {
                Some(known) => *known = class,
                None => list.push(class),
            }
        }
        list.truncate(CLASSES_AT_MOST);
        let mut classes = Self {
            list,
            domains: HashMap::default(),
            addresses: HashMap::default(),
            lists: Vec::new(),
            look_alikes: OnceLock::new(),
        };
        classes.index();
        classes
    }

    fn index(&mut self) {
        self.domains.clear();
        self.addresses.clear();
        self.lists.clear();
        self.look_alikes = OnceLock::new();
        for (index, class) in self.list.iter().enumerate() {
            let bit = 1u64 << index;
            for domain in &class.domains {
                let bits = self.domains.entry(domain.as_str().to_owned()).or_default();
                bits.exact |= bit;
                if class.subdomains {
                    bits.below |= bit;
                }
            }
            for list in &class.lists {
                self.lists.push((*list, bit));
            }
            for address in &class.addresses {
                *self.addresses.entry(address.clone()).or_default() |= bit;
            }
        }
    }

    /// Adds domains to a class by its index.
    pub fn add_domains(&mut self, index: usize, domains: &[Domain]) {
        if let Some(class) = self.list.get_mut(index) {
            for domain in domains {
                if !class.domains.contains(domain) {
                    class.domains.push(domain.clone());
                }
            }
            self.index();
        }
    }

    /// Adds a mailbox, or a domain with all below it, to a class by its index.
    pub fn add_member(&mut self, index: usize, party: &Party) {
        match party {
            Party::Domain(domain) => self.add_domains(index, std::slice::from_ref(domain)),
            Party::Mailbox(key) => {
                if let Some(class) = self.list.get_mut(index) {
                    class.addresses.push(key.clone());
                    self.index();
                }
            }
        }
    }

    /// All classes: `internal`, `partner`, then those the policy names.
    pub fn list(&self) -> &[Class] {
        &self.list
    }

    /// The index of a class.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|class| &*class.name == name)
    }

    /// Whether any member of the trust is known; without that nobody can be told to be outside.
    pub fn knows_internal(&self) -> bool {
        !self.list[INTERNAL].is_empty()
    }

    /// The classes of a mailbox; none if its local part says where to send the message on.
    pub fn of(&self, address: &Address) -> ClassSet {
        if is_routed(address.local()) {
            return ClassSet::default();
        }
        let mut bits = self.of_domain(address.domain()).0;
        if !self.addresses.is_empty() {
            bits |= self.addresses.get(&address.key()).copied().unwrap_or(0);
        }
        ClassSet(bits)
    }

    /// The classes of a whole domain.
    pub fn of_domain(&self, domain: &Domain) -> ClassSet {
        let listed = self.lists.iter().filter(|(list, _)| list.holds(domain));
        let bits = listed.fold(self.named_bits(domain), |bits, (_, bit)| bits | bit);
        ClassSet(bits)
    }

    /// Whether a class names the mailbox or its domain, lists of mail services left aside.
    pub fn names(&self, address: &Address) -> bool {
        self.named_bits(address.domain()) != 0 || self.addresses.contains_key(&address.key())
    }

    /// The domains of the trust and its partners, ready to be compared with others; made when first asked for.
    pub fn look_alikes(&self) -> &LookAlikes {
        self.look_alikes.get_or_init(|| {
            LookAlikes::new(&self.list[INTERNAL].domains, &self.list[PARTNER].domains)
        })
    }

    fn named_bits(&self, domain: &Domain) -> u64 {
        let mut name = domain.as_str();
        let mut bits = self.domains.get(name).map_or(0, |found| found.exact);
        while let Some((_, parent)) = name.split_once('.') {
            bits |= self.domains.get(parent).map_or(0, |found| found.below);
            name = parent;
        }
        bits
    }
}

/// Whether a mail server may take a local part for a route to another host: `user%host`, `host!user`, `user@host`, `@host:user`.
///
/// Sendmail undoes quotes before it looks for a route, and so do Postfix (`resolve_dequoted_address`) and others; so quotes and
/// backslashes hide nothing here. Postfix rewrites the first two by default (`allow_percent_hack`, `swap_bangpath`).
fn is_routed(local: &str) -> bool {
    local
        .bytes()
        .any(|b| matches!(b, b'%' | b'!' | b'@' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, domains: &[&str], subdomains: bool, addresses: &[&str]) -> Class {
        Class {
            name: name.into(),
            domains: domains.iter().map(|d| Domain::parse(d).unwrap()).collect(),
            subdomains,
            addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
            optional: false,
            lists: Vec::new(),
        }
    }

    #[test]
    fn members_are_found_by_domain_subdomain_and_mailbox() {
        let classes = Classes::new(vec![
            class("internal", &["trust.example"], true, &[]),
            class("partner", &["la.example"], false, &["nurse@gp.example"]),
            class("police", &["police.example"], true, &[]),
        ]);
        let of = |text: &str| classes.of(&Address::parse(text).unwrap());
        assert!(of("a@trust.example").is_internal());
        assert!(of("a@Hill.Trust.example").is_internal());
        assert!(!of("a@nottrust.example").is_internal());
        assert!(of("a@la.example").has(PARTNER));
        assert!(!of("a@x.la.example").has(PARTNER));
        assert!(of("Nurse@gp.example").has(PARTNER));
        assert!(of("clerk@gp.example").is_outside());
        assert!(of("a@force.police.example").has(2) && of("a@police.example").is_outside());
    }

    #[test]
    fn added_domains_count_at_once() {
        let mut classes = Classes::default();
        assert!(!classes.knows_internal());
        let domain = Domain::parse("trust.example").unwrap();
        classes.add_domains(INTERNAL, std::slice::from_ref(&domain));
        assert!(classes.knows_internal() && classes.of_domain(&domain).is_internal());
    }
}

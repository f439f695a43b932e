//! Domains that look like one of the trust, of a partner or of a great mail service and are another.
//!
//! # Invariants
//! Pure. Never a look-alike: a host of a domain that is known, names under closed endings (`.sch.uk`, `.gov.uk`), which nobody
//! registers for a trick and where neighbours are real, and short names, which have too many real neighbours.
//!
//! # Standards
//! UTS 39 4 (skeletons, by the crate `unicode-security`), RFC 5890 (A-labels), the Public Suffix List (crate `psl`). What counts as a
//! slip is `slip.rs`; the lengths are our own choice and stand at their constants.
//!
//! # Known gaps
//! A body that owns its name under several endings is a look-alike of itself until the policy names all of them. Names made longer by
//! words such as "school" or "academy" are left out: they are other schools.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use super::lists::{ListName, entries, registrable};
use super::slip::{Slip, are_neighbours, slip};
use crate::mail::Domain;

/// Names shorter than this are compared by look-alike letters of other scripts only.
const LETTERS_AT_LEAST: usize = 5;
/// From this length on any one slip counts; below it only slips that make no other word.
const LONG: usize = 7;
/// Names shorter than this are not looked for inside longer ones.
const TELLING: usize = 8;

/// Endings under which a registry checks who registers.
const CLOSED: [&str; 11] = [
    "sch.uk",
    "ac.uk",
    "gov.uk",
    "nhs.uk",
    "police.uk",
    "mod.uk",
    "parliament.uk",
    "gov.scot",
    "gov.wales",
    "llyw.cymru",
    "nhs.scot",
];

/// What a name is made longer by to look like an official part of it.
const AFFIXES: [&str; 10] = [
    "uk", "gb", "mail", "email", "webmail", "online", "secure", "login", "portal", "gov",
];

/// Whose domain another looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooksLike {
    /// The trust's.
    Trust,
    /// A secure partner's.
    Partner,
    /// A mail service's that many use.
    MailService,
}

/// How a domain differs from the one that it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disguise {
    /// Letters that look alike (`rn` for `m`, another script).
    Letters,
    /// One slip of the finger.
    Slip,
    /// Another ending.
    Ending,
    /// Dots or hyphens only.
    Punctuation,
    /// A word added.
    Affix,
    /// The known domain stands in front of another.
    InFront,
}

/// A domain that looks like another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookAlike {
    /// Whose domain it looks like.
    pub of: LooksLike,
    /// How it differs.
    pub disguise: Disguise,
}

impl LookAlike {
    /// `one slip away from a domain of the trust`.
    pub fn in_words(self) -> String {
        let how = match self.disguise {
            Disguise::Letters => "by look-alike letters the same as",
            Disguise::Slip => "one slip away from",
            Disguise::Ending => "but for its ending the same as",
            Disguise::Punctuation => "but for dots and hyphens the same as",
            Disguise::Affix => "but for a word added the same as",
            Disguise::InFront => "another domain behind",
        };
        let whose = match self.of {
            LooksLike::Trust => "a domain of the trust",
            LooksLike::Partner => "a domain of a partner",
            LooksLike::MailService => "a well-known mail service",
        };
        format!("{how} {whose}")
    }
}

/// A registered domain in the forms it is compared in.
#[derive(Debug, Clone)]
struct Known {
    domain: String,
    label_end: usize,
    /// The domain without dots and hyphens.
    squashed: String,
    /// The first label as it looks.
    skeleton: String,
    of: LooksLike,
}

impl Known {
    fn new(domain: &str, of: LooksLike) -> Option<Self> {
        let label_end = domain.find('.')?;
        Some(Self {
            label_end,
            squashed: squashed(domain),
            skeleton: looks(&domain[..label_end]),
            domain: domain.to_owned(),
            of,
        })
    }

    fn label(&self) -> &str {
        &self.domain[..self.label_end]
    }

    fn ending(&self) -> &str {
        &self.domain[self.label_end + 1..]
    }
}

static SERVICES: LazyLock<(Vec<Known>, Vec<&'static str>)> = LazyLock::new(|| {
    let text = include_str!("../../patterns/lists/mail-services.txt");
    let mut services = Vec::new();
    let mut neighbours = Vec::new();
    for (service, others) in entries(text).filter_map(|line| line.split_once(':')) {
        services.extend(Known::new(service, LooksLike::MailService));
        neighbours.push(service);
        neighbours.extend(others.split_whitespace());
    }
    (services, neighbours)
});

/// The domains of a trust and its partners, made ready to be compared with others.
#[derive(Debug, Clone, Default)]
pub struct LookAlikes {
    known: Vec<Known>,
    domains: HashMap<String, LooksLike>,
}

impl LookAlikes {
    /// Makes domains ready; those that are a public suffix as a whole (`gov.uk`) look like nothing.
    pub fn new<'d>(
        trust: impl IntoIterator<Item = &'d Domain>,
        partners: impl IntoIterator<Item = &'d Domain>,
    ) -> Self {
        let mut made = Self::default();
        let trust = trust.into_iter().map(|domain| (domain, LooksLike::Trust));
        let partners = partners
            .into_iter()
            .map(|domain| (domain, LooksLike::Partner));
        for (domain, of) in trust.chain(partners) {
            let Some(name) = registrable(domain) else {
                continue;
            };
            if made.domains.contains_key(name) {
                continue;
            }
            made.domains.insert(name.to_owned(), of);
            made.known.extend(Known::new(name, of));
        }
        made
    }

    /// What the host of a recipient outside looks like; `None` for most.
    pub fn of(&self, host: &Domain) -> Option<LookAlike> {
        let domain = registrable(host)?;
        if self.domains.contains_key(domain) || is_closed(domain) {
            return None;
        }
        let written = Known::new(domain, LooksLike::Trust)?;
        let service = like_a_service(&written);
        if service.is_some() || is_listed(host) {
            return service;
        }
        let host = host.as_str();
        let host_squashed = squashed(host);
        self.known.iter().find_map(|known| {
            let disguise = disguise(known, &written, host, &host_squashed)?;
            let of = known.of;
            Some(LookAlike { of, disguise })
        })
    }
}

fn is_listed(host: &Domain) -> bool {
    ListName::Freemail.holds(host)
        || ListName::Disposable.holds(host)
        || ListName::WeakFreemail.holds(host)
}

fn is_closed(domain: &str) -> bool {
    CLOSED.iter().any(|ending| {
        let rest = domain.strip_suffix(ending);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// How a host differs from a known domain that it looks like.
fn disguise(known: &Known, written: &Known, host: &str, host_squashed: &str) -> Option<Disguise> {
    let (label, other) = (known.label(), written.label());
    let same_ending = known.ending() == written.ending();
    let letters = label.len().min(other.len());
    // `oakfield.example.other.example`: the domain people know, with another behind it.
    let below = host.len() - written.domain.len();
    let in_front = host.strip_prefix(known.domain.as_str());
    if below >= known.domain.len() && in_front.is_some_and(|rest| rest.starts_with('.')) {
        return Some(Disguise::InFront);
    }
    if label == other {
        let told = letters >= LETTERS_AT_LEAST && !is_closed(known.ending());
        return told.then_some(Disguise::Ending);
    }
    let one_look = known.skeleton == written.skeleton;
    if one_look && (foreign(other) || (same_ending && letters >= LETTERS_AT_LEAST)) {
        return Some(Disguise::Letters);
    }
    // `oakfieldtrust` for `oakfield-trust`, and `oakfield.trust` as a host of somebody else's `trust`.
    let one_text = known.squashed == written.squashed || known.squashed == host_squashed;
    let own = label.bytes().filter(|byte| *byte != b'-').count();
    if one_text && own >= LETTERS_AT_LEAST {
        return Some(Disguise::Punctuation);
    }
    if same_ending && letters >= LETTERS_AT_LEAST && is_slip(label, other) {
        return Some(Disguise::Slip);
    }
    let affix = label.len() >= LETTERS_AT_LEAST && (same_ending || label.len() >= TELLING);
    (affix && is_affixed(label, other)).then_some(Disguise::Affix)
}

/// Whether one slip lies between two labels, and not one that makes another real name.
fn is_slip(label: &str, other: &str) -> bool {
    let Some(found) = slip(label, other) else {
        return false;
    };
    let (a, b) = (label.as_bytes(), other.as_bytes());
    let at = |bytes: &[u8], place: usize| bytes.get(place).copied().unwrap_or(0);
    let digit = |byte: u8| byte.is_ascii_digit();
    // Schools of one name are numbered.
    let numbered = match found {
        Slip::Added(place) => digit(at(b, place)),
        Slip::Lost(place) => digit(at(a, place)),
        Slip::Changed(place) => digit(at(a, place)) && digit(at(b, place)),
        Slip::Swapped(place) => digit(at(a, place)) || digit(at(a, place + 1)),
    };
    if numbered {
        return false;
    }
    if a.len().min(b.len()) >= LONG {
        return true;
    }
    // Short words lie close: Grange and Orange, Forest and Forrest. The last letter makes plurals.
    match found {
        Slip::Swapped(place) => place > 0,
        Slip::Changed(place) => place > 0 && are_neighbours(at(a, place), at(b, place)),
        Slip::Added(place) => place > 0 && place + 1 < b.len() && doubled(b, place),
        Slip::Lost(place) => place > 0 && place + 1 < a.len(),
    }
}

/// Whether the letter at a place is the same as the one before or after it.
fn doubled(bytes: &[u8], place: usize) -> bool {
    let at = |place: usize| bytes.get(place);
    (place > 0 && at(place - 1) == at(place)) || at(place + 1) == at(place)
}

/// `oakfield-uk`, `oakfielduk`, `mail-oakfield`.
fn is_affixed(label: &str, other: &str) -> bool {
    let behind = other.strip_prefix(label);
    let before = other.strip_suffix(label);
    let behind = behind.is_some_and(|rest| {
        let word = rest.strip_prefix('-').unwrap_or(rest);
        AFFIXES.contains(&word)
    });
    let before = before.is_some_and(|rest| {
        rest.strip_suffix('-')
            .is_some_and(|word| AFFIXES.contains(&word))
    });
    behind || before
}

fn like_a_service(written: &Known) -> Option<LookAlike> {
    let (services, neighbours) = &*SERVICES;
    if neighbours.contains(&written.domain.as_str()) {
        return None;
    }
    let found = services.iter().find_map(|service| {
        let (label, other) = (service.label(), written.label());
        let same_ending = service.ending() == written.ending();
        if label == other && !same_ending && label.len() >= LETTERS_AT_LEAST {
            // Services are at home under many endings; those that are known are on the list.
            let listed = Domain::parse(&written.domain).is_ok_and(|domain| is_listed(&domain));
            return (!listed).then_some(Disguise::Ending);
        }
        if !same_ending || label == other {
            return None;
        }
        if service.skeleton == written.skeleton {
            return Some(Disguise::Letters);
        }
        // Nobody else's name lies this close but the neighbours of the list; a first letter makes other services.
        let close = match slip(label, other)? {
            Slip::Added(place)
            | Slip::Lost(place)
            | Slip::Changed(place)
            | Slip::Swapped(place) => place > 0 || label.len() >= LONG,
        };
        close.then_some(Disguise::Slip)
    });
    found.map(|disguise| LookAlike {
        of: LooksLike::MailService,
        disguise,
    })
}

/// Whether a label is written in other letters than ASCII.
fn foreign(label: &str) -> bool {
    label.starts_with("xn--")
}

/// A label as it looks to a quick eye.
fn looks(label: &str) -> String {
    let shown = if foreign(label) {
        idna::domain_to_unicode(label).0
    } else {
        label.to_owned()
    };
    let plain: String = skeleton(&shown.to_lowercase())
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect();
    plain.replace("vv", "w").replace("cl", "d")
}

fn squashed(domain: &str) -> String {
    domain.chars().filter(|c| !matches!(c, '.' | '-')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    fn found(trust: &[&str], host: &str) -> Option<LookAlike> {
        let trust: Vec<Domain> = trust.iter().map(|text| domain(text)).collect();
        let partner = domain("meadowlandcouncil.example");
        LookAlikes::new(&trust, [&partner]).of(&domain(host))
    }

    fn of_trust(host: &str) -> Option<Disguise> {
        let known = [
            "oakfield-trust.example",
            "mail.hillmere.example",
            "abc.example",
        ];
        let found = found(&known, host)?;
        assert_eq!(found.of, LooksLike::Trust, "{host}");
        Some(found.disguise)
    }

    #[test]
    fn each_disguise_is_seen() {
        for (host, disguise) in [
            ("oakfeild-trust.example", Disguise::Slip),
            ("oakfied-trust.example", Disguise::Slip),
            ("smtp.oakfieldd-trust.example", Disguise::Slip),
            ("oakfield-trist.example", Disguise::Slip),
            ("hilllmere.example", Disguise::Slip),
            ("oakfield-trust.test", Disguise::Ending),
            ("hillmere.invalid", Disguise::Ending),
            ("oakfieldtrust.example", Disguise::Punctuation),
            ("oakfield.trust.example", Disguise::Punctuation),
            ("oak-field-trust.example", Disguise::Punctuation),
            ("hillrnere.example", Disguise::Letters),
            ("0akfield-trust.example", Disguise::Letters),
            ("oakfie1d-trust.example", Disguise::Letters),
            ("hillm\u{435}re.example", Disguise::Letters),
            ("\u{430}bc.example", Disguise::Letters),
            ("hillm\u{e9}re.test", Disguise::Letters),
            ("hillmere-uk.example", Disguise::Affix),
            ("hillmereuk.example", Disguise::Affix),
            ("mail-hillmere.example", Disguise::Affix),
            ("oakfield-trust-uk.test", Disguise::Affix),
            ("oakfield-trust.example.other.example", Disguise::InFront),
        ] {
            assert_eq!(of_trust(host), Some(disguise), "{host}");
        }
        let partner = found(&[], "meadowlandcuoncil.example").unwrap();
        assert_eq!(partner.of, LooksLike::Partner);
    }

    #[test]
    fn real_neighbours_are_not() {
        for host in [
            "oakfield-trust.example",
            "mail.oakfield-trust.example",
            "hillmere.example",
            "meadowlandcouncil.example",
            "abd.example",
            "abc.test",
            "ab-c.example",
            "oakfield.example",
            "hillmere-school.example",
            "hillmereacademy.example",
            "fillmere-trust.example",
            "other.example",
            "[192.0.2.1]",
        ] {
            assert_eq!(of_trust(host), None, "{host}");
        }
        // Short words, numbered schools.
        for (known, other) in [
            ("grange.example", "orange.example"),
            ("forest.example", "forests.example"),
            ("bishop.example", "bishup1.example"),
            ("academy1.example", "academy2.example"),
            ("stjohns2.example", "stjohns.example"),
        ] {
            assert_eq!(found(&[known], other), None, "{known} {other}");
        }
    }

    #[test]
    fn other_names_under_the_endings_of_the_kingdom_are_not() {
        for (known, other) in [
            ("example-hill.org.uk", "example-dale.co.uk"),
            ("example-county.gov.uk", "example-county.police.uk"),
            ("example-county.gov.uk", "example-county.co.uk"),
            ("example-primary.one.sch.uk", "example-primary.two.sch.uk"),
            ("example-primary.one.sch.uk", "example-primarys.one.sch.uk"),
            ("gov.uk", "g0v.uk"),
        ] {
            assert_eq!(found(&[known], other), None, "{known} {other}");
        }
        let ending = found(&["example-hill.org.uk"], "example-hill.co.uk").unwrap();
        assert_eq!(ending.disguise, Disguise::Ending);
    }

    #[test]
    fn slips_of_great_mail_services_are_seen_and_services_are_not() {
        for host in [
            "gmial.com",
            "gmai.com",
            "gmal.com",
            "grnail.com",
            "gmail.co",
            "hotmial.com",
            "hotmail.con",
            "yaho.com",
            "outlok.com",
            "btinternet.co",
            "btintrenet.com",
            "icloud.co",
        ] {
            let found = found(&[], host);
            assert_eq!(
                found.map(|found| found.of),
                Some(LooksLike::MailService),
                "{host}"
            );
        }
        for host in [
            "gmail.com",
            "mail.com",
            "ymail.com",
            "email.com",
            "yahoo.fr",
            "hotmail.de",
            "live.co.uk",
            "gmx.com",
            "imap.gmail.com",
            "mailinator.com",
        ] {
            assert_eq!(found(&[], host), None, "{host}");
        }
    }

    #[test]
    fn the_words_name_no_domain() {
        let found = found(&["hillmere.example"], "hilllmere.example").unwrap();
        assert_eq!(found.in_words(), "one slip away from a domain of the trust");
    }
}

//! Groups of senders that reports tell apart: the office, the SEND team, the governors.
//!
//! # Invariants
//! The first group in the order of the settings that a sender fits is theirs, so that particular groups stand before general ones. An id is
//! written into holds and reports and outlives the group's title, so it is a short word that does not change.
//!
//! # Known gaps
//! Membership is settled when a message is held or refused; a change of the settings changes nothing about what was counted before.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::schools::{School, Schools};
use crate::mail::{Address, Domain};

/// Longest id, in characters.
const LONGEST_ID: usize = 40;

/// `[[trust.sender_groups]]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SenderGroupConfig {
    /// A short word for it that never changes: letters, digits and hyphens.
    pub id: String,
    /// Its title, for people.
    pub title: String,
    /// Addresses, domains (subdomains count), or local parts with `*` for any letters before `@*`: `office@*`, `send.*@*`.
    pub senders: Vec<String>,
}

/// Why the list of groups cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SenderGroupsError {
    /// An id is none.
    #[error(
        "trust.sender_groups.id: found `{0}`; allowed: 1 to {LONGEST_ID} small letters, digits and hyphens; write a short word such as `office`"
    )]
    Id(String),
    /// Two groups have one id.
    #[error(
        "trust.sender_groups.id: found `{0}` twice; allowed: each id once; give one of them another"
    )]
    Twice(String),
    /// A group has no title.
    #[error(
        "trust.sender_groups.title: found nothing for `{0}`; allowed: the group's title; write it"
    )]
    Title(String),
    /// A group has nobody.
    #[error(
        "trust.sender_groups.senders: found none for `{0}`; allowed: addresses, domains, or local parts such as `office@*`; list them"
    )]
    Nobody(String),
    /// A sender is none.
    #[error(
        "trust.sender_groups.senders: found `{0}`; allowed: an address, a domain, or a local part such as `office@*` or `send.*@*`; mend it"
    )]
    Sender(String),
}

/// Who belongs to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    Address(String),
    Domain(Domain),
    /// What stands between the `*` of a local part, in small letters.
    Local(Vec<String>),
}

/// A group of senders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderGroup {
    /// The short word it is kept under.
    pub id: Arc<str>,
    /// Its title, for people.
    pub title: Arc<str>,
    members: Vec<Member>,
}

/// The groups of a trust; cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SenderGroups(Arc<[SenderGroup]>);

impl SenderGroups {
    /// The groups of these settings, in their order.
    pub fn new(configured: &[SenderGroupConfig]) -> Result<Self, SenderGroupsError> {
        let mut groups: Vec<SenderGroup> = Vec::with_capacity(configured.len());
        for group in configured {
            let read = read(group)?;
            if groups.iter().any(|known| known.id == read.id) {
                return Err(SenderGroupsError::Twice(group.id.clone()));
            }
            groups.push(read);
        }
        Ok(Self(groups.into()))
    }

    /// All of them, in the order of the settings.
    pub fn iter(&self) -> std::slice::Iter<'_, SenderGroup> {
        self.0.iter()
    }

    /// The group of this id.
    pub fn get(&self, id: &str) -> Option<&SenderGroup> {
        self.iter().find(|group| &*group.id == id)
    }

    /// The first group that this sender fits.
    pub fn of(&self, sender: &Address) -> Option<&SenderGroup> {
        let key = sender.key();
        let local = sender.local().to_lowercase();
        self.iter().find(|group| {
            group.members.iter().any(|member| match member {
                Member::Address(address) => *address == key,
                Member::Domain(domain) => sender.domain().is_within(domain),
                Member::Local(pieces) => fits(pieces, &local),
            })
        })
    }
}

impl<'a> IntoIterator for &'a SenderGroups {
    type Item = &'a SenderGroup;
    type IntoIter = std::slice::Iter<'a, SenderGroup>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Who sends by what reports count: schools and groups together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Senders {
    /// The schools.
    pub schools: Schools,
    /// The groups.
    pub groups: SenderGroups,
}

impl Senders {
    /// The ids of the school and of the group that this sender belongs to.
    pub fn of(&self, sender: &Address) -> (Option<&str>, Option<&str>) {
        let school = self.schools.of(sender).map(|School { id, .. }| &**id);
        (school, self.groups.of(sender).map(|group| &*group.id))
    }
}

/// Whether a local part has these pieces in their order, the first at its beginning and the last at its end.
fn fits(pieces: &[String], local: &str) -> bool {
    let [first, middle @ .., last] = pieces else {
        return pieces.first().is_some_and(|whole| whole == local);
    };
    let Some(mut rest) = local.strip_prefix(first.as_str()) else {
        return false;
    };
    for piece in middle {
        let Some(at) = rest.find(piece.as_str()) else {
            return false;
        };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last.as_str())
}

fn read(configured: &SenderGroupConfig) -> Result<SenderGroup, SenderGroupsError> {
    let id = configured.id.as_str();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || id.len() > LONGEST_ID || !id.chars().all(plain) {
        return Err(SenderGroupsError::Id(id.to_owned()));
    }
    if configured.title.trim().is_empty() {
        return Err(SenderGroupsError::Title(id.to_owned()));
    }
    if configured.senders.is_empty() {
        return Err(SenderGroupsError::Nobody(id.to_owned()));
    }
    let members = configured.senders.iter();
    let members = members
        .map(|text| member(text).ok_or_else(|| SenderGroupsError::Sender(text.clone())))
        .collect::<Result<_, _>>()?;
    Ok(SenderGroup {
        id: id.into(),
        title: configured.title.trim().into(),
        members,
    })
}

fn member(text: &str) -> Option<Member> {
    if let Some(local) = text.strip_suffix("@*") {
        let local = local.to_lowercase();
        let letters = local.chars().filter(|c| *c != '*').count();
        // `*@*` would be everybody.
        let pieces = local.split('*').map(str::to_owned).collect();
        return (letters > 0).then_some(Member::Local(pieces));
    }
    if text.contains('@') {
        let address = Address::parse(text).ok()?;
        return Some(Member::Address(address.key()));
    }
    Domain::parse(text).ok().map(Member::Domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: &str, senders: &[&str]) -> SenderGroupConfig {
        SenderGroupConfig {
            id: id.to_owned(),
            title: format!("The {id}"),
            senders: senders.iter().map(|&sender| sender.to_owned()).collect(),
        }
    }

    #[test]
    fn the_first_group_that_fits_is_the_senders() {
        let groups = SenderGroups::new(&[
            group("head", &["Head@Oak.example"]),
            group("send", &["send@*", "send.*@*", "*-senco@*"]),
            group("governors", &["governors.example"]),
            group("oak", &["oak.example"]),
        ])
        .unwrap();
        let of = |text: &str| {
            let address = Address::parse(text).unwrap();
            groups.of(&address).map(|group| group.id.to_string())
        };
        assert_eq!(of("head@oak.example").as_deref(), Some("head"));
        assert_eq!(of("SEND@elm.example").as_deref(), Some("send"));
        assert_eq!(of("send.team@oak.example").as_deref(), Some("send"));
        assert_eq!(of("oak-senco@elm.example").as_deref(), Some("send"));
        assert_eq!(of("sender@elm.example"), None);
        assert_eq!(of("a@mail.governors.example").as_deref(), Some("governors"));
        assert_eq!(of("a@oak.example").as_deref(), Some("oak"));
    }

    #[test]
    fn pieces_do_not_overlap() {
        let groups = SenderGroups::new(&[group("x", &["ab*ba@*"])]).unwrap();
        let fits = |text: &str| groups.of(&Address::parse(text).unwrap()).is_some();
        assert!(fits("abba@a.example"));
        assert!(fits("ab-x-ba@a.example"));
        assert!(!fits("aba@a.example"));
    }

    #[test]
    fn settings_that_cannot_be_used_say_so() {
        let refused = |configured: &[SenderGroupConfig]| SenderGroups::new(configured).unwrap_err();
        let bad = |sender: &str| refused(&[group("a", &[sender])]);
        assert!(matches!(bad("*@*"), SenderGroupsError::Sender(_)));
        assert!(matches!(bad("a b"), SenderGroupsError::Sender(_)));
        assert!(matches!(
            refused(&[group("A", &["a@b.example"])]),
            SenderGroupsError::Id(_)
        ));
        assert!(matches!(
            refused(&[group("a", &[])]),
            SenderGroupsError::Nobody(_)
        ));
        let again = [group("a", &["x@*"]), group("a", &["y@*"])];
        assert!(matches!(refused(&again), SenderGroupsError::Twice(_)));
    }
}

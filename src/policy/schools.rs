//! The schools of the trust, and which of them a message comes from.
//!
//! # Invariants
//! A sender belongs to the school with the most particular domain: `infants.oak.example` before `oak.example`. An id is written into holds and
//! reports and outlives the school's name, so it is a short word that does not change.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::mail::{Address, Domain};

/// Longest id, in characters.
const LONGEST_ID: usize = 40;

/// `[[trust.schools]]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchoolConfig {
    /// A short word for it that never changes: letters, digits and hyphens.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The domains its staff send from; subdomains count.
    pub domains: Vec<String>,
}

/// A school of the trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// The short word it is kept under.
    pub id: Arc<str>,
    /// Its name, for people.
    pub name: Arc<str>,
    /// Domains its staff send from.
    pub domains: Vec<Domain>,
}

/// Why the list of schools cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchoolsError {
    /// An id is none.
    #[error(
        "trust.schools.id: found `{0}`; allowed: 1 to {LONGEST_ID} small letters, digits and hyphens; write a short word such as `oak-primary`"
    )]
    Id(String),
    /// Two schools have one id.
    #[error("trust.schools.id: found `{0}` twice; allowed: each id once; give one of them another")]
    Twice(String),
    /// A school has no name.
    #[error("trust.schools.name: found nothing for `{0}`; allowed: the school's name; write it")]
    Name(String),
    /// A school has no domain.
    #[error(
        "trust.schools.domains: found none for `{0}`; allowed: the domains its staff send from; list them"
    )]
    NoDomain(String),
    /// A domain is none.
    #[error(
        "trust.schools.domains: found `{0}`; allowed: domains such as oak.trust.example; mend it"
    )]
    Domain(String),
    /// Two schools have one domain.
    #[error(
        "trust.schools.domains: found `{0}` for two schools; allowed: each domain once; leave it with one"
    )]
    Shared(String),
}

/// The schools of a trust; cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schools(Arc<[School]>);

impl Schools {
    /// The schools of these settings, in their order.
    pub fn new(configured: &[SchoolConfig]) -> Result<Self, SchoolsError> {
        let mut schools: Vec<School> = Vec::with_capacity(configured.len());
        for school in configured {
            let read = read(school)?;
            if schools.iter().any(|known| known.id == read.id) {
                return Err(SchoolsError::Twice(school.id.clone()));
            }
            let mut known = schools.iter().flat_map(|known| &known.domains);
            if let Some(shared) = known.find(|domain| read.domains.contains(domain)) {
                return Err(SchoolsError::Shared(shared.as_str().to_owned()));
            }
            schools.push(read);
        }
        Ok(Self(schools.into()))
    }

    /// All of them, in the order of the settings.
    pub fn iter(&self) -> std::slice::Iter<'_, School> {
        self.0.iter()
    }

    /// Whether none is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The school of this id.
    pub fn get(&self, id: &str) -> Option<&School> {
        self.iter().find(|school| &*school.id == id)
    }

    /// The school that this address belongs to.
    pub fn of(&self, sender: &Address) -> Option<&School> {
        let closeness = |school: &School| {
            let within = school.domains.iter();
            within
                .filter(|domain| sender.domain().is_within(domain))
                .map(|domain| domain.as_str().len())
                .max()
        };
        self.iter()
            .filter_map(|school| Some((closeness(school)?, school)))
            .max_by_key(|(length, _)| *length)
            .map(|(_, school)| school)
    }
}

impl<'a> IntoIterator for &'a Schools {
    type Item = &'a School;
    type IntoIter = std::slice::Iter<'a, School>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn read(configured: &SchoolConfig) -> Result<School, SchoolsError> {
    let id = configured.id.as_str();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || id.len() > LONGEST_ID || !id.chars().all(plain) {
        return Err(SchoolsError::Id(id.to_owned()));
    }
    if configured.name.trim().is_empty() {
        return Err(SchoolsError::Name(id.to_owned()));
    }
    if configured.domains.is_empty() {
        return Err(SchoolsError::NoDomain(id.to_owned()));
    }
    let parsed = configured.domains.iter();
    let domains = parsed
        .map(|text| Domain::parse(text).map_err(|_| SchoolsError::Domain(text.clone())))
        .collect::<Result<_, _>>()?;
    Ok(School {
        id: id.into(),
        name: configured.name.trim().into(),
        domains,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn school(id: &str, domains: &[&str]) -> SchoolConfig {
        SchoolConfig {
            id: id.to_owned(),
            name: format!("The {id} school"),
            domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
        }
    }

    #[test]
    fn a_sender_belongs_to_the_most_particular_domain() {
        let schools = Schools::new(&[
            school("oak", &["oak.example"]),
            school("oak-infants", &["infants.oak.example", "little.example"]),
        ])
        .unwrap();
        let of = |text: &str| {
            let address = Address::parse(text).unwrap();
            schools.of(&address).map(|school| school.id.to_string())
        };
        assert_eq!(of("a@oak.example").as_deref(), Some("oak"));
        assert_eq!(of("a@mail.oak.example").as_deref(), Some("oak"));
        assert_eq!(of("a@infants.oak.example").as_deref(), Some("oak-infants"));
        assert_eq!(of("a@little.example").as_deref(), Some("oak-infants"));
        assert_eq!(of("a@soak.example"), None);
    }

    #[test]
    fn settings_that_cannot_be_used_say_so() {
        let refused = |configured: &[SchoolConfig]| Schools::new(configured).unwrap_err();
        assert!(matches!(
            refused(&[school("Oak", &["a.example"])]),
            SchoolsError::Id(_)
        ));
        assert!(matches!(
            refused(&[school("oak", &[])]),
            SchoolsError::NoDomain(_)
        ));
        assert!(matches!(
            refused(&[school("oak", &["a b"])]),
            SchoolsError::Domain(_)
        ));
        let (one, other) = (school("oak", &["a.example"]), school("elm", &["A.example"]));
        assert!(matches!(
            refused(&[one.clone(), other]),
            SchoolsError::Shared(_)
        ));
        let again = school("oak", &["b.example"]);
        assert!(matches!(refused(&[one, again]), SchoolsError::Twice(_)));
    }
}

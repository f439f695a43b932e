//! The roles of a policy as notices reach them: which mailboxes, and which school's mail each hears of.
//!
//! # Invariants
//! Pure. A mailbox that hears of one school hears of no other: a hold whose school is not known is for those who hear of the whole trust. A
//! school counts as within a person's domains only when all of its domains are, so that nobody hears of a school by a part of it.

use std::sync::Arc;

use crate::mail::{Address, Domain};
use crate::pipeline::notices::event::mailboxes;
use crate::policy::governance::{Person, TellWhen};
use crate::policy::{Policy, Schools};
use crate::relay::notice::plan::Holder;

/// Roles that somebody has for one school: each of their mailboxes hears of its own school's mail, and one that belongs to no school of
/// all. The other roles are the trust's, wherever their mailboxes are.
const BY_SCHOOL: [&str; 2] = ["head", "delegate"];

/// Mailboxes that are told alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seat {
    /// The role that rules name.
    pub(super) role: Arc<str>,
    /// What digests and limits are kept under: the role, and the school for one of a school.
    pub(super) key: Arc<str>,
    /// It is told at once, not by digest only.
    pub(super) at_once: bool,
    /// The mailboxes.
    pub(super) to: Vec<Address>,
    reach: Reach,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    Trust,
    Domains(Vec<Domain>),
    School(Arc<str>),
}

impl Seat {
    /// As the planner sees it.
    pub(super) fn holder(&self) -> Holder {
        Holder {
            role: Arc::clone(&self.role),
            seat: Arc::clone(&self.key),
            at_once: self.at_once,
        }
    }

    /// Whether it hears of the whole trust.
    pub(super) fn is_for_all(&self) -> bool {
        self.reach == Reach::Trust
    }

    /// Whether it hears of what this mailbox sent or forwarded.
    pub(super) fn hears_of(&self, home: Option<&Address>, schools: &Schools) -> bool {
        let within = |domain| home.is_some_and(|home| home.domain().is_within(domain));
        match &self.reach {
            Reach::Trust => true,
            Reach::Domains(domains) => domains.iter().any(within),
            Reach::School(own) => home
                .and_then(|home| schools.of(home))
                .is_some_and(|school| school.id == *own),
        }
    }

    /// Whether it hears of what comes from the school of this id.
    pub(super) fn sees(&self, school: Option<&str>, schools: &Schools) -> bool {
        match &self.reach {
            Reach::Trust => true,
            Reach::School(own) => school == Some(&**own),
            Reach::Domains(domains) => {
                let within = |one: &Domain| domains.iter().any(|domain| one.is_within(domain));
                school
                    .and_then(|id| schools.get(id))
                    .is_some_and(|school| school.domains.iter().all(within))
            }
        }
    }
}

/// The seats of a policy, those without a mailbox that may be told left out.
pub(super) fn seats(policy: &Policy, schools: &Schools) -> Vec<Seat> {
    let people = policy.governance.people.iter();
    people
        .flat_map(|person| of_person(policy, person, schools))
        .filter(|seat| !seat.to.is_empty())
        .collect()
}

fn of_person(policy: &Policy, person: &Person, schools: &Schools) -> Vec<Seat> {
    let to = mailboxes(policy, person);
    let seat = |key: Arc<str>, to, reach| Seat {
        role: Arc::clone(&person.role),
        key,
        at_once: person.when == TellWhen::AtOnce,
        to,
        reach,
    };
    let key = || Arc::clone(&person.role);
    if !person.domains.is_empty() {
        return vec![seat(key(), to, Reach::Domains(person.domains.clone()))];
    }
    if !BY_SCHOOL.contains(&&*person.role) {
        return vec![seat(key(), to, Reach::Trust)];
    }
    let of = |address: &Address| schools.of(address).map(|school| Arc::clone(&school.id));
    let (schooled, others): (Vec<_>, Vec<_>) =
        to.into_iter().partition(|address| of(address).is_some());
    let mut list = vec![seat(key(), others, Reach::Trust)];
    for school in schools {
        let own = schooled.iter();
        let own = own.filter(|address| of(address).as_ref() == Some(&school.id));
        let id = Arc::clone(&school.id);
        let key = format!("{}/{id}", person.role);
        list.push(seat(key.into(), own.cloned().collect(), Reach::School(id)));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::SchoolConfig;

    const POLICY: &str = r#"
name = "seats"
title = "Who hears of what"
[classes]
internal = { domains = ["trust.example"] }
[people]
dpo = { addresses = ["dpo@oak.trust.example"] }
head = { addresses = ["a@oak.trust.example", "b@elm.trust.example", "chief@trust.example", "c@elsewhere.example"] }
sbm = { addresses = ["sbm@trust.example"], domains = ["elm.trust.example"] }
"#;

    fn school(id: &str, domains: &[&str]) -> SchoolConfig {
        SchoolConfig {
            id: id.to_owned(),
            name: format!("The {id} school"),
            domains: domains.iter().map(ToString::to_string).collect(),
        }
    }

    fn told(home: &str, school: Option<&str>) -> (Vec<String>, Vec<String>) {
        let schools = Schools::new(&[
            school_of("oak"),
            school_of("elm"),
            self::school("ash", &["ash.trust.example", "ash.elm.trust.example"]),
        ])
        .unwrap();
        let policy = Policy::parse("seats", POLICY).unwrap();
        let home = Address::parse(home).unwrap();
        let seats = seats(&policy, &schools);
        let keys = |wanted: &dyn Fn(&Seat) -> bool| {
            let found = seats.iter().filter(|seat| wanted(seat));
            found.map(|seat| seat.key.to_string()).collect()
        };
        (
            keys(&|seat| seat.hears_of(Some(&home), &schools)),
            keys(&|seat| seat.sees(school, &schools)),
        )
    }

    fn school_of(id: &str) -> SchoolConfig {
        school(id, &[&format!("{id}.trust.example")])
    }

    #[test]
    fn a_head_hears_of_the_own_school_and_the_dpo_of_all() {
        let both = |list: &[&str]| {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            (list.clone(), list)
        };
        assert_eq!(
            told("x@oak.trust.example", Some("oak")),
            both(&["dpo", "head", "head/oak"])
        );
        assert_eq!(
            told("x@elm.trust.example", Some("elm")),
            both(&["dpo", "head", "head/elm", "sbm"])
        );
        assert_eq!(told("x@trust.example", None), both(&["dpo", "head"]));
        let (_, by_part) = told("x@trust.example", Some("ash"));
        assert_eq!(
            by_part,
            ["dpo", "head"],
            "a part of a school is not the school"
        );
    }
}

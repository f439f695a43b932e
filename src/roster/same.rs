//! People who stand in several rows or files: one row a contact, or a pupil registered at two schools.
//!
//! # Invariants
//! Two rows are one person only if they bear the same name and the same UPN, or without UPNs the same number at the same
//! school: namesakes stay apart.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::roster::person::Person;

/// Unites the rows of the same people, in place; the first row stays where it is.
pub(super) fn unite(people: &mut Vec<Person>) {
    let mut seen: HashMap<u64, usize> = HashMap::with_capacity(people.len());
    let mut kept: Vec<Person> = Vec::with_capacity(people.len());
    for person in people.drain(..) {
        let next = kept.len();
        let first = key(&person).map(|key| *seen.entry(key).or_insert(next));
        match first.and_then(|first| kept.get_mut(first)) {
            Some(known) if is_same(known, &person) => merge(known, person),
            _ => kept.push(person),
        }
    }
    *people = kept;
}

fn key(person: &Person) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    match (&person.upn, &person.id) {
        (Some(upn), _) => upn.hash(&mut hasher),
        (None, Some(id)) => (id, &person.school).hash(&mut hasher),
        (None, None) => return None,
    }
    for part in [&person.legal.forename, &person.legal.surname] {
        part.to_lowercase().hash(&mut hasher);
    }
    Some(hasher.finish())
}

/// Hashes can meet by chance; what they were made of must agree.
fn is_same(a: &Person, b: &Person) -> bool {
    let name = |person: &Person| {
        (
            person.legal.forename.to_lowercase(),
            person.legal.surname.to_lowercase(),
        )
    };
    let number = match (&a.upn, &b.upn) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a.id.is_some() && a.id == b.id && a.school == b.school,
        _ => false,
    };
    number && name(a) == name(b)
}

fn merge(kept: &mut Person, other: Person) {
    kept.contacts.extend(other.contacts);
    kept.addresses.extend(other.addresses);
    for keys in [&mut kept.contacts, &mut kept.addresses] {
        keys.sort();
        keys.dedup();
    }
    let texts = [
        (&mut kept.middle, other.middle),
        (&mut kept.preferred.forename, other.preferred.forename),
        (&mut kept.preferred.surname, other.preferred.surname),
        (&mut kept.former.forename, other.former.forename),
        (&mut kept.former.surname, other.former.surname),
        (&mut kept.year, other.year),
        (&mut kept.form, other.form),
        (&mut kept.school, other.school),
    ];
    for (here, there) in texts {
        if here.is_empty() {
            *here = there;
        }
    }
    kept.id = kept.id.take().or(other.id);
    kept.born = kept.born.or(other.born);
    kept.former_upn = kept.former_upn.take().or(other.former_upn);
    kept.uln = kept.uln.take().or(other.uln);
}

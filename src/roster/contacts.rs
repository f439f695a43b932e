//! Contacts that come in a file of their own: a pupil's number and an address in each row.
//!
//! # Invariants
//! An address is given to a pupil only where the number is that of one pupil alone: a registered contact may be sent what is
//! found of the pupil, so a doubt leaves it out.

use std::collections::HashMap;
use std::fmt;

use csv::StringRecord;

use crate::roster::columns::{self, Column};
use crate::roster::import::Unmatched;
use crate::roster::person::Person;
use crate::roster::rows::{self, Map};

/// A row of contacts.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contact {
    upn: Option<String>,
    id: Option<String>,
    school: String,
    keys: Vec<String>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact(..)")
    }
}

/// Whether a file's name says that the names in it are those of contacts.
pub(super) fn is_name_of_contacts(name: &str) -> bool {
    let plain = columns::plain(name);
    ["contact", "guardian", "parent", "carer"]
        .iter()
        .any(|word| plain.contains(word))
}

/// The contact of a row, or why there is none.
pub(super) fn of_row(map: &Map, record: &StringRecord) -> Result<Contact, &'static str> {
    let some = |column| Some(map.get(record, column).to_owned()).filter(|text| !text.is_empty());
    let contact = Contact {
        upn: some(Column::Upn).map(|upn| rows::compact(&upn)),
        id: some(Column::Id),
        school: map.get(record, Column::School).to_owned(),
        keys: rows::addresses(
            map.all(record, Column::ContactEmail)
                .chain(map.all(record, Column::OwnEmail)),
        ),
    };
    if contact.keys.is_empty() {
        return Err("no e-mail address");
    }
    if contact.upn.is_none() && contact.id.is_none() {
        return Err("no number of a pupil");
    }
    Ok(contact)
}

/// Who has a number.
#[derive(Clone, Copy)]
enum Holder {
    One(usize),
    Several,
}

/// Gives contacts to their pupils: by UPN, else by the number in the school's system, with the school where that is named.
pub(super) fn join(people: &mut [Person], contacts: &[Contact]) -> Unmatched {
    let mut unmatched = Unmatched::default();
    if contacts.is_empty() {
        return unmatched;
    }
    let holders = holders(people);
    for contact in contacts {
        let by_upn = contact.upn.as_ref().map(|upn| ("upn", upn.as_str(), ""));
        let by_id = contact.id.as_ref().map(|id| ("id", id.as_str(), ""));
        let at_school = contact
            .id
            .as_ref()
            .filter(|_| !contact.school.is_empty())
            .map(|id| ("id", id.as_str(), contact.school.as_str()));
        let found =
            [by_upn, at_school, by_id]
                .into_iter()
                .flatten()
                .find_map(|(kind, number, school)| {
                    holders.get(&(kind, number.to_owned(), school.to_owned()))
                });
        match found {
            Some(Holder::One(index)) => {
                let keys = &mut people[*index].contacts;
                keys.extend(contact.keys.iter().cloned());
                keys.sort();
                keys.dedup();
            }
            Some(Holder::Several) => unmatched.ambiguous += 1,
            None => unmatched.unknown += 1,
        }
    }
    unmatched
}

fn holders(people: &[Person]) -> HashMap<(&'static str, String, String), Holder> {
    let mut holders = HashMap::new();
    for (index, person) in people.iter().enumerate() {
        let mut hold = |kind, number: &String, school: &str| {
            holders
                .entry((kind, number.clone(), school.to_owned()))
                .and_modify(|holder| *holder = Holder::Several)
                .or_insert(Holder::One(index));
        };
        if let Some(upn) = &person.upn {
            hold("upn", upn, "");
        }
        if let Some(id) = &person.id {
            hold("id", id, "");
            if !person.school.is_empty() {
                hold("id", id, &person.school);
            }
        }
    }
    holders
}

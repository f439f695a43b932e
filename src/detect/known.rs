//! What is kept of pupils beside their names: date of birth, form, contacts' addresses, and who has which number.
//!
//! # Invariants
//! Nothing but keyed hashes: the questions that can be asked are whether a given date, form, address or number is the pupil's.

use crate::detect::context::is_word_at;
use crate::detect::token::Keys;
use crate::roster::{Date, Roster};

/// A form (class) that pupils are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) hash: u64,
    /// Bytes of its name.
    pub(super) len: u32,
    /// It holds a digit, so that it is no everyday word.
    pub(super) coded: bool,
}

/// No form is on the roster.
const NO_FORM: u32 = u32::MAX;
/// No date is on the roster.
const NO_DATE: u32 = 0;

/// Who has which number, by the number's hash, ascending.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Owners(pub(super) Vec<(u64, u32)>);

impl Owners {
    fn of(mut list: Vec<(u64, u32)>) -> Self {
        list.sort_unstable();
        // Two pupils with one number is a fault of the roster; the later row wins, as it does for names.
        list.reverse();
        list.dedup_by_key(|(hash, _)| *hash);
        list.reverse();
        list.shrink_to_fit();
        Self(list)
    }

    fn get(&self, hash: u64) -> Option<u32> {
        let place = self.0.binary_search_by_key(&hash, |(known, _)| *known);
        place.ok().map(|place| self.0[place].1)
    }
}

/// The facts about all pupils, by their number.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Known {
    pub(super) born: Vec<u32>,
    pub(super) form: Vec<u32>,
    pub(super) forms: Vec<Form>,
    /// Where each pupil's contacts end; they begin where those of the pupil before end.
    pub(super) contact_ends: Vec<u32>,
    pub(super) contacts: Vec<u64>,
    pub(super) upns: Owners,
    pub(super) ulns: Owners,
}

impl Known {
    /// Hashes what the roster says.
    pub(super) fn build(keys: &Keys, roster: &Roster) -> Self {
        let mut known = Self::default();
        let mut numbers = std::collections::HashMap::new();
        let (mut upns, mut ulns) = (Vec::new(), Vec::new());
        for (number, person) in roster.people.iter().enumerate() {
            let number = number as u32;
            known
                .born
                .push(person.born.map_or(NO_DATE, |date| date_hash(keys, date)));
            let form = form_of(keys, &person.form).map_or(NO_FORM, |form| {
                *numbers.entry(form.hash).or_insert_with(|| {
                    known.forms.push(form);
                    known.forms.len() as u32 - 1
                })
            });
            known.form.push(form);
            known
                .contacts
                .extend(person.contacts.iter().map(|key| contact_hash(keys, key)));
            known.contact_ends.push(known.contacts.len() as u32);
            for upn in person.upn.iter().chain(&person.former_upn) {
                upns.push((number_hash(keys, "upn", upn.as_bytes()), number));
            }
            if let Some(uln) = &person.uln {
                ulns.push((number_hash(keys, "uln", uln.as_bytes()), number));
            }
        }
        known.upns = Owners::of(upns);
        known.ulns = Owners::of(ulns);
        known
    }

    /// How many pupils there are.
    pub fn len(&self) -> usize {
        self.born.len()
    }

    /// Whether the roster gives a date of birth.
    pub fn has_date(&self, person: u32) -> bool {
        self.born
            .get(person as usize)
            .is_some_and(|born| *born != NO_DATE)
    }

    /// Whether a pupil was born on this day.
    pub fn is_born(&self, keys: &Keys, person: u32, date: Date) -> bool {
        self.born.get(person as usize) == Some(&date_hash(keys, date))
    }

    /// Whether a text names the pupil's form. A form that is a word ("Oak", "Elm") counts only where `words` allows it.
    pub fn has_form(&self, keys: &Keys, person: u32, text: &[u8], words: bool) -> bool {
        let form = self.form.get(person as usize);
        let Some(form) = form.and_then(|form| self.forms.get(*form as usize)) else {
            return false;
        };
        let len = form.len as usize;
        if !(form.coded || words) || text.len() < len {
            return false;
        }
        (0..=text.len() - len).any(|at| {
            let candidate = &text[at..at + len];
            is_word_at(text, at, len)
                && form.coded == candidate.iter().any(u8::is_ascii_digit)
                && form_hash(keys, candidate) == form.hash
        })
    }

    /// Whether an address ([`crate::mail::Address::key`]) is that of a registered contact of the pupil.
    pub fn is_contact(&self, keys: &Keys, person: u32, address: &str) -> bool {
        let person = person as usize;
        let Some(end) = self.contact_ends.get(person) else {
            return false;
        };
        let start = person
            .checked_sub(1)
            .map_or(0, |before| self.contact_ends[before]);
        let contacts = self
            .contacts
            .get(start as usize..*end as usize)
            .unwrap_or_default();
        !contacts.is_empty() && contacts.contains(&contact_hash(keys, address))
    }

    /// Whose UPN this is, now or formerly.
    pub fn by_upn(&self, keys: &Keys, upn: &[u8]) -> Option<u32> {
        self.upns.get(number_hash(keys, "upn", upn))
    }

    /// Whose ULN this is.
    pub fn by_uln(&self, keys: &Keys, uln: &[u8]) -> Option<u32> {
        self.ulns.get(number_hash(keys, "uln", uln))
    }

    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        (self.born.len() + self.form.len() + self.contact_ends.len()) * 4
            + self.contacts.len() * 8
            + self.forms.len() * size_of::<Form>()
            + (self.upns.0.len() + self.ulns.0.len()) * 16
    }
}

fn date_hash(keys: &Keys, date: Date) -> u32 {
    let [low, high] = date.year.to_le_bytes();
    keys.value("born", &[low, high, date.month, date.day]) as u32 | 1
}

fn form_of(keys: &Keys, form: &str) -> Option<Form> {
    (form.len() > 1).then(|| Form {
        hash: form_hash(keys, form.as_bytes()),
        len: form.len() as u32,
        coded: form.bytes().any(|byte| byte.is_ascii_digit()),
    })
}

fn form_hash(keys: &Keys, form: &[u8]) -> u64 {
    keys.value("form", &form.to_ascii_lowercase()) as u64
}

fn contact_hash(keys: &Keys, address: &str) -> u64 {
    keys.value("contact", address.as_bytes()) as u64
}

fn number_hash(keys: &Keys, kind: &str, number: &[u8]) -> u64 {
    keys.value(kind, number) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::RosterKind;

    #[test]
    fn facts_answer_questions_and_nothing_else() {
        let text = "Forename,Surname,Date of birth,Form,UPN,Parent email\n\
                    Ada,Ashgrove,05/02/2014,7A,,kim@home.example\n\
                    Ben,Birchwood,,Oak,,\n\
                    Cai,Cedarholt,06/02/2014,,,";
        let (roster, _) = Roster::import(text.as_bytes(), RosterKind::Pupils).expect("a roster");
        let keys = Keys::new([3; 16]);
        let known = Known::build(&keys, &roster);
        let day = |text| Date::parse(text).expect("a date");
        assert_eq!(known.len(), 3);
        assert!(known.is_born(&keys, 0, day("5 Feb 2014")));
        assert!(!known.is_born(&keys, 0, day("6 Feb 2014")));
        assert!(!known.is_born(&keys, 1, day("5 Feb 2014")) && !known.has_date(1));
        assert!(known.has_form(&keys, 0, b"in 7a, today", false));
        assert!(!known.has_form(&keys, 0, b"in 17A or 7AB", true));
        assert!(known.has_form(&keys, 1, b"the oak class", true));
        assert!(!known.has_form(&keys, 1, b"the oak class", false));
        assert!(!known.has_form(&keys, 2, b"7A Oak", true));
        assert!(known.is_contact(&keys, 0, "kim@home.example"));
        assert!(!known.is_contact(&keys, 1, "kim@home.example"));
        assert!(!known.is_contact(&keys, 9, "kim@home.example"));
    }
}

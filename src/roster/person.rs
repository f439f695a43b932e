//! People as a trust's systems know them, and the roster that holds them.
//!
//! # Invariants
//! Neither type prints a name, a date of birth, an identifier or an address through `Debug`.

use std::fmt;

use crate::roster::date::Date;

/// Which kind of people a file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RosterKind {
    /// Pupils.
    Pupils,
    /// Members of staff.
    Staff,
}

/// A forename and a surname; either may be empty, never both.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct FullName {
    /// The forename.
    pub forename: String,
    /// The surname.
    pub surname: String,
}

impl fmt::Debug for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FullName(..)")
    }
}

/// One pupil or member of staff.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The number in the school's own system.
    pub id: Option<String>,
    /// The legal name.
    pub legal: FullName,
    /// What they are known as; empty parts are as in the legal name.
    pub preferred: FullName,
    /// An earlier name; empty parts are as in the legal name.
    pub former: FullName,
    /// Middle names, separated by spaces.
    pub middle: String,
    /// Date of birth.
    pub born: Option<Date>,
    /// Unique pupil number, upper case without spaces.
    pub upn: Option<String>,
    /// A unique pupil number held before, upper case without spaces.
    pub former_upn: Option<String>,
    /// Unique learner number.
    pub uln: Option<String>,
    /// Year group as written.
    pub year: String,
    /// Form, class or registration group as written.
    pub form: String,
    /// School as written.
    pub school: String,
    /// Keys ([`crate::mail::Address::key`]) of registered contacts' addresses.
    pub contacts: Vec<String>,
    /// Keys of the person's own addresses.
    pub addresses: Vec<String>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}

impl Person {
    /// Forenames this person may be written with, the legal one first.
    pub fn forenames(&self) -> Vec<&str> {
        distinct([
            &self.legal.forename,
            &self.preferred.forename,
            &self.former.forename,
        ])
    }

    /// Surnames this person may be written with, the legal one first.
    pub fn surnames(&self) -> Vec<&str> {
        distinct([
            &self.legal.surname,
            &self.preferred.surname,
            &self.former.surname,
        ])
    }
}

fn distinct(names: [&String; 3]) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::with_capacity(3);
    for name in names {
        if !name.is_empty() && !found.contains(&name.as_str()) {
            found.push(name);
        }
    }
    found
}

/// The people of one or several schools.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// The people in the order of the file.
    pub people: Vec<Person>,
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roster({} people)", self.people.len())
    }
}

impl Roster {
    /// Adds the people of another file of the same trust.
    pub fn extend(&mut self, other: Self) {
        self.people.extend(other.people);
    }

    /// How many people it lists.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether it lists nobody.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }
}

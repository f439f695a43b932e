//! A row of a table as a person, by the meanings of the columns.
//!
//! # Invariants
//! Columns with passwords are in no [`Map`], so they are never copied out of the record they stand in.

use csv::StringRecord;

use crate::mail::Address;
use crate::roster::columns::{self, Column};
use crate::roster::date::Date;
use crate::roster::naming;
use crate::roster::person::{FullName, Person, RosterKind};
use crate::roster::report::ColumnUse;

/// Which field of a record holds what.
pub(super) struct Map(Vec<(Column, usize)>);

impl Map {
    /// The map of these columns.
    pub(super) fn of(columns: &[(String, ColumnUse)]) -> Self {
        let mapped = columns
            .iter()
            .enumerate()
            .filter_map(|(index, (_, what))| match what {
                ColumnUse::Mapped(column) => Some((*column, index)),
                ColumnUse::Unmapped | ColumnUse::Dropped => None,
            });
        Self(mapped.collect())
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.0.iter().any(|(known, _)| *known == column)
    }

    /// Whether rows can name people.
    pub(super) fn has_names(&self) -> bool {
        let forename = self.has(Column::Forename) || self.has(Column::PreferredForename);
        let surname = self.has(Column::Surname) || self.has(Column::PreferredSurname);
        (forename && surname) || self.has(Column::FullName)
    }

    pub(super) fn all<'r>(
        &self,
        record: &'r StringRecord,
        column: Column,
    ) -> impl Iterator<Item = &'r str> {
        self.0
            .iter()
            .filter(move |(known, _)| *known == column)
            .filter_map(|(_, index)| record.get(*index))
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    pub(super) fn get<'r>(&self, record: &'r StringRecord, column: Column) -> &'r str {
        self.all(record, column).next().unwrap_or_default()
    }

    /// The person of a row, or why there is none.
    pub(super) fn person(
        &self,
        record: &StringRecord,
        kind: RosterKind,
    ) -> Result<Person, &'static str> {
        if record.iter().all(str::is_empty) {
            return Err("empty");
        }
        self.belongs(record, kind)?;
        let owned = |column| self.get(record, column).to_owned();
        let some = |column| Some(owned(column)).filter(|text| !text.is_empty());
        let mut person = Person {
            id: some(Column::Id),
            legal: self.name(record, Column::Forename, Column::Surname),
            preferred: self.name(record, Column::PreferredForename, Column::PreferredSurname),
            former: self.name(record, Column::FormerForename, Column::FormerSurname),
            middle: owned(Column::Middle),
            born: date(self.get(record, Column::Born)),
            upn: some(Column::Upn).map(|upn| compact(&upn)),
            former_upn: some(Column::FormerUpn).map(|upn| compact(&upn)),
            uln: some(Column::Uln).map(|uln| compact(&uln)),
            year: owned(Column::Year),
            form: owned(Column::Form),
            school: owned(Column::School),
            contacts: addresses(self.all(record, Column::ContactEmail)),
            addresses: addresses(self.all(record, Column::OwnEmail)),
        };
        self.complete(record, &mut person);
        let preferred = naming::forename_of(&person.preferred.forename, &person.legal.surname);
        person.preferred.forename = preferred.to_owned();
        if person.legal.forename.is_empty() && person.legal.surname.is_empty() {
            return Err("no name");
        }
        Ok(person)
    }

    /// Legal parts that are missing come from the full name, then from the preferred one.
    fn complete(&self, record: &StringRecord, person: &mut Person) {
        if person.legal.forename.is_empty() || person.legal.surname.is_empty() {
            let (whole, middle) = naming::split_full_name(self.get(record, Column::FullName));
            naming::fill(&mut person.legal, &whole);
            if person.middle.is_empty() {
                person.middle = middle;
            }
        }
        let preferred = person.preferred.clone();
        naming::fill(&mut person.legal, &preferred);
    }

    /// Files of users list everybody: only the kind that was asked for counts, and nobody marked for deletion. Of several roles
    /// one is enough.
    fn belongs(&self, record: &StringRecord, kind: RosterKind) -> Result<(), &'static str> {
        let state = columns::plain(self.get(record, Column::State));
        if state == "tobedeleted" {
            return Err("marked for deletion");
        }
        let written = self.get(record, Column::Role);
        let mut roles = written.split([';', ',', '|']).filter_map(role).peekable();
        if roles.peek().is_none() {
            return Ok(());
        }
        let wanted = match kind {
            RosterKind::Pupils => Role::Pupil,
            RosterKind::Staff => Role::Staff,
        };
        match (kind, roles.any(|role| role == wanted)) {
            (_, true) => Ok(()),
            (RosterKind::Pupils, false) => Err("not a pupil"),
            (RosterKind::Staff, false) => Err("not staff"),
        }
    }

    fn name(&self, record: &StringRecord, forename: Column, surname: Column) -> FullName {
        FullName {
            forename: naming::without_title(self.get(record, forename)).to_owned(),
            surname: self.get(record, surname).to_owned(),
        }
    }
}

/// What somebody is at a school.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Learns there.
    Pupil,
    /// Works there.
    Staff,
    /// Belongs to a pupil.
    Family,
}

/// A role as OneRoster 1.1 and 1.2 and School Data Sync name it; nothing for words that say neither.
pub(super) fn role(written: &str) -> Option<Role> {
    let plain = columns::plain(written);
    match plain.as_str() {
        "student" | "pupil" | "learner" => Some(Role::Pupil),
        "parent" | "guardian" | "relative" | "carer" => Some(Role::Family),
        "aide" | "counselor" | "proctor" | "principal" | "faculty" | "professor" | "staff"
        | "lecturer" | "headteacher" => Some(Role::Staff),
        _ if plain.contains("teacher") || plain.contains("admin") => Some(Role::Staff),
        _ => None,
    }
}

/// A date as people write it, or the bare number of a spreadsheet cell that lost its format (days of 1927 to 2064).
fn date(text: &str) -> Option<Date> {
    Date::parse(text).or_else(|| {
        let serial = text.parse().ok()?;
        (10_000..60_000)
            .contains(&serial)
            .then(|| Date::of_sheet_day(serial))?
    })
}

/// An identifier as it is compared: upper case, letters and digits only.
pub(super) fn compact(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// The keys of all addresses in some fields.
pub(super) fn addresses<'r>(fields: impl Iterator<Item = &'r str>) -> Vec<String> {
    let mut found: Vec<String> = fields
        .flat_map(|field| field.split([';', ',', ' ', '\n', '|']))
        .filter_map(|text| Address::parse(text.trim_matches(['<', '>', '"'])).ok())
        .map(|address| address.key())
        .collect();
    found.sort();
    found.dedup();
    found
}

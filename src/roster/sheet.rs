//! A table of people, from whatever format it came: headers and rows go in, people and a report come out.
//!
//! # Invariants
//! Columns with passwords are never copied out of the row they stand in. A table without names is an error that says which headers
//! were seen; a row without a full name is skipped and counted.

use crate::mail::Address;
use crate::roster::columns::{self, Column};
use crate::roster::date::Date;
use crate::roster::import::RosterError;
use crate::roster::person::{FullName, Person, Roster, RosterKind};
use crate::roster::report::{ColumnUse, Format, ImportReport, SkippedRow};

/// Headers and the rows below them.
#[derive(Default)]
pub(super) struct Sheet {
    /// As they are written.
    pub(super) headers: Vec<String>,
    /// The rows; none for one that could not be read.
    pub(super) rows: Vec<Option<Vec<String>>>,
    /// Number in the file of the first of them.
    pub(super) first_row: usize,
    /// Dates may stand as days since the end of 1899.
    pub(super) serial_dates: bool,
    /// What the format's reader has to say of rows.
    pub(super) warnings: Vec<SkippedRow>,
}

impl Sheet {
    /// Whether its headers name people.
    pub(super) fn names_people(&self, kind: RosterKind) -> bool {
        Map::of(&uses(&self.headers, kind)).has_names()
    }

    /// The column with one of these headers, compared without case and punctuation.
    pub(super) fn column(&self, names: &[&str]) -> Option<usize> {
        let is = |header: &String| names.contains(&columns::plain(header).as_str());
        self.headers.iter().position(is)
    }

    /// The people it lists.
    pub(super) fn people(
        self,
        format: Format,
        kind: RosterKind,
    ) -> Result<(Roster, ImportReport), RosterError> {
        let mut report = ImportReport {
            format,
            columns: uses(&self.headers, kind),
            warnings: self.warnings,
            ..ImportReport::default()
        };
        let map = Map::of(&report.columns);
        if !map.has_names() {
            return Err(RosterError::NoNames(self.headers));
        }
        let mut roster = Roster::default();
        for (index, record) in self.rows.into_iter().enumerate() {
            report.rows += 1;
            let row = self.first_row + index;
            let Some(mut record) = record else {
                report.broken_rows += 1;
                let reason = "broken";
                report.skipped.push(SkippedRow { row, reason });
                continue;
            };
            if self.serial_dates {
                map.read_serial(&mut record);
            }
            match map.person(&record, kind) {
                Ok(person) => {
                    if person.born.is_none() && !map.get(&record, Column::Born).is_empty() {
                        let reason = "date of birth is no date and was left out";
                        report.warnings.push(SkippedRow { row, reason });
                    }
                    *report.schools.entry(person.school.clone()).or_default() += 1;
                    roster.people.push(person);
                }
                Err(reason) => report.skipped.push(SkippedRow { row, reason }),
            }
        }
        report.warnings.sort_by_key(|warning| warning.row);
        report.people = roster.people.len();
        if roster.is_empty() {
            return Err(RosterError::Nobody);
        }
        Ok((roster, report))
    }
}

fn uses(headers: &[String], kind: RosterKind) -> Vec<(String, ColumnUse)> {
    let mut taken = Vec::new();
    headers
        .iter()
        .map(|header| {
            let header = header.trim_matches('\u{feff}').trim();
            let what = if columns::is_password(header) {
                ColumnUse::Dropped
            } else {
                match columns::meaning(header, kind) {
                    Some(column)
                        if column == Column::ContactEmail || column == Column::OwnEmail =>
                    {
                        ColumnUse::Mapped(column)
                    }
                    Some(column) if !taken.contains(&column) => {
                        taken.push(column);
                        ColumnUse::Mapped(column)
                    }
                    _ => ColumnUse::Unmapped,
                }
            };
            (header.to_owned(), what)
        })
        .collect()
}

/// Which field of a record holds what.
struct Map(Vec<(Column, usize)>);

impl Map {
    fn of(columns: &[(String, ColumnUse)]) -> Self {
        let mapped = columns
            .iter()
            .enumerate()
            .filter_map(|(index, (_, what))| match what {
                ColumnUse::Mapped(column) => Some((*column, index)),
                ColumnUse::Unmapped | ColumnUse::Dropped => None,
            });
        Self(mapped.collect())
    }

    fn has(&self, column: Column) -> bool {
        self.0.iter().any(|(known, _)| *known == column)
    }

    fn has_names(&self) -> bool {
        let forename = self.has(Column::Forename) || self.has(Column::PreferredForename);
        let surname = self.has(Column::Surname) || self.has(Column::PreferredSurname);
        (forename && surname) || self.has(Column::FullName)
    }

    fn all<'r>(&self, record: &'r [String], column: Column) -> impl Iterator<Item = &'r str> {
        self.0
            .iter()
            .filter(move |(known, _)| *known == column)
            .filter_map(|(_, index)| record.get(*index))
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    }

    /// A workbook keeps a date as the days since the end of 1899.
    fn read_serial(&self, record: &mut [String]) {
        let born = self.0.iter().filter(|(known, _)| *known == Column::Born);
        for (_, index) in born {
            if let Some(cell) = record.get_mut(*index)
                && let Some(date) = Date::from_serial(cell.trim())
            {
                *cell = date.written();
            }
        }
    }

    fn get<'r>(&self, record: &'r [String], column: Column) -> &'r str {
        self.all(record, column).next().unwrap_or_default()
    }

    fn person(&self, record: &[String], kind: RosterKind) -> Result<Person, &'static str> {
        if record.iter().all(String::is_empty) {
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
            born: Date::parse(self.get(record, Column::Born)),
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
        if person.legal.forename.is_empty() && person.legal.surname.is_empty() {
            return Err("no name");
        }
        Ok(person)
    }

    /// Legal parts that are missing come from the full name, then from the preferred one.
    fn complete(&self, record: &[String], person: &mut Person) {
        if person.legal.forename.is_empty() || person.legal.surname.is_empty() {
            let (whole, middle) = split_full_name(self.get(record, Column::FullName));
            fill(&mut person.legal, &whole);
            if person.middle.is_empty() {
                person.middle = middle;
            }
        }
        let preferred = person.preferred.clone();
        fill(&mut person.legal, &preferred);
    }

    /// OneRoster files list everybody: only the kind that was asked for counts, and nobody marked for deletion.
    fn belongs(&self, record: &[String], kind: RosterKind) -> Result<(), &'static str> {
        let state = columns::plain(self.get(record, Column::State));
        if state == "tobedeleted" {
            return Err("marked for deletion");
        }
        let role = columns::plain(self.get(record, Column::Role));
        let adult = [
            "parent",
            "guardian",
            "relative",
            "teacher",
            "aide",
            "administrator",
            "proctor",
            "staff",
        ];
        let is_pupil = matches!(role.as_str(), "student" | "pupil" | "learner");
        match kind {
            RosterKind::Pupils if adult.contains(&role.as_str()) => Err("not a pupil"),
            RosterKind::Staff
                if is_pupil || ["parent", "guardian", "relative"].contains(&role.as_str()) =>
            {
                Err("not staff")
            }
            RosterKind::Pupils | RosterKind::Staff => Ok(()),
        }
    }

    fn name(&self, record: &[String], forename: Column, surname: Column) -> FullName {
        FullName {
            forename: without_title(self.get(record, forename)).to_owned(),
            surname: self.get(record, surname).to_owned(),
        }
    }
}

fn fill(name: &mut FullName, from: &FullName) {
    if name.forename.is_empty() {
        name.forename.clone_from(&from.forename);
    }
    if name.surname.is_empty() {
        name.surname.clone_from(&from.surname);
    }
}

const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "master",
    "prof",
    "professor",
    "sir",
    "dame",
    "rev",
    "revd",
];

fn without_title(name: &str) -> &str {
    match name.split_once(char::is_whitespace) {
        Some((first, rest)) if TITLES.contains(&columns::plain(first).as_str()) => {
            rest.trim_start()
        }
        _ => name,
    }
}

/// Particles that begin a surname when a full name is written forename first.
const PARTICLES: &[&str] = &[
    "van", "von", "de", "del", "della", "di", "da", "dos", "du", "le", "la", "al", "el", "bin",
    "ibn", "ter", "ten", "st", "st.", "mc", "mac", "ó", "o", "ní", "ap",
];

/// Splits "Surname, Forename Middle" and "Forename Middle Surname".
fn split_full_name(text: &str) -> (FullName, String) {
    let text = without_title(text.trim());
    if let Some((surname, rest)) = text.split_once(',') {
        let rest = without_title(rest.trim());
        let (forename, middle) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let name = FullName {
            forename: forename.to_owned(),
            surname: surname.trim().to_owned(),
        };
        return (name, middle.trim().to_owned());
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let [first, inner @ .., last] = &words[..] else {
        let name = FullName {
            forename: String::new(),
            surname: text.to_owned(),
        };
        return (name, String::new());
    };
    let start = inner
        .iter()
        .position(|word| PARTICLES.contains(&word.to_lowercase().as_str()))
        .unwrap_or(inner.len());
    let (middle, particles) = inner.split_at(start);
    let mut surname = particles.to_vec();
    surname.push(last);
    let name = FullName {
        forename: (*first).to_owned(),
        surname: surname.join(" "),
    };
    (name, middle.join(" "))
}

fn compact(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn addresses<'r>(fields: impl Iterator<Item = &'r str>) -> Vec<String> {
    let mut found: Vec<String> = fields
        .flat_map(|field| field.split([';', ',', ' ', '\n', '|']))
        .filter_map(|text| Address::parse(text.trim_matches(['<', '>', '"'])).ok())
        .map(|address| address.key())
        .collect();
    found.sort();
    found.dedup();
    found
}

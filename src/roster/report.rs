//! What an import did, for the administrator's eyes.
//!
//! # Invariants
//! Rows are named by number. The only names in a report are those of [`RiskyName`], which does not print them through `Debug`.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::roster::columns::Column;
use crate::roster::person::{Person, Roster};
use crate::roster::{frequent, ordinary};

/// What became of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnUse {
    /// It was read with this meaning.
    Mapped(Column),
    /// Its meaning is not known, or another column has it already.
    Unmapped,
    /// It held passwords and was dropped.
    Dropped,
}

/// A row that named nobody, or that was read with a doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRow {
    /// The sheet or file it stands in; empty where there is but one.
    pub place: Arc<str>,
    /// Its number there, the header line being 1; of files without lines the number of the record.
    pub row: usize,
    /// Why, in plain words.
    pub reason: &'static str,
}

/// How an import went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// What was read, such as "CSV" or "Common Transfer File"; several joined by " and ".
    pub format: String,
    /// Files and sheets of a set with what each was read for; empty where there is but one.
    pub files: Vec<(String, String)>,
    /// Every header with what became of its column.
    pub columns: Vec<(String, ColumnUse)>,
    /// Rows after the header.
    pub rows: usize,
    /// People read.
    pub people: usize,
    /// Rows of contacts read from files of their own.
    pub contacts: usize,
    /// People for each school as it was written.
    pub schools: BTreeMap<String, usize>,
    /// Rows left out.
    pub skipped: Vec<SkippedRow>,
    /// Rows that were read, but not all of what they say; in the order of the file.
    pub warnings: Vec<SkippedRow>,
    /// The text was cut short by broken quoting or a wrong column count in so many rows.
    pub broken_rows: usize,
}

impl ImportReport {
    /// Notes a format that was read, once.
    pub(super) fn is_of(&mut self, format: &str) {
        if self.format.split(" and ").any(|known| known == format) {
            return;
        }
        if !self.format.is_empty() {
            self.format.push_str(" and ");
        }
        self.format.push_str(format);
    }
}

/// Why a name needs care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Risk {
    /// Both parts are ordinary English words: found only with capitals and something that confirms it.
    OrdinaryWords,
    /// A member of staff has the same name: low confidence unless something confirms the pupil.
    SharedWithStaff,
    /// Forename or surname is missing: never found by name.
    SingleName,
    /// Forename and surname are the same word: never found by name alone.
    Repeated,
    /// Both parts are among the commonest in the country: found like any name, but it may be somebody else.
    Frequent,
}

impl Risk {
    /// How the name is treated, in plain words.
    pub fn treatment(self) -> &'static str {
        match self {
            Self::OrdinaryWords => "made of ordinary words: needs capitals and a second sign",
            Self::SharedWithStaff => "a member of staff has this name: low confidence alone",
            Self::SingleName => "only one name: never found by name",
            Self::Repeated => "one word twice: needs a second sign",
            Self::Frequent => {
                "very common names: found as any full name, medium alone; a second sign tells the pupil"
            }
        }
    }
}

/// A name that needs care.
#[derive(Clone, PartialEq, Eq)]
pub struct RiskyName {
    /// Place in [`Roster::people`].
    pub index: usize,
    /// Forename and surname, to be shown to the administrator only.
    pub name: String,
    /// Why.
    pub risk: Risk,
}

impl fmt::Debug for RiskyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RiskyName({}, {:?})", self.index, self.risk)
    }
}

impl Roster {
    /// Names that need care, with how each is treated.
    pub fn risky_names(&self, staff: &Roster) -> Vec<RiskyName> {
        let staff: HashSet<String> = staff.people.iter().flat_map(spellings).collect();
        let mut found = Vec::new();
        for (index, person) in self.people.iter().enumerate() {
            let mut add = |risk| {
                found.push(RiskyName {
                    index,
                    name: format!("{} {}", person.legal.forename, person.legal.surname)
                        .trim()
                        .to_owned(),
                    risk,
                });
            };
            if person.legal.forename.is_empty() || person.legal.surname.is_empty() {
                add(Risk::SingleName);
                continue;
            }
            if person
                .legal
                .forename
                .eq_ignore_ascii_case(&person.legal.surname)
            {
                add(Risk::Repeated);
            }
            if ordinary::is_word(&person.legal.forename) && ordinary::is_word(&person.legal.surname)
            {
                add(Risk::OrdinaryWords);
            }
            if frequent::is_frequent(&person.legal.forename, &person.legal.surname) {
                add(Risk::Frequent);
            }
            if spellings(person).iter().any(|name| staff.contains(name)) {
                add(Risk::SharedWithStaff);
            }
        }
        found
    }
}

fn spellings(person: &Person) -> Vec<String> {
    let mut found = Vec::new();
    for forename in person.forenames() {
        for surname in person.surnames() {
            found.push(format!("{forename} {surname}").to_lowercase());
        }
    }
    found
}

//! Importing exports of a school's systems: the bytes of files in, people and reports out.
//!
//! What a file is shows in its bytes, not in its name: CSV, a workbook, an archive, CTF XML or JSON. Names count only within a set
//! (`users.csv` beside `orgs.csv`), and for contacts.
//!
//! # Invariants
//! Columns with passwords are never copied out of the record they stand in. A file without names is an error that knows
//! which headers were seen; a row without a full name is skipped and counted. Nothing is half imported: an error leaves no people.

use std::sync::Arc;

use csv::StringRecord;

use crate::roster::columns::{self, Column};
use crate::roster::contacts::Contact;
use crate::roster::person::{Person, Roster, RosterKind};
use crate::roster::report::{ColumnUse, ImportReport, SkippedRow};
use crate::roster::rows::Map;
use crate::roster::{contacts, ctf, decode, delimited, json, same, sets, unpack, xlsx};

/// Why a file is no roster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// There is no header line.
    #[error("file is empty")]
    Empty,
    /// No columns with forename and surname, or a full name; the headers that were seen. They are shown only if they are headers: a
    /// file without a header line begins with somebody's data.
    #[error("no columns for names among the headers: {}", shown(.0))]
    NoNames(Vec<String>),
    /// Every row was skipped.
    #[error("no row names a person")]
    Nobody,
    /// The bytes are none that can be read as a roster.
    #[error("{what}; {mend}")]
    Unreadable {
        /// What was found.
        what: &'static str,
        /// What to do about it.
        mend: &'static str,
    },
    /// One file or sheet of a set cannot be used.
    #[error("`{file}`: {source}")]
    In {
        /// Its name in the folder or archive.
        file: String,
        /// What is wrong with it.
        source: Box<RosterError>,
    },
}

impl RosterError {
    /// The headers that were seen, for the administrator's eyes: they may be somebody's data.
    pub fn headers(&self) -> &[String] {
        match self {
            Self::NoNames(headers) => headers,
            Self::In { source, .. } => source.headers(),
            Self::Empty | Self::Nobody | Self::Unreadable { .. } => &[],
        }
    }

    /// The same of a file in a set.
    pub(super) fn of_file(self, file: &str) -> Self {
        Self::In {
            file: file.to_owned(),
            source: Box::new(self),
        }
    }
}

/// Headers in a text that may be logged. A header line has a header that is known, and nothing that only data have.
fn shown(headers: &[String]) -> String {
    let data =
        |text: &String| text.contains('@') || text.bytes().filter(u8::is_ascii_digit).count() >= 4;
    let known = headers.iter().any(|header| {
        // "Reg" is a forename too.
        columns::plain(header) != "reg"
            && (columns::is_password(header)
                || columns::meaning(header, RosterKind::Pupils).is_some())
    });
    if known && !headers.iter().any(data) {
        return headers.join(", ");
    }
    format!(
        "{} fields in the first line, none of them a known header; put a line such as `Forename,Surname,UPN` on top",
        headers.len()
    )
}

/// One file of an import.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// Its path within its folder, with `/`; only names of sets are compared.
    pub name: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
}

impl std::fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({} bytes)", self.bytes.len())
    }
}

/// An import under way: exports of one school after another, then contacts joined to people.
#[derive(Debug)]
pub struct Import {
    kind: RosterKind,
    people: Vec<Person>,
    contacts: Vec<Contact>,
}

impl Import {
    /// An import of people of this kind.
    pub fn new(kind: RosterKind) -> Self {
        Self {
            kind,
            people: Vec::new(),
            contacts: Vec::new(),
        }
    }

    /// Reads one export: a file, or all files of a folder.
    pub fn add(&mut self, files: &[File<'_>]) -> Result<ImportReport, RosterError> {
        let mut report = ImportReport::default();
        let (people, rows) = (self.people.len(), self.contacts.len());
        let mut draft = Draft {
            kind: self.kind,
            place: Arc::from(""),
            name: String::new(),
            report: &mut report,
            people: &mut self.people,
            contacts: &mut self.contacts,
        };
        let done = sets::read(&mut draft, files);
        report.people = self.people.len() - people;
        report.contacts = self.contacts.len() - rows;
        let done = match done {
            Ok(()) if report.people == 0 && report.contacts == 0 => Err(RosterError::Nobody),
            done => done,
        };
        if let Err(error) = done {
            self.people.truncate(people);
            self.contacts.truncate(rows);
            return Err(error);
        }
        report
            .warnings
            .sort_by(|a, b| (&a.place, a.row).cmp(&(&b.place, b.row)));
        Ok(report)
    }

    /// The people of all that was added; with how many contacts belong to nobody, or to several.
    pub fn finish(mut self) -> (Roster, Unmatched) {
        same::unite(&mut self.people);
        let unmatched = contacts::join(&mut self.people, &self.contacts);
        (
            Roster {
                people: self.people,
            },
            unmatched,
        )
    }
}

/// Rows of contacts that could not be given to a pupil.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unmatched {
    /// No pupil has the number.
    pub unknown: usize,
    /// Several pupils have the number.
    pub ambiguous: usize,
}

impl Roster {
    /// Reads one file that stands alone.
    pub fn import(bytes: &[u8], kind: RosterKind) -> Result<(Self, ImportReport), RosterError> {
        let mut import = Import::new(kind);
        let report = import.add(&[File { name: "", bytes }])?;
        let (roster, _) = import.finish();
        if roster.is_empty() {
            return Err(RosterError::Nobody);
        }
        Ok((roster, report))
    }
}

/// Where the readers of formats put what they find.
pub(super) struct Draft<'i> {
    pub(super) kind: RosterKind,
    /// The file or sheet being read; empty where there is but one.
    pub(super) place: Arc<str>,
    /// Its name, which may say that it lists contacts.
    pub(super) name: String,
    pub(super) report: &'i mut ImportReport,
    people: &'i mut Vec<Person>,
    contacts: &'i mut Vec<Contact>,
}

/// What the rows of a table are.
pub(super) struct Table {
    map: Map,
    of_contacts: bool,
}

impl Table {
    /// A table with these columns in a file of this name, if its rows can be used.
    pub(super) fn of(
        columns: &[(String, ColumnUse)],
        kind: RosterKind,
        name: &str,
    ) -> Option<Self> {
        let map = Map::of(columns);
        let pupils = [
            Column::Born,
            Column::Year,
            Column::Form,
            Column::ContactEmail,
        ];
        let names_of_contacts =
            contacts::is_name_of_contacts(name) && !pupils.iter().any(|column| map.has(*column));
        let linked = map.has(Column::Upn) || map.has(Column::Id);
        let reachable = map.has(Column::ContactEmail) || map.has(Column::OwnEmail);
        let of_contacts = kind == RosterKind::Pupils
            && linked
            && reachable
            && (!map.has_names() || names_of_contacts);
        (of_contacts || map.has_names()).then_some(Self { map, of_contacts })
    }
}

/// What a line at the top of a table is.
pub(super) enum Line {
    /// It names columns, those for names among them.
    Header,
    /// It may be a report's title: the header can follow.
    Title,
    /// It names columns, but none for names: no header follows.
    Data,
}

/// Lines above a header line that may hold a report's title.
pub(super) const TITLE_LINES: usize = 20;

impl Draft<'_> {
    /// What a line at the top of a table is. Below the first, a lone word such as "Pupil" makes no header.
    pub(super) fn line<'h>(&self, fields: impl Iterator<Item = &'h str>, first: bool) -> Line {
        let columns = columns::uses(fields, self.kind);
        let known = columns
            .iter()
            .filter(|(_, used)| *used != ColumnUse::Unmapped)
            .count();
        let filled = columns.iter().filter(|(text, _)| !text.is_empty()).count();
        if (first || known > 1) && Table::of(&columns, self.kind, &self.name).is_some() {
            Line::Header
        } else if known > 0 && filled > 1 {
            Line::Data
        } else {
            Line::Title
        }
    }

    /// The table that these columns make, if its rows can be used.
    pub(super) fn names_in(&self, columns: &[(String, ColumnUse)]) -> Result<Table, RosterError> {
        Table::of(columns, self.kind, &self.name).ok_or_else(|| {
            let headers = columns.iter().map(|(header, _)| header.clone());
            RosterError::NoNames(headers.collect())
        })
    }

    /// Begins a table: its columns are noted, and whether its rows can be used.
    pub(super) fn table(
        &mut self,
        columns: Vec<(String, ColumnUse)>,
    ) -> Result<Table, RosterError> {
        let table = self.names_in(&columns)?;
        let place = self.place.to_string();
        for (header, mut used) in columns {
            if table.of_contacts && used == ColumnUse::Mapped(Column::OwnEmail) {
                used = ColumnUse::Mapped(Column::ContactEmail);
            }
            let header = if place.is_empty() {
                header
            } else {
                format!("{place}: {header}")
            };
            self.report.columns.push((header, used));
        }
        Ok(table)
    }

    /// Reads a row of a table.
    pub(super) fn row(&mut self, table: &Table, row: usize, record: &StringRecord) {
        self.report.rows += 1;
        if table.of_contacts {
            match contacts::of_row(&table.map, record) {
                Ok(contact) => self.contacts.push(contact),
                Err(reason) => self.skip(row, reason),
            }
            return;
        }
        let person = match table.map.person(record, self.kind) {
            Ok(person) => person,
            Err(reason) => return self.skip(row, reason),
        };
        if person.born.is_none() && !table.map.get(record, Column::Born).is_empty() {
            self.warn(row, "date of birth is no date and was left out");
        }
        match self.report.schools.get_mut(&person.school) {
            Some(count) => *count += 1,
            None => {
                self.report.schools.insert(person.school.clone(), 1);
            }
        }
        self.people.push(person);
    }

    /// Notes a row that was left out.
    pub(super) fn skip(&mut self, row: usize, reason: &'static str) {
        let place = Arc::clone(&self.place);
        self.report.skipped.push(SkippedRow { place, row, reason });
    }

    /// Notes a row that was not read whole.
    pub(super) fn warn(&mut self, row: usize, reason: &'static str) {
        let place = Arc::clone(&self.place);
        self.report.warnings.push(SkippedRow { place, row, reason });
    }

    /// Notes what a file or sheet of a set was read for.
    pub(super) fn note(&mut self, file: &str, what: &str) {
        self.report.files.push((file.to_owned(), what.to_owned()));
    }

    /// Reads one file by what its bytes are; archives are unpacked before.
    pub(super) fn file(&mut self, bytes: &[u8]) -> Result<(), RosterError> {
        refuse_what_is_no_text(bytes)?;
        if unpack::is_archive(bytes) {
            return xlsx::read(self, bytes);
        }
        let text = decode::text(bytes);
        match text.trim_start().as_bytes().first() {
            Some(b'<') => ctf::read(self, &text),
            Some(b'{' | b'[') => json::read(self, &text),
            _ => delimited::read(self, &text),
        }
    }

    /// Reads the only file there is.
    pub(super) fn only_file(&mut self, file: File<'_>) -> Result<(), RosterError> {
        last(file.name).clone_into(&mut self.name);
        self.file(file.bytes)
    }

    /// Reads one file of several, and names it in whatever is wrong with it.
    pub(super) fn file_of_set(&mut self, file: File<'_>) -> Result<(), RosterError> {
        self.place = Arc::from(file.name);
        last(file.name).clone_into(&mut self.name);
        let done = self.file(file.bytes);
        self.place = Arc::from("");
        done.map_err(|error| error.of_file(file.name))
    }
}

/// A file's name without its folders.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn refuse_what_is_no_text(bytes: &[u8]) -> Result<(), RosterError> {
    let unreadable = |what, mend| Err(RosterError::Unreadable { what, mend });
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return unreadable(
            "found an old Excel workbook (.xls), or one with a password",
            "save it as .xlsx without a password, or as CSV",
        );
    }
    if bytes.starts_with(b"%PDF") {
        return unreadable("found a PDF", "export the roster as CSV or .xlsx");
    }
    Ok(())
}

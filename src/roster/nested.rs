//! Records with fields in fields, as JSON and transfer files have them, as rows of a table: each path is a column.
//!
//! # Invariants
//! Only values of columns that mean something are kept; a path through a field of passwords is dropped. Paths are bounded.

use std::collections::HashMap;

use csv::StringRecord;

use crate::roster::columns::{self, Column};
use crate::roster::import::{Draft, RosterError};
use crate::roster::person::RosterKind;
use crate::roster::report::ColumnUse;

/// Different paths of one file; Wonde with every include has about 150.
const PATHS: usize = 1_024;
/// Values of one record that count: a pupil has a handful of contacts.
const VALUES: usize = 256;
/// Bytes of one value that count.
const VALUE_BYTES: usize = 4_096;

/// Records on their way into a table.
pub(super) struct Records {
    kind: RosterKind,
    columns: Vec<(String, ColumnUse)>,
    paths: HashMap<String, Option<usize>>,
    taken: Vec<Column>,
    rows: Vec<Vec<(usize, String)>>,
}

impl Records {
    /// No records yet.
    pub(super) fn new(kind: RosterKind) -> Self {
        Self {
            kind,
            columns: Vec::new(),
            paths: HashMap::new(),
            taken: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Begins the next record.
    pub(super) fn begin(&mut self) {
        self.rows.push(Vec::new());
    }

    /// Takes a value of the present record. Of several values at one path the first counts, of addresses all.
    pub(super) fn value(&mut self, path: &[&str], value: &str) {
        let shown = path.join("/");
        let place = match self.paths.get(&shown) {
            Some(place) => *place,
            None if self.paths.len() == PATHS => return,
            None => self.add(path, shown),
        };
        let (Some(place), Some(row)) = (place, self.rows.last_mut()) else {
            return;
        };
        let value = value.trim();
        if value.is_empty() || value.len() > VALUE_BYTES || row.len() == VALUES {
            return;
        }
        let many = matches!(
            self.columns[place].1,
            ColumnUse::Mapped(Column::ContactEmail | Column::OwnEmail)
        );
        if many || row.iter().all(|(known, _)| *known != place) {
            row.push((place, value.to_owned()));
        }
    }

    /// Adds a column; gives its place if its values are wanted.
    fn add(&mut self, path: &[&str], shown: String) -> Option<usize> {
        let mut used = meaning(path, self.kind);
        if let ColumnUse::Mapped(column) = used {
            let many = matches!(column, Column::ContactEmail | Column::OwnEmail);
            // Which of two columns is the legal name shows only when all are seen: `finish` says.
            let named = matches!(column, Column::Forename | Column::Surname);
            if !many && !named && self.taken.contains(&column) {
                used = ColumnUse::Unmapped;
            }
            self.taken.push(column);
        }
        let place = matches!(used, ColumnUse::Mapped(_)).then_some(self.columns.len());
        self.columns.push((shown.clone(), used));
        self.paths.insert(shown, place);
        place
    }

    /// Hands all records on, with one more column whose value is the same for all.
    pub(super) fn finish(
        mut self,
        draft: &mut Draft<'_>,
        school: Option<(&str, &str)>,
    ) -> Result<(), RosterError> {
        self.settle_names();
        let width = self.columns.len();
        if let Some((path, _)) = school {
            let used = ColumnUse::Mapped(Column::School);
            self.columns.push((path.to_owned(), used));
        }
        let table = draft.table(self.columns)?;
        for (index, row) in self.rows.into_iter().enumerate() {
            let mut fields = vec![String::new(); width];
            for (place, value) in row {
                let field = &mut fields[place];
                if !field.is_empty() {
                    field.push(';');
                }
                field.push_str(&value);
            }
            fields.extend(school.map(|(_, name)| name.to_owned()));
            draft.row(&table, index + 1, &StringRecord::from(fields));
        }
        Ok(())
    }

    fn settle_names(&mut self) {
        let names: Vec<usize> = (0..self.columns.len())
            .filter(|place| {
                let used = &self.columns[*place].1;
                matches!(used, ColumnUse::Mapped(column) if is_name(*column))
            })
            .collect();
        let last = |place: &usize| {
            let path = self.columns[*place].0.as_str();
            path.rsplit('/').next().unwrap_or(path)
        };
        let settled = columns::uses(names.iter().map(last), self.kind);
        for (place, (_, used)) in names.into_iter().zip(settled) {
            self.columns[place].1 = used;
        }
    }
}

fn is_name(column: Column) -> bool {
    matches!(
        column,
        Column::Forename
            | Column::Surname
            | Column::PreferredForename
            | Column::PreferredSurname
            | Column::FormerForename
            | Column::FormerSurname
    )
}

/// Fields that only hold others.
const WRAPPERS: &[&str] = &[
    "data",
    "attributes",
    "basicdetails",
    "educationdetails",
    "extendeddetails",
    "contactdetails",
];

/// What a path means.
fn meaning(path: &[&str], kind: RosterKind) -> ColumnUse {
    if path.iter().any(|name| columns::is_password(name)) {
        return ColumnUse::Dropped;
    }
    let plain: Vec<String> = path.iter().map(|name| columns::plain(name)).collect();
    let inner: Vec<&str> = plain
        .iter()
        .map(String::as_str)
        .filter(|name| !WRAPPERS.contains(name))
        .collect();
    let of = |name: &str| columns::meaning(name, kind);
    let column = match inner[..] {
        [name] => of(name),
        [whose, .., last] if is_of_contacts(whose) => {
            let reachable = last.contains("email") || inner.contains(&"emails");
            let wanted = reachable && kind == RosterKind::Pupils && !is_kind_of_address(last);
            wanted.then_some(Column::ContactEmail)
        }
        ["dateofbirth" | "dob" | "birthdate", "date"] => Some(Column::Born),
        [
            whole @ ("year" | "yeargroup" | "form" | "formgroup" | "registration"
            | "registrationgroup" | "school"),
            "name" | "code" | "schoolname",
        ] => of(whole),
        ["email" | "emails", last] if !is_kind_of_address(last) => Some(Column::OwnEmail),
        _ => None,
    };
    column.map_or(ColumnUse::Unmapped, ColumnUse::Mapped)
}

fn is_of_contacts(name: &str) -> bool {
    ["contact", "contacts", "parents", "guardians", "carers"].contains(&name)
}

/// Fields beside an address that say which of several it is.
fn is_kind_of_address(name: &str) -> bool {
    ["type", "isprimary", "kind", "label", "notes"].contains(&name)
}

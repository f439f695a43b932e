//! Sets of CSV files that belong together: OneRoster 1.1 and 1.2, School Data Sync v1, v1 for the United Kingdom, v2 and v2.1.
//!
//! What the people's file does not say is joined to it by its number of the person: dates of birth, roles, names of schools, and the
//! addresses of agents and guardians, who are registered contacts.
//!
//! # Standards
//! IMS OneRoster 1.1 and 1.2 CSV binding; Microsoft School Data Sync CSV file formats.

use std::collections::HashMap;

use crate::roster::delimited;
use crate::roster::import::RosterError;
use crate::roster::person::{Roster, RosterKind};
use crate::roster::report::{Format, ImportReport};
use crate::roster::sheet::Sheet;

type Files = [(String, Vec<u8>)];

const IDS: &[&str] = &["sourcedid", "sisid", "id"];
const USER_IDS: &[&str] = &[
    "usersourcedid",
    "userid",
    "studentsisid",
    "sisid",
    "sourcedid",
    "studentid",
];
const EMAILS: &[&str] = &["email", "emailaddress"];

/// Reads a set of files, whatever folder they stand in.
pub(super) fn read(files: &Files, kind: RosterKind) -> Result<(Roster, ImportReport), RosterError> {
    let own = match kind {
        RosterKind::Pupils => ["users", "student", "students"],
        RosterKind::Staff => ["users", "teacher", "teachers"],
    };
    let Some((main, mut people)) = own
        .iter()
        .find_map(|name| Some((*name, sheet(files, name)?)))
    else {
        let seen = files.iter().map(|(name, _)| name.clone()).collect();
        return Err(RosterError::NoPeopleFile(seen));
    };
    let sheets = |name: &str| sheet(files, name);
    let format = if main == "users"
        && sheets("manifest")
            .or_else(|| sheets("demographics"))
            .is_some()
    {
        Format::OneRoster
    } else {
        Format::SchoolDataSync
    };
    name_schools(&mut people, sheets("orgs").or_else(|| sheets("school")));
    let births = sheets("demographics").map(|sheet| pairs(&sheet, USER_IDS, &["birthdate"]));
    join(&mut people, "Date of Birth", &births.unwrap_or_default());
    if people.column(&["role", "roles"]).is_none() {
        let roles = sheets("roles").map(|sheet| pairs(&sheet, USER_IDS, &["role"]));
        join(&mut people, "Role", &roles.unwrap_or_default());
    }
    let contacts = contacts(&people, files);
    join(&mut people, "Contact Email", &contacts);
    people.people(format, kind)
}

fn sheet(files: &Files, name: &str) -> Option<Sheet> {
    let is = |path: &str| {
        let file = path
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or(path)
            .to_ascii_lowercase();
        file.strip_suffix(".csv") == Some(name)
    };
    let (_, bytes) = files.iter().find(|(path, _)| is(path))?;
    delimited::read(bytes).ok()
}

/// The values of one column by those of another; several of one key are joined with semicolons.
fn pairs(sheet: &Sheet, keys: &[&str], values: &[&str]) -> HashMap<String, String> {
    let column = |names: &[&str]| names.iter().find_map(|name| sheet.column(&[name]));
    let mut found: HashMap<String, String> = HashMap::new();
    let (Some(key), Some(value)) = (column(keys), column(values)) else {
        return found;
    };
    for row in sheet.rows.iter().flatten() {
        if let (Some(key), Some(value)) = (row.get(key), row.get(value))
            && !value.is_empty()
        {
            let known = found.entry(key.clone()).or_default();
            if !known.is_empty() {
                known.push(';');
            }
            known.push_str(value);
        }
    }
    found
}

/// Adds a column with the value for each person's number, unless nobody has one.
fn join(people: &mut Sheet, header: &str, values: &HashMap<String, String>) {
    let Some(id) = IDS
        .iter()
        .find_map(|name| people.column(&[name]))
        .filter(|_| !values.is_empty())
    else {
        return;
    };
    let width = people.headers.len();
    people.headers.push(header.to_owned());
    for row in people.rows.iter_mut().flatten() {
        let value = row
            .get(id)
            .and_then(|id| values.get(id))
            .cloned()
            .unwrap_or_default();
        row.resize(width, String::new());
        row.push(value);
    }
}

/// Puts the names of schools in the place of their numbers.
fn name_schools(people: &mut Sheet, schools: Option<Sheet>) {
    let column = people.column(&[
        "orgsourcedids",
        "schoolsisid",
        "schooldfenumber",
        "orgsourcedid",
    ]);
    let (Some(column), Some(schools)) = (column, schools) else {
        return;
    };
    let keys = ["sourcedid", "sisid", "dfenumber", "schooldfenumber", "id"];
    let names = pairs(&schools, &keys, &["name", "schoolname"]);
    for row in people.rows.iter_mut().flatten() {
        let Some(cell) = row.get_mut(column) else {
            continue;
        };
        let named: Vec<&str> = cell
            .split([',', ';'])
            .map(|id| names.get(id.trim()).map_or(id.trim(), String::as_str))
            .collect();
        *cell = named.join(", ");
    }
}

/// Addresses of agents (OneRoster) and guardians (School Data Sync), by the pupil's number.
fn contacts(people: &Sheet, files: &Files) -> HashMap<String, String> {
    let addresses = pairs(people, IDS, EMAILS);
    let mut found: HashMap<String, String> = HashMap::new();
    let mut add = |pupil: &str, address: &str| {
        let known = found.entry(pupil.to_owned()).or_default();
        known.push_str(address);
        known.push(';');
    };
    for (pupil, agents) in pairs(people, IDS, &["agentsourcedids"]) {
        for agent in agents.split([',', ';']).map(str::trim) {
            if let Some(address) = addresses.get(agent) {
                add(&pupil, address);
            }
        }
    }
    for name in [
        "relationships",
        "guardianrelationship",
        "guardianrelationships",
        "studentcontacts",
    ] {
        let Some(relations) = sheet(files, name) else {
            continue;
        };
        let guardians = pairs(
            &relations,
            USER_IDS,
            &["relationshipusersourcedid", "relateduserid"],
        );
        for (pupil, guardians) in guardians {
            for guardian in guardians.split(';') {
                if let Some(address) = addresses.get(guardian) {
                    add(&pupil, address);
                }
            }
        }
        for (pupil, emails) in pairs(&relations, USER_IDS, EMAILS) {
            add(&pupil, &emails);
        }
    }
    found
}

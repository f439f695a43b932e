//! OneRoster and School Data Sync: tables that refer to each other, joined into one row a person.
//!
//! # Standards
//! OneRoster 1.1 and 1.2 CSV (`users.csv`, `demographics.csv`, `orgs.csv`, `roles.csv`); School Data Sync v1 and v1 UK (`student.csv`,
//! `teacher.csv`, `school.csv`, `guardianrelationship.csv`), v2, v2.1 (`relationships.csv`); plural names as Clever writes them.
//!
//! # Invariants
//! A guardian's address becomes a contact only if the tables say so, and never that of a pupil or a member of staff: contacts may be
//! sent what is found of the pupil.
//!
//! # Known gaps
//! Classes and enrolments are not read, so forms are known only where a column of the users names them.

use std::collections::{HashMap, HashSet};

use csv::StringRecord;

use crate::roster::columns::{self, Column};
use crate::roster::import::{Draft, File, RosterError, last};
use crate::roster::person::RosterKind;
use crate::roster::report::ColumnUse;
use crate::roster::rows::{Role, role};
use crate::roster::{decode, delimited};

/// A file with its plain name.
pub(super) struct Member<'a> {
    file: File<'a>,
    plain: String,
}

impl<'a> Member<'a> {
    /// The file as a member of a set.
    pub(super) fn of(file: File<'a>) -> Self {
        Self {
            file,
            plain: last(file.name).to_ascii_lowercase(),
        }
    }
}

/// A set with the table of its people.
pub(super) struct Set<'m, 'a> {
    members: &'m [Member<'a>],
    people: &'m Member<'a>,
}

/// The set that these files are, if they are one: alone, a table of people is a CSV like any other.
pub(super) fn set<'m, 'a>(members: &'m [Member<'a>], kind: RosterKind) -> Option<Set<'m, 'a>> {
    let names: &[&str] = match kind {
        RosterKind::Pupils => &["users.csv", "student.csv", "students.csv"],
        RosterKind::Staff => &["users.csv", "teacher.csv", "teachers.csv", "staff.csv"],
    };
    let beside = [
        "orgs.csv",
        "roles.csv",
        "demographics.csv",
        "relationships.csv",
        "school.csv",
        "schools.csv",
        "guardianrelationship.csv",
        "classes.csv",
        "section.csv",
        "sections.csv",
        "enrollments.csv",
        "manifest.csv",
        "user.csv",
        "student.csv",
        "students.csv",
        "teacher.csv",
        "teachers.csv",
    ];
    let has = |name: &str| members.iter().any(|member| member.plain == name);
    let people = names
        .iter()
        .find_map(|name| members.iter().find(|member| member.plain == *name))?;
    let joined = beside.iter().any(|name| *name != people.plain && has(name));
    joined.then_some(Set { members, people })
}

/// A table of a set.
struct Table {
    headers: Vec<String>,
    rows: Vec<StringRecord>,
}

impl Table {
    fn of(bytes: &[u8]) -> Self {
        let text = decode::text(bytes);
        let mut records = delimited::records(&text);
        let headers = records.next().unwrap_or_default();
        let headers: Vec<String> = headers.iter().map(columns::plain).collect();
        // Passwords go no further than the text.
        let secret: Vec<bool> = headers
            .iter()
            .map(|text| columns::is_password(text))
            .collect();
        let kept = |record: StringRecord| -> StringRecord {
            let keep = |index: usize| !secret.get(index).copied().unwrap_or(false);
            let fields = record.iter().enumerate();
            fields
                .map(|(index, text)| if keep(index) { text } else { "" })
                .collect()
        };
        let rows = records.map(kept).collect();
        Self { headers, rows }
    }

    /// The place of the first of these columns that there is.
    fn column(&self, names: &[&str]) -> Option<usize> {
        let at = |name: &&str| self.headers.iter().position(|header| header == name);
        names.iter().find_map(at)
    }

    fn each(&self, column: Option<usize>) -> impl Iterator<Item = (&StringRecord, &str)> {
        let rows = self.rows.iter();
        rows.filter_map(move |row| {
            Some((row, row.get(column?)?)).filter(|(_, text)| !text.is_empty())
        })
    }
}

const ID: &[&str] = &["sourcedid", "sisid", "studentid", "teacherid", "id"];

/// What the other tables say of people, by their number in the set.
#[derive(Default)]
struct Known {
    schools: HashMap<String, String>,
    /// Roles, and the organisation of the primary one, from a table of roles.
    roles: HashMap<String, (Vec<String>, String)>,
    born: HashMap<String, String>,
    contacts: HashMap<String, Vec<String>>,
    /// Who is somebody's guardian, and by no role a pupil or a member of staff.
    guardians: HashSet<String>,
}

impl Set<'_, '_> {
    /// Reads the people of the set.
    pub(super) fn read(&self, draft: &mut Draft<'_>) -> Result<(), RosterError> {
        let people = self.people.file;
        let text = decode::text(people.bytes);
        let headers = delimited::records(&text).next().ok_or(RosterError::Empty);
        let headers = headers.map_err(|error| error.of_file(people.name))?;
        draft.place = people.name.into();
        draft.name.clone_from(&self.people.plain);
        let mut used = columns::uses(headers.iter(), draft.kind);
        draft
            .names_in(&used)
            .map_err(|error| error.of_file(people.name))?;
        let users = Table::of(people.bytes);
        let known = self.known(&users, draft);
        draft.report.is_of(self.format(&users));
        let joined = [
            ("role", Column::Role, known.says_roles()),
            (
                "name of the school",
                Column::School,
                !known.schools.is_empty(),
            ),
            (
                "demographics.csv: birthDate",
                Column::Born,
                !known.born.is_empty(),
            ),
            (
                "addresses of guardians",
                Column::ContactEmail,
                !known.contacts.is_empty(),
            ),
        ];
        let mut all: Vec<(String, ColumnUse)> = Vec::new();
        for (shown, column, present) in joined {
            if present {
                all.push((format!("({shown})"), ColumnUse::Mapped(column)));
            }
        }
        let added = all.len();
        all.append(&mut used);
        let table = draft.table(all)?;
        let id = users.column(ID);
        let org = users.column(&[
            "orgsourcedids",
            "orgsourcedid",
            "schoolsisid",
            "schooldfenumber",
            "schoolid",
        ]);
        for (index, user) in users.rows.iter().enumerate() {
            let number = id.and_then(|id| user.get(id)).unwrap_or_default();
            let org = org.and_then(|org| user.get(org)).unwrap_or_default();
            if known.lacks_role(number) {
                if draft.kind == RosterKind::Staff {
                    draft.report.rows += 1;
                    draft.skip(index + 2, "no role");
                    continue;
                }
                draft.warn(index + 2, "no role: taken for a pupil");
            }
            let mut record = StringRecord::new();
            record.extend(known.fields(number, org));
            debug_assert_eq!(
                record.len(),
                added,
                "a field for each column that was added"
            );
            record.extend(user.iter());
            draft.row(&table, index + 2, &record);
        }
        draft.note(people.name, "people");
        draft.place = "".into();
        let contacts = self.members.iter().filter(|member| is_of_contacts(member));
        contacts
            .map(|member| member.file)
            .try_for_each(|file| draft.file_of_set(file))
    }

    fn known(&self, users: &Table, draft: &mut Draft<'_>) -> Known {
        let mut known = Known::default();
        let mut links = Vec::new();
        let mut addresses: HashMap<String, (String, Option<Role>)> = HashMap::new();
        for member in self.members {
            let table = || Table::of(member.file.bytes);
            let what = match member.plain.as_str() {
                _ if std::ptr::eq(member, self.people) => continue,
                "orgs.csv" | "school.csv" | "schools.csv" => {
                    known.add_schools(&table());
                    "schools"
                }
                "roles.csv" => {
                    known.add_roles(&table());
                    "roles"
                }
                "demographics.csv" => {
                    known.add_births(&table());
                    "dates of birth"
                }
                "relationships.csv" | "guardianrelationship.csv" => {
                    links.extend(relationships(&table()));
                    "guardians"
                }
                _ if is_of_contacts(member) => "contacts",
                _ => "not used",
            };
            draft.note(member.file.name, what);
        }
        known.add_addresses(users, &mut addresses);
        links.extend(agents(users, &addresses));
        known.link(links, &addresses);
        known
    }

    fn format(&self, users: &Table) -> &'static str {
        let has = |name: &str| users.column(&[name]).is_some();
        let joined = |name: &str| self.members.iter().any(|member| member.plain == name);
        if self.people.plain != "users.csv" {
            if has("schooldfenumber") {
                "School Data Sync v1 UK"
            } else if has("studentid") || has("teacherid") {
                "Clever"
            } else {
                "School Data Sync v1"
            }
        } else if has("activedirectorymatchid") || joined("relationships.csv") {
            "School Data Sync v2.1"
        } else if joined("roles.csv") {
            "OneRoster 1.2"
        } else if has("enableduser") || has("agentsourcedids") || has("identifier") {
            "OneRoster 1.1"
        } else {
            "School Data Sync v2"
        }
    }
}

/// A file that is of no standard set, but lists contacts.
fn is_of_contacts(member: &Member<'_>) -> bool {
    member.plain.contains("contact")
}

/// That somebody is a pupil's guardian: the pupil's number, and the guardian's number or address.
type Link = (String, String);

/// Relationships as School Data Sync lists them. Roles beside the family's own, such as a doctor's, make no contact.
fn relationships(table: &Table) -> Vec<Link> {
    let pupil = table.column(&["usersourcedid", "sourcedid", "sisid", "id"]);
    let guardian = table.column(&["relationshipusersourcedid", "contactsourcedid", "email"]);
    let kind = table.column(&["relationshiprole", "role"]);
    let found = table.each(pupil).filter_map(|(row, pupil)| {
        let kind = kind.and_then(|kind| row.get(kind)).unwrap_or_default();
        let family = matches!(
            columns::plain(kind).as_str(),
            "" | "parent" | "guardian" | "relative" | "carer" | "other"
        );
        let guardian = row.get(guardian?).filter(|_| family)?;
        Some((pupil.to_owned(), guardian.to_owned()))
    });
    found.collect()
}

/// Relationships as OneRoster lists them: a pupil's row names the agents, or a parent's row the children.
fn agents(users: &Table, addresses: &HashMap<String, (String, Option<Role>)>) -> Vec<Link> {
    let listed = users.column(&["agentsourcedids", "agents"]);
    let id = users.column(ID);
    let mut found = Vec::new();
    for (row, agents) in users.each(listed) {
        let Some(id) = id.and_then(|id| row.get(id)) else {
            continue;
        };
        let is_family = addresses
            .get(id)
            .is_some_and(|(_, role)| *role == Some(Role::Family));
        for agent in agents.split([',', ';', '|']).map(str::trim) {
            found.push(if is_family {
                (agent.to_owned(), id.to_owned())
            } else {
                (id.to_owned(), agent.to_owned())
            });
        }
    }
    found
}

impl Known {
    fn add_schools(&mut self, table: &Table) {
        let name = table.column(&["name", "schoolname"]);
        for column in [
            "sourcedid",
            "sisid",
            "dfenumber",
            "schooldfenumber",
            "schoolid",
            "id",
            "schoolnumber",
            "identifier",
        ] {
            for (row, id) in table.each(table.column(&[column])) {
                if let Some(name) = name.and_then(|name| row.get(name)) {
                    let known = self.schools.entry(id.to_owned());
                    known.or_insert_with(|| name.to_owned());
                }
            }
        }
    }

    fn add_roles(&mut self, table: &Table) {
        let user = table.column(&["usersourcedid", "userid"]);
        let role = table.column(&["role"]);
        let org = table.column(&["orgsourcedid", "orgsourcedids"]);
        let kind = table.column(&["roletype", "isprimary"]);
        let state = table.column(&["status"]);
        for (row, user) in table.each(user) {
            let text =
                |column: Option<usize>| column.and_then(|at| row.get(at)).unwrap_or_default();
            if columns::plain(text(state)) == "tobedeleted" {
                continue;
            }
            let (roles, primary) = self.roles.entry(user.to_owned()).or_default();
            roles.push(text(role).to_owned());
            let is_primary = matches!(columns::plain(text(kind)).as_str(), "primary" | "true");
            if primary.is_empty() || is_primary {
                text(org).clone_into(primary);
            }
        }
    }

    fn add_births(&mut self, table: &Table) {
        let user = table.column(&["usersourcedid", "sourcedid"]);
        let born = table.column(&["birthdate", "dateofbirth", "dob"]);
        for (row, user) in table.each(user) {
            if let Some(born) = born.and_then(|born| row.get(born)) {
                self.born.insert(user.to_owned(), born.to_owned());
            }
        }
    }

    fn add_addresses(
        &self,
        users: &Table,
        addresses: &mut HashMap<String, (String, Option<Role>)>,
    ) {
        let email = users.column(&["email", "secondaryemail", "username"]);
        let own = users.column(&["role", "roles"]);
        for (row, id) in users.each(users.column(ID)) {
            let text =
                |column: Option<usize>| column.and_then(|at| row.get(at)).unwrap_or_default();
            let role = match self.roles.get(id) {
                Some((roles, _)) => strictest(roles.iter().map(String::as_str)),
                None => strictest(text(own).split([',', ';'])),
            };
            addresses.insert(id.to_owned(), (text(email).to_owned(), role));
        }
    }

    fn link(&mut self, links: Vec<Link>, addresses: &HashMap<String, (String, Option<Role>)>) {
        for (pupil, guardian) in links {
            let address = match addresses.get(&guardian) {
                Some((_, Some(Role::Pupil | Role::Staff))) => continue,
                Some((address, _)) => address.clone(),
                None if guardian.contains('@') => guardian.clone(),
                None => continue,
            };
            self.guardians.insert(guardian);
            if address.contains('@') {
                self.contacts.entry(pupil).or_default().push(address);
            }
        }
    }

    fn says_roles(&self) -> bool {
        !self.roles.is_empty() || !self.guardians.is_empty()
    }

    /// Whether roles are listed, and somebody's is not.
    fn lacks_role(&self, number: &str) -> bool {
        !self.roles.is_empty()
            && !self.roles.contains_key(number)
            && !self.guardians.contains(number)
    }

    /// The fields that the other tables add to a person, in the order of the columns that [`Set::read`] adds.
    fn fields(&self, number: &str, org: &str) -> Vec<String> {
        let roles = self.roles.get(number);
        let mut fields = Vec::with_capacity(4);
        if self.says_roles() {
            fields.push(match roles {
                Some((roles, _)) => roles.join(";"),
                None if self.guardians.contains(number) => "guardian".to_owned(),
                None => String::new(),
            });
        }
        if !self.schools.is_empty() {
            let primary = roles.map(|(_, org)| org.as_str()).into_iter();
            let own = org.split([',', ';']).map(str::trim);
            let found = primary.chain(own).find_map(|id| self.schools.get(id));
            fields.push(found.cloned().unwrap_or_default());
        }
        if !self.born.is_empty() {
            fields.push(self.born.get(number).cloned().unwrap_or_default());
        }
        if !self.contacts.is_empty() {
            let contacts = self.contacts.get(number);
            fields.push(contacts.map(|all| all.join(";")).unwrap_or_default());
        }
        fields
    }
}

/// Of several roles the one that least lets a person be a contact.
fn strictest<'r>(roles: impl Iterator<Item = &'r str>) -> Option<Role> {
    let mut found = None;
    for known in roles.filter_map(role) {
        if known != Role::Family || found.is_none() {
            found = Some(known);
        }
    }
    found
}

//! What a column of an export means, from its header.
//!
//! # Standards
//! Headers of SIMS, Arbor, Bromcom and iSAMS reports, OneRoster 1.1/1.2 `users.csv`, School Data Sync v1/UK/v2/v2.1,
//! flattened Wonde and CTF element names. Reports are user-defined, so headers are compared without case and punctuation.

use crate::roster::person::RosterKind;
use crate::roster::report::ColumnUse;

/// The meaning of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// Number in the school's system.
    Id,
    /// Legal forename.
    Forename,
    /// Legal surname.
    Surname,
    /// Preferred forename.
    PreferredForename,
    /// Preferred surname.
    PreferredSurname,
    /// Former forename.
    FormerForename,
    /// Former surname.
    FormerSurname,
    /// Forename and surname in one column, in either order.
    FullName,
    /// Middle names.
    Middle,
    /// Date of birth.
    Born,
    /// Unique pupil number.
    Upn,
    /// A unique pupil number held before.
    FormerUpn,
    /// Unique learner number.
    Uln,
    /// Year group.
    Year,
    /// Form, class, registration group.
    Form,
    /// School.
    School,
    /// E-mail address of a registered contact.
    ContactEmail,
    /// The person's own e-mail address.
    OwnEmail,
    /// OneRoster role.
    Role,
    /// OneRoster status.
    State,
}

impl Column {
    /// What the column holds, in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "number in the school's system",
            Self::Forename => "legal forename",
            Self::Surname => "legal surname",
            Self::PreferredForename => "preferred forename",
            Self::PreferredSurname => "preferred surname",
            Self::FormerForename => "former or other forename",
            Self::FormerSurname => "former or other surname",
            Self::FullName => "full name",
            Self::Middle => "middle names",
            Self::Born => "date of birth",
            Self::Upn => "unique pupil number",
            Self::FormerUpn => "former unique pupil number",
            Self::Uln => "unique learner number",
            Self::Year => "year group",
            Self::Form => "form or class",
            Self::School => "school",
            Self::ContactEmail => "e-mail address of a contact",
            Self::OwnEmail => "own e-mail address",
            Self::Role => "role",
            Self::State => "status",
        }
    }
}

const SYNONYMS: &[(Column, &[&str])] = &[
    (
        Column::Id,
        &[
            "id",
            "sourcedid",
            "sisid",
            "misid",
            "upi",
            "learnerid",
            "learnercode",
            "adno",
            "admissionno",
            "admissionnumber",
            "studentid",
            "pupilid",
            "personid",
            "txtschoolid",
            "studentnumber",
            "staffid",
            "employeeid",
            "staffcode",
            "arborstudentid",
            "studentsisid",
            "teacherid",
            "wondeid",
        ],
    ),
    (
        Column::Forename,
        &[
            "forename",
            "forenames",
            "firstname",
            "firstnames",
            "givenname",
            "givennames",
            "legalforename",
            "legalfirstname",
            "legalforenames",
            "txtforename",
            "christianname",
            "studentforename",
            "pupilforename",
            "studentfirstname",
            "pupilfirstname",
            "childfirstname",
            "childforename",
            "first",
            "staffforename",
        ],
    ),
    (
        Column::Surname,
        &[
            "surname",
            "lastname",
            "familyname",
            "legalsurname",
            "legallastname",
            "txtsurname",
            "studentsurname",
            "pupilsurname",
            "studentlastname",
            "pupillastname",
            "childsurname",
            "childlastname",
            "last",
            "staffsurname",
        ],
    ),
    (
        Column::PreferredForename,
        &[
            "preferredforename",
            "preferredfirstname",
            "preferredname",
            "knownas",
            "knownasfirstname",
            "chosenname",
            "chosenforename",
            "calledname",
            "txtpreferredname",
            "preferredgivenname",
            "nickname",
        ],
    ),
    (
        Column::PreferredSurname,
        &[
            "preferredsurname",
            "preferredlastname",
            "knownaslastname",
            "knownassurname",
            "chosensurname",
            "preferredfamilyname",
        ],
    ),
    (
        Column::FormerForename,
        &[
            "formerforename",
            "formerfirstname",
            "previousforename",
            "previousfirstname",
        ],
    ),
    (
        Column::FormerSurname,
        &[
            "formersurname",
            "formerlastname",
            "previoussurname",
            "previouslastname",
            "maidenname",
        ],
    ),
    (
        Column::FullName,
        &[
            "name",
            "fullname",
            "studentname",
            "pupilname",
            "student",
            "pupil",
            "displayname",
            "legalname",
            "learnername",
            "childname",
            "childsname",
            "staffname",
            "legalfullname",
            "preferredfullname",
            "teacher",
            "nameofchild",
            "nameofpupil",
        ],
    ),
    (
        Column::Middle,
        &[
            "middlename",
            "middlenames",
            "legalmiddlenames",
            "legalmiddlename",
            "preferredmiddlename",
            "othernames",
            "txtmiddlenames",
        ],
    ),
    (
        Column::Born,
        &[
            "dob",
            "dateofbirth",
            "birthdate",
            "birthday",
            "born",
            "txtdob",
            "dateofbirthdate",
        ],
    ),
    (
        Column::Upn,
        &[
            "upn",
            "uniquepupilnumber",
            "uniquepupilno",
            "stateid",
            "currentupn",
            "pupilupn",
            "studentupn",
            "learnerupn",
            "permanentupn",
        ],
    ),
    (
        Column::FormerUpn,
        &[
            "formerupn",
            "previousupn",
            "oldupn",
            "formeruniquepupilnumber",
        ],
    ),
    (
        Column::Uln,
        &["uln", "uniquelearnernumber", "uniquelearnerno"],
    ),
    (
        Column::Year,
        &[
            "year",
            "yeargroup",
            "ncyear",
            "ncyearactual",
            "yeartaughtin",
            "grade",
            "grades",
            "yr",
            "nationalcurriculumyear",
            "currentyear",
            "yeargroupname",
            "currentncyear",
        ],
    ),
    (
        Column::Form,
        &[
            "form",
            "formgroup",
            "reg",
            "reggroup",
            "registrationgroup",
            "registrationform",
            "tutorgroup",
            "formtutorgroup",
            "class",
            "classname",
            "house",
            "tutor",
            "registration",
        ],
    ),
    (
        Column::School,
        &[
            "school",
            "schoolname",
            "academy",
            "establishment",
            "estab",
            "orgsourcedids",
            "schoolsisid",
            "schooldfenumber",
            "site",
            "campus",
            "schoolid",
            "dfenumber",
            "schooldfeno",
            "estabname",
            "schoolcode",
        ],
    ),
    (
        Column::ContactEmail,
        &[
            "contactemail",
            "contactemails",
            "parentemail",
            "parentemails",
            "guardianemail",
            "careremail",
            "primarycontactemail",
            "emails",
            "parentcareremail",
            "homeemail",
        ],
    ),
    (
        Column::OwnEmail,
        &[
            "email",
            "emailaddress",
            "workemail",
            "secondaryemail",
            "mail",
            "userprincipalname",
            "staffemail",
            "studentemail",
            "pupilemail",
            "workemailaddress",
        ],
    ),
    (Column::Role, &["role", "roles"]),
    (Column::State, &["status", "enabled"]),
];

/// A header as it is compared: lower case, letters and digits only.
pub fn plain(header: &str) -> String {
    header
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a column holds secrets that must not be kept for a moment longer than the line.
pub fn is_password(header: &str) -> bool {
    let plain = plain(header);
    ["password", "passwd", "pwd", "passphrase", "passcode"]
        .iter()
        .any(|word| plain.contains(word))
}

/// What a header means, if it is known.
pub fn meaning(header: &str, kind: RosterKind) -> Option<Column> {
    let plain = plain(header);
    if plain.contains("email") && kind == RosterKind::Pupils {
        let whose = [
            "contact", "parent", "guardian", "carer", "mother", "father", "priority", "family",
            "mum", "dad", "relation",
        ];
        if whose.iter().any(|word| plain.contains(word)) {
            return Some(Column::ContactEmail);
        }
    }
    let found = SYNONYMS
        .iter()
        .find(|(_, names)| names.contains(&plain.as_str()))
        .map(|(column, _)| *column);
    if kind == RosterKind::Staff && found == Some(Column::ContactEmail) {
        return Some(Column::OwnEmail);
    }
    found
}

/// What becomes of every column of a header line.
///
/// Where an export has both a legal name and one without that word ("Legal Surname", "Surname"), the latter is the preferred one.
pub fn uses<'h>(
    headers: impl Iterator<Item = &'h str>,
    kind: RosterKind,
) -> Vec<(String, ColumnUse)> {
    let headers: Vec<&str> = headers
        .map(|header| header.trim_matches('\u{feff}').trim())
        .collect();
    let meanings: Vec<Option<Column>> = headers.iter().map(|text| meaning(text, kind)).collect();
    let legal: Vec<Column> = meanings
        .iter()
        .zip(&headers)
        .filter(|(_, header)| plain(header).starts_with("legal"))
        .filter_map(|(column, _)| *column)
        .collect();
    let mut taken: Vec<Column> = Vec::new();
    let mut take = |header: &str, column: Column| {
        let is_legal = plain(header).starts_with("legal");
        let mut wanted = vec![column];
        if legal.contains(&column) && !is_legal {
            wanted = others(column)
                .iter()
                .copied()
                .filter(|other| !meanings.contains(&Some(*other)))
                .collect();
        }
        let many = matches!(column, Column::ContactEmail | Column::OwnEmail);
        let free = wanted
            .into_iter()
            .find(|column| many || !taken.contains(column));
        taken.extend(free.filter(|_| !many));
        free.map_or(ColumnUse::Unmapped, ColumnUse::Mapped)
    };
    headers
        .iter()
        .zip(&meanings)
        .map(|(header, column)| {
            let what = match column {
                _ if is_password(header) => ColumnUse::Dropped,
                Some(column) => take(header, *column),
                None => ColumnUse::Unmapped,
            };
            ((*header).to_owned(), what)
        })
        .collect()
}

/// Where a name goes that stands beside a legal one.
fn others(column: Column) -> &'static [Column] {
    match column {
        Column::Forename => &[Column::PreferredForename, Column::FormerForename],
        Column::Surname => &[Column::PreferredSurname, Column::FormerSurname],
        _ => &[],
    }
}

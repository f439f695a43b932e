//! Pupils and staff in the shape of Wonde's interface: an object for each person, includes nested below `data`.
//!
//! # Invariants
//! Nesting is bounded by `serde_json` (128). Only the fields named here are kept.
//!
//! # Known gaps
//! The names of includes beyond those of the students' endpoint are not known for certain; addresses are taken from any text with an
//! `@` below `contacts`.

use serde_json::Value;

use crate::roster::import::RosterError;
use crate::roster::sheet::Sheet;

/// Columns, and where in a person's object their values stand; the first that is there counts.
const FIELDS: &[(&str, &[&str])] = &[
    ("ID", &["/mis_id", "/upi", "/id"]),
    ("Legal Surname", &["/legal_surname"]),
    ("Legal Forename", &["/legal_forename"]),
    ("Preferred Surname", &["/surname", "/preferred_surname"]),
    ("Preferred Forename", &["/forename", "/preferred_forename"]),
    ("Former Surname", &["/former_surname"]),
    ("Middle Names", &["/middle_names"]),
    ("Date of Birth", &["/date_of_birth/date", "/date_of_birth"]),
    (
        "UPN",
        &[
            "/education_details/data/upn",
            "/education_details/upn",
            "/upn",
        ],
    ),
    (
        "Former UPN",
        &[
            "/education_details/data/former_upn",
            "/education_details/former_upn",
        ],
    ),
    (
        "ULN",
        &[
            "/education_details/data/learner_number",
            "/education_details/data/uln",
            "/education_details/uln",
            "/uln",
        ],
    ),
    (
        "Year",
        &[
            "/education_details/data/current_nc_year",
            "/year/data/code",
            "/year/code",
            "/year",
        ],
    ),
    (
        "Form",
        &["/registration/data/name", "/form/data/name", "/form"],
    ),
    ("School", &["/school/data/name", "/school/name", "/school"]),
];

const BROKEN: RosterError = RosterError::Broken {
    format: "JSON",
    reason: "a list of people is expected, alone or below \"data\", as Wonde gives it",
};

/// Reads one or several pages of people.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet, RosterError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value = serde_json::from_slice(bytes).map_err(|_| BROKEN)?;
    let people = document
        .get("data")
        .unwrap_or(&document)
        .as_array()
        .ok_or(BROKEN)?;
    let mut headers: Vec<String> = FIELDS
        .iter()
        .map(|(header, _)| (*header).to_owned())
        .collect();
    headers.extend(["Contact Email".to_owned(), "Email".to_owned()]);
    let row = |person: &Value| {
        let mut row: Vec<String> = FIELDS
            .iter()
            .map(|(_, places)| {
                places
                    .iter()
                    .find_map(|place| shown(person.pointer(place)?))
                    .unwrap_or_default()
            })
            .collect();
        for part in ["contacts", "contact_details"] {
            let mut addresses = Vec::new();
            if let Some(value) = person.get(part) {
                collect(value, &mut addresses);
            }
            row.push(addresses.join(";"));
        }
        person.is_object().then_some(row)
    };
    Ok(Sheet {
        headers,
        rows: people.iter().map(row).collect(),
        first_row: 1,
        ..Sheet::default()
    })
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Every text that may be an address.
fn collect<'v>(value: &'v Value, addresses: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if text.contains('@') => addresses.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, addresses)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, addresses)),
        _ => {}
    }
}

//! The Common Transfer File of the Department for Education: one row for each pupil.
//!
//! # Standards
//! DfE Common Transfer File: `CTfile/Header/SourceSchool`, `CTfile/CTFpupilData/Pupil` with `BasicDetails` and `Contacts`. Elements of
//! other versions than were seen are passed over.

use crate::roster::import::RosterError;
use crate::roster::markup::{Step, walk};
use crate::roster::sheet::Sheet;

/// Elements below `Pupil`, and the columns they fill. A column met again in one pupil gets a further value.
const FIELDS: &[(&[&str], &str)] = &[
    (&["UPN"], "UPN"),
    (&["UniqueLearnerNumber"], "ULN"),
    (&["Surname"], "Legal Surname"),
    (&["Forename"], "Legal Forename"),
    (&["DOB"], "Date of Birth"),
    (&["BasicDetails", "FormerUPN"], "Former UPN"),
    (&["BasicDetails", "PreferredSurname"], "Preferred Surname"),
    (&["BasicDetails", "PreferredForename"], "Preferred Forename"),
    (&["BasicDetails", "FormerSurname"], "Former Surname"),
    (&["BasicDetails", "FormerForename"], "Former Forename"),
    (&["BasicDetails", "MiddleNames"], "Middle Names"),
    (&["BasicDetails", "NCyearActual"], "NC Year"),
    (&["Email"], "Email"),
    (&["Contacts", "Contact", "Email"], "Contact Email"),
    (&["Contacts", "Contact", "Emails", "Email"], "Contact Email"),
];
const SCHOOL: &str = "School";

/// Reads a transfer file.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet, RosterError> {
    let mut headers: Vec<&str> = Vec::new();
    for (_, header) in FIELDS {
        if !headers.contains(header) {
            headers.push(header);
        }
    }
    headers.push(SCHOOL);
    let (mut school, mut is_transfer) = (String::new(), false);
    let mut rows: Vec<Option<Vec<String>>> = Vec::new();
    let width = headers.len();
    let whole = walk(bytes, |path, step| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match (&names[..], step) {
            (["CTfile"], Step::Start(_)) => is_transfer = true,
            (["CTfile", "Header", "SourceSchool", "SchoolName"], Step::End(text)) => {
                text.clone_into(&mut school);
            }
            (["CTfile", "CTFpupilData", "Pupil"], Step::Start(_)) => {
                let mut row = vec![String::new(); width];
                if let Some(last) = row.last_mut() {
                    last.clone_from(&school);
                }
                rows.push(Some(row));
            }
            (["CTfile", "CTFpupilData", "Pupil", below @ ..], Step::End(text))
                if !text.is_empty() =>
            {
                let field = FIELDS.iter().find(|(path, _)| *path == below);
                let place = field.and_then(|(_, header)| headers.iter().position(|h| h == header));
                let row = rows.last_mut().and_then(Option::as_mut);
                if let (Some(place), Some(row)) = (place, row) {
                    if !row[place].is_empty() {
                        row[place].push(';');
                    }
                    row[place].push_str(text);
                }
            }
            _ => {}
        }
    });
    if !is_transfer || !whole {
        return Err(RosterError::Broken {
            format: "XML",
            reason: "only Common Transfer Files (CTfile) are read, and whole ones; export it again, or as CSV",
        });
    }
    Ok(Sheet {
        headers: headers.into_iter().map(str::to_owned).collect(),
        rows,
        first_row: 1,
        ..Sheet::default()
    })
}

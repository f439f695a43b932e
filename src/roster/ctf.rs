//! Common Transfer Files of the Department for Education: one pupil an element.
//!
//! # Standards
//! CTF 17 to 21: `CTfile/CTFpupilData/Pupil` with `BasicDetails` and `Contacts/Contact`, the school in
//! `CTfile/Header/SourceSchool`. Elements beyond these are shown as columns that are not used.
//!
//! # Known gaps
//! `SchoolHistory` and the pupil's address are not read.

use crate::roster::import::{Draft, RosterError};
use crate::roster::markup::{self, Step};
use crate::roster::nested::Records;
use crate::roster::person::RosterKind;

const PUPIL: [&str; 3] = ["CTfile", "CTFpupilData", "Pupil"];
const SCHOOL: [&str; 4] = ["CTfile", "Header", "SourceSchool", "SchoolName"];

/// Reads a transfer file.
pub(super) fn read(draft: &mut Draft<'_>, text: &str) -> Result<(), RosterError> {
    if draft.kind == RosterKind::Staff {
        return Err(RosterError::Unreadable {
            what: "found XML; Common Transfer Files list pupils only",
            mend: "export the staff as CSV or .xlsx",
        });
    }
    let mut records = Records::new(draft.kind);
    let (mut path, mut value, mut school) = (Vec::<String>::new(), String::new(), String::new());
    let (mut leaf, mut is_transfer) = (false, false);
    markup::walk(text, |step| match step {
        Step::Start(name, _) => {
            path.push(name.to_owned());
            is_transfer |= path.len() == 1 && name == PUPIL[0];
            if is_at(&path, &PUPIL) && path.len() == PUPIL.len() {
                records.begin();
            }
            (leaf, value) = (true, String::new());
        }
        Step::Text(text) => value.push_str(text),
        Step::End(_) => {
            if leaf && is_at(&path, &PUPIL) && path.len() > PUPIL.len() {
                let inner: Vec<&str> = path[PUPIL.len()..].iter().map(String::as_str).collect();
                records.value(&inner, &value);
            } else if leaf && is_at(&path, &SCHOOL) {
                value.trim().clone_into(&mut school);
            }
            path.pop();
            leaf = false;
        }
    })?;
    if !is_transfer {
        return Err(RosterError::Unreadable {
            what: "found XML or a web page, but no Common Transfer File (CTfile)",
            mend: "export a CTF, or CSV or .xlsx",
        });
    }
    draft.report.is_of("Common Transfer File");
    let school = Some(("Header/SourceSchool/SchoolName", school.as_str()));
    records.finish(draft, school.filter(|(_, name)| !name.is_empty()))
}

fn is_at(path: &[String], wanted: &[&str]) -> bool {
    path.len() >= wanted.len() && path.iter().zip(wanted).all(|(a, b)| a == b)
}

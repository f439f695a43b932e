//! Whole names taken apart: titles, "Surname, Forename", particles.
//!
//! # Known gaps
//! A double surname written without a hyphen behind its forename ("Ana Ruiz Soto") is read as a middle name and a surname.

use crate::roster::columns;
use crate::roster::person::FullName;

/// Fills the empty parts of a name from another.
pub(super) fn fill(name: &mut FullName, from: &FullName) {
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

/// A name without the title before it.
pub(super) fn without_title(name: &str) -> &str {
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
pub(super) fn split_full_name(text: &str) -> (FullName, String) {
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

/// A forename from a "preferred name" column, which some exports fill with the whole name.
pub(super) fn forename_of<'n>(written: &'n str, surname: &str) -> &'n str {
    let written = without_title(written);
    if let Some((_, forename)) = written.split_once(',') {
        return without_title(forename.trim());
    }
    let Some((forename, last)) = written.rsplit_once(char::is_whitespace) else {
        return written;
    };
    if !surname.is_empty() && last.eq_ignore_ascii_case(surname) {
        forename.trim_end()
    } else {
        written
    }
}

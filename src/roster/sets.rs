//! Several files that are one export: a folder or an archive, its OneRoster and School Data Sync sets found by their names.
//!
//! # Invariants
//! Within one folder the files of a set are read together; folders are read apart, so that two schools' `users.csv` do not mix.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::roster::import::{Draft, File, RosterError, last};
use crate::roster::joined::{self, Member};
use crate::roster::unpack::{self, Archive};

/// A file of a set that is held: from the caller, or unpacked here.
struct Held<'a> {
    name: String,
    bytes: Cow<'a, [u8]>,
}

/// Reads what was handed over: one file, or many.
pub(super) fn read(draft: &mut Draft<'_>, files: &[File<'_>]) -> Result<(), RosterError> {
    let mut held = Vec::new();
    for file in files {
        hold(*file, files.len() == 1, &mut held)?;
    }
    held.retain(|file| !is_aside(&file.name));
    held.sort_by(|a, b| a.name.cmp(&b.name));
    if held.is_empty() {
        return Err(RosterError::Empty);
    }
    if let [only] = &held[..] {
        return draft.only_file(File {
            name: &only.name,
            bytes: &only.bytes,
        });
    }
    let mut folders: BTreeMap<&str, Vec<File<'_>>> = BTreeMap::new();
    for file in &held {
        let folder = file.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(File {
            name: &file.name,
            bytes: &file.bytes,
        });
    }
    for files in folders.values() {
        folder(draft, files)?;
    }
    Ok(())
}

/// Keeps a file, or the files of an archive that is no workbook.
fn hold<'a>(file: File<'a>, alone: bool, held: &mut Vec<Held<'a>>) -> Result<(), RosterError> {
    let mut keep = |name: String, bytes| held.push(Held { name, bytes });
    if !unpack::is_archive(file.bytes) {
        keep(file.name.to_owned(), Cow::Borrowed(file.bytes));
        return Ok(());
    }
    let mut archive = Archive::open(file.bytes)?;
    let names = archive.names();
    let is_workbook = names
        .iter()
        .any(|name| name.eq_ignore_ascii_case("xl/workbook.xml"));
    if is_workbook || names.iter().any(|name| name == "mimetype") {
        keep(file.name.to_owned(), Cow::Borrowed(file.bytes));
        return Ok(());
    }
    for inner in names.iter().filter(|name| !is_aside(name)) {
        let bytes = archive.read(inner)?;
        let name = if alone {
            inner.clone()
        } else {
            format!("{}/{inner}", file.name)
        };
        keep(name, Cow::Owned(bytes));
    }
    Ok(())
}

/// Files that systems leave beside others.
fn is_aside(name: &str) -> bool {
    let file = last(name);
    name.starts_with("__MACOSX/") || file.starts_with('.') || file == "Thumbs.db"
}

fn folder(draft: &mut Draft<'_>, files: &[File<'_>]) -> Result<(), RosterError> {
    let members: Vec<Member<'_>> = files.iter().map(|file| Member::of(*file)).collect();
    if let Some(set) = joined::set(&members, draft.kind) {
        return set.read(draft);
    }
    for file in files {
        if is_of_other_kind(file.name) {
            draft.note(file.name, "no kind of file that rosters come in, not read");
        } else {
            draft.file_of_set(*file)?;
            draft.note(file.name, "read");
        }
    }
    Ok(())
}

/// Whether an ending says that a file is no export.
fn is_of_other_kind(name: &str) -> bool {
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| {
        [
            "pdf", "docx", "doc", "md", "html", "png", "jpg", "log", "sha256", "ini",
        ]
        .contains(&ending.as_str())
    })
}

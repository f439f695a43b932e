//! Rosters from disk: each path a file, or a folder that holds one export; all of them one roster.
//!
//! # Invariants
//! Logs name files, counts and reasons, never a person.

use std::path::{Path, PathBuf};

use crate::app::tools::ToolsError;
use crate::roster::{File, Import, ImportReport, Roster, RosterError, RosterKind, Unmatched};

/// Files of one folder that are read.
const FILES: usize = 2_000;
/// Depth to which folders are read.
const FOLDERS: usize = 4;
/// Bytes of one folder that are read.
const BYTES: u64 = 2 << 30;

/// The bytes of every path's files, before anything is read from them.
pub struct Sources<'p>(Vec<(&'p Path, Named)>);

/// Files with their names.
type Named = Vec<(String, Vec<u8>)>;

impl<'p> Sources<'p> {
    /// Reads the files at these paths.
    pub fn read(paths: &'p [PathBuf]) -> Result<Self, ToolsError> {
        let held = |path: &'p PathBuf| files(path).map(|files| (path.as_path(), files));
        Ok(Self(paths.iter().map(held).collect::<Result<_, _>>()?))
    }

    /// The names and contents of all files, in a fixed order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let all = self.0.iter().flat_map(|(_, files)| files);
        all.map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }
}

/// The people of all paths, and how each path was read.
#[derive(Debug)]
pub struct Loaded {
    /// The people.
    pub roster: Roster,
    /// For every path what its import did.
    pub reports: Vec<(PathBuf, ImportReport)>,
    /// Contacts that were given to nobody.
    pub unmatched: Unmatched,
}

/// Reads the rosters at these paths; nobody when there are none.
pub fn load(paths: &[PathBuf], kind: RosterKind) -> Result<Loaded, ToolsError> {
    import(&Sources::read(paths)?, kind)
}

/// Reads the rosters in these files; nobody when there are none.
pub fn import(sources: &Sources<'_>, kind: RosterKind) -> Result<Loaded, ToolsError> {
    let mut import = Import::new(kind);
    let mut reports = Vec::with_capacity(sources.0.len());
    for (path, held) in &sources.0 {
        let failed = |source| ToolsError::Roster {
            path: path.to_path_buf(),
            source,
        };
        let files: Vec<File<'_>> = held
            .iter()
            .map(|(name, bytes)| File { name, bytes })
            .collect();
        let report = import.add(&files).map_err(failed)?;
        if !report.skipped.is_empty() || !report.warnings.is_empty() {
            tracing::warn!(
                path = %path.display(),
                people = report.people,
                left_out = report.skipped.len(),
                doubtful = report.warnings.len(),
                "some rows of a roster were not read whole; `beadle roster check` names them"
            );
        }
        reports.push((path.to_path_buf(), report));
    }
    let (roster, unmatched) = import.finish();
    if let (true, Some((first, _))) = (roster.is_empty(), sources.0.first()) {
        return Err(ToolsError::Roster {
            path: first.to_path_buf(),
            source: RosterError::Nobody,
        });
    }
    Ok(Loaded {
        roster,
        reports,
        unmatched,
    })
}

/// The files of a path by their names in it.
fn files(path: &Path) -> Result<Vec<(String, Vec<u8>)>, ToolsError> {
    let mut found = Vec::new();
    if path.is_dir() {
        let mut left = BYTES;
        folder(path, path, 0, &mut left, &mut found)?;
        return Ok(found);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    found.push((name.into_owned(), read(path)?));
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, ToolsError> {
    std::fs::read(path).map_err(|source| unread(path, source))
}

fn unread(path: &Path, source: std::io::Error) -> ToolsError {
    ToolsError::Read {
        path: path.to_owned(),
        source,
    }
}

fn folder(
    root: &Path,
    at: &Path,
    depth: usize,
    left: &mut u64,
    found: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), ToolsError> {
    let too_many = || ToolsError::TooMany {
        path: root.to_owned(),
        files: FILES,
        folders: FOLDERS,
    };
    let entries = std::fs::read_dir(at).map_err(|source| unread(at, source))?;
    let mut paths = entries
        .map(|entry| Ok(entry.map_err(|source| unread(at, source))?.path()))
        .collect::<Result<Vec<_>, ToolsError>>()?;
    // A file system's order is no order: the same export must give the same roster and the same index.
    paths.sort();
    for path in paths {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            if depth == FOLDERS {
                return Err(too_many());
            }
            folder(root, &path, depth + 1, left, found)?;
            continue;
        }
        let length = std::fs::metadata(&path).map_err(|source| unread(&path, source))?;
        *left = left.checked_sub(length.len()).ok_or_else(too_many)?;
        if found.len() == FILES {
            return Err(too_many());
        }
        let inner = path.strip_prefix(root).unwrap_or(&path);
        let name: Vec<_> = inner.iter().map(|part| part.to_string_lossy()).collect();
        found.push((name.join("/"), read(&path)?));
    }
    Ok(())
}

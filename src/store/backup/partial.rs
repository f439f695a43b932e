//! A backup that is being written: a folder under a name of its own, which gets its final name at the very end.
//!
//! # Invariants
//! One process writes at a time: it holds a lock on the folder. What a process that died left is removed by the next one of this name.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::file;
use super::{BackupError, failed};

/// A folder that is being filled.
#[derive(Debug)]
pub(super) struct Partial {
    to: PathBuf,
    path: PathBuf,
    _lock: File,
}

impl Partial {
    /// Makes an empty `NAME.partial` beside where the backup is to be.
    pub(super) fn begin(to: &Path) -> Result<Self, BackupError> {
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists);
        }
        let name = to.file_name().ok_or(BackupError::Exists)?;
        let mut partial = name.to_os_string();
        partial.push(".partial");
        let path = to.with_file_name(partial);
        let shown = path.display().to_string();
        let make = |source| failed("make", &shown)(source);
        file::make_folder(&path).map_err(make)?;
        let lock = File::open(&path).map_err(make)?;
        if !file::lock(&lock, &path).map_err(make)? {
            return Err(BackupError::Busy);
        }
        empty(&path).map_err(make)?;
        Ok(Self {
            to: to.to_owned(),
            path,
            _lock: lock,
        })
    }

    /// Where it is written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts every folder on stable storage, then gives the backup its name.
    pub(super) fn finish(self) -> io::Result<()> {
        file::sync_tree(&self.path)?;
        match renameat_with(CWD, &self.path, CWD, &self.to, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            // File systems without it (some network ones): what came under this name meanwhile is still not overwritten, since a folder
            // replaces only an empty folder.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                std::fs::rename(&self.path, &self.to)?;
            }
            Err(error) => return Err(error.into()),
        }
        let parent = self
            .to
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        file::sync_folder(parent.unwrap_or(Path::new(".")))
    }

    /// Removes what was written.
    pub(super) fn abandon(self) {
        // What stays is removed by the next backup of this name.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn empty(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let done = if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        };
        match done {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

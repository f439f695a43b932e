//! The file of master keys: reading it, making it, and putting a changed one in its place.
//!
//! # Invariants
//! A file that its group or others may read is refused. A change is written beside the file, synced and renamed over it, and then
//! the folder is synced: after a crash the old keys are there or the new ones, never half of them. Owner and mode stay. Two
//! processes change a file one after the other (a lock on its folder).
//!
//! # Known gaps
//! The blocks of a replaced file are free and not overwritten: on most disks no program could. Encrypt the disk that keys are on.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::error::StoreError;
use super::key::MasterKey;
use super::key_text;

/// Who besides its owner may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// Nobody.
    Owner,
    /// The group as the mode shows it: systemd opens a credential to the user of the service by an access control list, whose mask
    /// stands in the bits of the group.
    AccessList,
}

/// What tells a changed file from the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

/// The stamp of a file, when it is there.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let facts = std::fs::metadata(path).ok()?;
    Some(Stamp {
        device: facts.dev(),
        inode: facts.ino(),
        length: facts.len(),
        changed: (facts.mtime(), facts.mtime_nsec()),
    })
}

/// The content of a key file.
pub(super) fn read(path: &Path, guard: Guard) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => StoreError::Key("file does not exist".into()),
        _ => StoreError::Key("file cannot be read".into()),
    };
    let refuse = |facts: &Metadata| {
        let open = match guard {
            Guard::Owner => 0o077,
            Guard::AccessList => 0o037,
        };
        match facts.permissions().mode() & open {
            0 if facts.is_file() => Ok(()),
            0 => Err(StoreError::Key("is not an ordinary file".into())),
            _ => Err(StoreError::Key(
                "file may be read by others; set its mode to 0600".into(),
            )),
        }
    };
    // Before it is opened: opening a pipe would wait for somebody to write into it.
    refuse(&std::fs::metadata(path).map_err(unreadable)?)?;
    let file = File::open(path).map_err(unreadable)?;
    refuse(&file.metadata().map_err(unreadable)?)?;
    key_text::read(file)
        .map_err(unreadable)?
        .ok_or_else(|| StoreError::Key("file is too large to hold keys only".into()))
}

/// Makes a file with one new random key, unless there is a file: of two processes that start at once, one wins and both read
/// the same key.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    let cannot = |_| StoreError::Key("file cannot be created".into());
    let folder = path
        .parent()
        .ok_or_else(|| StoreError::Key("file cannot be created".into()))?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(cannot)?;
    let key = MasterKey::generate()?;
    // tempfile makes files of mode 0600.
    let mut file = NamedTempFile::new_in(folder).map_err(cannot)?;
    file.write_all(text_of(&[key]).as_bytes()).map_err(cannot)?;
    file.as_file().sync_all().map_err(cannot)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(cannot(error.error)),
    }
    sync_folder(folder).map_err(cannot)
}

/// A changed file that is on disk beside the old one and takes its place on [`commit`](Self::commit).
#[derive(Debug)]
pub(super) struct Staged {
    file: NamedTempFile,
    path: PathBuf,
    folder: PathBuf,
    /// Held until the end, so that nobody changes the file in between.
    _lock: File,
}

/// Writes what `change` makes of the keys of a file beside it; nothing is changed yet.
pub(super) fn stage(
    path: &Path,
    change: impl FnOnce(Vec<MasterKey>) -> Result<Vec<MasterKey>, StoreError>,
) -> Result<Staged, StoreError> {
    // The file itself, not a link to it, is replaced.
    let path = path
        .canonicalize()
        .map_err(|_| StoreError::Key("file does not exist".into()))?;
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    let lock = File::open(&folder).map_err(|error| cannot_write(&error))?;
    lock.lock().map_err(|error| cannot_write(&error))?;
    let keys = change(key_text::parse(&read(&path, Guard::Owner)?)?)?;
    let old = std::fs::metadata(&path).map_err(|error| cannot_write(&error))?;
    let mut file = NamedTempFile::new_in(&folder).map_err(|error| cannot_write(&error))?;
    let new = file
        .as_file()
        .metadata()
        .map_err(|error| cannot_write(&error))?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        // Root changes the keys of the user that serves, who must still be able to read them.
        fchown(file.as_file(), Some(old.uid()), Some(old.gid()))
            .map_err(|error| cannot_write(&error))?;
    }
    file.write_all(text_of(&keys).as_bytes())
        .map_err(|error| cannot_write(&error))?;
    file.as_file()
        .set_permissions(old.permissions())
        .map_err(|error| cannot_write(&error))?;
    file.as_file()
        .sync_all()
        .map_err(|error| cannot_write(&error))?;
    Ok(Staged {
        file,
        path,
        folder,
        _lock: lock,
    })
}

impl Staged {
    /// Puts the new file in the place of the old one, for good.
    pub(super) fn commit(self) -> Result<(), StoreError> {
        self.file
            .persist(&self.path)
            .map_err(|error| cannot_write(&error.error))?;
        sync_folder(&self.folder).map_err(|error| cannot_write(&error))
    }
}

fn text_of(keys: &[MasterKey]) -> Zeroizing<String> {
    const LINE: usize = 65;
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * LINE));
    for key in keys {
        key.write_line(&mut text);
    }
    text
}

fn cannot_write(error: &io::Error) -> StoreError {
    StoreError::Key(format!("file cannot be changed: {}", error.kind()).into())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once_and_guarded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        let first = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(MasterKey::load_or_create(&path).unwrap().id(), first.id());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        for (mode, owner, list) in [
            (0o600, true, true),
            (0o400, true, true),
            (0o440, false, true),
            (0o460, false, false),
            (0o604, false, false),
        ] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(read(&path, Guard::Owner).is_ok(), owner, "{mode:o}");
            assert_eq!(read(&path, Guard::AccessList).is_ok(), list, "{mode:o}");
        }
        assert!(read(folder.path(), Guard::Owner).is_err(), "a folder");
    }

    #[test]
    fn a_change_keeps_mode_and_link_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let raw = MasterKey::from_bytes(Zeroizing::new([9; 32]));
        std::fs::write(&path, [9; 32]).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let before = stamp(&link);
        let add = |keys: Vec<MasterKey>| Ok([vec![MasterKey::generate()?], keys].concat());
        drop(stage(&link, add).unwrap());
        assert_eq!(stamp(&path), before, "not committed");
        stage(&link, add).unwrap().commit().unwrap();
        let keys = key_text::parse(&read(&path, Guard::Owner).unwrap()).unwrap();
        assert_eq!((keys.len(), keys[1].id()), (2, raw.id()));
        let facts = std::fs::metadata(&path).unwrap();
        assert_eq!(facts.permissions().mode() & 0o777, 0o400);
        assert!(link.is_symlink());
        assert_ne!(stamp(&link), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

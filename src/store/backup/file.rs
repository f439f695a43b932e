//! Files of a backup: written once and synced, read with a bound, hashed as they stream.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256, digest};

use super::ProblemKind;
use crate::store::holding::hex;

/// Deepest path within a backup: `blobs/3f/...`.
const DEPTH: usize = 3;

/// Writes a new file of mode 0600 and returns when its bytes are on stable storage; its folder is synced later.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a folder of mode 0700; one that is there is no error.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Puts a folder's entries on stable storage.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Syncs this folder and all folders below it.
pub(super) fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_folder(path)
}

/// Takes the lock on what was opened under this path; `false` when another process has it, or had it and has since taken the path away.
pub(super) fn lock(opened: &File, path: &Path) -> io::Result<bool> {
    match opened.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let ours = opened.metadata()?;
    match path.symlink_metadata() {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Opens a regular file. A link that leads elsewhere is refused.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(file)
}

/// Reads a file that has no more than `most` bytes; a longer one is `FileTooLarge`.
pub(super) fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Length and SHA-256 of a file, read as a stream.
pub(super) fn measure(path: &Path) -> io::Result<(u64, String)> {
    let mut file = open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 256 * 1024];
    let mut length = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((length, hex(context.finish().as_ref())));
        }
        context.update(&buffer[..read]);
        length += read as u64;
    }
}

/// What an error in reading says about a backup, when it is the backup's fault and not the machine's.
pub(super) fn not_as_it_was(error: &io::Error) -> Option<ProblemKind> {
    // ELOOP: a link where a file should be.
    if error.raw_os_error() == Some(libc::ELOOP) {
        return Some(ProblemKind::Changed);
    }
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Some(ProblemKind::Missing),
        ErrorKind::FileTooLarge | ErrorKind::InvalidData | ErrorKind::IsADirectory => {
            Some(ProblemKind::Changed)
        }
        _ => None,
    }
}

/// The names, relative to `dir`, of everything in it that is no folder; a folder beyond the depth of a backup stands for itself.
pub(super) fn names(dir: &Path) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    walk(dir, "", 1, &mut found)?;
    Ok(found)
}

fn walk(dir: &Path, prefix: &str, depth: usize, found: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() && depth < DEPTH {
            walk(&entry.path(), &format!("{name}/"), depth + 1, found)?;
        } else {
            found.insert(name);
        }
    }
    Ok(())
}

//! The compiled roster on disk, so that a start or a reload with unchanged files need not import them again.
//!
//! # Invariants
//! The file holds keyed hashes only ([`PeopleIndex`]) and is readable by its owner alone. It is replaced as a whole: a crash leaves the
//! old one or the new one. One that cannot be used is made anew and said; one that cannot be written costs time at the next start and
//! nothing else.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::app::config::Config;
use crate::app::people::{self, Sources};
use crate::app::tools::ToolsError;
use crate::detect::token::Keys;
use crate::detect::{Options, PeopleIndex};
use crate::roster::RosterKind;

/// The file's name in the data folder.
pub const FILE: &str = "roster.index";

/// Pupils and staff, from the kept file when it was made from the very same sources, else from the sources.
pub fn people(
    config: &Config,
    secret: [u8; 16],
    kept: Option<&Path>,
) -> Result<PeopleIndex, ToolsError> {
    let pupils = Sources::read(&config.trust.roster)?;
    let staff = Sources::read(&config.trust.staff)?;
    let fingerprint = fingerprint(&pupils, &staff, config.detect, secret);
    if let Some(index) = kept.and_then(|path| read(path, fingerprint, secret)) {
        tracing::info!("roster: unchanged, the compiled index is used");
        return Ok(index);
    }
    let roster = people::import(&pupils, RosterKind::Pupils)?.roster;
    let staff = people::import(&staff, RosterKind::Staff)?.roster;
    let index = PeopleIndex::build(&roster, &staff, config.detect, secret);
    if let (Some(path), false) = (kept, roster.is_empty())
        && let Err(error) = write(path, &index.to_bytes(fingerprint, secret))
    {
        tracing::warn!(%error, "roster: the compiled index cannot be kept; the next start imports the roster again");
    }
    Ok(index)
}

/// Stands for everything the index is made from: the files, the options, this program's version.
fn fingerprint(
    pupils: &Sources<'_>,
    staff: &Sources<'_>,
    options: Options,
    secret: [u8; 16],
) -> u128 {
    let keys = Keys::new(secret);
    let mut all = format!("{} {options:?}", env!("CARGO_PKG_VERSION")).into_bytes();
    for (kind, sources) in [("pupils", pupils), ("staff", staff)] {
        for (name, bytes) in sources.files() {
            for part in [kind.as_bytes(), name.as_bytes(), bytes] {
                all.extend(keys.value("source", part).to_le_bytes());
            }
        }
    }
    keys.value("sources", &all)
}

fn read(path: &Path, fingerprint: u128, secret: [u8; 16]) -> Option<PeopleIndex> {
    match std::fs::read(path) {
        Ok(bytes) => PeopleIndex::from_bytes(&bytes, fingerprint, secret),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(%error, "roster: the compiled index cannot be read; the roster is imported");
            None
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("index.new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

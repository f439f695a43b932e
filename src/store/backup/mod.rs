//! Backups: everything in our keeping as a folder that can be checked and restored elsewhere, taken while the relay runs.
//!
//! # Format 1
//! ```text
//! manifest.json             what there is: schema, counts, SHA-256 and length of every file, head of the ledger, ids of master keys
//! manifest.sig              one line for each signature over the bytes of manifest.json: `hmac-sha256 HEX`
//! rows/0001-hold.sealed     rows of one table, sealed; plain: one JSON array a line, values in the order of the table's columns
//! lists/0001.jsonl          blobs, one JSON object a line: key, bytes, sha256
//! blobs/3f/a0...            sealed messages as they are kept
//! ```
//! Rows are sealed with the store's own secret, since actors in the ledger are personal; the secret stands in the manifest wrapped
//! under the master key, as it stands in the database. The master key itself is never part of a backup. In a row an integer is a
//! number, bytes are base64, a boolean is a boolean. Blobs are listed apart so that the manifest stays small with a million of them.
//!
//! # Invariants
//! Rows are those of one moment. A folder under its final name is whole: it is written as `NAME.partial`, every file and folder synced,
//! and renamed last. Nothing of a backup is believed before its signature and hashes are checked, and nothing is allocated by a size
//! that it names. A store into which a restore did not end is not opened.
//!
//! # Standards
//! HMAC: RFC 2104 with SHA-256. Sealing: `store/seal.rs`.
//!
//! # Known gaps
//! A backup keeps what retention ends later, until it is deleted itself. Decisions and purges made after a backup are undone by
//! restoring it; whoever restores has to compare with what was noted elsewhere. The signature is symmetric: whoever has the master key
//! can write a backup that verifies. Only folders, not object stores, take backups.

mod entry;
mod file;
mod partial;
mod restore;
mod verify;
mod write;

use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::blob::is_key;
use super::error::StoreError;
use super::keyring::MasterKeys;
use super::rows::Table;
use super::seal::DataKey;
use super::subkey::index_key;
use super::{Custody, SECRET};

pub(super) use restore::is_half_restored;
pub use restore::{RestoreOrder, Restored, restore};
pub use verify::{Problem, ProblemKind, Verified, verify};
pub use write::{BackupDone, BackupOrder};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// Due time of what a restore paused: the end of the year 9999, in microseconds.
const PAUSED: i64 = 253_402_300_799_000_000;

const MANIFEST: &str = "manifest.json";
const SIGNATURES: &str = "manifest.sig";
const ROWS: &str = "rows";
const LISTS: &str = "lists";
const BLOBS: &str = "blobs";

/// Longest manifest that is read: some 300 bytes for each 4 MiB of rows, so this is enough for a terabyte of them.
const MANIFEST_AT_MOST: u64 = 64 << 20;
/// A file of rows is closed when it has this many bytes.
const ROWS_CLOSE_AT: usize = 4 << 20;
/// Longest file of rows that is written or read: one row beyond the above, and a row is a message's record or a policy's text.
const ROWS_AT_MOST: u64 = 256 << 20;
/// Blobs in one list.
const LIST_LENGTH: usize = 10_000;
/// Longest list that is read: a line has some 140 bytes.
const LIST_AT_MOST: u64 = 4 << 20;
/// Longest blob that is read: as a message with the greatest limit that can be set, sealed.
const BLOB_AT_MOST: u64 = 1 << 30;
/// Blobs copied at a time. A synced file costs a wait, not work.
const AT_ONCE: usize = 8;

/// Why a backup could not be taken, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the backup cannot be written or read.
    #[error("backup: failed to {doing} `{file}`: {source}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file, as it is called within the backup.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The backup would overwrite something.
    #[error("backup: found something under this name already; choose one that is not there")]
    Exists,
    /// Another process is at the same backup or restore.
    #[error("backup: another process is writing there now")]
    Busy,
    /// Reading the rows took too long and held up the database's own log.
    #[error("backup: reading the rows took more than {0} minutes; nothing was kept")]
    TooSlow(u64),
    /// The backup does not verify; the problems are those of [`verify`].
    #[error("backup does not verify: {} problems, first: {first}", .found.problem_count)]
    Unsound {
        /// What verifying found.
        found: Box<Verified>,
        /// The first problem.
        first: Problem,
    },
    /// The database has more of the schema than the backup, and cannot be made with less.
    #[error(
        "restore: found a backup of an older version; allowed for PostgreSQL: one of this version; restore it into SQLite and back that up"
    )]
    Older,
    /// The place to restore into holds something.
    #[error(
        "restore: found a store that is not empty; restore into a new data folder, an empty database and an empty blob store"
    )]
    NotEmpty,
}

impl BackupError {
    /// Whether the answer is no rather than something of the machine being broken.
    pub fn is_no(&self) -> bool {
        matches!(
            self,
            Self::Exists | Self::Busy | Self::Unsound { .. } | Self::Older | Self::NotEmpty
        )
    }
}

/// Makes an error out of what the system said about a file.
fn failed(doing: &'static str, file: &str) -> impl FnOnce(std::io::Error) -> BackupError {
    let file = file.to_owned();
    move |source| BackupError::File {
        doing,
        file,
        source,
    }
}

/// A blocking task that ended without an answer.
fn ended<E>(_: E) -> BackupError {
    StoreError::Unavailable("a blocking task ended".to_owned()).into()
}

/// What a backup is, as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    /// Names this backup; part of what its rows are sealed for.
    id: String,
    /// The version of Beadle that wrote it.
    product: String,
    /// Versions of the schema, as [`super::rows::BackupStore::schema`] counts them.
    schema: Vec<i64>,
    /// When the rows were read.
    time: String,
    /// The same in microseconds since 1970 UTC.
    at: i64,
    /// Where it was taken.
    node: String,
    /// The store's own secret, wrapped.
    secret: WrappedSecret,
    /// Ids of the master keys under which keys of rows are wrapped.
    master_keys: Vec<String>,
    /// The ledger's last entry.
    head: LedgerHead,
    /// Tables in the order in which they are filled.
    tables: Vec<TableNote>,
    rows: Vec<RowsNote>,
    lists: Vec<ListNote>,
    /// Blobs that were gone when they were copied because what they belong to had ended meanwhile.
    ended: Vec<String>,
    /// Blobs that a row needs and that were not there: the store was damaged already.
    missing: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrappedSecret {
    /// The id of the master key.
    kek: String,
    /// Base64.
    dek: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerHead {
    seq: i64,
    /// Hexadecimal; empty when there is no entry.
    hash: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableNote {
    table: Table,
    rows: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowsNote {
    file: String,
    table: String,
    rows: u64,
    bytes: u64,
    sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListNote {
    file: String,
    blobs: u64,
    bytes: u64,
    sha256: String,
}

/// A blob in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlobNote {
    key: String,
    bytes: u64,
    sha256: String,
}

impl BlobNote {
    fn file(&self) -> String {
        format!("{BLOBS}/{}", self.key)
    }
}

/// What opens the rows and signs the manifest.
#[derive(Clone)]
struct Secrets {
    secret: DataKey,
    signing: hmac::Key,
}

impl Secrets {
    fn of(secret: &DataKey) -> Self {
        let tag = hmac::sign(&index_key(secret), b"beadle backup manifest 1");
        Self {
            secret: secret.clone(),
            signing: hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()),
        }
    }

    /// The secret that a manifest names, if the master key opens it.
    fn unwrap(wrapped: &WrappedSecret, master: &MasterKeys) -> Result<Self, StoreError> {
        let bytes = BASE64_STANDARD
            .decode(&wrapped.dek)
            .map_err(|_| StoreError::Corrupt("wrapped key"))?;
        Ok(Self::of(&master.unwrap(
            &wrapped.kek,
            SECRET.as_bytes(),
            &bytes,
        )?))
    }

    /// The content of the file of signatures. A signature by the ledger's own key pair belongs on a second line.
    fn sign(&self, manifest: &[u8]) -> String {
        let tag = hmac::sign(&self.signing, manifest);
        format!("hmac-sha256 {}\n", super::holding::hex(tag.as_ref()))
    }

    fn is_signed(&self, manifest: &[u8], signatures: &[u8]) -> bool {
        let expected = self.sign(manifest);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), signatures).is_ok()
    }
}

/// What the rows in a file of this backup are sealed for.
fn rows_context(id: &str, file: &str) -> Vec<u8> {
    format!("backup {id} {file}").into_bytes()
}

impl Custody {
    /// Lets what a restore paused go out from now on, and gives the number of deliveries.
    pub async fn resume_restored(
        &self,
        actor: &str,
        now: std::time::SystemTime,
    ) -> Result<u64, StoreError> {
        let now = super::clock::micros(now);
        let resumed = self.database.resume(PAUSED, now, actor).await?;
        if resumed > 0 {
            self.wake.notify_one();
        }
        Ok(resumed)
    }
}

/// A backup's manifest and what opens the rest, once its signature was checked.
struct Opened {
    manifest: Manifest,
    secrets: Secrets,
}

/// Reads and checks manifest and signature. The inner error says what is wrong with them.
fn open(dir: &Path, master: &MasterKeys) -> Result<Result<Opened, Problem>, BackupError> {
    let read = |name: &str, most| match file::read_at_most(&dir.join(name), most) {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(error) => match file::not_as_it_was(&error) {
            Some(kind) => Ok(Err(Problem::of(name, kind))),
            None => Err(failed("read", name)(error)),
        },
    };
    let bytes = match read(MANIFEST, MANIFEST_AT_MOST)? {
        Ok(bytes) => bytes,
        Err(problem) => return Ok(Err(problem)),
    };
    let signatures = match read(SIGNATURES, 4096)? {
        Ok(bytes) => bytes,
        Err(problem) => return Ok(Err(problem)),
    };
    let problem = |kind| Ok(Err(Problem::of(MANIFEST, kind)));
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else {
        #[derive(Deserialize)]
        struct Only {
            format: u32,
        }
        return match serde_json::from_slice::<Only>(&bytes) {
            Ok(only) if only.format != FORMAT => problem(ProblemKind::Format(only.format)),
            _ => problem(ProblemKind::Malformed),
        };
    };
    let secrets = match Secrets::unwrap(&manifest.secret, master) {
        Ok(secrets) => secrets,
        Err(StoreError::Key(_)) => {
            return problem(ProblemKind::MasterKey(manifest.secret.kek));
        }
        Err(_) => return problem(ProblemKind::Signature),
    };
    if !secrets.is_signed(&bytes, &signatures) {
        return problem(ProblemKind::Signature);
    }
    if manifest.format != FORMAT {
        return problem(ProblemKind::Format(manifest.format));
    }
    let sound = manifest.tables.iter().all(|note| note.table.is_sound());
    if !sound || !entry::are_plain(&manifest) {
        return problem(ProblemKind::Malformed);
    }
    Ok(Ok(Opened { manifest, secrets }))
}

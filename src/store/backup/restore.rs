//! Restoring a backup into a new place.
//!
//! # Invariants
//! The backup is verified first. A marker in the data folder says that a restore is under way: as long as it is there no store is
//! opened in that folder, and the next restore removes what is half there and begins anew. The marker is made only in a place that
//! was empty, so that nothing else is ever removed. Blobs are on stable storage before rows name them; all rows are one transaction.
//!
//! What was waiting to be delivered may have been delivered after the backup was taken. It is kept and counts as a possible duplicate,
//! and it is not sent until somebody says so ([`Custody::resume_restored`]): nothing is lost and nobody gets it twice unasked. Leases
//! have ended. What lost its message while the backup was taken has ended as it had in the store.
//!
//! # Known gaps
//! What was half restored is removed from the data folder alone: PostgreSQL's rows are one transaction, and a crash between that and the
//! end of the marker leaves a database that has to be emptied by hand; messages in an object store are put there again under their keys.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::json;
use tokio::task::{JoinSet, spawn_blocking};

use super::entry::{self, Unread};
use super::verify::{Fields, check};
use super::{
    AT_ONCE, BLOB_AT_MOST, BLOBS, BackupError, BlobNote, Manifest, Opened, PAUSED, Problem,
    ProblemKind, Verified, ended, failed, file, open,
};
use crate::store::blob::Blobs;
use crate::store::clock::micros;
use crate::store::hold::parse_id;
use crate::store::keyring::MasterKeys;
use crate::store::postgres::PostgresStore;
use crate::store::retention::key_mark;
use crate::store::rows::{BackupStore as _, Row, Store, Table, Value, tables};
use crate::store::sqlite::SqliteStore;
use crate::store::{Config, Custody, StoreError};

/// The marker of a restore that is under way.
const MARKER: &str = "restoring";

/// Files of a database in the data folder.
const DATABASE: [&str; 4] = ["beadle.db", "beadle.db-wal", "beadle.db-shm", "beadle.lock"];

/// What to restore, and where.
#[derive(Debug)]
pub struct RestoreOrder<'a> {
    /// The backup.
    pub from: &'a Path,
    /// The store to make.
    pub config: Config,
    /// The master key under which the backup was taken.
    pub master: MasterKeys,
    /// Let what was waiting go out as it is due, though it may have been delivered since.
    pub deliver_queue: bool,
    /// Who restores, for the ledger.
    pub actor: &'a str,
    /// When.
    pub now: SystemTime,
}

/// A store that was restored.
#[derive(Debug)]
pub struct Restored {
    /// The store, open.
    pub custody: Custody,
    /// What verifying the backup found before.
    pub verified: Verified,
    /// Deliveries that wait until somebody lets them go out.
    pub paused: u64,
    /// Holds and deliveries that had ended while the backup was taken.
    pub ended: u64,
    /// What an earlier restore had left half done was removed.
    pub started_over: bool,
}

/// Whether a restore into this folder was begun and did not end.
pub(in crate::store) fn is_half_restored(data_dir: &Path) -> bool {
    data_dir.join(MARKER).symlink_metadata().is_ok()
}

/// Verifies a backup and restores it into an empty place.
pub async fn restore(order: RestoreOrder<'_>) -> Result<Restored, BackupError> {
    let (opened, verified) = verified(order.from, &order.master).await?;
    let target = Target::claim(&order.config).await?;
    copy_blobs(order.from, &opened.manifest, &target.blobs).await?;
    let filled = fill(&order, &opened, &target).await?;
    let custody = Custody::open_as_it_is(
        order.config.clone(),
        order.master.clone(),
        target.blobs.clone(),
    )
    .await?;
    let manifest = &opened.manifest;
    for (id, to, detail) in &filled.ended_holds {
        custody
            .note(order.actor, to, Some(parse_id(id)?), detail, order.now)
            .await?;
    }
    let detail = json!({
        "backup": manifest.id,
        "taken": manifest.time,
        "head": { "seq": manifest.head.seq, "hash": manifest.head.hash },
        "holds": verified.holds,
        "paused": filled.paused,
        "ended": filled.ended,
    });
    custody
        .note(order.actor, "restored", None, &detail, order.now)
        .await?;
    let started_over = target.started_over;
    spawn_blocking(move || target.finish())
        .await
        .map_err(ended)??;
    Ok(Restored {
        custody,
        verified,
        paused: filled.paused,
        ended: filled.ended,
        started_over,
    })
}

/// Opens a backup and refuses one that is not whole. That its store had lost messages already is no reason not to save the rest.
async fn verified(
    from: &Path,
    master: &MasterKeys,
) -> Result<(Arc<Opened>, Verified), BackupError> {
    let (from, master) = (from.to_owned(), master.clone());
    let checked = spawn_blocking(move || {
        let opened = open(&from, &master)?.map_err(Problem::alone)?;
        let found = check(&from, &opened, &master, false)?;
        Ok::<_, BackupError>((opened, found))
    });
    let (opened, found) = checked.await.map_err(ended)??;
    let lost = |problem: &&Problem| problem.kind != ProblemKind::LostBefore;
    if let Some(first) = found.problems.iter().find(lost).cloned() {
        let found = Box::new(found);
        return Err(BackupError::Unsound { found, first });
    }
    Ok((Arc::new(opened), found))
}

/// The place that is filled.
struct Target {
    data_dir: PathBuf,
    blobs: Blobs,
    started_over: bool,
    _marker: File,
}

impl Target {
    /// Takes an empty place, or one that a restore left half filled, for this restore alone.
    async fn claim(config: &Config) -> Result<Self, BackupError> {
        let data_dir = config.data_dir.clone();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&data_dir)
            .map_err(failed("make", "the data folder"))?;
        let path = data_dir.join(MARKER);
        let started_over = is_half_restored(&data_dir);
        let marker = if started_over {
            locked(&path, OpenOptions::new().write(true))?
        } else {
            if !is_empty(config).await? {
                return Err(BackupError::NotEmpty);
            }
            let marker = locked(
                &path,
                OpenOptions::new().write(true).create_new(true).mode(0o600),
            )?;
            file::sync_folder(&data_dir).map_err(failed("write", MARKER))?;
            // Asked again: no store is opened here from now on, and one that was opened a moment ago is not ours to fill.
            if !is_empty(config).await? {
                std::fs::remove_file(&path).map_err(failed("remove", MARKER))?;
                return Err(BackupError::NotEmpty);
            }
            marker
        };
        if started_over {
            remove_half(&data_dir).map_err(failed("remove", "what was half restored"))?;
        }
        Ok(Self {
            blobs: Blobs::open(&config.blobs, &data_dir.join("blobs"))?,
            data_dir,
            started_over,
            _marker: marker,
        })
    }

    /// The store may be opened from now on.
    fn finish(self) -> Result<(), BackupError> {
        std::fs::remove_file(self.data_dir.join(MARKER))
            .and_then(|()| file::sync_folder(&self.data_dir))
            .map_err(failed("remove", MARKER))
    }
}

fn locked(path: &Path, options: &OpenOptions) -> Result<File, BackupError> {
    let marker = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(BackupError::Busy),
        other => other.map_err(failed("write", MARKER))?,
    };
    if file::lock(&marker, path).map_err(failed("write", MARKER))? {
        return Ok(marker);
    }
    Err(BackupError::Busy)
}

/// Whether there is neither database nor blob. Keys may be there: they have to be, before a restore.
async fn is_empty(config: &Config) -> Result<bool, BackupError> {
    let there = |name: &&str| config.data_dir.join(name).symlink_metadata().is_ok();
    if DATABASE.iter().any(there) {
        return Ok(false);
    }
    if config.database.is_shared() {
        let database = PostgresStore::open(&config.database).await?;
        let empty = database.is_empty(&tables()).await?;
        database.close().await;
        if !empty {
            return Ok(false);
        }
    }
    let blobs = Blobs::open(&config.blobs, &config.data_dir.join("blobs"))?;
    Ok(blobs.list().await?.is_empty())
}

fn remove_half(data_dir: &Path) -> std::io::Result<()> {
    let gone = |done: std::io::Result<()>| match done {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    for name in DATABASE {
        gone(std::fs::remove_file(data_dir.join(name)))?;
    }
    gone(std::fs::remove_dir_all(data_dir.join("blobs")))?;
    file::sync_folder(data_dir)
}

async fn copy_blobs(from: &Path, manifest: &Manifest, blobs: &Blobs) -> Result<(), BackupError> {
    let mut running = JoinSet::new();
    for note in &manifest.lists {
        let (dir, list) = (from.to_owned(), note.clone());
        let read = spawn_blocking(move || entry::read_list(&dir, &list));
        let list = read
            .await
            .map_err(ended)?
            .map_err(|why| unread(&note.file, why))?;
        for blob in list {
            if running.len() >= AT_ONCE
                && let Some(done) = running.join_next().await
            {
                done.map_err(ended)??;
            }
            running.spawn(copy(from.to_owned(), blob, blobs.clone()));
        }
    }
    while let Some(done) = running.join_next().await {
        done.map_err(ended)??;
    }
    Ok(())
}

async fn copy(from: PathBuf, blob: BlobNote, blobs: Blobs) -> Result<(), BackupError> {
    let name = blob.file();
    let path = from.join(BLOBS).join(&blob.key);
    let read = spawn_blocking(move || {
        let bytes = file::read_at_most(&path, BLOB_AT_MOST)?;
        let same = bytes.len() as u64 == blob.bytes && file::sha256(&bytes) == blob.sha256;
        if same {
            return Ok((blob.key, bytes));
        }
        // It was verified a moment ago.
        Err(Unread::Problem(ProblemKind::Changed))
    });
    let (key, bytes) = read
        .await
        .map_err(ended)?
        .map_err(|why| unread(&name, why))?;
    Ok(blobs.put(&key, bytes).await?)
}

fn unread(file: &str, why: Unread) -> BackupError {
    match why {
        Unread::Problem(kind) => Problem::of(file, kind).alone(),
        Unread::Machine(source) => failed("read", file)(source),
    }
}

/// What filling the tables came to.
#[derive(Default)]
struct Filled {
    paused: u64,
    ended: u64,
    ended_holds: Vec<(String, &'static str, serde_json::Value)>,
}

/// The database to fill, with the schema of the backup.
async fn database(
    config: &Config,
    target: &Target,
    schema: &[i64],
) -> Result<Box<dyn Store>, BackupError> {
    if !config.database.is_shared() {
        let path = target.data_dir.join("beadle.db");
        return Ok(Box::new(SqliteStore::create_at(&path, schema).await?));
    }
    let database = PostgresStore::open(&config.database).await?;
    let ours = database.schema().await?;
    if let Some(newer) = schema.iter().find(|version| !ours.contains(version)) {
        return Err(StoreError::NewerSchema(*newer).into());
    }
    if ours.len() > schema.len() {
        return Err(BackupError::Older);
    }
    Ok(Box::new(database))
}

/// Makes the database with the schema of the backup and fills it in one transaction. Opening it later brings it up to date.
async fn fill(
    order: &RestoreOrder<'_>,
    opened: &Arc<Opened>,
    target: &Target,
) -> Result<Filled, BackupError> {
    let manifest = &opened.manifest;
    let database = database(&order.config, target, &manifest.schema).await?;
    let known: Vec<Table> = manifest
        .tables
        .iter()
        .map(|note| note.table.clone())
        .collect();
    if !database.is_empty(&known).await? {
        return Err(BackupError::NotEmpty);
    }
    let changes = Changes {
        gone: manifest.ended.iter().map(String::as_str).collect(),
        at: micros(order.now),
        backup: &manifest.id,
        deliver_queue: order.deliver_queue,
    };
    let mut filled = Filled::default();
    let mut refill = database.refill().await?;
    for note in &manifest.tables {
        let table = &note.table;
        for file in manifest.rows.iter().filter(|file| file.table == table.name) {
            let (dir, about, opened) = (order.from.to_owned(), file.clone(), Arc::clone(opened));
            let (name, described) = (file.file.clone(), table.clone());
            let read = spawn_blocking(move || {
                let id = &opened.manifest.id;
                entry::read_rows(&dir, id, &about, &described, &opened.secrets)
            });
            let mut rows = read
                .await
                .map_err(ended)?
                .map_err(|why| unread(&name, why))?;
            if table.name == "dead_letter" {
                rows.retain(|row| changes.stays(table, row, &mut filled));
            }
            if table.name == "hold_token" && !filled.ended_holds.is_empty() {
                // What a hold is found by goes with its content.
                let gone: HashSet<&str> = filled.ended_holds.iter().map(|(id, ..)| &**id).collect();
                rows.retain(|row| {
                    !Fields(table, row)
                        .text("hold")
                        .is_some_and(|id| gone.contains(id))
                });
            }
            for row in &mut rows {
                match table.name.as_str() {
                    "hold" => changes.hold(table, row, &mut filled),
                    "delivery" => changes.delivery(table, row, &mut filled),
                    _ => {}
                }
            }
            refill.insert(table, &rows).await?;
        }
    }
    refill.commit().await?;
    database.close().await;
    Ok(filled)
}

/// Columns of a hold that are gone with its content; which of them there are depends on the backup's schema.
const SEALED_OF_A_HOLD: [&str; 12] = [
    "kek",
    "dek",
    "record",
    "decision",
    "blob",
    "tokens",
    "acted_by",
    "claimed_by",
    "claimed_until",
    "request",
    "legal_hold",
    "told",
];

/// What is different in a store that was restored.
struct Changes<'a> {
    /// Blobs that were gone when the backup came to them.
    gone: HashSet<&'a str>,
    at: i64,
    backup: &'a str,
    deliver_queue: bool,
}

impl Changes<'_> {
    fn hold(&self, table: &Table, row: &mut Row, filled: &mut Filled) {
        let fields = Fields(table, row);
        let Some(blob) = fields.text("blob").filter(|blob| self.gone.contains(blob)) else {
            return;
        };
        let to = if fields.integer("decided_at").is_some() {
            "purged"
        } else {
            "expired"
        };
        let detail = json!({
            "was": fields.text("state"),
            "key": fields.bytes("dek").map(key_mark),
            "blob": blob,
            "bytes": fields.integer("size"),
            "backup": self.backup,
        });
        let id = fields.text("id").unwrap_or_default().to_owned();
        let version = fields.integer("version").unwrap_or_default();
        filled.ended += 1;
        filled.ended_holds.push((id, to, detail));
        set(table, row, "state", Value::Text(to.to_owned()));
        set(table, row, "version", Value::Integer(version + 1));
        for column in SEALED_OF_A_HOLD {
            set(table, row, column, Value::Null);
        }
    }

    fn delivery(&self, table: &Table, row: &mut Row, filled: &mut Filled) {
        let fields = Fields(table, row);
        if fields.integer("due_at").is_none() {
            return;
        }
        let gone = fields
            .text("blob")
            .is_none_or(|blob| self.gone.contains(blob));
        let begun = fields.integer("attempting").unwrap_or_default();
        let duplicates = fields.integer("duplicates").unwrap_or_default();
        for column in ["leased_by", "leased_until"] {
            set(table, row, column, Value::Null);
        }
        set(table, row, "attempting", Value::Integer(0));
        if gone {
            filled.ended += 1;
            set(table, row, "finished_at", Value::Integer(self.at));
            for column in ["due_at", "kek", "dek", "progress", "blob"] {
                set(table, row, column, Value::Null);
            }
            return;
        }
        // It may have gone out after the backup was taken, and once more if an attempt was under way then.
        let duplicates = duplicates + 1 + begun;
        set(table, row, "duplicates", Value::Integer(duplicates));
        if !self.deliver_queue {
            filled.paused += 1;
            set(table, row, "due_at", Value::Integer(PAUSED));
        }
    }

    /// Whether a dead letter still has its message.
    fn stays(&self, table: &Table, row: &Row, filled: &mut Filled) -> bool {
        let blob = Fields(table, row).text("blob");
        let gone = blob.is_some_and(|blob| self.gone.contains(blob));
        filled.ended += u64::from(gone);
        !gone
    }
}

fn set(table: &Table, row: &mut Row, column: &str, value: Value) {
    if let Some(field) = table.index(column).and_then(|index| row.get_mut(index)) {
        *field = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::backup::{BackupOrder, MANIFEST, SIGNATURES, Secrets};

    /// A backup as an older version would have written it, one without dead letters: its tables lack what came later.
    #[tokio::test]
    async fn a_backup_of_an_older_schema_is_brought_up_to_date() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let now = SystemTime::now();
        let master =
            MasterKeys::from(crate::store::MasterKey::load_or_create(&path("master.key")).unwrap());
        let store = Custody::open(Config::new(path("a")), master.clone())
            .await
            .unwrap();
        store
            .note("a.head", "opened", None, &json!({}), now)
            .await
            .unwrap();
        let backup = path("b");
        let order = BackupOrder {
            to: &backup,
            reuse: None,
            node: "n",
            actor: "a.head",
            now,
        };
        store.back_up(order).await.unwrap();
        let Opened {
            mut manifest,
            secrets,
        }: Opened = open(&backup, &master).unwrap().unwrap();
        manifest.schema.retain(|version| *version != 11);
        manifest
            .tables
            .retain(|note| note.table.name != "dead_letter");
        for note in &mut manifest.tables {
            note.table
                .columns
                .retain(|column| column.name != "window_at");
        }
        let text = serde_json::to_vec(&manifest).unwrap();
        std::fs::write(backup.join(MANIFEST), &text).unwrap();
        std::fs::write(backup.join(SIGNATURES), Secrets::sign(&secrets, &text)).unwrap();
        let restored = restore(RestoreOrder {
            from: &backup,
            config: Config::new(path("c")),
            master: master.clone(),
            deliver_queue: false,
            actor: "a.head",
            now,
        });
        let custody = restored.await.unwrap().custody;
        let schema = custody.database.schema().await.unwrap();
        assert_eq!(schema, store.database.schema().await.unwrap());
        let entries = custody.ledger(1, 10).await.unwrap();
        let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["opened", "restored"]);
        // One of the future is refused before anything is filled.
        manifest.schema.push(9_999);
        let text = serde_json::to_vec(&manifest).unwrap();
        std::fs::write(backup.join(MANIFEST), &text).unwrap();
        std::fs::write(backup.join(SIGNATURES), Secrets::sign(&secrets, &text)).unwrap();
        let restored = restore(RestoreOrder {
            from: &backup,
            config: Config::new(path("d")),
            master,
            deliver_queue: false,
            actor: "a.head",
            now,
        });
        let newer = StoreError::NewerSchema(9_999);
        assert!(matches!(restored.await, Err(BackupError::Store(error)) if error == newer));
        assert!(!path("d").join("beadle.db").exists());
    }
}

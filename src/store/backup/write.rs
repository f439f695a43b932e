//! Taking a backup while the relay runs.
//!
//! # Invariants
//! Rows are read in one snapshot, in which everything is that was answered with `Ok` before it began; blobs are copied after it ended,
//! so that the database's log is held up for as short as can be. A blob that went meanwhile with what it belonged to is noted.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tokio::task::{JoinSet, spawn_blocking};
use zeroize::Zeroizing;

use super::entry::{self, Unread};
use super::partial::Partial;
use super::{
    AT_ONCE, BLOBS, BackupError, BlobNote, FORMAT, LIST_LENGTH, LISTS, LedgerHead, ListNote,
    MANIFEST, Manifest, ROWS, ROWS_AT_MOST, ROWS_CLOSE_AT, RowsNote, SIGNATURES, Secrets,
    TableNote, WrappedSecret, ended, failed, file, open, rows_context,
};
use crate::store::Custody;
use crate::store::clock::micros;
use crate::store::error::StoreError;
use crate::store::holding::hex;
use crate::store::rows::{Row, Snapshot, Table, Value, tables};
use crate::store::seal::Kind;

/// Longest that rows are read: until then SQLite's log grows and keys that retention deletes stay in it, and a server of several
/// nodes keeps old rows. A million holds take some minutes.
const ROWS_TIME: Duration = Duration::from_mins(15);

/// Rows asked for at once: with the longest records 30 MB.
const PAGE: u32 = 200;

/// What backup to take.
#[derive(Debug, Clone, Copy)]
pub struct BackupOrder<'a> {
    /// The folder to make; it must not be there yet.
    pub to: &'a Path,
    /// An earlier backup of the same store on the same file system, whose blobs are linked instead of copied.
    pub reuse: Option<&'a Path>,
    /// The name of this machine, for the manifest.
    pub node: &'a str,
    /// Who takes it, for the ledger.
    pub actor: &'a str,
    /// When.
    pub now: SystemTime,
}

/// What a backup has become.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupDone {
    /// Its id.
    pub id: String,
    /// Rows of all tables.
    pub rows: u64,
    /// Rows of holds among them.
    pub holds: u64,
    /// Blobs in it.
    pub blobs: u64,
    /// Bytes of blobs.
    pub blob_bytes: u64,
    /// Bytes of sealed rows.
    pub row_bytes: u64,
    /// Blobs that were linked from the earlier backup.
    pub linked: u64,
    /// Blobs that ended while the backup was taken.
    pub ended: u64,
    /// Blobs that rows need and that are not in the store: an alarm.
    pub missing: Vec<String>,
    /// The ledger's last entry in it.
    pub head: i64,
}

impl Custody {
    /// Writes everything in our keeping into a new folder, and enters that in the ledger. Does not stop anybody from writing.
    pub async fn back_up(&self, order: BackupOrder<'_>) -> Result<BackupDone, BackupError> {
        let secrets = Secrets::of(&self.secret);
        let old = match order.reuse {
            Some(dir) => Some(Arc::new(self.earlier(dir)?)),
            None => None,
        };
        let partial = Partial::begin(order.to)?;
        let written = self.write(order, partial.path(), &secrets, old).await;
        let done = match written {
            Ok(done) => done,
            Err(error) => {
                partial.abandon();
                return Err(error);
            }
        };
        let shown = order.to.display().to_string();
        let finish = spawn_blocking(move || partial.finish());
        finish
            .await
            .map_err(ended)?
            .map_err(failed("finish", &shown))?;
        Ok(done)
    }

    async fn write(
        &self,
        order: BackupOrder<'_>,
        dir: &Path,
        secrets: &Secrets,
        old: Option<Arc<Earlier>>,
    ) -> Result<BackupDone, BackupError> {
        for folder in [ROWS, LISTS, BLOBS] {
            file::make_folder(&dir.join(folder)).map_err(failed("make", folder))?;
        }
        let schema = self.database.schema().await?;
        let mut reading = Reading::new(dir, secrets)?;
        let read = reading.all(self.database.snapshot().await?);
        match tokio::time::timeout(ROWS_TIME, read).await {
            Ok(read) => read?,
            Err(_) => return Err(BackupError::TooSlow(ROWS_TIME.as_secs() / 60)),
        }
        let copied = self.copy_blobs(dir, &reading.blobs, old).await?;
        let lists = write_lists(dir, &copied.notes).await?;
        let manifest = reading.manifest(order, schema, lists, &copied)?;
        let mut done = BackupDone {
            id: manifest.id.clone(),
            rows: manifest.rows.iter().map(|note| note.rows).sum(),
            row_bytes: manifest.rows.iter().map(|note| note.bytes).sum(),
            blobs: copied.notes.len() as u64,
            blob_bytes: copied.notes.iter().map(|note| note.bytes).sum(),
            linked: copied.linked,
            ended: copied.ended.len() as u64,
            missing: copied.missing,
            head: manifest.head.seq,
            holds: 0,
        };
        let of_holds = manifest
            .tables
            .iter()
            .find(|note| note.table.name == "hold");
        done.holds = of_holds.map_or(0, |note| note.rows);
        sign(dir, &manifest, secrets).await?;
        let detail = json!({ "backup": done.id, "holds": done.holds, "head": done.head });
        self.note(order.actor, "backed-up", None, &detail, order.now)
            .await?;
        Ok(done)
    }

    /// The blobs of an earlier backup of this store.
    fn earlier(&self, dir: &Path) -> Result<Earlier, BackupError> {
        let opened = open(dir, &self.master)?.map_err(super::Problem::alone)?;
        let mut blobs = HashMap::new();
        for note in &opened.manifest.lists {
            let list = entry::read_list(dir, note).map_err(|error| match error {
                Unread::Problem(kind) => super::Problem::of(&note.file, kind).alone(),
                Unread::Machine(source) => failed("read", &note.file)(source),
            })?;
            blobs.extend(list.into_iter().map(|blob| (blob.key.clone(), blob)));
        }
        Ok(Earlier {
            dir: dir.to_owned(),
            blobs,
        })
    }

    async fn copy_blobs(
        &self,
        dir: &Path,
        keys: &BTreeSet<String>,
        old: Option<Arc<Earlier>>,
    ) -> Result<Copied, BackupError> {
        let mut copied = Copied::default();
        let mut running = JoinSet::new();
        for key in keys {
            if running.len() >= AT_ONCE
                && let Some(done) = running.join_next().await
            {
                copied.add(done.map_err(ended)??);
            }
            let one = self.clone().copy(dir.to_owned(), key.clone(), old.clone());
            running.spawn(one);
        }
        while let Some(done) = running.join_next().await {
            copied.add(done.map_err(ended)??);
        }
        copied.notes.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(copied)
    }

    async fn copy(
        self,
        dir: PathBuf,
        key: String,
        old: Option<Arc<Earlier>>,
    ) -> Result<CopiedOne, BackupError> {
        if !super::is_key(&key) {
            return Err(StoreError::Corrupt("key of a blob").into());
        }
        let path = dir.join(BLOBS).join(&key);
        let shown = format!("{BLOBS}/{key}");
        if let Some(old) = old.filter(|old| old.blobs.contains_key(&key)) {
            let (key, path) = (key.clone(), path.clone());
            let linked = spawn_blocking(move || old.link(&key, &path)).await;
            if let Some(note) = linked.map_err(ended)?.map_err(failed("link", &shown))? {
                return Ok(CopiedOne::Linked(note));
            }
        }
        let bytes = match self.blobs.get(&key).await {
            Err(StoreError::Missing) if !self.database.needs(&key).await? => {
                return Ok(CopiedOne::Ended(key));
            }
            // Asked again, since an alarm hangs on the answer.
            Err(StoreError::Missing) => match self.blobs.get(&key).await {
                Err(StoreError::Missing) => return Ok(CopiedOne::Missing(key)),
                other => other?,
            },
            other => other?,
        };
        let note = BlobNote {
            bytes: bytes.len() as u64,
            sha256: String::new(),
            key,
        };
        let write = spawn_blocking(move || {
            if let Some(shard) = path.parent() {
                file::make_folder(shard)?;
            }
            file::write_new(&path, &bytes)?;
            Ok(BlobNote {
                sha256: file::sha256(&bytes),
                ..note
            })
        });
        let note = write
            .await
            .map_err(ended)?
            .map_err(failed("write", &shown))?;
        Ok(CopiedOne::Copied(note))
    }
}

/// An earlier backup.
struct Earlier {
    dir: PathBuf,
    blobs: HashMap<String, BlobNote>,
}

impl Earlier {
    /// Links a blob of this backup into a new one, if it is still what it was and on the same file system.
    fn link(&self, key: &str, path: &Path) -> std::io::Result<Option<BlobNote>> {
        let Some(note) = self.blobs.get(key) else {
            return Ok(None);
        };
        let from = self.dir.join(note.file());
        match file::measure(&from) {
            Ok((bytes, sha256)) if (bytes, &sha256) == (note.bytes, &note.sha256) => {}
            _ => return Ok(None),
        }
        if let Some(shard) = path.parent() {
            file::make_folder(shard)?;
        }
        // Another file system, or one with too many links: copied from the store instead.
        Ok(std::fs::hard_link(&from, path).ok().map(|()| note.clone()))
    }
}

enum CopiedOne {
    Copied(BlobNote),
    Linked(BlobNote),
    Ended(String),
    Missing(String),
}

/// What copying came to.
#[derive(Default)]
struct Copied {
    notes: Vec<BlobNote>,
    linked: u64,
    ended: Vec<String>,
    missing: Vec<String>,
}

impl Copied {
    fn add(&mut self, one: CopiedOne) {
        match one {
            CopiedOne::Copied(note) => self.notes.push(note),
            CopiedOne::Linked(note) => {
                self.linked += 1;
                self.notes.push(note);
            }
            CopiedOne::Ended(key) => self.ended.push(key),
            CopiedOne::Missing(key) => self.missing.push(key),
        }
    }
}

/// Rows on their way into files, and what is learnt from them.
struct Reading<'a> {
    dir: &'a Path,
    secrets: &'a Secrets,
    id: String,
    tables: Vec<TableNote>,
    files: Vec<RowsNote>,
    secret: Option<WrappedSecret>,
    keks: BTreeSet<String>,
    blobs: BTreeSet<String>,
    head: LedgerHead,
}

impl<'a> Reading<'a> {
    fn new(dir: &'a Path, secrets: &'a Secrets) -> Result<Self, BackupError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|_| StoreError::Unavailable("no random numbers".to_owned()))?;
        Ok(Self {
            dir,
            secrets,
            id: hex(&id),
            tables: Vec::new(),
            files: Vec::new(),
            secret: None,
            keks: BTreeSet::new(),
            blobs: BTreeSet::new(),
            head: LedgerHead::default(),
        })
    }

    async fn all(&mut self, mut snapshot: Box<dyn Snapshot>) -> Result<(), BackupError> {
        for table in tables() {
            let rows = self.table(&table, snapshot.as_mut()).await?;
            self.tables.push(TableNote { table, rows });
        }
        Ok(())
    }

    async fn table(
        &mut self,
        table: &Table,
        snapshot: &mut dyn Snapshot,
    ) -> Result<u64, BackupError> {
        let mut total = 0;
        let mut lines = Zeroizing::new(Vec::new());
        let mut count = 0;
        loop {
            let page = snapshot.next_rows(table, PAGE).await?;
            for row in &page {
                self.learn(table, row);
                entry::write_row(row, &mut lines);
                count += 1;
                if lines.len() >= ROWS_CLOSE_AT {
                    self.close(table, std::mem::take(&mut lines), count).await?;
                    (total, count) = (total + count, 0);
                }
            }
            if page.is_empty() {
                break;
            }
        }
        if count > 0 {
            self.close(table, lines, count).await?;
        }
        Ok(total + count)
    }

    /// Seals and writes one file of rows.
    async fn close(
        &mut self,
        table: &Table,
        lines: Zeroizing<Vec<u8>>,
        rows: u64,
    ) -> Result<(), BackupError> {
        let number = self.files.len() + 1;
        let name = format!("{ROWS}/{number:04}-{}.sealed", table.name);
        let (path, context) = (self.dir.join(&name), rows_context(&self.id, &name));
        let secret = self.secrets.secret.clone();
        let write = spawn_blocking(move || {
            let sealed = secret.seal(Kind::Backup, &context, &lines);
            let sealed = sealed.map_err(StoreError::from)?;
            if sealed.len() as u64 > ROWS_AT_MOST {
                return Err(StoreError::Corrupt("length of a row").into());
            }
            let shown = path.display().to_string();
            file::write_new(&path, &sealed).map_err(failed("write", &shown))?;
            Ok::<_, BackupError>((sealed.len() as u64, file::sha256(&sealed)))
        });
        let (bytes, sha256) = write.await.map_err(ended)??;
        self.files.push(RowsNote {
            file: name,
            table: table.name.clone(),
            rows,
            bytes,
            sha256,
        });
        Ok(())
    }

    fn learn(&mut self, table: &Table, row: &Row) {
        let at = |column| table.index(column).and_then(|index| row.get(index));
        if let Some(kek) = at("kek").and_then(Value::text) {
            self.keks.insert(kek.to_owned());
        }
        match table.name.as_str() {
            "keyring" if at("name").and_then(Value::text) == Some("store") => {
                let kek = at("kek").and_then(Value::text);
                let dek = at("dek").and_then(Value::bytes);
                self.secret = kek.zip(dek).map(|(kek, dek)| WrappedSecret {
                    kek: kek.to_owned(),
                    dek: BASE64_STANDARD.encode(dek),
                });
            }
            "hold" | "delivery" | "dead_letter" => {
                if let Some(blob) = at("blob").and_then(Value::text) {
                    self.blobs.insert(blob.to_owned());
                }
            }
            "ledger" => {
                let seq = at("seq").and_then(Value::integer);
                let hash = at("hash").and_then(Value::bytes);
                self.head = LedgerHead {
                    seq: seq.unwrap_or_default(),
                    hash: hash.map(hex).unwrap_or_default(),
                };
            }
            _ => {}
        }
    }

    fn manifest(
        self,
        order: BackupOrder<'_>,
        schema: Vec<i64>,
        lists: Vec<ListNote>,
        copied: &Copied,
    ) -> Result<Manifest, BackupError> {
        let at = micros(order.now);
        let time = jiff::Timestamp::from_microsecond(at);
        Ok(Manifest {
            format: FORMAT,
            id: self.id,
            product: env!("CARGO_PKG_VERSION").to_owned(),
            schema,
            time: time.map(|time| time.to_string()).unwrap_or_default(),
            at,
            node: order.node.to_owned(),
            secret: self.secret.ok_or(StoreError::Corrupt("keyring"))?,
            master_keys: self.keks.into_iter().collect(),
            head: self.head,
            tables: self.tables,
            rows: self.files,
            lists,
            ended: copied.ended.clone(),
            missing: copied.missing.clone(),
        })
    }
}

async fn write_lists(dir: &Path, notes: &[BlobNote]) -> Result<Vec<ListNote>, BackupError> {
    let mut lists = Vec::new();
    for (index, blobs) in notes.chunks(LIST_LENGTH).enumerate() {
        let name = format!("{LISTS}/{:04}.jsonl", index + 1);
        let mut lines = Vec::new();
        for blob in blobs {
            serde_json::to_writer(&mut lines, blob)
                .map_err(|error| failed("write", &name)(error.into()))?;
            lines.push(b'\n');
        }
        let note = ListNote {
            blobs: blobs.len() as u64,
            bytes: lines.len() as u64,
            sha256: file::sha256(&lines),
            file: name.clone(),
        };
        let path = dir.join(&name);
        let write = spawn_blocking(move || file::write_new(&path, &lines));
        write
            .await
            .map_err(ended)?
            .map_err(failed("write", &name))?;
        lists.push(note);
    }
    Ok(lists)
}

async fn sign(dir: &Path, manifest: &Manifest, secrets: &Secrets) -> Result<(), BackupError> {
    let text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| failed("write", MANIFEST)(error.into()))?;
    let signatures = secrets.sign(&text);
    for (name, bytes) in [(MANIFEST, text), (SIGNATURES, signatures.into_bytes())] {
        let path = dir.join(name);
        let write = spawn_blocking(move || file::write_new(&path, &bytes));
        write.await.map_err(ended)?.map_err(failed("write", name))?;
    }
    Ok(())
}

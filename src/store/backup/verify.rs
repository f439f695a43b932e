//! Checking a backup: that it is whole, unchanged, and could be restored with the master key at hand.
//!
//! # Invariants
//! Nothing is written. A problem names a file, a hold or a delivery by its id, never what is in it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

use super::entry::{self, Unread};
use super::{
    BLOB_AT_MOST, BLOBS, BackupError, BlobNote, MANIFEST, Manifest, Opened, SIGNATURES, failed,
    file, open,
};
use crate::mail::QueueId;
use crate::store::chain::Chain;
use crate::store::hold::{StoredRecord, parse_id};
use crate::store::holding::{hex, hold_context, parse};
use crate::store::keyring::MasterKeys;
use crate::store::queueing::delivery_context;
use crate::store::rows::{LedgerPage, LedgerRow, Row, Table, Value};
use crate::store::seal::{DataKey, Kind};

/// Problems that are named one by one; the rest is counted.
const NAMED: usize = 1_000;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// A file is not there.
    Missing,
    /// There is a file that the manifest does not know.
    Extra,
    /// A file has another length or hash than it had.
    Changed,
    /// Sealed content does not open.
    DoesNotOpen,
    /// Content is not of the form that this version writes.
    Malformed,
    /// The format is one that this version does not know.
    Format(u32),
    /// The signature is not by the key of this store.
    Signature,
    /// It needs a master key that is not at hand; its id.
    MasterKey(String),
    /// The number of rows is not what the manifest says.
    Count,
    /// The message that belongs here is not in the backup.
    NoMessage,
    /// The message that belongs here was not in the store when the backup was taken.
    LostBefore,
    /// The message is not the one that was held.
    OtherMessage,
    /// The ledger's chain breaks at this entry, or ends elsewhere than the manifest says.
    Ledger(i64),
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is not there"),
            Self::Extra => f.write_str("does not belong to the backup"),
            Self::Changed => f.write_str("was changed"),
            Self::DoesNotOpen => f.write_str("does not open"),
            Self::Malformed => f.write_str("has not the form of a backup"),
            Self::Format(found) => write!(
                f,
                "has format {found}; this version reads format {}",
                super::FORMAT
            ),
            Self::Signature => f.write_str("is not signed by this store's key"),
            Self::MasterKey(id) => {
                write!(f, "needs master key {id}, which is not the one at hand")
            }
            Self::Count => f.write_str("has another number of rows than the manifest says"),
            Self::NoMessage => f.write_str("has no message in the backup"),
            Self::LostBefore => f.write_str("had no message when the backup was taken"),
            Self::OtherMessage => f.write_str("has another message than the one that was held"),
            Self::Ledger(seq) => write!(f, "does not verify from entry {seq} on"),
        }
    }
}

/// Something wrong with a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A file of the backup, `hold ID`, `delivery ID`, `table NAME`, `ledger`.
    pub place: String,
    /// What is wrong.
    pub kind: ProblemKind,
}

impl Problem {
    pub(super) fn of(place: impl Into<String>, kind: ProblemKind) -> Self {
        Self {
            place: place.into(),
            kind,
        }
    }

    /// The error of a backup that has this one problem.
    pub(super) fn alone(self) -> BackupError {
        let mut found = Verified::default();
        found.add(self.clone());
        BackupError::Unsound {
            found: Box::new(found),
            first: self,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.kind)
    }
}

/// What verifying found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The backup's id; empty when the manifest could not be believed.
    pub id: String,
    /// When it was taken, as RFC 3339.
    pub time: String,
    /// Rows of all tables.
    pub rows: u64,
    /// Holds.
    pub holds: u64,
    /// Holds with their content.
    pub with_content: u64,
    /// Deliveries that wait.
    pub deliveries: u64,
    /// Good entries of the ledger.
    pub entries: i64,
    /// Blobs.
    pub blobs: u64,
    /// Bytes of blobs.
    pub blob_bytes: u64,
    /// Messages that were opened and are what they were; only of a deep check.
    pub opened: u64,
    /// Blobs that ended while the backup was taken.
    pub ended: u64,
    /// Up to a thousand problems.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub problem_count: u64,
}

impl Verified {
    /// Whether the backup can be restored as it is.
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn add(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < NAMED {
            self.problems.push(problem);
        }
    }
}

/// Checks a backup with the master key; `deep` opens every message. Reads every file, and blocks while it does.
pub fn verify(dir: &Path, master: &MasterKeys, deep: bool) -> Result<Verified, BackupError> {
    let opened = match open(dir, master)? {
        Ok(opened) => opened,
        Err(problem) => {
            let mut found = Verified::default();
            found.add(problem);
            return Ok(found);
        }
    };
    check(dir, &opened, master, deep)
}

/// Checks everything below a manifest that was opened.
pub(super) fn check(
    dir: &Path,
    opened: &Opened,
    master: &MasterKeys,
    deep: bool,
) -> Result<Verified, BackupError> {
    let manifest = &opened.manifest;
    let mut checking = Checking {
        dir,
        master,
        deep,
        manifest,
        found: Verified {
            id: manifest.id.clone(),
            time: manifest.time.clone(),
            ended: manifest.ended.len() as u64,
            ..Verified::default()
        },
        there: file::names(dir).map_err(failed("list", "."))?,
        blobs: HashSet::new(),
        sealed_as: HashMap::new(),
        chain: Chain::new(None, Vec::new()),
        chain_broken: false,
    };
    checking.known(MANIFEST);
    checking.known(SIGNATURES);
    for note in &manifest.lists {
        checking.list(note)?;
    }
    checking.rows(opened)?;
    let extra = std::mem::take(&mut checking.there);
    for name in extra {
        checking.found.add(Problem::of(name, ProblemKind::Extra));
    }
    Ok(checking.found)
}

struct Checking<'a> {
    dir: &'a Path,
    master: &'a MasterKeys,
    deep: bool,
    manifest: &'a Manifest,
    found: Verified,
    /// Files that are there and were not accounted for yet.
    there: BTreeSet<String>,
    /// Blobs that the backup has.
    blobs: HashSet<String>,
    /// For each finished delivery, the id its message is sealed as; empty where there is no dead letter to want it.
    sealed_as: HashMap<String, String>,
    chain: Chain,
    chain_broken: bool,
}

impl Checking<'_> {
    fn known(&mut self, name: &str) {
        self.there.remove(name);
    }

    fn problem(&mut self, place: impl Into<String>, kind: ProblemKind) {
        self.found.add(Problem::of(place, kind));
    }

    fn unread(&mut self, place: &str, why: Unread) -> Result<(), BackupError> {
        match why {
            Unread::Problem(kind) => self.problem(place, kind),
            Unread::Machine(source) => return Err(failed("read", place)(source)),
        }
        Ok(())
    }

    fn list(&mut self, note: &super::ListNote) -> Result<(), BackupError> {
        self.known(&note.file);
        match entry::read_list(self.dir, note) {
            Ok(blobs) => blobs.into_iter().try_for_each(|blob| self.blob(blob)),
            Err(why) => self.unread(&note.file, why),
        }
    }

    fn blob(&mut self, blob: BlobNote) -> Result<(), BackupError> {
        let name = blob.file();
        self.known(&name);
        match file::measure(&self.dir.join(&name)) {
            Ok((bytes, sha256)) if bytes == blob.bytes && sha256 == blob.sha256 => {
                self.found.blobs += 1;
                self.found.blob_bytes += bytes;
                self.blobs.insert(blob.key);
            }
            Ok(_) => self.problem(name, ProblemKind::Changed),
            Err(error) => self.unread(&name, error.into())?,
        }
        Ok(())
    }

    fn rows(&mut self, opened: &Opened) -> Result<(), BackupError> {
        let manifest = self.manifest;
        for note in &manifest.tables {
            let mut count = 0;
            for file in manifest
                .rows
                .iter()
                .filter(|file| file.table == note.table.name)
            {
                self.known(&file.file);
                match entry::read_rows(self.dir, &manifest.id, file, &note.table, &opened.secrets) {
                    Ok(rows) => {
                        count += rows.len() as u64;
                        for row in &rows {
                            self.row(&note.table, row)?;
                        }
                    }
                    Err(why) => self.unread(&file.file, why)?,
                }
            }
            self.found.rows += count;
            if count != note.rows {
                self.problem(format!("table {}", note.table.name), ProblemKind::Count);
            }
        }
        let head = self.chain.head();
        let as_noted = manifest.head.seq == head.seq
            && (head.seq == 0 || manifest.head.hash == hex(&head.hash));
        if !self.chain_broken && !as_noted {
            self.problem("ledger", ProblemKind::Ledger(head.seq + 1));
        }
        self.found.entries = head.seq;
        Ok(())
    }

    fn row(&mut self, table: &Table, row: &Row) -> Result<(), BackupError> {
        let fields = Fields(table, row);
        match table.name.as_str() {
            "hold" => {
                self.found.holds += 1;
                self.sealed_row(&fields, "hold")?;
            }
            "delivery" => {
                self.note_sealed_as(&fields);
                self.sealed_row(&fields, "delivery")?;
            }
            "dead_letter" => self.sealed_row(&fields, "dead letter")?,
            "ledger" if !self.chain_broken => {
                let good =
                    ledger_page(&fields).is_some_and(|page| self.chain.follow(&page).is_none());
                if !good {
                    self.chain_broken = true;
                    let next = self.chain.head().seq + 1;
                    self.problem("ledger", ProblemKind::Ledger(next));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A hold or delivery: its key unwraps, its blob is there, and its sealed texts open.
    fn sealed_row(&mut self, fields: &Fields<'_>, what: &'static str) -> Result<(), BackupError> {
        let id = fields.text("id").unwrap_or_default().to_owned();
        let place = format!("{what} {id}");
        let Some(blob) = fields.text("blob").map(str::to_owned) else {
            return Ok(());
        };
        if what == "hold" {
            self.found.with_content += 1;
        } else {
            self.found.deliveries += 1;
        }
        let sealed_as = match what {
            "hold" => Some(id.as_str()),
            "delivery" => fields.text("sealed_as"),
            _ => self.sealed_as.get(&id).map(String::as_str),
        };
        let opened = open_row(
            fields,
            what,
            &id,
            sealed_as.unwrap_or_default(),
            self.master,
        );
        match opened {
            Ok(opened) => self.message(place, &blob, &opened),
            Err(kind) => {
                self.problem(place, kind);
                Ok(())
            }
        }
    }

    /// A dead letter names no id that its message is sealed as: its delivery does.
    fn note_sealed_as(&mut self, fields: &Fields<'_>) {
        let tables = &self.manifest.tables;
        let wanted = tables
            .iter()
            .any(|note| note.table.name == "dead_letter" && note.rows > 0);
        if wanted
            && fields.text("blob").is_none()
            && let (Some(id), Some(sealed_as)) = (fields.text("id"), fields.text("sealed_as"))
        {
            self.sealed_as.insert(id.to_owned(), sealed_as.to_owned());
        }
    }

    /// The message of a hold or delivery: it is in the backup, and with a deep check the right one.
    fn message(
        &mut self,
        place: String,
        blob: &str,
        opened: &OpenedRow,
    ) -> Result<(), BackupError> {
        let blob = &blob.to_owned();
        if self.manifest.ended.contains(blob) {
            return Ok(());
        }
        if self.manifest.missing.contains(blob) {
            self.problem(place, ProblemKind::LostBefore);
        } else if !self.blobs.contains(blob) {
            self.problem(place, ProblemKind::NoMessage);
        } else if self.deep {
            let path = self.dir.join(BLOBS).join(blob);
            let bytes = match file::read_at_most(&path, BLOB_AT_MOST) {
                Ok(bytes) => bytes,
                Err(error) => return self.unread(&place, error.into()),
            };
            let OpenedRow {
                key,
                sealed_as,
                sha256,
            } = opened;
            match key.open(Kind::Message, sealed_as.as_bytes(), &bytes) {
                Ok(plain)
                    if sha256.is_none_or(|sha256| digest(&SHA256, &plain).as_ref() == sha256) =>
                {
                    self.found.opened += 1;
                }
                Ok(_) => self.problem(place, ProblemKind::OtherMessage),
                Err(_) => self.problem(place, ProblemKind::DoesNotOpen),
            }
        }
        Ok(())
    }
}

/// What a row of a hold, delivery or dead letter says of its message.
struct OpenedRow {
    key: DataKey,
    /// The id that the message is sealed as.
    sealed_as: QueueId,
    /// Its hash, where the row has it.
    sha256: Option<[u8; 32]>,
}

/// Unwraps the key of a row and opens its sealed texts.
fn open_row(
    fields: &Fields<'_>,
    what: &str,
    id: &str,
    sealed_as: &str,
    master: &MasterKeys,
) -> Result<OpenedRow, ProblemKind> {
    let malformed = |_| ProblemKind::Malformed;
    let parsed = parse_id(id).map_err(malformed)?;
    let kek = fields.text("kek").ok_or(ProblemKind::Malformed)?;
    let dek = fields.bytes("dek").ok_or(ProblemKind::Malformed)?;
    let context = if what == "hold" {
        hold_context(parsed)
    } else {
        delivery_context(parsed)
    };
    let key = master
        .unwrap(kek, &context, dek)
        .map_err(|error| match error {
            crate::store::StoreError::Key(_) => ProblemKind::MasterKey(kek.to_owned()),
            _ => ProblemKind::DoesNotOpen,
        })?;
    let open = |kind, column| {
        let sealed = fields.bytes(column).ok_or(ProblemKind::Malformed)?;
        key.open(kind, parsed.as_bytes(), sealed)
            .map_err(|_| ProblemKind::DoesNotOpen)
    };
    let sha256 = if what == "hold" {
        let record: StoredRecord = parse(&open(Kind::Record, "record")?).map_err(malformed)?;
        if fields.bytes("decision").is_some() {
            open(Kind::Decision, "decision")?;
        }
        Some(record.sha256)
    } else {
        open(Kind::Progress, "progress")?;
        None
    };
    Ok(OpenedRow {
        key,
        sealed_as: parse_id(sealed_as).map_err(malformed)?,
        sha256,
    })
}

/// A row by the names of its columns.
pub(super) struct Fields<'a>(pub(super) &'a Table, pub(super) &'a Row);

impl<'a> Fields<'a> {
    fn get(&self, column: &str) -> Option<&'a Value> {
        self.0.index(column).and_then(|index| self.1.get(index))
    }

    pub(super) fn text(&self, column: &str) -> Option<&'a str> {
        self.get(column)?.text()
    }

    pub(super) fn bytes(&self, column: &str) -> Option<&'a [u8]> {
        self.get(column)?.bytes()
    }

    pub(super) fn integer(&self, column: &str) -> Option<i64> {
        self.get(column)?.integer()
    }
}

/// An entry of the ledger out of a row, as a page of its own. Names stand in another table and are not looked at here.
fn ledger_page(fields: &Fields<'_>) -> Option<LedgerPage> {
    let text = |column| fields.text(column).map(str::as_bytes);
    let mut page = LedgerPage::with_capacity(1);
    page.push(&LedgerRow {
        seq: fields.integer("seq")?,
        at: fields.integer("at")?,
        // Backups from before the second format have no such column.
        format: fields.integer("format").unwrap_or(1),
        actor: text("actor")?,
        action: text("action")?,
        subject: text("subject")?,
        detail: text("detail")?,
        person: fields.bytes("person"),
        prev: fields.bytes("prev")?,
        hash: fields.bytes("hash")?,
        name: None,
    });
    Some(page)
}

//! Signing the ledger's head now and then, and keeping the checkpoints where who owns the database does not.
//!
//! # Invariants
//! A place that does not take a checkpoint is an alarm and nothing else: mail goes on, and the next checkpoint covers what this one
//! did. The database has a checkpoint before any other place has it, so that one that is elsewhere and not there was removed.
//!
//! # Known gaps
//! The file is beside the database unless it is configured to be elsewhere. Who has database, master key and every copy can write all
//! of them anew.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use crate::app::config;
use crate::app::syslog::Syslog;
use crate::mail::Address;
use crate::relay::notice::CheckpointLetter;
use crate::relay::notice::checkpoint::KIND;
use crate::store::{
    Body, Custody, DeliveryKind, NewDelivery, Notary, NotaryError, NoticeDelivery, NoticeRecord,
    StoreError,
};

/// The file's name in the data folder.
pub const FILE: &str = "ledger.checkpoints";

/// How long entries go unsigned at most.
const EVERY: Duration = Duration::from_hours(1);
/// How many go unsigned at most, about.
const ENTRIES: u64 = 10_000;
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(20);
/// How long to wait after a checkpoint that failed.
const AGAIN: Duration = Duration::from_mins(10);
/// Mail goes out at most once in this time: a day, less what a clock may drift between two hourly checkpoints.
const MAIL_EVERY: Duration = Duration::from_hours(23);
/// Bytes of a file of checkpoints that are read: 250 bytes an hour make 2 MB a year.
const READ_AT_MOST: u64 = 256 << 20;

/// `[ledger]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The file checkpoints are added to; `ledger.checkpoints` in the data folder when not set.
    pub file: Option<PathBuf>,
    /// `unix:PATH` or `udp:HOST:PORT`: where checkpoints are also sent as lines of syslog; empty: nowhere.
    pub syslog: String,
    /// Addresses that get a checkpoint by mail, at most daily.
    pub mail_to: Vec<String>,
}

/// The file of this configuration.
pub fn file(config: &config::Config) -> PathBuf {
    let own = config.ledger.file.clone();
    own.unwrap_or_else(|| config.server.data_dir.join(FILE))
}

/// Reads a file of checkpoints; nothing when there is none.
pub fn read(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(READ_AT_MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > READ_AT_MOST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    // A crash may have left half a line; what is damaged is no checkpoint.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds a note to the file and has it on stable storage. A note that a crash left half written is ended first.
fn append(path: &Path, note: &str) -> io::Result<()> {
    let is_new = !path.exists();
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    // One write, which O_APPEND keeps whole beside other processes. Nodes and commands begin with an empty line for the same reason
    // that they end with one: nobody's note runs into another's.
    let begin = if is_new { "" } else { "\n" };
    file.write_all(format!("{begin}{note}").as_bytes())?;
    file.sync_all()?;
    if is_new {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[derive(Debug)]
struct Letters {
    from: Address,
    from_name: String,
    to: Vec<Address>,
}

/// Where checkpoints go beside the database.
#[derive(Debug)]
pub struct Places {
    node: String,
    file: PathBuf,
    syslog: Option<Syslog>,
    letters: Option<Letters>,
}

impl Places {
    /// The places of this configuration. The error says what to change.
    pub fn of(config: &config::Config) -> Result<Self, String> {
        Ok(Self {
            node: config.server.name.clone(),
            file: file(config),
            syslog: Syslog::parse(&config.ledger.syslog)?,
            letters: letters(config)?,
        })
    }

    /// Hands a checkpoint to every place; `mail` when the letters are meant too. What fails is an alarm.
    pub async fn keep(&self, store: &Custody, note: &str, entry: i64, mail: bool, now: SystemTime) {
        let (path, text) = (self.file.clone(), note.to_owned());
        let written = tokio::task::spawn_blocking(move || append(&path, &text)).await;
        let written = written.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        failed("file", written.err());
        if let Some(syslog) = &self.syslog {
            let quoted = serde_json::to_string(note).unwrap_or_default();
            let sent = syslog.send(&self.node, "checkpoint", &quoted, now).await;
            failed("syslog", sent.err());
        }
        if let (Some(letters), true) = (&self.letters, mail) {
            let sent = letters.send(store, note, entry, now).await;
            failed("mail", sent.err());
        }
    }
}

/// Says that a place did not take a checkpoint.
fn failed(place: &'static str, error: Option<impl std::fmt::Display>) {
    if let Some(error) = error {
        metrics::counter!("beadle_checkpoint_failures_total", "place" => place).increment(1);
        tracing::error!(place, %error, "ALARM: a checkpoint of the ledger could not be kept here");
    }
}

fn letters(config: &config::Config) -> Result<Option<Letters>, String> {
    if config.ledger.mail_to.is_empty() {
        return Ok(None);
    }
    let address = |key: &str, text: &str| {
        Address::parse(text).map_err(|_| {
            format!("{key}: found `{text}`; allowed: an address such as auditor@trust.example; write it as local@domain")
        })
    };
    let to = config.ledger.mail_to.iter();
    let to = to.map(|text| address("ledger.mail_to", text));
    let domain = config.trust.internal_domains.first();
    let postmaster = format!("postmaster@{}", domain.unwrap_or(&config.server.name));
    let from = config.notices.from.as_ref().unwrap_or(&postmaster);
    Ok(Some(Letters {
        from: address("notices.from", from)?,
        from_name: config.notices.from_name.clone(),
        to: to.collect::<Result<_, _>>()?,
    }))
}

#[derive(Debug, thiserror::Error)]
enum LetterError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the letter cannot be written")]
    Unwritten,
}

impl Letters {
    /// Puts the letter into the queue, unless any node did within a day.
    async fn send(
        &self,
        store: &Custody,
        note: &str,
        entry: i64,
        now: SystemTime,
    ) -> Result<(), LetterError> {
        let mark = store.notice_mark("checkpoint", &[]);
        if store.notices_known(&[mark], now).await?.contains(&true) {
            return Ok(());
        }
        let id = Custody::new_id()?;
        let letter = CheckpointLetter {
            from: &self.from,
            from_name: &self.from_name,
            to: &self.to,
            id,
            now,
            entry,
            note,
        };
        let (envelope, message) = letter.compose().map_err(|_| LetterError::Unwritten)?;
        let delivery = NewDelivery {
            id,
            kind: DeliveryKind::Notice,
            envelope,
            body: Body::Message(message),
            prefix: String::new(),
            xforward: None,
            encrypt: false,
            created_at: now,
            not_before: now,
        };
        let record = NoticeRecord {
            deliveries: vec![NoticeDelivery {
                delivery,
                kind: KIND,
                to: "auditor".to_owned(),
                about: None,
                scope: None,
            }],
            marks: vec![(mark, now + MAIL_EVERY)],
            ..NoticeRecord::default()
        };
        store.record_notices(&record, now).await?;
        Ok(())
    }
}

/// Signs the ledger's head and keeps it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Checkpoints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Custody,
    places: Places,
    notary: Mutex<Notary>,
}

impl Checkpoints {
    /// Takes up where the newest checkpoint in database or file ended. Makes the key on first use.
    pub async fn open(
        store: &Custody,
        places: Places,
        now: SystemTime,
    ) -> Result<Self, StoreError> {
        let kept = read(&places.file).unwrap_or_else(|error| {
            failed("file", Some(error));
            String::new()
        });
        let notary = store.notary(&kept, now).await?;
        Ok(Self(Arc::new(Inner {
            store: store.clone(),
            places,
            notary: Mutex::new(notary),
        })))
    }

    /// Signs the head if it moved, and keeps the note, which is given. `mail`: also by mail, where that is due.
    pub async fn write(&self, mail: bool, now: SystemTime) -> Result<Option<String>, NotaryError> {
        let inner = &self.0;
        let mut notary = inner.notary.lock().await;
        let signed = notary.sign(now).await;
        let broken = matches!(signed, Err(NotaryError::Broken(_) | NotaryError::Forked(_)));
        metrics::gauge!("beadle_ledger_broken").set(f64::from(u8::from(broken)));
        let note = signed?;
        if let (Some(note), Some(signed)) = (&note, notary.signed()) {
            let entry = signed.head.seq;
            inner
                .places
                .keep(&inner.store, note, entry, mail, now)
                .await;
        }
        Ok(note)
    }

    /// As [`write`](Self::write), for who has nobody to tell but the log.
    pub async fn write_or_say(&self, mail: bool, now: SystemTime) {
        if let Err(error) = self.write(mail, now).await {
            metrics::counter!("beadle_checkpoint_failures_total", "place" => "ledger").increment(1);
            tracing::error!(%error, "ALARM: the ledger's head was not signed");
        }
    }

    /// Whether it is time: something came, and it is much, or the last checkpoint is an hour old.
    async fn is_due(&self, now: SystemTime) -> bool {
        let notary = self.0.notary.lock().await;
        let waiting = notary.waiting().await.unwrap_or(0);
        let age = notary.signed().map_or(EVERY, |signed| {
            now.duration_since(signed.at).unwrap_or_default()
        });
        waiting >= ENTRIES || (waiting > 0 && age >= EVERY)
    }

    /// Signs hourly, and after many entries, until `stop` turns true. The last one at the end is the caller's.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut pause = LOOK;
        loop {
            let ended = tokio::time::timeout(pause, stop.wait_for(|stop| *stop));
            if ended.await.is_ok() {
                return;
            }
            pause = LOOK;
            let now = SystemTime::now();
            if self.is_due(now).await {
                self.write_or_say(true, now).await;
                // Still due: it failed, and is not tried every few seconds.
                if self.is_due(now).await {
                    pause = AGAIN;
                }
            }
        }
    }
}

//! What must survive a crash: holds, the delivery queue, release tickets, the duplicate guard, the ledger, policies on record.
//!
//! # Invariants
//! A call that returned `Ok` is on stable storage: the blob and its folder entry are synced, then the row is committed with
//! `synchronous=FULL`. A blob without a row was never promised to anybody and is swept; a row without a blob is
//! reported. Personal data is sealed before it reaches a file or a column. Time is handed in.
//!
//! # Standards
//! RFC 5321 6.1: who answers 250 has taken responsibility.
//!
//! [`Custody`] is what the floors above see: it seals, opens, names and joins. Below it are two things that can be exchanged: a
//! database (`rows::Store`, implemented for SQLite and PostgreSQL), which sees sealed rows only, and the blobs.

pub mod accounts;
mod acting;
pub mod credentials;
pub use accounts::{
    Account, AccountChange, AccountError, AccountKind, Credentials, Grant, NewAccount, Role,
};
pub mod auditing;
pub mod backup;
mod blob;
pub mod chain;
pub mod checkpoint;
mod clock;
mod committer;
pub mod delivered;
pub mod delivery;
pub mod error;
pub mod facts;
#[cfg(test)]
mod faulty;
pub mod figures;
pub mod forwarding;
pub mod fsck;
pub mod hold;
mod holding;
pub mod identity;
pub mod incident;
pub mod judgement;
pub mod key;
pub mod key_command;
mod key_file;
pub mod key_source;
mod key_text;
pub mod keyring;
pub mod ledger;
pub mod life;
mod node;
pub mod notices;
pub mod person;
mod postgres;
pub mod proposal;
pub mod query;
mod queueing;
pub mod reporting;
mod retention;
pub mod rotation;
mod rows;
pub mod seal;
mod searching;
mod sessions;
mod sqlite;
mod subkey;
mod tokens;
mod upkeep;
mod views;
mod wire;
pub mod words;

use std::fmt;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use tokio::sync::{Mutex, Notify};

use crate::mail::QueueId;
use crate::policy::governance::Retention;

pub use auditing::{Against, Notary, NotaryError, Verified};
pub use blob::{BlobConfig, Blobs, Listed, Place};
pub use chain::{Fault, FaultKind};
pub use checkpoint::{Checkpoint, VerifyingKey};
pub use delivered::DeliveredKey;
pub use delivery::{
    Answer, Body, DeliveryDetails, DeliveryKind, DeliverySummary, Lease, NewDelivery, Next,
    QueueState, RecipientState, Settlement,
};
pub use error::StoreError;
pub use facts::{FactsReader, KeptFacts};
pub use figures::{Figure, FigureOutcome, Figures};
pub use forwarding::{ForwardNoted, Forwarded, Forwarding};
pub use hold::{
    Decision, FindingRecord, HoldClient, HoldDetails, HoldFilter, HoldRecord, HoldState,
    HoldSummary, NewHold, Origin, Passes, Referenced, Refusal, Resend, RuleRecord, SealedSummary,
    Ticket,
};
pub use identity::Identity;
pub use incident::{Incident, IncidentAnswers, IncidentDraft, IncidentError};
pub use judgement::Judgement;
pub use key::MasterKey;
pub use key_command::KeyCommand;
pub use key_source::KeySource;
pub use keyring::MasterKeys;
pub use ledger::{Entry, Head, LedgerCheck};
pub use life::{HoldAct, HoldClaim, LegalHold, Past, Request, SenderWord, Told, VersionSent, What};
pub use notices::{NoticeDelivery, NoticeEscalation, NoticeMark, NoticeRecord};
pub use person::{Person, SamePerson, same_name, two_people};
pub use postgres::DatabaseConfig;
pub use proposal::{
    Configured, NewProposal, Proposal, ProposalError, ProposalState, ProposalText, Standing,
    policy_sha256,
};
pub use query::{Cursor, HoldCount, HoldPage, HoldQuery, Sort};
pub use reporting::{Ended, EndedContent};
pub use retention::{EndProof, Expired, KeptHold, KeptReader};
pub use searching::Indexed;
pub use sessions::{NewSession, Session};
pub use tokens::{ApiToken, NewToken};
pub use upkeep::{Counts, Sweep};
pub use views::SavedView;
pub use words::{SearchError, SearchText};

use committer::Committer;
use delivered::Remembered;
use node::Node;
use postgres::PostgresStore;
use rotation::{keyring_context, refuse_dropped};
use rows::Store;
use seal::{DataKey, SealError};
use sqlite::SqliteStore;

/// How the store is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder of database, blobs and key; made with mode 0700 when it is not there.
    pub data_dir: PathBuf,
    /// Which database.
    pub database: DatabaseConfig,
    /// Where sealed messages are kept.
    pub blobs: BlobConfig,
    /// How long things are kept until [`Custody::set_retention`] says otherwise.
    pub retention: Retention,
    /// How long a release lets the same message pass again.
    pub ticket: Duration,
    /// How long the facts of judged messages are kept.
    pub facts: Duration,
    /// How long a delivery that ended without reaching everybody is kept for an operator.
    pub dead_letters: Duration,
    /// Bytes that no hold may take of the local disk: what decisions, purges and the ledger need to go on.
    pub reserve: u64,
    /// Connections for reading.
    pub readers: u32,
    /// Check the database file on opening. `serve` does; a command beside it need not.
    pub check: bool,
}

impl Config {
    /// The defaults in this folder: the usual retention, 7 days for a release.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database: DatabaseConfig::default(),
            blobs: BlobConfig::default(),
            retention: Retention::default(),
            ticket: Duration::from_hours(7 * 24),
            facts: facts::FACTS_KEPT,
            dead_letters: Duration::from_hours(14 * 24),
            reserve: 32 << 20,
            readers: 4,
            check: true,
        }
    }

    /// Where the master key is kept unless it is configured otherwise.
    pub fn default_key_file(&self) -> PathBuf {
        self.data_dir.join("keys").join("master.key")
    }
}

/// What is in our keeping: a database, blobs and the keys to them. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Custody {
    config: Arc<Config>,
    master: MasterKeys,
    /// Seals what belongs to no hold.
    secret: Arc<DataKey>,
    /// Keys the hashes that are compared.
    index: Arc<hmac::Key>,
    /// Keys the tokens that holds are searched by.
    search: Arc<hmac::Key>,
    blobs: Blobs,
    database: Arc<dyn Store>,
    committer: Committer,
    remembered: Arc<Remembered>,
    /// What reports count, as it was last read.
    figures: Arc<Mutex<Option<figures::Read>>>,
    retention: Arc<ArcSwap<Retention>>,
    /// Keys were ended, by this process or perhaps the one before, and the database's log may still hold them.
    shred_owed: Arc<AtomicBool>,
    wake: Arc<Notify>,
    /// Which node this is, where several share the database.
    node: Option<Node>,
    /// Hears what other nodes put into the queue; ends with the last clone.
    _bell: Option<Arc<Bell>>,
}

/// The task that listens.
#[derive(Debug)]
struct Bell(tokio::task::AbortHandle);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custody")
            .field("data_dir", &self.config.data_dir)
            .finish_non_exhaustive()
    }
}

impl Custody {
    /// Opens the store, bringing its schema up to date. Needs a running tokio runtime, on which it keeps one task.
    /// A folder into which a restore did not end is [`StoreError::HalfRestored`].
    pub async fn open(config: Config, master: impl Into<MasterKeys>) -> Result<Self, StoreError> {
        let blobs = Blobs::open(&config.blobs, &config.data_dir.join("blobs"))?;
        Self::open_over(config, master, blobs).await
    }

    /// [`Custody::open`] with these blobs instead of what the configuration names.
    pub async fn open_over(
        config: Config,
        master: impl Into<MasterKeys>,
        blobs: Blobs,
    ) -> Result<Self, StoreError> {
        if backup::is_half_restored(&config.data_dir) {
            return Err(StoreError::HalfRestored);
        }
        Self::open_as_it_is(config, master.into(), blobs).await
    }

    async fn open_as_it_is(
        config: Config,
        master: MasterKeys,
        blobs: Blobs,
    ) -> Result<Self, StoreError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config.data_dir)
            .map_err(|error| StoreError::from_io(&error))?;
        let database = open_database(&config).await?;
        refuse_dropped(database.as_ref(), &master).await?;
        let context = keyring_context(SECRET);
        let offered = master.wrap(&context, &DataKey::generate()?)?;
        let (kek, wrapped) = database.secret(&offered.kek, &offered.dek).await?;
        let secret = master.unwrap(&kek, &context, &wrapped)?;
        let index = subkey::index_key(&secret);
        let search = hmac::sign(&index, b"beadle search 1");
        let node = database
            .shared()
            .then(|| Node::load_or_create(&config.data_dir))
            .transpose()?;
        let retention = Arc::new(ArcSwap::from_pointee(config.retention.clone()));
        let wake = Arc::new(Notify::new());
        // Commands beside the relay have no queue to wake.
        let bell = (database.shared() && config.check).then(|| {
            let (database, wake) = (Arc::clone(&database), Arc::clone(&wake));
            let task = tokio::spawn(async move { database.listen(wake).await });
            Arc::new(Bell(task.abort_handle()))
        });
        let store = Self {
            config: Arc::new(config),
            master,
            index: Arc::new(index),
            search: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, search.as_ref())),
            secret: Arc::new(secret),
            blobs,
            committer: Committer::start(Arc::clone(&database)),
            database,
            remembered: Arc::default(),
            figures: Arc::default(),
            retention,
            shred_owed: Arc::new(AtomicBool::new(true)),
            wake,
            node,
            _bell: bell,
        };
        store.load_remembered().await?;
        if store.config.check {
            store.claim_blobs().await?;
        }
        Ok(store)
    }

    /// A new random id.
    pub fn new_id() -> Result<QueueId, StoreError> {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes)
            .map_err(|_| StoreError::Unavailable("no random numbers".to_owned()))?;
        Ok(QueueId::from_random(bytes))
    }

    /// How the store is kept.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Rung whenever this process, or a node on the same PostgreSQL, puts something into the queue. Other processes do not ring it, and a
    /// bell may go unheard: poll as well.
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Whether other nodes share this store.
    pub fn is_shared(&self) -> bool {
        self.database.shared()
    }

    /// Whether a write would go through now; for readiness checks.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.database.probe().await
    }

    /// Whether there is room for so many bytes more, with the reserve left; [`StoreError::Full`] when not.
    fn has_room(&self, bytes: usize) -> Result<(), StoreError> {
        let local = !self.database.shared() || self.config.blobs.url.is_empty();
        if local && self.free_bytes()? < self.config.reserve.saturating_add(bytes as u64) {
            return Err(StoreError::Full);
        }
        Ok(())
    }

    /// Bytes free for ordinary users where the store is kept.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        let facts = rustix::fs::statvfs(&self.config.data_dir)
            .map_err(|error| StoreError::from_io(&error.into()))?;
        Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
    }

    /// Claims the folder for the one process that serves; commands beside it need no claim. Held until dropped.
    pub fn claim(&self) -> Result<Claim, StoreError> {
        let file = std::fs::File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(self.config.data_dir.join("serve.lock"))
            .map_err(|error| StoreError::from_io(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Claim { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Unavailable(
                "another process serves from this folder".to_owned(),
            )),
            Err(std::fs::TryLockError::Error(error)) => Err(StoreError::from_io(&error)),
        }
    }

    /// Waits for running work and closes the database.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// The database that the configuration names.
async fn open_database(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    if config.database.is_shared() {
        return Ok(Arc::new(PostgresStore::open(&config.database).await?));
    }
    let file = config.data_dir.join("beadle.db");
    let store = SqliteStore::open(&file, config.readers, config.check).await?;
    Ok(Arc::new(store))
}

/// The right to serve from a folder.
#[derive(Debug)]
pub struct Claim {
    _file: std::fs::File,
}

/// The row of the store's own secret in the keyring.
const SECRET: &str = "store";

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Broken => Self::Corrupt("sealed text"),
            SealError::Format => Self::Corrupt("format of a sealed text"),
            SealError::Random => Self::Unavailable("no random numbers".to_owned()),
        }
    }
}

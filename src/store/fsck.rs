//! Checking the whole store: everything that a row promises is there, opens and is what was put in.
//!
//! # Invariants
//! Nothing is changed but by `repair`, which removes blobs that no row knows and leftovers of writing, both older than a day, and nothing else,
//! and only where the store's secret opens and the place of the blobs is this installation's: those of others are orphans here.
//! Works beside relays: what looks wrong is read again before it is called a fault, and a row or blob that changed or ended meanwhile is
//! looked at anew. Needs none of the store's secrets but the master keys, so that it can still say what is left when the store does not
//! open. Memory is bounded by the keys and times of all blobs, and one message.
//!
//! # Known gaps
//! What is sealed under the store's own secret (answers, forwarding mailboxes, facts, policies on record) is not opened; that the
//! secret itself opens is checked.

mod fault;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::auditing::follow;
use super::blob::{Blobs, Listed};
use super::clock::{micros, span, time};
use super::delivery::StoredProgress;
use super::error::StoreError;
use super::hold::{StoredRecord, parse_id};
use super::holding::{hold_context, parse};
use super::identity::Identity;
use super::keyring::MasterKeys;
use super::queueing::delivery_context;
use super::rotation::context;
use super::rows::{Place, SealedDelivery, Store, StoredHold};
use super::seal::{DataKey, Kind};
use super::subkey::index_key;
use super::upkeep::installation;
use super::{Config, SECRET, open_database};

pub use fault::{Fault, Problem, Subject};

/// Rows read at once.
const PAGE: u32 = 500;

/// A blob without a row may belong to a message that is just being held; after a day it does not.
const ORPHAN_AGE: Duration = Duration::from_hours(24);

/// How often a row that changes while it is looked at is looked at again.
const LOOKS: u32 = 4;

/// What is asked of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Also open every message.
    pub deep: bool,
    /// Remove what nobody needs.
    pub repair: bool,
    /// The time now.
    pub now: SystemTime,
}

/// What was looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Holds with content.
    pub holds: u64,
    /// Deliveries that have not ended.
    pub deliveries: u64,
    /// Secrets of the store itself.
    pub secrets: u64,
    /// Blobs there are.
    pub blobs: u64,
    /// Blobs that no row knows and that are too young to be called orphans.
    pub young: u64,
    /// Good entries of the ledger.
    pub entries: u64,
    /// Bytes of messages that were opened.
    pub opened: u64,
    /// Rows wrapped under keys that the source does not have, by key.
    pub unknown_keys: BTreeMap<String, u64>,
    /// Problems that are still there.
    pub problems: u64,
    /// Problems that are no more.
    pub repaired: u64,
}

/// A store that can be checked, open or not.
pub struct Fsck {
    master: MasterKeys,
    database: Arc<dyn Store>,
    blobs: Blobs,
}

/// A check on its way.
struct Round<'a> {
    fsck: &'a Fsck,
    scope: Scope,
    /// Blobs that were there when it began, and when each was written.
    listed: HashMap<String, i64>,
    /// The blobs are known to be this installation's: only then is any of them removed.
    ours: bool,
    /// Blobs that rows need.
    known: HashSet<String>,
    summary: Summary,
    tell: &'a mut (dyn FnMut(&Problem) + Send),
}

impl Fsck {
    /// Opens database and blobs of this configuration, and nothing that is sealed.
    pub async fn open(config: &Config, master: impl Into<MasterKeys>) -> Result<Self, StoreError> {
        let master = master.into();
        Ok(Self {
            master,
            blobs: Blobs::open(&config.blobs, &config.data_dir.join("blobs"))?,
            database: open_database(config).await?,
        })
    }

    /// Checks everything and tells each problem as it is found. An error means that the check could not be done.
    pub async fn run(
        &self,
        scope: Scope,
        tell: &mut (dyn FnMut(&Problem) + Send),
    ) -> Result<Summary, StoreError> {
        let listed: Vec<Listed> = self.blobs.list().await?;
        let mut round = Round {
            fsck: self,
            scope,
            listed: listed
                .into_iter()
                .map(|blob| (blob.key, blob.written))
                .collect(),
            ours: false,
            known: HashSet::new(),
            summary: Summary::default(),
            tell,
        };
        round.summary.blobs = round.listed.len() as u64;
        round.database().await?;
        round.secrets().await?;
        round.holds().await?;
        round.deliveries().await?;
        round.unknown_keys();
        round.ledger().await?;
        // Last: what was being removed when the check began is gone by now.
        round.orphans().await?;
        round.leftovers().await?;
        Ok(round.summary)
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl Round<'_> {
    fn found(&mut self, subject: Subject, id: &str, fault: Fault) {
        self.summary.problems += 1;
        (self.tell)(&Problem {
            subject,
            id: id.to_owned(),
            fault,
            repaired: false,
        });
    }

    fn repaired(&mut self, subject: Subject, id: &str, fault: Fault) {
        self.summary.repaired += 1;
        (self.tell)(&Problem {
            subject,
            id: id.to_owned(),
            fault,
            repaired: true,
        });
    }

    async fn database(&mut self) -> Result<(), StoreError> {
        for line in self.fsck.database.integrity().await? {
            self.found(Subject::Database, "", Fault::Database(line));
        }
        let found = self.fsck.database.contradictions().await?;
        for id in found.holds {
            self.found(Subject::Hold, &id, Fault::Contradiction);
        }
        for id in found.deliveries {
            self.found(Subject::Delivery, &id, Fault::Contradiction);
        }
        for id in found.tickets {
            self.found(Subject::Ticket, &id, Fault::NoHold);
        }
        Ok(())
    }

    async fn secrets(&mut self) -> Result<(), StoreError> {
        // No key is called nothing: every row is under another one.
        let page = (Place::Keyring, "", "", PAGE);
        let rows = self
            .fsck
            .database
            .wrapped_page(page.0, page.1, page.2, page.3)
            .await?;
        for row in rows {
            self.summary.secrets += 1;
            let context = context(Place::Keyring, &row.id)?;
            match self.fsck.unwrap(&row.kek, &context, &row.dek) {
                Ok(secret) if row.id == SECRET && self.scope.repair => {
                    self.fsck
                        .blobs
                        .claim(&installation(&index_key(&secret)))
                        .await?;
                    self.ours = true;
                }
                Ok(_) => {}
                Err(Fault::UnknownKey) => self.count_unknown(&row.kek),
                Err(fault) => self.found(Subject::Secret, &row.id, fault),
            }
        }
        Ok(())
    }

    async fn holds(&mut self) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let page = self.fsck.database.sealed_holds(&after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after.clone_from(&last.id);
            for row in page {
                self.summary.holds += 1;
                self.hold(row).await?;
            }
        }
    }

    /// Looks at a hold until it looks right, has ended, or looks wrong twice without having changed.
    async fn hold(&mut self, mut row: StoredHold) -> Result<(), StoreError> {
        for look in 1..=LOOKS {
            let Some(sealed) = row.sealed() else {
                return Ok(());
            };
            self.known.insert(sealed.blob.to_owned());
            let Some(fault) = self.hold_fault(&row).await? else {
                return Ok(());
            };
            let now = match self.fsck.database.hold(&row.id).await {
                Err(StoreError::Missing) => return Ok(()),
                now => now?,
            };
            let same = now.sealed().is_some_and(|now| {
                (now.kek, now.dek, now.record, now.blob)
                    == (sealed.kek, sealed.dek, sealed.record, sealed.blob)
                    && now.decision == sealed.decision
            });
            if same || look == LOOKS {
                let kek = sealed.kek.to_owned();
                self.report(Subject::Hold, &row.id, &kek, fault);
                return Ok(());
            }
            row = now;
        }
        Ok(())
    }

    async fn hold_fault(&mut self, row: &StoredHold) -> Result<Option<Fault>, StoreError> {
        let Some(sealed) = row.sealed() else {
            return Ok(None);
        };
        let Ok(id) = parse_id(&row.id) else {
            return Ok(Some(Fault::Contradiction));
        };
        let dek = match self.fsck.unwrap(sealed.kek, &hold_context(id), sealed.dek) {
            Ok(dek) => dek,
            Err(fault) => return Ok(Some(fault)),
        };
        let Some(record) =
            open_as::<StoredRecord>(&dek, Kind::Record, id.as_bytes(), sealed.record)
        else {
            return Ok(Some(Fault::Record));
        };
        if let Some(decision) = sealed.decision
            && dek.open(Kind::Decision, id.as_bytes(), decision).is_err()
        {
            return Ok(Some(Fault::Decision));
        }
        self.message_fault(dek, &row.id, sealed.blob, Some(record.sha256))
            .await
    }

    async fn deliveries(&mut self) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let page = self.fsck.database.sealed_deliveries(&after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after.clone_from(&last.id);
            for row in page {
                self.summary.deliveries += 1;
                self.delivery(row).await?;
            }
        }
    }

    /// As [`hold`](Self::hold).
    async fn delivery(&mut self, mut row: SealedDelivery) -> Result<(), StoreError> {
        for look in 1..=LOOKS {
            self.known.insert(row.blob.clone());
            let Some(fault) = self.delivery_fault(&row).await? else {
                return Ok(());
            };
            let Some(now) = self.fsck.database.sealed_delivery(&row.id).await? else {
                return Ok(());
            };
            if now == row || look == LOOKS {
                self.report(Subject::Delivery, &row.id, &row.kek, fault);
                return Ok(());
            }
            row = now;
        }
        Ok(())
    }

    async fn delivery_fault(&mut self, row: &SealedDelivery) -> Result<Option<Fault>, StoreError> {
        let Ok(id) = parse_id(&row.id) else {
            return Ok(Some(Fault::Contradiction));
        };
        let dek = match self.fsck.unwrap(&row.kek, &delivery_context(id), &row.dek) {
            Ok(dek) => dek,
            Err(fault) => return Ok(Some(fault)),
        };
        let progress =
            open_as::<StoredProgress>(&dek, Kind::Progress, id.as_bytes(), &row.progress);
        if progress.is_none_or(|progress| progress.recipients.len() != progress.envelope.rcpts()) {
            return Ok(Some(Fault::Progress));
        }
        let recorded = if self.scope.deep {
            self.recorded_hash(&row.sealed_as, &row.blob).await?
        } else {
            None
        };
        self.message_fault(dek, &row.sealed_as, &row.blob, recorded)
            .await
    }

    /// The hash that a hold recorded of the message in this blob, where it is a hold's and can still be read; what is wrong with the
    /// hold is told there.
    async fn recorded_hash(&self, hold: &str, blob: &str) -> Result<Option<[u8; 32]>, StoreError> {
        let row = match self.fsck.database.hold(hold).await {
            Err(StoreError::Missing) => return Ok(None),
            row => row?,
        };
        let (Some(sealed), Ok(id)) = (row.sealed(), parse_id(hold)) else {
            return Ok(None);
        };
        if sealed.blob != blob {
            return Ok(None);
        }
        let dek = self.fsck.unwrap(sealed.kek, &hold_context(id), sealed.dek);
        Ok(dek.ok().and_then(|dek| {
            open_as::<StoredRecord>(&dek, Kind::Record, id.as_bytes(), sealed.record)
                .map(|record| record.sha256)
        }))
    }

    /// What is wrong with the message in a blob.
    async fn message_fault(
        &mut self,
        dek: DataKey,
        sealed_as: &str,
        blob: &str,
        sha256: Option<[u8; 32]>,
    ) -> Result<Option<Fault>, StoreError> {
        if !self.scope.deep {
            let there = self.listed.contains_key(blob) || self.fsck.blobs.exists(blob).await?;
            return Ok((!there).then(|| Fault::Missing(blob.to_owned())));
        }
        let sealed = match self.fsck.blobs.get(blob).await {
            Ok(sealed) => sealed,
            Err(StoreError::Missing) => return Ok(Some(Fault::Missing(blob.to_owned()))),
            Err(error) => return Ok(Some(Fault::Unreadable(error.to_string()))),
        };
        let Ok(id) = parse_id(sealed_as) else {
            return Ok(Some(Fault::Contradiction));
        };
        let opened = tokio::task::spawn_blocking(move || {
            let mut plain = dek.open(Kind::Message, id.as_bytes(), &sealed).ok()?;
            let message = Bytes::from(std::mem::take(&mut *plain));
            Some((message.len() as u64, Identity::of(&message).whole))
        })
        .await
        .map_err(|_| StoreError::Unavailable("a blocking task ended".to_owned()))?;
        let Some((length, found)) = opened else {
            return Ok(Some(Fault::Message));
        };
        self.summary.opened += length;
        let other = sha256.is_some_and(|recorded| recorded != found);
        Ok(other.then_some(Fault::OtherMessage))
    }

    fn report(&mut self, subject: Subject, id: &str, kek: &str, fault: Fault) {
        match fault {
            Fault::UnknownKey => self.count_unknown(kek),
            fault => self.found(subject, id, fault),
        }
    }

    fn count_unknown(&mut self, kek: &str) {
        let count = self.summary.unknown_keys.entry(kek.to_owned());
        *count.or_default() += 1;
    }

    /// One line for each key: without it all of its rows say the same.
    fn unknown_keys(&mut self) {
        for (id, rows) in self.summary.unknown_keys.clone() {
            self.found(Subject::Key, &id, Fault::KeyGone(rows));
        }
    }

    async fn ledger(&mut self) -> Result<(), StoreError> {
        let followed = follow(self.fsck.database.as_ref(), None, Vec::new()).await?;
        if let Some(fault) = followed.fault {
            self.found(Subject::Ledger, &fault.entry.to_string(), Fault::Ledger);
        }
        let chain = followed.chain;
        self.summary.entries = chain.head().seq.unsigned_abs();
        Ok(())
    }

    async fn orphans(&mut self) -> Result<(), StoreError> {
        let old = micros(self.scope.now).saturating_sub(span(ORPHAN_AGE));
        let unknown: BTreeSet<(i64, String)> = self
            .listed
            .iter()
            .filter(|(key, _)| !self.known.contains(*key))
            .map(|(key, written)| (*written, key.clone()))
            .collect();
        for (written, key) in unknown {
            if self.fsck.database.needs(&key).await? || !self.fsck.blobs.exists(&key).await? {
                continue;
            }
            if written >= old {
                self.summary.young += 1;
                continue;
            }
            let fault = Fault::Orphan(time(written));
            if self.ours {
                self.fsck.blobs.delete(&key).await?;
                self.repaired(Subject::Blob, &key, fault);
            } else {
                self.found(Subject::Blob, &key, fault);
            }
        }
        Ok(())
    }

    async fn leftovers(&mut self) -> Result<(), StoreError> {
        let old = self.scope.now - ORPHAN_AGE;
        let names = self.fsck.blobs.staged(old).await?;
        if self.ours {
            self.fsck.blobs.remove_staged(old).await?;
        }
        for name in names {
            if self.ours {
                self.repaired(Subject::Blob, &name, Fault::Leftover);
            } else {
                self.found(Subject::Blob, &name, Fault::Leftover);
            }
        }
        Ok(())
    }
}

impl Fsck {
    fn unwrap(&self, kek: &str, context: &[u8], dek: &[u8]) -> Result<DataKey, Fault> {
        self.master
            .unwrap(kek, context, dek)
            .map_err(|error| match error {
                StoreError::Key(_) => Fault::UnknownKey,
                _ => Fault::Wrapped,
            })
    }
}

fn open_as<T: serde::de::DeserializeOwned>(
    dek: &DataKey,
    kind: Kind,
    context: &[u8],
    sealed: &[u8],
) -> Option<T> {
    let plain = dek.open(kind, context, sealed).ok()?;
    parse(&plain).ok()
}

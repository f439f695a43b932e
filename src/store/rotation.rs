//! Rotation of the master key while the relay runs: what is wrapped under which key, wrapping it anew, dropping a key.
//!
//! # Invariants
//! Only wrapped keys change, never what is sealed with them: a rotation costs 60 bytes a row, however large the messages are. Each batch is
//! one transaction that exchanges a wrapped key only where it is still the one that was read: a rotation may be killed and begun again
//! at any time and beside any number of relays, and overwrites nobody's change. A key is dropped only when nothing is wrapped under it,
//! and from the same moment the database refuses rows under it: a relay that still has it as its current one answers 451
//! until it has read its keys again, at the latest when [`Custody::follow_keys`] is called next.
//!
//! # Known gaps
//! Re-wrapping does not help a record whose own key became known. A backup from before needs the keys of its time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::Custody;
use super::clock::{micros, time};
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::hold_context;
use super::key::MasterKey;
use super::key_file;
use super::key_source::KeySource;
use super::keyring::MasterKeys;
use super::queueing::delivery_context;
use super::rows::{Place, RewrappedRow, Store, WrappedRow};

/// Rows in one transaction, unless it is said otherwise: a relay beside waits some milliseconds for each.
pub const BATCH: u32 = 200;

/// Passes over everything. Each but the first has only what was added while the one before ran.
const PASSES: u32 = 100;

/// Rows that could not be wrapped anew and are named; more are counted only.
const NAMED: usize = 1_000;

/// A master key that there is or has been, and what needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyStanding {
    /// The key's id.
    pub id: String,
    /// It is the one that wraps.
    pub current: bool,
    /// The source has it.
    pub available: bool,
    /// When it was first seen; `None` when it never was.
    pub added_at: Option<SystemTime>,
    /// When it was dropped.
    pub dropped_at: Option<SystemTime>,
    /// Holds that are wrapped under it.
    pub holds: u64,
    /// Deliveries that are wrapped under it, dead letters among them.
    pub deliveries: u64,
    /// Secrets of the store itself that are wrapped under it.
    pub secrets: u64,
    /// When the oldest of the holds and deliveries came, or a dead letter died.
    pub oldest: Option<SystemTime>,
}

impl KeyStanding {
    /// How much is wrapped under it.
    pub fn wrapped(&self) -> u64 {
        self.holds + self.deliveries + self.secrets
    }
}

/// What wrapping anew has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewrapped {
    /// The key that everything is wrapped under now.
    pub to: String,
    /// Wrapped keys that were exchanged.
    pub exchanged: u64,
    /// Rows whose key could not be unwrapped, by id, and why; at most a thousand.
    pub failed: Vec<(String, StoreError)>,
    /// Rows that are not under the key when it ended: the failed ones, and those that a relay wrapped under an older key meanwhile.
    pub left: u64,
    /// The database's own log still holds old wrapped keys: somebody was reading it.
    pub log_kept: bool,
}

/// What became of dropping a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It is gone from the source too.
    Gone,
    /// It is dropped here; whoever runs the source must remove it there.
    RemoveIt,
}

/// Why a key is not dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DropError {
    /// It is the one that wraps.
    #[error(
        "key `{0}` is the current one; add another first (`beadle keys add`), then wrap anew (`beadle keys rewrap`)"
    )]
    Current(String),
    /// Something needs it.
    #[error(
        "{rows} holds, deliveries or secrets are wrapped under key `{id}`; wrap them anew first (`beadle keys rewrap`)"
    )]
    Needed {
        /// The key.
        id: String,
        /// How much is wrapped under it.
        rows: u64,
    },
    /// The store said no; [`StoreError::Missing`] when there was never such a key.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a key in the keyring is bound to: its name.
pub(super) fn keyring_context(name: &str) -> Vec<u8> {
    name.as_bytes().to_vec()
}

/// An error when the current key has been dropped: nothing could be kept with it.
pub(super) async fn refuse_dropped(
    database: &dyn Store,
    master: &MasterKeys,
) -> Result<(), StoreError> {
    let current = master.current();
    let keys = database.keys().await?;
    let dropped = keys
        .iter()
        .any(|key| key.id == current && key.dropped_at.is_some());
    if dropped {
        return Err(StoreError::Key(
            format!("key `{current}` comes first in the source but was dropped from this store; put another first").into(),
        ));
    }
    Ok(())
}

/// What a wrapped key is bound to.
pub(super) fn context(place: Place, id: &str) -> Result<Vec<u8>, StoreError> {
    Ok(match place {
        Place::Keyring => keyring_context(id),
        Place::Holds => hold_context(parse_id(id)?),
        Place::Deliveries | Place::DeadLetters => delivery_context(parse_id(id)?),
    })
}

impl Custody {
    /// The master keys in use.
    pub fn master_keys(&self) -> &MasterKeys {
        &self.master
    }

    /// Notes in the ledger the keys that were not known before. To be called when a relay has started.
    pub async fn note_keys(&self, actor: &str, now: SystemTime) -> Result<(), StoreError> {
        self.database
            .add_keys(&self.master.ids(), micros(now), actor)
            .await?;
        Ok(())
    }

    /// Reads the master keys again. After an error they are as they were.
    pub async fn reload_keys(&self, now: SystemTime) -> Result<(), StoreError> {
        let secrets = self
            .database
            .wrapped_page(Place::Keyring, &self.master.current(), "", BATCH)
            .await?;
        let needed: Vec<String> = secrets.into_iter().map(|row| row.kek).collect();
        let master = self.master.clone();
        blocking(move || master.reload(&needed)).await?;
        self.note_keys("system", now).await
    }

    /// Reads the master keys again if their file has changed or the current one was dropped elsewhere. To be called every few seconds by
    /// the process that serves.
    pub async fn follow_keys(&self, now: SystemTime) -> Result<(), StoreError> {
        let changed = self.master.changed();
        if changed
            || refuse_dropped(self.database.as_ref(), &self.master)
                .await
                .is_err()
        {
            self.reload_keys(now).await?;
            refuse_dropped(self.database.as_ref(), &self.master).await?;
        }
        Ok(())
    }

    /// Every key there is, has been or is asked for by a row: those of the source first, in its order.
    pub async fn key_standings(&self) -> Result<Vec<KeyStanding>, StoreError> {
        let ids = self.master.ids();
        let mut found: BTreeMap<String, KeyStanding> = BTreeMap::new();
        for (index, id) in ids.iter().enumerate() {
            let standing = standing(&mut found, id);
            standing.available = true;
            standing.current = index == 0;
        }
        for key in self.database.keys().await? {
            let standing = standing(&mut found, &key.id);
            standing.added_at = Some(time(key.added_at));
            standing.dropped_at = key.dropped_at.map(time);
        }
        for count in self.database.wrapped_counts().await? {
            let standing = standing(&mut found, &count.kek);
            let rows = count.rows.unsigned_abs();
            match count.place {
                Place::Keyring => standing.secrets += rows,
                Place::Holds => standing.holds += rows,
                Place::Deliveries | Place::DeadLetters => standing.deliveries += rows,
            }
            let oldest = count.oldest.map(time);
            standing.oldest = [standing.oldest, oldest].into_iter().flatten().min();
        }
        let mut list: Vec<KeyStanding> = ids.iter().filter_map(|id| found.remove(id)).collect();
        list.extend(found.into_values());
        Ok(list)
    }

    /// Adds a new random key to a file, as the current one. Gives its id; `None` where the source is no file, and only its owner
    /// can add to it.
    pub async fn add_key(
        &self,
        actor: &str,
        now: SystemTime,
    ) -> Result<Option<String>, StoreError> {
        let Some(KeySource::File { path, .. }) = self.master.source().cloned() else {
            return Ok(None);
        };
        let key = MasterKey::generate()?;
        let id = key.id().to_owned();
        let staged = blocking(move || {
            key_file::stage(&path, |mut keys| {
                keys.insert(0, key);
                Ok(keys)
            })
        })
        .await?;
        self.note_keys(actor, now).await?;
        // Noted before the file is exchanged: a relay that reads it at once then finds it noted with the name of who added it.
        self.database
            .add_keys(std::slice::from_ref(&id), micros(now), actor)
            .await?;
        blocking(move || staged.commit()).await?;
        self.master.reload(&[])?;
        Ok(Some(id))
    }

    /// Wraps every key that is not under the current one anew, in transactions of `batch` rows. `clock` gives the time of each.
    pub async fn rewrap(
        &self,
        batch: u32,
        actor: &str,
        clock: &(dyn Fn() -> SystemTime + Sync),
    ) -> Result<Rewrapped, StoreError> {
        let to = self.master.current();
        let mut done = Rewrapped {
            to: to.clone(),
            ..Rewrapped::default()
        };
        // Again while it helps: a relay beside that has not noticed the new key adds rows under an older one.
        for _ in 0..PASSES {
            let before = done.exchanged;
            done.failed.clear();
            for place in Place::ALL {
                self.rewrap_place(place, batch, (actor, clock), &mut done)
                    .await?;
            }
            if done.exchanged == before {
                break;
            }
        }
        done.left = self
            .database
            .wrapped_counts()
            .await?
            .iter()
            .filter(|count| count.kek != to)
            .map(|count| count.rows.unsigned_abs())
            .sum();
        done.log_kept = !self.shred_until_gone().await?;
        Ok(done)
    }

    async fn rewrap_place(
        &self,
        place: Place,
        batch: u32,
        (actor, clock): (&str, &(dyn Fn() -> SystemTime + Sync)),
        done: &mut Rewrapped,
    ) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let page = self
                .database
                .wrapped_page(place, &done.to, &after, batch.max(1))
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after.clone_from(&last.id);
            let mut rows = Vec::with_capacity(page.len());
            for old in page {
                match self.wrap_anew(place, &done.to, &old) {
                    Ok(dek) => rows.push(RewrappedRow { old, dek }),
                    Err(error) if done.failed.len() < NAMED => done.failed.push((old.id, error)),
                    Err(_) => {}
                }
            }
            if !rows.is_empty() {
                done.exchanged += self
                    .database
                    .rewrap(place, &done.to, &rows, micros(clock()), actor)
                    .await?;
            }
        }
    }

    fn wrap_anew(&self, place: Place, to: &str, old: &WrappedRow) -> Result<Vec<u8>, StoreError> {
        let context = context(place, &old.id)?;
        let dek = self.master.unwrap(&old.kek, &context, &old.dek)?;
        let new = self.master.wrap(&context, &dek)?;
        if new.kek != to {
            // Unwrapping can read the source again.
            return Err(StoreError::Unavailable(
                "the current master key changed meanwhile".to_owned(),
            ));
        }
        Ok(new.dek)
    }

    /// Empties the database's log; `false` when a reader kept it from that.
    async fn shred_until_gone(&self) -> Result<bool, StoreError> {
        // Each waits ten seconds for readers to end.
        const TRIES: u32 = 2;
        for _ in 0..TRIES {
            if self.database.shred().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops a key that nothing is wrapped under: nothing ever will be again. From a file it is removed.
    pub async fn drop_key(
        &self,
        id: &str,
        actor: &str,
        now: SystemTime,
    ) -> Result<Dropped, DropError> {
        if id == self.master.current() {
            return Err(DropError::Current(id.to_owned()));
        }
        self.note_keys(actor, now).await?;
        // The changed file is written first and exchanged last: until then nobody else can make this key the current one.
        let staged = match self.master.source().cloned() {
            Some(KeySource::File { path, .. }) if self.master.knows(id) => {
                let id = id.to_owned();
                Some(blocking(move || key_file::stage(&path, |keys| without(keys, &id))).await?)
            }
            _ => None,
        };
        let rows = self.database.drop_key(id, micros(now), actor).await?;
        if rows > 0 {
            let id = id.to_owned();
            return Err(DropError::Needed { id, rows });
        }
        if let Some(staged) = staged {
            blocking(move || staged.commit()).await?;
            self.master.reload(&[])?;
        }
        Ok(if self.master.knows(id) {
            Dropped::RemoveIt
        } else {
            Dropped::Gone
        })
    }
}

fn without(mut keys: Vec<MasterKey>, id: &str) -> Result<Vec<MasterKey>, StoreError> {
    if keys.first().is_some_and(|key| key.id() == id) {
        return Err(StoreError::Key(
            format!("key `{id}` is the current one by now").into(),
        ));
    }
    keys.retain(|key| key.id() != id);
    Ok(keys)
}

fn standing<'a>(found: &'a mut BTreeMap<String, KeyStanding>, id: &str) -> &'a mut KeyStanding {
    found.entry(id.to_owned()).or_insert_with(|| KeyStanding {
        id: id.to_owned(),
        ..KeyStanding::default()
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Unavailable("a blocking task ended".to_owned()))?
}

//! Several master keys at a time: one that wraps, and older ones that only unwrap.
//!
//! # Invariants
//! The first key of the source is the current one. What was wrapped carries the id of its key, so that each key finds its own. A
//! row that names a key we do not have makes us read the source again, at most once a minute unless it changed meanwhile: keys can be
//! added while the relay runs, and a damaged row cannot have a key service asked without end. Keys are taken over whole or not at all, and only from
//! a source that has one that is in use or that a row needs: a wrong file must not become the one that everything is wrapped under.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::error::StoreError;
use super::key::{MasterKey, unknown};
use super::key_file::Stamp;
use super::key_source::KeySource;
use super::seal::DataKey;

/// After a source did not have the key that was looked for.
const PAUSE: Duration = Duration::from_mins(1);

/// A wrapped key and the id of the master key it is wrapped under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The id of the master key.
    pub kek: String,
    /// The wrapped key.
    pub dek: Vec<u8>,
}

/// The master keys in use. Cheap to clone; clones share what is read later.
#[derive(Clone)]
pub struct MasterKeys(Arc<Shared>);

struct Shared {
    /// Never empty; the first is the current one.
    ring: ArcSwap<Vec<MasterKey>>,
    source: Option<KeySource>,
    reading: Mutex<Reading>,
}

/// What the last reading of the source was like.
#[derive(Debug, Default)]
struct Reading {
    stamp: Option<Stamp>,
    /// When it last did not help.
    in_vain: Option<Instant>,
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl From<MasterKey> for MasterKeys {
    /// One key that never changes.
    fn from(key: MasterKey) -> Self {
        Self::of(vec![key], None)
    }
}

impl MasterKeys {
    /// Reads the keys of a source. Blocks while it is read: see [`key_command::PATIENCE`](super::key_command::PATIENCE).
    pub fn open(source: KeySource) -> Result<Self, StoreError> {
        let stamp = source.stamp();
        let keys = Self::of(source.read()?, Some(source));
        keys.reading().stamp = stamp;
        Ok(keys)
    }

    fn of(ring: Vec<MasterKey>, source: Option<KeySource>) -> Self {
        Self(Arc::new(Shared {
            ring: ArcSwap::from_pointee(ring),
            source,
            reading: Mutex::default(),
        }))
    }

    /// Where the keys come from; `None` for a single key that was handed in.
    pub fn source(&self) -> Option<&KeySource> {
        self.0.source.as_ref()
    }

    /// The ids of the keys, the current one first.
    pub fn ids(&self) -> Vec<String> {
        let ring = self.0.ring.load();
        ring.iter().map(|key| key.id().to_owned()).collect()
    }

    /// The id of the key that wraps.
    pub fn current(&self) -> String {
        self.0
            .ring
            .load()
            .first()
            .map(|key| key.id().to_owned())
            .unwrap_or_default()
    }

    /// Whether a key of this id is there. Reads nothing.
    pub fn knows(&self, id: &str) -> bool {
        self.0.ring.load().iter().any(|key| key.id() == id)
    }

    /// Wraps a record's key for that record under the current key.
    pub fn wrap(&self, context: &[u8], key: &DataKey) -> Result<Wrapped, StoreError> {
        // Id and wrapping from one look at the ring: it may be exchanged at any time.
        let ring = self.0.ring.load();
        let current = ring
            .first()
            .ok_or_else(|| StoreError::Key("there is no key".into()))?;
        Ok(Wrapped {
            kek: current.id().to_owned(),
            dek: current.wrap(context, key)?,
        })
    }

    /// Unwraps a record's key; `id` is the master key it was wrapped under. Reads the source again for one it does not have.
    pub fn unwrap(&self, id: &str, context: &[u8], wrapped: &[u8]) -> Result<DataKey, StoreError> {
        self.find(id)?.unwrap(id, context, wrapped)
    }

    fn get(&self, id: &str) -> Option<MasterKey> {
        let ring = self.0.ring.load();
        ring.iter().find(|key| key.id() == id).cloned()
    }

    fn find(&self, id: &str) -> Result<MasterKey, StoreError> {
        if let Some(key) = self.get(id) {
            return Ok(key);
        }
        aside(|| self.look_again(id, Instant::now()));
        self.get(id).ok_or_else(|| unknown(id))
    }

    /// Reads the source again for this key, unless that was in vain just now.
    fn look_again(&self, id: &str, now: Instant) {
        let Some(source) = &self.0.source else { return };
        let mut reading = self.reading();
        // Somebody else may have read it while we waited.
        if self.knows(id) {
            return;
        }
        let changed = source.stamp() != reading.stamp;
        let paused = |at: Instant| now.saturating_duration_since(at) < PAUSE;
        if !changed && reading.in_vain.is_some_and(paused) {
            return;
        }
        let needed = [id.to_owned()];
        if let Err(error) = self.take_over(source, &needed, &mut reading) {
            tracing::error!(%error, "ALARM: the master keys stay as they were");
        }
        reading.in_vain = (!self.knows(id)).then_some(now);
    }

    /// Reads the source again, which must have one of the keys in use or one of those `needed`, by id. Gives whether the keys are
    /// others now; after an error they are as they were.
    pub fn reload(&self, needed: &[String]) -> Result<bool, StoreError> {
        let Some(source) = &self.0.source else {
            return Ok(false);
        };
        self.take_over(source, needed, &mut self.reading())
    }

    /// Whether a file has been changed since it was read. Costs one look at its facts.
    pub fn changed(&self) -> bool {
        let source = self.0.source.as_ref();
        let source = source.filter(|source| source.can_change());
        source.is_some_and(|source| source.stamp() != self.reading().stamp)
    }

    fn take_over(
        &self,
        source: &KeySource,
        needed: &[String],
        reading: &mut Reading,
    ) -> Result<bool, StoreError> {
        // Looked at first: what changes while it is read looks changed the next time.
        reading.stamp = source.stamp();
        let fresh = source.read()?;
        let before = self.ids();
        let fits = |key: &MasterKey| {
            self.knows(key.id()) || needed.iter().any(|needed| needed == key.id())
        };
        if !fresh.iter().any(fits) {
            return Err(StoreError::Key(
                format!("{source} has none of the keys in use").into(),
            ));
        }
        let changed = !fresh.iter().map(MasterKey::id).eq(&before);
        if changed {
            self.0.ring.store(Arc::new(fresh));
            tracing::info!(current = self.current(), "the master keys were read again");
        }
        Ok(changed)
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        // Nothing is half done in it when a holder panics.
        self.0
            .reading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what may take seconds, where the other tasks of this thread can go on elsewhere meanwhile.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    let several = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if several {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::key_command::KeyCommand;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn line(byte: u8) -> String {
        format!("{byte:02x}").repeat(32) + "\n"
    }

    fn id(byte: u8) -> String {
        MasterKey::from_bytes(zeroize::Zeroizing::new([byte; 32]))
            .id()
            .to_owned()
    }

    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn file(path: &Path) -> MasterKeys {
        let path = path.to_owned();
        MasterKeys::open(KeySource::File {
            path,
            create: false,
        })
        .unwrap()
    }

    #[test]
    fn the_first_key_wraps_and_every_key_unwraps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        write(&path, &line(1));
        let keys = file(&path);
        let dek = DataKey::generate().unwrap();
        let old = keys.wrap(b"a", &dek).unwrap();
        write(&path, &(line(2) + &line(1)));
        assert!(keys.changed() && keys.reload(&[]).unwrap() && !keys.changed());
        let new = keys.wrap(b"a", &dek).unwrap();
        assert_eq!((old.kek.clone(), new.kek.clone()), (id(1), id(2)));
        for wrapped in [old, new] {
            let back = keys.unwrap(&wrapped.kek, b"a", &wrapped.dek).unwrap();
            assert_eq!(back.as_bytes(), dek.as_bytes());
            assert!(keys.unwrap(&wrapped.kek, b"b", &wrapped.dek).is_err());
        }
    }

    #[test]
    fn a_source_with_none_of_the_keys_in_use_is_not_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        write(&path, &line(1));
        let keys = file(&path);
        for wrong in [line(3), "nothing".to_owned(), String::new()] {
            write(&path, &wrong);
            assert!(matches!(keys.reload(&[]), Err(StoreError::Key(_))));
            assert_eq!(keys.current(), id(1));
        }
        write(&path, &line(3));
        assert!(keys.reload(&[id(4)]).is_err());
        assert!(keys.reload(&[id(4), id(3)]).unwrap(), "a row needs it");
        assert!(!format!("{keys:?}").contains(line(1).trim()));
    }

    #[test]
    fn a_source_is_asked_again_once_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let script = folder.path().join("keys.sh");
        let set = |keys: &str| {
            write(
                &script,
                &format!("#!/bin/sh\necho x >> {}\necho {keys}\n", count.display()),
            );
        };
        let command = ["/bin/sh", script.to_str().unwrap()].map(str::to_owned);
        set(&line(1));
        let command = KeyCommand::new(&command, &[]).unwrap();
        let keys = MasterKeys::open(KeySource::Command(command)).unwrap();
        let asked = || std::fs::read_to_string(&count).unwrap().lines().count();
        let now = Instant::now();
        keys.look_again("unheard", now);
        keys.look_again("of", now + PAUSE / 2);
        assert_eq!(asked(), 2);
        set(&(line(2) + " " + &line(1)).replace('\n', ""));
        keys.look_again(&id(2), now + PAUSE);
        assert_eq!((asked(), keys.current()), (3, id(2)));
        keys.look_again(&id(2), now + PAUSE * 2);
        assert_eq!(asked(), 3, "known");
    }

    #[test]
    fn a_changed_file_is_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        write(&path, &line(1));
        let keys = file(&path);
        let now = Instant::now();
        keys.look_again("unheard", now);
        write(&path, &(line(2) + &line(1)));
        keys.look_again(&id(2), now);
        assert_eq!(keys.current(), id(2));
    }
}

//! Blobs: sealed messages under random keys, in a folder or in any S3-compatible store.
//!
//! # Invariants
//! Only ciphertext comes here. `put` returns after the bytes are kept: in the local folder bytes and directory entry are on stable
//! storage (`with_fsync(true)`, which object_store leaves off by default); an S3-compatible store has answered 200. Keys are random, so
//! that correctness never depends on conditional writes, which such stores do not all have: every put is a plain one
//! (`PutMode::Overwrite`; the conditional modes of object_store 0.14 would send `If-Match` and `If-None-Match`).
//! Every call ends in bounded time. Only keys of our own shape are listed, so that what else may lie there is never swept; and
//! a place that another installation uses is refused, since its blobs would be orphans here.
//!
//! # Known gaps
//! Deletes are not synced in the local folder: after a power loss a deleted blob may be back, unreadable, because its key is gone from
//! the database; the sweep removes it. A bucket with versions keeps what is deleted: it is noise for the same reason, it costs space, and
//! it is told at start where the store names versions in its answers (object_store cannot ask for GetBucketVersioning). Under object
//! lock deletes fail and purging shows as failing sweeps. A put that ran out of time may still arrive; the sweep removes it.

mod place;
mod refusal;

use std::fmt::Write as _;
use std::future::Future;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};

use super::error::StoreError;

pub use place::BlobConfig;

/// Longest put, with its retries: a hold waits for it inside the sender's 90 s, of which judging may take 25.
const PUT_AT_MOST: Duration = Duration::from_secs(15);
/// Longest get; nobody's SMTP transaction waits for it.
const GET_AT_MOST: Duration = Duration::from_mins(1);
/// Longest delete, and longest wait for a page of a list.
const STEP_AT_MOST: Duration = Duration::from_secs(15);
/// Largest blob: twenty times the default limit for messages, and below what one S3 put takes (5 GB).
const BLOB_AT_MOST: usize = 1 << 30;
/// Names the installation whose blobs these are. No key of a blob looks like it.
const OWNER: &str = "owner";

/// Where sealed messages are kept. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Blobs {
    /// Where it is a folder: the one place that can have half-written files.
    folder: Option<Arc<FilePath>>,
    objects: Arc<dyn ObjectStore>,
}

/// One stored blob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its key, relative to the configured place.
    pub key: String,
    /// When it was written by the clock of where it is kept, microseconds UTC.
    pub written: i64,
}

/// What is known of a place that is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Deleted blobs are kept there as older versions.
    pub versioned: bool,
}

impl Blobs {
    /// Opens what is configured; a folder is made (mode 0700) when it is not there. No request is made yet.
    pub fn open(config: &BlobConfig, folder: &FilePath) -> Result<Self, StoreError> {
        match place::s3(config)? {
            Some(objects) => Ok(Self::over(objects)),
            None => Ok(Self {
                folder: Some(Arc::from(folder)),
                objects: place::folder(folder)?,
            }),
        }
    }

    /// Blobs in this object store, whatever it is.
    pub fn over(objects: Arc<dyn ObjectStore>) -> Self {
        Self {
            folder: None,
            objects,
        }
    }

    /// A new random key; its first two digits are a folder, so that no folder grows without bound.
    pub fn new_key() -> Result<String, StoreError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|_| StoreError::Unavailable("no random numbers".to_owned()))?;
        let mut key = String::with_capacity(33);
        for (index, byte) in bytes.iter().enumerate() {
            if index == 1 {
                key.push('/');
            }
            let _ = write!(key, "{byte:02x}");
        }
        Ok(key)
    }

    /// Keeps a blob under a key of its own, from [`Blobs::new_key`]. Answers within 15 s; after an error the blob may be there.
    pub async fn put(&self, key: &str, sealed: Vec<u8>) -> Result<(), StoreError> {
        if sealed.len() > BLOB_AT_MOST {
            return Err(StoreError::Unavailable(
                "blob store: a blob of more than 1 GiB is not taken".to_owned(),
            ));
        }
        let payload = PutPayload::from(Bytes::from(sealed));
        let path = Path::from(key);
        let put = self
            .objects
            .put_opts(&path, payload, PutMode::Overwrite.into());
        within(PUT_AT_MOST, put).await?;
        Ok(())
    }

    /// The blob of this key.
    pub async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        Ok(self.read(key).await?.1)
    }

    async fn read(&self, key: &str) -> Result<(ObjectMeta, Bytes), StoreError> {
        let path = Path::from(key);
        let read = async {
            let found = self.objects.get(&path).await?;
            let meta = found.meta.clone();
            if meta.size > BLOB_AT_MOST as u64 {
                return Ok(Err(StoreError::Corrupt("size of a blob")));
            }
            Ok(Ok((meta, found.bytes().await?)))
        };
        within(GET_AT_MOST, read).await?
    }

    /// Removes a blob; one that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match within(STEP_AT_MOST, self.objects.delete(&Path::from(key))).await {
            Ok(()) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes what a crash left half written in the folder before `old`. object_store writes to `key#1` beside the key and
    /// renames, and hides such names from its lists. An S3-compatible store keeps nothing of a single put that did not end.
    pub(crate) async fn remove_staged(&self, old: SystemTime) -> Result<u64, StoreError> {
        let Some(folder) = self.folder.clone() else {
            return Ok(0);
        };
        tokio::task::spawn_blocking(move || place::remove_staged(&folder, old))
            .await
            .map_err(|_| StoreError::Unavailable("a blocking task ended".to_owned()))?
            .map_err(|error| StoreError::from_io(&error))
    }

    /// Every blob there is, in the order of keys. Read page by page; memory is what the keys and times need.
    pub async fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let mut objects = self.objects.list(None);
        let mut found = Vec::new();
        while let Some(object) = within(STEP_AT_MOST, async { Ok(objects.next().await) }).await? {
            let object = object?;
            if is_key(object.location.as_ref()) {
                found.push(Listed {
                    key: object.location.to_string(),
                    written: object.last_modified.timestamp_micros(),
                });
            }
        }
        // A folder that changes while it is read may name a file twice.
        found.sort_unstable();
        found.dedup_by(|a, b| a.key == b.key);
        Ok(found)
    }

    /// Takes the place for the installation of this id, or finds that it is ours already. A place that names another
    /// installation is refused: each would sweep the blobs of the other. A folder lies beside its database and needs no claim.
    pub async fn claim(&self, installation: &str) -> Result<Place, StoreError> {
        if self.folder.is_some() {
            return Ok(Place { versioned: false });
        }
        let mut found = self.read(OWNER).await;
        if found == Err(StoreError::Missing) {
            self.put(OWNER, installation.as_bytes().to_vec()).await?;
            // Read back: of two installations that claim at once, the last to write has it.
            found = self.read(OWNER).await;
        }
        let (meta, owner) = found?;
        if owner != installation.as_bytes() {
            return Err(StoreError::Settings(
                "store.blobs.url: found a place that another installation of Beadle uses (its object `owner` names another database); \
                 allowed: a bucket or prefix of its own for each database; choose another prefix, or remove the object `owner` \
                 there if that installation is gone"
                    .to_owned(),
            ));
        }
        // `null` is the version of an object that was put while versioning was off or suspended.
        let versioned = meta.version.is_some_and(|version| version != "null");
        Ok(Place { versioned })
    }

    /// Puts, reads, lists and deletes a small random blob, and says what went wrong. Every right that Beadle needs is used.
    pub async fn try_out(&self) -> Result<(), StoreError> {
        let key = Self::new_key()?;
        let content = key.as_bytes().to_vec();
        self.put(&key, content.clone()).await?;
        let read = self.get(&key).await;
        let mut objects = self.objects.list(None);
        let listed = within(STEP_AT_MOST, async { Ok(objects.next().await) }).await;
        self.delete(&key).await?;
        if read? != content {
            return Err(StoreError::Corrupt("a blob that was just put"));
        }
        match listed? {
            Some(object) => object.map(|_| ()).map_err(StoreError::from),
            None => Err(StoreError::Corrupt("a list without the blob just put")),
        }
    }
}

/// Two digits, a slash, thirty digits: what [`Blobs::new_key`] gives.
fn is_key(path: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    path.split_once('/').is_some_and(|(shard, rest)| {
        shard.len() == 2 && rest.len() == 30 && digits(shard) && digits(rest)
    })
}

/// Ends a request that does not end itself.
async fn within<T>(
    at_most: Duration,
    request: impl Future<Output = Result<T, object_store::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(at_most, request).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(StoreError::Unavailable(format!(
            "blob store: no answer within {} s",
            at_most.as_secs()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_keys_are_blobs() {
        for _ in 0..100 {
            let key = Blobs::new_key().unwrap();
            assert!(is_key(&key), "{key}");
        }
        let key = Blobs::new_key().unwrap();
        for other in [
            OWNER.to_owned(),
            format!("{key}0"),
            format!("x/{key}"),
            key.to_uppercase()
                .replace(|c: char| c.is_ascii_digit(), "A"),
            key.replace('/', ""),
        ] {
            assert!(!is_key(&other), "{other}");
        }
    }

    #[tokio::test]
    async fn what_never_answers_ends() {
        let never = std::future::pending::<Result<(), object_store::Error>>();
        let ended = within(Duration::from_millis(20), never).await.unwrap_err();
        assert!(ended.is_temporary(), "{ended}");
    }
}

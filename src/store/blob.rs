//! Blobs: sealed messages under random keys in an object store.
//!
//! # Invariants
//! Only ciphertext comes here. `put` returns after the bytes and the directory entry are on stable storage: the local
//! folder is opened `with_fsync(true)`, which object_store leaves off by default. Keys are random, so that correctness
//! never depends on conditional writes, which S3-compatible stores do not all have.
//!
//! # Known gaps
//! Only a local folder today. Deletes are not synced: after a power loss a deleted blob may be back, unreadable, because
//! its key is gone from the database; the sweep removes it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};

use super::error::StoreError;

/// The blob store.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    folder: Arc<FilePath>,
    objects: Arc<dyn ObjectStore>,
}

/// One stored blob.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) key: String,
    /// When it was written, microseconds UTC.
    pub(crate) written: i64,
}

impl Blobs {
    /// Opens the folder, making it (mode 0700) when it is not there.
    pub(crate) fn open(folder: &FilePath) -> Result<Self, StoreError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| StoreError::from_io(&error))?;
        let objects = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self {
            folder: Arc::from(folder),
            objects: Arc::new(objects),
        })
    }

    /// A new random key; its first two digits are a folder, so that no folder grows without bound.
    pub(crate) fn new_key() -> Result<String, StoreError> {
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

    pub(crate) async fn put(&self, key: &str, sealed: Vec<u8>) -> Result<(), StoreError> {
        let payload = PutPayload::from(Bytes::from(sealed));
        self.objects.put(&Path::from(key), payload).await?;
        Ok(())
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        Ok(self.objects.get(&Path::from(key)).await?.bytes().await?)
    }

    /// Removes a blob; one that is not there is no error.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self
            .objects
            .delete(&Path::from(key))
            .await
            .map_err(StoreError::from)
        {
            Ok(()) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes what a crash left half written before `old`. object_store writes to `key#1` beside the key and renames, and
    /// hides such names from its lists.
    pub(crate) async fn remove_staged(&self, old: SystemTime) -> Result<u64, StoreError> {
        self.on_staged(old, |path| std::fs::remove_file(path))
            .await
            .map(|removed| removed.len() as u64)
    }

    /// What [`remove_staged`](Self::remove_staged) would remove, as names like those of blobs.
    pub(crate) async fn staged(&self, old: SystemTime) -> Result<Vec<String>, StoreError> {
        self.on_staged(old, |_| Ok(())).await
    }

    async fn on_staged(
        &self,
        old: SystemTime,
        act: fn(&FilePath) -> std::io::Result<()>,
    ) -> Result<Vec<String>, StoreError> {
        let folder = Arc::clone(&self.folder);
        let found = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            for shard in std::fs::read_dir(&folder)? {
                let shard = shard?;
                if !shard.file_type()?.is_dir() {
                    continue;
                }
                for file in std::fs::read_dir(shard.path())? {
                    let file = file?;
                    let staged = file.file_name().to_string_lossy().contains('#');
                    if staged && modified(&file)?.is_some_and(|modified| modified < old) {
                        act(&file.path())?;
                        let (shard, file) = (shard.file_name(), file.file_name());
                        found.push(format!("{}/{}", shard.display(), file.display()));
                    }
                }
            }
            Ok::<_, std::io::Error>(found)
        });
        found
            .await
            .map_err(|_| StoreError::Unavailable("a blocking task ended".to_owned()))?
            .map_err(|error| StoreError::from_io(&error))
    }

    /// Whether a blob is there. Reads nothing of it.
    pub(crate) async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        let found = self.objects.head(&Path::from(key)).await;
        match found.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Every blob there is.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let top = self.objects.list_with_delimiter(None).await?;
        for prefix in top.common_prefixes {
            let inside = self.objects.list_with_delimiter(Some(&prefix)).await?;
            for object in inside.objects {
                let key = object.location.to_string();
                if seen.insert(key.clone()) {
                    found.push(Listed {
                        key,
                        written: object.last_modified.timestamp_micros(),
                    });
                }
            }
        }
        Ok(found)
    }
}

/// When a file was last written; `None` when it is gone by now.
fn modified(file: &std::fs::DirEntry) -> std::io::Result<Option<SystemTime>> {
    match file.metadata() {
        Ok(facts) => facts.modified().map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

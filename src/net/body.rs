//! The octets of a message while they arrive: in memory up to a bound, then in an unlinked temporary file.
//!
//! # Invariants
//! At most the bound (1 MiB by default) of an unfinished message is in memory. Finished large messages share one
//! allowance, so their sum in memory is bounded too. The file has no name: a crash leaves nothing behind.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// Octets gathered before each write to the file: few, large writes.
const BLOCK: usize = 256 * 1024;

/// Octets one permit of the allowance stands for.
const PERMIT: usize = 1024;

/// Where bodies go.
#[derive(Debug)]
pub(super) struct Room {
    memory: usize,
    folder: Option<PathBuf>,
    allowance: Arc<Semaphore>,
    permits: usize,
    wait: Duration,
}

/// Why a message that arrived whole cannot be handed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The temporary file failed: disk full, most likely.
    #[error("temporary file: {0}")]
    Io(#[from] io::Error),
    /// No memory for another large message came free in time.
    #[error("no memory for a large message came free in time")]
    Busy,
}

/// One message's octets.
#[derive(Debug)]
pub(super) struct Body {
    room: Arc<Room>,
    block: Vec<u8>,
    file: Option<File>,
    filed: usize,
    failed: Option<io::Error>,
}

/// A whole message, and its part of the allowance for large ones.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) message: Bytes,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// `memory` octets of each message stay in memory; `large` octets of finished larger messages at a time.
    pub(super) fn new(
        memory: usize,
        large: usize,
        folder: Option<PathBuf>,
        wait: Duration,
    ) -> Self {
        let permits = (large / PERMIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self {
            memory,
            folder,
            allowance: Arc::new(Semaphore::new(permits)),
            permits,
            wait,
        }
    }

    /// Where the files are.
    pub(super) fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(std::env::temp_dir)
    }
}

impl Body {
    /// An empty body for a message of about `expected` octets.
    pub(super) fn new(room: Arc<Room>, expected: u64) -> Self {
        let capacity = usize::try_from(expected)
            .unwrap_or(usize::MAX)
            .min(room.memory);
        Self {
            block: Vec::with_capacity(capacity.max(8 * 1024)),
            room,
            file: None,
            filed: 0,
            failed: None,
        }
    }

    /// Adds octets. A failure is kept for [`Body::finish`]: the client must be heard out before it can be told.
    pub(super) async fn push(&mut self, octets: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.block.extend_from_slice(octets);
        let bound = if self.file.is_some() {
            BLOCK
        } else {
            self.room.memory
        };
        if self.block.len() > bound
            && let Err(error) = self.write_out().await
        {
            self.failed = Some(error);
            self.file = None;
            self.block = Vec::new();
        }
    }

    async fn write_out(&mut self) -> io::Result<()> {
        let mut block = std::mem::take(&mut self.block);
        let file = self.file.take();
        let folder = self.room.folder();
        let (file, mut block) = spawn_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => tempfile::tempfile_in(folder)?,
            };
            file.write_all(&block)?;
            Ok::<_, io::Error>((file, std::mem::take(&mut block)))
        })
        .await
        .map_err(io::Error::other)??;
        self.filed += block.len();
        block.clear();
        block.shrink_to(BLOCK);
        self.file = Some(file);
        self.block = block;
        Ok(())
    }

    /// The whole message; a large one waits for memory.
    pub(super) async fn finish(self) -> Result<Whole, BodyError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        let Some(mut file) = self.file else {
            return Ok(Whole {
                message: Bytes::from(self.block),
                permit: None,
            });
        };
        let total = self.filed + self.block.len();
        let permits = total.div_ceil(PERMIT).min(self.room.permits);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let allowance = Arc::clone(&self.room.allowance).acquire_many_owned(permits);
        let Ok(Ok(permit)) = tokio::time::timeout(self.room.wait, allowance).await else {
            return Err(BodyError::Busy);
        };
        let (filed, block) = (self.filed, self.block);
        let message = spawn_blocking(move || {
            let mut message = Vec::with_capacity(total);
            file.seek(SeekFrom::Start(0))?;
            (&mut file).take(filed as u64).read_to_end(&mut message)?;
            if message.len() != filed {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            message.extend_from_slice(&block);
            Ok(Bytes::from(message))
        })
        .await
        .map_err(io::Error::other)??;
        Ok(Whole {
            message,
            permit: Some(permit),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(memory: usize, large: usize) -> Arc<Room> {
        Arc::new(Room::new(memory, large, None, Duration::from_millis(20)))
    }

    async fn fill(room: &Arc<Room>, octets: &[u8], step: usize) -> Body {
        let mut body = Body::new(Arc::clone(room), 0);
        for chunk in octets.chunks(step) {
            body.push(chunk).await;
        }
        body
    }

    #[tokio::test]
    async fn every_size_comes_back_as_it_went_in() {
        let room = room(10_000, 8 << 20);
        let octets: Vec<u8> = (0..2_000_003u32).map(|n| (n % 251) as u8).collect();
        for size in [0, 1, 9_999, 10_000, 10_001, 300_000, 2_000_003] {
            let body = fill(&room, &octets[..size], 4_093).await;
            assert_eq!(body.file.is_some(), size > 10_000);
            let whole = body.finish().await.unwrap();
            assert!(whole.message == octets[..size], "{size}");
        }
    }

    #[tokio::test]
    async fn large_messages_wait_for_each_other() {
        let room = room(1_000, 8_000);
        let octets = vec![7; 6_000];
        let first = fill(&room, &octets, 500).await.finish().await.unwrap();
        let second = fill(&room, &octets, 500).await.finish().await;
        assert!(matches!(second, Err(BodyError::Busy)));
        drop(first);
        assert!(fill(&room, &octets, 500).await.finish().await.is_ok());
    }

    #[tokio::test]
    async fn a_failing_disk_is_told_at_the_end() {
        let folder = PathBuf::from("/nonexistent/beadle");
        let room = Arc::new(Room::new(10, 1 << 20, Some(folder), Duration::ZERO));
        let body = fill(&room, &[1; 100], 7).await;
        assert!(matches!(body.finish().await, Err(BodyError::Io(_))));
    }
}

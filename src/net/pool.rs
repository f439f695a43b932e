//! A bounded set of connections of which idle ones are used again.
//!
//! # Invariants
//! A connection is in the pool only after [`Lease::give_back`]: a future that is cancelled drops its connection, and a
//! session in an unknown state is never used again (lettre's pool answered 354 for a message that was refused with 552).
//! At most `max` leases exist at a time; idle connections beyond their time are closed within that time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Idle connections of one next hop.
pub struct Pool<C> {
    shared: Arc<Shared<C>>,
    permits: Arc<Semaphore>,
}

struct Shared<C> {
    idle: Mutex<Vec<(C, Instant)>>,
    keep: Duration,
    retire: fn(C),
    reaping: AtomicBool,
}

/// The right to use one connection.
pub struct Lease<C> {
    shared: Arc<Shared<C>>,
    _permit: OwnedSemaphorePermit,
}

impl<C: Send + 'static> Pool<C> {
    /// A pool of at most `max` connections in use, keeping idle ones for `keep` and handing them to `retire` after.
    pub fn new(max: usize, keep: Duration, retire: fn(C)) -> Self {
        Self {
            shared: Arc::new(Shared {
                idle: Mutex::new(Vec::new()),
                keep,
                retire,
                reaping: AtomicBool::new(false),
            }),
            permits: Arc::new(Semaphore::new(max.max(1))),
        }
    }

    /// Waits up to `patience` for the right to use a connection.
    pub async fn lease(&self, patience: Duration) -> Option<Lease<C>> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(patience, permit).await {
            Ok(Ok(permit)) => Some(Lease {
                shared: Arc::clone(&self.shared),
                _permit: permit,
            }),
            _ => None,
        }
    }
}

impl<C: Send + 'static> Lease<C> {
    /// The idle connection that was used last, if one is still fresh. The reaper sees to those that are not.
    pub fn take_idle(&self) -> Option<C> {
        let mut idle = self.shared.lock();
        idle.pop_if(|(_, since)| since.elapsed() <= self.shared.keep)
            .map(|(connection, _)| connection)
    }

    /// Ends the lease; the connection must be idle and clean.
    pub fn give_back(self, connection: C) {
        if self.shared.keep.is_zero() {
            (self.shared.retire)(connection);
            return;
        }
        self.shared.lock().push((connection, Instant::now()));
        if !self.shared.reaping.swap(true, Ordering::AcqRel) {
            tokio::spawn(reap(Arc::clone(&self.shared)));
        }
    }
}

impl<C> Shared<C> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(C, Instant)>> {
        // A panic elsewhere cannot leave a Vec of connections half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what is too old; ends when nothing is idle.
async fn reap<C: Send + 'static>(shared: Arc<Shared<C>>) {
    loop {
        tokio::time::sleep(shared.keep).await;
        let mut idle = shared.lock();
        // The oldest stand first: they are given back in order and taken from the end.
        while idle
            .first()
            .is_some_and(|(_, since)| since.elapsed() >= shared.keep)
        {
            (shared.retire)(idle.remove(0).0);
        }
        if idle.is_empty() {
            // Under the lock, so that a connection given back now starts its own reaper.
            shared.reaping.store(false, Ordering::Release);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn the_youngest_is_used_again_and_old_ones_go() {
        let pool = Pool::new(3, KEEP, drop);
        let (first, second) = (
            pool.lease(KEEP).await.unwrap(),
            pool.lease(KEEP).await.unwrap(),
        );
        first.give_back(Arc::new(1));
        let kept = Arc::new(2);
        second.give_back(Arc::clone(&kept));
        let lease = pool.lease(KEEP).await.unwrap();
        assert_eq!(lease.take_idle().as_deref(), Some(&2));
        lease.give_back(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 2);
        tokio::time::sleep(KEEP * 4).await;
        assert_eq!(Arc::strong_count(&kept), 1, "reaped without being asked");
        assert!(pool.lease(KEEP).await.unwrap().take_idle().is_none());
    }

    #[tokio::test]
    async fn leases_are_bounded_and_dropping_one_frees_it() {
        let pool: Pool<u8> = Pool::new(1, KEEP, drop);
        let lease = pool.lease(KEEP).await.unwrap();
        assert!(pool.lease(KEEP).await.is_none());
        drop(lease);
        assert!(pool.lease(KEEP).await.unwrap().take_idle().is_none());
    }
}

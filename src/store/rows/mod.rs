//! What the database must do for custody: rows in, rows out, each call one transaction.
//!
//! # Invariants
//! Rows hold sealed text, keyed hashes, times, ids and counts: an implementation never sees a name or an address, and needs no key. A
//! call that returned `Ok` is on stable storage and visible to every node; one that returned an error changed nothing, or its answer was
//! lost on the way and the whole change is there. Times are microseconds since 1970 UTC.
//!
//! Both implementations, `sqlite` and `postgres`, have a file for each one here, and pass the same suite of tests.

mod accounts;
mod backup;
mod commit;
mod deliveries;
mod facts;
mod figures;
mod forwarding;
mod fsck;
mod guard;
mod holds;
mod incidents;
mod keys;
mod ledger;
mod notices;
mod proposals;
mod retention;
mod search;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;

pub(crate) use accounts::*;
pub(crate) use backup::*;
pub(crate) use commit::*;
pub(crate) use deliveries::*;
pub(crate) use facts::*;
pub(crate) use figures::*;
pub(crate) use forwarding::*;
pub(crate) use fsck::*;
pub(crate) use guard::*;
pub(crate) use holds::*;
pub(crate) use incidents::*;
pub(crate) use keys::*;
pub(crate) use ledger::*;
pub(crate) use notices::*;
pub(crate) use proposals::*;
pub(crate) use retention::*;
pub(crate) use search::*;

use super::error::StoreError;

/// A database that keeps the rows of custody.
#[async_trait]
pub(crate) trait Store:
    AccountStore
    + BackupStore
    + CommitStore
    + FactsStore
    + FiguresStore
    + ForwardingStore
    + FsckStore
    + GuardStore
    + HoldStore
    + IncidentStore
    + KeyStore
    + LedgerStore
    + NoticeStore
    + ProposalStore
    + QueueStore
    + RetentionStore
    + SearchStore
    + fmt::Debug
    + Send
    + Sync
{
    /// Whether a write would go through now.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Makes sure that keys which were deleted are gone from the database's own logs as far as it can; `false` when somebody who reads
    /// keeps it from that for now.
    async fn shred(&self) -> Result<bool, StoreError>;

    /// Whether other nodes may use it at the same time.
    fn shared(&self) -> bool {
        false
    }

    /// Rings `wake` whenever a node puts something into the queue, until the database is closed. It returns at once where no other node
    /// can. It is a wake-up only: what is rung while the connection is down is not heard, so that the queue polls as well.
    async fn listen(&self, _wake: Arc<Notify>) {}

    /// Waits for running work and closes every connection.
    async fn close(&self);
}

//! Faults of ours, each with the reply that asks the client to try again.
//!
//! # Standards
//! RFC 3463 3.4 and 3.5 (X.3 mail system, X.4 network).

use crate::mail::QueueId;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::store::StoreError;

/// A fault of ours: the client is asked to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Judging died.
    #[error("judging failed")]
    Judge,
    /// The store cannot take the message.
    #[error("store unavailable")]
    Store,
    /// The store has no space left.
    #[error("store full")]
    StoreFull,
    /// Too much to do.
    #[error("too busy")]
    Busy,
    /// The same transaction is still on its way to the next hop.
    #[error("an earlier attempt is still under way")]
    UnderWay,
    /// The next hop has not answered in time; it may yet.
    #[error("next hop too slow")]
    NextHopSlow,
}

impl Fault {
    /// A store that could not do its part. What it says is logged; it holds no personal data.
    pub(super) fn of_store(error: &StoreError) -> Self {
        tracing::error!(%error, "store");
        if *error == StoreError::Full {
            Self::StoreFull
        } else {
            Self::Store
        }
    }

    /// The name used in metrics and log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Judge => "judge",
            Self::Store => "store",
            Self::StoreFull => "store-full",
            Self::Busy => "busy",
            Self::UnderWay => "under-way",
            Self::NextHopSlow => "next-hop-slow",
        }
    }

    pub(super) fn reply(self, id: QueueId) -> Reply {
        let code = if self == Self::StoreFull { 452 } else { 451 };
        let (enhanced, text) = match self {
            Self::StoreFull => (EnhancedCode(4, 3, 1), "storage is full, try again later"),
            Self::Judge => (
                EnhancedCode(4, 3, 0),
                "could not be checked, try again later",
            ),
            Self::Store => (
                EnhancedCode(4, 3, 0),
                "storage is unavailable, try again later",
            ),
            Self::Busy => (EnhancedCode(4, 3, 2), "too busy, try again later"),
            Self::UnderWay => (
                EnhancedCode(4, 3, 2),
                "an earlier attempt is still under way, try again later",
            ),
            Self::NextHopSlow => (
                EnhancedCode(4, 4, 2),
                "the next hop has not answered in time, try again later",
            ),
        };
        Reply::new(code, enhanced, format!("{text} (ref {})", id.reference()))
    }
}

//! The jobs of this node, by kind.

use super::jobs::Jobs;
use super::ledger::Proof;
use super::replay::Replayed;
use super::retention::KeptCount;
use super::roster::RosterCount;

/// The jobs of this node.
#[derive(Debug, Default)]
pub struct Work {
    /// What other policies would have done.
    pub replays: Jobs<Replayed>,
    /// Whether the ledger holds.
    pub proofs: Jobs<Proof>,
    /// What stands in the roster's files.
    pub rosters: Jobs<RosterCount>,
    /// What is kept how long.
    pub kept: Jobs<KeptCount>,
}

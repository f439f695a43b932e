//! Reading rich formats in child processes that can be killed: a crash or a hang costs one file, never the relay.
//!
//! The child is the relay's own program started with a hidden word; [`child_main`] is its whole life, [`Pool`] the parent's side.
//!
//! # Invariants
//! A child has no environment, no files beside its two pipes, no core dumps, and bounds on memory, CPU and descriptors before
//! it sees a byte. Its panic messages, which could quote text, go nowhere.
//!
//! # Known gaps
//! No seccomp filter and no Landlock domain yet: a parser that is taken over keeps the relay's user.

mod child;
mod pool;
mod wire;

pub use child::child_main;
pub use pool::{Pool, PoolConfig};

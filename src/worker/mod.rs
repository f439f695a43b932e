//! Reading rich formats in child processes that can be killed: a crash or a hang costs one file, never the relay.
//!
//! The child is the relay's own program started with a hidden word; [`child_main`] is its whole life, [`Pool`] the parent's side.
//!
//! # Invariants
//! A child has no environment, no files beside its two pipes, no core dumps, and bounds on memory, CPU and descriptors before
//! it sees a byte. Landlock and seccomp leave it neither files nor network nor new processes ([`Confinement`]); a kernel that enforces
//! less is said once in the log and in a gauge. Its panic messages, which could quote text, go nowhere.

mod child;
mod confine;
mod ocr;
mod pool;
mod wire;

pub use child::child_main;
pub use confine::{Confinement, Enforced, for_tesseract, lower, seal};
pub use ocr::{OcrConfig, recognise_main};
pub use pool::{Pool, PoolConfig};

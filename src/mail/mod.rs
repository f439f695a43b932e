//! The words everybody speaks: addresses, envelopes and identifiers as validated newtypes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod address;
pub mod envelope;
pub mod id;

pub use address::{Address, AddressError, Domain};
pub use envelope::{Envelope, ForwardPath, Recipient, ReversePath};
pub use id::{QueueId, Reference};

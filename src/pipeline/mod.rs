//! The way of a message: judge it, then act and record.

pub mod received;

pub use received::{Accept, Client, Received, TlsFacts};

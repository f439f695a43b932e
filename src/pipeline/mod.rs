//! The way of a message: judge it, then act and record.

mod deliver;
mod examine;
pub mod fault;
mod forwarded;
pub mod guard;
mod habits;
pub mod hold;
pub mod initials;
pub mod judge;
pub mod keeping;
pub mod notices;
mod origin;
mod passing;
pub mod received;
pub mod record;
pub mod way;

pub use received::{Accept, Client, Received, TlsFacts};

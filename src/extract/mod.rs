//! What a message says: units of text with their origin, what could not be read, and how parts are protected.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod content;

pub use content::{
    Content, FileFact, Location, Place, Protection, ProtectionState, Unit, Unread, UnreadReason,
    View,
};

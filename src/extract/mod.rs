//! What a message says: units of text with their origin, what could not be read, and how parts are protected.
//!
//! [`walk()`] is the way in. Rich formats are handed to a [`Reader`]: [`InProcess`] here, or the pool of child processes in
//! [`crate::worker`], so that judging stays a function of its inputs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod age;
mod archive;
mod beside;
mod cfb;
mod cms;
pub mod content;
mod gather;
pub mod html;
mod markup;
mod metadata;
mod odf;
mod ooxml;
mod pdf;
mod pgp;
mod picture;
pub mod read;
pub mod sniff;
mod text;
pub mod walk;
mod xlsx;
mod xml;

pub use content::{
    Content, FileFact, Location, Picture, Place, Protection, ProtectionState, Unit, Unread,
    UnreadReason, View,
};
pub use read::{FileInput, InProcess, Reader};
pub use sniff::FileKind;
pub use walk::walk;

//! What a message says: units of text with their origin, what could not be read, and how parts are protected.
//!
//! [`walk()`] is the way in. Rich formats are handed to a [`Reader`]: [`InProcess`] here, or the pool of child processes in
//! [`crate::worker`], so that judging stays a function of its inputs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod age;
mod archive;
mod beside;
mod bounded;
mod bz2;
mod cabinet;
mod cfb;
mod cms;
pub mod content;
mod executable;
mod gather;
mod gzip;
pub mod html;
mod locks;
mod markup;
mod metadata;
mod odf;
mod office_lock;
mod ooxml;
pub mod packed;
pub mod password;
mod pdf;
mod pdf_lock;
mod pgp;
mod picture;
mod rar;
pub mod read;
mod sevenz;
pub mod sniff;
mod tape;
mod text;
pub mod walk;
mod xlsx;
mod xml;
pub mod xz;
mod zstd;

pub use content::{
    Content, FileFact, Location, Picture, Place, Protection, ProtectionState, Unit, Unread,
    UnreadReason, View,
};
pub use password::Passwords;
pub use read::{FileInput, InProcess, Reader};
pub use sniff::FileKind;
pub use walk::walk;

//! What a message says: units of text with their origin, what could not be read, and how parts are protected.
//!
//! [`walk()`] is the way in. Rich formats are handed to a [`Reader`]: [`InProcess`] here, or the pool of child processes in
//! [`crate::worker`], so that judging stays a function of its inputs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod age;
mod archive;
mod beside;
mod biff;
mod binary;
mod bounded;
mod bz2;
mod cabinet;
mod card;
mod cfb;
mod cms;
mod codepage;
pub mod content;
mod executable;
mod gather;
mod grid;
mod gzip;
pub mod html;
mod iwork;
mod legacy;
mod locks;
mod mapi;
pub(crate) mod markup;
mod metadata;
mod notebook;
mod odf;
mod office_lock;
mod ole;
mod ooxml;
mod outlook;
pub mod packed;
pub mod password;
mod pdf;
mod pdf_lock;
mod pgp;
pub(crate) mod picture;
mod powerpoint;
mod rar;
pub mod read;
mod records;
mod rtf;
mod rtf_walk;
mod runs;
mod sevenz;
pub mod sniff;
mod tape;
mod text;
mod tnef;
pub mod walk;
mod word;
mod workbook;
mod xlsb;
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

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
mod card;
mod cfb;
mod cms;
mod codepage;
pub mod content;
mod gather;
mod grid;
pub mod html;
mod iwork;
mod legacy;
mod mapi;
mod markup;
mod notebook;
mod odf;
mod ole;
mod ooxml;
mod outlook;
mod pdf;
mod pgp;
mod picture;
mod powerpoint;
pub mod read;
mod records;
mod rtf;
mod rtf_walk;
mod runs;
pub mod sniff;
mod text;
mod tnef;
pub mod walk;
mod word;
mod workbook;
mod xlsb;
mod xlsx;
mod xml;

pub use content::{
    Content, FileFact, Location, Place, Protection, ProtectionState, Unit, Unread, UnreadReason,
    View,
};
pub use read::{FileInput, InProcess, Reader};
pub use sniff::FileKind;
pub use walk::walk;

//! Archives of exports, unpacked in memory within bounds.
//!
//! # Invariants
//! What an entry declares of its size is not believed: reading stops at the bound. Archives in archives stay packed.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::roster::import::RosterError;

/// Bytes of one unpacked file: the users of a million pupils take about 200 MB.
const FILE_BYTES: u64 = 512 << 20;
/// Bytes of all unpacked files of one archive.
const ALL_BYTES: u64 = 1 << 30;
/// Files of one archive.
const FILES: usize = 2_000;

/// Whether the bytes begin as an archive does.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// An archive that is being read.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left: u64,
}

const BROKEN: RosterError = RosterError::Unreadable {
    what: "the archive or workbook is broken",
    mend: "export it again; it may have been cut short",
};
const LOCKED: RosterError = RosterError::Unreadable {
    what: "the archive or workbook has a password",
    mend: "save it without one",
};
const TOO_BIG: RosterError = RosterError::Unreadable {
    what: "the archive or workbook unpacks to more than 2,000 files, 512 MiB a file or 1 GiB in all",
    mend: "split it by school",
};

impl<'a> Archive<'a> {
    /// Opens an archive.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, RosterError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| BROKEN)?;
        if zip.len() > FILES {
            return Err(TOO_BIG);
        }
        Ok(Self {
            zip,
            left: ALL_BYTES,
        })
    }

    /// The paths of its files, folders left out.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.zip.file_names().flatten();
        names
            .filter(|name| !name.ends_with('/'))
            .map(std::borrow::Cow::into_owned)
            .collect()
    }

    /// Unpacks a file.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, RosterError> {
        let file = self.zip.by_name(name).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(why)
                if why == zip::result::ZipError::PASSWORD_REQUIRED =>
            {
                LOCKED
            }
            _ => BROKEN,
        })?;
        let room = FILE_BYTES.min(self.left);
        let mut bytes = Vec::new();
        let read = file.take(room + 1).read_to_end(&mut bytes);
        read.map_err(|_| BROKEN)?;
        if bytes.len() as u64 > room {
            return Err(TOO_BIG);
        }
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }

    /// Unpacks a file whose name is written in any case, if there is one.
    pub(super) fn find(&mut self, name: &str) -> Result<Option<Vec<u8>>, RosterError> {
        let mut names = self.names().into_iter();
        let Some(found) = names.find(|known| known.eq_ignore_ascii_case(name)) else {
            return Ok(None);
        };
        self.read(&found).map(Some)
    }
}

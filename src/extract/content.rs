//! The values extraction yields: units of text, unread parts, protection states, each with its place.
//!
//! # Invariants
//! Nothing that a recipient could read is missing from [`Content`] without an [`Unread`] that says so.

use std::fmt;

use crate::mime::Defect;

/// Where in a message something stands, in the words of the outside contract.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The decoded Subject of the message.
    Subject,
    /// Another header of the message.
    Header,
    /// A body that mail programs show.
    Body,
    /// An attachment; nested containers add a name each (`archive.zip`, `list.csv`).
    Attachment(Vec<String>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject => f.write_str("subject"),
            Self::Header => f.write_str("header"),
            Self::Body => f.write_str("body"),
            Self::Attachment(names) => write!(f, "attachment:{}", names.join("!")),
        }
    }
}

/// What stands before the number of a row.
const ROW: &str = "row ";

/// A place and, for people, where in it (`Sheet2!row 14`, `page 3`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The place.
    pub place: Place,
    /// Where in the place, when known.
    pub detail: Option<String>,
}

impl Location {
    /// A place as a whole.
    pub fn of(place: Place) -> Self {
        Self {
            place,
            detail: None,
        }
    }

    /// The place of something inside this one: a body becomes an attachment of that name, an attachment gains a level.
    #[must_use]
    pub fn inside(&self, name: &str) -> Self {
        let mut names = match &self.place {
            Place::Attachment(names) => names.clone(),
            Place::Subject | Place::Header | Place::Body => Vec::new(),
        };
        names.push(name.to_owned());
        Self::of(Place::Attachment(names))
    }

    /// The place of a line of a table, counted from 0 below its first: a row, beside where the table stands.
    ///
    /// A detail that ends in `row N` names the table's first row; another table begins at row 1.
    #[must_use]
    pub fn row(&self, line: usize) -> Self {
        let (table, first) = self.table();
        let row = first.unwrap_or(1).saturating_add(line);
        self.at(if table.is_empty() {
            format!("{ROW}{row}")
        } else {
            format!("{table}!{ROW}{row}")
        })
    }

    /// The same place without a row.
    #[must_use]
    pub fn without_row(&self) -> Self {
        let (table, _) = self.table();
        Self {
            place: self.place.clone(),
            detail: (!table.is_empty()).then(|| table.to_owned()),
        }
    }

    /// The detail without its row, and the row.
    fn table(&self) -> (&str, Option<usize>) {
        let detail = self.detail.as_deref().unwrap_or("");
        detail
            .rfind(ROW)
            .filter(|at| *at == 0 || detail[..*at].ends_with('!'))
            .and_then(|at| {
                let row = detail[at + ROW.len()..].parse().ok()?;
                let table = &detail[..at];
                Some((table.strip_suffix('!').unwrap_or(table), Some(row)))
            })
            .unwrap_or((detail, None))
    }

    /// The same place with a detail.
    #[must_use]
    pub fn at(&self, detail: impl Into<String>) -> Self {
        Self {
            place: self.place.clone(),
            detail: Some(detail.into()),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

/// How a reader meets a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// Shown as running text.
    Visible,
    /// Present but not shown: hidden HTML, comments, tracked deletions, alternative readings of broken structure.
    Hidden,
    /// A table: one row a line (`\n`), cells separated by one `\t`; the first line holds the headers if there are any.
    Table,
    /// The name of a file.
    FileName,
    /// Document properties, metadata.
    Properties,
}

/// A run of text with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Where it stands.
    pub location: Location,
    /// How a reader meets it.
    pub view: View,
    /// The text, decoded; lines end in `\n`.
    pub text: String,
}

/// Why a part could not be read.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum UnreadReason {
    /// No reader for this type is built in.
    Unsupported,
    /// The file contradicts its own format.
    Broken,
    /// A limit of size, count or expansion was reached.
    TooBig,
    /// Nested deeper than the limits.
    TooDeep,
    /// Time ran out.
    TimedOut,
    /// The reader died on it.
    Crashed,
    /// A picture: it may show text that is not read.
    ImageOnly,
}

impl UnreadReason {
    /// The name used in policies, records and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::Broken => "broken",
            Self::TooBig => "too-big",
            Self::TooDeep => "too-deep",
            Self::TimedOut => "timed-out",
            Self::Crashed => "crashed",
            Self::ImageOnly => "image-only",
        }
    }
}

/// A part that could not be read, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The part.
    pub location: Location,
    /// Why.
    pub reason: UnreadReason,
    /// The sniffed type (`image/png`, `application/x-7z-compressed`), for people and policy.
    pub kind: String,
}

/// How a part is protected.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProtectionState {
    /// It looks protected and anyone can open it.
    Apparent,
    /// A container encrypted with a strong cipher under a password.
    Password,
    /// Encrypted to its recipients: S/MIME, PGP, age.
    EndToEnd,
    /// Rights management: `message.rpmsg`.
    RightsManaged,
    /// Encrypted in a way that could not be confirmed.
    Opaque,
}

impl ProtectionState {
    /// The name used in policies, records and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apparent => "apparent",
            Self::Password => "password",
            Self::EndToEnd => "end-to-end",
            Self::RightsManaged => "rights-managed",
            Self::Opaque => "opaque",
        }
    }
}

/// The reasons of locks that hide nothing.
pub(crate) const CHANGES: &str = "locked against changes only: everyone can read it";
/// See [`CHANGES`].
pub(crate) const READ_ONLY: &str = "read-only by request only: everyone can read it";

/// Every reason extraction gives for a protection: the words are fixed, so that they cross a process boundary by index and
/// never carry content.
pub const PROTECTION_REASONS: [&str; 30] = [
    "the password travels with it",
    "AES-encrypted entry of a ZIP archive",
    "the archive uses the weak cipher ZipCrypto",
    "OpenDocument file encrypted with AES",
    "OpenDocument file with an old or unknown cipher",
    "the PDF opens without a password",
    "PDF encrypted under a password",
    "the PDF uses a 40-bit key",
    "PDF encrypted in a way that could not be confirmed",
    "S/MIME encrypted to its recipients",
    "OpenPGP encrypted",
    "OpenPGP armour without encryption",
    "age encrypted",
    "rights-managed message",
    "Office document encrypted with AES",
    "encryption that could not be confirmed",
    "the text is only encoded in base64",
    "the file name promises protection",
    "7z archive encrypted with AES",
    "RAR archive encrypted with AES",
    "RAR archive of an old kind, whose cipher can be broken",
    "Office opens the document without asking",
    "Office document under a cipher that can be broken",
    CHANGES,
    READ_ONLY,
    "S/MIME encrypted under a password",
    "S/MIME under a cipher that can be broken",
    "OpenPGP encrypted under a password",
    "age encrypted under a password",
    "protected",
];

/// A protected part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The part.
    pub location: Location,
    /// Its state.
    pub state: ProtectionState,
    /// Why it has this state, in plain words and without content (`PDF opens without a password`).
    pub reason: &'static str,
}

impl Protection {
    /// A lock against changes.
    pub fn lock(location: Location) -> Self {
        Self {
            location,
            state: ProtectionState::Apparent,
            reason: CHANGES,
        }
    }

    /// Whether it only guards against changes: a locked sheet, a file that asks to be opened read-only.
    pub fn is_lock(&self) -> bool {
        self.reason == CHANGES || self.reason == READ_ONLY
    }
}

/// One attached or packed file, for rules about files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFact {
    /// The file.
    pub location: Location,
    /// The sniffed media type.
    pub kind: String,
    /// Its size in bytes, decoded.
    pub bytes: u64,
    /// The name or declared type says another type.
    pub mismatch: bool,
}

/// A picture that may be read by OCR.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where its text stands.
    pub location: Location,
    /// The place that is said to be a picture until this one is read.
    pub answers: Location,
    /// The picture as a file; empty when OCR cannot read it, so that its place stays a picture.
    pub bytes: Vec<u8>,
    /// How many pixels its own header says it has.
    pub pixels: u64,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}, {} pixels)", self.location, self.pixels)
    }
}

/// Everything extraction learned from one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// The text.
    pub units: Vec<Unit>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// Protected parts.
    pub protections: Vec<Protection>,
    /// Attached and packed files.
    pub files: Vec<FileFact>,
    /// Malformed structure, of the message or of a container.
    pub defects: Vec<Defect>,
    /// Pictures on their way to OCR, within what the message may still spend on it; empty when there is none.
    pub pictures: Vec<Picture>,
    /// Places whose text was read by OCR, which makes mistakes.
    pub recognised: Vec<Location>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_from_the_first_of_their_table() {
        let file = Location::of(Place::Attachment(vec!["a.xlsx".to_owned()]));
        let shown = |location: &Location| location.row(2).to_string();
        assert_eq!(shown(&file), "attachment:a.xlsx (row 3)");
        assert_eq!(
            shown(&file.at("Sheet2")),
            "attachment:a.xlsx (Sheet2!row 3)"
        );
        assert_eq!(
            shown(&file.at("Sheet2!row 12")),
            "attachment:a.xlsx (Sheet2!row 14)"
        );
        assert_eq!(shown(&file.at("row 12")), "attachment:a.xlsx (row 14)");
        assert_eq!(file.at("Sheet2").row(5).without_row(), file.at("Sheet2"));
        assert_eq!(file.row(5).without_row(), file);
        assert_eq!(file.at("front row 5").without_row(), file.at("front row 5"));
    }
}

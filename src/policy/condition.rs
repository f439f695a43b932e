//! What a rule asks of a message before it fires.
//!
//! # Invariants
//! Conditions are data and are read from a policy file; all that a rule sets must hold. An absent condition asks nothing.

use std::sync::Arc;

use jiff::civil::{DateTime, Time, Weekday};

use super::auto_forward::AutomationState;
use super::fields::AnyOf;
use crate::detect::{Category, Confidence, Finding};
use crate::extract::{Place, ProtectionState, UnreadReason, View};
use crate::mime::Defect;

/// Whom a condition on people means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClassRef {
    /// Everybody.
    Any,
    /// Neither the trust nor a secure partner.
    Outside,
    /// Anybody with an address who is not the trust: partners included.
    NotInternal,
    /// The null sender, `<>`; only of senders.
    Null,
    /// A registered contact of every pupil the message names; only of recipients.
    Contact,
    /// Nobody of the trust wrote to this mailbox before, as far as is known; only of recipients.
    FirstContact,
    /// Probably the sender's own private mailbox; only of recipients.
    OwnMailbox,
    /// Perhaps the sender's own private mailbox; only of recipients.
    PerhapsOwnMailbox,
    /// At a domain that looks like one of the trust, of a partner or of a mail service; only of recipients.
    LookAlike,
    /// Outside, with the name of somebody inside whom the message names; only of recipients.
    Namesake,
    /// A class of the policy by its index.
    Named(usize),
}

/// A place without the names of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// The Subject.
    Subject,
    /// Another header.
    Header,
    /// A body.
    Body,
    /// An attachment.
    Attachment,
}

impl PlaceKind {
    /// The kind of a place.
    pub fn of(place: &Place) -> Self {
        match place {
            Place::Subject => Self::Subject,
            Place::Header => Self::Header,
            Place::Body => Self::Body,
            Place::Attachment(_) => Self::Attachment,
        }
    }
}

/// [`View`] by its name in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewKind {
    /// Running text.
    Visible,
    /// Text that is not shown.
    Hidden,
    /// A table.
    Table,
    /// A file's name.
    FileName,
    /// A document's properties.
    Properties,
}

impl ViewKind {
    /// The kind of a view.
    pub fn of(view: View) -> Self {
        match view {
            View::Visible => Self::Visible,
            View::Hidden => Self::Hidden,
            View::Table => Self::Table,
            View::FileName => Self::FileName,
            View::Properties => Self::Properties,
        }
    }
}

/// What must have been found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Categories; empty means every one.
    pub categories: Vec<Category>,
    /// Detector ids; empty means every one.
    pub detectors: Vec<String>,
    /// Detector ids that do not count.
    pub except_detectors: Vec<String>,
    /// Findings less sure than this are near misses.
    pub min_confidence: Confidence,
    /// Distinct people at least.
    pub min_people: usize,
    /// Distinct values at least.
    pub min_values: usize,
    /// Places; `None` means every one.
    pub places: Option<Vec<PlaceKind>>,
    /// Views; empty means every one.
    pub views: Vec<ViewKind>,
    /// Only findings that carry a person.
    pub tied_to_person: bool,
    /// Only findings that a disguise was undone for.
    pub obfuscated: bool,
    /// Only in files of these kinds; empty means everywhere.
    pub files: Vec<FileKind>,
}

impl Found {
    /// Whether a finding counts but for its confidence and the kind of its file.
    pub fn fits(&self, finding: &Finding) -> bool {
        let detector = &*finding.detector;
        (self.categories.is_empty() || self.categories.contains(&finding.category))
            && (self.detectors.is_empty() || self.detectors.iter().any(|id| id == detector))
            && !self.except_detectors.iter().any(|id| id == detector)
            && self
                .places
                .as_ref()
                .is_none_or(|places| places.contains(&PlaceKind::of(&finding.location.place)))
            && (self.views.is_empty() || self.views.contains(&ViewKind::of(finding.view)))
            && (!self.tied_to_person || finding.person.is_some())
            && (!self.obfuscated || finding.obfuscated)
    }
}

/// What kind of file, by its sniffed type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Pictures.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Programs.
    Program,
    /// Containers of other files.
    Archive,
    /// Whole messages.
    Message,
    /// Everything else.
    Document,
}

impl FileKind {
    /// The kind of a media type as the readers sniff it (`image/png`).
    pub fn of(media_type: &str) -> Self {
        let (top, sub) = media_type.split_once('/').unwrap_or((media_type, ""));
        match (top, sub) {
            ("image", _) => Self::Image,
            ("audio", _) => Self::Audio,
            ("video", _) => Self::Video,
            ("message", _) | (_, "vnd.ms-outlook" | "mbox" | "ms-tnef") => Self::Message,
            (_, "zip" | "gzip" | "zstd" | "vnd.rar" | "x-7z-compressed" | "x-tar" | "x-xz") => {
                Self::Archive
            }
            (_, "x-bzip2" | "x-lzma" | "lzip" | "vnd.ms-cab-compressed") => Self::Archive,
            (_, sub) if PROGRAMS.contains(&sub) => Self::Program,
            _ => Self::Document,
        }
    }

    /// The name used in policies and explanations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Program => "program",
            Self::Archive => "archive",
            Self::Message => "message",
            Self::Document => "document",
        }
    }
}

/// Media types (after the slash) of files that a computer runs.
const PROGRAMS: [&str; 2] = ["vnd.microsoft.portable-executable", "x-executable"];

/// Which files must be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Of these kinds; empty means every kind.
    pub kinds: Vec<FileKind>,
    /// At least so many, 1 unless set.
    pub min_count: usize,
    /// Together at least so many bytes, decoded.
    pub min_bytes: u64,
    /// Their name or declared type says another type.
    pub misnamed: bool,
}

/// A header that must stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderWanted {
    /// Its name.
    pub name: String,
    /// Its value contains one of these, case left aside; empty means any value.
    pub contains: Vec<String>,
}

/// How the author of a message misrepresents who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityMark {
    /// The envelope sender is the trust's, the author is an outsider, and no automatic forward explains it.
    AuthorOutside,
    /// The author is another mailbox of the trust than the envelope sender, without a Sender field or a listed identity that
    /// says so.
    AuthorDiffers,
    /// The author's display name shows another address than the author's.
    DisplayName,
    /// Answers go to nobody of the trust.
    ReplyToOutside,
    /// Several authors, or From fields that contradict each other.
    SeveralAuthors,
}

impl IdentityMark {
    /// The name used in policies, and what it means in an explanation.
    pub fn words(self) -> &'static str {
        match self {
            Self::AuthorOutside => "the author named is outside the trust",
            Self::AuthorDiffers => "the author named is not who sent it",
            Self::DisplayName => "the author's name shows another address",
            Self::ReplyToOutside => "answers go outside the trust",
            Self::SeveralAuthors => "it names several authors",
        }
    }
}

/// When in the week a message is sent, in the trust's local time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// From this time of day.
    pub from: Time,
    /// Before this time of day; earlier than `from` means the next day's.
    pub to: Time,
    /// Days on which the whole day counts.
    pub days: Vec<Weekday>,
}

impl Hours {
    /// Whether a moment lies within.
    pub fn contain(&self, at: DateTime) -> bool {
        let time = at.time();
        let within = if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        };
        within || self.days.contains(&at.weekday())
    }
}

/// The conditions of a rule; all that are set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// At least one recipient is one of these; empty means any recipient.
    pub recipients: Vec<ClassRef>,
    /// Recipients that do not count towards `recipients`.
    pub except_recipients: Vec<ClassRef>,
    /// At least so many recipients count.
    pub min_recipients: usize,
    /// Only recipients that To or Cc shows to the others count.
    pub visible: bool,
    /// The message has one recipient only.
    pub only_recipient: bool,
    /// The envelope sender is one of these; empty means every one.
    pub senders: Vec<ClassRef>,
    /// The envelope sender is none of these.
    pub except_senders: Vec<ClassRef>,
    /// An author (From) is one of these; empty means every one.
    pub authors: Vec<ClassRef>,
    /// Answers (Reply-To) go to one of these; empty means everywhere.
    pub reply_to: Vec<ClassRef>,
    /// It misrepresents its sender in one of these ways.
    pub identity: Vec<IdentityMark>,
    /// What must have been found.
    pub found: Option<Found>,
    /// A part has one of these protection states.
    pub protection: Vec<ProtectionState>,
    /// Whether a lock against changes, which hides nothing, counts for `protection`; it does unless this is `false`.
    pub locks: Option<bool>,
    /// A part could not be read for one of these reasons.
    pub unread: Option<AnyOf<UnreadReason>>,
    /// The structure has one of these defects.
    pub defects: Option<AnyOf<Defect>>,
    /// The message is automatic in one of these ways.
    pub automation: Vec<AutomationState>,
    /// A person forwards another message with it, or does not.
    pub forwarded_by_hand: Option<bool>,
    /// Some text was read by OCR, which makes mistakes, or none was.
    pub recognised: Option<bool>,
    /// The scan ended early, or did not.
    pub unfinished: Option<bool>,
    /// Its author marked it as personal or private, or did not.
    pub personal: Option<bool>,
    /// The message has at least so many bytes.
    pub min_bytes: Option<u64>,
    /// Files are attached.
    pub files: Option<Files>,
    /// Headers that must all stand.
    pub headers: Vec<HeaderWanted>,
    /// When in the week.
    pub hours: Option<Hours>,
}

/// A header line that a rule adds to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedHeader {
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: Arc<str>,
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    #[test]
    fn hours_may_cross_midnight_and_whole_days_count() {
        let hours = Hours {
            from: time(18, 0, 0, 0),
            to: time(7, 0, 0, 0),
            days: vec![Weekday::Sunday],
        };
        let at = |day, hour| date(2026, 11, day).at(hour, 30, 0, 0);
        assert!(hours.contain(at(24, 23)) && hours.contain(at(24, 6)));
        assert!(!hours.contain(at(24, 7)) && !hours.contain(at(24, 17)));
        assert!(hours.contain(at(29, 12)));
    }

    #[test]
    fn files_are_of_the_kind_their_content_says() {
        for (media, kind) in [
            ("image/jpeg", FileKind::Image),
            ("video/mp4", FileKind::Video),
            ("message/rfc822", FileKind::Message),
            ("application/zip", FileKind::Archive),
            (
                "application/vnd.microsoft.portable-executable",
                FileKind::Program,
            ),
            ("application/pdf", FileKind::Document),
            ("", FileKind::Document),
        ] {
            assert_eq!(FileKind::of(media), kind, "{media}");
        }
    }
}

//! What extraction has collected so far, and the budget it is collected under.
//!
//! # Invariants
//! Text beyond a limit is cut and the cut is said: an [`Unread`] of reason `TooBig` stands at the same place.

use crate::extract::content::{
    Content, FileFact, Location, PROTECTION_REASONS, Place, Protection, ProtectionState, Unit,
    Unread, UnreadReason, View,
};
use crate::extract::password::Passwords;
use crate::extract::read::Reader;
use crate::limits::Budget;
use crate::mime::Defect;

/// Unread places that are said one by one; a message with more is ruled on by these.
const MOST_UNREAD: usize = 1_000;

/// The content under way.
pub(crate) struct Gather<'a> {
    pub(crate) content: Content,
    pub(crate) budget: &'a Budget,
    /// Words of the message that may open its own attachments.
    pub(crate) passwords: Passwords,
    /// Who reads rich formats; `None` inside that reader itself.
    pub(crate) reader: Option<&'a dyn Reader>,
    /// Pictures are kept for OCR.
    pub(crate) keeps_pictures: bool,
    file_text: usize,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(budget: &'a Budget, reader: Option<&'a dyn Reader>) -> Self {
        Self {
            content: Content::default(),
            budget,
            passwords: Passwords::default(),
            reader,
            keeps_pictures: false,
            file_text: 0,
        }
    }

    /// A new file begins: its own text allowance.
    pub(crate) fn begin_file(&mut self) {
        self.file_text = 0;
    }

    /// Bytes of text that the file under way may still say.
    pub(crate) fn room(&self) -> usize {
        let most = self.budget.limits.file_text_bytes;
        most.saturating_sub(self.file_text)
    }

    /// Adds text, unless it is blank.
    pub(crate) fn unit(&mut self, location: &Location, view: View, text: impl Into<String>) {
        let mut text: String = text.into();
        if text.trim().is_empty() {
            return;
        }
        let room = self.room();
        let cut = text.len() > room;
        if cut {
            let mut end = room;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        self.file_text += text.len();
        if !self.budget.take_text(text.len()) {
            self.unread(location, UnreadReason::TooBig, "text/plain");
            return;
        }
        if cut {
            self.unread(location, UnreadReason::TooBig, "text/plain");
        }
        if !text.is_empty() {
            self.content.units.push(Unit {
                location: location.clone(),
                view,
                text,
            });
        }
    }

    /// Says that something could not be read; once for each place and reason, up to [`MOST_UNREAD`].
    pub(crate) fn unread(
        &mut self,
        location: &Location,
        reason: UnreadReason,
        kind: impl Into<String>,
    ) {
        if self.content.unread.len() >= MOST_UNREAD
            || self
                .content
                .unread
                .iter()
                .any(|known| known.location == *location && known.reason == reason)
        {
            return;
        }
        self.content.unread.push(Unread {
            location: location.clone(),
            reason,
            kind: kind.into(),
        });
    }

    pub(crate) fn protect(
        &mut self,
        location: &Location,
        state: ProtectionState,
        reason: &'static str,
    ) {
        debug_assert!(
            PROTECTION_REASONS.contains(&reason),
            "{reason} is not listed"
        );
        let protection = Protection {
            location: location.clone(),
            state,
            reason,
        };
        if !self.content.protections.contains(&protection) {
            self.content.protections.push(protection);
        }
    }

    pub(crate) fn file(&mut self, location: &Location, kind: &str, bytes: usize, mismatch: bool) {
        if let Place::Attachment(_) = location.place {
            self.content.files.push(FileFact {
                location: location.clone(),
                kind: kind.to_owned(),
                bytes: bytes as u64,
                mismatch,
            });
        }
    }

    pub(crate) fn defect(&mut self, defect: Defect) {
        if !self.content.defects.contains(&defect) {
            self.content.defects.push(defect);
        }
    }

    pub(crate) fn merge(&mut self, other: Content) {
        self.content.units.extend(other.units);
        let left = MOST_UNREAD.saturating_sub(self.content.unread.len());
        self.content
            .unread
            .extend(other.unread.into_iter().take(left));
        self.content.protections.extend(other.protections);
        self.content.files.extend(other.files);
        self.content.pictures.extend(other.pictures);
        self.content.recognised.extend(other.recognised);
        for defect in other.defects {
            self.defect(defect);
        }
    }

    /// Whether time is up; says so at this place.
    pub(crate) fn stopped(&mut self, location: &Location) -> bool {
        let stopped = self.budget.is_cancelled();
        if stopped {
            self.unread(location, UnreadReason::TimedOut, "application/octet-stream");
        }
        stopped
    }
}

//! The attachments of a message: what they are, how they are protected, what could not be read of them and what was found in them.
//!
//! # Invariants
//! Numbers are those of `strip::attachments`, so that a reviewer removes what they looked at. At most [`NESTED`] files inside one are listed.
//!
//! # Known gaps
//! Attachments of the same name share what is said of that name.

use std::collections::BTreeMap;

use crate::detect::{Category, Findings, Mark, Secret};
use crate::extract::{Content, Location, Place, ProtectionState, UnreadReason, View};
use crate::mime::Message;
use crate::quarantine::strip::{self, Bound};

use super::text::{self, Run};

/// Files inside an attachment that are listed.
const NESTED: usize = 100;
/// Bytes of a file's name that are shown.
const NAME_BYTES: usize = 500;

/// How an attachment, or a file inside it, is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Its state.
    pub state: ProtectionState,
    /// Why, in plain words.
    pub reason: &'static str,
    /// It is a file inside the attachment.
    pub nested: bool,
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRead {
    /// Why.
    pub reason: UnreadReason,
    /// The sniffed type.
    pub kind: String,
    /// It is a file inside the attachment.
    pub nested: bool,
}

/// A file inside an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nested {
    /// Its name with the names of what it stands in, from the attachment on. It may name a person.
    pub name: Secret,
    /// The sniffed type.
    pub kind: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// An attachment as a reviewer may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentView {
    /// Its number, from 1.
    pub number: usize,
    /// Its name, with what was found in it marked.
    pub name: Vec<Run>,
    /// Its declared media type.
    pub declared: String,
    /// The type that its content says; the declared one where the content was not looked at (small inline pictures).
    pub kind: String,
    /// Its name or declared type says another type than its content.
    pub mismatch: bool,
    /// Its size in bytes, decoded.
    pub bytes: usize,
    /// How it is protected; nothing when it is open.
    pub protection: Vec<Guard>,
    /// What could not be read of it.
    pub unread: Vec<NotRead>,
    /// How many findings it has, by category.
    pub findings: BTreeMap<Category, usize>,
    /// Pictures in it were read by OCR, which makes mistakes.
    pub recognised: bool,
    /// The files inside it, at most 100.
    pub nested: Vec<Nested>,
    /// How many files are inside it.
    pub files: usize,
    /// Why it cannot be removed, when it cannot.
    pub bound: Option<Bound>,
    place: Place,
}

impl AttachmentView {
    /// Whether a place is this attachment or something inside it.
    pub(super) fn holds(&self, place: &Place) -> bool {
        is_within(&self.place, place)
    }

    fn is_inside(&self, location: &Location) -> bool {
        self.holds(&location.place) && location.place != self.place
    }
}

/// Whether a place is a file or something inside it.
fn is_within(file: &Place, place: &Place) -> bool {
    let own = text::names(file);
    !own.is_empty() && text::names(place).starts_with(own)
}

/// The attachments of a message; `marks` are those of the content's units.
pub(super) fn of(
    message: &Message<'_>,
    content: &Content,
    findings: &Findings,
    marks: &[Vec<Mark>],
) -> Vec<AttachmentView> {
    let all = strip::of(message);
    let mut out = Vec::with_capacity(all.len());
    for (attachment, place) in all {
        let mut view = AttachmentView {
            number: attachment.number,
            name: name(&place, content, findings, marks),
            kind: attachment.media_type.clone(),
            declared: attachment.media_type,
            mismatch: false,
            bytes: attachment.bytes,
            protection: Vec::new(),
            unread: Vec::new(),
            findings: BTreeMap::new(),
            recognised: false,
            nested: Vec::new(),
            files: 0,
            bound: attachment.bound,
            place: place.place,
        };
        fill(&mut view, content, findings);
        out.push(view);
    }
    out
}

fn fill(view: &mut AttachmentView, content: &Content, findings: &Findings) {
    for file in &content.files {
        if file.location.place == view.place {
            view.kind.clone_from(&file.kind);
            view.mismatch |= file.mismatch;
        } else if view.is_inside(&file.location) {
            view.files += 1;
            if view.nested.len() < NESTED {
                view.nested.push(Nested {
                    name: nested_name(view, &file.location.place),
                    kind: file.kind.clone(),
                    bytes: file.bytes,
                });
            }
        }
    }
    let own = view.place.clone();
    let unread = content.unread.iter();
    for part in unread.filter(|part| is_within(&own, &part.location.place)) {
        let not_read = NotRead {
            reason: part.reason,
            kind: part.kind.clone(),
            nested: part.location.place != own,
        };
        if !view.unread.contains(&not_read) {
            view.unread.push(not_read);
        }
    }
    let protections = content.protections.iter();
    for part in protections.filter(|part| is_within(&own, &part.location.place)) {
        let guard = Guard {
            state: part.state,
            reason: part.reason,
            nested: part.location.place != own,
        };
        if !view.protection.contains(&guard) {
            view.protection.push(guard);
        }
    }
    let found = findings.list.iter();
    for finding in found.filter(|finding| is_within(&own, &finding.location.place)) {
        *view.findings.entry(finding.category).or_default() += 1;
    }
    let mut recognised = content.recognised.iter();
    view.recognised = recognised.any(|location| is_within(&own, &location.place));
}

fn nested_name(view: &AttachmentView, place: &Place) -> Secret {
    let names = &text::names(place)[text::names(&view.place).len()..];
    let name = text::shown(&names.join("/"));
    Secret::new(&name[..name.floor_char_boundary(NAME_BYTES)])
}

/// The name of an attachment as runs: the unit of its name was scanned as any other.
fn name(place: &Location, content: &Content, findings: &Findings, marks: &[Vec<Mark>]) -> Vec<Run> {
    let Some(name) = text::names(&place.place).last() else {
        return Vec::new();
    };
    let mut units = content.units.iter().zip(marks);
    let scanned = units.find(|(unit, _)| {
        unit.view == View::FileName && unit.location.place == place.place && unit.text == *name
    });
    let marks = scanned.map(|(_, marks)| marks.clone()).unwrap_or_default();
    text::runs(name, &findings.list, marks, NAME_BYTES).0
}

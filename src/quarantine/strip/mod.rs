//! A held message without some of its attachments, for a reviewer to send instead.
//!
//! An attachment is a part of the message itself that is a file, or an attached message as a whole. Attachments are counted in the order of
//! the message, from 1, and found under the names that findings use for where they stand (`attachment:list.xlsx`). In the place of a removed
//! one stands a short plain text that says so, with its number and size; with its name only where the reviewer keeps it, since names of
//! files tell as much as their content.
//!
//! # Invariants
//! Every byte outside the removed parts stays, but for the fields that a version changes (`splice.rs`). What was written is parsed again
//! before it is given out: all other parts are there as they were, in the same order and nesting, and the removed ones read as the text
//! that stands for them. When that does not hold, or programs read the structure differently, there is no such version.
//!
//! # Standards
//! RFC 2045 5 and 6, RFC 2046 5.1 (multiparts), RFC 2183 (disposition), RFC 1847 (signed and encrypted multiparts).
//!
//! # Known gaps
//! Files inside attachments or attached messages go only with the whole. Files that stand in a text (uuencode) are no parts and stay. A part
//! of something signed or encrypted stays, since its signature would break or its text not open; so does one of several forms of the
//! same text (`multipart/alternative`, most calendar invitations), since its replacement would be shown in the place of the others. Of a
//! message that `mail-parser` gives up on (an attached message that is nothing but another one) no attachment is listed.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod write;

use crate::extract::{Location, walk};
use crate::limits::Budget;
use crate::mail::QueueId;
use crate::mime::{self, Message, Role};

use super::splice;

/// An attachment of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its number, from 1.
    pub number: usize,
    /// Where findings in it are said to stand: `attachment:list.xlsx`. It may name a person.
    pub location: String,
    /// Its declared media type.
    pub media_type: String,
    /// Its size in bytes, decoded; of an attached message, as it stands.
    pub bytes: usize,
    /// Why it cannot be removed, when it cannot.
    pub bound: Option<Bound>,
    /// The part.
    part: usize,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment")
            .field("number", &self.number)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// Why an attachment cannot be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// It is part of something signed.
    Signed,
    /// It is part of something encrypted.
    Encrypted,
    /// It is one of several forms of the same text.
    Alternative,
}

impl Bound {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signed => "part of something signed",
            Self::Encrypted => "part of something encrypted",
            Self::Alternative => "one of several forms of the same text",
        }
    }
}

/// Why there is no version without these attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoStrip {
    /// None was named.
    #[error("name at least one attachment to remove")]
    Nothing,
    /// There is none of this number.
    #[error("the message has no attachment {0}")]
    Unknown(usize),
    /// It cannot be removed.
    #[error("attachment {number} cannot be removed: it is {}", bound.name())]
    Bound {
        /// Its number.
        number: usize,
        /// Why.
        bound: Bound,
    },
    /// Programs read the message differently, so a change of one reading leaves the others.
    #[error("the structure of the message is malformed, and mail programs read it differently")]
    Malformed,
    /// What was written would not be read as intended.
    #[error("the message cannot be rewritten without changing something else")]
    Unfaithful,
}

/// The attachments of a message, in its order.
pub fn attachments(raw: &[u8], budget: &Budget) -> Vec<Attachment> {
    let all = of(&mime::parse(raw, budget));
    all.into_iter().map(|(attachment, _)| attachment).collect()
}

/// The attachment of this number and its bytes, decoded; of an attached message, as it stands.
pub fn file(raw: &[u8], number: usize, budget: &Budget) -> Option<(Attachment, Vec<u8>)> {
    let message = mime::parse(raw, budget);
    let mut all = of(&message).into_iter().map(|(attachment, _)| attachment);
    let found = all.find(|attachment| attachment.number == number)?;
    let part = message.parts.get(found.part)?;
    let bytes = match part.role {
        Role::Message => raw.get(part.range.clone())?,
        _ => &part.bytes,
    };
    Some((found, bytes.to_vec()))
}

/// The message without the attachments of these numbers; `id` is the hold's, for the field that says what was done.
pub fn without(
    raw: &[u8],
    id: QueueId,
    numbers: &[usize],
    keep_names: bool,
    budget: &Budget,
) -> Result<Vec<u8>, NoStrip> {
    if numbers.is_empty() {
        return Err(NoStrip::Nothing);
    }
    let message = mime::parse(raw, budget);
    if splice::is_ambiguous(&message) {
        return Err(NoStrip::Malformed);
    }
    let all: Vec<Attachment> = of(&message).into_iter().map(|(one, _)| one).collect();
    let mut removed: Vec<&Attachment> = Vec::with_capacity(numbers.len());
    for number in numbers {
        let found = all.iter().find(|attachment| attachment.number == *number);
        let found = found.ok_or(NoStrip::Unknown(*number))?;
        if let Some(bound) = found.bound {
            return Err(NoStrip::Bound {
                number: *number,
                bound,
            });
        }
        removed.push(found);
    }
    removed.sort_by_key(|attachment| attachment.number);
    removed.dedup();
    let notes: Vec<write::Note> = removed
        .iter()
        .map(|attachment| write::Note::of(attachment, keep_names))
        .collect();
    let written = write::message(&message, &notes, id).ok_or(NoStrip::Unfaithful)?;
    if !write::is_faithful(&message, &written, &notes, budget) {
        return Err(NoStrip::Unfaithful);
    }
    Ok(written)
}

/// The attachments of a message that was read, each with its place.
pub(super) fn of(message: &Message<'_>) -> Vec<(Attachment, Location)> {
    let places = walk::places_of_files(message);
    let mut out = Vec::new();
    for (index, (part, place)) in message.parts.iter().zip(places).enumerate() {
        let Some(place) = place.filter(|_| !is_inside_a_message(message, index)) else {
            continue;
        };
        let attachment = Attachment {
            number: out.len() + 1,
            location: place.to_string(),
            media_type: part.media_type.clone(),
            bytes: match part.role {
                Role::Message => part.range.len(),
                _ => part.bytes.len(),
            },
            bound: bound(message, index),
            part: index,
        };
        out.push((attachment, place));
    }
    out
}

/// The parts above a part, the nearest first.
fn above<'m, 'x>(
    message: &'m Message<'x>,
    index: usize,
) -> impl Iterator<Item = &'m mime::Part<'x>> {
    let parent = |index: usize| {
        let up = message.parts.get(index)?.parent?;
        // Parents stand before their children.
        (up < index).then_some(up)
    };
    std::iter::successors(parent(index), move |up| parent(*up))
        .filter_map(|up| message.parts.get(up))
}

fn is_inside_a_message(message: &Message<'_>, index: usize) -> bool {
    above(message, index).any(|part| part.role == Role::Message)
}

fn bound(message: &Message<'_>, index: usize) -> Option<Bound> {
    let nearest = above(message, index).next();
    if nearest.is_some_and(|part| part.media_type == "multipart/alternative") {
        return Some(Bound::Alternative);
    }
    above(message, index).find_map(|part| match part.media_type.as_str() {
        "multipart/signed" => Some(Bound::Signed),
        "multipart/encrypted" => Some(Bound::Encrypted),
        _ => None,
    })
}

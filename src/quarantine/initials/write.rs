//! The new message out of the old one and its changed sources; and the proof that nothing else changed.

use super::fields::{self, Field};
use super::sources::{Source, Spot};
use super::splice::{self, Splice};
use super::{CHANGED_HEADER, coding, is_page};
use crate::extract::markup::entities;
use crate::limits::Budget;
use crate::mail::QueueId;
use crate::mime::{self, Message, Part};

/// The message with its changed sources; `None` when one of them cannot be written.
pub(super) fn message(message: &Message<'_>, sources: &[Source], id: QueueId) -> Option<Vec<u8>> {
    let raw = message.raw;
    let line_end = splice::line_end(raw);
    let mut splices = splice::changed(message, &changed_field(id));
    for source in sources {
        match &source.spot {
            Spot::Field(field) => {
                let written = fields::written(field.name(raw), &source.new, line_end)?;
                splices.push((field.range.clone(), written));
            }
            Spot::Body(number) => {
                let part = message.parts.get(*number)?;
                body(raw, part, source, line_end, &mut splices)?;
            }
        }
    }
    Some(splice::applied(raw, splices))
}

/// The field that says what was done, without its line end.
pub(super) fn changed_field(id: QueueId) -> String {
    format!("{CHANGED_HEADER}: names of pupils to initials, by review; {id}")
}

/// The splices for a changed body and for what its header must now say.
fn body(
    raw: &[u8],
    part: &Part<'_>,
    source: &Source,
    line_end: &str,
    splices: &mut Vec<Splice>,
) -> Option<()> {
    let texts = (source.old.as_str(), source.new.as_str());
    let written = coding::write(part, raw.get(part.range.clone())?, texts, line_end)?;
    splices.push((part.range.clone(), written.body));
    let fields = fields::fields(raw, part.header.clone());
    let end = fields
        .last()
        .map_or(part.header.start, |field| field.range.end);
    let last = |name: &str| fields.iter().rfind(|field| field.is(raw, name));
    let mut added = String::new();
    if written.utf8 {
        match last("Content-Type") {
            Some(field) => {
                let changed = fields::with_utf8(&raw[field.range.clone()])?;
                splices.push((field.range.clone(), changed));
            }
            None => {
                added = format!("Content-Type: {}; charset=utf-8{line_end}", part.media_type);
            }
        }
    }
    if written.quoted {
        let line = format!("Content-Transfer-Encoding: quoted-printable{line_end}");
        match last("Content-Transfer-Encoding") {
            Some(field) => splices.push((field.range.clone(), line.into_bytes())),
            None => added += &line,
        }
    }
    if part.parent.is_none() && !added.is_empty() && last("MIME-Version").is_none() {
        added.insert_str(0, &format!("MIME-Version: 1.0{line_end}"));
    }
    if !added.is_empty() {
        splices.push((end..end, added.into_bytes()));
    }
    let outdated = fields
        .iter()
        .filter(|field: &&Field| field.is(raw, "Content-MD5"));
    splices.extend(outdated.map(|field| (field.range.clone(), Vec::new())));
    Some(())
}

/// Whether the new message reads as it should: the same parts, the changed ones with their new texts, the others with their bytes.
pub(super) fn is_faithful(
    message: &Message<'_>,
    written: &[u8],
    sources: &[Source],
    budget: &Budget,
) -> bool {
    let again = mime::parse(written, &budget.scratch());
    let same_shape = again.parts.len() == message.parts.len() && again.defects == message.defects;
    let parts = message.parts.iter().zip(&again.parts).enumerate();
    let mut same_parts = parts.map(|(number, (old, new))| {
        let source = sources
            .iter()
            .find(|source| matches!(source.spot, Spot::Body(body) if body == number));
        let same_kind = old.role == new.role
            && old.media_type == new.media_type
            && old.names == new.names
            && old.parent == new.parent;
        let same_text = match source {
            Some(source) => reads(new, &source.new),
            None => old.bytes == new.bytes,
        };
        same_kind && same_text
    });
    same_shape && same_parts.all(|same| same)
}

/// Whether a part's text is this one, but for its line ends and how a page spells its letters.
fn reads(part: &Part<'_>, text: &str) -> bool {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    part.text.as_deref().is_some_and(|read| {
        read == text || (is_page(&part.media_type) && entities(read) == entities(&text))
    })
}

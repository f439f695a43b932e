//! The new message out of the old one and the notes that stand for what was removed; and the proof that nothing else changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Attachment;
use crate::limits::Budget;
use crate::mail::QueueId;
use crate::mime::{self, Message, Part, Role};
use crate::quarantine::fields;
use crate::quarantine::splice::{self, CHANGED_HEADER, Splice};

/// Characters of a file's name that a note shows at most.
const LONGEST_NAME: usize = 120;

/// Characters of a line of base64 (RFC 2045 6.8).
const BASE64_LINE: usize = 76;

/// What stands in the place of a removed attachment.
pub(super) struct Note {
    part: usize,
    number: usize,
    text: String,
}

impl Note {
    pub(super) fn of(attachment: &Attachment, keep_name: bool) -> Self {
        let name = attachment.location.strip_prefix("attachment:");
        let name = name.filter(|_| keep_name).map(shown);
        let size = size(attachment.bytes);
        let what = match name {
            Some(name) => format!("\"{name}\", {size}"),
            None => size,
        };
        Self {
            part: attachment.part,
            number: attachment.number,
            text: format!(
                "Attachment {} ({what}) was removed by a reviewer before this message was sent.",
                attachment.number
            ),
        }
    }

    /// Header and body of the part, without the line end after it.
    fn part(&self, line_end: &str) -> String {
        let (encoding, body) = if self.text.is_ascii() {
            ("7bit", self.text.clone())
        } else {
            ("base64", base64(&self.text, line_end))
        };
        format!(
            "Content-Type: text/plain; charset=utf-8{line_end}Content-Transfer-Encoding: {encoding}{line_end}\
             Content-Disposition: inline{line_end}{line_end}{body}"
        )
    }
}

/// A name of a file without what could change how the text around it is shown, or be taken for a delimiter by some program.
fn shown(name: &str) -> String {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '"' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let plain: String = name
        .chars()
        .map(|c| if unseen(c) { '_' } else { c })
        .take(LONGEST_NAME)
        .collect();
    plain.replace("--", "-_")
}

/// A size in words, rounded up.
fn size(bytes: usize) -> String {
    const KB: usize = 1_000;
    const MB: usize = 1_000_000;
    match bytes {
        0..KB => format!("{bytes} bytes"),
        KB..MB => format!("{} KB", bytes.div_ceil(KB)),
        _ => format!("{} MB", bytes.div_ceil(MB)),
    }
}

fn base64(text: &str, line_end: &str) -> String {
    let coded = STANDARD.encode(text);
    let mut out = String::with_capacity(coded.len() + coded.len() / 38);
    let mut rest = coded.as_str();
    while rest.len() > BASE64_LINE {
        let (line, more) = rest.split_at(BASE64_LINE);
        out.push_str(line);
        out.push_str(line_end);
        rest = more;
    }
    out + rest
}

/// The message with notes for attachments; `None` when a part is not where it was said to be.
pub(super) fn message(message: &Message<'_>, notes: &[Note], id: QueueId) -> Option<Vec<u8>> {
    let numbers: Vec<String> = notes.iter().map(|note| note.number.to_string()).collect();
    let changed = format!(
        "{CHANGED_HEADER}: without attachment{} {}, by review; {id}",
        if notes.len() == 1 { "" } else { "s" },
        numbers.join(", ")
    );
    let mut splices = splice::changed(message, &changed);
    for note in notes {
        let part = message.parts.get(note.part)?;
        if part.parent.is_none() {
            whole(message, part, note, &mut splices);
        } else {
            splices.push(one(message.raw, part, note)?);
        }
    }
    Some(splice::applied(message.raw, splices))
}

/// The splice for a part between two delimiters.
fn one(raw: &[u8], part: &Part<'_>, note: &Note) -> Option<Splice> {
    let (start, mut end) = (part.header.start, part.range.end);
    let at_line = start > 0 && raw.get(start - 1) == Some(&b'\n');
    if !at_line || part.header.is_empty() {
        return None;
    }
    // The line end before a delimiter belongs to the delimiter (RFC 2046 5.1.1).
    if raw.get(end..)?.starts_with(b"--") && end > start {
        end -= if raw[..end].ends_with(b"\r\n") { 2 } else { 1 };
    }
    let text = note.part(splice::line_end(raw)).into_bytes();
    (start <= end).then_some((start..end, text))
}

/// The splices for a message that is nothing but an attachment: what its header says of the content, and the content.
fn whole(message: &Message<'_>, part: &Part<'_>, note: &Note, splices: &mut Vec<Splice>) {
    let raw = message.raw;
    let line_end = splice::line_end(raw);
    let top = splice::top(message);
    let fields = fields::fields(raw, top.clone());
    let end = fields.last().map_or(0, |field| field.range.end);
    let of_content = |name: &[u8]| {
        name.get(..8)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"Content-"))
    };
    for field in &fields {
        if of_content(field.name(raw)) {
            splices.push((field.range.clone(), Vec::new()));
        }
    }
    let mut text = note.part(line_end) + line_end;
    if !fields.iter().any(|field| field.is(raw, "MIME-Version")) {
        text.insert_str(0, &format!("MIME-Version: 1.0{line_end}"));
    }
    // The note brings the empty line between header and body itself.
    splices.push((end..raw.len().max(part.range.end), text.into_bytes()));
}

/// Whether the new message reads as it should: notes where attachments were, all other parts as they were.
pub(super) fn is_faithful(
    message: &Message<'_>,
    written: &[u8],
    notes: &[Note],
    budget: &Budget,
) -> bool {
    let again = mime::parse(written, &budget.scratch());
    let note = |index: usize| notes.iter().find(|note| note.part == index);
    // What was inside a removed message is gone with it.
    let is_gone =
        |index: usize| ancestors(message, index).any(|up| note(up).is_some() && up != index);
    let kept: Vec<usize> = (0..message.parts.len())
        .filter(|index| !is_gone(*index))
        .collect();
    let worse = again
        .defects
        .iter()
        .any(|defect| !message.defects.contains(defect));
    if worse || kept.len() != again.parts.len() {
        return false;
    }
    kept.iter().zip(&again.parts).all(|(index, new)| {
        let old = &message.parts[*index];
        let parent = old
            .parent
            .and_then(|up| kept.iter().position(|kept| *kept == up));
        let same = if let Some(note) = note(*index) {
            let text = new.text.as_deref().map(str::trim_end);
            new.role == Role::Body && new.names.is_empty() && text == Some(&note.text)
        } else {
            is_same((message.raw, old), (written, new))
        };
        same && new.parent == parent
    })
}

/// Whether a part is as it was. The header of the whole message is what a version changes.
fn is_same((raw, old): (&[u8], &Part<'_>), (written, new): (&[u8], &Part<'_>)) -> bool {
    let same_header = || {
        raw.get(old.header.clone())
            .is_some_and(|header| Some(header) == written.get(new.header.clone()))
    };
    old.role == new.role
        && old.media_type == new.media_type
        && old.names == new.names
        && old.bytes == new.bytes
        && (old.parent.is_none() || same_header())
}

/// A part and those above it.
fn ancestors<'m>(message: &'m Message<'_>, index: usize) -> impl Iterator<Item = usize> + 'm {
    std::iter::successors(Some(index), move |at| {
        let up = message.parts.get(*at)?.parent?;
        (up < *at).then_some(up)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_change_the_text_around_them() {
        assert_eq!(shown("a\u{202e}fdp.exe\r\n\"b\u{200b}"), "a_fdp.exe___b_");
        assert_eq!(shown(&"n".repeat(500)).len(), LONGEST_NAME);
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(
            [size(999), size(1_001), size(2_000_000)],
            ["999 bytes", "2 KB", "2 MB"]
        );
    }
}

//! The texts of a message that may be changed: free-text fields and shown bodies.

use std::collections::HashSet;

use super::edits::{self, Change, Kind, Reading};
use super::fields::{self, Field};
use super::people::People;
use super::splice;
use super::traced::Traced;
use super::{Altered, Left, coding, is_page, page, plain};
use crate::detect::Secret;
use crate::extract::{Location, Place, View};
use crate::mime::{Message, Part, Role};

/// Fields of the message whose free text detection reads.
const FIELDS: [&str; 4] = ["Subject", "Thread-Topic", "Comments", "Keywords"];

/// Longest body in bytes that is rewritten: a thousand pages; the way back costs eight bytes for each of its bytes.
const LONGEST: usize = 4 << 20;

/// Lines of a source that a preview shows, and bytes of each.
const SHOWN: usize = 200;
const LONGEST_SHOWN: usize = 2_000;

/// Where a source stands in its message.
#[derive(Debug, Clone)]
pub(super) enum Spot {
    /// This field of the message.
    Field(Field),
    /// The body of the part of this number.
    Body(usize),
}

/// A text that may be changed.
pub(super) struct Source {
    pub(super) spot: Spot,
    pub(super) location: Location,
    /// As it stood.
    pub(super) old: String,
    /// As it is to stand.
    pub(super) new: String,
    pub(super) altered: Altered,
    kind: Kind,
    view: View,
    /// `format=flowed`, and whether a space at the end of a line goes when lines are joined.
    flowed: Option<bool>,
}

/// The texts of a message that may be changed, and what else of it might name somebody.
pub(super) fn of(message: &Message<'_>) -> (Vec<Source>, Vec<Left>) {
    let mut sources = from_fields(message);
    let mut left = Vec::new();
    for (number, part) in message.parts.iter().enumerate() {
        match from_part(message, number, part) {
            Ok(source) => sources.extend(source),
            Err(reason) => left.push(reason),
        }
    }
    left.sort_unstable();
    left.dedup();
    (sources, left)
}

fn from_fields(message: &Message<'_>) -> Vec<Source> {
    let raw = message.raw;
    let mut sources = Vec::new();
    for field in fields::fields(raw, splice::top(message)) {
        let Some(name) = FIELDS.into_iter().find(|name| field.is(raw, name)) else {
            continue;
        };
        let Some(text) = field.decoded(raw).filter(|text| text.len() <= LONGEST) else {
            continue;
        };
        let subject = name == "Subject";
        let location = if subject {
            Location::of(Place::Subject)
        } else {
            Location::of(Place::Header).at(name)
        };
        let view = if subject {
            View::Visible
        } else {
            View::Properties
        };
        sources.push(Source {
            view,
            ..Source::new(Spot::Field(field), location, Kind::Field, name, text)
        });
    }
    sources
}

fn from_part(
    message: &Message<'_>,
    number: usize,
    part: &Part<'_>,
) -> Result<Option<Source>, Left> {
    match part.role {
        Role::Message => return Err(Left::Message),
        Role::Attachment if part.media_type == "text/calendar" => return Err(Left::Calendar),
        Role::Multipart | Role::Attachment => return Ok(None),
        Role::Body => {}
    }
    let mut above = part.parent;
    while let Some(up) = above.and_then(|up| message.parts.get(up)) {
        if up.role == Role::Message {
            return Err(Left::Message);
        }
        if up.media_type == "multipart/signed" {
            return Err(Left::Signed);
        }
        above = up.parent;
    }
    let kind = match part.media_type.as_str() {
        "text/plain" => Kind::Plain,
        kind if is_page(kind) => Kind::Page,
        _ => return Err(Left::Kind),
    };
    if !part.clean || part.bytes.len() > LONGEST {
        return Err(Left::Coding);
    }
    let is = |name: &str, value: &str| {
        part.param(name)
            .is_some_and(|said| said.eq_ignore_ascii_case(value))
    };
    let flowed = (kind == Kind::Plain && is("format", "flowed")).then(|| is("delsp", "yes"));
    let location = Location::of(Place::Body);
    let text = coding::text(part);
    // RFC 9580 7: the signature stands in the text itself.
    if text.contains("-----BEGIN PGP SIGNED MESSAGE-----") {
        return Err(Left::Signed);
    }
    Ok(Some(Source {
        flowed,
        ..Source::new(Spot::Body(number), location, kind, &part.media_type, text)
    }))
}

impl Source {
    fn new(spot: Spot, location: Location, kind: Kind, place: &str, text: String) -> Self {
        Self {
            spot,
            location,
            new: text.clone(),
            old: text,
            altered: Altered {
                place: place.to_owned(),
                names: 0,
                initials: Vec::new(),
                lines: Vec::new(),
            },
            kind,
            view: View::Visible,
            flowed: None,
        }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.old != self.new
    }

    /// Its texts as detection reads them, the shown one first.
    pub(super) fn texts(&self) -> Vec<(View, Traced)> {
        match (self.kind, self.flowed) {
            (Kind::Page, _) => page::read(&self.new),
            (Kind::Field, _) => vec![(self.view, Traced::plain(&self.new))],
            (Kind::Plain, None) => vec![(self.view, plain::lines(&self.new))],
            (Kind::Plain, Some(delete_space)) => {
                vec![(self.view, plain::unflowed(&self.new, delete_space))]
            }
        }
    }

    /// Writes initials for the names in these readings; whether there were any.
    pub(super) fn change(
        &mut self,
        readings: &[Reading],
        people: &People,
        spared: &HashSet<String>,
    ) -> bool {
        let (changes, initials) = edits::changes(&self.new, self.kind, readings, people, spared);
        if changes.is_empty() {
            return false;
        }
        if let Some(shown) = readings.first() {
            self.show(shown, people, spared);
        }
        self.altered.names += initials.len();
        for text in initials {
            match self
                .altered
                .initials
                .iter_mut()
                .find(|(known, _)| *known == text)
            {
                Some((_, count)) => *count += 1,
                None => self.altered.initials.push((text, 1)),
            }
        }
        self.new = edits::applied(&self.new, &changes);
        true
    }

    /// Notes the lines that change, as they were and as they will be.
    fn show(&mut self, reading: &Reading, people: &People, spared: &HashSet<String>) {
        let text = reading.text.text();
        let mut changes: Vec<Change> = Vec::new();
        for name in &reading.names {
            for change in edits::in_text(text, name, people, spared) {
                if changes
                    .last()
                    .is_none_or(|(last, _)| last.end <= change.0.start)
                {
                    changes.push(change);
                }
            }
        }
        let mut rest = changes.as_slice();
        while let Some((first, _)) = rest.first() {
            if self.altered.lines.len() >= SHOWN {
                return;
            }
            let start = text[..first.start].rfind('\n').map_or(0, |at| at + 1);
            let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |at| from + at);
            let mut end = line_end(first.end);
            let mut count = 1;
            while let Some((range, _)) = rest.get(count).filter(|(range, _)| range.start < end) {
                if range.end > end {
                    end = line_end(range.end);
                }
                count += 1;
            }
            let (line, after) = rest.split_at(count);
            rest = after;
            let masked: Vec<Change> = line
                .iter()
                .map(|(range, _)| (range.start - start..range.end - start, MASK.to_owned()))
                .collect();
            let turned: Vec<Change> = line
                .iter()
                .map(|(range, text)| (range.start - start..range.end - start, text.clone()))
                .collect();
            let line = &text[start..end];
            let shown = |changes: &[Change]| Secret::new(cut(&edits::applied(line, changes)));
            self.altered.lines.push((shown(&masked), shown(&turned)));
        }
    }
}

/// What stands for a name in a line that is shown.
const MASK: &str = "\u{2022}\u{2022}\u{2022}\u{2022}";

/// A line, cut where it is longer than anybody reads.
fn cut(line: &str) -> String {
    let mut end = line.len().min(LONGEST_SHOWN);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end].to_owned()
}

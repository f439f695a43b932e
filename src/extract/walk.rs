//! From a parsed message to its content: subject, unusual headers, bodies, files, and what the sweep found.
//!
//! # Invariants
//! A picture that the HTML body shows by `cid:` and that is within [`SMALL_PICTURE`] and [`SMALL_PIXELS`] is decoration (logos, signatures) and no
//! unread; every other picture is one.
//!
//! # Known gaps
//! Names in From, To and Cc are no content: policy sees the envelope. A scan sent as a small inline picture is not held.

use std::collections::HashSet;

use crate::extract::beside;
use crate::extract::content::{Content, Location, Place, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::html;
use crate::extract::password::{self, Harvest, Passwords};
use crate::extract::pgp;
use crate::extract::picture;
use crate::extract::read::{self, Reader};
use crate::extract::sniff::{self, FileKind};
use crate::extract::text;
use crate::limits::Budget;
use crate::mime::charset;
use crate::mime::{Defect, Headers, Message, Origin, Part, Role, Swept};

/// Below this an inline picture is taken for decoration: signature logos measure 2 to 40 KB, a photographed page hundreds.
pub const SMALL_PICTURE: usize = 64 * 1024;

/// Pixels up to which it is: a banner is 650 by 300; a page of words that compresses well has a hundred times fewer bytes than pixels.
pub const SMALL_PIXELS: u64 = 200_000;

/// Headers that carry free text and that people rarely look at.
const FREE_TEXT: [&str; 4] = [
    "Comments",
    "Keywords",
    "Thread-Topic",
    "Content-Description",
];

/// Everything a message says.
pub fn walk(message: &Message<'_>, budget: &Budget, reader: &dyn Reader) -> Content {
    let mut gather = Gather::new(budget, Some(reader));
    let headers: Vec<&Headers> = vec![&message.headers];
    for subject in subjects(&headers) {
        gather.unit(&Location::of(Place::Subject), View::Visible, subject);
    }
    free_text(&mut gather, &Location::of(Place::Header), &message.headers);
    gather.passwords = candidates(message, budget.limits.password_candidates);
    parts(&mut gather, &Location::of(Place::Body), message, 0);
    gather.content
}

/// A message that is itself a file; its subject and bodies are that file's.
pub(crate) fn nested(
    gather: &mut Gather<'_>,
    location: &Location,
    message: &Message<'_>,
    depth: usize,
) {
    for subject in subjects(&[&message.headers]) {
        gather.unit(&location.at("subject"), View::Visible, subject);
    }
    free_text(gather, location, &message.headers);
    let own = candidates(message, gather.budget.limits.password_candidates);
    gather.passwords.extend(&own);
    parts(gather, location, message, depth);
}

fn subjects(headers: &[&Headers]) -> Vec<String> {
    let mut seen = Vec::new();
    for subject in headers.iter().flat_map(|headers| headers.all("Subject")) {
        let subject = crate::mime::words::decode(subject);
        if !seen.contains(&subject) {
            seen.push(subject);
        }
    }
    seen
}

fn free_text(gather: &mut Gather<'_>, location: &Location, headers: &Headers) {
    for name in FREE_TEXT {
        for value in headers.all(name) {
            gather.unit(
                &location.at(name),
                View::Properties,
                crate::mime::words::decode(value),
            );
        }
    }
}

/// Words of the subject, the bodies, the names of attached files and the date, which may open what is attached.
fn candidates(message: &Message<'_>, most: usize) -> Passwords {
    // Only a message with something to open pays for the search.
    if message
        .parts
        .iter()
        .all(|part| part.role != Role::Attachment)
    {
        return Passwords::default();
    }
    let mut harvest = Harvest::default();
    for part in &message.parts {
        match (&part.text, part.role) {
            (Some(body), Role::Body) if part.media_type == "text/html" => {
                harvest.text(&html::read(body).visible);
            }
            (Some(body), Role::Body) => harvest.text(body),
            _ => {}
        }
    }
    for name in ["Subject", "Thread-Topic", "Comments", "Keywords"] {
        if let Some(text) = message.headers.decoded(name) {
            harvest.text(&text);
        }
    }
    for name in message.parts.iter().flat_map(|part| &part.names) {
        harvest.file_name(name);
    }
    if let Some(date) = message.headers.decoded("Date") {
        harvest.date(&date);
    }
    harvest.finish(most, &Passwords::default())
}

/// The places of all parts: inside an attached message they are inside its name.
fn places(base: &Location, message: &Message<'_>) -> Vec<Location> {
    let mut inner: Vec<Location> = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        let outer = part
            .parent
            .and_then(|up| inner.get(up))
            .unwrap_or(base)
            .clone();
        inner.push(if part.role == Role::Message && part.depth > 0 {
            outer.inside(&message_name(part))
        } else {
            outer
        });
    }
    inner
}

fn message_name(part: &Part<'_>) -> String {
    part.names
        .first()
        .cloned()
        .unwrap_or_else(|| "message.eml".to_owned())
}

fn parts(gather: &mut Gather<'_>, base: &Location, message: &Message<'_>, depth: usize) {
    let inner = places(base, message);
    let mut cids: HashSet<String> = HashSet::new();
    for (part, place) in message.parts.iter().zip(&inner) {
        if gather.stopped(place) {
            return;
        }
        opened(gather, part, place, message);
        if part.role == Role::Body {
            cids.extend(body(gather, part, place, depth));
        }
    }
    let mut closed: Vec<Closed<'_, '_>> = Vec::new();
    let names = attachment_names(message);
    for ((part, place), name) in message.parts.iter().zip(&inner).zip(names) {
        let Some(name) = name.filter(|_| !gather.stopped(place)) else {
            continue;
        };
        let before = std::mem::take(&mut gather.content);
        attachment(gather, part, place, &cids, &name, depth);
        let content = std::mem::replace(&mut gather.content, before);
        if password::closed(&content) > 0 {
            closed.push(Closed {
                part,
                place,
                name,
                content,
            });
        } else {
            gather.merge(content);
        }
    }
    swept(gather, base, message, depth);
    again(gather, closed, &cids, depth);
    if message.defects.contains(&Defect::TooComplex) {
        gather.unread(base, UnreadReason::TooDeep, "message/rfc822");
    }
}

/// Headers of attached messages, descriptions of parts.
fn opened(gather: &mut Gather<'_>, part: &Part<'_>, place: &Location, message: &Message<'_>) {
    if part.role == Role::Message && part.depth > 0 {
        gather.unit(place, View::FileName, part.names.join("\n"));
        gather.file(place, "message/rfc822", part.range.len(), false);
    }
    let heads_message = part
        .parent
        .is_some_and(|up| message.parts[up].role == Role::Message);
    if heads_message {
        for subject in subjects(&[&part.headers]) {
            gather.unit(&place.at("subject"), View::Visible, subject);
        }
    }
    if part.depth > 0 {
        free_text(gather, place, &part.headers);
    }
}

/// Says where the declared charset was not read.
fn characters(gather: &mut Gather<'_>, part: &Part<'_>, place: &Location, text: &str) {
    if charset::is_lost(&part.bytes, part.param("charset"), text) {
        gather.unread(place, UnreadReason::Broken, part.media_type.as_str());
    }
}

/// The units of a shown body. Returns the Content-IDs it shows.
fn body(gather: &mut Gather<'_>, part: &Part<'_>, place: &Location, depth: usize) -> Vec<String> {
    let Some(shown) = &part.text else {
        return Vec::new();
    };
    gather.begin_file();
    characters(gather, part, place, shown);
    match part.media_type.as_str() {
        "text/html" | "application/xhtml+xml" => return read::page(gather, place, shown, depth),
        // RFC 1896 and RFC 1341 7.1.3: commands in angle brackets, `<<` for the sign itself.
        "text/enriched" | "text/richtext" => {
            let cids = read::page(gather, place, &shown.replace("<<", "&lt;"), depth);
            gather.unit(place, View::Hidden, shown.clone());
            return cids;
        }
        _ => {}
    }
    if let Some(turned) = text::turned(shown) {
        gather.unit(place, View::Hidden, turned);
    }
    if let Some(kind) = pgp::in_text(shown) {
        read::armoured(gather, place, (kind, shown), depth);
    }
    let flowed = part
        .param("format")
        .is_some_and(|format| format.eq_ignore_ascii_case("flowed"));
    let text = if flowed {
        text::unflow(
            shown,
            part.param("delsp")
                .is_some_and(|value| value.eq_ignore_ascii_case("yes")),
        )
    } else {
        shown.clone()
    };
    // Quoted-printable that no header announces is still read by eye, and by some programs.
    if memchr::memchr_iter(b'=', text.as_bytes())
        .filter(|at| escape(text.as_bytes(), *at))
        .take(4)
        .count()
        == 4
    {
        let undone = crate::mime::transfer::quoted_printable(text.as_bytes());
        gather.unit(place, View::Hidden, charset::decode(&undone, None));
    }
    gather.unit(place, View::Visible, text);
    Vec::new()
}

fn escape(text: &[u8], at: usize) -> bool {
    let digit = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte))
    };
    digit(text.get(at + 1)) && digit(text.get(at + 2))
}

/// Whether a picture is decoration by its size, and nothing but a picture.
pub(crate) fn is_small_picture(declared: &str, bytes: &[u8]) -> bool {
    let kind = sniff::sniff(bytes, "", Some(declared));
    let pixels = picture::size(bytes).map(|(width, height)| u64::from(width) * u64::from(height));
    bytes.len() <= SMALL_PICTURE
        && matches!(kind, FileKind::Image(_))
        && pixels.is_some_and(|pixels| (1..=SMALL_PIXELS).contains(&pixels))
        && beside::is_alone(kind, bytes)
}

/// An attachment that a password which stands elsewhere in the message may open.
struct Closed<'m, 'b> {
    part: &'m Part<'b>,
    place: &'m Location,
    name: String,
    content: Content,
}

/// Reads what stayed closed once more, with the words of everything that was read.
fn again(
    gather: &mut Gather<'_>,
    closed: Vec<Closed<'_, '_>>,
    cids: &HashSet<String>,
    depth: usize,
) {
    if closed.is_empty() {
        return;
    }
    let mut harvest = Harvest::default();
    harvest.content(&gather.content);
    for part in &closed {
        harvest.content(&part.content);
    }
    let most = gather.budget.limits.password_candidates;
    let mut words = harvest.finish(most, &gather.passwords);
    let fresh = !words.is_empty();
    words.extend(&gather.passwords);
    gather.passwords = words;
    for first in closed {
        if !fresh || gather.budget.is_cancelled() {
            gather.merge(first.content);
            continue;
        }
        let before = std::mem::take(&mut gather.content);
        attachment(gather, first.part, first.place, cids, &first.name, depth);
        let second = std::mem::replace(&mut gather.content, before);
        let opened = password::closed(&second) < password::closed(&first.content);
        gather.merge(if opened { second } else { first.content });
    }
}

/// Where what is found in the files of a message is said to stand, by its parts: `None` for a part that is no file, and no message.
pub fn places_of_files(message: &Message<'_>) -> Vec<Option<Location>> {
    let inner = places(&Location::of(Place::Body), message);
    let names = attachment_names(message);
    let parts = message.parts.iter().zip(inner).zip(names);
    parts
        .map(|((part, place), name)| match part.role {
            Role::Message if part.depth > 0 => Some(place),
            _ => name.map(|name| place.inside(&name)),
        })
        .collect()
}

/// The names of attachments, by the message's parts.
fn attachment_names(message: &Message<'_>) -> Vec<Option<String>> {
    let mut unnamed = 0;
    let names = message.parts.iter().map(|part| {
        let file = part.role == Role::Attachment && !is_control(part, message);
        file.then(|| attachment_name(part, &mut unnamed))
    });
    names.collect()
}

/// The first part of PGP/MIME says only this (RFC 3156 4); one that says more is a file.
fn is_control(part: &Part<'_>, message: &Message<'_>) -> bool {
    part.media_type == "application/pgp-encrypted"
        && part.bytes.trim_ascii().eq_ignore_ascii_case(b"Version: 1")
        && part
            .parent
            .is_some_and(|up| message.parts[up].media_type == "multipart/encrypted")
}

fn attachment_name(part: &Part<'_>, unnamed: &mut usize) -> String {
    part.names.first().cloned().unwrap_or_else(|| {
        *unnamed += 1;
        let kind = sniff::sniff(&part.bytes, "", Some(part.media_type.as_str()));
        format!("part-{unnamed}.{}", sniff::extension_for(kind))
    })
}

fn attachment(
    gather: &mut Gather<'_>,
    part: &Part<'_>,
    place: &Location,
    cids: &HashSet<String>,
    name: &str,
    depth: usize,
) {
    if part.bytes.trim_ascii().is_empty() && part.names.is_empty() {
        return;
    }
    let shown_inline = part.content_id.as_ref().is_some_and(|id| cids.contains(id));
    let declared = Some(part.media_type.as_str());
    let inside = place.inside(name);
    for other in part.names.iter().skip(1) {
        gather.unit(&inside, View::FileName, other.clone());
    }
    if shown_inline && is_small_picture(&part.media_type, &part.bytes) {
        gather.unit(&inside, View::FileName, name);
        return;
    }
    if let Some(text) = &part.text {
        characters(gather, part, &inside, text);
    }
    match &part.text {
        // The charset that the part declares is known only here.
        Some(text)
            if part.param("charset").is_some()
                && matches!(
                    sniff::sniff(&part.bytes, name, declared),
                    FileKind::Text(_) | FileKind::Csv | FileKind::Html
                ) =>
        {
            read::file(gather, &inside, name, declared, text.as_bytes(), depth);
        }
        _ => read::file(gather, &inside, name, declared, &part.bytes, depth),
    }
}

fn swept(gather: &mut Gather<'_>, base: &Location, message: &Message<'_>, depth: usize) {
    let shown: usize = message
        .parts
        .iter()
        .filter(|part| part.role == Role::Body)
        .map(|part| part.bytes.len())
        .sum();
    for (i, found) in message.sweep.iter().enumerate() {
        if gather.stopped(base) {
            return;
        }
        gather.begin_file();
        if found.origin == Origin::InsideText && found.encoded * 2 > shown && found.encoded >= 80 {
            gather.protect(
                base,
                ProtectionState::Apparent,
                "the text is only encoded in base64",
            );
        }
        one_swept(gather, base, found, i, depth);
    }
}

fn one_swept(gather: &mut Gather<'_>, base: &Location, found: &Swept, index: usize, depth: usize) {
    match (&found.text, &found.name) {
        (Some(text), None) => {
            let kind = sniff::sniff(text.as_bytes(), "", None);
            if kind == FileKind::Html {
                let page = html::read(text);
                gather.unit(base, View::Hidden, page.visible);
                gather.unit(base, View::Hidden, page.hidden);
            } else {
                gather.unit(base, View::Hidden, text.replace("\r\n", "\n"));
            }
        }
        (_, name) => {
            let kind = sniff::sniff(&found.bytes, "", None);
            let name = name
                .clone()
                .unwrap_or_else(|| format!("hidden-{}.{}", index + 1, sniff::extension_for(kind)));
            read::file(
                gather,
                &base.inside(&name),
                &name,
                None,
                &found.bytes,
                depth + 1,
            );
        }
    }
}

//! Text outside page contents: form fields, annotations, bookmarks, actions, properties, attached files.
//!
//! # Invariants
//! Every object of the file is looked at, reachable or not, each once; dictionaries inside others to [`DEEPEST`] levels.
//! Nothing is decoded that may expand beyond the allowance of a file.
//!
//! # Standards
//! ISO 32000-2 7.11.4 (embedded files), 12.3.3 (outline), 12.5 (annotations), 12.6 (actions), 12.7 (forms; XFA), 14.3 (metadata).
//!
//! # Known gaps
//! Scripts are read as they stand, not run: a name that a script puts together is not seen.

use std::collections::HashMap;

use hayro_syntax::Pdf;
use hayro_syntax::object::array::Array;
use hayro_syntax::object::dict::Dict;
use hayro_syntax::object::stream::Stream;
use hayro_syntax::object::{MaybeRef, Name, Object, ObjectIdentifier, String as PdfString};

use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::pdf::{KIND, bounds};
use crate::extract::read;
use crate::extract::xml;
use crate::mime::charset;

/// Dictionaries inside dictionaries; an action in a chain of actions in an annotation is four.
const DEEPEST: usize = 8;

/// What the objects of a file say.
#[derive(Default)]
struct Said {
    /// Values of fields and texts of annotations.
    notes: String,
    /// Bookmarks, alternative texts, link targets, scripts.
    hidden: String,
    properties: String,
    /// Names of attached files by the object of their bytes.
    names: HashMap<ObjectIdentifier, String>,
    /// Packets of an XFA form.
    forms: Vec<ObjectIdentifier>,
    /// Bytes that the texts together may have: many dictionaries may refer to one text.
    room: usize,
}

impl Said {
    /// There is more text than will be said, so that the cut is.
    fn is_full(&self) -> bool {
        self.notes.len() + self.hidden.len() + self.properties.len() > self.room
    }

    fn line(out: &mut String, text: &str) {
        out.push_str(text);
        out.push('\n');
    }
}

/// Text outside page contents. Says whether a form value or annotation spoke.
pub(super) fn read(gather: &mut Gather<'_>, location: &Location, pdf: &Pdf, depth: usize) -> bool {
    let mut said = Said {
        room: gather.room(),
        ..Said::default()
    };
    for object in pdf.objects() {
        if gather.stopped(location) {
            return true;
        }
        match object {
            Object::Dict(dict) => dictionary(&dict, &mut said, 0),
            Object::Stream(stream) => dictionary(stream.dict(), &mut said, 0),
            Object::Array(array) => elements(&array, &mut said, 0),
            _ => {}
        }
    }
    let mut files = Vec::new();
    for object in pdf.objects() {
        if gather.stopped(location) {
            return true;
        }
        if let Object::Stream(stream) = object {
            stream_object(gather, location, &stream, &mut said, &mut files);
        }
    }
    let info = pdf.metadata();
    for value in [&info.title, &info.author, &info.subject, &info.keywords]
        .into_iter()
        .flatten()
    {
        let text = text_string(value);
        if !said.properties.lines().any(|line| line == text) {
            Said::line(&mut said.properties, &text);
        }
    }
    let spoke = !said.notes.trim().is_empty();
    gather.unit(&location.at("form and notes"), View::Visible, said.notes);
    gather.unit(location, View::Hidden, said.hidden);
    gather.unit(
        &location.at("properties"),
        View::Properties,
        said.properties,
    );
    for (id, bytes) in files {
        let name = said.names.get(&id).filter(|name| !name.is_empty());
        let name = name.cloned().unwrap_or_else(|| "embedded".to_owned());
        let inside = location.inside(&name);
        read::file(gather, &inside, &name, None, &bytes, depth + 1);
    }
    spoke
}

/// Bytes of one text that is a stream.
const MOST_TEXT: u64 = 4 << 20;

/// A text entry of a dictionary, which may be a stream (7.9.3), unless it is blank.
pub(super) fn text_of(dict: &Dict<'_>, key: &[u8]) -> Option<String> {
    let text = match dict.get::<Object<'_>>(key)? {
        Object::String(value) => text_string(value.as_bytes()),
        Object::Stream(stream) if !bounds::expands(&stream, MOST_TEXT) => {
            text_string(&stream.decoded_data().ok()?)
        }
        _ => return None,
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

/// All texts of an entry that is a text or a list of them.
fn texts_of(dict: &Dict<'_>, key: &[u8]) -> Vec<String> {
    if let Some(text) = text_of(dict, key) {
        return vec![text];
    }
    let Some(array) = dict.get::<Array<'_>>(key) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in array.iter::<Object<'_>>() {
        match item {
            Object::String(text) => out.push(text_string(text.as_bytes())),
            // A choice is its export value and the text that is shown.
            Object::Array(pair) => out.extend(
                pair.iter::<PdfString<'_>>()
                    .map(|text| text_string(text.as_bytes())),
            ),
            _ => {}
        }
    }
    out
}

fn dictionary(dict: &Dict<'_>, said: &mut Said, depth: usize) {
    one_dictionary(dict, said);
    if depth >= DEEPEST {
        return;
    }
    for (_, value) in dict.entries() {
        match value {
            MaybeRef::NotRef(Object::Dict(inner)) => dictionary(&inner, said, depth + 1),
            MaybeRef::NotRef(Object::Array(array)) => elements(&array, said, depth + 1),
            _ => {}
        }
    }
}

fn elements(array: &Array<'_>, said: &mut Said, depth: usize) {
    if depth >= DEEPEST {
        return;
    }
    for item in array.raw_iter() {
        match item {
            MaybeRef::NotRef(Object::Dict(inner)) => dictionary(&inner, said, depth + 1),
            MaybeRef::NotRef(Object::Array(inner)) => elements(&inner, said, depth + 1),
            _ => {}
        }
    }
}

fn one_dictionary(dict: &Dict<'_>, said: &mut Said) {
    attached(dict, said);
    if said.is_full() {
        return;
    }
    let name = |key: &[u8]| {
        dict.get::<Name<'_>>(key)
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default()
    };
    let (kind, subtype) = (name(b"Type"), name(b"Subtype"));
    let field = dict.contains_key(b"FT") || subtype == "Widget";
    if field {
        fields(dict, said);
    }
    if dict.contains_key(b"Rect") || kind == "Annot" {
        for key in [&b"Contents"[..], b"T", b"Subj", b"RC", b"RV"] {
            if field && key == b"T" {
                continue;
            }
            if let Some(text) = text_of(dict, key) {
                let rich = matches!(key, b"RC" | b"RV");
                let text = if rich {
                    xml::all_text(text.as_bytes(), &[])
                } else {
                    text
                };
                Said::line(&mut said.notes, &text);
            }
        }
    }
    for key in [&b"Alt"[..], b"ActualText", b"Title", b"Desc", b"URI", b"JS"] {
        if let Some(text) = text_of(dict, key) {
            Said::line(&mut said.hidden, &text);
        }
    }
    // The dictionary of document information has no type; who made it when is what tells it.
    if kind.is_empty()
        && [&b"Producer"[..], b"Creator", b"CreationDate", b"ModDate"]
            .iter()
            .any(|key| dict.contains_key(key))
    {
        for (_, value) in dict.entries() {
            if let MaybeRef::NotRef(Object::String(text)) = value {
                Said::line(&mut said.properties, &text_string(text.as_bytes()));
            }
        }
    }
    let xfa: Vec<ObjectIdentifier> = match dict.get::<Array<'_>>(b"XFA") {
        Some(packets) => packets
            .raw_iter()
            .filter_map(|item| item.as_obj_ref())
            .map(ObjectIdentifier::from)
            .collect(),
        None => dict.get_ref(b"XFA").map(Into::into).into_iter().collect(),
    };
    said.forms.extend(xfa);
}

/// The name of an attached file, and which objects are its bytes.
fn attached(dict: &Dict<'_>, said: &mut Said) {
    let Some(files) = dict.get::<Dict<'_>>(b"EF") else {
        return;
    };
    let name = text_of(dict, b"UF")
        .or_else(|| text_of(dict, b"F"))
        .unwrap_or_default();
    for key in [&b"F"[..], b"UF", b"Unix", b"Mac", b"DOS"] {
        if let Some(reference) = files.get_ref(key) {
            said.names.insert(reference.into(), name.clone());
        }
    }
}

/// A field and what stands in it on one line, as on the form; what could be chosen is not shown.
fn fields(dict: &Dict<'_>, said: &mut Said) {
    let label = text_of(dict, b"TU").or_else(|| text_of(dict, b"T"));
    let mut values = texts_of(dict, b"V");
    for value in texts_of(dict, b"DV") {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    if !values.is_empty() {
        let line = format!("{}: {}", label.unwrap_or_default(), values.join(" "));
        Said::line(&mut said.notes, &line);
    }
    for choice in texts_of(dict, b"Opt") {
        Said::line(&mut said.hidden, &choice);
    }
}

fn stream_object(
    gather: &mut Gather<'_>,
    location: &Location,
    stream: &Stream<'_>,
    said: &mut Said,
    files: &mut Vec<(ObjectIdentifier, Vec<u8>)>,
) {
    let kind = stream
        .dict()
        .get::<Name<'_>>(b"Type")
        .map(|name| name.as_str().to_owned())
        .unwrap_or_default();
    let id = stream.obj_id();
    let file = kind == "EmbeddedFile" || said.names.contains_key(&id);
    let form = said.forms.contains(&id);
    if !file && !form && kind != "Metadata" {
        return;
    }
    if bounds::expands(stream, gather.budget.limits.file_bytes) {
        gather.unread(location, UnreadReason::TooBig, KIND);
        return;
    }
    let Ok(bytes) = stream.decoded() else {
        gather.unread(location, UnreadReason::Broken, KIND);
        return;
    };
    if !gather.budget.take_unpacked(bytes.len() as u64) {
        gather.unread(location, UnreadReason::TooBig, KIND);
    } else if file {
        files.push((id, bytes.into_owned()));
    } else if form {
        Said::line(&mut said.notes, &xml::all_text(&bytes, &["name"]));
    } else {
        Said::line(
            &mut said.properties,
            &xml::all_text(
                &bytes,
                &["title", "creator", "description", "subject", "Keywords"],
            ),
        );
    }
}

/// A text string: UTF-16 or UTF-8 with a mark, else PDFDocEncoding, which Latin-1 covers but for a few signs.
fn text_string(bytes: &[u8]) -> String {
    let marked = bytes.starts_with(&[0xfe, 0xff])
        || bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xef, 0xbb, 0xbf]);
    let text = charset::decode(bytes, (!marked).then_some("windows-1252"));
    text.replace("\r\n", "\n").replace('\r', "\n")
}

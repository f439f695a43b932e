//! XML as a stream of elements and texts, for workbooks and transfer files.
//!
//! # Invariants
//! No entity is expanded but the five built-in ones and characters by number; no DTD is read. Depth is bounded, and a document
//! that breaks off is an error: half a roster must not replace a whole one.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::roster::import::RosterError;

/// Nesting of elements; transfer files and sheets stay under 12.
const DEPTH: usize = 64;

/// What a walk meets. Names are without prefix.
pub(super) enum Step<'s> {
    /// An element opens.
    Start(&'s str, &'s BytesStart<'s>),
    /// An element closes.
    End(&'s str),
    /// Character data, unescaped.
    Text(&'s str),
}

const BROKEN: RosterError = RosterError::Unreadable {
    what: "the XML is not well-formed or breaks off",
    mend: "export the file again",
};
const DEEP: RosterError = RosterError::Unreadable {
    what: "the XML nests more than 64 elements",
    mend: "export the file again",
};

/// Walks a whole document.
pub(super) fn walk(text: &str, mut visit: impl FnMut(Step<'_>)) -> Result<(), RosterError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut depth = 0;
    loop {
        match reader.read_event().map_err(|_| BROKEN)? {
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH {
                    return Err(DEEP);
                }
                visit(Step::Start(start.local_name().as_ref(), &start));
            }
            Event::End(end) => {
                depth -= 1;
                visit(Step::End(end.local_name().as_ref()));
            }
            Event::Text(text) => visit(Step::Text(&text)),
            Event::CData(data) => visit(Step::Text(&data)),
            Event::GeneralRef(name) => {
                if let Ok(Some(c)) = name.resolve_char_ref() {
                    visit(Step::Text(c.encode_utf8(&mut [0; 4])));
                } else if let Some(known) = quick_xml::escape::resolve_predefined_entity(&name) {
                    visit(Step::Text(known));
                }
            }
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err(BROKEN),
            _ => {}
        }
    }
}

/// An attribute by local name, unescaped.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start
        .attributes()
        .with_checks(false)
        .flatten()
        .find_map(|attribute| {
            (attribute.key.local_name().as_ref() == name).then(|| {
                quick_xml::escape::unescape(&attribute.value).map_or_else(
                    |_| attribute.value.to_string(),
                    std::borrow::Cow::into_owned,
                )
            })
        })
}

//! XML of packed documents: decoding, and a walk over its events that damage does not stop short of its text.
//!
//! # Invariants
//! No DTD is expanded: `quick-xml` hands entity references on by name and only the five built-in ones are known.
//! Depth costs nothing: the walk keeps no stack of its own.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::mime::charset;

/// What a walk meets. Names are without prefix.
pub(crate) enum Step<'s> {
    /// An element opens; `empty` ones close at once without an [`Step::End`].
    Start(&'s str, &'s BytesStart<'s>, bool),
    /// An element closes.
    End(&'s str),
    /// Character data, unescaped.
    Text(&'s str),
}

/// Walks a document. `false` when it broke off; then the rest was given as one text with its tags removed.
pub(crate) fn walk(bytes: &[u8], mut visit: impl FnMut(Step<'_>)) -> bool {
    let text = charset::decode(bytes, Some("utf-8"));
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                visit(Step::Start(start.local_name().as_ref(), &start, false));
            }
            Ok(Event::Empty(start)) => {
                visit(Step::Start(start.local_name().as_ref(), &start, true));
            }
            Ok(Event::End(end)) => visit(Step::End(end.local_name().as_ref())),
            Ok(Event::Text(text)) => visit(Step::Text(&text)),
            Ok(Event::CData(data)) => visit(Step::Text(&data)),
            Ok(Event::GeneralRef(name)) => {
                if let Ok(Some(c)) = name.resolve_char_ref() {
                    visit(Step::Text(c.encode_utf8(&mut [0; 4])));
                } else if let Some(known) = quick_xml::escape::resolve_predefined_entity(&name) {
                    visit(Step::Text(known));
                }
            }
            Ok(Event::Eof) => return true,
            Ok(_) => {}
            Err(_) => {
                let at = (reader.buffer_position() as usize).min(text.len());
                let rest = text.get(at..).unwrap_or("");
                let rest = crate::extract::html::read(rest);
                visit(Step::Text(&rest.visible));
                visit(Step::Text(&rest.hidden));
                return false;
            }
        }
    }
}

/// An attribute by local name, unescaped.
pub(crate) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start
        .attributes()
        .with_checks(false)
        .flatten()
        .find_map(|attribute| {
            (attribute.key.local_name().as_ref() == name).then(|| value(&attribute))
        })
}

/// All character data of a document, a line for each element that holds any; and the attributes named.
pub(crate) fn all_text(bytes: &[u8], attributes: &[&str]) -> String {
    let mut out = String::new();
    walk(bytes, |step| match step {
        Step::Start(_, start, _) => {
            for name in attributes {
                if let Some(value) = attribute(start, name).filter(|value| !value.trim().is_empty())
                {
                    line(&mut out);
                    out.push_str(&value);
                    out.push('\n');
                }
            }
        }
        Step::End(_) => line(&mut out),
        Step::Text(text) => out.push_str(if text.trim().is_empty() { "" } else { text }),
    });
    out
}

/// All character data and all values of attributes but namespaces, a line each.
pub(crate) fn all_values(bytes: &[u8]) -> String {
    let mut out = String::new();
    walk(bytes, |step| match step {
        Step::Start(_, start, _) => {
            for attribute in start.attributes().with_checks(false).flatten() {
                if attribute.key.as_ref().starts_with("xmlns") || attribute.value.trim().is_empty()
                {
                    continue;
                }
                line(&mut out);
                out.push_str(&value(&attribute));
                out.push('\n');
            }
        }
        Step::End(_) => line(&mut out),
        Step::Text(text) => out.push_str(if text.trim().is_empty() { "" } else { text }),
    });
    out
}

/// The value of an attribute, unescaped.
pub(crate) fn value(attribute: &quick_xml::events::attributes::Attribute<'_>) -> String {
    quick_xml::escape::unescape(&attribute.value).map_or_else(
        |_| attribute.value.to_string(),
        std::borrow::Cow::into_owned,
    )
}

/// Ends the line if one is open.
pub(crate) fn line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

//! XML as a run of opened elements, texts and closed elements, with the path to each.
//!
//! # Invariants
//! No entity but the five built-in ones is known, so nothing expands. Deeper than [`DEPTH`] nothing is looked at.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::roster::decode;

/// Elements within each other; a Common Transfer File has eight.
const DEPTH: usize = 64;

/// What is met.
pub(super) enum Step<'s> {
    /// An element opened, with its attributes by local name.
    Start(&'s dyn Fn(&str) -> Option<String>),
    /// The text of the element that ends here, trimmed, entities resolved.
    End(&'s str),
}

/// Walks a document; `visit` gets the local names from the root to the element. `false` when the document breaks off.
pub(super) fn walk(bytes: &[u8], mut visit: impl FnMut(&[String], Step<'_>)) -> bool {
    let text = decode::text(bytes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().allow_dangling_amp = true;
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    let mut said = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                if path.len() == DEPTH {
                    return false;
                }
                path.push(start.local_name().as_ref().to_owned());
                said.clear();
                let attribute = |name: &str| {
                    let mut all = start.attributes();
                    let found = all
                        .with_checks(false)
                        .flatten()
                        .find(|one| one.key.local_name().as_ref() == name)?;
                    let value = quick_xml::escape::unescape(&found.value).ok()?;
                    Some(value.into_owned())
                };
                visit(&path, Step::Start(&attribute));
            }
            Ok(Event::End(_)) => {
                visit(&path, Step::End(said.trim()));
                said.clear();
                path.pop();
            }
            Ok(Event::Text(text)) => said.push_str(&text),
            Ok(Event::CData(data)) => said.push_str(&data),
            Ok(Event::GeneralRef(name)) => {
                if let Ok(Some(c)) = name.resolve_char_ref() {
                    said.push(c);
                } else if let Some(known) = quick_xml::escape::resolve_predefined_entity(&name) {
                    said.push_str(known);
                }
            }
            Ok(Event::Eof) => return path.is_empty(),
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

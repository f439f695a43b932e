//! Where the parts of a message lie: `mail-parser`, guarded, gives offsets and nesting; nothing is decoded here.
//!
//! # Invariants
//! `mail-parser` 0.11 recurses when it drops nested messages and decodes encoded ones without a bound that could be set: a 3.2 MB
//! mail of 100,000 nested messages ends the process. Each level needs a `Content-Type` field of its own, so a message
//! with more such lines than parts allowed is not given to it. It sees no transfer encoding, and encoded messages are
//! masked, so it never recurses into what it decoded itself: [`crate::mime::tree`] does that, bounded.

use std::borrow::Cow;
use std::ops::Range;

use mail_parser::{HeaderName, MessageParser, PartType};

use crate::limits::Budget;

/// How a part holds others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Holds nothing that was found.
    Leaf,
    /// A multipart that was opened.
    Multipart,
    /// An attached message that was opened.
    Message,
}

/// One part, by offsets into the raw message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) parent: Option<usize>,
    pub(crate) depth: usize,
    pub(crate) shape: Shape,
    pub(crate) header: Range<usize>,
    pub(crate) body: Range<usize>,
}

/// The parts, parents before children, or `None` when the message is too complex to be given to the parser.
pub(crate) fn nodes(raw: &[u8], budget: &Budget) -> Option<Vec<Node>> {
    let shielded = shield(raw, budget.limits.mime_parts + 200)?;
    let parser = MessageParser::new()
        .header_content_type(HeaderName::ContentType)
        .header_content_type(HeaderName::ContentDisposition)
        .default_header_ignore();
    // It asserts on some overlaps of boundaries; a panic is one more structure it cannot tell.
    let attempt = std::panic::AssertUnwindSafe(|| parser.parse(shielded.as_ref()));
    let Some(message) = std::panic::catch_unwind(attempt).ok()? else {
        return Some(vec![Node {
            parent: None,
            depth: 0,
            shape: Shape::Leaf,
            header: 0..0,
            body: 0..raw.len(),
        }]);
    };
    Some(flatten(&message, raw.len()))
}

fn flatten(root: &mail_parser::Message<'_>, len: usize) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut open = vec![(root, None, 0usize)];
    while let Some((message, parent, depth)) = open.pop() {
        // Children stand after their multipart in `parts`; what nobody claims hangs on the message's first part.
        let mut owner = vec![None::<usize>; message.parts.len()];
        let mut placed = vec![0usize; message.parts.len()];
        for (i, part) in message.parts.iter().enumerate() {
            let above = owner[i].map_or(if i == 0 { parent } else { Some(placed[0]) }, Some);
            let level = if i == 0 {
                depth
            } else {
                above.map_or(0, |up| nodes[up].depth + 1)
            };
            let at = nodes.len();
            placed[i] = at;
            let shape = match &part.body {
                PartType::Multipart(children) if !children.is_empty() => {
                    for &child in children {
                        if let Some(slot) = owner.get_mut(child as usize)
                            && child as usize > i
                        {
                            *slot = Some(at);
                        }
                    }
                    Shape::Multipart
                }
                PartType::Message(nested) => {
                    open.push((nested, Some(at), level + 1));
                    Shape::Message
                }
                _ => Shape::Leaf,
            };
            nodes.push(node(above, level, shape, part, len));
        }
    }
    nodes
}

fn node(
    parent: Option<usize>,
    depth: usize,
    shape: Shape,
    part: &mail_parser::MessagePart<'_>,
    len: usize,
) -> Node {
    let clamp = |offset: u32| (offset as usize).min(len);
    let body = clamp(part.offset_body);
    let end = if part.offset_end == 0 {
        len
    } else {
        clamp(part.offset_end)
    };
    Node {
        parent,
        depth,
        shape,
        header: clamp(part.offset_header).min(body)..body,
        body: body..end.max(body),
    }
}

/// Counts `Content-Type` lines and overwrites the `message` of each type that comes with a transfer encoding.
fn shield(raw: &[u8], most: usize) -> Option<Cow<'_, [u8]>> {
    let mut seen = 0usize;
    let mut masks: Vec<usize> = Vec::new();
    let (mut types, mut encoded): (Vec<Range<usize>>, bool) = (Vec::new(), false);
    let mut at = 0;
    while at < raw.len() {
        let end = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |n| at + n + 1);
        let line = &raw[at..end];
        if line.trim_ascii().is_empty() {
            close_block(raw, &mut types, &mut encoded, &mut masks);
        } else if could_be_mime(line) {
            let value_end = folded_end(raw, end);
            match field_name(line) {
                Some(Mime::Type) => {
                    seen += 1;
                    if seen > most {
                        return None;
                    }
                    types.push(at..value_end);
                }
                Some(Mime::Encoding) => {
                    let value = raw[at..value_end].to_ascii_lowercase();
                    encoded |= memchr::memmem::find(&value, b"64").is_some()
                        || memchr::memmem::find(&value, b"quoted").is_some();
                }
                None => {}
            }
        }
        at = end;
    }
    close_block(raw, &mut types, &mut encoded, &mut masks);
    if masks.is_empty() {
        return Some(Cow::Borrowed(raw));
    }
    let mut copy = raw.to_vec();
    for mask in masks {
        copy[mask] = b'x';
    }
    Some(Cow::Owned(copy))
}

enum Mime {
    Type,
    Encoding,
}

/// A cheap first look: almost every line of a message fails it.
fn could_be_mime(line: &[u8]) -> bool {
    let first = line.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'c' | b'C'))
}

/// `mail-parser` ignores white space anywhere in a name, so this does too.
fn field_name(line: &[u8]) -> Option<Mime> {
    let colon = memchr::memchr(b':', line)?;
    let name: Vec<u8> = line[..colon]
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(26)
        .map(u8::to_ascii_lowercase)
        .collect();
    match name.as_slice() {
        b"content-type" => Some(Mime::Type),
        b"content-transfer-encoding" => Some(Mime::Encoding),
        _ => None,
    }
}

fn folded_end(raw: &[u8], mut end: usize) -> usize {
    while matches!(raw.get(end), Some(b' ' | b'\t')) {
        end = memchr::memchr(b'\n', &raw[end..]).map_or(raw.len(), |n| end + n + 1);
    }
    end
}

fn close_block(
    raw: &[u8],
    types: &mut Vec<Range<usize>>,
    encoded: &mut bool,
    masks: &mut Vec<usize>,
) {
    if *encoded {
        for span in types.iter() {
            // Comments may part the word for the parser: mask its first letter wherever an `m` opens the value.
            let colon =
                memchr::memchr(b':', &raw[span.clone()]).map_or(span.end, |n| span.start + n + 1);
            let value = raw[colon..span.end].to_ascii_lowercase();
            if memchr::memmem::find(&value, b"multipart").is_none_or(|n| n > 8)
                && let Some(letter) = value.iter().position(|byte| *byte == b'm')
            {
                masks.push(colon + letter);
            }
        }
    }
    types.clear();
    *encoded = false;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_hundred_thousand_nested_messages_are_not_parsed() {
        let raw = b"Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
        assert_eq!(nodes(&raw, &Budget::new(Arc::default())), None);
    }

    #[test]
    fn a_thousand_nested_messages_are() {
        let raw = b"Content-Type: message/rfc822\r\n\r\n".repeat(1_000);
        assert!(nodes(&raw, &Budget::new(Arc::default())).is_some());
    }

    #[test]
    fn an_encoded_message_is_a_leaf() {
        let raw = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==\r\n";
        let nodes = nodes(raw, &Budget::new(Arc::default())).unwrap();
        assert_eq!((nodes.len(), nodes[0].shape), (1, Shape::Leaf));
    }
}

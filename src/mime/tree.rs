//! The first view of a message: its parts as a careful mail program reads them, decoded.
//!
//! # Invariants
//! Parents stand before their children. Bytes are borrowed from the message unless a decoding made them.
//!
//! # Standards
//! RFC 2045, 2046, 2183 (disposition), 2231, 2387, 2392 (Content-ID).

use std::borrow::Cow;
use std::ops::Range;

use crate::limits::Budget;
use crate::mime::Defect;
use crate::mime::charset;
use crate::mime::coded;
use crate::mime::headers::{Headers, section};
use crate::mime::structure::{Node, Shape, nodes};
use crate::mime::transfer;
use crate::mime::words::{Structured, structured};

/// What a part is to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A multipart: its children hold the content.
    Multipart,
    /// An attached message whose children were opened.
    Message,
    /// Text that mail programs show in the message.
    Body,
    /// Anything else: a file.
    Attachment,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'x> {
    /// Index of the part this one stands in.
    pub parent: Option<usize>,
    /// Steps from the root.
    pub depth: usize,
    /// Its header section. For the part inside a [`Role::Message`] this is the attached message's own.
    pub headers: Headers,
    /// Declared type, lower-case; `text/plain` when none is declared.
    pub media_type: String,
    /// Parameters of the type, decoded.
    pub params: Vec<(String, String)>,
    /// `inline` or `attachment`, lower-case, when declared.
    pub disposition: Option<String>,
    /// File names, decoded, without repetition: those of the disposition first.
    pub names: Vec<String>,
    /// Content-ID without brackets.
    pub content_id: Option<String>,
    /// What it is to its reader.
    pub role: Role,
    /// The bytes with the transfer encoding undone; empty for multiparts and opened messages.
    pub bytes: Cow<'x, [u8]>,
    /// The text of `text/*`, in characters.
    pub text: Option<String>,
    /// Where its body lies in the raw message; empty inside an encoded message.
    pub range: Range<usize>,
    /// Where its header section lies in the raw message, the empty line included; empty inside an encoded message.
    pub header: Range<usize>,
    /// Every program reads these bytes the same way: the sweep need not look at them again.
    pub clean: bool,
}

impl Part<'_> {
    /// The last value of a parameter of the type.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn into_owned(self) -> Part<'static> {
        Part {
            parent: self.parent,
            depth: self.depth,
            headers: self.headers,
            media_type: self.media_type,
            params: self.params,
            disposition: self.disposition,
            names: self.names,
            content_id: self.content_id,
            role: self.role,
            bytes: Cow::Owned(self.bytes.into_owned()),
            text: self.text,
            range: 0..0,
            header: 0..0,
            clean: self.clean,
        }
    }
}

/// The parts and what is malformed; `None` parts when the structure is beyond the limits.
pub(crate) struct Tree<'x> {
    pub(crate) parts: Vec<Part<'x>>,
    pub(crate) defects: Vec<Defect>,
    pub(crate) opened: bool,
    /// Text of multiparts that belongs to no part: before the first and after the last boundary, or a section that is no part.
    pub(crate) outside: Vec<Range<usize>>,
    /// Where header sections of parts begin, ascending.
    starts: Vec<usize>,
}

/// Reads the tree; `nesting` counts the encoded messages it stands in.
pub(crate) fn read<'x>(raw: &'x [u8], budget: &Budget, nesting: usize) -> Tree<'x> {
    let mut tree = Tree {
        parts: Vec::new(),
        defects: Vec::new(),
        opened: true,
        outside: Vec::new(),
        starts: Vec::new(),
    };
    let Some(nodes) = nodes(raw, budget) else {
        tree.opened = false;
        tree.defects.push(Defect::TooComplex);
        return tree;
    };
    if nodes.len() > budget.limits.mime_parts
        || nodes
            .iter()
            .any(|node| node.depth > budget.limits.mime_depth)
    {
        tree.opened = false;
        tree.defects.push(Defect::TooComplex);
    }
    tree.starts = nodes.iter().map(|node| node.header.start).collect();
    tree.starts.sort_unstable();
    let mut encoded = Vec::new();
    for node in nodes.iter().take(budget.limits.mime_parts) {
        if node.depth > budget.limits.mime_depth {
            continue;
        }
        let part = part(raw, node, &mut tree);
        if node.shape == Shape::Leaf && is_message(&part.media_type) && !part.bytes.is_empty() {
            encoded.push(tree.parts.len());
        }
        tree.parts.push(part);
    }
    // Depth cuts leave gaps; a child whose parent was left out hangs on the root.
    if !tree.opened {
        let len = tree.parts.len();
        for part in &mut tree.parts {
            part.parent = part.parent.filter(|up| *up < len);
        }
    }
    for at in encoded {
        open_encoded(&mut tree, at, budget, nesting);
    }
    tree
}

fn is_message(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/rfc822" | "message/global" | "message/news"
    )
}

/// Opens a message that came base64-encoded (RFC 2046 5.2.1 forbids it, several clients write it, all read it).
fn open_encoded(tree: &mut Tree<'_>, at: usize, budget: &Budget, nesting: usize) {
    if nesting >= budget.limits.encoded_nesting {
        tree.defects.push(Defect::TooComplex);
        return;
    }
    let bytes = std::mem::take(&mut tree.parts[at].bytes);
    let inner = read(&bytes, budget, nesting + 1);
    if tree.parts.len() + inner.parts.len() > budget.limits.mime_parts {
        tree.defects.push(Defect::TooComplex);
        tree.parts[at].bytes = bytes;
        return;
    }
    tree.defects.extend(inner.defects);
    let (base, depth) = (tree.parts.len(), tree.parts[at].depth + 1);
    let owned: Vec<Part<'static>> = inner.parts.into_iter().map(Part::into_owned).collect();
    for mut part in owned {
        part.parent = Some(part.parent.map_or(at, |up| up + base));
        part.depth += depth;
        tree.parts.push(part);
    }
    tree.parts[at].role = Role::Message;
}

fn part<'x>(raw: &'x [u8], node: &Node, tree: &mut Tree<'x>) -> Part<'x> {
    let found = section(&raw[node.header.clone()]);
    let headers = found.headers;
    if found.malformed {
        tree.defects.push(Defect::MalformedHeader);
    }
    if found.control {
        tree.defects.push(Defect::ControlCharacters);
    }
    let doubled = [
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "Subject",
        "From",
    ];
    if doubled.iter().any(|name| headers.contradicts(name)) {
        tree.defects.push(Defect::DuplicateHeader);
    }
    let declared = headers.all("Content-Type").last().map(structured);
    let disposition = headers.all("Content-Disposition").last().map(structured);
    let kind = declared.clone().unwrap_or_default();
    if kind.contradicts || disposition.as_ref().is_some_and(|value| value.contradicts) {
        tree.defects.push(Defect::DuplicateHeader);
    }
    let media_type = if kind.value.is_empty() {
        "text/plain".to_owned()
    } else {
        kind.value.clone()
    };
    let names = names(&kind, disposition.as_ref(), &headers);
    let mut part = Part {
        parent: node.parent,
        depth: node.depth,
        media_type,
        params: kind.params,
        disposition: disposition.map(|value| value.value),
        names,
        content_id: headers
            .first("Content-ID")
            .map(|id| id.trim_matches(['<', '>', ' ']).to_owned()),
        headers,
        role: Role::Attachment,
        bytes: Cow::Borrowed(&[]),
        text: None,
        range: node.body.clone(),
        header: node.header.clone(),
        clean: false,
    };
    compose(raw, node, tree, &mut part);
    part
}

fn names(kind: &Structured, disposition: Option<&Structured>, headers: &Headers) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let given = disposition
        .into_iter()
        .flat_map(|value| value.params.iter().filter(|(key, _)| key == "filename"))
        .chain(kind.params.iter().filter(|(key, _)| key == "name"));
    for (_, name) in given {
        let name = name.trim();
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    // RFC 2231 and plain forms of one name: the decoded form is the one shown, and stands last; put it first.
    names.sort_by_key(|name| name.is_ascii());
    if names.is_empty()
        && let Some(location) = headers.first("Content-Location")
        && let Some(last) = location
            .rsplit('/')
            .next()
            .filter(|last| last.contains('.'))
    {
        names.push(String::from_utf8_lossy(&crate::mime::words::unpercent(last)).into_owned());
    }
    names
}

fn compose<'x>(raw: &'x [u8], node: &Node, tree: &mut Tree<'x>, part: &mut Part<'x>) {
    let encoding = part
        .headers
        .all("Content-Transfer-Encoding")
        .last()
        .map(|value| structured(value).value)
        .unwrap_or_default();
    let body = &raw[node.body.clone()];
    let multipart = part.media_type.starts_with("multipart/");
    if (multipart || is_message(&part.media_type))
        && !matches!(encoding.as_str(), "" | "7bit" | "8bit" | "binary")
    {
        tree.defects.push(Defect::EncodedComposite);
    }
    if matches!(
        part.media_type.as_str(),
        "message/partial" | "message/external-body"
    ) {
        tree.defects.push(Defect::PartialMessage);
    }
    match node.shape {
        Shape::Multipart => {
            part.role = Role::Multipart;
            boundaries(raw, part, tree);
            return;
        }
        Shape::Message => {
            part.role = Role::Message;
            return;
        }
        Shape::Leaf if multipart && !body.trim_ascii().is_empty() => {
            tree.defects.push(Defect::BrokenBoundary);
        }
        Shape::Leaf => {}
    }
    undo(body, &encoding, tree, part);
    // Without a boundary that closes it, mail programs show a multipart's raw text.
    let page = part.media_type == "application/xhtml+xml";
    if part.media_type.starts_with("text/") || page || multipart {
        characters(tree, part);
    }
    let named = !part.names.is_empty() || part.disposition.as_deref() == Some("attachment");
    let shown = matches!(
        part.media_type.as_str(),
        "text/plain" | "text/html" | "text/enriched" | "text/richtext"
    ) || page
        || multipart;
    part.role = if shown && !named {
        Role::Body
    } else {
        Role::Attachment
    };
}

fn undo<'x>(body: &'x [u8], encoding: &str, tree: &mut Tree<'x>, part: &mut Part<'x>) {
    part.clean = true;
    match encoding {
        "base64" => {
            let decoded = transfer::base64(body);
            if !decoded.clean {
                tree.defects.push(Defect::BrokenBase64);
                part.clean = false;
            }
            part.bytes = Cow::Owned(decoded.bytes);
        }
        "quoted-printable" => part.bytes = Cow::Owned(transfer::quoted_printable(body)),
        "x-binhex" | "x-binhex40" | "binhex" | "mac-binhex40" => binhex(body, part),
        "" | "7bit" | "8bit" | "binary" if part.media_type == "application/mac-binhex40" => {
            binhex(body, part);
        }
        "" | "7bit" | "8bit" | "binary" => {
            part.bytes = Cow::Borrowed(body);
        }
        "x-uuencode" | "uuencode" | "x-uue" | "uue" => {
            let mut files = coded::uuencoded(body);
            if files.is_empty() {
                part.clean = false;
                part.bytes = Cow::Borrowed(body);
                return;
            }
            let file = files.swap_remove(0);
            if part.names.is_empty() {
                part.names.push(file.name);
            }
            part.bytes = Cow::Owned(file.bytes);
        }
        _ => {
            tree.defects.push(Defect::UnknownEncoding);
            part.clean = false;
            part.bytes = Cow::Borrowed(body);
        }
    }
}

/// Undoes BinHex; a body that is none stays as it is, for the sweep.
fn binhex<'x>(body: &'x [u8], part: &mut Part<'x>) {
    if let Some(file) = coded::binhex(body).into_iter().next() {
        part.names.push(file.name);
        part.bytes = Cow::Owned(file.bytes);
    } else {
        part.clean = false;
        part.bytes = Cow::Borrowed(body);
    }
}

fn characters(tree: &mut Tree<'_>, part: &mut Part<'_>) {
    let label = part.param("charset").map(str::to_owned);
    let text = charset::decode(&part.bytes, label.as_deref());
    if text.bytes().any(|byte| matches!(byte, 0 | 8 | 0x1a)) {
        tree.defects.push(Defect::ControlCharacters);
    }
    part.text = Some(if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    });
}

/// Looks at the delimiters of an opened multipart: what stands outside them, and whether all programs see the same ones.
fn boundaries(raw: &[u8], part: &Part<'_>, tree: &mut Tree<'_>) {
    let Some(boundary) = part.param("boundary") else {
        return;
    };
    if shares_boundary(part, boundary, tree) {
        tree.defects.push(Defect::BrokenBoundary);
    }
    let needle = format!("--{}", boundary.trim_end());
    let body = &raw[part.range.clone()];
    let (mut first, mut closed, mut opened) = (None, None, None);
    for at in memchr::memmem::find_iter(body, needle.as_bytes()) {
        let after = &body[at + needle.len()..];
        let delimits =
            after.is_empty() || after.starts_with(b"--") || after[0].is_ascii_whitespace();
        if !delimits {
            continue;
        }
        if at != 0 && body[at - 1] != b'\n' {
            tree.defects.push(Defect::BrokenBoundary);
            continue;
        }
        first.get_or_insert(at);
        if let Some(start) = opened.take() {
            no_part(raw, part.range.start + start..part.range.start + at, tree);
        }
        if after.starts_with(b"--") {
            closed = Some(at + needle.len() + 2);
            break;
        }
        let line = memchr::memchr(b'\n', after).map_or(body.len(), |n| at + needle.len() + n + 1);
        opened = Some(line);
    }
    if let Some(first) = first.filter(|at| *at > 0) {
        tree.outside
            .push(part.range.start..part.range.start + first);
    }
    if let Some(end) = closed {
        // The parser ends a multipart before the next delimiter of its parent; a root's ends with the message.
        let stop = if part.parent.is_none() {
            raw.len()
        } else {
            part.range.end
        };
        tree.outside
            .push(part.range.start + end..stop.max(part.range.start + end));
    } else {
        // The range may stop short of the closing delimiter itself, and so does the last section.
        let until = raw.len().min(part.range.end + needle.len() + 8);
        let tail = &raw[part.range.end..until];
        if let Some(start) = opened {
            no_part(raw, part.range.start + start..part.range.end, tree);
        }
        if memchr::memmem::find(tail, needle.as_bytes()).is_none() {
            tree.defects.push(Defect::BrokenBoundary);
        }
    }
}

/// A multipart above uses the same boundary: programs disagree on which of the two a delimiter ends.
fn shares_boundary(part: &Part<'_>, boundary: &str, tree: &Tree<'_>) -> bool {
    let mut up = part.parent;
    while let Some(above) = up.and_then(|at| tree.parts.get(at)) {
        if above.role == Role::Multipart && above.param("boundary") == Some(boundary) {
            return true;
        }
        up = above.parent;
    }
    false
}

/// A section between two delimiters in which the parser saw no part: its header never ends. Other programs show it.
fn no_part(raw: &[u8], section: Range<usize>, tree: &mut Tree<'_>) {
    let from = tree.starts.partition_point(|start| *start < section.start);
    let seen = tree
        .starts
        .get(from)
        .is_some_and(|start| section.contains(start));
    if !seen
        && raw
            .get(section.clone())
            .is_some_and(|text| !text.trim_ascii().is_empty())
    {
        tree.defects.push(Defect::MalformedHeader);
        tree.outside.push(section);
    }
}

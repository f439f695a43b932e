//! The pieces of HTML markup: start tags with their attributes, character references, and which elements break lines.
//!
//! # Invariants
//! Every function looks at each byte a bounded number of times.
//!
//! # Standards
//! The WHATWG HTML tokenizer, 13.2.5, in outline.

use std::ops::Range;

/// Where the end tag of a raw-text element begins, or the end of the text.
pub(crate) fn find_close(text: &str, tag: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&bytes[at..], b"</") {
        let start = at + found;
        let name = bytes.get(start + 2..start + 2 + tag.len());
        if name.is_some_and(|name| name.eq_ignore_ascii_case(tag.as_bytes())) {
            return start;
        }
        at = start + 2;
    }
    text.len()
}

/// Name, attributes and the text after a start tag.
pub(crate) fn start_tag(text: &str) -> (String, Vec<(String, String)>, &str) {
    let (tag, places, end) = start_tag_places(text);
    let attributes = places
        .into_iter()
        .map(|(name, value)| (name, entities(&text[value])))
        .collect();
    (tag, attributes, &text[end..])
}

/// Name, attributes with the places of their values, and the length of a start tag.
pub(crate) fn start_tag_places(text: &str) -> (String, Vec<(String, Range<usize>)>, usize) {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len()
        && !matches!(bytes[at], b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n' | 0x0c)
    {
        at += 1;
    }
    let tag = text[1..at].to_ascii_lowercase();
    let mut attributes = Vec::new();
    while at < bytes.len() {
        match bytes[at] {
            b'>' => return (tag, attributes, at + 1),
            b'/' | b' ' | b'\t' | b'\r' | b'\n' | 0x0c => at += 1,
            _ => {
                let (name, value, next) = attribute(text, at);
                at = next.max(at + 1);
                attributes.push((name, value));
            }
        }
    }
    (tag, attributes, text.len())
}

fn attribute(text: &str, from: usize) -> (String, Range<usize>, usize) {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len()
        && !matches!(bytes[at], b'=' | b'>' | b'/')
        && !bytes[at].is_ascii_whitespace()
    {
        at += 1;
    }
    let name = text[from..at].to_ascii_lowercase();
    let mut look = at;
    while look < bytes.len() && bytes[look].is_ascii_whitespace() {
        look += 1;
    }
    if bytes.get(look) != Some(&b'=') {
        return (name, at..at, at);
    }
    look += 1;
    while look < bytes.len() && bytes[look].is_ascii_whitespace() {
        look += 1;
    }
    let (start, end, next) = if let Some(&quote @ (b'"' | b'\'')) = bytes.get(look) {
        let end = memchr::memchr(quote, &bytes[look + 1..]).map_or(bytes.len(), |n| look + 1 + n);
        (look + 1, end, end + 1)
    } else {
        let end = bytes[look..]
            .iter()
            .position(|byte| *byte == b'>' || byte.is_ascii_whitespace())
            .map_or(bytes.len(), |n| look + n);
        (look, end, end)
    };
    (name, start..end, next.min(bytes.len()))
}

/// Replaces character references. One that names nothing stays as it is.
pub(crate) fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let used = character(rest, &mut out);
        rest = &rest[used..];
    }
    out.push_str(rest);
    out
}

/// Appends what the reference at the start of a text stands for, or itself if it names nothing; gives its length.
pub(crate) fn character(text: &str, out: &mut String) -> usize {
    let body = reference(&text.as_bytes()[1..]);
    if body == 0 {
        out.push('&');
        return 1;
    }
    let closed = text.as_bytes().get(body + 1) == Some(&b';');
    let token = &text[..=body];
    let numeric = token.starts_with("&#");
    // Browsers read numeric references and the oldest names without a semicolon.
    let lenient = numeric || matches!(token, "&nbsp" | "&amp" | "&lt" | "&gt" | "&quot");
    if closed || lenient {
        mail_parser::decoders::html::add_html_token(out, format!("{token};").as_bytes(), false);
    } else {
        out.push_str(token);
    }
    body + 1 + usize::from(closed)
}

/// The length of a reference after its ampersand: a number ends at the first byte that is no digit of it.
fn reference(bytes: &[u8]) -> usize {
    let count = |bytes: &[u8], accept: fn(&u8) -> bool| {
        bytes
            .iter()
            .take(40)
            .take_while(|byte| accept(byte))
            .count()
    };
    match bytes {
        [b'#', b'x' | b'X', digits @ ..] => 2 + count(digits, u8::is_ascii_hexdigit),
        [b'#', digits @ ..] => 1 + count(digits, u8::is_ascii_digit),
        _ => count(bytes, u8::is_ascii_alphanumeric),
    }
}

/// Whether an element begins and ends a line.
pub(crate) fn is_block(tag: &str) -> bool {
    matches!(
        tag,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "header"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "section"
            | "select"
            | "summary"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "title"
            | "tr"
            | "ul"
    )
}

/// Whether an element has no end tag.
pub(crate) fn is_void(tag: &str) -> bool {
    matches!(
        tag,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

//! A body that is a page of HTML, as one document in which nothing is live and nothing is fetched.
//!
//! The way: the page is taken apart into tokens, and of those only known elements are written again, each closed in its turn (`reduce.rs`); then
//! ammonia reads the result as browsers read pages and keeps only what is listed here. The document belongs into an `<iframe sandbox>` and under
//! [`HEADERS`]: each of the three alone keeps it dead.
//!
//! # Invariants
//! No script, form, frame, style sheet, link or foreign content is left. The one address in it is that of a picture of the message itself, as `data:` of
//! PNG, JPEG, GIF or WebP by its content. A link is text with the address it leads to behind it. The document is at most some
//! `OUTPUT_BYTES` long beside its pictures, and its nesting at most `reduce::DEPTH`, so that reading it takes time in proportion to it.
//!
//! # Standards
//! HTML 13.2.5 (tokens), CSP Level 3, RFC 2392 (`cid:`), RFC 2397 (`data:`).
//!
//! # Known gaps
//! Style sheets are dropped, so that a page looks plainer than its recipients see it, and what they hide is shown. Text inside SVG and MathML is shown
//! without its drawing. HTML attachments are no bodies: their text is among the parts.

mod attributes;
mod elements;
mod pictures;
mod reduce;
mod style;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ammonia::UrlRelative;

use crate::limits::Budget;
use crate::mime::{self, Message, Part, Role};

use self::pictures::Pictures;

/// The policy that the document's own response carries.
pub const CONTENT_SECURITY_POLICY: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// The headers that the document's own response carries.
pub const HEADERS: [(&str, &str); 6] = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
];

/// Source of a page that is looked at, in bytes: newsletters measure 100 KB, and Gmail shows 102 KB.
const SOURCE_BYTES: usize = 1 << 20;
/// What is written of a page beside its pictures, in bytes.
const OUTPUT_BYTES: usize = 2 << 20;

/// A body that is a page of HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HtmlPart {
    /// Its number, from 1, for [`html`].
    pub number: usize,
    /// The size of its source in bytes.
    pub bytes: usize,
    /// It is the body of an attached message.
    pub attached: bool,
}

/// The pages of a message.
pub(super) fn pages(message: &Message<'_>) -> Vec<HtmlPart> {
    let pages = bodies(message).zip(1..);
    pages
        .map(|(part, number)| HtmlPart {
            number,
            bytes: part.bytes.len(),
            attached: is_attached(message, part),
        })
        .collect()
}

fn bodies<'m, 'x>(message: &'m Message<'x>) -> impl Iterator<Item = &'m Part<'x>> {
    message.parts.iter().filter(|part| {
        let page = matches!(
            part.media_type.as_str(),
            "text/html" | "application/xhtml+xml"
        );
        page && part.role == Role::Body && part.text.is_some()
    })
}

fn is_attached(message: &Message<'_>, part: &Part<'_>) -> bool {
    let mut up = part.parent;
    // Parents stand before their children, so this ends.
    while let Some(part) = up.and_then(|up| message.parts.get(up)) {
        if part.role == Role::Message && part.depth > 0 {
            return true;
        }
        up = part.parent;
    }
    false
}

/// The page of this number as a document for a sandboxed frame; `None` if the message has no such page.
pub fn html(raw: &[u8], number: usize, budget: &Budget) -> Option<String> {
    let message = mime::parse(raw, budget);
    let page = bodies(&message).nth(number.checked_sub(1)?)?;
    let source = page.text.as_deref()?;
    Some(document(source, Pictures::of(&message)))
}

fn document(source: &str, pictures: Pictures<'_>) -> String {
    let end = source.floor_char_boundary(SOURCE_BYTES);
    let reduced = reduce::reduce(&source[..end], pictures, OUTPUT_BYTES);
    let mut note = "";
    if reduced.cut || end < source.len() {
        note = "<p><b>The message goes on. The rest is not shown here.</b></p>";
    }
    let body = clean(&reduced.html);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>The message as a page</title></head><body>{body}{note}</body></html>"
    )
}

/// Keeps what is listed and nothing else.
fn clean(page: &str) -> String {
    let attributes: HashMap<&str, HashSet<&str>> = attributes::ATTRIBUTES
        .iter()
        .map(|(name, attributes)| (*name, attributes.iter().copied().collect()))
        .collect();
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(elements::ELEMENTS.iter().copied().collect())
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes(attributes)
        .generic_attributes(attributes::EVERYWHERE.iter().copied().collect())
        .url_schemes(HashSet::from(["data"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(None)
        .strip_comments(true)
        .attribute_filter(|element, name, value| match (element, name) {
            ("img", "src") => pictures::is_picture(value).then_some(Cow::Borrowed(value)),
            (_, "src") => None,
            (_, "style") => {
                let safe = style::safe(value);
                (!safe.is_empty()).then_some(Cow::Owned(safe))
            }
            _ => Some(Cow::Borrowed(value)),
        });
    builder.clean(page).to_string()
}

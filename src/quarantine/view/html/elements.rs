//! The elements that a page keeps, and what others are written as.
//!
//! # Invariants
//! None of them fetches, runs, submits or covers anything; `img` has its source from `pictures.rs`.

/// Elements that are written.
pub(super) const ELEMENTS: [&str; 48] = [
    "abbr",
    "address",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Elements that end a paragraph.
pub(super) const BLOCKS: [&str; 17] = [
    "address",
    "blockquote",
    "center",
    "div",
    "dl",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "ol",
    "p",
    "pre",
    "table",
    "ul",
];
/// Elements of a table in which no text stands.
pub(super) const STRUCTURE: [&str; 5] = ["table", "tbody", "thead", "tfoot", "tr"];
/// Elements of a table in which text stands.
pub(super) const CELL: [&str; 3] = ["td", "th", "caption"];

/// What an element is written as; `None` if it is not, while its content is.
pub(super) fn written(name: &str) -> Option<&'static str> {
    let as_name = match name {
        "article" | "aside" | "body" | "details" | "fieldset" | "figure" | "figcaption"
        | "footer" | "form" | "header" | "hgroup" | "main" | "nav" | "section" | "summary"
        | "legend" | "option" => "div",
        "button" | "label" | "select" | "q" | "time" | "acronym" | "dfn" | "var" => "span",
        "strike" => "s",
        "samp" | "tt" => "code",
        "xmp" | "listing" | "plaintext" | "textarea" => "pre",
        "menu" | "dir" => "ul",
        other => other,
    };
    ELEMENTS.into_iter().find(|element| *element == as_name)
}

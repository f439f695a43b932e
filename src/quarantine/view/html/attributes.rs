//! The attributes that elements keep, and their values.
//!
//! # Invariants
//! No value but that of `alt` and the pictures' own has a colon or a slash in it; numbers are bounded.

use html5ever::Attribute;

use super::style;

/// Attributes of some elements.
pub(super) const ATTRIBUTES: [(&str, &[&str]); 8] = [
    ("font", &["color", "size", "face"]),
    ("img", &["src", "alt", "width", "height"]),
    ("ol", &["start"]),
    (
        "table",
        &[
            "width",
            "border",
            "cellpadding",
            "cellspacing",
            "align",
            "bgcolor",
        ],
    ),
    (
        "td",
        &["colspan", "rowspan", "width", "align", "valign", "bgcolor"],
    ),
    (
        "th",
        &["colspan", "rowspan", "width", "align", "valign", "bgcolor"],
    ),
    ("tr", &["align", "valign", "bgcolor"]),
    ("p", &["align"]),
];
/// Attributes of all elements.
pub(super) const EVERYWHERE: [&str; 2] = ["style", "dir"];

/// Columns and rows that a cell may span.
const SPAN: u32 = 100;

/// The value of an attribute.
pub(super) fn value<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|one| &*one.name.local == name);
    found.map(|one| &*one.value)
}

/// A value as it may be written; `None` if the attribute goes.
pub(super) fn kept(name: &str, value: &str) -> Option<String> {
    let value = value.trim();
    let number = |most: u32| {
        let number = value.parse::<u32>().ok()?;
        Some(number.min(most).to_string())
    };
    match name {
        "style" => Some(style::safe(value)).filter(|style| !style.is_empty()),
        "dir" => ["ltr", "rtl", "auto"]
            .iter()
            .any(|dir| value.eq_ignore_ascii_case(dir))
            .then(|| value.to_ascii_lowercase()),
        "colspan" | "rowspan" => number(SPAN),
        "border" | "cellpadding" | "cellspacing" => number(50),
        "start" => number(1_000_000),
        "width" | "height" => match value.strip_suffix('%') {
            Some(share) => {
                let share = share.parse::<u32>().ok()?;
                Some(format!("{}%", share.min(100)))
            }
            None => number(2_000),
        },
        _ => {
            let plain =
                |c: char| c.is_ascii_alphanumeric() || matches!(c, '#' | ',' | ' ' | '-' | '+');
            (!value.is_empty() && value.len() <= 60 && value.chars().all(plain))
                .then(|| value.to_owned())
        }
    }
}

/// Writes a text so that it stays one, between tags as in quotes.
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

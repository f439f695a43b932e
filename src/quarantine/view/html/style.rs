//! Inline styles reduced to what cannot load, cover or hide.
//!
//! # Invariants
//! A value is letters, digits, `#`, `.`, `,`, `%`, spaces and hyphens inside words, or a colour by `rgb()`: no quotes, escapes, comments, `url(`,
//! `expression(`, `var(`, and no number below 0 or above [`LARGEST`].
//!
//! # Known gaps
//! Text in the colour of its ground stays hidden; the text view shows it.

/// Properties that are kept: how text and cells look. None of them moves a box out of its place.
const PROPERTIES: [&str; 34] = [
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-right",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-indent",
    "vertical-align",
    "white-space",
    "width",
];

/// The largest number in a value, in whatever unit: wider than any screen that a reviewer has.
const LARGEST: f64 = 2_000.0;
/// Sizes of text by number that people can read: below, text hides; above, one letter covers the page.
const READABLE: std::ops::RangeInclusive<f64> = 0.7..=200.0;
/// Declarations of one attribute.
const DECLARATIONS: usize = 40;
/// Bytes of one value: a list of families of type is the longest.
const VALUE: usize = 200;

/// The safe declarations of a `style` attribute, empty if there is none.
pub(super) fn safe(style: &str) -> String {
    let mut out = String::new();
    for declaration in style.split(';').take(DECLARATIONS) {
        let Some((name, value)) = declaration.split_once(':') else {
            continue;
        };
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim().to_ascii_lowercase();
        if PROPERTIES.contains(&name.as_str()) && is_safe(&name, &value) {
            if !out.is_empty() {
                out.push(';');
            }
            out.push_str(&name);
            out.push(':');
            out.push_str(&value);
        }
    }
    out
}

fn is_safe(name: &str, value: &str) -> bool {
    if value.is_empty() || value.len() > VALUE {
        return false;
    }
    let colours = ["rgb(", "rgba("];
    let plain = colours
        .iter()
        .fold(value.to_owned(), |value, colour| value.replace(colour, " "));
    let plain = if plain == value {
        plain
    } else {
        plain.replace(')', " ")
    };
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '#' | '.' | ',' | '%' | '-');
    if !plain.chars().all(allowed) {
        return false;
    }
    let mut words = plain.split([' ', ',']).filter(|word| !word.is_empty());
    words.all(|word| is_safe_word(name, word))
}

fn is_safe_word(name: &str, word: &str) -> bool {
    if let Some(colour) = word.strip_prefix('#') {
        return colour.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let number = word.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = word.split_at(number.unwrap_or(word.len()));
    if number.is_empty() {
        // A word; one that begins with a hyphen is a number below 0 or somebody's extension.
        return !word.starts_with('-') && word != "fixed" && word != "absolute";
    }
    let Ok(number) = number.parse::<f64>() else {
        return false;
    };
    let viewport = ["vw", "vh", "vmin", "vmax"].contains(&unit);
    let readable = name != "font-size" || unit == "%" || READABLE.contains(&number);
    number <= LARGEST && !viewport && !unit.contains('-') && readable
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn only_what_looks_is_kept() {
        assert_eq!(
            safe("COLOR: Red; font-size:12pt; background:url(http://t.example/x)"),
            "color:red;font-size:12pt"
        );
        assert_eq!(
            safe("color:rgb(1, 2, 3); width:50%"),
            "color:rgb(1, 2, 3);width:50%"
        );
        for bad in [
            "position:fixed",
            "color:expression(alert(1))",
            "color:u\\72l(x)",
            "width:/**/url(x)",
            "margin:-900px",
            "margin:0 -9px",
            "width:99999px",
            "width:100vw",
            "font-size:0",
            "font-size:900px",
            "color:var(--x)",
            "display:none",
            "font-family:'x'",
            "-moz-binding:url(x)",
            "behavior:url(x)",
            "background-image:image-set('x')",
            "color:red}body{x",
        ] {
            assert_eq!(safe(bad), "", "{bad}");
        }
    }
}

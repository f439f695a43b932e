//! The header section: fields in order, values unfolded, names compared without case.
//!
//! # Standards
//! RFC 5322 2.2; RFC 2047 decoding is asked for explicitly with [`Field::decoded`].

use crate::mime::charset;
use crate::mime::words;

/// One header field of the top level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as written.
    pub name: String,
    /// The value, unfolded, trimmed, bytes above 127 as UTF-8 or, failing that, Latin-1.
    pub value: String,
}

impl Field {
    /// The value with encoded words decoded.
    pub fn decoded(&self) -> String {
        words::decode(&self.value)
    }
}

/// The header section of a message or part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// The fields in the order they stand.
    pub fields: Vec<Field>,
}

/// What a header section was found to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The fields.
    pub headers: Headers,
    /// Offset of the body.
    pub body: usize,
    /// A line without a colon, or a name with a space in it.
    pub malformed: bool,
    /// NUL or another control character.
    pub control: bool,
}

impl Headers {
    /// Values of every field of this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_str())
    }

    /// Value of the first field of this name.
    pub fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Whether a field of this name exists.
    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Value of the first field of this name with encoded words decoded.
    pub fn decoded(&self, name: &str) -> Option<String> {
        self.first(name).map(words::decode)
    }

    /// A field of this name stands twice with different values.
    pub fn contradicts(&self, name: &str) -> bool {
        let mut values = self.all(name);
        values
            .next()
            .is_some_and(|first| values.any(|other| other != first))
    }
}

/// Reads the header section at the start of `raw`. A line that can be no field ends it, as in most mail programs,
/// when it comes after at least one field and is not folded; it is then the body's first line.
pub fn section(raw: &[u8]) -> Section {
    let mut out = Section::default();
    let mut at = 0;
    let mut unfolded: Vec<u8> = Vec::new();
    while at < raw.len() {
        let end = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |n| at + n + 1);
        let line = trim_eol(&raw[at..end]);
        at = end;
        if line.is_empty() {
            break;
        }
        if matches!(line[0], b' ' | b'\t') {
            unfolded.push(b' ');
            unfolded.extend_from_slice(line.trim_ascii());
            continue;
        }
        commit(&mut out, &unfolded);
        unfolded.clear();
        // An mbox separator or its quoted form may open the section.
        let mbox = out.headers.fields.is_empty()
            && (line.starts_with(b"From ") || line.starts_with(b">From "));
        if !mbox {
            unfolded.extend_from_slice(line);
        }
    }
    commit(&mut out, &unfolded);
    out.body = at;
    out
}

fn trim_eol(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn commit(out: &mut Section, line: &[u8]) {
    if line.is_empty() {
        return;
    }
    if line.iter().any(|byte| matches!(byte, 0 | 8 | 0x1a | b'\r')) {
        out.control = true;
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        out.malformed = true;
        return;
    };
    let name = line[..colon].trim_ascii_end();
    if name.is_empty() || name.iter().any(|byte| !byte.is_ascii_graphic()) || name.len() != colon {
        out.malformed = true;
    }
    let squeezed: Vec<u8> = name.iter().copied().filter(u8::is_ascii_graphic).collect();
    out.headers.fields.push(Field {
        name: String::from_utf8_lossy(&squeezed).into_owned(),
        value: header_text(line[colon + 1..].trim_ascii()),
    });
}

fn header_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => charset::decode(bytes, Some("windows-1252")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_order_and_body() {
        let raw = b"Subject: one\r\n two\r\nX-A: 1\r\nx-a: 2\r\n\r\nbody";
        let section = section(raw);
        assert_eq!(section.headers.first("subject"), Some("one two"));
        assert_eq!(section.headers.all("X-a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(&raw[section.body..], b"body");
        assert!(!section.malformed && !section.control && section.headers.contradicts("X-A"));
    }

    #[test]
    fn damage_is_said() {
        assert!(section(b"Subject: a\r\nno colon here\r\n\r\n").malformed);
        assert!(section(b"Content Type: a\r\n\r\n").malformed);
        assert!(section(b"Subject: a\0b\r\n\r\n").control);
        assert!(!section(b"From bob Mon\r\nSubject: a\r\n\r\n").malformed);
        assert_eq!(
            section(b"Subject: Zo\xeb\r\n\r\n").headers.first("subject"),
            Some("Zo\u{eb}")
        );
    }
}

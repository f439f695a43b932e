//! Header fields as bytes: where each stands, and how a new value is written.
//!
//! # Standards
//! RFC 5322 2.2 (fields and folding), RFC 2047 (encoded words), RFC 2045 5 and 6 (Content-Type, Content-Transfer-Encoding).

use std::ops::Range;

use lettre::message::header::{HeaderName, HeaderValue, Headers};

use crate::mime::words;

/// One field with its folded lines and line ends, by its place in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Where all of it stands.
    pub(super) range: Range<usize>,
    /// Where its name ends: the place of the colon.
    pub(super) colon: usize,
}

/// The fields of a header section that stands at `section`.
pub(super) fn fields(message: &[u8], section: Range<usize>) -> Vec<Field> {
    let mut out: Vec<Field> = Vec::new();
    let mut at = section.start;
    while at < section.end {
        let end =
            memchr::memchr(b'\n', &message[at..section.end]).map_or(section.end, |n| at + n + 1);
        let line = &message[at..end];
        if line.trim_ascii().is_empty() && !matches!(line.first(), Some(b' ' | b'\t')) {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some(field) = out.last_mut() {
                field.range.end = end;
            }
        } else if let Some(colon) = memchr::memchr(b':', line) {
            out.push(Field {
                range: at..end,
                colon: at + colon,
            });
        }
        at = end;
    }
    out
}

impl Field {
    /// Whether it has this name.
    pub(super) fn is(&self, message: &[u8], name: &str) -> bool {
        self.name(message).eq_ignore_ascii_case(name.as_bytes())
    }

    /// Its name.
    pub(super) fn name<'m>(&self, message: &'m [u8]) -> &'m [u8] {
        message[self.range.start..self.colon].trim_ascii_end()
    }

    /// Its value unfolded, with encoded words decoded.
    pub(super) fn decoded(&self, message: &[u8]) -> Option<String> {
        let section = crate::mime::headers::section(&message[self.range.clone()]);
        section
            .headers
            .fields
            .first()
            .map(crate::mime::headers::Field::decoded)
    }
}

/// A field written anew, with its line end; `None` when the value would not be read back as it is.
pub(super) fn written(name: &[u8], value: &str, line_end: &str) -> Option<Vec<u8>> {
    let name = String::from_utf8(name.to_vec()).ok()?;
    let mut headers = Headers::new();
    headers.insert_raw(HeaderValue::new(
        HeaderName::new_from_ascii(name).ok()?,
        value.to_owned(),
    ));
    let text = headers.to_string();
    let section = crate::mime::headers::section(text.as_bytes());
    let read = section.headers.fields.first()?.decoded();
    let same = words_of(&read).eq(words_of(value));
    (section.headers.fields.len() == 1 && same).then(|| text.replace("\r\n", line_end).into_bytes())
}

/// Folding may change how much white space parts two words, and no more.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// A Content-Type field that says UTF-8; `None` when it is not plain enough to be changed.
pub(super) fn with_utf8(field: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(field).ok()?;
    let lower = text.to_ascii_lowercase();
    let written = match lower.find("charset") {
        None => {
            let end = text.trim_end().trim_end_matches(';').len();
            format!(
                "{}; charset=utf-8{}",
                &text[..end],
                &text[text.trim_end().len()..]
            )
        }
        Some(at) => {
            let rest = text[at + "charset".len()..]
                .trim_start()
                .strip_prefix('=')?
                .trim_start();
            let start = text.len() - rest.len();
            let length = match rest.strip_prefix('"') {
                Some(quoted) => quoted.find('"')? + 2,
                None => rest
                    .find(|c: char| c == ';' || c.is_whitespace())
                    .unwrap_or(rest.len()),
            };
            format!("{}utf-8{}", &text[..start], &text[start + length..])
        }
    };
    let value = written.split_once(':')?.1.to_owned();
    let unfolded = value.split_whitespace().collect::<Vec<_>>().join(" ");
    let read = words::structured(&unfolded);
    (read.param("charset") == Some("utf-8")).then(|| written.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_where_they_stand() {
        let message = b"Subject: a\r\n b\r\nno colon\r\nTo : x\r\n\r\nX: body";
        let fields = fields(message, 0..message.len());
        assert_eq!(fields.len(), 2);
        assert_eq!(&message[fields[0].range.clone()], b"Subject: a\r\n b\r\n");
        assert_eq!(fields[0].decoded(message).as_deref(), Some("a b"));
        assert!(fields[1].is(message, "to"));
    }

    #[test]
    fn values_are_written_so_that_they_are_read_back() {
        let text = |name: &str, value| {
            String::from_utf8(written(name.as_bytes(), value, "\r\n").unwrap()).unwrap()
        };
        assert_eq!(text("Subject", "About O.W."), "Subject: About O.W.\r\n");
        let long = text("Subject", &"É.M. and others ".repeat(20));
        assert!(
            long.is_ascii() && long.lines().all(|line| line.len() <= 78),
            "{long}"
        );
        assert_eq!(
            written(b"Subject", "a\r\nBcc: x@y.example", "\n")
                .map(|line| memchr::memchr_iter(b'\n', &line).count()),
            Some(1)
        );
    }

    #[test]
    fn the_charset_is_changed_and_nothing_else() {
        for (before, after) in [
            (
                "Content-Type: text/plain; charset=\"iso-8859-1\"; format=flowed\r\n",
                "Content-Type: text/plain; charset=utf-8; format=flowed\r\n",
            ),
            (
                "Content-Type: text/html;\r\n\tcharset=us-ascii\r\n",
                "Content-Type: text/html;\r\n\tcharset=utf-8\r\n",
            ),
            (
                "Content-Type: text/plain\n",
                "Content-Type: text/plain; charset=utf-8\n",
            ),
        ] {
            assert_eq!(
                with_utf8(before.as_bytes()).as_deref(),
                Some(after.as_bytes())
            );
        }
        assert_eq!(
            with_utf8(b"Content-Type: text/plain; charset*=x''y\r\n"),
            None
        );
    }
}

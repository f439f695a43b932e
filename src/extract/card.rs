//! Calendars and cards (`.ics`, `.vcf`): lines joined, values decoded, pictures and attachments as files.
//!
//! # Standards
//! RFC 5545 3.1 and 3.8.1.1; RFC 6350 3.2 and 6.2.2; vCard 2.1 2.1.3 (quoted-printable, base64 over several lines).
//!
//! # Known gaps
//! Dates of a calendar stay as they are written (`20110312`).

use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::{ole, text, walk};
use crate::mime::{charset, transfer};

/// Files in one calendar or card.
const MOST_FILES: usize = 256;

/// Reads a calendar or card.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let source = charset::decode(bytes, None).replace("\r\n", "\n");
    let (mut shown, mut names) = (String::new(), String::new());
    let mut files = 0usize;
    for line in joined(&source) {
        let Some((head, value)) = parted(&line) else {
            shown.push_str(&line);
            shown.push('\n');
            continue;
        };
        if let Some(data) = payload(head, value) {
            files += 1;
            if files > MOST_FILES {
                gather.unread(location, UnreadReason::TooBig, "text/vcard");
            } else if !walk::is_small_picture("", &data) {
                let name = parameter(head, "FILENAME")
                    .or_else(|| parameter(head, "X-FILENAME"))
                    .unwrap_or_else(|| format!("{}-{files}", kind(head).to_ascii_lowercase()));
                ole::file(gather, location, &name, &data, depth);
            }
            shown.push_str(head);
            shown.push('\n');
            continue;
        }
        let value = decoded(head, value);
        if kind(head) == "N" {
            // Family name first, then given and further names.
            let parts: Vec<&str> = value.split(';').map(str::trim).collect();
            let given = parts
                .iter()
                .skip(1)
                .take(2)
                .filter(|part| !part.is_empty())
                .copied();
            let whole: Vec<&str> = given.chain(parts.first().copied()).collect();
            names.push_str(&whole.join(" "));
            names.push('\n');
        }
        shown.push_str(head);
        shown.push(':');
        shown.push_str(&text::unescape(&value));
        shown.push('\n');
    }
    gather.unit(location, View::Visible, shown);
    gather.unit(location, View::Hidden, names);
}

/// The lines with their continuations: a blank before, or quoted-printable that ends in `=`.
fn joined(source: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut head = Head::default();
    for line in source.split('\n') {
        let folded = line.strip_prefix([' ', '\t']);
        match (lines.last_mut(), folded) {
            (Some(last), Some(rest)) => {
                head.look(last);
                // Base64 of old cards is indented further.
                last.push_str(if head.base64 { rest.trim() } else { rest });
            }
            (Some(last), None) if last.ends_with('=') && head.look(last).quoted => {
                last.pop();
                last.push_str(line);
            }
            _ => {
                head = Head::default();
                lines.push(line.to_owned());
            }
        }
    }
    lines
}

/// How the value of a line under way is coded, which stands before its first colon. Each byte is looked at once, however often a line is
/// folded.
#[derive(Default)]
struct Head {
    seen: usize,
    done: bool,
    base64: bool,
    quoted: bool,
}

impl Head {
    fn look(&mut self, line: &str) -> &Self {
        if !self.done {
            let new = &line.as_bytes()[self.seen.min(line.len())..];
            if let Some(colon) = memchr::memchr(b':', new) {
                let head = line[..self.seen + colon].to_ascii_uppercase();
                self.base64 = head.contains("BASE64");
                self.quoted = head.contains("QUOTED-PRINTABLE");
                self.done = true;
            }
            self.seen = line.len();
        }
        self
    }
}

/// Name with parameters, and value: the colon outside quotes.
fn parted(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == ':' && !quoted).then_some(at)
    })?;
    Some((&line[..at], &line[at + 1..]))
}

/// The property's name in capitals, without its group.
fn kind(head: &str) -> String {
    let name = head.split(';').next().unwrap_or(head);
    name.rsplit('.').next().unwrap_or(name).to_ascii_uppercase()
}

fn parameter(head: &str, wanted: &str) -> Option<String> {
    head.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case(wanted)
            .then(|| value.trim_matches('"').to_owned())
    })
}

fn payload(head: &str, value: &str) -> Option<Vec<u8>> {
    let upper = head.to_ascii_uppercase();
    let coded = upper.contains("ENCODING=B") || upper.contains(";BASE64");
    let data = if coded {
        value
    } else {
        let (_, data) = value
            .trim_start()
            .strip_prefix("data:")?
            .split_once(";base64,")?;
        data
    };
    let bytes = transfer::base64(data.as_bytes()).bytes;
    (!bytes.is_empty()).then_some(bytes)
}

fn decoded(head: &str, value: &str) -> String {
    if !head.to_ascii_uppercase().contains("QUOTED-PRINTABLE") {
        return value.to_owned();
    }
    let bytes = transfer::quoted_printable(value.as_bytes());
    charset::decode(&bytes, parameter(head, "CHARSET").as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_join_by_their_coding() {
        assert_eq!(
            joined("A:b\n  c\nN;ENCODING=QUOTED-PRINTABLE:a=\nb=C3=AB\nX:1"),
            ["A:b c", "N;ENCODING=QUOTED-PRINTABLE:ab=C3=AB", "X:1"]
        );
        assert_eq!(
            joined("A;BASE\n 64:aa\n  bb\nB;QUOTED-PRINTABLE:x=\n=\ny"),
            ["A;BASE64:aabb", "B;QUOTED-PRINTABLE:xy"]
        );
        assert_eq!(parted("A;CN=\"x:y\":z"), Some(("A;CN=\"x:y\"", "z")));
        assert_eq!(
            decoded("N;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8", "Zo=C3=AB"),
            "Zoë"
        );
        assert_eq!(payload("PHOTO;ENCODING=b", "aGk="), Some(b"hi".to_vec()));
        assert_eq!(kind("item1.TEL;TYPE=home"), "TEL");
    }
}

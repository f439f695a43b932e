//! Text in headers: encoded words, and parameters with their continuations, percent encoding and quoting.
//!
//! # Invariants
//! Broken encoded words come out as mail programs show them: decoded as far as they go.
//!
//! # Standards
//! RFC 2047; RFC 2231; RFC 2045 5.1. Encoded words inside quoted parameters are against RFC 2047 5 and used by Outlook and Gmail.

use crate::mime::charset;
use crate::mime::transfer;

/// Decodes encoded words. Neighbours in one charset are joined before decoding, since senders split characters.
pub fn decode(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut rest = value;
    while let Some(start) = rest.find("=?") {
        let before = &rest[..start];
        let Some((charset, bytes, after)) = word(&rest[start..]) else {
            settle(&mut out, &mut pending);
            out.push_str(&rest[..start + 2]);
            rest = &rest[start + 2..];
            continue;
        };
        if !(pending.is_some() && before.trim().is_empty()) {
            settle(&mut out, &mut pending);
            out.push_str(before);
        }
        match &mut pending {
            Some((label, joined)) if label.eq_ignore_ascii_case(&charset) => joined.extend(bytes),
            _ => {
                settle(&mut out, &mut pending);
                pending = Some((charset, bytes));
            }
        }
        rest = after;
    }
    settle(&mut out, &mut pending);
    out.push_str(rest);
    out
}

fn settle(out: &mut String, pending: &mut Option<(String, Vec<u8>)>) {
    if let Some((label, bytes)) = pending.take() {
        out.push_str(&charset::decode(&bytes, Some(&label)));
    }
}

/// One encoded word at the start of `text`: charset, bytes, rest. The closing `?=` may be missing.
fn word(text: &str) -> Option<(String, Vec<u8>, &str)> {
    let inner = text.strip_prefix("=?")?;
    let (charset, inner) = inner.split_once('?')?;
    // RFC 2231 5: a language after `*` is no part of the charset.
    let charset = charset.split('*').next().unwrap_or(charset);
    if charset.is_empty() || charset.len() > 40 || charset.contains(char::is_whitespace) {
        return None;
    }
    let (encoding, inner) = inner.split_once('?')?;
    let (body, after) = match inner.find("?=") {
        // In Q a word may end `=3D?=`; in Q the text `=?=` is the end only if no hex digits follow, which `?` is not.
        Some(end) => (&inner[..end], &inner[end + 2..]),
        None => (inner, ""),
    };
    let bytes = match encoding {
        "B" | "b" => transfer::base64(body.as_bytes()).bytes,
        "Q" | "q" => transfer::quoted_printable(body.replace('_', " ").as_bytes()),
        _ => return None,
    };
    Some((charset.to_owned(), bytes, after))
}

/// A structured value: what stands before the first `;`, lower-case, and the parameters with decoded values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Structured {
    /// `text/plain`, `attachment`, `base64`.
    pub value: String,
    /// Names lower-case, values decoded, in order. A name may stand twice.
    pub params: Vec<(String, String)>,
    /// One name stood twice with different values.
    pub contradicts: bool,
}

impl Structured {
    /// The last value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads a value with parameters. A missing semicolon and a space around `=` are forgiven.
pub fn structured(value: &str) -> Structured {
    let mut pieces = split_outside_quotes(value);
    let head = uncommented(&pieces.remove(0));
    let mut head_words = head.split_whitespace();
    let main = head_words
        .next()
        .unwrap_or("")
        .trim_matches('"')
        .to_ascii_lowercase();
    // `text/plain charset=utf-8`: the semicolon is missing.
    let stray: Vec<String> = head_words
        .filter(|word| word.contains('='))
        .map(str::to_owned)
        .collect();
    pieces.extend(stray);
    let mut out = Structured {
        value: main,
        ..Structured::default()
    };
    let mut segments: Vec<(String, u32, bool, String)> = Vec::new();
    let mut plain_names: Vec<String> = Vec::new();
    for piece in pieces {
        let Some((name, raw)) = piece.split_once('=') else {
            continue;
        };
        let name = uncommented(name).trim().to_ascii_lowercase();
        let value = unquoted(raw.trim());
        match name.split_once('*') {
            None => {
                // RFC 2231 and plain forms of a name stand side by side for old readers; two plain ones do not.
                out.contradicts |= matches!(name.as_str(), "name" | "filename")
                    && out
                        .params
                        .iter()
                        .any(|(key, old)| *key == name && *old != decode(&value))
                    && plain_names.contains(&name);
                plain_names.push(name.clone());
                add(&mut out, name, decode(&value));
            }
            Some((base, "")) => add(&mut out, base.to_owned(), percent(&[(true, value)])),
            Some((base, index)) => {
                let encoded = index.ends_with('*');
                let index = index.trim_end_matches('*').parse().unwrap_or(u32::MAX);
                segments.push((base.to_owned(), index, encoded, value));
            }
        }
    }
    join_segments(&mut out, segments);
    out
}

fn add(out: &mut Structured, name: String, value: String) {
    if out.params.iter().any(|(key, old)| *key == name && *old != value)
        // RFC 2231 and plain forms of a name stand side by side for old readers.
        && !matches!(name.as_str(), "name" | "filename")
    {
        out.contradicts = true;
    }
    out.params.push((name, value));
}

fn join_segments(out: &mut Structured, mut segments: Vec<(String, u32, bool, String)>) {
    segments.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let mut i = 0;
    while i < segments.len() {
        let name = segments[i].0.clone();
        let end = segments[i..]
            .iter()
            .position(|s| s.0 != name)
            .map_or(segments.len(), |n| i + n);
        let parts: Vec<(bool, String)> = segments[i..end]
            .iter()
            .map(|(_, _, encoded, value)| (*encoded, value.clone()))
            .collect();
        add(out, name, percent(&parts));
        i = end;
    }
}

/// Joins RFC 2231 segments; the first encoded one may open with `charset'language'`.
fn percent(parts: &[(bool, String)]) -> String {
    let mut label = None;
    let mut bytes = Vec::new();
    for (i, (encoded, value)) in parts.iter().enumerate() {
        let mut value = value.as_str();
        if !encoded {
            bytes.extend_from_slice(value.as_bytes());
            continue;
        }
        if i == 0 {
            let mut halves = value.splitn(3, '\'');
            if let (Some(charset), Some(_), Some(text)) =
                (halves.next(), halves.next(), halves.next())
            {
                label = Some(charset.to_owned()).filter(|charset| !charset.is_empty());
                value = text;
            }
        }
        bytes.extend(unpercent(value));
    }
    let text = charset::decode(&bytes, label.as_deref());
    decode(&text)
}

/// Undoes `%41`.
pub fn unpercent(value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%'
            && let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) =
                ((*high as char).to_digit(16), (*low as char).to_digit(16))
        {
            out.push((high << 4 | low) as u8);
            rest = after;
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    out
}

fn split_outside_quotes(value: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut quoted, mut escaped, mut depth) = (false, false, 0u32);
    for c in value.chars() {
        if !escaped && !quoted && depth == 0 && c == ';' {
            pieces.push(String::new());
            continue;
        }
        match c {
            '\\' if quoted && !escaped => escaped = true,
            '"' if !escaped && depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => escaped = false,
        }
        if c != '\\' {
            escaped = false;
        }
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    if quoted && pieces.len() == 1 {
        // An open quote swallowed the rest: read it again without quoting.
        return value.split(';').map(str::to_owned).collect();
    }
    pieces
}

fn uncommented(text: &str) -> String {
    let mut depth = 0u32;
    text.chars()
        .filter(|c| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}

fn unquoted(raw: &str) -> String {
    let Some(inner) = raw.strip_prefix('"') else {
        return uncommented(raw).trim().to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            // Windows paths stand unescaped in names: keep a backslash that escapes nothing special.
            '\\' => match chars.next() {
                Some(next @ ('"' | '\\')) => out.push(next),
                Some(next) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_join_and_survive_damage() {
        assert_eq!(
            decode("=?utf-8?Q?Zo=C3=AB?= =?UTF-8?B?IEhhcnQ=?= today"),
            "Zoë Hart today"
        );
        assert_eq!(decode("=?utf-8?Q?Zo=C3?= =?utf-8?Q?=AB_Hart?="), "Zoë Hart");
        assert_eq!(decode("=?utf-8*en?Q?Zo=C3=AB?="), "Zoë");
        assert_eq!(decode("=?utf-8?Q?Zo=C3=AB Hart"), "Zoë Hart");
        assert_eq!(decode("=?iso-8859-1?Q?Zo=EB Hart?= x"), "Zoë Hart x");
        assert_eq!(decode("2 =? 3 =?bad"), "2 =? 3 =?bad");
    }

    #[test]
    fn parameters_in_every_disguise() {
        let s = structured("Text/Plain; charset=\"utf-8\"; name=\"a;b.txt\"");
        assert_eq!(
            (s.value.as_str(), s.param("charset"), s.param("name")),
            ("text/plain", Some("utf-8"), Some("a;b.txt"))
        );
        let s = structured("attachment; filename*=utf-8''Zo%C3%AB%20Hart.pdf");
        assert_eq!(s.param("filename"), Some("Zoë Hart.pdf"));
        let s = structured(
            "attachment; filename*0*=utf-8''Zo%C3%AB; filename*1=\" Hart\"; filename*2*=%2Epdf",
        );
        assert_eq!(s.param("filename"), Some("Zoë Hart.pdf"));
        let s = structured("application/pdf; name=\"=?utf-8?B?Wm/DqyBIYXJ0LnBkZg==?=\"");
        assert_eq!(s.param("name"), Some("Zoë Hart.pdf"));
        assert_eq!(
            structured("text/plain charset=utf-8").param("charset"),
            Some("utf-8")
        );
        assert_eq!(structured("base64 (really)").value, "base64");
        assert!(structured("multipart/mixed; boundary=a; boundary=b").contradicts);
    }
}

//! Plain text: flowed lines joined, separated values as tables, folded calendar lines unfolded.
//!
//! # Standards
//! RFC 3676 (format=flowed); RFC 4180 (CSV); RFC 5545 3.1 and RFC 6350 3.2 (folding).

/// Joins the lines that a format=flowed sender broke.
pub(crate) fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let body = &line[depth..];
        let body = body.strip_prefix(' ').unwrap_or(body);
        let signature = body == "-- ";
        if open == Some(depth) && !signature {
            // continues the line before
        } else {
            if !out.is_empty() {
                out.push('\n');
            }
            if depth > 0 {
                out.push_str(&">".repeat(depth));
                out.push(' ');
            }
        }
        let flows = body.ends_with(' ') && !signature;
        out.push_str(if flows && delete_space {
            &body[..body.len() - 1]
        } else {
            body
        });
        open = flows.then_some(depth);
    }
    out
}

/// Undoes the escapes of calendars and cards.
pub(crate) fn unescape(text: &str) -> String {
    text.replace("\\n", "\n")
        .replace("\\N", "\n")
        .replace("\\,", ",")
        .replace("\\;", ";")
}

/// A text of four-byte characters (UTF-32), with or without a mark before it.
pub(crate) fn utf32(bytes: &[u8]) -> Option<String> {
    const SHORTEST: usize = 16;
    if bytes.len() < SHORTEST || !bytes.len().is_multiple_of(4) {
        return None;
    }
    let decode = |unit: fn([u8; 4]) -> u32| -> Option<String> {
        let mut out = String::new();
        for raw in bytes.chunks_exact(4) {
            let c = char::from_u32(unit(raw.try_into().ok()?))?;
            if c.is_control() && !matches!(c, '\t' | '\n' | '\r') {
                return None;
            }
            out.push(c);
        }
        Some(out.trim_start_matches('\u{feff}').to_owned())
    };
    decode(u32::from_le_bytes).or_else(|| decode(u32::from_be_bytes))
}

/// What a reader sees where the text orders its letters from right to left: those lines with such runs turned round.
pub(crate) fn turned(text: &str) -> Option<String> {
    const OVERRIDE: char = '\u{202e}';
    if !text.contains(OVERRIDE) {
        return None;
    }
    let mut out = String::new();
    for line in text.lines().filter(|line| line.contains(OVERRIDE)) {
        let mut pieces = line.split(OVERRIDE);
        out.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let end = piece.find(['\u{202c}', '\u{202d}']).unwrap_or(piece.len());
            out.extend(piece[..end].chars().rev());
            out.push_str(piece[end..].trim_start_matches(['\u{202c}', '\u{202d}']));
        }
        out.push('\n');
    }
    Some(out)
}

/// Runs of printable characters among other bytes, a line each. In ciphertext one of this length is rarer than one in 100 KB.
pub(crate) fn runs(bytes: &[u8]) -> String {
    const SHORTEST: usize = 12;
    let mut out = String::new();
    let shown = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t');
    for run in bytes.split(|byte| !shown(byte)) {
        if run.len() >= SHORTEST {
            out.push_str(&String::from_utf8_lossy(run));
            out.push('\n');
        }
    }
    out
}

/// A table from separated values; `None` when the text is no table.
pub(crate) fn table(text: &str) -> Option<String> {
    let delimiter = delimiter(text)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut out = String::with_capacity(text.len());
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).is_ok_and(|more| more) {
        if !out.is_empty() {
            out.push('\n');
        }
        for (i, cell) in record.iter().enumerate() {
            if i > 0 {
                out.push('\t');
            }
            push_cell(&mut out, cell);
        }
    }
    Some(out)
}

/// A cell on one line.
pub(crate) fn push_cell(out: &mut String, cell: &str) {
    let mut rest = cell.trim();
    while let Some(at) = memchr::memchr3(b'\n', b'\r', b'\t', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        out.push(' ');
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// The separator that cuts the first lines into the same number of cells, more than one.
fn delimiter(text: &str) -> Option<u8> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(20)
        .collect();
    // `sep=;` is Excel's own way to say it.
    if let Some(said) = lines
        .first()
        .and_then(|line| line.trim_start_matches('\u{feff}').strip_prefix("sep="))
        && let Some(&byte) = said.as_bytes().first()
    {
        return Some(byte);
    }
    [b'\t', b';', b',', b'|']
        .into_iter()
        .map(|byte| {
            let counts: Vec<usize> = lines
                .iter()
                .map(|line| line.bytes().filter(|b| *b == byte).count())
                .collect();
            let first = counts.first().copied().unwrap_or(0);
            let same = counts.iter().filter(|count| **count == first).count();
            (
                if first == 0 {
                    0
                } else {
                    same * 100 + first.min(99)
                },
                byte,
            )
        })
        .max_by_key(|(score, _)| *score)
        .filter(|(score, _)| *score > 0)
        .map(|(_, byte)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_lines_join() {
        assert_eq!(
            unflow("Amelia \nHart\n> quoted \n> on\n-- \nme", false),
            "Amelia Hart\n> quoted on\n-- \nme"
        );
        assert_eq!(unflow("Ame \nlia", true), "Amelia");
    }

    #[test]
    fn separated_values_become_tables() {
        assert_eq!(
            table("Name;DOB\nHart, Amelia;1/2/2011\n").as_deref(),
            Some("Name\tDOB\nHart, Amelia\t1/2/2011")
        );
        assert_eq!(table("a,\"b\nc\"\n1,2\n").as_deref(), Some("a\tb c\n1\t2"));
        assert_eq!(table("just a line\nand one more\n"), None);
    }
}

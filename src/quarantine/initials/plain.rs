//! Plain text as detection reads it, with the way back to the source; and a name that is broken over lines.
//!
//! # Standards
//! RFC 3676 (format=flowed: a space at a line's end lets the next one go on).

use std::ops::Range;

use super::traced::Traced;

/// The text with its line ends as `\n`.
pub(super) fn lines(source: &str) -> Traced {
    let mut out = Traced::default();
    for (at, line, end) in split(source) {
        out.push_str(line, at);
        let body = at + line.len();
        if end > body {
            out.push('\n', body..end);
        }
    }
    out
}

/// The text with the lines joined that a format=flowed sender broke.
pub(super) fn unflowed(source: &str, delete_space: bool) -> Traced {
    let mut out = Traced::default();
    let mut open: Option<usize> = None;
    for (at, line, _) in split(source) {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let stuffed = usize::from(line[depth..].starts_with(' '));
        let start = depth + stuffed;
        let body = &line[start..];
        let signature = body == "-- ";
        if open != Some(depth) || signature {
            if !out.text().is_empty() {
                out.push('\n', at..at);
            }
            if depth > 0 {
                out.push_str(&line[..depth], at);
                out.push(' ', at + depth..at + start);
            }
        }
        let flows = body.ends_with(' ') && !signature;
        let shown = if flows && delete_space {
            &body[..body.len() - 1]
        } else {
            body
        };
        out.push_str(shown, at + start);
        open = flows.then_some(depth);
    }
    out
}

/// Lines with where they start and where the next one does.
fn split(source: &str) -> impl Iterator<Item = (usize, &str, usize)> {
    let mut at = 0;
    source.split_inclusive('\n').map(move |whole| {
        let start = at;
        at += whole.len();
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        (start, line.strip_suffix('\r').unwrap_or(line), at)
    })
}

/// The edits that put `text` in the place of a name. A name that is broken over lines goes to the line it ends on, and a line that
/// would be left empty goes with it, so that quoting and flowing of the others stay as they are.
pub(super) fn replace(source: &str, name: Range<usize>, text: &str) -> Vec<(Range<usize>, String)> {
    let whole = || vec![(name.clone(), text.to_owned())];
    let Some(last) = source[name.clone()].rfind('\n').map(|at| name.start + at) else {
        return whole();
    };
    let line = source[..name.start].rfind('\n').map_or(0, |at| at + 1);
    let lead = source[line..name.start].trim_end_matches([' ', '\t']);
    if lead.trim_matches(['>', ' ', '\t']).is_empty() {
        return whole();
    }
    let quoted = source[last + 1..name.end]
        .bytes()
        .take_while(|byte| matches!(byte, b'>' | b' ' | b'\t'))
        .count();
    let before = &source[name.start..last];
    let before = before.strip_suffix('\r').unwrap_or(before);
    // The space that lets the line flow stays.
    let kept = usize::from(before.ends_with(' '));
    let broken = name.start + before.len() - kept;
    let from = line + lead.len();
    vec![
        (from..broken.max(from), String::new()),
        (last + 1 + quoted..name.end, text.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(source: &str, name: &str) -> String {
        let at = source.find(name).unwrap();
        let mut out = source.to_owned();
        for (range, text) in replace(source, at..at + name.len(), "O.W.")
            .into_iter()
            .rev()
        {
            out.replace_range(range, &text);
        }
        out
    }

    #[test]
    fn a_broken_name_goes_to_its_last_line() {
        assert_eq!(
            replaced("about Oliver\r\nWhitcombe, who", "Oliver\r\nWhitcombe"),
            "about\r\nO.W., who"
        );
        assert_eq!(
            replaced(
                "> about Oliver \r\n> Whitcombe was",
                "Oliver \r\n> Whitcombe"
            ),
            "> about \r\n> O.W. was"
        );
        assert_eq!(
            replaced("x\n> Oliver\n> Whitcombe was", "Oliver\n> Whitcombe"),
            "x\n> O.W. was"
        );
        assert_eq!(replaced("Oliver Whitcombe", "Oliver Whitcombe"), "O.W.");
    }

    #[test]
    fn flowed_text_keeps_its_way_back() {
        let source = "> Amelia \r\n> Hart\r\nme \r\nyou";
        let text = unflowed(source, false);
        assert_eq!(text.text(), "> Amelia Hart\nme you");
        let name = text.sources(2..13);
        assert_eq!(name.len(), 2);
        assert_eq!(&source[name[0].clone()], "Amelia ");
        assert_eq!(&source[name[1].clone()], "Hart");
        assert_eq!(unflowed("Ame \nlia", true).text(), "Amelia");
        assert_eq!(lines("a\r\nb").text(), "a\nb");
    }
}

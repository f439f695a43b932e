//! An HTML page as detection reads it, with the way back to its source: what is shown, what is not, and the tables.
//!
//! It follows [`crate::extract::html`] and its pieces of markup, so that a name which is found there is found here: split over tags, in
//! cells, behind character references, in alternative texts.
//!
//! # Invariants
//! One pass, no recursion, work linear in the page.
//!
//! # Known gaps
//! Pages inside `srcdoc` and `data:` links are not read; a name in one stays, and judging the result says so.

use std::ops::Range;

use super::traced::Traced;
use crate::extract::View;
use crate::extract::html::hides;
use crate::extract::markup::{
    character, entities, find_close, is_block, is_void, start_tag_places,
};

/// How far up an end tag looks for its start tag.
const REACH: usize = 256;
/// Tables in tables.
const DEEPEST: usize = 64;

/// How a text that is not shown is spelled in the page.
#[derive(Clone, Copy)]
enum Spelled {
    /// As it is.
    Plain,
    /// With character references.
    References,
    /// With character references, and markup that is none to browsers: a comment.
    Marked,
    /// With character references and percent signs.
    Link,
}

struct Open {
    tag: String,
    hidden: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<Traced>>,
    nested: bool,
}

#[derive(Default)]
struct Reader {
    shown: Traced,
    hidden: Traced,
    tables: Vec<Traced>,
    open: Vec<Open>,
    hidden_depth: usize,
    pre_depth: usize,
    stack: Vec<Table>,
}

/// The texts of a page: the shown one first.
pub(super) fn read(html: &str) -> Vec<(View, Traced)> {
    let mut reader = Reader::default();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', &html.as_bytes()[at..]) {
        reader.text(html, at..at + found);
        at = reader.markup(html, at + found);
    }
    reader.text(html, at..html.len());
    while !reader.stack.is_empty() {
        reader.end_table(html.len());
    }
    let tables = reader.tables.into_iter().map(|table| (View::Table, table));
    [(View::Visible, reader.shown), (View::Hidden, reader.hidden)]
        .into_iter()
        .chain(tables)
        .collect()
}

impl Reader {
    /// One piece of markup; gives where it ends.
    fn markup(&mut self, html: &str, at: usize) -> usize {
        let rest = &html[at..];
        for (opening, closing, spelled) in [
            ("<!--", "-->", Spelled::Marked),
            ("<![CDATA[", "]]>", Spelled::Plain),
        ] {
            if let Some(body) = rest.strip_prefix(opening) {
                let start = at + opening.len();
                let end = body.find(closing).map_or(html.len(), |end| start + end);
                self.aside(html, start..end, spelled);
                return (end + closing.len()).min(html.len());
            }
        }
        let close = rest.find('>').map(|end| at + end);
        match rest.as_bytes().get(1) {
            Some(b'!' | b'?') => {
                let body = at + 2..close.unwrap_or(html.len());
                if !is_declaration(&html[body.clone()]) {
                    self.aside(html, body, Spelled::References);
                }
                return close.map_or(html.len(), |end| end + 1);
            }
            Some(b'/') => {
                let Some(end) = close else {
                    self.aside(html, at + 2..html.len(), Spelled::References);
                    return html.len();
                };
                let name: String = html[at + 2..end]
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect();
                self.close(&name.to_ascii_lowercase(), end + 1);
                return end + 1;
            }
            Some(first) if first.is_ascii_alphabetic() => {}
            _ => {
                self.text(html, at..at + 1);
                return at + 1;
            }
        }
        let (tag, attributes, length) = start_tag_places(rest);
        let after = at + length;
        let attributes: Vec<(String, Range<usize>)> = attributes
            .into_iter()
            .map(|(name, value)| (name, at + value.start..at + value.end))
            .collect();
        self.start(html, &tag, &attributes, after);
        self.raw_text(html, &tag, after)
    }

    /// What an element says whose text holds no markup; gives where it ends, or `at` for any other element.
    fn raw_text(&mut self, html: &str, tag: &str, at: usize) -> usize {
        let close = || at + find_close(&html[at..], tag);
        match tag {
            "style" => {
                let end = close();
                self.generated(html, at..end);
                end
            }
            "textarea" | "xmp" => {
                let end = close();
                self.text(html, at..end);
                end
            }
            "script" => {
                let end = close();
                self.aside(html, at..end, Spelled::Plain);
                end
            }
            "title" | "noembed" => {
                let end = close();
                self.aside(html, at..end, Spelled::References);
                end
            }
            _ => at,
        }
    }

    fn out(&mut self) -> &mut Traced {
        if self.hidden_depth > 0 {
            &mut self.hidden
        } else {
            &mut self.shown
        }
    }

    fn cell(&mut self) -> Option<&mut Traced> {
        self.stack.last_mut()?.rows.last_mut()?.last_mut()
    }

    fn text(&mut self, html: &str, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let text = decoded(html, range);
        let (hidden, pre) = (self.hidden_depth > 0, self.pre_depth > 0);
        collapse(self.out(), &text, pre);
        if let Some(cell) = self.cell().filter(|_| !hidden) {
            collapse(cell, &text, false);
        }
    }

    /// A text that is not shown where it stands, on a line of its own.
    fn aside(&mut self, html: &str, range: Range<usize>, spelled: Spelled) {
        let end = range.end;
        let text = match spelled {
            Spelled::Plain => {
                let mut text = Traced::default();
                text.push_str(&html[range.clone()], range.start);
                text
            }
            Spelled::References => decoded(html, range),
            Spelled::Marked => unmarked(html, range),
            Spelled::Link => unpercented(&decoded(html, range)),
        };
        let said = text.text().trim();
        if said.is_empty() {
            return;
        }
        let start = text.text().len() - text.text().trim_start().len();
        self.hidden.append(&text, start..start + said.len());
        self.hidden.push('\n', end..end);
    }

    /// Words that a style sheet puts on the page.
    fn generated(&mut self, html: &str, range: Range<usize>) {
        let style = &html[range.clone()];
        for (at, word) in style.match_indices("content") {
            let rest = style[at + word.len()..].trim_start();
            let Some(value) = rest.strip_prefix(':').map(str::trim_start) else {
                continue;
            };
            let value = &value[..value.find([';', '}']).unwrap_or(value.len())];
            let mut piece =
                range.end - rest.len() + 1 + rest[1..].len() - rest[1..].trim_start().len();
            for (index, text) in value.split(['"', '\'']).enumerate() {
                if index % 2 == 1 {
                    self.aside(html, piece..piece + text.len(), Spelled::Plain);
                }
                piece += text.len() + 1;
            }
        }
    }

    fn newline(&mut self, at: usize) {
        let out = self.out();
        if !out.text().is_empty() && !out.text().ends_with('\n') {
            out.push('\n', at..at);
        }
        if let Some(cell) = self.cell()
            && !cell.text().is_empty()
            && !cell.text().ends_with(' ')
        {
            cell.push(' ', at..at);
        }
    }

    fn start(&mut self, html: &str, tag: &str, attributes: &[(String, Range<usize>)], at: usize) {
        for (name, value) in attributes {
            let told = match name.as_str() {
                "alt" | "title" | "aria-label" | "placeholder" | "summary" | "label" => true,
                "value" => tag != "li",
                "content" => tag == "meta",
                "href" => {
                    if let Some(start) = address(&html[value.clone()]) {
                        self.aside(html, value.start + start..value.end, Spelled::Link);
                    }
                    false
                }
                _ => false,
            };
            if told {
                self.aside(html, value.clone(), Spelled::References);
            }
        }
        match tag {
            "br" => {
                self.out().push('\n', at..at);
                if let Some(cell) = self.cell() {
                    cell.push(' ', at..at);
                }
            }
            "td" | "th" => self.begin_cell(at),
            "tr" => {
                self.newline(at);
                if let Some(table) = self.stack.last_mut() {
                    table.rows.push(Vec::new());
                }
            }
            "table" => {
                self.newline(at);
                if let Some(outer) = self.stack.last_mut() {
                    outer.nested = true;
                }
                if self.stack.len() < DEEPEST {
                    self.stack.push(Table::default());
                }
            }
            _ if is_block(tag) => self.newline(at),
            _ => {}
        }
        if is_void(tag) {
            return;
        }
        let values: Vec<(String, String)> = attributes
            .iter()
            .map(|(name, value)| (name.clone(), entities(&html[value.clone()])))
            .collect();
        let hidden = hides(tag, &values);
        self.hidden_depth += usize::from(hidden);
        self.pre_depth += usize::from(tag == "pre");
        self.open.push(Open {
            tag: tag.to_owned(),
            hidden,
        });
    }

    fn begin_cell(&mut self, at: usize) {
        let shown = self.hidden_depth == 0;
        let text = self.shown.text();
        if shown && !text.is_empty() && !text.ends_with(['\n', '\t']) {
            self.shown.push('\t', at..at);
        }
        if let Some(table) = self.stack.last_mut() {
            if table.rows.is_empty() {
                table.rows.push(Vec::new());
            }
            if let Some(row) = table.rows.last_mut() {
                row.push(Traced::default());
            }
        }
    }

    fn close(&mut self, tag: &str, at: usize) {
        match tag {
            "table" => self.end_table(at),
            _ if is_block(tag) => self.newline(at),
            _ => {}
        }
        let from = self.open.len().saturating_sub(REACH);
        let Some(found) = self.open[from..].iter().rposition(|open| open.tag == tag) else {
            return;
        };
        for open in self.open.drain(from + found..) {
            self.hidden_depth -= usize::from(open.hidden);
            self.pre_depth -= usize::from(open.tag == "pre");
        }
    }

    fn end_table(&mut self, at: usize) {
        self.newline(at);
        let Some(table) = self.stack.pop() else {
            return;
        };
        // Layout tables hold tables; only the innermost hold rows of data.
        if table.nested || table.rows.iter().all(|row| row.len() < 2) || table.rows.len() < 2 {
            return;
        }
        let mut out = Traced::default();
        for row in &table.rows {
            if row.iter().all(|cell| cell.text().trim().is_empty()) {
                continue;
            }
            if !out.text().is_empty() {
                out.push('\n', at..at);
            }
            for (number, cell) in row.iter().enumerate() {
                if number > 0 {
                    out.push('\t', at..at);
                }
                let text = cell.text();
                let start = text.len() - text.trim_start().len();
                out.append(cell, start..start + text.trim().len());
            }
        }
        self.tables.push(out);
    }
}

/// Whether `<!` or `<?` opens a declaration; what is none is a comment to browsers.
fn is_declaration(body: &str) -> bool {
    let opens = |word: &&str| {
        let start = body.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    body.starts_with(['[', ':'])
        || ["doctype", "xml", "entity", "element", "attlist"]
            .iter()
            .any(opens)
}

/// Text with its character references replaced and a blank for each piece of markup.
fn unmarked(html: &str, range: Range<usize>) -> Traced {
    let mut out = Traced::default();
    let (mut at, end) = (range.start, range.end);
    while at < end {
        let open = html[at..end].find('<').map_or(end, |found| at + found);
        let text = decoded(html, at..open);
        out.append(&text, 0..text.text().len());
        if open == end {
            break;
        }
        at = html[open..end]
            .find('>')
            .map_or(end, |found| open + found + 1);
        out.push(' ', at..at);
    }
    out
}

/// Text with the percent signs of a link undone where they stand for ASCII.
fn unpercented(text: &Traced) -> Traced {
    let mut out = Traced::default();
    let bytes = text.text().as_bytes();
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let mut skipped = 0;
    for (at, c) in text.text().char_indices() {
        if at < skipped {
            continue;
        }
        match (c, digit(at + 1), digit(at + 2)) {
            ('%', Some(high @ 0..=7), Some(low)) => {
                let from = text.sources(at..at + 3);
                let start = from.first().map_or(0, |piece| piece.start);
                let end = from.last().map_or(start, |piece| piece.end);
                out.push(char::from((high * 16 + low) as u8), start..end);
                skipped = at + 3;
            }
            _ => out.append(text, at..at + c.len_utf8()),
        }
    }
    out
}

/// Where the address begins in a link that shows one when the pointer rests on it.
fn address(link: &str) -> Option<usize> {
    const SCHEME: &str = "mailto:";
    let start = link.len() - link.trim_start().len();
    let scheme = link.get(start..start + SCHEME.len())?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then_some(start + SCHEME.len())
}

/// Text with its character references replaced.
fn decoded(html: &str, range: Range<usize>) -> Traced {
    let mut out = Traced::default();
    let (mut at, end) = (range.start, range.end);
    while let Some(found) = html[at..end].find('&') {
        out.push_str(&html[at..at + found], at);
        at += found;
        let mut text = String::new();
        let used = character(&html[at..end], &mut text);
        for c in text.chars() {
            out.push(c, at..at + used);
        }
        at += used;
    }
    out.push_str(&html[at..end], at);
    out
}

/// Appends text, white space collapsed to one blank unless `pre`.
fn collapse(out: &mut Traced, text: &Traced, pre: bool) {
    for (at, c) in text.text().char_indices() {
        let blank = matches!(c, ' ' | '\n' | '\r' | '\t' | '\u{c}');
        if pre || !blank {
            out.append(text, at..at + c.len_utf8());
        } else if !out.text().is_empty() && !out.text().ends_with([' ', '\n', '\t']) {
            let source = text.sources(at..at + 1);
            out.push(' ', source.first().cloned().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> String {
        read(html)[0].1.text().to_owned()
    }

    #[test]
    fn it_reads_what_detection_reads() {
        for html in [
            "<p>Jo<b>hn</b> Sm<!-- x -->ith</p><div>next&nbsp;&eacute;&#233;&#xe9 &bogus; a<br>b</div>",
            "<table><tr><td><table><tr><th>Name<th>Age</tr><tr><td>Amelia <i>Hart</i></td><td>9</td></tr></table></td></tr></table>",
            "<div style='display:none'>one<span>two</span></div>shown  <pre>a\n b</pre><p>1 < 2</p>",
            "<a href='mailto:a.hart@b.example'>x</a><img alt=\"A &amp; B\"><textarea>t</textarea>",
        ] {
            let page = crate::extract::html::read(html);
            let texts = read(html);
            let shown: Vec<&str> = texts[0]
                .1
                .text()
                .trim()
                .lines()
                .map(str::trim_end)
                .collect();
            assert_eq!(shown.join("\n"), page.visible, "{html}");
            for line in page.hidden.lines() {
                assert!(texts[1].1.text().contains(line), "{line} of {html}");
            }
            let tables: Vec<&str> = texts[2..].iter().map(|(_, table)| table.text()).collect();
            assert_eq!(tables, page.tables, "{html}");
        }
    }

    /// What the hidden text says, line by line.
    fn says(text: &str) -> Vec<String> {
        let squeezed = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        squeezed
            .filter(|line| line.chars().any(char::is_alphanumeric))
            .collect()
    }

    proptest::proptest! {
        /// The two readings of a page must not drift apart: what detection reads of it, this reads too.
        #[test]
        fn it_reads_what_detection_reads_of_any_page(pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<br>", "<table>", "<tr>", "<td>", "</td>", "</tr>", "</table>",
                "<span style='display:none'>", "</span>", "<pre>", "</pre>", "<img alt='Ann Lee'>", "<a href='mailto:ann%2Elee@b.example'>",
                "</a>", "<!-- ann <i>lee</i> -->", "<!ann lee>", "<!DOCTYPE html>", "<![CDATA[ann & lee]]>", "<title>ann&amp;lee</title>",
                "<style>a:before{content: 'ann lee'}</style>", "<script>ann</script>", "<textarea>lee</textarea>", "<input value=ann>",
                "Ann", "Lee", " ", "  ", "\r\n", "\t", "&amp;", "&nbsp;", "&#65;nn", "&bogus;", "1 < 2", "</ ann", "<",
            ]), 0..24))
        {
            let html = pieces.concat();
            let page = crate::extract::html::read(&html);
            let texts = read(&html);
            proptest::prop_assert_eq!(says(texts[0].1.text()), says(&page.visible), "{}", html);
            proptest::prop_assert_eq!(says(texts[1].1.text()), says(&page.hidden), "{}", html);
            let tables: Vec<Vec<String>> = texts[2..].iter().map(|(_, table)| says(table.text())).collect();
            let expected: Vec<Vec<String>> = page.tables.iter().map(|table| says(table)).collect();
            proptest::prop_assert_eq!(tables, expected, "{}", html);
        }
    }

    #[test]
    fn bombs_are_linear() {
        for bomb in [
            "<div>",
            "<b>",
            "</i>",
            "<a ",
            "<!--",
            "<script></",
            "<table><tr><td>",
            "<p title=",
            "&",
            "<",
        ] {
            read(&bomb.repeat(100_000));
        }
        read(&format!("<script>{}", "</".repeat(200_000)));
    }

    #[test]
    fn the_way_back_leads_around_tags() {
        let html = "<p>Dear <b>Oli&#118;er</b>  Whitcombe</p>";
        let texts = read(html);
        let text = &texts[0].1;
        let at = text.text().find("Oliver").unwrap();
        let pieces: Vec<&str> = text
            .sources(at..at + "Oliver Whitcombe".len())
            .into_iter()
            .map(|piece| &html[piece])
            .collect();
        assert_eq!(pieces, ["Oli&#118;er", " ", "Whitcombe"]);
        assert_eq!(shown("a\u{a0}b"), "a\u{a0}b");
    }
}

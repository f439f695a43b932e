//! The text of an HTML page as its reader meets it: what is shown, what is not, and the tables.
//!
//! # Invariants
//! One pass, no recursion; the work is linear in the page whatever its tags do (a page of 200,000 open `div` is a known bomb).
//! Text that a style hides is still text: it moves to the hidden view, it is never dropped.
//!
//! # Standards
//! The WHATWG tokenizer in outline; names of entities from `mail-parser`.
//!
//! # Known gaps
//! Classes are not matched with style sheets, so text hidden that way counts as shown. Scripts are not run.

use crate::extract::markup::{entities, find_close, is_block, is_void, start_tag};
use crate::extract::text;
use crate::mime::words;

/// What a page says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Text as shown.
    pub visible: String,
    /// Text that is present and not shown: hidden elements, comments, scripts, alternative texts, titles.
    pub hidden: String,
    /// Tables with more than one column: a row a line, a tab between cells.
    pub tables: Vec<String>,
    /// Content-IDs the page shows pictures of.
    pub cids: Vec<String>,
    /// Files inside `data:` links: declared type and bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

/// How far up an end tag looks for its start tag.
const REACH: usize = 256;

struct Open {
    tag: String,
    hidden: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    nested: bool,
}

#[derive(Default)]
struct Reader {
    page: Page,
    open: Vec<Open>,
    hidden_depth: usize,
    pre_depth: usize,
    tables: Vec<Table>,
    /// This page stands inside another.
    framed: bool,
}

/// Reads a page.
pub fn read(html: &str) -> Page {
    Reader::default().run(html)
}

impl Reader {
    fn run(mut self, html: &str) -> Page {
        let mut rest = html;
        while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
            self.text(&rest[..at]);
            rest = &rest[at..];
            rest = self.markup(rest);
        }
        self.text(rest);
        while !self.tables.is_empty() {
            self.end_table();
        }
        if let Some(turned) = text::turned(&self.page.visible) {
            self.aside(&turned);
        }
        self.page.visible = tidy(&self.page.visible);
        self.page.hidden = tidy(&self.page.hidden);
        self.page
    }

    /// One piece of markup at the start of `rest`; returns what follows it.
    fn markup<'h>(&mut self, rest: &'h str) -> &'h str {
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = comment.find("-->");
            let body = &comment[..end.unwrap_or(comment.len())];
            self.comment(body);
            return end.map_or("", |end| &comment[end + 3..]);
        }
        // Browsers take it for a comment, programs that read XML for text.
        if let Some(section) = rest.strip_prefix("<![CDATA[") {
            let end = section.find("]]>");
            self.aside(&section[..end.unwrap_or(section.len())]);
            return end.map_or("", |end| &section[end + 3..]);
        }
        let bytes = rest.as_bytes();
        match bytes.get(1) {
            // A declaration; what is none is a comment to browsers.
            Some(b'!' | b'?') => {
                let end = rest.find('>');
                let body = &rest[2..end.unwrap_or(rest.len())];
                let declared = body.starts_with(['[', ':'])
                    || ["doctype", "xml", "entity", "element", "attlist"]
                        .iter()
                        .any(|word| {
                            body.get(..word.len())
                                .is_some_and(|start| start.eq_ignore_ascii_case(word))
                        });
                if !declared {
                    self.aside(&entities(body));
                }
                return end.map_or("", |end| &rest[end + 1..]);
            }
            Some(b'/') => {
                let Some(end) = rest.find('>') else {
                    self.aside(&entities(&rest[2..]));
                    return "";
                };
                let name: String = rest[2..end]
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect();
                self.close(&name.to_ascii_lowercase());
                return &rest[end + 1..];
            }
            Some(first) if first.is_ascii_alphabetic() => {}
            _ => {
                self.text("<");
                return &rest[1..];
            }
        }
        let (tag, attributes, after) = start_tag(rest);
        self.start(&tag, &attributes);
        let raw_text = matches!(
            tag.as_str(),
            "script" | "style" | "textarea" | "title" | "xmp" | "noembed"
        );
        if !raw_text {
            return after;
        }
        let end = find_close(after, &tag);
        let body = &after[..end];
        match tag.as_str() {
            "style" => self.generated(body),
            "script" => self.aside(body),
            "textarea" | "xmp" => self.text(body),
            _ => self.aside(&entities(body)),
        }
        &after[end..]
    }

    /// What browsers hide in a comment Outlook may show (`<!--[if mso]>`).
    fn comment(&mut self, body: &str) {
        let mut text = String::new();
        let mut rest = body;
        while let Some(at) = rest.find('<') {
            text.push_str(&rest[..at]);
            text.push(' ');
            rest = rest[at..].find('>').map_or("", |end| &rest[at + end + 1..]);
        }
        text.push_str(rest);
        let text = entities(&text);
        if !text.trim_start().starts_with("[if") || text.len() > 24 {
            self.aside(&text);
        }
    }

    /// Words that a style sheet puts on the page (CSS 2.1 12.2).
    fn generated(&mut self, style: &str) {
        for (at, _) in style.match_indices("content") {
            let value = style[at + "content".len()..].trim_start();
            let Some(value) = value.strip_prefix(':').map(str::trim_start) else {
                continue;
            };
            let value = &value[..value.find([';', '}']).unwrap_or(value.len())];
            for (index, piece) in value.split(['"', '\'']).enumerate() {
                if index % 2 == 1 && piece.chars().any(char::is_alphanumeric) {
                    self.aside(piece);
                }
            }
        }
    }

    fn aside(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.page.hidden.push_str(text.trim());
            self.page.hidden.push('\n');
        }
    }

    fn text(&mut self, raw: &str) {
        if raw.is_empty() {
            return;
        }
        let text = entities(raw);
        let hidden = self.hidden_depth > 0;
        let pre = self.pre_depth > 0;
        let out = if hidden {
            &mut self.page.hidden
        } else {
            &mut self.page.visible
        };
        append(out, &text, pre);
        if let Some(cell) = self
            .tables
            .last_mut()
            .and_then(|table| table.rows.last_mut())
            .and_then(|row| row.last_mut())
            && !hidden
        {
            append(cell, &text, false);
        }
    }

    fn newline(&mut self) {
        let out = if self.hidden_depth > 0 {
            &mut self.page.hidden
        } else {
            &mut self.page.visible
        };
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        if let Some(cell) = self
            .tables
            .last_mut()
            .and_then(|table| table.rows.last_mut())
            .and_then(|row| row.last_mut())
            && !cell.is_empty()
            && !cell.ends_with(' ')
        {
            cell.push(' ');
        }
    }

    fn start(&mut self, tag: &str, attributes: &[(String, String)]) {
        self.attributes(tag, attributes);
        match tag {
            "br" => {
                let out = if self.hidden_depth > 0 {
                    &mut self.page.hidden
                } else {
                    &mut self.page.visible
                };
                out.push('\n');
                if let Some(cell) = self
                    .tables
                    .last_mut()
                    .and_then(|t| t.rows.last_mut())
                    .and_then(|r| r.last_mut())
                {
                    cell.push(' ');
                }
            }
            "td" | "th" => self.cell(),
            "tr" => {
                self.newline();
                if let Some(table) = self.tables.last_mut() {
                    table.rows.push(Vec::new());
                }
            }
            "table" => {
                self.newline();
                if let Some(outer) = self.tables.last_mut() {
                    outer.nested = true;
                }
                // Deeper than any page nests tables; below it cells are still text.
                if self.tables.len() < 64 {
                    self.tables.push(Table::default());
                }
            }
            _ if is_block(tag) => self.newline(),
            _ => {}
        }
        if is_void(tag) {
            return;
        }
        if let Some(mark) = override_of(tag, attributes) {
            self.text(mark);
        }
        let hidden = hides(tag, attributes);
        self.hidden_depth += usize::from(hidden);
        self.pre_depth += usize::from(tag == "pre");
        self.open.push(Open {
            tag: tag.to_owned(),
            hidden,
        });
    }

    fn cell(&mut self) {
        let out = &mut self.page.visible;
        if self.hidden_depth == 0 && !out.is_empty() && !out.ends_with(['\n', '\t']) {
            out.push('\t');
        }
        if let Some(table) = self.tables.last_mut() {
            if table.rows.is_empty() {
                table.rows.push(Vec::new());
            }
            if let Some(row) = table.rows.last_mut() {
                row.push(String::new());
            }
        }
    }

    fn attributes(&mut self, tag: &str, attributes: &[(String, String)]) {
        for (name, value) in attributes {
            match name.as_str() {
                "alt" | "title" | "aria-label" | "placeholder" | "summary" | "label" => {
                    self.aside(&value.clone());
                }
                "value" if tag != "li" => self.aside(&value.clone()),
                "content" if tag == "meta" => self.aside(&value.clone()),
                "srcdoc" => self.frame(value),
                "src" | "background" | "href" | "data" => self.link(value),
                _ => {}
            }
        }
    }

    /// A page inside an attribute. One inside that one is kept as it is written.
    fn frame(&mut self, source: &str) {
        if self.framed {
            self.aside(source);
            return;
        }
        let inner = Self {
            framed: true,
            ..Self::default()
        }
        .run(source);
        self.aside(&inner.visible);
        self.aside(&inner.hidden);
        self.page.tables.extend(inner.tables);
        self.page.cids.extend(inner.cids);
        self.page.files.extend(inner.files);
    }

    fn link(&mut self, value: &str) {
        let value = value.trim();
        let scheme = value
            .get(..5.min(value.len()))
            .unwrap_or("")
            .to_ascii_lowercase();
        if scheme.starts_with("cid:") {
            self.page
                .cids
                .push(String::from_utf8_lossy(&words::unpercent(&value[4..])).into_owned());
        } else if scheme == "data:" {
            let (kind, body) = value[5..].split_once(',').unwrap_or(("", ""));
            let bytes = words::unpercent(body);
            let bytes = if kind.to_ascii_lowercase().ends_with("base64") {
                crate::mime::transfer::base64(&bytes).bytes
            } else {
                bytes
            };
            let kind = kind.split(';').next().unwrap_or("").to_ascii_lowercase();
            self.page.files.push((kind, bytes));
        } else if value.len() > 7
            && value
                .get(..7)
                .is_some_and(|start| start.eq_ignore_ascii_case("mailto:"))
        {
            let text = String::from_utf8_lossy(&words::unpercent(&value[7..])).into_owned();
            // A reader sees the address when the pointer rests on the link, and it may name somebody the text does not.
            self.aside(&text);
        }
    }

    fn close(&mut self, tag: &str) {
        match tag {
            "table" => self.end_table(),
            "p" | "tr" | "li" | "div" | "br" => self.newline(),
            _ if is_block(tag) => self.newline(),
            _ => {}
        }
        let from = self.open.len().saturating_sub(REACH);
        let Some(at) = self.open[from..].iter().rposition(|open| open.tag == tag) else {
            return;
        };
        if tag == "bdo" {
            self.text("\u{202c}");
        }
        for open in self.open.drain(from + at..) {
            self.hidden_depth -= usize::from(open.hidden);
            self.pre_depth -= usize::from(open.tag == "pre");
        }
    }

    fn end_table(&mut self) {
        self.newline();
        let Some(table) = self.tables.pop() else {
            return;
        };
        // Layout tables hold tables; only the innermost hold rows of data.
        if table.nested || table.rows.iter().all(|row| row.len() < 2) || table.rows.len() < 2 {
            return;
        }
        let rows: Vec<String> = table
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| cell.trim().replace(['\n', '\t'], " "))
                    .collect::<Vec<_>>()
                    .join("\t")
            })
            .filter(|row| !row.trim().is_empty())
            .collect();
        self.page.tables.push(rows.join("\n"));
    }
}

/// Appends text, white space collapsed to one blank unless `pre`.
fn append(out: &mut String, text: &str, pre: bool) {
    if pre {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        if matches!(c, ' ' | '\n' | '\r' | '\t' | '\u{c}') {
            if !out.is_empty() && !out.ends_with([' ', '\n', '\t']) {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
}

/// Lines without white space at their ends; of blank lines in a row one stays, since it parts paragraphs.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() && (out.is_empty() || out.ends_with("\n\n")) {
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

/// Whether an element's own attributes keep its text from the reader.
pub(crate) fn hides(tag: &str, attributes: &[(String, String)]) -> bool {
    if matches!(tag, "template" | "noscript" | "head" | "datalist") {
        return true;
    }
    attributes.iter().any(|(name, value)| match name.as_str() {
        "hidden" => true,
        "type" => tag == "input" && value.eq_ignore_ascii_case("hidden"),
        "style" => style_hides(value),
        _ => false,
    })
}

/// The character that says what `bdo` says: its letters are shown from right to left.
fn override_of(tag: &str, attributes: &[(String, String)]) -> Option<&'static str> {
    let rtl = |(name, value): &(String, String)| {
        name == "dir" && value.trim().eq_ignore_ascii_case("rtl")
    };
    (tag == "bdo" && attributes.iter().any(rtl)).then_some("\u{202e}")
}

fn style_hides(style: &str) -> bool {
    let (mut color, mut background) = (None, None);
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else {
            continue;
        };
        let property = property.trim().to_ascii_lowercase();
        let value = value.replace("!important", "").trim().to_ascii_lowercase();
        let zero = || {
            let digits: String = value
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            digits.parse::<f32>().is_ok_and(|number| number == 0.0)
        };
        match property.as_str() {
            "display" if value == "none" => return true,
            "visibility" if value == "hidden" || value == "collapse" => return true,
            "mso-hide" if value == "all" => return true,
            "font-size" if zero() || value == "1px" => return true,
            "opacity" if zero() => return true,
            "color" => color = Some(plain_color(&value)),
            "background" | "background-color" => background = Some(plain_color(&value)),
            _ => {}
        }
    }
    color.is_some() && color == background || color.as_deref() == Some("transparent")
}

fn plain_color(value: &str) -> String {
    match value {
        "white" | "#fff" | "rgb(255,255,255)" | "rgb(255, 255, 255)" => "#ffffff".to_owned(),
        "black" | "#000" => "#000000".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_split_by_tags_join_and_blocks_part() {
        let page = read(
            "<p>Jo<b>hn</b> Sm<!-- x -->ith</p><div>next&nbsp;&eacute;&#233;&#xe9 &bogus; a<br>b</div>",
        );
        assert_eq!(page.visible, "John Smith\nnext\u{a0}ééé &bogus; a\nb");
        assert_eq!(page.hidden, "x");
    }

    #[test]
    fn an_empty_line_parts_paragraphs() {
        for blank in [
            "<br><br>",
            "<br>\n<br>\n<br>",
            "<div><br></div>",
            "<p>&nbsp;</p>",
        ] {
            let page = read(&format!("<div>Thank you</div>{blank}<div>House</div>"));
            assert_eq!(page.visible, "Thank you\n\nHouse", "{blank}");
        }
        assert_eq!(read("<p>a</p>\n\n<p>b<br>c</p>").visible, "a\nb\nc");
    }

    #[test]
    fn numbers_end_where_their_digits_do() {
        assert_eq!(
            read("<p>&#65melia &#x48;art &#72art &#x5Apple &#;").visible,
            "Amelia Hart Hart Zpple &#;"
        );
    }

    #[test]
    fn words_in_odd_markup_are_hidden_text() {
        let many = "data-x=x ".repeat(100);
        let page = read(&format!(
            "<!DOCTYPE html><style>p:before{{content: \"Amelia Hart\"}} a{{color:red}}</style><!Kai Moss><p {many} title='Zara Bell'>x</p></ Ivo Reed"
        ));
        for words in ["Amelia Hart", "Kai Moss", "Zara Bell", "Ivo Reed"] {
            assert!(page.hidden.contains(words), "{words}: {}", page.hidden);
        }
        assert!(!page.hidden.contains("html") && !page.hidden.contains("red"));
    }

    #[test]
    fn frames_hold_pages_and_sections_hold_text() {
        let page =
            read("<iframe srcdoc='&lt;b&gt;Ame&lt;/b&gt;lia Hart'></iframe><![CDATA[Kai Moss]]>");
        assert!(page.hidden.contains("Amelia Hart") && page.hidden.contains("Kai Moss"));
    }

    #[test]
    fn text_that_runs_the_other_way_is_read_both_ways() {
        let page = read("<bdo dir=rtl>traH ailemA</bdo> and <p>\u{202e}ssoM iaK\u{202c} x");
        assert!(page.hidden.contains("Amelia Hart") && page.hidden.contains("Kai Moss"));
        assert!(page.visible.contains("traH ailemA"));
    }

    #[test]
    fn hidden_text_is_kept_apart() {
        let page = read(
            "<head><title>T</title></head><div style='display:NONE'>one<span>two</span></div><p hidden>three</p>\
             <span style=\"color:#fff;background:white\">four</span><img alt=\"five\" src=cid:pic@x><font style='font-size:0px'>six</font>shown\
             <script>var seven</script><style>p{color:red}</style><input type=hidden value=eight>",
        );
        assert_eq!(page.visible, "shown");
        for word in [
            "T", "one", "two", "three", "four", "five", "six", "seven", "eight",
        ] {
            assert!(page.hidden.contains(word), "{word} in {:?}", page.hidden);
        }
        assert!(!page.hidden.contains("color"));
        assert_eq!(page.cids, ["pic@x"]);
    }

    #[test]
    fn data_tables_are_rows_and_layout_tables_are_not() {
        let page = read(
            "<table><tr><td><table><tr><th>Name<th>Age</tr><tr><td>Amelia <i>Hart</i></td><td>9</td></tr></table></td></tr></table>",
        );
        assert_eq!(page.tables, ["Name\tAge\nAmelia Hart\t9"]);
        assert_eq!(page.visible, "Name\tAge\nAmelia Hart\t9");
    }

    #[test]
    fn bombs_are_linear() {
        let page = read(&"<div>".repeat(200_000));
        assert_eq!(page.visible, "");
        read(
            &"<b>"
                .repeat(100_000)
                .chars()
                .chain("</i>".repeat(100_000).chars())
                .collect::<String>(),
        );
        read(&"<a ".repeat(100_000));
        read(&"<!--".repeat(100_000));
        read(&"<script></".repeat(50_000));
        read(&"<table><tr><td>".repeat(50_000));
    }

    #[test]
    fn data_links_are_files() {
        let page = read(
            "<img src='data:image/png;base64,iVBORw0KGgo='><a href='mailto:a@b.example?subject=Amelia%20Hart'>x</a>",
        );
        assert_eq!(
            page.files,
            [("image/png".to_owned(), b"\x89PNG\r\n\x1a\n".to_vec())]
        );
        assert!(page.hidden.contains("Amelia Hart"));
    }
}

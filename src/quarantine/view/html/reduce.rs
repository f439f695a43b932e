//! A page taken apart into tokens, of which only known elements are written again, each closed in its turn.
//!
//! # Invariants
//! Whatever comes in, what goes out is well-formed: text escaped, every element closed, nesting at most [`DEPTH`], cells in rows in tables. So
//! how browsers mend broken pages has nothing to work on, and their costs (formatting carried from paragraph to paragraph, content moved out of
//! tables) do not arise.
//!
//! # Standards
//! HTML 13.2.5, 13.2.6.4.9 to 13.2.6.4.15 for the order of tables; UAX #9 for turns of direction, which go.

use std::cell::RefCell;

use html5ever::Attribute;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::attributes::{ATTRIBUTES, EVERYWHERE, escape, kept, value};
use super::elements::{BLOCKS, CELL, STRUCTURE, written};
use super::pictures::Pictures;
use crate::quarantine::view::text::shown;

/// Elements open at once; newsletters nest tables some thirty deep.
pub(super) const DEPTH: usize = 80;
/// Rows and cells of all tables of a page: more than anybody reads.
const CELLS: usize = 10_000;
/// Bytes of an address that are shown.
const ADDRESS: usize = 300;
/// The tokenizer is fed so many bytes at a time.
const STEP: usize = 4 << 10;
/// Spaces, quotes and slashes without the end of a token. A tag costs the square of its attributes.
const SEPARATORS: usize = 8_192;

/// A page in its reduced form.
pub(super) struct Reduced {
    /// The page.
    pub(super) html: String,
    /// Something was left out because there was too much of it.
    pub(super) cut: bool,
}

/// Reduces a page to at most some `most` bytes beside its pictures.
pub(super) fn reduce(page: &str, pictures: Pictures<'_>, most: usize) -> Reduced {
    let sink = Sink(RefCell::new(Writer {
        out: String::new(),
        stack: Vec::new(),
        silent: None,
        cells: 0,
        tokens: 0,
        most,
        cut: false,
        pictures,
    }));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut rest = page;
    let (mut tokens, mut separators) = (0, 0);
    while !rest.is_empty() && !tokenizer.sink.0.borrow().is_full() {
        let (step, after) = rest.split_at(rest.ceil_char_boundary(STEP));
        rest = after;
        let seen = tokenizer.sink.0.borrow().tokens;
        separators = if seen == tokens { separators } else { 0 };
        tokens = seen;
        separators += step.bytes().filter(|b| is_separator(*b)).count();
        if separators > SEPARATORS {
            tokenizer.sink.0.borrow_mut().cut = true;
            break;
        }
        input.push_back(StrTendril::from(step));
        // Nothing pauses it: no token is answered with a script.
        let _paused = tokenizer.feed(&input);
    }
    let mut writer = tokenizer.sink.0.borrow_mut();
    writer.cut |= writer.is_full();
    writer.close_to(0);
    Reduced {
        html: std::mem::take(&mut writer.out),
        cut: writer.cut,
    }
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'')
}

struct Sink<'m>(RefCell<Writer<'m>>);

impl TokenSink for Sink<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut writer = self.0.borrow_mut();
        if matches!(token, Token::ParseError(_)) {
            return TokenSinkResult::Continue;
        }
        writer.tokens += 1;
        if writer.is_full() {
            return TokenSinkResult::Continue;
        }
        match token {
            Token::CharacterTokens(text) => writer.text(&text),
            Token::NullCharacterToken => writer.text("\u{FFFD}"),
            Token::TagToken(tag) => return writer.tag(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// An element that is open.
struct Open {
    /// What it is written as; empty for a link, which is text.
    name: &'static str,
    /// Where the link leads, escaped, and where its text began.
    link: Option<(String, usize)>,
}

/// Writes a page.
struct Writer<'m> {
    out: String,
    stack: Vec<Open>,
    /// The element whose text is dropped.
    silent: Option<&'static str>,
    cells: usize,
    tokens: usize,
    most: usize,
    cut: bool,
    pictures: Pictures<'m>,
}

impl Writer<'_> {
    fn is_full(&self) -> bool {
        self.out.len().saturating_sub(self.pictures.written()) > self.most
    }

    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name = &*tag.name;
        if tag.kind == TagKind::EndTag {
            if self.silent == Some(name) {
                self.silent = None;
            } else {
                self.end(name);
            }
            return TokenSinkResult::Continue;
        }
        let quiet = |name: &'static str| Some(name);
        let (silent, kind) = match name {
            "script" => (quiet("script"), RawKind::ScriptData),
            "style" => (quiet("style"), RawKind::Rawtext),
            "iframe" => (quiet("iframe"), RawKind::Rawtext),
            "noembed" => (quiet("noembed"), RawKind::Rawtext),
            "noframes" => (quiet("noframes"), RawKind::Rawtext),
            "title" => (quiet("title"), RawKind::Rcdata),
            "textarea" => (None, RawKind::Rcdata),
            "xmp" => (None, RawKind::Rawtext),
            "plaintext" => {
                self.start(name, &tag.attrs);
                return TokenSinkResult::Plaintext;
            }
            _ => {
                self.start(name, &tag.attrs);
                return TokenSinkResult::Continue;
            }
        };
        self.silent = silent;
        if silent.is_none() {
            self.start(name, &tag.attrs);
        }
        TokenSinkResult::RawData(kind)
    }

    fn text(&mut self, text: &str) {
        if self.silent.is_some() || self.is_beyond_cells() {
            return;
        }
        let blank = self.is_in_structure() && text.trim().is_empty();
        if blank || !self.imply_cell() {
            return;
        }
        escape(&shown(text), &mut self.out);
    }

    fn start(&mut self, name: &str, attributes: &[Attribute]) {
        if self.is_beyond_cells() {
            return;
        }
        match name {
            "a" => return self.link(value(attributes, "href")),
            "img" | "image" => return self.picture(attributes),
            _ => {}
        }
        let Some(name) = written(name) else { return };
        if !self.make_place(name) {
            return;
        }
        if matches!(name, "br" | "hr") {
            self.out
                .push_str(if name == "br" { "<br>" } else { "<hr>" });
        } else if self.stack.len() < DEPTH {
            self.open(name, attributes);
        }
    }

    /// Ends what an element ends and opens what it stands in; whether it may stand here.
    fn make_place(&mut self, name: &'static str) -> bool {
        match name {
            "caption" | "thead" | "tbody" | "tfoot" => self.back_to(&["table"]),
            "tr" => self.take_cell() && self.back_to(&["table", "thead", "tbody", "tfoot"]),
            "td" | "th" => {
                let is_row = self.back_to(&STRUCTURE);
                if is_row && self.top() != "tr" {
                    self.open("tr", &[]);
                }
                self.take_cell() && is_row
            }
            _ => {
                if !self.imply_cell() {
                    return false;
                }
                match name {
                    "li" => self.end_within("li", &["ul", "ol"]),
                    "dt" | "dd" => {
                        self.end_within("dt", &["dl"]);
                        self.end_within("dd", &["dl"]);
                    }
                    _ => {}
                }
                if BLOCKS.contains(&name) {
                    self.end_within("p", &[]);
                }
                true
            }
        }
    }

    fn top(&self) -> &'static str {
        self.stack.last().map_or("", |open| open.name)
    }

    fn is_in_structure(&self) -> bool {
        STRUCTURE.contains(&self.top())
    }

    /// Whether this stands in a table that has more cells than are shown.
    fn is_beyond_cells(&self) -> bool {
        self.cells > CELLS && self.stack.iter().any(|open| open.name == "table")
    }

    /// Counts a row or a cell; whether it may still be shown.
    fn take_cell(&mut self) -> bool {
        self.cells += 1;
        self.cut |= self.cells > CELLS;
        self.cells <= CELLS
    }

    /// What stands between cells stands in a cell of its own; browsers move it before the table. False if there is no room for one.
    fn imply_cell(&mut self) -> bool {
        if !self.is_in_structure() {
            return true;
        }
        if !self.take_cell() {
            return false;
        }
        if self.top() != "tr" {
            self.open("tr", &[]);
        }
        self.open("td", &[]);
        true
    }

    /// Closes all down to the nearest of these; whether there is one.
    fn back_to(&mut self, names: &[&str]) -> bool {
        let at = self
            .stack
            .iter()
            .rposition(|open| names.contains(&open.name));
        if let Some(at) = at {
            self.close_to(at + 1);
        }
        at.is_some()
    }

    /// Ends the nearest element of a name that is open in the same cell and above none of `bounds`.
    fn end_within(&mut self, name: &str, bounds: &[&str]) {
        for at in (0..self.stack.len()).rev() {
            let open = self.stack[at].name;
            if open == name {
                self.close_to(at);
                return;
            }
            if CELL.contains(&open) || STRUCTURE.contains(&open) || bounds.contains(&open) {
                return;
            }
        }
    }

    fn end(&mut self, name: &str) {
        if name == "a" {
            self.end_link();
            return;
        }
        let Some(name) = written(name) else { return };
        if CELL.contains(&name) || STRUCTURE.contains(&name) {
            // Never an outer table's row by an inner one's end.
            let table = self.stack.iter().rposition(|open| open.name == "table");
            let at = self.stack.iter().rposition(|open| open.name == name);
            if let Some(at) = at.filter(|at| Some(*at) >= table) {
                self.close_to(at);
            }
        } else {
            self.end_within(name, &[]);
        }
    }

    fn open(&mut self, name: &'static str, attributes: &[Attribute]) {
        self.out.push('<');
        self.out.push_str(name);
        let own = ATTRIBUTES.iter().find(|(element, _)| *element == name);
        let own = own.map_or(&[][..], |(_, names)| names);
        for attribute in EVERYWHERE.iter().chain(own) {
            if let Some(value) = value(attributes, attribute).and_then(|v| kept(attribute, v)) {
                self.attribute(attribute, &value);
            }
        }
        self.out.push('>');
        self.stack.push(Open { name, link: None });
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(value, &mut self.out);
        self.out.push('"');
    }

    /// Closes all but the first `depth` elements.
    fn close_to(&mut self, depth: usize) {
        while self.stack.len() > depth {
            let Some(open) = self.stack.pop() else { return };
            let Some((address, start)) = open.link else {
                self.out.push_str("</");
                self.out.push_str(open.name);
                self.out.push('>');
                continue;
            };
            let said = self.out.get(start..).unwrap_or_default();
            if said.trim() != address {
                self.out.push_str(" [");
                self.out.push_str(&address);
                self.out.push(']');
            }
        }
    }

    /// A link begins: its text is shown, and behind it where it leads.
    fn link(&mut self, address: Option<&str>) {
        self.end_link();
        let Some(address) = address.filter(|_| self.stack.len() < DEPTH) else {
            return;
        };
        if !self.imply_cell() {
            return;
        }
        // Browsers drop these when they follow a link.
        let address = address.trim().replace(['\t', '\n', '\r'], "");
        let mut said = String::new();
        let end = address.floor_char_boundary(ADDRESS);
        escape(&shown(&address[..end]), &mut said);
        if end < address.len() {
            said.push('\u{2026}');
        }
        let start = self.out.len();
        self.stack.push(Open {
            name: "",
            link: Some((said, start)),
        });
    }

    fn end_link(&mut self) {
        let cell = |open: &Open| CELL.contains(&open.name);
        let from = self.stack.iter().rposition(cell).unwrap_or(0);
        let link = self.stack[from..]
            .iter()
            .rposition(|open| open.link.is_some());
        if let Some(at) = link {
            self.close_to(from + at);
        }
    }

    /// A picture of the message itself, or the words that stand for another.
    fn picture(&mut self, attributes: &[Attribute]) {
        if !self.imply_cell() {
            return;
        }
        let address = value(attributes, "src").unwrap_or_default();
        let alt = value(attributes, "alt").map(str::trim).unwrap_or_default();
        let alt = shown(&alt[..alt.floor_char_boundary(ADDRESS)]);
        let Some(data) = self.pictures.data(address) else {
            self.out.push_str("[picture not shown");
            if !alt.is_empty() {
                self.out.push_str(": ");
                escape(&alt, &mut self.out);
            }
            self.out.push(']');
            return;
        };
        self.out.push_str("<img");
        self.attribute("src", &data);
        self.attribute("alt", &alt);
        for name in ["width", "height"] {
            if let Some(size) = value(attributes, name).and_then(|size| kept(name, size)) {
                self.attribute(name, &size);
            }
        }
        self.out.push('>');
    }
}

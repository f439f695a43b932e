//! The own walk over Rich Text Format: groups, destinations, code pages, and hexadecimal data.
//!
//! # Standards
//! Rich Text Format 1.9.1: destinations, `\'hh`, `\uN`, `\ucN`, `\binN`, tables.

use std::collections::HashMap;

use crate::extract::codepage;
use crate::extract::text::push_cell;

/// What is embedded in a document.
pub(crate) enum Payload {
    Object(Vec<u8>),
    Picture(Vec<u8>),
}

/// What the walk found.
#[derive(Default)]
pub(crate) struct Found {
    /// The words that are shown or could be.
    pub(crate) body: String,
    /// Instructions of fields, properties, bookmarks, destinations of other programs.
    pub(crate) aside: String,
    pub(crate) tables: Vec<String>,
    pub(crate) payloads: Vec<Payload>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Destination {
    Body,
    Aside,
    Fonts,
    Object,
    Picture,
    Silent,
}

#[derive(Clone, Copy)]
struct Group {
    destination: Destination,
    page: u32,
    /// Characters that stand in for one of Unicode.
    stand_in: u16,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    group: Group,
    stack: Vec<Group>,
    document_page: u32,
    fonts: HashMap<i32, u32>,
    font: i32,
    /// Bytes of the group's code page, not decoded yet.
    pending: Vec<u8>,
    skip: u16,
    starred: bool,
    digit: Option<u8>,
    hex: Vec<u8>,
    cell: String,
    row: String,
    cells: usize,
    table: String,
    in_table: bool,
    high: Option<u16>,
    found: Found,
}

/// Walks a document.
pub(crate) fn walk(bytes: &[u8]) -> Found {
    let mut walk = Walk {
        bytes,
        at: 0,
        group: Group {
            destination: Destination::Body,
            page: 1252,
            stand_in: 1,
        },
        stack: Vec::new(),
        document_page: 1252,
        fonts: HashMap::new(),
        font: 0,
        pending: Vec::new(),
        skip: 0,
        starred: false,
        digit: None,
        hex: Vec::new(),
        cell: String::new(),
        row: String::new(),
        cells: 0,
        table: String::new(),
        in_table: false,
        high: None,
        found: Found::default(),
    };
    while let Some(byte) = walk.next() {
        walk.byte(byte);
    }
    walk.flush();
    walk.end_hex();
    walk.end_table();
    walk.found
}

impl Walk<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn byte(&mut self, byte: u8) {
        match byte {
            b'{' => {
                self.flush();
                self.stack.push(self.group);
                self.starred = false;
                self.skip = 0;
            }
            b'}' => {
                self.flush();
                self.end_hex();
                if self.group.destination == Destination::Aside {
                    line(&mut self.found.aside);
                }
                if let Some(outer) = self.stack.pop() {
                    self.group = outer;
                }
                self.skip = 0;
            }
            b'\\' => self.control(),
            b'\r' | b'\n' | 0 => {}
            byte => self.character(byte),
        }
    }

    fn character(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        match self.group.destination {
            Destination::Object | Destination::Picture => {
                if let Some(value) = char::from(byte).to_digit(16) {
                    let value = value as u8;
                    match self.digit.take() {
                        Some(high) => self.hex.push(high << 4 | value),
                        None => self.digit = Some(value),
                    }
                }
            }
            Destination::Silent | Destination::Fonts => {}
            Destination::Body | Destination::Aside => self.pending.push(byte),
        }
    }

    /// A control word or symbol after its backslash.
    fn control(&mut self) {
        let Some(first) = self.next() else { return };
        if !first.is_ascii_alphabetic() {
            return self.symbol(first);
        }
        let start = self.at - 1;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_alphabetic) {
            self.at += 1;
        }
        let word = &self.bytes[start..self.at];
        let negative = self.bytes.get(self.at) == Some(&b'-')
            && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        self.at += usize::from(negative);
        let mut number: Option<i32> = None;
        while let Some(digit) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            let value = number.unwrap_or(0).saturating_mul(10);
            number = Some(value.saturating_add(i32::from(digit - b'0')));
            self.at += 1;
        }
        let number = number.map(|number| if negative { -number } else { number });
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        let Ok(word) = std::str::from_utf8(word) else {
            return;
        };
        if word == "bin" {
            return self.binary(number.unwrap_or(0));
        }
        if word != "u" {
            self.skip = 0;
        }
        self.word(word, number);
    }

    fn symbol(&mut self, first: u8) {
        match first {
            b'\'' => {
                let digit =
                    |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
                if let (Some(high), Some(low)) = (
                    digit(self.bytes.get(self.at)),
                    digit(self.bytes.get(self.at + 1)),
                ) {
                    self.at += 2;
                    let byte = (high << 4 | low) as u8;
                    if self.skip > 0 {
                        self.skip -= 1;
                    } else if matches!(
                        self.group.destination,
                        Destination::Body | Destination::Aside
                    ) {
                        self.pending.push(byte);
                    }
                }
            }
            b'*' => self.starred = true,
            b'~' => self.put(" "),
            b'_' => self.put("-"),
            b'-' | b':' | b'|' => {}
            b'\r' | b'\n' => self.end_paragraph(),
            byte => self.character(byte),
        }
    }

    fn binary(&mut self, count: i32) {
        let count = usize::try_from(count).unwrap_or(0);
        let from = self.at.min(self.bytes.len());
        let to = from.saturating_add(count).min(self.bytes.len());
        if matches!(
            self.group.destination,
            Destination::Object | Destination::Picture
        ) {
            self.hex.extend_from_slice(&self.bytes[from..to]);
        }
        self.at = to;
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        let starred = std::mem::take(&mut self.starred);
        if let Some(destination) = destination(word, starred) {
            self.flush();
            // What is inside something that is not shown stays there.
            if !matches!(
                self.group.destination,
                Destination::Silent | Destination::Fonts
            ) || matches!(destination, Destination::Object | Destination::Picture)
            {
                self.group.destination = destination;
            }
            return;
        }
        match word {
            "par" | "line" | "page" | "sect" | "softline" => self.end_paragraph(),
            "tab" => self.put("\t"),
            "cell" | "nestcell" => self.end_cell(),
            "row" | "nestrow" => self.end_row(),
            "pard" => self.in_table = false,
            "intbl" => self.in_table = true,
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => {
                self.group.stand_in = u16::try_from(number.unwrap_or(1).clamp(0, 16)).unwrap_or(1);
            }
            "ansicpg" => {
                self.document_page = number
                    .and_then(|page| u32::try_from(page).ok())
                    .unwrap_or(1252);
                self.group.page = self.document_page;
            }
            "mac" => self.document_page = 10_000,
            "f" | "deff" => {
                self.flush();
                self.font = number.unwrap_or(0);
                if self.group.destination != Destination::Fonts {
                    self.group.page = self
                        .fonts
                        .get(&self.font)
                        .copied()
                        .unwrap_or(self.document_page);
                }
            }
            "plain" => {
                self.flush();
                self.group.page = self.document_page;
            }
            "fcharset" if self.group.destination == Destination::Fonts => {
                if let Some(page) = charset(number.unwrap_or(0)) {
                    self.fonts.insert(self.font, page);
                }
            }
            "emdash" => self.put("—"),
            "endash" => self.put("–"),
            "lquote" => self.put("‘"),
            "rquote" => self.put("’"),
            "ldblquote" => self.put("“"),
            "rdblquote" => self.put("”"),
            "bullet" => self.put("•"),
            "emspace" | "enspace" | "qmspace" => self.put(" "),
            _ => {}
        }
    }

    fn unicode(&mut self, number: i32) {
        self.skip = self.group.stand_in;
        let unit = (number.cast_unsigned() & 0xffff) as u16;
        let high = self.high.take();
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        let units: Vec<u16> = high.into_iter().chain([unit]).collect();
        self.put(&String::from_utf16_lossy(&units));
    }

    /// Decodes what is pending.
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let text = codepage::encoding(self.group.page)
            .decode_without_bom_handling(&bytes)
            .0;
        self.say(&text);
    }

    fn put(&mut self, text: &str) {
        self.flush();
        self.say(text);
    }

    fn say(&mut self, text: &str) {
        match self.group.destination {
            Destination::Body => {
                self.found.body.push_str(text);
                self.cell.push_str(text);
            }
            Destination::Aside => self.found.aside.push_str(text),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        self.put("\n");
        if self.group.destination == Destination::Body && !self.in_table && self.cells == 0 {
            self.cell.clear();
            self.end_table();
        }
    }

    fn end_cell(&mut self) {
        self.flush();
        if self.group.destination != Destination::Body {
            return;
        }
        if self.cells > 0 {
            self.row.push('\t');
        }
        push_cell(&mut self.row, &self.cell);
        self.cell.clear();
        self.cells += 1;
        self.found.body.push('\t');
    }

    fn end_row(&mut self) {
        self.flush();
        if !self.row.trim().is_empty() {
            self.table.push_str(&self.row);
            self.table.push('\n');
        }
        self.row.clear();
        self.cell.clear();
        self.cells = 0;
        self.found.body.push('\n');
    }

    fn end_table(&mut self) {
        let table = std::mem::take(&mut self.table);
        if table.lines().count() > 1 {
            self.found.tables.push(table);
        }
    }

    fn end_hex(&mut self) {
        self.digit = None;
        if self.hex.is_empty() {
            return;
        }
        let data = std::mem::take(&mut self.hex);
        match self.group.destination {
            Destination::Object => self.found.payloads.push(Payload::Object(data)),
            Destination::Picture => self.found.payloads.push(Payload::Picture(data)),
            _ => {}
        }
    }
}

fn line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// Where the words of a group go that begins with this control word.
fn destination(word: &str, starred: bool) -> Option<Destination> {
    Some(match word {
        "fonttbl" => Destination::Fonts,
        "objdata" => Destination::Object,
        "pict" => Destination::Picture,
        "colortbl" | "stylesheet" | "listtable" | "listoverridetable" | "themedata"
        | "colorschememapping" | "datastore" | "latentstyles" | "rsidtbl" | "generator"
        | "pnseclvl" | "xmlnstbl" | "blipuid" | "picprop" | "objclass" | "panose" | "falt"
        | "pgdsctbl" | "mmathPr" | "wgrffmtfilter" | "passwordhash" => Destination::Silent,
        "info" | "fldinst" | "bkmkstart" | "bkmkend" | "annotation" | "atnauthor" | "atnid"
        | "htmltag" | "revtbl" | "userprops" | "docvar" | "ffdeftext" | "ffname" | "ffhelptext"
        | "ffstattext" | "ffl" | "title" | "sn" | "sv" | "sp" | "tc" | "xe" | "protusertbl" => {
            Destination::Aside
        }
        // The result of a field, an object or a shape, notes and text boxes are shown.
        "fldrslt" | "result" | "shptxt" | "shppict" | "nonshppict" | "pntext" | "shpinst"
        | "do" | "footnote" | "header" | "footer" | "object" | "field" => return None,
        _ if starred => Destination::Aside,
        _ => return None,
    })
}

/// The code page of a font's character set.
fn charset(number: i32) -> Option<u32> {
    Some(match number {
        0 | 2 => 1252,
        77 => 10_000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tables_and_payloads() {
        let found = walk(
            b"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial;}}\\f0 Zo\\'eb \\u233?t\\par{\\f1 \\'c0}\
              {\\*\\fldinst MERGEFIELD Pupil}{\\info{\\title Plan}}\\par\
              \\trowd\\intbl Name\\cell Need\\cell\\row\\intbl Kai\\cell EHCP\\cell\\row\\pard\\par\
              {\\object{\\*\\objdata 0105 ff}}{\\pict 8950}{\\*\\unknown secret}}",
        );
        assert_eq!(found.body, "Zoë ét\nА\nName\tNeed\t\nKai\tEHCP\t\n\n");
        assert_eq!(found.tables, ["Name\tNeed\nKai\tEHCP\n"]);
        assert_eq!(found.aside, "MERGEFIELD Pupil\nPlan\nsecret\n");
        assert!(matches!(&found.payloads[0], Payload::Object(data) if data == &[1, 5, 0xff]));
        assert!(matches!(&found.payloads[1], Payload::Picture(data) if data == &[0x89, 0x50]));
    }
}

//! Messages as bytes: bodies in every transfer encoding, and files as small as their programs accept.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Where a text is put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier {
    Subject,
    Plain8,
    PlainQp,
    PlainB64,
    Html,
    HtmlCell,
    TxtFile,
    Docx,
    Csv,
    Xlsx,
}

impl Carrier {
    /// Where findings in it stand.
    pub fn place(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Plain8 | Self::PlainQp | Self::PlainB64 | Self::Html | Self::HtmlCell => "body",
            Self::TxtFile | Self::Docx | Self::Csv | Self::Xlsx => "attachment",
        }
    }

    /// It holds the name alone, not a sentence.
    pub fn is_cell(self) -> bool {
        matches!(self, Self::HtmlCell | Self::Csv | Self::Xlsx)
    }
}

/// All of them.
pub const CARRIERS: &[Carrier] = &[
    Carrier::Plain8,
    Carrier::Html,
    Carrier::Subject,
    Carrier::PlainQp,
    Carrier::Docx,
    Carrier::Csv,
    Carrier::PlainB64,
    Carrier::TxtFile,
    Carrier::HtmlCell,
    Carrier::Xlsx,
];

const NEUTRAL: &str =
    "Hello\r\n\r\nPlease see below or attached.\r\n\r\nKind regards\r\nThe office\r\n";

/// A message around a part's headers and body.
pub fn message(subject: &str, part: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "From: Office <office@larkrise.example>\r\nTo: desk@riverside-museum.example\r\nSubject: {}\r\n\
         Date: Mon, 2 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1.{}@larkrise.example>\r\nMIME-Version: 1.0\r\n{part}\r\n\r\n",
        header(subject),
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    out.extend_from_slice(b"\r\n");
    out
}

fn header(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let words: Vec<String> = chars
        .chunks(9)
        .map(|chunk| {
            let text: String = chunk.iter().collect();
            format!("=?UTF-8?B?{}?=", STANDARD.encode(text))
        })
        .collect();
    words.join("\r\n ")
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// Plain text in 8 bits with parameters behind the charset.
pub fn plain(text: &str, parameters: &str) -> Vec<u8> {
    let part = format!(
        "Content-Type: text/plain; charset=utf-8{parameters}\r\nContent-Transfer-Encoding: 8bit"
    );
    message("Tomorrow", &part, crlf(text).as_bytes())
}

/// Quoted-printable; `cut` says after which bytes of the text a soft break stands.
pub fn quoted_printable(text: &str, kind: &str, cut: &dyn Fn(usize) -> bool) -> Vec<u8> {
    let (mut out, mut width) = (String::new(), 0);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => {
                out.push_str("\r\n");
                width = 0;
                continue;
            }
            b'\r' => continue,
            33..=60 | 62..=126 | b' ' => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "={byte:02X}");
            }
        }
        width += 1;
        if cut(index) || width > 60 {
            out.push_str("=\r\n");
            width = 0;
        }
    }
    let part = format!(
        "Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    );
    message("Tomorrow", &part, out.as_bytes())
}

fn lines(data: &[u8]) -> String {
    let text = STANDARD.encode(data);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap_or_default())
        .collect();
    lines.join("\r\n")
}

/// A page around markup.
pub fn html(markup: &str) -> Vec<u8> {
    let page = format!(
        "<!DOCTYPE html>\n<html><body>\n<p>Hello</p>\n{markup}\n<p>Kind regards</p></body></html>\n"
    );
    quoted_printable(&page, "html", &|_| false)
}

/// A message with a file.
pub fn with_file(name: &str, kind: &str, data: &[u8]) -> Vec<u8> {
    let name = if name.is_ascii() {
        format!("filename=\"{name}\"")
    } else {
        let octets: String = name.bytes().fold(String::new(), |mut out, b| {
            if b.is_ascii_alphanumeric() || b".-_".contains(&b) {
                out.push(char::from(b));
            } else {
                let _ = write!(out, "%{b:02X}");
            }
            out
        });
        format!("filename*=UTF-8''{octets}")
    };
    let body = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\n{NEUTRAL}\r\n--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; {name}\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--",
        lines(data)
    );
    message(
        "Tomorrow",
        "Content-Type: multipart/mixed; boundary=b",
        body.as_bytes(),
    )
}

/// A text in its carrier. Cells get the text as they are, under a header.
pub fn carry(carrier: Carrier, text: &str) -> Vec<u8> {
    let letter = || format!("Hello\n\n{text}\n\nKind regards\nThe office\n");
    match carrier {
        Carrier::Subject => message(text, "Content-Type: text/plain", NEUTRAL.as_bytes()),
        Carrier::Plain8 => plain(&letter(), ""),
        Carrier::PlainQp => quoted_printable(&letter(), "plain", &|_| false),
        Carrier::PlainB64 => message(
            "Tomorrow",
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64",
            lines(crlf(&letter()).as_bytes()).as_bytes(),
        ),
        Carrier::Html => html(&format!("<p>{}</p>", escaped(text).replace('\n', "<br>\n"))),
        Carrier::HtmlCell => html(&format!(
            "<table><tr><th>Pupil</th><th>Group</th></tr><tr><td>{}</td><td>B</td></tr></table>",
            escaped(text)
        )),
        Carrier::TxtFile => with_file(
            "note.txt",
            "text/plain; charset=utf-8",
            crlf(text).as_bytes(),
        ),
        Carrier::Docx => with_file("note.docx", DOCX, &docx(&[run(text)])),
        Carrier::Csv => {
            let cell = text.replace('"', "\"\"");
            with_file(
                "list.csv",
                "text/csv",
                format!("Pupil,Group\r\n\"{cell}\",B\r\n").as_bytes(),
            )
        }
        Carrier::Xlsx => {
            let rows = [
                vec!["Pupil".to_owned(), "Group".to_owned()],
                vec![text.to_owned(), "B".to_owned()],
            ];
            with_file("list.xlsx", XLSX, &xlsx(&rows))
        }
    }
}

pub const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const RELS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const SHEET: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// One run of a Word document.
pub fn run(text: &str) -> String {
    format!(
        "<w:r><w:t xml:space=\"preserve\">{}</w:t></w:r>",
        escaped(text)
    )
}

/// A Word document; each paragraph is its runs.
pub fn docx(paragraphs: &[String]) -> Vec<u8> {
    let body: String = paragraphs
        .iter()
        .map(|runs| format!("<w:p>{runs}</w:p>"))
        .collect();
    let document = format!("<w:document xmlns:w=\"{WORD}\"><w:body>{body}</w:body></w:document>");
    package("word/document.xml", DOCX, &document, &[])
}

/// A workbook with one sheet of texts.
pub fn xlsx(rows: &[Vec<String>]) -> Vec<u8> {
    let mut lines = String::new();
    for (r, row) in rows.iter().enumerate() {
        let _ = write!(lines, "<row r=\"{}\">", r + 1);
        for (c, cell) in row.iter().enumerate() {
            let column = char::from(b'A' + c as u8);
            let _ = write!(
                lines,
                "<c r=\"{column}{}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                r + 1,
                escaped(cell)
            );
        }
        lines.push_str("</row>");
    }
    let sheet = format!("<worksheet xmlns=\"{SHEET}\"><sheetData>{lines}</sheetData></worksheet>");
    let book = format!(
        "<workbook xmlns=\"{SHEET}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"List\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let links = format!(
        "<Relationships xmlns=\"{RELS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    package(
        "xl/workbook.xml",
        XLSX,
        &book,
        &[
            ("xl/worksheets/sheet1.xml", sheet),
            ("xl/_rels/workbook.xml.rels", links),
        ],
    )
}

fn package(main: &str, kind: &str, document: &str, more: &[(&str, String)]) -> Vec<u8> {
    let types = format!(
        "<Types xmlns=\"{TYPES}\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/{main}\" ContentType=\"{kind}.main+xml\"/></Types>"
    );
    let links = format!(
        "<Relationships xmlns=\"{RELS}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"{main}\"/></Relationships>"
    );
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let parts = [
        ("[Content_Types].xml", types),
        ("_rels/.rels", links),
        (main, document.to_owned()),
    ];
    for (name, text) in parts.iter().chain(more) {
        zip.start_file(*name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

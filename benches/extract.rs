//! How fast documents are read on one core: large ones against the mark of half a second, small ones by the second.
//!
//! The documents are written here: the same invented words in each format. `cargo bench --bench extract`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and its figures are what it is for"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Cursor, Write as _};
use std::sync::Arc;
use std::time::Instant;

use beadle::extract::{FileInput, InProcess, Location, Passwords, Place, Reader};
use beadle::limits::{Budget, Limits};
use zip::write::SimpleFileOptions;

const WORDS: [&str; 16] = [
    "register",
    "lesson",
    "Ashgrove",
    "morning",
    "Birchwood",
    "minibus",
    "autumn",
    "report",
    "of",
    "the",
    "and",
    "for",
    "year",
    "office",
    "returned",
    "signed",
];

fn words(count: usize, from: usize) -> String {
    let word = |place| WORDS[(place * 7 + place / 5) % WORDS.len()];
    let words: Vec<&str> = (from..from + count).map(word).collect();
    words.join(" ")
}

fn packed(entries: &[(&str, String)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;

/// A text document whose body has about so many bytes of XML; stored, so that the file is as large.
fn docx(bytes: usize, method: zip::CompressionMethod) -> Vec<u8> {
    let mut body = String::from(
        r#"<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>"#,
    );
    let mut line = 0;
    while body.len() < bytes {
        let text = words(12, line);
        write!(
            body,
            "<w:p><w:r><w:rPr><w:sz w:val=\"22\"/></w:rPr><w:t>{text}</w:t></w:r></w:p>"
        )
        .unwrap();
        line += 12;
    }
    body.push_str("</w:body></w:document>");
    packed(
        &[
            ("[Content_Types].xml", TYPES.to_owned()),
            ("word/document.xml", body),
        ],
        method,
    )
}

/// A sheet of so many rows of twenty cells, every other one a shared string.
fn xlsx(rows: usize) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let mut strings = format!("<sst xmlns=\"{main}\">");
    for number in 0..1_000 {
        write!(strings, "<si><t>{} {number}</t></si>", words(2, number)).unwrap();
    }
    strings.push_str("</sst>");
    let mut sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>");
    for row in 1..=rows {
        write!(sheet, "<row r=\"{row}\">").unwrap();
        for column in 0..20usize {
            let letter = char::from(b'A' + column as u8);
            let value = (row * 31 + column) % 1_000;
            let kind = if column.is_multiple_of(2) {
                " t=\"s\""
            } else {
                ""
            };
            write!(sheet, "<c r=\"{letter}{row}\"{kind}><v>{value}</v></c>").unwrap();
        }
        sheet.push_str("</row>");
    }
    sheet.push_str("</sheetData></worksheet>");
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets><sheet name=\"Register\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let links = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" \
         Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    packed(
        &[
            ("[Content_Types].xml", TYPES.to_owned()),
            ("xl/workbook.xml", book),
            ("xl/_rels/workbook.xml.rels", links),
            ("xl/sharedStrings.xml", strings),
            ("xl/worksheets/sheet1.xml", sheet),
        ],
        zip::CompressionMethod::Deflated,
    )
}

/// So many pages of forty lines in a standard font.
fn pdf(pages: usize) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut kids = String::new();
    for page in 0..pages {
        let mut text = String::from("BT /F1 11 Tf 14 TL 50 780 Td\n");
        for line in 0..40 {
            writeln!(text, "({}) Tj T*", words(10, page * 400 + line * 10)).unwrap();
        }
        text.push_str("ET");
        let number = objects.len() + 1;
        write!(kids, "{number} 0 R ").unwrap();
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            number + 1
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{text}\nendstream",
            text.len()
        ));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {pages} >>");
    let mut file = String::from("%PDF-1.7\n");
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        write!(file, "{} 0 obj\n{object}\nendobj\n", index + 1).unwrap();
    }
    let start = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    write!(
        file,
        "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    )
    .unwrap();
    file.into_bytes()
}

fn rtf(bytes: usize) -> Vec<u8> {
    let mut text = String::from("{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Arial;}}\n");
    let mut line = 0;
    while text.len() < bytes {
        writeln!(text, "\\pard\\f0\\fs22 {}\\par", words(12, line)).unwrap();
        line += 12;
    }
    text.push('}');
    text.into_bytes()
}

fn html(bytes: usize) -> Vec<u8> {
    let mut text = String::from("<!doctype html><html><body>\n");
    let mut line = 0;
    while text.len() < bytes {
        writeln!(
            text,
            "<p class=\"x\">{} <b>{}</b></p>",
            words(8, line),
            words(2, line)
        )
        .unwrap();
        line += 10;
    }
    text.into_bytes()
}

fn csv(rows: usize) -> Vec<u8> {
    let mut text = String::from("Forename,Surname,Form,Note\n");
    for row in 0..rows {
        writeln!(
            text,
            "{},{},7A,{}",
            words(1, row),
            words(1, row + 3),
            words(6, row)
        )
        .unwrap();
    }
    text.into_bytes()
}

/// Reads a document; gives the bytes of text in it.
fn read(name: &str, bytes: &[u8]) -> usize {
    let location = Location::of(Place::Attachment(vec![name.to_owned()]));
    let passwords = Passwords::default();
    let file = FileInput {
        location: &location,
        name,
        declared: None,
        bytes,
        passwords: &passwords,
    };
    let content = InProcess.read(&file, &Budget::new(Arc::new(Limits::default())));
    assert!(content.unread.is_empty(), "{name}: {:?}", content.unread);
    content.units.iter().map(|unit| unit.text.len()).sum()
}

/// A figure of this process's memory in MB.
fn memory(figure: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1e3
}

/// MB that reading a document adds at its peak; proc(5): writing 5 to `clear_refs` resets the peak.
fn peak(name: &str, bytes: &[u8]) -> f64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS");
    black_box(read(name, bytes));
    (memory("VmHWM") - before).max(0.0)
}

fn main() {
    let deflated = zip::CompressionMethod::Deflated;
    let documents = [
        (
            "10 MB document",
            "a.docx",
            docx(10_000_000, zip::CompressionMethod::Stored),
        ),
        ("5,000 rows of 20 cells", "a.xlsx", xlsx(5_000)),
        ("200 pages", "a.pdf", pdf(200)),
        ("document, 2 pages", "a.docx", docx(30_000, deflated)),
        ("sheet, 30 rows", "a.xlsx", xlsx(30)),
        ("2 pages", "a.pdf", pdf(2)),
        ("Rich Text, 8 KB", "a.rtf", rtf(8_000)),
        ("Rich Text, 5 MB", "a.rtf", rtf(5_000_000)),
        ("web page, 20 KB", "a.html", html(20_000)),
        ("web page, 5 MB", "a.html", html(5_000_000)),
        ("list, 1,000 rows", "a.csv", csv(1_000)),
    ];
    println!(
        "document                    file KB   text KB   best ms   file MB/s   text MB/s   documents/s   peak MB"
    );
    for (title, name, bytes) in &documents {
        let peak = peak(name, bytes);
        let text = read(name, bytes);
        let begin = Instant::now();
        let mut best = f64::MAX;
        let mut rounds = 0;
        while rounds < 3 || begin.elapsed().as_secs_f64() < 1.0 {
            let one = Instant::now();
            black_box(read(name, black_box(bytes)));
            best = best.min(one.elapsed().as_secs_f64());
            rounds += 1;
        }
        println!(
            "{title:<26} {:>8.1} {:>9.1} {:>9.2} {:>11.1} {:>11.1} {:>13.0} {peak:>9.1}",
            bytes.len() as f64 / 1e3,
            text as f64 / 1e3,
            best * 1e3,
            bytes.len() as f64 / 1e6 / best,
            text as f64 / 1e6 / best,
            1.0 / best
        );
    }
    println!("(mark: the first three within 500 ms)");
}

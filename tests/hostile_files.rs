//! Files made to hang, crash or fill their reader: each ends within the limits and says so, and the next file is read as ever.
//!
//! All of them are read by children, as in the relay; the smaller ones on the way to the parser, the larger ones by the kernel's limits.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its stage has failed"
)]

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use beadle::extract::{Content, Reader, UnreadReason, walk};
use beadle::limits::{Budget, Limits};
use beadle::mime::parse;
use beadle::worker::{Pool, PoolConfig};

#[path = "hostile_files/limits.rs"]
mod limits;
#[path = "hostile_files/mutated.rs"]
mod mutated;

const WORKER: &str = "beadle-hostile-worker";
const NAME: &str = "Amelia Hartwell";
/// Time for one file, as in the relay: what a limit ends takes a second or two of it, on a busy machine ten.
const WALL: Duration = Duration::from_secs(20);

#[test]
fn child_entry() {
    if std::env::args().any(|word| word == WORKER) {
        let _ = beadle::worker::child_main();
        std::process::exit(0);
    }
}

fn pool() -> Pool {
    Pool::new(PoolConfig {
        program: std::env::current_exe().unwrap(),
        arguments: [
            "--exact",
            "child_entry",
            "--nocapture",
            "--test-threads=1",
            WORKER,
        ]
        .map(Into::into)
        .to_vec(),
        size: 1,
        wall: WALL,
        retire_after: Duration::from_secs(5),
    })
}

fn read(pool: &Pool, name: &str, bytes: &[u8]) -> Content {
    let raw = format!(
        "From: a@oak.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        STANDARD.encode(bytes)
    );
    let limits = Limits {
        message_bytes: 100 << 20,
        ..Limits::default()
    };
    let budget = Budget::new(Arc::new(limits));
    walk(
        &parse(raw.as_bytes(), &budget),
        &budget,
        pool as &dyn Reader,
    )
}

/// What a hostile file must come to.
#[derive(Clone, Copy)]
enum Want {
    /// A limit ends it long before the wall does, and what is missing is said with this reason.
    Ends(UnreadReason),
    /// All of it is read, and no more than it holds.
    Small,
    /// Something of it is said not to have been read, or to be malformed.
    Said,
    /// It is harmless to this reader: its text is read.
    Read,
}

/// Reads each file, then an ordinary one with the same pool.
fn survive(files: Vec<(&str, Vec<u8>, Want)>) {
    let pool = pool();
    let mut failures = String::new();
    for (name, bytes, want) in files {
        let started = Instant::now();
        let content = read(&pool, name, &bytes);
        let taken = started.elapsed();
        let text: usize = content.units.iter().map(|unit| unit.text.len()).sum();
        let said = !content.unread.is_empty() || !content.defects.is_empty();
        let reasons = || content.unread.iter().map(|unread| unread.reason);
        let fits = match want {
            Want::Ends(reason) => {
                reasons().any(|said| said == reason)
                    && !reasons()
                        .any(|said| matches!(said, UnreadReason::TimedOut | UnreadReason::Crashed))
            }
            Want::Small => !said && text < 8 << 20,
            Want::Said => said,
            Want::Read => content.units.iter().any(|unit| unit.text.contains(NAME)),
        };
        // What is said is bounded too.
        let fits = fits && content.unread.len() <= 1_100;
        // A crash is tried twice; a hang once.
        if !fits || taken > 2 * WALL + Duration::from_secs(2) || text > 64 << 20 {
            writeln!(
                failures,
                "{name}: {taken:?}, {text} bytes, {:?}",
                content.unread
            )
            .unwrap();
        }
        let after = read(
            &pool,
            "ordinary.docx",
            &docx("<w:p><w:r><w:t>Amelia Hartwell</w:t></w:r></w:p>"),
        );
        if !after.unread.is_empty() || !after.units.iter().any(|unit| unit.text.contains(NAME)) {
            writeln!(failures, "after {name}: {:?}", after.unread).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn docx(body: &str) -> Vec<u8> {
    docx_raw(&format!("<w:document><w:body>{body}</w:body></w:document>"))
}

fn docx_raw(document: &str) -> Vec<u8> {
    zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", document.as_bytes()),
    ])
}

fn xlsx(sheet: &str, strings: &str) -> Vec<u8> {
    zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", b"<Relationships><Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\"/></Relationships>"),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>").as_bytes()),
    ])
}

fn odt(content: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // By this entry, which is not packed, a document is told from an archive.
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    zip.write_all(b"application/vnd.oasis.opendocument.spreadsheet")
        .unwrap();
    zip.start_file("content.xml", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(content.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

/// A file of these objects, numbered from 1, found by search.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    for (i, object) in objects.iter().enumerate() {
        writeln!(out, "{} 0 obj", i + 1).unwrap();
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    out.extend(b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    out
}

fn stream(dict: &str, data: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {dict} /Length {} >>\nstream\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\nendstream");
    out
}

fn paged(page: &str, contents: Vec<u8>, more: Vec<Vec<u8>>) -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R {page} >>")
            .into_bytes(),
        contents,
    ];
    objects.extend(more);
    pdf(&objects)
}

fn flate(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(bytes).unwrap();
    coder.finish().unwrap()
}

#[test]
fn archives() {
    let zeros = vec![0u8; 150 << 20];
    let one = zip_of(&[("zeros.txt", &zeros)]);
    let bomb = zip_of(&[
        ("a.zip", &one),
        ("b.zip", &one),
        ("c.zip", &one),
        ("d.zip", &one),
    ]);
    let nested = (0..60).fold(NAME.as_bytes().to_vec(), |inner, _| {
        zip_of(&[("a.zip", &inner)])
    });
    let names: Vec<String> = (0..5_000).map(|n| format!("{n}.txt")).collect();
    let many: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &b"x"[..]))
        .collect();
    survive(vec![
        ("bomb.zip", bomb, Want::Said),
        ("nested.zip", nested, Want::Said),
        ("many.zip", zip_of(&many), Want::Said),
        (
            "overlap.zip",
            overlapping(&flate_raw(&vec![b'a'; 1 << 20]), 30_000),
            Want::Said,
        ),
        ("cyclic.zip", lying_offsets(), Want::Said),
    ]);
}

fn flate_raw(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(bytes).unwrap();
    coder.finish().unwrap()
}

/// Many entries of the directory that all lead to the same packed megabyte.
fn overlapping(kernel: &[u8], entries: u16) -> Vec<u8> {
    let sizes = [
        (kernel.len() as u32).to_le_bytes(),
        (1u32 << 20).to_le_bytes(),
    ]
    .concat();
    let mut out = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend(&sizes);
    out.extend(b"\x05\0\0\0a.txt");
    out.extend(kernel);
    let start = out.len() as u32;
    for _ in 0..entries {
        out.extend(b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0");
        out.extend(&sizes);
        out.extend(b"\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a.txt");
    }
    let length = out.len() as u32 - start;
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(entries.to_le_bytes());
    out.extend(entries.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// An end record whose directory is itself, and sizes of four gigabytes.
fn lying_offsets() -> Vec<u8> {
    let mut out = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xffa.txt".to_vec();
    let at = (out.len() as u32).to_le_bytes();
    out.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f");
    out.extend(at);
    out.extend([0, 0]);
    out
}

#[test]
fn office_documents() {
    let mut laughs =
        String::from("<?xml version=\"1.0\"?><!DOCTYPE d [<!ENTITY a0 \"Amelia Hartwell\">");
    for level in 1..10 {
        let inner = format!("&a{};", level - 1).repeat(10);
        write!(laughs, "<!ENTITY a{level} \"{inner}\">").unwrap();
    }
    let said = "<w:p><w:r><w:t>Amelia Hartwell</w:t></w:r></w:p>";
    write!(
        laughs,
        "]><w:document><w:body><w:p><w:r><w:t>&a9;</w:t></w:r></w:p>{said}</w:body></w:document>"
    )
    .unwrap();
    let external = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE d [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><w:document><w:p><w:r><w:t>&e;</w:t></w:r></w:p>{said}</w:document>"
    );
    let deep = format!("{}{said}", "<w:tbl><w:tr><w:tc>".repeat(200_000));
    let giant = format!(
        "{said}{}",
        "<w:p><w:r><w:t>aaaa aaaa aaaa aaaa aaaa</w:t></w:r></w:p>".repeat(1_500_000)
    );
    // One string of a megabyte that a hundred thousand cells refer to.
    let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1 << 20));
    let cells = "<row><c t=\"s\"><v>0</v></c></row>".repeat(100_000);
    let far = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Amelia Hartwell</t></is></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    let repeated = "<office:document-content><table:table><table:table-row table:number-rows-repeated=\"1048576\">\
        <table:table-cell table:number-columns-repeated=\"16384\"><text:p>Amelia Hartwell</text:p></table:table-cell></table:table-row></table:table></office:document-content>";
    survive(vec![
        ("laughs.docx", docx_raw(&laughs), Want::Read),
        ("external.docx", docx_raw(&external), Want::Read),
        ("deep.docx", docx(&deep), Want::Read),
        ("giant.docx", docx(&giant), Want::Said),
        ("expanding.docx", docx(&" ".repeat(150 << 20)), Want::Said),
        ("strings.xlsx", xlsx(&cells, &strings), Want::Said),
        ("far.xlsx", xlsx(far, "<sst/>"), Want::Read),
        ("repeated.ods", odt(repeated), Want::Read),
    ]);
}

/// Forms that each draw the next one twice.
fn exponential() -> Vec<u8> {
    let forms = (0..28).map(|level| {
        let next = 6 + level;
        stream(
            &format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {next} 0 R >> >>"),
            b"/X Do /X Do",
        )
    });
    paged(
        "/Resources << /XObject << /X 5 0 R >> >>",
        stream("", b"/X Do"),
        forms.collect(),
    )
}

#[test]
fn pdf_documents() {
    let font = "/Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> /XObject << /X 5 0 R >> >>";
    let said = b"BT /F 9 Tf 9 9 Td (Amelia Hartwell) Tj ET /X Do".to_vec();
    let own = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >>",
        b"/X Do",
    );
    let parents = pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [2 0 R 3 0 R 2 0 R] /Count 9 /Parent 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [2 0 R] /Parent 3 0 R >>".to_vec(),
    ]);
    let arrays = [b"[".repeat(300_000), b"]".repeat(300_000)].concat();
    let dictionaries = [b"<< /A ".repeat(50_000), b">>".repeat(50_000)].concat();
    let mut looped = pdf(&[b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()]);
    let at = looped.len();
    looped.extend(format!("xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 /Root 1 0 R /Prev {at} >>\nstartxref\n{at}\n%%EOF\n").bytes());
    let length = paged(
        "",
        b"<< /Length 5 0 R >>\nstream\nx\nendstream".to_vec(),
        vec![b"5 0 R".to_vec()],
    );
    survive(vec![
        ("exponential.pdf", exponential(), Want::Said),
        (
            "itself.pdf",
            paged(font, stream("", &said), vec![own]),
            Want::Read,
        ),
        ("parents.pdf", parents, Want::Said),
        (
            "arrays.pdf",
            paged(font, stream("", &said), vec![arrays]),
            Want::Read,
        ),
        (
            "dictionaries.pdf",
            paged(font, stream("", &said), vec![dictionaries]),
            Want::Read,
        ),
        (
            "flate.pdf",
            paged(
                "",
                stream("/Filter /FlateDecode", &flate(&vec![b' '; 300 << 20])),
                vec![],
            ),
            Want::Said,
        ),
        ("prev.pdf", looped, Want::Said),
        ("length.pdf", length, Want::Said),
    ]);
}

#[test]
fn pictures_pages_and_wrappers() {
    let mut png =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x06\0\0\0\0\0\0\0"
            .to_vec();
    png.extend(b"\xff\xff\xff\xffzTXtComment\0\0");
    png.extend(flate(&vec![b'a'; 50 << 20]));
    let tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x0e\0\x02\xff\xff\xff\xff\0\0\0\x08\0\0\0\x08".to_vec();
    let gif = [
        b"GIF89a\xff\xff\xff\xff\xf7\0\0".to_vec(),
        b"\x21\xfe\x01a\0".repeat(200_000),
    ]
    .concat();
    let jpeg = [b"\xff\xd8".to_vec(), b"\xff\xfe\0\x02".repeat(400_000)].concat();
    let html = format!("<html>{}{NAME}", "<div>".repeat(300_000));
    let links = format!(
        "<html>{NAME}{}",
        "<a href='data:text/html;base64,PGRpdj4='>x</a>".repeat(20_000)
    );
    // DER lengths that promise more than there is, a hundred thousand levels deep.
    let der = b"\x30\x84\x7f\xff\xff\xff".repeat(100_000);
    let mut signed = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80".to_vec();
    signed.extend(&der);
    let mails = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    survive(vec![
        ("giant.png", png, Want::Said),
        ("loop.tif", tiff, Want::Said),
        ("comments.gif", gif, Want::Said),
        ("segments.jpg", jpeg, Want::Said),
        ("deep.html", html.into_bytes(), Want::Read),
        ("links.html", links.into_bytes(), Want::Read),
        ("signed.p7m", signed, Want::Said),
        (
            "mails.eml",
            format!("Subject: x\r\n{mails}").into_bytes(),
            Want::Said,
        ),
        (
            "lines.csv",
            format!("{NAME},{}\n", ",".repeat(5 << 20)).into_bytes(),
            Want::Read,
        ),
    ]);
}

fn digits(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}

/// A child that grows beyond its memory is lost, and its file is said to have been.
#[test]
fn memory_is_bounded() {
    let pool = pool();
    // An object stream of 1.2 GB, packed twice and written in digits; nothing looks at it before the parser unpacks it.
    let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..1_200 {
        coder.write_all(&blanks).unwrap();
    }
    let packed = stream(
        "/Type /ObjStm /N 1 /First 4 /Filter [/ASCIIHexDecode /FlateDecode /FlateDecode]",
        &digits(&flate(&coder.finish().unwrap())),
    );
    let bytes = paged("", packed, vec![b"<< /Type /XRef >>".to_vec()]);
    let started = Instant::now();
    let content = read(&pool, "large.pdf", &bytes);
    let reasons: Vec<UnreadReason> = content.unread.iter().map(|unread| unread.reason).collect();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(started.elapsed() < 2 * WALL + Duration::from_secs(2));
}

//! Pictures: read by OCR where it is there, a fact for policy where it is not; and what they say about themselves.
//!
//! Tests of OCR need Debian's `tesseract-ocr`; without it they say so and end.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot set its stage has failed, and says what it needs; a child tells its parent on its output"
)]

#[path = "pictures/samples.rs"]
mod samples;

use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use beadle::extract::{Content, InProcess, Reader, UnreadReason, View, walk};
use beadle::limits::{Budget, Limits};
use beadle::mime::parse;
use beadle::worker::{OcrConfig, Pool, PoolConfig};

const NAME: &str = "Amelia Hartwell";

/// The words after which this test binary plays a child.
const WORKER: &str = "beadle-pictures-worker";
const RECOGNISER: &str = "beadle-pictures-recogniser";
const HANGING: &str = "beadle-pictures-hanging";
const TRYING: &str = "beadle-pictures-trying";

#[test]
fn child_entry() {
    let words: Vec<String> = std::env::args().collect();
    if words.iter().any(|word| word == WORKER) {
        let _ = beadle::worker::child_main();
        std::process::exit(0);
    }
    if let Some(at) = words.iter().position(|word| word == RECOGNISER) {
        let _ = beadle::worker::recognise_main(Path::new(&words[at + 1]));
        std::process::exit(1);
    }
    if words.iter().any(|word| word == HANGING) {
        loop {
            std::thread::sleep(Duration::from_mins(1));
        }
    }
    if let Some(at) = words.iter().position(|word| word == TRYING) {
        trial(Path::new(&words[at + 1]));
        std::process::exit(0);
    }
}

/// Takes the recogniser's place and tries what it must not do; each success is a word of its table.
fn trial(secret: &Path) {
    let own = std::env::current_exe().unwrap();
    beadle::worker::for_tesseract(&own).unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let word = |text: &str| println!("5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t99\t{text}");
    // The harness left its own line open.
    println!();
    word("thetrialwasheld");
    if std::fs::read(secret).is_ok() {
        word("openedafile");
    }
    if std::fs::write(secret, "x").is_ok() {
        word("wroteafile");
    }
    if std::net::UdpSocket::bind("127.0.0.1:0").is_ok() {
        word("madeasocket");
    }
    if Command::new("/bin/true").status().is_ok() {
        word("ranaprogram");
    }
    if std::thread::Builder::new().spawn(|| ()).is_ok() {
        word("startedathread");
    }
    // What it does need.
    if own.metadata().is_ok() && std::fs::read(&own).is_ok() {
        word("readitself");
    }
}

fn arguments(word: &str) -> Vec<std::ffi::OsString> {
    [
        "--exact",
        "child_entry",
        "--nocapture",
        "--test-threads=1",
        word,
    ]
    .map(Into::into)
    .to_vec()
}

fn bare_pool() -> Pool {
    Pool::new(PoolConfig {
        program: std::env::current_exe().unwrap(),
        arguments: arguments(WORKER),
        size: 2,
        wall: Duration::from_secs(20),
        retire_after: Duration::from_secs(5),
    })
}

fn ocr(tesseract: PathBuf) -> OcrConfig {
    OcrConfig {
        program: std::env::current_exe().unwrap(),
        arguments: arguments(RECOGNISER),
        size: 2,
        page: Duration::from_secs(10),
        ..OcrConfig::own_program(tesseract).unwrap()
    }
}

/// A pool that reads pictures, if this machine can.
fn pool() -> Option<Pool> {
    let tesseract = PathBuf::from("/usr/bin/tesseract");
    if !tesseract.exists() {
        eprintln!("tesseract-ocr is not installed: nothing was tested");
        return None;
    }
    Some(bare_pool().with_ocr(ocr(tesseract)))
}

fn mail(name: &str, bytes: &[u8]) -> Vec<u8> {
    format!(
        "From: a@oak.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee the file\r\n--b\r\n\
         Content-Type: application/octet-stream; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        STANDARD.encode(bytes)
    )
    .into_bytes()
}

fn read_within(name: &str, bytes: &[u8], reader: &dyn Reader, limits: Limits) -> Content {
    let budget = Budget::new(Arc::new(limits));
    walk(&parse(&mail(name, bytes), &budget), &budget, reader)
}

fn read(name: &str, bytes: &[u8], reader: &dyn Reader) -> Content {
    read_within(name, bytes, reader, Limits::default())
}

/// Where the name was read, and by which view.
fn found(content: &Content) -> Vec<(String, View)> {
    let units = content.units.iter().filter(|unit| unit.text.contains(NAME));
    units
        .map(|unit| (unit.location.to_string(), unit.view))
        .collect()
}

fn reasons(content: &Content) -> Vec<UnreadReason> {
    content.unread.iter().map(|unread| unread.reason).collect()
}

fn sample(coded: &str) -> Vec<u8> {
    STANDARD.decode(coded).unwrap()
}

/// The rows of the sample, one bit a pixel.
fn bits() -> Vec<u8> {
    let mut rows = Vec::new();
    flate2::read::ZlibDecoder::new(sample(samples::BITS).as_slice())
        .read_to_end(&mut rows)
        .unwrap();
    rows
}

/// A bitmap of one bit a pixel: rows from below, each filled to four bytes.
fn bmp() -> Vec<u8> {
    let rows = bits();
    let mut out = b"BM".to_vec();
    let size = 62 + 44 * 40u32;
    out.extend(size.to_le_bytes());
    out.extend([0; 4]);
    out.extend(62u32.to_le_bytes());
    for field in [40u32, 330, 40] {
        out.extend(field.to_le_bytes());
    }
    out.extend([1, 0, 1, 0]);
    out.extend([0; 16]);
    out.extend(2u32.to_le_bytes());
    out.extend([0; 4]);
    out.extend([0, 0, 0, 0, 255, 255, 255, 0]);
    for row in rows.chunks(42).rev() {
        out.extend(row);
        out.extend([0, 0]);
    }
    out
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

/// A page that one picture fills, 660 by 800 pixels with the sample at its top; `ops` are drawn over it.
fn scan(ops: &str) -> Vec<u8> {
    let mut rows = Vec::new();
    for row in bits().chunks(42) {
        rows.extend(row);
        rows.extend([0xff; 41]);
    }
    rows.resize(83 * 800, 0xff);
    let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(&rows).unwrap();
    let data = coder.finish().unwrap();
    let contents = format!("q 660 0 0 800 0 0 cm /I Do Q {ops}");
    let mut out = format!(
        "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
         3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 660 800] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>\nendobj\n\
         4 0 obj\n<< /Length {} >>\nstream\n{contents}\nendstream\nendobj\n\
         5 0 obj\n<< /Type /XObject /Subtype /Image /Width 660 /Height 800 /BitsPerComponent 1 /ColorSpace /DeviceGray /Filter /FlateDecode /Length {} >>\nstream\n",
        contents.len(),
        data.len()
    )
    .into_bytes();
    out.extend(data);
    out.extend(b"\nendstream\nendobj\ntrailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    out
}

#[test]
fn every_format_is_read_and_is_a_picture_without_ocr() {
    let formats = [
        ("a.png", sample(samples::PNG)),
        ("a.jpg", sample(samples::JPEG)),
        ("a.gif", sample(samples::GIF)),
        ("a.tif", sample(samples::TIFF)),
        ("a.webp", sample(samples::WEBP)),
        ("a.bmp", bmp()),
    ];
    for (name, bytes) in &formats {
        for reader in [&InProcess as &dyn Reader, &bare_pool()] {
            let content = read(name, bytes, reader);
            assert_eq!(reasons(&content), [UnreadReason::ImageOnly], "{name}");
            assert!(content.pictures.is_empty() && content.recognised.is_empty());
        }
    }
    let Some(pool) = pool() else { return };
    for (name, bytes) in &formats {
        let content = read(name, bytes, &pool);
        assert_eq!(
            found(&content),
            [(format!("attachment:{name} (picture)"), View::Visible)]
        );
        assert_eq!(reasons(&content), [], "{name}");
        assert_eq!(content.recognised.len(), 1);
    }
}

#[test]
fn scans_in_a_pdf_are_read_page_by_page() {
    let bare = read("scan.pdf", &scan(""), &bare_pool());
    assert_eq!(reasons(&bare), [UnreadReason::ImageOnly]);
    let Some(pool) = pool() else { return };
    let content = read("scan.pdf", &scan(""), &pool);
    assert_eq!(
        found(&content),
        [(
            "attachment:scan.pdf (page 1 picture)".to_owned(),
            View::Visible
        )]
    );
    assert_eq!(reasons(&content), []);
    // An app's own line over a scan does not hide it.
    let content = read(
        "scan.pdf",
        &scan("BT /F1 9 Tf 9 9 Td (made by an app) Tj ET"),
        &pool,
    );
    assert_eq!((found(&content).len(), reasons(&content)), (1, vec![]));
}

#[test]
fn pictures_in_documents_are_read() {
    let png = sample(samples::PNG);
    let document = |body: &str| {
        zip_of(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("word/document.xml", format!("<w:document><w:body><w:p><w:r><w:t>{body}</w:t></w:r></w:p></w:body></w:document>").as_bytes()),
            ("word/media/image1.png", &png),
        ])
    };
    let odt = zip_of(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", b"<office:document-content/>"),
        ("Pictures/1.png", &png),
    ]);
    let Some(pool) = pool() else { return };
    // Beside text as well as without any.
    for (name, bytes) in [
        ("a.docx", document("")),
        ("b.docx", document("see")),
        ("c.odt", odt),
    ] {
        let content = read(name, &bytes, &pool);
        assert_eq!(found(&content).len(), 1, "{name} {content:?}");
        assert_eq!(reasons(&content), [], "{name}");
    }
    let archive = zip_of(&[("scan.png", &png)]);
    let content = read("a.zip", &archive, &pool);
    assert_eq!(
        found(&content),
        [(
            "attachment:a.zip!scan.png (picture)".to_owned(),
            View::Visible
        )]
    );
    assert_eq!(reasons(&content), []);
}

/// Noise stands for a photograph: nothing in it is sure, so nobody has read it.
#[test]
fn a_picture_without_text_stays_a_picture_unless_configured() {
    let mut photo = bmp();
    let mut state = 7u32;
    for byte in &mut photo[62..] {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    let mut blank = bmp();
    blank[62..].fill(0xff);
    let Some(pool) = pool() else { return };
    for bytes in [&photo, &blank] {
        let content = read("a.bmp", bytes, &pool);
        assert_eq!(reasons(&content), [UnreadReason::ImageOnly]);
    }
    let lenient = bare_pool().with_ocr(OcrConfig {
        textless_is_read: true,
        ..ocr("/usr/bin/tesseract".into())
    });
    assert_eq!(reasons(&read("a.bmp", &blank, &lenient)), []);
}

#[test]
fn what_is_too_large_or_too_many_stays_a_picture() {
    let Some(pool) = pool() else { return };
    let png = sample(samples::PNG);
    let few = Limits {
        ocr_pictures: 2,
        ..Limits::default()
    };
    let archive = zip_of(&[("a.png", &png), ("b.png", &png), ("c.png", &png)]);
    let content = read_within("a.zip", &archive, &pool, few);
    assert_eq!(found(&content).len(), 2);
    assert_eq!(reasons(&content), [UnreadReason::ImageOnly]);
    let small = Limits {
        ocr_pixels: 10_000,
        ..Limits::default()
    };
    let content = read_within("a.png", &png, &pool, small);
    assert_eq!(
        (found(&content).len(), reasons(&content)),
        (0, vec![UnreadReason::ImageOnly])
    );
    // A header that claims 4 gigapixels is believed as far as not to decode it.
    let mut giant = png.clone();
    giant[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    assert_eq!(
        reasons(&read("a.png", &giant, &pool)),
        [UnreadReason::ImageOnly]
    );
}

#[test]
fn a_recogniser_that_hangs_fails_or_is_absent_costs_only_the_picture() {
    let absent = PathBuf::from("/nonexistent/tesseract");
    let with = |word: &str| {
        bare_pool().with_ocr(OcrConfig {
            arguments: arguments(word),
            page: Duration::from_secs(1),
            ..ocr(absent.clone())
        })
    };
    for (word, least) in [(HANGING, 1), (RECOGNISER, 0), ("no-such-word", 0)] {
        let started = Instant::now();
        let content = read("a.png", &sample(samples::PNG), &with(word));
        assert_eq!(reasons(&content), [UnreadReason::ImageOnly], "{word}");
        let taken = started.elapsed();
        assert!(
            taken >= Duration::from_secs(least) && taken < Duration::from_secs(4),
            "{word} {taken:?}"
        );
    }
}

/// The program that reads pictures cannot open other files, connect, start programs or threads.
#[test]
fn a_recogniser_is_confined() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, NAME).unwrap();
    let pool = bare_pool().with_ocr(OcrConfig {
        arguments: arguments(TRYING),
        ..ocr(secret.clone())
    });
    let content = read("a.png", &sample(samples::PNG), &pool);
    let told = content.units.last().unwrap();
    // A kernel without Landlock leaves the files to the file system's own rights.
    let landlock = pool.confinement().unwrap().landlock;
    if landlock == beadle::worker::Enforced::Not {
        assert!(!told.text.contains("socket") && !told.text.contains("program"));
    } else {
        assert_eq!(told.text, "thetrialwasheld readitself");
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), NAME);
}

/// A policy can rule on what OCR read, which makes mistakes.
#[test]
fn text_read_by_ocr_is_a_fact_for_policy() {
    let policy = beadle::policy::Policy::parse(
        "own.toml",
        r#"
name = "own"
title = "A policy of our own"

[classes.internal]
domains = ["oak.example"]

[[rule]]
id = "ocr"
title = "A picture was read by OCR"
remedy = "Send the words themselves."
action = "hold"
when = { recipients = ["outside"], recognised = true }

[[case]]
name = "with a picture"
from = "a@oak.example"
to = ["x@far.example"]
recognised = true
expect = "hold"
rules = ["ocr"]

[[case]]
name = "without"
from = "a@oak.example"
to = ["x@far.example"]
expect = "deliver"
"#,
    );
    let problems = policy.unwrap().check();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    // What this policy leaves out is said too; its cases must pass.
    let cases = problems.iter().filter(|text| text.contains("case"));
    assert_eq!(cases.count(), 0, "{problems:?}");
}

/// A directory of EXIF entries: tag, type, value; texts and bytes lie behind it.
fn exif(entries: &[(u16, u16, &[u8])]) -> Vec<u8> {
    let mut out = b"MM\0*\0\0\0\x08".to_vec();
    out.extend((entries.len() as u16).to_be_bytes());
    let mut behind = Vec::new();
    let base = 8 + 2 + entries.len() * 12 + 4;
    for (tag, kind, value) in entries {
        out.extend(tag.to_be_bytes());
        out.extend(kind.to_be_bytes());
        out.extend((value.len() as u32).to_be_bytes());
        out.extend(((base + behind.len()) as u32).to_be_bytes());
        behind.extend_from_slice(value);
    }
    out.extend([0; 4]);
    out.extend(behind);
    out
}

fn caption() -> Vec<u8> {
    exif(&[
        (0x010e, 2, b"Amelia Hartwell at the pool\0"),
        (0x9c9c, 1, b"M\0i\0l\0o\0 \0R\0e\0e\0d\0\0\0"),
    ])
}

fn iptc() -> Vec<u8> {
    let text = b"caption of Kai Moss";
    let mut data = vec![0x1c, 2, 120, 0, text.len() as u8];
    data.extend_from_slice(text);
    let mut out = b"8BIM\x04\x04\0\0".to_vec();
    out.extend((data.len() as u32).to_be_bytes());
    out.extend(data);
    out
}

const XMP: &[u8] = b"<x:xmpmeta><rdf:Description photoshop:Headline=\"Tess Bay\"><dc:title>Ines Roe</dc:title></rdf:Description></x:xmpmeta>";

fn properties(name: &str, bytes: &[u8]) -> String {
    let content = read(name, bytes, &InProcess);
    let units = content
        .units
        .iter()
        .filter(|unit| unit.view == View::Properties);
    units.map(|unit| unit.text.as_str()).collect()
}

#[test]
fn what_photographs_say_about_themselves_is_read() {
    let mut jpeg = b"\xff\xd8".to_vec();
    let mut segment = |marker: u8, parts: &[&[u8]]| {
        let data = parts.concat();
        jpeg.extend([0xff, marker]);
        jpeg.extend((data.len() as u16 + 2).to_be_bytes());
        jpeg.extend(data);
    };
    segment(0xe1, &[b"Exif\0\0", &caption()]);
    segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP]);
    segment(0xed, &[b"Photoshop 3.0\0", &iptc()]);
    segment(0xfe, &[b"by Zara Finch"]);
    jpeg.extend(&sample(samples::JPEG)[2..]);
    says(
        &properties("a.jpg", &jpeg),
        &[
            NAME,
            "Milo Reed",
            "Kai Moss",
            "Tess Bay",
            "Ines Roe",
            "by Zara Finch",
        ],
    );
    says(&properties("a.tif", &caption()), &[NAME]);
    let mut webp = sample(samples::WEBP);
    for (kind, data) in [(b"EXIF", caption()), (b"XMP ", XMP.to_vec())] {
        webp.extend(kind);
        webp.extend((data.len() as u32).to_le_bytes());
        webp.extend(&data);
        webp.resize(webp.len() + data.len() % 2, 0);
    }
    let size = (webp.len() as u32 - 8).to_le_bytes();
    webp[4..8].copy_from_slice(&size);
    says(&properties("a.webp", &webp), &[NAME, "Tess Bay"]);
}

#[test]
fn what_drawings_say_about_themselves_is_read() {
    let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(b"packed Theo Bell").unwrap();
    let packed = coder.finish().unwrap();
    let mut png = sample(samples::PNG)[..33].to_vec();
    let mut chunk = |kind: &[u8], parts: &[&[u8]]| {
        let data = parts.concat();
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(kind);
        png.extend(data);
        png.extend([0; 4]);
    };
    chunk(b"tEXt", &[b"Author\0Zo\xeb Lark"]);
    chunk(b"zTXt", &[b"Comment\0\0", &packed]);
    chunk(
        b"iTXt",
        &[b"Title\0\0\0en\0Titel\0", "Uma Dale ☂".as_bytes()],
    );
    chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", XMP]);
    chunk(b"eXIf", &[&caption()]);
    png.extend(&sample(samples::PNG)[33..]);
    says(
        &properties("a.png", &png),
        &[
            "Author: Zoë Lark",
            "packed Theo Bell",
            "Title: Uma Dale ☂",
            "Ines Roe",
            NAME,
        ],
    );
    let file = sample(samples::GIF);
    let text = b"drawn by Noa Penn";
    let mut gif = file[..file.len() - 1].to_vec();
    gif.extend([0x21, 0xfe, text.len() as u8]);
    gif.extend(text);
    gif.extend([0, 0x3b]);
    says(&properties("a.gif", &gif), &["drawn by Noa Penn"]);
}

fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// Loops, lying lengths and cuts in the metadata end at once.
#[test]
fn broken_metadata_ends() {
    let mut looped = caption();
    let end = 8 + 2 + 2 * 12;
    looped[end..end + 4].copy_from_slice(&[0, 0, 0, 8]);
    let mut lying = caption();
    lying[14..18].copy_from_slice(&[0xff; 4]);
    let started = Instant::now();
    for bytes in [looped, lying] {
        let jpeg = [b"\xff\xd8\xff\xe1\xff\xffExif\0\0".to_vec(), bytes.clone()].concat();
        for cut in 0..jpeg.len() {
            let _ = properties("a.jpg", &jpeg[..cut]);
        }
        let _ = properties("a.tif", &bytes);
    }
    assert!(started.elapsed() < Duration::from_secs(20));
}

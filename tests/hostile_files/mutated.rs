//! Small good files of each format, damaged in some hundreds of ways each: none ends in a panic, in more time or text than it may, or in
//! silence.
//!
//! `BEADLE_MUTATE=<folder> cargo test --test hostile_files real_files -- --ignored --nocapture` does the same to the files of a folder.

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use beadle::extract::{
    Content, FileInput, InProcess, Location, Passwords, Place, Reader, UnreadReason,
};
use beadle::limits::{Budget, Limits};

use super::limits::{compound, gz, one_block, one_string_biff, one_string_xlsb, ppt, unhex};
use super::{NAME, docx, flate, odt, paged, stream, xlsx, zip_of};

/// Time for one variant; alone it takes a few milliseconds.
const MOST: Duration = Duration::from_secs(5);

fn read(name: &str, bytes: &[u8]) -> Content {
    let location = Location::of(Place::Attachment(vec![name.to_owned()]));
    let limits = Limits {
        file_bytes: 4 << 20,
        unpacked_bytes: 8 << 20,
        file_text_bytes: 1 << 20,
        text_bytes: 2 << 20,
        ..Limits::default()
    };
    let budget = Budget::new(Arc::new(limits));
    let input = FileInput {
        location: &location,
        name,
        declared: None,
        bytes,
        passwords: &Passwords::default(),
    };
    InProcess.read(&input, &budget)
}

/// Xorshift (G. Marsaglia, 2003): the same bytes are damaged in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }
}

/// A file cut at many places, with bytes flipped, with fields of 32 and 16 bits that say nothing, everything or much, and with pieces
/// doubled and left out.
fn variants(good: &[u8], count: usize) -> Vec<Vec<u8>> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut out = Vec::new();
    let step = (good.len() / (count / 4).max(1)).max(1);
    out.push(good.to_vec());
    out.extend((0..good.len()).step_by(step).map(|at| good[..at].to_vec()));
    for n in 0..count {
        let mut bytes = good.to_vec();
        for _ in 0..=n % 4 {
            let at = random.below(bytes.len());
            match n % 5 {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = [0, 0xff, 0x7f, 0x80][random.below(4)],
                2 | 3 => {
                    let field = [
                        u32::MAX,
                        0,
                        0x7fff_ffff,
                        0x8000_0000,
                        0x00ff_ffff,
                        0xffff,
                        1,
                        bytes.len() as u32,
                    ][random.below(8)];
                    // Most fields stand at even places.
                    let at = at & !1;
                    let width = if n % 5 == 2 { 4 } else { 2 };
                    for (byte, new) in bytes[at..].iter_mut().zip(field.to_le_bytes()).take(width) {
                        *byte = new;
                    }
                }
                _ => {
                    let end = (at + 1 + random.below(64)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    if random.below(2) == 0 {
                        bytes.drain(at..end);
                    } else {
                        bytes.splice(at..at, piece);
                    }
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        out.push(bytes);
    }
    out
}

/// What went wrong with a variant, if anything did.
fn fault(name: &str, bytes: &[u8]) -> Option<String> {
    let started = Instant::now();
    let read = std::panic::catch_unwind(|| read(name, bytes));
    let taken = started.elapsed();
    let Ok(content) = read else {
        return Some("panicked".to_owned());
    };
    let text: usize = content.units.iter().map(|unit| unit.text.len()).sum();
    let crashed = content
        .unread
        .iter()
        .any(|unread| unread.reason == UnreadReason::Crashed);
    // The first words of a format alone, and a document of words whose words are gone, are nothing.
    let empty = bytes.len() < 16
        || bytes.starts_with(b"{\\rt") && memchr::memmem::find(bytes, b"Amelia").is_none();
    let said = !content.unread.is_empty()
        || !content.defects.is_empty()
        || !content.protections.is_empty()
        || content.units.len() > 1;
    if crashed {
        Some("a reader panicked".to_owned())
    } else if taken > MOST {
        Some(format!("took {taken:?}"))
    } else if text > 4 << 20 {
        Some(format!("{text} bytes of text"))
    } else if !said && !empty {
        Some("nothing was said".to_owned())
    } else {
        None
    }
}

/// Reads the variants of each file; panics with what went wrong.
fn damage(files: &[(&str, Vec<u8>)], count: usize) {
    let mut failures = Vec::new();
    for (name, good) in files {
        for (n, bytes) in variants(good, count).into_iter().enumerate() {
            if let Some(why) = fault(name, &bytes) {
                failures.push(format!("{name}, variant {n}: {why}"));
                if let Ok(folder) = std::env::var("BEADLE_KEEP") {
                    std::fs::write(format!("{folder}/{n}-{name}"), &bytes).unwrap();
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}: {failures:#?}", failures.len());
}

fn le(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn of(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let owned: Vec<(String, Vec<u8>)> = streams
        .iter()
        .map(|(path, data)| ((*path).to_owned(), data.to_vec()))
        .collect();
    compound(&owned)
}

/// A Word document of one piece of one-byte characters, with a packed file in it.
fn doc() -> Vec<u8> {
    let text = format!("{NAME}\rsecond line\r");
    let mut main = vec![0u8; 1024];
    main[0..4].copy_from_slice(&[0xec, 0xa5, 0xc1, 0]);
    main[11] = 2;
    main[32] = 14;
    main[62] = 22;
    main[152] = 93;
    main[76..80].copy_from_slice(&(text.len() as u32).to_le_bytes());
    let mut pieces = vec![2u8];
    pieces.extend(le(&[16, 0, text.len() as u32]));
    pieces.extend([0, 0]);
    pieces.extend((0x4000_0000u32 | 2048).to_le_bytes());
    pieces.extend([0, 0]);
    main[0x1a6..0x1aa].copy_from_slice(&(pieces.len() as u32).to_le_bytes());
    main.extend(text.bytes());
    let mut native = vec![0, 0, 0, 0, 2, 0];
    native.extend(b"list.csv\0list.csv\0\0\0\x03\0\x09\0\0\0list.csv\0\x0a\0\0\0Name,UPN\na");
    of(&[
        ("WordDocument", &main),
        ("1Table", &pieces),
        ("ObjectPool/_1/\u{1}Ole10Native", &native),
    ])
}

fn slides() -> Vec<u8> {
    let atom = |kind: u16, data: &[u8]| {
        let mut out = vec![0, 0];
        out.extend(kind.to_le_bytes());
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(data);
        out
    };
    let mut stream = atom(0x0fa0, &wide(NAME));
    stream.extend(atom(0x0fa8, b"Kai Moss"));
    let mut packed = 5u32.to_le_bytes().to_vec();
    packed.extend(flate(b"hello"));
    let mut object = atom(0x1011, &packed);
    object[0] = 0x10;
    stream.extend(object);
    of(&[("PowerPoint Document", &stream), ("Current User", &[0; 20])])
}

fn msg() -> Vec<u8> {
    let rtf = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125\x42\x32\x0a\xf3 hel\x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
    of(&[
        ("__properties_version1.0", &[0; 48]),
        ("__substg1.0_0037001F", &wide(NAME)),
        ("__substg1.0_1000001F", &wide("Kai Moss")),
        ("__substg1.0_10090102", rtf),
        (
            "__attach_version1.0_#00000000/__substg1.0_3707001F",
            &wide("list.csv"),
        ),
        (
            "__attach_version1.0_#00000000/__substg1.0_37010102",
            b"Name,UPN\nKai,1\n",
        ),
    ])
}

fn tnef() -> Vec<u8> {
    let attribute = |level: u8, number: u16, data: &[u8]| {
        let mut raw = vec![level];
        raw.extend(number.to_le_bytes());
        raw.extend([6, 0]);
        raw.extend((data.len() as u32).to_le_bytes());
        raw.extend(data);
        raw.extend([0, 0]);
        raw
    };
    let page = b"<p>Amelia Hartwell</p>";
    let mut properties = le(&[1]);
    properties.extend([0x02, 0x01, 0x13, 0x10, 1, 0, 0, 0]);
    properties.extend(le(&[page.len() as u32]));
    properties.extend(page);
    properties.extend([0, 0]);
    let mut bytes = vec![0x78, 0x9f, 0x3e, 0x22, 1, 0];
    bytes.extend(attribute(1, 0x8004, b"Her plan\0"));
    bytes.extend(attribute(1, 0x9003, &properties));
    bytes.extend(attribute(2, 0x9002, &[0; 14]));
    bytes.extend(attribute(2, 0x8010, b"list.csv\0"));
    bytes.extend(attribute(2, 0x800f, b"Name,UPN\nKai,1\n"));
    bytes
}

fn pages() -> Vec<u8> {
    let payload = b"\x0a\x0fAmelia Hartwell\x12\x07\x0a\x05Zo\xc3\xabK";
    let mut plain = vec![6, 0x08, 1, 0x12, 2, 0x18, payload.len() as u8];
    plain.extend(payload);
    // A block of snappy that is one literal.
    let mut packed = vec![plain.len() as u8, (plain.len() as u8 - 1) << 2];
    packed.extend(&plain);
    let mut archive = vec![0, packed.len() as u8, 0, 0];
    archive.extend(packed);
    zip_of(&[
        ("Index/Document.iwa", &archive),
        ("Metadata/Properties.plist", b"x"),
    ])
}

fn onenote() -> Vec<u8> {
    let mut out = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    out.extend(wide(NAME));
    out.extend(b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0hello");
    out.extend(wide(" and more words"));
    out
}

fn rtf() -> Vec<u8> {
    b"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}\\f0 Amelia Hartwell\\par{\\*\\fldinst MERGEFIELD Pupil}\\trowd\\intbl Name\\cell Need\\cell\\row\\intbl Kai\\cell EHCP\\cell\\row\\pard\\u233?\\par{\\object{\\*\\objdata 0105000002000000050000005061636b616765000000000005000000616263646566}}{\\pict\\bin4 abcd}}".to_vec()
}

fn tar() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for name in ["list.csv", "more.txt"] {
        let data = b"Name,UPN\nAmelia Hartwell,1\n";
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        tar.append_data(&mut header, name, &data[..]).unwrap();
    }
    tar.into_inner().unwrap()
}

fn sevenz() -> Vec<u8> {
    let mut out = sevenz_rust2::ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for name in ["list.csv", "more.txt"] {
        let entry = sevenz_rust2::ArchiveEntry::new_file(name);
        out.push_archive_entry(entry, Some(Cursor::new(&b"Amelia Hartwell, epilepsy"[..])))
            .unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn rar(version: rars::ArchiveVersion) -> Vec<u8> {
    let mut rar = rars::Builder::new(version);
    for name in ["list.csv", "more.txt"] {
        rar.add_bytes(
            name.as_bytes().to_vec(),
            b"Amelia Hartwell, epilepsy".to_vec(),
            None,
            None,
        )
        .unwrap();
    }
    rar.to_bytes().unwrap()
}

#[test]
fn old_office_files() {
    damage(
        &[
            ("a.doc", doc()),
            ("a.ppt", slides()),
            ("b.ppt", ppt(&[flate(b"Amelia Hartwell")])),
            ("a.xls", one_string_biff(20)),
            ("a.msg", msg()),
            ("winmail.dat", tnef()),
            ("a.rtf", rtf()),
            ("a.one", onenote()),
        ],
        200,
    );
}

#[test]
fn packages() {
    let strings = "<sst><si><t>Amelia Hartwell</t></si></sst>";
    let cells = "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c t=\"inlineStr\"><is><t>x</t></is></c></row>";
    let table = "<office:document-content><table:table><table:table-row table:number-rows-repeated=\"3\"><table:table-cell table:number-columns-repeated=\"2\">\
        <text:p>Amelia Hartwell</text:p></table:table-cell></table:table-row></table:table></office:document-content>";
    let form = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 99 99] /Filter /FlateDecode",
        &flate(b"BT /F 9 Tf 9 9 Td (Amelia Hartwell) Tj ET"),
    );
    let font = "/Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> /XObject << /X 5 0 R >> >>";
    damage(
        &[
            (
                "a.docx",
                docx("<w:p><w:r><w:t>Amelia Hartwell</w:t></w:r></w:p>"),
            ),
            ("a.xlsx", xlsx(cells, strings)),
            ("a.xlsb", one_string_xlsb(3)),
            ("a.ods", odt(table)),
            ("a.pages", pages()),
            ("a.pdf", paged(font, stream("", b"q /X Do Q"), vec![form])),
        ],
        300,
    );
}

#[test]
fn archives() {
    use rars::ArchiveVersion as V;
    damage(
        &[
            (
                "a.zip",
                zip_of(&[
                    ("list.csv", b"Name,UPN\nKai,1\n"),
                    ("in/b.txt", NAME.as_bytes()),
                ]),
            ),
            ("r.zip", unhex(super::limits::R_ZIP)),
            ("a.gz", gz(NAME.as_bytes())),
            ("a.tar", tar()),
            ("a.7z", sevenz()),
            ("old.rar", rar(V::Rar29)),
            ("new.rar", rar(V::Rar50)),
            ("a.cab", one_block(3)[..40_000].to_vec()),
        ],
        300,
    );
}

/// The files of `BEADLE_MUTATE`, `BEADLE_COUNT` variants each.
#[test]
#[ignore = "for files that are no part of this project"]
fn real_files() {
    let folder = std::env::var("BEADLE_MUTATE").unwrap();
    let count = std::env::var("BEADLE_COUNT").map_or(20, |count| count.parse().unwrap());
    let largest = std::env::var("BEADLE_LARGEST").map_or(200_000, |most| most.parse().unwrap());
    let (mut files, mut paths) = (0usize, vec![std::path::PathBuf::from(folder)]);
    let mut failures = Vec::new();
    let mut slowest = Duration::ZERO;
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if bytes.len() > largest {
            continue;
        }
        files += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for (n, bytes) in variants(&bytes, count).into_iter().enumerate() {
            let started = Instant::now();
            if let Some(why) = fault(&name, &bytes) {
                eprintln!("{name}, variant {n}: {why}");
                failures.push((name.clone(), n));
                if let Ok(folder) = std::env::var("BEADLE_KEEP") {
                    std::fs::write(format!("{folder}/{n}-{name}"), &bytes).unwrap();
                }
            }
            slowest = slowest.max(started.elapsed());
        }
    }
    eprintln!(
        "{files} files, {} failures, slowest {slowest:?}",
        failures.len()
    );
}

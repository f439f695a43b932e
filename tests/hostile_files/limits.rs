//! Files small on disk and endless inside: a limit on bytes produced or work done ends each one, not the wall, and the fact is said.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use beadle::extract::UnreadReason::{Broken, TooBig, TooDeep, Unsupported};

use super::Want::{Ends, Read, Small};
use super::{NAME, docx, flate, flate_raw, odt, paged, pdf, stream, survive, xlsx, zip_of};

fn le(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// A local header or a line of the directory, as far as both go, from the version needed to the name's length.
fn zip_fields(sum: u32, packed: u32, size: u32, name: &str) -> Vec<u8> {
    let mut out = b"\x14\0\0\0\x08\0\0\0\0\0".to_vec();
    out.extend(le(&[sum, packed, size]));
    out.extend((name.len() as u16).to_le_bytes());
    out.extend([0, 0]);
    out
}

fn local(sum: u32, packed: u32, size: u32, name: &str) -> Vec<u8> {
    let mut out = b"PK\x03\x04".to_vec();
    out.extend(zip_fields(sum, packed, size, name));
    out.extend(name.bytes());
    out
}

/// A directory of these entries (sum, packed, size, name, place) and its end record.
fn directory(start: u32, entries: &[(u32, u32, u32, String, u32)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (sum, packed, size, name, at) in entries {
        out.extend(b"PK\x01\x02\x14\0");
        out.extend(zip_fields(*sum, *packed, *size, name));
        out.extend([0; 10]);
        out.extend(at.to_le_bytes());
        out.extend(name.bytes());
    }
    let (count, length) = (entries.len() as u16, out.len() as u32);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend(le(&[length, start]));
    out.extend([0, 0]);
    out
}

/// Entries under names of their own that all lead to one header.
fn one_kernel(entries: u32) -> Vec<u8> {
    let plain = vec![b'a'; 1 << 20];
    let mut sum = flate2::Crc::new();
    sum.update(&plain);
    let kernel = flate_raw(&plain);
    let sizes = (sum.sum(), kernel.len() as u32, plain.len() as u32);
    let mut out = local(sizes.0, sizes.1, sizes.2, "0.txt");
    out.extend(kernel);
    let listed: Vec<_> = (0..entries)
        .map(|n| (sizes.0, sizes.1, sizes.2, format!("{n}.txt"), 0))
        .collect();
    out.extend(directory(out.len() as u32, &listed));
    out
}

/// D. Fifield, "A better zip bomb" (2019): each entry quotes the header of the next in a stored block and goes on into its data.
fn quoting(entries: usize) -> Vec<u8> {
    let plain = vec![b'a'; 1 << 20];
    let mut sum = flate2::Crc::new();
    sum.update(&plain);
    let kernel = flate_raw(&plain);
    // From the last entry, which is the kernel alone, to the first.
    let name = |n: usize| format!("{n:05}");
    let mut body = local(sum.sum(), kernel.len() as u32, plain.len() as u32, &name(0));
    body.extend(&kernel);
    let mut listed = vec![(
        sum.sum(),
        kernel.len() as u32,
        plain.len() as u32,
        name(0),
        body.len(),
    )];
    let (mut packed, mut size) = (kernel.len(), plain.len());
    for n in 1..entries {
        let quoted = 35u16;
        let mut block = vec![0];
        block.extend(quoted.to_le_bytes());
        block.extend((!quoted).to_le_bytes());
        packed += 5 + usize::from(quoted);
        size += usize::from(quoted);
        let mut head = local(0, packed as u32, size as u32, &name(n));
        head.extend(block);
        head.extend(&body);
        body = head;
        listed.push((0, packed as u32, size as u32, name(n), body.len()));
    }
    let length = body.len();
    let listed: Vec<_> = listed
        .into_iter()
        .rev()
        .map(|(sum, packed, size, name, from_end)| {
            (sum, packed, size, name, (length - from_end) as u32)
        })
        .collect();
    body.extend(directory(length as u32, &listed));
    body
}

/// The archive that holds itself, by Russ Cox ("Zip Files All The Way Down", 2010; in Go's `archive/zip/reader_test.go`).
pub(super) const R_ZIP: &str = "504b03041400000008000803643cf9f489644801 0000b801000007000000722f722e7a6970002500daff504b0304140000000800\
0803643cf9f4896448010000b801000007000000722f722e7a6970002f00d0ff002500daff504b03041400000008000803643cf9f4896448010000b8\
01000007000000722f722e7a6970002f00d0ffc2548e5739000500faffc2548e5739000500faff000500faff001400ebffc2548e5739000500faff00\
0500faff001400ebff428821c400001400ebff428821c400001400ebff428821c400001400ebff428821c400001400ebff428821c400000000ffff00\
0000ffff003400cbff428821c400000000ffff000000ffff003400cbff42e8215e0f000000ffff0af066641261c015dce8a048bf48af2ab320c09b95\
0dc4670442530606064000 0600f9ff6d0100000000\
42e8215e0f000000ffff0af066641261c015dce8a048bf48af2ab320c09b950dc4670442530606064000 0600f9ff6d01000000 00\
504b010214001400000008000803643cf9f4896448010000b8010000070000000000000000000000000000000000722f722e7a6970504b0506000000\
0001000100350000006d0100000000";

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    let pairs = digits.chunks_exact(2);
    pairs.map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    coder.write_all(bytes).unwrap();
    coder.finish().unwrap()
}

/// A cabinet whose files are all the same stored block of its one folder.
pub(super) fn one_block(files: u16) -> Vec<u8> {
    let data = b"Amelia Hartwell ".repeat(2_000);
    let mut list = Vec::new();
    for n in 0..files {
        list.extend(le(&[data.len() as u32, 0, 0, 0]));
        list.extend(format!("{n:04}.txt\0").bytes());
    }
    let mut out = b"MSCF\0\0\0\0".to_vec();
    let block = 44 + list.len();
    out.extend(le(&[(block + 8 + 400 * (8 + data.len())) as u32, 0, 44, 0]));
    out.extend([3, 1, 1, 0]);
    out.extend(files.to_le_bytes());
    out.extend([0; 6]);
    out.extend((block as u32).to_le_bytes());
    out.extend([144, 1, 0, 0]);
    // Four hundred blocks: twelve megabytes that every file claims.
    let whole = (data.len() * 400) as u32;
    for file in list.chunks_exact_mut(25) {
        file[..4].copy_from_slice(&whole.to_le_bytes());
    }
    out.extend(list);
    for _ in 0..400 {
        out.extend([0; 4]);
        out.extend((data.len() as u16).to_le_bytes());
        out.extend((data.len() as u16).to_le_bytes());
        out.extend(&data);
    }
    out
}

#[test]
fn archives_that_repeat_themselves() {
    let r_zip = unhex(R_ZIP);
    assert_eq!(r_zip.len(), 440);
    let deep = (0..40).fold(NAME.as_bytes().to_vec(), |inner, _| gz(&inner));
    survive(vec![
        ("kernel.zip", one_kernel(30_000), Ends(TooBig)),
        ("quoting.zip", quoting(2_000), Ends(TooBig)),
        ("r.zip", r_zip, Ends(TooDeep)),
        ("deep.gz", deep, Ends(TooDeep)),
        ("members.gz", gz(b"").repeat(500_000), Ends(TooBig)),
        ("block.cab", one_block(1_500), Ends(TooBig)),
    ]);
}

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = kind.to_le_bytes().to_vec();
    record.extend((data.len() as u16).to_le_bytes());
    record.extend(data);
    record
}

pub(super) fn compound(streams: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, data) in streams {
        if let Some((storage, _)) = path.rsplit_once('/') {
            file.create_storage_all(storage).unwrap();
        }
        file.create_stream(path).unwrap().write_all(data).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// A workbook of BIFF8 whose one string, of 65,535 letters, stands in all these cells.
pub(super) fn one_string_biff(cells: u32) -> Vec<u8> {
    let bof = |kind: u8| record(0x809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut book = bof(5);
    let mut strings = le(&[1, 1]);
    let letters: u16 = if cells < 100 { 15 } else { u16::MAX };
    let first = usize::from(letters).min(8_000);
    strings.extend(letters.to_le_bytes());
    strings.push(0);
    strings.extend(vec![b'x'; first]);
    book.extend(record(0xfc, &strings));
    let mut left = usize::from(letters) - first;
    while left > 0 {
        let piece = left.min(8_000);
        let mut data = vec![0];
        data.extend(vec![b'x'; piece]);
        book.extend(record(0x3c, &data));
        left -= piece;
    }
    let mut bound = le(&[0]);
    bound.extend(b"\0\0\x01\0a");
    let sheet = book.len() + bound.len() + 4 + 4;
    bound[..4].copy_from_slice(&(sheet as u32).to_le_bytes());
    book.extend(record(0x85, &bound));
    book.extend(record(10, &[]));
    book.extend(bof(16));
    for n in 0..cells {
        let mut cell = ((n >> 4) as u16).to_le_bytes().to_vec();
        cell.extend(((n & 15) as u16).to_le_bytes());
        cell.extend([0; 6]);
        book.extend(record(0xfd, &cell));
    }
    book.extend(record(10, &[]));
    compound(&[("Workbook".to_owned(), book)])
}

/// Records of a binary workbook.
fn xlsb_part(records: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, data) in records {
        if *kind < 0x80 {
            out.push(*kind as u8);
        } else {
            out.extend([(*kind & 0x7f) as u8 | 0x80, (*kind >> 7) as u8]);
        }
        let mut size = data.len();
        loop {
            let more = size >> 7 != 0;
            out.push((size & 0x7f) as u8 | if more { 0x80 } else { 0 });
            size >>= 7;
            if !more {
                break;
            }
        }
        out.extend(data);
    }
    out
}

pub(super) fn one_string_xlsb(cells: u32) -> Vec<u8> {
    let mut string = vec![0];
    let letters = if cells < 100 { 15 } else { 1 << 20 };
    string.extend((letters as u32).to_le_bytes());
    string.extend(b"x\0".repeat(letters));
    let strings = xlsb_part(&[(19, string)]);
    let rows = (0..cells).flat_map(|row| [(0, le(&[row])), (7, le(&[0, 0, 0]))]);
    let sheet = xlsb_part(&rows.collect::<Vec<_>>());
    zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.bin", &[]),
        ("xl/sharedStrings.bin", &strings),
        ("xl/worksheets/sheet1.bin", &sheet),
    ])
}

#[test]
fn cells_that_share_one_string() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1 << 20));
    let cells = "<row><c t=\"s\"><v>0</v></c></row>".repeat(100_000);
    // The first row is a header of a megabyte, which a table begins with again after each gap.
    let mut gaps = String::from("<row r=\"1\"><c t=\"s\"><v>0</v></c></row>");
    for row in 1..1_000 {
        write!(gaps, "<row r=\"{}\"><c><v>1</v></c></row>", row * 1_000).unwrap();
    }
    let sheets: Vec<String> = (0..1_500)
        .map(|n| format!("xl/worksheets/sheet{n}.xml"))
        .collect();
    let few = format!(
        "<worksheet><sheetData>{}</sheetData></worksheet>",
        "<row><c t=\"s\"><v>0</v></c></row>".repeat(40)
    );
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook/>"),
        ("xl/sharedStrings.xml", strings.as_bytes()),
    ];
    parts.extend(sheets.iter().map(|name| (name.as_str(), few.as_bytes())));
    let cell = |text: &str| {
        format!(
            "<table:table><table:table-row table:number-rows-repeated=\"64\"><table:table-cell table:number-columns-repeated=\"64\">\
             <text:p>{text}</text:p></table:table-cell></table:table-row></table:table>"
        )
    };
    let one = cell(&"x".repeat(1 << 20));
    let many = cell(&"x".repeat(100_000)).repeat(300);
    let content = |body: &str| {
        odt(&format!(
            "<office:document-content>{body}</office:document-content>"
        ))
    };
    survive(vec![
        ("strings.xlsx", xlsx(&cells, &strings), Ends(TooBig)),
        ("gaps.xlsx", xlsx(&gaps, &strings), Small),
        ("sheets.xlsx", zip_of(&parts), Ends(TooBig)),
        ("strings.xlsb", one_string_xlsb(100_000), Ends(TooBig)),
        ("strings.xls", one_string_biff(100_000), Ends(TooBig)),
        ("one.ods", content(&one), Ends(TooBig)),
        ("many.ods", content(&many), Ends(TooBig)),
    ]);
}

/// Forms that each draw the next one twice.
fn forms(levels: usize) -> Vec<u8> {
    let forms = (0..levels).map(|level| {
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

/// Pages trees whose nodes hold the next one twice, forty levels deep.
fn page_tree() -> Vec<u8> {
    let mut objects = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()];
    for level in 0..40 {
        let next = 3 + level;
        objects.push(
            format!("<< /Type /Pages /Count 9 /Kids [{next} 0 R {next} 0 R 2 0 R] >>").into_bytes(),
        );
    }
    objects.push(b"<< /Type /Page /MediaBox [0 0 99 99] /Contents 43 0 R /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>".to_vec());
    objects.push(stream("", b"BT /F 9 Tf 9 9 Td (Amelia Hartwell) Tj ET"));
    pdf(&objects)
}

#[test]
fn documents_that_draw_or_unpack_without_end() {
    let blanks = vec![b' '; 300 << 20];
    let object_stream = |filter: &str, data: &[u8]| {
        paged(
            "",
            stream(&format!("/Type /ObjStm /N 1 /First 4 {filter}"), data),
            vec![],
        )
    };
    // Every stream fits by itself.
    let packed = flate(&vec![b' '; 90 << 20]);
    let some: Vec<Vec<u8>> = (0..40)
        .map(|_| stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", &packed))
        .collect();
    let pages: Vec<String> = (0..200).map(|n| format!("{} 0 R", n + 5)).collect();
    let mut shared = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Count 200 /Kids [{}] >>", pages.join(" ")).into_bytes(),
        stream("/Filter /FlateDecode", &flate(&vec![b' '; 30 << 20])),
        b"null".to_vec(),
    ];
    shared.extend(
        (0..200).map(|_| b"<< /Type /Page /MediaBox [0 0 99 99] /Contents 3 0 R >>".to_vec()),
    );
    let no_frame = paged(
        "/Resources << /XObject << /X 5 0 R >> >>",
        stream("", b"/X Do"),
        vec![stream(
            "/Type /XObject /Subtype /Form",
            b"BT (Amelia Hartwell) Tj ET",
        )],
    );
    survive(vec![
        ("forms.pdf", forms(40), Ends(TooBig)),
        ("tree.pdf", page_tree(), Read),
        (
            "objects.pdf",
            object_stream("/Filter /FlateDecode", &flate(&blanks)),
            Ends(TooBig),
        ),
        (
            "twice.pdf",
            object_stream(
                "/Filter [/FlateDecode /FlateDecode]",
                &flate(&flate(&blanks)),
            ),
            Ends(TooBig),
        ),
        ("many.pdf", paged("", stream("", b""), some), Ends(TooBig)),
        ("shared.pdf", pdf(&shared), Ends(TooBig)),
        ("frame.pdf", no_frame, Ends(Broken)),
    ]);
}

/// A presentation with these packed objects.
pub(super) fn ppt(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut slides = Vec::new();
    for object in objects {
        slides.extend([0x10, 0, 0x11, 0x10]);
        slides.extend((object.len() as u32 + 4).to_le_bytes());
        slides.extend([0; 4]);
        slides.extend(object);
    }
    compound(&[("PowerPoint Document".to_owned(), slides)])
}

#[test]
fn documents_that_nest_or_repeat() {
    let boxes = docx(&format!(
        "<w:p><w:r><w:t>{NAME} {}</w:t></w:r>{}</w:p>",
        "x".repeat(8 << 20),
        "<w:txbxContent><w:p><w:r><w:t>a</w:t></w:r></w:p></w:txbxContent>".repeat(100_000)
    ));
    let nested = docx(&format!(
        "<w:p><w:r><w:t>{NAME}{}</w:t></w:r></w:p>{}",
        "x".repeat(8 << 20),
        "<w:txbxContent>b".repeat(100_000)
    ));
    let rtf = format!("{{\\rtf1 {}{NAME}", "{\\b ".repeat(100_000));
    let objects: Vec<Vec<u8>> = vec![flate(&vec![0; 90 << 20]); 60];
    let storages: Vec<(String, Vec<u8>)> = (0..4_000)
        .map(|n| (format!("{n}/{n}"), b"x".to_vec()))
        .collect();
    let mut tnef = vec![0x78, 0x9f, 0x3e, 0x22, 1, 0];
    tnef.extend(b"\x02\x02\x90\x06\0\0\0\0\0\0\0".repeat(1_000_000));
    let card = format!(
        "BEGIN:VCARD\nN:Hartwell;Amelia\n{NAME}\n{}",
        " a\n".repeat(1_000_000)
    );
    survive(vec![
        ("boxes.docx", boxes, Read),
        ("nested.docx", nested, Read),
        ("groups.rtf", rtf.into_bytes(), Read),
        ("objects.ppt", ppt(&objects), Ends(TooBig)),
        ("storages.doc", compound(&storages), Ends(Unsupported)),
        ("winmail.dat", tnef, Ends(TooBig)),
        ("folded.vcf", card.into_bytes(), Read),
    ]);
}

/// Words in parts that bear the names of parts without words.
#[test]
fn names_hide_nothing() {
    let inner = docx(&format!("<w:p><w:r><w:t>{NAME}</w:t></w:r></w:p>"));
    let sheet = format!(
        "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>{NAME}</t></is></c></row></sheetData></worksheet>"
    );
    let shell = |name: &str, data: &[u8]| {
        zip_of(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("word/document.xml", b"<w:document/>"),
            (name, data),
        ])
    };
    let word = format!("<w:document><w:p><w:r><w:t>{NAME}</w:t></w:r></w:p></w:document>");
    // Two parts of one name: the last is what the directory's readers show.
    let mut two = shell("word/documenu.xml", word.as_bytes());
    while let Some(at) = memchr::memmem::find(&two, b"documenu") {
        two[at + 7] = b't';
    }
    let mut last = zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/documenu.xml", word.as_bytes()),
        ("word/document.xml", b"<w:document/>"),
    ]);
    while let Some(at) = memchr::memmem::find(&last, b"documenu") {
        last[at + 7] = b't';
    }
    let note = |rich: &str, data: Vec<u8>| {
        let mut objects = vec![
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>".to_vec(),
            format!("<< /FT /Tx /T (x) /{rich} 5 0 R >>").into_bytes(),
        ];
        objects.push(data);
        pdf(&objects)
    };
    let many = {
        let long = format!("({})", "x".repeat(1 << 20)).into_bytes();
        let mut objects = vec![
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [] /Count 0 >>".to_vec(),
            long,
        ];
        objects.extend((0..2_000).map(|_| b"<< /Alt 3 0 R >>".to_vec()));
        pdf(&objects)
    };
    survive(vec![
        (
            "styles.docx",
            shell("word/styles.xml", word.as_bytes()),
            Read,
        ),
        ("named.docx", shell("word/embeddings/x.xml", &inner), Read),
        (
            "thumbnail.docx",
            shell("docProps/thumbnail.jpeg", &inner),
            Read,
        ),
        (
            "printer.docx",
            shell("word/printerSettings/p.bin", &inner),
            Read,
        ),
        ("macros.docx", shell("word/vbaProject.bin", &inner), Read),
        ("first.docx", two, Read),
        ("last.docx", last, Read),
        (
            "book.xlsx",
            zip_of(&[
                ("[Content_Types].xml", b"<Types/>"),
                ("xl/workbook9.xml", b"<workbook/>"),
                ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
            ]),
            Read,
        ),
        ("value.pdf", note("V", stream("", NAME.as_bytes())), Read),
        ("shared.pdf", many, Ends(TooBig)),
    ]);
}

//! Files as people attach them: built here, read through the walk, in process and in child processes.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its file has failed"
)]

use std::fmt::Write as _;
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use beadle::extract::{Content, InProcess, ProtectionState, Reader, UnreadReason, View, walk};
use beadle::limits::{Budget, Limits};
use beadle::mime::{Defect, parse};
use beadle::worker::{Pool, PoolConfig};
use zip::AesMode;
use zip::unstable::write::FileOptionsExt;
use zip::write::SimpleFileOptions;

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn mail(body: &str, name: &str, kind: &str, bytes: &[u8]) -> Vec<u8> {
    let mut encoded = String::new();
    for line in STANDARD.encode(bytes).as_bytes().chunks(76) {
        encoded.push_str(std::str::from_utf8(line).unwrap());
        encoded.push_str("\r\n");
    }
    format!(
        "From: a@oak.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{body}\r\n\
         --b\r\nContent-Type: {kind}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--\r\n"
    )
    .into_bytes()
}

fn read_with(raw: &[u8], limits: Limits, reader: &dyn Reader) -> Content {
    let budget = Budget::new(Arc::new(limits));
    walk(&parse(raw, &budget), &budget, reader)
}

fn attached(name: &str, bytes: &[u8]) -> Content {
    read_with(
        &mail("see the file", name, "application/octet-stream", bytes),
        Limits::default(),
        &InProcess,
    )
}

/// Each unit as `place|view|text`.
fn lines(content: &Content) -> Vec<String> {
    content
        .units
        .iter()
        .map(|unit| format!("{}|{:?}|{}", unit.location, unit.view, unit.text))
        .collect()
}

fn text(content: &Content, view: View) -> String {
    content
        .units
        .iter()
        .filter(|unit| unit.view == view)
        .map(|unit| unit.text.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

fn reasons(content: &Content) -> Vec<UnreadReason> {
    content.unread.iter().map(|unread| unread.reason).collect()
}

fn states(content: &Content) -> Vec<ProtectionState> {
    content
        .protections
        .iter()
        .map(|protection| protection.state)
        .collect()
}

const W: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";

fn docx(body: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let document =
        format!("<?xml version=\"1.0\"?><w:document {W}><w:body>{body}</w:body></w:document>");
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", document.as_bytes()),
    ];
    entries.extend_from_slice(more);
    zip_of(&entries)
}

#[test]
fn word_documents_say_everything_by_view() {
    let body = "<w:p><w:r><w:t>Ame</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>lia Hart</w:t></w:r></w:p>\
        <w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t xml:space=\"preserve\"> c&amp;d &#233;</w:t></w:r></w:p>\
        <w:p><w:del><w:r><w:delText>deleted words</w:delText></w:r></w:del><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins></w:p>\
        <w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>vanished</w:t></w:r><w:r><w:t>seen</w:t></w:r></w:p>\
        <w:p><w:r><w:instrText>MERGEFIELD Pupil</w:instrText></w:r><w:r><w:drawing><wp:docPr descr=\"alt words\"/></w:drawing></w:r></w:p>\
        <w:p><w:r><w:t>around </w:t></w:r><w:r><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></w:r><w:r><w:t>the box</w:t></w:r></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Need</w:t></w:r></w:p></w:tc></w:tr>\
        <w:tr><w:tc><w:p><w:r><w:t>Zoë</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>EHCP</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    let header = format!("<w:hdr {W}><w:p><w:r><w:t>header words</w:t></w:r></w:p></w:hdr>");
    let comments = format!(
        "<w:comments {W}><w:comment><w:p><w:r><w:t>comment words</w:t></w:r></w:p></w:comment></w:comments>"
    );
    let rels = b"<Relationships><Relationship Id=\"r1\" Target=\"mailto:x@y.example?subject=Linked%20Name\" TargetMode=\"External\"/></Relationships>";
    let file = docx(
        body,
        &[
            ("word/header1.xml", header.as_bytes()),
            ("word/comments.xml", comments.as_bytes()),
            ("word/_rels/document.xml.rels", rels),
            (
                "docProps/core.xml",
                b"<cp><dc:title>title words</dc:title><dc:creator>author</dc:creator></cp>",
            ),
            ("word/embeddings/sheet.csv", b"Name,Age\nKai,9\n"),
        ],
    );
    let content = attached("plan.docx", &file);
    let visible = text(&content, View::Visible);
    for words in [
        "Amelia Hart\n",
        "a\tb\n c&d é",
        "inserted",
        "seen",
        "boxed",
        "around the box",
        "header words",
        "Zoë\tEHCP",
    ] {
        assert!(visible.contains(words), "{words}: {visible}");
    }
    let hidden = text(&content, View::Hidden);
    for words in [
        "deleted words",
        "vanished",
        "MERGEFIELD Pupil",
        "alt words",
        "comment words",
        "Linked Name",
    ] {
        assert!(
            hidden.contains(words) && !visible.contains(words),
            "{words}: {hidden}"
        );
    }
    let all = lines(&content);
    assert!(
        all.contains(&"attachment:plan.docx|Table|Name\tNeed\nZoë\tEHCP".to_owned()),
        "{all:?}"
    );
    assert!(
        all.contains(&"attachment:plan.docx!sheet.csv|Table|Name\tAge\nKai\t9".to_owned()),
        "{all:?}"
    );
    assert!(
        all.contains(
            &"attachment:plan.docx (properties)|Properties|title words\nauthor\n".to_owned()
        ),
        "{all:?}"
    );
    assert_eq!(
        (content.unread.as_slice(), content.protections.as_slice()),
        (&[][..], &[][..])
    );
}

#[test]
fn a_document_of_pictures_is_unread() {
    let png = b"\x89PNG\r\n\x1a\n0000";
    let content = attached(
        "scan.docx",
        &docx("<w:p/>", &[("word/media/image1.png", png)]),
    );
    assert_eq!(reasons(&content), [UnreadReason::ImageOnly]);
    let content = attached(
        "letter.docx",
        &docx(
            "<w:p><w:r><w:t>words</w:t></w:r></w:p>",
            &[("word/media/image1.png", png)],
        ),
    );
    assert_eq!(reasons(&content), []);
}

#[test]
fn workbooks_are_tables_with_dates_and_hidden_sheets() {
    let sheet1 = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"inlineStr\"><is><t>Born</t></is></c><c r=\"D1\" t=\"str\"><v>NHS</v></c></row>\
        <row r=\"2\"><c r=\"A2\" t=\"s\"><v>1</v></c><c r=\"B2\" s=\"1\"><v>40614</v></c><c r=\"D2\"><v>9.434765919E9</v></c></row>\
        <row r=\"1048576\"><c r=\"XFD1048576\"><v>7</v></c></row></sheetData></worksheet>";
    let file = zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"Year 6\" r:id=\"r1\"/><sheet name=\"Secret\" state=\"veryHidden\" r:id=\"r2\"/></sheets><definedNames><definedName name=\"pupil\">\"Kai Moss\"</definedName></definedNames></workbook>"),
        ("xl/_rels/workbook.xml.rels", b"<Relationships><Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Target=\"/xl/worksheets/sheet2.xml\"/></Relationships>"),
        ("xl/styles.xml", b"<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"dd/mm/yyyy\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/></cellXfs></styleSheet>"),
        ("xl/sharedStrings.xml", "<sst><si><t>Pupil</t></si><si><r><t>Zo\u{eb} </t></r><r><t>Hart</t></r></si></sst>".as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet1.as_bytes()),
        ("xl/worksheets/sheet2.xml", b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>hidden cell</t></is></c></row></sheetData><headerFooter><oddHeader>page head</oddHeader></headerFooter></worksheet>"),
        ("xl/comments1.xml", b"<comments><commentList><comment><text><t>cell note</t></text></comment></commentList></comments>"),
    ]);
    let content = attached("list.xlsx", &file);
    let all = lines(&content);
    let rows = "attachment:list.xlsx (Year 6)|Table|Pupil\tBorn\t\tNHS\nZoë Hart\t12/03/2011\t\t9434765919\n";
    let far = format!(
        "attachment:list.xlsx (Year 6!row 1048575)|Table|Pupil\tBorn\t\tNHS\n{}7\n",
        "\t".repeat(64)
    );
    assert!(
        all.contains(&rows.to_owned()) && all.contains(&far),
        "{all:#?}"
    );
    assert!(
        all.contains(&"attachment:list.xlsx (Secret, hidden sheet)|Table|hidden cell\n".to_owned()),
        "{all:#?}"
    );
    let hidden = text(&content, View::Hidden);
    for words in ["cell note", "page head", "Kai Moss"] {
        assert!(hidden.contains(words), "{words}");
    }
    assert_eq!(reasons(&content), []);
}

#[test]
fn slides_and_notes_are_numbered() {
    let slide = |words: &str| format!("<p:sld><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:sld>");
    let (one, two, notes) = (
        slide("first slide"),
        slide("tenth slide"),
        slide("speaker notes"),
    );
    let file = zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("ppt/presentation.xml", b"<p:presentation/>"),
        ("ppt/slides/slide10.xml", two.as_bytes()),
        ("ppt/slides/slide2.xml", one.as_bytes()),
        ("ppt/notesSlides/notesSlide1.xml", notes.as_bytes()),
    ]);
    let all = lines(&attached("deck.pptx", &file));
    for line in [
        "attachment:deck.pptx (slide 2)|Visible|first slide\n",
        "attachment:deck.pptx (slide 10)|Visible|tenth slide\n",
        "attachment:deck.pptx (notes 1)|Visible|speaker notes\n",
    ] {
        assert!(all.contains(&line.to_owned()), "{all:?}");
    }
}

fn odf(kind: &str, content: &str, manifest: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    write!(zip, "application/vnd.oasis.opendocument.{kind}").unwrap();
    for (name, data) in [
        ("content.xml", content),
        ("META-INF/manifest.xml", manifest),
        ("meta.xml", "<m><dc:title>odf title</dc:title></m>"),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(data.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn open_documents() {
    let xml = "<office:body><text:p>Ame<text:span>lia</text:span><text:s text:c=\"2\"/>Hart</text:p><office:annotation><text:p>a note</text:p></office:annotation>\
        <table:table table:name=\"Year 6\"><table:table-row><table:table-cell><text:p>Name</text:p></table:table-cell><table:table-cell table:number-columns-repeated=\"2\"><text:p>x</text:p></table:table-cell></table:table-row>\
        <table:table-row><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row></table:table></office:body>";
    let all = lines(&attached("list.ods", &odf("spreadsheet", xml, "<m/>")));
    assert!(
        all.iter()
            .any(|line| line.starts_with("attachment:list.ods|Visible|Amelia  Hart\n")),
        "{all:?}"
    );
    assert!(
        all.contains(&"attachment:list.ods (Year 6)|Table|Name\tx\tx\n".to_owned()),
        "{all:?}"
    );
    assert!(
        all.contains(&"attachment:list.ods|Hidden|a note\n".to_owned()),
        "{all:?}"
    );
    let manifest = "<m><manifest:encryption-data><manifest:algorithm manifest:algorithm-name=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\"/></manifest:encryption-data></m>";
    assert_eq!(
        states(&attached("a.odt", &odf("text", "??", manifest))),
        [ProtectionState::Password]
    );
}

/// A PDF of these objects, numbered from 1, with a cross-reference table. The first is the catalogue.
fn pdf(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        writeln!(out, "{} 0 obj", i + 1).unwrap();
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let start = out.len();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        writeln!(table, "{offset:010} 00000 n ").unwrap();
    }
    write!(
        out,
        "{table}trailer\n<< /Size {} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    )
    .unwrap();
    out
}

fn stream(dict: &str, data: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {dict} /Length {} >>\nstream\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\nendstream");
    out
}

fn page_pdf(contents: Vec<u8>, more: &[Vec<u8>], page: &str, trailer: &str) -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> {page} >>").into_bytes(),
        contents,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    objects.extend_from_slice(more);
    pdf(&objects, trailer)
}

#[test]
fn pdf_text_forms_notes_properties_and_files() {
    let text_ops = b"BT /F1 12 Tf 50 700 Td [(Ame) -20 (lia) -400 (Hart)] TJ 0 -20 Td (next line) Tj ET BT /F1 12 Tf 50 600 Td (cell one) Tj 200 0 Td (cell two) Tj ET";
    let file = page_pdf(
        stream("", text_ops),
        &[
            b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (pupil) /V (Kai Moss) /Rect [0 0 1 1] >>"
                .to_vec(),
            b"<< /Type /Annot /Subtype /Text /Contents (a sticky note) /Rect [0 0 1 1] >>".to_vec(),
            b"<< /Title (doc title) /Author <FEFF005A006F00EB> >>".to_vec(),
            b"<< /Type /Filespec /F (inner.csv) /EF << /F 10 0 R >> >>".to_vec(),
            stream("/Type /EmbeddedFile", b"Name,Age\nZara,9\n"),
        ],
        "/Annots [6 0 R 7 0 R]",
        "/Info 8 0 R",
    );
    let content = attached("form.pdf", &file);
    let all = lines(&content);
    assert!(
        all.contains(
            &"attachment:form.pdf (page 1)|Visible|Amelia Hart\nnext line\ncell one\tcell two"
                .to_owned()
        ),
        "{all:#?}"
    );
    assert!(
        all.contains(&"attachment:form.pdf!inner.csv|Table|Name\tAge\nZara\t9".to_owned()),
        "{all:#?}"
    );
    let joined = all.join("\n");
    for words in ["pupil: Kai Moss", "a sticky note", "doc title", "Zoë"] {
        assert!(joined.contains(words), "{words}: {joined}");
    }
    assert_eq!(reasons(&content), []);
}

/// PDFs under the standard security handler, revisions 2 and 3 (40 and 128 bits), made with ISO 32000-2 algorithm 2;
/// the page says `Amelia Hart`, the password is empty or `Rosebud7`.
const PDF_OPEN_40: &str = "JVBERi0xLjQKMSAwIG9iago8PCAvVHlwZSAvQ2F0YWxvZyAvUGFnZXMgMiAwIFIgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL1R5cGUgL1BhZ2VzIC9LaWRzIFszIDAgUl0gL0NvdW50IDEgPj4KZW5kb2JqCjMgMCBvYmoKPDwgL1R5cGUgL1BhZ2UgL1BhcmVudCAyIDAgUiAvTWVkaWFCb3ggWzAgMCA2MDAgODAwXSAvQ29udGVudHMgNCAwIFIgL1Jlc291cmNlcyA8PCAvRm9udCA8PCAvRjEgNSAwIFIgPj4gPj4gPj4KZW5kb2JqCjQgMCBvYmoKPDwgL0xlbmd0aCA0MiA+PgpzdHJlYW0KKocEyWCiR4nyHiYvSMEAdcgNiy3y9s68lyX1xm/OENVSTyLSZr2Y8TDYCmVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvVHlwZSAvRm9udCAvU3VidHlwZSAvVHlwZTEgL0Jhc2VGb250IC9IZWx2ZXRpY2EgPj4KZW5kb2JqCjYgMCBvYmoKPDwgL0ZpbHRlciAvU3RhbmRhcmQgL1YgMSAvUiAyIC9PIDxjOTI0MjI2ODdmYWNlZTY4NmUzNzNmMTBiNWM3ZDA0NzM4MDUzMTUyZjdlMmVlMzBlMTFjNjllYzQ0MjU3NmFiPiAvVSA8NzhjNzlhYTBmOTQ1YTA0YTUxZmY4MjgyM2NiYjFhZDllMTFkMzFhMzczOGRkMjYwZGEyYzBiY2VjODVkNjJhNj4gL1AgLTQ0ID4+CmVuZG9iagp4cmVmCjAgNwowMDAwMDAwMDAwIDY1NTM1IGYgCjAwMDAwMDAwMDkgMDAwMDAgbiAKMDAwMDAwMDA1OCAwMDAwMCBuIAowMDAwMDAwMTE1IDAwMDAwIG4gCjAwMDAwMDAyNDEgMDAwMDAgbiAKMDAwMDAwMDMzMyAwMDAwMCBuIAowMDAwMDAwNDAzIDAwMDAwIG4gCnRyYWlsZXIKPDwgL1NpemUgNyAvUm9vdCAxIDAgUiAvRW5jcnlwdCA2IDAgUiAvSUQgWzwzMDMxMzIzMzM0MzUzNjM3MzgzOTYxNjI2MzY0NjU2Nj4gPDMwMzEzMjMzMzQzNTM2MzczODM5NjE2MjYzNjQ2NTY2Pl0gPj4Kc3RhcnR4cmVmCjU5OQolJUVPRgo=";
const PDF_OPEN_128: &str = "JVBERi0xLjQKMSAwIG9iago8PCAvVHlwZSAvQ2F0YWxvZyAvUGFnZXMgMiAwIFIgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL1R5cGUgL1BhZ2VzIC9LaWRzIFszIDAgUl0gL0NvdW50IDEgPj4KZW5kb2JqCjMgMCBvYmoKPDwgL1R5cGUgL1BhZ2UgL1BhcmVudCAyIDAgUiAvTWVkaWFCb3ggWzAgMCA2MDAgODAwXSAvQ29udGVudHMgNCAwIFIgL1Jlc291cmNlcyA8PCAvRm9udCA8PCAvRjEgNSAwIFIgPj4gPj4gPj4KZW5kb2JqCjQgMCBvYmoKPDwgL0xlbmd0aCA0MiA+PgpzdHJlYW0KtGeiSmFD7WU1Coa9F8joplKyUxXfNhpIve/GtAE7vJkqigq3boJg+vQ3CmVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvVHlwZSAvRm9udCAvU3VidHlwZSAvVHlwZTEgL0Jhc2VGb250IC9IZWx2ZXRpY2EgPj4KZW5kb2JqCjYgMCBvYmoKPDwgL0ZpbHRlciAvU3RhbmRhcmQgL1YgMiAvUiAzIC9MZW5ndGggMTI4IC9PIDw1NjZmYTg3M2VlMzNjNzk3Y2QzYjkwNGZkYWRmODE0YWZhMzRkZjlhMzhmNmVkNDFiOTg0ZTJjNmRhMmFhNmY1PiAvVSA8MmNiMjI3ZmNhNTVjNjA0NTljNzhiZTVlMmFjYjA1MDUwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD4gL1AgLTQ0ID4+CmVuZG9iagp4cmVmCjAgNwowMDAwMDAwMDAwIDY1NTM1IGYgCjAwMDAwMDAwMDkgMDAwMDAgbiAKMDAwMDAwMDA1OCAwMDAwMCBuIAowMDAwMDAwMTE1IDAwMDAwIG4gCjAwMDAwMDAyNDEgMDAwMDAgbiAKMDAwMDAwMDMzMyAwMDAwMCBuIAowMDAwMDAwNDAzIDAwMDAwIG4gCnRyYWlsZXIKPDwgL1NpemUgNyAvUm9vdCAxIDAgUiAvRW5jcnlwdCA2IDAgUiAvSUQgWzwzMDMxMzIzMzM0MzUzNjM3MzgzOTYxNjI2MzY0NjU2Nj4gPDMwMzEzMjMzMzQzNTM2MzczODM5NjE2MjYzNjQ2NTY2Pl0gPj4Kc3RhcnR4cmVmCjYxMQolJUVPRgo=";
const PDF_LOCKED_40: &str = "JVBERi0xLjQKMSAwIG9iago8PCAvVHlwZSAvQ2F0YWxvZyAvUGFnZXMgMiAwIFIgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL1R5cGUgL1BhZ2VzIC9LaWRzIFszIDAgUl0gL0NvdW50IDEgPj4KZW5kb2JqCjMgMCBvYmoKPDwgL1R5cGUgL1BhZ2UgL1BhcmVudCAyIDAgUiAvTWVkaWFCb3ggWzAgMCA2MDAgODAwXSAvQ29udGVudHMgNCAwIFIgL1Jlc291cmNlcyA8PCAvRm9udCA8PCAvRjEgNSAwIFIgPj4gPj4gPj4KZW5kb2JqCjQgMCBvYmoKPDwgL0xlbmd0aCA0MiA+PgpzdHJlYW0K4Mi5UAiq4/OUvMlWSS0Rr1jGHS5ZQdIhucJCEUGbVO7AHBOS20FYpHB0CmVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvVHlwZSAvRm9udCAvU3VidHlwZSAvVHlwZTEgL0Jhc2VGb250IC9IZWx2ZXRpY2EgPj4KZW5kb2JqCjYgMCBvYmoKPDwgL0ZpbHRlciAvU3RhbmRhcmQgL1YgMSAvUiAyIC9PIDxiM2Y0MWY1MzUzYWMwMDFlMjI4ODNmMTgwNDQ4NWIwZTcyMmI3ZmIyZDg3MGQxYjhlMDNlYzBhNGYwMWUyMTUxPiAvVSA8YmZmNzM0MTFkM2E4NGVkNGFkNTczMzYzNzdiMjBhYmEyNzY3M2ZmYzA0ZWY3NDhiNDExMjBhN2Q1ZjlhODQyMz4gL1AgLTQ0ID4+CmVuZG9iagp4cmVmCjAgNwowMDAwMDAwMDAwIDY1NTM1IGYgCjAwMDAwMDAwMDkgMDAwMDAgbiAKMDAwMDAwMDA1OCAwMDAwMCBuIAowMDAwMDAwMTE1IDAwMDAwIG4gCjAwMDAwMDAyNDEgMDAwMDAgbiAKMDAwMDAwMDMzMyAwMDAwMCBuIAowMDAwMDAwNDAzIDAwMDAwIG4gCnRyYWlsZXIKPDwgL1NpemUgNyAvUm9vdCAxIDAgUiAvRW5jcnlwdCA2IDAgUiAvSUQgWzwzMDMxMzIzMzM0MzUzNjM3MzgzOTYxNjI2MzY0NjU2Nj4gPDMwMzEzMjMzMzQzNTM2MzczODM5NjE2MjYzNjQ2NTY2Pl0gPj4Kc3RhcnR4cmVmCjU5OQolJUVPRgo=";
const PDF_LOCKED_128: &str = "JVBERi0xLjQKMSAwIG9iago8PCAvVHlwZSAvQ2F0YWxvZyAvUGFnZXMgMiAwIFIgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL1R5cGUgL1BhZ2VzIC9LaWRzIFszIDAgUl0gL0NvdW50IDEgPj4KZW5kb2JqCjMgMCBvYmoKPDwgL1R5cGUgL1BhZ2UgL1BhcmVudCAyIDAgUiAvTWVkaWFCb3ggWzAgMCA2MDAgODAwXSAvQ29udGVudHMgNCAwIFIgL1Jlc291cmNlcyA8PCAvRm9udCA8PCAvRjEgNSAwIFIgPj4gPj4gPj4KZW5kb2JqCjQgMCBvYmoKPDwgL0xlbmd0aCA0MiA+PgpzdHJlYW0KHcN5CKIpmcChW61nGjGlNT76Y7K7bII9xkGvjniUL89cWHUkmdQtoDNlCmVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvVHlwZSAvRm9udCAvU3VidHlwZSAvVHlwZTEgL0Jhc2VGb250IC9IZWx2ZXRpY2EgPj4KZW5kb2JqCjYgMCBvYmoKPDwgL0ZpbHRlciAvU3RhbmRhcmQgL1YgMiAvUiAzIC9MZW5ndGggMTI4IC9PIDwyY2JmOTU0OGMyMzMyOWUxODE4NDkwNDc2YjUwMGEwM2IwMWE5MTdhMTc2NGQyYzliOGE2NGI4ZTZlMTFmMTBmPiAvVSA8NWVmMzAxMjUzY2E4OTlhYjVhNmMzZTg0MzViOTQ4MTMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD4gL1AgLTQ0ID4+CmVuZG9iagp4cmVmCjAgNwowMDAwMDAwMDAwIDY1NTM1IGYgCjAwMDAwMDAwMDkgMDAwMDAgbiAKMDAwMDAwMDA1OCAwMDAwMCBuIAowMDAwMDAwMTE1IDAwMDAwIG4gCjAwMDAwMDAyNDEgMDAwMDAgbiAKMDAwMDAwMDMzMyAwMDAwMCBuIAowMDAwMDAwNDAzIDAwMDAwIG4gCnRyYWlsZXIKPDwgL1NpemUgNyAvUm9vdCAxIDAgUiAvRW5jcnlwdCA2IDAgUiAvSUQgWzwzMDMxMzIzMzM0MzUzNjM3MzgzOTYxNjI2MzY0NjU2Nj4gPDMwMzEzMjMzMzQzNTM2MzczODM5NjE2MjYzNjQ2NTY2Pl0gPj4Kc3RhcnR4cmVmCjYxMQolJUVPRgo=";

#[test]
fn pdf_encryption_by_who_can_open_it() {
    let file = |encoded: &str| STANDARD.decode(encoded).unwrap();
    for open in [PDF_OPEN_40, PDF_OPEN_128] {
        let content = attached("open.pdf", &file(open));
        assert_eq!(states(&content), [ProtectionState::Apparent]);
        assert!(text(&content, View::Visible).contains("Amelia Hart"));
    }
    let content = attached("locked.pdf", &file(PDF_LOCKED_128));
    assert_eq!(
        (states(&content), reasons(&content)),
        (vec![ProtectionState::Password], vec![])
    );
    assert_eq!(
        states(&attached("weak.pdf", &file(PDF_LOCKED_40))),
        [ProtectionState::Apparent]
    );
    let raw = mail(
        "The PDF opens with password: Rosebud7",
        "a.pdf",
        "application/pdf",
        &file(PDF_LOCKED_128),
    );
    let content = read_with(&raw, Limits::default(), &InProcess);
    assert_eq!(
        content.protections[0].reason,
        "the password travels with it"
    );
    assert!(text(&content, View::Visible).contains("Amelia Hart"));
}

/// A compound file of these streams, each padded into the regular FAT, in MS-CFB version 3.
fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    const FREE: u32 = u32::MAX;
    const END: u32 = 0xffff_fffe;
    let mut fat = vec![0xffff_fffd_u32];
    let mut data: Vec<u8> = Vec::new();
    let mut directory: Vec<u8> = Vec::new();
    let mut entry = |name: &str, kind: u8, start: u32, size: u32| {
        let mut raw = vec![0u8; 128];
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        raw[..units.len()].copy_from_slice(&units);
        raw[64..66].copy_from_slice(&(units.len() as u16 + 2).to_le_bytes());
        raw[66] = kind;
        raw[116..120].copy_from_slice(&start.to_le_bytes());
        raw[120..124].copy_from_slice(&size.to_le_bytes());
        directory.extend(raw);
    };
    entry("Root Entry", 5, END, 0);
    for (name, bytes) in streams {
        let size = bytes.len().max(4096).next_multiple_of(512);
        let start = fat.len() as u32;
        let sectors = (size / 512) as u32;
        fat.extend((1..sectors).map(|i| start + i));
        fat.push(END);
        data.extend_from_slice(bytes);
        data.resize(data.len() + size - bytes.len(), 0);
        entry(name, 2, start, size as u32);
    }
    directory.resize(directory.len().next_multiple_of(512), 0);
    let directory_start = fat.len() as u32;
    let sectors = (directory.len() / 512) as u32;
    fat.extend((1..sectors).map(|i| directory_start + i));
    fat.push(END);
    fat.resize(128, FREE);
    let mut out = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    out.resize(512, 0);
    out[26..28].copy_from_slice(&3u16.to_le_bytes());
    out[30..32].copy_from_slice(&9u16.to_le_bytes());
    out[44..48].copy_from_slice(&1u32.to_le_bytes());
    out[48..52].copy_from_slice(&directory_start.to_le_bytes());
    out[68..72].copy_from_slice(&END.to_le_bytes());
    for slot in 0..109usize {
        let sector = if slot == 0 { 0 } else { FREE };
        out[76 + slot * 4..80 + slot * 4].copy_from_slice(&sector.to_le_bytes());
    }
    out.extend(fat.into_iter().flat_map(u32::to_le_bytes));
    out.extend(data);
    out.extend(directory);
    out
}

#[test]
fn encrypted_office_is_told_from_old_office_and_from_pretence() {
    let package = [9u8; 5000];
    let plain = docx("<w:p/>", &[]);
    let agile = msoffice_crypto::encrypt_ooxml(&plain, "not in the message").unwrap();
    let content = attached("plan.docx", &agile);
    assert_eq!(
        (states(&content), reasons(&content)),
        (vec![ProtectionState::Password], vec![])
    );
    assert!(!content.files[0].mismatch);
    // The same head without the keys that belong to it.
    let headed = compound(&[
        ("EncryptionInfo", &[4, 0, 4, 0, 0x40, 0, 0, 0]),
        ("EncryptedPackage", &package),
    ]);
    assert_eq!(
        states(&attached("plan.docx", &headed)),
        [ProtectionState::Opaque]
    );
    let unknown = compound(&[
        ("EncryptionInfo", &[9, 0, 9, 0]),
        ("EncryptedPackage", &package),
    ]);
    assert_eq!(
        states(&attached("plan.docx", &unknown)),
        [ProtectionState::Opaque]
    );
    let both = compound(&[
        ("EncryptionInfo", &[4, 0, 4, 0]),
        ("EncryptedPackage", &package),
        ("WordDocument", b"plain"),
    ]);
    assert_eq!(
        states(&attached("plan.doc", &both)),
        [ProtectionState::Opaque]
    );
    let name: Vec<u8> = "EncryptionInfo EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let old = attached("old.doc", &compound(&[("WordDocument", &name)]));
    assert_eq!(
        (states(&old), old.unread[0].kind.as_str()),
        (vec![], "application/msword")
    );
}

#[test]
fn a_pdf_without_text_is_a_picture() {
    let content = attached(
        "scan.pdf",
        &page_pdf(stream("", b"0 0 100 100 re f"), &[], "", ""),
    );
    assert_eq!(reasons(&content), [UnreadReason::ImageOnly]);
    assert_eq!(
        reasons(&attached("bad.pdf", b"%PDF-1.7\nnothing here")),
        [UnreadReason::Broken]
    );
}

#[test]
fn archives_nest_and_names_are_said() {
    let inner = zip_of(&[("pupils/Zoë.csv", b"Name,Age\nKai,9\n")]);
    let content = attached(
        "outer.zip",
        &zip_of(&[
            ("inner.zip", &inner),
            ("note.txt", b"plain words"),
            ("empty/", b""),
        ]),
    );
    let all = lines(&content);
    assert!(
        all.contains(
            &"attachment:outer.zip!inner.zip!pupils/Zoë.csv|Table|Name\tAge\nKai\t9".to_owned()
        ),
        "{all:?}"
    );
    assert!(
        all.contains(&"attachment:outer.zip!note.txt|Visible|plain words".to_owned()),
        "{all:?}"
    );
    assert_eq!(
        (content.defects.as_slice(), reasons(&content)),
        (&[][..], vec![])
    );
    let facts: Vec<_> = content
        .files
        .iter()
        .map(|file| (file.location.to_string(), file.kind.as_str(), file.mismatch))
        .collect();
    assert!(
        facts.contains(&(
            "attachment:outer.zip!inner.zip".to_owned(),
            "application/zip",
            false
        )),
        "{facts:?}"
    );
}

fn encrypted_zip(password: &str, aes: bool) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default();
    let options = if aes {
        plain.with_aes_encryption(AesMode::Aes256, password)
    } else {
        plain
            .with_deprecated_encryption(password.as_bytes())
            .unwrap()
    };
    zip.start_file("pupils.csv", options).unwrap();
    zip.write_all(b"Name,Age\nAmelia Hart,9\n").unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn zip_encryption_by_strength_and_by_what_travels_with_it() {
    let content = attached("safe.zip", &encrypted_zip("N0t-said-anywhere", true));
    assert_eq!(states(&content), [ProtectionState::Password]);
    assert_eq!(
        content.protections[0].location.to_string(),
        "attachment:safe.zip!pupils.csv"
    );
    assert!(
        lines(&content).contains(&"attachment:safe.zip!pupils.csv|FileName|pupils.csv".to_owned())
    );
    assert!(!text(&content, View::Table).contains("Amelia"));
    assert_eq!(
        states(&attached(
            "weak.zip",
            &encrypted_zip("N0t-said-anywhere", false)
        )),
        [ProtectionState::Apparent]
    );
    for aes in [true, false] {
        let raw = mail(
            "Hello. The password for the file is Rosebud7.",
            "a.zip",
            "application/zip",
            &encrypted_zip("Rosebud7", aes),
        );
        let content = read_with(&raw, Limits::default(), &InProcess);
        assert_eq!(states(&content), [ProtectionState::Apparent]);
        assert_eq!(
            content.protections[0].reason,
            "the password travels with it"
        );
        assert!(text(&content, View::Table).contains("Amelia Hart"));
    }
}

/// Archives written to a pipe (macOS, web servers) leave sizes to a descriptor behind the data.
#[test]
fn streamed_archives_are_no_defect() {
    let mut zip = zip::ZipWriter::new_stream(Vec::new());
    for name in ["a.csv", "b.csv"] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(b"Name,Age\nKai,9\n").unwrap();
    }
    let content = attached("a.zip", &zip.finish().unwrap().into_inner());
    assert_eq!(
        (content.defects.as_slice(), reasons(&content)),
        (&[][..], vec![])
    );
    assert_eq!(text(&content, View::Table).matches("Kai").count(), 2);
}

/// One name twice, an entry the directory does not list, a header that contradicts it.
#[test]
fn archives_that_tell_two_stories_are_defects_and_read_whole() {
    let first = zip_of(&[("a.txt", b"Amelia Hart is here, in a text long enough")]);
    let second = zip_of(&[("b.txt", b"innocent words only")]);
    let joined = [first.clone(), second].concat();
    let content = attached("joined.zip", &joined);
    assert!(content.defects.contains(&Defect::ContainerMismatch));
    assert!(
        text(&content, View::Visible).contains("Amelia Hart"),
        "{:?}",
        lines(&content)
    );

    let double = zip_of(&[
        ("a.txt", b"Amelia Hart is here"),
        ("b.txt", b"innocent words only"),
    ]);
    let double = replace(&double, b"b.txt", b"a.txt");
    let content = attached("double.zip", &double);
    assert!(content.defects.contains(&Defect::ContainerMismatch));
    assert!(
        text(&content, View::Visible).contains("Amelia Hart"),
        "{:?}",
        lines(&content)
    );

    let mut lying = first;
    lying[6] |= 1;
    assert!(
        attached("lying.zip", &lying)
            .defects
            .contains(&Defect::ContainerMismatch)
    );
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = out[at..]
        .windows(from.len())
        .position(|window| window == from)
    {
        out[at + found..at + found + to.len()].copy_from_slice(to);
        at += found + to.len();
    }
    out
}

#[test]
fn bombs_stop_at_their_limits() {
    let limits = Limits {
        file_bytes: 4 << 20,
        unpacked_bytes: 16 << 20,
        ratio_grace_bytes: 1 << 20,
        ..Limits::default()
    };
    let zeros = vec![b' '; 8 << 20];
    let bomb = zip_of(&[("big.txt", &zeros)]);
    let content = read_with(
        &mail("x", "bomb.zip", "application/zip", &bomb),
        limits.clone(),
        &InProcess,
    );
    assert!(reasons(&content).contains(&UnreadReason::TooBig));
    let bomb = docx(&" ".repeat(8 << 20), &[]);
    let content = read_with(
        &mail("x", "bomb.docx", "application/zip", &bomb),
        limits,
        &InProcess,
    );
    assert!(reasons(&content).contains(&UnreadReason::TooBig));
    let mut nested = zip_of(&[("deep.txt", b"Amelia")]);
    for level in 0..20 {
        nested = zip_of(&[(format!("{level}.zip").as_str(), &nested)]);
    }
    assert_eq!(
        reasons(&attached("nested.zip", &nested)),
        [UnreadReason::TooDeep]
    );
    let many: Vec<(String, Vec<u8>)> = (0..3000)
        .map(|i| (format!("{i}.txt"), b"x".to_vec()))
        .collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|(name, data)| (name.as_str(), data.as_slice()))
        .collect();
    assert!(reasons(&attached("many.zip", &zip_of(&many))).contains(&UnreadReason::TooBig));
    let deep = docx(&"<w:tbl><w:tr><w:tc>".repeat(100_000), &[]);
    attached("tables.docx", &deep);
}

#[test]
fn what_no_reader_opens_is_said_with_its_type() {
    for (name, bytes, kind) in [
        (
            "a.7z",
            &b"7z\xbc\xaf\x27\x1c\0\x04aaaaaaaa"[..],
            "application/x-7z-compressed",
        ),
        (
            "a.bin",
            b"\x00\x01\x02\x03\x9f\x00\x05\x06\x07",
            "application/octet-stream",
        ),
        ("photo.png", b"\x89PNG\r\n\x1a\n0000", "image/png"),
    ] {
        let content = attached(name, bytes);
        assert_eq!(content.unread.len(), 1, "{name}");
        assert_eq!(content.unread[0].kind, kind);
        assert_eq!(
            content.unread[0].location.to_string(),
            format!("attachment:{name}")
        );
    }
    let content = attached("renamed.txt", &zip_of(&[("a.txt", b"x words")]));
    assert!(content.files.iter().any(|file| file.mismatch));
}

#[test]
fn a_logo_in_the_signature_is_not_unread_and_a_photo_is() {
    let build = |cid: &str, size: usize, side: u32| {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([side, side].map(u32::to_be_bytes).concat());
        png.extend([8, 2, 0, 0, 0, 1, 2, 3, 4]);
        png.extend(((size - 61) as u32).to_be_bytes());
        png.extend(b"IDAT");
        png.resize(size - 16, 7);
        png.extend(b"CRC!\0\0\0\0IEND\xaeB`\x82");
        format!(
            "Subject: x\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Hi <img src=\"cid:logo@x\"></p>\r\n\
             --b\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <{cid}>\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            STANDARD.encode(png)
        )
    };
    let unread = |raw: String| reasons(&read_with(raw.as_bytes(), Limits::default(), &InProcess));
    assert_eq!(unread(build("logo@x", 4_000, 200)), []);
    let picture = [UnreadReason::ImageOnly];
    assert_eq!(unread(build("logo@x", 200_000, 200)), picture);
    assert_eq!(unread(build("other@x", 4_000, 200)), picture);
    // A page of black words on white is small in bytes and large in pixels.
    assert_eq!(unread(build("logo@x", 4_000, 1_600)), picture);
    assert_eq!(unread(build("logo@x", 4_000, 0)), picture);
}

fn der(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, 0x84];
    out.extend((body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
    out
}

#[test]
fn smime_signed_is_read_and_enveloped_is_protection() {
    let oid = |last: u8| vec![6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, last];
    let inner = b"Content-Type: text/plain\r\n\r\nAmelia Hart has asthma\r\n";
    let encapsulated = der(0x30, &[oid(1), der(0xa0, &der(4, inner))].concat());
    let signed = der(
        0x30,
        &[vec![2, 1, 1], der(0x31, &[]), encapsulated].concat(),
    );
    let signed = der(0x30, &[oid(2), der(0xa0, &signed)].concat());
    let content = attached("smime.p7m", &signed);
    assert!(
        text(&content, View::Visible).contains("Amelia Hart has asthma"),
        "{:?}",
        lines(&content)
    );
    assert_eq!((states(&content), reasons(&content)), (vec![], vec![]));
    let detached = der(
        0x30,
        &[
            oid(2),
            der(
                0xa0,
                &der(
                    0x30,
                    &[vec![2, 1, 1], der(0x31, &[]), der(0x30, &oid(1))].concat(),
                ),
            ),
        ]
        .concat(),
    );
    let content = attached("smime.p7s", &detached);
    assert_eq!((states(&content), reasons(&content)), (vec![], vec![]));
    let enveloped = der(
        0x30,
        &[
            vec![2, 1, 0],
            der(0x31, &der(0x30, &[0; 80])),
            der(
                0x30,
                &[
                    oid(1),
                    der(0x30, &[6, 3, 0x60, 0x86, 0x48]),
                    der(0x80, &[0x9f; 64]),
                ]
                .concat(),
            ),
        ]
        .concat(),
    );
    let enveloped = der(0x30, &[oid(3), der(0xa0, &enveloped)].concat());
    assert_eq!(
        states(&attached("smime.p7m", &enveloped)),
        [ProtectionState::EndToEnd]
    );
    let hollow = der(0x30, &[oid(3), der(0xa0, &der(0x30, &[2, 1, 0]))].concat());
    assert_eq!(
        states(&attached("smime.p7m", &hollow)),
        [ProtectionState::Opaque]
    );
}

#[test]
fn text_formats_are_decoded() {
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(
            "Name\tAge\r\nZoë\t9\r\n"
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        )
        .collect();
    assert_eq!(
        text(&attached("a.csv", &wide), View::Table),
        "Name\tAge\nZoë\t9"
    );
    assert!(
        text(
            &attached("a.txt", b"Zo\xeb Applegate went to school"),
            View::Visible
        )
        .contains("Zoë Applegate")
    );
    let invite = b"BEGIN:VCALENDAR\r\nSUMMARY:Review of Ame\r\n lia Hart\r\nEND:VCALENDAR\r\n";
    assert!(text(&attached("a.ics", invite), View::Visible).contains("Amelia Hart"));
    let page = attached(
        "a.html",
        "<html><p>Zo<b>ë</b> H</p><p style='display:none'>ghost</p></html>".as_bytes(),
    );
    assert!(
        text(&page, View::Visible).contains("Zoë H") && text(&page, View::Hidden).contains("ghost")
    );
    let eml = attached("a.eml", b"From: x@y.example\r\nSubject: inner subject\r\nTo: z@y.example\r\nContent-Type: text/plain\r\n\r\ninner body\r\n");
    assert!(lines(&eml).contains(&"attachment:a.eml (subject)|Visible|inner subject".to_owned()));
    assert!(
        lines(&eml).contains(&"attachment:a.eml|Visible|inner body\n".to_owned()),
        "{:?}",
        lines(&eml)
    );
}

// Child processes: this test binary plays the child when it is started with the word below.

const CHILD_WORD: &str = "beadle-worker-child";

#[test]
fn worker_child_entry() {
    if std::env::args().any(|argument| argument == CHILD_WORD) {
        let _ = beadle::worker::child_main();
        std::process::exit(0);
    }
}

fn pool(wall: Duration) -> Pool {
    Pool::new(PoolConfig {
        program: std::env::current_exe().unwrap(),
        arguments: [
            "--exact",
            "worker_child_entry",
            CHILD_WORD,
            "--nocapture",
            "--test-threads=1",
        ]
        .map(Into::into)
        .to_vec(),
        size: 2,
        wall,
        retire_after: Duration::from_secs(5),
    })
}

#[test]
fn children_read_what_the_own_process_reads() {
    let file = docx("<w:p><w:r><w:t>Amelia Hart</w:t></w:r></w:p>", &[]);
    let raw = mail(
        "x",
        "a.zip",
        "application/zip",
        &zip_of(&[("a.docx", &file), ("b.csv", b"a,b\n1,2\n")]),
    );
    let pool = pool(Duration::from_secs(20));
    let here = read_with(&raw, Limits::default(), &InProcess);
    for _ in 0..3 {
        assert_eq!(read_with(&raw, Limits::default(), &pool), here);
    }
}

/// Thousands of trailers whose root stands in one object stream: the parser unpacks its 40 MB for each of them.
fn endless_pdf() -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(b"9 0 << /Type /Catalog >>").unwrap();
    coder.write_all(&vec![b' '; 40 << 20]).unwrap();
    let mut digits = String::new();
    for byte in coder.finish().unwrap() {
        write!(digits, "{byte:02x}").unwrap();
    }
    let mut out = b"%PDF-1.7\n1 0 obj\n".to_vec();
    out.extend(stream(
        "/Type /ObjStm /N 1 /First 4 /Filter [/ASCIIHexDecode /FlateDecode]",
        digits.as_bytes(),
    ));
    out.extend(b"\nendobj\n");
    out.extend(b"<< /Root 9 0 R >>\n".repeat(5_000));
    out.extend(b"startxref\n0\n%%EOF\n");
    out
}

#[test]
fn a_child_that_hangs_is_killed_and_the_next_file_is_read() {
    let pool = pool(Duration::from_secs(2));
    let started = Instant::now();
    let content = read_with(
        &mail("x", "bomb.pdf", "application/pdf", &endless_pdf()),
        Limits::default(),
        &pool,
    );
    assert_eq!(reasons(&content), [UnreadReason::TimedOut]);
    assert!(started.elapsed() < Duration::from_secs(10));
    let raw = mail(
        "x",
        "a.docx",
        "application/zip",
        &docx("<w:p><w:r><w:t>Amelia Hart</w:t></w:r></w:p>", &[]),
    );
    assert!(
        text(&read_with(&raw, Limits::default(), &pool), View::Visible).contains("Amelia Hart")
    );
}

#[test]
fn a_child_that_cannot_start_is_a_crash() {
    let pool = Pool::new(PoolConfig {
        program: "/nonexistent/beadle".into(),
        arguments: vec![],
        size: 1,
        wall: Duration::from_secs(2),
        retire_after: Duration::from_secs(5),
    });
    let raw = mail("x", "a.docx", "application/zip", &docx("<w:p/>", &[]));
    for _ in 0..2 {
        assert_eq!(
            reasons(&read_with(&raw, Limits::default(), &pool)),
            [UnreadReason::Crashed]
        );
    }
}

#[test]
fn a_cancelled_message_stops_and_says_so() {
    let raw = mail(
        "x",
        "a.docx",
        "application/zip",
        &docx("<w:p><w:r><w:t>Amelia</w:t></w:r></w:p>", &[]),
    );
    let budget = Budget::new(Arc::default());
    let message = parse(&raw, &budget);
    budget.cancel();
    assert!(reasons(&walk(&message, &budget, &InProcess)).contains(&UnreadReason::TimedOut));
}

fn stored_zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, data) in entries {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_file_that_is_two_things_is_read_as_both() {
    let pdf = page_pdf(
        stream("", b"BT /F1 12 Tf 50 700 Td (Menu of the week) Tj ET"),
        &[],
        "",
        "",
    );
    let note: &[u8] = b"Amelia Hart has epilepsy and sees a nurse.";
    // A stored PDF within the first kilobyte does not make the archive a PDF.
    let archive = stored_zip(&[("menu.pdf", &pdf), ("note.txt", note)]);
    let content = attached("files.zip", &archive);
    assert!(text(&content, View::Visible).contains("Amelia Hart"));
    assert_eq!(content.defects, []);
    assert_eq!(content.unread, []);
    let page = [b"<html><p>About %PDF- files: ".as_slice(), note].concat();
    assert!(text(&attached("a.html", &page), View::Visible).contains("Amelia Hart"));

    let zipped = zip_of(&[("note.txt", note)]);
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xaeB`\x82".to_vec();
    for (name, two) in [
        ("a.pdf", [pdf.as_slice(), b"\n", &zipped].concat()),
        ("a.pdf", [pdf.as_slice(), b"\n", note].concat()),
        (
            "a.pdf",
            [pdf.as_slice(), b"\n", note, b"\n%%EOF\n"].concat(),
        ),
        (
            "a.pdf",
            [b"Junk \x00\x01\x02\x03\x04", note, b"\n", &pdf].concat(),
        ),
        ("a.png", [png.as_slice(), &zipped].concat()),
        ("a.png", [png.as_slice(), note].concat()),
        (
            "a.zip",
            [zip_of(&[("x.txt", b"nothing")]), note.to_vec()].concat(),
        ),
        (
            "a.txt",
            [b"nothing to see here\n".to_vec(), zipped.clone()].concat(),
        ),
    ] {
        let content = attached(name, &two);
        let all = text(&content, View::Visible) + &text(&content, View::Hidden);
        assert!(all.contains("Amelia Hart"), "{name} {:?}", lines(&content));
    }
    let second = page_pdf(
        stream("", b"BT /F1 12 Tf 50 700 Td (Amelia Hart) Tj ET"),
        &[],
        "",
        "",
    );
    let content = attached(
        "a.zip",
        &[zip_of(&[("x.txt", b"nothing")]), second].concat(),
    );
    assert!(text(&content, View::Visible).contains("Amelia Hart"));
    assert_eq!(content.defects, [Defect::ContainerMismatch]);
}

#[test]
fn one_line_of_magic_seals_nothing() {
    let note = "Amelia Hart has epilepsy and sees a nurse.";
    for (name, kind, head) in [
        ("note.txt", "application/pgp-encrypted", ""),
        ("note.txt", "application/pgp-encrypted", "Version: 1\r\n"),
        (
            "note.txt",
            "text/plain",
            "-----BEGIN PGP SIGNATURE-----\r\n",
        ),
        (
            "note.txt",
            "text/plain",
            "-----BEGIN AGE ENCRYPTED FILE-----\r\n",
        ),
        (
            "note.age",
            "application/octet-stream",
            "age-encryption.org/v1\n",
        ),
        (
            "note.asc",
            "application/octet-stream",
            "-----BEGIN PGP MESSAGE-----\n\n",
        ),
    ] {
        let file = format!("{head}{note}");
        let raw = mail("see the file", name, kind, file.as_bytes());
        let content = read_with(&raw, Limits::default(), &InProcess);
        let all = text(&content, View::Visible) + &text(&content, View::Hidden);
        assert!(all.contains(note), "{head} {:?}", lines(&content));
        assert!(!states(&content).contains(&ProtectionState::EndToEnd));
    }
    let rights = [b"\x76\xe8\x04\x60\xc4\x11\xe3\x86", note.as_bytes()].concat();
    let content = attached("message.rpmsg", &rights);
    assert_eq!(states(&content), []);
    assert_eq!(reasons(&content), [UnreadReason::Unsupported]);
}

#[test]
fn bodies_of_other_text_types_and_unknown_charsets() {
    let body = |kind: &str, body: &str| {
        let raw = format!("Subject: x\r\nContent-Type: {kind}\r\n\r\n{body}");
        read_with(raw.as_bytes(), Limits::default(), &InProcess)
    };
    for kind in ["text/enriched", "text/richtext", "application/xhtml+xml"] {
        let content = body(kind, "Ame<bold>lia</bold> Ha<italic>rt</italic>");
        assert!(
            text(&content, View::Visible).contains("Amelia Hart"),
            "{kind}"
        );
        assert_eq!(reasons(&content), []);
    }
    let hz = body("text/plain; charset=hz-gb-2312", "~{#A#m#e#l#i#a~} x");
    assert_eq!(reasons(&hz), [UnreadReason::Broken]);
    let turned = body("text/plain; charset=utf-8", "\u{202e}traH ailemA\u{202c} x");
    assert!(text(&turned, View::Hidden).contains("Amelia Hart"));
}

#[test]
fn mailboxes_and_encoded_texts_are_opened() {
    let note = "Amelia Hart has epilepsy and sees a nurse.";
    let coded = STANDARD.encode(note);
    let mailbox = format!(
        "From a@oak.example Mon Nov 23 10:00:00 2026\nFrom: a@oak.example\nSubject: one\n\nplain\n\n\
         From b@oak.example Mon Nov 23 10:00:00 2026\nFrom: b@oak.example\nContent-Transfer-Encoding: base64\n\n{coded}\n"
    );
    let content = attached("mail.mbox", mailbox.as_bytes());
    assert!(text(&content, View::Visible).contains(note));
    assert!(
        lines(&content)
            .iter()
            .any(|line| line.contains("message-2.eml"))
    );
    let content = attached("a.txt", coded.as_bytes());
    assert!(text(&content, View::Visible).contains(note));
    assert_eq!(states(&content), [ProtectionState::Apparent]);
    // A key is no text in disguise.
    let key: Vec<u8> = (0..64u32).map(|i| (i * i * 167 + 131) as u8).collect();
    let content = attached("key.txt", STANDARD.encode(key).as_bytes());
    assert_eq!(states(&content), []);
    assert_eq!(reasons(&content), []);
}

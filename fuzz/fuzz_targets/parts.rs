//! Any bytes are one part of a zipped document, the one that the first byte picks, among whole parts: packing and checksums do not stand
//! between the mutations and the readers of sheets, texts, slides, OpenDocument and iWork.
#![no_main]

use std::io::{Cursor, Write};
use std::sync::Arc;

use beadle::extract::{FileInput, InProcess, Location, Passwords, Place, Reader};
use beadle::limits::{Budget, Limits};
use libfuzzer_sys::fuzz_target;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// The part that the input is, and the name of the document around it. `seed.py` has the same list.
const PARTS: [(&str, &str); 24] = [
    ("word/document.xml", "a.docx"),
    ("word/comments.xml", "a.docx"),
    ("word/settings.xml", "a.docx"),
    ("word/_rels/document.xml.rels", "a.docx"),
    ("docProps/custom.xml", "a.docx"),
    ("ppt/slides/slide1.xml", "a.pptx"),
    ("ppt/notesSlides/notesSlide1.xml", "a.pptx"),
    ("ppt/charts/chart1.xml", "a.pptx"),
    ("xl/workbook.xml", "a.xlsx"),
    ("xl/sharedStrings.xml", "a.xlsx"),
    ("xl/styles.xml", "a.xlsx"),
    ("xl/worksheets/sheet1.xml", "a.xlsx"),
    ("xl/comments1.xml", "a.xlsx"),
    ("xl/workbook.bin", "a.xlsb"),
    ("xl/sharedStrings.bin", "a.xlsb"),
    ("xl/styles.bin", "a.xlsb"),
    ("xl/worksheets/sheet1.bin", "a.xlsb"),
    ("xl/comments1.bin", "a.xlsb"),
    ("content.xml", "a.odt"),
    ("styles.xml", "a.odt"),
    ("META-INF/manifest.xml", "a.odt"),
    ("Index/Document.iwa", "a.pages"),
    ("xl/activeX/activeX1.bin", "a.xlsx"),
    ("word/embeddings/oleObject1.bin", "a.docx"),
];

/// Parts that stand beside it where it is not one of them; the first two of a kind make the document that kind.
const BESIDE: [(&str, &str, &[u8]); 13] = [
    ("a.docx", "[Content_Types].xml", b"<Types/>"),
    ("a.docx", "word/document.xml", b"<w:document><w:body><w:p><w:r><w:t>a</w:t></w:r></w:p></w:body></w:document>"),
    ("a.pptx", "[Content_Types].xml", b"<Types/>"),
    ("a.pptx", "ppt/presentation.xml", b"<p:presentation/>"),
    ("a.xlsx", "[Content_Types].xml", b"<Types/>"),
    ("a.xlsx", "xl/workbook.xml", b"<workbook><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"),
    ("a.xlsx", "xl/_rels/workbook.xml.rels", b"<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/></Relationships>"),
    ("a.xlsx", "xl/sharedStrings.xml", b"<sst><si><t>Name</t></si><si><t>Amelia Hart</t></si></sst>"),
    ("a.xlsx", "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>1</v></c></row></sheetData></worksheet>"),
    ("a.xlsb", "[Content_Types].xml", b"<Types/>"),
    ("a.xlsb", "xl/workbook.bin", b"\x83\x01\x00"),
    ("a.odt", "content.xml", b"<office:document-content/>"),
    ("a.pages", "Index/Document.iwa", b""),
];

/// The document with this part, every part stored as it is.
fn document(name: &str, part: &str, data: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    if name == "a.odt" {
        out.start_file("mimetype", stored)?;
        out.write_all(b"application/vnd.oasis.opendocument.text")?;
    }
    for (_, beside, whole) in BESIDE.iter().filter(|(of, beside, _)| *of == name && *beside != part) {
        out.start_file(*beside, stored)?;
        out.write_all(whole)?;
    }
    out.start_file(part, stored)?;
    out.write_all(data)?;
    Ok(out.finish()?.into_inner())
}

fuzz_target!(init: beadle_fuzz::guard(), |raw: &[u8]| {
    let Some((pick, rest)) = raw.split_first() else { return };
    let (part, name) = PARTS[usize::from(*pick) % PARTS.len()];
    let bytes = document(name, part, rest).expect("a document in memory");
    let limits = Limits {
        unpacked_bytes: 16 << 20,
        file_bytes: 8 << 20,
        ..Limits::default()
    };
    let budget = Budget::new(Arc::new(limits));
    let location = Location::of(Place::Attachment(vec![name.to_owned()]));
    let input = FileInput { location: &location, name, declared: None, bytes: &bytes, passwords: &Passwords::default() };
    let content = InProcess.read(&input, &budget);
    beadle_fuzz::no_crash(&content);
    let said: usize = content.units.iter().map(|unit| unit.text.len()).sum();
    assert!(said <= budget.limits.text_bytes);
});

//! What a PDF says and where: shown and hidden text, wrapped identifiers, forms, notes, layers, actions, attached files; and its limits.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its stage has failed"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use beadle::extract::{Content, FileInput, InProcess, Location, Place, Reader, UnreadReason, View};
use beadle::limits::{Budget, Limits};

/// A file of these objects, numbered from 1; the first is the catalogue. Readers find the objects by themselves.
fn pdf(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut table = String::new();
    for (i, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", out.len()).unwrap();
        writeln!(out, "{} 0 obj", i + 1).unwrap();
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let (start, size) = (out.len(), objects.len() + 1);
    write!(
        out,
        "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
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

fn flate(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(bytes).unwrap();
    coder.finish().unwrap()
}

/// One page of these operators; further objects count from 6.
fn page(ops: &str, catalogue: &str, page: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalogue} >>").into_bytes(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> /Properties << /L1 6 0 R >> /XObject << /X 7 0 R >> >> {page} >>").into_bytes(),
        stream("", ops.as_bytes()),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    objects.extend_from_slice(more);
    pdf(&objects, "")
}

fn read_with(bytes: &[u8], limits: Limits) -> Content {
    let location = Location::of(Place::Body).inside("a.pdf");
    let file = FileInput {
        location: &location,
        name: "a.pdf",
        declared: None,
        bytes,
        passwords: &beadle::extract::Passwords::default(),
    };
    InProcess.read(&file, &Budget::new(Arc::new(limits)))
}

fn read(bytes: &[u8]) -> Content {
    read_with(bytes, Limits::default())
}

/// Texts of a view, each with the detail of its place.
fn said(content: &Content, view: View) -> Vec<(String, String)> {
    let units = content.units.iter().filter(|unit| unit.view == view);
    units
        .map(|unit| {
            let detail = unit.location.detail.clone().unwrap_or_default();
            (detail, unit.text.clone())
        })
        .collect()
}

fn text(content: &Content, view: View) -> String {
    let said = said(content, view);
    let texts: Vec<String> = said.into_iter().map(|(_, text)| text).collect();
    texts.join("\n")
}

fn reasons(content: &Content) -> Vec<UnreadReason> {
    content.unread.iter().map(|unread| unread.reason).collect()
}

#[test]
fn pages_are_numbered_and_keep_their_order() {
    let ops = "BT /F1 12 Tf 50 100 Td (written first) Tj 0 600 Td (written second) Tj ET";
    let content = read(&page(ops, "", "", &[]));
    assert_eq!(
        said(&content, View::Visible),
        [(
            "page 1".to_owned(),
            "written first\nwritten second".to_owned()
        )]
    );
    assert_eq!(reasons(&content), []);
}

/// A table whose column is too narrow: each cell's lines stand below each other, cell after cell.
#[test]
fn identifiers_that_a_narrow_column_broke_are_in_one_piece() {
    let ops = "BT /F1 10 Tf 1 0 0 1 50 700 Tm (Amelia) Tj 1 0 0 1 50 688 Tm (Hartwell) Tj \
        1 0 0 1 120 700 Tm (A12345) Tj 1 0 0 1 120 688 Tm (6789012) Tj \
        1 0 0 1 200 700 Tm (a.hart@) Tj 1 0 0 1 200 688 Tm (oak.exa) Tj 1 0 0 1 200 676 Tm (mple) Tj \
        1 0 0 1 50 640 Tm (Kai) Tj 1 0 0 1 120 640 Tm (B1) Tj ET";
    let content = read(&page(ops, "", "", &[]));
    let hidden = text(&content, View::Hidden);
    let joined: Vec<&str> = hidden.lines().collect();
    assert_eq!(joined, ["A123456789012", "a.hart@oak.example"]);
    assert!(text(&content, View::Visible).contains("Amelia\nHartwell"));
}

#[test]
fn a_column_of_numbers_is_not_joined() {
    let mut ops = String::from("BT /F1 10 Tf ");
    for row in 0..12 {
        write!(ops, "1 0 0 1 50 {} Tm (12345) Tj ", 700 - row * 12).unwrap();
    }
    // Rows of a table stand further apart than the lines of a cell.
    ops.push_str("1 0 0 1 300 700 Tm (11111) Tj 1 0 0 1 300 680 Tm (22222) Tj ");
    // What a paragraph says stays as it is.
    ops.push_str(
        "1 0 0 1 50 400 Tm (the 1st line says) Tj 1 0 0 1 50 388 Tm (and the 2nd says) Tj ET",
    );
    assert_eq!(text(&read(&page(&ops, "", "", &[])), View::Hidden), "");
}

#[test]
fn words_broken_by_a_hyphen_are_joined() {
    let ops = "BT /F1 10 Tf 1 0 0 1 50 700 Tm (seen by Amelia Hart-) Tj 1 0 0 1 50 688 Tm (well today) Tj ET";
    let content = read(&page(ops, "", "", &[]));
    assert_eq!(
        text(&content, View::Hidden).trim(),
        "seen by Amelia Hartwell today"
    );
}

#[test]
fn text_that_no_viewer_shows_is_hidden() {
    let ops = "BT /F1 12 Tf 50 700 Td (shown) Tj 3 Tr 0 -20 Td (without ink) Tj 0 Tr 1 g 0 -20 Td (white on white) Tj \
        0 g 0 -2000 Td (below the page) Tj ET 0 0 1 rg 40 90 200 30 re f 1 g BT /F1 12 Tf 50 100 Td (white on blue) Tj ET";
    let content = read(&page(ops, "", "", &[]));
    assert_eq!(text(&content, View::Visible), "shown\nwhite on blue");
    assert_eq!(
        text(&content, View::Hidden),
        "without ink\nwhite on white\nbelow the page"
    );
}

#[test]
fn layers_that_are_switched_off_are_read() {
    let ops = "BT /F1 12 Tf 50 700 Td (shown) Tj ET /OC /L1 BDC BT /F1 12 Tf 50 600 Td (Amelia in a layer) Tj ET EMC";
    let layers = "/OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >>";
    let content = read(&page(
        ops,
        layers,
        "",
        &[b"<< /Type /OCG /Name (notes) >>".to_vec()],
    ));
    assert_eq!(text(&content, View::Visible), "shown");
    assert_eq!(
        said(&content, View::Hidden),
        [(
            "page 1, layers that are off".to_owned(),
            "Amelia in a layer".to_owned()
        )]
    );
}

#[test]
fn forms_notes_bookmarks_actions_and_properties_speak() {
    let annotations = "/Annots [ \
        << /Type /Annot /Subtype /Widget /FT /Ch /T (pupil) /V [(Zara Finch) (Kai Moss)] /Opt [[(1) (Milo Reed)] (Tess Bay)] /Rect [0 0 1 1] >> \
        << /Type /Annot /Subtype /Link /Rect [0 0 1 1] /A << /S /URI /URI (mailto:amelia@oak.example) /Next << /S /JavaScript /JS (app.alert\\('Ines Roe'\\)) >> >> >> \
        << /Type /Annot /Subtype /FreeText /Contents (a note on Theo Bell) /RC (<body><p>rich Noa Lark</p></body>) /Rect [0 0 1 1] >> ]";
    let more = [
        b"<< /Type /OCG >>".to_vec(),
        b"<< /Title (bookmark Uma Dale) /Parent 1 0 R >>".to_vec(),
        b"<< /Producer (maker) /Pupil (Ravi Cole) >>".to_vec(),
        stream(
            "",
            b"<xfa:datasets><xfa:data><name>Jude Penn</name></xfa:data></xfa:datasets>",
        ),
        stream(
            "/Type /Metadata /Subtype /XML",
            b"<x:xmpmeta><dc:title>Lena Cray</dc:title></x:xmpmeta>",
        ),
    ];
    let catalogue = "/AcroForm << /Fields [] /XFA [(datasets) 9 0 R] >>";
    let content = read(&page(
        "BT /F1 9 Tf 9 9 Td (x) Tj ET",
        catalogue,
        annotations,
        &more,
    ));
    let visible = text(&content, View::Visible);
    for words in [
        "pupil: Zara Finch Kai Moss",
        "a note on Theo Bell",
        "rich Noa Lark",
        "Jude Penn",
    ] {
        assert!(visible.contains(words), "{words}: {visible}");
    }
    let hidden = text(&content, View::Hidden);
    for words in [
        "Milo Reed",
        "Tess Bay",
        "mailto:amelia@oak.example",
        "Ines Roe",
        "bookmark Uma Dale",
    ] {
        assert!(hidden.contains(words), "{words}: {hidden}");
    }
    let properties = text(&content, View::Properties);
    for words in ["Ravi Cole", "Lena Cray"] {
        assert!(properties.contains(words), "{words}: {properties}");
    }
}

/// A file specification inside an annotation, with a stream that does not say it is a file.
#[test]
fn attached_files_are_read_wherever_they_hang() {
    let annotation = "/Annots [ << /Type /Annot /Subtype /FileAttachment /Rect [0 0 1 1] /FS << /Type /Filespec /UF (list.csv) /EF << /F 8 0 R >> >> >> ]";
    let more = [
        b"null".to_vec(),
        b"null".to_vec(),
        stream("/Filter /FlateDecode", &flate(b"Name,Age\nZara,9\n")),
    ];
    let content = read(&page("BT /F1 9 Tf 9 9 Td (x) Tj ET", "", annotation, &more));
    assert_eq!(text(&content, View::Table), "Name\tAge\nZara\t9");
    let place = content.files.last().unwrap().location.to_string();
    assert_eq!(place, "attachment:a.pdf!list.csv");
}

#[test]
fn a_page_that_does_not_decode_is_broken() {
    let mut file = page("BT /F1 9 Tf 9 9 Td (x) Tj ET", "", "", &[]);
    let at = memchr::memmem::find(&file, b"<<  /Length").unwrap();
    file.splice(at..at + 2, b"<< /Filter /DCTDecode".iter().copied());
    assert!(reasons(&read(&file)).contains(&UnreadReason::Broken));
}

/// 200 MB of blanks from 200 kB, and from 4 kB when it is packed twice; neither is decoded whole.
#[test]
fn contents_that_expand_too_far_are_not_interpreted() {
    let once = flate(&vec![b' '; 200 << 20]);
    let twice = flate(&once);
    for (filter, data) in [
        ("/FlateDecode", &once),
        ("[/FlateDecode /FlateDecode]", &twice),
    ] {
        let mut objects = vec![
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >>".to_vec(),
        ];
        objects.push(stream(&format!("/Filter {filter}"), data));
        objects.push(b"<< /Title (still read) >>".to_vec());
        let content = read(&pdf(&objects, ""));
        assert_eq!(reasons(&content), [UnreadReason::TooBig], "{filter}");
        assert!(text(&content, View::Hidden).contains("still read"));
    }
}

/// One stream of a megabyte, two hundred times on one page.
#[test]
fn a_stream_that_is_repeated_counts_each_time() {
    let contents = "4 0 R ".repeat(200);
    let objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents [{contents}] >>")
            .into_bytes(),
        stream("/Filter /FlateDecode", &flate(&vec![b' '; 1 << 20])),
    ];
    let limits = Limits {
        file_bytes: 100 << 20,
        ..Limits::default()
    };
    assert_eq!(
        reasons(&read_with(&pdf(&objects, ""), limits)),
        [UnreadReason::TooBig]
    );
}

#[test]
fn pages_beyond_the_limit_are_said() {
    let mut kids = String::from("3 0 R ");
    for number in 5..2_010 {
        write!(kids, "{number} 0 R ").unwrap();
    }
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count 2006 /MediaBox [0 0 9 9] >>").into_bytes(),
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>".to_vec(),
        stream("", b"BT 1 1 Td (x) Tj ET"),
    ];
    for _ in 5..2_010 {
        objects.push(b"<< /Type /Page /Parent 2 0 R >>".to_vec());
    }
    assert!(reasons(&read(&pdf(&objects, ""))).contains(&UnreadReason::TooBig));
}

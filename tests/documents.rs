//! Documents as schools send them, in every format: built here by code, read through the walk.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its file has failed"
)]

use std::fmt::Write as _;
use std::io::{Cursor, Write};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use beadle::extract::{Content, FileInput, InProcess, Location, Place, Reader, UnreadReason, View};
use beadle::limits::{Budget, Limits};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;

fn read(name: &str, bytes: &[u8]) -> Content {
    let location = Location::of(Place::Attachment(vec![name.to_owned()]));
    let budget = Budget::new(Arc::new(Limits::default()));
    let input = FileInput {
        location: &location,
        name,
        declared: None,
        bytes,
        passwords: &beadle::extract::Passwords::default(),
    };
    InProcess.read(&input, &budget)
}

/// The text of a view at a place, `""` for the file itself.
fn at(content: &Content, place: &str, view: View) -> String {
    content
        .units
        .iter()
        .filter(|unit| {
            unit.view == view && unit.location.to_string() == format!("attachment:{place}")
        })
        .map(|unit| unit.text.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

fn all(content: &Content) -> String {
    content
        .units
        .iter()
        .map(|unit| unit.text.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
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

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A Word document whose stories stand one after another in one piece of one-byte characters.
fn doc(stories: [&str; 5], more: &[(&str, &[u8])]) -> Vec<u8> {
    let text: String = stories.concat();
    let mut main = vec![0u8; 1024];
    main[0..4].copy_from_slice(&[0xec, 0xa5, 0xc1, 0]);
    main[11] = 2;
    main[32] = 14;
    main[62] = 22;
    main[152] = 93;
    for (field, story) in [76, 80, 84, 88, 92].into_iter().zip(stories) {
        main[field..field + 4].copy_from_slice(&(story.len() as u32).to_le_bytes());
    }
    let mut pieces = vec![2u8];
    pieces.extend(16u32.to_le_bytes());
    pieces.extend(0u32.to_le_bytes());
    pieces.extend((text.len() as u32).to_le_bytes());
    pieces.extend([0, 0]);
    pieces.extend((0x4000_0000u32 | 2048).to_le_bytes());
    pieces.extend([0, 0]);
    main[0x1a2..0x1a6].copy_from_slice(&0u32.to_le_bytes());
    main[0x1a6..0x1aa].copy_from_slice(&(pieces.len() as u32).to_le_bytes());
    main.extend(text.bytes());
    let mut streams: Vec<(&str, &[u8])> = vec![("WordDocument", &main), ("1Table", &pieces)];
    streams.extend_from_slice(more);
    compound(&streams)
}

/// A property set with one string of a code page.
fn summary(title: &str) -> Vec<u8> {
    let mut set = vec![0xfe, 0xff, 0, 0, 0, 0, 0, 0];
    set.extend([0; 16]);
    set.extend(1u32.to_le_bytes());
    set.extend([0; 16]);
    set.extend(48u32.to_le_bytes());
    set.extend([
        0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 16, 0, 0, 0, 0x1e, 0, 0, 0,
    ]);
    set.extend((title.len() as u32).to_le_bytes());
    set.extend(title.bytes());
    set
}

fn native(name: &str, data: &[u8]) -> Vec<u8> {
    let mut native = vec![0, 0, 0, 0, 2, 0];
    for text in [name, name] {
        native.extend(text.bytes());
        native.push(0);
    }
    native.extend([0, 0, 3, 0]);
    native.extend((name.len() as u32 + 1).to_le_bytes());
    native.extend(name.bytes());
    native.push(0);
    native.extend((data.len() as u32).to_le_bytes());
    native.extend(data);
    native
}

#[test]
fn old_word_documents_say_every_story_and_what_is_embedded() {
    let inner = biff();
    let inner = compound(&[("Workbook", &inner)]);
    let bytes = doc(
        [
            "Amelia Hart\rsecond\r",
            "foot note\r",
            "page header\r",
            "",
            "her comment\r",
        ],
        &[
            ("\u{5}SummaryInformation", &summary("Plan for Kai Moss")),
            (
                "ObjectPool/_1/\u{1}Ole10Native",
                &native("list.csv", b"Name,UPN\nZara Bell,1\n"),
            ),
            ("ObjectPool/_2/Package", &inner),
        ],
    );
    let content = read("plan.doc", &bytes);
    let said = all(&content);
    for words in ["Amelia Hart", "foot note", "page header", "her comment"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(
        at(&content, "plan.doc (properties)", View::Properties).trim(),
        "Plan for Kai Moss"
    );
    assert_eq!(
        at(&content, "plan.doc!list.csv", View::Table),
        "Name\tUPN\nZara Bell\t1"
    );
    assert!(at(&content, "plan.doc!embedded.xls (Pupils)", View::Table).contains("Zoë"));
    assert!(content.unread.is_empty(), "{:?}", content.unread);
    assert_eq!(content.files[0].kind, "application/msword");
}

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = kind.to_le_bytes().to_vec();
    record.extend((data.len() as u16).to_le_bytes());
    record.extend(data);
    record
}

/// A workbook of BIFF8 with a shown and a very hidden sheet.
fn biff() -> Vec<u8> {
    let bof = |kind: u8| record(0x809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let bound = |at: u32, hidden: u8, name: &str| {
        let mut data = at.to_le_bytes().to_vec();
        data.extend([hidden, 0, name.len() as u8, 0]);
        data.extend(name.bytes());
        record(0x85, &data)
    };
    let build = |first: u32, second: u32| {
        let mut globals = bof(5);
        globals.extend(record(0xe0, &[0; 20]));
        let mut date = [0u8; 20];
        date[2] = 14;
        globals.extend(record(0xe0, &date));
        globals.extend(bound(first, 0, "Pupils"));
        globals.extend(bound(second, 2, "Old"));
        let mut strings = vec![3, 0, 0, 0, 3, 0, 0, 0];
        strings.extend(b"\x04\0\0Name\x03\0\x01");
        strings.extend(wide("Zoë"));
        strings.extend(b"\x06\0\0unused");
        globals.extend(record(0xfc, &strings));
        globals.extend(record(0x0a, &[]));
        globals
    };
    let mut sheet = bof(16);
    sheet.extend(record(0x14, b"\x0c\0\0&CYear 7 set"));
    sheet.extend(record(0xfd, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    sheet.extend(record(0xfd, &[4, 0, 0, 0, 0, 0, 1, 0, 0, 0]));
    sheet.extend(record(
        0xbd,
        &[
            &[4, 0, 1, 0, 1, 0][..],
            &((40_614u32 << 2) | 2).to_le_bytes(),
            &[1, 0],
        ]
        .concat(),
    ));
    sheet.extend(record(
        0x06,
        &[
            4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0,
        ],
    ));
    sheet.extend(record(0x207, b"\x04\0\0EHCP"));
    sheet.extend(record(
        0x1b6,
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0],
    ));
    sheet.extend(record(0x3c, b"\0a remark"));
    sheet.extend(record(0x0a, &[]));
    let mut other = bof(16);
    other.extend(record(0x204, b"\0\0\0\0\0\0\x03\0\0Kai"));
    other.extend(record(0x0a, &[]));
    let first = build(0, 0).len() as u32;
    let mut stream = build(first, first + sheet.len() as u32);
    stream.extend(sheet);
    stream.extend(other);
    stream
}

#[test]
fn old_workbooks_are_tables_by_row_with_all_that_hides() {
    let content = read("list.xls", &compound(&[("Workbook", &biff())]));
    assert_eq!(
        at(&content, "list.xls (Pupils)", View::Table),
        "Name\n\n\n\nZoë\t12/03/2011\tEHCP\n"
    );
    assert_eq!(
        at(&content, "list.xls (Old, hidden sheet)", View::Table),
        "Kai\n"
    );
    let hidden = all(&content);
    for words in ["a remark", "Year 7 set", "unused"] {
        assert!(hidden.contains(words), "{words}: {hidden}");
    }
    assert!(content.unread.is_empty(), "{:?}", content.unread);
}

#[test]
fn old_presentations_say_slides_and_comments() {
    let atom = |kind: u16, data: &[u8]| {
        let mut atom = vec![0, 0];
        atom.extend(kind.to_le_bytes());
        atom.extend((data.len() as u32).to_le_bytes());
        atom.extend(data);
        atom
    };
    let mut stream = vec![0x0f, 0, 0xee, 3, 0xff, 0, 0, 0];
    stream.extend(atom(0x0fa0, &wide("Zoë Hart\rsecond line")));
    stream.extend(atom(0x0fa8, b"Kai Moss"));
    stream.extend(atom(0x0fba, &wide("her remark")));
    let content = read("talk.ppt", &compound(&[("PowerPoint Document", &stream)]));
    let said = all(&content);
    for words in ["Zoë Hart\nsecond line", "Kai Moss", "her remark"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn rich_text_says_hidden_words_tables_and_objects() {
    let mut object = vec![1, 5, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0];
    object.extend(b"Package\0\0\0\0\0\0\0\0\0");
    let packed = &native("notes.txt", b"Kai Moss has asthma")[4..];
    object.extend((packed.len() as u32).to_le_bytes());
    object.extend(packed);
    let mut hex = String::new();
    for byte in &object {
        write!(hex, "{byte:02x}").unwrap();
    }
    let text = format!(
        "{{\\rtf1\\ansi\\ansicpg1252{{\\fonttbl{{\\f0 Arial;}}}}{{\\info{{\\title Her plan}}}}\\f0 Zo\\'eb Hart\\par{{\\v hidden words}}\\par\
         \\trowd\\cellx1000\\cellx2000\\intbl Name\\cell Need\\cell\\row\\trowd\\cellx1000\\cellx2000\\intbl Zara\\cell EHCP\\cell\\row\\pard\\par\
         {{\\field{{\\*\\fldinst HYPERLINK \"mailto:z@y.example\"}}{{\\fldrslt her mail}}}}\
         {{\\object\\objemb{{\\*\\objdata {hex}}}}}{{\\*\\other kept aside}}}}"
    );
    let content = read("plan.rtf", text.as_bytes());
    assert!(at(&content, "plan.rtf", View::Visible).contains("Zoë Hart"));
    assert!(at(&content, "plan.rtf", View::Hidden).contains("hidden words"));
    assert!(at(&content, "plan.rtf", View::Hidden).contains("kept aside"));
    assert!(all(&content).contains("mailto:z@y.example"));
    assert_eq!(
        at(&content, "plan.rtf (table 1)", View::Table).trim(),
        "Name\tNeed\nZara\tEHCP"
    );
    assert_eq!(
        at(&content, "plan.rtf!notes.txt", View::Visible),
        "Kai Moss has asthma"
    );
    assert!(content.unread.is_empty(), "{:?}", content.unread);
    assert!(!content.files[0].mismatch);
    assert!(
        read("plan.doc", text.as_bytes())
            .files
            .iter()
            .all(|file| !file.mismatch)
    );
    assert!(read("plan.pdf", text.as_bytes()).files[0].mismatch);
}

#[test]
fn outlook_items_say_bodies_people_and_attachments() {
    let mut header = vec![0u8; 32];
    header.extend([3, 0, 0xfd, 0x3f, 0, 0, 0, 0]);
    header.extend(1251u64.to_le_bytes());
    let csv = b"Name,DOB\nKai Moss,1/2/2011\n";
    let bytes = compound(&[
        ("__properties_version1.0", &header),
        ("__substg1.0_0037001F", &wide("About Amelia Hart")),
        ("__substg1.0_1000001E", b"\xc0\xed\xed\xe0 and words"),
        ("__substg1.0_10130102", b"<p>shown as <b>page</b></p>"),
        ("__substg1.0_8001001F", &wide("a named value")),
        (
            "__recip_version1.0_#00000000/__substg1.0_3001001F",
            &wide("Ms Bell"),
        ),
        (
            "__attach_version1.0_#00000000/__substg1.0_3707001F",
            &wide("list.csv"),
        ),
        ("__attach_version1.0_#00000000/__substg1.0_37010102", csv),
        (
            "__attach_version1.0_#00000001/__substg1.0_3001001F",
            &wide("Inner"),
        ),
        (
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0",
            &header,
        ),
        (
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_1000001F",
            &wide("Zara Bell inside"),
        ),
    ]);
    let content = read("mail.msg", &bytes);
    assert_eq!(
        at(&content, "mail.msg (subject)", View::Visible),
        "About Amelia Hart"
    );
    let body = at(&content, "mail.msg", View::Visible);
    assert!(
        body.contains("Анна and words") && body.contains("shown as page"),
        "{body}"
    );
    assert!(at(&content, "mail.msg (properties)", View::Properties).contains("a named value"));
    assert!(at(&content, "mail.msg (recipients)", View::Properties).contains("Ms Bell"));
    assert_eq!(
        at(&content, "mail.msg!list.csv", View::Table),
        "Name\tDOB\nKai Moss\t1/2/2011"
    );
    assert_eq!(
        at(&content, "mail.msg!Inner.msg", View::Visible),
        "Zara Bell inside"
    );
    assert!(content.unread.is_empty(), "{:?}", content.unread);
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
    let mut properties = 1u32.to_le_bytes().to_vec();
    properties.extend([0x02, 0x01, 0x13, 0x10, 1, 0, 0, 0]);
    let page = b"<p>Amelia Hart</p>";
    properties.extend((page.len() as u32).to_le_bytes());
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

#[test]
fn winmail_is_opened() {
    let content = read("winmail.dat", &tnef());
    assert_eq!(
        at(&content, "winmail.dat (subject)", View::Visible),
        "Her plan"
    );
    assert_eq!(
        at(&content, "winmail.dat", View::Visible).trim(),
        "Amelia Hart"
    );
    assert_eq!(
        at(&content, "winmail.dat!list.csv", View::Table),
        "Name\tUPN\nKai\t1"
    );
    assert!(content.unread.is_empty(), "{:?}", content.unread);
    let cut = read("winmail.dat", &tnef()[..60]);
    assert_eq!(cut.unread[0].reason, UnreadReason::Broken);
}

#[test]
fn binary_workbooks_are_tables() {
    let part = |records: &[(u16, Vec<u8>)]| {
        let mut out = Vec::new();
        for (kind, data) in records {
            if *kind < 0x80 {
                out.push(*kind as u8);
            } else {
                out.extend([(*kind & 0x7f) as u8 | 0x80, (*kind >> 7) as u8]);
            }
            out.push(data.len() as u8);
            out.extend(data);
        }
        out
    };
    let string = |text: &str| {
        let mut out = (text.encode_utf16().count() as u32).to_le_bytes().to_vec();
        out.extend(wide(text));
        out
    };
    let sheet = part(&[
        (0, vec![0, 0, 0, 0]),
        (6, [vec![0, 0, 0, 0, 0, 0, 0, 0], string("Name")].concat()),
        (0, vec![2, 0, 0, 0]),
        (7, vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ]);
    let strings = part(&[(19, [vec![0], string("Zoë Hart")].concat())]);
    let book = part(&[(
        156,
        [
            vec![1, 0, 0, 0, 1, 0, 0, 0],
            string("rId1"),
            string("Pupils"),
        ]
        .concat(),
    )]);
    let comments = part(&[(637, [vec![0], string("her remark")].concat())]);
    let bytes = zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.bin", &book),
        ("xl/_rels/workbook.bin.rels", b"<Relationships><Relationship Id='rId1' Target='worksheets/sheet1.bin'/></Relationships>"),
        ("xl/sharedStrings.bin", &strings),
        ("xl/worksheets/sheet1.bin", &sheet),
        ("xl/comments1.bin", &comments),
    ]);
    let content = read("list.xlsb", &bytes);
    assert_eq!(
        at(&content, "list.xlsb (Pupils, hidden sheet)", View::Table),
        "Name\n\nZoë Hart\n"
    );
    assert_eq!(
        at(&content, "list.xlsb (comments1)", View::Hidden).trim(),
        "her remark"
    );
    assert!(content.unread.is_empty(), "{:?}", content.unread);
}

#[test]
fn cards_and_calendars_are_decoded() {
    let file = STANDARD.encode(b"Name,UPN\nKai,1\n");
    let card = format!(
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Hart;Zo=\r\n=C3=AB;;;\r\nNOTE:EHCP\\, since\r\n  May\r\nPHOTO;ENCODING=b:{file}\r\nEND:VCARD\r\n"
    );
    let content = read("her.vcf", card.as_bytes());
    assert!(at(&content, "her.vcf", View::Visible).contains("NOTE:EHCP, since May"));
    assert_eq!(at(&content, "her.vcf", View::Hidden).trim(), "Zoë Hart");
    assert!(at(&content, "her.vcf!photo-1.txt", View::Visible).contains("Kai,1"));
    let event = format!(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Review of\n  Kai Moss\nATTACH;FILENAME=list.csv;VALUE=BINARY;ENCODING=BASE64:{file}\nEND:VEVENT\nEND:VCALENDAR\n"
    );
    let content = read("review.ics", event.as_bytes());
    assert!(at(&content, "review.ics", View::Visible).contains("SUMMARY:Review of Kai Moss"));
    assert_eq!(
        at(&content, "review.ics!list.csv", View::Table),
        "Name\tUPN\nKai\t1"
    );
}

#[test]
fn records_of_xml_and_json_are_tables() {
    let xml = "<?xml version=\"1.0\"?><CTFile><Pupil><UPN>A1</UPN><Surname>Hart</Surname><Forename>Zoë</Forename></Pupil>\
               <Pupil Note='asthma'><Surname>Moss</Surname></Pupil></CTFile>";
    let content = read("transfer.xml", xml.as_bytes());
    assert_eq!(
        at(&content, "transfer.xml (Pupil)", View::Table),
        "UPN\tSurname\tForename\tNote\nA1\tHart\tZoë\t\n\tMoss\t\tasthma"
    );
    let json = "{\"class\":\"7B\",\"pupils\":[{\"name\":\"Zo\\u00eb Hart\",\"upn\":\"A1\"},{\"name\":\"Kai Moss\",\"upn\":\"B2\"}]}";
    let content = read("export.json", json.as_bytes());
    assert_eq!(
        at(&content, "export.json (pupils)", View::Table),
        "name\tupn\nZoë Hart\tA1\nKai Moss\tB2"
    );
    assert!(at(&content, "export.json", View::Visible).contains("name: Zoë Hart\n"));
    assert_eq!(content.files[0].kind, "application/json");
}

#[test]
fn apple_documents_say_their_strings() {
    let payload = "\u{a}\u{c}Zoë Hart 7B".as_bytes().to_vec();
    let mut plain = vec![6, 8, 1, 0x12, 2, 0x18, payload.len() as u8];
    plain.extend(&payload);
    let packed = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
    let mut archive = vec![0, packed.len() as u8, 0, 0];
    archive.extend(packed);
    let bytes = zip_of(&[
        ("Index/Document.iwa", &archive),
        ("Metadata/Properties.plist", b"x"),
    ]);
    let content = read("plan.pages", &bytes);
    assert!(at(&content, "plan.pages (Document)", View::Visible).contains("Zoë Hart 7B"));
    assert!(content.unread.is_empty() && !content.files[0].mismatch);
    let tables = zip_of(&[
        ("Index/Document.iwa", &archive),
        ("Index/Tables/Tile.iwa", &archive),
    ]);
    assert_eq!(
        read("list.numbers", &tables).unread[0].reason,
        UnreadReason::Unsupported
    );
}

#[test]
fn notebooks_and_databases_show_their_runs_and_say_they_are_unread() {
    let mut bytes = b"\0\x01\0\0Standard ACE DB\0\x01\x02".to_vec();
    bytes.extend(wide("Zoë Hart asthma"));
    let content = read("pupils.accdb", &bytes);
    assert!(at(&content, "pupils.accdb", View::Hidden).contains("Zoë Hart asthma"));
    assert_eq!(content.unread[0].reason, UnreadReason::Unsupported);
    let mut section = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    section.extend(wide("Kai Moss"));
    section.extend(b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac");
    section.extend(14u64.to_le_bytes());
    section.extend([0; 12]);
    section.extend(b"Amelia Hart 7B");
    let content = read("notes.one", &section);
    assert!(at(&content, "notes.one", View::Hidden).contains("Kai Moss"));
    assert!(at(&content, "notes.one!embedded.txt", View::Visible).contains("Amelia Hart 7B"));
}

#[test]
fn texts_in_any_encoding() {
    let text = "Zoë Hart, £5 for Kai";
    let utf16le: Vec<u8> = wide(text);
    let utf16be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let bom = [b"\xff\xfe".to_vec(), utf16le.clone()].concat();
    let utf32 = |little: bool, bom: bool| {
        let mut out = Vec::new();
        let chars = bom.then_some('\u{feff}').into_iter().chain(text.chars());
        for c in chars {
            let unit = c as u32;
            out.extend(if little {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            });
        }
        out
    };
    for bytes in [
        text.as_bytes().to_vec(),
        utf16le,
        utf16be,
        bom,
        utf32(true, true),
        utf32(false, true),
        utf32(true, false),
        utf32(false, false),
        b"Zo\xeb Hart, \xa35 for Kai".to_vec(),
    ] {
        let content = read("a.txt", &bytes);
        assert_eq!(at(&content, "a.txt", View::Visible), text, "{bytes:02x?}");
    }
}

#[test]
fn mailboxes_part_at_messages_and_not_at_sentences() {
    let mailbox = b"From a@oak.example Sat Nov 28 07:00:00 2026\nFrom: a@oak.example\nSubject: first\n\nwords\n\nFrom time to time Amelia Hart is ill\n>From here\n\n\
        From b@oak.example Sat Nov 28 08:00:00 2026\nFrom: b@oak.example\nSubject: second\n\nKai Moss\n";
    let content = read("old.mbox", mailbox);
    let first = at(&content, "old.mbox!message-1.eml", View::Visible);
    assert!(
        first.contains("From time to time Amelia Hart is ill"),
        "{first}"
    );
    assert_eq!(
        at(&content, "old.mbox!message-2.eml", View::Visible).trim(),
        "Kai Moss"
    );
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a.doc", doc(["Amelia Hart\r", "note\r", "", "", "remark\r"], &[("\u{5}SummaryInformation", &summary("x y"))])),
        ("a.xls", compound(&[("Workbook", &biff())])),
        ("a.rtf", b"{\\rtf1{\\fonttbl{\\f0\\fcharset204 A;}}\\f0 Zo\\'eb \\u233?\\par\\intbl a\\cell b\\cell\\row{\\object{\\*\\objdata 0105000002}}{\\pict 8950}}".to_vec()),
        ("a.dat", tnef()),
        ("a.vcf", b"BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:a=\nb;c\nPHOTO;ENCODING=b:aGVsbG8=\nEND:VCARD\n".to_vec()),
        ("a.json", b"{\"a\":[{\"b\":1,\"c\":2},{\"b\":3}]}".to_vec()),
        ("a.xml", b"<?xml version=\"1.0\"?><a><b c='1'><d>2</d></b><b><d>3</d></b></a>".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn damaged_files_end_as_something_bounded(
        pick in 0usize..7,
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
    ) {
        let (name, mut bytes) = samples().swap_remove(pick);
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        if pick % 2 == 0 {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        let content = read(name, &bytes);
        prop_assert!(content.unread.iter().all(|unread| unread.reason != UnreadReason::Crashed));
        let said: usize = content.units.iter().map(|unit| unit.text.len()).sum();
        prop_assert!(said <= 64 * bytes.len() + 4096, "{said} from {}", bytes.len());
    }
}

//! What protects and what only seems to: states and reasons of files built here, and passwords that travel with a message.
//!
//! Files of the real programs are in `tests/formats/`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its file has failed"
)]

use std::fmt::Write as _;
use std::io::{Cursor, Write};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use beadle::extract::{Content, InProcess, ProtectionState, UnreadReason, View, walk};
use beadle::limits::{Budget, Limits};
use beadle::mime::parse;
use msoffice_crypto::{EncryptParams, encrypt_ooxml_standard, encrypt_ooxml_with_params};
use zip::AesMode;
use zip::unstable::write::FileOptionsExt;
use zip::write::SimpleFileOptions;

const SECRET: &str = "Amelia Hart, epilepsy";

struct Mail<'a> {
    subject: &'a str,
    body: &'a str,
    files: Vec<(&'a str, Vec<u8>)>,
}

fn encoded(bytes: &[u8]) -> String {
    let mut out = String::new();
    for line in STANDARD.encode(bytes).as_bytes().chunks(76) {
        out.push_str(std::str::from_utf8(line).unwrap());
        out.push_str("\r\n");
    }
    out
}

impl Mail<'_> {
    fn read_with(&self, limits: Limits) -> Content {
        let mut raw = format!(
            "From: a@oak.example\r\nSubject: {}\r\nDate: Mon, 4 May 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n",
            self.subject, self.body
        );
        for (name, bytes) in &self.files {
            write!(
                raw,
                "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n{}",
                encoded(bytes)
            )
            .unwrap();
        }
        raw.push_str("--b--\r\n");
        let budget = Budget::new(Arc::new(limits));
        walk(&parse(raw.as_bytes(), &budget), &budget, &InProcess)
    }

    fn read(&self) -> Content {
        self.read_with(Limits::default())
    }
}

fn attached(name: &str, bytes: Vec<u8>) -> Content {
    said("see the file", name, bytes)
}

fn said(body: &str, name: &str, bytes: Vec<u8>) -> Content {
    let files = vec![(name, bytes)];
    Mail {
        subject: "x",
        body,
        files,
    }
    .read()
}

fn states(content: &Content) -> Vec<(ProtectionState, &'static str)> {
    content
        .protections
        .iter()
        .map(|part| (part.state, part.reason))
        .collect()
}

fn reasons(content: &Content) -> Vec<UnreadReason> {
    content.unread.iter().map(|unread| unread.reason).collect()
}

fn says(content: &Content, words: &str) -> bool {
    content
        .units
        .iter()
        .any(|unit| unit.view != View::FileName && unit.text.contains(words))
}

const TRAVELS: (ProtectionState, &str) =
    (ProtectionState::Apparent, "the password travels with it");

fn zip(entries: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn aes(password: &str) -> SimpleFileOptions {
    // The options borrow the word for as long as the test runs.
    let word: &'static str = Box::leak(password.to_owned().into_boxed_str());
    SimpleFileOptions::default().with_aes_encryption(AesMode::Aes256, word)
}

fn docx() -> Vec<u8> {
    let document = format!(
        "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>{SECRET}</w:t></w:r></w:p></w:body></w:document>"
    );
    let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>";
    zip(
        &[
            ("[Content_Types].xml", types.as_bytes()),
            ("word/document.xml", document.as_bytes()),
        ],
        SimpleFileOptions::default(),
    )
}

fn quick() -> EncryptParams {
    EncryptParams {
        spin_count: 1_000,
        ..EncryptParams::default()
    }
}

#[test]
fn where_a_password_may_stand() {
    let file = |word: &str| zip(&[("list.txt", SECRET.as_bytes())], aes(word));
    for (subject, body, name, word) in [
        ("Password: Rosebud7", "x", "a.zip", "Rosebud7"),
        (
            "x",
            "The passcode for the document is Rosebud7, thanks",
            "a.zip",
            "Rosebud7",
        ),
        ("x", "pw = Rosebud7", "a.zip", "Rosebud7"),
        (
            "x",
            "Please use 'open sesame' to open it.",
            "a.zip",
            "open sesame",
        ),
        (
            "x",
            "The password is correct horse battery",
            "a.zip",
            "correct horse battery",
        ),
        (
            "x",
            "The password is her date of birth (3 March 2011).",
            "a.zip",
            "03032011",
        ),
        ("x", "She was born 3/3/11.", "a.zip", "03/03/2011"),
        ("x", "The file opens with Teal42", "a.zip", "Teal42"),
        ("x", "x", "list - password Teal42.zip", "Teal42"),
        // The day it was sent, and what everybody chooses.
        ("x", "x", "a.zip", "04052026"),
        ("x", "x", "a.zip", "Password1"),
    ] {
        let content = Mail {
            subject,
            body,
            files: vec![(name, file(word))],
        }
        .read();
        assert_eq!(
            states(&content),
            [TRAVELS],
            "{word} in {subject} {body} {name}"
        );
        assert!(says(&content, SECRET));
    }
    let content = said(
        "The password follows by telephone.",
        "a.zip",
        file("Rosebud7"),
    );
    let password = (
        ProtectionState::Password,
        "AES-encrypted entry of a ZIP archive",
    );
    assert_eq!(states(&content), [password]);
    assert!(!says(&content, SECRET) && reasons(&content).is_empty());
}

#[test]
fn one_attachment_opens_another_in_any_order() {
    let locked = zip(&[("list.txt", SECRET.as_bytes())], aes("Rosebud7"));
    let note = b"Dear Jo,\nthe password for the list is: Rosebud7\n".to_vec();
    let packed = zip(&[("note.txt", &note)], SimpleFileOptions::default());
    for files in [
        vec![("a.zip", locked.clone()), ("note.txt", note.clone())],
        vec![("note.txt", note.clone()), ("a.zip", locked.clone())],
        vec![("a.zip", locked.clone()), ("b.zip", packed.clone())],
        // In the archive itself.
        vec![(
            "a.zip",
            zip(
                &[("n.txt", &note), ("b.zip", &locked)],
                SimpleFileOptions::default(),
            ),
        )],
        // The name of one file is the password of another.
        vec![
            ("a.zip", locked.clone()),
            ("Rosebud7.txt", b"nothing".to_vec()),
        ],
    ] {
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        let content = Mail {
            subject: "x",
            body: "x",
            files: files.clone(),
        }
        .read();
        assert_eq!(states(&content), [TRAVELS], "{names:?}");
        assert!(says(&content, SECRET), "{names:?}");
        let facts = content
            .files
            .iter()
            .filter(|file| file.location.to_string().ends_with("list.txt"));
        assert_eq!(facts.count(), 1, "{names:?}");
    }
}

#[test]
fn zipcrypto_is_told_right_to_the_checksum_and_is_weak_without_a_password() {
    let options = SimpleFileOptions::default()
        .with_deprecated_encryption(b"Rosebud7")
        .unwrap();
    let file = zip(&[("list.txt", SECRET.as_bytes())], options);
    // Enough wrong words that some pass the check of one byte.
    let words: Vec<String> = (0..300).map(|i| format!("\"wrong-{i}\"")).collect();
    for chunk in words.chunks(30) {
        let content = said(&chunk.join(" "), "a.zip", file.clone());
        let weak = (
            ProtectionState::Apparent,
            "the archive uses the weak cipher ZipCrypto",
        );
        assert_eq!(states(&content), [weak]);
        assert_eq!(reasons(&content), [UnreadReason::Unsupported]);
    }
    let content = said("password: Rosebud7", "a.zip", file);
    assert_eq!(states(&content), [TRAVELS]);
    assert!(says(&content, SECRET) && reasons(&content).is_empty());
}

#[test]
fn office_documents_under_aes() {
    let agile = encrypt_ooxml_with_params(&docx(), "Rosebud7", quick()).unwrap();
    let standard = encrypt_ooxml_standard(&docx(), "Rosebud7").unwrap();
    for file in [agile.clone(), standard] {
        let content = attached("plan.docx", file.clone());
        let password = (
            ProtectionState::Password,
            "Office document encrypted with AES",
        );
        assert_eq!(states(&content), [password]);
        assert_eq!(reasons(&content), []);
        let content = said("password: Rosebud7", "plan.docx", file);
        assert_eq!(states(&content), [TRAVELS]);
        assert!(says(&content, SECRET));
    }
    // What opens for everyone.
    let open = encrypt_ooxml_with_params(&docx(), "VelvetSweatshop", quick()).unwrap();
    let content = attached("plan.xlsx", open);
    assert_eq!(content.protections[0].state, ProtectionState::Apparent);
    assert!(says(&content, SECRET));
    // A copy inside another container is found as well.
    let packed = zip(&[("plan.docx", &agile)], SimpleFileOptions::default());
    let content = said("password: Rosebud7", "a.zip", packed);
    assert_eq!(states(&content), [TRAVELS]);
    assert!(says(&content, SECRET));
}

#[test]
fn more_rounds_than_office_writes_are_refused() {
    let file = encrypt_ooxml_with_params(&docx(), "Rosebud7", quick()).unwrap();
    let text = b"spinCount=\"1000\"";
    let at = file.windows(text.len()).position(|w| w == text).unwrap();
    let mut many = file.clone();
    // The same length: the digits, and the space after the attribute.
    many[at..at + text.len()].copy_from_slice(b"spinCount=\"9999\"");
    let content = said("password: Rosebud7", "a.docx", many);
    assert_eq!(content.protections[0].state, ProtectionState::Password);
    let mut odd = file;
    odd[at..at + text.len()].copy_from_slice(b"spinCount=\"9e99\"");
    let content = said("password: Rosebud7", "a.docx", odd);
    assert_eq!(content.protections[0].state, ProtectionState::Opaque);
    assert_eq!(reasons(&content), [UnreadReason::Unsupported]);
}

/// A compound file with these streams.
fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (name, data) in streams {
        if let Some((storage, _)) = name.rsplit_once('/').filter(|(s, _)| !s.is_empty()) {
            file.create_storage_all(storage).unwrap();
        }
        let mut stream = file.create_stream(name).unwrap();
        stream.write_all(data).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn cipher(length: usize) -> Vec<u8> {
    let mut word = 77u32;
    (0..length)
        .map(|_| {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (word >> 24) as u8
        })
        .collect()
}

#[test]
fn rights_management_and_what_only_claims() {
    let data = cipher(9000);
    let rights = compound(&[
        ("/\u{6}DataSpaces/DataSpaceInfo/DRMEncryptedDataSpace", b"x"),
        ("/EncryptedPackage", &data),
    ]);
    let content = attached("plan.docx", rights);
    assert_eq!(content.protections[0].state, ProtectionState::RightsManaged);
    let old = compound(&[
        ("/WordDocument", b"placeholder"),
        ("/\u{9}DRMContent", &data),
    ]);
    let content = attached("plan.doc", old);
    assert_eq!(content.protections[0].state, ProtectionState::RightsManaged);
    for streams in [
        // Extensible encryption, a version nobody defined, and a package that is plain text.
        [
            ("/EncryptionInfo", &b"\x04\0\x03\0aaaa"[..]),
            ("/EncryptedPackage", &data),
        ],
        [
            ("/EncryptionInfo", b"\x07\0\x09\0aaaa"),
            ("/EncryptedPackage", &data),
        ],
        [
            ("/EncryptionInfo", b"\x04\0\x04\0aaaa"),
            ("/EncryptedPackage", SECRET.as_bytes()),
        ],
        [
            ("/EncryptionInfo", b"\x04\0\x04\0aaaa"),
            ("/EncryptedPackage", &data),
        ],
    ] {
        let content = attached("plan.docx", compound(&streams));
        assert_eq!(content.protections.len(), 1, "{content:?}");
        assert_eq!(content.protections[0].state, ProtectionState::Opaque);
        assert_eq!(reasons(&content), [UnreadReason::Unsupported]);
    }
}

/// A workbook: BOF, records, and bytes to the size of a large stream.
fn workbook(records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut record = |kind: u16, body: &[u8]| {
        stream.extend(kind.to_le_bytes());
        stream.extend((body.len() as u16).to_le_bytes());
        stream.extend(body);
    };
    record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for (kind, body) in records {
        record(*kind, body);
    }
    for _ in 0..3 {
        record(0x00fc, &cipher(3000));
    }
    record(0x000a, b"");
    compound(&[("/Workbook", &stream)])
}

#[test]
fn old_ciphers_are_weak_wherever_the_record_stands() {
    // XOR: type 0, a key and a verifier that fit no word here.
    let pass: &[u8] = &[0, 0, 0x34, 0x12, 0x78, 0x56];
    for records in [
        vec![(0x002f, pass)],
        vec![(0x0086, &b""[..]), (0x002f, pass)],
    ] {
        let content = said("password: Rosebud7", "list.xls", workbook(&records));
        let weak = (
            ProtectionState::Apparent,
            "Office document under a cipher that can be broken",
        );
        assert_eq!(states(&content), [weak]);
        assert_eq!(reasons(&content), [UnreadReason::Unsupported]);
    }
    let content = attached("list.xls", workbook(&[(0x0086, b"")]));
    assert_eq!(states(&content), []);
}

#[test]
fn locks_that_hide_nothing() {
    let types: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");
    let book = |book: &str, sheet: &str| {
        let sheet = format!(
            "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>{SECRET}</t></is></c></row></sheetData>{sheet}</worksheet>"
        );
        let book =
            format!("<workbook>{book}<sheets><sheet name=\"a\" r:id=\"r1\"/></sheets></workbook>");
        zip(
            &[
                types,
                ("xl/workbook.xml", book.as_bytes()),
                ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
            ],
            SimpleFileOptions::default(),
        )
    };
    let changes = "locked against changes only: everyone can read it";
    let request = "read-only by request only: everyone can read it";
    for (file, reason) in [
        (
            book("", "<sheetProtection sheet=\"1\" objects=\"1\"/>"),
            changes,
        ),
        (
            book("<workbookProtection lockStructure=\"1\"/>", ""),
            changes,
        ),
        (
            book("<fileSharing readOnlyRecommended=\"1\"/>", ""),
            request,
        ),
    ] {
        let content = attached("list.xlsx", file);
        assert_eq!(states(&content), [(ProtectionState::Apparent, reason)]);
        assert!(says(&content, SECRET) && reasons(&content).is_empty());
    }
    for file in [
        book("<fileSharing userName=\"Jo\"/>", ""),
        book("<workbookProtection lockStructure=\"0\"/>", ""),
        book(
            "",
            "<sheetProtection sheet=\"false\"/><!-- sheetProtection is off -->",
        ),
    ] {
        assert_eq!(states(&attached("list.xlsx", file)), []);
    }
    let settings = |text: &str| {
        let body = format!(
            "<w:document><w:body><w:p><w:r><w:t>{SECRET}</w:t></w:r></w:p></w:body></w:document>"
        );
        zip(
            &[
                types,
                ("word/document.xml", body.as_bytes()),
                ("word/settings.xml", text.as_bytes()),
            ],
            SimpleFileOptions::default(),
        )
    };
    for (text, count) in [
        (
            "<w:settings><w:documentProtection w:edit=\"readOnly\" w:enforcement=\"1\"/></w:settings>",
            1,
        ),
        (
            "<w:settings><w:documentProtection w:edit=\"readOnly\" w:enforcement=\"0\"/></w:settings>",
            0,
        ),
        (
            "<w:settings><w:writeProtection w:recommended=\"1\"/></w:settings>",
            1,
        ),
    ] {
        let content = attached("plan.docx", settings(text));
        assert_eq!(states(&content).len(), count, "{text}");
        assert!(says(&content, SECRET));
    }
}

/// DER: a tag, a length, the contents.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![tag];
    if body.len() < 128 {
        out.push(body.len() as u8);
    } else {
        out.push(0x84);
        out.extend((body.len() as u32).to_be_bytes());
    }
    out.extend(body);
    out
}

const ENVELOPED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const AES: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a";
const RC2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x03\x02";

fn enveloped(recipient: u8, cipher_oid: &[u8], data: &[u8]) -> Vec<u8> {
    let info = der(
        0x30,
        &[
            &der(6, &[DATA]),
            &der(0x30, &[&der(6, &[cipher_oid]), &der(4, &[&[9; 16]])]),
            &der(0x80, &[data]),
        ],
    );
    let body = der(
        0x30,
        &[
            &der(2, &[&[0]]),
            &der(0x31, &[&der(recipient, &[&[5; 200]])]),
            &info,
        ],
    );
    der(0x30, &[&der(6, &[ENVELOPED]), &der(0xa0, &[&body])])
}

#[test]
fn envelopes_by_recipient_cipher_and_content() {
    let data = cipher(400);
    let person = enveloped(0x30, AES, &data);
    let content = attached("smime.p7m", person.clone());
    assert_eq!(content.protections[0].state, ProtectionState::EndToEnd);
    let text = format!(
        "-----BEGIN PKCS7-----\n{}-----END PKCS7-----\n",
        encoded(&person)
    );
    let content = attached("smime.pem", text.into_bytes());
    assert_eq!(content.protections[0].state, ProtectionState::EndToEnd);
    let content = attached("smime.p7m", enveloped(0xa3, AES, &data));
    assert_eq!(content.protections[0].state, ProtectionState::Password);
    let content = attached("smime.p7m", enveloped(0x30, RC2, &data));
    assert_eq!(content.protections[0].state, ProtectionState::Apparent);
    assert_eq!(reasons(&content), [UnreadReason::Unsupported]);
    let content = attached(
        "smime.p7m",
        enveloped(0x30, AES, &SECRET.repeat(20).into_bytes()),
    );
    assert_eq!(content.protections[0].state, ProtectionState::Opaque);
    assert_eq!(reasons(&content), [UnreadReason::Unsupported]);
    assert!(says(&content, SECRET));
}

#[test]
fn compressed_mail_is_read() {
    let inner = format!("Content-Type: text/plain\r\n\r\n{SECRET}\r\n");
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(inner.as_bytes()).unwrap();
    let packed = zlib.finish().unwrap();
    let content_info = der(
        0x30,
        &[
            &der(6, &[DATA]),
            &der(0xa0, &[&der(0x24, &[&der(4, &[&packed])])]),
        ],
    );
    let body = der(
        0x30,
        &[
            &der(2, &[&[0]]),
            &der(
                0x30,
                &[&der(6, &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x08"])],
            ),
            &content_info,
        ],
    );
    let oid = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09";
    let file = der(0x30, &[&der(6, &[oid]), &der(0xa0, &[&body])]);
    let content = attached("smime.p7z", file);
    assert!(says(&content, SECRET), "{content:?}");
    assert_eq!((states(&content), reasons(&content)), (vec![], vec![]));
}

fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xc0 | tag, 255];
    out.extend((body.len() as u32).to_be_bytes());
    out.extend(body);
    out
}

fn literal(name: &str, text: &str) -> Vec<u8> {
    let mut body = vec![b'b', name.len() as u8];
    body.extend(name.as_bytes());
    body.extend([0; 4]);
    body.extend(text.as_bytes());
    packet(11, &body)
}

fn armour(packets: &[u8]) -> String {
    format!(
        "-----BEGIN PGP MESSAGE-----\n\n{}-----END PGP MESSAGE-----\n",
        encoded(packets).replace("\r\n", "\n")
    )
}

#[test]
fn pgp_without_encryption_is_read_through() {
    let mut deflate = flate2::write::DeflateEncoder::new(vec![1], flate2::Compression::default());
    let one_pass = packet(4, &[3, 0, 8, 1, 1, 2, 3, 4, 5, 6, 7, 8, 1]);
    let signature = packet(2, &[vec![4], cipher(90)].concat());
    let signed = [
        one_pass.as_slice(),
        &literal("list.txt", SECRET),
        &signature,
    ]
    .concat();
    deflate.write_all(&signed).unwrap();
    let compressed = packet(8, &deflate.finish().unwrap());
    // In chunks: 512 bytes, then the rest.
    let long = SECRET.repeat(30);
    let body = [b"b\x01x\0\0\0\0".as_slice(), long.as_bytes()].concat();
    let mut chunked = vec![0xcb, 0xe9];
    chunked.extend(&body[..512]);
    let rest = &body[512..];
    assert!(rest.len() < 192);
    chunked.push(rest.len() as u8);
    chunked.extend(rest);
    let apparent = (
        ProtectionState::Apparent,
        "OpenPGP armour without encryption",
    );
    for packets in [literal("", SECRET), signed, compressed, chunked] {
        for file in [packets.clone(), armour(&packets).into_bytes()] {
            let content = attached("mail.pgp", file);
            assert_eq!(states(&content), [apparent]);
            assert!(says(&content, SECRET), "{content:?}");
            assert_eq!(reasons(&content), []);
        }
        let body = format!("Hello\r\n{}", armour(&packets).replace('\n', "\r\n"));
        let content = said(&body, "nothing.txt", b"nothing".to_vec());
        assert!(says(&content, SECRET));
        assert!(
            states(&content).contains(&apparent),
            "{:?}",
            states(&content)
        );
    }
}

#[test]
fn pgp_and_age_by_password_are_no_end_to_end() {
    let session = packet(3, &[4, 9, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8, 96]);
    let data = packet(18, &[vec![1], cipher(300)].concat());
    let key = packet(1, &[vec![3], cipher(200)].concat());
    for (packets, state) in [
        (
            [session.clone(), data.clone()].concat(),
            ProtectionState::Password,
        ),
        (
            [key.clone(), data.clone()].concat(),
            ProtectionState::EndToEnd,
        ),
        ([key, session, data].concat(), ProtectionState::EndToEnd),
    ] {
        for file in [packets.clone(), armour(&packets).into_bytes()] {
            let content = attached("list.gpg", file);
            assert_eq!(content.protections[0].state, state);
            assert_eq!(reasons(&content), []);
        }
    }
    let mac = "m".repeat(43);
    for (stanza, state) in [
        (
            format!("-> scrypt {} 18", "s".repeat(22)),
            ProtectionState::Password,
        ),
        (format!("-> X25519 {mac}"), ProtectionState::EndToEnd),
    ] {
        let head = format!("age-encryption.org/v1\n{stanza}\n{mac}\n--- {mac}\n");
        let content = attached("list.age", [head.as_bytes(), &cipher(100)].concat());
        assert_eq!(content.protections[0].state, state, "{stanza}");
    }
}

#[test]
fn words_are_never_shown_and_trying_is_bounded() {
    let content = said(
        "password: Rosebud7",
        "a.zip",
        zip(&[("a.txt", b"nothing")], aes("Rosebud7")),
    );
    let shown = format!("{:?} {:?}", content.protections, content.unread);
    assert!(!shown.contains("Rosebud7"));
    // Each of these costs 150 ms of the allowance, and none opens.
    let file = encrypt_ooxml_with_params(
        &docx(),
        "not in the message",
        EncryptParams {
            spin_count: 250_000,
            ..EncryptParams::default()
        },
    )
    .unwrap();
    let words: Vec<String> = (0..30).map(|i| format!("\"wrong-{i}\"")).collect();
    let files: Vec<(&str, Vec<u8>)> = (0..6).map(|_| ("a.docx", file.clone())).collect();
    let limits = Limits {
        password_ms: 500,
        ..Limits::default()
    };
    let started = std::time::Instant::now();
    let content = Mail {
        subject: "x",
        body: &words.join(" "),
        files,
    }
    .read_with(limits);
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    assert_eq!(content.protections.len(), 6);
}

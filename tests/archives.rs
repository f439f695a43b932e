//! Archives of every format, built here by the crates that read them: every name, every byte, nested, cut, joined and under limits.
//!
//! What other programs write is in `tests/formats/`.
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
use beadle::mime::{Defect, parse};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod};

const SECRET: &[u8] = b"Amelia Hart, epilepsy\n";

/// A message with a body and attachments.
fn mail(body: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = format!(
        "From: a@oak.example\r\nSubject: x\r\nDate: Sat, 28 Nov 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\n{body}\r\n"
    );
    for (name, bytes) in files {
        write!(
            out,
            "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        )
        .unwrap();
        for line in STANDARD.encode(bytes).as_bytes().chunks(76) {
            out.push_str(std::str::from_utf8(line).unwrap());
            out.push_str("\r\n");
        }
    }
    out.push_str("--b--\r\n");
    out.into_bytes()
}

fn read(body: &str, files: &[(&str, &[u8])], limits: Limits) -> Content {
    let budget = Budget::new(Arc::new(limits));
    let raw = mail(body, files);
    walk(&parse(&raw, &budget), &budget, &InProcess)
}

fn attached(name: &str, bytes: &[u8]) -> Content {
    read("see the file", &[(name, bytes)], Limits::default())
}

fn places(content: &Content, words: &str) -> Vec<String> {
    content
        .units
        .iter()
        .filter(|unit| unit.view != View::FileName && unit.text.contains(words))
        .map(|unit| unit.location.to_string())
        .collect()
}

fn names(content: &Content) -> Vec<&str> {
    content
        .units
        .iter()
        .filter(|unit| unit.view == View::FileName)
        .map(|unit| unit.text.as_str())
        .collect()
}

fn reasons(content: &Content) -> Vec<UnreadReason> {
    content.unread.iter().map(|unread| unread.reason).collect()
}

fn states(content: &Content) -> Vec<ProtectionState> {
    content.protections.iter().map(|part| part.state).collect()
}

/// Says everything, at this place, and nothing is unread.
#[track_caller]
fn holds(content: &Content, place: &str) {
    assert_eq!(places(content, "Amelia Hart"), [place], "{content:?}");
    assert_eq!(reasons(content), [], "{content:?}");
}

fn gz(bytes: &[u8], name: &str) -> Vec<u8> {
    let mut out = flate2::GzBuilder::new()
        .filename(name)
        .write(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out =
        lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn sevenz(entries: &[(&str, &[u8])], password: Option<&str>) -> Vec<u8> {
    let mut out = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let mut methods = vec![EncoderConfiguration::new(EncoderMethod::LZMA2)];
    if let Some(password) = password {
        let options = sevenz_rust2::encoder_options::AesEncoderOptions::new(password.into());
        methods.insert(0, options.into());
    }
    out.set_content_methods(methods);
    out.set_encrypt_header(false);
    for (name, bytes) in entries {
        out.push_archive_entry(ArchiveEntry::new_file(name), Some(Cursor::new(*bytes)))
            .unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// A cabinet with one folder of stored blocks (MS-CAB).
fn cab(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let data: Vec<u8> = entries
        .iter()
        .flat_map(|(_, bytes)| bytes.to_vec())
        .collect();
    let mut files = Vec::new();
    let mut offset = 0u32;
    for (name, bytes) in entries {
        files.extend((bytes.len() as u32).to_le_bytes());
        files.extend(offset.to_le_bytes());
        files.extend([0u8; 8]);
        files.extend(name.as_bytes());
        files.push(0);
        offset += bytes.len() as u32;
    }
    let start = 36 + 8;
    let block = start + files.len();
    let mut out = b"MSCF\0\0\0\0".to_vec();
    out.extend(((block + 8 + data.len()) as u32).to_le_bytes());
    out.extend([0u8; 4]);
    out.extend((start as u32).to_le_bytes());
    out.extend([0, 0, 0, 0, 3, 1, 1, 0]);
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend([0u8; 6]);
    out.extend((block as u32).to_le_bytes());
    out.extend([1, 0, 0, 0]);
    out.extend(files);
    out.extend([0u8; 4]);
    out.extend((data.len() as u16).to_le_bytes());
    out.extend((data.len() as u16).to_le_bytes());
    out.extend(data);
    out
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn every_format_says_what_it_holds() {
    holds(
        &attached("list.txt.gz", &gz(SECRET, "x")),
        "attachment:list.txt.gz!list.txt",
    );
    holds(
        &attached("list.txt.bz2", &bz2(SECRET)),
        "attachment:list.txt.bz2!list.txt",
    );
    holds(
        &attached("list.txt.xz", &xz(SECRET)),
        "attachment:list.txt.xz!list.txt",
    );
    holds(
        &attached("list.txt.zst", &zst(SECRET)),
        "attachment:list.txt.zst!list.txt",
    );
    for (name, file) in [
        ("a.tar", tar(&[("in/list.txt", SECRET)])),
        ("a.7z", sevenz(&[("in/list.txt", SECRET)], None)),
        ("a.cab", cab(&[("in/list.txt", SECRET)])),
        // The name is no help.
        ("a.doc", cab(&[("in/list.txt", SECRET)])),
    ] {
        let content = attached(name, &file);
        holds(&content, &format!("attachment:{name}!in/list.txt"));
        assert!(names(&content).contains(&"in/list.txt"), "{content:?}");
    }
}

#[test]
fn archives_in_archives_in_any_order() {
    let inner = sevenz(&[("list.txt", SECRET)], None);
    let file = gz(
        &tar(&[("a.cab", &cab(&[("b.zip", &zip(&[("c.7z", &inner)]))]))]),
        "",
    );
    holds(
        &attached("all.tgz", &file),
        "attachment:all.tgz!all.tar!a.cab!b.zip!c.7z!list.txt",
    );
    let file = xz(&bz2(&zst(&gz(SECRET, ""))));
    assert_eq!(places(&attached("x", &file), "Amelia Hart").len(), 1);
    let mut deep = SECRET.to_vec();
    for _ in 0..12 {
        deep = gz(&deep, "");
    }
    let content = attached("deep.gz", &deep);
    assert_eq!(reasons(&content), [UnreadReason::TooDeep]);
}

#[test]
fn members_are_joined_and_what_follows_is_read() {
    let mut file = [gz(b"Amelia ", "first name"), gz(b"Hart", "second")].concat();
    let content = attached("two.gz", &file);
    holds(&content, "attachment:two.gz!two");
    assert!(
        names(&content).contains(&"first name\nsecond"),
        "{content:?}"
    );
    file.extend([0u8; 700]);
    holds(&attached("two.gz", &file), "attachment:two.gz!two");
    for packed in [
        gz(b"nothing", ""),
        bz2(b"nothing"),
        xz(b"nothing"),
        zst(b"nothing"),
        tar(&[("a.txt", b"nothing")]),
        sevenz(&[("a.txt", b"nothing")], None),
        cab(&[("a.txt", b"nothing")]),
    ] {
        let content = attached("a", &[packed.as_slice(), SECRET].concat());
        assert_eq!(
            places(&content, "Amelia Hart"),
            ["attachment:a"],
            "{content:?}"
        );
        let content = attached("a", &[packed.as_slice(), &zip(&[("l", SECRET)])].concat());
        assert_eq!(places(&content, "Amelia Hart").len(), 1, "{content:?}");
        assert_eq!(content.defects, [Defect::ContainerMismatch]);
    }
    // Archives that were joined: tar reads on, as `tar --ignore-zeros` does.
    let two = [tar(&[("a", b"nothing")]), tar(&[("b", SECRET)])].concat();
    holds(&attached("two.tar", &two), "attachment:two.tar!b");
    let skipped = [
        b"\x50\x2a\x4d\x18\x16\0\0\0".as_slice(),
        SECRET,
        &zst(b"nothing"),
    ]
    .concat();
    assert_eq!(places(&attached("a.zst", &skipped), "Amelia Hart").len(), 1);
}

#[test]
fn cut_files_are_read_as_far_as_they_go_and_said() {
    let mut long = SECRET.to_vec();
    let mut word = 12_345u32;
    while long.len() < 200_000 {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        long.extend(format!("{word} ").as_bytes());
    }
    for (name, packed) in [
        ("a.gz", gz(&long, "")),
        ("a.bz2", bz2(&long)),
        ("a.zst", zst(&long)),
        ("a.tar", tar(&[("a", &long)])),
        ("a.7z", sevenz(&[("a", &long)], None)),
    ] {
        let content = attached(name, &packed[..packed.len() - 100]);
        assert_eq!(reasons(&content), [UnreadReason::Broken], "{name}");
    }
    let packed = gz(&long, "");
    let content = attached("a.gz", &packed[..packed.len() - 100]);
    assert_eq!(places(&content, "Amelia Hart").len(), 1);
}

#[test]
fn links_and_long_names_are_names() {
    let mut tar = tar::Builder::new(Vec::new());
    let long = format!("{}/Amelia Hart.txt", "d".repeat(200));
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    tar.append_data(&mut header.clone(), &long, &b""[..])
        .unwrap();
    header.set_entry_type(tar::EntryType::Link);
    tar.append_link(&mut header.clone(), "hard", "Kai Brook.txt")
        .unwrap();
    header.set_entry_type(tar::EntryType::Symlink);
    tar.append_link(&mut header, "soft", "Noor Malik.txt")
        .unwrap();
    tar.append_pax_extensions([
        ("path", "Ivy Stone.txt".as_bytes()),
        ("comment", b"said Lena Frost"),
    ])
    .unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(2);
    tar.append_data(&mut header, "short", &b"ok"[..]).unwrap();
    let content = attached("a.tar", &tar.into_inner().unwrap());
    let names = names(&content).join("\n");
    for name in [
        "Amelia Hart",
        "Kai Brook",
        "Noor Malik",
        "Ivy Stone",
        "hard",
        "soft",
    ] {
        assert!(names.contains(name), "{name}: {names}");
    }
    assert_eq!(places(&content, "Lena Frost").len(), 1);
}

#[test]
fn old_tape_archives_have_only_a_checksum() {
    let mut file = tar(&[("list.txt", SECRET)]);
    file[257..265].fill(0);
    file[148..156].fill(b' ');
    let sum: u32 = file[..512].iter().map(|byte| u32::from(*byte)).sum();
    file[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    holds(&attached("old", &file), "attachment:old!list.txt");
    file[0] ^= 1;
    assert_eq!(places(&attached("old", &file), "Amelia Hart").len(), 0);
}

#[test]
fn bombs_end_at_the_limits() {
    let zeros = vec![0u8; 40 << 20];
    for (name, packed) in [
        ("a.gz", gz(&zeros, "")),
        ("a.bz2", bz2(&zeros)),
        ("a.xz", xz(&zeros)),
        ("a.zst", zst(&zeros)),
        ("a.7z", sevenz(&[("a", &zeros)], None)),
    ] {
        let content = attached(name, &packed);
        assert!(
            reasons(&content).contains(&UnreadReason::TooBig),
            "{name} {:?}",
            reasons(&content)
        );
    }
    let many: Vec<(String, &[u8])> = (0..60).map(|i| (format!("f{i}"), SECRET)).collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|(name, data)| (name.as_str(), *data))
        .collect();
    let limits = Limits {
        files: 20,
        ..Limits::default()
    };
    for packed in [tar(&many), sevenz(&many, None), cab(&many)] {
        let content = read("x", &[("a", &packed)], limits.clone());
        assert!(reasons(&content).contains(&UnreadReason::TooBig));
        assert!(places(&content, "Amelia Hart").len() < 20);
    }
}

#[test]
fn a_dictionary_that_is_declared_is_not_made() {
    // XZ: the dictionary's size stands in the block header, whose checksum is made anew; 40 stands for 4 GiB less one byte.
    let mut file = xz(SECRET);
    let at = file[..64]
        .windows(2)
        .position(|pair| pair == [0x21, 1])
        .unwrap()
        + 2;
    file[at] = 40;
    let end = 12 + (usize::from(file[12]) + 1) * 4 - 4;
    let mut crc = flate2::Crc::new();
    crc.update(&file[12..end]);
    file[end..end + 4].copy_from_slice(&crc.sum().to_le_bytes());
    assert_eq!(reasons(&attached("a.xz", &file)), [UnreadReason::TooBig]);
    // LZMA: 1 GiB in the header.
    let mut file = b"\x5d\0\0\0\x40\xff\xff\xff\xff\xff\xff\xff\xff\0".to_vec();
    file.extend([1u8; 40]);
    assert_eq!(reasons(&attached("a.lzma", &file)), [UnreadReason::TooBig]);
    // Zstandard: a window of 8 GiB.
    let file = b"\x28\xb5\x2f\xfd\x00\xb8\x01\x00\x00";
    assert_eq!(
        reasons(&attached("a.zst", file)),
        [UnreadReason::Unsupported]
    );
}

#[test]
fn programs_that_unpack_themselves() {
    let mut stub = b"MZ\x90\0\x03\0\0\0".to_vec();
    stub.extend((0..5000u32).map(|i| ((i * i) >> 3) as u8));
    // The program itself holds the signatures it looks for.
    stub.extend(b"7z\xbc\xaf\x27\x1c Rar!\x1a\x07\x00 MSCF\0\0\0\0");
    stub.extend([0u8; 64]);
    for (payload, name) in [
        (sevenz(&[("l", SECRET)], None), "payload.7z"),
        (cab(&[("l", SECRET)]), "payload.cab"),
        (zip(&[("l", SECRET)]), "payload.zip"),
    ] {
        let file = [stub.as_slice(), &payload].concat();
        let content = attached("list.exe", &file);
        holds(&content, &format!("attachment:list.exe!{name}!l"));
    }
    assert_eq!(
        reasons(&attached("tool.exe", &stub)),
        [UnreadReason::Unsupported]
    );
}

#[test]
fn a_password_in_the_message_opens_7z() {
    let file = sevenz(
        &[("list.txt", SECRET), ("more.txt", SECRET)],
        Some("Rosebud7"),
    );
    let content = attached("a.7z", &file);
    assert_eq!(states(&content), [ProtectionState::Password]);
    assert!(names(&content).contains(&"list.txt") && reasons(&content).is_empty());
    let limits = Limits::default();
    let content = read(
        "The password is Rosebud7.",
        &[("a.7z", &file)],
        limits.clone(),
    );
    assert_eq!(states(&content), [ProtectionState::Apparent]);
    assert_eq!(places(&content, "Amelia Hart").len(), 2);
    // The word stands in a file that is attached after it.
    let note: &[u8] = b"The code for the other file is Rosebud7";
    let content = read("x", &[("a.7z", &file), ("note.txt", note)], limits);
    assert_eq!(states(&content), [ProtectionState::Apparent]);
}

fn rar(
    version: rars::ArchiveVersion,
    entries: &[(&str, &[u8])],
    password: Option<&str>,
    names: bool,
) -> Vec<u8> {
    let mut rar = rars::Builder::new(version)
        .password(password.map(|word| word.as_bytes().to_vec()))
        .header_encryption(names);
    for (name, data) in entries {
        rar.add_bytes(name.as_bytes().to_vec(), data.to_vec(), None, None)
            .unwrap();
    }
    rar.to_bytes().unwrap()
}

#[test]
fn rar_of_every_age() {
    use rars::ArchiveVersion as V;
    let entries: [(&str, &[u8]); 2] = [("in/list.txt", SECRET), ("more.txt", b"nothing")];
    for version in [V::Rar15, V::Rar20, V::Rar29, V::Rar50, V::Rar70] {
        let file = rar(version, &entries, None, false);
        holds(&attached("a.rar", &file), "attachment:a.rar!in/list.txt");
        let after = [file.as_slice(), b"Kai Brook, asthma"].concat();
        assert_eq!(
            places(&attached("a.rar", &after), "Kai Brook"),
            ["attachment:a.rar"],
            "{version:?}"
        );
        let closed = rar(version, &entries, Some("Rosebud7"), false);
        let content = attached("a.rar", &closed);
        let old = matches!(version, V::Rar15 | V::Rar20);
        let (state, unread) = if old {
            (ProtectionState::Apparent, vec![UnreadReason::Unsupported])
        } else {
            (ProtectionState::Password, vec![])
        };
        assert_eq!(
            (states(&content), reasons(&content)),
            (vec![state], unread),
            "{version:?}"
        );
        assert!(names(&content).contains(&"in/list.txt"));
        let content = read(
            "password: Rosebud7",
            &[("a.rar", &closed)],
            Limits::default(),
        );
        assert_eq!(states(&content), [ProtectionState::Apparent], "{version:?}");
        holds(&content, "attachment:a.rar!in/list.txt");
    }
    for version in [V::Rar40, V::Rar50] {
        let closed = rar(version, &entries, Some("Rosebud7"), true);
        let content = attached("a.rar", &closed);
        assert_eq!(states(&content), [ProtectionState::Password], "{version:?}");
        assert!(!names(&content).contains(&"in/list.txt"));
        let content = read(
            "password: Rosebud7",
            &[("a.rar", &closed)],
            Limits::default(),
        );
        assert_eq!(states(&content), [ProtectionState::Apparent], "{version:?}");
        holds(&content, "attachment:a.rar!in/list.txt");
    }
    let zeros = vec![0u8; 40 << 20];
    let bomb = rar(V::Rar50, &[("a", &zeros)], None, false);
    assert_eq!(reasons(&attached("a.rar", &bomb)), [UnreadReason::TooBig]);
    let file = rar(V::Rar50, &entries, None, false);
    let exe = [b"MZ\x90\0\x03\0\0\0".as_slice(), &[7u8; 900], &file].concat();
    holds(
        &attached("a.exe", &exe),
        "attachment:a.exe!payload.rar!in/list.txt",
    );
}

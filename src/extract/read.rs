//! Reading one file: its kind by content, then the reader of that kind; and who reads the rich kinds.
//!
//! # Invariants
//! Every file ends as units, as a protection, or as an unread: never as nothing (an empty file and a detached signature are nothing).

use crate::extract::age;
use crate::extract::archive;
use crate::extract::beside;
use crate::extract::bounded;
use crate::extract::card;
use crate::extract::cms;
use crate::extract::content::{Content, Location, ProtectionState, Unread, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::html;
use crate::extract::iwork;
use crate::extract::notebook;
use crate::extract::odf;
use crate::extract::office_lock;
use crate::extract::ole;
use crate::extract::ooxml;
use crate::extract::packed;
use crate::extract::password::Passwords;
use crate::extract::pdf;
use crate::extract::pgp;
use crate::extract::picture;
use crate::extract::records;
use crate::extract::rtf;
use crate::extract::sniff::{self, FileKind};
use crate::extract::text;
use crate::extract::tnef;
use crate::extract::walk;
use crate::extract::xml;
use crate::limits::Budget;
use crate::mime;
use crate::mime::charset;

/// A file to be read, with what the message says of it. It has no `Debug`: it holds passwords and content.
#[derive(Clone, Copy)]
pub struct FileInput<'a> {
    /// Its place.
    pub location: &'a Location,
    /// Its name.
    pub name: &'a str,
    /// The declared media type.
    pub declared: Option<&'a str>,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Words of the message that may open it. Never logged.
    pub passwords: &'a Passwords,
}

/// Who reads rich formats (PDF, Office, archives) with everything inside them.
pub trait Reader: Send + Sync {
    /// Reads one file. Never fails: what could not be read is an unread at the file's place.
    fn read(&self, file: &FileInput<'_>, budget: &Budget) -> Content;
}

/// Reads in the calling thread: for tests and for scans whose process may be lost.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

impl Reader for InProcess {
    fn read(&self, input: &FileInput<'_>, budget: &Budget) -> Content {
        caught(input, budget, false)
    }
}

/// Reads as [`InProcess`] does, and keeps pictures for OCR.
pub(crate) fn keeping_pictures(input: &FileInput<'_>, budget: &Budget) -> Content {
    caught(input, budget, true)
}

fn caught(input: &FileInput<'_>, budget: &Budget, keeps_pictures: bool) -> Content {
    // A parser's panic must not take the message's other findings with it.
    let attempt = std::panic::AssertUnwindSafe(|| read_here(input, budget, keeps_pictures));
    std::panic::catch_unwind(attempt).unwrap_or_else(|_| Content {
        unread: vec![Unread {
            location: input.location.clone(),
            reason: UnreadReason::Crashed,
            kind: "application/octet-stream".to_owned(),
        }],
        ..Content::default()
    })
}

fn read_here(input: &FileInput<'_>, budget: &Budget, keeps_pictures: bool) -> Content {
    let mut gather = Gather::new(budget, None);
    gather.keeps_pictures = keeps_pictures && budget.limits.ocr_pictures > 0;
    gather.passwords = input.passwords.clone();
    file(
        &mut gather,
        input.location,
        input.name,
        input.declared,
        input.bytes,
        0,
    );
    gather.content
}

/// Reads one file at its place, or hands it to the reader of rich kinds.
pub(crate) fn file(
    gather: &mut Gather<'_>,
    location: &Location,
    name: &str,
    declared: Option<&str>,
    bytes: &[u8],
    depth: usize,
) {
    if let Some(text) = text::utf32(bytes) {
        return file(gather, location, name, declared, text.as_bytes(), depth);
    }
    let kind = sniff::sniff(bytes, name, declared);
    if let Some(reader) = gather.reader
        && kind.is_rich()
    {
        let passwords = gather.passwords.clone();
        let input = FileInput {
            location,
            name,
            declared,
            bytes,
            passwords: &passwords,
        };
        let content = reader.read(&input, gather.budget);
        gather.merge(content);
        return;
    }
    gather.begin_file();
    gather.unit(location, View::FileName, name);
    gather.file(
        location,
        kind.media_type(),
        bytes.len(),
        sniff::mismatch(kind, name, declared),
    );
    if !gather.budget.take_file() || gather.budget.is_text_spent() {
        gather.unread(location, UnreadReason::TooBig, kind.media_type());
        return;
    }
    if depth > gather.budget.limits.container_depth {
        gather.unread(location, UnreadReason::TooDeep, kind.media_type());
        return;
    }
    if gather.stopped(location) {
        return;
    }
    dispatch(gather, location, kind, bytes, depth);
    if kind.is_sealed() {
        in_the_clear(gather, location, kind, bytes);
    }
    beside::read(gather, location, kind, name, bytes, depth);
}

/// Reads what a password opened, at the place of what was closed.
pub(crate) fn opened(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let kind = sniff::sniff(bytes, "", None);
    if depth > gather.budget.limits.container_depth {
        gather.unread(location, UnreadReason::TooDeep, kind.media_type());
        return;
    }
    dispatch(gather, location, kind, bytes, depth);
    beside::read(gather, location, kind, "", bytes, depth);
}

fn dispatch(
    gather: &mut Gather<'_>,
    location: &Location,
    kind: FileKind,
    bytes: &[u8],
    depth: usize,
) {
    match kind {
        FileKind::Empty | FileKind::CmsDetached | FileKind::PgpSignature => {}
        FileKind::Text(media_type) => {
            plain(gather, location, media_type, bytes, depth);
            encoded(gather, location, bytes, depth);
        }
        FileKind::Csv => {
            let text = charset::decode(bytes, None);
            match text::table(&text) {
                Some(table) => gather.unit(location, View::Table, table),
                None => gather.unit(location, View::Visible, text),
            }
        }
        FileKind::Html => {
            let html = charset::decode(bytes, html_charset(bytes).as_deref());
            page(gather, location, &html, depth);
        }
        FileKind::Message => messages(gather, location, bytes, depth),
        FileKind::Pdf => pdf::read(gather, location, bytes, depth),
        FileKind::Ooxml(media_type) => ooxml::read(gather, location, bytes, media_type, depth),
        FileKind::Odf(media_type) => odf::read(gather, location, bytes, media_type, depth),
        FileKind::Zip => archive::read(gather, location, bytes, depth),
        FileKind::Packed(kind) => packed::read(gather, location, kind, bytes, depth),
        FileKind::Image(media_type) => picture::read(gather, location, media_type, bytes),
        FileKind::Ole(media_type) => ole::read(gather, location, bytes, media_type, depth),
        FileKind::Rtf => rtf::read(gather, location, bytes, depth),
        FileKind::Iwork => iwork::read(gather, location, bytes, depth),
        FileKind::Runs(media_type) => notebook::read(gather, location, bytes, media_type, depth),
        FileKind::Tnef => tnef::read(gather, location, bytes, depth),
        FileKind::CmsSigned => match cms::signed_content(bytes) {
            Some(inner) => file(
                gather,
                &location.inside("signed.eml"),
                "signed.eml",
                None,
                &inner,
                depth + 1,
            ),
            None => gather.unread(location, UnreadReason::Broken, kind.media_type()),
        },
        FileKind::CmsEnveloped => {
            let (state, reason, unread) = cms::protection(bytes);
            gather.protect(location, state, reason);
            if unread {
                gather.unread(location, UnreadReason::Unsupported, kind.media_type());
            }
        }
        FileKind::PgpEncrypted => {
            let (state, reason) = pgp::protection(bytes);
            gather.protect(location, state, reason);
        }
        FileKind::Age if age::is_by_password(bytes) => gather.protect(
            location,
            ProtectionState::Password,
            "age encrypted under a password",
        ),
        FileKind::Age => gather.protect(location, ProtectionState::EndToEnd, "age encrypted"),
        FileKind::Rpmsg => gather.protect(
            location,
            ProtectionState::RightsManaged,
            "rights-managed message",
        ),
        FileKind::EncryptedOffice => office_lock::read(gather, location, bytes, depth),
        FileKind::PgpReadable => pgp::read(gather, location, bytes, depth),
        FileKind::CmsOther | FileKind::Other("application/x-encrypted-office") => {
            unconfirmed(gather, location, kind, bytes, depth);
        }
        FileKind::Other(media_type) => {
            gather.unread(location, UnreadReason::Unsupported, media_type);
        }
    }
}

/// What claims to be sealed: compressed S/MIME is read, all else is neither confirmed nor read.
fn unconfirmed(
    gather: &mut Gather<'_>,
    location: &Location,
    kind: FileKind,
    bytes: &[u8],
    depth: usize,
) {
    if let Some((inner, stop)) = cms::compressed_content(bytes, gather.budget) {
        let inside = location.inside("compressed.eml");
        let had = (inner.as_slice(), stop);
        bounded::found(
            gather,
            &inside,
            "compressed.eml",
            kind.media_type(),
            had,
            depth,
        );
        return;
    }
    gather.protect(
        location,
        ProtectionState::Opaque,
        "encryption that could not be confirmed",
    );
    gather.unread(location, UnreadReason::Unsupported, kind.media_type());
}

/// A message, or a mailbox of them (RFC 4155): each begins with a line that opens with `From `.
fn messages(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    if !bytes.starts_with(b"From ") {
        return one_message(gather, location, bytes, depth);
    }
    // A sentence may open with the word, too: what follows the line of a new message is a field.
    let opens = |at: &usize| sniff::is_mailbox(&bytes[*at..bytes.len().min(*at + 1024)]);
    let starts: Vec<usize> = std::iter::once(0)
        .chain(
            memchr::memmem::find_iter(bytes, b"\nFrom ")
                .map(|at| at + 1)
                .filter(opens),
        )
        .collect();
    for (i, start) in starts.iter().enumerate() {
        if gather.stopped(location) {
            return;
        }
        if !gather.budget.take_file() {
            gather.unread(location, UnreadReason::TooBig, "application/mbox");
            return;
        }
        let end = starts.get(i + 1).copied().unwrap_or(bytes.len());
        let message = &bytes[*start..end];
        let head = memchr::memchr(b'\n', message).map_or(message.len(), |at| at + 1);
        let place = location.inside(&format!("message-{}.eml", i + 1));
        gather.unit(
            &place,
            View::Properties,
            charset::decode(&message[..head], None),
        );
        one_message(gather, &place, &message[head..], depth + 1);
    }
}

fn one_message(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let message = mime::parse(bytes, gather.budget);
    for defect in &message.defects {
        gather.defect(*defect);
    }
    walk::nested(gather, location, &message, depth);
}

/// A text that is nothing but base64 of a file that can be read.
fn encoded(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    const SHORTEST: usize = 40;
    let coded = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || byte.is_ascii_whitespace()
            || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
    };
    let text = bytes.trim_ascii();
    let longest = text.split(u8::is_ascii_whitespace).map(<[u8]>::len).max();
    if longest < Some(SHORTEST) || !text.iter().all(coded) {
        return;
    }
    let inner = mime::transfer::base64(text).bytes;
    let kind = sniff::sniff(&inner, "", None);
    if matches!(
        kind,
        FileKind::Empty | FileKind::Other("application/octet-stream")
    ) {
        return;
    }
    gather.protect(
        location,
        ProtectionState::Apparent,
        "the text is only encoded in base64",
    );
    let name = format!("decoded.{}", sniff::extension_for(kind));
    file(
        gather,
        &location.inside(&name),
        &name,
        None,
        &inner,
        depth + 1,
    );
}

fn plain(
    gather: &mut Gather<'_>,
    location: &Location,
    media_type: &str,
    bytes: &[u8],
    depth: usize,
) {
    match media_type {
        "text/xml" => {
            gather.unit(location, View::Visible, xml::all_text(bytes, &[]));
            gather.unit(location, View::Hidden, charset::decode(bytes, None));
            for (name, table) in records::of_xml(bytes, gather.room()) {
                gather.unit(&location.at(name), View::Table, table);
            }
        }
        "application/json" => {
            let text = charset::decode(bytes, None);
            let found = records::of_json(&text, gather.room());
            let found = found.unwrap_or_default();
            gather.unit(location, View::Visible, text);
            gather.unit(location, View::Visible, found.lines);
            for (name, table) in found.tables {
                gather.unit(&location.at(name), View::Table, table);
            }
        }
        "text/calendar" | "text/vcard" => card::read(gather, location, bytes, depth),
        _ => {
            let text = charset::decode(bytes, None).replace("\r\n", "\n");
            if let Some(kind) = pgp::in_text(&text) {
                armoured(gather, location, (kind, &text), depth);
            }
            gather.unit(location, View::Visible, text);
        }
    }
}

/// What can be read of a file that is said to be sealed: the lines around its armour, words among its bytes.
fn in_the_clear(gather: &mut Gather<'_>, location: &Location, kind: FileKind, bytes: &[u8]) {
    let armoured = bytes.trim_ascii_start().starts_with(b"-----BEGIN ");
    let said = |line: &&[u8]| {
        let line = line.trim_ascii();
        kind == FileKind::PgpReadable
            || !line.starts_with(b"-----")
                && (line.len() < 16 || line.iter().any(|byte| matches!(byte, b' ' | b':')))
    };
    let text = if armoured {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(said).collect();
        let packets = pgp::packets(bytes);
        charset::decode(&lines.join(&b'\n'), None) + "\n" + &text::runs(&packets)
    } else {
        text::runs(bytes)
    };
    gather.unit(location, View::Hidden, text);
}

/// A PGP message inside a text.
pub(crate) fn armoured(
    gather: &mut Gather<'_>,
    location: &Location,
    (kind, text): (FileKind, &str),
    depth: usize,
) {
    if kind == FileKind::PgpEncrypted {
        let (state, reason) = pgp::protection(text.as_bytes());
        gather.protect(location, state, reason);
    } else {
        pgp::read(gather, location, text.as_bytes(), depth);
    }
}

/// The charset a page declares about itself.
fn html_charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    let (_, rest) = head.split_once("charset=")?;
    let label: String = rest
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    (!label.is_empty()).then_some(label)
}

/// The units of an HTML page. Returns the Content-IDs it shows.
pub(crate) fn page(
    gather: &mut Gather<'_>,
    location: &Location,
    html: &str,
    depth: usize,
) -> Vec<String> {
    let page = html::read(html);
    gather.unit(location, View::Visible, page.visible);
    gather.unit(location, View::Hidden, page.hidden);
    for table in page.tables {
        gather.unit(location, View::Table, table);
    }
    for (i, (declared, bytes)) in page.files.iter().enumerate() {
        if walk::is_small_picture(&declared.clone(), bytes) || bytes.is_empty() {
            continue;
        }
        let kind = sniff::sniff(bytes, "", Some(declared));
        let name = format!("inline-{}.{}", i + 1, sniff::extension_for(kind));
        file(
            gather,
            &location.inside(&name),
            &name,
            Some(declared),
            bytes,
            depth + 1,
        );
    }
    page.cids
}

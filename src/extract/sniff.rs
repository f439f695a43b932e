//! What a file is, by its content; names and declared types are only compared with it.
//!
//! # Invariants
//! No decision trusts a name: `report.txt` that is a ZIP is read as a ZIP and reported as a mismatch.

use crate::extract::age;
use crate::extract::cfb;
use crate::extract::cms;
use crate::extract::iwork;
use crate::extract::notebook;
use crate::extract::packed::{self, Packed};
use crate::extract::pdf;
use crate::extract::pgp;
use crate::mime::charset;

/// The kinds of file extraction tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// No bytes.
    Empty,
    /// Text without more structure; also XML, JSON, calendars, cards.
    Text(&'static str),
    /// Comma-, semicolon- or tab-separated values.
    Csv,
    /// HTML.
    Html,
    /// A mail message.
    Message,
    /// PDF.
    Pdf,
    /// Word, Excel, PowerPoint 2007 and later.
    Ooxml(&'static str),
    /// OpenDocument.
    Odf(&'static str),
    /// ZIP.
    Zip,
    /// Packed by another program than ZIP.
    Packed(Packed),
    /// Encrypted Office document.
    EncryptedOffice,
    /// An old Office document, an Outlook item, or another OLE compound file.
    Ole(&'static str),
    /// Rich Text Format.
    Rtf,
    /// What Outlook wraps the rich parts of a message in.
    Tnef,
    /// Pages, Numbers, Keynote.
    Iwork,
    /// Read as runs of text: notebooks, databases.
    Runs(&'static str),
    /// A picture.
    Image(&'static str),
    /// CMS: signed, with content inside.
    CmsSigned,
    /// CMS: a signature beside its content.
    CmsDetached,
    /// CMS: enveloped.
    CmsEnveloped,
    /// CMS whose content could not be confirmed.
    CmsOther,
    /// OpenPGP, encrypted.
    PgpEncrypted,
    /// OpenPGP: literal, compressed or signed data in armour.
    PgpReadable,
    /// OpenPGP signature or its control part.
    PgpSignature,
    /// age.
    Age,
    /// Rights-managed message.
    Rpmsg,
    /// Known and not read.
    Other(&'static str),
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

/// Word before 2007.
pub(crate) const DOC: &str = "application/msword";
/// Excel before 2007.
pub(crate) const XLS: &str = "application/vnd.ms-excel";
/// PowerPoint before 2007.
pub(crate) const PPT: &str = "application/vnd.ms-powerpoint";
/// An item of Outlook.
pub(crate) const MSG: &str = "application/vnd.ms-outlook";
const OLE: &str = "application/x-ole-storage";
const XLSB: &str = "application/vnd.ms-excel.sheet.binary.macroenabled.12";
const VSDX: &str = "application/vnd.ms-visio.drawing";

impl FileKind {
    /// The media type, for people and policy.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Empty => "application/x-empty",
            Self::Text(kind)
            | Self::Ooxml(kind)
            | Self::Odf(kind)
            | Self::Ole(kind)
            | Self::Runs(kind)
            | Self::Image(kind)
            | Self::Other(kind) => kind,
            Self::Csv => "text/csv",
            Self::Rtf => "application/rtf",
            Self::Tnef => "application/ms-tnef",
            Self::Iwork => iwork::KIND,
            Self::Html => "text/html",
            Self::Message => "message/rfc822",
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
            Self::Packed(kind) => kind.media_type(),
            Self::EncryptedOffice => "application/x-encrypted-office",
            Self::CmsSigned | Self::CmsEnveloped | Self::CmsOther => "application/pkcs7-mime",
            Self::CmsDetached => "application/pkcs7-signature",
            Self::PgpEncrypted | Self::PgpReadable => "application/pgp-encrypted",
            Self::PgpSignature => "application/pgp-signature",
            Self::Age => "application/age-encryption",
            Self::Rpmsg => "application/x-microsoft-rpmsg-message",
        }
    }

    /// Formats that nobody but their reader, or nobody at all, reads as text.
    pub(crate) fn is_sealed(self) -> bool {
        matches!(
            self,
            Self::CmsDetached
                | Self::CmsEnveloped
                | Self::CmsOther
                | Self::PgpEncrypted
                | Self::PgpReadable
                | Self::PgpSignature
                | Self::Age
                | Self::Rpmsg
        )
    }

    /// Formats whose parsers are large: read outside the relay's process.
    pub fn is_rich(self) -> bool {
        matches!(
            self,
            Self::Pdf
                | Self::Ooxml(_)
                | Self::Odf(_)
                | Self::Zip
                | Self::Image(_)
                | Self::Packed(_)
                | Self::EncryptedOffice
                | Self::CmsSigned
                | Self::CmsOther
                | Self::PgpReadable
                | Self::Ole(_)
                | Self::Rtf
                | Self::Tnef
                | Self::Iwork
                | Self::Runs(_)
        )
    }
}

/// Magic numbers at the start of a file.
const MAGIC: &[(&[u8], FileKind)] = &[
    (b"\x89PNG\r\n\x1a\n", FileKind::Image("image/png")),
    (b"\xff\xd8\xff", FileKind::Image("image/jpeg")),
    (b"GIF87a", FileKind::Image("image/gif")),
    (b"GIF89a", FileKind::Image("image/gif")),
    (b"II*\0", FileKind::Image("image/tiff")),
    (b"MM\0*", FileKind::Image("image/tiff")),
    (b"\0\0\x01\0", FileKind::Image("image/x-icon")),
    (b"8BPS", FileKind::Image("image/vnd.adobe.photoshop")),
    (b"\xd7\xcd\xc6\x9a", FileKind::Image("image/wmf")),
    (b"\x01\0\x09\0\0\x03", FileKind::Image("image/wmf")),
    (b"II\xbc\x01", FileKind::Image("image/vnd.ms-photo")),
    (b"{\\rtf", FileKind::Rtf),
    (b"ID3", FileKind::Other("audio/mpeg")),
    (b"OggS", FileKind::Other("audio/ogg")),
    (b"fLaC", FileKind::Other("audio/flac")),
    (b"\x1a\x45\xdf\xa3", FileKind::Other("video/x-matroska")),
    (
        b"SQLite format 3\0",
        FileKind::Runs("application/vnd.sqlite3"),
    ),
    (b"\x78\x9f\x3e\x22", FileKind::Tnef),
    (notebook::ONENOTE, FileKind::Runs("application/onenote")),
    (b"!BDN", FileKind::Other("application/vnd.ms-outlook-pst")),
];

/// Looks at the content, with the declared type and the name as a hint between kinds of text only.
pub fn sniff(bytes: &[u8], name: &str, declared: Option<&str>) -> FileKind {
    if bytes.is_empty() {
        return FileKind::Empty;
    }
    if let Some(kind) = binary(bytes) {
        return kind;
    }
    match textual(bytes, name, declared) {
        // Readers accept junk before a PDF header; an archive or a page that holds these letters is still one.
        FileKind::Other(_) if pdf::header(bytes).is_some() => FileKind::Pdf,
        kind => kind,
    }
}

fn binary(bytes: &[u8]) -> Option<FileKind> {
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        // A text may begin with letters that are magic numbers.
        let lettered = matches!(kind, FileKind::Other(_))
            && bytes[..bytes.len().min(256)]
                .iter()
                .all(|b| !b.is_ascii_control() || b.is_ascii_whitespace());
        if !lettered || bytes.starts_with(b"{\\rtf") {
            return Some(*kind);
        }
    }
    if bytes.starts_with(b"%PDF-") {
        return Some(FileKind::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04")
        || bytes.starts_with(b"PK\x05\x06")
        || bytes.starts_with(b"PK00PK")
    {
        return Some(zipped(bytes));
    }
    if bytes.starts_with(&cfb::MAGIC) {
        return Some(match cfb::kind(bytes) {
            FileKind::Other(kind @ (DOC | XLS | PPT | MSG | OLE)) => FileKind::Ole(kind),
            kind => kind,
        });
    }
    // The first record of a workbook before Excel 5: its type, its length, its version.
    if matches!(bytes, [9, 0, 4, 0, ..] | [9, 2 | 4, 6, 0, ..]) {
        return Some(FileKind::Ole(XLS));
    }
    if let Some(kind) = notebook::database(bytes) {
        return Some(FileKind::Runs(kind));
    }
    if bytes.len() > 12 && &bytes[4..8] == b"ftyp" {
        let image = matches!(&bytes[8..11], b"hei" | b"hev" | b"mif" | b"avi");
        return Some(if image {
            FileKind::Image("image/heic")
        } else {
            FileKind::Other("video/mp4")
        });
    }
    if bytes.starts_with(b"RIFF") && bytes.len() > 12 {
        return Some(if &bytes[8..12] == b"WEBP" {
            FileKind::Image("image/webp")
        } else {
            FileKind::Other("audio/wav")
        });
    }
    if bytes.starts_with(b"BM") && bytes.len() > 26 && bytes[6..10] == [0; 4] {
        return Some(FileKind::Image("image/bmp"));
    }
    if bytes.len() > 44 && &bytes[40..44] == b" EMF" {
        return Some(FileKind::Image("image/emf"));
    }
    cms::kind(bytes)
        .or_else(|| pgp::kind(bytes))
        .or_else(|| age::kind(bytes))
        .or_else(|| rights_managed(bytes))
        .or_else(|| packed::kind(bytes).map(FileKind::Packed))
}

/// A rights-managed message (MS-OXORMMS 2.2.4.1): its prefix, then blocks of a marker, two sizes and zlib data.
fn rights_managed(bytes: &[u8]) -> Option<FileKind> {
    let blocks = bytes.strip_prefix(b"\x76\xe8\x04\x60\xc4\x11\xe3\x86")?;
    let size = |at: usize| -> Option<usize> {
        let digits: [u8; 4] = blocks.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(digits) as usize)
    };
    let packed = size(8).filter(|packed| *packed > 2)?;
    let body = blocks.get(12..12usize.checked_add(packed)?)?;
    let whole = blocks.starts_with(b"\xa0\x0f\0\0") && body[0] & 0x0f == 8 && !is_readable(body);
    whole.then_some(FileKind::Rpmsg)
}

/// Names inside a ZIP tell what it is; only its local headers are looked at here, cheaply.
fn zipped(bytes: &[u8]) -> FileKind {
    let head = &bytes[..bytes.len().min(200)];
    if let Some(at) = memchr::memmem::find(head, b"mimetypeapplication/vnd.oasis.opendocument.") {
        let rest = &head[at + 43..];
        return FileKind::Odf(if rest.starts_with(b"spreadsheet") {
            "application/vnd.oasis.opendocument.spreadsheet"
        } else if rest.starts_with(b"presentation") {
            "application/vnd.oasis.opendocument.presentation"
        } else {
            "application/vnd.oasis.opendocument.text"
        });
    }
    let has = |needle: &[u8]| memchr::memmem::find(bytes, needle).is_some();
    if has(b"[Content_Types].xml") {
        if has(b"word/document") {
            return FileKind::Ooxml(DOCX);
        }
        if has(b"xl/workbook") {
            let binary = has(b"xl/workbook.bin");
            return FileKind::Ooxml(if binary { XLSB } else { XLSX });
        }
        if has(b"ppt/presentation") {
            return FileKind::Ooxml(PPTX);
        }
        if has(b"visio/document") {
            return FileKind::Ooxml(VSDX);
        }
    }
    let before_2013 = has(b"QuickLook/") && (has(b"index.xml") || has(b"index.apxl"));
    if has(b"Index/Document.iwa") || has(b"Index.zip") && has(b"Metadata/") || before_2013 {
        return FileKind::Iwork;
    }
    FileKind::Zip
}

fn textual(bytes: &[u8], name: &str, declared: Option<&str>) -> FileKind {
    if charset::wide(bytes).is_none() && !looks_like_text(bytes) {
        return FileKind::Other("application/octet-stream");
    }
    let head = bytes[..bytes.len().min(1024)].trim_ascii_start();
    let lower = head.to_ascii_lowercase();
    let extension = extension(name);
    let declared = declared.unwrap_or("");
    let starts = |prefix: &[u8]| lower.starts_with(prefix);
    if starts(b"<!doctype html")
        || starts(b"<html")
        || matches!(extension.as_str(), "html" | "htm" | "xhtml")
        || declared == "text/html"
        || declared == "application/xhtml+xml"
        || declared == "text/x-amp-html"
    {
        return FileKind::Html;
    }
    if starts(b"<?xml") || starts(b"<svg") {
        let page = memchr::memmem::find(&lower, b"<html").is_some();
        return if page {
            FileKind::Html
        } else {
            FileKind::Text("text/xml")
        };
    }
    if matches!(extension.as_str(), "eml" | "mht" | "mhtml")
        || declared == "message/rfc822"
        || is_message(head)
        || is_mailbox(head)
    {
        return FileKind::Message;
    }
    if starts(b"begin:vcalendar") {
        return FileKind::Text("text/calendar");
    }
    if starts(b"begin:vcard") {
        return FileKind::Text("text/vcard");
    }
    if matches!(extension.as_str(), "csv" | "tsv" | "tab")
        || matches!(
            declared,
            "text/csv" | "text/tab-separated-values" | "application/csv"
        )
    {
        return FileKind::Csv;
    }
    if is_json(bytes, &extension) {
        return FileKind::Text("application/json");
    }
    FileKind::Text("text/plain")
}

/// Brackets of one kind around all of it, with a quoted word or nothing behind the first; or the name of a list of documents.
fn is_json(bytes: &[u8], extension: &str) -> bool {
    let text = bytes.trim_ascii();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let inner = match text {
        [b'{', inner @ .., b'}'] | [b'[', inner @ .., b']'] => inner.trim_ascii_start(),
        _ => return false,
    };
    let object = text[0] == b'{' && matches!(inner.first(), None | Some(b'"'));
    let list = text[0] == b'[' && matches!(inner.first(), Some(b'{' | b'['));
    object || list || matches!(extension, "json" | "jsonl" | "ndjson")
}

/// Two of the fields every message has, at the very start.
fn is_message(head: &[u8]) -> bool {
    const FIELDS: [&str; 8] = [
        "from:",
        "to:",
        "subject:",
        "received:",
        "date:",
        "mime-version:",
        "message-id:",
        "return-path:",
    ];
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let fields = text
        .lines()
        .take(12)
        .filter(|line| FIELDS.iter().any(|field| line.starts_with(field)))
        .count();
    let opens = text.lines().next().is_some_and(|line| {
        line.split_once(':')
            .is_some_and(|(name, _)| !name.contains(' '))
    });
    opens && fields >= 3
}

/// A line that opens with `From `, and a field of a message after it.
pub(crate) fn is_mailbox(head: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', head).filter(|_| head.starts_with(b"From ")) else {
        return false;
    };
    let field = &head[end + 1..];
    let name = field
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
        .count();
    name > 0 && field.get(name) == Some(&b':')
}

/// Few control characters, in any single-byte or UTF-8 charset.
pub(crate) fn looks_like_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(4096)];
    let odd = sample
        .iter()
        .filter(|byte| {
            byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
        })
        .count();
    if odd * 100 > sample.len() {
        return false;
    }
    let high = sample.iter().filter(|byte| !byte.is_ascii()).count();
    high * 10 < sample.len() * 4
        || std::str::from_utf8(sample).is_ok()
        || std::str::from_utf8(&sample[..sample.len().saturating_sub(3)]).is_ok()
}

/// Whether what claims to be ciphertext mostly shows: random bytes are printable ASCII in 98 of 256 cases.
pub(crate) fn is_readable(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(64 * 1024)];
    let shown = sample
        .iter()
        .filter(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
        .count();
    shown * 4 > sample.len() * 3
}

/// The extension of a name, lower-case, without the dot.
pub fn extension(name: &str) -> String {
    name.rsplit_once('.')
        .map(|(_, extension)| extension.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

/// An extension for a kind, for files that came without a name.
pub fn extension_for(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Text("text/calendar") => "ics",
        FileKind::Text("text/vcard") => "vcf",
        FileKind::Csv => "csv",
        FileKind::Html => "html",
        FileKind::Message => "eml",
        FileKind::Pdf => "pdf",
        FileKind::Zip => "zip",
        FileKind::Text("application/json") => "json",
        FileKind::Text("text/xml") => "xml",
        FileKind::Ooxml(XLSX) => "xlsx",
        FileKind::Ooxml(XLSB) => "xlsb",
        FileKind::Ooxml(VSDX) => "vsdx",
        FileKind::Ooxml(PPTX) => "pptx",
        FileKind::Ooxml(_) => "docx",
        FileKind::Odf(_) => "odt",
        FileKind::Ole(DOC) => "doc",
        FileKind::Ole(XLS) => "xls",
        FileKind::Ole(PPT) => "ppt",
        FileKind::Ole(MSG) => "msg",
        FileKind::Rtf => "rtf",
        FileKind::Tnef => "dat",
        FileKind::Image("image/jpeg") => "jpg",
        FileKind::Image("image/png") => "png",
        FileKind::Image("image/gif") => "gif",
        FileKind::CmsSigned | FileKind::CmsEnveloped | FileKind::CmsOther => "p7m",
        FileKind::Packed(Packed::SevenZip) => "7z",
        FileKind::Packed(Packed::Rar) => "rar",
        FileKind::Packed(Packed::Tar) => "tar",
        FileKind::Text(_) | FileKind::Empty => "txt",
        _ => "bin",
    }
}

/// Whether a name or declared type promises another family of files than the content is.
pub fn mismatch(kind: FileKind, name: &str, declared: Option<&str>) -> bool {
    let promised = family(&extension(name)).or_else(|| {
        family(match declared.unwrap_or("") {
            "application/pdf" => "pdf",
            "application/zip" => "zip",
            "image/png" | "image/jpeg" | "image/gif" => "png",
            DOCX | XLSX | PPTX => "docx",
            "text/plain" | "text/csv" | "text/html" => "txt",
            _ => "",
        })
    });
    let actual = match kind {
        FileKind::Pdf => "pdf",
        FileKind::Zip => "zip",
        FileKind::Ooxml(_) | FileKind::EncryptedOffice => "office",
        FileKind::Odf(_) => "odf",
        FileKind::Image(_) => "image",
        FileKind::Text(_) | FileKind::Csv | FileKind::Html | FileKind::Message => "text",
        FileKind::Other("application/octet-stream") | FileKind::Empty => return false,
        FileKind::Ole(_) => "ole",
        FileKind::Iwork => "iwork",
        FileKind::Rtf => "rtf",
        FileKind::Other(_) | FileKind::Packed(_) => "other",
        _ => return false,
    };
    promised.is_some_and(|promised| !promised.split('|').any(|family| family == actual))
}

/// Families an extension may hold, parted by `|`.
fn family(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "pdf" => "pdf",
        "zip" | "epub" => "zip",
        "docx" | "xlsx" | "xlsb" | "vsdx" | "pptx" | "docm" | "xlsm" | "pptm" | "dotx" | "xltx"
        | "ppsx" => "office",
        "doc" | "dot" | "xls" | "xlt" | "ppt" | "pps" | "pot" => "ole|office|text|rtf|other",
        "msg" | "vsd" | "pub" => "ole",
        "rtf" => "rtf",
        "pages" | "numbers" | "key" => "iwork|zip",
        "odt" | "ods" | "odp" => "odf",
        "png" | "jpg" | "jpeg" | "gif" | "bmp" | "tif" | "tiff" | "webp" | "heic" | "ico" => {
            "image"
        }
        "txt" | "csv" | "tsv" | "log" | "md" | "json" | "xml" | "html" | "htm" | "eml" | "ics"
        | "vcf" => "text",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_and_names_only_mismatch() {
        assert_eq!(sniff(b"%PDF-1.7\n", "a.txt", None), FileKind::Pdf);
        assert!(mismatch(FileKind::Pdf, "a.txt", None));
        assert!(!mismatch(
            FileKind::Pdf,
            "a.PDF",
            Some("application/octet-stream")
        ));
        assert_eq!(sniff(b"a,b\n1,2\n", "x.csv", None), FileKind::Csv);
        assert_eq!(sniff(b"<!DOCTYPE html><p>x", "x", None), FileKind::Html);
        assert_eq!(
            sniff(b"From: a\r\nTo: b\r\nSubject: c\r\n\r\nx", "x", None),
            FileKind::Message
        );
        assert_eq!(
            sniff(b"MZ is a text about Mozambique and more", "x.txt", None),
            FileKind::Text("text/plain")
        );
        assert_eq!(
            sniff(&[0u8, 1, 2, 3, 200, 0, 9, 0x1f, 7], "x", None),
            FileKind::Other("application/octet-stream")
        );
        assert_eq!(sniff(b"", "x", None), FileKind::Empty);
    }
}

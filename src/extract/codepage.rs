//! Windows code page numbers as encodings.
//!
//! # Standards
//! The code page identifiers of Windows; the labels of the WHATWG Encoding Standard.
//!
//! # Known gaps
//! The DOS pages 437, 850 and 852 are read as windows-1252: letters without accents are right.

use encoding_rs::{Encoding, WINDOWS_1252};

/// The encoding of a code page; windows-1252 for one that is not known.
pub(crate) fn encoding(page: u32) -> &'static Encoding {
    let label = match page {
        874 => "windows-874".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        866 => "ibm866".to_owned(),
        1200 => "utf-16le".to_owned(),
        1201 => "utf-16be".to_owned(),
        10_000 => "macintosh".to_owned(),
        20_866 => "koi8-r".to_owned(),
        21_866 => "koi8-u".to_owned(),
        50_220..=50_222 => "iso-2022-jp".to_owned(),
        54_936 => "gb18030".to_owned(),
        65_001 => "utf-8".to_owned(),
        1250..=1258 => format!("windows-{page}"),
        28_591..=28_606 => format!("iso-8859-{}", page - 28_590),
        _ => return WINDOWS_1252,
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}

/// Bytes of a code page, up to the first NUL where characters are single bytes.
pub(crate) fn text(bytes: &[u8], page: u32) -> String {
    let encoding = encoding(page);
    let end = if matches!(page, 1200 | 1201) {
        bytes.len()
    } else {
        memchr::memchr(0, bytes).unwrap_or(bytes.len())
    };
    let decoded = encoding.decode_without_bom_handling(&bytes[..end]).0;
    decoded.trim_end_matches('\0').to_owned()
}

/// UTF-16LE up to the first NUL.
pub(crate) fn wide(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .take_while(|unit| *unit != 0)
        .collect();
    String::from_utf16_lossy(&units)
}

//! The bytes of an export as text: UTF-8, UTF-16 with or without a byte order mark, else Windows-1252.
//!
//! # Known gaps
//! Other single-byte code pages are read as Windows-1252, what school systems in the United Kingdom write.

/// Decodes an export.
pub(super) fn text(bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return text.into_owned();
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    }
}

/// A header line is ASCII, so UTF-16 shows a zero in every other byte.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = bytes.get(..16)?;
    let zeros = |parity: usize| {
        head.iter()
            .skip(parity)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    if zeros(1) >= 6 && zeros(0) == 0 {
        Some(encoding_rs::UTF_16LE)
    } else if zeros(0) >= 6 && zeros(1) == 0 {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}

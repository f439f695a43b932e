//! MAPI properties of a mail item, as Outlook files and TNEF hold them, to units.
//!
//! # Standards
//! MS-OXPROPS (numbers of properties), MS-OXRTFCP (compressed RTF), MS-OXRTFEX (HTML within RTF).
//!
//! # Known gaps
//! Dates and numbers in properties are not shown; a birthday of a contact is shown where Outlook wrote it as text.

use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::{read, rtf, runs};
use crate::mime::charset;

/// Subject.
pub(crate) const SUBJECT: u16 = 0x0037;
/// Text of the body.
pub(crate) const BODY: u16 = 0x1000;
/// The body as compressed RTF.
pub(crate) const RTF: u16 = 0x1009;
/// The body as HTML.
pub(crate) const HTML: u16 = 0x1013;
/// Names of an attachment, the longest first.
pub(crate) const NAMES: [u16; 4] = [0x3707, 0x3704, 0x3001, 0x370d];
/// The bytes of an attachment, or the item or object that it is.
pub(crate) const DATA: u16 = 0x3701;
/// Code pages: of the message's text, of its HTML.
pub(crate) const CODE_PAGES: [u16; 2] = [0x3ffd, 0x3fde];
/// Strings that repeat the subject or name only programs: conversation topic, normalized subject, message class, address type.
const SAID_ELSEWHERE: [u16; 5] = [0x0070, 0x0e1d, 0x001a, 0x3002, 0x0e1e];

/// A mail item as its properties say it.
#[derive(Default)]
pub(crate) struct Item {
    /// Strings by property, in the order of the file.
    pub(crate) strings: Vec<(u16, String)>,
    pub(crate) html: Option<String>,
    pub(crate) rtf: Option<Vec<u8>>,
}

impl Item {
    /// The first string of a property.
    pub(crate) fn string(&self, property: u16) -> Option<&str> {
        self.strings
            .iter()
            .find(|(known, _)| *known == property)
            .map(|(_, text)| text.as_str())
    }

    /// Says subject, bodies and all other strings.
    pub(crate) fn say(&self, gather: &mut Gather<'_>, location: &Location, depth: usize) {
        let before = gather.content.units.len();
        let mut properties = String::new();
        for (property, text) in &self.strings {
            let text = text.replace("\r\n", "\n");
            match *property {
                SUBJECT => gather.unit(&location.at("subject"), View::Visible, text),
                BODY => gather.unit(location, View::Visible, text),
                property if SAID_ELSEWHERE.contains(&property) => {}
                _ => {
                    properties.push_str(text.trim());
                    properties.push('\n');
                }
            }
        }
        if let Some(html) = &self.html {
            read::page(gather, location, html, depth);
        }
        if let Some(packed) = &self.rtf {
            match unpack(packed) {
                Some(rtf) => self.rich(gather, location, &rtf, before, depth),
                None => gather.unread(location, UnreadReason::Broken, "application/rtf"),
            }
        }
        gather.unit(&location.at("properties"), View::Properties, properties);
    }

    /// The RTF body repeats the others as a rule: only what they do not say is given.
    fn rich(
        &self,
        gather: &mut Gather<'_>,
        location: &Location,
        rtf: &[u8],
        before: usize,
        depth: usize,
    ) {
        if self.string(BODY).is_none_or(|body| body.trim().is_empty()) && self.html.is_none() {
            rtf::read(gather, location, rtf, depth);
            return;
        }
        let text = rtf::text(rtf);
        let said = gather.content.units[before..]
            .iter()
            .map(|unit| unit.text.as_str());
        let more = runs::unsaid(said, &text);
        gather.unit(location, View::Hidden, more);
    }
}

/// HTML in the code page of the item, or in what it says of itself.
pub(crate) fn html(bytes: &[u8], page: u32) -> String {
    let label = crate::extract::codepage::encoding(page).name();
    charset::decode(bytes, Some(label))
}

/// What the dictionary holds before the first byte (MS-OXRTFCP 2.1.3.1.1).
const PRELOADED: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const WINDOW: usize = 4096;

/// Unpacks compressed RTF; `None` when the header is none. Output is at most 18 bytes for 2.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let kind = packed.get(8..12)?;
    let body = packed.get(16..)?;
    if kind == b"MELA" {
        return Some(body.to_vec());
    }
    if kind != b"LZFu" {
        return None;
    }
    let mut window = [0u8; WINDOW];
    window[..PRELOADED.len()].copy_from_slice(PRELOADED);
    let mut write = PRELOADED.len();
    let mut out = Vec::new();
    let mut input = body.iter().copied();
    'all: while let Some(flags) = input.next() {
        for bit in 0..8 {
            let Some(first) = input.next() else {
                break 'all;
            };
            if flags & (1 << bit) == 0 {
                window[write] = first;
                write = (write + 1) % WINDOW;
                out.push(first);
                continue;
            }
            let Some(second) = input.next() else {
                break 'all;
            };
            let token = u16::from_be_bytes([first, second]);
            let from = usize::from(token >> 4);
            if from == write {
                break 'all;
            }
            for step in 0..usize::from(token & 0xf) + 2 {
                let byte = window[(from + step) % WINDOW];
                window[write] = byte;
                write = (write + 1) % WINDOW;
                out.push(byte);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        // MS-OXRTFCP 3.1 and 3.2.
        let simple = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125\x42\x32\x0a\xf3 hel\x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        assert_eq!(
            unpack(simple).unwrap_or_default(),
            b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
        );
        let crossing =
            b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4\x4b\x51\x41\0\x04\x20WXYZ\x0d\x6e\x7d\x01\x0e\xb0";
        assert_eq!(
            unpack(crossing).unwrap_or_default(),
            b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
        );
        assert_eq!(PRELOADED.len(), 207);
    }
}

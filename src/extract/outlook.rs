//! Outlook items (`.msg`): subject, bodies, addresses, headers, named properties, and attachments as files of their own.
//!
//! # Standards
//! MS-OXMSG 2.1 to 2.4; MS-OXCDATA 2.11.1 (types).
//!
//! # Known gaps
//! Attachments that are only links to files are shown by their names.

use crate::extract::binary::{u16_at, u32_at};
use crate::extract::codepage;
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::mapi::{self, Item};
use crate::extract::ole::{self, Streams};
use crate::extract::sniff;

/// A stream of one property: number and type as hexadecimal digits.
fn property(name: &str) -> Option<(u16, u16)> {
    let digits = name.strip_prefix("__substg1.0_")?;
    let tag = u32::from_str_radix(digits.get(..8)?, 16).ok()?;
    Some(((tag >> 16) as u16, (tag & 0xffff) as u16))
}

/// Reads the item in a storage (`""` for the file itself).
pub(crate) fn read(
    gather: &mut Gather<'_>,
    location: &Location,
    streams: &Streams,
    storage: &str,
    depth: usize,
) {
    if depth > gather.budget.limits.container_depth {
        gather.unread(location, UnreadReason::TooDeep, sniff::MSG);
        return;
    }
    let page = code_page(streams, storage);
    let item = item(streams, storage, page);
    item.say(gather, location, depth);
    let mut recipients = String::new();
    let mut attachments = 0usize;
    for inner in streams.storages(storage) {
        if gather.stopped(location) {
            return;
        }
        let name = inner.rsplit('/').next().unwrap_or(&inner);
        if name.starts_with("__recip_version1.0_") {
            for (_, text) in self::item(streams, &inner, page).strings {
                recipients.push_str(text.trim());
                recipients.push('\n');
            }
        } else if name.starts_with("__attach_version1.0_") {
            attachments += 1;
            attachment(
                gather,
                location,
                streams,
                &inner,
                (page, attachments),
                depth,
            );
        } else if name.starts_with("__nameid") {
            // Names of properties, the same in every file.
        } else {
            ole::embedded(gather, location, streams, &inner, depth);
        }
    }
    gather.unit(&location.at("recipients"), View::Properties, recipients);
}

/// The item's code page: that of its text, else of its HTML, else windows-1252.
fn code_page(streams: &Streams, storage: &str) -> u32 {
    let Some((_, data)) = streams
        .children(storage)
        .find(|(name, _)| *name == "__properties_version1.0")
    else {
        return 1252;
    };
    // The header before the entries has 32, 24 or 8 bytes: entries are told by their tag.
    mapi::CODE_PAGES
        .iter()
        .find_map(|wanted| {
            data.chunks_exact(8).enumerate().find_map(|(at, entry)| {
                (u16_at(entry, 0)? == 3 && u16_at(entry, 2)? == *wanted)
                    .then(|| u32_at(data, (at + 1) * 8))
                    .flatten()
            })
        })
        .filter(|page| *page != 0)
        .unwrap_or(1252)
}

fn item(streams: &Streams, storage: &str, page: u32) -> Item {
    let mut item = Item::default();
    for (name, data) in streams.children(storage) {
        let Some((number, kind)) = property(name) else {
            continue;
        };
        match (number, kind) {
            (mapi::RTF, 0x0102) => item.rtf = Some(data.to_vec()),
            (mapi::HTML, 0x0102) => item.html = Some(mapi::html(data, page)),
            (mapi::HTML, 0x001e) => item.html = Some(codepage::text(data, page)),
            (mapi::HTML, 0x001f) => item.html = Some(codepage::wide(data)),
            // One string, or one of several.
            (_, 0x001f | 0x101f) => item.strings.push((number, codepage::wide(data))),
            (_, 0x001e | 0x101e) => item.strings.push((number, codepage::text(data, page))),
            _ => {}
        }
    }
    item
}

fn attachment(
    gather: &mut Gather<'_>,
    location: &Location,
    streams: &Streams,
    storage: &str,
    (page, index): (u32, usize),
    depth: usize,
) {
    let item = item(streams, storage, page);
    let name = mapi::NAMES
        .iter()
        .find_map(|property| item.string(*property))
        .map(|name| {
            name.trim()
                .rsplit(['\\', '/'])
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|name| !name.is_empty());
    let others: Vec<&str> = item.strings.iter().map(|(_, text)| text.as_str()).collect();
    gather.unit(
        &location.at(format!("attachment {index}")),
        View::Properties,
        others.join("\n"),
    );
    let data = streams
        .children(storage)
        .find(|(stream, _)| property(stream).is_some_and(|(number, _)| number == mapi::DATA));
    if let Some((_, bytes)) = data {
        let name = name.unwrap_or_else(|| format!("attachment-{index}"));
        ole::file(gather, location, &name, bytes, depth);
        return;
    }
    for inner in streams.storages(storage) {
        let item = streams
            .children(&inner)
            .any(|(stream, _)| stream == "__properties_version1.0");
        if item {
            let called = name.clone().unwrap_or_else(|| format!("message-{index}"));
            let called = if called.to_ascii_lowercase().ends_with(".msg") {
                called
            } else {
                format!("{called}.msg")
            };
            let place = location.inside(&called);
            if !gather.budget.take_file() {
                gather.unread(&place, UnreadReason::TooBig, sniff::MSG);
                return;
            }
            gather.unit(&place, View::FileName, called);
            gather.file(&place, sniff::MSG, 0, false);
            read(gather, &place, streams, &inner, depth + 1);
        } else {
            // This looks into all of them.
            ole::embedded(gather, location, streams, storage, depth);
            return;
        }
    }
}

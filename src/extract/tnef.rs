//! TNEF (`winmail.dat`): what Outlook and Exchange wrap a message's rich parts in.
//!
//! # Standards
//! MS-OXTNEF 2.1 (attributes), 2.1.3.4 (properties).
//!
//! # Known gaps
//! Checksums are not compared: a program that ignores them shows the same.

use crate::extract::binary::{Fields, u32_at};
use crate::extract::codepage;
use crate::extract::content::{Location, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::mapi::{self, Item};
use crate::extract::{ole, read, sniff};

/// The first four bytes.
pub(crate) const MAGIC: [u8; 4] = [0x78, 0x9f, 0x3e, 0x22];
const KIND: &str = "application/ms-tnef";
/// Properties of one set, values of one property.
const MOST: usize = 10_000;

#[derive(Default)]
struct Attachment {
    name: String,
    data: Vec<u8>,
    item: Item,
    /// The data is an item or an object with an identifier before it.
    object: Option<Vec<u8>>,
}

/// Reads a file.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let mut fields = Fields::from(bytes, 6);
    let mut item = Item::default();
    let mut attachments: Vec<Attachment> = Vec::new();
    let mut page = 1252;
    let mut recipients = String::new();
    let mut broken = !bytes.starts_with(&MAGIC);
    while !fields.is_done() {
        let attribute = || -> Option<(u16, &[u8])> {
            let mut fields = fields;
            fields.byte()?;
            let number = fields.u16()?;
            fields.u16()?;
            let size = fields.size()?;
            let data = fields.take(size)?;
            Some((number, data))
        };
        let Some((number, data)) = attribute() else {
            broken = true;
            break;
        };
        // Level, number, type, length, data, checksum.
        if fields.skip(9 + data.len()).is_none() || fields.skip(2).is_none() {
            broken = true;
        }
        match number {
            0x9007 => page = u32_at(data, 0).filter(|page| *page != 0).unwrap_or(page),
            0x8004 => item
                .strings
                .push((mapi::SUBJECT, codepage::text(data, page))),
            0x800c => item.strings.push((mapi::BODY, codepage::text(data, page))),
            0x9003 => broken |= properties(data, page, &mut item, &mut |_, _| ()).is_none(),
            0x9002 if attachments.len() >= gather.budget.limits.files => {
                gather.unread(location, UnreadReason::TooBig, KIND);
                break;
            }
            0x9002 => attachments.push(Attachment::default()),
            0x8010 | 0x800f | 0x9005 => {
                if attachments.is_empty() {
                    attachments.push(Attachment::default());
                }
                if let Some(last) = attachments.last_mut() {
                    broken |= attached(number, data, page, last).is_none();
                }
            }
            // Recipients: rows of properties.
            0x9004 => recipients.push_str(&crate::extract::runs::all(data)),
            0x8000 | 0x8006 => recipients.push_str(&crate::extract::runs::narrow(data)),
            _ => {}
        }
        if gather.stopped(location) {
            return;
        }
    }
    gather.unit(&location.at("recipients"), View::Properties, recipients);
    if broken {
        gather.unread(location, UnreadReason::Broken, KIND);
    }
    item.say(gather, location, depth);
    for (index, attachment) in attachments.into_iter().enumerate() {
        say(gather, location, attachment, index + 1, depth);
    }
}

fn attached(number: u16, data: &[u8], page: u32, into: &mut Attachment) -> Option<()> {
    match number {
        0x8010 => into.name = codepage::text(data, page),
        0x800f => into.data = data.to_vec(),
        _ => {
            let mut object = None;
            let whole = properties(data, page, &mut into.item, &mut |number, value| {
                if number == mapi::DATA {
                    object = Some(value.to_vec());
                }
            });
            into.object = object.or(into.object.take());
            return whole;
        }
    }
    Some(())
}

fn say(
    gather: &mut Gather<'_>,
    location: &Location,
    attachment: Attachment,
    index: usize,
    depth: usize,
) {
    let long = mapi::NAMES
        .iter()
        .find_map(|property| attachment.item.string(*property));
    let name = long.unwrap_or(&attachment.name);
    let name = name.rsplit(['\\', '/']).next().unwrap_or(name).trim();
    let name = if name.is_empty() {
        format!("attachment-{index}")
    } else {
        name.to_owned()
    };
    let others: Vec<&str> = attachment
        .item
        .strings
        .iter()
        .map(|(_, text)| text.as_str())
        .collect();
    gather.unit(
        &location.at(format!("attachment {index}")),
        View::Properties,
        others.join("\n"),
    );
    ole::file(gather, location, &name, &attachment.data, depth);
    if let Some(object) = attachment.object {
        // An identifier of 16 bytes stands before an item or an object.
        let inner = object.get(16..).filter(|inner| {
            inner.starts_with(&MAGIC) || inner.starts_with(&crate::extract::cfb::MAGIC)
        });
        let bytes = inner.unwrap_or(&object);
        if bytes != attachment.data.as_slice() {
            let name = if inner.is_some() && bytes.starts_with(&MAGIC) {
                format!("{name}.dat")
            } else {
                name
            };
            let name = if name.contains('.') {
                name
            } else {
                format!(
                    "{name}.{}",
                    sniff::extension_for(sniff::sniff(bytes, "", None))
                )
            };
            read::file(
                gather,
                &location.inside(&name),
                &name,
                None,
                bytes,
                depth + 1,
            );
        }
    }
}

/// Reads a set of properties; binary values go to `binary`. `None` when not all of it could be read.
fn properties(
    data: &[u8],
    page: u32,
    item: &mut Item,
    binary: &mut impl FnMut(u16, &[u8]),
) -> Option<()> {
    let mut fields = Fields::of(data);
    let count = fields.size()?;
    let mut whole = count <= MOST;
    for _ in 0..count.min(MOST) {
        let kind = fields.u16()?;
        let number = fields.u16()?;
        if number >= 0x8000 {
            fields.skip(16)?;
            if fields.u32()? == 0 {
                fields.skip(4)?;
            } else {
                let size = fields.size()?;
                fields.skip(size.checked_next_multiple_of(4)?)?;
            }
        }
        let several = kind & 0x1000 != 0;
        let kind = kind & 0x0fff;
        let variable = matches!(kind, 0x0d | 0x1e | 0x1f | 0x102);
        let values = if several || variable {
            fields.size()?
        } else {
            1
        };
        whole &= values <= MOST;
        for _ in 0..values.min(MOST) {
            let size = match kind {
                _ if variable => fields.size()?,
                0x05 | 0x06 | 0x07 | 0x14 | 0x40 => 8,
                0x48 => 16,
                _ => 4,
            };
            let value = fields.take(size)?;
            fields.skip(size.checked_next_multiple_of(4)? - size)?;
            match (number, kind) {
                (mapi::RTF, 0x102) => item.rtf = Some(value.to_vec()),
                (mapi::HTML, 0x102) => item.html = Some(mapi::html(value, page)),
                (mapi::HTML, 0x1f) => item.html = Some(codepage::wide(value)),
                (mapi::HTML, 0x1e) => item.html = Some(codepage::text(value, page)),
                (_, 0x1f) => item.strings.push((number, codepage::wide(value))),
                (_, 0x1e) => item.strings.push((number, codepage::text(value, page))),
                (_, 0x0d | 0x102) => binary(number, value),
                _ => {}
            }
        }
    }
    whole.then_some(())
}

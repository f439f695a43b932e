//! The pictures of a message that its page shows by `cid:`, as `data:` addresses.
//!
//! # Invariants
//! The type is that of the content, never the declared one; only PNG, JPEG, GIF and WebP pass. What is spent on pictures is bounded by size,
//! number and by how large they unfold.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::extract::{picture, sniff};
use crate::mime::{Message, words};

/// The largest picture, in bytes.
const PICTURE_BYTES: usize = 1 << 20;
/// All pictures of a page, in bytes, each time it stands there.
const PAGE_BYTES: usize = 4 << 20;
/// Pictures of a page.
const PICTURES: usize = 100;
/// Pixels of a picture: a browser keeps four bytes of each.
const PIXELS: u64 = 16_000_000;
/// What may be shown.
const TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// The pictures of a message by Content-ID.
pub(super) struct Pictures<'m> {
    by_id: HashMap<&'m str, &'m [u8]>,
    bytes: usize,
    number: usize,
    written: usize,
}

impl<'m> Pictures<'m> {
    pub(super) fn of(message: &'m Message<'_>) -> Self {
        let mut by_id = HashMap::new();
        for part in &message.parts {
            if let Some(id) = &part.content_id
                && let Entry::Vacant(entry) = by_id.entry(id.as_str())
            {
                entry.insert(part.bytes.as_ref());
            }
        }
        Self {
            by_id,
            bytes: 0,
            number: 0,
            written: 0,
        }
    }

    /// What the pictures given out have taken, in characters.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// What stands for an address in a page; `None` if it is no picture of the message, or one too many.
    pub(super) fn data(&mut self, address: &str) -> Option<String> {
        let address = address.trim();
        let scheme = address.get(..4)?;
        if !scheme.eq_ignore_ascii_case("cid:") {
            return None;
        }
        let id = words::unpercent(address.get(4..)?);
        let bytes = *self.by_id.get(std::str::from_utf8(&id).ok()?)?;
        let kind = sniff::sniff(bytes, "", None).media_type();
        let (width, height) = picture::size(bytes)?;
        let fits = bytes.len() <= PICTURE_BYTES
            && u64::from(width).saturating_mul(u64::from(height)) <= PIXELS
            && self.number < PICTURES
            && self.bytes + bytes.len() <= PAGE_BYTES;
        if !TYPES.contains(&kind) || !fits {
            return None;
        }
        self.number += 1;
        self.bytes += bytes.len();
        let data = format!("data:{kind};base64,{}", STANDARD.encode(bytes));
        self.written += data.len();
        Some(data)
    }
}

/// Whether an address is such a picture.
pub(super) fn is_picture(address: &str) -> bool {
    let coded = TYPES.iter().find_map(|kind| {
        address
            .strip_prefix("data:")?
            .strip_prefix(kind)?
            .strip_prefix(";base64,")
    });
    coded.is_some_and(|coded| {
        let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        coded.bytes().all(base64)
    })
}

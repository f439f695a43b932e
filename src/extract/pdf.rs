//! PDF: text in content order page by page, in two views; forms, notes and properties; attached files; and whether a password guards it.
//!
//! # Invariants
//! Beside the text as it stands, identifiers that a narrow column broke are given in one piece ([`device::Flow::joined`]), as hidden text:
//! they carry checks of their own, so nothing is made up by joining; names are not joined.
//! An opened document without text is said to be a picture, never clean. A page whose content cannot be decoded is broken.
//!
//! # Standards
//! ISO 32000-2; the standard security handler (7.6.4); optional content (8.11).
//!
//! # Known gaps
//! `hayro` bounds object streams by nothing: of those under encryption or an odd filter only the worker's limits stop it. Pictures beside
//! text are not read.
//! Right-to-left text is not reordered.

mod bounds;
mod device;
mod draws;
mod objects;
mod scans;

use std::collections::HashSet;

use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use hayro_syntax::object::Name;
use hayro_syntax::object::Object;
use hayro_syntax::object::array::Array;
use hayro_syntax::object::stream::Stream;
use hayro_syntax::page::Page;
use hayro_syntax::xref::XRef;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use crate::extract::content::{Location, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::pdf_lock;
use crate::limits::Limits;

const KIND: &str = "application/pdf";
/// Pages read of one document.
const MOST_PAGES: usize = 2_000;
/// Pixels from which a picture on a page without text may be a scan: a quarter of an A4 page at 72 dpi.
const SCAN_PIXELS: u64 = 125_000;

/// Characters below which a page with a large picture counts as a picture.
const SPARSE: usize = 48;

/// Share of a page from which a picture fills it, as a scan does.
const FILLS: f64 = 0.8;
/// Characters below which a page that a picture fills says no more than a letterhead and a footer.
const FOOTER: usize = 400;

/// A document without optional content. A page that is read under its cross-references shows every layer: `hayro` takes from there only
/// which layers are off.
const NO_LAYERS: &[u8] = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n\
<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>\nendobj\n\
trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n";

/// Reads a document.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let Some(pdf) = open(gather, location, bytes) else {
        return;
    };
    let settled = if oversized(&pdf, &gather.budget.limits) {
        gather.unread(location, UnreadReason::TooBig, KIND);
        true
    } else {
        pages(gather, location, &pdf)
    };
    let spoke = objects::read(gather, location, &pdf, depth);
    if !settled && !spoke {
        gather.unread(location, UnreadReason::ImageOnly, KIND);
    }
}

/// Whether the stream of a page, form, pattern or font expands beyond the allowance of a file, or so many that to find out takes more than
/// the allowance of a message.
fn oversized(pdf: &Pdf, limits: &Limits) -> bool {
    let mut left = limits.unpacked_bytes;
    let picture = |stream: &Stream<'_>| {
        stream
            .dict()
            .get::<Name<'_>>(b"Subtype")
            .is_some_and(|name| name.as_str() == "Image")
    };
    pdf.objects().into_iter().any(|object| match object {
        Object::Stream(stream) if !picture(&stream) => {
            match bounds::expansion(&stream, limits.file_bytes.min(left)) {
                Some(used) => {
                    left = left.saturating_sub(used);
                    false
                }
                None => true,
            }
        }
        _ => false,
    })
}

/// Reads all pages; says whether the document is settled: a page said something, or every page that shows anything is a picture and
/// said to be one.
fn pages(gather: &mut Gather<'_>, location: &Location, pdf: &Pdf) -> bool {
    let bare = Pdf::new(NO_LAYERS.to_vec()).ok();
    let bare = bare
        .as_ref()
        .filter(|_| pdf.xref().has_optional_content_groups());
    let reading = Reading {
        cache: InterpreterCache::new(),
        settings: InterpreterSettings::default(),
        // One byte more than fits, so that the cut is said.
        room: gather.budget.limits.file_text_bytes.saturating_add(1),
    };
    let mut draws = draws::Draws::new();
    let (mut any_text, mut pictures, mut drawings) = (false, 0usize, 0usize);
    for (index, page) in pdf.pages().iter().enumerate() {
        if gather.stopped(location) {
            return true;
        }
        if index >= MOST_PAGES {
            gather.unread(location, UnreadReason::TooBig, KIND);
            break;
        }
        let place = location.at(format!("page {}", index + 1));
        if draws.is_spent() {
            gather.unread(&place, UnreadReason::TooBig, KIND);
            any_text = true;
            break;
        }
        if let Some(reason) = unreadable(page, gather.budget.limits.file_bytes) {
            gather.unread(&place, reason, KIND);
            any_text = true;
            if reason == UnreadReason::TooBig {
                continue;
            }
        }
        if let Some(reason) = draws.fault(page) {
            gather.unread(&place, reason, KIND);
            any_text = true;
            if reason == UnreadReason::TooBig {
                continue;
            }
        }
        let said = reading.page(page, pdf.xref());
        let hidden = said.hidden.text.trim();
        let mute = said.shown.text.trim().is_empty() && hidden.is_empty();
        any_text |= !mute;
        if is_picture(page, &said) {
            pictures += 1;
            gather.unread(&place, UnreadReason::ImageOnly, KIND);
            if gather.keeps_pictures {
                reading.scan(gather, page, pdf.xref(), &place);
            }
        } else {
            drawings += usize::from(mute && said.is_drawn());
        }
        if let Some(bare) = bare {
            let all = reading.page(page, bare.xref());
            gather.unit(
                &location.at(format!("page {}, layers that are off", index + 1)),
                View::Hidden,
                beyond(
                    &said.shown.text,
                    &(all.shown.text + "\n" + &all.hidden.text),
                ),
            );
        }
        let joined = said.shown.joined();
        gather.unit(&place, View::Visible, said.shown.text);
        gather.unit(&place, View::Hidden, said.hidden.text);
        gather.unit(&place, View::Hidden, said.aside);
        gather.unit(&place, View::Hidden, joined);
    }
    any_text || pictures > 0 && drawings == 0
}

/// Why not all of a page's content can be interpreted: a stream does not decode, or all of them together are too much.
fn unreadable(page: &Page<'_>, most: u64) -> Option<UnreadReason> {
    if let Some(streams) = page.raw().get::<Array<'_>>(b"Contents") {
        // Every stream fits by itself; the same one may stand here a thousand times.
        let mut total = 0u64;
        for stream in streams.iter::<Stream<'_>>() {
            let Ok(data) = stream.decoded_data() else {
                return Some(UnreadReason::Broken);
            };
            total = total.saturating_add(data.len() as u64);
            if total > most {
                return Some(UnreadReason::TooBig);
            }
        }
        return None;
    }
    let stream = page.raw().get::<Stream<'_>>(b"Contents");
    (stream.is_some() && page.page_stream().is_none()).then_some(UnreadReason::Broken)
}

/// Whether a page is a scan: a picture, and no more text beside it than a scanner or an app writes.
fn is_picture(page: &Page<'_>, said: &device::Page) -> bool {
    let count = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    let written = count(&said.shown.text) + count(&said.hidden.text);
    let (width, height) = page.render_dimensions();
    let fills = said.covered >= FILLS * f64::from(width) * f64::from(height);
    let sparse = written < SPARSE || fills && written < FOOTER;
    sparse && said.largest >= SCAN_PIXELS
}

/// The lines of `all` that are not in `shown`.
fn beyond(shown: &str, all: &str) -> String {
    let known: HashSet<&str> = shown.lines().collect();
    let more: Vec<&str> = all.lines().filter(|line| !known.contains(line)).collect();
    more.join("\n")
}

/// What all pages of a document are read with.
struct Reading<'a> {
    cache: InterpreterCache<'a>,
    settings: InterpreterSettings,
    room: usize,
}

impl<'a> Reading<'a> {
    fn context(&self, layers: &'a XRef) -> Context<'a> {
        Context::new(
            Affine::IDENTITY,
            Rect::new(0.0, 0.0, 1.0, 1.0),
            &self.cache,
            layers,
            self.settings.clone(),
        )
    }

    /// Takes a page's pictures for OCR.
    fn scan(&self, gather: &mut Gather<'_>, page: &Page<'a>, layers: &'a XRef, place: &Location) {
        let mut device = scans::Scans::new(gather, place);
        interpret_page(page, &mut self.context(layers), &mut device);
    }

    /// Reads a page; `layers` says which are off.
    fn page(&self, page: &Page<'a>, layers: &'a XRef) -> device::Page {
        let mut context = self.context(layers);
        let area = page.intersected_crop_box();
        let area = Rect::new(area.x0, area.y0, area.x1, area.y1);
        let mut device = device::Page::new(area, self.room);
        interpret_page(page, &mut context, &mut device);
        device
    }
}

/// Where the header is; readers accept junk before it within the first kilobyte.
pub(crate) fn header(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(&bytes[..bytes.len().min(1024)], b"%PDF-")
}

/// Whether bytes that hold a header hold a document too.
pub(crate) fn has_objects(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b" obj").is_some()
        && (memchr::memmem::find(bytes, b"startxref").is_some()
            || memchr::memmem::find(bytes, b"trailer").is_some())
}

/// What stands before the header, and what follows an end mark without being a revision of the document.
pub(crate) fn foreign(bytes: &[u8]) -> Vec<&[u8]> {
    const END: &[u8] = b"%%EOF";
    let mut out = vec![&bytes[..header(bytes).unwrap_or(0)]];
    let mut ends = memchr::memmem::find_iter(bytes, END).peekable();
    while let Some(at) = ends.next() {
        let next = ends.peek().copied().unwrap_or(bytes.len());
        let piece = &bytes[at + END.len()..next];
        let revision = memchr::memmem::find(piece, b" obj").is_some()
            || memchr::memmem::find(piece, b"startxref").is_some();
        if !revision {
            out.push(piece);
        }
    }
    out
}

fn open(gather: &mut Gather<'_>, location: &Location, bytes: &[u8]) -> Option<Pdf> {
    if bounds::objects_expand(bytes, gather.budget.limits.file_bytes) {
        gather.unread(location, UnreadReason::TooBig, KIND);
        return None;
    }
    match Pdf::new(bytes.to_vec()) {
        Ok(pdf) => {
            // The probe is no password anybody chose: if it fails, the file is encrypted under the empty one.
            let marked = memchr::memmem::find_iter(bytes, b"/Encrypt")
                .any(|at| bytes.get(at + 8).is_none_or(|b| !b.is_ascii_alphabetic()));
            if marked
                && matches!(
                    Pdf::new_with_password(bytes.to_vec(), "\u{1}beadle"),
                    Err(LoadPdfError::Decryption(_))
                )
            {
                gather.protect(
                    location,
                    ProtectionState::Apparent,
                    "the PDF opens without a password",
                );
            }
            Some(pdf)
        }
        Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) => {
            if let Some(pdf) = pdf_lock::open(gather, bytes) {
                gather.protect(
                    location,
                    ProtectionState::Apparent,
                    "the password travels with it",
                );
                return Some(pdf);
            }
            match strength(bytes) {
                Strength::Strong => gather.protect(
                    location,
                    ProtectionState::Password,
                    "PDF encrypted under a password",
                ),
                Strength::Weak => {
                    gather.protect(
                        location,
                        ProtectionState::Apparent,
                        "the PDF uses a 40-bit key",
                    );
                    gather.unread(location, UnreadReason::Unsupported, KIND);
                }
            }
            None
        }
        Err(LoadPdfError::Decryption(_)) => {
            gather.protect(
                location,
                ProtectionState::Opaque,
                "PDF encrypted in a way that could not be confirmed",
            );
            gather.unread(location, UnreadReason::Unsupported, KIND);
            None
        }
        Err(LoadPdfError::Invalid) => {
            gather.unread(location, UnreadReason::Broken, KIND);
            None
        }
    }
}

enum Strength {
    Strong,
    Weak,
}

/// Encryption of revision 2 has 40-bit keys, which fall in minutes; later ones depend on the password.
fn strength(bytes: &[u8]) -> Strength {
    let handler = memchr::memmem::rfind(bytes, b"/Standard").unwrap_or(0);
    let dictionary = &bytes[handler.saturating_sub(512)..bytes.len().min(handler + 512)];
    let revision = memchr::memmem::find(dictionary, b"/R ").map(|at| &dictionary[at + 3..]);
    match revision {
        Some([b'3'..=b'6', next, ..]) if !next.is_ascii_digit() => Strength::Strong,
        _ => Strength::Weak,
    }
}

//! PDF: text in content order page by page, form values, annotations, properties, attached files, and whether a password guards it.
//!
//! # Invariants
//! Content order is kept, never page layout: cells that wrap in a narrow column come out in one piece only that way.
//! An opened document without text is said to be a picture, never clean.
//!
//! # Standards
//! ISO 32000-2; the standard security handler (7.6.4).
//!
//! # Known gaps
//! `hayro` bounds neither the size of a decoded stream nor repeated forms: only the worker's limits stop such a file. Layers
//! that are switched off, and pictures beside text, are not read. Right-to-left text is not reordered. A word that a narrow table cell
//! breaks over two lines comes out as two lines.

use std::collections::HashMap;

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};
use hayro_syntax::object::dict::Dict;
use hayro_syntax::object::stream::Stream;
use hayro_syntax::object::{Name, Object, ObjectIdentifier, String as PdfString};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use crate::extract::content::{Location, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::pdf_lock;
use crate::extract::read;
use crate::extract::xml;
use crate::mime::charset;

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

/// Reads a document.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let Some(pdf) = open(gather, location, bytes) else {
        return;
    };
    let settings = InterpreterSettings::default();
    let cache = InterpreterCache::new();
    let (mut any_text, mut pictures) = (false, Vec::new());
    for (index, page) in pdf.pages().iter().enumerate() {
        if gather.stopped(location) {
            return;
        }
        if index >= MOST_PAGES {
            gather.unread(location, UnreadReason::TooBig, KIND);
            break;
        }
        let mut context = Context::new(
            Affine::IDENTITY,
            Rect::new(0.0, 0.0, 1.0, 1.0),
            &cache,
            pdf.xref(),
            settings.clone(),
        );
        let mut device = TextDevice {
            room: gather.budget.limits.file_text_bytes,
            ..TextDevice::default()
        };
        interpret_page(page, &mut context, &mut device);
        let place = location.at(format!("page {}", index + 1));
        let blank = device.text.trim().is_empty();
        any_text |= !blank;
        // A scanner's or an app's own line on the page is not what the page says.
        let written = device.text.chars().filter(|c| !c.is_whitespace()).count();
        let (width, height) = page.render_dimensions();
        let fills = device.covered >= FILLS * f64::from(width) * f64::from(height);
        let sparse = written < SPARSE || fills && written < FOOTER;
        if sparse && device.largest >= SCAN_PIXELS {
            pictures.push(place.clone());
        }
        gather.unit(&place, View::Visible, device.text);
        gather.unit(&place, View::Hidden, device.aside);
    }
    if any_text {
        for place in pictures {
            gather.unread(&place, UnreadReason::ImageOnly, KIND);
        }
    }
    let spoke = objects(gather, location, &pdf, depth);
    if !any_text && !spoke {
        gather.unread(location, UnreadReason::ImageOnly, KIND);
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

/// Text outside page contents. Says whether a form value or annotation spoke.
fn objects(gather: &mut Gather<'_>, location: &Location, pdf: &Pdf, depth: usize) -> bool {
    let mut names: HashMap<ObjectIdentifier, String> = HashMap::new();
    let mut files: Vec<(ObjectIdentifier, Vec<u8>)> = Vec::new();
    let (mut notes, mut hidden, mut properties) = (String::new(), String::new(), String::new());
    for object in pdf.objects() {
        if gather.stopped(location) {
            return true;
        }
        match object {
            Object::Dict(dict) => dictionary(&dict, &mut notes, &mut hidden, &mut names),
            Object::Stream(stream) => {
                stream_object(gather, location, &stream, &mut files, &mut properties);
            }
            _ => {}
        }
    }
    let info = pdf.metadata();
    for value in [&info.title, &info.author, &info.subject, &info.keywords]
        .into_iter()
        .flatten()
    {
        properties.push_str(&text_string(value));
        properties.push('\n');
    }
    let spoke = !notes.trim().is_empty();
    gather.unit(&location.at("form and notes"), View::Visible, notes);
    gather.unit(location, View::Hidden, hidden);
    gather.unit(&location.at("properties"), View::Properties, properties);
    for (id, bytes) in files {
        let name = names
            .get(&id)
            .cloned()
            .unwrap_or_else(|| "embedded".to_owned());
        read::file(
            gather,
            &location.inside(&name),
            &name,
            None,
            &bytes,
            depth + 1,
        );
    }
    spoke
}

fn text_of(dict: &Dict<'_>, key: &[u8]) -> Option<String> {
    dict.get::<PdfString<'_>>(key)
        .map(|value| text_string(value.as_bytes()))
        .filter(|text| !text.trim().is_empty())
}

fn dictionary(
    dict: &Dict<'_>,
    notes: &mut String,
    hidden: &mut String,
    names: &mut HashMap<ObjectIdentifier, String>,
) {
    if let Some(files) = dict.get::<Dict<'_>>(b"EF") {
        let name = text_of(dict, b"UF")
            .or_else(|| text_of(dict, b"F"))
            .unwrap_or_default();
        for key in [&b"F"[..], b"UF"] {
            if let Some(reference) = files.get_ref(key) {
                names.insert(reference.into(), name.clone());
            }
        }
    }
    let subtype = dict
        .get::<Name<'_>>(b"Subtype")
        .map(|name| name.as_str().to_owned())
        .unwrap_or_default();
    let field = dict.contains_key(b"FT") || subtype == "Widget";
    if field {
        // A field and what stands in it on one line, as on the form.
        let label = text_of(dict, b"TU").or_else(|| text_of(dict, b"T"));
        let values: Vec<String> = [&b"V"[..], b"DV"]
            .into_iter()
            .filter_map(|key| text_of(dict, key))
            .collect();
        if !values.is_empty() {
            notes.push_str(&label.unwrap_or_default());
            notes.push_str(": ");
            notes.push_str(&values.join(" "));
            notes.push('\n');
        }
    }
    let annotation = dict.contains_key(b"Rect")
        || dict
            .get::<Name<'_>>(b"Type")
            .is_some_and(|name| name.as_str() == "Annot");
    if annotation {
        for key in [&b"Contents"[..], b"T", b"Subj"] {
            if !(field && key == b"T")
                && let Some(text) = text_of(dict, key)
            {
                notes.push_str(&text);
                notes.push('\n');
            }
        }
    }
    for key in [&b"Alt"[..], b"ActualText", b"Title"] {
        if let Some(text) = text_of(dict, key) {
            hidden.push_str(&text);
            hidden.push('\n');
        }
    }
}

fn stream_object(
    gather: &mut Gather<'_>,
    location: &Location,
    stream: &Stream<'_>,
    files: &mut Vec<(ObjectIdentifier, Vec<u8>)>,
    properties: &mut String,
) {
    let dict = stream.dict();
    let kind = dict
        .get::<Name<'_>>(b"Type")
        .map(|name| name.as_str().to_owned())
        .unwrap_or_default();
    if kind != "EmbeddedFile" && kind != "Metadata" {
        return;
    }
    let Ok(bytes) = stream.decoded() else {
        gather.unread(location, UnreadReason::Broken, KIND);
        return;
    };
    if !gather.budget.take_unpacked(bytes.len() as u64)
        || bytes.len() as u64 > gather.budget.limits.file_bytes
    {
        gather.unread(location, UnreadReason::TooBig, KIND);
    } else if kind == "Metadata" {
        properties.push_str(&xml::all_text(
            &bytes,
            &["title", "creator", "description", "subject", "Keywords"],
        ));
    } else {
        files.push((stream.obj_id(), bytes.into_owned()));
    }
}

/// A text string: UTF-16 or UTF-8 with a mark, else PDFDocEncoding, which Latin-1 covers but for a few signs.
fn text_string(bytes: &[u8]) -> String {
    let marked = bytes.starts_with(&[0xfe, 0xff])
        || bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xef, 0xbb, 0xbf]);
    let text = charset::decode(bytes, (!marked).then_some("windows-1252"));
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[derive(Default)]
struct TextDevice {
    text: String,
    aside: String,
    room: usize,
    /// Where the last glyph ended.
    pen: Option<Point>,
    /// Where the last filled run began, to know its outline again.
    began: Option<Point>,
    largest: u64,
    /// Area of the page under the picture that takes most of it.
    covered: f64,
}

impl TextDevice {
    fn glyph(&mut self, glyph: &Glyph<'_>, transform: Affine) {
        if self.text.len() >= self.room {
            return;
        }
        let origin = transform * Point::ZERO;
        let along = (transform * Point::new(1000.0, 0.0) - origin).normalize();
        let size = (transform * Point::new(0.0, 1000.0) - origin)
            .hypot()
            .max(1e-6);
        self.separate(origin, along, size);
        match glyph.as_unicode() {
            Some(BfString::Char(c)) => self.text.push(c),
            Some(BfString::String(text)) => self.text.push_str(&text),
            None => self.text.push('\u{fffd}'),
        }
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(type3) => type3.advance_width(),
        };
        self.pen = Some(transform * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0));
    }

    /// Ends the line or the word when the pen moved as programs move it between them.
    fn separate(&mut self, origin: Point, along: Vec2, size: f64) {
        let Some(pen) = self.pen else { return };
        let step = origin - pen;
        let (forward, across) = (step.dot(along), step.cross(along).abs());
        if !forward.is_finite() {
            return;
        }
        if across > size * 0.45 || forward < -size * 1.5 {
            if !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push('\n');
            }
        } else if forward > size * 0.18 && !self.text.ends_with([' ', '\n', '\t']) {
            self.text
                .push(if forward > size * 2.0 { '\t' } else { ' ' });
        }
    }
}

impl<'a> Device<'a> for TextDevice {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let began = run
            .glyphs()
            .first()
            .map(|glyph| props.transform * glyph.transform() * Point::ZERO);
        // Filled and stroked text is drawn twice at one place.
        if matches!(mode, DrawMode::Stroke(_)) && began.is_some() && began == self.began {
            return;
        }
        self.began = began;
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let pixels = u64::from(image.width()) * u64::from(image.height());
        self.largest = self.largest.max(pixels);
        // The transform takes pixels to points.
        let area = props.transform.determinant().abs() * pixels as f64;
        self.covered = self.covered.max(area);
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        if let Some(text) = properties.and_then(|dict| text_of(dict, b"ActualText"))
            && self.aside.len() < self.room
        {
            self.aside.push_str(&text);
            self.aside.push('\n');
        }
    }
}

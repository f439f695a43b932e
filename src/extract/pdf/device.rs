//! What one page says: its glyphs in content order, told apart by whether a reader sees them, and where its pictures stand.
//!
//! # Invariants
//! Content order is kept, never page layout: cells that wrap in a narrow column come out in one piece only that way.
//! A text that somebody could see is [`Page::shown`], also when it is hard to see; only what no viewer shows is aside.
//!
//! # Standards
//! ISO 32000-2 9.3.6 (rendering modes), 14.9.4 (ActualText).
//!
//! # Known gaps
//! Text under a picture or a later box counts as shown. Right-to-left text is not reordered.

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, Paint, SoftMask,
};
use hayro_syntax::object::dict::Dict;

use crate::extract::pdf::objects::text_of;

/// Boxes of colour remembered of one page; beyond them all white text counts as shown.
const MOST_BOXES: usize = 1_024;
/// Characters of a line that may be a piece of a wrapped cell; columns of identifiers are narrower.
const PIECE: usize = 40;
/// Lines of one wrapped cell.
const MOST_LINES: usize = 6;

/// Text as the pen wrote it.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) text: String,
    /// Where the last glyph ended.
    pen: Option<Point>,
    /// Where the last filled run began, to know its outline again.
    began: Option<Point>,
    pieces: Vec<Piece>,
}

/// A stretch of text without a gap: a cell's line, or a whole line of a paragraph.
struct Piece {
    from: usize,
    start: Point,
    end: Point,
    along: Vec2,
    size: f64,
}

impl Flow {
    fn glyph(&mut self, glyph: &Glyph<'_>, transform: Affine) {
        let origin = transform * Point::ZERO;
        let along = (transform * Point::new(1000.0, 0.0) - origin).normalize();
        let size = (transform * Point::new(0.0, 1000.0) - origin)
            .hypot()
            .max(1e-6);
        if self.separate(origin, along, size) || self.pieces.is_empty() {
            self.pieces.push(Piece {
                from: self.text.len(),
                start: origin,
                end: origin,
                along,
                size,
            });
        }
        match glyph.as_unicode() {
            Some(BfString::Char(c)) => self.text.push(c),
            Some(BfString::String(text)) => self.text.push_str(&text),
            None => self.text.push('\u{fffd}'),
        }
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(type3) => type3.advance_width(),
        };
        let end = transform * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0);
        if let Some(piece) = self.pieces.last_mut() {
            piece.end = end;
        }
        self.pen = Some(end);
    }

    /// Ends the line or the word when the pen moved as programs move it between them; says whether a new piece begins.
    fn separate(&mut self, origin: Point, along: Vec2, size: f64) -> bool {
        let Some(pen) = self.pen else { return true };
        let step = origin - pen;
        let (forward, across) = (step.dot(along), step.cross(along).abs());
        if !forward.is_finite() {
            return false;
        }
        if across > size * 0.45 || forward < -size * 1.5 {
            if !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push('\n');
            }
            return true;
        }
        if forward > size * 0.18 && !self.text.ends_with([' ', '\n', '\t']) {
            let gap = forward > size * 2.0;
            self.text.push(if gap { '\t' } else { ' ' });
            return gap;
        }
        false
    }

    fn piece(&self, index: usize) -> &str {
        let from = self.pieces.get(index).map_or(self.text.len(), |p| p.from);
        let next = self.pieces.get(index + 1).map(|p| p.from);
        self.text
            .get(from..next.unwrap_or(self.text.len()))
            .unwrap_or("")
            .trim()
    }

    /// Identifiers and words that a narrow column broke: the lines of one cell without anything between them, a cell a line. Only
    /// what carries a check of its own (a digit, an address) is joined, and words that a hyphen says are broken.
    pub(super) fn joined(&self) -> String {
        let mut out = String::new();
        let mut first = 0;
        while first < self.pieces.len() {
            let mut last = first;
            while last + 1 < self.pieces.len()
                && self.token(last).is_some()
                && self.token(last + 1).is_some()
                && continues(&self.pieces[last], &self.pieces[last + 1])
            {
                last += 1;
            }
            if last > first && last - first < MOST_LINES {
                let cell: String = (first..=last).filter_map(|at| self.token(at)).collect();
                if cell.bytes().any(|b| b.is_ascii_digit() || b == b'@') {
                    out.push_str(&cell);
                    out.push('\n');
                }
            }
            first = last + 1;
        }
        for at in 0..self.pieces.len().saturating_sub(1) {
            let (line, next) = (self.piece(at), self.piece(at + 1));
            if let Some(head) = line.strip_suffix(['-', '\u{ad}'])
                && next.starts_with(char::is_lowercase)
                && head.ends_with(char::is_alphabetic)
            {
                out.push_str(head);
                out.push_str(next);
                out.push('\n');
            }
        }
        out
    }

    /// The piece, if it is one word.
    fn token(&self, index: usize) -> Option<&str> {
        let text = self.piece(index);
        (!text.is_empty() && text.len() <= PIECE && !text.contains(char::is_whitespace))
            .then_some(text)
    }
}

/// Whether a piece is the next line of the same cell: as far down as lines are, and flush left, right or centred below it.
fn continues(line: &Piece, next: &Piece) -> bool {
    let down = next.start - line.start;
    let pitch = down.cross(line.along).abs();
    let near = |shift: f64| shift.abs() < line.size * 0.3;
    let left = down.dot(line.along);
    let right = (next.end - line.end).dot(line.along);
    (line.size * 0.8..line.size * 1.6).contains(&pitch)
        && (near(left) || near(right) || near(left.midpoint(right)))
}

/// What a page says.
pub(super) struct Page {
    /// Text that is shown.
    pub(super) shown: Flow,
    /// Text that no viewer shows: without ink, outside the page, white on white.
    pub(super) hidden: Flow,
    /// Replacement texts for programs that read aloud.
    pub(super) aside: String,
    room: usize,
    /// The part of the page that viewers show.
    area: Rect,
    /// What was painted in colour, for white text on it.
    boxes: Vec<Rect>,
    /// Something was painted, white or not.
    drawn: bool,
    /// Pixels of the largest picture.
    pub(super) largest: u64,
    /// Area under the picture that takes most of the page.
    pub(super) covered: f64,
}

impl Page {
    /// A page of this visible area; text stops at `room` bytes.
    pub(super) fn new(area: Rect, room: usize) -> Self {
        Self {
            shown: Flow::default(),
            hidden: Flow::default(),
            aside: String::new(),
            room,
            area: area.inflate(2.0, 2.0),
            boxes: Vec::new(),
            drawn: false,
            largest: 0,
            covered: 0.0,
        }
    }

    fn is_seen(&self, at: Point, paint: &Paint<'_>, mode: &DrawMode) -> bool {
        if matches!(mode, DrawMode::Invisible) || !self.area.contains(at) {
            return false;
        }
        match ink(paint) {
            Ink::None => false,
            Ink::White => {
                self.boxes.len() >= MOST_BOXES || self.boxes.iter().any(|area| area.contains(at))
            }
            Ink::Colour => true,
        }
    }

    /// Whether the page shows anything beside text.
    pub(super) fn is_drawn(&self) -> bool {
        self.drawn
    }

    fn painted(&mut self, area: Rect) {
        if self.boxes.len() < MOST_BOXES {
            self.boxes.push(area.inflate(1.0, 1.0));
        }
    }
}

enum Ink {
    None,
    White,
    Colour,
}

fn ink(paint: &Paint<'_>) -> Ink {
    let Paint::Color(color) = paint else {
        return Ink::Colour;
    };
    let [red, green, blue, alpha] = color.to_rgba().components();
    if alpha < 0.02 {
        Ink::None
    } else if red.min(green).min(blue) > 0.97 {
        Ink::White
    } else {
        Ink::Colour
    }
}

impl<'a> Device<'a> for Page {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        self.drawn = true;
        if matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..))
            && matches!(ink(&props.paint), Ink::Colour)
        {
            self.painted(props.transform.transform_rect_bbox(path.control_box()));
        }
    }
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let Some(first) = run.glyphs().first() else {
            return;
        };
        let began = props.transform * first.transform() * Point::ZERO;
        let seen = self.is_seen(began, &props.paint, mode);
        let flow = if seen {
            &mut self.shown
        } else {
            &mut self.hidden
        };
        // Filled and stroked text is drawn twice at one place.
        if matches!(mode, DrawMode::Stroke(_)) && flow.began == Some(began) {
            return;
        }
        flow.began = Some(began);
        for glyph in run.glyphs() {
            if flow.text.len() >= self.room {
                return;
            }
            flow.glyph(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.drawn = true;
        let (width, height) = (image.width(), image.height());
        let pixels = u64::from(width) * u64::from(height);
        self.largest = self.largest.max(pixels);
        // The transform takes pixels to points.
        let area = props.transform.determinant().abs() * pixels as f64;
        self.covered = self.covered.max(area);
        let frame = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        self.painted(props.transform.transform_rect_bbox(frame));
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

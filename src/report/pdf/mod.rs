//! A report as PDF: tagged for who listens to it, with its own fonts, page numbers and an outline.
//!
//! # Invariants
//! The writer validates against PDF/UA-1 and gives no file that fails: every piece is tagged or decoration, charts have words, tables have
//! headings, the language and the title are set. The same report gives the same pages.
//!
//! # Standards
//! ISO 14289-1 (PDF/UA-1) over ISO 32000-1 (PDF 1.7), as far as `krilla` checks; what only a person can check (that words fit charts) is
//! held by tests of the model.

mod charts;
mod font;
mod layout;
mod page;
mod tables;

use std::num::NonZeroU16;

use jiff::civil::DateTime;
use krilla::color::rgb;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime as Stamp, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node as TagNode, SpanTag, TableHeaderScope,
    Tag, TagGroup, TagKind, TagTree,
};
use krilla::text::TextDirection;
use krilla::{Document, SerializeSettings};

use super::model::Report;
use font::Fonts;
use layout::{EDGE, GREY};
use page::{Draw, Laid, Node, Piece, Role, Words};

/// Why a report has no PDF.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The embedded fonts are broken.
    #[error("the report could not be written as PDF: its fonts cannot be read")]
    Fonts,
    /// The writer refused it.
    #[error("the report could not be written as PDF: {0}")]
    Write(String),
}

impl From<KrillaError> for PdfError {
    fn from(error: KrillaError) -> Self {
        Self::Write(error.to_string())
    }
}

/// The report as PDF; `made` is the moment that the file says it was made.
pub fn pdf(report: &Report, made: DateTime) -> Result<Vec<u8>, PdfError> {
    let fonts = Fonts::load().ok_or(PdfError::Fonts)?;
    let laid = layout::lay(report, &fonts);
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|_| PdfError::Write("PDF/UA-1 is not offered".to_owned()))?;
    let mut document = Document::new_with(SerializeSettings {
        configuration,
        enable_tagging: true,
        ..SerializeSettings::default()
    });
    document.set_metadata(metadata(report, made));
    let mut leaves: Vec<Option<Identifier>> = vec![None; laid.leaves];
    for (index, pieces) in laid.pages.iter().enumerate() {
        let settings = PageSettings::from_wh(laid.width, laid.height);
        let settings = settings.ok_or_else(|| PdfError::Write("size of a page".to_owned()))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for piece in pieces {
            draw_piece(&mut surface, piece, &fonts, &mut leaves);
        }
        footer(&mut surface, &laid, report, index, &fonts);
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tree(&laid, &leaves));
    document.set_outline(outline(&laid));
    Ok(document.finish()?)
}

fn metadata(report: &Report, made: DateTime) -> Metadata {
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let stamp = Stamp::new(u16::try_from(made.year()).unwrap_or(1970))
        .month(part(made.month()))
        .day(part(made.day()))
        .hour(part(made.hour()))
        .minute(part(made.minute()))
        .second(part(made.second()));
    Metadata::new()
        .title(report.title.clone())
        .creator("Beadle".to_owned())
        .language("en-GB".to_owned())
        .creation_date(stamp)
}

fn draw_piece(
    surface: &mut Surface<'_>,
    piece: &Piece,
    fonts: &Fonts,
    leaves: &mut [Option<Identifier>],
) {
    let tag = match piece.leaf {
        Some(_) => words_only(&piece.draws),
        None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
    };
    let identifier = surface.start_tagged(tag);
    for draw in &piece.draws {
        draw_one(surface, draw, fonts);
    }
    surface.end_tagged();
    if let Some(place) = piece.leaf.and_then(|leaf| leaves.get_mut(leaf)) {
        *place = Some(identifier);
    }
}

fn words_only(draws: &[Draw]) -> ContentTag<'static> {
    if draws.len() == 1 && matches!(draws.first(), Some(Draw::Words(_))) {
        ContentTag::Span(SpanTag::empty())
    } else {
        ContentTag::Other
    }
}

/// The title of the report and the number of the page; said by the document itself to who listens.
fn footer(surface: &mut Surface<'_>, laid: &Laid, report: &Report, index: usize, fonts: &Fonts) {
    const SIZE: f32 = 8.0;
    let number = format!("Page {} of {}", index + 1, laid.pages.len());
    let x = laid.width - EDGE - fonts.width(&number, SIZE, false);
    let title = fonts.shown(&format!("{} · Beadle", report.title));
    let room = x - EDGE - 20.0;
    let title = fonts.lines(&title, SIZE, false, room);
    let words = |x: f32, text: String| {
        Draw::Words(Words {
            x,
            y: laid.height - EDGE + 8.0,
            size: SIZE,
            bold: false,
            colour: GREY,
            text,
        })
    };
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(
        ArtifactType::Footer,
    )));
    if let Some(title) = title.into_iter().next() {
        draw_one(surface, &words(EDGE, title), fonts);
    }
    draw_one(surface, &words(x, number), fonts);
    surface.end_tagged();
}

fn paint(colour: u32) -> rgb::Color {
    let [_, red, green, blue] = colour.to_be_bytes();
    rgb::Color::new(red, green, blue)
}

fn fill(colour: u32) -> Fill {
    Fill {
        paint: paint(colour).into(),
        ..Fill::default()
    }
}

fn stroke(colour: u32, width: f32, dash: &[f32]) -> Stroke {
    Stroke {
        paint: paint(colour).into(),
        width,
        dash: (!dash.is_empty()).then(|| StrokeDash {
            array: dash.to_vec(),
            offset: 0.0,
        }),
        ..Stroke::default()
    }
}

fn draw_one(surface: &mut Surface<'_>, draw: &Draw, fonts: &Fonts) {
    match draw {
        Draw::Words(words) => {
            if words.text.is_empty() {
                return;
            }
            surface.set_stroke(None);
            surface.set_fill(Some(fill(words.colour)));
            let at = Point::from_xy(words.x, words.y);
            let font = fonts.font(words.bold);
            let direction = TextDirection::LeftToRight;
            surface.draw_text(at, font, words.size, &words.text, false, direction);
        }
        Draw::Rect {
            x,
            y,
            width,
            height,
            fill: filled,
            stroke: edged,
        } => {
            let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) else {
                return;
            };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            surface.set_fill(filled.map(fill));
            surface.set_stroke(edged.map(|colour| stroke(colour, 0.6, &[])));
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }
        Draw::Line {
            points,
            width,
            colour,
            dash,
        } => {
            let mut path = PathBuilder::new();
            let mut points = points.iter();
            let Some((x, y)) = points.next() else { return };
            path.move_to(*x, *y);
            points.for_each(|(x, y)| path.line_to(*x, *y));
            surface.set_fill(None);
            surface.set_stroke(Some(stroke(*colour, *width, dash)));
            if let Some(path) = path.finish() {
                surface.draw_path(&path);
            }
        }
    }
}

fn tree(laid: &Laid, leaves: &[Option<Identifier>]) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some("en-GB".to_owned()));
    for node in &laid.tree {
        if let Some(node) = tagged(node, leaves) {
            tree.push(node);
        }
    }
    tree
}

fn tagged(node: &Node, leaves: &[Option<Identifier>]) -> Option<TagNode> {
    match node {
        Node::Leaf(leaf) => leaves.get(*leaf)?.map(TagNode::from),
        Node::Group(role, children) => {
            let children = children.iter().filter_map(|child| tagged(child, leaves));
            let group = TagGroup::with_children(tag(role), children.collect());
            Some(TagNode::from(group))
        }
    }
}

fn tag(role: &Role) -> TagKind {
    match role {
        Role::Section => Tag::Section.into(),
        Role::Heading(level, title) => {
            let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
            Tag::Hn(level, Some(title.clone())).into()
        }
        Role::Paragraph => Tag::P.into(),
        Role::Caption => Tag::Caption.into(),
        Role::Table => Tag::Table.into(),
        Role::TableHead => Tag::THead.into(),
        Role::TableBody => Tag::TBody.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnHead => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowHead => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
        Role::Figure(words) => Tag::Figure(Some(words.clone())).into(),
    }
}

fn outline(laid: &Laid) -> Outline {
    let mut outline = Outline::new();
    for (heading, page, y) in &laid.outline {
        let place = XyzDestination::new(*page, Point::from_xy(EDGE, *y));
        outline.push_child(OutlineNode::new(heading.clone(), place));
    }
    outline
}

//! Pictures of pages that are scans, taken out for OCR.
//!
//! # Invariants
//! A picture is decoded only when its dimensions fit what the message may still spend, and its data does not expand beyond the
//! allowance of a file. Photographic ones leave as the JPEG they are.
//!
//! # Standards
//! ISO 32000-2 8.9 (images); Netpbm PGM.
//!
//! # Known gaps
//! A scan in many narrow strips is read strip by strip: a line that a cut goes through is lost.

use hayro_interpret::font::GlyphRun;
use hayro_interpret::kurbo::BezPath;
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageData, ImageDrawProps, SoftMask,
};
use hayro_syntax::Filter;

use crate::extract::content::Location;
use crate::extract::gather::Gather;
use crate::extract::pdf::bounds;
use crate::extract::picture;

/// Pictures taken of one page: layers of a scan, or strips.
const MOST: usize = 8;
/// Pixels below which a picture on a scanned page is a stamp or a rule.
const SMALLEST: u64 = 10_000;

/// Takes the pictures of one page.
pub(super) struct Scans<'s, 'g> {
    gather: &'s mut Gather<'g>,
    at: Location,
    page: Location,
    taken: usize,
}

impl<'s, 'g> Scans<'s, 'g> {
    /// For the page at this place.
    pub(super) fn new(gather: &'s mut Gather<'g>, page: &Location) -> Self {
        let detail = page.detail.as_deref().unwrap_or("page");
        Self {
            at: page.at(format!("{detail} picture")),
            page: page.clone(),
            gather,
            taken: 0,
        }
    }
}

impl<'a> Device<'a> for Scans<'_, '_> {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
    fn draw_glyph_run(&mut self, _: &GlyphRun<'_, 'a>, _: DrawProps<'a>, _: &DrawMode) {}

    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        let pixels = u64::from(image.width()) * u64::from(image.height());
        if self.taken >= MOST || pixels < SMALLEST || !picture::has_room(self.gather, pixels) {
            return;
        }
        if let Some(bytes) = file(&image, self.gather.budget.limits.file_bytes) {
            self.taken += 1;
            picture::keep(self.gather, self.at.clone(), &self.page, bytes, pixels);
        }
    }
}

/// The picture as a file of its own: the JPEG it is, or a PGM of its brightness.
fn file(image: &Image<'_, '_>, most: u64) -> Option<Vec<u8>> {
    match image {
        Image::Raster(raster) => {
            let stream = raster.stream();
            if stream.filters().as_slice() == [Filter::DctDecode] {
                return Some(stream.raw_data().into_owned());
            }
            if bounds::expands(stream, most) {
                return None;
            }
            let mut out = None;
            raster.with_rgba(
                |data, _| {
                    let (width, height) = (data.width(), data.height());
                    out = Some(match data {
                        ImageData::Luma(luma) => pgm(width, height, luma.data),
                        ImageData::Rgb(rgb) => {
                            pgm(width, height, rgb.data.chunks_exact(3).map(grey).collect())
                        }
                    });
                },
                None,
            );
            out
        }
        Image::Stencil(stencil) => {
            if bounds::expands(stencil.stream(), most) {
                return None;
            }
            let mut out = None;
            // Where a stencil lets ink through, the page is dark.
            stencil.with_stencil(
                |luma, _| {
                    let ink = luma.data.iter().map(|value| 255 - value).collect();
                    out = Some(pgm(luma.width, luma.height, ink));
                },
                None,
            );
            out
        }
    }
}

/// Brightness of a pixel (ITU-R BT.601).
fn grey(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((red * 299 + green * 587 + blue * 114) / 1_000) as u8
}

fn pgm(width: u32, height: u32, mut grey: Vec<u8>) -> Vec<u8> {
    let mut out = format!("P5\n{width} {height}\n255\n").into_bytes();
    out.append(&mut grey);
    out
}

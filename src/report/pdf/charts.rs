//! Charts on paper, from the same geometry as on screen.

use super::font::Fonts;
use super::layout::{FAINT, INK};
use super::page::{Draw, Words};
use crate::report::chart::{self, Anchor, Mark, WIDTH, WORDS};
use crate::report::model::Chart;

/// Colours of series, as on screen.
const COLOURS: [u32; 3] = [0x1d_3557, 0xb3_4700, 0x35_7266];

/// Points of a line that get a mark each.
const MARKED: usize = 60;

/// A chart and its scale.
pub(super) struct Scaled {
    marks: Vec<Mark>,
    scale: f32,
    pub(super) height: f32,
}

/// The chart, so wide.
pub(super) fn draw(chart: &Chart, width: f32) -> Scaled {
    let drawn = chart::draw(chart);
    let scale = width / WIDTH;
    Scaled {
        marks: drawn.marks,
        scale,
        height: drawn.height * scale,
    }
}

/// The chart at its place.
pub(super) fn placed(chart: &Scaled, fonts: &Fonts, left: f32, top: f32) -> Vec<Draw> {
    let scale = chart.scale;
    let at = |x: f32, y: f32| (left + x * scale, top + y * scale);
    let mut draws = Vec::with_capacity(chart.marks.len());
    for mark in &chart.marks {
        match mark {
            Mark::Bar {
                x,
                y,
                width,
                height,
                series,
            } => {
                let (x, y) = at(*x, *y);
                bar(&mut draws, (x, y), (width * scale, height * scale), *series);
            }
            Mark::Line { points, series } => {
                let points: Vec<(f32, f32)> = points.iter().map(|(x, y)| at(*x, *y)).collect();
                line(&mut draws, points, *series);
            }
            Mark::Rule { from, to } => draws.push(Draw::Line {
                points: vec![at(from.0, from.1), at(to.0, to.1)],
                width: 0.6,
                colour: FAINT,
                dash: Vec::new(),
            }),
            Mark::Words { x, y, anchor, text } => {
                let size = WORDS * scale;
                let text = fonts.shown(text);
                let wide = fonts.width(&text, size, false);
                let (x, y) = at(*x, *y);
                let x = match anchor {
                    Anchor::Start => x,
                    Anchor::Middle => x - wide / 2.0,
                    Anchor::End => x - wide,
                };
                draws.push(Draw::Words(Words {
                    x,
                    y,
                    size,
                    bold: false,
                    colour: INK,
                    text,
                }));
            }
        }
    }
    draws
}

fn colour(series: usize) -> u32 {
    COLOURS.get(series % COLOURS.len()).copied().unwrap_or(INK)
}

/// Plain, striped upright, striped level: told apart without colour.
fn bar(draws: &mut Vec<Draw>, (x, y): (f32, f32), (width, height): (f32, f32), series: usize) {
    const EVERY: f32 = 3.2;
    if width <= 0.0 || height <= 0.0 {
        return;
    }
    let colour = colour(series);
    let kind = series % COLOURS.len();
    draws.push(Draw::Rect {
        x,
        y,
        width,
        height,
        fill: Some(if kind == 0 { colour } else { 0xff_ffff }),
        stroke: Some(colour),
    });
    if kind == 0 {
        return;
    }
    let along = if kind == 1 { width } else { height };
    let mut offset = EVERY / 2.0;
    while offset < along {
        let points = if kind == 1 {
            vec![(x + offset, y), (x + offset, y + height)]
        } else {
            vec![(x, y + offset), (x + width, y + offset)]
        };
        draws.push(Draw::Line {
            points,
            width: 1.4,
            colour,
            dash: Vec::new(),
        });
        offset += EVERY;
    }
}

fn line(draws: &mut Vec<Draw>, points: Vec<(f32, f32)>, series: usize) {
    const HALF: f32 = 2.0;
    let colour = colour(series);
    let kind = series % COLOURS.len();
    let marks: Vec<(f32, f32)> = if points.len() <= MARKED {
        points.clone()
    } else {
        Vec::new()
    };
    draws.push(Draw::Line {
        points,
        width: 1.4,
        colour,
        dash: match kind {
            0 => Vec::new(),
            1 => vec![5.0, 3.0],
            _ => vec![1.5, 2.2],
        },
    });
    draws.extend(marks.into_iter().map(|(x, y)| Draw::Rect {
        x: x - HALF,
        y: y - HALF,
        width: 2.0 * HALF,
        height: 2.0 * HALF,
        fill: Some(if kind == 1 { 0xff_ffff } else { colour }),
        stroke: Some(colour),
    }));
}

//! A chart as SVG that stands within a page.
//!
//! # Invariants
//! Drawn by the server: no script, no style attribute, nothing fetched, so that a strict Content-Security-Policy holds. Ids carry the number
//! that the page gives the chart. A title and a description say what is seen, and a table stands beside it.
//!
//! # Standards
//! SVG 1.1; WAI-ARIA 1.2 (`role="img"` with `aria-labelledby`); WCAG 2.2 1.1.1, 1.4.1 (not by colour alone), 1.4.11 (contrast of 3:1).

use std::fmt::Write as _;

use super::chart::{Anchor, Mark, WIDTH, WORDS, draw};
use super::model::Chart;

/// Colours of series: each has a contrast of 3:1 or more with white.
pub(super) const COLOURS: [&str; 3] = ["#1d3557", "#b34700", "#357266"];

/// The chart as SVG; `number` is its own within the page.
pub(super) fn svg(chart: &Chart, number: usize) -> String {
    let drawn = draw(chart);
    let mut out = String::with_capacity(256 + drawn.marks.len() * 120);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
         aria-labelledby=\"chart-{number}-title chart-{number}-desc\" font-size=\"{WORDS}\" font-family=\"inherit\">\
         <title id=\"chart-{number}-title\">{title}</title><desc id=\"chart-{number}-desc\">{desc}</desc>",
        height = drawn.height,
        title = escaped(&chart.title),
        desc = escaped(&chart.described()),
    );
    patterns(&mut out, number);
    for mark in &drawn.marks {
        write_mark(&mut out, mark, number);
    }
    out.push_str("</svg>");
    out
}

/// What fills the bars of a series: plain, hatched, dotted.
fn patterns(out: &mut String, number: usize) {
    let [_, second, third] = COLOURS;
    let _ = write!(
        out,
        "<defs>\
         <pattern id=\"chart-{number}-1\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect width=\"6\" height=\"6\" fill=\"#ffffff\"/><rect width=\"3.5\" height=\"6\" fill=\"{second}\"/></pattern>\
         <pattern id=\"chart-{number}-2\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"6\" height=\"6\" fill=\"#ffffff\"/><circle cx=\"3\" cy=\"3\" r=\"2.2\" fill=\"{third}\"/></pattern>\
         </defs>"
    );
}

fn colour(series: usize) -> &'static str {
    COLOURS
        .get(series % COLOURS.len())
        .copied()
        .unwrap_or("#000000")
}

fn write_mark(out: &mut String, mark: &Mark, number: usize) {
    let _ = match mark {
        Mark::Bar {
            x,
            y,
            width,
            height,
            series,
        } => {
            let place = series % COLOURS.len();
            let colour = colour(*series);
            let fill = if place == 0 {
                colour.to_owned()
            } else {
                format!("url(#chart-{number}-{place})")
            };
            write!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\" stroke=\"{colour}\"/>"
            )
        }
        Mark::Line { points, series } => {
            write_line(out, points, *series);
            Ok(())
        }
        Mark::Rule { from, to } => write!(
            out,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#b1b4b6\"/>",
            from.0, from.1, to.0, to.1
        ),
        Mark::Words { x, y, anchor, text } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            write!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#0b0c0c\" aria-hidden=\"true\">{}</text>",
                escaped(text)
            )
        }
    };
}

/// A line of its own dash, with marks of its own shape where there are few enough to be told apart.
fn write_line(out: &mut String, points: &[(f32, f32)], series: usize) {
    const MARKED: usize = 60;
    let colour = colour(series);
    let dash = match series % COLOURS.len() {
        0 => "",
        1 => " stroke-dasharray=\"7 4\"",
        _ => " stroke-dasharray=\"2 3\"",
    };
    let path: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = write!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>",
        path.join(" ")
    );
    if points.len() > MARKED {
        return;
    }
    for (x, y) in points {
        let _ = if series.is_multiple_of(2) {
            write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.8\" fill=\"{colour}\"/>"
            )
        } else {
            let (left, top) = (x - 2.8, y - 2.8);
            write!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"5.6\" height=\"5.6\" fill=\"#ffffff\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
            )
        };
    }
}

/// Text as XML, without control characters, which XML cannot carry.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

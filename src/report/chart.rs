//! The geometry of a chart, the same for screen and paper: where bars, lines and words stand.
//!
//! # Invariants
//! Nothing is told by colour alone: each series has its own pattern or dash and mark. Words are cut, never overlapped. The number of marks is
//! bounded by the number of values.

use super::model::{Chart, ChartKind, grouped};

/// Width of a chart, in units that a form scales as it likes.
pub(super) const WIDTH: f32 = 640.0;

/// Size of words.
pub(super) const WORDS: f32 = 12.0;

/// Characters of a label beside a bar.
const LABEL: usize = 34;

/// How words stand at their point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A piece of a chart. Coordinates run from the top left; words stand on their baseline.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A bar of a series.
    Bar {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        series: usize,
    },
    /// A line of a series.
    Line {
        points: Vec<(f32, f32)>,
        series: usize,
    },
    /// A thin line behind.
    Rule { from: (f32, f32), to: (f32, f32) },
    /// Words.
    Words {
        x: f32,
        y: f32,
        anchor: Anchor,
        text: String,
    },
}

/// A chart as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    pub(super) height: f32,
    pub(super) marks: Vec<Mark>,
}

/// Lays a chart out.
pub(super) fn draw(chart: &Chart) -> Drawn {
    let mut drawn = Drawn {
        height: 0.0,
        marks: Vec::new(),
    };
    let top = legend(chart, &mut drawn.marks);
    drawn.height = match chart.kind {
        ChartKind::Bars => bars(chart, top, &mut drawn.marks),
        ChartKind::Lines => lines(chart, top, &mut drawn.marks),
    };
    drawn
}

/// What the series are called, with a sample of each; gives where it ends.
fn legend(chart: &Chart, marks: &mut Vec<Mark>) -> f32 {
    if chart.series.len() < 2 {
        return 8.0;
    }
    let mut x = 0.0;
    for (index, series) in chart.series.iter().enumerate() {
        match chart.kind {
            ChartKind::Bars => marks.push(Mark::Bar {
                x,
                y: 2.0,
                width: 24.0,
                height: 12.0,
                series: index,
            }),
            ChartKind::Lines => marks.push(Mark::Line {
                points: vec![(x, 8.0), (x + 24.0, 8.0)],
                series: index,
            }),
        }
        marks.push(words(x + 30.0, 12.0, Anchor::Start, series.name.clone()));
        x += 52.0 + series.name.chars().count() as f32 * 6.4;
    }
    28.0
}

fn words(x: f32, y: f32, anchor: Anchor, text: String) -> Mark {
    Mark::Words { x, y, anchor, text }
}

/// The largest value; at least 1, so that an empty chart has an axis.
fn most(chart: &Chart) -> f64 {
    let values = chart.series.iter().flat_map(|series| &series.values);
    values.copied().fold(1.0, f64::max)
}

/// A round step that divides an axis up to `most` into about four.
fn step(most: f64) -> f64 {
    let rough = most / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let round = steps.into_iter().find(|step| *step >= rough);
    // Whole messages are counted.
    round.unwrap_or(rough).max(1.0)
}

fn bars(chart: &Chart, top: f32, marks: &mut Vec<Mark>) -> f32 {
    const LEFT: f32 = 216.0;
    const RIGHT: f32 = 52.0;
    const BAR: f32 = 13.0;
    let most = most(chart);
    let room = WIDTH - LEFT - RIGHT;
    let row = BAR * chart.series.len().max(1) as f32 + 9.0;
    for (index, label) in chart.labels.iter().enumerate() {
        let y = top + row * index as f32;
        let middle = y + (row - 9.0) / 2.0 + 4.0;
        marks.push(words(LEFT - 8.0, middle, Anchor::End, cut(label, LABEL)));
        for (number, series) in chart.series.iter().enumerate() {
            let value = series.values.get(index).copied().unwrap_or(0.0).max(0.0);
            let width = (value / most) as f32 * room;
            let y = y + BAR * number as f32;
            marks.push(Mark::Bar {
                x: LEFT,
                y,
                width,
                height: BAR - 2.0,
                series: number,
            });
            let count = grouped(value.round() as u64);
            marks.push(words(LEFT + width + 5.0, y + 9.5, Anchor::Start, count));
        }
    }
    let bottom = top + row * chart.labels.len() as f32;
    marks.push(Mark::Rule {
        from: (LEFT, top - 4.0),
        to: (LEFT, bottom - 4.0),
    });
    bottom + 2.0
}

fn lines(chart: &Chart, top: f32, marks: &mut Vec<Mark>) -> f32 {
    const LEFT: f32 = 46.0;
    const RIGHT: f32 = 40.0;
    const TALL: f32 = 170.0;
    let step = step(most(chart));
    let ceiling = (most(chart) / step).ceil() * step;
    let bottom = top + TALL;
    let height = |value: f64| bottom - (value / ceiling) as f32 * TALL;
    let mut value = 0.0;
    while value <= ceiling {
        let y = height(value);
        marks.push(Mark::Rule {
            from: (LEFT, y),
            to: (WIDTH - RIGHT, y),
        });
        let count = grouped(value.round() as u64);
        marks.push(words(LEFT - 6.0, y + 4.0, Anchor::End, count));
        value += step;
    }
    let last = chart.labels.len().saturating_sub(1);
    let room = WIDTH - LEFT - RIGHT;
    let place = |index: usize| LEFT + room * index as f32 / last.max(1) as f32;
    // Labels that would run into each other are left out; the table has them all.
    let every = chart.labels.len().div_ceil(6).max(1);
    for (index, label) in chart.labels.iter().enumerate() {
        if index % every == 0 {
            let label = cut(label, 14);
            marks.push(words(place(index), bottom + 18.0, Anchor::Middle, label));
        }
    }
    for (number, series) in chart.series.iter().enumerate() {
        let points = series.values.iter().enumerate();
        let points = points.map(|(index, value)| (place(index), height(value.max(0.0))));
        marks.push(Mark::Line {
            points: points.collect(),
            series: number,
        });
    }
    bottom + 26.0
}

/// A label of so many characters at most.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Series;

    fn chart(kind: ChartKind, values: &[f64]) -> Chart {
        Chart {
            title: "T".into(),
            kind,
            axis: "A".into(),
            labels: values.iter().map(|value| format!("at {value}")).collect(),
            series: vec![Series {
                name: "S".into(),
                values: values.to_vec(),
            }],
        }
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let drawn = draw(&chart(ChartKind::Bars, &[10.0, 5.0, 0.0]));
        let widths: Vec<f32> = drawn
            .marks
            .iter()
            .filter_map(|mark| match mark {
                Mark::Bar { width, .. } => Some(*width),
                _ => None,
            })
            .collect();
        assert_eq!(widths.len(), 3);
        assert!((widths[0] - 2.0 * widths[1]).abs() < 0.01);
        assert!(widths[2].abs() < 0.01);
    }

    #[test]
    fn nothing_stands_outside_and_nothing_is_infinite() {
        for kind in [ChartKind::Bars, ChartKind::Lines] {
            for values in [&[][..], &[0.0], &[3.0], &[1e9, 1.0, f64::MAX / 1e300]] {
                let drawn = draw(&chart(kind, values));
                assert!(drawn.height.is_finite());
                for mark in &drawn.marks {
                    let points = match mark {
                        Mark::Bar {
                            x,
                            y,
                            width,
                            height,
                            ..
                        } => {
                            vec![(*x, *y), (x + width, y + height)]
                        }
                        Mark::Line { points, .. } => points.clone(),
                        Mark::Rule { from, to } => vec![*from, *to],
                        Mark::Words { x, y, .. } => vec![(*x, *y)],
                    };
                    for (x, y) in points {
                        assert!((0.0..=WIDTH).contains(&x), "{mark:?}");
                        assert!((0.0..=drawn.height).contains(&y), "{mark:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn axes_are_divided_by_round_steps() {
        for (most, expected) in [(1.0, 1.0), (7.0, 2.0), (39.0, 10.0), (1_234.0, 500.0)] {
            assert!((step(most) - expected).abs() < 1e-9, "{most}");
        }
    }
}

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
fn most(chart: &Chart) -> u64 {
    let values = chart.series.iter().flat_map(|series| &series.values);
    values.copied().max().unwrap_or(0).max(1)
}

/// A round step that divides an axis up to `most` into about four; whole messages are counted.
fn step(most: u64) -> u64 {
    let rough = most.div_ceil(4).max(1);
    let power = 10u64.saturating_pow(rough.ilog10());
    let mut steps = [1, 2, 5, 10]
        .into_iter()
        .map(|factor: u64| factor.saturating_mul(power));
    steps.find(|step| *step >= rough).unwrap_or(rough)
}

/// How much of `all` a value is.
fn part(value: u64, all: u64) -> f32 {
    (value as f64 / all.max(1) as f64) as f32
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
            let value = series.values.get(index).copied().unwrap_or(0);
            let width = part(value, most) * room;
            let y = y + BAR * number as f32;
            marks.push(Mark::Bar {
                x: LEFT,
                y,
                width,
                height: BAR - 2.0,
                series: number,
            });
            let count = grouped(value);
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
    let steps = most(chart).div_ceil(step);
    let ceiling = steps.saturating_mul(step);
    let bottom = top + TALL;
    let height = |value: u64| bottom - part(value, ceiling) * TALL;
    for number in 0..=steps {
        let value = number.saturating_mul(step);
        let y = height(value);
        marks.push(Mark::Rule {
            from: (LEFT, y),
            to: (WIDTH - RIGHT, y),
        });
        let count = grouped(value);
        marks.push(words(LEFT - 6.0, y + 4.0, Anchor::End, count));
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
        let points = points.map(|(index, value)| (place(index), height(*value)));
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

    fn chart(kind: ChartKind, values: &[u64]) -> Chart {
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
        let drawn = draw(&chart(ChartKind::Bars, &[10, 5, 0]));
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
            for values in [&[][..], &[0], &[3], &[1_000_000_000, 1], &[u64::MAX]] {
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
        for (most, expected) in [(1, 1), (7, 2), (39, 10), (1_234, 500)] {
            assert_eq!(step(most), expected, "{most}");
        }
    }
}

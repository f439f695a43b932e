//! Tables over pages: the heading stands again on each page, and a row that is longer than a page goes on on the next.

use super::layout::{EDGE, FAINT, Flow, GREY, INK, PALE};
use super::page::{Draw, Node, Role};
use crate::report::model::{Cell, Column, Table};

const SIZE: f32 = 8.5;
const LINE: f32 = 11.0;
/// Above and below the lines of a row.
const PAD: f32 = 3.5;
/// Between columns.
const GAP: f32 = 8.0;

/// Where a column stands.
struct Place {
    x: f32,
    width: f32,
    number: bool,
}

/// A table with its caption.
pub(super) fn table(flow: &mut Flow<'_>, table: &Table) -> Node {
    let places = places(&table.columns, flow.width());
    flow.need(70.0);
    let caption = caption(flow, &table.caption);
    let head = head(flow, table, &places);
    let mut rows = Vec::new();
    for (index, row) in table.rows.iter().enumerate() {
        rows.push(body(flow, table, row, &places, index % 2 == 1));
    }
    if table.rows.is_empty() {
        let nothing = [Cell::text("Nothing in this period.")];
        rows.push(body(flow, table, &nothing, &places, false));
    }
    flow.y += 12.0;
    Node::Group(
        Role::Table,
        vec![
            caption,
            Node::Group(Role::TableHead, vec![head]),
            Node::Group(Role::TableBody, rows),
        ],
    )
}

fn caption(flow: &mut Flow<'_>, text: &str) -> Node {
    let mut draws = Vec::new();
    for line in flow.fonts.lines(text, 10.0, true, flow.width()) {
        draws.push(Flow::words(EDGE, flow.y, 10.0, true, line));
        flow.y += 14.0;
    }
    flow.y += 3.0;
    Node::Group(Role::Caption, vec![flow.laid.put(draws)])
}

/// Widths by weight.
fn places(columns: &[Column], width: f32) -> Vec<Place> {
    let all: f32 = columns
        .iter()
        .map(|column| f32::from(column.weight.max(1)))
        .sum();
    let mut x = EDGE;
    columns
        .iter()
        .map(|column| {
            let share = width * f32::from(column.weight.max(1)) / all.max(1.0);
            let place = Place {
                x,
                width: (share - GAP).max(6.0),
                number: column.number,
            };
            x += share;
            place
        })
        .collect()
}

/// The lines of each cell of a row.
fn wrapped(flow: &Flow<'_>, texts: &[String], places: &[Place], bold: bool) -> Vec<Vec<String>> {
    let cells = texts.iter().zip(places);
    cells
        .map(|(text, place)| flow.fonts.lines(text, SIZE, bold, place.width))
        .collect()
}

fn titles(table: &Table) -> Vec<String> {
    table
        .columns
        .iter()
        .map(|column| column.title.clone())
        .collect()
}

/// The heading of the table, as it stands first.
fn head(flow: &mut Flow<'_>, table: &Table, places: &[Place]) -> Node {
    let cells = wrapped(flow, &titles(table), places, true);
    let lines = cells.iter().map(Vec::len).max().unwrap_or(1);
    let mut nodes = Vec::new();
    for (cell, place) in cells.iter().zip(places) {
        // Headings stand on one line at their foot.
        let top = flow.y + PAD + (lines - cell.len()) as f32 * LINE;
        let draws = cell_words(flow, cell, place, top, true);
        let leaf = flow.laid.put(draws);
        nodes.push(Node::Group(Role::ColumnHead, vec![leaf]));
    }
    end_head(flow, lines);
    Node::Group(Role::Row, nodes)
}

/// The heading once more, on a further page: decoration, since it was said before.
fn head_again(flow: &mut Flow<'_>, table: &Table, places: &[Place]) {
    let cells = wrapped(flow, &titles(table), places, true);
    let lines = cells.iter().map(Vec::len).max().unwrap_or(1);
    let mut draws = Vec::new();
    for (cell, place) in cells.iter().zip(places) {
        let top = flow.y + PAD + (lines - cell.len()) as f32 * LINE;
        draws.extend(cell_words(flow, cell, place, top, true));
    }
    flow.laid.decorate(draws);
    end_head(flow, lines);
}

fn end_head(flow: &mut Flow<'_>, lines: usize) {
    flow.y += lines as f32 * LINE + 2.0 * PAD;
    rule(flow, 1.0, INK);
    flow.y += 1.0;
}

fn rule(flow: &mut Flow<'_>, width: f32, colour: u32) {
    let line = Draw::Line {
        points: vec![(EDGE, flow.y), (EDGE + flow.width(), flow.y)],
        width,
        colour,
        dash: Vec::new(),
    };
    flow.laid.decorate(vec![line]);
}

/// A row, over as many pages as it takes.
fn body(flow: &mut Flow<'_>, table: &Table, row: &[Cell], places: &[Place], shaded: bool) -> Node {
    let texts: Vec<String> = row.iter().map(ToString::to_string).collect();
    let single;
    let places = if row.len() == 1 && places.len() > 1 {
        // One cell in a table of several columns says something of the whole.
        single = [Place {
            x: EDGE,
            width: flow.width(),
            number: false,
        }];
        &single[..]
    } else {
        places
    };
    let cells = wrapped(flow, &texts, places, false);
    let all = cells.iter().map(Vec::len).max().unwrap_or(1);
    let mut leaves: Vec<Vec<Node>> = cells.iter().map(|_| Vec::new()).collect();
    let mut done = 0;
    while done < all {
        let whole = (all - done) as f32 * LINE + 2.0 * PAD;
        let fits = lines_in(flow.left());
        // A row moves as a whole unless it is longer than half a page.
        let moves = whole > flow.left() && (done == 0 && whole < flow.laid.height / 2.0);
        if moves || fits == 0 {
            flow.next_page();
            head_again(flow, table, &places_of(table, flow));
            if fits == 0 && flow.left() < LINE + 2.0 * PAD {
                // A heading that fills a page leaves no room: the row stands below it all the same.
                piece(flow, &cells, places, (done, all), shaded, &mut leaves);
                done = all;
            }
            continue;
        }
        let until = all.min(done + fits);
        piece(flow, &cells, places, (done, until), shaded, &mut leaves);
        done = until;
    }
    let cells = leaves.into_iter().enumerate().map(|(index, leaves)| {
        let role = if index == 0 {
            Role::RowHead
        } else {
            Role::Cell
        };
        Node::Group(role, leaves)
    });
    Node::Group(Role::Row, cells.collect())
}

/// Lines of a row that fit into this height; a page has fewer than a hundred.
fn lines_in(height: f32) -> usize {
    let fit = |lines: &usize| (*lines + 1) as f32 * LINE + 2.0 * PAD <= height;
    (0..100).take_while(fit).count()
}

fn places_of(table: &Table, flow: &Flow<'_>) -> Vec<Place> {
    places(&table.columns, flow.width())
}

/// Some lines of a row.
fn piece(
    flow: &mut Flow<'_>,
    cells: &[Vec<String>],
    places: &[Place],
    (from, to): (usize, usize),
    shaded: bool,
    leaves: &mut [Vec<Node>],
) {
    let height = (to - from) as f32 * LINE + 2.0 * PAD;
    if shaded {
        let back = Draw::Rect {
            x: EDGE - 4.0,
            y: flow.y,
            width: flow.width() + 8.0,
            height,
            fill: Some(PALE),
            stroke: None,
        };
        flow.laid.decorate(vec![back]);
    }
    for ((cell, place), leaves) in cells.iter().zip(places).zip(leaves) {
        let lines = cell.get(from..to.min(cell.len())).unwrap_or_default();
        if lines.is_empty() {
            continue;
        }
        let draws = cell_words(flow, lines, place, flow.y + PAD, false);
        leaves.push(flow.laid.put(draws));
    }
    flow.y += height;
    rule(flow, 0.4, FAINT);
}

fn cell_words(flow: &Flow<'_>, lines: &[String], place: &Place, top: f32, bold: bool) -> Vec<Draw> {
    let lines = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.is_empty());
    lines
        .map(|(index, line)| {
            let wide = flow.fonts.width(line, SIZE, bold);
            let x = if place.number {
                place.x + (place.width - wide).max(0.0)
            } else {
                place.x
            };
            let mut words = Flow::words(x, top + index as f32 * LINE, SIZE, bold, line.clone());
            if let (Draw::Words(words), true) = (&mut words, line == "–") {
                words.colour = GREY;
            }
            words
        })
        .collect()
}

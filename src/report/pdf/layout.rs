//! Flows a report over pages: headings, paragraphs, figures, charts.
//!
//! # Invariants
//! Nothing is cut: what does not fit goes on on the next page, a table's row too. A heading never stands alone at the foot of a page.

use super::font::Fonts;
use super::page::{Draw, Laid, Node, Role, Words};
use super::{charts, tables};
use crate::report::model::{Block, Chart, KeyFigure, Report, Section};

/// Edge of a page, in points.
pub(super) const EDGE: f32 = 48.0;
/// A4, in points: 210 by 297 mm.
const SHORT: f32 = 595.276;
const LONG: f32 = 841.89;
/// Tables whose columns weigh more than this want the long side.
const HEAVY: u32 = 26;

pub(super) const INK: u32 = 0x0b_0c0c;
pub(super) const GREY: u32 = 0x48_4949;
pub(super) const FAINT: u32 = 0xb1_b4b6;
pub(super) const BLUE: u32 = 0x1d_3557;
pub(super) const PALE: u32 = 0xf3_f6f9;

const BODY: f32 = 10.0;
const LINE: f32 = 14.0;

/// Lays a report out.
pub(super) fn lay(report: &Report, fonts: &Fonts) -> Laid {
    let heavy = report
        .sections
        .iter()
        .flat_map(|section| &section.blocks)
        .any(|block| {
            matches!(block, Block::Table(table)
            if table.columns.iter().map(|c| u32::from(c.weight)).sum::<u32>() > HEAVY)
        });
    let (width, height) = if heavy { (LONG, SHORT) } else { (SHORT, LONG) };
    let mut flow = Flow {
        fonts,
        laid: Laid {
            width,
            height,
            ..Laid::default()
        },
        y: 0.0,
    };
    flow.next_page();
    flow.title(report);
    for section in &report.sections {
        flow.section(section);
    }
    flow.laid
}

/// Where the next thing goes.
pub(super) struct Flow<'a> {
    pub(super) fonts: &'a Fonts,
    pub(super) laid: Laid,
    /// The top of what comes next.
    pub(super) y: f32,
}

impl Flow<'_> {
    pub(super) fn next_page(&mut self) {
        self.laid.pages.push(Vec::new());
        self.y = EDGE;
    }

    /// Width between the edges.
    pub(super) fn width(&self) -> f32 {
        self.laid.width - 2.0 * EDGE
    }

    /// How much of the page is left.
    pub(super) fn left(&self) -> f32 {
        // Below stands the page's number.
        self.laid.height - EDGE - 18.0 - self.y
    }

    /// Begins a page unless there is so much room, or the page is empty.
    pub(super) fn need(&mut self, height: f32) {
        let empty = self.laid.pages.last().is_none_or(Vec::is_empty);
        if height > self.left() && !empty {
            self.next_page();
        }
    }

    /// A line of words with its baseline below the given top.
    pub(super) fn words(x: f32, top: f32, size: f32, bold: bool, text: String) -> Draw {
        Draw::Words(Words {
            x,
            y: top + size,
            size,
            bold,
            colour: INK,
            text,
        })
    }

    fn title(&mut self, report: &Report) {
        let (left, width) = (EDGE, self.width());
        self.laid.decorate(vec![Draw::Rect {
            x: left,
            y: self.y,
            width,
            height: 4.0,
            fill: Some(BLUE),
            stroke: None,
        }]);
        self.y += 16.0;
        let lines = self.fonts.lines(&report.title, 22.0, true, width);
        let mut draws = Vec::new();
        for line in lines {
            draws.push(Self::words(left, self.y, 22.0, true, line));
            self.y += 28.0;
        }
        let leaf = self.laid.put(draws);
        let heading = Role::Heading(1, report.title.clone());
        self.laid.tree.push(Node::Group(heading, vec![leaf]));
        self.y += 4.0;
        for (label, value) in &report.about {
            let label = self.fonts.shown(&format!("{label}: "));
            let indent = self.fonts.width(&label, BODY, true);
            let lines = self.fonts.lines(value, BODY, false, width - indent);
            let mut draws = vec![Self::words(left, self.y, BODY, true, label)];
            for line in lines {
                draws.push(Self::words(left + indent, self.y, BODY, false, line));
                self.y += LINE;
            }
            let leaf = self.laid.put(draws);
            self.laid
                .tree
                .push(Node::Group(Role::Paragraph, vec![leaf]));
        }
        self.y += 6.0;
    }

    fn section(&mut self, section: &Section) {
        let mut nodes = Vec::new();
        self.need(110.0);
        self.y += 14.0;
        self.laid
            .outline
            .push((section.heading.clone(), self.laid.pages.len() - 1, self.y));
        let lines = self.fonts.lines(&section.heading, 14.0, true, self.width());
        let mut draws = Vec::new();
        for line in lines {
            let mut words = Self::words(EDGE, self.y, 14.0, true, line);
            if let Draw::Words(words) = &mut words {
                words.colour = BLUE;
            }
            draws.push(words);
            self.y += 19.0;
        }
        let leaf = self.laid.put(draws);
        self.laid.decorate(vec![Draw::Line {
            points: vec![(EDGE, self.y + 1.0), (EDGE + self.width(), self.y + 1.0)],
            width: 0.8,
            colour: BLUE,
            dash: Vec::new(),
        }]);
        self.y += 9.0;
        nodes.push(Node::Group(
            Role::Heading(2, section.heading.clone()),
            vec![leaf],
        ));
        for block in &section.blocks {
            match block {
                Block::Text(text) => nodes.extend(self.paragraph(text)),
                Block::Figures(figures) => nodes.extend(self.figures(figures)),
                Block::Table(table) => nodes.push(tables::table(self, table)),
                Block::Chart(chart) => nodes.push(self.chart(chart)),
            }
        }
        self.laid.tree.push(Node::Group(Role::Section, nodes));
    }

    fn paragraph(&mut self, text: &str) -> Option<Node> {
        // Lines of some 95 characters are as long as is read with ease.
        let width = self.width().min(520.0);
        let lines = self.fonts.lines(text, BODY, false, width);
        let mut leaves = Vec::new();
        for line in lines.into_iter().filter(|line| !line.is_empty()) {
            self.need(LINE);
            let words = Self::words(EDGE, self.y, BODY, false, line);
            leaves.push(self.laid.put(vec![words]));
            self.y += LINE;
        }
        self.y += 6.0;
        (!leaves.is_empty()).then_some(Node::Group(Role::Paragraph, leaves))
    }

    /// Figures as cards, three beside each other, or four on a wide page.
    fn figures(&mut self, figures: &[KeyFigure]) -> Vec<Node> {
        const GAP: f32 = 10.0;
        let beside = if self.width() > 600.0 { 4 } else { 3 };
        let width = (self.width() - GAP * (beside as f32 - 1.0)) / beside as f32;
        let mut nodes = Vec::new();
        for row in figures.chunks(beside) {
            let cards: Vec<Card> = row
                .iter()
                .map(|figure| Card::of(figure, self.fonts, width - 20.0))
                .collect();
            let height = cards.iter().map(Card::height).fold(0.0, f32::max);
            self.need(height + GAP);
            for (index, card) in cards.into_iter().enumerate() {
                let x = EDGE + (width + GAP) * index as f32;
                nodes.push(self.card(card, x, width, height));
            }
            self.y += height + GAP;
        }
        self.y += 4.0;
        nodes
    }

    fn card(&mut self, card: Card, x: f32, width: f32, height: f32) -> Node {
        let rect = |x, width, fill| Draw::Rect {
            x,
            y: self.y,
            width,
            height,
            fill: Some(fill),
            stroke: None,
        };
        let back = vec![rect(x, width, PALE), rect(x, 3.0, BLUE)];
        let (left, mut top) = (x + 12.0, self.y + 8.0);
        let mut draws = Vec::new();
        for line in card.label {
            draws.push(Self::words(left, top, 9.0, true, line));
            top += 12.0;
        }
        for line in card.value {
            draws.push(Self::words(left, top, 18.0, true, line));
            top += 24.0;
        }
        for line in card.note {
            let mut words = Self::words(left, top, 8.0, false, line);
            if let Draw::Words(words) = &mut words {
                words.colour = GREY;
            }
            draws.push(words);
            top += 10.5;
        }
        self.laid.decorate(back);
        Node::Group(Role::Paragraph, vec![self.laid.put(draws)])
    }

    fn chart(&mut self, chart: &Chart) -> Node {
        let drawn = charts::draw(chart, self.width().min(560.0));
        self.need(drawn.height + 30.0);
        let title = self.fonts.shown(&chart.title);
        let title = Self::words(EDGE, self.y, BODY, true, title);
        let caption = self.laid.put(vec![title]);
        self.y += 20.0;
        let draws = charts::placed(&drawn, self.fonts, EDGE, self.y);
        let leaf = self.laid.put(draws);
        self.y += drawn.height + 12.0;
        let figure = Role::Figure(format!("{}. {}", chart.title, chart.described()));
        let caption = Node::Group(Role::Caption, vec![caption]);
        Node::Group(
            Role::Section,
            vec![Node::Group(figure, vec![leaf]), caption],
        )
    }
}

/// The lines of a figure's card.
struct Card {
    label: Vec<String>,
    value: Vec<String>,
    note: Vec<String>,
}

impl Card {
    fn of(figure: &KeyFigure, fonts: &Fonts, width: f32) -> Self {
        Self {
            label: fonts.lines(&figure.label, 9.0, true, width),
            value: fonts.lines(&figure.value.to_string(), 18.0, true, width),
            note: fonts.lines(&figure.note, 8.0, false, width),
        }
    }

    fn height(&self) -> f32 {
        let lines = |lines: &[String], each: f32| lines.len() as f32 * each;
        lines(&self.label, 12.0) + lines(&self.value, 24.0) + lines(&self.note, 10.5) + 16.0
    }
}

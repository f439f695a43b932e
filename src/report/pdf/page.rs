//! A report laid out on pages, before it is drawn: pieces with their places, and the tree that says what they are.
//!
//! # Invariants
//! Every piece is a leaf of the tree or decoration. The tree is in reading order. Pages are numbered once all are known.

/// Size and colour of a text, and where it begins: the left end of its baseline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) colour: u32,
    pub(super) text: String,
}

/// Something to draw.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Draw {
    Words(Words),
    Rect {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        fill: Option<u32>,
        stroke: Option<u32>,
    },
    Line {
        points: Vec<(f32, f32)>,
        width: f32,
        colour: u32,
        dash: Vec<f32>,
    },
}

/// What belongs together on a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// The leaf it is; decoration without one.
    pub(super) leaf: Option<usize>,
    pub(super) draws: Vec<Draw>,
}

/// What a part of the report is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Section,
    /// With its level and its text.
    Heading(u16, String),
    Paragraph,
    Caption,
    Table,
    TableHead,
    TableBody,
    Row,
    ColumnHead,
    RowHead,
    Cell,
    /// With what it shows, in words.
    Figure(String),
}

/// The tree of what the report says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Group(Role, Vec<Node>),
    Leaf(usize),
}

/// Pages and tree.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) pages: Vec<Vec<Piece>>,
    pub(super) tree: Vec<Node>,
    pub(super) leaves: usize,
    /// Headings with the page and the height they stand at.
    pub(super) outline: Vec<(String, usize, f32)>,
}

impl Laid {
    /// Puts a piece on the last page and gives its leaf.
    pub(super) fn put(&mut self, draws: Vec<Draw>) -> Node {
        let leaf = self.leaves;
        self.leaves += 1;
        self.push(Piece {
            leaf: Some(leaf),
            draws,
        });
        Node::Leaf(leaf)
    }

    /// Puts decoration on the last page.
    pub(super) fn decorate(&mut self, draws: Vec<Draw>) {
        self.push(Piece { leaf: None, draws });
    }

    fn push(&mut self, piece: Piece) {
        if let Some(page) = self.pages.last_mut() {
            page.push(piece);
        }
    }
}

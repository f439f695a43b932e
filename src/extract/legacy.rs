//! What `undoc` found in an old Office document, as units: sections, tables, notes.

use undoc::model::{Block, Document, Paragraph, RevisionType, Section, Table};

use crate::extract::content::{Location, View};
use crate::extract::gather::Gather;
use crate::extract::text::push_cell;

/// Nesting of tables that is followed.
const DEEPEST: usize = 16;

/// Says a document. Slides are named `slide N`, other sections by their name.
pub(crate) fn say(gather: &mut Gather<'_>, location: &Location, document: &Document) {
    for section in &document.sections {
        let place = match (&section.name, document.format) {
            (_, undoc::FormatType::Ppt) => location.at(format!("slide {}", section.index + 1)),
            (Some(name), _) => location.at(name.clone()),
            (None, _) => location.clone(),
        };
        one(gather, location, &place, section);
    }
}

fn one(gather: &mut Gather<'_>, location: &Location, place: &Location, section: &Section) {
    let mut text = Text::default();
    for block in &section.content {
        match block {
            Block::Paragraph(paragraph) => text.paragraph(paragraph),
            Block::Table(table) => text.table(table, 0),
            Block::Note { content, .. } => text.paragraphs(content),
            Block::Image {
                alt_text: Some(alt),
                ..
            } => {
                text.hidden.push_str(alt);
                text.hidden.push('\n');
            }
            _ => {}
        }
    }
    text.say(gather, place);
    for (name, paragraphs) in [
        ("header", &section.header),
        ("footer", &section.footer),
        ("notes", &section.notes),
    ] {
        let Some(paragraphs) = paragraphs else {
            continue;
        };
        let mut text = Text::default();
        text.paragraphs(paragraphs);
        let place = match (name, &place.detail) {
            ("notes", Some(slide)) => location.at(slide.replace("slide", "notes")),
            _ => location.at(name),
        };
        text.say(gather, &place);
    }
}

#[derive(Default)]
struct Text {
    visible: String,
    hidden: String,
    tables: Vec<String>,
}

impl Text {
    fn say(self, gather: &mut Gather<'_>, place: &Location) {
        gather.unit(place, View::Visible, self.visible);
        gather.unit(place, View::Hidden, self.hidden);
        for table in self.tables {
            gather.unit(place, View::Table, table);
        }
    }

    fn paragraphs(&mut self, paragraphs: &[Paragraph]) {
        for paragraph in paragraphs {
            self.paragraph(paragraph);
        }
    }

    fn paragraph(&mut self, paragraph: &Paragraph) {
        let shown = self.runs(paragraph);
        self.visible.push_str(&shown);
        self.visible.push('\n');
    }

    /// The shown words of a paragraph; deleted ones and targets of links go to the hidden text.
    fn runs(&mut self, paragraph: &Paragraph) -> String {
        let mut shown = String::new();
        for run in &paragraph.runs {
            if run.revision == RevisionType::Deleted {
                self.hidden.push_str(&run.text);
                self.hidden.push('\n');
                continue;
            }
            shown.push_str(&run.text);
            if run.line_break {
                shown.push('\n');
            }
            if let Some(link) = run.hyperlink.as_ref().filter(|link| !link.starts_with('#')) {
                self.hidden.push_str(link);
                self.hidden.push('\n');
            }
        }
        for alt in paragraph
            .images
            .iter()
            .filter_map(|image| image.alt_text.as_ref())
        {
            self.hidden.push_str(alt);
            self.hidden.push('\n');
        }
        shown
    }

    fn table(&mut self, table: &Table, depth: usize) {
        let mut lines = Vec::new();
        for row in &table.rows {
            let mut line = String::new();
            for (i, cell) in row.cells.iter().enumerate() {
                if i > 0 {
                    line.push('\t');
                }
                let words: Vec<String> = cell
                    .content
                    .iter()
                    .map(|paragraph| self.runs(paragraph))
                    .collect();
                push_cell(&mut line, &words.join(" "));
                if depth < DEEPEST {
                    for inner in &cell.nested_tables {
                        self.table(inner, depth + 1);
                    }
                }
            }
            lines.push(line);
        }
        let table = lines.join("\n");
        self.visible.push_str(&table);
        self.visible.push('\n');
        if lines.len() > 1 {
            self.tables.push(table);
        }
    }
}

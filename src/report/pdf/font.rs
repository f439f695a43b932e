//! The two fonts of reports: how wide words are, and how they break into lines.
//!
//! Public Sans (SIL Open Font License 1.1, `fonts/OFL.txt`), cut to Latin with its marks, which includes Welsh, without hinting.
//!
//! # Known gaps
//! Widths are those of single glyphs; kerning, which the writer applies, makes a line at most a little shorter. A character that the font has
//! not becomes `?`.

use krilla::text::Font;

/// Both weights, ready to be measured and embedded.
pub(super) struct Fonts {
    plain: Weight,
    bold: Weight,
}

struct Weight {
    font: Font,
    face: ttf_parser::Face<'static>,
}

impl Fonts {
    /// The embedded fonts; `None` only if the program was built with broken ones.
    pub(super) fn load() -> Option<Self> {
        let weight = |bytes: &'static [u8]| {
            Some(Weight {
                font: Font::new(bytes.into(), 0)?,
                face: ttf_parser::Face::parse(bytes, 0).ok()?,
            })
        };
        Some(Self {
            plain: weight(include_bytes!("../fonts/PublicSans-Regular.ttf"))?,
            bold: weight(include_bytes!("../fonts/PublicSans-Bold.ttf"))?,
        })
    }

    /// The font to draw with.
    pub(super) fn font(&self, bold: bool) -> Font {
        self.weight(bold).font.clone()
    }

    fn weight(&self, bold: bool) -> &Weight {
        if bold { &self.bold } else { &self.plain }
    }

    /// The text with nothing in it that the font cannot show.
    pub(super) fn shown(&self, text: &str) -> String {
        let known = |c: char| self.plain.face.glyph_index(c).is_some();
        text.chars()
            .map(|c| match c {
                c if c.is_control() || c.is_whitespace() => ' ',
                c if known(c) => c,
                _ => '?',
            })
            .collect()
    }

    /// How wide a text is at this size.
    pub(super) fn width(&self, text: &str, size: f32, bold: bool) -> f32 {
        let face = &self.weight(bold).face;
        let units: u32 = text
            .chars()
            .filter_map(|c| face.glyph_index(c))
            .filter_map(|glyph| face.glyph_hor_advance(glyph))
            .map(u32::from)
            .sum();
        units as f32 * size / f32::from(face.units_per_em())
    }

    /// The lines of a text within a width. Line breaks of the text stay; a word that is too long for a line is cut.
    pub(super) fn lines(&self, text: &str, size: f32, bold: bool, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            let shown = self.shown(paragraph);
            let mut line = String::new();
            for word in shown.split_whitespace() {
                let longer = if line.is_empty() {
                    word.to_owned()
                } else {
                    format!("{line} {word}")
                };
                if self.width(&longer, size, bold) <= width {
                    line = longer;
                    continue;
                }
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                line = self.cut_word(word, size, bold, width, &mut lines);
            }
            lines.push(line);
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
        lines
    }

    /// Puts full lines of a long word away and gives its rest.
    fn cut_word(
        &self,
        word: &str,
        size: f32,
        bold: bool,
        width: f32,
        lines: &mut Vec<String>,
    ) -> String {
        let (mut line, mut used) = (String::new(), 0.0);
        for c in word.chars() {
            let wide = self.width(c.encode_utf8(&mut [0; 4]), size, bold);
            if used + wide > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(c);
            used += wide;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_lose_nothing() {
        let fonts = Fonts::load().unwrap();
        let text = "A breach of which Mrs Llŷr-Ŵyn\nwrote averyveryveryveryveryveryverylongwordindeed today";
        let lines = fonts.lines(text, 9.0, false, 80.0);
        for line in &lines {
            assert!(fonts.width(line, 9.0, false) <= 80.0, "{line}");
        }
        let letters = |text: &str| -> String { text.split_whitespace().collect() };
        assert_eq!(letters(&lines.concat()), letters(text));
        assert_eq!(fonts.shown("a\tb\u{0}c 漢"), "a b c ?");
    }

    #[test]
    fn a_letter_wider_than_the_line_still_ends() {
        let fonts = Fonts::load().unwrap();
        assert_eq!(fonts.lines("WW", 9.0, true, 0.5), ["W", "W"]);
    }
}

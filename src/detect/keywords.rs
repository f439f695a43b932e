//! Words near a candidate that speak for or against it.

use aho_corasick::AhoCorasick;

use crate::detect::catalogue::CatalogueError;

/// A set of words and phrases, looked for in any case and whole.
#[derive(Debug)]
pub struct Keywords {
    words: Option<AhoCorasick>,
    list: Vec<String>,
}

impl Keywords {
    /// Compiles the words of a detector.
    pub fn new(id: &str, words: &[String]) -> Result<Self, CatalogueError> {
        let build = || {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(aho_corasick::MatchKind::LeftmostLongest)
                .build(words)
        };
        let compiled = (!words.is_empty()).then(build).transpose();
        Ok(Self {
            words: compiled.map_err(|error| CatalogueError::Detector {
                id: id.to_owned(),
                reason: error.to_string(),
            })?,
            list: words.to_vec(),
        })
    }

    /// The first word that stands in a text with no letter touching it.
    pub fn find(&self, text: &[u8]) -> Option<&str> {
        let words = self.words.as_ref()?;
        let letter = |at: Option<usize>| {
            at.and_then(|at| text.get(at))
                .is_some_and(u8::is_ascii_alphabetic)
        };
        words
            .find_iter(text)
            .find(|found| !letter(found.start().checked_sub(1)) && !letter(Some(found.end())))
            .and_then(|found| self.list.get(found.pattern().as_usize()))
            .map(String::as_str)
    }
}

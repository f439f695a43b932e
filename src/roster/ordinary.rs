//! Ordinary English words that are also names, so that "Will Young" in a sentence is not taken for a pupil.
//!
//! # Invariants
//! The list is sorted, lower case, without doubles (`tests/detectors.rs` holds it so).

use std::sync::LazyLock;

static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    include_str!("../../patterns/dictionaries/ordinary-words.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
});

/// Whether this is an ordinary word, in any case.
pub fn is_word(word: &str) -> bool {
    WORDS
        .binary_search(&word.to_ascii_lowercase().as_str())
        .is_ok()
}

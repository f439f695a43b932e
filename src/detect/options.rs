//! What a trust may switch on beyond the exact forms of names, and what it pays for it.
//!
//! # Invariants
//! All are off by default. What only an option finds is of low confidence, or medium when something else confirms the pupil; rules
//! that act from medium upward therefore never act on an option alone. The cost in false findings is in `docs/ACCURACY.md`.

/// Looser ways of reading names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Short forms of forenames: "Ollie Whitcombe" for Oliver, from `patterns/dictionaries/nicknames.txt`.
    pub nicknames: bool,
    /// An initial with a surname, and a forename with an initial: "O. Whitcombe", "Oliver W.", where a class, a number or another
    /// pupil stands nearby.
    pub initials: bool,
    /// One letter missing, added, wrong or swapped in one of the two names, beside the other: "Oliver Whitcomb".
    pub spelling: bool,
}

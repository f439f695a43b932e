//! What earlier mail says of the present message.
//!
//! # Invariants
//! Plain data, handed in; what is not known is left out, and a rule that asks for it then does not fire.

use std::sync::Arc;

/// A mark of automatic forwarding that only behaviour over time shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HabitMark {
    /// Its id (`B2`).
    pub id: Arc<str>,
    /// Its score, as in `patterns/auto-forward.toml`.
    pub score: u32,
}

/// What is known of the past.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// For each recipient in the order of the envelope: nobody of the trust wrote there before. Empty when it is not known.
    pub first_contact: Vec<bool>,
    /// For each recipient: this sender alone of the trust writes there, several times. Empty when it is not known.
    pub sole_writer: Vec<bool>,
    /// Marks of automatic forwarding.
    pub marks: Vec<HabitMark>,
}

impl History {
    /// Whether it is known that nobody wrote to the recipient at `index` before.
    pub fn is_first_contact(&self, index: usize) -> bool {
        self.first_contact.get(index).copied().unwrap_or(false)
    }

    /// Whether it is known that only this sender writes to the recipient at `index`.
    pub fn is_sole_writer(&self, index: usize) -> bool {
        self.sole_writer.get(index).copied().unwrap_or(false)
    }
}

/// Nothing known.
pub static UNKNOWN: History = History {
    first_contact: Vec::new(),
    sole_writer: Vec::new(),
    marks: Vec::new(),
};

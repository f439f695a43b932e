//! Words of names with one letter missing, added, wrong or swapped, found by what both leave when a letter is taken out.
//!
//! # Invariants
//! Only words of [`SHORTEST`] letters or more have neighbours, and the first letter must agree: a slip there is rare, and a shorter
//! word with a slip is another word. The table holds keyed hashes, never letters, so a neighbour may be two slips away where a
//! letter moved; what it finds is low confidence for that reason too. Its size is about 16 bytes a letter of each distinct word.
//!
//! # Standards
//! Symmetric delete neighbourhoods (Garbe 2012), for one deletion.

use crate::detect::token::{Keys, MAX_WORD};

/// Letters of a word that may be misspelt.
pub const SHORTEST: usize = 5;

/// The neighbours of the words of names.
#[derive(Debug, Default)]
pub struct Neighbours {
    /// Key of a word without one of its letters, with the hash of the word; ascending.
    table: Vec<(u64, u64)>,
}

impl Neighbours {
    /// Indexes words given in folded letters; doubles do not matter.
    pub fn build(keys: &Keys, words: impl IntoIterator<Item = String>) -> Self {
        let mut table = Vec::new();
        for word in words {
            let letters = word.as_bytes();
            let hash = keys.word(letters);
            table.extend(shortened(keys, letters).map(|key| (key, hash)));
        }
        table.sort_unstable();
        table.dedup();
        table.shrink_to_fit();
        Self { table }
    }

    /// Hashes of the words that differ from these folded letters by a slip, without the word itself.
    pub fn of(&self, keys: &Keys, letters: &[u8]) -> Vec<u64> {
        let own = keys.word(letters);
        let mut found: Vec<u64> = shortened(keys, letters)
            .flat_map(|key| {
                let from = self.table.partition_point(|entry| entry.0 < key);
                self.table[from..]
                    .iter()
                    .take_while(move |entry| entry.0 == key)
                    .map(|entry| entry.1)
            })
            .filter(|hash| *hash != own)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The table, to be kept.
    pub(super) fn entries(&self) -> &[(u64, u64)] {
        &self.table
    }

    /// The table that was kept.
    pub(super) fn from_entries(table: Vec<(u64, u64)>) -> Self {
        Self { table }
    }

    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.table.len() * size_of::<(u64, u64)>()
    }
}

/// Keys of the word itself and of the word without each of its letters but the first.
fn shortened(keys: &Keys, letters: &[u8]) -> impl Iterator<Item = u64> {
    let fits = (SHORTEST..=MAX_WORD).contains(&letters.len()) && letters.is_ascii();
    let count = if fits { letters.len() } else { 0 };
    (0..count).map(move |without| {
        if without == 0 {
            return keys.spread(keys.word(letters));
        }
        let (head, tail) = letters.split_at(without);
        let tail = tail.get(1..).unwrap_or_default();
        keys.spread(keys.concat(keys.word(head), keys.word(tail), tail.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_found_and_two_are_not() {
        let keys = Keys::new([7; 16]);
        let words = ["whitcombe", "hughes", "ann"].map(str::to_owned);
        let neighbours = Neighbours::build(&keys, words);
        let whitcombe = vec![keys.word(b"whitcombe")];
        for slip in [
            "whitcomb",
            "whittcombe",
            "whitcomba",
            "whticombe",
            "whitcombes",
        ] {
            assert_eq!(neighbours.of(&keys, slip.as_bytes()), whitcombe, "{slip}");
        }
        for other in [
            "whitcombe",
            "wbitcomba",
            "hitcombe",
            "anne",
            "an",
            "whitc",
            "",
        ] {
            assert!(neighbours.of(&keys, other.as_bytes()).is_empty(), "{other}");
        }
    }
}

//! One slip of the finger between two words: what was changed, and whether two names may be told apart by it.
//!
//! # Invariants
//! Linear in the length of the words; they are compared by bytes, as the labels of domains are.
//!
//! # Standards
//! Damerau's four slips (a letter added, lost, changed, or swapped with its neighbour); the QWERTY rows.

/// What turns one word into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slip {
    /// A letter too many at this place.
    Added(usize),
    /// A letter is missing at this place.
    Lost(usize),
    /// A letter is another one at this place.
    Changed(usize),
    /// Two neighbours changed places from here on.
    Swapped(usize),
}

/// The one slip that makes `written` of `meant`; `None` when they are equal or further apart.
pub(super) fn slip(meant: &str, written: &str) -> Option<Slip> {
    let (a, b) = (meant.as_bytes(), written.as_bytes());
    if a.len().abs_diff(b.len()) > 1 {
        return None;
    }
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let ends = a.iter().rev().zip(b.iter().rev());
    let end = ends.take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    match (a, b) {
        ([], [_]) => Some(Slip::Added(start)),
        ([_], []) => Some(Slip::Lost(start)),
        ([_], [_]) => Some(Slip::Changed(start)),
        ([first, second], [other, last]) if first == last && second == other => {
            Some(Slip::Swapped(start))
        }
        _ => None,
    }
}

/// Whether two letters are neighbours on a keyboard.
pub(super) fn are_neighbours(a: u8, b: u8) -> bool {
    // The rows are shifted by half a key: a letter touches the one below it and the next to the left of that.
    const ROWS: [&[u8]; 3] = [b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];
    let place = |key: u8| {
        ROWS.iter().enumerate().find_map(|(row, keys)| {
            let column = keys.iter().position(|k| *k == key)?;
            Some((row, column))
        })
    };
    match (place(a), place(b)) {
        (Some((row, x)), Some((other, y))) if row == other => x.abs_diff(y) == 1,
        (Some((upper, x)), Some((lower, y))) if upper + 1 == lower => x == y || x == y + 1,
        (Some((lower, y)), Some((upper, x))) if upper + 1 == lower => x == y || x == y + 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_slips_are_told() {
        assert_eq!(slip("oakfield", "oakfeild"), Some(Slip::Swapped(4)));
        assert_eq!(slip("oakfield", "oakfild"), Some(Slip::Lost(5)));
        assert_eq!(slip("oakfield", "oakkfield"), Some(Slip::Added(3)));
        assert_eq!(slip("oakfield", "oakfoeld"), Some(Slip::Changed(4)));
        assert_eq!(slip("oakfield", "oakfields"), Some(Slip::Added(8)));
        for (a, b) in [
            ("oakfield", "oakfield"),
            ("oakfield", "ashfield"),
            ("oakfield", "oakfiled1"),
            ("ab", "ba1"),
        ] {
            assert_eq!(slip(a, b), None, "{a} {b}");
        }
    }

    #[test]
    fn keys_have_neighbours() {
        for (a, b) in [
            (b'n', b'm'),
            (b'g', b'h'),
            (b'e', b'd'),
            (b'd', b'r'),
            (b's', b'z'),
        ] {
            assert!(are_neighbours(a, b) && are_neighbours(b, a), "{a} {b}");
        }
        assert!(
            !are_neighbours(b'a', b'l')
                && !are_neighbours(b'1', b'2')
                && !are_neighbours(b'q', b'm')
        );
    }
}

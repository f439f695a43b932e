//! Forenames and surnames so common in the United Kingdom that another person may well bear both.
//!
//! # Invariants
//! The lists are sorted, lower case, without doubles.
//!
//! # Standards
//! Our own choice of about a hundred each, from the heads of the public tables of the national statistics offices.

use std::sync::LazyLock;

static FORENAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    words(include_str!(
        "../../patterns/dictionaries/common-forenames.txt"
    ))
});
static SURNAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    words(include_str!(
        "../../patterns/dictionaries/common-surnames.txt"
    ))
});

fn words(text: &'static str) -> Vec<&'static str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// Whether both parts of a name are among the commonest, in any case.
pub fn is_frequent(forename: &str, surname: &str) -> bool {
    let among =
        |list: &[&str], name: &str| list.binary_search(&name.to_lowercase().as_str()).is_ok();
    among(&FORENAMES, forename) && among(&SURNAMES, surname)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_lower_case() {
        for list in [&*FORENAMES, &*SURNAMES] {
            assert!(list.len() > 80);
            assert!(list.is_sorted_by(|a, b| a < b));
            assert!(list.iter().all(|name| name.chars().all(char::is_lowercase)));
        }
    }

    #[test]
    fn both_parts_must_be_common() {
        assert!(is_frequent("Jack", "Smith") && is_frequent("OLIVIA", "jones"));
        assert!(!is_frequent("Jack", "Whitcombe") && !is_frequent("Siobhán", "Smith"));
    }
}

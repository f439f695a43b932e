//! Short forms of forenames, for the option that looks for them.
//!
//! # Invariants
//! The list is sorted by forename, lower case, ASCII (a test holds it so).

use std::sync::LazyLock;

static FORMS: LazyLock<Vec<(&'static str, Vec<&'static str>)>> = LazyLock::new(|| {
    include_str!("../../patterns/dictionaries/nicknames.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, short)| (name, short.split_whitespace().collect()))
        .collect()
});

/// The short forms of a forename given in lower case without marks; none for most names.
pub fn of(forename: &str) -> &'static [&'static str] {
    FORMS
        .binary_search_by_key(&forename, |(name, _)| name)
        .ok()
        .and_then(|place| FORMS.get(place))
        .map_or(&[], |(_, short)| short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_plain() {
        assert!(FORMS.is_sorted_by(|a, b| a.0 < b.0));
        let plain = |word: &str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
        for (name, short) in FORMS.iter() {
            assert!(plain(name), "{name}");
            assert!(
                !short.is_empty() && short.iter().all(|form| plain(form) && form != name),
                "{name}"
            );
        }
        assert_eq!(of("oliver"), ["ollie", "olly", "oli"]);
        assert!(of("whitcombe").is_empty());
    }
}

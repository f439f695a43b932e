//! Matched values as people may see them: initials of names, last characters of numbers.

use crate::detect::finding::Category;

/// A name as initials (`O. W.`). Of a name whose letters stand apart ("O l i v e r") only the first is shown.
pub fn name(text: &str) -> String {
    let words = || {
        text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '\u{2019}')
            .filter(|word| !word.is_empty())
    };
    // No name has so many words of one letter.
    let spelled = words().count() > 4 && words().all(|word| word.chars().count() == 1);
    let initials: Vec<String> = words()
        .take(if spelled { 1 } else { usize::MAX })
        .filter_map(|word| word.chars().next())
        .map(|initial| format!("{}.", initial.to_uppercase()))
        .collect();
    initials.join(" ")
}

/// A number as its last three characters.
pub fn number(text: &str) -> String {
    let characters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let shown: String = characters
        .iter()
        .skip(characters.len().saturating_sub(3))
        .collect();
    format!("\u{2022}\u{2022}\u{2022}\u{2022}{shown}")
}

/// A term as its first letter.
pub fn term(text: &str) -> String {
    let initial = text.chars().next().map(String::from).unwrap_or_default();
    format!("{initial}\u{2022}\u{2022}\u{2022}")
}

/// Any value by its category.
pub fn value(category: Category, text: &str) -> String {
    match category {
        Category::PupilName => name(text),
        Category::PupilId
        | Category::PersonalId
        | Category::PersonalDetail
        | Category::Financial => number(text),
        Category::Medical
        | Category::Marking
        | Category::Offensive
        | Category::ChainLetter
        | Category::Suspect => term(text),
        // Not even the length of a password is shown.
        Category::Credential => "\u{2022}\u{2022}\u{2022}\u{2022}".to_owned(),
        // These are concluded elsewhere and carry no matched text.
        Category::AutoForward | Category::Protected => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_stand_apart_do_not_spell_the_name() {
        assert_eq!(name("Oliver Whitcombe"), "O. W.");
        assert_eq!(name("Oliver J Whitcombe-Hart"), "O. J. W. H.");
        assert_eq!(name("O l i v e r W h i t c o m b e"), "O.");
        assert_eq!(name("O-l-i-v-e-r.W-h-i-t"), "O.");
    }
}

//! What a display name and a local part say of the person behind them, in a form that two of them can be compared in.
//!
//! # Invariants
//! Words are plain lower-case letters: no marks, no punctuation, no digits. Mailboxes of posts and teams have no person. What is
//! read of a text is bounded by `TEXT_AT_MOST`.
//!
//! # Known gaps
//! Where a display name gives the surname first without a comma, forename and surname change places; both orders are tried where it
//! matters. A surname of two words is known as its last word and as all words behind the forename.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::lists::entries;
use crate::detect::nicknames;
use crate::detect::normalise::Plain;

/// Characters of a name that are read; the longest local part has 64 octets (RFC 5321 4.5.3.1.1).
const TEXT_AT_MOST: usize = 200;

/// Words before a name that are no part of it.
const TITLES: [&str; 14] = [
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "rev",
    "revd",
    "reverend",
    "sir",
    "fr",
    "canon",
];

/// Words that no person's display name has: it is a team's or a machine's.
const OF_NO_PERSON: [&str; 30] = [
    "academy",
    "accounts",
    "admin",
    "admissions",
    "attendance",
    "college",
    "council",
    "department",
    "enquiries",
    "federation",
    "finance",
    "helpdesk",
    "info",
    "infant",
    "junior",
    "mailbox",
    "noreply",
    "notifications",
    "nursery",
    "office",
    "payroll",
    "primary",
    "reception",
    "school",
    "secondary",
    "service",
    "services",
    "support",
    "team",
    "trust",
];

static ROLES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| entries(include_str!("../../patterns/lists/role-mailboxes.txt")).collect());

/// A person's name.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName {
    /// The first word, or an initial.
    pub forename: String,
    /// Words or initials between.
    pub middle: Vec<String>,
    /// The last word.
    pub surname: String,
}

impl std::fmt::Debug for PersonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonName(..)")
    }
}

impl PersonName {
    /// Reads a display name: `Jane Whitcombe`, `Whitcombe, Jane (Oakfield)`, `Dr J. A. Whitcombe | Head`.
    pub fn of_display(text: &str) -> Option<Self> {
        if text.contains('@') {
            return None;
        }
        let plain = plain(text);
        let bare = without_remarks(&plain);
        let ordered = match bare.split_once(',') {
            Some((surname, rest)) if surname.split_whitespace().count() == 1 => {
                format!("{rest} {surname}")
            }
            Some((name, _)) => name.to_owned(),
            None => bare,
        };
        let words = ordered.split(|c: char| c.is_whitespace() || c == '.');
        let words = words.map(letters).filter(|word| !word.is_empty());
        let words: Vec<String> = words
            .filter(|word| !TITLES.contains(&word.as_str()))
            .collect();
        if words
            .iter()
            .any(|word| OF_NO_PERSON.contains(&word.as_str()))
        {
            return None;
        }
        Self::of_words(words)
    }

    /// Reads a local part with separators: `jane.whitcombe`, `j_a_whitcombe2`.
    pub fn of_local(local: &LocalPart) -> Option<Self> {
        if local.is_role() {
            return None;
        }
        Self::of_words(local.words.clone())
    }

    fn of_words(mut words: Vec<String>) -> Option<Self> {
        if !(2..=5).contains(&words.len()) {
            return None;
        }
        let surname = words.pop().filter(|word| word.len() > 1)?;
        let forename = words.remove(0);
        Some(Self {
            forename,
            middle: words,
            surname,
        })
    }

    /// The surname as its last word and, where there are words between, as all behind the forename.
    pub fn surnames(&self) -> impl Iterator<Item = String> + '_ {
        let long: String = self.middle.iter().map(String::as_str).collect();
        let double =
            (!long.is_empty() && long.len() > 1).then(|| format!("{long}{}", self.surname));
        std::iter::once(self.surname.clone()).chain(double)
    }

    /// Whether both have the same words, in any order.
    pub fn has_the_words_of(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }

    /// The words in the order of the alphabet, joined by spaces.
    pub fn sorted(&self) -> String {
        let mut words: Vec<&str> = self.middle.iter().map(String::as_str).collect();
        words.extend([self.forename.as_str(), self.surname.as_str()]);
        words.sort_unstable();
        words.join(" ")
    }
}

/// Whether two forenames, or an initial and a forename, may be one person's.
pub fn forenames_agree(a: &str, b: &str) -> bool {
    let initial = |short: &str, long: &str| short.len() == 1 && long.starts_with(short);
    a == b || initial(a, b) || initial(b, a) || is_short_form(a, b) || is_anagram(a, b)
}

/// Whether one forename is a short form of the other in the table of nicknames (Beth, Elizabeth).
pub fn is_short_form(a: &str, b: &str) -> bool {
    nicknames::of(a).contains(&b) || nicknames::of(b).contains(&a)
}

/// Whether two words have the same letters: `michael`, `micheal`.
pub fn is_anagram(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    a.len() == b.len()
        && a.len() > 3
        && a.as_bytes().first() == b.as_bytes().first()
        && sorted(a) == sorted(b)
}

/// A local part taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalPart {
    /// Its runs of letters, `+tag` left out.
    pub words: Vec<String>,
    /// The runs joined.
    pub joined: String,
}

impl std::fmt::Debug for LocalPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalPart(..)")
    }
}

impl LocalPart {
    /// Reads a local part as [`crate::mail::Address::local`] gives it.
    pub fn of(local: &str) -> Self {
        let bare = local.trim_matches('"');
        let bare = bare.split_once('+').map_or(bare, |(mailbox, _)| mailbox);
        let plain = plain(bare);
        let words = plain.split(|c: char| !c.is_alphabetic());
        let words: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        Self {
            joined: words.concat(),
            words,
        }
    }

    /// Whether it is the mailbox of a post or a team, or says nothing at all.
    pub fn is_role(&self) -> bool {
        // One word is not enough where it may be a surname: `jane.hall`, `j.head`.
        let of_no_person = |word: &String| OF_NO_PERSON.contains(&word.as_str());
        let role = |word: &String| ROLES.contains(word.as_str());
        self.joined.is_empty()
            || role(&self.joined)
            || self.words.iter().any(of_no_person)
            || self.words.iter().all(role)
    }

    /// The runs of letters in the order of the alphabet, joined by spaces.
    pub fn sorted(&self) -> String {
        let mut words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        words.sort_unstable();
        words.join(" ")
    }
}

/// The letters of a text, everything else left out.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

fn plain(text: &str) -> String {
    let end = text.char_indices().nth(TEXT_AT_MOST);
    let text = end.map_or(text, |(end, _)| &text[..end]);
    Plain::of(text).text.to_lowercase()
}

/// A name without what stands in brackets and without what follows a dash, a bar or "via".
fn without_remarks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    let ends = [" - ", " | ", "|", " via ", " / "];
    let end = ends.iter().filter_map(|mark| out.find(mark)).min();
    out.truncate(end.unwrap_or(out.len()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<(String, String)> {
        PersonName::of_display(text).map(|name| (name.forename, name.surname))
    }

    #[test]
    fn display_names_are_read_in_the_ways_people_write_them() {
        for text in [
            "Jane Whitcombe",
            "Whitcombe, Jane",
            "Mrs Jane A. Whitcombe (Oakfield Primary)",
            "JANE WHITCOMBE | Head of Year 4",
            "Jáne Whitcombe - Oakfield Trust",
            "Jane Whitcombe, Headteacher",
        ] {
            let expected = ("jane".to_owned(), "whitcombe".to_owned());
            assert_eq!(shown(text), Some(expected), "{text}");
        }
        let double = ("aoife".to_owned(), "oneilsmith".to_owned());
        assert_eq!(shown("Aoife O\u{2019}Neil-Smith"), Some(double));
    }

    #[test]
    fn teams_machines_and_addresses_are_nobody() {
        for text in [
            "Oakfield Office",
            "Jane",
            "",
            "jane@trust.example",
            "Year 4 Team",
            "a b c d e f g",
        ] {
            assert!(PersonName::of_display(text).is_none(), "{text}");
        }
        for local in [
            "office",
            "head.teacher",
            "office.oakfield",
            "data-protection",
            "2024",
            "no-reply",
        ] {
            assert!(LocalPart::of(local).is_role(), "{local}");
        }
        for local in [
            "jane.whitcombe",
            "whitcombe",
            "jane.hall",
            "j.head",
            "\"jane w\"+office",
        ] {
            assert!(!LocalPart::of(local).is_role(), "{local}");
        }
    }

    #[test]
    fn forenames_agree_by_short_form_and_initial_only() {
        for (a, b) in [
            ("elizabeth", "beth"),
            ("j", "jane"),
            ("cath", "catherine"),
            ("michael", "micheal"),
        ] {
            assert!(forenames_agree(a, b) && forenames_agree(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("jane", "john"),
            ("maria", "marie"),
            ("michael", "michaela"),
            ("jan", "jane"),
            ("paul", "pauline"),
        ] {
            assert!(!forenames_agree(a, b) && !forenames_agree(b, a), "{a} {b}");
        }
    }

    #[test]
    fn the_list_of_roles_is_sorted_and_plain() {
        let text = include_str!("../../patterns/lists/role-mailboxes.txt");
        let list: Vec<&str> = entries(text).collect();
        assert!(list.is_sorted_by(|a, b| a < b));
        assert!(
            list.iter()
                .all(|word| word.bytes().all(|b| b.is_ascii_lowercase()))
        );
    }
}

//! What a name becomes: its initials.
//!
//! | name | initials |
//! |---|---|
//! | Oliver Whitcombe; Whitcombe, Oliver; OLIVER WHITCOMBE | O.W. |
//! | Oliver James Whitcombe | O.J.W. |
//! | Amelia Hart-Jones; Mary-Ann Ashcroft | A.H-J.; M-A.A. |
//! | Lotte van der Berg; Layla al-Rashid | L.v.d.B.; L.a-R. |
//! | Siobhán O'Connell; Éloïse Ó Briain | S.O.; É.Ó.B. |
//!
//! # Invariants
//! No more than the first letter of each word comes out, whatever stands between the letters of a word: a name spaced out
//! ("O l i v e r") is one word.

use unicode_normalization::UnicodeNormalization;

/// Words of which a name's parts are announced; what stands on both sides of one are parts for themselves.
const LABELS: &[&str] = &[
    "christian",
    "family",
    "first",
    "firstname",
    "forename",
    "forenames",
    "given",
    "last",
    "lastname",
    "middle",
    "name",
    "names",
    "surname",
];

/// The initials of one part of a name, each with its full stop, none between the halves of a double name.
pub(super) fn initials(part: &str) -> String {
    let part: String = part.nfkc().filter(|c| !is_invisible(*c)).collect();
    let words: Vec<&str> = part
        .split(|c: char| !(is_letter(c) || is_inner(c)))
        .filter(|word| word.chars().any(is_letter))
        .collect();
    let pieces: Vec<&str> = words
        .iter()
        .flat_map(|word| word.split(is_hyphen))
        .collect();
    if is_spaced_out(&pieces) {
        return pieces
            .first()
            .map(|piece| word_initials(piece, false))
            .unwrap_or_default();
    }
    let has_capitals = words.iter().any(|word| starts_with_capital(word));
    words
        .iter()
        .map(|word| word_initials(word, has_capitals))
        .collect()
}

/// The initials of what stands between forename and surname: middle names and initials, not a short name in brackets or quotes.
pub(super) fn middle(between: &str) -> String {
    let mut outside = String::new();
    let mut closing: Option<char> = None;
    for c in between.chars() {
        match closing {
            Some(close) if c == close => closing = None,
            Some(_) => {}
            None => match c {
                '(' => closing = Some(')'),
                '[' => closing = Some(']'),
                '"' | '\u{201c}' => closing = Some(if c == '"' { '"' } else { '\u{201d}' }),
                c => outside.push(c),
            },
        }
    }
    outside
        .split_whitespace()
        .filter(|word| !word.starts_with(['\'', '\u{2018}', '>']))
        .map(initials)
        .collect()
}

/// Whether what stands between two parts of a name sets them apart: labels, cells, signs that divide.
pub(super) fn divides(between: &str) -> bool {
    between.contains([':', '=', '\t', '|', ';', '~', '/', '\\'])
        || between
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| LABELS.contains(&word.to_lowercase().as_str()))
}

/// The initials of one word, one for each half of a double name.
fn word_initials(word: &str, keep_case: bool) -> String {
    let mut out = String::new();
    for half in word.split(is_hyphen) {
        let Some(first) = half.chars().find(|c| is_letter(*c)) else {
            continue;
        };
        if !out.is_empty() {
            out.push('-');
        }
        // A particle ("van", "de la", "al-") keeps its small letter beside capitals.
        let particle = keep_case && first.is_lowercase();
        match letter_for(first) {
            c if particle => out.push(c),
            c => out.extend(c.to_uppercase()),
        }
    }
    if !out.is_empty() {
        out.push('.');
    }
    out
}

/// Three and more letters that stand alone are one word in disguise.
fn is_spaced_out(pieces: &[&str]) -> bool {
    let letters = |piece: &&str| piece.chars().filter(|c| is_letter(*c)).count();
    let mut filled = pieces.iter().map(letters).filter(|count| *count > 0);
    filled.clone().count() > 2 && filled.all(|count| count == 1)
}

fn starts_with_capital(word: &str) -> bool {
    word.split(is_hyphen).any(|half| {
        half.chars()
            .find(|c| is_letter(*c))
            .is_some_and(char::is_uppercase)
    })
}

/// The letter that a digit stands for in a disguised word ("0liver").
fn letter_for(c: char) -> char {
    match c {
        '0' => 'O',
        '1' => 'I',
        '3' => 'E',
        '4' => 'A',
        '5' => 'S',
        '7' => 'T',
        '8' => 'B',
        c => c,
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric()
}

/// What stands inside a word and is no letter of its own: marks above a letter, apostrophes, hyphens.
fn is_inner(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
        || matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`')
        || is_hyphen(c)
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_names() {
        for (part, expected) in [
            ("Oliver", "O."),
            ("OLIVER", "O."),
            ("whitcombe", "W."),
            ("Hart-Jones", "H-J."),
            ("Hart\u{2011}Jones", "H-J."),
            ("Mary-Ann", "M-A."),
            ("van der Berg", "v.d.B."),
            ("VAN DER BERG", "V.D.B."),
            ("van der berg", "V.D.B."),
            ("al-Rashid", "a-R."),
            ("de la Cruz", "d.l.C."),
            ("O'Connell", "O."),
            ("D\u{2019}Souza", "D."),
            ("Ó Briain", "Ó.B."),
            ("E\u{301}loïse", "É."),
            ("Łukaszewicz", "Ł."),
            ("St. John", "S.J."),
            ("0liver", "O."),
            ("O l i v e r", "O."),
            ("O\u{200b}l\u{200b}iver", "O."),
            ("O.l.i.v.e.r", "O."),
            ("O-l-i-v-e-r", "O."),
            ("d-e V-r-i-e-s", "D."),
            ("\u{1d40e}\u{1d425}iver", "O."),
            ("Oliver James", "O.J."),
            ("", ""),
        ] {
            assert_eq!(initials(part), expected, "{part}");
        }
    }

    #[test]
    fn what_stands_between() {
        for (between, expected) in [
            (" ", ""),
            (" James ", "J."),
            (" J. ", "J."),
            (" (Ollie) ", ""),
            (" 'Ollie' ", ""),
            (" \"Ollie\" James ", "J."),
            ("\n> ", ""),
            (".", ""),
        ] {
            assert_eq!(middle(between), expected, "{between}");
        }
        assert!(divides("\nSurname: ") && divides(" Surname ") && divides("\t"));
        assert!(!divides(" James ") && !divides("\n> "));
    }
}

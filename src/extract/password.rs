//! Words of a message that may open what it attaches, and trying them.
//!
//! # Invariants
//! The words are wiped when they are dropped, and nothing prints them: [`Passwords`] says only how many it holds. Trying is bounded by a count
//! of words and by work (`Limits::password_ms`), reckoned from the cost of each format's key derivation, because the pure floors have no
//! clock. What the message calls a password comes first; guesses (dates, words with a digit, common passwords) may use half of the work.
//!
//! # Known gaps
//! Passwords in pictures, in other messages and deep in long texts are not seen. The message itself, which holds them in the clear, is not wiped.

use std::fmt;

use zeroize::Zeroize;

use crate::extract::content::{Content, Protection, ProtectionState, View};
use crate::extract::gather::Gather;

/// Why a part that was opened is no protection.
pub(crate) const TRAVELS: &str = "the password travels with it";

/// What people choose when they are made to choose one. Tried last.
const COMMON: [&str; 12] = [
    "password",
    "Password1",
    "password1",
    "Password",
    "Password123",
    "password123",
    "123456",
    "12345678",
    "1234",
    "school",
    "School123",
    "Welcome1",
];

/// Words to try, the likely ones first.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Passwords {
    words: Vec<String>,
    /// How many of them were called passwords or put in quotes; the others are guesses.
    called: usize,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({})", self.words.len())
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

impl Passwords {
    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether this is one of the words.
    pub(crate) fn contains(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    /// A word that opened something will open more.
    fn prefer(&mut self, index: usize) {
        let word = self.words.remove(index);
        self.words.insert(0, word);
        if index >= self.called {
            self.called += 1;
        }
    }

    /// Adds the words of `other` behind those of the same rank.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (index, word) in other.words.iter().enumerate() {
            if self.contains(word) {
                continue;
            }
            if index < other.called {
                self.words.insert(self.called, word.clone());
                self.called += 1;
            } else {
                self.words.push(word.clone());
            }
        }
    }
}

/// Tries the words until `open` succeeds. `micros` is what one try costs.
pub(crate) fn attempt<T>(
    gather: &mut Gather<'_>,
    micros: u64,
    mut open: impl FnMut(&str) -> Option<T>,
) -> Option<T> {
    for index in 0..gather.passwords.len() {
        let guess = index >= gather.passwords.called;
        if gather.budget.is_cancelled() || !gather.budget.take_try(micros, guess) {
            return None;
        }
        if let Some(opened) = open(&gather.passwords.words[index]) {
            gather.passwords.prefer(index);
            return Some(opened);
        }
    }
    None
}

/// Reasons of parts that stay closed although their protection is none.
const CLOSED: [&str; 4] = [
    "the archive uses the weak cipher ZipCrypto",
    "the PDF uses a 40-bit key",
    "Office document under a cipher that can be broken",
    "RAR archive of an old kind, whose cipher can be broken",
];

fn is_closed(protection: &Protection) -> bool {
    protection.state == ProtectionState::Password || CLOSED.contains(&protection.reason)
}

/// How many parts stayed closed that a word could open.
pub(crate) fn closed(content: &Content) -> usize {
    content
        .protections
        .iter()
        .filter(|part| is_closed(part))
        .count()
}

/// Collects candidates by how likely they are.
#[derive(Default)]
pub(crate) struct Harvest {
    called: Vec<String>,
    quoted: Vec<String>,
    dates: Vec<String>,
    digits: Vec<String>,
    /// Bytes of text looked at.
    seen: usize,
}

impl Drop for Harvest {
    fn drop(&mut self) {
        self.called.zeroize();
        self.quoted.zeroize();
        self.dates.zeroize();
        self.digits.zeroize();
    }
}

/// Words of one rank that are kept; the last ones of the digits, as a password stands at a letter's end.
const MOST: usize = 64;
/// Words of one text that are looked at.
const MOST_WORDS: usize = 20_000;
/// Bytes of one text, and of all texts: a letter that names a password is short, and a workbook that comes with it need not be searched.
const MOST_TEXT: usize = 256 * 1024;
const MOST_TEXTS: usize = 4 << 20;
/// What a password is long, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=64;

const CUES: [&str; 13] = [
    "password",
    "passwords",
    "passcode",
    "passphrase",
    "passwort",
    "pass",
    "pwd",
    "pw",
    "p/w",
    "code",
    "key",
    "pin",
    "cyfrinair",
];

const FILLERS: [&str; 22] = [
    "is",
    "for",
    "the",
    "to",
    "open",
    "this",
    "that",
    "file",
    "attachment",
    "document",
    "zip",
    "pdf",
    "spreadsheet",
    "will",
    "be",
    "as",
    "of",
    "it",
    "are",
    "was",
    "a",
    "your",
];

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
}

impl Harvest {
    /// Takes what a text offers.
    pub(crate) fn text(&mut self, text: &str) {
        if self.seen >= MOST_TEXTS {
            return;
        }
        let text = &text[..text.floor_char_boundary(MOST_TEXT)];
        self.seen += text.len();
        let words: Vec<&str> = text.split_whitespace().take(MOST_WORDS).collect();
        for (i, word) in words.iter().enumerate() {
            self.cued(word, &words[i + 1..]);
        }
        self.quotes(text);
        for (i, word) in words.iter().enumerate() {
            dates(word, &words[i + 1..], &mut self.dates);
        }
        let with_digit = |word: &&&str| word.bytes().any(|byte| byte.is_ascii_digit());
        for word in words.iter().rev().filter(with_digit).take(MOST) {
            candidate(word, &mut self.digits);
        }
    }

    /// Takes what the name of a file offers: its stem, and its words.
    pub(crate) fn file_name(&mut self, name: &str) {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let words: Vec<&str> = stem
            .split([' ', '_', '-', '(', ')', '[', ']', '.'])
            .filter(|word| !word.is_empty())
            .take(64)
            .collect();
        for (i, word) in words.iter().enumerate() {
            self.cued(word, &words[i + 1..]);
            if word.bytes().any(|byte| byte.is_ascii_digit()) {
                candidate(word, &mut self.digits);
            }
        }
    }

    /// Takes the date of a message.
    pub(crate) fn date(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().take(16).collect();
        for (i, word) in words.iter().enumerate() {
            dates(word, &words[i + 1..], &mut self.dates);
        }
    }

    /// The words after one that announces a password.
    fn cued(&mut self, word: &str, after: &[&str]) {
        let (cue, glued) = word.split_once([':', '=']).unwrap_or((word, ""));
        let cue = cue
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase();
        if !CUES.contains(&cue.as_str()) {
            return;
        }
        if !glued.is_empty() {
            candidate(glued, &mut self.called);
            return;
        }
        // "password for the file is Rosebud7": look a few words ahead, stop at the first that is no filler.
        let filler = |word: &str| {
            let word = bare(word);
            word.is_empty() || FILLERS.contains(&word.as_str())
        };
        let ahead = &after[..after.len().min(10)];
        let next = ahead.iter().position(|word| !filler(word));
        if let Some(next) = next {
            candidate(ahead[next], &mut self.called);
            // Of several words: as people say them, and written together.
            let phrase: Vec<&str> = ahead[next..].iter().take(3).copied().collect();
            for count in 2..=phrase.len() {
                candidate(&phrase[..count].join(" "), &mut self.quoted);
            }
        }
    }

    fn quotes(&mut self, text: &str) {
        const SIGNS: [(char, char); 6] = [
            ('"', '"'),
            ('\'', '\''),
            ('“', '”'),
            ('‘', '’'),
            ('«', '»'),
            ('`', '`'),
        ];
        for (open, close) in SIGNS {
            let mut rest = text;
            let mut before = ' ';
            while let Some(start) = rest.find(open) {
                let opens = rest[..start].chars().next_back().unwrap_or(before);
                let inner = &rest[start + open.len_utf8()..];
                // An apostrophe inside a word opens nothing.
                if opens.is_alphanumeric() {
                    before = open;
                    rest = inner;
                    continue;
                }
                let Some(end) = inner.find(close) else { break };
                if !inner[..end].contains('\n') && self.quoted.len() < MOST {
                    candidate(&inner[..end], &mut self.quoted);
                }
                before = close;
                rest = &inner[end + close.len_utf8()..];
            }
        }
    }

    /// The words in the order they are tried, at most `most` and the common ones, without those already `known`.
    pub(crate) fn finish(&self, most: usize, known: &Passwords) -> Passwords {
        // A share for each rank first, so that a long list of one does not keep out the next; what is left goes by rank.
        let shares = [
            (&self.called, most * 3 / 8),
            (&self.quoted, most / 4),
            (&self.dates, most / 4),
            (&self.digits, most / 8),
        ];
        let mut taken: [Vec<&String>; 4] = Default::default();
        for (i, (words, share)) in shares.iter().enumerate() {
            taken[i].extend(words.iter().filter(|w| !known.contains(w)).take(*share));
        }
        for (i, (words, _)) in shares.iter().enumerate() {
            let room = most.saturating_sub(taken.iter().map(Vec::len).sum());
            let more: Vec<&String> = words
                .iter()
                .filter(|w| !known.contains(w) && !taken[i].contains(w))
                .take(room)
                .collect();
            taken[i].extend(more);
        }
        let mut out = Passwords::default();
        for (rank, words) in taken.iter().enumerate() {
            for word in words {
                if !out.contains(word) {
                    out.words.push((*word).clone());
                }
            }
            if rank == 1 {
                out.called = out.words.len();
            }
        }
        for word in COMMON {
            if !out.contains(word) && !known.contains(word) {
                out.words.push(word.to_owned());
            }
        }
        out
    }

    /// Everything that read parts say: their text and the names of their files.
    pub(crate) fn content(&mut self, content: &Content) {
        for unit in &content.units {
            if unit.view == View::FileName {
                self.file_name(&unit.text);
            } else {
                self.text(&unit.text);
            }
        }
    }
}

/// Adds a candidate without the punctuation around it, and as written.
fn candidate(word: &str, into: &mut Vec<String>) {
    let around = |c: char| {
        matches!(
            c,
            '.' | ','
                | ';'
                | ':'
                | '"'
                | '\''
                | '('
                | ')'
                | '“'
                | '”'
                | '‘'
                | '’'
                | '<'
                | '>'
                | '*'
        )
    };
    for form in [
        word.trim_matches(around),
        word.trim_end_matches(['.', ',']),
        word,
    ] {
        if LENGTHS.contains(&form.len())
            && into.len() < MOST
            && !into.iter().any(|known| known == form)
        {
            into.push(form.to_owned());
        }
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Dates as people write them, in the forms that people make passwords of.
fn dates(word: &str, after: &[&str], into: &mut Vec<String>) {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let parts: Vec<&str> = word.split(['/', '-', '.']).collect();
    let numbers = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() <= 4);
    let found = if let [a, b, c] = parts[..] {
        match (numbers(a), numbers(b), numbers(c)) {
            (Some(year), Some(month), Some(day)) if a.len() == 4 => Some((day, month, year)),
            (Some(day), Some(month), Some(year)) => Some((day, month, year)),
            _ => None,
        }
    } else if let ([month, year, ..], Some(day)) = (after, day_of(word)) {
        let month = bare(month);
        MONTHS
            .iter()
            .position(|name| month.starts_with(name))
            .zip(numbers(&bare(year)))
            .map(|(month, year)| (day, month as u32 + 1, year))
    } else {
        None
    };
    let Some((day, month, year)) = found else {
        return;
    };
    let year = match year {
        0..=49 => year + 2000,
        50..=99 => year + 1900,
        _ => year,
    };
    if !(1..=31).contains(&day) || !(1..=31).contains(&month) || !(1900..2100).contains(&year) {
        return;
    }
    let short = year % 100;
    for form in [
        format!("{day:02}{month:02}{year}"),
        format!("{day:02}/{month:02}/{year}"),
        format!("{day:02}{month:02}{short:02}"),
        format!("{day:02}-{month:02}-{year}"),
        format!("{day:02}.{month:02}.{year}"),
        format!("{year}{month:02}{day:02}"),
        format!("{year}-{month:02}-{day:02}"),
        format!("{day:02}/{month:02}/{short:02}"),
    ] {
        candidate(&form, into);
    }
}

/// `3`, `3rd`.
fn day_of(word: &str) -> Option<u32> {
    let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
    let rest = &word[digits.len()..];
    (digits.len() <= 2 && matches!(rest, "" | "st" | "nd" | "rd" | "th"))
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Passwords {
        let mut harvest = Harvest::default();
        harvest.text(text);
        harvest.finish(32, &Passwords::default())
    }

    #[test]
    fn passwords_follow_their_cue() {
        let found =
            words("Hi. The password for the file is Rosebud7. Or “open sesame”. pw: x9-Q key=ab:c");
        for word in ["Rosebud7", "open sesame", "x9-Q", "ab:c"] {
            let at = found.words.iter().position(|f| f == word);
            assert!(at.is_some_and(|at| at < found.called), "{word}");
        }
        assert_eq!(found.words[0], "Rosebud7");
    }

    #[test]
    fn dates_take_the_forms_of_passwords() {
        let found = words("Her date of birth, 3rd March 2011, opens it. Or 4/5/12.");
        for word in ["03032011", "03/03/2011", "030311", "2011-03-03", "04052012"] {
            assert!(found.contains(word), "{word}");
            assert!(found.words.iter().position(|f| f == word) >= Some(found.called));
        }
        assert!(!words("1.2.3.4 and 99/99/2011").contains("99992011"));
    }

    #[test]
    fn an_apostrophe_opens_no_quotation_and_the_list_is_short() {
        let text = "don't say it's hers, Amelia's. ".repeat(200) + "the code is Teal42";
        let found = words(&text);
        assert!(found.contains("Teal42") && !found.contains("t say it"));
        assert!(found.len() <= 32 + COMMON.len());
    }

    #[test]
    fn file_names_and_what_is_known() {
        let mut harvest = Harvest::default();
        harvest.file_name("list password Rosebud7.zip");
        let first = harvest.finish(32, &Passwords::default());
        assert_eq!(first.words[0], "Rosebud7");
        let second = harvest.finish(32, &first);
        assert!(second.is_empty(), "{second:?}");
        assert_eq!(format!("{first:?}"), format!("Passwords({})", first.len()));
    }

    #[test]
    fn what_opened_one_thing_is_tried_first_on_the_next() {
        let mut list = words("password: alpha1 password: beta2 gamma3");
        let index = list.words.iter().position(|w| w == "gamma3");
        list.prefer(index.unwrap_or_default());
        assert_eq!(list.words[0], "gamma3");
        let mut more = words("password: delta4");
        more.extend(&list);
        assert_eq!(more.words[0], "delta4");
        assert_eq!(more.words[1], "gamma3");
    }
}

//! Words, addresses and domains as they are searched for: what is indexed of a hold, and what a typed text asks for.
//!
//! # Invariants
//! Text that is stored and text that is typed take the same way: NFKC, lower case, then runs of letters and digits of 2 to 40 characters.
//! An accented word is indexed as it is and with its accents taken off, so `jose` finds `José`, and `josé` finds only that. A run with
//! dots inside (`jane.smith`, `register.xlsx`) is indexed whole beside its parts. What a stranger can cause is bounded: 64 words of a
//! subject, and `TOKENS_AT_MOST` in all.
//!
//! # Standards
//! Unicode UAX #15 (NFKC, NFD). Addresses and domains compare as in `mail::address`.
//!
//! # Known gaps
//! Scripts that put no spaces between words (Chinese, Japanese, Thai) are one word a run. A domain is found whole, not by its parent. File
//! names are known only where a finding stands in the file.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::detect::normalise::spelled_out;
use crate::mail::{Address, Domain, Envelope};

use super::hold::HoldRecord;

/// Characters of a word.
const LENGTH: std::ops::RangeInclusive<usize> = 2..=40;

/// Distinct words taken from a subject; people write fewer than 20.
const SUBJECT_WORDS: usize = 64;

/// Distinct words taken from the names of files.
const FILE_WORDS: usize = 64;

/// Tokens of one hold: a message to 1,000 people has their addresses and most of their names.
pub(crate) const TOKENS_AT_MOST: usize = 4_096;

/// Domains above a sender's that are indexed: schools have two or three.
const LABELS: usize = 8;

/// Terms of one search.
pub const TERMS_AT_MOST: usize = 8;

/// What a token stands for, before it is keyed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Searched {
    /// The sender's address, as `Address::key`.
    From(String),
    /// A recipient's address.
    To(String),
    /// The sender's domain.
    FromDomain(String),
    /// A domain that the sender's domain is or lies within.
    FromWithin(String),
    /// A recipient's domain.
    ToDomain(String),
    /// A word of the subject, of a local part or of a file's name.
    Word(String),
}

impl Searched {
    /// A letter that keeps the kinds apart, and the text.
    pub(crate) fn parts(&self) -> (&'static [u8], &[u8]) {
        match self {
            Self::From(text) => (b"f", text.as_bytes()),
            Self::To(text) => (b"t", text.as_bytes()),
            Self::FromDomain(text) => (b"F", text.as_bytes()),
            Self::FromWithin(text) => (b"W", text.as_bytes()),
            Self::ToDomain(text) => (b"T", text.as_bytes()),
            Self::Word(text) => (b"w", text.as_bytes()),
        }
    }
}

/// What a search asks for: terms that must all be met, each by any one of its meanings. Says nothing of itself when printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SearchText(Vec<Vec<Searched>>);

impl std::fmt::Debug for SearchText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SearchText({} terms)", self.0.len())
    }
}

/// Why a text cannot be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// A part with an `@` is no address and no domain.
    #[error(
        "a word with @ is not an address; allowed: a whole address such as name@school.example, or @ and a domain"
    )]
    Address,
    /// A word is too short or too long.
    #[error("a word cannot be searched for; allowed: 2 to 40 letters and digits")]
    Word,
    /// There are too many words.
    #[error("too many words; allowed: {TERMS_AT_MOST}")]
    Many,
}

impl SearchText {
    /// Reads what a person typed: words that must all be there. A word with `@` is a sender's or recipient's address, one that begins with
    /// `@` a domain; one with dots is a domain or a word; any other is a word of the subject, of a local part, or of a file's name.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        let mut terms = Vec::new();
        for typed in text.split_whitespace() {
            for term in terms_of(typed)? {
                if !terms.contains(&term) {
                    terms.push(term);
                }
            }
            if terms.len() > TERMS_AT_MOST {
                return Err(SearchError::Many);
            }
        }
        Ok(Self(terms))
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn terms(&self) -> &[Vec<Searched>] {
        &self.0
    }
}

fn terms_of(typed: &str) -> Result<Vec<Vec<Searched>>, SearchError> {
    let typed = typed.trim_matches(['<', '>', '(', ')', ',', ';', ':', '!', '?', '.', '"']);
    let either = |domain: &Domain| {
        vec![
            Searched::FromDomain(domain.as_str().to_owned()),
            Searched::ToDomain(domain.as_str().to_owned()),
        ]
    };
    if let Some(domain) = typed.strip_prefix('@') {
        let domain = Domain::parse(domain).map_err(|_| SearchError::Address)?;
        return Ok(vec![either(&domain)]);
    }
    if typed.contains('@') {
        let key = Address::parse(typed)
            .map_err(|_| SearchError::Address)?
            .key();
        return Ok(vec![vec![Searched::From(key.clone()), Searched::To(key)]]);
    }
    let runs = runs(typed);
    if typed.contains('.')
        && let Ok(domain) = Domain::parse(typed)
    {
        let mut meanings = either(&domain);
        // Only when it is one run: `mary-jane.smith` is indexed as parts.
        if let [whole] = runs.as_slice()
            && fits(whole)
        {
            meanings.push(Searched::Word(whole.clone()));
        }
        return Ok(vec![meanings]);
    }
    let parts = runs.iter().flat_map(|run| run.split('.'));
    let words: Vec<_> = parts
        .filter(|word| fits(word))
        .map(|word| vec![Searched::Word(word.to_owned())])
        .collect();
    if words.is_empty() {
        return Err(SearchError::Word);
    }
    Ok(words)
}

/// All that one hold is found by, each once: addresses first, so that what is cut off from a huge message is words.
pub(crate) fn of_hold(envelope: &Envelope, record: &HoldRecord) -> Vec<Searched> {
    let mut found = Gathered::default();
    let from = envelope.mail_from.address();
    let rcpts = || envelope.rcpts.iter().filter_map(|rcpt| rcpt.address());
    if let Some(from) = from {
        found.add(Searched::From(from.key()));
        found.add(Searched::FromDomain(from.domain().as_str().to_owned()));
        for domain in around(from.domain()) {
            found.add(Searched::FromWithin(domain.to_owned()));
        }
    }
    for rcpt in rcpts() {
        found.add(Searched::To(rcpt.key()));
        found.add(Searched::ToDomain(rcpt.domain().as_str().to_owned()));
    }
    // What went to a confidential channel is read by nobody, not even by guessing its words.
    if !record.confidential {
        found.words(record.subject.as_deref().unwrap_or(""), SUBJECT_WORDS);
    }
    for address in from.into_iter().chain(rcpts()) {
        found.words(address.local(), usize::MAX);
    }
    if !record.confidential {
        let mut names: Vec<&str> = record
            .findings
            .iter()
            .filter_map(|finding| finding.location.strip_prefix("attachment:"))
            .map(without_detail)
            .collect();
        names.sort_unstable();
        names.dedup();
        found.words(&names.join(" "), FILE_WORDS);
    }
    found.list
}

/// A domain and those it lies within, down to two labels: what a school may be known by. `infants.oak.example` lies within `oak.example`.
fn around(domain: &Domain) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain.as_str()), |domain| {
        Some(domain.split_once('.')?.1)
    })
    .take(LABELS)
    .filter(|domain| domain.contains('.'))
}

/// `a.xlsx` of `a.xlsx (Sheet2!row 14)`.
fn without_detail(place: &str) -> &str {
    match place.rsplit_once(" (") {
        Some((name, _)) if place.ends_with(')') => name,
        _ => place,
    }
}

#[derive(Default)]
struct Gathered {
    list: Vec<Searched>,
    seen: HashSet<Searched>,
}

impl Gathered {
    fn add(&mut self, one: Searched) {
        if self.list.len() < TOKENS_AT_MOST && self.seen.insert(one.clone()) {
            self.list.push(one);
        }
    }

    fn words(&mut self, text: &str, at_most: usize) {
        for word in distinct(text, at_most) {
            let folded = folded(&word);
            if folded != word {
                self.add(Searched::Word(folded));
            }
            self.add(Searched::Word(word));
        }
    }
}

/// The first distinct words of a text, a dotted run before its parts.
fn distinct(text: &str, at_most: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut seen = HashSet::new();
    for run in runs(text) {
        let parts = run.split('.');
        let whole = run.contains('.').then_some(run.as_str());
        for word in whole.into_iter().chain(parts).filter(|word| fits(word)) {
            if words.len() == at_most {
                return words;
            }
            if seen.insert(word.to_owned()) {
                words.push(word.to_owned());
            }
        }
    }
    words
}

fn fits(word: &str) -> bool {
    LENGTH.contains(&word.chars().count())
}

/// Runs of letters, marks and digits, with single dots between them.
fn runs(text: &str) -> Vec<String> {
    let mut runs = Vec::new();
    let mut run = String::new();
    let mut end = |run: &mut String| {
        let whole = run.trim_end_matches('.');
        if !whole.is_empty() {
            runs.push(whole.to_owned());
        }
        run.clear();
    };
    for c in text.nfkc().flat_map(char::to_lowercase) {
        let joins = c == '.' && !run.is_empty() && !run.ends_with('.');
        if joins || c.is_alphanumeric() || is_combining_mark(c) {
            run.push(c);
        } else if !is_invisible(c) {
            end(&mut run);
        }
    }
    end(&mut run);
    runs
}

/// Characters that nobody sees or types: soft hyphen, zero-width space and joiners, word joiner, byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
    )
}

/// A word without its accents.
fn folded(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    for c in word.nfd().filter(|c| !is_combining_mark(*c)) {
        match spelled_out(c) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        distinct(text, usize::MAX)
    }

    #[test]
    fn words_are_what_people_type() {
        assert_eq!(
            words("RE: Trip, on 5.May – O'Brien"),
            ["re", "trip", "on", "5.may", "may", "brien"]
        );
        assert_eq!(
            words("ＦＵＬＬ pu\u{ad}pil a ..x.. two two"),
            ["full", "pupil", "two"]
        );
        assert_eq!(words(&"x".repeat(41)), Vec::<String>::new());
        assert_eq!(folded("josé"), "jose");
        assert_eq!(folded("łukasz"), "lukasz");
    }

    #[test]
    fn a_sender_is_found_by_the_domains_around_theirs() {
        let within = |domain: &str| {
            let domain = Domain::parse(domain).unwrap();
            around(&domain).map(str::to_owned).collect::<Vec<_>>()
        };
        let all = ["infants.oak.example", "oak.example"];
        assert_eq!(within("infants.oak.example"), all);
        assert_eq!(within("example"), Vec::<String>::new());
        let long = format!("{}example", "a.".repeat(40));
        assert_eq!(within(&long).len(), LABELS);
    }

    #[test]
    fn what_is_typed_is_told_apart() {
        let parse = |text: &str| SearchText::parse(text).unwrap().0;
        let word = |text: &str| Searched::Word(text.to_owned());
        assert!(parse("Trip OXFORD") == [vec![word("trip")], vec![word("oxford")]]);
        assert!(
            parse("<Jane@Home.Example>,")
                == [vec![
                    Searched::From("jane@home.example".into()),
                    Searched::To("jane@home.example".into())
                ]]
        );
        let domain = |text: &str| {
            vec![
                Searched::FromDomain(text.to_owned()),
                Searched::ToDomain(text.to_owned()),
            ]
        };
        assert!(parse("@Home.Example") == [domain("home.example")]);
        assert!(parse("jane.smith") == [[domain("jane.smith"), vec![word("jane.smith")]].concat()]);
        assert!(parse("mary-jane") == [vec![word("mary")], vec![word("jane")]]);
        assert!(parse("  ").is_empty());
        assert_eq!(SearchText::parse("x"), Err(SearchError::Word));
        assert_eq!(SearchText::parse("a@"), Err(SearchError::Address));
        assert_eq!(
            SearchText::parse("b1 b2 b3 b4 b5 b6 b7 b8 b9"),
            Err(SearchError::Many)
        );
        assert_eq!(
            format!("{:?}", SearchText::parse("jane").unwrap()),
            "SearchText(1 terms)"
        );
    }
}

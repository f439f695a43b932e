//! Passwords, passcodes and PINs that stand behind their label.
//!
//! # Invariants
//! A label alone is nothing: what follows must look like a secret, so talk about passwords, links for resetting one and placeholders
//! stay quiet. The search behind a label is bounded by [`REACH`].
//!
//! # Known gaps
//! A password of small letters alone counts only at the end of a labelled line ("Password: treehouse"), and not in running text.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::detect::engine::Checked;
use crate::detect::finding::Confidence;
use crate::detect::judge::{Draft, Judge};

/// Bytes behind a label.
const REACH: usize = 140;
/// Bytes around a label within which a word tells that it is a meeting's code.
const MEETING: usize = 250;

/// What says that a code is for a conference by telephone.
const CALLS: &[&str] = &[
    "call-in",
    "conference call",
    "investor call",
    "toll free",
    "toll-free",
];

/// Words that stand where a password would ("Password: unchanged").
const NO_SECRET: &[&str] = &[
    "above",
    "again",
    "asap",
    "attached",
    "available",
    "below",
    "blank",
    "case",
    "change",
    "changed",
    "changes",
    "confirm",
    "confirmation",
    "correct",
    "details",
    "email",
    "emailed",
    "enclosed",
    "enter",
    "expired",
    "following",
    "follows",
    "forgotten",
    "hidden",
    "incorrect",
    "invalid",
    "issues",
    "login",
    "management",
    "manager",
    "mandatory",
    "missing",
    "needed",
    "nothing",
    "optional",
    "password",
    "passwords",
    "pending",
    "phone",
    "please",
    "policy",
    "private",
    "problem",
    "problems",
    "protected",
    "protection",
    "provided",
    "redacted",
    "removed",
    "request",
    "requested",
    "required",
    "reset",
    "resets",
    "secret",
    "security",
    "separate",
    "separately",
    "shared",
    "staff",
    "student",
    "students",
    "telephone",
    "texted",
    "unchanged",
    "unknown",
    "update",
    "updated",
    "usual",
    "wrong",
    "yours",
];

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants and a test compiles them"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static LINKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^[*_`'\x22)\]]*(?: ?\([^)\n]{0,40}\))?(?P<gap>(?: [a-zA-Z0-9'&/-]{1,20}){0,6}?)[*_`'\x22]*",
        r"(?P<link>[ ]?(?::|=>|->|=|\||\t)[ \t*_`'\x22]*\n?[ \t]*",
        r"|(?P<said> (?:is|was|will be|has been (?:re)?set (?:to|as)|(?:has been )?changed to|(?:re)?set to|remains|-)(?: now| still| as follows)?:? ))",
        r"[*_`'\x22(]*(?P<value>[^\s\t]{4,64})"
    ))
});
static BARE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ ['\x22]?(?P<value>[^\s\t]{4,64})"));
static NO_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)://|^www\.|@[^@]+\.[a-z]|\.(?:pdf|docx?|xlsx?|pptx?|zip|txt|csv|html?|com|org|net|uk|example)$",
        r"|^[<{\[$%]|^[0-9]+(?:st|nd|rd|th|am|pm|-?[a-z]+ly|-[a-z-]+)$|^(.)?[*x_.\u{2022}#-]+$|^(?:19|20)[0-9]{2}[-/]"
    ))
});

/// How a secret is tied to its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// "Password: ..."
    Labelled,
    /// "the password is ..."
    Said,
    /// "password for the portal: ..."
    Apart,
    /// "password ..."
    Bare,
}

/// What a text behind a label looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Letters with digits or signs.
    Mixed,
    /// Digits only.
    Digits,
    /// Letters only.
    Word,
    /// No secret.
    None,
}

impl<'j> Judge<'j> {
    /// The secret behind a label.
    pub(super) fn credential(
        &self,
        checked: &'j Checked,
        label: &Range<usize>,
    ) -> Option<Draft<'j>> {
        if self.scene.is_in_link(label) || self.counts_pins(label) {
            return None;
        }
        let after = self.after(label.end, REACH);
        let (link, value) = linked(after)?;
        let range = label.end + value.start..label.end + value.end;
        let text = &after[value.clone()];
        let name = self.scene.text().get(label.clone()).unwrap_or_default();
        let mut confidence = weigh(link, shape(text), name, text, &after[value.end..])?;
        if name.eq_ignore_ascii_case("pass") && !self.has_login_before(label) {
            return None;
        }
        let mut reason = "a secret behind its label";
        let near = self.scene.window(label, MEETING);
        let near = self.scene.bytes(near);
        if checked.negative.find(near).is_some() || (is_code(name) && is_of_a_call(near)) {
            confidence = Confidence::Low;
            reason = "the code of a meeting";
        }
        Some(Self::said(
            checked,
            range,
            confidence,
            reason,
            text.as_bytes(),
        ))
    }

    /// A cell in a column of secrets.
    pub(super) fn credential_cell(
        &self,
        checked: &'j Checked,
        cell: Range<usize>,
    ) -> Option<Draft<'j>> {
        let text = self.scene.text().get(cell.clone())?.trim();
        let single = (4..=64).contains(&text.len()) && !text.contains(char::is_whitespace);
        if !single || shape(text) == Shape::None || is_no_secret(text) {
            return None;
        }
        let reason = "a filled cell in a column of passwords";
        Some(Self::said(
            checked,
            cell,
            Confidence::High,
            reason,
            text.as_bytes(),
        ))
    }

    /// "184-pin (32x64)": so many pins of a plug, no label.
    fn counts_pins(&self, label: &Range<usize>) -> bool {
        let before = &self.scene.text().as_bytes()[..label.start];
        matches!(before, [.., digit, b'-'] if digit.is_ascii_digit())
    }

    /// "login jsmith / pass ...": "pass" alone is a word of every day.
    fn has_login_before(&self, label: &Range<usize>) -> bool {
        let before = self.before(label.start, 60).to_ascii_lowercase();
        [
            "login", "log in", "log on", "logon", "user", "username", "account",
        ]
        .iter()
        .any(|word| before.contains(word))
    }
}

fn is_code(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    label.contains("pin") || label.contains("code")
}

/// Whether a text is about a conference by telephone, whose code is no secret of anybody's.
fn is_of_a_call(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    CALLS.iter().any(|words| text.contains(words))
}

/// How the text behind a label is tied to it, and where the value stands.
fn linked(after: &str) -> Option<(Link, Range<usize>)> {
    if let Some(groups) = LINKED.captures(after) {
        let value = groups.name("value")?;
        let link = match (groups.name("gap"), groups.name("said")) {
            (Some(gap), _) if !gap.is_empty() => Link::Apart,
            (_, Some(_)) => Link::Said,
            _ => Link::Labelled,
        };
        return Some((link, trimmed(value.as_str(), value.start())));
    }
    let value = BARE.captures(after)?.name("value")?;
    Some((Link::Bare, trimmed(value.as_str(), value.start())))
}

/// The range of a value without the sentence's signs behind it.
fn trimmed(value: &str, start: usize) -> Range<usize> {
    let kept =
        value.trim_end_matches(['.', ',', ';', ':', ')', ']', '\'', '"', '`', '*', '_', '>']);
    start..start + kept.len()
}

fn shape(value: &str) -> Shape {
    if value.len() < 4 || NO_VALUE.is_match(value) {
        return Shape::None;
    }
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let inside = &value[..value.floor_char_boundary(value.len() - 1)];
    let signs = inside.contains(['!', '$', '%', '^', '*', '?', '+', '~', '#', '&', '=', '@']);
    match (letters, digits) {
        (0, digits) if digits == value.len() => Shape::Digits,
        (1.., 1..) | (2.., 0) if digits > 0 || signs => {
            if value.chars().count() >= 6 {
                Shape::Mixed
            } else {
                Shape::None
            }
        }
        (6.., 0)
            if value
                .chars()
                .all(|c| c.is_alphabetic() || c == '-' || c == '!') =>
        {
            Shape::Word
        }
        _ => Shape::None,
    }
}

fn is_no_secret(value: &str) -> bool {
    let lower = value.trim_end_matches('!').to_ascii_lowercase();
    NO_SECRET.contains(&lower.as_str())
}

fn weigh(link: Link, shape: Shape, label: &str, value: &str, rest: &str) -> Option<Confidence> {
    let is_pin = is_code(label);
    let label = label.to_ascii_lowercase();
    let more_digits = rest.starts_with(' ') && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    let ends_line = rest
        .trim_start_matches(['.', '\'', '"', '`', '*', '_', ')', ' '])
        .chars()
        .next()
        .is_none_or(|c| c == '\n' || c == '\r');
    match (shape, link) {
        (Shape::Mixed, Link::Labelled | Link::Said) => Some(Confidence::High),
        (Shape::Mixed, Link::Apart) => Some(Confidence::Medium),
        (Shape::Mixed, Link::Bare) => {
            let both = value.bytes().any(|b| b.is_ascii_digit())
                && value.bytes().any(|b| b.is_ascii_alphabetic());
            both.then_some(Confidence::Medium)
        }
        (Shape::Digits, Link::Labelled | Link::Said) if value.len() <= 12 && !more_digits => {
            (is_pin || link == Link::Labelled).then_some(Confidence::Medium)
        }
        (Shape::Digits, Link::Bare) if label == "pin" && value.len() <= 6 && !more_digits => {
            Some(Confidence::Low)
        }
        (Shape::Word, Link::Labelled) if ends_line && !is_no_secret(value) => {
            Some(Confidence::Medium)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Option<(Confidence, &str)> {
        let (link, value) = linked(text)?;
        let found = &text[value.clone()];
        weigh(link, shape(found), "password", found, &text[value.end..]).map(|sure| (sure, found))
    }

    #[test]
    fn secrets_are_told_from_talk() {
        for (text, value) in [
            (": Tr33house!", "Tr33house!"),
            (" is sunshine99.", "sunshine99"),
            (" for the portal is Tr33house!", "Tr33house!"),
            ("\": \"hunter2hunter2\"", "hunter2hunter2"),
            (":\nBlue-Horse-7", "Blue-Horse-7"),
            (" (case sensitive): Apple!tree", "Apple!tree"),
            (": appletree", "appletree"),
            (" sunshine99", "sunshine99"),
            ("** = 482913", "482913"),
        ] {
            assert_eq!(judged(text).map(|found| found.1), Some(value), "{text}");
        }
        for text in [
            ": see separate message",
            " for the attached file follows by phone",
            " is required for every account",
            ": https://portal.example/reset",
            " reset: https://portal.example/reset1",
            ": unchanged",
            ": ********",
            ": <your password>",
            " by 12/09/2026",
            " is on the board in 10B",
            ": elephant is a bad choice",
            ": helpdesk@school1.example",
            ": 01632 960001",
            "",
        ] {
            assert_eq!(judged(text), None, "{text}");
        }
    }
}

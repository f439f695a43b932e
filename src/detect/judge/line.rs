//! The line around a name: whether it announces whom a letter is about, or whether the name's bearer only takes part in the mail.
//!
//! # Invariants
//! Every look is bounded by [`REACH`] bytes on each side, so that a text that is one long line costs no more than another.
//!
//! # Known gaps
//! A signature is known by the sign-off above it or by standing alone. A name with a postal address behind it on the same line, and
//! quoted lists of recipients that go on over a second line, are read as text.

use crate::detect::judge::Judge;
use crate::detect::raw::RawName;
use crate::extract::Place;

/// Bytes of a line that are looked at on each side of a name; a quoted header with some hundred recipients fits.
const REACH: usize = 4096;
/// What is set before a name to say that a letter is about its bearer.
const LABELS: &[&str] = &[
    "re",
    "regarding",
    "ref",
    "subject",
    "name",
    "pupil",
    "student",
    "child",
    "pupil name",
    "student name",
    "child's name",
    "name of pupil",
    "name of child",
    "patient",
    "concerning",
    "full name",
    "name of student",
    "learner",
];
/// How lines of quoted headers begin.
const HEADERS: &[&str] = &[
    "from:",
    "to:",
    "cc:",
    "sent by",
    "on ",
    "reply-to:",
    "von:",
    "sent:",
];
/// What stands above a signature.
const SIGN_OFFS: &[&str] = &[
    "--",
    "regards",
    "wishes",
    "sincerely",
    "faithfully",
    "thanks",
    "thank you",
    "yours",
    "cheers",
];

/// The rest of a line on both sides of a name.
pub(super) struct Line<'t> {
    /// Where the line starts, if that is within reach.
    start: Option<usize>,
    pub(super) before: &'t str,
    after: &'t str,
}

impl Judge<'_> {
    /// The line around a name.
    pub(super) fn line(&self, name: &RawName) -> Line<'_> {
        let text = self.scene.text();
        let (mut low, mut high) = (
            name.range.start.saturating_sub(REACH),
            (name.range.end + REACH).min(text.len()),
        );
        while !text.is_char_boundary(low) {
            low += 1;
        }
        while !text.is_char_boundary(high) {
            high -= 1;
        }
        let (before, after) = (&text[low..name.range.start], &text[name.range.end..high]);
        let start = match memchr::memrchr(b'\n', before.as_bytes()) {
            Some(line) => Some(low + line + 1),
            None => (low == 0).then_some(0),
        };
        Line {
            start,
            before: start.map_or(before, |start| &text[start..name.range.start]),
            after: after.split('\n').next().unwrap_or_default(),
        }
    }

    /// "Re: Oliver Whitcombe", "Pupil: Oliver Whitcombe": the whole letter is about them.
    ///
    /// So is a form whose rows name them.
    pub(super) fn is_announced(&self, name: &RawName) -> bool {
        if self.scene.table.is_some() {
            return name.columns.is_some() && self.scene.text()[name.range.clone()].contains('\n');
        }
        let before = self.line(name).before.trim_matches(['>', ' ', '*', '\t']);
        let label = before.trim_end_matches([':', '-', ' ']);
        let longest = 20;
        if label.len() > longest {
            return false;
        }
        let label = label.to_ascii_lowercase();
        LABELS.contains(&label.as_str())
            && (before.len() > label.len() || label == "re" || label == "regarding")
    }

    /// A participant's own name in a signature, a greeting or a quoted header, before their address or their words.
    pub(super) fn is_participant(&self, name: &RawName) -> bool {
        if !self.participants.contains(&name.place) || self.scene.table.is_some() {
            return false;
        }
        let line = self.line(name);
        let before = line.before.trim_start_matches(['>', ' ', '*', '|', '\t']);
        let header = line.start.is_some()
            && HEADERS.iter().any(|header| starts_with(before, header))
            && (!starts_with(before, "on ") || line.after.contains("wrote"));
        let address = line.after.starts_with('@') || before.ends_with('<');
        header
            || self.is_in_signature(&line, before)
            || is_attributed(line.after)
            || is_greeted(before, line.after)
            || (address && self.scene.is_in_link(&name.range))
    }

    fn is_in_signature(&self, line: &Line<'_>, before: &str) -> bool {
        let Some(start) = line.start else {
            return false;
        };
        let words = |text: &str| text.split_whitespace().take(2).count();
        let alone = words(before) + words(line.after) <= 1;
        self.scene.unit.location.place == Place::Body
            && (alone || (before.is_empty() && is_role(line.after) && self.is_signed(start)))
    }

    /// Whether the line that starts here is among the first below a sign-off: "Kind regards", "-- ".
    fn is_signed(&self, start: usize) -> bool {
        const ABOVE: usize = 120;
        const LINES: usize = 4;
        const LONGEST: usize = 30;
        let text = self.scene.text();
        let mut from = start.saturating_sub(ABOVE);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text[from..start]
            .lines()
            .rev()
            .map(|line| line.trim_matches(['>', '*', ',', '.', '!', ' ', '\t', '\r']))
            .filter(|line| !line.is_empty())
            .take(LINES)
            .any(|line| {
                let line = line.to_ascii_lowercase();
                line.len() <= LONGEST && SIGN_OFFS.iter().any(|sign_off| line.ends_with(sign_off))
            })
    }

    /// "Hall, Oliver; Whitcombe, Ann": the end of one entry and the beginning of the next are nobody's name.
    pub(super) fn joins_entries(&self, name: &RawName) -> bool {
        if name.columns.is_some() || !self.scene.bytes(name.range.clone()).contains(&b';') {
            return false;
        }
        let text = self.scene.text();
        let next_has_forename = text[name.range.end..]
            .strip_prefix(", ")
            .is_some_and(|rest| {
                rest.starts_with(|c: char| c.is_ascii_uppercase() || !c.is_ascii())
            });
        let before = text[..name.range.start].trim_end_matches(' ');
        before.ends_with(',') || next_has_forename
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|text| text.eq_ignore_ascii_case(start))
}

/// Whether what follows a name on its line is what signatures set behind it: "| Sales | 01632 960111", ", Head of Music".
fn is_role(after: &str) -> bool {
    const WORDS: usize = 6;
    match after.trim_start().chars().next() {
        Some('|' | '/' | '(' | '-') => true,
        Some(',') => {
            after.split_whitespace().take(WORDS + 1).count() <= WORDS
                && !after.trim_end().ends_with('.')
        }
        _ => false,
    }
}

/// Whether a name is set before its own words or its own address: "wrote:", "<name@host>", "[mailto:name@host]".
fn is_attributed(after: &str) -> bool {
    let after = after.trim_start_matches(['"', '\'', '*', ' ']);
    let address = after.strip_prefix(['<', '[', '(']).is_some_and(|rest| {
        let inside = rest.split([' ', '>', ']', ')']).next().unwrap_or_default();
        inside.contains('@')
    });
    address
        || ["wrote:", "writes:", "said:", "schrieb:"]
            .iter()
            .any(|verb| after.starts_with(verb))
}

/// "Dear Oliver Whitcombe,": a letter to them.
fn is_greeted(before: &str, after: &str) -> bool {
    let greeting = before.trim_end();
    ["dear", "hi", "hello", "hey"]
        .iter()
        .any(|word| greeting.eq_ignore_ascii_case(word))
        && after.trim().len() <= 1
}

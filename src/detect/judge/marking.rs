//! Markings of documents, and common transfer files.
//!
//! # Invariants
//! A word of a marking in running text is no marking: "this e-mail is confidential" stands below every message.
//!
//! # Standards
//! HMG Government Security Classifications Policy (OFFICIAL-SENSITIVE); DfE Common Transfer File, names LLLEEEE_CTF_LLLEEEE_nnn.xml,
//! with letters for a school that is not known (820LLLL).

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::detect::catalogue::Nearby;
use crate::detect::engine::Checked;
use crate::detect::finding::Confidence;
use crate::detect::judge::{Draft, Judge};
use crate::extract::{Place, View};

/// Bytes of a line on each side of a marking that are looked at.
const LINE: usize = 80;

/// Bytes before an element's name within which its bracket opens.
const PREFIX: usize = 24;

/// Words that stand beside a marking on its line.
const BESIDE: &[&str] = &[
    "and",
    "beyond",
    "circulation",
    "confidence",
    "confidential",
    "copy",
    "data",
    "distribution",
    "document",
    "draft",
    "external",
    "externally",
    "eyes",
    "for",
    "further",
    "governors",
    "handling",
    "in",
    "internal",
    "limited",
    "management",
    "marking",
    "not",
    "official",
    "only",
    "onward",
    "outside",
    "page",
    "personal",
    "private",
    "protect",
    "release",
    "restricted",
    "school",
    "sensitive",
    "slt",
    "staff",
    "strictly",
    "the",
    "to",
    "trust",
    "trustees",
    "use",
    "wider",
];

#[expect(
    clippy::expect_used,
    reason = "the pattern is constant and a test compiles it"
)]
static CTF: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:^|[^0-9a-z])([0-9a-z]{7}_CTF_[0-9a-z]{7}_[0-9]{3}(?:\.xml|\.zip)?)(?:[^0-9a-z]|$)",
    )
    .expect("a constant pattern")
});

impl<'j> Judge<'j> {
    /// A marking that stands as one.
    pub(super) fn marking(&self, checked: &'j Checked, range: &Range<usize>) -> Option<Draft<'j>> {
        let text = self.scene.text().get(range.clone())?;
        let before = line_end(self.before(range.start, LINE));
        let mut after = line_start(self.after(range.end, LINE));
        let is_file = self.scene.unit.view == View::FileName;
        if is_file {
            after = without_extension(after);
        }
        if checked.negative.find(before.as_bytes()).is_some()
            || checked.negative.find(after.as_bytes()).is_some()
            || self.scene.is_in_link(range)
        {
            return None;
        }
        let capitals = !text.bytes().any(|byte| byte.is_ascii_lowercase());
        let title = text.starts_with(|c: char| c.is_ascii_uppercase());
        let alone = is_beside(before) && is_beside(after);
        let titled = capitals || is_titled(text);
        let opens = titled && is_beside(before) && sets_off(after);
        let named = self.scene.unit.location.place == Place::Subject || is_file;
        // Several words that mark by themselves do so in a file's name however they are written: "cp_file_2.docx".
        let names = is_file
            && checked.detector.context != Nearby::Required
            && text.contains(|c: char| !c.is_alphanumeric());
        let heading = (title && alone) || opens || (named && capitals) || names;
        let sure = checked.detector.confidence;
        let private = before.to_ascii_lowercase().contains("private");
        let confidence = match (heading, checked.detector.context) {
            (true, Nearby::Required) if private => Confidence::Low,
            (true, Nearby::Required) => sure,
            (true, _) => sure.raised(),
            (false, Nearby::Required) => return None,
            (false, _) if capitals => sure,
            (false, _) => Confidence::Low,
        };
        let reason = if heading {
            "stands as a marking"
        } else {
            "in running text"
        };
        Some(Self::said(
            checked,
            range.clone(),
            confidence,
            reason,
            text.as_bytes(),
        ))
    }

    /// The name of a common transfer file, or its root element.
    pub(super) fn ctf_file(&self, checked: &'j Checked, range: &Range<usize>) -> Option<Draft<'j>> {
        if self.scene.unit.view == View::FileName {
            let before = self.before(range.start, 24);
            let start = range.start - before.len();
            let near = self.scene.text().get(start..)?;
            let near = &near[..near.floor_char_boundary(64)];
            let name = CTF.captures(near)?.get(1)?;
            let range = start + name.start()..start + name.end();
            let reason = "named as a common transfer file";
            let value = name.as_str().as_bytes();
            return Some(Self::said(checked, range, Confidence::High, reason, value));
        }
        let opens = is_opened(self.before(range.start, PREFIX));
        let element = self.scene.text().get(range.clone())?;
        let reason = "the root element of a common transfer file";
        opens.then(|| {
            let value = element.as_bytes();
            Self::said(checked, range.clone(), Confidence::High, reason, value)
        })
    }
}

/// What stands on the line before a marking; a cell counts as a line.
fn line_end(before: &str) -> &str {
    before.rsplit(['\n', '\t']).next().unwrap_or_default()
}

fn line_start(after: &str) -> &str {
    after.split(['\n', '\t']).next().unwrap_or_default()
}

/// Whether the rest of a line holds nothing but signs, numbers and words of markings.
fn is_beside(rest: &str) -> bool {
    rest.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .all(|word| {
            word.bytes().all(|byte| byte.is_ascii_digit())
                || BESIDE.contains(&word.to_ascii_lowercase().as_str())
        })
}

/// Whether an element's name begins behind this, with a prefix of its namespace or without one.
fn is_opened(before: &str) -> bool {
    let Some((_, prefix)) = before.rsplit_once('<') else {
        return false;
    };
    let name = prefix.strip_suffix(':').unwrap_or(prefix);
    prefix.is_empty()
        || (name.len() < prefix.len() && name.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A file's name without its extension.
fn without_extension(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, extension)) if (1..=5).contains(&extension.len()) => stem,
        _ => name,
    }
}

/// "Strictly Confidential": more than one word, each with a capital.
fn is_titled(text: &str) -> bool {
    let words = || {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
    };
    words().count() > 1 && words().all(|word| word.starts_with(char::is_uppercase))
}

/// Whether a sign sets a short rest of the line off from the marking: "CONFIDENTIAL - budget 2027".
fn sets_off(after: &str) -> bool {
    let rest = after.trim_start();
    rest.starts_with(['-', ':', '|', '/', ']', ')']) && rest.len() < 60 && !rest.contains(". ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_markings_hold_nothing_else() {
        for rest in ["", " *** ", "STRICTLY ", " - page 2", " for governors only"] {
            assert!(is_beside(rest), "{rest}");
        }
        assert!(!is_beside("this e-mail is "));
        assert!(sets_off(" - budget 2027") && !sets_off(" budget"));
        assert!(
            CTF.is_match("8881234_CTF_8885678_001.xml") && !CTF.is_match("8881234_CTF_88_001.xml")
        );
    }
}

//! Why a message is held, in words for somebody who never saw Beadle.
//!
//! # Invariants
//! Title, clause and sentence are the trust's own policy's; nothing here names a detector, a rule's id or a technical state.

use crate::policy::{Action, Severity};
use crate::store::{HoldDetails, RuleRecord};

/// One reason why a message is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The rule's title.
    pub title: String,
    /// Where the trust's policy says so.
    pub clause: Option<String>,
    /// What was seen, as one sentence.
    pub sentence: String,
    /// How grave a breach of it is.
    pub severity: Severity,
    /// It held the message, rather than only being noted beside what did.
    pub decisive: bool,
    /// What a reviewer should look at before deciding.
    pub what_to_do: &'static str,
}

/// The reasons, those that decided first, the gravest of them first.
pub fn why(details: &HoldDetails) -> Vec<Reason> {
    let mut rules: Vec<&RuleRecord> = details.record.rules.iter().collect();
    // Stable: the order of the record, strictest first, stays among equals.
    rules.sort_by_key(|rule| std::cmp::Reverse((holds(rule), rule.severity)));
    rules.into_iter().map(reason).collect()
}

fn holds(rule: &RuleRecord) -> bool {
    matches!(rule.action, Action::Hold | Action::Refuse)
}

fn reason(rule: &RuleRecord) -> Reason {
    Reason {
        title: rule.title.clone(),
        clause: rule.clause.clone(),
        sentence: sentence(&rule.because),
        severity: rule.severity,
        decisive: holds(rule),
        what_to_do: what_to_do(rule),
    }
}

fn what_to_do(rule: &RuleRecord) -> &'static str {
    if rule.severity == Severity::Criminal {
        return "Do not release it and tell nobody whom it concerns. Follow the trust's procedure for reporting to the police.";
    }
    match (rule.action, rule.urgent, rule.four_eyes) {
        (Action::Hold | Action::Refuse, true, _) => {
            "Look at it now: it may be about somebody's safety and must not wait."
        }
        (Action::Hold | Action::Refuse, false, true) => {
            "Check that every recipient may have this. A second person must agree before it is released."
        }
        (Action::Hold | Action::Refuse, false, false) => {
            "Check that every recipient may have this. If they may, release it; if not, refuse it and say what to change."
        }
        (Action::Reroute, ..) => "If you release it, let it go by the route that encrypts.",
        (Action::Deliver | Action::Tag | Action::Warn, ..) => {
            "Nothing: on its own this would not have held the message."
        }
    }
}

/// What conditions are called in policies, and what a reviewer calls them.
const PLAIN: [(&str, &str); 18] = [
    ("unsupported", "of a kind that cannot be read"),
    ("broken", "damaged"),
    ("too-big", "too large"),
    ("too-deep", "packed in too many layers"),
    ("timed-out", "took too long"),
    ("crashed", "could not be opened"),
    ("image-only", "a picture"),
    ("apparent", "apparent"),
    ("password", "password"),
    ("end-to-end", "end-to-end"),
    ("rights-managed", "rights-management"),
    ("opaque", "unconfirmed"),
    ("auto-forward", "it was forwarded automatically"),
    ("suspected", "it may have been forwarded automatically"),
    ("auto-reply", "it is an automatic answer"),
    ("list", "it came through a mailing list"),
    ("manual-redirect", "somebody redirected it by hand"),
    ("journal", "it is a copy for an archive"),
];

fn plain(word: &str) -> &str {
    let known = PLAIN.iter().find(|(name, _)| *name == word);
    known.map_or(word, |(_, plain)| plain)
}

/// A list of names (`a, b and c`) in plain words.
fn plain_list(names: &str) -> String {
    let and = |names: &str| {
        names
            .split(" and ")
            .map(plain)
            .collect::<Vec<_>>()
            .join(" and ")
    };
    names.split(", ").map(and).collect::<Vec<_>>().join(", ")
}

/// One circumstance in plain words.
fn circumstance(text: &str) -> String {
    if let Some((state, _)) = text.split_once(", by marks ") {
        return plain(state).to_owned();
    }
    if text.starts_with("malformed structure") {
        return "its structure is broken, so that mail programs may show different things"
            .to_owned();
    }
    if let Some((count, reasons)) = text.split_once(" not read (") {
        let reasons = plain_list(reasons.trim_end_matches(')'));
        return format!("{count} could not be read ({reasons})");
    }
    if let Some((count, states)) = text.split_once(" with ")
        && let Some(states) = states.strip_suffix(" protection")
    {
        return format!("{count} with {} protection", plain_list(states));
    }
    text.replace("read by OCR", "read from pictures")
        .replace(" MiB", " megabytes")
}

/// Words as policies keep them (`2 pupils' full names in the body; to 1 recipient outside the trust`) as one sentence.
fn sentence(because: &str) -> String {
    let parts: Vec<String> = because
        .trim()
        .trim_end_matches('.')
        .split("; ")
        .filter(|part| !part.trim().is_empty())
        .map(circumstance)
        .collect();
    let words = match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() && last.starts_with("to ") => {
            format!("{}, {last}", rest.join(", and "))
        }
        _ => parts.join(", and "),
    };
    let mut chars = words.chars();
    let Some(first) = chars.next() else {
        return "The message meets this rule.".to_owned();
    };
    format!("{}{}.", first.to_uppercase(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: Action, severity: Severity) -> RuleRecord {
        RuleRecord {
            id: "r".to_owned(),
            title: "Pupils' data leaves unprotected".to_owned(),
            clause: Some("4.2".to_owned()),
            action,
            because: "2 pupil names in the body; to 1 recipient outside the trust".to_owned(),
            severity,
            urgent: false,
            four_eyes: false,
        }
    }

    #[test]
    fn a_reason_is_a_sentence_and_says_what_to_do() {
        let reason = reason(&rule(Action::Hold, Severity::High));
        assert_eq!(
            reason.sentence,
            "2 pupil names in the body, to 1 recipient outside the trust."
        );
        assert!(reason.decisive && reason.what_to_do.contains("release it"));
        let criminal = super::reason(&rule(Action::Hold, Severity::Criminal));
        assert!(criminal.what_to_do.contains("Do not release"));
        assert_eq!(sentence(" "), "The message meets this rule.");
        for (because, expected) in [
            (
                "2 parts not read (image-only and too-deep); to 1 recipient outside the trust",
                "2 parts could not be read (a picture and packed in too many layers), to 1 recipient outside the trust.",
            ),
            (
                "auto-forward, by marks H1, B2; to 2 recipients",
                "It was forwarded automatically, to 2 recipients.",
            ),
            (
                "1 part with opaque protection; malformed structure (bad-boundary); 1 part read by OCR",
                "1 part with unconfirmed protection, and its structure is broken, so that mail programs may show different things, and 1 part read from pictures.",
            ),
        ] {
            assert_eq!(sentence(because), expected);
        }
    }
}

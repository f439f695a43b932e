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

/// Words as policies keep them (`2 pupils named in the body; to 1 recipient outside the trust`) as one sentence.
fn sentence(because: &str) -> String {
    let words = because
        .replace("not read (image-only)", "not read (a picture)")
        .replace("image-only", "a picture")
        .replace("; to ", ", to ")
        .replace("; ", ", and ")
        .replace("read by OCR", "read from pictures");
    let words = words.trim().trim_end_matches('.');
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
    }
}

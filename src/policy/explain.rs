//! A verdict in plain English, for the record, for `explain` and for the sender's reply.
//!
//! # Invariants
//! Neither text holds a matched value, a name, an address, a subject or a file name. A reply is ASCII and at most 200 octets.

use std::fmt;
use std::fmt::Write as _;

use super::auto_forward::AutomationState;
use super::change::smallest_change;
use super::facts::Facts;
use super::fingerprints::origin;
use super::rule::Policy;
use super::verdict::{Action, RuleHit, Verdict, Waived};
use crate::mail::Reference;

/// Octets of a reply's text: it stays on one line of every mail program's failure notice, far below the 512 of RFC 5321
/// 4.5.3.1.5.
pub const REPLY_OCTETS: usize = 200;

/// Why a message came out as it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What was decided, in one sentence.
    pub outcome: String,
    /// The recipients by class.
    pub recipients: Vec<String>,
    /// What was noticed of automation; `None` when a person sent it.
    pub automation: Option<String>,
    /// Each rule that fired.
    pub fired: Vec<String>,
    /// Each rule that an exception set aside.
    pub waived: Vec<String>,
    /// Each rule in shadow mode that would have fired.
    pub shadow: Vec<String>,
    /// Each rule that nearly fired.
    pub near: Vec<String>,
    /// The smallest change that would have let it pass, when there is one.
    pub change: Option<String>,
}

impl Explanation {
    /// Puts a verdict into words.
    pub fn of(policy: &Policy, facts: &Facts<'_>, verdict: &Verdict) -> Self {
        Self {
            outcome: outcome(policy, verdict),
            recipients: recipients(policy, facts),
            automation: automation(verdict),
            fired: verdict.hits.iter().map(fired).collect(),
            waived: verdict.waived.iter().map(waived).collect(),
            shadow: verdict.shadow.iter().map(fired).collect(),
            near: verdict
                .near
                .iter()
                .map(|near| format!("{}: {}", near.rule, near.missing))
                .collect(),
            change: smallest_change(policy, facts, verdict).map(|change| change.to_string()),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.outcome)?;
        writeln!(f, "Recipients: {}", self.recipients.join(", "))?;
        if let Some(text) = &self.automation {
            writeln!(f, "Automation: {text}")?;
        }
        for text in &self.fired {
            writeln!(f, "Fired: {text}")?;
        }
        if let Some(text) = &self.change {
            writeln!(f, "To let it pass: {text}.")?;
        }
        for text in &self.waived {
            writeln!(f, "Set aside: {text}")?;
        }
        for text in &self.shadow {
            writeln!(f, "Shadow: {text}")?;
        }
        for text in &self.near {
            writeln!(f, "Nearly: {text}")?;
        }
        Ok(())
    }
}

fn outcome(policy: &Policy, verdict: &Verdict) -> String {
    let what = match verdict.action {
        Action::Deliver => "Delivered",
        Action::Tag => "Delivered with a mark",
        Action::Warn => "Delivered, with advice to the sender,",
        Action::Reroute => "Sent by the encrypting route",
        Action::Hold if verdict.split.is_some() => "Held for review for some recipients",
        Action::Hold => "Held for review",
        Action::Refuse => "Refused",
    };
    let mut text = format!("{what} under policy {}", policy.name);
    match &verdict.capped {
        Some(reason) => {
            let asked = verdict
                .hits
                .first()
                .map_or("refuse", |hit| hit.action.name());
            let _infallible = write!(text, ", although a rule says {asked}: {reason}");
        }
        None if verdict.hits.is_empty() => text.push_str(": no rule fired"),
        None => {}
    }
    text.push('.');
    text
}

fn recipients(policy: &Policy, facts: &Facts<'_>) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for rcpt in &facts.envelope.rcpts {
        let set = rcpt
            .address()
            .map(|address| policy.classes.of(address))
            .unwrap_or_default();
        let named = policy.classes.list().iter().enumerate();
        let names: Vec<&str> = named
            .filter(|(index, _)| set.has(*index))
            .map(|(_, class)| &*class.name)
            .collect();
        let name = if names.is_empty() {
            "outside".to_owned()
        } else {
            names.join(" and ")
        };
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts
        .into_iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect()
}

fn automation(verdict: &Verdict) -> Option<String> {
    let automation = &verdict.automation;
    if automation.state == AutomationState::None {
        return None;
    }
    let marks: Vec<String> = automation
        .evidence
        .iter()
        .map(|id| match origin(id) {
            Some(text) => format!("{id} ({text})"),
            None => id.to_string(),
        })
        .collect();
    let state = automation.state.name();
    if marks.is_empty() {
        return Some(state.to_owned());
    }
    Some(format!("{state}; marks: {}", marks.join(", ")))
}

fn waived(waived: &Waived) -> String {
    let mut text = format!("{} by exception {}", waived.rule, waived.exception);
    if let Some(clause) = &waived.clause {
        let _infallible = write!(text, " [{clause}]");
    }
    text
}

fn fired(hit: &RuleHit) -> String {
    let mut text = format!("{} ({}): {}", hit.rule, hit.action.name(), hit.title);
    if let Some(clause) = &hit.clause {
        let _infallible = write!(text, " [{clause}]");
    }
    let _infallible = write!(text, ". Because: {}.", hit.because);
    if let Some(remedy) = &hit.remedy {
        let _infallible = write!(text, " To send it: {remedy}");
    }
    text
}

/// The text of the reply to a message that was not delivered, without code and enhanced code:
/// `Not sent: a pupil's full name is in the subject line. Use initials. (Standard policy 1, ref 7K3Q-91ZD)`.
pub fn reply_text(verdict: &Verdict, reference: Reference) -> String {
    let lead = match verdict.action {
        Action::Deliver | Action::Tag | Action::Warn | Action::Reroute => {
            return format!("Accepted (ref {reference})");
        }
        Action::Hold => "Held for review",
        Action::Refuse => "Not sent",
    };
    let Some(hit) = verdict.hits.first() else {
        return format!("{lead} (ref {reference})");
    };
    let title = hit.title.trim_end_matches('.');
    let tail = match &hit.clause {
        Some(clause) => format!("({clause}, ref {reference})"),
        None => format!("(rule {}, ref {reference})", hit.rule),
    };
    let mut candidates = Vec::new();
    if let Some(remedy) = &hit.remedy {
        candidates.push(format!("{lead}: {title}. {remedy} {tail}"));
    }
    candidates.push(format!("{lead}: {title} {tail}"));
    candidates.push(format!("{lead} (rule {}, ref {reference})", hit.rule));
    let fits = |text: &String| ascii(text).len() <= REPLY_OCTETS;
    let text = candidates.iter().find(|text| fits(text));
    text.map_or_else(|| format!("{lead} (ref {reference})"), |text| ascii(text))
}

/// The text with typographic characters written plainly and everything else that is not printable ASCII left out.
fn ascii(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            ' '..='~' => Some(c),
            '\u{2018}' | '\u{2019}' => Some('\''),
            '\u{201c}' | '\u{201d}' => Some('"'),
            '\u{2010}'..='\u{2015}' => Some('-'),
            c if c.is_whitespace() => Some(' '),
            _ => None,
        })
        .collect()
}

//! One message's facts against one policy: which rules fire, which nearly do, and what follows.
//!
//! # Invariants
//! Pure and total: any facts give a verdict. The strictest rule decides for the whole message, unless every rule that holds it asks
//! for a split. What a verdict says of the message is kinds, counts, places and recipient classes, never a value, a name or an
//! address.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};

use super::facts::Facts;
use super::message::{Message, Met, Outcome};
use super::rule::{Mode, Policy, Rule};
use super::verdict::{Action, NearMiss, RuleHit, Verdict, Waived};

/// Judges a message by a policy at the moment `now` in the trust's local time, for time windows and exceptions that expire.
pub fn decide(policy: &Policy, facts: &Facts<'_>, now: DateTime) -> Verdict {
    let message = Message::of(policy, facts, now);
    let mut fired = Fired::default();
    for rule in &policy.rules {
        if rule.mode == Mode::Off {
            continue;
        }
        match message.meets(&rule.when) {
            Outcome::No => {}
            Outcome::Nearly(missing) => fired.nearly(rule, missing),
            Outcome::Met(met) => fired.met(&message, policy, rule, met, now.date()),
        }
    }
    fired.verdict(message, policy)
}

/// What the rules came to so far.
#[derive(Default)]
struct Fired {
    hits: Vec<RuleHit>,
    shadow: Vec<RuleHit>,
    near: Vec<NearMiss>,
    waived: Vec<Waived>,
    /// A hit that holds the message asked for a split; all of them must.
    whole: bool,
}

impl Fired {
    fn nearly(&mut self, rule: &Rule, missing: String) {
        self.near.push(NearMiss {
            rule: rule.id.clone(),
            missing,
        });
    }

    fn met(&mut self, message: &Message<'_>, policy: &Policy, rule: &Rule, met: Met, today: Date) {
        if let Some(waived) = waiver(message, policy, rule, &met, today) {
            self.nearly(rule, format!("waived by exception {}", waived.exception));
            self.waived.push(waived);
            return;
        }
        if rule.mode == Mode::Shadow {
            let action = rule.action.name();
            let missing = format!("it is in shadow mode; it would have said {action}");
            self.nearly(rule, missing);
            self.shadow.push(hit(message, rule, met));
            return;
        }
        self.whole |= rule.action == Action::Hold && !rule.split;
        self.hits.push(hit(message, rule, met));
    }

    fn verdict(mut self, message: Message<'_>, policy: &Policy) -> Verdict {
        self.hits.sort_by_key(|hit: &RuleHit| Reverse(hit.action));
        self.shadow.sort_by_key(|hit: &RuleHit| Reverse(hit.action));
        let strictest = self.hits.first().map_or(Action::Deliver, |hit| hit.action);
        let (action, capped) = capped(&message, policy, strictest);
        let split = match action {
            Action::Hold if !self.whole && capped.is_none() => {
                split(&self.hits, message.rcpts.len())
            }
            _ => None,
        };
        Verdict {
            action,
            split,
            at: message.now,
            confidential: message.is_confidential(),
            hits: self.hits,
            shadow: self.shadow,
            near: self.near,
            waived: self.waived,
            automation: message.automation,
            capped,
        }
    }
}

/// The exception that sets a rule aside although its conditions hold.
fn waiver(
    message: &Message<'_>,
    policy: &Policy,
    rule: &Rule,
    met: &Met,
    today: Date,
) -> Option<Waived> {
    if !rule.waivable {
        return None;
    }
    let exception = policy.exceptions.iter().find(|exception| {
        exception.mode == Mode::Enforce
            && exception.rules.contains(&rule.id)
            && exception.holds_on(today)
            && message.covers(exception, met)
    })?;
    Some(Waived {
        rule: rule.id.clone(),
        exception: exception.id.clone(),
        clause: exception.clause.clone(),
        tag: exception.tag.clone(),
    })
}

fn hit(message: &Message<'_>, rule: &Rule, met: Met) -> RuleHit {
    RuleHit {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        clause: rule.clause.clone(),
        severity: rule.severity,
        action: rule.action,
        because: message.because(&rule.when, &met),
        remedy: rule.remedy.clone(),
        tell: rule.tell.clone(),
        urgent: rule.urgent,
        escalate: rule.escalate.clone(),
        tag: rule.tag.clone(),
        four_eyes: rule.four_eyes,
        findings: met.findings,
        rcpts: met.rcpts,
    }
}

fn capped(message: &Message<'_>, policy: &Policy, action: Action) -> (Action, Option<Arc<str>>) {
    let caps = policy.caps.iter();
    let applies = caps.filter(|cap| cap.at < action && message.is_capped_by(cap));
    match applies.min_by_key(|cap| cap.at) {
        Some(cap) => (cap.at, Some(cap.reason.clone())),
        None => (action, None),
    }
}

/// The recipients that the holding rules speak of, when they are not all.
fn split(hits: &[RuleHit], rcpts: usize) -> Option<Vec<usize>> {
    let holding = hits.iter().filter(|hit| hit.action == Action::Hold);
    let mut held: Vec<usize> = holding.flat_map(|hit| hit.rcpts.iter().copied()).collect();
    held.sort_unstable();
    held.dedup();
    (held.len() < rcpts).then_some(held)
}

//! What another policy would have done to the messages of the past, as a difference.
//!
//! # Invariants
//! Pure. Nothing here names a sender, a recipient or a value: counts, dates, rule ids and the references of messages.
//!
//! # Known gaps
//! What a rule asks of a header that is not kept cannot be tried; such rules are named. Exceptions and time windows are judged at the
//! moment of the message, as they were then. What a reviewer decided is not part of it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::DateTime;
use serde::Serialize;

use super::recorded::{RecordedFacts, keeps, rules};
use super::rule::{Mode, Policy};
use super::verdict::Action;

/// Rules and actions that are counted at most: a policy that had more rules in a month is none.
const COUNTED_AT_MOST: usize = 10_000;

/// How many messages went from one action to another, or stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// What was decided.
    pub from: Action,
    /// What the other policy would decide.
    pub to: Action,
    /// How many messages.
    pub messages: u64,
}

/// What became of one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleMoved {
    /// Its id.
    pub rule: String,
    /// Messages it fired for, then.
    pub fired: u64,
    /// Messages it would fire for.
    pub would_fire: u64,
    /// Messages it would fire for and did not.
    pub newly: u64,
    /// Messages it fired for and would not.
    pub no_longer: u64,
}

/// A message that would have been treated otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Its reference.
    pub reference: String,
    /// When it was judged, in the trust's local time.
    pub at: DateTime,
    /// What was decided.
    pub from: Action,
    /// What the other policy would decide.
    pub to: Action,
    /// The rules that fired.
    pub rules: Vec<String>,
    /// The rules that would fire.
    pub would_fire: Vec<String>,
}

/// A rule whose condition cannot be tried on what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Untried {
    /// Its id.
    pub rule: String,
    /// The header it asks for.
    pub header: String,
}

/// What another policy would have done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Messages that were looked at.
    pub messages: u64,
    /// The first and the last of them.
    pub first: Option<DateTime>,
    /// See `first`.
    pub last: Option<DateTime>,
    /// Messages for which the action would be another.
    pub changed: u64,
    /// Those of them for which it would be stricter.
    pub stricter: u64,
    /// Messages with the same action and other rules.
    pub other_rules: u64,
    /// Messages of which less was kept than there was.
    pub cut: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// From each action to each.
    pub actions: Vec<Moved>,
    /// The rules for which something would be different.
    pub rules: Vec<RuleMoved>,
    /// Messages to look at: those with another action first.
    pub examples: Vec<Example>,
    /// What could not be tried.
    pub untried: Vec<Untried>,
}

/// Tries a policy on one record after the other.
#[derive(Debug)]
pub struct Replay<'p> {
    policy: &'p Policy,
    keep: usize,
    done: Difference,
    actions: BTreeMap<(Action, Action), u64>,
    rules: BTreeMap<String, RuleMoved>,
    /// Messages with the same action and other rules.
    lesser: Vec<Example>,
}

impl<'p> Replay<'p> {
    /// A trial of `policy` that keeps so many examples.
    pub fn new(policy: &'p Policy, examples: usize) -> Self {
        Self {
            policy,
            keep: examples,
            done: Difference {
                untried: untried(policy),
                ..Difference::default()
            },
            actions: BTreeMap::new(),
            rules: BTreeMap::new(),
            lesser: Vec::new(),
        }
    }

    /// Judges one record.
    pub fn add(&mut self, reference: &dyn fmt::Display, facts: &RecordedFacts) {
        let verdict = facts.judged_by(self.policy);
        let (from, to) = (facts.action, verdict.action);
        let would_fire = rules(&verdict);
        let done = &mut self.done;
        done.messages += 1;
        done.first = Some(done.first.map_or(facts.at, |first| first.min(facts.at)));
        done.last = Some(done.last.map_or(facts.at, |last| last.max(facts.at)));
        done.cut += u64::from(facts.is_cut());
        *self.actions.entry((from, to)).or_default() += 1;
        let differs = self.count_rules(&facts.rules, &would_fire);
        let example = || Example {
            reference: reference.to_string(),
            at: facts.at,
            from,
            to,
            rules: facts.rules.clone(),
            would_fire,
        };
        let done = &mut self.done;
        if from != to {
            done.changed += 1;
            done.stricter += u64::from(to > from);
            if done.examples.len() < self.keep {
                done.examples.push(example());
            }
        } else if differs {
            done.other_rules += 1;
            if self.lesser.len() < self.keep {
                self.lesser.push(example());
            }
        }
    }

    /// Counts a record that could not be read.
    pub fn unreadable(&mut self) {
        self.done.unreadable += 1;
    }

    /// Whether the rules differ.
    fn count_rules(&mut self, fired: &[String], would_fire: &[String]) -> bool {
        let mut differs = false;
        for rule in fired.iter().chain(would_fire) {
            if !self.rules.contains_key(rule) && self.rules.len() >= COUNTED_AT_MOST {
                continue;
            }
            let moved = self.rules.entry(rule.clone()).or_default();
            let (before, after) = (fired.contains(rule), would_fire.contains(rule));
            // A rule that stands in both lists comes by twice.
            match (before, after) {
                (true, false) => {
                    moved.fired += 1;
                    moved.no_longer += 1;
                }
                (false, true) => {
                    moved.would_fire += 1;
                    moved.newly += 1;
                }
                _ => {}
            }
            differs |= before != after;
        }
        for rule in fired.iter().filter(|rule| would_fire.contains(rule)) {
            if let Some(moved) = self.rules.get_mut(rule) {
                moved.fired += 1;
                moved.would_fire += 1;
            }
        }
        differs
    }

    /// What came out.
    pub fn finish(self) -> Difference {
        let mut done = self.done;
        let room = self.keep.saturating_sub(done.examples.len());
        done.examples.extend(self.lesser.into_iter().take(room));
        let actions = self.actions.into_iter();
        done.actions = actions
            .map(|((from, to), messages)| Moved { from, to, messages })
            .collect();
        let moved = self.rules.into_iter();
        let moved = moved.filter(|(_, moved)| moved.newly + moved.no_longer > 0);
        done.rules = moved
            .map(|(rule, moved)| RuleMoved { rule, ..moved })
            .collect();
        done
    }
}

/// The rules that ask for something that is not kept.
fn untried(policy: &Policy) -> Vec<Untried> {
    let rules = policy.rules.iter().filter(|rule| rule.mode != Mode::Off);
    let wanted = rules.flat_map(|rule| rule.when.headers.iter().map(move |wanted| (rule, wanted)));
    let missing = wanted.filter(|(_, wanted)| !keeps(&wanted.name, !wanted.contains.is_empty()));
    missing
        .map(|(rule, wanted)| Untried {
            rule: rule.id.to_string(),
            header: wanted.name.clone(),
        })
        .collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (Some(first), Some(last)) => writeln!(
                f,
                "{} messages from {} to {}",
                self.messages,
                minute(first),
                minute(last)
            )?,
            _ => writeln!(f, "no messages are on record for this time")?,
        }
        writeln!(
            f,
            "{} would be treated otherwise: {} more strictly, {} more mildly; {} by other rules with the same outcome",
            self.changed,
            self.stricter,
            self.changed - self.stricter,
            self.other_rules
        )?;
        for moved in &self.actions {
            let (from, to) = (moved.from.name(), moved.to.name());
            let mark = if moved.from == moved.to { ' ' } else { '*' };
            writeln!(f, "{mark} {from:<8} -> {to:<8} {:>8}", moved.messages)?;
        }
        for moved in &self.rules {
            let RuleMoved {
                rule,
                newly,
                no_longer,
                fired,
                would_fire,
            } = moved;
            writeln!(
                f,
                "  rule {rule}: {fired} before, {would_fire} after; newly for {newly}, no longer for {no_longer}"
            )?;
        }
        for example in &self.examples {
            writeln!(
                f,
                "  {} {} {} [{}] -> {} [{}]",
                example.reference,
                minute(example.at),
                example.from.name(),
                example.rules.join(" "),
                example.to.name(),
                example.would_fire.join(" ")
            )?;
        }
        for untried in &self.untried {
            writeln!(
                f,
                "limit: rule {} asks for the header {}, which is not kept: what it would do is not known",
                untried.rule, untried.header
            )?;
        }
        for (count, what) in [
            (self.cut, "were too long to be kept whole"),
            (
                self.unreadable,
                "are on record in a form that this version does not read",
            ),
        ] {
            if count > 0 {
                writeln!(f, "limit: {count} messages {what}")?;
            }
        }
        Ok(())
    }
}

/// `2026-11-23 10:05`.
fn minute(at: DateTime) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

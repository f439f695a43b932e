//! What is wrong with a policy although it can be read: rules that cannot fire, exceptions that overreach, cases that fail.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use super::classes::{INTERNAL, PARTNER};
use super::condition::{ClassRef, When};
use super::decide::decide;
use super::fields::all_of;
use super::rule::{Mode, Policy, Rule};
use super::verdict::{Action, RuleHit};
use crate::detect::Category;

/// How grave a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Worth knowing.
    Note,
    /// The policy does not do what it says.
    Error,
}

/// One problem of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How grave.
    pub gravity: Gravity,
    /// The line in the policy file, when there is one.
    pub line: Option<usize>,
    /// What is wrong and how to mend it.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.text)
    }
}

impl Policy {
    /// Looks for rules that cannot fire and classes without members, and runs the policy's own cases.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_classes(&mut problems);
        self.check_rules(&mut problems);
        self.check_categories(&mut problems);
        self.check_exceptions(&mut problems);
        self.check_cases(&mut problems);
        problems
    }

    /// The exceptions that are past their last day.
    pub fn expired(&self, today: Date) -> Vec<Problem> {
        let dated = self.exceptions.iter();
        let dated = dated.filter_map(|exception| Some((exception, exception.expires?)));
        let past = dated.filter(|(_, last)| *last < today);
        past.map(|(exception, last)| Problem {
            gravity: Gravity::Note,
            line: Some(exception.line),
            text: format!(
                "exception {} expired on {last}: renew or remove it",
                exception.id
            ),
        })
        .collect()
    }

    /// The exceptions without a first day that, from today on, last longer than the policy lets them.
    pub fn overlong(&self, today: Date) -> Vec<Problem> {
        let most = self.governance.changes.max_days;
        let open = self.exceptions.iter().filter(|e| e.starts.is_none());
        let open = open.filter_map(|exception| Some((exception, exception.expires?)));
        let long = open.filter(|(_, last)| days(today, *last) > i64::from(most));
        long.map(|(exception, last)| Problem {
            gravity: Gravity::Error,
            line: Some(exception.line),
            text: too_long(&exception.id, days(today, last), most),
        })
        .collect()
    }

    fn check_classes(&self, problems: &mut Vec<Problem>) {
        for (index, class) in self.classes.list().iter().enumerate() {
            if !class.is_empty() || class.optional || index == PARTNER {
                continue;
            }
            let text = if index == INTERNAL {
                "class internal has no members: every recipient counts as outside, and automatic forwards are known by \
                 their headers only; give the trust's domains here or with --internal-domain"
                    .to_owned()
            } else {
                format!(
                    "class {} has no members: rules for it never fire; add domains or addresses",
                    class.name
                )
            };
            problems.push(Problem {
                gravity: Gravity::Note,
                line: None,
                text,
            });
        }
    }

    fn check_rules(&self, problems: &mut Vec<Problem>) {
        for (index, rule) in self.rules.iter().enumerate() {
            let mut say = |gravity, text: String| {
                problems.push(Problem {
                    gravity,
                    line: Some(rule.line),
                    text: format!("rule {}: {text}", rule.id),
                });
            };
            if let Some(why) = never_fires(rule) {
                say(Gravity::Error, format!("it can never fire: {why}"));
            }
            if rule.when == When::default() {
                let text = "it has no conditions and fires for every message; add when = { ... }";
                say(Gravity::Error, text.to_owned());
            }
            let twin = self.rules[..index].iter().find(|other| {
                other.when == rule.when && other.mode == rule.mode && other.mode != Mode::Off
            });
            if let Some(twin) = twin {
                let text = format!(
                    "its conditions are those of rule {}: remove one of them",
                    twin.id
                );
                say(Gravity::Error, text);
            }
            if rule.clause.is_none() && rule.mode != Mode::Off {
                let text =
                    "it has no clause: refusals cannot say where the trust's policy asks for it";
                say(Gravity::Note, text.to_owned());
            }
            if rule.action == Action::Deliver {
                let text = "its action is deliver, which changes nothing: other rules decide";
                say(Gravity::Note, text.to_owned());
            } else if rule.remedy.is_none() {
                let text = "it has no remedy: the sender is not told what to change";
                say(Gravity::Note, text.to_owned());
            }
        }
    }

    /// Data that leaves because no rule speaks of it is what an administrator least expects.
    fn check_categories(&self, problems: &mut Vec<Problem>) {
        let stops = |rule: &&Rule, category: Category| {
            let found = rule.when.found.as_ref();
            let named =
                found.is_some_and(|f| f.categories.is_empty() || f.categories.contains(&category));
            // A rule that is off or in shadow mode is somebody's decision already.
            named && rule.action != Action::Deliver
        };
        // Two are not found in text, as conditions of their own speak of them; conduct is no data that leaves.
        let detected = |category: &Category| {
            let concluded = matches!(category, Category::AutoForward | Category::Protected);
            !concluded && !category.is_conduct()
        };
        for category in all_of::<Category>().filter(detected) {
            if !self.rules.iter().any(|rule| stops(&rule, category)) {
                problems.push(Problem {
                    gravity: Gravity::Note,
                    line: None,
                    text: format!(
                        "no rule stops {} from leaving: add one if that is not meant",
                        category.name()
                    ),
                });
            }
        }
    }

    fn check_exceptions(&self, problems: &mut Vec<Problem>) {
        for (index, exception) in self.exceptions.iter().enumerate() {
            let mut say = |text: String| {
                problems.push(Problem {
                    gravity: Gravity::Error,
                    line: Some(exception.line),
                    text,
                });
            };
            let id = &exception.id;
            let most = self.governance.changes.max_days;
            if let (Some(first), Some(last)) = (exception.starts, exception.expires)
                && days(first, last) > i64::from(most)
            {
                say(too_long(id, days(first, last), most));
            }
            if self.exceptions[..index].iter().any(|e| e.id == *id) {
                say(format!("exception {id} stands twice: give it another id"));
            }
            for rule in exception
                .rules
                .iter()
                .filter(|_| exception.mode != Mode::Off)
            {
                let off = |r: &&Rule| r.id == *rule && r.mode == Mode::Off;
                if self.rules.iter().any(|r| off(&r)) {
                    say(format!("exception {id} waives rule {rule}, which is off"));
                }
            }
        }
    }

    fn check_cases(&self, problems: &mut Vec<Problem>) {
        let policy = self.for_cases();
        for case in &self.cases {
            let mut say = |text: String| {
                problems.push(Problem {
                    gravity: Gravity::Error,
                    line: Some(case.line),
                    text: format!("case \"{}\": {text}", case.name),
                });
            };
            let verdict = decide(&policy, &case.message.facts(), case.now);
            let fired = ids(&verdict.hits);
            if verdict.action != case.expect {
                say(format!(
                    "expected {}, came out as {} (rules that fired: {})",
                    case.expect.name(),
                    verdict.action.name(),
                    fired.join(", ")
                ));
            }
            let mut compare = |what: &str, wanted: &Option<Vec<String>>, got: Vec<&str>| {
                let Some(wanted) = wanted else { return };
                let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
                wanted.sort_unstable();
                if wanted != got {
                    say(format!(
                        "expected {what} {}, but {} fired",
                        named(&wanted),
                        named(&got)
                    ));
                }
            };
            compare("rules", &case.rules, fired);
            compare("rules in shadow mode", &case.shadow, ids(&verdict.shadow));
            let waived = verdict.waived.iter().map(|waived| &*waived.exception);
            let waived: BTreeSet<&str> = waived.collect();
            compare("exceptions", &case.waived, waived.into_iter().collect());
            let held = verdict.split.as_ref().map(Vec::len);
            if case.split.is_some() && case.split != held {
                say(format!("{} recipients are held apart", held.unwrap_or(0)));
            }
            if case
                .automation
                .is_some_and(|a| a != verdict.automation.state)
            {
                say(format!(
                    "the message was taken for {}",
                    verdict.automation.state.name()
                ));
            }
        }
    }
}

/// Days from `first` to `last`, both counted.
fn days(first: Date, last: Date) -> i64 {
    first.duration_until(last).as_hours() / 24 + 1
}

fn too_long(id: &str, days: i64, most: u32) -> String {
    format!(
        "exception {id} lasts {days} days; changes.max_days allows {most}: let it expire earlier and renew it, or cite the clause that \
         makes it standing"
    )
}

fn ids(hits: &[RuleHit]) -> Vec<&str> {
    let mut ids: Vec<&str> = hits.iter().map(|hit| &*hit.rule).collect();
    ids.sort_unstable();
    ids
}

fn named(ids: &[&str]) -> String {
    match ids {
        [] => "none".to_owned(),
        ids => ids.join(", "),
    }
}

/// Why no message can meet a rule's conditions.
fn never_fires(rule: &Rule) -> Option<&'static str> {
    let when = &rule.when;
    let excepts = |class| when.except_recipients.contains(&class);
    if excepts(ClassRef::Any) {
        return Some("except_recipients names any");
    }
    let lists = !when.recipients.is_empty();
    if lists && when.recipients.iter().all(|class| excepts(*class)) {
        return Some("every class of recipients is excepted again");
    }
    let only_outside = lists && when.recipients.iter().all(|c| *c == ClassRef::Outside);
    if only_outside && excepts(ClassRef::NotInternal) {
        return Some("outside recipients are excepted by not-internal");
    }
    if let Some(found) = &when.found {
        let detectors = &found.detectors;
        if !detectors.is_empty() && detectors.iter().all(|d| found.except_detectors.contains(d)) {
            return Some("every detector is excepted again");
        }
        if found.places.as_ref().is_some_and(Vec::is_empty) {
            return Some("no location is left");
        }
    }
    None
}

//! What is wrong with a policy although it can be read: rules that cannot fire, exceptions that overreach, cases that fail.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use super::classes::{INTERNAL, PARTNER};
use super::condition::{ClassRef, Found, When};
use super::decide::decide;
use super::fields::all_of;
use super::rule::{Exception, Mode, Policy, Rule};
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
            let covered = is_covered(rule, &self.rules);
            if let Some(other) = covered.filter(|_| rule.mode == Mode::Enforce) {
                let text = format!(
                    "it changes nothing: rule {} fires whenever it does and asks for {}",
                    other.id,
                    other.action.name()
                );
                say(Gravity::Note, text);
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
            if exception.starts > exception.expires && exception.expires.is_some() {
                say(format!("exception {id} ends before it starts"));
            }
            if exception.mode == Mode::Off {
                continue;
            }
            let waived = self
                .rules
                .iter()
                .filter(|r| exception.rules.contains(&r.id));
            for rule in waived {
                if let Some(why) = contradicts(exception, rule) {
                    say(format!("exception {id} and rule {}: {why}", rule.id));
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

/// Why an exception and a rule that it waives cannot both be meant.
fn contradicts(exception: &Exception, rule: &Rule) -> Option<&'static str> {
    let (when, classes) = (&rule.when, &exception.classes);
    let named = !classes.is_empty();
    if rule.mode == Mode::Off {
        return Some("it waives the rule, which is off");
    }
    let excepted = |class: &ClassRef| when.except_recipients.contains(class);
    if named && classes.iter().all(excepted) {
        return Some("the rule excepts those recipients already");
    }
    let inside = [ClassRef::Named(INTERNAL), ClassRef::Named(PARTNER)];
    let outside_only =
        !when.recipients.is_empty() && when.recipients.iter().all(|c| *c == ClassRef::Outside);
    if named && outside_only && classes.iter().all(|c| inside.contains(c)) {
        return Some("the rule is for recipients outside, the exception for others");
    }
    let anybody =
        classes.contains(&ClassRef::Any) || (outside_only && classes.contains(&ClassRef::Outside));
    let everywhere = exception.senders.is_empty()
        && exception.sender_classes.is_empty()
        && exception.recipients.is_empty()
        && !exception.only_recipient;
    if anybody && everywhere {
        return Some("it waives the rule for everybody: switch the rule off instead");
    }
    None
}

/// Why a rule is never more than an echo of another: that one fires whenever this one does, by the same clause, meets the same requirements, and asks for and tells at
/// least as much.
fn is_covered<'p>(rule: &Rule, others: &'p [Rule]) -> Option<&'p Rule> {
    let same_but_narrower = |other: &&Rule| {
        let (wide, narrow) = (&other.when, &rule.when);
        let widened = When {
            recipients: wide.recipients.clone(),
            min_recipients: wide.min_recipients,
            found: wide.found.clone(),
            ..narrow.clone()
        };
        other.mode == Mode::Enforce
            && other.action >= rule.action
            && other.clause == rule.clause
            && rule.covers.iter().all(|r| other.covers.contains(r))
            && rule.tell.iter().all(|role| other.tell.contains(role))
            && other.id != rule.id
            && widened == *wide
            && (wide.recipients.is_empty()
                || (!narrow.recipients.is_empty()
                    && narrow
                        .recipients
                        .iter()
                        .all(|c| wide.recipients.contains(c))))
            && wide.min_recipients <= narrow.min_recipients
            && finds_more(wide.found.as_ref(), narrow.found.as_ref())
    };
    others.iter().find(same_but_narrower)
}

/// Whether everything that meets the narrow condition on findings meets the wide one.
fn finds_more(wide: Option<&Found>, narrow: Option<&Found>) -> bool {
    let (wide, narrow) = match (wide, narrow) {
        (None, _) => return true,
        (Some(_), None) => return false,
        (Some(wide), Some(narrow)) => (wide, narrow),
    };
    let covers_places = match (&wide.places, &narrow.places) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|place| wide.contains(place)),
    };
    let covers_categories = wide.categories.is_empty()
        || (!narrow.categories.is_empty()
            && narrow
                .categories
                .iter()
                .all(|c| wide.categories.contains(c)));
    let same = Found {
        categories: narrow.categories.clone(),
        places: narrow.places.clone(),
        min_confidence: narrow.min_confidence,
        min_people: narrow.min_people,
        min_values: narrow.min_values,
        ..wide.clone()
    };
    covers_places
        && covers_categories
        && wide.min_confidence <= narrow.min_confidence
        && wide.min_people <= narrow.min_people
        && wide.min_values <= narrow.min_values
        && same == *narrow
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

//! One message's facts against one policy: which rules fire, which nearly do, and what follows.
//!
//! # Invariants
//! Pure and total: any facts give a verdict. The strictest rule decides for the whole message. What a verdict says of the
//! message is kinds, counts, places and recipient classes, never a value, a name or an address. A recipient that is not known
//! (`<Postmaster>`, or a file scanned without an envelope) counts as outside.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::civil::Date;

use super::auto_forward::{Automation, automation};
use super::classes::{ClassSet, Classes};
use super::facts::Facts;
use super::rule::{ClassRef, Exception, Found, Mode, Policy, Rule, SenderKind, When};
use super::verdict::{Action, NearMiss, RuleHit, Verdict};
use super::wording::{Count, described, joined, parts_of};
use crate::detect::{Category, Confidence, Finding, Findings, PersonId};
use crate::extract::Protection;
use crate::mail::Address;

/// Judges a message by a policy on the day `today`, which exceptions must not be past.
pub fn decide(policy: &Policy, facts: &Facts<'_>, today: Date) -> Verdict {
    let message = Message::of(policy, facts);
    let mut hits = Vec::new();
    let mut near = Vec::new();
    for rule in &policy.rules {
        if rule.mode == Mode::Off {
            continue;
        }
        match message.meets(&rule.when) {
            Outcome::No => {}
            Outcome::Nearly(missing) => near.push(NearMiss {
                rule: rule.id.clone(),
                missing,
            }),
            Outcome::Met(met) => {
                if let Some(missing) = message.set_aside(policy, rule, &met, today) {
                    near.push(NearMiss {
                        rule: rule.id.clone(),
                        missing,
                    });
                } else {
                    hits.push(message.hit(rule, met));
                }
            }
        }
    }
    hits.sort_by_key(|hit: &RuleHit| Reverse(hit.action));
    let strictest = hits.first().map_or(Action::Deliver, |hit| hit.action);
    let (action, capped) = message.capped(policy, strictest);
    Verdict {
        action,
        hits,
        near,
        automation: message.automation,
        capped,
    }
}

/// A recipient as rules see it.
struct Rcpt<'a> {
    address: Option<&'a Address>,
    classes: ClassSet,
    contact: bool,
}

impl Rcpt<'_> {
    fn is_in(&self, class: ClassRef) -> bool {
        match class {
            ClassRef::Any => true,
            ClassRef::Outside => self.classes.is_outside(),
            ClassRef::NotInternal => !self.classes.is_internal(),
            ClassRef::Contact => self.contact,
            ClassRef::Named(index) => self.classes.has(index),
        }
    }

    /// Whether a rule speaks of this recipient, exceptions left aside.
    fn is_listed(&self, when: &When) -> bool {
        when.recipients.is_empty() || when.recipients.iter().any(|c| self.is_in(*c))
    }
}

/// The facts of a message with what follows from them for every rule.
struct Message<'a> {
    facts: &'a Facts<'a>,
    classes: &'a Classes,
    automation: Automation,
    sender: SenderKind,
    rcpts: Vec<Rcpt<'a>>,
}

/// What a rule's conditions came to.
enum Outcome {
    /// All hold.
    Met(Met),
    /// One does not, in a way a person should know of.
    Nearly(String),
    /// They do not hold.
    No,
}

/// What made a rule fire.
struct Met {
    rcpts: Vec<usize>,
    findings: Vec<usize>,
}

impl<'a> Message<'a> {
    fn of(policy: &'a Policy, facts: &'a Facts<'a>) -> Self {
        let classes = &policy.classes;
        let sender = match facts.envelope.mail_from.address() {
            None => SenderKind::Null,
            Some(address) if classes.of(address).is_internal() => SenderKind::Internal,
            Some(_) => SenderKind::NotInternal,
        };
        let named = Named::of(facts.findings);
        let rcpts = facts.envelope.rcpts.iter().map(|rcpt| {
            let address = rcpt.address();
            Rcpt {
                address,
                classes: address.map(|a| classes.of(a)).unwrap_or_default(),
                contact: address.is_some_and(|a| named.all_have_contact(facts.findings, a)),
            }
        });
        let mut rcpts: Vec<Rcpt<'_>> = rcpts.collect();
        if rcpts.is_empty() {
            rcpts.push(Rcpt {
                address: None,
                classes: ClassSet::default(),
                contact: false,
            });
        }
        Self {
            facts,
            classes,
            automation: automation(facts, classes),
            sender,
            rcpts,
        }
    }

    fn meets(&self, when: &When) -> Outcome {
        if !self.circumstances_hold(when) {
            return Outcome::No;
        }
        let findings = match &when.found {
            None => Ok(Vec::new()),
            Some(found) => match self.found(found) {
                Some(found) => found,
                None => return Outcome::No,
            },
        };
        let rcpts = self.counted_rcpts(when);
        let enough = rcpts.len() >= when.min_recipients.max(1);
        match (enough, findings) {
            (true, Ok(findings)) => Outcome::Met(Met { rcpts, findings }),
            (true, Err(missing)) => Outcome::Nearly(missing),
            // Half of a count is worth a word; one recipient of twenty is every message.
            (false, Ok(_)) if rcpts.is_empty() || rcpts.len() * 2 >= when.min_recipients => {
                Outcome::Nearly(self.recipients_missing(when, &rcpts))
            }
            (false, _) => Outcome::No,
        }
    }

    /// The conditions that hold or do not, without a nearly.
    fn circumstances_hold(&self, when: &When) -> bool {
        let facts = self.facts;
        let content = facts.content;
        let mut defects = facts.defects.iter().chain(&content.defects);
        (when.senders.is_empty() || when.senders.contains(&self.sender))
            && (when.automation.is_empty() || when.automation.contains(&self.automation.state))
            && (when.protection.is_empty()
                || content.protections.iter().any(|part| protects(when, part)))
            && when
                .unread
                .as_ref()
                .is_none_or(|list| content.unread.iter().any(|part| list.holds(&part.reason)))
            && when
                .defects
                .as_ref()
                .is_none_or(|list| defects.any(|defect| list.holds(defect)))
            && when
                .recognised
                .is_none_or(|wanted| wanted != content.recognised.is_empty())
            && when
                .unfinished
                .is_none_or(|wanted| wanted == facts.findings.unfinished)
            && when
                .min_bytes
                .is_none_or(|least| facts.message_bytes >= least)
    }

    /// The findings that count, what is missing to enough of them, or nothing at all.
    fn found(&self, found: &Found) -> Option<Result<Vec<usize>, String>> {
        let list = &self.facts.findings.list;
        let fits = |(index, finding): (usize, &Finding)| found.fits(finding).then_some(index);
        let fitting: Vec<usize> = list.iter().enumerate().filter_map(fits).collect();
        if fitting.is_empty() {
            return None;
        }
        let sure: Vec<usize> = fitting
            .iter()
            .copied()
            .filter(|index| list[*index].confidence >= found.min_confidence)
            .collect();
        if sure.is_empty() {
            let missing = format!(
                "{}, but with less than {} confidence",
                described(list, &fitting),
                found.min_confidence.name()
            );
            return Some(Err(missing));
        }
        let count = Count::of(list, &sure);
        if count.people < found.min_people {
            let missing = format!("{} of {} people", count.people, found.min_people);
            return Some(Err(missing));
        }
        if count.values < found.min_values {
            let missing = format!("{} of {} different values", count.values, found.min_values);
            return Some(Err(missing));
        }
        Some(Ok(sure))
    }

    fn counted_rcpts(&self, when: &When) -> Vec<usize> {
        let excepted = |rcpt: &Rcpt<'_>| when.except_recipients.iter().any(|c| rcpt.is_in(*c));
        self.rcpts
            .iter()
            .enumerate()
            .filter(|(_, rcpt)| rcpt.is_listed(when) && !excepted(rcpt))
            .map(|(index, _)| index)
            .collect()
    }

    fn recipients_missing(&self, when: &When, counted: &[usize]) -> String {
        if !counted.is_empty() {
            return format!("{} of {} recipients", counted.len(), when.min_recipients);
        }
        let excepted = self.rcpts.iter().any(|rcpt| rcpt.is_listed(when));
        if excepted && when.except_recipients.contains(&ClassRef::Contact) {
            return "every recipient outside is a registered contact of every pupil named".into();
        }
        if excepted {
            return "every recipient is one the rule excepts".into();
        }
        if self.rcpts.iter().all(|rcpt| rcpt.classes.is_internal()) {
            return "only internal recipients".into();
        }
        if self.rcpts.iter().all(|rcpt| !rcpt.classes.is_outside()) {
            return "only recipients of the trust and its secure partners".into();
        }
        "no recipient of the classes the rule is for".into()
    }

    /// Why a rule whose conditions hold does not fire after all.
    fn set_aside(&self, policy: &Policy, rule: &Rule, met: &Met, today: Date) -> Option<String> {
        if rule.mode == Mode::Shadow {
            let action = rule.action.name();
            return Some(format!("it is in shadow mode; it would have said {action}"));
        }
        if !rule.waivable {
            return None;
        }
        let waiver = policy.exceptions.iter().find(|exception| {
            exception.rules.contains(&rule.id)
                && today <= exception.expires
                && self.covers(exception, met)
        })?;
        Some(format!("waived by exception {}", waiver.id))
    }

    /// An exception covers the sender and every recipient that made the rule fire.
    fn covers(&self, exception: &Exception, met: &Met) -> bool {
        let sender = self.facts.envelope.mail_from.address();
        let sender_fits = exception.senders.is_empty()
            || sender.is_some_and(|a| exception.senders.iter().any(|party| party.covers(a)));
        sender_fits
            && met.rcpts.iter().all(|index| {
                let rcpt = &self.rcpts[*index];
                let named = exception.recipients.is_empty()
                    || rcpt
                        .address
                        .is_some_and(|a| exception.recipients.iter().any(|p| p.covers(a)));
                let classed = exception.classes.is_empty()
                    || exception.classes.iter().any(|c| rcpt.is_in(*c));
                named && classed
            })
    }

    fn hit(&self, rule: &Rule, met: Met) -> RuleHit {
        RuleHit {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            clause: rule.clause.clone(),
            action: rule.action,
            because: self.because(&rule.when, &met),
            remedy: rule.remedy.clone(),
            findings: met.findings,
        }
    }

    fn because(&self, when: &When, met: &Met) -> String {
        let mut parts = Vec::new();
        if when.found.is_some() {
            parts.push(described(&self.facts.findings.list, &met.findings));
        }
        self.circumstances(when, &mut parts);
        let mut text = parts.join("; ");
        if !text.is_empty() {
            text.push_str("; ");
        }
        let named = self.recipients_named(when, met.rcpts.len());
        let _infallible = write!(text, "to {named}");
        text
    }

    /// The circumstances a rule asked for, in words.
    fn circumstances(&self, when: &When, parts: &mut Vec<String>) {
        let content = self.facts.content;
        if !when.automation.is_empty() {
            let marks: Vec<&str> = self.automation.evidence.iter().map(|id| &**id).collect();
            let state = self.automation.state.name();
            parts.push(format!("{state}, by marks {}", marks.join(", ")));
        }
        if !when.protection.is_empty() {
            let parts_named = content
                .protections
                .iter()
                .filter(|part| protects(when, part));
            let states: Vec<_> = parts_named.map(|part| part.state).collect();
            let names: BTreeSet<&str> = states.iter().map(|state| state.name()).collect();
            let names = joined(names);
            parts.push(format!(
                "{} with {names} protection",
                parts_of(states.len())
            ));
        }
        if let Some(wanted) = &when.unread {
            let reasons = content.unread.iter().map(|part| part.reason);
            let reasons: Vec<_> = reasons.filter(|reason| wanted.holds(reason)).collect();
            let names = joined(reasons.iter().map(|reason| reason.name()).collect());
            parts.push(format!("{} not read ({names})", parts_of(reasons.len())));
        }
        if let Some(wanted) = &when.defects {
            let defects = self.facts.defects.iter().chain(&content.defects);
            let names = defects.filter(|defect| wanted.holds(defect));
            let names = joined(names.map(|defect| defect.name()).collect());
            parts.push(format!("malformed structure ({names})"));
        }
        if when.recognised == Some(true) {
            let pictures = content.recognised.len();
            parts.push(format!("{} read by OCR", parts_of(pictures)));
        }
        if when.unfinished == Some(true) {
            parts.push("the scan ended before everything was read".into());
        }
        if when.min_bytes.is_some() {
            let mebibytes = self.facts.message_bytes as f64 / f64::from(1u32 << 20);
            parts.push(format!("{mebibytes:.1} MiB"));
        }
    }

    fn recipients_named(&self, when: &When, count: usize) -> String {
        let noun = if count == 1 {
            "recipient"
        } else {
            "recipients"
        };
        let names: Vec<&str> = when
            .recipients
            .iter()
            .map(|class| match class {
                ClassRef::Any => "of any class",
                ClassRef::Outside => "outside the trust and its secure partners",
                ClassRef::NotInternal => "outside the trust",
                ClassRef::Contact => "who are registered contacts",
                ClassRef::Named(index) => self.classes.list().get(*index).map_or("", |c| &*c.name),
            })
            .collect();
        if names.is_empty() {
            format!("{count} {noun}")
        } else {
            format!("{count} {noun} {}", names.join(" or "))
        }
    }

    fn capped(&self, policy: &Policy, action: Action) -> (Action, Option<Arc<str>>) {
        let applies = policy.caps.iter().filter(|cap| {
            cap.at < action
                && (cap.senders.is_empty() || cap.senders.contains(&self.sender))
                && (cap.automation.is_empty() || cap.automation.contains(&self.automation.state))
        });
        match applies.min_by_key(|cap| cap.at) {
            Some(cap) => (cap.at, Some(cap.reason.clone())),
            None => (action, None),
        }
    }
}

/// The pupils a message names with at least medium confidence.
struct Named {
    people: Vec<PersonId>,
    /// A name or identifier that no pupil of the roster could be put to.
    unknown: bool,
}

impl Named {
    fn of(findings: &Findings) -> Self {
        let mut named = Self {
            people: Vec::new(),
            unknown: false,
        };
        for finding in &findings.list {
            if finding.confidence < Confidence::Medium {
                continue;
            }
            let names = matches!(finding.category, Category::PupilName | Category::PupilId);
            match finding.person {
                Some(person) => named.people.push(person),
                None => named.unknown |= names,
            }
        }
        named.people.sort_unstable();
        named.people.dedup();
        named
    }

    fn all_have_contact(&self, findings: &Findings, address: &Address) -> bool {
        if self.unknown || self.people.is_empty() {
            return false;
        }
        let key = address.key();
        self.people.iter().all(|person| {
            let facts = findings.people.get(person);
            facts.is_some_and(|facts| facts.contacts.contains(&key))
        })
    }
}

/// Whether a part's protection is one that the condition names.
fn protects(when: &When, part: &Protection) -> bool {
    when.protection.contains(&part.state) && (when.locks != Some(false) || !part.is_lock())
}

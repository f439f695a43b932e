//! What is due by the clock and not by a message: digests once a day, and holds that nobody decided in time.
//!
//! # Invariants
//! A digest and the end of its lines are one transaction, and so are an escalation and its end: a crash neither loses nor repeats
//! one. A digest with nothing to say is not written, but its day is noted.

use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::mail::Address;
use crate::pipeline::judge::Tools;
use crate::pipeline::notices::{Notices, count, event, unwritten};
use crate::pipeline::way::Pipeline;
use crate::policy::governance::Person;
use crate::policy::{Policy, Role};
use crate::relay::notice::Kind;
use crate::relay::notice::content::{Content, CountText, OpenText, TrustText, age, moment};
use crate::relay::notice::plan::{Digest, digest};
use crate::store::notices::{NoticeCount, WaitingHold};
use crate::store::{NoticeDelivery, NoticeRecord, StoreError};

/// How often the clock is looked at: an escalation is at most so late.
const ROUND: Duration = Duration::from_secs(20);
/// Rounds between two cleanings, an hour.
const ROUNDS_TO_FORGET: u32 = 180;
/// Waiting holds that a digest lists.
const LISTED: usize = 50;
/// Waiting holds that are counted.
const COUNTED: u32 = 5_000;

/// Looks at the clock until `stop` turns true. A reload may bring or end notices.
pub async fn run(pipeline: Pipeline, mut stop: watch::Receiver<bool>) {
    for round in 0u32.. {
        if let Some(notices) = pipeline.notices() {
            let (tools, now) = (pipeline.tools(), SystemTime::now());
            let mut done = notices.round(&tools, now).await;
            if done.is_ok() && round % ROUNDS_TO_FORGET == 0 {
                done = notices.0.store.forget_notices(now).await;
            }
            if let Err(error) = done {
                metrics::counter!("beadle_notice_failures_total").increment(1);
                tracing::error!(%error, alarm = true, "digests and escalations are put off");
            }
        }
        let ended = tokio::time::timeout(ROUND, stop.wait_for(|stop| *stop)).await;
        if ended.is_ok() {
            return;
        }
    }
}

impl Notices {
    /// Sends the digests and escalations that are due.
    pub async fn round(&self, tools: &Tools, now: SystemTime) -> Result<(), StoreError> {
        let _turn = self.0.turn.lock().await;
        let mut record = NoticeRecord::default();
        let trust = event::trust(&tools.policy, &self.0.settings.trust);
        self.escalate(tools, &trust, now, &mut record).await?;
        self.digests(tools, &trust, now, &mut record).await?;
        if record.is_empty() {
            return Ok(());
        }
        if self.0.store.record_notices(&record, now).await? {
            count(&record);
        }
        Ok(())
    }

    async fn escalate(
        &self,
        tools: &Tools,
        trust: &TrustText,
        now: SystemTime,
        record: &mut NoticeRecord,
    ) -> Result<(), StoreError> {
        let policy = &tools.policy;
        for (escalation, waits) in self.0.store.due_escalations(now).await? {
            let (hold, role) = (escalation.hold, escalation.role);
            record.ended.push((hold, role.clone()));
            let person = policy.governance.person(&role).filter(|_| waits);
            let to = person.map(|person| event::mailboxes(policy, person));
            let Some(to) = to.filter(|to| !to.is_empty()) else {
                continue;
            };
            let rule = event::rule_by_id(policy, &escalation.rule);
            let since = escalation.due_at - Duration::from_secs(u64::from(escalation.minutes) * 60);
            let content = Content {
                outcome: "held",
                reference: hold.reference().to_string(),
                arrived: moment(since, &tools.zone),
                rule: Some(rule.clone()),
                rules: vec![rule],
                reviewers: event::reviewers(policy),
                waited: Some(escalation.minutes),
                trust: trust.clone(),
                ..Content::default()
            };
            match self.written(Kind::Urgent, &to, &content, Some(hold), now) {
                Ok(delivery) => record.deliveries.push(NoticeDelivery {
                    scope: Some(self.role_scope(&role)),
                    to: role,
                    ..delivery
                }),
                Err(error) => unwritten(Kind::Urgent, error),
            }
        }
        Ok(())
    }

    async fn digests(
        &self,
        tools: &Tools,
        trust: &TrustText,
        now: SystemTime,
        record: &mut NoticeRecord,
    ) -> Result<(), StoreError> {
        let (store, policy) = (&self.0.store, &tools.policy);
        let days = store.digest_days().await?;
        let mut due = Vec::new();
        for person in &policy.governance.people {
            let to = event::mailboxes(policy, person);
            let last = days.iter().find(|(role, _)| **role == *person.role);
            let last = last.map(|(_, day)| *day);
            match digest(last, self.0.settings.digest_at, tools.local(now)) {
                _ if to.is_empty() => {}
                Digest::NotYet => {}
                Digest::Begin(day) => record.begun.push((person.role.to_string(), day)),
                Digest::Due(day) => due.push((person, to, day)),
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let counts = store.digest_counts().await?;
        let waiting = store.waiting_holds(COUNTED).await?;
        for (person, to, day) in due {
            let content = summary(policy, person, &counts, &waiting, now);
            let content = Content {
                trust: trust.clone(),
                arrived: moment(now, &tools.zone),
                ..content
            };
            self.digest(person, &to, &content, day, now, record);
        }
        Ok(())
    }

    /// One role's digest. What cannot be written keeps its lines for the next day.
    fn digest(
        &self,
        person: &Person,
        to: &[Address],
        content: &Content,
        day: jiff::civil::Date,
        now: SystemTime,
        record: &mut NoticeRecord,
    ) {
        let role = person.role.to_string();
        if content.counts.is_empty() && content.open.is_empty() {
            record.begun.push((role, day));
            return;
        }
        match self.written(Kind::RoleDigest, to, content, None, now) {
            Ok(delivery) => {
                record.deliveries.push(NoticeDelivery {
                    to: role.clone(),
                    ..delivery
                });
                record.digested.push((role, day));
            }
            Err(error) => {
                unwritten(Kind::RoleDigest, error);
                record.begun.push((role, day));
            }
        }
    }
}

/// What a role's digest says: its lines by rule, and the holds of rules that tell it.
fn summary(
    policy: &Policy,
    person: &Person,
    counts: &[NoticeCount],
    waiting: &[WaitingHold],
    now: SystemTime,
) -> Content {
    let mut lines: Vec<CountText> = Vec::new();
    for count in counts.iter().filter(|count| *count.role == *person.role) {
        let known = lines.iter().position(|line| line.rule == count.rule);
        let at = known.unwrap_or_else(|| {
            lines.push(CountText {
                rule: count.rule.clone(),
                title: event::rule_by_id(policy, &count.rule).title,
                ..CountText::default()
            });
            lines.len() - 1
        });
        if let Some(line) = lines.get_mut(at) {
            match count.outcome.as_str() {
                "held" => line.held = count.number,
                "refused" => line.refused = count.number,
                _ => line.delivered = count.number,
            }
        }
    }
    let told: Vec<(&WaitingHold, &String)> = waiting
        .iter()
        .filter(|_| person.domains.is_empty())
        .filter_map(|hold| {
            let rule = hold.rules.iter().find(|rule| tells(policy, rule, person));
            rule.map(|rule| (hold, rule))
        })
        .collect();
    let open = told.iter().take(LISTED).map(|(hold, rule)| OpenText {
        reference: hold.id.reference().to_string(),
        title: event::rule_by_id(policy, rule).title,
        age: age(hold.received_at, now),
    });
    Content {
        counts: lines,
        open: open.collect(),
        more_open: told.len().saturating_sub(LISTED) as u32,
        ..Content::default()
    }
}

/// Whether a rule tells a role, by the policy as it is now.
fn tells(policy: &Policy, rule: &str, person: &Person) -> bool {
    let rule = policy.rules.iter().find(|known| &*known.id == rule);
    let named = |role: &Role| matches!(role, Role::Named(name) if *name == person.role);
    rule.is_some_and(|rule| rule.tell.iter().any(named))
}

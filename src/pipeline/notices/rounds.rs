//! What is due by the clock and not by a message: digests, reminders, releases that wait for a second person, and holds that nobody decided
//! in time.
//!
//! # Invariants
//! What is told and the memory of it are one transaction: a crash neither loses nor repeats it, and of several nodes one tells it.

use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::pipeline::judge::Tools;
use crate::pipeline::notices::heartbeat::{Heartbeat, Said};
use crate::pipeline::notices::seats::seats;
use crate::pipeline::notices::{Notices, count, event, unwritten};
use crate::pipeline::way::Pipeline;
use crate::relay::notice::Kind;
use crate::relay::notice::content::{Content, TrustText, moment};
use crate::store::{NoticeDelivery, NoticeRecord, StoreError};

/// How often the clock is looked at: an escalation is at most so late.
const ROUND: Duration = Duration::from_secs(20);
/// Rounds between two cleanings, an hour.
const ROUNDS_TO_FORGET: u32 = 180;
/// Looks at the clock until `stop` turns true. A reload may bring or end notices.
pub async fn run(pipeline: Pipeline, mut stop: watch::Receiver<bool>) {
    let mut heartbeat = Heartbeat::default();
    for round in 0u32.. {
        if let Some(notices) = pipeline.notices() {
            let (tools, now) = (pipeline.tools(), SystemTime::now());
            let mut done = notices.round(&tools, now).await;
            if done.is_ok() && round % ROUNDS_TO_FORGET == 0 {
                done = notices.0.store.forget_notices(now).await;
            }
            match done {
                Ok(()) => heartbeat.good(now),
                Err(error) => put_off(&heartbeat.bad(now), &error),
            }
        }
        let ended = tokio::time::timeout(ROUND, stop.wait_for(|stop| *stop)).await;
        if ended.is_ok() {
            return;
        }
    }
}

/// Says that a round failed: at once, and as an alarm when rounds have failed for an hour.
fn put_off(said: &Said, error: &StoreError) {
    metrics::counter!("beadle_notice_failures_total").increment(1);
    match said {
        Said::Nothing => {}
        Said::First => tracing::error!(%error, "digests, reminders and escalations are put off"),
        Said::Alarm(failing) => tracing::error!(
            %error,
            minutes = failing.as_secs() / 60,
            alarm = true,
            "ALARM: nobody has been told of what waits for an hour or longer"
        ),
    }
}

impl Notices {
    /// Sends the digests, reminders and escalations that are due.
    pub async fn round(&self, tools: &Tools, now: SystemTime) -> Result<(), StoreError> {
        let _turn = self.0.turn.lock().await;
        let mut record = NoticeRecord::default();
        let trust = event::trust(&tools.policy, &self.0.settings.trust);
        self.escalate(tools, &trust, now, &mut record).await?;
        self.digests(tools, &trust, now, &mut record).await?;
        self.record(&record, now).await?;
        self.asked(tools, &trust, now).await?;
        self.remind(tools, &trust, now).await
    }

    /// Records what a round comes to; nothing when another node was first.
    pub(super) async fn record(
        &self,
        record: &NoticeRecord,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        if !record.is_empty() && self.0.store.record_notices(record, now).await? {
            count(record);
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
        let due = self.0.store.due_escalations(now).await?;
        if due.is_empty() {
            return Ok(());
        }
        let seats = seats(policy, &self.0.settings.schools);
        for (escalation, waits) in due {
            let (hold, role) = (escalation.hold, escalation.role);
            record.ended.push((hold, role.clone()));
            let seat = seats.iter().find(|seat| *seat.key == *role);
            let Some(seat) = seat.filter(|_| waits) else {
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
                link: self.0.settings.links.as_ref().map(|links| links.hold(hold)),
                trust: trust.clone(),
                ..Content::default()
            };
            match self.written(Kind::Urgent, &seat.to, &content, Some(hold), now) {
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
}

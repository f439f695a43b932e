//! A release that waits for a second person: those who review are told, and who asked for it is told the answer.
//!
//! # Invariants
//! That a release waits is seen in the store and not where it was asked for, so that console, command line and API need do nothing, and a crash
//! between loses nothing. Each version of a hold is told of once; so is each answer. Whoever asked may be among those who are told: a mailbox is
//! nobody's account, and that nobody approves what they asked for is held where it is decided.

use std::time::{Duration, SystemTime};

use crate::mail::{Address, QueueId};
use crate::pipeline::judge::Tools;
use crate::pipeline::notices::ageing::reviews;
use crate::pipeline::notices::seats::seats;
use crate::pipeline::notices::{HELD_DAY, Notices, PATIENCE, event, failed, unwritten};
use crate::relay::notice::Kind;
use crate::relay::notice::content::{Content, RuleText, TrustText, moment};
use crate::store::{NoticeDelivery, NoticeRecord, StoreError};

/// Releases that wait for a second person and are looked at in a round; a trust has a handful.
const AT_ONCE: u32 = 200;
/// How long an answer is not told again: whoever carries it out twice does so at once.
const ANSWER_KEPT: Duration = Duration::from_hours(24);

/// What a second person answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The message is released.
    Approved,
    /// It is not, and the hold waits again.
    Declined,
}

impl Answer {
    /// The name in templates.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// An answer to who asked for a release.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The address of the account that asked; one outside the trust is told nothing.
    pub to: &'a Address,
    /// The hold.
    pub hold: QueueId,
    /// The version of the hold that was asked on, as the request has it: a later request is another.
    pub version: i64,
    /// What was answered.
    pub answer: Answer,
    /// Now.
    pub now: SystemTime,
}

impl Notices {
    /// Tells who asked for a release what a second person answered. To be called after the answer is kept; what goes wrong is an alarm and
    /// changes nothing of it.
    pub async fn tell_answer(&self, tools: &Tools, answered: &Answered<'_>) {
        let told = tokio::time::timeout(PATIENCE, self.try_to_answer(tools, answered)).await;
        failed(told, answered.hold);
    }

    async fn try_to_answer(
        &self,
        tools: &Tools,
        answered: &Answered<'_>,
    ) -> Result<(), StoreError> {
        if !tools.policy.classes.of(answered.to).is_internal() {
            return Ok(());
        }
        let (id, now) = (answered.hold, answered.now);
        let version = answered.version.to_string();
        let parts = [&*id.to_string(), &version, answered.answer.name()];
        let settings = &self.0.settings;
        let content = Content {
            reference: id.reference().to_string(),
            arrived: moment(now, &tools.zone),
            answer: Some(answered.answer.name()),
            link: settings.links.as_ref().map(|links| links.hold(id)),
            trust: event::trust(&tools.policy, &settings.trust),
            ..Content::default()
        };
        let to = std::slice::from_ref(answered.to);
        let mut record = NoticeRecord {
            claims: vec![(
                self.0.store.notice_mark("answer", &parts),
                now + ANSWER_KEPT,
            )],
            ..NoticeRecord::default()
        };
        match self.written(Kind::RequesterAnswered, to, &content, Some(id), now) {
            Ok(delivery) => record.deliveries.push(NoticeDelivery {
                to: "requester".to_owned(),
                ..delivery
            }),
            Err(error) => {
                unwritten(Kind::RequesterAnswered, error);
                return Ok(());
            }
        }
        let _turn = self.0.turn.lock().await;
        self.record(&record, now).await
    }

    /// Tells those who review of releases that wait for a second person.
    pub(super) async fn asked(
        &self,
        tools: &Tools,
        trust: &TrustText,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let (policy, settings) = (&tools.policy, &self.0.settings);
        let asked = self.0.store.asked_holds(AT_ONCE).await?;
        if asked.is_empty() {
            return Ok(());
        }
        let mut seats = seats(policy, &settings.schools);
        seats.retain(|seat| reviews(policy, seat));
        for hold in asked {
            let version = hold.version.to_string();
            let parts = [&*hold.id.to_string(), &version];
            let mark = self.0.store.notice_mark("asked", &parts);
            if self.is_known(mark, now).await? {
                continue;
            }
            let rules: Vec<RuleText> = hold
                .rules
                .iter()
                .map(|rule| event::rule_by_id(policy, rule))
                .collect();
            let content = Content {
                outcome: "held",
                reference: hold.id.reference().to_string(),
                arrived: moment(hold.received_at, &tools.zone),
                rule: rules.first().cloned(),
                rules,
                link: settings.links.as_ref().map(|links| links.hold(hold.id)),
                trust: trust.clone(),
                ..Content::default()
            };
            // A held message can be held for as long.
            let kept = HELD_DAY * self.0.store.retention().held_days;
            let mut record = NoticeRecord {
                claims: vec![(mark, now + kept)],
                ..NoticeRecord::default()
            };
            let told = seats.iter();
            for seat in told.filter(|seat| seat.sees(hold.school.as_deref(), &settings.schools)) {
                match self.written(Kind::RoleAsked, &seat.to, &content, Some(hold.id), now) {
                    Ok(delivery) => record.deliveries.push(NoticeDelivery {
                        to: seat.key.to_string(),
                        ..delivery
                    }),
                    Err(error) => unwritten(Kind::RoleAsked, error),
                }
            }
            self.record(&record, now).await?;
        }
        Ok(())
    }
}

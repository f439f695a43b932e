//! Telling people what became of a message: who is due is planned, what they read is written, and it goes into the durable queue.
//!
//! # Invariants
//! Notices go to the queue and from there to the next hop: they are not judged. What is remembered of them is committed with them,
//! and one message at a time is planned and recorded, so that limits hold. A notice that cannot be written or kept never changes what
//! became of the message: it is an alarm, and the hold stands in the next digest.
//!
//! # Known gaps
//! Advice is not given for a message whose next hop answered after the client's deadline. Open holds of a confidential channel
//! stand in the digests of every role that their rule tells, by reference and title of the rule.
//! Where no schools are configured, or a hold is from before they were, a role that is for some domains only does not see it in the list of
//! its digest and is not reminded of it. More than 5,000 waiting holds are neither listed nor reminded of beyond the oldest.

mod ageing;
mod asked;
mod digest;
mod event;
mod heartbeat;
mod rounds;
mod seats;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::civil::Time;
use tokio::sync::Mutex;

use crate::mail::{Address, QueueId};
use crate::pipeline::judge::{Judgement, Tools};
use crate::pipeline::received::Received;
use crate::policy::Schools;
use crate::relay::notice::calendar::Calendar;
use crate::relay::notice::content::{Content, TrustText};
use crate::relay::notice::link::Links;
use crate::relay::notice::plan::{Event, Limits, Outcome, Plan, Recent, To, plan};
use crate::relay::notice::{Kind, Letter, NoticeError, Templates};
use crate::store::{
    Body, Custody, DeliveryKind, NewDelivery, NoticeDelivery, NoticeEscalation, NoticeMark,
    NoticeRecord, StoreError,
};

pub use asked::{Answer, Answered};
use event::Parties;
pub use event::trust;
pub use rounds::run;
use seats::Seat;

/// How long a client's answer may wait for its notices to be kept: the store has just answered, so this is for a disk that stalls.
const PATIENCE: Duration = Duration::from_secs(10);
/// The span that limits are for.
const HOUR: Duration = Duration::from_hours(1);
/// A mailbox that forwards counts as known for so long, which is as long as behaviour is remembered.
const MAILBOX_KNOWN: Duration = Duration::from_hours(90 * 24);
const HELD_DAY: Duration = Duration::from_hours(24);
/// A day's mark is kept until the day is over wherever the trust is.
const DAY_KNOWN: Duration = Duration::from_hours(48);

/// How notices are written and how many.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address they come from, one that people may answer.
    pub from: Address,
    /// When digests go out, by the trust's clock.
    pub digest_at: Time,
    /// How many go out at once.
    pub limits: Limits,
    /// The trust's own words, as far as the policy does not have them.
    pub trust: TrustText,
    /// Where notices lead; without it they have no links.
    pub links: Option<Links>,
    /// The trust's schools.
    pub schools: Schools,
    /// Time on working days after which those who review are reminded of what waits, and again after as much; `None`: never.
    pub ageing: Option<Duration>,
    /// Which days are working days.
    pub calendar: Calendar,
}

/// Tells people. Cheap to clone.
#[derive(Clone)]
pub struct Notices(Arc<Inner>);

struct Inner {
    settings: Settings,
    templates: Templates,
    store: Custody,
    /// One message is planned and recorded at a time.
    turn: Mutex<()>,
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

/// What became of a message.
#[derive(Clone, Copy)]
pub struct Happened<'a> {
    /// What became of it.
    pub outcome: Outcome,
    /// The id its reference comes from: the hold's.
    pub id: QueueId,
    /// The message.
    pub received: &'a Received,
    /// Why.
    pub judgement: &'a Judgement,
    /// What it was judged with.
    pub tools: &'a Tools,
    /// Now.
    pub now: SystemTime,
}

/// The marks of a message: what is not told twice.
struct Marks {
    message: NoticeMark,
    /// The mailbox that forwards.
    mailbox: Option<NoticeMark>,
    /// This mailbox to each target, today.
    targets: Vec<NoticeMark>,
    sender: Option<NoticeMark>,
}

impl Notices {
    /// Notices over this store.
    pub fn new(settings: Settings, templates: Templates, store: Custody) -> Self {
        Self(Arc::new(Inner {
            settings,
            templates,
            store,
            turn: Mutex::new(()),
        }))
    }

    /// Tells whoever is due, and notes what waits for a digest. What goes wrong is an alarm.
    pub async fn tell(&self, happened: &Happened<'_>) {
        let told = tokio::time::timeout(PATIENCE, self.try_to_tell(happened)).await;
        failed(told, happened.id);
    }

    async fn try_to_tell(&self, happened: &Happened<'_>) -> Result<(), StoreError> {
        if happened.judgement.verdict.hits.is_empty() {
            return Ok(());
        }
        let parties = Parties::of(happened);
        let mut event = event::event(happened, &parties);
        if event.fired.iter().all(|fired| fired.tell.is_empty()) {
            return Ok(());
        }
        let seats = event::seats_of(happened, &parties, &self.0.settings.schools);
        let marks = self.marks(happened, &parties);
        let _turn = self.0.turn.lock().await;
        let mut recent = self.recent(happened, &marks, &mut event).await?;
        for seat in &seats {
            let sent = self.sent(self.role_scope(&seat.key), happened.now).await?;
            recent.roles.insert(Arc::clone(&seat.key), sent);
        }
        let roles: Vec<_> = seats.iter().map(Seat::holder).collect();
        let plan = plan(&event, &roles, &recent, self.0.settings.limits);
        if plan.is_empty() {
            return Ok(());
        }
        let mut record = NoticeRecord {
            marks: self.told_marks(happened, &event, &plan, &marks),
            ..NoticeRecord::default()
        };
        let trust = event::trust(&happened.tools.policy, &self.0.settings.trust);
        for due in &plan.now {
            let (to, scope): (Vec<Address>, _) = match &due.to {
                To::Sender => (parties.sender.iter().cloned().collect(), marks.sender),
                To::Owner => (parties.owner.iter().cloned().collect(), None),
                To::Role(role) => {
                    let known = seats.iter().find(|seat| seat.key == *role);
                    let mailboxes = known.map(|seat| seat.to.clone());
                    (mailboxes.unwrap_or_default(), Some(self.role_scope(role)))
                }
            };
            let settings = &self.0.settings;
            let content = event::content(happened, due, &trust, settings.links.as_ref());
            match self.written(due.kind, &to, &content, Some(happened.id), happened.now) {
                Ok(delivery) => record.deliveries.push(NoticeDelivery {
                    to: name(&due.to).to_owned(),
                    scope,
                    ..delivery
                }),
                Err(error) => unwritten(due.kind, error),
            }
        }
        later(&event, &plan, happened, &mut record);
        if self.0.store.record_notices(&record, happened.now).await? {
            count(&record);
        }
        Ok(())
    }

    /// What was told of this message, its sender and its forwarding before.
    async fn recent(
        &self,
        happened: &Happened<'_>,
        marks: &Marks,
        event: &mut Event,
    ) -> Result<Recent, StoreError> {
        let store = &self.0.store;
        let known = store.notices_known(&[marks.message], happened.now).await?;
        if let Some(forward) = &mut event.forward {
            let mailbox: Vec<NoticeMark> = marks.mailbox.into_iter().collect();
            let mailbox = store.notices_known(&mailbox, happened.now).await?;
            forward.mailbox_known = mailbox.contains(&true);
            let targets = store.notices_known(&marks.targets, happened.now).await?;
            forward.targets_told = !targets.is_empty() && !targets.contains(&false);
        }
        let sender = match marks.sender {
            Some(scope) => self.sent(scope, happened.now).await?,
            None => 0,
        };
        Ok(Recent {
            told: known.contains(&true),
            sender,
            ..Recent::default()
        })
    }

    async fn sent(&self, scope: NoticeMark, now: SystemTime) -> Result<u32, StoreError> {
        let sent = self.0.store.notices_sent(&[scope], now - HOUR).await?;
        Ok(sent.first().copied().unwrap_or_default())
    }

    /// What a seat's limit of the hour is counted under.
    fn role_scope(&self, role: &str) -> NoticeMark {
        self.0.store.notice_mark("role", &[role])
    }

    fn marks(&self, happened: &Happened<'_>, parties: &Parties) -> Marks {
        let store = &self.0.store;
        let forward = happened.judgement.verdict.automation.is_forward();
        // A mailbox that is not named is one to all who hear of it: its targets tell it from others.
        let mailbox = parties.owner.as_ref().map(Address::key);
        let mailbox_name = mailbox.as_deref().unwrap_or_default();
        let day = happened.tools.local(happened.now).date().to_string();
        let targets = parties.targets.iter().filter(|_| forward);
        let sender = parties.sender.as_ref().map(Address::key);
        Marks {
            message: store.notice_mark("message", &[&happened.id.to_string()]),
            mailbox: mailbox
                .as_deref()
                .map(|mailbox| store.notice_mark("mailbox", &[mailbox])),
            targets: targets
                .map(|target| store.notice_mark("forward", &[mailbox_name, target, &day]))
                .collect(),
            sender: sender.map(|sender| store.notice_mark("sender", &[&sender])),
        }
    }

    /// What is not to be told again, once this plan is carried out.
    fn told_marks(
        &self,
        happened: &Happened<'_>,
        event: &Event,
        plan: &Plan,
        marks: &Marks,
    ) -> Vec<(NoticeMark, SystemTime)> {
        let now = happened.now;
        // A held message can come again for as long as it is held.
        let held = HELD_DAY * self.0.store.retention().held_days;
        let mut told = vec![(marks.message, now + held)];
        if plan.forward_told {
            let targets = marks.targets.iter();
            told.extend(targets.map(|mark| (*mark, now + DAY_KNOWN)));
        }
        if event.forward.is_some() && !event.automatic {
            told.extend(marks.mailbox.map(|mark| (mark, now + MAILBOX_KNOWN)));
        }
        told
    }

    /// A notice as a delivery, for the store.
    fn written(
        &self,
        kind: Kind,
        to: &[Address],
        content: &Content,
        about: Option<QueueId>,
        now: SystemTime,
    ) -> Result<NoticeDelivery, NoticeError> {
        let words = self.0.templates.render(kind, content)?;
        let id = Custody::new_id().map_err(|_| NoticeError::Compose)?;
        let letter = Letter {
            kind,
            from: &self.0.settings.from,
            from_name: &content.trust.name,
            to,
            id,
            now,
            words: &words,
        };
        let (envelope, message) = letter.compose()?;
        Ok(NoticeDelivery {
            delivery: NewDelivery {
                id,
                kind: DeliveryKind::Notice,
                envelope,
                body: Body::Message(message),
                prefix: String::new(),
                xforward: None,
                encrypt: false,
                created_at: now,
                not_before: now,
            },
            kind: kind.name(),
            to: String::new(),
            about,
            scope: None,
        })
    }
}

fn name(to: &To) -> &str {
    match to {
        To::Sender => "sender",
        To::Owner => "owner",
        To::Role(role) => role,
    }
}

/// Lines for digests and roles to tell later.
fn later(event: &Event, plan: &Plan, happened: &Happened<'_>, record: &mut NoticeRecord) {
    let rule = |index: usize| {
        let fired = event.fired.get(index);
        fired
            .map(|fired| fired.rule.to_string())
            .unwrap_or_default()
    };
    let outcome = event.outcome.name();
    let lines = plan.later.iter();
    let lines = lines.map(|(role, index)| (role.to_string(), rule(*index), outcome));
    record.lines.extend(lines);
    let escalations = plan.escalations.iter().map(|escalation| NoticeEscalation {
        hold: happened.id,
        role: escalation.role.to_string(),
        rule: rule(escalation.rule),
        minutes: escalation.minutes,
        due_at: happened.now + Duration::from_secs(u64::from(escalation.minutes) * 60),
    });
    record.escalations.extend(escalations);
}

/// Says that notices about a message could not be kept, if they could not.
fn failed(told: Result<Result<(), StoreError>, tokio::time::error::Elapsed>, id: QueueId) {
    let problem = match told {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the store did not answer in time".to_owned(),
    };
    metrics::counter!("beadle_notice_failures_total").increment(1);
    tracing::error!(%id, problem, alarm = true, "notices about this message could not be kept");
}

fn unwritten(kind: Kind, error: NoticeError) {
    metrics::counter!("beadle_notice_failures_total").increment(1);
    tracing::error!(kind = kind.name(), %error, alarm = true, "a notice could not be written");
}

fn count(record: &NoticeRecord) {
    for notice in &record.deliveries {
        metrics::counter!("beadle_notices_total", "kind" => notice.kind).increment(1);
    }
}

//! Reminders of what has waited long, and of what is about to end undecided: to those who review, in one message at a time for reminders.
//!
//! # Invariants
//! A time for reminders is claimed in the transaction that sends them: it comes once, whatever the node. What grew old while the relay was off
//! is told at the next time. Time on weekends and holidays does not make a hold old; that it is about to end is said on every day.
//!
//! # Known gaps
//! A hold whose content is to be kept for a case ends no more and is reminded of by its age only. Reminders of a relay that was off for more
//! than five working days leave out what grew old before those.

use std::time::{Duration, SystemTime};

use jiff::civil::DateTime;

use crate::pipeline::judge::Tools;
use crate::pipeline::notices::digest::{
    COUNTED, ENDING_DAYS, LISTED, days_left, ending, listed, told_by,
};
use crate::pipeline::notices::event::{self, OVERSIGHT};
use crate::pipeline::notices::seats::{Seat, seats};
use crate::pipeline::notices::{Notices, unwritten};
use crate::policy::Policy;
use crate::relay::notice::Kind;
use crate::relay::notice::calendar::{Calendar, Slot};
use crate::relay::notice::content::{AgeText, Content, TrustText, moment};
use crate::relay::notice::link::Links;
use crate::store::notices::WaitingHold;
use crate::store::{NoticeDelivery, NoticeMark, NoticeRecord, StoreError};

/// Marks of times are kept for longer than is looked back.
const MARK_KEPT: Duration = Duration::from_hours(70 * 24);

/// Since when something is to be told of at a time for reminders.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// The last time on a working day.
    working: DateTime,
    /// The last time on any day.
    any: DateTime,
    /// Now: the time itself.
    to: Slot,
}

impl Notices {
    /// Sends the reminders of this time, if it is one and they were not sent.
    pub(super) async fn remind(
        &self,
        tools: &Tools,
        trust: &TrustText,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let settings = &self.0.settings;
        let slot = settings.calendar.slot(tools.local(now));
        let (Some(every), Some(slot)) = (settings.ageing, slot) else {
            return Ok(());
        };
        let claim = self.slot_mark(slot);
        if self.is_known(claim, now).await? {
            return Ok(());
        }
        let mut record = NoticeRecord {
            claims: vec![(claim, now + MARK_KEPT)],
            ..NoticeRecord::default()
        };
        let window = self.window(slot, now).await?;
        let waiting = self.0.store.waiting_holds(COUNTED).await?;
        let seats = seats(&tools.policy, &settings.schools);
        for seat in seats.iter().filter(|seat| reviews(&tools.policy, seat)) {
            let mine: Vec<&WaitingHold> = waiting
                .iter()
                .filter(|hold| is_for(&tools.policy, hold, seat))
                .filter(|hold| seat.sees(hold.school.as_deref(), &settings.schools))
                .collect();
            let content = self.reminder(tools, seat, &mine, (window, every), now);
            let Some(content) = content else {
                continue;
            };
            let content = Content {
                trust: trust.clone(),
                arrived: moment(now, &tools.zone),
                ..content
            };
            match self.written(Kind::RoleAgeing, &seat.to, &content, None, now) {
                Ok(delivery) => record.deliveries.push(NoticeDelivery {
                    to: seat.key.to_string(),
                    ..delivery
                }),
                Err(error) => unwritten(Kind::RoleAgeing, error),
            }
        }
        self.record(&record, now).await
    }

    /// What a seat is reminded of; `None` when nothing grew old or came near its end since the last time.
    fn reminder(
        &self,
        tools: &Tools,
        seat: &Seat,
        mine: &[&WaitingHold],
        (window, every): (Window, Duration),
        now: SystemTime,
    ) -> Option<Content> {
        let settings = &self.0.settings;
        let calendar = &settings.calendar;
        let age = |hold: &WaitingHold| Ageing {
            since: tools.local(hold.received_at),
            end: hold.ends_at.map(|end| tools.local(end)),
        };
        let due = |hold: &&WaitingHold| age(hold).is_due(calendar, window, every);
        if !mine.iter().any(due) {
            return None;
        }
        let steps = |hold: &WaitingHold| steps(calendar, age(hold).since, tools.local(now), every);
        let old: Vec<&WaitingHold> = mine
            .iter()
            .copied()
            .filter(|hold| steps(hold) > 0 || ending(&[hold], now).is_some())
            .collect();
        let mut ages: Vec<AgeText> = Vec::new();
        for hold in &old {
            let hours = steps(hold) * (every.as_secs() / 3_600);
            let left = hold.ends_at.map(|end| days_left(end, now));
            match ages.iter_mut().find(|age| age.hours == hours) {
                Some(age) => {
                    age.number += 1;
                    age.days_left = left.into_iter().chain(age.days_left).min();
                }
                None => ages.push(AgeText {
                    hours,
                    number: 1,
                    days_left: left,
                }),
            }
        }
        ages.sort_by_key(|age| std::cmp::Reverse(age.hours));
        let links = settings.links.as_ref();
        Some(Content {
            ages,
            ending: ending(&old, now),
            open: listed(&tools.policy, links, &old, &seat.role, now),
            more_open: old.len().saturating_sub(LISTED) as u32,
            link: links.map(Links::waiting),
            ..Content::default()
        })
    }

    /// The times before this one that reminders went out at; the oldest that is looked back to where none did.
    async fn window(&self, slot: Slot, now: SystemTime) -> Result<Window, StoreError> {
        let (mut working, mut any) = (None, None);
        let mut oldest = slot.at;
        for before in self.0.settings.calendar.before(slot) {
            oldest = before.at;
            if !self.is_known(self.slot_mark(before), now).await? {
                continue;
            }
            any = any.or(Some(before.at));
            if before.working {
                working = Some(before.at);
                break;
            }
        }
        Ok(Window {
            working: working.unwrap_or(oldest),
            any: any.unwrap_or(oldest),
            to: slot,
        })
    }

    fn slot_mark(&self, slot: Slot) -> NoticeMark {
        let at = slot.at.to_string();
        self.0.store.notice_mark("reminders", &[&at])
    }

    pub(super) async fn is_known(
        &self,
        mark: NoticeMark,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        let known = self.0.store.notices_known(&[mark], now).await?;
        Ok(known.contains(&true))
    }
}

/// Since when a hold waits and when it ends, by the trust's clock.
struct Ageing {
    since: DateTime,
    end: Option<DateTime>,
}

impl Ageing {
    /// Whether it passed another time of waiting, or came a day nearer to its end when that is near, since the last reminders.
    fn is_due(&self, calendar: &Calendar, window: Window, every: Duration) -> bool {
        let steps = |at| steps(calendar, self.since, at, every);
        let older = window.to.working && steps(window.to.at) > steps(window.working);
        let left = |at: DateTime, end: DateTime| at.duration_until(end).as_hours().div_euclid(24);
        let nearer = self.end.is_some_and(|end| {
            let now = left(window.to.at, end);
            // What is past its end waits for nothing but the next round of retention.
            (0..=ENDING_DAYS.cast_signed()).contains(&now) && now < left(window.any, end)
        });
        older || nearer
    }
}

/// How many whole times of waiting have passed.
fn steps(calendar: &Calendar, since: DateTime, at: DateTime, every: Duration) -> u64 {
    let every = every.as_secs().max(1);
    calendar.waited(since, at).as_secs() / every
}

/// Whether a seat decides holds.
pub(super) fn reviews(policy: &Policy, seat: &Seat) -> bool {
    is_reviewer(policy, &seat.role)
}

fn is_reviewer(policy: &Policy, role: &str) -> bool {
    let named = &policy.governance.review.reviewers;
    if named.is_empty() {
        return role == OVERSIGHT;
    }
    named.iter().any(|reviewer| &**reviewer == role)
}

/// Whether those who review are to hear of a hold in this seat: its rules tell the role, or they tell nobody who reviews.
fn is_for(policy: &Policy, hold: &WaitingHold, seat: &Seat) -> bool {
    if told_by(policy, hold, &seat.role).is_some() {
        return true;
    }
    let people = policy.governance.people.iter();
    let mut reviewers = people.filter(|person| is_reviewer(policy, &person.role));
    let told = reviewers.any(|person| {
        let reached = !event::mailboxes(policy, person).is_empty();
        reached && told_by(policy, hold, &person.role).is_some()
    });
    !told
}

//! The daily digest: what happened since the last one by rule and school, what was decided, what waits and what is about to end.
//!
//! # Invariants
//! A digest and the end of its lines are one transaction. A digest with nothing to say is not written, but its day is noted. A seat that
//! hears of one school counts and lists that school's mail alone.

use std::time::{Duration, SystemTime};

use jiff::civil::Date;

use crate::pipeline::judge::Tools;
use crate::pipeline::notices::seats::{Seat, seats};
use crate::pipeline::notices::{Notices, event, unwritten};
use crate::policy::{Policy, Role, Schools};
use crate::relay::notice::Kind;
use crate::relay::notice::content::{
    Content, CountText, DecidedText, EndingText, OpenText, SchoolText, TrustText, age, moment,
};
use crate::relay::notice::link::Links;
use crate::relay::notice::plan::{Digest, digest};
use crate::store::notices::{NoticeCount, WaitingHold};
use crate::store::{FigureOutcome, Figures, NoticeDelivery, NoticeRecord, StoreError};

/// Waiting holds that a digest or a reminder lists.
pub(super) const LISTED: usize = 50;
/// Waiting holds that are counted.
pub(super) const COUNTED: u32 = 5_000;
/// Days before the end of a hold that nobody decided in which it counts as about to end.
pub(super) const ENDING_DAYS: u64 = 3;
const DAY: Duration = Duration::from_hours(24);

/// What every digest of a round is written from.
struct Grounds<'a> {
    policy: &'a Policy,
    schools: &'a Schools,
    links: Option<&'a Links>,
    counts: &'a [NoticeCount],
    waiting: &'a [WaitingHold],
    figures: &'a Figures,
    now: SystemTime,
}

impl Notices {
    /// Adds the digests that are due to what a round records.
    pub(super) async fn digests(
        &self,
        tools: &Tools,
        trust: &TrustText,
        now: SystemTime,
        record: &mut NoticeRecord,
    ) -> Result<(), StoreError> {
        let (store, settings) = (&self.0.store, &self.0.settings);
        let days = store.digest_days().await?;
        let mut due = Vec::new();
        for seat in seats(&tools.policy, &settings.schools) {
            let last = days.iter().find(|(key, _)| **key == *seat.key);
            let last = last.map(|(_, day)| *day);
            match (digest(last, settings.digest_at, tools.local(now)), last) {
                (Digest::NotYet, _) => {}
                (Digest::Begin(day), _) => record.begun.push((seat.key.to_string(), day)),
                (Digest::Due(day), last) => due.push((seat, day, last.unwrap_or(day))),
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let grounds = Grounds {
            policy: &tools.policy,
            schools: &settings.schools,
            links: settings.links.as_ref(),
            counts: &store.digest_counts().await?,
            waiting: &store.waiting_holds(COUNTED).await?,
            figures: &*store.figures(now).await?,
            now,
        };
        for (seat, day, last) in due {
            let since = last.to_datetime(settings.digest_at);
            let since = tools.zone.to_timestamp(since).ok();
            let since = since.and_then(|since| since.try_into().ok());
            let since = since.unwrap_or(now - DAY);
            let mut content = grounds.summary(&seat, since);
            if seat.is_for_all() {
                let ended = store.ended_content(since, now, 0).await?;
                content.decided.get_or_insert_default().expired = Some(ended.expired);
            }
            let content = Content {
                trust: trust.clone(),
                arrived: moment(now, &tools.zone),
                ..content
            };
            self.digest(&seat, &content, day, now, record);
        }
        Ok(())
    }

    /// One seat's digest. What cannot be written keeps its lines for the next day.
    fn digest(
        &self,
        seat: &Seat,
        content: &Content,
        day: Date,
        now: SystemTime,
        record: &mut NoticeRecord,
    ) {
        let key = seat.key.to_string();
        if content.counts.is_empty() && content.open.is_empty() {
            record.begun.push((key, day));
            return;
        }
        match self.written(Kind::RoleDigest, &seat.to, content, None, now) {
            Ok(delivery) => {
                record.deliveries.push(NoticeDelivery {
                    to: key.clone(),
                    ..delivery
                });
                record.digested.push((key, day));
            }
            Err(error) => {
                unwritten(Kind::RoleDigest, error);
                record.begun.push((key, day));
            }
        }
    }
}

impl Grounds<'_> {
    /// What a seat's digest says: its lines by rule, and the holds of rules that tell it.
    fn summary(&self, seat: &Seat, since: SystemTime) -> Content {
        let mine: Vec<&WaitingHold> = self
            .waiting
            .iter()
            .filter(|hold| told_by(self.policy, hold, &seat.role).is_some())
            .filter(|hold| seat.sees(hold.school.as_deref(), self.schools))
            .collect();
        let (schools, decided) = self.since(seat, since, &mine);
        Content {
            counts: self.lines(seat),
            schools,
            decided: Some(decided),
            ending: ending(&mine, self.now),
            open: listed(self.policy, self.links, &mine, &seat.role, self.now),
            more_open: mine.len().saturating_sub(LISTED) as u32,
            link: self.links.map(Links::waiting),
            ..Content::default()
        }
    }

    /// What waits for the digest, a line for each rule.
    fn lines(&self, seat: &Seat) -> Vec<CountText> {
        let mut lines: Vec<CountText> = Vec::new();
        let own = self.counts.iter();
        for count in own.filter(|count| *count.role == *seat.key) {
            let known = lines.iter().position(|line| line.rule == count.rule);
            let at = known.unwrap_or_else(|| {
                lines.push(CountText {
                    rule: count.rule.clone(),
                    title: event::rule_by_id(self.policy, &count.rule).title,
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
        lines
    }

    /// By school, and decisions of those that the seat hears of, since then.
    fn since(
        &self,
        seat: &Seat,
        since: SystemTime,
        waiting: &[&WaitingHold],
    ) -> (Vec<SchoolText>, DecidedText) {
        let known = self.schools.iter();
        let mut schools: Vec<(&str, SchoolText)> = known
            .map(|school| {
                let text = SchoolText {
                    name: school.name.to_string(),
                    ..SchoolText::default()
                };
                (&*school.id, text)
            })
            .collect();
        let mut decided = DecidedText::default();
        let (since, now) = (micros(since), micros(self.now));
        let within = |at: i64| since <= at && at < now;
        for figure in self.figures.between(i64::MIN, i64::MAX) {
            let after = figure.decided_after.map(|s| i64::from(s) * 1_000_000);
            let answered = after.is_some_and(|after| within(figure.at.saturating_add(after)));
            let came = within(figure.at);
            if !came && !answered {
                continue;
            }
            let school = self.figures.school(figure);
            let mut rules = self.figures.rules(figure);
            let told = rules.any(|rule| tells(self.policy, rule, &seat.role));
            if !told || !seat.sees(school, self.schools) {
                continue;
            }
            let text = schools.iter_mut().find(|(id, _)| Some(*id) == school);
            if let Some((_, text)) = text {
                text.held += u64::from(came && figure.outcome.was_held());
                text.refused += u64::from(came && !figure.outcome.was_held());
                text.decided += u64::from(answered);
            }
            if answered {
                decided.released += u64::from(figure.outcome == FigureOutcome::Released);
                decided.refused += u64::from(figure.outcome == FigureOutcome::Refused);
            }
        }
        for hold in waiting {
            let text = schools
                .iter_mut()
                .find(|(id, _)| Some(*id) == hold.school.as_deref());
            if let Some((_, text)) = text {
                text.waiting += 1;
            }
        }
        let quiet = |text: &SchoolText| text.held + text.refused + text.decided + text.waiting == 0;
        let texts = schools.into_iter().map(|(_, text)| text);
        (texts.filter(|text| !quiet(text)).collect(), decided)
    }
}

/// The lines of a list of holds that wait, at most [`LISTED`]; each names the rule that tells this role.
pub(super) fn listed(
    policy: &Policy,
    links: Option<&Links>,
    holds: &[&WaitingHold],
    role: &str,
    now: SystemTime,
) -> Vec<OpenText> {
    let line = |hold: &&WaitingHold| {
        let rule = told_by(policy, hold, role).or_else(|| hold.rules.first().map(String::as_str));
        OpenText {
            reference: hold.id.reference().to_string(),
            title: event::rule_by_id(policy, rule.unwrap_or_default()).title,
            age: age(hold.received_at, now),
            days_left: hold.ends_at.map(|end| days_left(end, now)),
            link: links.map(|links| links.hold(hold.id)),
        }
    };
    holds.iter().take(LISTED).map(line).collect()
}

/// How many of them end undecided soon, if any do.
pub(super) fn ending(holds: &[&WaitingHold], now: SystemTime) -> Option<EndingText> {
    let soon = |hold: &&&WaitingHold| {
        let left = hold.ends_at.map(|end| days_left(end, now));
        left.is_some_and(|left| left <= ENDING_DAYS)
    };
    let number = holds.iter().filter(soon).count() as u64;
    (number > 0).then_some(EndingText {
        number,
        days: ENDING_DAYS,
    })
}

/// Days until then, a part of a day counting as none.
pub(super) fn days_left(end: SystemTime, now: SystemTime) -> u64 {
    end.duration_since(now).unwrap_or_default().as_secs() / DAY.as_secs()
}

/// The rule of a hold, strictest first, that tells this role.
pub(super) fn told_by<'a>(policy: &Policy, hold: &'a WaitingHold, role: &str) -> Option<&'a str> {
    let mut rules = hold.rules.iter().map(String::as_str);
    rules.find(|rule| tells(policy, rule, role))
}

/// Whether a rule tells a role, by the policy as it is now.
fn tells(policy: &Policy, rule: &str, role: &str) -> bool {
    let rule = policy.rules.iter().find(|known| &*known.id == rule);
    let named = |told: &Role| matches!(told, Role::Named(name) if &**name == role);
    rule.is_some_and(|rule| rule.tell.iter().any(named))
}

fn micros(at: SystemTime) -> i64 {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

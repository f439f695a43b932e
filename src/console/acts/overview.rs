//! What waits now: how much, since when, where, why, and what else wants somebody's eyes.
//!
//! # Known gaps
//! Where more wait than are looked at, shares and age bands speak of the oldest of them, and say so.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::forwarding;
use super::moment::Moment;
use super::needs;
use crate::console::access::{Permission, Reach, school_of};
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::policy::Policy;
use crate::store::{FigureOutcome, HoldQuery, HoldState, HoldSummary, Sort};

/// Waiting holds that are looked at: opening each takes some 20 µs.
pub const LOOKED_AT: u32 = 500;

/// A delivery that waits longer than this is in trouble: the first retries are over.
const LONG: Duration = Duration::from_hours(1);

/// Days of the trend.
const DAYS: i64 = 14;

/// What "this week" means.
const WEEK: Duration = Duration::from_hours(7 * 24);

/// So many of one kind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Share {
    /// The id of a school or a rule; empty for messages from no known school.
    pub id: String,
    /// Its name or title.
    pub title: String,
    /// How many.
    pub number: usize,
}

/// So many that wait so long.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Band {
    /// `hours`, `today`, `days`, `week` or `longer`.
    pub age: &'static str,
    /// How many.
    pub number: usize,
}

/// A hold by what is not content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Oldest {
    /// Its id.
    pub id: String,
    /// When it came.
    pub at: Moment,
}

/// What is on its way and should not be any more.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Trouble {
    /// Deliveries that wait.
    pub waiting: u64,
    /// Since when the oldest of them does, when that is too long.
    pub late_since: Option<Moment>,
    /// Deliveries that ended without reaching everybody.
    pub dead: u64,
}

/// What was stopped of what came on one day.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DayLine {
    /// The day: `2026-11-28`.
    pub day: String,
    /// Held, and not decided yet.
    pub waiting: u32,
    /// Held and released.
    pub released: u32,
    /// Held, and refused or ended undecided.
    pub refused: u32,
    /// Refused at once, by a rule.
    pub turned_away: u32,
}

impl DayLine {
    fn of(day: jiff::civil::Date) -> Self {
        Self {
            day: day.to_string(),
            waiting: 0,
            released: 0,
            refused: 0,
            turned_away: 0,
        }
    }
}

/// The first page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Overview {
    /// Messages that wait for somebody.
    pub waiting: usize,
    /// More wait than were looked at.
    pub more: bool,
    /// The one that waits longest.
    pub oldest: Option<Oldest>,
    /// Those on which a rule fired that must not wait.
    pub urgent: usize,
    /// Those that wait for a second person.
    pub second_person: usize,
    /// Those that somebody has taken.
    pub claimed: usize,
    /// By age.
    pub ages: Vec<Band>,
    /// By school, most first.
    pub schools: Vec<Share>,
    /// By rule, most first; a message on which two fired counts for both.
    pub rules: Vec<Share>,
    /// Deliveries; for those who see the queue.
    pub deliveries: Option<Trouble>,
    /// Mailboxes found forwarding within a week; for those who see the register.
    pub forwarding: Option<usize>,
    /// The last fourteen days, oldest first.
    pub days: Vec<DayLine>,
}

/// What waits for this caller.
pub async fn look(site: &Site, caller: &Caller) -> Result<Overview, Refusal> {
    needs(caller, Permission::SeeHolds)?;
    let now = site.now();
    let query = HoldQuery {
        states: vec![HoldState::Held, HoldState::Claimed, HoldState::Awaiting],
        sort: Sort::Oldest,
        limit: LOOKED_AT,
        ..HoldQuery::default()
    };
    let page = site.store().search_holds(&query).await?;
    let more = page.next.is_some();
    let may = |hold: &&HoldSummary| {
        caller
            .access
            .may_on(Permission::SeeHolds, hold, site.schools())
    };
    let holds: Vec<&HoldSummary> = page.holds.iter().filter(may).collect();
    let policy = site.pipeline().tools().policy.clone();
    let counts = site.store().counts().await?;
    let everywhere = caller.access.reach(Permission::SeeHolds) == Reach::Everywhere;
    let waiting = if more && everywhere {
        usize::try_from(counts.held).unwrap_or(usize::MAX)
    } else {
        holds.len()
    };
    let deliveries = caller.access.may(Permission::SeeQueue).then(|| Trouble {
        waiting: counts.queued,
        late_since: counts
            .oldest_queued
            .filter(|at| *at + LONG < now)
            .map(Moment),
        dead: counts.dead,
    });
    let forwarding = if caller.access.may(Permission::SeeForwarding) {
        let all = forwarding::list(site, caller, None).await?.lines;
        let since = now.checked_sub(WEEK).unwrap_or(SystemTime::UNIX_EPOCH);
        Some(all.iter().filter(|line| line.first_seen.0 >= since).count())
    } else {
        None
    };
    let in_state = |state| holds.iter().filter(|hold| hold.state == state).count();
    Ok(Overview {
        waiting,
        more,
        oldest: holds.first().map(|hold| Oldest {
            id: hold.id.to_string(),
            at: hold.received_at.into(),
        }),
        urgent: holds.iter().filter(|hold| is_urgent(hold, &policy)).count(),
        second_person: in_state(HoldState::Awaiting),
        claimed: in_state(HoldState::Claimed),
        ages: ages(&holds, now),
        schools: by_school(site, &holds),
        rules: by_rule(&policy, &holds),
        deliveries,
        forwarding,
        days: trend(site, caller, now).await?,
    })
}

/// What was stopped in the last days, by day of arrival by the trust's clock.
async fn trend(site: &Site, caller: &Caller, now: SystemTime) -> Result<Vec<DayLine>, Refusal> {
    let figures = site.store().figures(now).await?;
    let zone = site.time_zone();
    let local = |at: i64| {
        let at = jiff::Timestamp::from_microsecond(at).unwrap_or_default();
        zone.to_datetime(at).date()
    };
    let now = jiff::Timestamp::try_from(now).unwrap_or_default();
    let today = zone.to_datetime(now).date();
    let first = today
        .checked_sub(jiff::Span::new().days(DAYS - 1))
        .unwrap_or(today);
    let begin = zone.to_timestamp(first.to_datetime(jiff::civil::Time::midnight()));
    let begin = begin.map_or(0, jiff::Timestamp::as_microsecond);
    let mut days: BTreeMap<jiff::civil::Date, DayLine> = first
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day <= today)
        .map(|day| (day, DayLine::of(day)))
        .collect();
    for figure in figures.between(begin, i64::MAX) {
        let school = figures.school(figure);
        if !caller.access.may_for(Permission::SeeHolds, school) {
            continue;
        }
        let Some(line) = days.get_mut(&local(figure.at)) else {
            continue;
        };
        let number = match figure.outcome {
            FigureOutcome::TurnedAway => &mut line.turned_away,
            FigureOutcome::Waiting => &mut line.waiting,
            FigureOutcome::Released => &mut line.released,
            FigureOutcome::Refused | FigureOutcome::Expired => &mut line.refused,
        };
        *number += 1;
    }
    Ok(days.into_values().collect())
}

fn is_urgent(hold: &HoldSummary, policy: &Policy) -> bool {
    let mut rules = policy.rules.iter();
    rules.any(|rule| rule.urgent && hold.rules.iter().any(|fired| **fired == *rule.id))
}

/// Ages, each band up to its hours.
const AGES: [(&str, u64); 5] = [
    ("hours", 4),
    ("today", 24),
    ("days", 72),
    ("week", 7 * 24),
    ("longer", u64::MAX),
];

fn ages(holds: &[&HoldSummary], now: SystemTime) -> Vec<Band> {
    let mut bands = AGES.map(|(age, _)| Band { age, number: 0 });
    for hold in holds {
        let age = now.duration_since(hold.received_at).unwrap_or_default();
        let hours = age.as_secs() / 3600;
        let place = AGES.iter().position(|(_, up_to)| hours < *up_to);
        if let Some(band) = place.and_then(|place| bands.get_mut(place)) {
            band.number += 1;
        }
    }
    bands.into()
}

fn by_school(site: &Site, holds: &[&HoldSummary]) -> Vec<Share> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for hold in holds {
        let school = school_of(hold, site.schools()).unwrap_or_default();
        *counts.entry(school).or_default() += 1;
    }
    shares(counts, |id| {
        let school = site.schools().get(id);
        school.map_or_else(String::new, |school| school.name.to_string())
    })
}

fn by_rule(policy: &Policy, holds: &[&HoldSummary]) -> Vec<Share> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for rule in holds.iter().flat_map(|hold| &hold.rules) {
        *counts.entry(rule.clone()).or_default() += 1;
    }
    shares(counts, |id| rule_title(policy, id))
}

/// The title of a rule; its id once the policy has it no longer.
pub fn rule_title(policy: &Policy, id: &str) -> String {
    let known = policy.rules.iter().find(|rule| *rule.id == *id);
    known.map_or_else(|| id.to_owned(), |rule| rule.title.to_string())
}

fn shares(counts: BTreeMap<String, usize>, title: impl Fn(&str) -> String) -> Vec<Share> {
    let mut shares: Vec<Share> = counts
        .into_iter()
        .map(|(id, number)| Share {
            title: title(&id),
            id,
            number,
        })
        .collect();
    shares.sort_by(|a, b| b.number.cmp(&a.number).then_with(|| a.id.cmp(&b.id)));
    shares
}

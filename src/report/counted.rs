//! Figures of a period and a scope, counted: what every report begins with.
//!
//! # Invariants
//! A message counts once in totals, in its school and in its group; once for each of its rules and categories in those tables, which is
//! said beside them. Time to a decision is elapsed time, nights and weekends too, since a parent waits through them.
//!
//! Percentiles are the nearest rank: the smallest value that at least so many per cent of all do not exceed.

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::model::Period;
use crate::detect::Category;
use crate::policy::{Policy, Senders, Severity};
use crate::store::{Figure, FigureOutcome, Figures, Judgement};

/// Which messages a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Those that came on these days.
    pub period: Period,
    /// Those of these schools, by id; all when empty.
    pub schools: Vec<String>,
    /// Those that this rule fired on.
    pub rule: Option<String>,
    /// Those of this group of senders.
    pub group: Option<String>,
}

impl Scope {
    /// Everything of these days.
    pub fn all(period: Period) -> Self {
        Self {
            period,
            schools: Vec::new(),
            rule: None,
            group: None,
        }
    }
}

/// What reports are made of.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// Holds and refusals.
    pub figures: &'a Figures,
    /// The trust's schools and groups, for their names.
    pub senders: &'a Senders,
    /// The policy in force, for the titles of rules.
    pub policy: &'a Policy,
    /// Where the trust is.
    pub zone: &'a TimeZone,
    /// Now.
    pub now: SystemTime,
    /// From when on records are kept, in microseconds since 1970 UTC.
    pub kept_since: i64,
}

impl<'a> Sources<'a> {
    /// The messages of a scope, in the order of their coming.
    pub fn of(self, scope: &'a Scope) -> impl Iterator<Item = &'a Figure> {
        let from = self.midnight(scope.period.from).max(self.kept_since);
        let after = scope.period.to.tomorrow().unwrap_or(scope.period.to);
        let all = self.figures.between(from, self.midnight(after));
        all.iter().filter(move |figure| self.is_in(scope, figure))
    }

    fn is_in(self, scope: &Scope, figure: &Figure) -> bool {
        let in_school = scope.schools.is_empty()
            || self
                .figures
                .school(figure)
                .is_some_and(|school| scope.schools.iter().any(|wanted| wanted == school));
        let in_group =
            scope.group.is_none() || self.figures.group(figure) == scope.group.as_deref();
        let by_rule = scope
            .rule
            .as_ref()
            .is_none_or(|wanted| self.figures.rules(figure).any(|rule| rule == wanted));
        in_school && in_group && by_rule
    }

    /// When a day begins, in microseconds since 1970 UTC.
    pub fn midnight(self, day: Date) -> i64 {
        self.zone
            .to_timestamp(day.at(0, 0, 0, 0))
            .map_or(0, jiff::Timestamp::as_microsecond)
    }

    /// A moment in the trust's time.
    pub fn local(self, micros: i64) -> jiff::civil::DateTime {
        let at = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(at)
    }

    /// A moment in the trust's time.
    pub fn local_of(self, at: SystemTime) -> jiff::civil::DateTime {
        let at = jiff::Timestamp::try_from(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(at)
    }

    /// A school's name for people.
    pub fn school_name(self, id: &str) -> String {
        let school = self.senders.schools.get(id);
        school.map_or_else(|| id.to_owned(), |school| school.name.to_string())
    }

    /// A group's title for people.
    pub fn group_title(self, id: &str) -> String {
        let group = self.senders.groups.get(id);
        group.map_or_else(|| id.to_owned(), |group| group.title.to_string())
    }

    /// A rule's title for people; the id of one that the policy no longer has.
    pub fn rule_title(self, id: &str) -> String {
        let rule = self.policy.rules.iter().find(|rule| &*rule.id == id);
        rule.map_or_else(|| id.to_owned(), |rule| sentence(&rule.title))
    }
}

/// A title as it begins a line: rules have theirs for the middle of a sentence.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// Counts of some messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// By outcome, in the order of [`FigureOutcome::ALL`].
    outcomes: [u64; FigureOutcome::ALL.len()],
    /// By judgement, in the order of [`Judgement::ALL`].
    judged: [u64; Judgement::ALL.len()],
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, figure: &Figure) {
        if let Some(count) = self.outcomes.get_mut(figure.outcome as usize) {
            *count += 1;
        }
        let judged = figure.judgement.map(|judgement| judgement as usize);
        if let Some(count) = judged.and_then(|place| self.judged.get_mut(place)) {
            *count += 1;
        }
    }

    /// How many had this outcome.
    pub fn outcome(&self, outcome: FigureOutcome) -> u64 {
        self.outcomes.get(outcome as usize).copied().unwrap_or(0)
    }

    /// How many were judged so.
    pub fn judged_as(&self, judgement: Judgement) -> u64 {
        self.judged.get(judgement as usize).copied().unwrap_or(0)
    }

    /// How many there are.
    pub fn all(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// How many were held, whatever came after.
    pub fn held(&self) -> u64 {
        self.all() - self.outcome(FigureOutcome::TurnedAway)
    }

    /// How many a reviewer decided.
    pub fn decided(&self) -> u64 {
        self.outcome(FigureOutcome::Released) + self.outcome(FigureOutcome::Refused)
    }

    /// How many a reviewer judged.
    pub fn judged(&self) -> u64 {
        self.judged.iter().sum()
    }

    /// How many never left: refused at once, refused by a reviewer, or expired.
    pub fn stopped(&self) -> u64 {
        [
            FigureOutcome::TurnedAway,
            FigureOutcome::Refused,
            FigureOutcome::Expired,
        ]
        .map(|outcome| self.outcome(outcome))
        .iter()
        .sum()
    }
}

/// Seconds to decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    /// In order.
    sorted: Vec<u32>,
}

impl Waits {
    fn of(mut seconds: Vec<u32>) -> Self {
        seconds.sort_unstable();
        Self { sorted: seconds }
    }

    /// What 50 and 90 per cent of the decisions did not exceed, in seconds.
    pub fn deciles(&self) -> Option<(u32, u32)> {
        Some((percentile(&self.sorted, 50)?, percentile(&self.sorted, 90)?))
    }

    /// How many were decided within each of these spans of seconds, and how many after the last.
    pub fn within<const N: usize>(&self, spans: [u32; N]) -> Vec<u64> {
        let below = |span: u32| self.sorted.partition_point(|seconds| *seconds < span) as u64;
        let mut counts = Vec::with_capacity(N + 1);
        let mut before = 0;
        for span in spans {
            counts.push(below(span) - before);
            before = below(span);
        }
        counts.push(self.sorted.len() as u64 - before);
        counts
    }
}

/// The nearest rank of sorted values; `of` per cent.
fn percentile(sorted: &[u32], of: usize) -> Option<u32> {
    let rank = (sorted.len() * of).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Everything a summary shows of a scope, in one pass over its messages.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Of all.
    pub all: Counts,
    /// How long decisions took.
    pub waits: Waits,
    /// By the id of the school; `None` where it is not known.
    pub schools: BTreeMap<Option<String>, Counts>,
    /// By the id of the group; `None` where no group fits.
    pub groups: BTreeMap<Option<String>, Counts>,
    /// By the id of the rule; a message counts for each of its rules.
    pub rules: BTreeMap<String, Counts>,
    /// By category; a message counts for each of its categories.
    pub categories: BTreeMap<Category, Counts>,
    /// By severity; `None` where it is not known.
    pub severities: BTreeMap<Option<Severity>, Counts>,
    /// By the first day of the week or the day, in order and without gaps.
    pub times: Vec<(Date, Counts)>,
    /// The times are days and not weeks.
    pub by_day: bool,
}

/// A period of so many days or fewer is shown by day.
const BY_DAY: i64 = 31;

impl Tally {
    /// Counts a scope.
    pub fn of(sources: Sources<'_>, scope: &Scope) -> Self {
        let mut tally = Self {
            by_day: scope.period.days() <= BY_DAY,
            ..Self::default()
        };
        let starts = tally.starts(scope.period);
        let micros: Vec<i64> = starts.iter().map(|day| sources.midnight(*day)).collect();
        tally.times = starts
            .into_iter()
            .map(|day| (day, Counts::default()))
            .collect();
        let mut numbered = Numbered::default();
        let mut seconds = Vec::new();
        for figure in sources.of(scope) {
            tally.all.add(figure);
            seconds.extend(figure.decided_after);
            numbered.add(sources.figures, figure);
            let place = micros
                .partition_point(|start| *start <= figure.at)
                .saturating_sub(1);
            if let Some((_, counts)) = tally.times.get_mut(place) {
                counts.add(figure);
            }
        }
        tally.waits = Waits::of(seconds);
        numbered.name(sources.figures, &mut tally);
        tally
    }

    /// The first days of the stretches that a period is shown in.
    fn starts(&self, period: Period) -> Vec<Date> {
        let days = if self.by_day { 1 } else { 7 };
        let back = if self.by_day {
            0
        } else {
            period.from.weekday().to_monday_zero_offset()
        };
        let step = jiff::Span::new().days(days);
        let first = period.from.checked_sub(jiff::Span::new().days(back));
        let mut starts = Vec::new();
        let mut at = first.unwrap_or(period.from);
        while at <= period.to {
            starts.push(at);
            let Ok(next) = at.checked_add(step) else {
                break;
            };
            at = next;
        }
        starts
    }
}

/// Counts by the numbers that figures have for ids: no text is looked at for each message.
#[derive(Debug, Default)]
struct Numbered {
    schools: BTreeMap<Option<u16>, Counts>,
    groups: BTreeMap<Option<u16>, Counts>,
    rules: BTreeMap<u16, Counts>,
    categories: BTreeMap<Category, Counts>,
    severities: BTreeMap<Option<Severity>, Counts>,
}

impl Numbered {
    fn add(&mut self, figures: &Figures, figure: &Figure) {
        let (school, group) = (figures.school_number(figure), figures.group_number(figure));
        self.schools.entry(school).or_default().add(figure);
        self.groups.entry(group).or_default().add(figure);
        for rule in figures.rule_numbers(figure) {
            self.rules.entry(*rule).or_default().add(figure);
        }
        for category in figures.categories(figure) {
            self.categories.entry(*category).or_default().add(figure);
        }
        let severity = self.severities.entry(figure.severity);
        severity.or_default().add(figure);
    }

    fn name(self, figures: &Figures, tally: &mut Tally) {
        let schools = self.schools.into_iter();
        tally.schools = schools
            .map(|(number, counts)| (number.map(|n| figures.school_of(n).to_owned()), counts))
            .collect();
        let groups = self.groups.into_iter();
        tally.groups = groups
            .map(|(number, counts)| (number.map(|n| figures.group_of(n).to_owned()), counts))
            .collect();
        let rules = self.rules.into_iter();
        tally.rules = rules
            .map(|(number, counts)| (figures.rule_of(number).to_owned(), counts))
            .collect();
        tally.categories = self.categories;
        tally.severities = self.severities;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 90), Some(7));
        let ten: Vec<u32> = (1..=10).collect();
        assert_eq!(percentile(&ten, 50), Some(5));
        assert_eq!(percentile(&ten, 90), Some(9));
        assert_eq!(percentile(&[1, 2, 3], 50), Some(2));
    }

    #[test]
    fn times_fall_into_their_spans() {
        let waits = Waits::of(vec![5_000, 9, 10, 99, 100, 0]);
        assert_eq!(waits.within([10, 100]), [2, 2, 2]);
        assert_eq!(waits.deciles(), Some((10, 5_000)));
    }
}

//! What reports count: holds and refusals without anything sealed.
//!
//! # Invariants
//! No name and no address is here: ids of rules, schools and groups, categories, counts, times, and a keyed hash of the sender that tells
//! the same sender again. Figures outlive the content of a hold and end with its row (`event_days` of the policy).
//!
//! # How a page stays quick
//! A process reads all rows once (measured in `docs/REPORTS.md`) and keeps them as some 60 bytes each. Every change of a hold or a refusal has an
//! entry in the ledger in the same transaction, and entries are numbered in the order of their commits on both databases: so the head of
//! the ledger is the mark of change, and what changed is read by its subject. Day sums in the database were the other choice: by school,
//! group, rules, categories, severity and outcome they are as many as the holds themselves.
//!
//! # Known gaps
//! Rows from before the schema had these columns have no school, group, sender or severity. A row that retention forgot is left out by
//! its age and leaves memory with the next full reading.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::Custody;
use super::clock::{micros, span};
use super::delivered::mac;
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::from_json;
use super::judgement::Judgement;
use super::rows::FigureRow;
use crate::detect::Category;
use crate::mail::{Address, QueueId};
use crate::policy::Severity;

/// More entries than this since the last reading, and everything is read anew: about as much work.
const FOLLOWED_AT_MOST: i64 = 20_000;

/// Everything is read anew after this time, so that what retention forgot leaves memory.
const ANEW_AFTER: Duration = Duration::from_hours(24);

/// What a database packed is not what [`FigureRow`] reads.
const PACKED: StoreError = StoreError::Corrupt("figures");

/// What became of a message that did not simply pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureOutcome {
    /// The relay refused it; the sender was told why.
    TurnedAway,
    /// It is held and waits for a reviewer.
    Waiting,
    /// It was held, and a reviewer released it.
    Released,
    /// It was held, and a reviewer refused it.
    Refused,
    /// It was held, and nobody decided in time.
    Expired,
}

impl FigureOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [
        Self::TurnedAway,
        Self::Waiting,
        Self::Released,
        Self::Refused,
        Self::Expired,
    ];

    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::TurnedAway => "turned-away",
            Self::Waiting => "waiting",
            Self::Released => "released",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }

    /// Whether it was held, whatever came after.
    pub fn was_held(self) -> bool {
        self != Self::TurnedAway
    }
}

/// A hold or a refusal as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its id; its reference is what people know it by.
    pub id: QueueId,
    /// When it came, in microseconds since 1970 UTC.
    pub at: i64,
    /// What became of it.
    pub outcome: FigureOutcome,
    /// Seconds from its coming to the decision of a reviewer, nights and weekends counted.
    pub decided_after: Option<u32>,
    /// What a reviewer judges of it.
    pub judgement: Option<Judgement>,
    /// Of its gravest rule.
    pub severity: Option<Severity>,
    /// How many people the findings are about.
    pub people: u32,
    /// A keyed hash of the sender's address.
    pub sender: Option<i64>,
    school: Option<u16>,
    group: Option<u16>,
    profile: u32,
}

/// The rules and categories that many messages have alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Profile {
    rules: Vec<u16>,
    categories: Vec<Category>,
}

/// Texts that occur again and again, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u16>,
}

impl Names {
    fn number(&mut self, text: &str) -> u16 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        // Beyond 65,535 names, which no policy has, all are one.
        let number = u16::try_from(self.texts.len()).unwrap_or(u16::MAX);
        if number == u16::MAX {
            return number;
        }
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    fn text(&self, number: u16) -> &str {
        self.texts.get(usize::from(number)).map_or("", |text| text)
    }
}

/// Everything that reports count, as it was at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// In the order of their coming.
    list: Vec<Figure>,
    profiles: Vec<Profile>,
    profile_numbers: HashMap<String, u32>,
    rules: Names,
    schools: Names,
    groups: Names,
}

impl Figures {
    /// Those that came in this span, in the order of their coming. Microseconds since 1970 UTC.
    pub fn between(&self, from: i64, to: i64) -> &[Figure] {
        let start = self.list.partition_point(|figure| figure.at < from);
        let end = self.list.partition_point(|figure| figure.at < to);
        self.list.get(start..end).unwrap_or_default()
    }

    /// The hold or refusal of this id.
    pub fn get(&self, id: QueueId) -> Option<&Figure> {
        self.list.iter().find(|figure| figure.id == id)
    }

    /// When the first of them came, in microseconds since 1970 UTC.
    pub fn first(&self) -> Option<i64> {
        self.list.first().map(|figure| figure.at)
    }

    /// The id of the sender's school.
    pub fn school(&self, figure: &Figure) -> Option<&str> {
        figure.school.map(|number| self.schools.text(number))
    }

    /// The id of the group that the sender belongs to.
    pub fn group(&self, figure: &Figure) -> Option<&str> {
        figure.group.map(|number| self.groups.text(number))
    }

    /// The number of the sender's school within these figures.
    pub fn school_number(&self, figure: &Figure) -> Option<u16> {
        figure.school
    }

    /// The number of the sender's group within these figures.
    pub fn group_number(&self, figure: &Figure) -> Option<u16> {
        figure.group
    }

    /// The numbers of the rules that fired within these figures.
    pub fn rule_numbers(&self, figure: &Figure) -> &[u16] {
        let profile = self.profiles.get(figure.profile as usize);
        profile.map_or(&[], |profile| profile.rules.as_slice())
    }

    /// The id of the school of this number.
    pub fn school_of(&self, number: u16) -> &str {
        self.schools.text(number)
    }

    /// The id of the group of this number.
    pub fn group_of(&self, number: u16) -> &str {
        self.groups.text(number)
    }

    /// The id of the rule of this number.
    pub fn rule_of(&self, number: u16) -> &str {
        self.rules.text(number)
    }

    /// Ids of the rules that fired, strictest first.
    pub fn rules(&self, figure: &Figure) -> impl Iterator<Item = &str> {
        let rules = self.rule_numbers(figure).iter();
        rules.map(|number| self.rules.text(*number))
    }

    /// Categories of the findings.
    pub fn categories(&self, figure: &Figure) -> &[Category] {
        let profile = self.profiles.get(figure.profile as usize);
        profile.map_or(&[], |profile| profile.categories.as_slice())
    }

    fn of(packed: &[String]) -> Result<Self, StoreError> {
        let mut figures = Self::default();
        let mut list = Vec::new();
        for row in packed.iter().flat_map(|text| FigureRow::of_packed(text)) {
            list.push(figures.read(row.ok_or(PACKED)?)?);
        }
        list.sort_unstable_by_key(Figure::place);
        figures.list = list;
        Ok(figures)
    }

    /// Puts rows in the place of what is known of them.
    fn follow(&mut self, packed: &[String]) -> Result<(), StoreError> {
        for row in packed.iter().flat_map(|text| FigureRow::of_packed(text)) {
            let figure = self.read(row.ok_or(PACKED)?)?;
            match self
                .list
                .binary_search_by_key(&figure.place(), Figure::place)
            {
                Ok(place) => {
                    if let Some(known) = self.list.get_mut(place) {
                        *known = figure;
                    }
                }
                Err(place) => self.list.insert(place, figure),
            }
        }
        Ok(())
    }

    fn read(&mut self, row: FigureRow<'_>) -> Result<Figure, StoreError> {
        let decided_after = row.decided_at.map(|at| {
            let seconds = at.saturating_sub(row.at).max(0) / 1_000_000;
            u32::try_from(seconds).unwrap_or(u32::MAX)
        });
        Ok(Figure {
            id: parse_id(row.id)?,
            at: row.at,
            outcome: outcome(row.state, row.decided_as)?,
            decided_after,
            judgement: row.judgement.and_then(Judgement::of),
            severity: row.severity.and_then(severity),
            people: u32::try_from(row.people.unwrap_or(0)).unwrap_or(0),
            sender: row.sender,
            school: row.school.map(|id| self.schools.number(id)),
            group: row.sender_group.map(|id| self.groups.number(id)),
            profile: self.profile(row.rules, row.categories)?,
        })
    }

    fn profile(&mut self, rules: &str, categories: &str) -> Result<u32, StoreError> {
        let key = format!("{rules}\t{categories}");
        if let Some(number) = self.profile_numbers.get(&key) {
            return Ok(*number);
        }
        let ids: Vec<String> = from_json(rules)?;
        let profile = Profile {
            rules: ids.iter().map(|id| self.rules.number(id)).collect(),
            categories: from_json(categories)?,
        };
        let number = u32::try_from(self.profiles.len()).unwrap_or(u32::MAX);
        self.profiles.push(profile);
        self.profile_numbers.insert(key, number);
        Ok(number)
    }
}

impl Figure {
    fn place(&self) -> (i64, QueueId) {
        (self.at, self.id)
    }
}

fn outcome(state: &str, decided_as: Option<&str>) -> Result<FigureOutcome, StoreError> {
    Ok(match (state, decided_as) {
        ("turned-away", _) => FigureOutcome::TurnedAway,
        (_, Some("released")) => FigureOutcome::Released,
        (_, Some("refused")) => FigureOutcome::Refused,
        ("held" | "claimed" | "awaiting", None) => FigureOutcome::Waiting,
        // A purge of a decision that no ledger remembers ends as an expiry does: nobody can say more.
        ("expired" | "purged", None) => FigureOutcome::Expired,
        _ => return Err(StoreError::Corrupt("state of a hold")),
    })
}

fn severity(name: &str) -> Option<Severity> {
    [
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Criminal,
    ]
    .into_iter()
    .find(|severity| severity.name() == name)
}

/// Figures with the entry of the ledger that they are of.
#[derive(Debug)]
pub(super) struct Read {
    figures: Arc<Figures>,
    seq: i64,
    since: i64,
    when: SystemTime,
}

impl Custody {
    /// What reports count now, as far back as records are kept. The first call of a process reads everything; later ones what changed.
    pub async fn figures(&self, now: SystemTime) -> Result<Arc<Figures>, StoreError> {
        let mut kept = self.figures.lock().await;
        // The head before the rows: what commits in between is read again and stays as it is.
        let head = self.database.ledger_head().await?.map_or(0, |(seq, _)| seq);
        let is_of_use = |read: &&mut Read| {
            let age = now.duration_since(read.when).unwrap_or_default();
            (0..=FOLLOWED_AT_MOST).contains(&(head - read.seq))
                && age < ANEW_AFTER
                && read.since <= self.figures_since(now)
        };
        if let Some(read) = kept.as_mut().filter(is_of_use) {
            if read.seq < head {
                let rows = self.database.figures_after(read.seq).await?;
                Arc::make_mut(&mut read.figures).follow(&rows)?;
                read.seq = head;
            }
            return Ok(Arc::clone(&read.figures));
        }
        let since = self.figures_since(now);
        let rows = self.database.figures(since).await?;
        let figures = Arc::new(Figures::of(&rows)?);
        *kept = Some(Read {
            figures: Arc::clone(&figures),
            seq: head,
            since,
            when: now,
        });
        Ok(figures)
    }

    /// From when on records are kept, in microseconds since 1970 UTC: a report that begins before it says so.
    pub fn figures_since(&self, now: SystemTime) -> i64 {
        let kept = Duration::from_hours(24) * self.retention().event_days;
        micros(now).saturating_sub(span(kept))
    }

    /// What tells the same sender again in figures without naming them.
    pub fn sender_token(&self, sender: &Address) -> i64 {
        let hash = mac(&self.index, &[b"figures sender", sender.key().as_bytes()]);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        i64::from_be_bytes(bytes)
    }
}

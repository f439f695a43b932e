//! What only many messages together show of automatic forwarding: a state machine that is told of each message and gives marks.
//!
//! # Invariants
//! Pure: the time is handed in, and every name is a keyed hash made by the caller. Memory is bounded by the constants below; what is
//! oldest goes first. Ordinary mail leaves nothing behind but the hash of its Message-ID, so nobody is marked for writing often, at
//! night, or always to the same address: a pair of mailbox and target is kept only for mail that looks forwarded (an outside author,
//! or a quotation under `FW:` with nothing added). No mark here makes more than a suspicion.
//!
//! # Known gaps
//! A script that writes new messages under the mailbox's own name looks like a system that reports to a fixed address, which is no
//! forward: neither is marked. Message-IDs of mail that comes in are known only where that mail passes this relay.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::fingerprints::{Behavioural, Mark, PATTERNS};
use super::history::HabitMark;
use super::hours::Hours;

/// Pairs of mailbox and target that are kept; about 0.7 KB each.
pub const PAIRS_AT_MOST: usize = 2_048;
/// Message-IDs that are kept; about 60 bytes each.
pub const IDS_AT_MOST: usize = 32_768;
/// Targets of one message that are looked at: nobody forwards to a crowd by rule.
pub const TARGETS_AT_MOST: usize = 5;
/// Seconds after which a pair without mail is forgotten: 90 days.
const PAIR_KEPT: i64 = 90 * 86_400;
/// Seconds for which a Message-ID is remembered: 48 hours, as long as Microsoft 365 retries twice.
const ID_KEPT: i64 = 48 * 3_600;
/// Delays of a pair that are kept for their median.
const DELAYS: usize = 16;
/// Domains of authors that are kept of a pair.
const DOMAINS: usize = 8;

/// When a message passed: seconds since 1970 UTC, and day (since 1970) and hour by the trust's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    seconds: i64,
    day: i32,
    hour: u8,
}

impl Moment {
    /// The moment `at`, which is `local` by the trust's clocks.
    pub fn new(at: jiff::Timestamp, local: jiff::civil::DateTime) -> Self {
        let epoch = jiff::civil::Date::constant(1970, 1, 1);
        let hours = local.date().duration_since(epoch).as_hours();
        Self {
            seconds: at.as_second(),
            day: i32::try_from(hours.div_euclid(24)).unwrap_or_default(),
            hour: local.hour().unsigned_abs(),
        }
    }

    /// The day by the trust's clocks, since 1970.
    pub fn day(self) -> i32 {
        self.day
    }
}

/// What a message looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// Written by the mailbox it comes from, as far as can be told.
    #[default]
    Ordinary,
    /// Its author is outside: a redirect keeps the original From.
    Relayed,
    /// The mailbox's own, but nothing of it is new: a quoted message under a subject of forwarding.
    Quoted,
}

/// One message as the state machine sees it; every number but the times is a keyed hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passage {
    /// The mailbox that sent or forwarded it; `None` when nothing names it.
    pub mailbox: Option<u64>,
    /// Its recipients outside the trust; empty when there are more than [`TARGETS_AT_MOST`].
    pub targets: Vec<u64>,
    /// What it looks like.
    pub shape: Shape,
    /// The domain of its author.
    pub author_domain: u64,
    /// Seconds from its Date to now; a redirect keeps the original Date.
    pub lag: Option<u32>,
    /// Its Message-ID.
    pub message_id: Option<u64>,
    /// The message it answers or forwards.
    pub parent: Option<u64>,
    /// One of `targets` stands in its To or Cc.
    pub addressed: bool,
    /// It went to somebody of the trust as well, whose mailbox may pass it on.
    pub shared_inside: bool,
    /// It came from outside to the trust alone.
    pub inbound: bool,
}

/// One mailbox to one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Pair {
    last: i64,
    relayed: Hours,
    quoted: Hours,
    /// When, and how many seconds after its Date, relayed mail passed.
    delays: VecDeque<(i64, u32)>,
    /// Domains of outside authors, each with the last time.
    domains: Vec<(u64, i64)>,
}

impl Pair {
    fn note(&mut self, passage: &Passage, now: Moment) {
        self.last = self.last.max(now.seconds);
        match passage.shape {
            Shape::Ordinary => {}
            Shape::Quoted => self.quoted.note(now.day, now.hour),
            Shape::Relayed => {
                self.relayed.note(now.day, now.hour);
                if let Some(lag) = passage.lag {
                    self.delays.push_back((now.seconds, lag));
                    while self.delays.len() > DELAYS {
                        self.delays.pop_front();
                    }
                }
                self.domains
                    .retain(|(domain, _)| *domain != passage.author_domain);
                self.domains.push((passage.author_domain, now.seconds));
                if self.domains.len() > DOMAINS {
                    self.domains.remove(0);
                }
            }
        }
    }

    fn is_at_all_hours(&self, now: Moment, limits: &Behavioural) -> bool {
        let night = |hour| limits.night.contains(&hour);
        let both = self.relayed.joined(&self.quoted);
        let nights = both.tally(now.day, limits.days, night);
        nights.hours >= limits.all_hours.night_hours && nights.days >= limits.all_hours.nights
    }

    fn is_at_once(&self, now: Moment, limits: &Behavioural) -> bool {
        let since = now.seconds.saturating_sub(limits.at_once.seconds);
        let recent = self.delays.iter().filter(|(at, _)| *at > since);
        let mut lags: Vec<u32> = recent.map(|(_, lag)| *lag).collect();
        lags.sort_unstable();
        lags.len() >= limits.at_once.messages
            && lags
                .get(lags.len() / 2)
                .is_some_and(|median| *median < limits.at_once.lag_seconds)
    }

    fn has_many_authors(&self, now: Moment, limits: &Behavioural) -> bool {
        let since = now.seconds.saturating_sub(limits.many_authors.seconds);
        let recent = self.domains.iter().filter(|(_, at)| *at > since);
        recent.count() >= limits.many_authors.domains
    }

    fn is_round_the_clock(&self, now: Moment, limits: &Behavioural) -> bool {
        let rule = &limits.own_rules;
        let all = self.quoted.tally(now.day, limits.days, |_| true);
        let night = |hour| limits.night.contains(&hour);
        let nights = self.quoted.tally(now.day, limits.days, night);
        all.occasions >= rule.occasions
            && all.hours >= rule.hours
            && nights.hours >= rule.night_hours
            && nights.days >= rule.nights
    }
}

/// A Message-ID that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Id {
    at: i64,
    mailbox: Option<u64>,
    inbound: bool,
}

/// The state: what is remembered of mail that passed.
#[derive(Debug, Default)]
pub struct Behaviour {
    pairs: BTreeMap<(u64, u64), Pair>,
    ids: HashMap<u64, Id>,
    /// Message-IDs in the order in which they came.
    order: VecDeque<u64>,
}

/// The state as it is kept over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    pairs: Vec<(u64, u64, Pair)>,
    ids: Vec<(u64, i64, Option<u64>, bool)>,
}

impl Behaviour {
    /// The marks of this message, which [`Behaviour::note`] has not been told of: each id once, with its score.
    pub fn marks(&self, passage: &Passage, now: Moment) -> Vec<HabitMark> {
        let limits = &PATTERNS.file.behaviour;
        let mut found = Vec::new();
        let mut add = |holds: bool, mark: &Mark| {
            if holds && !found.iter().any(|known: &HabitMark| known.id == mark.id) {
                found.push(HabitMark {
                    id: mark.id.clone(),
                    score: mark.score,
                });
            }
        };
        if passage.inbound || passage.targets.is_empty() {
            return found;
        }
        add(self.is_echo(passage, now), &limits.echo.mark);
        if passage.shape == Shape::Ordinary {
            return found;
        }
        for target in &passage.targets {
            let key = key(passage, *target);
            let mut pair = self.pairs.get(&key).cloned().unwrap_or_default();
            pair.note(passage, now);
            let fixed = self.is_only_target(key, &pair, now, limits);
            add(pair.is_at_all_hours(now, limits), &limits.all_hours.mark);
            add(pair.is_at_once(now, limits), &limits.at_once.mark);
            add(
                pair.has_many_authors(now, limits),
                &limits.many_authors.mark,
            );
            add(
                fixed && pair.is_round_the_clock(now, limits),
                &limits.own_rules.mark,
            );
        }
        found
    }

    /// Remembers a message that was accepted or refused, and says whether anything of it is kept. A message that the client was told to
    /// send again is not to be told of.
    pub fn note(&mut self, passage: &Passage, now: Moment) -> bool {
        let mut kept = false;
        if let Some(id) = passage.message_id
            && (passage.inbound || passage.shared_inside || passage.shape != Shape::Ordinary)
        {
            self.note_id(id, passage, now);
            kept = true;
        }
        if passage.shape == Shape::Ordinary || passage.inbound {
            return kept;
        }
        for target in passage.targets.iter().take(TARGETS_AT_MOST) {
            let key = key(passage, *target);
            if !self.pairs.contains_key(&key) && self.pairs.len() >= PAIRS_AT_MOST {
                let oldest = self.pairs.iter().min_by_key(|(_, pair)| pair.last);
                if let Some(oldest) = oldest.map(|(key, _)| *key) {
                    self.pairs.remove(&oldest);
                }
            }
            self.pairs.entry(key).or_default().note(passage, now);
            kept = true;
        }
        kept
    }

    fn note_id(&mut self, id: u64, passage: &Passage, now: Moment) {
        self.forget_ids(now);
        if self.ids.contains_key(&id) {
            return;
        }
        while self.order.len() >= IDS_AT_MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.ids.remove(&oldest);
            }
        }
        self.order.push_back(id);
        let known = Id {
            at: now.seconds,
            mailbox: passage.mailbox,
            inbound: passage.inbound,
        };
        self.ids.insert(id, known);
    }

    fn forget_ids(&mut self, now: Moment) {
        let before = now.seconds.saturating_sub(ID_KEPT);
        while let Some(id) = self.order.front() {
            if self.ids.get(id).is_some_and(|known| known.at >= before) {
                return;
            }
            self.ids.remove(id);
            self.order.pop_front();
        }
    }

    /// Forgets what is past its time.
    pub fn forget(&mut self, now: Moment) {
        self.forget_ids(now);
        let before = now.seconds.saturating_sub(PAIR_KEPT);
        self.pairs.retain(|_, pair| pair.last >= before);
    }

    /// A Message-ID that came in goes out again, or one that went out comes from another mailbox to somebody it was not addressed
    /// to; or a quotation follows at once on the message it quotes. A server that splits a message by recipients keeps its sender.
    fn is_echo(&self, passage: &Passage, now: Moment) -> bool {
        let known = |id: Option<u64>| {
            let known = self.ids.get(&id?)?;
            (now.seconds.saturating_sub(known.at) <= ID_KEPT).then_some(known)
        };
        let again = known(passage.message_id).is_some_and(|known| {
            let relayed = known.inbound && passage.shape == Shape::Relayed;
            relayed || (!known.inbound && !passage.addressed && known.mailbox != passage.mailbox)
        });
        let seconds = PATTERNS.file.behaviour.echo.reply_seconds;
        let quoted = passage.shape == Shape::Quoted
            && known(passage.parent).is_some_and(|known| {
                known.inbound && now.seconds.saturating_sub(known.at) <= seconds
            });
        again || quoted
    }

    /// Whether nearly all that this mailbox quotes goes to this target.
    fn is_only_target(
        &self,
        key: (u64, u64),
        pair: &Pair,
        now: Moment,
        limits: &Behavioural,
    ) -> bool {
        let occasions = |pair: &Pair| pair.quoted.tally(now.day, limits.days, |_| true).occasions;
        let others = self.pairs.range((key.0, 0)..=(key.0, u64::MAX));
        let elsewhere: u32 = others
            .filter(|(other, _)| **other != key)
            .map(|(_, other)| occasions(other))
            .sum();
        elsewhere.saturating_mul(limits.own_rules.elsewhere_one_in) <= occasions(pair)
    }

    /// The state for keeping.
    pub fn snapshot(&self) -> Snapshot {
        let pairs = self.pairs.iter();
        let ids = self.order.iter().filter_map(|id| {
            let known = self.ids.get(id)?;
            Some((*id, known.at, known.mailbox, known.inbound))
        });
        Snapshot {
            pairs: pairs
                .map(|(key, pair)| (key.0, key.1, pair.clone()))
                .collect(),
            ids: ids.collect(),
        }
    }

    /// The state that was kept. More than fits is left out.
    pub fn restored(snapshot: Snapshot) -> Self {
        let mut state = Self::default();
        for (mailbox, target, mut pair) in snapshot.pairs.into_iter().take(PAIRS_AT_MOST) {
            pair.delays.truncate(DELAYS);
            pair.domains.truncate(DOMAINS);
            state.pairs.insert((mailbox, target), pair);
        }
        let surplus = snapshot.ids.len().saturating_sub(IDS_AT_MOST);
        for (id, at, mailbox, inbound) in snapshot.ids.into_iter().skip(surplus) {
            let known = Id {
                at,
                mailbox,
                inbound,
            };
            if state.ids.insert(id, known).is_none() {
                state.order.push_back(id);
            }
        }
        state
    }

    /// Pairs and Message-IDs in memory, for metrics.
    pub fn sizes(&self) -> (usize, usize) {
        (self.pairs.len(), self.ids.len())
    }
}

/// The mark of this id, with the score it has.
pub fn mark(id: &str) -> Option<HabitMark> {
    let marks = PATTERNS.file.behaviour.marks();
    let mark = marks.into_iter().find(|mark| &*mark.id == id)?;
    Some(HabitMark {
        id: mark.id.clone(),
        score: mark.score,
    })
}

/// Mail whose mailbox nothing names counts by its target alone.
fn key(passage: &Passage, target: u64) -> (u64, u64) {
    (passage.mailbox.unwrap_or_default(), target)
}

//! What another policy would have done with the messages of the past weeks.
//!
//! # Invariants
//! Counts, dates, rule ids and references of messages: no sender, no recipient, no value. It is a job: one at a time on a node, off the
//! threads that answer.

use std::time::{Duration, SystemTime};

use super::jobs::Job;
use super::needs;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::policy::{Difference, Policy, Replay};
use crate::store::{Custody, StoreError};

/// Messages that are named as examples.
const EXAMPLES: usize = 10;
/// Messages that are looked at: a large trust sends so many in a month, and judging them takes about a minute.
const LOOKED_AT: u64 = 500_000;

/// From one action to another, in so many messages.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct MovedLine {
    /// What was decided.
    pub from: &'static str,
    /// What the other policy would decide.
    pub to: &'static str,
    /// In so many messages.
    pub messages: u64,
}

/// What would become of one rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RuleMovedLine {
    /// Its id.
    pub rule: String,
    /// Messages it fired for.
    pub fired: u64,
    /// Messages it would fire for.
    pub would_fire: u64,
}

/// A message that would have been treated otherwise.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ExampleLine {
    /// Its reference.
    pub reference: String,
    /// When, by the trust's clock.
    pub at: String,
    /// What was decided.
    pub from: &'static str,
    /// What would be.
    pub to: &'static str,
    /// The rules that would fire.
    pub rules: Vec<String>,
}

/// What another policy would have done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Replayed {
    /// Messages that were looked at.
    pub messages: u64,
    /// There were more than are looked at.
    pub more: bool,
    /// The first and the last day of them.
    pub first: Option<String>,
    /// See `first`.
    pub last: Option<String>,
    /// For which the action would be another.
    pub changed: u64,
    /// Of them, for which it would be stricter.
    pub stricter: u64,
    /// Of which less was kept than there was, or nothing that can be read.
    pub doubtful: u64,
    /// From action to action; first those that would change.
    pub moved: Vec<MovedLine>,
    /// Rules for which something would be different.
    pub rules: Vec<RuleMovedLine>,
    /// Messages to look at.
    pub examples: Vec<ExampleLine>,
    /// Rules that cannot be tried, and the header that is not kept.
    pub untried: Vec<(String, String)>,
}

/// Tries a proposal on what passed in the last days.
pub async fn begin(site: &Site, caller: &Caller, id: &str, days: u32) -> Result<(), Refusal> {
    needs(caller, Permission::ChangePolicies)?;
    let proposal = site.store().find_policy_proposal(id).await?;
    let text = site.store().open_policy_proposal(proposal.id).await?.text;
    let policy = Policy::parse("proposal", &text).map_err(|_| wrong())?;
    let policy = site.premises().fitted(&policy).map_err(Refusal::Wrong)?;
    let since = site
        .now()
        .checked_sub(Duration::from_hours(24 * u64::from(days.clamp(1, 366))))
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let store = site.store().clone();
    let runtime = tokio::runtime::Handle::current();
    let work = async move {
        // Judging is all work and no waiting: it goes to a thread of its own.
        let task =
            tokio::task::spawn_blocking(move || runtime.block_on(replayed(&store, &policy, since)));
        task.await.map_err(|_| Refusal::Fault("replay"))?
    };
    site.work()
        .replays
        .begin(&proposal.id.to_string(), site.now(), work)
        .await
}

/// The whole id of a proposal, and what trying it came to.
pub async fn last(
    site: &Site,
    caller: &Caller,
    id: &str,
) -> Result<(String, Option<Job<Replayed>>), Refusal> {
    needs(caller, Permission::SeePolicies)?;
    let proposal = site.store().find_policy_proposal(id).await?;
    let id = proposal.id.to_string();
    let job = site.work().replays.of(&id);
    Ok((id, job))
}

async fn replayed(
    store: &Custody,
    policy: &Policy,
    since: SystemTime,
) -> Result<Replayed, Refusal> {
    let mut replay = Replay::new(policy, EXAMPLES);
    let mut reader = store.facts_since(since);
    let mut looked_at = 0u64;
    let mut more = false;
    loop {
        match reader.next().await {
            Ok(Some(_)) if looked_at == LOOKED_AT => {
                more = true;
                break;
            }
            Ok(Some(kept)) => replay.add(&kept.id.reference(), &kept.facts),
            Ok(None) => break,
            Err(StoreError::Corrupt(_)) => replay.unreadable(),
            Err(error) => return Err(error.into()),
        }
        looked_at += 1;
    }
    Ok(lines(replay.finish(), more))
}

fn wrong() -> Refusal {
    Refusal::Wrong("This policy cannot be read by this version any more.".to_owned())
}

fn lines(done: Difference, more: bool) -> Replayed {
    let day = |at: jiff::civil::DateTime| at.date().to_string();
    let mut moved: Vec<MovedLine> = done
        .actions
        .iter()
        .map(|moved| MovedLine {
            from: moved.from.name(),
            to: moved.to.name(),
            messages: moved.messages,
        })
        .collect();
    moved.sort_by_key(|line| (line.from == line.to, u64::MAX - line.messages));
    let example = |example: crate::policy::replay::Example| ExampleLine {
        reference: example.reference,
        at: example.at.strftime("%-d %B %Y, %H:%M").to_string(),
        from: example.from.name(),
        to: example.to.name(),
        rules: example.would_fire,
    };
    Replayed {
        messages: done.messages,
        more,
        first: done.first.map(day),
        last: done.last.map(day),
        changed: done.changed,
        stricter: done.stricter,
        doubtful: done.cut + done.unreadable,
        moved,
        rules: done
            .rules
            .iter()
            .map(|rule| RuleMovedLine {
                rule: rule.rule.clone(),
                fired: rule.fired,
                would_fire: rule.would_fire,
            })
            .collect(),
        examples: done.examples.into_iter().map(example).collect(),
        untried: done
            .untried
            .into_iter()
            .map(|untried| (untried.rule, untried.header))
            .collect(),
    }
}

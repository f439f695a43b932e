//! `policy`: tries a changed policy on what passed, and brings a change past a second person.
//!
//! # Invariants
//! No address is printed: references, dates, counts, rule ids. Only a policy that parses and has no error of its own can be proposed.
//!
//! Two people are told apart by name and by login. The login is the one the kernel keeps for the session (`/proc/self/loginuid`, which
//! sudo and su leave alone); where there is none, it is the user id, or `SUDO_UID` for root, whose word for it must be taken: whoever is
//! root can write to the store anyway, and then only a ledger head that was noted elsewhere shows it. In a container where everybody
//! is root, nobody is a second person.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::admission::short;
use crate::app::cli::{PolicyArgs, PolicyCommand};
use crate::app::config::Config;
use crate::app::holds::{login_name, rfc3339};
use crate::app::tools::{self, ToolsError};
use crate::app::wiring::{self, StartError};
use crate::policy::{Difference, Gravity, Policy, Replay, compared};
use crate::store::{
    Custody, NewProposal, Person, Proposal, ProposalError, ProposalState, StoreError,
};

/// Messages shown for `policy show`.
const EXAMPLES: usize = 10;

/// Why a command about policies did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PolicyCommandError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The policy cannot be used.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The step is not taken.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
    /// The policy has errors.
    #[error("`{file}` is not proposed; mend:\n  {}", .problems.join("\n  "))]
    Problems {
        /// The file.
        file: String,
        /// Its errors.
        problems: Vec<String>,
    },
    /// Without a reason nobody can judge a change.
    #[error("--reason: found nothing; allowed: a sentence that says why")]
    NoReason,
    /// A span is none.
    #[error(
        "--since: found `{0}`; allowed: a span such as 30d or 12h, or a day such as 2026-11-01"
    )]
    Since(String),
    /// Nobody is inside.
    #[error(
        "trust.internal_domains: found none; a policy cannot tell inside from outside; name the configuration with --config, or use \
         --internal-domain D"
    )]
    NoDomains,
}

impl PolicyCommandError {
    /// Whether the answer is no rather than something being broken or unusable.
    pub fn is_no(&self) -> bool {
        match self {
            Self::Store(error) | Self::Proposal(ProposalError::Store(error)) => {
                matches!(error, StoreError::Missing | StoreError::Ambiguous)
            }
            Self::Proposal(_) => true,
            _ => false,
        }
    }

    /// Whether the command line, the configuration or a policy must be mended.
    pub fn is_unusable(&self) -> bool {
        matches!(
            self,
            Self::Tools(_)
                | Self::Problems { .. }
                | Self::NoReason
                | Self::Since(_)
                | Self::NoDomains
                | Self::Start(StartError::Settings(_))
        )
    }
}

/// Does what `policy` was asked.
pub async fn run(
    args: &PolicyArgs,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), PolicyCommandError> {
    let store = wiring::open_store(config, false).await?;
    let now = SystemTime::now();
    let zone = tools::zone(&config.trust)?;
    match &args.command {
        PolicyCommand::Replay {
            since,
            with,
            examples,
            json,
        } => {
            let policy = named(config, with)?;
            let since = since_when(since, &zone, now)?;
            let done = replay(&store, &policy, since, *examples).await?;
            if *json {
                writeln!(out, "{}", serde_json::to_string(&done).unwrap_or_default())?;
            } else {
                write!(out, "{done}")?;
            }
            Ok(())
        }
        PolicyCommand::Proposals { json } => list(&store, *json, out).await,
        PolicyCommand::Show { id, since } => {
            let proposal = store.find_policy_proposal(id).await?;
            let since = since_when(since, &zone, now)?;
            show(&store, config, &proposal, since, out).await
        }
        PolicyCommand::Propose { actor, .. }
        | PolicyCommand::Approve { actor, .. }
        | PolicyCommand::Reject { actor, .. } => {
            let actor = actor.clone().unwrap_or_else(login_name);
            let login = login();
            let by = Person {
                actor: &actor,
                login: &login,
            };
            step(&args.command, (&store, config), by, now, out).await
        }
    }
}

/// Takes a step of a change in somebody's name.
async fn step(
    command: &PolicyCommand,
    (store, config): (&Custody, &Config),
    by: Person<'_>,
    now: SystemTime,
    out: &mut dyn Write,
) -> Result<(), PolicyCommandError> {
    match command {
        PolicyCommand::Propose { file, reason, .. } => {
            let id = propose(store, config, file, reason, by, now).await?;
            writeln!(
                out,
                "proposed {id}; a second person looks at it and decides: beadle policy show {id}; beadle policy approve {id} --reason TEXT"
            )?;
        }
        PolicyCommand::Approve {
            id,
            reason,
            emergency,
            ..
        } => {
            let proposal = store.find_policy_proposal(id).await?;
            let reason = given(reason)?;
            let state = store.approve_policy(proposal.id, by, reason, *emergency, now);
            approved(&proposal, state.await?, config, out)?;
        }
        PolicyCommand::Reject { id, reason, .. } => {
            let proposal = store.find_policy_proposal(id).await?;
            let reason = given(reason)?;
            store.reject_policy(proposal.id, by, reason, now).await?;
            writeln!(out, "rejected {}", proposal.id)?;
            if proposal.state == ProposalState::Emergency {
                writeln!(
                    out,
                    "a relay that enforces it goes on until an approved file is put back and it reloads"
                )?;
            }
        }
        PolicyCommand::Replay { .. }
        | PolicyCommand::Proposals { .. }
        | PolicyCommand::Show { .. } => {}
    }
    Ok(())
}

/// What the machine knows the person at the keyboard by.
pub(super) fn login() -> String {
    let session = std::fs::read_to_string("/proc/self/loginuid").ok();
    let session = session.and_then(|text| text.trim().parse::<u32>().ok());
    // The kernel's word for "none" is the greatest number.
    let session = session.filter(|uid| *uid != u32::MAX);
    let own = rustix::process::getuid().as_raw();
    let sudo = || std::env::var("SUDO_UID").ok()?.parse::<u32>().ok();
    let uid = session.or_else(|| if own == 0 { sudo() } else { None });
    format!("uid {}", uid.unwrap_or(own))
}

fn given(reason: &str) -> Result<&str, PolicyCommandError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(PolicyCommandError::NoReason);
    }
    Ok(reason)
}

/// The moment that `30d`, `12h` or a day means, where the trust is.
fn since_when(
    text: &str,
    zone: &TimeZone,
    now: SystemTime,
) -> Result<SystemTime, PolicyCommandError> {
    let wrong = || PolicyCommandError::Since(text.to_owned());
    let moment = if let Ok(day) = text.parse::<jiff::civil::Date>() {
        day.to_datetime(jiff::civil::Time::midnight())
    } else {
        let span: jiff::Span = text.parse().map_err(|_| wrong())?;
        let now = Timestamp::try_from(now).unwrap_or_default();
        let moment = zone.to_datetime(now).checked_sub(span.abs());
        moment.map_err(|_| wrong())?
    };
    let moment = zone.to_timestamp(moment).map_err(|_| wrong())?;
    let seconds = u64::try_from(moment.as_second()).unwrap_or_default();
    Ok(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A built-in policy or a file, with the trust's domains.
fn named(config: &Config, name: &str) -> Result<Policy, PolicyCommandError> {
    if config.trust.internal_domains.is_empty() {
        return Err(PolicyCommandError::NoDomains);
    }
    let mut trust = config.trust.clone();
    name.clone_into(&mut trust.policy);
    Ok(tools::read_policy(&trust)?.policy)
}

/// Judges what is on record by a policy.
pub async fn replay(
    store: &Custody,
    policy: &Policy,
    since: SystemTime,
    examples: usize,
) -> Result<Difference, StoreError> {
    let mut replay = Replay::new(policy, examples);
    let mut reader = store.facts_since(since);
    loop {
        match reader.next().await {
            Ok(Some(kept)) => replay.add(&kept.id.reference(), &kept.facts),
            Ok(None) => return Ok(replay.finish()),
            Err(StoreError::Corrupt(_)) => replay.unreadable(),
            Err(error) => return Err(error),
        }
    }
}

/// Puts the policy of a file on record, if it is one without errors.
pub async fn propose(
    store: &Custody,
    config: &Config,
    file: &Path,
    reason: &str,
    by: Person<'_>,
    at: SystemTime,
) -> Result<crate::mail::QueueId, PolicyCommandError> {
    let reason = given(reason)?;
    let name = file.display().to_string();
    let text = tools::read_text(file)?;
    let policy = Policy::parse(&name, &text).map_err(ToolsError::from)?;
    let zone = tools::zone(&config.trust)?;
    let now = Timestamp::try_from(at).unwrap_or_default();
    let mut problems = tools::with_domains(&policy, &config.trust)?.check();
    problems.extend(policy.overlong(zone.to_datetime(now).date()));
    problems.retain(|problem| problem.gravity == Gravity::Error);
    if !problems.is_empty() {
        let problems = problems.iter().map(ToString::to_string).collect();
        return Err(PolicyCommandError::Problems {
            file: name,
            problems,
        });
    }
    let new = NewProposal {
        text: &text,
        reason,
        second_person: policy.governance.changes.second_person,
        by,
        at,
    };
    Ok(store.propose_policy(new).await?)
}

fn approved(
    proposal: &Proposal,
    state: ProposalState,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), PolicyCommandError> {
    let id = proposal.id;
    if state == ProposalState::Emergency {
        writeln!(
            out,
            "{id} may be enforced as an emergency; a second person must still approve it: beadle policy approve {id} --reason TEXT"
        )?;
    } else {
        writeln!(out, "approved {id}")?;
    }
    writeln!(
        out,
        "it is enforced once its file is the configured policy (now `{}`) and the relay reloads (SIGHUP)",
        config.trust.policy
    )?;
    Ok(())
}

async fn list(store: &Custody, json: bool, out: &mut dyn Write) -> Result<(), PolicyCommandError> {
    let enforced = store.policy_enforced().await?;
    let proposals = store.policy_proposals().await?;
    for proposal in &proposals {
        let in_force = enforced.as_deref() == Some(&*proposal.sha256);
        let at = rfc3339(proposal.at);
        let (id, state) = (proposal.id, proposal.state.name());
        if json {
            let line = serde_json::json!({
                "id": id.to_string(), "at": at, "state": state, "requester": proposal.requester, "approver": proposal.approver,
                "decided_at": proposal.decided_at.map(rfc3339), "before": proposal.before, "sha256": proposal.sha256,
                "in_force": in_force,
            });
            writeln!(out, "{line}")?;
        } else {
            let mark = if in_force { "  in force" } else { "" };
            let by = proposal.approver.as_ref();
            let by = by.map_or_else(String::new, |by| format!(", {state} by {by}"));
            writeln!(
                out,
                "{id}  {at}  {state:<9} {}  by {}{by}{mark}",
                short(&proposal.sha256),
                proposal.requester
            )?;
        }
    }
    if !json {
        match enforced {
            Some(what) => writeln!(out, "in force: {}", short(&what))?,
            None => writeln!(out, "no relay has enforced a policy from this store yet")?,
        }
    }
    Ok(())
}

/// Shows a policy on record: who and why, what it changes in words, and what it would have done.
async fn show(
    store: &Custody,
    config: &Config,
    proposal: &Proposal,
    since: SystemTime,
    out: &mut dyn Write,
) -> Result<(), PolicyCommandError> {
    let opened = store.open_policy_proposal(proposal.id).await?;
    writeln!(out, "Policy     {}", proposal.id)?;
    writeln!(out, "State      {}", proposal.state.name())?;
    writeln!(
        out,
        "Proposed   {} by {}: {}",
        rfc3339(proposal.at),
        proposal.requester,
        opened.reason
    )?;
    if let (Some(at), Some(by)) = (proposal.decided_at, &proposal.approver) {
        writeln!(out, "Decided    {} by {by}", rfc3339(at))?;
    }
    writeln!(out, "SHA-256    {}", proposal.sha256)?;
    let name = proposal.id.to_string();
    let parsed = Policy::parse(&name, &opened.text).map_err(ToolsError::from)?;
    let (what, before) = in_force(store, config).await?;
    writeln!(out, "\nCompared with {what}:")?;
    let lines = compared(&before, &parsed);
    for line in &lines {
        writeln!(out, "  {line}")?;
    }
    if lines.is_empty() {
        writeln!(out, "  no difference")?;
    }
    if config.trust.internal_domains.is_empty() {
        writeln!(out, "\n{}", PolicyCommandError::NoDomains)?;
        return Ok(());
    }
    let judging = tools::with_domains(&parsed, &config.trust)?;
    let done = replay(store, &judging, since, EXAMPLES).await?;
    writeln!(out, "\nWhat it would have done: {done}")?;
    Ok(())
}

/// The policy in force without the trust's domains, and what to call it.
async fn in_force(
    store: &Custody,
    config: &Config,
) -> Result<(String, Policy), PolicyCommandError> {
    let Some(what) = store.policy_enforced().await? else {
        let mut trust = config.trust.clone();
        trust.internal_domains.clear();
        trust.partner_domains.clear();
        let name = format!("`{}`, which is configured", trust.policy);
        return Ok((name, tools::read_policy(&trust)?.policy));
    };
    let proposals = store.policy_proposals().await?;
    let of_file = proposals.iter().find(|known| known.sha256 == what);
    let Some(known) = of_file else {
        let policy = Policy::embedded(&what).map_err(ToolsError::from)?;
        return Ok((format!("`{what}`, which is in force"), policy));
    };
    let text = store.open_policy_proposal(known.id).await?.text;
    let name = known.id.to_string();
    let policy = Policy::parse(&name, &text).map_err(ToolsError::from)?;
    Ok((format!("{name}, which is in force"), policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_days_are_moments() {
        let ago = |text: &str| {
            let now = SystemTime::now();
            let since = since_when(text, &TimeZone::UTC, now).unwrap();
            (now.duration_since(since).unwrap().as_secs() + 1) / 3600
        };
        assert_eq!(ago("12h"), 12);
        assert_eq!(ago("30d"), 30 * 24);
        assert!(ago("2026-01-01") > 24);
        assert!(since_when("soon", &TimeZone::UTC, SystemTime::now()).is_err());
    }
}

//! Changes of the policy: what is proposed, what it would change, and a second person's yes or no.
//!
//! # Invariants
//! Only a text that parses, fits the trust and has no error of its own is put on record. Who asks does not approve: the store says so in the
//! transaction. What is approved is not yet in force: its file must be put where the relay reads it, on the host.

use jiff::Timestamp;

use super::compare::{self, DiffLine};
use super::moment::Moment;
use super::{needs, policies, reason};
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::policy::{Gravity, Policy, PolicyError, compared};
use crate::quarantine::desk::DeskError;
use crate::store::{
    HoldState, NewProposal, Person, Proposal, ProposalError, ProposalState, StoreError,
};

/// Proposals that are listed.
const LISTED: usize = 50;

/// A policy on record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ProposalLine {
    /// Its id.
    pub id: String,
    /// When it was proposed or first enforced.
    pub at: Moment,
    /// `proposed`, `approved`, `emergency`, `rejected`, `adopted` or `changed`.
    pub state: &'static str,
    /// Who proposed it.
    pub requester: String,
    /// Who decided it.
    pub approver: Option<String>,
    /// When.
    pub decided_at: Option<Moment>,
    /// The SHA-256 of its text.
    pub sha256: String,
    /// A relay enforces it.
    pub in_force: bool,
}

/// One policy on record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ProposalPage {
    /// As in the list.
    pub line: ProposalLine,
    /// Why it was proposed.
    pub reason: String,
    /// Its text.
    pub text: String,
    /// What it changes, in words; `None` when one of both cannot be read any more.
    pub changes: Option<Vec<String>>,
    /// The same line by line; `None` when too much differs.
    pub lines: Option<Vec<DiffLine>>,
    /// The caller proposed it: somebody else approves.
    pub own: bool,
    /// Somebody may still say yes or no.
    pub open: bool,
}

/// Something that must be mended in a policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ProblemLine {
    /// The line of the text.
    pub line: Option<usize>,
    /// The key, where one is to blame.
    pub key: Option<String>,
    /// What is wrong and how to mend it.
    pub text: String,
}

/// What became of a text that was to be proposed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub enum Proposed {
    /// It is on record under this id.
    Made(String),
    /// It is not: mend these.
    Problems(Vec<ProblemLine>),
}

/// Policies on record, newest first.
pub async fn list(site: &Site, caller: &Caller) -> Result<Vec<ProposalLine>, Refusal> {
    needs(caller, Permission::SeePolicies)?;
    let enforced = site.store().policy_enforced().await?;
    let all = site.store().policy_proposals().await?;
    let all = all.iter().take(LISTED);
    Ok(all.map(|one| line(one, enforced.as_deref())).collect())
}

/// One policy on record.
pub async fn show(site: &Site, caller: &Caller, id: &str) -> Result<ProposalPage, Refusal> {
    needs(caller, Permission::SeePolicies)?;
    let proposal = site.store().find_policy_proposal(id).await?;
    let opened = site.store().open_policy_proposal(proposal.id).await?;
    let enforced = site.store().policy_enforced().await?;
    let parsed = Policy::parse("proposal", &opened.text).ok();
    let before = policies::text_in_force(site).await.ok();
    let (changes, lines) = match (&before, &parsed) {
        (Some((text, before)), Some(after)) => (
            Some(compared(before, after)),
            compare::lines(text, &opened.text),
        ),
        _ => (None, None),
    };
    let own = crate::store::same_name(&proposal.requester, caller.actor());
    Ok(ProposalPage {
        line: line(&proposal, enforced.as_deref()),
        reason: opened.reason,
        text: opened.text,
        changes,
        lines,
        own,
        open: matches!(
            proposal.state,
            ProposalState::Proposed | ProposalState::Emergency
        ),
    })
}

/// Puts a text on record for a second person, if nothing in it must be mended.
pub async fn propose(
    site: &Site,
    caller: &Caller,
    text: &str,
    why: &str,
) -> Result<Proposed, Refusal> {
    needs(caller, Permission::ChangePolicies)?;
    let why = reason(why)?;
    // Forms send lines as the network does.
    let text = text.replace("\r\n", "\n");
    let policy = match checked(site, &text) {
        Ok(policy) => policy,
        Err(problems) => return Ok(Proposed::Problems(problems)),
    };
    let login = login(caller);
    let new = NewProposal {
        text: &text,
        reason: why,
        second_person: policy.governance.changes.second_person,
        by: Person {
            actor: caller.actor(),
            login: &login,
        },
        at: site.now(),
    };
    let made = site.store().propose_policy(new).await;
    Ok(Proposed::Made(made.map_err(refused)?.to_string()))
}

/// What must be mended in a text before it can be proposed.
fn checked(site: &Site, text: &str) -> Result<Policy, Vec<ProblemLine>> {
    let policy = Policy::parse("policy", text).map_err(mistakes)?;
    let fitted = site.premises().fitted(&policy).map_err(|text| {
        vec![ProblemLine {
            line: None,
            key: None,
            text,
        }]
    })?;
    let now = Timestamp::try_from(site.now()).unwrap_or_default();
    let today = site.time_zone().to_datetime(now).date();
    let mut problems = fitted.check();
    problems.extend(policy.overlong(today));
    problems.retain(|problem| problem.gravity == Gravity::Error);
    if problems.is_empty() {
        return Ok(policy);
    }
    let line = |problem: crate::policy::Problem| ProblemLine {
        line: problem.line,
        key: None,
        text: problem.text,
    };
    Err(problems.into_iter().map(line).collect())
}

fn mistakes(error: PolicyError) -> Vec<ProblemLine> {
    match error {
        PolicyError::Mistakes { mistakes, .. } => mistakes
            .into_iter()
            .map(|mistake| ProblemLine {
                line: Some(mistake.line),
                key: (!mistake.key.is_empty()).then(|| mistake.key.clone()),
                text: format!(
                    "found {}; allowed: {}; {}",
                    mistake.found, mistake.allowed, mistake.mend
                ),
            })
            .collect(),
        other @ PolicyError::UnknownName { .. } => vec![ProblemLine {
            line: None,
            key: None,
            text: other.to_string(),
        }],
    }
}

/// Says yes. In an emergency whoever proposed it takes it upon themselves, and a second person must still say yes.
pub async fn approve(
    site: &Site,
    caller: &Caller,
    id: &str,
    why: &str,
    emergency: bool,
) -> Result<ProposalState, Refusal> {
    needs(caller, Permission::ChangePolicies)?;
    let why = reason(why)?;
    let proposal = site.store().find_policy_proposal(id).await?;
    let login = login(caller);
    let by = Person {
        actor: caller.actor(),
        login: &login,
    };
    let done = site
        .store()
        .approve_policy(proposal.id, by, why, emergency, site.now())
        .await;
    done.map_err(refused)
}

/// Says no, or takes an own proposal back.
pub async fn reject(site: &Site, caller: &Caller, id: &str, why: &str) -> Result<(), Refusal> {
    needs(caller, Permission::ChangePolicies)?;
    let why = reason(why)?;
    let proposal = site.store().find_policy_proposal(id).await?;
    let login = login(caller);
    let by = Person {
        actor: caller.actor(),
        login: &login,
    };
    let done = site
        .store()
        .reject_policy(proposal.id, by, why, site.now())
        .await;
    done.map_err(refused)
}

/// What the store tells people apart by, beside their names: as the desk's.
fn login(caller: &Caller) -> String {
    format!("{}:{}", caller.account.kind.name(), caller.account.login)
}

fn refused(error: ProposalError) -> Refusal {
    match error {
        ProposalError::Store(error) => error.into(),
        // A page of a moment ago: somebody else was first.
        ProposalError::Decided(_) => Refusal::Desk(DeskError::Store(StoreError::Conflict {
            state: HoldState::Held,
            by: None,
        })),
        ProposalError::SamePerson(_) => Refusal::Wrong(
            "Somebody else must decide this: you proposed it.".to_owned(),
        ),
        ProposalError::Known { id, state } => Refusal::Wrong(format!(
            "The same text is on record already, as {id} ({}).",
            state.name()
        )),
        ProposalError::NotRequester(_) => Refusal::Wrong(
            "An emergency is for the person who proposed it. You can approve it as the second person.".to_owned(),
        ),
    }
}

fn line(proposal: &Proposal, enforced: Option<&str>) -> ProposalLine {
    ProposalLine {
        id: proposal.id.to_string(),
        at: proposal.at.into(),
        state: proposal.state.name(),
        requester: proposal.requester.clone(),
        approver: proposal.approver.clone(),
        decided_at: proposal.decided_at.map(Moment),
        sha256: proposal.sha256.clone(),
        in_force: enforced == Some(&*proposal.sha256),
    }
}

//! Changes of the policy: what is proposed, who approves it, and which policy a relay may enforce.
//!
//! # Invariants
//! Who asks for a change does not approve it: another name, and another login where the machine knows one. Every step and its ledger
//! entry are one transaction. The text of a policy and the reasons are sealed; the ledger has hashes of them, the names of those who
//! acted, and nothing else. Any text that was ever approved may be enforced again: nodes that are behind, and a way back.
//!
//! # Known gaps
//! Whoever may write to the database and read the key can write anything; against that person stands only a head of the ledger that
//! was noted elsewhere. The trust's domains in the configuration are no part of a policy's text.

use std::fmt;
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::Custody;
use super::clock::{micros, time};
use super::delivered::mac;
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::{hex, json_text, parse};
use super::rows::{Admission, ProposalRow, Step};
use super::seal::Kind;
use crate::mail::QueueId;

/// Bytes of the keyed hash of a reason.
const MARK: usize = 16;

/// The SHA-256 of a policy's text, in hexadecimal.
pub fn policy_sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The name that goes into the ledger.
    pub actor: &'a str,
    /// What the machine knows them by (`uid 1004`), or empty when it cannot tell people apart.
    pub login: &'a str,
}

/// What has become of a policy's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProposalState {
    /// It waits for a second person.
    Proposed,
    /// A second person approved it.
    Approved,
    /// The requester put it into force alone; a second person must still approve it.
    Emergency,
    /// Somebody said no.
    Rejected,
    /// It was the first to be enforced.
    Adopted,
    /// It was changed where the policy before asked for no second person.
    Changed,
}

impl ProposalState {
    /// The name used in records and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Emergency => "emergency",
            Self::Rejected => "rejected",
            Self::Adopted => "adopted",
            Self::Changed => "changed",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let all = [
            Self::Proposed,
            Self::Approved,
            Self::Emergency,
            Self::Rejected,
            Self::Adopted,
            Self::Changed,
        ];
        all.into_iter().find(|state| state.name() == name)
    }

    /// Whether a relay may enforce it.
    pub fn may_be_enforced(self) -> bool {
        !matches!(self, Self::Proposed | Self::Rejected)
    }
}

/// A policy to be proposed.
#[derive(Debug, Clone, Copy)]
pub struct NewProposal<'a> {
    /// The text of the file; whoever proposes it has read and checked it.
    pub text: &'a str,
    /// Why.
    pub reason: &'a str,
    /// A change of this policy needs a second person.
    pub second_person: bool,
    /// Who.
    pub by: Person<'a>,
    /// When.
    pub at: SystemTime,
}

/// A policy's text on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its id.
    pub id: QueueId,
    /// When it was proposed or first enforced.
    pub at: SystemTime,
    /// What has become of it.
    pub state: ProposalState,
    /// Who proposed it.
    pub requester: String,
    /// What was in force then: a built-in policy's name, the SHA-256 of a file, or empty.
    pub before: String,
    /// The SHA-256 of its text.
    pub sha256: String,
    /// When it was decided.
    pub decided_at: Option<SystemTime>,
    /// Who decided it.
    pub approver: Option<String>,
    /// When a relay last began to enforce it.
    pub enforced_at: Option<SystemTime>,
}

/// What is sealed of a proposal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalText {
    /// The policy's text.
    pub text: String,
    /// Why it was proposed.
    pub reason: String,
}

/// The policy that a relay is to enforce.
#[derive(Debug, Clone, Copy)]
pub enum Configured<'a> {
    /// A built-in one.
    BuiltIn(&'a str),
    /// The text of a file.
    File {
        /// The text.
        text: &'a str,
        /// A change of it needs a second person.
        second_person: bool,
    },
}

impl Configured<'_> {
    /// What it is called in records: the name, or the SHA-256 of the text.
    pub fn what(&self) -> String {
        match self {
            Self::BuiltIn(name) => (*name).to_owned(),
            Self::File { text, .. } => policy_sha256(text),
        }
    }
}

/// What the record says of a policy that is to be enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is built in.
    BuiltIn,
    /// It is approved.
    Approved,
    /// It was put into force alone, under this id; a second person must still approve it.
    Emergency(QueueId),
    /// It is the first one; it is adopted when it is enforced.
    First,
    /// It is another one, and the policy before asks for no second person.
    Free,
    /// It is not approved.
    Unknown {
        /// The SHA-256 of its text.
        found: String,
        /// What may be enforced, newest first: the SHA-256 and the state.
        allowed: Vec<(String, ProposalState)>,
    },
}

/// Why a step is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody approves what they asked for.
    #[error("{0}")]
    SamePerson(SamePerson),
    /// It was decided before.
    #[error("it is {} already", .0.name())]
    Decided(ProposalState),
    /// The same text is on record.
    #[error("the same text is on record as {id} ({})", state.name())]
    Known {
        /// Its id.
        id: QueueId,
        /// What has become of it.
        state: ProposalState,
    },
    /// Only the requester takes an emergency upon themselves; anybody else simply approves.
    #[error(
        "an emergency is for the person who proposed it, {0}; another person approves without it"
    )]
    NotRequester(String),
}

/// How two people were found to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamePerson {
    /// They have one name.
    Name,
    /// They have one login.
    Login,
    /// The machine does not know who either of them is.
    Unknown,
}

impl fmt::Display for SamePerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a second person must decide: the name is the requester's",
            Self::Login => {
                "a second person must decide: the login is the requester's; log in as yourself (sudo keeps who you are)"
            }
            Self::Unknown => {
                "a second person must decide, and this machine cannot tell who you are; log in as yourself and use sudo"
            }
        })
    }
}

/// Whether two acts are by two people.
fn two_people(first: Person<'_>, second: Person<'_>) -> Result<(), SamePerson> {
    let key = |name: &str| name.trim().to_lowercase();
    if key(first.actor) == key(second.actor) {
        return Err(SamePerson::Name);
    }
    match (first.login, second.login) {
        ("", _) | (_, "") => Err(SamePerson::Unknown),
        (one, other) if one == other => Err(SamePerson::Login),
        _ => Ok(()),
    }
}

impl Custody {
    /// Puts a policy on record for a second person to approve.
    pub async fn propose_policy(&self, new: NewProposal<'_>) -> Result<QueueId, ProposalError> {
        let sha256 = policy_sha256(new.text);
        let known = self.database.proposals(Some(&sha256)).await?;
        for row in &known {
            let state = state_of(row)?;
            if state != ProposalState::Rejected {
                let id = parse_id(&row.id)?;
                return Err(ProposalError::Known { id, state });
            }
        }
        let id = Self::new_id()?;
        let before = self.database.enforced().await?.unwrap_or_default();
        let detail = json!({
            "before": before,
            "sha256": sha256,
            "requester": new.by.actor,
            "reason": self.reason_mark(id, new.reason),
        });
        let row = ProposalRow {
            requester: new.by.actor.to_owned(),
            requester_login: new.by.login.to_owned(),
            before,
            ..self.proposal_row(id, new.text, new.reason, new.second_person, new.at)?
        };
        let entry = Step {
            at: micros(new.at),
            actor: new.by.actor.to_owned(),
            action: "policy-proposed",
            detail: detail.to_string(),
        };
        self.database.propose(&row, &entry).await?;
        Ok(id)
    }

    /// Every policy on record, newest first.
    pub async fn policy_proposals(&self) -> Result<Vec<Proposal>, StoreError> {
        let rows = self.database.proposals(None).await?;
        rows.iter().map(proposal).collect()
    }

    /// Finds a policy on record by its id or a beginning of it that no other shares.
    pub async fn find_policy_proposal(&self, text: &str) -> Result<Proposal, StoreError> {
        let prefix = text.trim().to_ascii_uppercase();
        let all = self.policy_proposals().await?;
        let mut found = all
            .into_iter()
            .filter(|proposal| proposal.id.to_string().starts_with(&prefix));
        match (found.next().filter(|_| prefix.len() >= 4), found.next()) {
            (None, _) => Err(StoreError::Missing),
            (Some(_), Some(_)) => Err(StoreError::Ambiguous),
            (Some(proposal), None) => Ok(proposal),
        }
    }

    /// The text and the reason of a policy on record.
    pub async fn open_policy_proposal(&self, id: QueueId) -> Result<ProposalText, StoreError> {
        let row = self.database.proposal(&id.to_string()).await?;
        let plain = self
            .secret
            .open(Kind::Proposal, &context(id), &row.sealed)?;
        let text: ProposalText = parse(&plain)?;
        if policy_sha256(&text.text) != row.sha256 {
            return Err(StoreError::Corrupt("text of a policy"));
        }
        Ok(text)
    }

    /// What a relay enforces: a built-in policy's name or the SHA-256 of a file.
    pub async fn policy_enforced(&self) -> Result<Option<String>, StoreError> {
        self.database.enforced().await
    }

    /// Approves a proposal. In an `emergency` the requester puts it into force alone; somebody else must still approve it.
    pub async fn approve_policy(
        &self,
        id: QueueId,
        by: Person<'_>,
        reason: &str,
        emergency: bool,
        at: SystemTime,
    ) -> Result<ProposalState, ProposalError> {
        let row = self.database.proposal(&id.to_string()).await?;
        let state = state_of(&row)?;
        let requester = requester(&row);
        let to = match (state, emergency) {
            (ProposalState::Proposed, true) => {
                if two_people(requester, by) != Err(SamePerson::Name) {
                    return Err(ProposalError::NotRequester(row.requester));
                }
                ProposalState::Emergency
            }
            (ProposalState::Proposed | ProposalState::Emergency, false) => {
                two_people(requester, by).map_err(ProposalError::SamePerson)?;
                ProposalState::Approved
            }
            (state, _) => return Err(ProposalError::Decided(state)),
        };
        let action = match to {
            ProposalState::Emergency => "policy-emergency",
            _ => "policy-approved",
        };
        self.decide_policy(&row, to, action, by, reason, at).await?;
        Ok(to)
    }

    /// Says no to a proposal, also to one that is in force by an emergency: it may not be enforced from the next reload on. Who
    /// proposed it may take it back, but not an emergency: that is a second person's.
    pub async fn reject_policy(
        &self,
        id: QueueId,
        by: Person<'_>,
        reason: &str,
        at: SystemTime,
    ) -> Result<(), ProposalError> {
        let row = self.database.proposal(&id.to_string()).await?;
        match state_of(&row)? {
            ProposalState::Proposed => {}
            ProposalState::Emergency => {
                two_people(requester(&row), by).map_err(ProposalError::SamePerson)?;
            }
            state => return Err(ProposalError::Decided(state)),
        }
        let to = ProposalState::Rejected;
        self.decide_policy(&row, to, "policy-rejected", by, reason, at)
            .await
    }

    async fn decide_policy(
        &self,
        row: &ProposalRow,
        to: ProposalState,
        action: &'static str,
        by: Person<'_>,
        reason: &str,
        at: SystemTime,
    ) -> Result<(), ProposalError> {
        let id = parse_id(&row.id)?;
        let detail = json!({
            "before": row.before,
            "sha256": row.sha256,
            "requester": row.requester,
            "approver": by.actor,
            "reason": self.reason_mark(id, reason),
        });
        let step = Step {
            at: micros(at),
            actor: by.actor.to_owned(),
            action,
            detail: detail.to_string(),
        };
        let decided = self.database.decide_proposal(row, to.name(), &step).await?;
        if decided {
            return Ok(());
        }
        // Somebody else was faster.
        let row = self.database.proposal(&row.id).await?;
        Err(ProposalError::Decided(state_of(&row)?))
    }

    /// What the record says of a policy, without a change to anything.
    pub async fn policy_standing(
        &self,
        configured: Configured<'_>,
    ) -> Result<Standing, StoreError> {
        let Configured::File { text, .. } = configured else {
            return Ok(Standing::BuiltIn);
        };
        let rows = self.database.proposals(None).await?;
        standing(&rows, policy_sha256(text))
    }

    /// Lets a relay enforce a policy, or does not. The first file is adopted, and another one where the file that was last in force
    /// asks for no second person; both are entered in the ledger, as is every change of what is in force.
    pub async fn admit_policy(
        &self,
        configured: Configured<'_>,
        at: SystemTime,
    ) -> Result<Standing, StoreError> {
        let what = configured.what();
        let standing = self.policy_standing(configured).await?;
        let (state, action) = match &standing {
            Standing::Unknown { .. } => return Ok(standing),
            Standing::First => (Some(ProposalState::Adopted), "policy-adopted"),
            Standing::Free => (Some(ProposalState::Changed), "policy-changed"),
            Standing::BuiltIn | Standing::Approved | Standing::Emergency(_) => {
                (None, "policy-changed")
            }
        };
        let fresh = match (state, configured) {
            (
                Some(state),
                Configured::File {
                    text,
                    second_person,
                },
            ) => {
                let id = Self::new_id()?;
                Some(ProposalRow {
                    state: state.name().to_owned(),
                    requester: SYSTEM.to_owned(),
                    ..self.proposal_row(id, text, "", second_person, at)?
                })
            }
            _ => None,
        };
        let admission = Admission {
            what: &what,
            at: micros(at),
            action,
            fresh,
            is_file: matches!(configured, Configured::File { .. }),
        };
        // Two nodes that start at once both see nothing on record: the second is asked again.
        if !self.database.admit(admission).await? {
            return Box::pin(self.policy_standing(configured)).await;
        }
        Ok(standing)
    }

    fn proposal_row(
        &self,
        id: QueueId,
        text: &str,
        reason: &str,
        second_person: bool,
        at: SystemTime,
    ) -> Result<ProposalRow, StoreError> {
        let plain = Zeroizing::new(json_text(&ProposalText {
            text: text.to_owned(),
            reason: reason.to_owned(),
        })?);
        Ok(ProposalRow {
            id: id.to_string(),
            at: micros(at),
            state: ProposalState::Proposed.name().to_owned(),
            requester: String::new(),
            requester_login: String::new(),
            before: String::new(),
            sha256: policy_sha256(text),
            second_person,
            sealed: self
                .secret
                .seal(Kind::Proposal, &context(id), plain.as_bytes())?,
            decided_at: None,
            approver: None,
            enforced_at: None,
        })
    }

    /// Shows later that a reason is the one that was given, without keeping it in the ledger.
    pub(super) fn reason_mark(&self, id: QueueId, reason: &str) -> String {
        let mark = mac(&self.index, &[b"reason", id.as_bytes(), reason.as_bytes()]);
        hex(&mark[..MARK])
    }
}

/// Who adopts a policy.
const SYSTEM: &str = "system";

/// What the rows, newest first, say of a text.
fn standing(rows: &[ProposalRow], found: String) -> Result<Standing, StoreError> {
    let mut allowed = Vec::new();
    for row in rows {
        let state = state_of(row)?;
        if !state.may_be_enforced() {
            continue;
        }
        if row.sha256 == found {
            return Ok(match state {
                ProposalState::Emergency => Standing::Emergency(parse_id(&row.id)?),
                _ => Standing::Approved,
            });
        }
        allowed.push((row.sha256.clone(), state));
    }
    if rows.is_empty() {
        return Ok(Standing::First);
    }
    let last = rows.iter().filter(|row| row.enforced_at.is_some());
    let last = last.max_by_key(|row| row.enforced_at);
    let turned_down = rows.iter().any(|row| row.sha256 == found);
    if !turned_down && last.is_some_and(|row| !row.second_person) {
        return Ok(Standing::Free);
    }
    Ok(Standing::Unknown { found, allowed })
}

fn requester(row: &ProposalRow) -> Person<'_> {
    Person {
        actor: &row.requester,
        login: &row.requester_login,
    }
}

fn state_of(row: &ProposalRow) -> Result<ProposalState, StoreError> {
    ProposalState::of(&row.state).ok_or(StoreError::Corrupt("state of a policy"))
}

fn proposal(row: &ProposalRow) -> Result<Proposal, StoreError> {
    Ok(Proposal {
        id: parse_id(&row.id)?,
        at: time(row.at),
        state: state_of(row)?,
        requester: row.requester.clone(),
        before: row.before.clone(),
        sha256: row.sha256.clone(),
        decided_at: row.decided_at.map(time),
        approver: row.approver.clone(),
        enforced_at: row.enforced_at.map(time),
    })
}

fn context(id: QueueId) -> Vec<u8> {
    [b"proposal".as_slice(), id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_with_one_login_are_one_person() {
        let person = |actor, login| Person { actor, login };
        let first = person("a.head", "uid 1001");
        assert_eq!(two_people(first, person("b.dpo", "uid 1002")), Ok(()));
        for (second, why) in [
            (person(" A.Head", "uid 1002"), SamePerson::Name),
            (person("b.dpo", "uid 1001"), SamePerson::Login),
            (person("b.dpo", ""), SamePerson::Unknown),
        ] {
            assert_eq!(two_people(first, second), Err(why));
        }
    }
}

//! The policy in force: its rules in plain words, and what it does about each requirement.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::detectors::mode;
use super::needs;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::policy::{Mode, Policy, compared};
use crate::store::StoreError;

/// Requirements that are no trust's alone, in their order; `requirement-NAME` has their words.
pub const REQUIREMENTS: [&str; 34] = [
    "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
    "R16", "R17", "R18", "R19", "R20", "R21", "R23", "R33", "X1", "X2", "X3", "X4", "X5", "G1",
    "G2", "G3", "G4", "G5", "G6",
];

/// A duty of which the document says nothing names this as its clause.
const SILENT: &str = "not in the document";

/// A rule in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RuleLine {
    /// Its id.
    pub id: String,
    /// What a message on which it fires does, as the sender reads it.
    pub title: String,
    /// Where the trust's document says so.
    pub clause: Option<String>,
    /// What is done.
    pub action: &'static str,
    /// How grave.
    pub severity: &'static str,
    /// `enforce`, `shadow` or `off`.
    pub mode: &'static str,
    /// It must not wait.
    pub urgent: bool,
    /// Two people release.
    pub two_people: bool,
    /// Requirements that it meets.
    pub covers: Vec<String>,
    /// Its conditions, by name.
    pub conditions: Vec<(String, String)>,
}

/// What is done about one requirement.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Met {
    /// Its name: `R1`.
    pub requirement: &'static str,
    /// `enforced`, `allowed`, `watched`, `stated`, `added` or `off`.
    pub how: &'static str,
    /// The strictest action, where there is one.
    pub action: Option<&'static str>,
    /// An exception that the document makes is in force.
    pub exception: bool,
    /// Where the trust's document says so.
    pub clauses: Vec<String>,
}

/// The policy in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct InForce {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The document that it follows.
    pub source: Option<String>,
    /// The built-in policy's name or the file's path, as it is configured.
    pub configured: Option<String>,
    /// It is read from a file.
    pub is_file: bool,
    /// The SHA-256 of the file's text, or the built-in name, as the ledger has it; `None` before the relay enforced one.
    pub recorded: Option<String>,
    /// A change needs a second person.
    pub second_person: bool,
    /// The rules, strictest mode first, then in the policy's order.
    pub rules: Vec<RuleLine>,
    /// Requirement by requirement.
    pub matrix: Vec<Met>,
    /// What it cannot do, in its own words.
    pub limits: Vec<String>,
}

/// The policy in force.
pub async fn in_force(site: &Site, caller: &Caller) -> Result<InForce, Refusal> {
    needs(caller, Permission::SeePolicies)?;
    let policy = site.pipeline().tools().policy.clone();
    let source = site.premises().policy_source();
    Ok(InForce {
        name: policy.name.to_string(),
        title: policy.title.to_string(),
        source: text(policy.source.as_ref()),
        is_file: source.as_ref().is_some_and(|source| source.is_file),
        configured: source.map(|source| source.name),
        recorded: site.store().policy_enforced().await?,
        second_person: policy.governance.changes.second_person,
        rules: rules(&policy),
        matrix: matrix(&policy),
        limits: policy.limits.iter().map(ToString::to_string).collect(),
    })
}

/// The text of the policy in force.
pub async fn text_of(site: &Site, caller: &Caller) -> Result<String, Refusal> {
    needs(caller, Permission::SeePolicies)?;
    Ok(text_in_force(site).await?.0)
}

/// The text of the policy in force, and the policy without the trust's domains; what a proposal is compared with.
pub(super) async fn text_in_force(site: &Site) -> Result<(String, Policy), Refusal> {
    let configured = site.premises().policy_source().map(|source| source.name);
    let what = site.store().policy_enforced().await?.or(configured);
    let what = what.unwrap_or_else(|| site.pipeline().tools().policy.name.to_string());
    if let Some(text) = Policy::embedded_text(&what) {
        let policy = Policy::embedded(&what).map_err(|_| Refusal::Fault("policy"))?;
        return Ok((text.to_owned(), policy));
    }
    let all = site.store().policy_proposals().await?;
    let known = all.iter().find(|known| known.sha256 == what);
    let known = known.ok_or(StoreError::Missing)?;
    let text = site.store().open_policy_proposal(known.id).await?.text;
    let policy = Policy::parse("in force", &text).map_err(|_| Refusal::Fault("policy"))?;
    Ok((text, policy))
}

/// The rules of a policy, those that act first.
pub fn rules(policy: &Policy) -> Vec<RuleLine> {
    let mut conditions: BTreeMap<String, Vec<(String, String)>> =
        compared::rule_conditions(policy).into_iter().collect();
    let mut rules: Vec<RuleLine> = policy
        .rules
        .iter()
        .map(|rule| RuleLine {
            id: rule.id.to_string(),
            title: rule.title.to_string(),
            clause: text(rule.clause.as_ref()),
            action: rule.action.name(),
            severity: rule.severity.name(),
            mode: mode(rule.mode),
            urgent: rule.urgent,
            two_people: rule.four_eyes
                || policy.governance.review.needs_second_person(rule.severity),
            covers: rule.covers.iter().map(ToString::to_string).collect(),
            conditions: conditions.remove(&*rule.id).unwrap_or_default(),
        })
        .collect();
    rules.sort_by_key(|rule| match rule.mode {
        "enforce" => 0,
        "shadow" => 1,
        _ => 2,
    });
    rules
}

/// What a policy does about each requirement; those of which it says nothing are `off`.
pub fn matrix(policy: &Policy) -> Vec<Met> {
    REQUIREMENTS
        .iter()
        .map(|requirement| met(policy, requirement))
        .collect()
}

fn met(policy: &Policy, requirement: &'static str) -> Met {
    let covers = |list: &[Arc<str>]| list.iter().any(|one| **one == *requirement);
    let rules = || policy.rules.iter().filter(|rule| covers(&rule.covers));
    let strictest = |mode: Mode| {
        let acting = rules().filter(|rule| rule.mode == mode);
        acting.map(|rule| rule.action).max()
    };
    let mut exceptions = policy.exceptions.iter();
    let exception = exceptions.any(|one| covers(&one.covers) && one.mode == Mode::Enforce);
    let duty = policy.governance.duties.iter();
    let duty = duty.into_iter().find(|duty| *duty.covers == *requirement);
    let (how, action) = match (strictest(Mode::Enforce), strictest(Mode::Shadow), duty) {
        (Some(action), ..) => ("enforced", Some(action)),
        _ if exception => ("allowed", None),
        (_, Some(action), _) => ("watched", Some(action)),
        (.., Some(duty)) if &*duty.clause == SILENT => ("added", None),
        (.., Some(_)) => ("stated", None),
        _ => ("off", None),
    };
    let mut clauses: Vec<String> = rules()
        .filter(|rule| rule.mode != Mode::Off)
        .filter_map(|rule| text(rule.clause.as_ref()))
        .chain(duty.map(|duty| duty.clause.to_string()))
        .filter(|clause| clause != SILENT)
        .collect();
    clauses.sort();
    clauses.dedup();
    Met {
        requirement,
        how,
        action: action.map(crate::policy::Action::name),
        exception,
        clauses,
    }
}

fn text(text: Option<&Arc<str>>) -> Option<String> {
    text.map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_says_what_the_policy_does() {
        let policy = Policy::embedded("standard").unwrap();
        let of = |name: &str| {
            let all = matrix(&policy);
            let met = all.into_iter().find(|met| met.requirement == name);
            let met = met.unwrap();
            (met.how, met.action)
        };
        // As docs/POLICIES.md has them.
        assert_eq!(of("R1"), ("enforced", Some("refuse")));
        assert_eq!(of("R6"), ("watched", Some("hold")));
        assert_eq!(of("R9"), ("off", None));
        assert_eq!(of("X3"), ("stated", None));
        let st_albans = Policy::embedded("st-albans").unwrap();
        let x2 = matrix(&st_albans);
        let x2 = x2.iter().find(|met| met.requirement == "X2").unwrap();
        assert_eq!((x2.how, x2.exception), ("allowed", true));
    }

    #[test]
    fn every_requirement_of_every_policy_has_a_line_and_words() {
        let words = crate::console::words::Words::english();
        for name in REQUIREMENTS {
            assert!(words.has(&format!("requirement-{name}")), "{name}");
        }
        for name in Policy::names() {
            let policy = Policy::embedded(name).unwrap();
            for rule in &policy.rules {
                for covered in &rule.covers {
                    assert!(REQUIREMENTS.contains(&&**covered), "{name}: {covered}");
                }
            }
            let lines = rules(&policy);
            assert_eq!(lines.len(), policy.rules.len());
            assert!(
                lines.iter().all(|line| !line.conditions.is_empty()),
                "{name}"
            );
        }
    }
}

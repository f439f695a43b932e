//! The notices' part of `check`: address, time, templates, and whether everybody whom a rule tells can be told.

use std::io;

use crate::app::check::Report;
use crate::app::config::Config;
use crate::app::{letters, tools};
use crate::policy::{Mode, Policy, Role};

/// Checks what people are told.
pub(super) fn run(config: &Config, report: &mut Report<'_>) -> io::Result<()> {
    match tools::templates(config.trust.patterns.as_deref()) {
        Ok(templates) => {
            for problem in templates.problems() {
                report.problem("notices", &problem.to_string())?;
            }
        }
        Err(error) => report.problem("notices", &error.to_string())?,
    }
    let policy = tools::policy(&config.trust).ok();
    match letters::settings(config) {
        Err(error) => report.problem("notices", &error.to_string()),
        Ok(None) => report.note(
            "notices.from",
            "found none; nobody is told of what is held; set an address that people read",
        ),
        Ok(Some(settings)) => {
            let untold = policy.as_ref().map(untold).unwrap_or_default();
            for problem in &untold {
                report.problem("notices", problem)?;
            }
            if !untold.is_empty() {
                return Ok(());
            }
            let found = format!("from {}, digests at {}", settings.from, settings.digest_at);
            report.good("notices", &found)
        }
    }
}

/// Roles that rules tell and that nobody is told by.
fn untold(policy: &Policy) -> Vec<String> {
    let rules = policy
        .rules
        .iter()
        .filter(|rule| rule.mode == Mode::Enforce);
    let mut named: Vec<&str> = rules
        .flat_map(|rule| {
            let later = rule.escalate.iter().flat_map(|escalation| &escalation.to);
            rule.tell.iter().chain(later)
        })
        .filter_map(|role| match role {
            Role::Named(name) => Some(&**name),
            Role::Sender | Role::Owner => None,
        })
        .collect();
    named.sort_unstable();
    named.dedup();
    named
        .into_iter()
        .filter_map(|role| fault(policy, role))
        .collect()
}

fn fault(policy: &Policy, role: &str) -> Option<String> {
    let Some(person) = policy.governance.person(role) else {
        return Some(format!(
            "a rule tells `{role}`, which the policy does not know; allowed: roles of its [people]; add it there"
        ));
    };
    if person.addresses.is_empty() {
        return Some(format!(
            "a rule tells `{role}`, which has no mailbox; allowed: one or more; add `addresses` in the policy's [people]"
        ));
    }
    let mut addresses = person.addresses.iter();
    let outside = addresses.any(|address| policy.classes.of(address).is_outside());
    outside.then(|| {
        format!(
            "`{role}` has a mailbox outside the trust and its partners, which gets no notices; allowed: mailboxes of \
             trust.internal_domains and trust.partner_domains; mend the address, or add its domain"
        )
    })
}

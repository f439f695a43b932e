//! A message that is held because a mailbox forwards: whose mailbox it is, and the register.
//!
//! # Invariants
//! The message is ours before this is asked, so a fault here changes nothing of the answer. Who is told is decided with the other notices.

use std::sync::Arc;

use crate::mail::{Address, QueueId};
use crate::pipeline::examine::Examined;
use crate::pipeline::judge::{Judgement, Tools};
use crate::pipeline::received::Received;
use crate::pipeline::way::Pipeline;
use crate::policy::behaviour::TARGETS_AT_MOST;
use crate::policy::sighting::is_rewritten;
use crate::policy::{Automation, AutomationState, Policy, RuleHit, mailbox_owner};
use crate::store::Forwarded;

/// Marks of rules that an administrator makes: a transport rule of Exchange, routing of Google Workspace.
const BY_ADMIN: &[&str] = &["F5", "F11"];

impl Pipeline {
    /// Enters a held message into the register of forwarding mailboxes, if it is held for that.
    pub(super) async fn note_forward(
        &self,
        received: &Received,
        examined: &Examined,
        hold: QueueId,
    ) {
        let tools = self.tools();
        let automation = &examined.judgement.verdict.automation;
        let targets = targets(received, examined, &tools.policy);
        if targets.is_empty() {
            return;
        }
        let owner = owner(received, &examined.judgement, &tools);
        let mut first = false;
        for target in &targets {
            let forwarded = Forwarded {
                mailbox: owner.as_ref(),
                target,
                marks: &automation.evidence,
                at: received.arrived,
                day: tools.local(received.arrived).date(),
            };
            match self.inner.store.note_forward(forwarded).await {
                Ok(noted) => first |= noted.first_of_mailbox,
                Err(error) => {
                    metrics::counter!("beadle_faults_total", "kind" => "forwarding-register")
                        .increment(1);
                    tracing::error!(id = %hold, %error, "a forward is not in the register");
                }
            }
        }
        metrics::counter!("beadle_forwards_held_total").increment(1);
        tracing::info!(
            id = %hold,
            owner_known = owner.is_some(),
            targets = class_names(&targets, &tools.policy).join(","),
            first,
            suspected = automation.state == AutomationState::Suspected,
            marks = automation.evidence.join(","),
            "automatic forward held"
        );
    }
}

/// The mailbox that forwards: the one that the message names, else its sender where only the trust's own mailbox can be meant.
pub(super) fn owner(received: &Received, judgement: &Judgement, tools: &Tools) -> Option<Address> {
    let facts = judgement.facts(&received.envelope, received.client.own_server);
    let automation = &judgement.verdict.automation;
    mailbox_owner(&facts, &tools.policy.classes).or_else(|| own_sender(received, automation, tools))
}

/// The recipients for whom a rule about forwarding fired: where the mailbox forwards to.
fn targets<'a>(received: &'a Received, examined: &Examined, policy: &Policy) -> Vec<&'a Address> {
    let verdict = &examined.judgement.verdict;
    let state = verdict.automation.state;
    let forbids = |hit: &&RuleHit| {
        let rule = policy.rules.iter().find(|rule| rule.id == hit.rule);
        !hit.action.passes() && rule.is_some_and(|rule| rule.when.automation.contains(&state))
    };
    if !verdict.automation.is_forward() {
        return Vec::new();
    }
    let mut indexes: Vec<usize> = verdict
        .hits
        .iter()
        .filter(forbids)
        .flat_map(|hit| hit.rcpts.iter().copied())
        .collect();
    indexes.sort_unstable();
    indexes.dedup();
    let rcpts = indexes
        .into_iter()
        .filter_map(|index| received.envelope.rcpts.get(index)?.address());
    rcpts.take(TARGETS_AT_MOST).collect()
}

/// The envelope's sender, when it is a mailbox of the trust and the marks are none that an administrator's rule leaves: such a rule
/// forwards a message under the name of whoever wrote it.
fn own_sender(received: &Received, automation: &Automation, tools: &Tools) -> Option<Address> {
    let sender = received.envelope.mail_from.address()?;
    let own = tools.policy.classes.of(sender).is_internal();
    let by_admin = automation
        .evidence
        .iter()
        .all(|mark| BY_ADMIN.contains(&&**mark));
    (own && !by_admin && !is_rewritten(sender)).then(|| sender.clone())
}

fn class_names(targets: &[&Address], policy: &Policy) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for target in targets {
        let set = policy.classes.of(target);
        let classes = policy.classes.list().iter().enumerate();
        let named = classes.filter(|(index, _)| set.has(*index));
        let mut own: Vec<Arc<str>> = named.map(|(_, class)| class.name.clone()).collect();
        if own.is_empty() {
            own.push("outside".into());
        }
        own.retain(|name| !names.contains(name));
        names.extend(own);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_by_their_classes() {
        let text = "name = \"a\"\ntitle = \"a\"\n[classes]\ninternal = { domains = [\"trust.example\"] }\n\
            partner = { domains = [\"council.example\"] }\npolice = { domains = [\"force.example\"] }\n";
        let policy = Policy::parse("a.toml", text).unwrap();
        let names = |texts: &[&str]| -> Vec<String> {
            let addresses: Vec<Address> =
                texts.iter().map(|t| Address::parse(t).unwrap()).collect();
            let addresses: Vec<&Address> = addresses.iter().collect();
            let names = class_names(&addresses, &policy);
            names.iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(&["jo@mail.example", "sam@mail.example"]), ["outside"]);
        assert_eq!(names(&["a@force.example", "b@force.example"]), ["police"]);
        let mixed = ["a@force.example", "a@council.example", "a@mail.example"];
        assert_eq!(names(&mixed), ["police", "partner", "outside"]);
        assert_eq!(
            names(&["a@force.example", "b@force.example", "a@mail.example"]),
            ["police", "outside"]
        );
        assert!(names(&[]).is_empty());
    }
}

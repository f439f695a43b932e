//! A message that is held because a mailbox forwards: the register, and what the notice about it needs.
//!
//! # Invariants
//! The message is ours before this is asked, so a fault here changes nothing of the answer. Nobody outside the trust is told: the
//! notice goes to the mailbox's owner and to roles of the trust, never to the author or the envelope's sender.

use std::sync::Arc;

use crate::mail::{Address, QueueId};
use crate::pipeline::examine::Examined;
use crate::pipeline::judge::Tools;
use crate::pipeline::received::Received;
use crate::pipeline::way::Pipeline;
use crate::policy::behaviour::TARGETS_AT_MOST;
use crate::policy::sighting::is_rewritten;
use crate::policy::{Automation, AutomationState, Policy, RuleHit, mailbox_owner};
use crate::store::Forwarded;

/// Marks of rules that an administrator makes: a transport rule of Exchange, routing of Google Workspace.
const BY_ADMIN: &[&str] = &["F5", "F11"];

/// What a notice about a forwarding mailbox needs. It holds the owner's address, to send to; not for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardNotice {
    /// The hold.
    pub hold: QueueId,
    /// The mailbox that forwards, when the message names it: whom to tell.
    pub owner: Option<Address>,
    /// The recipient classes of the targets by name, `outside` for those in none; never their addresses.
    pub targets: Vec<Arc<str>>,
    /// Some target was not told of today: a notice is due. One for each mailbox, target and day.
    pub due: bool,
    /// Nothing was known of this mailbox before: the DPO is told at once, and later by digest.
    pub first: bool,
    /// It is a suspicion only.
    pub suspected: bool,
    /// The ids of the marks it was known by.
    pub marks: Vec<Arc<str>>,
}

impl Pipeline {
    /// Enters a held message into the register of forwarding mailboxes; `None` when it is not held for that.
    pub(super) async fn note_forward(
        &self,
        received: &Received,
        examined: &Examined,
        hold: QueueId,
    ) -> Option<ForwardNotice> {
        let tools = self.tools();
        let automation = &examined.judgement.verdict.automation;
        let targets = targets(received, examined, &tools.policy);
        if targets.is_empty() {
            return None;
        }
        let facts = examined
            .judgement
            .facts(&received.envelope, received.client.own_server);
        let mut notice = ForwardNotice {
            hold,
            owner: mailbox_owner(&facts, &tools.policy.classes)
                .or_else(|| own_sender(received, automation, &tools)),
            targets: class_names(&targets, &tools.policy),
            due: false,
            first: false,
            suspected: automation.state == AutomationState::Suspected,
            marks: automation.evidence.clone(),
        };
        for target in targets {
            let forwarded = Forwarded {
                mailbox: notice.owner.as_ref(),
                target,
                marks: &automation.evidence,
                at: received.arrived,
                day: tools.local(received.arrived).date(),
            };
            match self.inner.store.note_forward(forwarded).await {
                Ok(noted) => {
                    notice.due |= noted.notice_due;
                    notice.first |= noted.first_of_mailbox;
                }
                Err(error) => {
                    metrics::counter!("beadle_faults_total", "kind" => "forwarding-register")
                        .increment(1);
                    tracing::error!(id = %hold, %error, "a forward is not in the register");
                }
            }
        }
        Some(notice)
    }

    /// The one place where a notice about a forwarding mailbox is put into the queue.
    pub(super) fn tell_of_forward(&self, notice: &ForwardNotice) {
        metrics::counter!("beadle_forwards_held_total").increment(1);
        tracing::info!(
            id = %notice.hold,
            owner_known = notice.owner.is_some(),
            targets = notice.targets.join(","),
            notice_due = notice.due,
            first = notice.first,
            suspected = notice.suspected,
            marks = notice.marks.join(","),
            "automatic forward held"
        );
    }
}

/// The recipients for whom a rule about forwarding fired: where the mailbox forwards to.
fn targets<'a>(received: &'a Received, examined: &Examined, policy: &Policy) -> Vec<&'a Address> {
    let verdict = &examined.judgement.verdict;
    let state = verdict.automation.state;
    let forbids = |hit: &&RuleHit| {
        let rule = policy.rules.iter().find(|rule| rule.id == hit.rule);
        rule.is_some_and(|rule| rule.when.automation.contains(&state))
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
        let named = classes
            .filter(|(index, _)| set.has(*index))
            .map(|(_, class)| &class.name);
        let before = names.len();
        for name in named {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let outside: Arc<str> = "outside".into();
        if set.is_outside() && before == names.len() && !names.contains(&outside) {
            names.push(outside);
        }
    }
    names
}

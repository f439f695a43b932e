//! Where a message that does not pass comes from, as reports count it: its sender's school and group, and the same sender again.
//!
//! # Invariants
//! What a mailbox forwards is the mailbox's, not the outside sender's. Without a sender of the trust nothing is counted by sender.

use crate::pipeline::examine::Examined;
use crate::pipeline::forwarded::owner;
use crate::pipeline::received::Received;
use crate::pipeline::way::Pipeline;
use crate::policy::Senders;
use crate::store::Origin;

impl Pipeline {
    /// Counts later messages by these schools and groups.
    pub fn swap_senders(&self, senders: Senders) {
        self.inner.senders.store(std::sync::Arc::new(senders));
    }

    /// Where this message comes from.
    pub(super) fn origin(&self, received: &Received, examined: &Examined) -> Origin {
        let tools = self.tools();
        let classes = &tools.policy.classes;
        let judgement = &examined.judgement;
        let home = if judgement.verdict.automation.is_forward() {
            owner(received, judgement, &tools)
        } else {
            received.envelope.mail_from.address().cloned()
        };
        let own = |classed: &crate::mail::Address| {
            !classes.knows_internal() || classes.of(classed).is_internal()
        };
        let Some(home) = home.filter(own) else {
            return Origin::default();
        };
        let senders = self.inner.senders.load();
        let (school, group) = senders.of(&home);
        Origin {
            school: school.map(str::to_owned),
            group: group.map(str::to_owned),
            sender: Some(self.inner.store.sender_token(&home)),
        }
    }
}

//! A held message with initials for names, judged again: what a reviewer would send, and what policy says of it.
//!
//! # Invariants
//! Pure as judging is. The new message is judged by the same tools, for the same envelope, as if it had been received.

use std::sync::Arc;

use crate::limits::{Budget, Limits};
use crate::mail::{Envelope, QueueId};
use crate::mime;
use crate::pipeline::judge::{Case, Judgement, Tools, judge, taking_part};
use crate::quarantine::initials::{self, NoProposal, Proposal};
use crate::quarantine::view::{self, MessageView};

/// A proposal and what policy says of it.
#[derive(Debug, Clone)]
pub struct Reconsidered {
    /// The new message.
    pub proposal: Proposal,
    /// Its judgement: what still stands in it, and which rules still fire.
    pub judgement: Judgement,
}

/// Proposes initials for the names in a message, and judges the result. The message and the result have a full budget each.
pub fn reconsider(
    case: &Case<'_>,
    id: QueueId,
    tools: &Tools,
    limits: &Arc<Limits>,
) -> Result<Reconsidered, NoProposal> {
    let budget = Budget::new(Arc::clone(limits));
    let headers = mime::headers::section(case.message).headers;
    let context = taking_part(case.envelope, &headers, &tools.policy);
    let proposal = initials::propose(case.message, id, &tools.engine, &context, &budget)?;
    let case = Case {
        message: &proposal.message,
        ..*case
    };
    let judgement = judge(&case, tools, &Budget::new(Arc::clone(limits)));
    Ok(Reconsidered {
        proposal,
        judgement,
    })
}

/// Looks at a held message as a reviewer may see it: read and searched as it was when it was judged, with the tools of now.
pub fn looked_at(
    message: &[u8],
    envelope: &Envelope,
    tools: &Tools,
    limits: &Arc<Limits>,
) -> MessageView {
    let budget = Budget::new(Arc::clone(limits));
    let headers = mime::headers::section(message).headers;
    let context = taking_part(envelope, &headers, &tools.policy);
    let reading = view::Tools {
        engine: &tools.engine,
        reader: &*tools.reader,
    };
    view::of(message, &reading, &context, &budget)
}

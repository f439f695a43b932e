//! What an attempt made of each recipient, as pure functions over states and answers.
//!
//! # Invariants
//! Only a 5xx is final. A recipient that is not pending keeps its state whatever a later attempt says.
//!
//! # Standards
//! RFC 5321 4.2.1 (what 4yz and 5yz mean), RFC 3461 4.1 (NOTIFY).

use super::queue::ReturnKind;
use crate::mail::Recipient;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::store::{Answer, Lease, RecipientState};

/// Whether a recipient's NOTIFY asks for this return (RFC 3461 4.1). Without NOTIFY both failures and delays are told.
pub(super) fn wants(rcpt: &Recipient, kind: ReturnKind) -> bool {
    let word = match kind {
        ReturnKind::Failed => "FAILURE",
        ReturnKind::Delayed => "DELAY",
    };
    rcpt.params
        .split_ascii_whitespace()
        .filter_map(|param| param.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("NOTIFY"))
        .is_none_or(|(_, value)| {
            value
                .split(',')
                .any(|asked| asked.eq_ignore_ascii_case(word))
        })
}

/// The recipients an outcome changed from pending, as `pick` sees them now.
pub(super) fn newly(
    lease: &Lease,
    now: &[RecipientState],
    pick: impl Fn(&RecipientState) -> Option<Answer>,
) -> Vec<(usize, Answer)> {
    lease
        .recipients
        .iter()
        .zip(now)
        .enumerate()
        .filter(|(_, (before, _))| before.is_pending())
        .filter_map(|(index, (_, state))| Some((index, pick(state)?)))
        .collect()
}

/// States after the next hop took the message for everybody it did not name; `refused` counts the offered recipients.
pub(super) fn after_acceptance(
    lease: &Lease,
    offered: &[usize],
    refused: &[(usize, Reply)],
) -> Vec<RecipientState> {
    let mut states = lease.recipients.clone();
    for (position, index) in offered.iter().enumerate() {
        let answer = refused.iter().find(|(at, _)| *at == position);
        if let Some(state) = states.get_mut(*index) {
            *state = answer.map_or(RecipientState::Delivered, |(_, reply)| state_of(reply));
        }
    }
    states
}

/// States after nobody got the message: each recipient's own answer, or else the one that decided.
pub(super) fn after_failure(
    lease: &Lease,
    reply: &Reply,
    refused: &[(usize, Reply)],
) -> Vec<RecipientState> {
    lease
        .recipients
        .iter()
        .enumerate()
        .map(|(index, state)| {
            if !state.is_pending() {
                return state.clone();
            }
            let own = refused.iter().find(|(at, _)| *at == index);
            state_of(own.map_or(reply, |(_, own)| own))
        })
        .collect()
}

/// Only 5xx is final; whatever else is no acceptance is tried again.
fn state_of(reply: &Reply) -> RecipientState {
    if reply.is_permanent() {
        RecipientState::Failed(to_answer(reply))
    } else {
        RecipientState::Pending(Some(to_answer(reply)))
    }
}

/// Turns every pending recipient into a failed one, with the last answer it got.
pub(super) fn give_up(recipients: &mut [RecipientState]) {
    for state in recipients {
        if let RecipientState::Pending(answer) = state {
            let answer = answer.take().unwrap_or_else(|| to_answer(&not_tried()));
            *state = RecipientState::Failed(answer);
        }
    }
}

pub(super) fn as_transient(reply: Reply) -> Reply {
    if reply.is_transient() {
        return reply;
    }
    Reply::new(
        451,
        EnhancedCode(4, 4, 2),
        "connection lost before the answer",
    )
}

pub(super) fn not_readable() -> Reply {
    Reply::new(
        451,
        EnhancedCode(4, 3, 0),
        "the stored message cannot be read",
    )
}

pub(super) fn not_tried() -> Reply {
    Reply::new(451, EnhancedCode(4, 4, 7), "delivery time expired")
}

/// A reply as the store keeps it.
pub fn to_answer(reply: &Reply) -> Answer {
    Answer {
        code: reply.code,
        enhanced: reply
            .enhanced
            .map(|EnhancedCode(class, subject, detail)| (class, subject, detail)),
        lines: reply.lines.clone(),
    }
}

/// A kept answer as a reply.
pub fn to_reply(answer: Answer) -> Reply {
    Reply {
        code: answer.code,
        enhanced: answer
            .enhanced
            .map(|(class, subject, detail)| EnhancedCode(class, subject, detail)),
        lines: answer.lines,
    }
}

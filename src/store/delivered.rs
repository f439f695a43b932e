//! The duplicate guard: what the next hop answered when that answer could not be handed up.
//!
//! # Invariants
//! A key is a keyed hash and the answer is sealed, since next hops put addresses into their texts. Nothing is written on
//! the way of an ordinary message: the caller remembers an answer only when it could not be handed up, and asking reads
//! memory alone on a database of our own. A shared one is asked after memory: the retry may reach another node.
//!
//! # Standards
//! RFC 1047 describes the gap between the final dot and its answer, in which a client gives up and sends again.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::hmac;

use super::delivery::Answer;
use super::identity::Identity;
use crate::mail::Envelope;

/// How long an answer is kept: twice the 24 hours for which Microsoft 365 retries.
pub const KEPT: Duration = Duration::from_hours(48);

/// What makes a retry the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveredKey(pub(crate) [u8; 32]);

impl DeliveredKey {
    /// Client, sender, recipients in any order, Message-ID and body.
    pub(crate) fn of(
        key: &hmac::Key,
        client: &str,
        envelope: &Envelope,
        identity: &Identity,
    ) -> Self {
        let mut rcpts: Vec<&str> = envelope.rcpts.iter().map(|rcpt| rcpt.path.raw()).collect();
        rcpts.sort_unstable();
        let mut parts: Vec<&[u8]> = vec![
            b"delivered",
            client.as_bytes(),
            envelope.mail_from.raw().as_bytes(),
            &identity.message_id,
            &identity.body,
        ];
        parts.extend(rcpts.iter().map(|rcpt| rcpt.as_bytes()));
        Self(mac(key, &parts))
    }
}

/// HMAC-SHA-256 over parts, each preceded by its length, so that no two lists of parts give the same text.
pub(crate) fn mac(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// The answers in memory, with the time (microseconds) at which each ends.
#[derive(Debug, Default)]
pub(crate) struct Remembered(RwLock<HashMap<DeliveredKey, (Answer, i64)>>);

impl Remembered {
    pub(crate) fn insert(&self, key: DeliveredKey, answer: Answer, until: i64) {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        map.insert(key, (answer, until));
    }

    pub(crate) fn get(&self, key: &DeliveredKey, now: i64) -> Option<Answer> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        map.get(key)
            .filter(|(_, until)| *until > now)
            .map(|(answer, _)| answer.clone())
    }

    pub(crate) fn prune(&self, now: i64) {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        map.retain(|_, (_, until)| *until > now);
    }
}

//! The memory of answers: which messages were accepted though the client may not know, and which recipients the next hop
//! refused a short while ago.
//!
//! # Invariants
//! Keys are hashes; no address or message id is kept. Both tables are bounded: the oldest entries go first.
//!
//! # Standards
//! RFC 1047: the gap between the final dot and its answer makes duplicates; RFC 5321 4.5.3.2.6.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;

use crate::mail::{Envelope, QueueId};
use crate::pipeline::received::Received;
use crate::smtp::reply::Reply;
use crate::store::Identity;

/// What identifies a transaction that is under way: SHA-256 over client, sender, sorted recipients, Message-ID and body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionKey([u8; 32]);

impl TransactionKey {
    /// The key of a received message.
    pub fn of(received: &Received, identity: &Identity) -> Self {
        let client = received.client.ip.to_string();
        if identity.message_id.is_empty() {
            // Nothing tells a retry from a second message of the same words: each is its own transaction.
            return Self::new(
                &format!("{client} {}", received.id),
                &received.envelope,
                identity,
            );
        }
        Self::new(&client, &received.envelope, identity)
    }

    fn new(client: &str, envelope: &Envelope, identity: &Identity) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        let mut field = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        field(client.as_bytes());
        field(envelope.mail_from.raw().as_bytes());
        let mut rcpts: Vec<&str> = envelope.rcpts.iter().map(|rcpt| rcpt.path.raw()).collect();
        rcpts.sort_unstable();
        for rcpt in rcpts {
            field(rcpt.as_bytes());
        }
        field(&identity.message_id);
        field(&identity.body);
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Self(key)
    }
}

/// A positive answer and the transaction it belongs to.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The client.
    pub client: String,
    /// Sender and recipients.
    pub envelope: Envelope,
    /// The message.
    pub identity: Identity,
    /// The answer.
    pub reply: Reply,
}

/// Accepted transactions whose answer is still to be written, and those that are on their way to the next hop.
#[derive(Debug, Default)]
pub struct Pending {
    inner: Mutex<PendingInner>,
}

#[derive(Debug, Default)]
struct PendingInner {
    answers: HashMap<QueueId, (TransactionKey, Answered)>,
    by_key: HashMap<TransactionKey, QueueId>,
    under_way: HashMap<TransactionKey, QueueId>,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, PendingInner> {
        // A panic elsewhere leaves the maps whole: every change is a single insert or remove.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks a transaction as on its way; `false` when it is already.
    pub fn start(&self, key: TransactionKey, id: QueueId) -> bool {
        let mut inner = self.lock();
        if inner.under_way.contains_key(&key) {
            return false;
        }
        inner.under_way.insert(key, id);
        true
    }

    /// The transaction came to an end.
    pub fn finish(&self, key: &TransactionKey) {
        self.lock().under_way.remove(key);
    }

    /// Notes the positive answer that is about to be written.
    pub fn answer(&self, id: QueueId, key: TransactionKey, answered: Answered) {
        let mut inner = self.lock();
        inner.by_key.insert(key, id);
        inner.answers.insert(id, (key, answered));
    }

    /// The answer of this transaction, while it is not known whether its client has it.
    pub fn answered(&self, key: &TransactionKey) -> Option<Reply> {
        let inner = self.lock();
        let id = inner.by_key.get(key)?;
        inner
            .answers
            .get(id)
            .map(|(_, answered)| answered.reply.clone())
    }

    /// Takes the answer of `id` back.
    pub fn take(&self, id: QueueId) -> Option<Answered> {
        let mut inner = self.lock();
        let (key, answered) = inner.answers.remove(&id)?;
        if inner.by_key.get(&key) == Some(&id) {
            inner.by_key.remove(&key);
        }
        Some(answered)
    }
}

/// Recipients the next hop refused for good within the last hour, so that the next RCPT is refused at once.
#[derive(Debug, Default)]
pub struct RefusedRecipients {
    inner: Mutex<RefusedInner>,
}

#[derive(Debug, Default)]
struct RefusedInner {
    replies: HashMap<[u8; 32], (Instant, Reply)>,
    order: VecDeque<[u8; 32]>,
}

/// How long a refusal counts (`reference` practice: 1 h).
const REFUSAL_LIFETIME: Duration = Duration::from_hours(1);
/// Refusals kept at most.
const REFUSALS: usize = 10_000;

impl RefusedRecipients {
    fn key(recipient: &str) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(
            digest::digest(&digest::SHA256, recipient.to_lowercase().as_bytes()).as_ref(),
        );
        key
    }

    /// Notes a refusal.
    pub fn note(&self, recipient: &str, reply: Reply, now: Instant) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Self::key(recipient);
        if inner.replies.insert(key, (now, reply)).is_none() {
            inner.order.push_back(key);
        }
        while inner.order.len() > REFUSALS {
            if let Some(oldest) = inner.order.pop_front() {
                inner.replies.remove(&oldest);
            }
        }
    }

    /// The refusal of this recipient, when it is fresh.
    pub fn recall(&self, recipient: &str, now: Instant) -> Option<Reply> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.replies.is_empty() {
            return None;
        }
        let (noted, reply) = inner.replies.get(&Self::key(recipient))?;
        (now.duration_since(*noted) < REFUSAL_LIFETIME).then(|| reply.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Address;

    fn envelope(rcpts: &[&str]) -> Envelope {
        Envelope::of(
            Some(Address::parse("a@b.example").unwrap()),
            rcpts.iter().map(|r| Address::parse(r).unwrap()),
        )
    }

    #[test]
    fn a_key_knows_every_part_and_no_order() {
        let (one, two) = (
            Identity::of(b"Message-ID: <1@b>\r\n\r\nbody"),
            Identity::of(b"Message-ID: <2@b>\r\n\r\nbody"),
        );
        let both = envelope(&["x@y.example", "z@y.example"]);
        let base = TransactionKey::new("192.0.2.1", &both, &one);
        assert_eq!(
            base,
            TransactionKey::new(
                "192.0.2.1",
                &envelope(&["z@y.example", "x@y.example"]),
                &one
            )
        );
        for other in [
            TransactionKey::new("192.0.2.2", &both, &one),
            TransactionKey::new("192.0.2.1", &envelope(&["x@y.example"]), &one),
            TransactionKey::new("192.0.2.1", &both, &two),
            TransactionKey::new(
                "192.0.2.1",
                &both,
                &Identity::of(b"Message-ID: <1@b>\r\n\r\nbodz"),
            ),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn one_transaction_is_under_way_once() {
        let pending = Pending::default();
        let id = QueueId::from_random([1; 10]);
        assert!(pending.start(TransactionKey([7; 32]), id));
        assert!(!pending.start(TransactionKey([7; 32]), id));
        pending.finish(&TransactionKey([7; 32]));
        assert!(pending.start(TransactionKey([7; 32]), id));
    }

    #[test]
    fn refusals_fade_after_an_hour() {
        let refused = RefusedRecipients::default();
        let (now, reply) = (Instant::now(), Reply::plain(550, "no such user"));
        refused.note("Nobody@x.example", reply.clone(), now);
        assert_eq!(refused.recall("nobody@x.example", now), Some(reply));
        assert_eq!(
            refused.recall("nobody@x.example", now + Duration::from_secs(3601)),
            None
        );
        assert_eq!(refused.recall("other@x.example", now), None);
    }
}

//! Handing a passed message to the next hop while the client waits, and what follows from its answer.
//!
//! # Invariants
//! A delivery that has begun is polled to its end. When its answer comes after the client's deadline it is remembered, and the
//! client's retry is answered with it instead of being sent again.
//!
//! # Standards
//! RFC 1047 (duplicates), RFC 5321 4.5.3.2.6.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;

use crate::mail::{Envelope, QueueId, Recipient};
use crate::pipeline::examine::Examined;
use crate::pipeline::fault::Fault;
use crate::pipeline::guard::{Answered, TransactionKey};
use crate::pipeline::passing::Passing;
use crate::pipeline::received::Received;
use crate::pipeline::record::{Disposition, Entry};
use crate::pipeline::way::Pipeline;
use crate::policy::Action;
use crate::relay::next_hop::{Attempt, Outgoing, Partial};
use crate::relay::queue::{ReturnKind, ReturnRequest};
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::store::identity::header_end;
use crate::store::{Body, Custody, DeliveryKind, NewDelivery};

/// A delivery that has begun. It is polled to its end whatever the client does.
type Transfer = Pin<Box<dyn Future<Output = Attempt> + Send>>;

/// A transaction is on its way to the next hop until this is dropped.
pub(super) struct UnderWay {
    pipeline: Pipeline,
    key: TransactionKey,
}

impl UnderWay {
    /// `None` when the same transaction is on its way already.
    pub(super) fn start(pipeline: &Pipeline, key: TransactionKey, id: QueueId) -> Option<Self> {
        pipeline.inner.pending.start(key, id).then(|| Self {
            pipeline: pipeline.clone(),
            key,
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.pipeline.inner.pending.finish(&self.key);
    }
}

impl Pipeline {
    /// Hands the message to the next hop and gives its answer.
    pub(super) async fn deliver(
        &self,
        received: &Received,
        (examined, action): (&Examined, Action),
        under_way: UnderWay,
        entry: &mut Entry,
    ) -> Result<Reply, Fault> {
        let inner = &self.inner;
        let passing = self.passing(received, &examined.judgement.verdict, action);
        let outgoing = outgoing(received, &passing);
        let next_hop = Arc::clone(&inner.next_hop);
        let started = Instant::now();
        let mut transfer: Transfer = Box::pin(async move { next_hop.deliver(outgoing).await });
        let left = inner
            .settings
            .reply_deadline
            .saturating_sub(received.completed.elapsed());
        let Ok(attempt) = tokio::time::timeout(left, &mut transfer).await else {
            self.await_late_answer(transfer, received, examined, passing, under_way);
            return Err(Fault::NextHopSlow);
        };
        entry.delivered(started.elapsed());
        Ok(self
            .conclude(attempt, received, examined, &passing, entry)
            .await)
    }

    /// Turns what became of the attempt into the answer to the client.
    async fn conclude(
        &self,
        attempt: Attempt,
        received: &Received,
        examined: &Examined,
        passing: &Passing,
        entry: &mut Entry,
    ) -> Reply {
        match attempt {
            Attempt::Accepted { reply, refused } => {
                entry.disposition = Disposition::Delivered;
                self.note_refused(&received.envelope, &refused);
                self.answered(received, examined, reply.clone());
                self.see_to(received, passing, refused).await;
                reply
            }
            Attempt::Failed { reply, refused } => {
                entry.disposition = if reply.is_permanent() {
                    Disposition::Refused
                } else {
                    Disposition::Deferred
                };
                self.note_refused(&received.envelope, &refused);
                reply
            }
            Attempt::Unknown { reply } => {
                metrics::counter!("beadle_possible_duplicates_total").increment(1);
                reply
            }
        }
    }

    /// Goes on waiting for a next hop that missed the client's deadline, so that a retry is answered and not sent again.
    fn await_late_answer(
        &self,
        transfer: Transfer,
        received: &Received,
        examined: &Examined,
        passing: Passing,
        under_way: UnderWay,
    ) {
        let pipeline = self.clone();
        let (received, identity) = (received.clone(), examined.identity.clone());
        self.spawn(async move {
            match transfer.await {
                Attempt::Accepted { reply, refused } => {
                    let answered = Answered {
                        client: received.client.ip.to_string(),
                        envelope: received.envelope.clone(),
                        identity,
                        reply,
                    };
                    pipeline.remember(&answered).await;
                    pipeline.see_to(&received, &passing, refused).await;
                }
                Attempt::Unknown { .. } => {
                    metrics::counter!("beadle_possible_duplicates_total").increment(1);
                }
                Attempt::Failed { .. } => {}
            }
            drop(under_way);
        });
    }

    /// Recipients that did not get a message which others got: refused ones are returned to the sender, deferred ones go into
    /// the queue, for the client has our 250 and will not try again.
    async fn see_to(&self, received: &Received, passing: &Passing, refused: Vec<(usize, Reply)>) {
        let (gone, waiting): (Vec<_>, Vec<_>) = refused
            .into_iter()
            .partition(|(_, reply)| reply.is_permanent());
        if !gone.is_empty() {
            self.return_refused(received, gone).await;
        }
        if !waiting.is_empty() {
            self.queue_deferred(received, passing, &waiting).await;
        }
    }

    async fn queue_deferred(
        &self,
        received: &Received,
        passing: &Passing,
        waiting: &[(usize, Reply)],
    ) {
        let chosen = waiting
            .iter()
            .filter_map(|(index, _)| received.envelope.rcpts.get(*index).cloned());
        let envelope = Envelope {
            rcpts: chosen.collect(),
            ..received.envelope.clone()
        };
        self.enqueue_own(DeliveryKind::Spool, envelope, passing.clone(), received)
            .await;
    }

    /// Tells the sender of recipients that the next hop refused while it took the message for others.
    async fn return_refused(&self, received: &Received, refused: Vec<(usize, Reply)>) {
        let Some(sender) = received.envelope.mail_from.address() else {
            tracing::error!(id = %received.id, recipients = refused.len(), "refused by the next hop, and there is no sender to tell");
            return;
        };
        let now = SystemTime::now();
        let request = ReturnRequest {
            kind: ReturnKind::Failed,
            envelope: received.envelope.clone(),
            refused,
            arrived: received.arrived,
            now,
            until: now,
            id: received.id,
            header_bytes: received.message.slice(..header_end(&received.message)),
        };
        let Some(message) = (self.inner.returns)(&request) else {
            return;
        };
        let envelope = Envelope::of(None, [sender.clone()]);
        self.enqueue_own(
            DeliveryKind::Dsn,
            envelope,
            Passing {
                prefix: Bytes::new(),
                message,
                encrypt: false,
            },
            received,
        )
        .await;
    }

    async fn enqueue_own(
        &self,
        kind: DeliveryKind,
        envelope: Envelope,
        passing: Passing,
        received: &Received,
    ) {
        let now = SystemTime::now();
        let queued = async {
            let id = Custody::new_id()?;
            let xforward = received.client.xforward.clone();
            let delivery = NewDelivery {
                id,
                kind,
                envelope,
                body: Body::Message(passing.message),
                prefix: String::from_utf8_lossy(&passing.prefix).into_owned(),
                xforward,
                encrypt: passing.encrypt,
                created_at: now,
                not_before: now,
            };
            self.inner.store.enqueue(delivery).await
        };
        if let Err(error) = queued.await {
            metrics::counter!("beadle_faults_total", "kind" => "queue-lost").increment(1);
            tracing::error!(id = %received.id, kind = kind.name(), %error, "could not be queued and is lost");
        }
    }

    /// Remembers recipients that do not exist. Refusals for other reasons (the sender, the content) say nothing about the next message.
    fn note_refused(&self, envelope: &Envelope, refused: &[(usize, Reply)]) {
        let now = Instant::now();
        for (index, reply) in refused
            .iter()
            .filter(|(_, reply)| names_the_recipient(reply))
        {
            if let Some(address) = envelope.rcpts.get(*index).and_then(Recipient::address) {
                let own = Reply {
                    lines: vec!["the next hop does not take this recipient".to_owned()],
                    ..reply.clone()
                };
                self.inner.refused.note(address.as_str(), own, now);
            }
        }
    }
}

fn outgoing(received: &Received, passing: &Passing) -> Outgoing {
    Outgoing {
        id: received.id,
        envelope: received.envelope.clone(),
        prefix: passing.prefix.clone(),
        message: passing.message.clone(),
        partial: Partial::AllOrDefer,
        xforward: received.client.xforward.clone(),
        encrypt: passing.encrypt,
    }
}

/// RFC 3463 3.2 and 3.3: 5.1.x about the recipient's address and 5.2.1 (mailbox disabled).
fn names_the_recipient(reply: &Reply) -> bool {
    const CODES: &[EnhancedCode] = &[
        EnhancedCode(5, 1, 1),
        EnhancedCode(5, 1, 2),
        EnhancedCode(5, 1, 3),
        EnhancedCode(5, 1, 6),
        EnhancedCode(5, 1, 10),
        EnhancedCode(5, 2, 1),
    ];
    reply.is_permanent() && reply.enhanced.is_some_and(|code| CODES.contains(&code))
}

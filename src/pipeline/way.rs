//! The way of a message: receive, parse, extract, detect, decide, act, record.
//!
//! # Invariants
//! - A positive answer is given only when the next hop has the message or the store has it durably.
//! - A fault of ours is 451 and never a pass.
//! - A delivery that has begun is never dropped: when its answer comes after the client's deadline, it is remembered, and the
//!   client's retry is answered with it instead of being sent again.
//!
//! # Standards
//! RFC 5321 4.2.5 (responsibility after 250), 6.1; RFC 1047 (duplicates).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::extract::{Content, FileInput, Reader};
use crate::limits::{Budget, Limits};
use crate::mail::{Envelope, QueueId, Recipient};
use crate::pipeline::guard::{Answered, Pending, RefusedRecipients, TransactionKey};
use crate::pipeline::hold;
use crate::pipeline::judge::{Case, Judgement, Tools, judge};
use crate::pipeline::received::{Accept, Received};
use crate::pipeline::record::{Disposition, Entry};
use crate::policy::{Action, ClientFacts, reply_text};
use crate::relay::next_hop::{Attempt, BoxFuture, NextHop, Offer, Outgoing, Partial};
use crate::relay::outcome::{to_answer, to_reply};
use crate::relay::queue::{Compose, ReturnKind, ReturnRequest};
use crate::relay::trace;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::store::identity::header_end;
use crate::store::{Body, DeliveryKind, Identity, NewDelivery, Refusal, Resend, Store, StoreError};

/// How the way is taken.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Our names in the header lines that we prepend.
    pub identity: trace::Identity,
    /// From the last byte to our answer.
    pub reply_deadline: Duration,
    /// Messages judged at the same time; others wait.
    pub judging: usize,
    /// How long a message may wait for its turn to be judged.
    pub judging_wait: Duration,
}

/// Takes messages from the sockets and sees each through.
#[derive(Clone)]
pub struct Pipeline {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    limits: Arc<Limits>,
    tools: ArcSwap<Tools>,
    store: Store,
    next_hop: Arc<dyn NextHop>,
    returns: Compose,
    turns: Semaphore,
    pending: Pending,
    refused: RefusedRecipients,
}

/// A fault of ours: the client is asked to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Judging died.
    #[error("judging failed")]
    Judge,
    /// The store cannot take the message.
    #[error("store unavailable")]
    Store,
    /// The store has no space left.
    #[error("store full")]
    StoreFull,
    /// Too much to do.
    #[error("too busy")]
    Busy,
    /// The same transaction is still on its way to the next hop.
    #[error("an earlier attempt is still under way")]
    UnderWay,
    /// The next hop has not answered in time; it may yet.
    #[error("next hop too slow")]
    NextHopSlow,
}

impl Fault {
    /// A store that could not do its part. What it says is logged; it holds no personal data.
    fn of_store(error: &StoreError) -> Self {
        tracing::error!(%error, "store");
        if *error == StoreError::Full {
            Self::StoreFull
        } else {
            Self::Store
        }
    }

    /// The name used in metrics and log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Judge => "judge",
            Self::Store => "store",
            Self::StoreFull => "store-full",
            Self::Busy => "busy",
            Self::UnderWay => "under-way",
            Self::NextHopSlow => "next-hop-slow",
        }
    }

    fn reply(self, id: QueueId) -> Reply {
        let code = if self == Self::StoreFull { 452 } else { 451 };
        let (enhanced, text) = match self {
            Self::StoreFull => (EnhancedCode(4, 3, 1), "storage is full, try again later"),
            Self::Judge => (
                EnhancedCode(4, 3, 0),
                "could not be checked, try again later",
            ),
            Self::Store => (
                EnhancedCode(4, 3, 0),
                "storage is unavailable, try again later",
            ),
            Self::Busy => (EnhancedCode(4, 3, 2), "too busy, try again later"),
            Self::UnderWay => (
                EnhancedCode(4, 3, 2),
                "an earlier attempt is still under way, try again later",
            ),
            Self::NextHopSlow => (
                EnhancedCode(4, 4, 2),
                "the next hop has not answered in time, try again later",
            ),
        };
        Reply::new(code, enhanced, format!("{text} (ref {})", id.reference()))
    }
}

/// Messages up to this size in bytes are judged on the socket's thread: 0.1 ms of text, less than handing them over costs.
const JUDGED_AT_ONCE: usize = 32 << 10;

/// A reader that reads nothing and remembers that it was asked: the judgement made with it is thrown away then.
#[derive(Debug, Default)]
struct Elsewhere(AtomicBool);

impl Elsewhere {
    fn was_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Reader for Elsewhere {
    fn read(&self, _: &FileInput<'_>, _: &Budget) -> Content {
        self.0.store(true, Ordering::Relaxed);
        Content::default()
    }
}

/// A delivery that has begun. It is polled to its end whatever the client does.
type Transfer = Pin<Box<dyn Future<Output = Attempt> + Send>>;

/// A transaction is on its way to the next hop until this is dropped.
struct UnderWay {
    pipeline: Pipeline,
    key: TransactionKey,
}

impl UnderWay {
    /// `None` when the same transaction is on its way already.
    fn start(pipeline: &Pipeline, key: TransactionKey, id: QueueId) -> Option<Self> {
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

/// A message after the pure stages.
struct Examined {
    judgement: Judgement,
    identity: Identity,
    looping: Option<trace::Loop>,
}

impl Pipeline {
    /// A pipeline over these parts. `returns` writes delivery status notifications.
    pub fn new(
        settings: Settings,
        limits: Arc<Limits>,
        tools: Tools,
        store: Store,
        next_hop: Arc<dyn NextHop>,
        returns: Compose,
    ) -> Self {
        let turns = Semaphore::new(settings.judging.max(1));
        let tools = ArcSwap::from_pointee(tools);
        let (pending, refused) = (Pending::default(), RefusedRecipients::default());
        let inner = Inner {
            settings,
            limits,
            tools,
            store,
            next_hop,
            returns,
            turns,
            pending,
            refused,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Judges later messages with these tools; messages under way keep theirs.
    pub fn swap_tools(&self, tools: Tools) {
        self.inner.tools.store(Arc::new(tools));
    }

    async fn take(&self, received: Received) -> Reply {
        let mut entry = Entry::of(&received);
        let reply = match self.way(received, &mut entry).await {
            Ok(reply) => reply,
            Err(fault) => {
                entry.fault(fault);
                fault.reply(entry.id)
            }
        };
        entry.write(&reply);
        reply
    }

    /// The way of one message, in order.
    async fn way(&self, received: Received, entry: &mut Entry) -> Result<Reply, Fault> {
        let examined = self.examine(&received).await?;
        entry.judged(&examined.judgement);
        if let Some(looping) = examined.looping {
            entry.disposition = Disposition::Refused;
            return Ok(Reply::new(554, EnhancedCode(5, 4, 6), looping.to_string()));
        }
        if let Some(reply) = self.answered_before(&received, &examined.identity) {
            entry.disposition = Disposition::AnsweredBefore;
            return Ok(reply);
        }
        match self.action(&received, &examined).await? {
            Action::Deliver if received.client.spool => {
                self.spool(&received, &examined, entry).await
            }
            Action::Deliver => self.deliver(&received, &examined, entry).await,
            Action::Hold => self.hold(&received, &examined, entry).await,
            Action::Refuse => self.refuse(&received, &examined, entry).await,
        }
    }

    /// Parse, extract, detect and decide, under the scan deadline. A small message without rich attachments is judged at once; the
    /// others on a thread that may block, in their turn.
    async fn examine(&self, received: &Received) -> Result<Examined, Fault> {
        let inner = &self.inner;
        let tools = inner.tools.load_full();
        if received.message.len() <= JUDGED_AT_ONCE
            && let Some(examined) = self.examine_at_once(received, &tools)
        {
            return Ok(examined);
        }
        let turn = tokio::time::timeout(inner.settings.judging_wait, inner.turns.acquire()).await;
        let _turn = turn.map_err(|_| Fault::Busy)?.map_err(|_| Fault::Busy)?;
        let budget = Budget::new(Arc::clone(&inner.limits));
        let (job_budget, received) = (budget.clone(), received.clone());
        let names = inner.settings.identity.clone();
        let mut job =
            tokio::task::spawn_blocking(move || examine(&received, &tools, &job_budget, &names));
        let limit = Duration::from_secs(inner.limits.scan_seconds);
        if let Ok(examined) = tokio::time::timeout(limit, &mut job).await {
            return examined.map_err(|_| Fault::Judge);
        }
        // Every stage looks at the flag; what it left undone comes back as a fact that policy rules on.
        budget.cancel();
        let examined = tokio::time::timeout(limit, job).await;
        examined
            .map_err(|_| Fault::Judge)?
            .map_err(|_| Fault::Judge)
    }

    /// Judges here and now, a matter of microseconds; `None` when an attachment needs a reader that may take its time.
    fn examine_at_once(&self, received: &Received, tools: &Tools) -> Option<Examined> {
        let elsewhere = Arc::new(Elsewhere::default());
        let tools = Tools {
            reader: elsewhere.clone(),
            ..tools.clone()
        };
        let budget = Budget::new(Arc::clone(&self.inner.limits));
        let examined = examine(received, &tools, &budget, &self.inner.settings.identity);
        (!elsewhere.was_asked()).then_some(examined)
    }

    /// The answer kept for a transaction whose client may not have got it.
    fn answered_before(&self, received: &Received, identity: &Identity) -> Option<Reply> {
        let client = received.client.ip.to_string();
        let answer =
            self.inner
                .store
                .recall(&client, &received.envelope, identity, SystemTime::now())?;
        metrics::counter!("beadle_duplicates_answered_total").increment(1);
        Some(to_reply(answer))
    }

    /// The verdict's action, unless a reviewer released this very message to these recipients before.
    async fn action(&self, received: &Received, examined: &Examined) -> Result<Action, Fault> {
        let action = examined.judgement.verdict.action;
        if action != Action::Hold {
            return Ok(action);
        }
        let values = hold::values(&examined.judgement);
        let resend = Resend {
            identity: &examined.identity,
            envelope: &received.envelope,
            values: &values,
        };
        let released = self
            .inner
            .store
            .was_released(resend, SystemTime::now())
            .await
            .map_err(|error| Fault::of_store(&error))?;
        Ok(if released.is_some() {
            Action::Deliver
        } else {
            Action::Hold
        })
    }

    /// Hands the message to the next hop and gives its answer.
    async fn deliver(
        &self,
        received: &Received,
        examined: &Examined,
        entry: &mut Entry,
    ) -> Result<Reply, Fault> {
        let inner = &self.inner;
        let key = TransactionKey::of(received, &examined.identity);
        let under_way = UnderWay::start(self, key, received.id).ok_or(Fault::UnderWay)?;
        let outgoing = self.outgoing(received);
        let next_hop = Arc::clone(&inner.next_hop);
        let started = Instant::now();
        let mut transfer: Transfer = Box::pin(async move { next_hop.deliver(outgoing).await });
        let left = inner
            .settings
            .reply_deadline
            .saturating_sub(received.completed.elapsed());
        let Ok(attempt) = tokio::time::timeout(left, &mut transfer).await else {
            self.await_late_answer(transfer, received, examined, under_way);
            return Err(Fault::NextHopSlow);
        };
        entry.delivered(started.elapsed());
        Ok(self.conclude(attempt, received, examined, entry).await)
    }

    fn outgoing(&self, received: &Received) -> Outgoing {
        Outgoing {
            id: received.id,
            envelope: received.envelope.clone(),
            prefix: self.prefix(received),
            message: trace::without_trace(&received.message),
            partial: Partial::AllOrDefer,
            xforward: received.client.xforward.clone(),
        }
    }

    /// The header lines that say that we had the message.
    fn prefix(&self, received: &Received) -> Bytes {
        let client = &received.client;
        let from = trace::Peer {
            helo: &client.helo,
            ip: client.ip,
            esmtp: client.esmtp,
            tls: client.tls.is_some(),
        };
        self.inner
            .settings
            .identity
            .prefix(from, received.id, received.arrived)
    }

    /// Turns what became of the attempt into the answer to the client.
    async fn conclude(
        &self,
        attempt: Attempt,
        received: &Received,
        examined: &Examined,
        entry: &mut Entry,
    ) -> Reply {
        match attempt {
            Attempt::Accepted { reply, refused } => {
                entry.disposition = Disposition::Delivered;
                self.note_refused(&received.envelope, &refused);
                self.answered(received, examined, reply.clone());
                if !refused.is_empty() {
                    self.return_refused(received, refused).await;
                }
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
        under_way: UnderWay,
    ) {
        let pipeline = self.clone();
        let (received, identity) = (received.clone(), examined.identity.clone());
        tokio::spawn(async move {
            match transfer.await {
                Attempt::Accepted { reply, refused } => {
                    let answered = Answered {
                        client: received.client.ip.to_string(),
                        envelope: received.envelope.clone(),
                        identity,
                        reply,
                    };
                    pipeline.remember(&answered).await;
                    if !refused.is_empty() {
                        pipeline.return_refused(&received, refused).await;
                    }
                }
                Attempt::Unknown { .. } => {
                    metrics::counter!("beadle_possible_duplicates_total").increment(1);
                }
                Attempt::Failed { .. } => {}
            }
            drop(under_way);
        });
    }

    /// Tells the sender of recipients that the next hop refused while it took the message for others.
    async fn return_refused(&self, received: &Received, refused: Vec<(usize, Reply)>) {
        let Some(sender) = received.envelope.mail_from.address() else {
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
        let delivery = NewDelivery {
            id: received.id,
            kind: DeliveryKind::Dsn,
            envelope: Envelope::of(None, [sender.clone()]),
            body: Body::Message(message),
            prefix: String::new(),
            xforward: None,
            created_at: now,
            not_before: now,
        };
        if let Err(error) = self.inner.store.enqueue(delivery).await {
            tracing::error!(id = %received.id, %error, "a delivery status notification is lost");
        }
    }

    fn note_refused(&self, envelope: &Envelope, refused: &[(usize, Reply)]) {
        let now = Instant::now();
        for (index, reply) in refused.iter().filter(|(_, reply)| reply.is_permanent()) {
            if let Some(address) = envelope.rcpts.get(*index).and_then(Recipient::address) {
                self.inner
                    .refused
                    .note(address.as_str(), reply.clone(), now);
            }
        }
    }

    /// Puts a passed message into the durable queue, for clients that cannot wait or retry.
    async fn spool(
        &self,
        received: &Received,
        examined: &Examined,
        entry: &mut Entry,
    ) -> Result<Reply, Fault> {
        let delivery = NewDelivery {
            id: received.id,
            kind: DeliveryKind::Spool,
            envelope: received.envelope.clone(),
            body: Body::Message(trace::without_trace(&received.message)),
            prefix: String::from_utf8_lossy(&self.prefix(received)).into_owned(),
            xforward: received.client.xforward.clone(),
            created_at: received.arrived,
            not_before: received.arrived,
        };
        self.inner
            .store
            .enqueue(delivery)
            .await
            .map_err(|error| Fault::of_store(&error))?;
        entry.disposition = Disposition::Spooled;
        let reply = Reply::new(
            250,
            EnhancedCode(2, 0, 0),
            format!("queued as {}", received.id),
        );
        self.answered(received, examined, reply.clone());
        Ok(reply)
    }

    /// Seals the message for a reviewer; 250 means that it is on stable storage.
    async fn hold(
        &self,
        received: &Received,
        examined: &Examined,
        entry: &mut Entry,
    ) -> Result<Reply, Fault> {
        let message = trace::without_trace(&received.message);
        let stored = Bytes::from([self.prefix(received).as_ref(), message.as_ref()].concat());
        let policy = Arc::clone(&self.inner.tools.load().policy);
        let new = hold::new_hold(received, stored, &examined.judgement, &policy);
        self.inner
            .store
            .hold(new)
            .await
            .map_err(|error| Fault::of_store(&error))?;
        entry.disposition = Disposition::Held;
        let reply = hold::reply(received.id);
        self.answered(received, examined, reply.clone());
        Ok(reply)
    }

    /// Refuses the message with a reason that its sender can act on, and keeps what the reference leads to.
    async fn refuse(
        &self,
        received: &Received,
        examined: &Examined,
        entry: &mut Entry,
    ) -> Result<Reply, Fault> {
        let verdict = &examined.judgement.verdict;
        let refusal = Refusal {
            id: received.id,
            at: received.arrived,
            rules: verdict
                .hits
                .iter()
                .map(|hit| hit.rule.to_string())
                .collect(),
            categories: hold::categories(&examined.judgement),
        };
        self.inner
            .store
            .record_refusal(&refusal)
            .await
            .map_err(|error| Fault::of_store(&error))?;
        entry.disposition = Disposition::Refused;
        let text = reply_text(verdict, received.id.reference());
        Ok(Reply::new(550, EnhancedCode(5, 7, 1), text))
    }

    /// Notes a positive answer until we know that the client has it.
    fn answered(&self, received: &Received, examined: &Examined, reply: Reply) {
        let answered = Answered {
            client: received.client.ip.to_string(),
            envelope: received.envelope.clone(),
            identity: examined.identity.clone(),
            reply,
        };
        self.inner.pending.answer(received.id, answered);
    }

    async fn remember(&self, answered: &Answered) {
        let Answered {
            client,
            envelope,
            identity,
            reply,
        } = answered;
        let stored = self
            .inner
            .store
            .remember(
                client,
                envelope,
                identity,
                &to_answer(reply),
                SystemTime::now(),
            )
            .await;
        if let Err(error) = stored {
            tracing::error!(%error, "an answer could not be kept: a retry may send the message twice");
        }
    }
}

/// The pure stages for one received message, with what identifies it.
fn examine(
    received: &Received,
    tools: &Tools,
    budget: &Budget,
    names: &trace::Identity,
) -> Examined {
    let case = Case {
        envelope: &received.envelope,
        client: ClientFacts {
            own_server: received.client.own_server,
        },
        message: &received.message,
        today: day(received.arrived),
    };
    Examined {
        judgement: judge(&case, tools, budget),
        identity: Identity::of(&received.message),
        looping: names.check_loop(&received.message).err(),
    }
}

/// The civil day in UTC of a moment.
pub fn day(at: SystemTime) -> jiff::civil::Date {
    jiff::tz::Offset::UTC
        .to_datetime(jiff::Timestamp::try_from(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
        .date()
}

impl Accept for Pipeline {
    fn accept(&self, received: Received) -> BoxFuture<'_, Reply> {
        Box::pin(self.take(received))
    }

    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        self.inner.next_hop.offer()
    }

    fn refused_before(&self, recipient: &str) -> Option<Reply> {
        self.inner.refused.recall(recipient, Instant::now())
    }

    fn replied(&self, id: QueueId, delivered: bool) {
        let Some(answered) = self.inner.pending.take(id) else {
            return;
        };
        if !delivered {
            let pipeline = self.clone();
            tokio::spawn(async move { pipeline.remember(&answered).await });
        }
    }
}

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

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::limits::Limits;
use crate::mail::{Envelope, QueueId};
use crate::pipeline::deliver::UnderWay;
use crate::pipeline::examine::Examined;
use crate::pipeline::fault::Fault;
use crate::pipeline::guard::{Answered, Pending, RefusedRecipients, TransactionKey};
use crate::pipeline::habits::Habits;
use crate::pipeline::hold;
use crate::pipeline::judge::Tools;
use crate::pipeline::keeping::Keeper;
use crate::pipeline::notices::{Happened, Notices};
use crate::pipeline::received::{Accept, Received};
use crate::pipeline::record::{Disposition, Entry};
use crate::policy::{Action, Explanation, Senders, Verdict, reply_text};
use crate::relay::next_hop::{BoxFuture, NextHop, Offer};
use crate::relay::notice::plan::Outcome;
use crate::relay::outcome::{to_answer, to_reply};
use crate::relay::queue::Compose;
use crate::relay::trace;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::store::{
    Body, Custody, DeliveryKind, Identity, NewDelivery, Refusal, Resend, StoreError,
};

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

/// How long a client's EHLO waits for the next hop's.
const OFFER_PATIENCE: Duration = Duration::from_millis(200);

/// Takes messages from the sockets and sees each through.
#[derive(Clone)]
pub struct Pipeline {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) limits: Arc<Limits>,
    pub(super) tools: ArcSwap<Tools>,
    /// When they were taken up.
    tools_since: Mutex<SystemTime>,
    /// Tells people; nobody is told when it is not there.
    pub(super) notices: ArcSwapOption<Notices>,
    pub(super) store: Custody,
    pub(super) next_hop: Arc<dyn NextHop>,
    pub(super) returns: Compose,
    pub(super) turns: Semaphore,
    pub(super) pending: Pending,
    pub(super) refused: RefusedRecipients,
    pub(super) habits: Habits,
    /// By whom messages that do not pass are counted.
    pub(super) senders: ArcSwap<Senders>,
    /// Work that goes on when its client has gone: late answers, and keeping answers.
    pub(super) late: Mutex<JoinSet<()>>,
    /// A task is waiting for a silent next hop to say what it offers.
    pub(super) asking: AtomicBool,
    /// Who keeps the facts of judged messages, if anybody does.
    pub(super) keeper: OnceLock<Keeper>,
}

impl Pipeline {
    /// A pipeline over these parts. `returns` writes delivery status notifications.
    pub fn new(
        settings: Settings,
        limits: Arc<Limits>,
        tools: Tools,
        store: Custody,
        next_hop: Arc<dyn NextHop>,
        returns: Compose,
    ) -> Self {
        let turns = Semaphore::new(settings.judging.max(1));
        let tools = ArcSwap::from_pointee(tools);
        let (pending, refused) = (Pending::default(), RefusedRecipients::default());
        let habits = Habits::new(store.subkey("habits"));
        let inner = Inner {
            settings,
            limits,
            tools,
            tools_since: Mutex::new(SystemTime::now()),
            notices: ArcSwapOption::empty(),
            store,
            next_hop,
            returns,
            turns,
            pending,
            refused,
            habits,
            senders: ArcSwap::default(),
            late: Mutex::default(),
            asking: AtomicBool::new(false),
            keeper: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Runs work that must be ended before the process is.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut late = self
            .inner
            .late
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while late.try_join_next().is_some() {}
        late.spawn(work);
    }

    /// Waits for what goes on without a client, for so long at most: what is cut off then may be sent twice.
    pub async fn finish(&self, patience: Duration) {
        let mut late = std::mem::take(
            &mut *self
                .inner
                .late
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let all = async { while late.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!(
                "deliveries were cut off before their answer: the clients' retries may duplicate them"
            );
        }
    }

    /// The tools that messages are judged with.
    pub fn tools(&self) -> Arc<Tools> {
        self.inner.tools.load_full()
    }

    /// Within what messages are read.
    pub fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.inner.limits)
    }

    /// Whether there is a next hop that encrypts.
    pub fn encrypts(&self) -> bool {
        self.inner.next_hop.encrypts()
    }

    /// Judges later messages with these tools; messages under way keep theirs.
    pub fn swap_tools(&self, tools: Tools) {
        self.inner.tools.store(Arc::new(tools));
        let mut since = self
            .inner
            .tools_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *since = SystemTime::now();
    }

    /// When the tools were taken up: the start, or the last reload that exchanged them.
    pub fn tools_since(&self) -> SystemTime {
        let since = self.inner.tools_since.lock();
        *since.unwrap_or_else(PoisonError::into_inner)
    }

    /// Who tells people, if anybody does.
    pub fn notices(&self) -> Option<Notices> {
        self.inner.notices.load_full().as_deref().cloned()
    }

    /// Has people told in this way from now on, or not at all.
    pub fn swap_notices(&self, notices: Option<Notices>) {
        self.inner.notices.store(notices.map(Arc::new));
    }

    /// Tells whoever is to be told what became of a message; `id` is what its reference comes from.
    pub(super) async fn tell(
        &self,
        outcome: Outcome,
        id: QueueId,
        received: &Received,
        examined: &Examined,
    ) {
        let Some(notices) = self.notices() else {
            return;
        };
        let tools = self.tools();
        notices
            .tell(&Happened {
                outcome,
                id,
                received,
                judgement: &examined.judgement,
                tools: &tools,
                now: SystemTime::now(),
            })
            .await;
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
        let mut examined = self.examine(&received).await?;
        if !self.inner.next_hop.encrypts() {
            let verdict = examined.judgement.verdict;
            examined.judgement.verdict = verdict.without_encrypting_hop();
        }
        entry.judged(&examined.judgement);
        if let Some(looping) = examined.looping {
            entry.disposition = Disposition::Refused;
            return Ok(Reply::new(554, EnhancedCode(5, 4, 6), looping.to_string()));
        }
        if let Some(reply) = self.answered_before(&received, &examined.identity).await? {
            entry.disposition = Disposition::AnsweredBefore;
            return Ok(reply);
        }
        let done = self.settle(&received, &examined, entry).await;
        self.keep_facts(&received, &examined, entry.disposition, done.as_ref().err());
        done
    }

    /// Does what was decided.
    async fn settle(
        &self,
        received: &Received,
        examined: &Examined,
        entry: &mut Entry,
    ) -> Result<Reply, Fault> {
        let action = self.action(received, examined).await?;
        if action == Action::Refuse {
            let reply = self.refuse(received, examined, entry).await?;
            self.inner.habits.note(&examined.seen);
            return Ok(reply);
        }
        let key = TransactionKey::of(received, &examined.identity);
        let under_way = UnderWay::start(self, key, received.id).ok_or(Fault::UnderWay)?;
        let reply = match action {
            Action::Hold => return self.hold(received, examined, entry).await,
            _ if received.client.spool => self.spool(received, (examined, action), entry).await,
            _ => {
                let judged = (examined, action);
                self.deliver(received, judged, under_way, entry).await
            }
        }?;
        if entry.disposition != Disposition::Deferred {
            self.inner.habits.note(&examined.seen);
        }
        let passed = matches!(
            entry.disposition,
            Disposition::Delivered | Disposition::Spooled
        );
        if passed {
            self.inner.habits.note_written(&examined.seen);
        }
        // What a reviewer released was told of when it was held.
        if passed && examined.judgement.verdict.action.passes() {
            self.tell(Outcome::Delivered, received.id, received, examined)
                .await;
        }
        Ok(reply)
    }

    /// The answer kept for a transaction whose client may not have got it. When the database does not say whether there is one, the
    /// client is told 451: it keeps the message, and nobody gets it twice.
    async fn answered_before(
        &self,
        received: &Received,
        identity: &Identity,
    ) -> Result<Option<Reply>, Fault> {
        let key = TransactionKey::of(received, identity);
        let mut reply = self.inner.pending.answered(&key);
        if reply.is_none() {
            let client = received.client.ip.to_string();
            let (store, now) = (&self.inner.store, SystemTime::now());
            let answer = store.recall(&client, &received.envelope, identity, now);
            let answer = answer.await.map_err(|error| Fault::of_store(&error))?;
            reply = answer.map(to_reply);
        }
        if reply.is_some() {
            metrics::counter!("beadle_duplicates_answered_total").increment(1);
        }
        Ok(reply)
    }

    /// The verdict's action, unless a reviewer released this very message to these recipients before: then it takes the way that it was
    /// released by, and is held where that way is not there.
    async fn action(&self, received: &Received, examined: &Examined) -> Result<Action, Fault> {
        let verdict = &examined.judgement.verdict;
        let action = verdict.action;
        if action != Action::Hold {
            return Ok(action);
        }
        let values = hold::values(&examined.judgement);
        let resend = Resend {
            identity: &examined.identity,
            envelope: &hold::held_envelope(&received.envelope, verdict),
            values: &values,
        };
        let released = self
            .inner
            .store
            .was_released(resend, SystemTime::now())
            .await
            .map_err(|error| Fault::of_store(&error))?;
        Ok(match released {
            Some(passes) if !passes.encrypt => Action::Deliver,
            Some(_) if self.inner.next_hop.encrypts() => Action::Reroute,
            _ => Action::Hold,
        })
    }

    /// The header lines that say that we had the message.
    pub(super) fn prefix(&self, received: &Received) -> Bytes {
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

    /// Puts a passed message into the durable queue, for clients that cannot wait or retry.
    async fn spool(
        &self,
        received: &Received,
        (examined, action): (&Examined, Action),
        entry: &mut Entry,
    ) -> Result<Reply, Fault> {
        let envelope = received.envelope.clone();
        let verdict = &examined.judgement.verdict;
        let delivery = self.spooled(received, (verdict, action), envelope, received.id);
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

    /// A passed message as the queue takes it.
    fn spooled(
        &self,
        received: &Received,
        (verdict, action): (&Verdict, Action),
        envelope: Envelope,
        id: QueueId,
    ) -> NewDelivery {
        let passing = self.passing(received, verdict, action);
        NewDelivery {
            id,
            kind: DeliveryKind::Spool,
            envelope,
            body: Body::Message(passing.message),
            prefix: String::from_utf8_lossy(&passing.prefix).into_owned(),
            xforward: received.client.xforward.clone(),
            encrypt: passing.encrypt,
            created_at: received.arrived,
            not_before: received.arrived,
        }
    }

    /// Seals the message for a reviewer; 250 means that it is on stable storage. With a split, the other recipients' delivery is in
    /// the queue in the same transaction.
    async fn hold(
        &self,
        received: &Received,
        examined: &Examined,
        entry: &mut Entry,
    ) -> Result<Reply, Fault> {
        let message = trace::without_trace(&received.message);
        let stored = Bytes::from([self.prefix(received).as_ref(), message.as_ref()].concat());
        let policy = Arc::clone(&self.inner.tools.load().policy);
        let origin = self.origin(received, examined);
        let new = hold::new_hold(received, stored, &examined.judgement, &policy, origin);
        let verdict = &examined.judgement.verdict;
        let beside = hold::passed_envelope(&received.envelope, verdict)
            .map(|envelope| {
                let id = Custody::new_id()?;
                Ok(self.spooled(received, (verdict, verdict.action), envelope, id))
            })
            .transpose()
            .map_err(|error: StoreError| Fault::of_store(&error))?;
        let held = self.inner.store.hold_beside(new, beside).await;
        let id = held.map_err(|error| Fault::of_store(&error))?;
        entry.disposition = Disposition::Held;
        // Another id: the client sent again what waits already.
        if id == received.id {
            self.inner.habits.note(&examined.seen);
            self.note_forward(received, examined, id).await;
        }
        self.tell(Outcome::Held, id, received, examined).await;
        Ok(hold::reply(id))
    }

    /// Why the verdict came out as it did, in plain words.
    fn explained(&self, received: &Received, examined: &Examined) -> String {
        let policy = Arc::clone(&self.inner.tools.load().policy);
        let judgement = &examined.judgement;
        let facts = judgement.facts(&received.envelope, received.client.own_server);
        Explanation::of(&policy, &facts, &judgement.verdict).to_string()
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
            explanation: self.explained(received, examined),
            severity: verdict.hits.iter().map(|hit| hit.severity).max(),
            people: examined.judgement.findings.people.len(),
            origin: self.origin(received, examined),
        };
        self.inner
            .store
            .record_refusal(&refusal)
            .await
            .map_err(|error| Fault::of_store(&error))?;
        entry.disposition = Disposition::Refused;
        self.tell(Outcome::Refused, received.id, received, examined)
            .await;
        let text = reply_text(verdict, received.id.reference());
        Ok(Reply::new(550, EnhancedCode(5, 7, 1), text))
    }

    /// Notes a positive answer until we know that the client has it.
    pub(super) fn answered(&self, received: &Received, examined: &Examined, reply: Reply) {
        let answered = Answered {
            client: received.client.ip.to_string(),
            envelope: received.envelope.clone(),
            identity: examined.identity.clone(),
            reply,
        };
        let key = TransactionKey::of(received, &examined.identity);
        self.inner.pending.answer(received.id, key, answered);
    }

    pub(super) async fn remember(&self, answered: &Answered) {
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

impl Accept for Pipeline {
    fn accept(&self, received: Received) -> BoxFuture<'_, Reply> {
        Box::pin(self.take(received))
    }

    /// What is known, or what the next hop says within a moment. A silent next hop is asked by one task at a time, in the background.
    fn offer(&self) -> BoxFuture<'_, Option<Offer>> {
        Box::pin(async move {
            let inner = &self.inner;
            if inner.asking.load(Ordering::Relaxed) {
                return None;
            }
            let next_hop = Arc::clone(&inner.next_hop);
            let mut asked = Box::pin(async move { next_hop.offer().await });
            if let Ok(offer) = tokio::time::timeout(OFFER_PATIENCE, &mut asked).await {
                return offer;
            }
            if !inner.asking.swap(true, Ordering::Relaxed) {
                let inner = Arc::clone(inner);
                tokio::spawn(async move {
                    asked.await;
                    inner.asking.store(false, Ordering::Relaxed);
                });
            }
            None
        })
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
            self.spawn(async move { pipeline.remember(&answered).await });
        }
    }
}

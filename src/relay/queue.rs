//! The delivery worker: takes what is due from the durable queue to the next hop, and answers for what cannot be delivered.
//!
//! # Invariants
//! A recipient is delivered, or its sender is told, or an operator is: none of them silently ends. A recipient the next hop took is
//! never offered again. A return goes into the queue in the transaction that records the failure it reports. The null
//! sender gets no return; an alarm is raised instead.
//!
//! # Standards
//! RFC 5321 4.5.4.1 (retries), 4.5.5 and 6.1 (no return for a null sender); RFC 3461 4.1 (NOTIFY) and 6.2 (who issues which return).
//!
//! # Known gaps
//! Success and relayed returns (`NOTIFY=SUCCESS`) are not written for a next hop that does not offer DSN.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::next_hop::{Attempt, NextHop, Outgoing, Partial};
use super::outcome::{
    after_acceptance, after_failure, as_transient, give_up, newly, not_readable, not_tried,
    to_answer, to_reply, wants,
};
use super::retry::{After, Schedule};
use crate::mail::{Envelope, QueueId};
use crate::smtp::reply::Reply;
use crate::store::{
    Answer, Body, Custody, DeliveryKind, Lease, NewDelivery, Next, RecipientState, Settlement,
    StoreError,
};

/// What a return reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnKind {
    /// These recipients will not get the message.
    Failed,
    /// These recipients have not got it yet; it is still being tried.
    Delayed,
}

/// What a delivery status notification is written from.
#[derive(Debug, Clone)]
pub struct ReturnRequest {
    /// What it reports.
    pub kind: ReturnKind,
    /// The envelope of the message it is about.
    pub envelope: Envelope,
    /// The recipients it reports (indexes into the envelope) with the answer each got.
    pub refused: Vec<(usize, Reply)>,
    /// When the message became ours.
    pub arrived: SystemTime,
    /// The time of writing.
    pub now: SystemTime,
    /// For a delay: when it will be given up.
    pub until: SystemTime,
    /// The id of the message it is about.
    pub id: QueueId,
    /// The header section of that message; empty when the message cannot be read.
    pub header_bytes: Bytes,
}

/// Writes a return; `None` when it cannot.
pub type Compose = Arc<dyn Fn(&ReturnRequest) -> Option<Bytes> + Send + Sync>;

/// The calendar; tests turn it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// How the worker works.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its name: stable over restarts, and of its own for every node on one store.
    pub worker: String,
    /// Deliveries at once.
    pub concurrency: usize,
    /// How often it looks for what other processes queued.
    pub poll: Duration,
    /// How long a lease lasts without being prolonged; it is prolonged every third of that.
    pub lease: Duration,
    /// When to try again.
    pub schedule: Schedule,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            worker: "relay".to_owned(),
            concurrency: 8,
            poll: Duration::from_secs(1),
            lease: Duration::from_mins(2),
            schedule: Schedule::default(),
        }
    }
}

/// The delivery worker. Cheap to clone.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    store: Custody,
    next_hop: Arc<dyn NextHop>,
    compose: Compose,
    clock: Clock,
    config: Config,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// A worker over this store and next hop.
    pub fn new(
        store: Custody,
        next_hop: Arc<dyn NextHop>,
        compose: Compose,
        clock: Clock,
        config: Config,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            next_hop,
            compose,
            clock,
            config,
        }))
    }

    /// Works until `stop` turns true, then ends what it has begun: a delivery is never dropped within its data.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let inner = &self.0;
        let wake = inner.store.wake();
        let mut running = JoinSet::new();
        if let Err(error) = inner.store.reclaim(&inner.config.worker).await {
            tracing::warn!(%error, "leases of an earlier run stay until they end");
        }
        while !*stop.borrow() {
            let leased = self.start(&mut running).await;
            // A full round means that more may be due.
            if leased && running.len() < inner.config.concurrency {
                continue;
            }
            tokio::select! {
                _ = running.join_next(), if !running.is_empty() => {}
                () = wake.notified(), if running.len() < inner.config.concurrency => {}
                () = tokio::time::sleep(inner.config.poll), if running.len() < inner.config.concurrency => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Leases and starts as many deliveries as there is room for; whether there were any.
    async fn start(&self, running: &mut JoinSet<()>) -> bool {
        let inner = &self.0;
        let room = inner.config.concurrency.saturating_sub(running.len());
        if room == 0 {
            return false;
        }
        let leases = match inner.lease(room).await {
            Ok(leases) => leases,
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be read");
                return false;
            }
        };
        let any = !leases.is_empty();
        for lease in leases {
            let inner = Arc::clone(inner);
            running.spawn(async move { inner.deliver(lease).await });
        }
        any
    }

    /// Delivers everything that is due now, one after the other; how many attempts that were. For tests and for flushing.
    pub async fn run_due(&self) -> Result<usize, StoreError> {
        let mut attempts = 0;
        loop {
            let leases = self.0.lease(self.0.config.concurrency).await?;
            if leases.is_empty() {
                return Ok(attempts);
            }
            for lease in leases {
                attempts += 1;
                self.0.deliver(lease).await;
            }
        }
    }
}

/// What an attempt made of a delivery.
struct Outcome {
    recipients: Vec<RecipientState>,
    unknown: bool,
}

impl Inner {
    async fn lease(&self, room: usize) -> Result<Vec<Lease>, StoreError> {
        let Config { worker, lease, .. } = &self.config;
        self.store
            .lease_due((self.clock)(), worker, room as u32, *lease)
            .await
    }

    async fn deliver(&self, lease: Lease) {
        let id = lease.id;
        let message = match self.store.delivery_message(&lease).await {
            Ok(message) => Some(message),
            Err(StoreError::LeaseLost) => return,
            Err(error) => {
                alarm("unreadable");
                tracing::error!(%id, %error, alarm = true, "a queued message cannot be read");
                None
            }
        };
        let outcome = match &message {
            None => Outcome {
                recipients: after_failure(&lease, &not_readable(), &[]),
                unknown: false,
            },
            Some(message) => {
                // Without this mark on stable storage a crash could not be told from no attempt: do not begin.
                if let Err(error) = self.store.mark_attempting(&lease).await {
                    tracing::warn!(%id, %error, "an attempt could not be noted and is put off");
                    return;
                }
                self.attempt(&lease, message.clone()).await
            }
        };
        self.conclude(&lease, outcome, message.as_ref()).await;
    }

    /// Offers the message for every pending recipient, keeping the lease meanwhile.
    async fn attempt(&self, lease: &Lease, message: Bytes) -> Outcome {
        let pending: Vec<usize> = (0..lease.recipients.len())
            .filter(|index| lease.recipients[*index].is_pending())
            .collect();
        let outgoing = Outgoing {
            id: lease.id,
            envelope: Envelope {
                rcpts: pending
                    .iter()
                    .filter_map(|index| lease.envelope.rcpts.get(*index).cloned())
                    .collect(),
                ..lease.envelope.clone()
            },
            prefix: Bytes::from(lease.prefix.clone()),
            message,
            partial: Partial::Each,
            xforward: lease.xforward.clone(),
            encrypt: lease.encrypt,
        };
        let began = std::time::Instant::now();
        let mut delivery = self.next_hop.deliver(outgoing);
        let attempt = loop {
            tokio::select! {
                attempt = &mut delivery => break attempt,
                () = tokio::time::sleep(self.config.lease / 3) => {
                    let until = (self.clock)() + self.config.lease;
                    // A lost lease does not stop the data that is on its way: it counts as a possible duplicate.
                    if let Err(error) = self.store.extend(lease, until).await {
                        tracing::warn!(id = %lease.id, %error, "a lease could not be kept");
                    }
                }
            }
        };
        log_attempt(lease, &attempt, began.elapsed());
        match attempt {
            Attempt::Accepted { refused, .. } => Outcome {
                recipients: after_acceptance(lease, &pending, &refused),
                unknown: false,
            },
            Attempt::Failed { reply, refused } => {
                let refused: Vec<(usize, Reply)> = refused
                    .into_iter()
                    .filter_map(|(at, reply)| Some((*pending.get(at)?, reply)))
                    .collect();
                Outcome {
                    recipients: after_failure(lease, &reply, &refused),
                    unknown: false,
                }
            }
            Attempt::Unknown { reply } => Outcome {
                recipients: after_failure(lease, &as_transient(reply), &[]),
                unknown: true,
            },
        }
    }

    /// Decides what comes next, writes the returns it takes, and records all of it.
    async fn conclude(&self, lease: &Lease, mut outcome: Outcome, message: Option<&Bytes>) {
        let now = (self.clock)();
        let schedule = &self.config.schedule;
        let mut next = Next::Finished;
        if outcome.recipients.iter().any(RecipientState::is_pending) {
            match schedule.after(lease.window_at, now, lease.attempts + 1) {
                After::Retry(at) => next = Next::Retry(at),
                After::GiveUp => give_up(&mut outcome.recipients),
            }
        }
        let mut more = Vec::new();
        let failed = newly(lease, &outcome.recipients, |state| match state {
            RecipientState::Failed(answer) => Some(answer.clone()),
            _ => None,
        });
        self.report(lease, ReturnKind::Failed, failed, message, now, &mut more);
        // Who gets a return of mail that only passed sends it again; anything else waits for an operator.
        let keep_dead =
            lease.kind != DeliveryKind::Spool || lease.envelope.mail_from.address().is_none();
        let fell_short = |state: &RecipientState| matches!(state, RecipientState::Failed(_));
        if next == Next::Finished && keep_dead && outcome.recipients.iter().any(fell_short) {
            alarm("dead");
            tracing::error!(id = %lease.id, kind = lease.kind.name(), alarm = true,
                "a delivery ended as a dead letter; see beadle queue show");
        }
        let mut delay_noticed = lease.delay_noticed;
        if next != Next::Finished && !delay_noticed && schedule.is_delayed(lease.window_at, now) {
            let waiting = newly(lease, &outcome.recipients, |state| match state {
                RecipientState::Pending(answer) => {
                    Some(answer.clone().unwrap_or_else(|| to_answer(&not_tried())))
                }
                _ => None,
            });
            self.report(lease, ReturnKind::Delayed, waiting, message, now, &mut more);
            delay_noticed = true;
        }
        let settlement = Settlement {
            recipients: outcome.recipients,
            next,
            delay_noticed,
            unknown: outcome.unknown,
            keep_dead,
        };
        self.record(lease, &settlement, &more, now).await;
    }

    /// Records an outcome, trying for a while: a store that fails now would make a duplicate of what was delivered.
    async fn record(
        &self,
        lease: &Lease,
        settlement: &Settlement,
        more: &[NewDelivery],
        now: SystemTime,
    ) {
        const PATIENCE: [u64; 5] = [0, 1, 3, 10, 20];
        for seconds in PATIENCE {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            match self.store.settle(lease, settlement, more, now).await {
                Ok(()) => return,
                Err(error) if error.is_temporary() => {
                    tracing::warn!(id = %lease.id, %error, "an outcome could not be recorded yet");
                }
                Err(error) => {
                    alarm("unrecorded");
                    tracing::error!(id = %lease.id, %error, alarm = true, "an outcome cannot be recorded");
                    return;
                }
            }
        }
        alarm("unrecorded");
        tracing::error!(id = %lease.id, alarm = true, "an outcome was not recorded; the message may be sent again");
    }

    /// Adds the return that reports these recipients to `more`, or raises an alarm where there is nobody to tell.
    fn report(
        &self,
        lease: &Lease,
        kind: ReturnKind,
        refused: Vec<(usize, Answer)>,
        message: Option<&Bytes>,
        now: SystemTime,
        more: &mut Vec<NewDelivery>,
    ) {
        if refused.is_empty() {
            return;
        }
        let count = refused.len();
        if kind == ReturnKind::Failed {
            metrics::counter!("beadle_queue_failed_recipients_total", "kind" => lease.kind.name())
                .increment(count as u64);
        }
        let Some(sender) = lease.envelope.mail_from.address() else {
            // A delay of a notice needs nobody's eyes; its end does.
            if kind == ReturnKind::Failed {
                alarm("null-sender");
                tracing::error!(id = %lease.id, kind = lease.kind.name(), count, alarm = true,
                    "mail of the null sender could not be delivered");
            }
            return;
        };
        let wanted: Vec<(usize, Reply)> = refused
            .into_iter()
            .filter(|(index, _)| {
                lease
                    .envelope
                    .rcpts
                    .get(*index)
                    .is_some_and(|rcpt| wants(rcpt, kind))
            })
            .map(|(index, answer)| (index, to_reply(answer)))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let request = ReturnRequest {
            kind,
            envelope: lease.envelope.clone(),
            refused: wanted,
            arrived: lease.created_at,
            now,
            until: lease.window_at + self.config.schedule.give_up,
            id: lease.id,
            header_bytes: message.map(Custody::header_of).unwrap_or_default(),
        };
        let written =
            (self.compose)(&request).and_then(|message| Some((Custody::new_id().ok()?, message)));
        let Some((id, message)) = written else {
            alarm("no-return");
            tracing::error!(id = %lease.id, count, alarm = true, "no return could be written");
            return;
        };
        more.push(NewDelivery {
            id,
            kind: DeliveryKind::Dsn,
            envelope: Envelope::of(None, [sender.clone()]),
            body: Body::Message(message),
            prefix: String::new(),
            xforward: None,
            encrypt: false,
            created_at: now,
            not_before: now,
        });
    }
}

fn alarm(kind: &'static str) {
    metrics::counter!("beadle_queue_alarms_total", "kind" => kind).increment(1);
}

/// One line for each attempt; replies may quote addresses, so only their codes are logged.
fn log_attempt(lease: &Lease, attempt: &Attempt, took: Duration) {
    let (event, reply, refused) = match attempt {
        Attempt::Accepted { reply, refused } => ("sent", reply, refused.len()),
        Attempt::Failed { reply, refused } if reply.is_permanent() => {
            ("failed", reply, refused.len())
        }
        Attempt::Failed { reply, refused } => ("deferred", reply, refused.len()),
        Attempt::Unknown { reply } => ("unknown", reply, 0),
    };
    metrics::counter!("beadle_queue_attempts_total", "kind" => lease.kind.name(), "event" => event)
        .increment(1);
    tracing::info!(
        id = %lease.id,
        event,
        kind = lease.kind.name(),
        attempt = lease.attempts + 1,
        nrcpt = lease.recipients.iter().filter(|state| state.is_pending()).count(),
        refused,
        code = reply.code,
        possible_duplicates = lease.possible_duplicates,
        ms = took.as_millis() as u64,
    );
}

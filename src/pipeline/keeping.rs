//! Keeping the facts of judged messages, beside their way.
//!
//! # Invariants
//! A message never waits for this: what does not fit into the queue is counted and left out. What waits is bounded by number and by
//! bytes. Serialising, sealing and writing happen elsewhere, many records in one transaction.
//!
//! # Known gaps
//! A message whose client left before the next hop answered, and a crash's last second, are not on record.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use crate::pipeline::examine::Examined;
use crate::pipeline::fault::Fault;
use crate::pipeline::received::Received;
use crate::pipeline::record::Disposition;
use crate::pipeline::way::Pipeline;
use crate::policy::RecordedFacts;
use crate::store::{Custody, KeptFacts};

/// Records of one transaction.
const BATCH: usize = 500;
/// How long a record waits at most.
const EVERY: Duration = Duration::from_secs(1);
/// Records that wait at most: four seconds of 1,000 messages each.
const WAITING: usize = 4_000;
/// Kibibytes of records that wait at most. An ordinary one takes one or two, the longest about 200.
const ROOM: u32 = 32 << 10;

enum Job {
    Keep(Box<KeptFacts>, OwnedSemaphorePermit),
    End(oneshot::Sender<()>),
}

/// Takes records and writes them.
#[derive(Debug, Clone)]
pub struct Keeper {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
}

impl Keeper {
    /// Starts the writing task on the present runtime; it ends with [`Keeper::finish`], or when the last of these is dropped.
    pub fn start(store: Custody) -> Self {
        let (jobs, receiver) = mpsc::channel(WAITING);
        tokio::spawn(run(store, receiver));
        Self {
            jobs,
            room: Arc::new(Semaphore::new(ROOM as usize)),
        }
    }

    /// Hands a record over; one that does not fit is counted and left out.
    pub fn keep(&self, kept: KeptFacts) {
        let weight = u32::try_from(kept.facts.weight() >> 10).unwrap_or(ROOM);
        let room = Arc::clone(&self.room).try_acquire_many_owned(weight + 1);
        let sent = room.ok().and_then(|permit| {
            let job = Job::Keep(Box::new(kept), permit);
            self.jobs.try_send(job).ok()
        });
        if sent.is_none() {
            dropped(1);
        }
    }

    /// Writes what waits and ends, within `patience`; later records are left out.
    pub async fn finish(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let (done, ended) = oneshot::channel();
        let asked = timeout_at(deadline, self.jobs.send(Job::End(done))).await;
        if !matches!(asked, Ok(Ok(()))) || timeout_at(deadline, ended).await.is_err() {
            tracing::warn!("facts of the last messages were not kept");
        }
    }
}

fn dropped(count: usize) {
    metrics::counter!("beadle_facts_dropped_total").increment(count as u64);
}

async fn run(store: Custody, mut jobs: mpsc::Receiver<Job>) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::new();
    let mut room = Vec::new();
    loop {
        let job = tokio::select! {
            job = jobs.recv() => job,
            _ = tick.tick() => {
                write(&store, &mut batch, &mut room).await;
                continue;
            }
        };
        match job {
            Some(Job::Keep(kept, permit)) => {
                batch.push(*kept);
                room.push(permit);
                if batch.len() >= BATCH {
                    write(&store, &mut batch, &mut room).await;
                }
            }
            Some(Job::End(done)) => {
                // What other clones handed over before is in the queue already.
                jobs.close();
                while let Ok(Job::Keep(kept, permit)) = jobs.try_recv() {
                    batch.push(*kept);
                    room.push(permit);
                }
                write(&store, &mut batch, &mut room).await;
                let _nobody_waits = done.send(());
                return;
            }
            None => {
                write(&store, &mut batch, &mut room).await;
                return;
            }
        }
    }
}

async fn write(store: &Custody, batch: &mut Vec<KeptFacts>, room: &mut Vec<OwnedSemaphorePermit>) {
    /// A store that does not answer for so long has other worries.
    const PATIENCE: Duration = Duration::from_secs(30);
    if batch.is_empty() {
        return;
    }
    let count = batch.len();
    let written = timeout(PATIENCE, store.keep_facts(std::mem::take(batch))).await;
    room.clear();
    match written {
        Ok(Ok(())) => metrics::counter!("beadle_facts_kept_total").increment(count as u64),
        Ok(Err(error)) => {
            dropped(count);
            tracing::warn!(%error, count, "facts of messages were not kept");
        }
        Err(_) => {
            dropped(count);
            tracing::warn!(
                count,
                "facts of messages were not kept: the store does not answer"
            );
        }
    }
}

impl Pipeline {
    /// Has the facts of judged messages kept from now on; the first call counts.
    pub fn keep_facts_with(&self, keeper: Keeper) {
        let _first_counts = self.inner.keeper.set(keeper);
    }

    /// Hands the facts of a message over once it has an answer. A retry that was answered before is no new message, and what was
    /// deferred comes again.
    pub(super) fn keep_facts(
        &self,
        received: &Received,
        examined: &Examined,
        disposition: Disposition,
        fault: Option<&Fault>,
    ) {
        // A delivery that was slow goes on, and its client's retry is answered with what becomes of it.
        let slow = fault.is_some_and(|fault| *fault == Fault::NextHopSlow);
        let again = !slow
            && matches!(
                disposition,
                Disposition::AnsweredBefore | Disposition::Deferred
            );
        let Some(keeper) = self.inner.keeper.get().filter(|_| !again) else {
            return;
        };
        let judgement = &examined.judgement;
        let facts = judgement.facts(&received.envelope, received.client.own_server);
        keeper.keep(KeptFacts {
            id: received.id,
            at: received.arrived,
            facts: RecordedFacts::of(&facts, &judgement.verdict),
        });
    }
}

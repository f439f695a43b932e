//! What the relay does for its store beside mail: retention, the end of sessions and tokens, the sweep of orphans, gauges, a watch on the space that is
//! left, and indexing of holds from before an update.

use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::app::admission;
use crate::store::{Cursor, Custody};

/// How often gauges are set and space is looked at.
const ROUND: Duration = Duration::from_secs(15);

/// Rounds between two runs of retention: an hour.
const ROUNDS_FOR_RETENTION: u32 = 240;

/// Holds of a round that are indexed after an update: about a second's work.
const INDEXED_AT_ONCE: u32 = 2_000;

/// Less room than this for holds is an alarm: it is what a school holds in weeks, and an operator acts in days.
const LITTLE_ROOM: u64 = 1 << 30;

/// Works until `stopped` turns true.
pub async fn run(store: Custody, mut stopped: watch::Receiver<bool>) {
    sweep(&store).await;
    let mut room = Room::default();
    let mut older = Older::Unknown;
    for round in 0u32.. {
        if round % ROUNDS_FOR_RETENTION == 0 {
            retain(&store).await;
            sign_out(&store).await;
        }
        if round > 0 && round % ROUNDS_FOR_RETENTION == 0 {
            admission::remind(&store).await;
        }
        if let Ok(counts) = store.counts().await {
            metrics::gauge!("beadle_holds").set(counts.held as f64);
            metrics::gauge!("beadle_queue").set(counts.queued as f64);
            metrics::gauge!("beadle_dead_letters").set(counts.dead as f64);
        }
        if let Err(error) = store.follow_keys(SystemTime::now()).await {
            tracing::error!(%error, "ALARM: the master keys stay as they were");
        }
        // A page of figures then finds them read; following a few changes takes less than a millisecond.
        if let Err(error) = store.figures(SystemTime::now()).await {
            tracing::warn!(%error, "figures for reports could not be read");
        }
        room.look(&store);
        older = older.index(&store).await;
        let ended = tokio::time::timeout(ROUND, stopped.wait_for(|stop| *stop)).await;
        if ended.is_ok() {
            return;
        }
    }
}

async fn sweep(store: &Custody) {
    match store.sweep(SystemTime::now()).await {
        Ok(sweep) => sweep.missing.iter().for_each(
            |id| tracing::error!(%id, "ALARM: the message of this hold or delivery is not there"),
        ),
        Err(error) => tracing::error!(%error, "the sweep of the store failed"),
    }
}

async fn retain(store: &Custody) {
    match store.expire_due(SystemTime::now()).await {
        Ok(ended) => {
            metrics::gauge!("beadle_retention_failed").set(0.0);
            metrics::counter!("beadle_holds_ended_total", "how" => "expired")
                .increment(ended.expired);
            metrics::counter!("beadle_holds_ended_total", "how" => "purged")
                .increment(ended.purged);
            if ended.expired > 0 {
                // Nobody decided in time: the messages never arrive, and somebody should know.
                tracing::warn!(
                    holds = ended.expired,
                    "ALARM: holds expired that nobody decided"
                );
            }
        }
        Err(error) => {
            metrics::gauge!("beadle_retention_failed").set(1.0);
            tracing::error!(%error, "ALARM: retention failed");
        }
    }
}

/// Removes sessions and tokens whose time is over.
async fn sign_out(store: &Custody) {
    if let Err(error) = store.sweep_sessions(SystemTime::now()).await {
        tracing::error!(%error, "sessions that ended were not removed");
    }
}

/// Holds that were stored before there were tokens to search by.
#[derive(Debug, Clone, Copy)]
enum Older {
    Unknown,
    From(Cursor),
    Done,
}

impl Older {
    async fn index(self, store: &Custody) -> Self {
        let from = match self {
            Self::Unknown => None,
            Self::From(place) => Some(place),
            Self::Done => return self,
        };
        match store.index_holds(from, INDEXED_AT_ONCE).await {
            Ok(done) => {
                if done.unread > 0 {
                    tracing::error!(holds = done.unread, "the records of holds do not open");
                }
                done.next.map_or(Self::Done, Self::From)
            }
            Err(error) => {
                tracing::error!(%error, "indexing holds from before the update failed");
                self
            }
        }
    }
}

/// Watches the room for holds; says once that it is little, and once that it is enough again.
#[derive(Debug, Default)]
struct Room {
    little: bool,
}

impl Room {
    fn look(&mut self, store: &Custody) {
        let Ok(free) = store.free_bytes() else { return };
        metrics::gauge!("beadle_store_free_bytes").set(free as f64);
        let little = free < LITTLE_ROOM.max(4 * store.config().reserve);
        if little && !self.little {
            tracing::error!(
                free,
                "ALARM: little room is left for holds; below the reserve, messages that must be held are answered 452"
            );
        }
        if !little && self.little {
            tracing::info!(free, "there is room for holds again");
        }
        self.little = little;
    }
}

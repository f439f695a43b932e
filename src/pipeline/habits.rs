//! Watching mail over time: each message is looked at before it is judged, and remembered when its fate is known.
//!
//! # Invariants
//! Only keyed hashes are remembered, under a key of the store's. The lock is held for microseconds and never across an await. What a
//! client is asked to send again is not remembered: its retry will be.

use std::hash::Hasher as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use siphasher::sip::SipHasher24;

use crate::limits::{Budget, Limits};
use crate::mail::{Address, Envelope};
use crate::mime;
use crate::pipeline::judge::Tools;
use crate::pipeline::received::Received;
use crate::pipeline::way::Pipeline;
use crate::policy::behaviour::{Behaviour, Moment, Passage};
use crate::policy::classes::Classes;
use crate::policy::correspondents::{Correspondents, Written};
use crate::policy::sighting::{Sighting, adds_nothing};
use crate::policy::{ClientFacts, History};

/// Bytes at the start of a message that are looked at: headers, and the text before the attachments.
const HEAD: usize = 256 << 10;

/// What was remembered of mail, and the key of its hashes.
pub(super) struct Habits {
    state: Mutex<Behaviour>,
    correspondents: Mutex<Correspondents>,
    key: [u8; 16],
    /// Something was remembered since the state was kept last.
    changed: AtomicBool,
    /// A correspondent was remembered since they were kept last.
    met: AtomicBool,
}

/// A message as it was looked at.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    passage: Passage,
    moment: Moment,
    written: Written,
    /// What the mail before it says of it.
    pub(super) history: History,
}

impl Habits {
    /// Nothing remembered yet; `key` is a secret that stays the same over restarts.
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self {
            state: Mutex::default(),
            correspondents: Mutex::default(),
            key,
            changed: AtomicBool::new(false),
            met: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, Behaviour> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn correspondents(&self) -> MutexGuard<'_, Correspondents> {
        let lock = self.correspondents.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a message that is about to be judged.
    pub(super) fn look(&self, received: &Received, tools: &Tools, limits: &Arc<Limits>) -> Seen {
        let head = received.message.get(..HEAD).unwrap_or(&received.message);
        let headers = mime::headers::section(head).headers;
        let client = ClientFacts {
            own_server: received.client.own_server,
        };
        let now = Timestamp::try_from(received.arrived).unwrap_or(Timestamp::UNIX_EPOCH);
        let classes = &tools.policy.classes;
        let mut sighting = Sighting::of(&received.envelope, client, &headers, classes, now);
        if sighting.asks_for_body() {
            let budget = Budget::new(Arc::clone(limits));
            sighting.read(adds_nothing(&mime::parse(head, &budget)));
        }
        let passage = sighting.hashed(|text| self.hash(text));
        let moment = Moment::new(now, tools.local(received.arrived));
        let written = self.written(&received.envelope, classes);
        let history = self.history(&written, &passage, moment);
        Seen {
            passage,
            moment,
            written,
            history,
        }
    }

    fn history(&self, written: &Written, passage: &Passage, moment: Moment) -> History {
        let correspondents = self.correspondents();
        History {
            first_contact: correspondents.first_contacts(written, moment.day()),
            sole_writer: correspondents.sole_writers(written),
            marks: self.state().marks(passage, moment),
        }
    }

    /// Sender and recipients as correspondents are remembered: the trust's own sender, and who is outside.
    fn written(&self, envelope: &Envelope, classes: &Classes) -> Written {
        let own = |address: &&Address| classes.of(address).is_internal();
        let rcpts = envelope.rcpts.iter().map(|rcpt| {
            let outside = rcpt.address().filter(|address| !own(address));
            outside.map(|address| self.hash(&address.key()))
        });
        let sender = envelope.mail_from.address().filter(own);
        Written {
            sender: sender.map(|address| self.hash(&address.key())),
            rcpts: rcpts.collect(),
        }
    }

    /// Remembers a message whose fate is known.
    pub(super) fn note(&self, seen: &Seen) {
        if self.state().note(&seen.passage, seen.moment) {
            self.changed.store(true, Ordering::Relaxed);
        }
    }

    /// Remembers whom a message was written to that its recipients got.
    pub(super) fn note_written(&self, seen: &Seen) {
        self.correspondents().note(&seen.written, seen.moment.day());
        self.met.store(true, Ordering::Relaxed);
    }

    fn hash(&self, text: &str) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(text.as_bytes());
        hasher.finish()
    }
}

impl Pipeline {
    /// Takes up what was remembered before the last stop; to be called before mail is accepted.
    pub async fn recall_habits(&self) {
        match self.inner.store.load_behaviour().await {
            Ok(Some(kept)) => *self.inner.habits.state() = Behaviour::restored(kept),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "what was remembered of mail over time is lost; it is built up anew");
            }
        }
        match self.inner.store.load_correspondents().await {
            Ok(Some(kept)) => *self.inner.habits.correspondents() = kept,
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "who was written to before is lost; it is learned anew");
            }
        }
    }

    /// Keeps what is remembered, when something was added since the last time. To be called every minute and at the end.
    pub async fn keep_habits(&self, now: SystemTime) {
        self.keep_correspondents(now).await;
        let habits = &self.inner.habits;
        if !habits.changed.swap(false, Ordering::Relaxed) {
            return;
        }
        let snapshot = {
            let mut state = habits.state();
            let at = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
            state.forget(Moment::new(at, self.tools().local(now)));
            let (pairs, ids) = state.sizes();
            metrics::gauge!("beadle_habit_pairs").set(pairs as f64);
            metrics::gauge!("beadle_habit_ids").set(ids as f64);
            state.snapshot()
        };
        if let Err(error) = self.inner.store.save_behaviour(&snapshot, now).await {
            habits.changed.store(true, Ordering::Relaxed);
            tracing::error!(%error, "what is remembered of mail over time could not be kept");
        }
    }

    async fn keep_correspondents(&self, now: SystemTime) {
        let habits = &self.inner.habits;
        if !habits.met.swap(false, Ordering::Relaxed) {
            return;
        }
        let kept = habits.correspondents().to_bytes();
        if let Err(error) = self.inner.store.save_correspondents(&kept, now).await {
            habits.met.store(true, Ordering::Relaxed);
            tracing::error!(%error, "who was written to could not be kept");
        }
    }
}

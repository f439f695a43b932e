//! The sweep of orphans, the duplicate guard, counts for metrics.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;

use super::Custody;
use super::clock::{micros, span, time};
use super::delivered::{DeliveredKey, KEPT};
use super::delivery::Answer;
use super::error::StoreError;
use super::hold::{HoldState, parse_id};
use super::holding::{json_text, parse};
use super::identity::Identity;
use super::seal::Kind;
use crate::mail::{Envelope, QueueId};

/// A blob without a row may belong to a message that is just being held; after a day it does not.
const ORPHAN_AGE: Duration = Duration::from_hours(24);

/// What the sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Blobs no row knew, removed.
    pub orphans: u64,
    /// Holds and deliveries whose message is not there: an alarm.
    pub missing: Vec<QueueId>,
}

/// Counts for metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Holds waiting for a reviewer.
    pub held: u64,
    /// When the oldest of them came.
    pub oldest_held: Option<SystemTime>,
    /// Deliveries waiting.
    pub queued: u64,
    /// When the oldest of them became ours.
    pub oldest_queued: Option<SystemTime>,
    /// Dead letters.
    pub dead: u64,
}

impl Custody {
    /// Makes sure that the blobs are ours and nobody else's. A place that does not answer is no error here: mail that passes needs
    /// none, a hold is told 451, and no sweep goes on without a claim.
    pub(super) async fn claim_blobs(&self) -> Result<(), StoreError> {
        match self.blobs.claim(&installation(&self.index)).await {
            Ok(place) => {
                if place.versioned {
                    tracing::warn!(
                        "store.blobs: the bucket keeps versions; purged mail stays there, unreadable, until a rule of the bucket removes it"
                    );
                }
                Ok(())
            }
            Err(error) if error.is_temporary() => {
                tracing::error!(%error, alarm = true, "the blob store cannot be used now");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Removes blobs that no row knows and that are older than a day, and names the rows whose blob is not there.
    pub async fn sweep(&self, now: SystemTime) -> Result<Sweep, StoreError> {
        self.blobs.claim(&installation(&self.index)).await?;
        let listed = self.blobs.list().await?;
        let rows = self.database.blobs().await?;
        let there: HashSet<&str> = listed.iter().map(|blob| blob.key.as_str()).collect();
        let known: HashSet<&str> = rows.iter().map(|(_, blob)| blob.as_str()).collect();
        let mut sweep = Sweep::default();
        let old = micros(now).saturating_sub(span(ORPHAN_AGE));
        for blob in &listed {
            if blob.written < old
                && !known.contains(blob.key.as_str())
                && !self.database.needs(&blob.key).await?
            {
                self.blobs.delete(&blob.key).await?;
                sweep.orphans += 1;
            }
        }
        sweep.orphans += self.blobs.remove_staged(now - ORPHAN_AGE).await?;
        for (id, blob) in &rows {
            // Asked again: the row may be newer than the list of blobs, or have been ended since.
            if !there.contains(blob.as_str())
                && self.database.needs(blob).await?
                && self.blobs.get(blob).await == Err(StoreError::Missing)
            {
                sweep.missing.push(parse_id(id)?);
            }
        }
        Ok(sweep)
    }

    /// Keeps the next hop's answer for a client that could not be told, so that its retry is answered and not sent again.
    pub async fn remember(
        &self,
        client: &str,
        envelope: &Envelope,
        identity: &Identity,
        answer: &Answer,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        if identity.message_id.is_empty() {
            return Ok(());
        }
        let key = DeliveredKey::of(&self.index, client, envelope, identity);
        let until = micros(now + KEPT);
        // In memory first: even if the database cannot take it, this process answers the retry.
        self.remembered.insert(key, answer.clone(), until);
        let plain = json_text(answer)?;
        let sealed = self.secret.seal(Kind::Answer, &key.0, plain.as_bytes())?;
        self.database.remember(&key.0, &sealed, until).await
    }

    /// The answer kept for this transaction, if it is a retry. Reads memory, and a database that other nodes share after it; after an
    /// error nobody knows whether it is one.
    pub async fn recall(
        &self,
        client: &str,
        envelope: &Envelope,
        identity: &Identity,
        now: SystemTime,
    ) -> Result<Option<Answer>, StoreError> {
        let key = DeliveredKey::of(&self.index, client, envelope, identity);
        if let Some(answer) = self.remembered.get(&key, micros(now)) {
            return Ok(Some(answer));
        }
        // Without a Message-ID nothing is remembered.
        if identity.message_id.is_empty() || !self.database.shared() {
            return Ok(None);
        }
        let Some(sealed) = self.database.recalled(&key.0, micros(now)).await? else {
            return Ok(None);
        };
        let plain = self.secret.open(Kind::Answer, &key.0, &sealed)?;
        parse(&plain).map(Some)
    }

    pub(super) async fn load_remembered(&self) -> Result<(), StoreError> {
        for (key, sealed, until) in self.database.remembered().await? {
            let key = <[u8; 32]>::try_from(key.as_slice())
                .map_err(|_| StoreError::Corrupt("key of an answer"))?;
            let plain = self.secret.open(Kind::Answer, &key, &sealed)?;
            self.remembered
                .insert(DeliveredKey(key), parse(&plain)?, until);
        }
        Ok(())
    }

    /// Counts for metrics.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let (queued, oldest_queued) = self.database.queue_depth().await?;
        let mut counts = Counts {
            queued: queued.unsigned_abs(),
            oldest_queued: oldest_queued.map(time),
            dead: self.database.dead_letters().await?.unsigned_abs(),
            ..Counts::default()
        };
        for (state, number, oldest) in self.database.hold_counts().await? {
            if HoldState::of(&state).is_some_and(HoldState::is_waiting) {
                counts.held += number.unsigned_abs();
                let oldest = time(oldest);
                counts.oldest_held = Some(counts.oldest_held.map_or(oldest, |at| at.min(oldest)));
            }
        }
        Ok(counts)
    }
}

/// What this installation, with all nodes on its database, is called where blobs are kept; tells nothing of its keys.
pub(super) fn installation(index: &hmac::Key) -> String {
    let mac = hmac::sign(index, b"beadle installation 1");
    mac.as_ref()[..16]
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

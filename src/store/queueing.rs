//! The delivery queue: put in, lease, settle.
//!
//! # Invariants
//! At least once: a delivery leaves the queue only in the transaction that records its outcome. What an outcome adds (a
//! return to the sender) goes in with it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::json;
use zeroize::Zeroizing;

use super::Custody;
use super::blob::Blobs;
use super::clock::{count, micros, number, span, time};
use super::delivery::{
    Body, DeliveryDetails, DeliveryKind, DeliverySummary, Lease, NewDelivery, Next, QueueState,
    RecipientState, Settlement, StoredProgress,
};
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::{json_text, parse, seal_message};
use super::identity::header_end;
use super::rows::{CancelRow, DeliveryRow, Insert, LeasedRow, QueueRow, RetryRow, SettledRow};
use super::seal::{DataKey, Kind};
use super::wire::StoredEnvelope;
use crate::mail::QueueId;

/// Dead letters ended in one transaction.
const DEAD_AT_ONCE: u32 = 200;

impl Custody {
    /// Puts a message into the queue. After `Ok` it is ours.
    pub async fn enqueue(&self, new: NewDelivery) -> Result<(), StoreError> {
        let row = self.delivery_row(&new).await?;
        let fresh = matches!(new.body, Body::Message(_)).then(|| row.blob.clone());
        let inserted = self.committer.insert(Insert::Delivery(Box::new(row))).await;
        if inserted == Err(StoreError::Exists)
            && let Some(blob) = fresh
        {
            let _ = self.blobs.delete(&blob).await;
        }
        inserted?;
        self.wake.notify_one();
        Ok(())
    }

    /// Leases what is due to this worker until `now + lease_for`.
    pub async fn lease_due(
        &self,
        now: SystemTime,
        worker: &str,
        limit: u32,
        lease_for: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let rows = self
            .database
            .lease(micros(now), worker, limit, micros(now + lease_for))
            .await?;
        let mut leases = Vec::with_capacity(rows.len());
        for row in rows {
            match self.lease(&row) {
                Ok(lease) => leases.push(lease),
                // One damaged row must not keep the others from their turn; its lease ends and it is reported again.
                Err(error) => {
                    metrics::counter!("beadle_queue_alarms_total", "kind" => "damaged")
                        .increment(1);
                    tracing::error!(id = row.id, %error, alarm = true, "a delivery cannot be read");
                }
            }
        }
        Ok(leases)
    }

    /// Ends the leases this worker held before it was restarted. Only for a worker that is just starting.
    pub async fn reclaim(&self, worker: &str) -> Result<u64, StoreError> {
        self.database.reclaim(worker).await
    }

    /// The message of a leased delivery.
    pub async fn delivery_message(&self, lease: &Lease) -> Result<Bytes, StoreError> {
        let (blob, sealed_as, kek, wrapped) = self
            .database
            .delivery_blob(&lease.id.to_string(), lease.fence)
            .await?;
        let dek = self
            .master
            .unwrap(&kek, &delivery_context(lease.id), &wrapped)?;
        self.open_blob(dek, parse_id(&sealed_as)?, &blob).await
    }

    /// Notes that the message is about to be sent: an attempt that is not settled counts as a possible duplicate.
    pub async fn mark_attempting(&self, lease: &Lease) -> Result<(), StoreError> {
        self.database
            .attempting(&lease.id.to_string(), lease.fence)
            .await
    }

    /// Keeps a lease while an attempt goes on.
    pub async fn extend(&self, lease: &Lease, until: SystemTime) -> Result<(), StoreError> {
        self.database
            .extend(&lease.id.to_string(), lease.fence, micros(until))
            .await
    }

    /// Records the outcome of an attempt, with what it adds to the queue.
    pub async fn settle(
        &self,
        lease: &Lease,
        settlement: &Settlement,
        more: &[NewDelivery],
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(more.len());
        for new in more {
            rows.push(self.delivery_row(new).await?);
        }
        let failed = settlement
            .recipients
            .iter()
            .filter(|state| matches!(state, RecipientState::Failed(_)))
            .count();
        let dies = settlement.next == Next::Finished && settlement.keep_dead && failed > 0;
        let (retry, dead) = match settlement.next {
            Next::Retry(at) => {
                let progress = self.progress(lease, settlement).await?;
                (Some((progress, micros(at))), None)
            }
            Next::Finished if dies => (None, Some(self.progress(lease, settlement).await?)),
            Next::Finished => (None, None),
        };
        let free = self
            .database
            .settle(&SettledRow {
                id: lease.id.to_string(),
                fence: lease.fence,
                retry,
                at: micros(now),
                dead,
                entry: end_entry(lease, settlement, failed),
                failed: number(failed),
                delay_noticed: settlement.delay_noticed,
                unknown: settlement.unknown,
                more: rows,
            })
            .await?;
        if let Some(blob) = free {
            // The row is gone from the queue; a blob that stays is swept.
            let _ = self.blobs.delete(&blob).await;
        }
        if !more.is_empty() {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// The header section of a message, its empty line included: what a return quotes.
    pub fn header_of(message: &Bytes) -> Bytes {
        message.slice(..header_end(message))
    }

    /// The queue as a list: dead letters first, then what waits by its time, then what is finished.
    pub async fn list_queue(
        &self,
        state: Option<QueueState>,
        limit: u32,
    ) -> Result<Vec<DeliverySummary>, StoreError> {
        let rows = self.database.queue(state, limit).await?;
        rows.iter().map(summary).collect()
    }

    /// Everything about one delivery but its message.
    pub async fn open_delivery(&self, id: QueueId) -> Result<DeliveryDetails, StoreError> {
        let row = self.database.delivery(&id.to_string()).await?;
        let (envelope, recipients, encrypt) = match self.stored_progress(id, &row)? {
            Some((_, progress)) => (
                Some(progress.envelope.into_envelope()?),
                progress.recipients,
                progress.encrypt,
            ),
            None => (None, Vec::new(), false),
        };
        Ok(DeliveryDetails {
            summary: summary(&row)?,
            envelope,
            recipients,
            encrypt,
        })
    }

    /// Has a delivery tried now: one that waits before its time, a dead letter from the beginning for those who did not get it.
    /// [`StoreError::Missing`] when it is finished, [`StoreError::Busy`] while a worker has it.
    pub async fn retry_delivery(
        &self,
        id: QueueId,
        actor: &str,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let row = self.database.delivery(&id.to_string()).await?;
        let (dek, mut progress) = self.stored_progress(id, &row)?.ok_or(StoreError::Missing)?;
        let anew = if row.died_at.is_some() {
            for state in &mut progress.recipients {
                if matches!(state, RecipientState::Failed(_)) {
                    *state = RecipientState::Pending(None);
                }
            }
            Some(seal_progress(&dek, id, &progress)?)
        } else {
            None
        };
        let detail = json!({ "kind": row.kind, "dead": anew.is_some() }).to_string();
        let retry = RetryRow {
            id: row.id,
            fence: row.fence,
            at: micros(now),
            anew,
            actor: actor.to_owned(),
            detail,
        };
        if !self.database.retry(&retry).await? {
            return Err(StoreError::Busy);
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Takes a delivery out of the queue for good: it is not sent, and its sender is not told. The reason is kept as a keyed hash in
    /// the ledger.
    pub async fn cancel_delivery(
        &self,
        id: QueueId,
        actor: &str,
        reason: &str,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let row = self.database.delivery(&id.to_string()).await?;
        let (_, progress) = self.stored_progress(id, &row)?.ok_or(StoreError::Missing)?;
        let undelivered = progress.recipients.iter();
        let undelivered = undelivered.filter(|state| **state != RecipientState::Delivered);
        let detail = json!({
            "kind": row.kind,
            "dead": row.died_at.is_some(),
            "undelivered": undelivered.count(),
            "reason": self.reason_mark(id, reason),
        });
        let cancel = CancelRow {
            id: row.id,
            fence: row.fence,
            at: micros(now),
            actor: actor.to_owned(),
            detail: detail.to_string(),
        };
        let free = self
            .database
            .cancel(&cancel)
            .await?
            .ok_or(StoreError::Busy)?;
        if let Some(blob) = free {
            let _ = self.blobs.delete(&blob).await;
        }
        Ok(())
    }

    /// Ends dead letters that nobody sent again within their time.
    pub(super) async fn end_dead_letters(&self, now: SystemTime) -> Result<u64, StoreError> {
        let before = micros(now).saturating_sub(span(self.config.dead_letters));
        let mut ended = 0;
        loop {
            let free = self
                .database
                .end_dead(before, micros(now), DEAD_AT_ONCE)
                .await?;
            ended += free.len() as u64;
            for blob in free.iter().flatten() {
                let _ = self.blobs.delete(blob).await;
            }
            if free.len() < DEAD_AT_ONCE as usize {
                return Ok(ended);
            }
        }
    }

    fn stored_progress(
        &self,
        id: QueueId,
        row: &QueueRow,
    ) -> Result<Option<(DataKey, StoredProgress)>, StoreError> {
        let (Some(kek), Some(dek), Some(sealed)) = (&row.kek, &row.dek, &row.progress) else {
            return Ok(None);
        };
        let dek = self.master.unwrap(kek, &delivery_context(id), dek)?;
        let plain = dek.open(Kind::Progress, id.as_bytes(), sealed)?;
        let progress = parse(&plain)?;
        Ok(Some((dek, progress)))
    }

    /// A delivery sealed and, where the message is new, its blob on stable storage; the row is yet to be inserted.
    pub(super) async fn delivery_row(&self, new: &NewDelivery) -> Result<DeliveryRow, StoreError> {
        let (dek, blob, sealed_as) = match &new.body {
            Body::Message(message) => {
                let dek = DataKey::generate()?;
                let sealed = seal_message(dek.clone(), new.id, message.clone()).await?;
                let blob = Blobs::new_key()?;
                self.blobs.put(&blob, sealed).await?;
                (dek, blob, new.id)
            }
            Body::Hold(hold) => {
                let (dek, blob) = self.hold_blob(*hold).await?;
                (dek, blob, *hold)
            }
        };
        let progress = StoredProgress {
            envelope: StoredEnvelope::of(&new.envelope),
            recipients: vec![RecipientState::Pending(None); new.envelope.rcpts.len()],
            prefix: new.prefix.clone(),
            xforward: new.xforward.clone(),
            encrypt: new.encrypt,
        };
        let plain = Zeroizing::new(json_text(&progress)?);
        Ok(DeliveryRow {
            id: new.id.to_string(),
            kind: new.kind.name(),
            created_at: micros(new.created_at),
            due_at: micros(new.not_before),
            kek: self.master.id().to_owned(),
            dek: self.master.wrap(&delivery_context(new.id), &dek)?,
            progress: dek.seal(Kind::Progress, new.id.as_bytes(), plain.as_bytes())?,
            blob,
            sealed_as: sealed_as.to_string(),
        })
    }

    async fn progress(
        &self,
        lease: &Lease,
        settlement: &Settlement,
    ) -> Result<Vec<u8>, StoreError> {
        let (_, _, kek, wrapped) = self
            .database
            .delivery_blob(&lease.id.to_string(), lease.fence)
            .await?;
        let dek = self
            .master
            .unwrap(&kek, &delivery_context(lease.id), &wrapped)?;
        let progress = StoredProgress {
            envelope: StoredEnvelope::of(&lease.envelope),
            recipients: settlement.recipients.clone(),
            prefix: lease.prefix.clone(),
            xforward: lease.xforward.clone(),
            encrypt: lease.encrypt,
        };
        seal_progress(&dek, lease.id, &progress)
    }

    fn lease(&self, row: &LeasedRow) -> Result<Lease, StoreError> {
        let id = parse_id(&row.id)?;
        let dek = self
            .master
            .unwrap(&row.kek, &delivery_context(id), &row.dek)?;
        let plain = dek.open(Kind::Progress, id.as_bytes(), &row.progress)?;
        let progress: StoredProgress = parse(&plain)?;
        let envelope = progress.envelope.into_envelope()?;
        if progress.recipients.len() != envelope.rcpts.len() {
            return Err(StoreError::Corrupt("recipients of a delivery"));
        }
        Ok(Lease {
            id,
            fence: row.fence,
            kind: kind_of(&row.kind)?,
            created_at: time(row.created_at),
            window_at: time(row.window_at),
            attempts: count(row.attempts),
            delay_noticed: row.delay_noticed,
            possible_duplicates: count(row.duplicates),
            envelope,
            recipients: progress.recipients,
            prefix: progress.prefix,
            xforward: progress.xforward,
            encrypt: progress.encrypt,
        })
    }
}

/// What the ledger says of the end of a release, and of any mail that becomes a dead letter.
fn end_entry(
    lease: &Lease,
    settlement: &Settlement,
    failed: usize,
) -> Option<(&'static str, String)> {
    if settlement.next != Next::Finished {
        return None;
    }
    let delivered = settlement.recipients.len() - failed;
    let detail = json!({ "kind": lease.kind.name(), "delivered": delivered, "failed": failed });
    match (failed > 0 && settlement.keep_dead, lease.kind) {
        (true, _) => Some(("undelivered", detail.to_string())),
        (false, DeliveryKind::Release) => Some(("delivered", detail.to_string())),
        _ => None,
    }
}

fn summary(row: &QueueRow) -> Result<DeliverySummary, StoreError> {
    let state = match (row.died_at, row.due_at) {
        (Some(_), _) => QueueState::Dead,
        (None, Some(_)) => QueueState::Waiting,
        (None, None) => QueueState::Finished,
    };
    let leased = row.leased_by.clone().zip(row.leased_until.map(time));
    Ok(DeliverySummary {
        id: parse_id(&row.id)?,
        kind: kind_of(&row.kind)?,
        state,
        created_at: time(row.created_at),
        due_at: row.due_at.map(time),
        ended_at: row.died_at.or(row.finished_at).map(time),
        attempts: count(row.attempts),
        failed: count(row.failed),
        possible_duplicates: count(row.duplicates),
        leased,
    })
}

fn seal_progress(
    dek: &DataKey,
    id: QueueId,
    progress: &StoredProgress,
) -> Result<Vec<u8>, StoreError> {
    let plain = Zeroizing::new(json_text(progress)?);
    Ok(dek.seal(Kind::Progress, id.as_bytes(), plain.as_bytes())?)
}

fn kind_of(name: &str) -> Result<DeliveryKind, StoreError> {
    DeliveryKind::of(name).ok_or(StoreError::Corrupt("kind of a delivery"))
}

/// What the key of a delivery is bound to.
fn delivery_context(id: QueueId) -> Vec<u8> {
    [b"delivery".as_slice(), id.as_bytes()].concat()
}

//! The delivery queue: put in, lease, settle.
//!
//! # Invariants
//! At least once: a delivery leaves the queue only in the transaction that records its outcome. What an outcome adds (a
//! return to the sender) goes in with it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use zeroize::Zeroizing;

use super::Custody;
use super::blob::Blobs;
use super::clock::{count, micros, number, time};
use super::delivery::{
    Body, DeliveryKind, DeliverySummary, Lease, NewDelivery, Next, RecipientState, Settlement,
    StoredProgress,
};
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::{json_text, parse, seal_message};
use super::identity::header_end;
use super::rows::{DeliveryRow, Insert, LeasedRow, SettledRow};
use super::seal::{DataKey, Kind};
use super::wire::StoredEnvelope;
use crate::mail::QueueId;

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
        let retry = match settlement.next {
            Next::Finished => None,
            Next::Retry(at) => Some((self.progress(lease, settlement).await?, micros(at))),
        };
        let failed = settlement
            .recipients
            .iter()
            .filter(|state| matches!(state, RecipientState::Failed(_)))
            .count();
        let free = self
            .database
            .settle(&SettledRow {
                id: lease.id.to_string(),
                fence: lease.fence,
                retry,
                at: micros(now),
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

    /// The queue as a list: what is due first comes first, what is finished last.
    pub async fn list_queue(&self, limit: u32) -> Result<Vec<DeliverySummary>, StoreError> {
        let rows = self.database.queue(limit).await?;
        rows.into_iter()
            .map(
                |(id, kind, created_at, due_at, attempts, failed, duplicates)| {
                    Ok(DeliverySummary {
                        id: parse_id(&id)?,
                        kind: kind_of(&kind)?,
                        created_at: time(created_at),
                        due_at: due_at.map(time),
                        attempts: count(attempts),
                        failed: count(failed),
                        possible_duplicates: count(duplicates),
                    })
                },
            )
            .collect()
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
        let plain = Zeroizing::new(json_text(&progress)?);
        Ok(dek.seal(Kind::Progress, lease.id.as_bytes(), plain.as_bytes())?)
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

fn kind_of(name: &str) -> Result<DeliveryKind, StoreError> {
    DeliveryKind::of(name).ok_or(StoreError::Corrupt("kind of a delivery"))
}

/// What the key of a delivery is bound to.
pub(super) fn delivery_context(id: QueueId) -> Vec<u8> {
    [b"delivery".as_slice(), id.as_bytes()].concat()
}

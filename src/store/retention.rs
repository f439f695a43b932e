//! Retention: what is past its time ends, every end is proven in the ledger, and what would end can be asked before.
//!
//! # Invariants
//! How long is the policy's word: by outcome and by category, counted from arrival for what nobody decided and from the decision for the
//! rest. Ending a hold deletes its wrapped key in the transaction that ends it and enters that in the ledger, and the log of the database
//! is emptied after, in the first round of each process too, since the one before may have died in between: from then on a copy of the
//! blob is noise, wherever it may be. A release that is still on its way keeps its content until it has ended, and a hold that must be
//! kept for a case keeps it until that is lifted.
//!
//! # Known gaps
//! Copies in backups end with the backups. File systems and disks may keep deleted blocks; those are sealed, and their key is gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use super::Custody;
use super::clock::{micros, span, time};
use super::error::StoreError;
use super::hold::{HoldState, parse_id};
use super::holding::{from_json, hex};
use super::ledger::Entry;
use super::rows::{EndRow, Forget, KeptRow};
use crate::detect::Category;
use crate::mail::QueueId;
use crate::policy::governance::{Kept, Retention};

/// Holds looked at in one query, and ended in one transaction.
const PAGE: u32 = 200;

/// Rows of a kind forgotten in one transaction, so that holds do not wait for it.
const FORGOTTEN_AT_ONCE: u32 = 2_000;

/// What retention ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Holds nobody had decided.
    pub expired: u64,
    /// Decided holds whose content went.
    pub purged: u64,
}

/// A hold with content, and when that content ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHold {
    /// Its id.
    pub id: QueueId,
    /// Where it is in its life.
    pub state: HoldState,
    /// Categories of its findings.
    pub categories: Vec<Category>,
    /// When it came.
    pub received_at: SystemTime,
    /// The size of its message in bytes.
    pub size: u64,
    /// Days that the policy gives it.
    pub days: u32,
    /// When its content ends.
    pub ends_at: SystemTime,
    /// It must be kept for a case, so it waits until that is lifted.
    pub legal_hold: bool,
    /// A delivery still sends its message, so it waits for that.
    pub on_its_way: bool,
}

/// What proves that the content of a hold is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndProof {
    /// The entry that says so: its detail names the destroyed key by its mark, the blob, the days it was kept.
    pub entry: Entry,
    /// The blob is still there. It is noise, since its key is gone, and is swept.
    pub blob_is_there: bool,
    /// The hold has a key or a blob again: it came back by a restore.
    pub came_back: bool,
    /// The newest signed checkpoint, if it covers the entry.
    pub checkpoint: Option<String>,
    /// The whole ledger was followed and holds.
    pub ledger_holds: bool,
}

/// Entries of the ledger looked at for one hold; a hold has dozens.
const ENTRIES: u32 = 10_000;

impl Custody {
    /// The proof that a hold's content ended; [`StoreError::Missing`] when the ledger knows of no end.
    pub async fn prove_end(&self, id: QueueId) -> Result<EndProof, StoreError> {
        let about = id.to_string();
        let entries = self.ledger_of(1, ENTRIES, Some(&about), None).await?;
        let is_end = |entry: &Entry| matches!(entry.action.as_str(), "expired" | "purged");
        let entry = entries
            .into_iter()
            .rfind(is_end)
            .ok_or(StoreError::Missing)?;
        let detail: serde_json::Value = from_json(&entry.detail)?;
        let blob_is_there = match detail["blob"].as_str() {
            Some(blob) => self.blobs.exists(blob).await?,
            None => false,
        };
        let came_back = match self.database.hold(&about).await {
            Ok(row) => row.sealed().is_some(),
            Err(StoreError::Missing) => false,
            Err(error) => return Err(error),
        };
        let newest = self.database.checkpoint_before(i64::MAX).await?;
        let checkpoint = newest.filter(|row| row.seq >= entry.seq);
        Ok(EndProof {
            blob_is_there,
            came_back,
            checkpoint: checkpoint.map(|row| row.note),
            ledger_holds: self.verify_ledger(None).await?.first_bad.is_none(),
            entry,
        })
    }

    /// Keeps things as long as this says from now on.
    pub fn set_retention(&self, retention: Retention) {
        self.retention.store(Arc::new(retention));
    }

    /// How long things are kept.
    pub fn retention(&self) -> Arc<Retention> {
        self.retention.load_full()
    }

    /// Holds with content that end by `until`, in the order of their arrival. Nothing is changed.
    pub fn kept_until(&self, until: SystemTime) -> KeptReader {
        let retention = self.retention();
        let youngest = days(retention.fewest_days());
        KeptReader {
            before: micros(until)
                .saturating_sub(span(youngest))
                .saturating_add(1),
            until,
            after: (i64::MIN, String::new()),
            custody: self.clone(),
            retention,
            ended: false,
        }
    }

    /// Ends what is past its time. To be called now and then by the process that serves.
    pub async fn expire_due(&self, now: SystemTime) -> Result<Expired, StoreError> {
        let mut total = Expired::default();
        let mut answers = true;
        let mut reader = self.kept_until(now);
        while let Some(page) = reader.page().await? {
            let due: Vec<EndRow> = page
                .iter()
                .filter(|(hold, _)| !hold.on_its_way && !hold.legal_hold)
                .map(|(hold, row)| end_of(hold, row))
                .collect();
            if due.is_empty() {
                continue;
            }
            self.shred_owed.store(true, Ordering::Relaxed);
            let ended = self.database.end_holds(&due, micros(now)).await?;
            for id in &ended.ids {
                match due.iter().find(|row| row.id == *id).map(|row| row.to) {
                    Some("expired") => total.expired += 1,
                    _ => total.purged += 1,
                }
            }
            for blob in &ended.blobs {
                // The key is gone; a blob that stays is swept. What does not answer is not asked again for every blob.
                answers = answers && self.blobs.delete(blob).await.is_ok();
            }
        }
        self.end_dead_letters(now).await?;
        let events = micros(now).saturating_sub(span(days(self.retention().event_days)));
        let forget = Forget {
            events,
            now: micros(now),
        };
        while self.database.forget(forget, FORGOTTEN_AT_ONCE).await? >= u64::from(FORGOTTEN_AT_ONCE)
        {
        }
        self.forget_facts(now).await?;
        self.forget_forwardings(now).await?;
        self.remembered.prune(micros(now));
        // Owed as well by whoever ended something and died, or failed, before it came to this.
        if self.shred_owed.load(Ordering::Relaxed) {
            // Somebody who reads for long keeps the log: it is emptied in a later round.
            let done = self.database.shred().await?;
            self.shred_owed.store(!done, Ordering::Relaxed);
        }
        Ok(total)
    }
}

/// Reads holds with the end of their content, a page at a time.
#[derive(Debug)]
pub struct KeptReader {
    custody: Custody,
    retention: Arc<Retention>,
    before: i64,
    until: SystemTime,
    after: (i64, String),
    ended: bool,
}

impl KeptReader {
    /// The next holds that end in time; `None` when there are no more. A page may be empty.
    pub async fn next(&mut self) -> Result<Option<Vec<KeptHold>>, StoreError> {
        let page = self.page().await?;
        Ok(page.map(|page| page.into_iter().map(|(hold, _)| hold).collect()))
    }

    async fn page(&mut self) -> Result<Option<Vec<(KeptHold, KeptRow)>>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let (at, id) = &self.after;
        let rows = self
            .custody
            .database
            .kept(self.before, (*at, id), PAGE)
            .await?;
        self.ended = rows.len() < PAGE as usize;
        if let Some(last) = rows.last() {
            self.after = (last.received_at, last.id.clone());
        }
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let hold = kept(&row, &self.retention)?;
            if hold.ends_at <= self.until {
                page.push((hold, row));
            }
        }
        Ok(Some(page))
    }
}

fn kept(row: &KeptRow, retention: &Retention) -> Result<KeptHold, StoreError> {
    let state = HoldState::of(&row.state).ok_or(StoreError::Corrupt("state of a hold"))?;
    let categories: Vec<Category> = from_json(&row.categories)?;
    let (kept, since) = match state {
        HoldState::Released => (Kept::Released, row.decided_at.unwrap_or(row.received_at)),
        HoldState::Refused => (Kept::Refused, row.decided_at.unwrap_or(row.received_at)),
        _ => (Kept::Held, row.received_at),
    };
    let given = retention.days(kept, &categories);
    Ok(KeptHold {
        id: parse_id(&row.id)?,
        state,
        categories,
        received_at: time(row.received_at),
        size: row.size.unsigned_abs(),
        days: given,
        ends_at: time(since.saturating_add(span(days(given)))),
        legal_hold: row.legal_hold,
        on_its_way: row.on_its_way,
    })
}

/// The end of a hold's content with its proof: which key was destroyed, which blob it opened, and by how many days' right.
fn end_of(hold: &KeptHold, row: &KeptRow) -> EndRow {
    let decided = matches!(hold.state, HoldState::Released | HoldState::Refused);
    EndRow {
        id: row.id.clone(),
        version: row.version,
        to: if decided { "purged" } else { "expired" },
        blob: row.blob.clone(),
        detail: json!({
            "was": hold.state.name(),
            "days": hold.days,
            "key": key_mark(&row.dek),
            "blob": row.blob,
            "bytes": hold.size,
        })
        .to_string(),
    }
}

/// What a wrapped key is called in the ledger: the first half of its SHA-256, which tells nothing about the key.
pub(super) fn key_mark(wrapped: &[u8]) -> String {
    hex(&digest(&SHA256, wrapped).as_ref()[..16])
}

fn days(number: u32) -> Duration {
    Duration::from_hours(24 * u64::from(number))
}

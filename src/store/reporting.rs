//! What reports ask of the store beside figures: contents that ended, states, forwarding, signatures. Nothing is opened for it.

use std::time::SystemTime;

use super::Custody;
use super::clock::{micros, time};
use super::error::StoreError;
use super::hold::{HoldState, parse_id};
use crate::mail::QueueId;

/// A hold whose content ended, by the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The hold.
    pub id: QueueId,
    /// When.
    pub at: SystemTime,
    /// Nobody had decided it; otherwise it had been decided and was purged.
    pub expired: bool,
    /// The number of the ledger's entry.
    pub entry: i64,
    /// What the entry says: the mark of the destroyed key, the blob, the days it was kept; JSON.
    pub detail: String,
}

/// Holds whose content ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedContent {
    /// How many expired undecided.
    pub expired: u64,
    /// How many were purged after their decision.
    pub purged: u64,
    /// The last of them.
    pub list: Vec<Ended>,
}

impl Custody {
    /// Holds whose content ended in this span, the last first, at most so many; and how many there are in all.
    pub async fn ended_content(
        &self,
        from: SystemTime,
        to: SystemTime,
        limit: u32,
    ) -> Result<EndedContent, StoreError> {
        let (from, to) = (micros(from), micros(to));
        let counts = self.database.end_counts(from, to).await?;
        let rows = self.database.ends(from, to, limit).await?;
        let count = |wanted: &str| {
            let found = counts.iter().find(|(action, _)| action == wanted);
            found.map_or(0, |(_, number)| number.unsigned_abs())
        };
        let list = rows.into_iter().map(|(seq, at, action, subject, detail)| {
            Ok(Ended {
                id: parse_id(&subject)?,
                at: time(at),
                expired: action == "expired",
                entry: seq,
                detail,
            })
        });
        Ok(EndedContent {
            expired: count("expired"),
            purged: count("purged"),
            list: list.collect::<Result<_, StoreError>>()?,
        })
    }

    /// How many holds there are in each state, with when the first of each came, in microseconds since 1970 UTC.
    pub async fn hold_states(&self) -> Result<Vec<(HoldState, u64, i64)>, StoreError> {
        let rows = self.database.hold_counts().await?;
        rows.into_iter()
            .map(|(state, number, first)| {
                let state = HoldState::of(&state).ok_or(StoreError::Corrupt("state of a hold"))?;
                Ok((state, number.unsigned_abs(), first))
            })
            .collect()
    }

    /// When each pair of a mailbox and where it forwards to was first and last seen, in microseconds since 1970 UTC, and how many messages
    /// there were; no address is opened. At most so many, the last seen first.
    pub async fn forwarding_times(&self, limit: u32) -> Result<Vec<(i64, i64, u64)>, StoreError> {
        let rows = self.database.forwardings(limit).await?;
        let times = rows.iter();
        Ok(times
            .map(|row| (row.first_seen, row.last_seen, row.messages.unsigned_abs()))
            .collect())
    }

    /// The last entry of the ledger that a signed checkpoint covers.
    pub async fn signed_up_to(&self) -> Result<Option<i64>, StoreError> {
        let newest = self.database.checkpoint_before(i64::MAX).await?;
        Ok(newest.map(|row| row.seq))
    }
}

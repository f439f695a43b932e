//! The facts of judged messages as they are kept for trying a changed policy on them.
//!
//! # Invariants
//! A record is sealed with its message's id as context, so that no two can change places. It is gone when its time is over: nothing
//! here is needed for custody, and a batch that could not be written is lost without harm.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::Custody;
use super::clock::{micros, span, time};
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::{json_text, parse};
use super::rows::FactsRow;
use super::seal::{DataKey, Kind};
use crate::mail::QueueId;
use crate::policy::RecordedFacts;

/// Records read at once: with the longest ones 30 MB.
const PAGE: u32 = 200;

/// Half an hour of a busy day's records deleted in one transaction, so that holds do not wait for it.
const DELETED_AT_ONCE: u32 = 2_000;

/// The facts of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFacts {
    /// The message.
    pub id: QueueId,
    /// When it came.
    pub at: SystemTime,
    /// Its facts.
    pub facts: RecordedFacts,
}

impl Custody {
    /// Keeps many records in one transaction. Sealing runs on a thread that may block. A message that is on record is left as it is.
    pub async fn keep_facts(&self, batch: Vec<KeptFacts>) -> Result<(), StoreError> {
        let secret = self.secret.clone();
        let sealed = tokio::task::spawn_blocking(move || {
            let rows = batch.iter().map(|kept| row(&secret, kept));
            rows.collect::<Result<Vec<FactsRow>, StoreError>>()
        });
        let ended = |_| StoreError::Unavailable("a blocking task ended".to_owned());
        let rows = sealed.await.map_err(ended)??;
        self.database.keep_facts(&rows).await
    }

    /// The records of messages that came at or after `since`, oldest first, read a page at a time.
    pub fn facts_since(&self, since: SystemTime) -> FactsReader {
        FactsReader {
            store: self.clone(),
            after: (micros(since), String::new()),
            page: VecDeque::new(),
            ended: false,
        }
    }

    /// Forgets records past the time that the configuration gives them.
    pub(super) async fn forget_facts(&self, now: SystemTime) -> Result<(), StoreError> {
        let before = micros(now).saturating_sub(span(self.config.facts));
        while self.database.forget_facts(before, DELETED_AT_ONCE).await?
            >= u64::from(DELETED_AT_ONCE)
        {}
        Ok(())
    }
}

/// Reads records one after the other.
#[derive(Debug)]
pub struct FactsReader {
    store: Custody,
    after: (i64, String),
    page: VecDeque<FactsRow>,
    ended: bool,
}

impl FactsReader {
    /// The next record; `None` at the end. A record that this version cannot read is [`StoreError::Corrupt`], and reading goes on
    /// after it.
    pub async fn next(&mut self) -> Result<Option<KeptFacts>, StoreError> {
        if self.page.is_empty() && !self.ended {
            let (at, id) = &self.after;
            let rows = self.store.database.facts(*at, id, PAGE).await?;
            self.ended = rows.len() < PAGE as usize;
            if let Some(last) = rows.last() {
                self.after = (last.at, last.id.clone());
            }
            self.page = rows.into();
        }
        let Some(row) = self.page.pop_front() else {
            return Ok(None);
        };
        let id = parse_id(&row.id)?;
        let plain = self
            .store
            .secret
            .open(Kind::Facts, &context(id), &row.sealed)?;
        Ok(Some(KeptFacts {
            id,
            at: time(row.at),
            facts: parse(&plain)?,
        }))
    }
}

fn row(secret: &DataKey, kept: &KeptFacts) -> Result<FactsRow, StoreError> {
    let plain = Zeroizing::new(json_text(&kept.facts)?);
    Ok(FactsRow {
        id: kept.id.to_string(),
        at: micros(kept.at),
        sealed: secret.seal(Kind::Facts, &context(kept.id), plain.as_bytes())?,
    })
}

fn context(id: QueueId) -> Vec<u8> {
    [b"facts".as_slice(), id.as_bytes()].concat()
}

/// How long facts are kept unless it is configured otherwise: a month shows what a school's week and its holidays do.
pub const FACTS_KEPT: Duration = Duration::from_hours(30 * 24);

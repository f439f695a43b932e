//! What is kept how long, what ends soon, and the proof that something ended.
//!
//! # Invariants
//! Counting what is kept reads every hold with content: it is a job. No address and no subject.
//!
//! # Known gaps
//! A proof follows the whole ledger and waits for it: a second for some hundred thousand entries.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::jobs::Job;
use super::moment::Moment;
use super::needs;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::mail::QueueId;
use crate::policy::governance::Kept;
use crate::store::{Custody, HoldState, KeptHold, StoreError};

/// Longest that a policy keeps anything.
const EVER: Duration = Duration::from_hours(24 * 3_660);
/// What ends soon.
const SOON: Duration = Duration::from_hours(24 * 7);
/// The name of the one job.
const ABOUT: &str = "kept";

/// Days that one category is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CategoryDays {
    /// The category.
    pub category: &'static str,
    /// Undecided, from arrival.
    pub held: u32,
    /// After a release.
    pub released: u32,
    /// After a refusal.
    pub refused: u32,
}

/// What the policy says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Times {
    /// Days that what nobody decided is kept, from its arrival.
    pub held: u32,
    /// Days that the content of a released message is kept.
    pub released: u32,
    /// Days that the content of a refused message is kept.
    pub refused: u32,
    /// Days that it is kept what happened, without content.
    pub events: u32,
    /// Where the trust's document says so.
    pub clause: Option<String>,
    /// Categories with times of their own.
    pub categories: Vec<CategoryDays>,
}

/// Messages of one outcome and category.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct KeptLine {
    /// `held`, `released` or `refused`.
    pub outcome: &'static str,
    /// The category; `none` where nothing was found. A message with several counts for each.
    pub category: &'static str,
    /// How many.
    pub number: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Those that end within seven days.
    pub soon: u64,
    /// When the next of them ends.
    pub next_end: Option<Moment>,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct KeptCount {
    /// Messages with content.
    pub messages: u64,
    /// Those that end within seven days.
    pub soon: u64,
    /// Of them, those that nobody has decided: they will never arrive.
    pub undecided_soon: u64,
    /// Those that a legal hold keeps.
    pub legal_hold: u64,
    /// By outcome and category.
    pub lines: Vec<KeptLine>,
}

/// The proof that content is gone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct EndPage {
    /// The message's id.
    pub id: String,
    /// When it ended.
    pub at: Moment,
    /// `expired` or `purged`.
    pub how: String,
    /// The number of the ledger's entry.
    pub entry: i64,
    /// What it says: the mark of the key that was destroyed, the blob, the days.
    pub detail: String,
    /// The sealed file is still there, without its key.
    pub file_is_there: bool,
    /// A restore brought it back.
    pub came_back: bool,
    /// The whole ledger was followed and holds.
    pub ledger_holds: bool,
    /// The signed head that covers the entry, when there is one.
    pub checkpoint: Option<String>,
}

/// What the policy says.
pub fn times(site: &Site, caller: &Caller) -> Result<Times, Refusal> {
    needs(caller, Permission::SeeRetention)?;
    let retention = site.store().retention();
    let own = retention.categories.iter().flat_map(|own| &own.of);
    let own: BTreeMap<&'static str, _> = own.map(|one| (one.name(), *one)).collect();
    let categories = own.into_iter().map(|(category, of)| {
        let [held, released, refused] = Kept::ALL.map(|kept| retention.days(kept, &[of]));
        CategoryDays {
            category,
            held,
            released,
            refused,
        }
    });
    Ok(Times {
        held: retention.held_days,
        released: retention.released_days,
        refused: retention.refused_days,
        events: retention.event_days,
        clause: retention.clause.as_deref().map(str::to_owned),
        categories: categories.collect(),
    })
}

/// Has everything that is kept counted.
pub async fn count(site: &Site, caller: &Caller) -> Result<(), Refusal> {
    needs(caller, Permission::SeeRetention)?;
    let (store, now) = (site.store().clone(), site.now());
    let work = async move { counted(&store, now).await };
    site.work().kept.begin(ABOUT, now, work).await
}

/// What counting came to last.
pub fn last_count(site: &Site, caller: &Caller) -> Result<Option<Job<KeptCount>>, Refusal> {
    needs(caller, Permission::SeeRetention)?;
    Ok(site.work().kept.of(ABOUT))
}

async fn counted(store: &Custody, now: SystemTime) -> Result<KeptCount, Refusal> {
    let mut count = KeptCount {
        messages: 0,
        soon: 0,
        undecided_soon: 0,
        legal_hold: 0,
        lines: Vec::new(),
    };
    let mut lines = BTreeMap::new();
    let soon = now + SOON;
    let mut reader = store.kept_until(now + EVER);
    while let Some(page) = reader.next().await? {
        for hold in &page {
            count.messages += 1;
            count.legal_hold += u64::from(hold.legal_hold);
            let ends = hold.ends_at <= soon && !hold.legal_hold;
            count.soon += u64::from(ends);
            count.undecided_soon += u64::from(ends && hold.state.is_waiting());
            add(hold, ends, &mut lines);
        }
    }
    count.lines = lines.into_values().collect();
    Ok(count)
}

fn add(hold: &KeptHold, ends: bool, lines: &mut BTreeMap<(&'static str, &'static str), KeptLine>) {
    let outcome = match hold.state {
        HoldState::Released => "released",
        HoldState::Refused => "refused",
        _ => "held",
    };
    let mut names: Vec<&'static str> = hold.categories.iter().map(|one| one.name()).collect();
    if names.is_empty() {
        names.push("none");
    }
    for category in names {
        let line = lines.entry((outcome, category)).or_insert(KeptLine {
            outcome,
            category,
            number: 0,
            bytes: 0,
            soon: 0,
            next_end: None,
        });
        line.number += 1;
        line.bytes += hold.size;
        line.soon += u64::from(ends);
        let end = Moment(hold.ends_at);
        line.next_end = Some(line.next_end.map_or(end, |known| known.min(end)));
    }
}

/// The proof that a message's content is gone: by its id or its reference.
pub async fn prove(site: &Site, caller: &Caller, id: &str) -> Result<EndPage, Refusal> {
    needs(caller, Permission::SeeRetention)?;
    // The ledger outlasts the row of a hold: a whole id is looked for there alone.
    let id: QueueId = match site.store().find_hold(id).await {
        Ok(id) => id,
        Err(StoreError::Missing) => {
            let whole = id.trim().to_ascii_uppercase();
            whole.parse().map_err(|_| Refusal::Missing)?
        }
        Err(error) => return Err(error.into()),
    };
    let proof = site.store().prove_end(id).await?;
    Ok(EndPage {
        id: id.to_string(),
        at: proof.entry.at.into(),
        how: proof.entry.action,
        entry: proof.entry.seq,
        detail: proof.entry.detail,
        file_is_there: proof.blob_is_there,
        came_back: proof.came_back,
        ledger_holds: proof.ledger_holds,
        checkpoint: proof.checkpoint,
    })
}

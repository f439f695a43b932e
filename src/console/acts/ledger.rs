//! The ledger, page by page, and whether it holds.
//!
//! # Known gaps
//! A search for an action or a person looks through so many entries at a time and then asks whether to go on.

use super::jobs::Job;
use super::moment::Moment;
use super::needs;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::mail::{QueueId, Reference};
use crate::store::{Against, Checkpoint, Entry, Referenced, StoreError, Verified};

/// Entries of a page.
const PAGE: u32 = 50;
/// Entries that a search reads at once.
const STRIDE: i64 = 2_000;
/// Strides of a page: 20,000 entries take some 30 ms.
const STRIDES: usize = 10;
/// Entries on one hold; a hold has dozens.
const ABOUT_ONE: u32 = 1_000;
/// The name of the one job.
const ABOUT: &str = "ledger";

/// Which entries to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// This entry and older ones; the newest without.
    pub upto: Option<i64>,
    /// Of this action.
    pub action: Option<String>,
    /// By this person: their name.
    pub actor: Option<String>,
    /// On this hold, policy or account.
    pub about: Option<QueueId>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct EntryLine {
    /// Its number.
    pub number: i64,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// On what; may be empty.
    pub subject: String,
    /// Counts, ids and hashes, as a JSON object.
    pub detail: String,
}

/// A page of the ledger, newest first.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct LedgerPage {
    /// The entries.
    pub entries: Vec<EntryLine>,
    /// Older ones begin here.
    pub older: Option<i64>,
    /// The number of the newest entry.
    pub end: i64,
    /// The oldest entry that was looked at.
    pub looked_to: i64,
}

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FaultLine {
    /// Its kind.
    pub kind: &'static str,
    /// The entry at which it shows.
    pub entry: i64,
    /// The first entry that it may have begun with.
    pub from: i64,
}

/// What following the ledger came to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Proof {
    /// Everything is as it was.
    pub holds: bool,
    /// Entries that were followed.
    pub entries: i64,
    /// The last good entry.
    pub to: i64,
    /// Its hash, in hexadecimal.
    pub hash: String,
    /// Checkpoints with a good signature.
    pub checkpoints: u64,
    /// Names that were erased.
    pub erased: u64,
    /// What is wrong.
    pub faults: Vec<FaultLine>,
}

/// The newest signed head.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct SignedHead {
    /// The entry that it signs.
    pub entry: i64,
    /// When.
    pub at: Option<Moment>,
    /// Its text, to be kept elsewhere.
    pub text: String,
}

/// A page of the ledger.
pub async fn page(site: &Site, caller: &Caller, wanted: &Wanted) -> Result<LedgerPage, Refusal> {
    needs(caller, Permission::SeeLedger)?;
    let end = site.store().ledger_end().await?;
    let upto = wanted.upto.unwrap_or(end).clamp(0, end);
    if wanted.about.is_some() {
        return about(site, wanted, end).await;
    }
    let searching = wanted.action.is_some() || wanted.actor.is_some();
    let stride = if searching { STRIDE } else { i64::from(PAGE) };
    let strides = if searching { STRIDES } else { 1 };
    let mut found: Vec<EntryLine> = Vec::new();
    let mut top = upto;
    for _ in 0..strides {
        if top < 1 || found.len() >= PAGE as usize {
            break;
        }
        let from = (top - stride + 1).max(1);
        let limit = u32::try_from(top - from + 1).unwrap_or(u32::MAX);
        let read = site
            .store()
            .ledger_of(from, limit, None, wanted.actor.as_deref())
            .await?;
        let fits = |entry: &Entry| {
            entry.seq <= top
                && wanted
                    .action
                    .as_ref()
                    .is_none_or(|action| entry.action == *action)
        };
        found.extend(read.into_iter().rev().filter(fits).map(line));
        top = from - 1;
    }
    if found.len() > PAGE as usize {
        found.truncate(PAGE as usize);
        top = found.last().map_or(top, |last| last.number - 1);
    }
    Ok(LedgerPage {
        entries: found,
        older: (top >= 1).then_some(top),
        end,
        looked_to: top + 1,
    })
}

/// Everything on one hold.
async fn about(site: &Site, wanted: &Wanted, end: i64) -> Result<LedgerPage, Refusal> {
    let about = wanted.about.map(|id| id.to_string());
    let read = site
        .store()
        .ledger_of(1, ABOUT_ONE, about.as_deref(), wanted.actor.as_deref())
        .await?;
    let action = wanted.action.as_ref();
    let fits = |entry: &Entry| action.is_none_or(|action| entry.action == *action);
    Ok(LedgerPage {
        entries: read.into_iter().rev().filter(fits).map(line).collect(),
        older: None,
        end,
        looked_to: 1,
    })
}

/// What a person means by a reference or an id; an id may be of anything, a reference is of a message.
pub async fn named(site: &Site, caller: &Caller, text: &str) -> Result<Option<QueueId>, Refusal> {
    needs(caller, Permission::SeeLedger)?;
    if let Ok(id) = text.to_ascii_uppercase().parse() {
        return Ok(Some(id));
    }
    if text.parse::<Reference>().is_err() {
        return Ok(None);
    }
    match site.store().find_reference(text).await {
        Ok(Referenced::Hold(id)) => Ok(Some(id)),
        Ok(Referenced::Refusal(refusal)) => Ok(Some(refusal.id)),
        Err(StoreError::Missing | StoreError::Ambiguous) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Has the whole ledger followed.
pub async fn verify(site: &Site, caller: &Caller) -> Result<(), Refusal> {
    needs(caller, Permission::SeeLedger)?;
    let store = site.store().clone();
    let work = async move {
        let proved = store.prove_ledger(Against::default()).await?;
        Ok(proof(&proved))
    };
    site.work().proofs.begin(ABOUT, site.now(), work).await
}

/// What following it came to last.
pub fn verified(site: &Site, caller: &Caller) -> Result<Option<Job<Proof>>, Refusal> {
    needs(caller, Permission::SeeLedger)?;
    Ok(site.work().proofs.of(ABOUT))
}

/// The newest signed head, if one was signed.
pub async fn signed(site: &Site, caller: &Caller) -> Result<Option<SignedHead>, Refusal> {
    needs(caller, Permission::SeeLedger)?;
    let newest = site.store().newest_checkpoint().await?;
    Ok(newest.map(|(entry, text)| SignedHead {
        entry,
        at: Checkpoint::parse(&text).map(|checkpoint| checkpoint.at.into()),
        text,
    }))
}

fn line(entry: Entry) -> EntryLine {
    EntryLine {
        number: entry.seq,
        at: entry.at.into(),
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        detail: entry.detail,
    }
}

fn proof(proved: &Verified) -> Proof {
    use std::fmt::Write as _;
    let mut hash = String::with_capacity(64);
    for byte in proved.head.hash {
        let _infallible = write!(hash, "{byte:02x}");
    }
    let faults = proved.faults.iter().map(|fault| FaultLine {
        kind: fault.kind.name(),
        entry: fault.entry,
        from: fault.from,
    });
    Proof {
        holds: proved.is_good(),
        entries: i64::try_from(proved.entries).unwrap_or(i64::MAX),
        to: proved.head.seq,
        hash,
        checkpoints: proved.checkpoints,
        erased: proved.erased,
        faults: faults.collect(),
    }
}

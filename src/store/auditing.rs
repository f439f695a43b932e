//! The ledger as a whole: adding to it, reading it, proving that it is what it was, signing its head, erasing a name from it.
//!
//! # Invariants
//! A head is signed only after the chain was followed to it from the head that was signed before: nothing is signed that was changed
//! since. Entries are read on one thread and hashed on another, so that a long ledger takes as long as the slower of both.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use serde_json::json;
use tokio::sync::mpsc;

use super::Custody;
use super::chain::{Chain, Fault, FaultKind};
use super::checkpoint::{Checkpoint, SigningKey, VerifyingKey, notes};
use super::clock::micros;
use super::delivered::mac;
use super::error::StoreError;
use super::holding::hex;
use super::ledger::{Entry, Head, LedgerCheck, action};
use super::rows::{CheckpointRow, LedgerPage, LedgerQuery, NewEntry, Store};
use super::seal::DataKey;
use crate::mail::QueueId;

/// Entries read at once. At 300 bytes each a page has 1.2 MB, and four of them are under way.
const PAGE: u32 = 4_096;
/// Pages that wait to be hashed.
const WAITING: usize = 2;
/// Checkpoints read at once.
const CHECKPOINTS: u32 = 1_000;
/// What the key of the ledger is bound to.
const KEY: &[u8] = b"ledger";
/// Problems with checkpoints that are reported; a file of another ledger has nothing but problems.
const FAULTS_AT_MOST: usize = 20;

/// What to check the ledger against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Against<'a> {
    /// Checkpoints that were kept elsewhere: the text of a file.
    pub kept: Option<&'a str>,
    /// The key they are to be signed with; the ledger's own when it was not noted down.
    pub key: Option<VerifyingKey>,
    /// Begin at the last checkpoint at or before this entry instead of at the beginning.
    pub since: Option<i64>,
}

/// What checking the ledger came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries that were followed.
    pub entries: u64,
    /// The first of them.
    pub from: i64,
    /// The last good one.
    pub head: Head,
    /// Checkpoints with a good signature, in the database and the text together, each counted once.
    pub checkpoints: u64,
    /// Names that were erased.
    pub erased: u64,
    /// The first bad entry, if there is one, then what is wrong with checkpoints.
    pub faults: Vec<Fault>,
}

impl Verified {
    /// Whether everything is as it was.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}

/// What following the chain came to.
pub(super) struct Followed {
    pub(super) chain: Chain,
    pub(super) fault: Option<Fault>,
}

impl Custody {
    /// Adds an entry to the ledger for an act that changes nothing else, such as opening a hold. `detail` is a JSON object
    /// without personal data; `actor` is a person's name, `relay` or `system`.
    pub async fn note(
        &self,
        actor: &str,
        action: &str,
        subject: Option<QueueId>,
        detail: &serde_json::Value,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        let subject = subject.map(|id| id.to_string()).unwrap_or_default();
        self.database
            .note(micros(now), actor, action, &subject, &detail.to_string())
            .await
    }

    /// Adds an entry about a node of ours, in the relay's name.
    pub async fn note_node(
        &self,
        node: &str,
        action: &str,
        detail: &serde_json::Value,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.database
            .note(micros(now), "relay", action, node, &detail.to_string())
            .await
    }

    /// Adds an entry if what a node works with now is not what its last entry of this action says. Whether it did.
    pub async fn note_in_force(
        &self,
        node: &str,
        action: &str,
        in_force: &serde_json::Value,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        let entry = NewEntry {
            at: micros(now),
            actor: "relay",
            action,
            subject: node,
            detail: &in_force.to_string(),
        };
        self.database.note_change(entry).await
    }

    /// Entries of the ledger from number `from` on, oldest first.
    pub async fn ledger(&self, from: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.ledger_of(from, limit, None, None).await
    }

    /// As [`ledger`](Self::ledger), on one subject or by one person alone.
    pub async fn ledger_of(
        &self,
        from: i64,
        limit: u32,
        about: Option<&str>,
        actor: Option<&str>,
    ) -> Result<Vec<Entry>, StoreError> {
        let query = LedgerQuery {
            from,
            limit,
            about,
            actor,
        };
        let page = self.database.ledger_page(query).await?;
        Ok(page.rows().map(Entry::from).collect())
    }

    /// The number of the last entry; 0 when there is none.
    pub async fn ledger_end(&self) -> Result<i64, StoreError> {
        Ok(self.database.ledger_head().await?.map_or(0, |(seq, _)| seq))
    }

    /// The newest signed head: the number of its entry, and its text.
    pub async fn newest_checkpoint(&self) -> Result<Option<(i64, String)>, StoreError> {
        let newest = self.database.checkpoint_before(i64::MAX).await?;
        Ok(newest.map(|row| (row.seq, row.note)))
    }

    /// Checks every entry of the ledger, and that it still holds the head that was noted earlier.
    pub async fn verify_ledger(&self, noted: Option<Head>) -> Result<LedgerCheck, StoreError> {
        let Followed { chain, fault } =
            follow(self.database.as_ref(), None, noted.into_iter().collect()).await?;
        let first_bad = fault.map(|fault| match fault.kind {
            FaultKind::Truncated => fault.from,
            _ => fault.entry,
        });
        Ok(LedgerCheck {
            good: first_bad.map_or(chain.head().seq, |bad| chain.head().seq.min(bad - 1)),
            head: chain.head(),
            first_bad,
        })
    }

    /// Checks chain, names, and every checkpoint in the database and in what was kept elsewhere.
    pub async fn prove_ledger(&self, against: Against<'_>) -> Result<Verified, StoreError> {
        let own = self.signing_key().await?.map(|key| key.verifying());
        let key = against.key.or(own);
        let mut faults = Vec::new();
        if key != own {
            faults.push(Fault::at(FaultKind::OtherKey, 0));
        }
        let mut signed = HashSet::new();
        let kept_here = self.checkpoints_here(key, &mut signed, &mut faults).await?;
        for note in notes(against.kept.unwrap_or_default()) {
            match key.and_then(|key| key.open(&note)) {
                Some(checkpoint) => {
                    signed.insert((checkpoint.head.seq, checkpoint.head.hash));
                    // Another time is no change: two nodes may have signed the same head.
                    if !kept_here.contains_key(&checkpoint.head.seq) {
                        faults.push(Fault::at(FaultKind::CheckpointMissing, checkpoint.head.seq));
                    }
                }
                None => faults.push(unsigned(&note)),
            }
        }
        let heads: Vec<Head> = signed
            .iter()
            .map(|(seq, hash)| Head {
                seq: *seq,
                hash: *hash,
            })
            .collect();
        let since = against.since.unwrap_or_default();
        let start = heads.iter().filter(|head| head.seq <= since).max().copied();
        let checkpoints = heads.len() as u64;
        let Followed { chain, fault } = follow(self.database.as_ref(), start, heads).await?;
        faults.sort_by_key(|fault| fault.entry);
        faults.dedup();
        faults.truncate(FAULTS_AT_MOST);
        let whole = start.is_none() && fault.is_none();
        faults.splice(0..0, fault.into_iter().chain(chain.names(whole)));
        Ok(Verified {
            entries: chain.entries,
            from: start.map_or(1, |start| start.seq),
            head: chain.head(),
            checkpoints,
            erased: chain.erased,
            faults,
        })
    }

    /// Every checkpoint of the database, by its entry; `signed` gets those that count.
    async fn checkpoints_here(
        &self,
        key: Option<VerifyingKey>,
        signed: &mut HashSet<(i64, [u8; 32])>,
        faults: &mut Vec<Fault>,
    ) -> Result<HashMap<i64, Vec<u8>>, StoreError> {
        let mut here = HashMap::new();
        let mut from = 1;
        loop {
            let rows = self.database.checkpoints(from, CHECKPOINTS).await?;
            let Some(last) = rows.last() else { break };
            from = last.seq.saturating_add(1);
            for row in rows {
                match key.and_then(|key| key.open(&row.note)) {
                    Some(Checkpoint { head, .. })
                        if head.seq == row.seq && row.hash == head.hash =>
                    {
                        signed.insert((head.seq, head.hash));
                    }
                    Some(Checkpoint { head, .. }) => {
                        signed.insert((head.seq, head.hash));
                        faults.push(Fault::at(FaultKind::CheckpointChanged, row.seq));
                    }
                    None => faults.push(Fault::at(FaultKind::CheckpointUnsigned, row.seq)),
                }
                here.insert(row.seq, row.hash);
            }
        }
        Ok(here)
    }

    /// Erases a person's name from the ledger, and from holds whose content is gone. The chain still holds: it has a hash of the name
    /// with a salt that goes too. Gives how many entries and holds had it.
    pub async fn erase_person(
        &self,
        name: &str,
        (actor, reason): (&str, &str),
        now: SystemTime,
    ) -> Result<(u64, u64), StoreError> {
        let at = micros(now);
        let parts: [&[u8]; 3] = [b"erase reason", &at.to_be_bytes(), reason.as_bytes()];
        // The reason is kept nowhere: it may have the very name. The mark shows later that a letter is the one that was named.
        let mark = hex(&mac(&self.index, &parts)[..16]);
        let entry = NewEntry {
            at,
            actor,
            action: action::PERSON_ERASED,
            subject: "",
            detail: &mark,
        };
        let erased = self.database.erase_person(name, entry).await?;
        if erased != (0, 0) {
            self.database.shred().await?;
        }
        Ok(erased)
    }

    /// The key that signs checkpoints, if there is one.
    async fn signing_key(&self) -> Result<Option<SigningKey>, StoreError> {
        let row = self.database.ledger_key(None).await?;
        row.map(|(kek, dek)| self.unwrapped(&kek, &dek)).transpose()
    }

    fn unwrapped(&self, kek: &str, dek: &[u8]) -> Result<SigningKey, StoreError> {
        SigningKey::from_seed(&self.master.unwrap(kek, KEY, dek)?)
    }

    /// The key that signs checkpoints; made when there is none, which the ledger notes.
    async fn signing_key_made(&self, now: SystemTime) -> Result<SigningKey, StoreError> {
        if let Some(key) = self.signing_key().await? {
            return Ok(key);
        }
        let seed = DataKey::generate()?;
        let wrapped = self.master.wrap(KEY, &seed)?;
        let verifying = SigningKey::from_seed(&seed)?.verifying();
        let detail = json!({ "key": verifying.to_string() }).to_string();
        let entry = NewEntry {
            at: micros(now),
            actor: "relay",
            action: action::LEDGER_KEY,
            subject: "",
            detail: &detail,
        };
        let offered = Some((wrapped.kek.as_str(), wrapped.dek.as_slice(), entry));
        let row = self.database.ledger_key(offered).await?;
        let (kek, dek) = row.ok_or(StoreError::Missing)?;
        self.unwrapped(&kek, &dek)
    }

    /// Whoever signs checkpoints of this ledger in this process; goes on from the newest one in the database or in `kept`, the text of
    /// this node's file. Makes the key on first use.
    pub async fn notary(&self, kept: &str, now: SystemTime) -> Result<Notary, StoreError> {
        let key = self.signing_key_made(now).await?;
        let newest = self.database.checkpoint_before(i64::MAX).await?;
        let kept = notes(kept).into_iter().chain(newest.map(|row| row.note));
        let signed = kept
            .filter_map(|note| key.verifying().open(&note))
            .max_by_key(|checkpoint| checkpoint.head.seq);
        Ok(Notary {
            store: self.clone(),
            key,
            signed,
        })
    }
}

/// Follows the chain, from the beginning or from a signed head.
pub(super) async fn follow(
    database: &dyn Store,
    start: Option<Head>,
    signed: Vec<Head>,
) -> Result<Followed, StoreError> {
    let mut chain = Chain::new(start, signed);
    let mut next = chain.first();
    let (sender, mut pages) = mpsc::channel::<LedgerPage>(WAITING);
    let hashing = tokio::task::spawn_blocking(move || {
        let mut fault = None;
        while let (None, Some(page)) = (&fault, pages.blocking_recv()) {
            fault = chain.follow(&page);
        }
        let fault = fault.or_else(|| chain.ended());
        Followed { chain, fault }
    });
    loop {
        let query = LedgerQuery {
            from: next,
            limit: PAGE,
            about: None,
            actor: None,
        };
        let page = database.ledger_page(query).await?;
        let Some(last) = page.last_seq() else { break };
        next = last.saturating_add(1);
        // Gone: a bad entry was found.
        if sender.send(page).await.is_err() {
            break;
        }
    }
    drop(sender);
    hashing
        .await
        .map_err(|_| StoreError::Unavailable("checking the ledger ended early".to_owned()))
}

/// A note that the key did not sign, by the number that it claims.
fn unsigned(note: &str) -> Fault {
    let claims = Checkpoint::parse(note).map_or(0, |checkpoint| checkpoint.head.seq);
    Fault::at(FaultKind::CheckpointUnsigned, claims)
}

/// Why a head was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotaryError {
    /// The chain is not what was signed before, or does not hold: nothing is signed, and somebody must look.
    #[error("the ledger does not hold, nothing is signed: {0}")]
    Broken(Fault),
    /// Another node signed another entry of this number.
    #[error("another checkpoint of entry {0} is in the database")]
    Forked(i64),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs heads of the ledger.
#[derive(Debug)]
pub struct Notary {
    store: Custody,
    key: SigningKey,
    /// What was signed last.
    signed: Option<Checkpoint>,
}

impl Notary {
    /// The key that it signs with.
    pub fn key(&self) -> VerifyingKey {
        self.key.verifying()
    }

    /// What was signed last, by this node or another.
    pub fn signed(&self) -> Option<Checkpoint> {
        self.signed
    }

    /// How many entries came since.
    pub async fn waiting(&self) -> Result<u64, StoreError> {
        let head = self.store.ledger_end().await?;
        let signed = self.signed.map_or(0, |signed| signed.head.seq);
        // A head before the signed one is for `sign` to find: it moved, too.
        Ok(head.abs_diff(signed))
    }

    /// Follows the chain from what was signed last to its head, signs that, and keeps the checkpoint in the database. Gives its
    /// note; `None` when nothing came since.
    pub async fn sign(&mut self, now: SystemTime) -> Result<Option<String>, NotaryError> {
        let start = self.signed.map(|signed| signed.head);
        let Followed { chain, fault } =
            follow(self.store.database.as_ref(), start, Vec::new()).await?;
        if let Some(fault) = fault {
            return Err(NotaryError::Broken(fault));
        }
        let head = chain.head();
        if head.seq == 0 || start == Some(head) {
            return Ok(None);
        }
        let checkpoint = Checkpoint { head, at: now };
        let note = self.key.sign(&checkpoint);
        let row = CheckpointRow {
            seq: head.seq,
            at: micros(now),
            hash: head.hash.to_vec(),
            note: note.clone(),
        };
        let kept = self.store.database.keep_checkpoint(&row).await?;
        if kept.hash != head.hash {
            return Err(NotaryError::Forked(head.seq));
        }
        self.signed = Some(checkpoint);
        Ok(Some(note))
    }
}

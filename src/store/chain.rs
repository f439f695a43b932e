//! Following the chain of the ledger: the first entry that is not what it was, and what happened to it.
//!
//! # Invariants
//! Reads no clock and no database: pages go in, a fault or a head comes out. It starts at the beginning or at a head that was signed,
//! and holds every signed head that it passes against the chain, so that a chain that was written anew is found although it fits
//! itself.
//!
//! # Known gaps
//! Of a chain that was written anew it can only be said between which signed heads that began. Who deletes names beside entries and
//! adds an entry `person-erased` has erased them in the ordinary way.

use std::fmt;

use super::ledger::{GENESIS, Hashed, Head, action, erased_entries, person_hash};
use super::rows::{LedgerPage, LedgerRow};

/// How far an entry may have moved to be recognised; beyond it counts as changed.
const MOVED_AT_MOST: i64 = 10_000;

/// What happened to an entry or a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A field of it is not what was hashed.
    Changed,
    /// It was taken out.
    Missing,
    /// One was put in before it.
    Inserted,
    /// It stands in another's place.
    Reordered,
    /// It, or one before it, was written anew with hashes that fit.
    Rewritten,
    /// The end of the ledger was cut off.
    Truncated,
    /// The name beside it is not the one that was hashed.
    NameChanged,
    /// The name beside it is gone, and no entry says that it was erased.
    NameMissing,
    /// A checkpoint is not signed by the key, or was changed.
    CheckpointUnsigned,
    /// A checkpoint of the file is not in the database.
    CheckpointMissing,
    /// A checkpoint in the database is not the one that it says it is.
    CheckpointChanged,
    /// The ledger signs with another key than the one that was noted down.
    OtherKey,
}

impl FaultKind {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Inserted => "inserted",
            Self::Reordered => "reordered",
            Self::Rewritten => "rewritten",
            Self::Truncated => "truncated",
            Self::NameChanged => "name-changed",
            Self::NameMissing => "name-missing",
            Self::CheckpointUnsigned => "checkpoint-unsigned",
            Self::CheckpointMissing => "checkpoint-missing",
            Self::CheckpointChanged => "checkpoint-changed",
            Self::OtherKey => "other-key",
        }
    }
}

/// Something that is not as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// The entry at which it shows.
    pub entry: i64,
    /// The first entry that it may have begun with; `entry` itself when that is known.
    pub from: i64,
}

impl Fault {
    pub(crate) fn at(kind: FaultKind, entry: i64) -> Self {
        Self {
            kind,
            entry,
            from: entry,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, entry, from } = self;
        match kind {
            FaultKind::Changed => write!(f, "entry {entry} was changed"),
            FaultKind::Missing => write!(f, "entry {entry} is missing"),
            FaultKind::Inserted => {
                write!(f, "an entry was put in before entry {entry}")
            }
            FaultKind::Reordered => {
                write!(f, "entry {entry} was moved: another stands in its place")
            }
            FaultKind::Rewritten if from == entry => write!(f, "entry {entry} was written anew"),
            FaultKind::Rewritten => write!(
                f,
                "entries were written anew: one or more of {from} to {entry}"
            ),
            FaultKind::Truncated => write!(
                f,
                "the end was cut off: entries {from} to {entry} are missing"
            ),
            FaultKind::NameChanged => write!(f, "the name beside entry {entry} was changed"),
            FaultKind::NameMissing => {
                write!(
                    f,
                    "names were removed that no entry accounts for, the first beside entry {entry} or one after it"
                )
            }
            FaultKind::CheckpointUnsigned => {
                write!(
                    f,
                    "the checkpoint at entry {entry} has no good signature of the ledger's key"
                )
            }
            FaultKind::CheckpointMissing => write!(
                f,
                "the checkpoint at entry {entry} was removed from the database"
            ),
            FaultKind::CheckpointChanged => write!(
                f,
                "the checkpoint at entry {entry} was changed in the database"
            ),
            FaultKind::OtherKey => {
                write!(f, "the ledger signs with another key than the one given")
            }
        }
    }
}

/// The chain as far as it was followed.
#[derive(Debug)]
pub(crate) struct Chain {
    head: Head,
    /// The signed head that it starts at, until its entry was seen.
    start: Option<Head>,
    /// Signed heads, by number.
    signed: Vec<Head>,
    next_signed: usize,
    room: Vec<u8>,
    /// Entries that were followed.
    pub(crate) entries: u64,
    /// Names that are not there.
    pub(crate) erased: u64,
    first_erased: i64,
    accounted: u64,
    wrong_name: Option<Fault>,
}

impl Chain {
    /// From the beginning, or from a signed head whose entry comes first then. `signed` are heads to pass.
    pub(crate) fn new(start: Option<Head>, mut signed: Vec<Head>) -> Self {
        signed.sort_unstable();
        signed.dedup();
        let head = start.unwrap_or(Head {
            seq: 0,
            hash: GENESIS,
        });
        let next_signed = signed.partition_point(|signed| signed.seq < head.seq.max(1));
        Self {
            head,
            start,
            signed,
            next_signed,
            room: Vec::with_capacity(1024),
            entries: 0,
            erased: 0,
            first_erased: 0,
            accounted: 0,
            wrong_name: None,
        }
    }

    /// The number of the entry to read first.
    pub(crate) fn first(&self) -> i64 {
        self.head.seq.max(1)
    }

    /// The last good entry so far.
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Follows a page of entries until one is not the one that belongs there.
    pub(crate) fn follow(&mut self, page: &LedgerPage) -> Option<Fault> {
        for row in page.rows() {
            let fault = match self.start.take() {
                Some(start) => self.begin(&row, start),
                None => self.step(&row).map(|kind| self.explain(kind, &row, page)),
            };
            let fault = fault.or_else(|| self.pass_signed());
            if fault.is_some() {
                return fault;
            }
            self.name(&row);
            self.entries += 1;
        }
        None
    }

    /// The entry of the signed head that the chain starts at.
    fn begin(&mut self, row: &LedgerRow<'_>, start: Head) -> Option<Fault> {
        if row.seq != start.seq {
            return Some(Fault::at(FaultKind::Missing, start.seq));
        }
        let hash = Hashed::of(row).hash(row.prev, &mut self.room);
        if hash != Some(start.hash) || row.hash != start.hash {
            let own = hash.is_some_and(|hash| hash == row.hash);
            let kind = if own {
                FaultKind::Rewritten
            } else {
                FaultKind::Changed
            };
            return Some(Fault::at(kind, start.seq));
        }
        None
    }

    fn step(&mut self, row: &LedgerRow<'_>) -> Option<FaultKind> {
        if row.seq != self.head.seq + 1 {
            return Some(FaultKind::Missing);
        }
        let hash = Hashed::of(row).hash(&self.head.hash, &mut self.room);
        match hash {
            Some(hash) if row.hash == hash && row.prev == self.head.hash => {
                self.head = Head { seq: row.seq, hash };
                None
            }
            _ if row.prev == self.head.hash => Some(FaultKind::Changed),
            // Either the link alone was changed, or the entry before.
            Some(hash) if row.hash == hash => Some(FaultKind::Changed),
            _ => Some(FaultKind::Rewritten),
        }
    }

    /// An entry that follows another than the one before it: was it moved, was one taken out, or was the one before written anew?
    fn explain(&mut self, kind: FaultKind, row: &LedgerRow<'_>, page: &LedgerPage) -> Fault {
        let entry = self.head.seq + 1;
        if kind != FaultKind::Rewritten {
            return Fault::at(kind, entry);
        }
        let mut as_of = |seq: i64| {
            let written = Hashed {
                seq,
                ..Hashed::of(row)
            };
            let hash = written.hash(row.prev, &mut self.room);
            hash.is_some_and(|hash| hash == row.hash)
        };
        if as_of(row.seq) {
            return Fault {
                kind,
                entry,
                from: self.last_signed() + 1,
            };
        }
        let moved = (1..=MOVED_AT_MOST)
            .flat_map(|by| [by, -by])
            .find(|by| as_of(row.seq.saturating_add(*by)));
        let successor = page.rows().any(|other| other.prev == self.head.hash);
        let kind = match moved {
            None => FaultKind::Changed,
            Some(_) if successor => FaultKind::Reordered,
            Some(by) if by < 0 => FaultKind::Inserted,
            Some(_) => FaultKind::Missing,
        };
        Fault::at(kind, entry)
    }

    /// Holds the head against the signed ones of the same number.
    fn pass_signed(&mut self) -> Option<Fault> {
        while let Some(signed) = self.signed.get(self.next_signed) {
            if signed.seq > self.head.seq {
                return None;
            }
            if signed.seq == self.head.seq && signed.hash != self.head.hash {
                return Some(Fault {
                    kind: FaultKind::Rewritten,
                    entry: signed.seq,
                    from: self.last_signed() + 1,
                });
            }
            self.next_signed += 1;
        }
        None
    }

    /// The number of the last signed head that was passed.
    fn last_signed(&self) -> i64 {
        let before = self.next_signed.checked_sub(1);
        before
            .and_then(|index| self.signed.get(index))
            .map_or(0, |head| head.seq)
    }

    /// Holds the name beside an entry against its hash.
    fn name(&mut self, row: &LedgerRow<'_>) {
        if row.action == action::PERSON_ERASED.as_bytes() {
            self.accounted = self.accounted.saturating_add(erased_entries(row.detail));
        }
        match (row.person, row.name) {
            (None, None) => {}
            (Some(person), Some((salt, name))) if person_hash(salt, name) == person => {}
            (_, Some(_)) => {
                let wrong = Fault::at(FaultKind::NameChanged, row.seq);
                self.wrong_name.get_or_insert(wrong);
            }
            (Some(_), None) => {
                if self.erased == 0 {
                    self.first_erased = row.seq;
                }
                self.erased += 1;
            }
        }
    }

    /// What there is to say at the end of the ledger.
    pub(crate) fn ended(&self) -> Option<Fault> {
        let from = match self.start {
            Some(start) => start.seq,
            None => self.head.seq + 1,
        };
        let signed = self.signed.last().copied().max(self.start)?;
        (self.start.is_some() || signed.seq > self.head.seq).then_some(Fault {
            kind: FaultKind::Truncated,
            entry: signed.seq,
            from,
        })
    }

    /// What is wrong with names. `whole`: the chain was followed from its beginning to its end, so that every entry was seen that
    /// accounts for one.
    pub(crate) fn names(&self, whole: bool) -> Option<Fault> {
        let gone = whole && self.erased > self.accounted;
        self.wrong_name
            .or_else(|| gone.then(|| Fault::at(FaultKind::NameMissing, self.first_erased)))
    }
}

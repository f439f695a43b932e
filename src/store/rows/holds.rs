//! Holds, decisions and release tickets.

use async_trait::async_trait;

use super::DeliveryRow;
use crate::store::error::StoreError;
use crate::store::hold::{HoldFilter, HoldState};

/// A hold to insert.
#[derive(Debug)]
pub(crate) struct HoldRow {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) received_at: i64,
    pub(crate) size: i64,
    pub(crate) rules: String,
    pub(crate) categories: String,
    pub(crate) mark: Option<Vec<u8>>,
    pub(crate) kek: String,
    pub(crate) dek: Vec<u8>,
    pub(crate) record: Vec<u8>,
    pub(crate) blob: String,
    pub(crate) detail: String,
    /// What it is found by: tokens of 10 bytes, one after the other.
    pub(crate) tokens: Vec<u8>,
    pub(crate) counted: Counted,
}

/// What reports count a message by, in clear and without a name.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) school: Option<String>,
    pub(crate) sender_group: Option<String>,
    /// A keyed hash of the sender's address.
    pub(crate) sender: Option<i64>,
    pub(crate) severity: Option<&'static str>,
    pub(crate) people: Option<i64>,
}

/// The sealed columns of a hold whose content is still there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SealedHold<'a> {
    pub(crate) kek: &'a str,
    pub(crate) dek: &'a [u8],
    pub(crate) record: &'a [u8],
    pub(crate) decision: Option<&'a [u8]>,
    pub(crate) request: Option<&'a [u8]>,
    pub(crate) legal_hold: Option<&'a [u8]>,
    pub(crate) told: Option<&'a [u8]>,
    pub(crate) blob: &'a str,
}

/// A hold as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct StoredHold {
    pub(crate) id: String,
    pub(crate) received_at: i64,
    pub(crate) size: i64,
    pub(crate) state: String,
    pub(crate) version: i64,
    pub(crate) rules: String,
    pub(crate) categories: String,
    pub(crate) decided_at: Option<i64>,
    pub(crate) decided_by: Option<String>,
    pub(crate) acted_by: Option<String>,
    pub(crate) claimed_by: Option<String>,
    pub(crate) claimed_until: Option<i64>,
    pub(crate) school: Option<String>,
    pub(crate) judgement: Option<String>,
    kek: Option<String>,
    dek: Option<Vec<u8>>,
    record: Option<Vec<u8>>,
    decision: Option<Vec<u8>>,
    request: Option<Vec<u8>>,
    legal_hold: Option<Vec<u8>>,
    told: Option<Vec<u8>>,
    blob: Option<String>,
}

/// The columns that a [`StoredHold`] is read from.
pub(crate) const HOLD_COLUMNS: &str = "id, received_at, size, state, version, rules, categories, decided_at, decided_by, acted_by, claimed_by, claimed_until, \
                                       school, judgement, kek, dek, record, decision, request, legal_hold, told, blob";

impl StoredHold {
    /// Whether its content must be kept for a case.
    pub(crate) fn is_kept_for_a_case(&self) -> bool {
        self.legal_hold.is_some()
    }

    /// What is sealed; `None` once the content is gone.
    pub(crate) fn sealed(&self) -> Option<SealedHold<'_>> {
        Some(SealedHold {
            kek: self.kek.as_deref()?,
            dek: self.dek.as_deref()?,
            record: self.record.as_deref()?,
            decision: self.decision.as_deref(),
            request: self.request.as_deref(),
            legal_hold: self.legal_hold.as_deref(),
            told: self.told.as_deref(),
            blob: self.blob.as_deref()?,
        })
    }
}

/// A release ticket to insert.
#[derive(Debug)]
pub(crate) struct TicketRow {
    pub(crate) message: Vec<u8>,
    pub(crate) rcpts: Vec<u8>,
    pub(crate) vals: Vec<u8>,
    pub(crate) encrypt: bool,
    pub(crate) expires_at: i64,
}

/// A ticket that is for the message asked about.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct TicketMatch {
    pub(crate) hold: String,
    pub(crate) rcpts: Vec<u8>,
    pub(crate) vals: Vec<u8>,
    pub(crate) encrypt: bool,
}

/// An act on a hold with all it causes. What is not sealed anew here is given as it was, or it goes.
#[derive(Debug)]
pub(crate) struct ActRow {
    pub(crate) id: String,
    /// The version it was made on.
    pub(crate) version: i64,
    pub(crate) to: HoldState,
    pub(crate) actor: String,
    pub(crate) at: i64,
    /// Who has the hold after it, and until when.
    pub(crate) claim: Option<(String, i64)>,
    pub(crate) request: Option<Vec<u8>>,
    pub(crate) legal_hold: Option<Vec<u8>>,
    pub(crate) told: Option<Vec<u8>>,
    /// The sealed decision of an act that decides; of another the one that is there stays.
    pub(crate) decision: Option<Vec<u8>>,
    pub(crate) delivery: Option<DeliveryRow>,
    pub(crate) ticket: Option<TicketRow>,
    /// Its entries in the ledger: action and detail.
    pub(crate) entries: Vec<(&'static str, String)>,
}

/// Holds, decisions and release tickets.
#[async_trait]
pub(crate) trait HoldStore {
    async fn hold(&self, id: &str) -> Result<StoredHold, StoreError>;

    async fn holds(&self, filter: HoldFilter) -> Result<Vec<StoredHold>, StoreError>;

    /// The hold of the same message, if nobody has decided it.
    async fn held_as(&self, mark: &[u8]) -> Result<Option<String>, StoreError>;

    /// Ids of holds that begin with `prefix` or whose reference does; at most two, which is enough to say that it is not unique.
    async fn holds_like(&self, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// Refusals of this reference: id, time, rules, categories, explanation.
    async fn refusals(
        &self,
        reference: &str,
    ) -> Result<Vec<(String, i64, String, String, String)>, StoreError>;

    /// Counts of holds by state, and when the first of them came; it does not look at each of them.
    async fn hold_counts(&self) -> Result<Vec<(String, i64, i64)>, StoreError>;

    /// State change, delivery, ticket and ledger entries, or nothing: [`StoreError::Conflict`] when the hold has another version or its
    /// content is gone.
    async fn act(&self, row: &ActRow) -> Result<(), StoreError>;

    /// Tickets for this message that have not ended.
    async fn tickets(&self, message: &[u8], now: i64) -> Result<Vec<TicketMatch>, StoreError>;
}

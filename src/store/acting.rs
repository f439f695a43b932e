//! Acts on a hold that do not decide it: claims, requests, legal holds; and a hold's history.
//!
//! # Invariants
//! An act names the version of the hold that it was made on, and is refused on any other: of two who act at once one wins, and the other
//! learns who did what. The change and its ledger entry are one transaction. What an act does not change it hands on as it was.

use std::time::SystemTime;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Custody;
use super::clock::micros;
use super::error::StoreError;
use super::hold::HoldState;
use super::holding::{conflict, hex, json_text, parse};
use super::ledger::{Entry, SALT, reason_hash, reason_salt};
use super::life::{HoldAct, LegalHold, Past, Request, TOLD, Told, What};
use super::rows::{ActRow, SealedHold, StoredHold};
use super::seal::{DataKey, Kind};
use crate::mail::QueueId;

/// Entries of the ledger shown of one hold; a hold has dozens.
const ENTRIES: u32 = 10_000;

/// The sealed columns of a hold's life.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) request: Option<Request>,
    pub(super) legal_hold: Option<LegalHold>,
    pub(super) told: Vec<Told>,
}

/// Opens what is sealed of a hold's life.
pub(super) fn open_life(
    dek: &DataKey,
    id: QueueId,
    sealed: SealedHold<'_>,
) -> Result<Life, StoreError> {
    Ok(Life {
        request: open(dek, Kind::Request, id, sealed.request)?,
        legal_hold: open(dek, Kind::LegalHold, id, sealed.legal_hold)?,
        told: open(dek, Kind::Told, id, sealed.told)?.unwrap_or_default(),
    })
}

fn open<T: serde::de::DeserializeOwned>(
    dek: &DataKey,
    kind: Kind,
    id: QueueId,
    sealed: Option<&[u8]>,
) -> Result<Option<T>, StoreError> {
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    parse(&dek.open(kind, id.as_bytes(), sealed)?).map(Some)
}

fn seal(
    dek: &DataKey,
    kind: Kind,
    id: QueueId,
    value: &impl serde::Serialize,
) -> Result<Vec<u8>, StoreError> {
    let plain = Zeroizing::new(json_text(value)?);
    Ok(dek.seal(kind, id.as_bytes(), plain.as_bytes())?)
}

impl Custody {
    /// Records an act that does not decide its hold, or nothing. The first act on a version wins: the second gets
    /// [`StoreError::Conflict`].
    pub async fn act(&self, act: HoldAct) -> Result<(), StoreError> {
        let id = act.id;
        let row = self.database.hold(&id.to_string()).await?;
        let (Some(sealed), true) = (row.sealed(), row.version == act.version) else {
            return Err(conflict(&row)?);
        };
        let (dek, _) = self.record(id, sealed)?;
        let salt = reason_salt()?;
        let told = match act.what.reason() {
            Some(reason) => Some(tell(&dek, id, sealed, told_of(&act, reason, salt))?),
            None => sealed.told.map(<[u8]>::to_vec),
        };
        let act = ActRow {
            id: id.to_string(),
            version: act.version,
            to: act.to,
            at: micros(act.at),
            claim: claim_after(&act, &row),
            request: request_after(&act, &dek, sealed)?,
            legal_hold: legal_hold_after(&act, &dek, sealed)?,
            told,
            decision: None,
            delivery: None,
            ticket: None,
            entries: vec![(act.what.action(), detail(&act, &salt).to_string())],
            actor: act.actor,
        };
        self.database.act(&act).await
    }

    /// What happened to a hold by the ledger, oldest first, with the reasons while they are kept.
    pub async fn history(&self, id: QueueId) -> Result<Vec<Past>, StoreError> {
        let entries = self
            .ledger_of(1, ENTRIES, Some(&id.to_string()), None)
            .await?;
        // The ledger outlasts the hold.
        let told = match self.database.hold(&id.to_string()).await {
            Ok(row) => self.told(id, &row)?,
            Err(StoreError::Missing) => Vec::new(),
            Err(error) => return Err(error),
        };
        let reason = |entry: &Entry| {
            let told = told.iter().find(|told| {
                told.at == entry.at && told.action == entry.action && told.by == entry.actor
            });
            told.map(|told| told.reason.clone())
        };
        Ok(entries
            .into_iter()
            .map(|entry| Past {
                reason: reason(&entry),
                entry,
            })
            .collect())
    }

    /// The reasons of a hold, while its content is there.
    fn told(&self, id: QueueId, row: &StoredHold) -> Result<Vec<Told>, StoreError> {
        let Some(sealed) = row.sealed() else {
            return Ok(Vec::new());
        };
        let (dek, _) = self.record(id, sealed)?;
        Ok(open_life(&dek, id, sealed)?.told)
    }
}

/// What the ledger says of an act: times, counts and hashes.
fn detail(act: &HoldAct, salt: &[u8; SALT]) -> Value {
    let mut detail = match &act.what {
        What::Claim { until, taken_over } => {
            json!({ "until": seconds(*until), "taken_over": taken_over })
        }
        What::Ask(request) => json!({
            "rcpts": request.rcpts.len(),
            "version": request.sent.name(),
            "without": request.sent.left_out(),
            "encrypt": request.encrypt,
            "sha256": hex(&request.sha256),
        }),
        _ => json!({}),
    };
    if let Some(reason) = act.what.reason() {
        detail["reason"] = json!(hex(&reason_hash(salt, reason)));
    }
    detail
}

/// The reasons of a hold with one more, sealed.
pub(super) fn tell(
    dek: &DataKey,
    id: QueueId,
    sealed: SealedHold<'_>,
    more: Told,
) -> Result<Vec<u8>, StoreError> {
    let mut told = open_life(dek, id, sealed)?.told;
    told.push(more);
    let most = told.len().saturating_sub(TOLD);
    seal(dek, Kind::Told, id, &&told[most..])
}

fn told_of(act: &HoldAct, reason: &str, salt: [u8; SALT]) -> Told {
    Told {
        salt: Some(salt),
        action: act.what.action().to_owned(),
        by: act.actor.clone(),
        at: act.at,
        reason: reason.to_owned(),
    }
}

/// Who has the hold after an act. What is no claim and leaves the state alone leaves the claim too.
fn claim_after(act: &HoldAct, row: &StoredHold) -> Option<(String, i64)> {
    match &act.what {
        What::Claim { until, .. } => Some((act.actor.clone(), micros(*until))),
        _ if act.to == HoldState::Claimed => row.claimed_by.clone().zip(row.claimed_until),
        _ => None,
    }
}

/// The request that waits after an act. One that stands beside a legal hold is good for the version that this makes.
fn request_after(
    act: &HoldAct,
    dek: &DataKey,
    sealed: SealedHold<'_>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let request = match &act.what {
        What::Ask(request) => Some((**request).clone()),
        _ if act.to == HoldState::Awaiting => open(dek, Kind::Request, act.id, sealed.request)?,
        _ => None,
    };
    request
        .map(|mut request: Request| {
            request.version = act.version.saturating_add(1);
            seal(dek, Kind::Request, act.id, &request)
        })
        .transpose()
}

fn legal_hold_after(
    act: &HoldAct,
    dek: &DataKey,
    sealed: SealedHold<'_>,
) -> Result<Option<Vec<u8>>, StoreError> {
    match &act.what {
        What::PlaceLegalHold(reason) => {
            let placed = LegalHold {
                by: act.actor.clone(),
                at: act.at,
                reason: reason.clone(),
            };
            seal(dek, Kind::LegalHold, act.id, &placed).map(Some)
        }
        What::LiftLegalHold(_) => Ok(None),
        _ => Ok(sealed.legal_hold.map(<[u8]>::to_vec)),
    }
}

/// Seconds since 1970.
fn seconds(at: SystemTime) -> i64 {
    micros(at) / 1_000_000
}

//! Holding messages, showing what is held, recording decisions and refusals.
//!
//! # Invariants
//! `hold` answers after blob and row are on stable storage. Opening a message checks its hash beside its seal. A decision,
//! the delivery it causes, its ticket and its ledger entry are one transaction.

use std::time::SystemTime;

use bytes::Bytes;
use serde_json::json;
use zeroize::Zeroizing;

use super::Custody;
use super::acting::{open_life, tell};
use super::blob::Blobs;
use super::clock::{micros, number, time};
use super::delivered::mac;
use super::delivery::{Body, DeliveryKind, NewDelivery};
use super::error::StoreError;
use super::hold::{
    Decision, HoldDetails, HoldFilter, HoldState, HoldSummary, NewHold, Origin, Passes, Referenced,
    Refusal, Resend, SealedSummary, StoredDecision, StoredRecord, Ticket, parse_id,
};
use super::identity::Identity;
use super::judgement::Judgement;
use super::ledger::{reason_hash, reason_salt};
use super::life::{HoldClaim, Request, SenderWord, Told, VersionSent};
use super::rows::{
    ActRow, Counted, HoldRow, Insert, RefusalRow, SealedHold, StoredHold, TicketRow,
};
use super::seal::{DataKey, Kind};
use super::wire::StoredEnvelope;
use crate::detect::Category;
use crate::mail::{Envelope, QueueId};
use crate::policy::Severity;

/// Bytes of each keyed hash in a ticket: 128 bits.
const MARK: usize = 16;

/// Above this a message is sealed and opened on a blocking thread.
const INLINE: usize = 256 * 1024;

impl Custody {
    /// Keeps a message for a reviewer and gives the id it is held under. After `Ok` it is ours; after an error it is not, and the
    /// client must keep it. A message that waits already (a client that missed our answer sends it again) is not held twice.
    pub async fn hold(&self, new: NewHold) -> Result<QueueId, StoreError> {
        self.hold_beside(new, None).await
    }

    /// As [`hold`](Self::hold), with what goes to the recipients whom the hold is not for: both become ours, or neither.
    pub async fn hold_beside(
        &self,
        new: NewHold,
        beside: Option<NewDelivery>,
    ) -> Result<QueueId, StoreError> {
        let identity = Identity::of(&new.message);
        let mark = self.hold_mark(&new.envelope, &identity);
        if let Some(mark) = &mark
            && let Some(id) = self.database.held_as(mark).await?
        {
            return parse_id(&id);
        }
        self.has_room(new.message.len())?;
        let dek = DataKey::generate()?;
        let rules: Vec<&str> = new
            .record
            .rules
            .iter()
            .map(|rule| rule.id.as_str())
            .collect();
        let mut categories: Vec<Category> = new
            .record
            .findings
            .iter()
            .map(|found| found.category)
            .collect();
        categories.sort_unstable();
        categories.dedup();
        let wrapped = self.master.wrap(&hold_context(new.id), &dek)?;
        let detail = json!({ "rules": rules, "rcpts": new.envelope.rcpts.len() }).to_string();
        let mut row = HoldRow {
            id: new.id.to_string(),
            reference: plain_reference(new.id),
            received_at: micros(new.received_at),
            size: number(new.message.len()),
            rules: json_text(&rules)?,
            categories: json_text(&categories)?,
            mark: mark.clone(),
            kek: wrapped.kek,
            dek: wrapped.dek,
            record: Vec::new(),
            blob: Blobs::new_key()?,
            detail,
            tokens: self.hold_tokens(&new.envelope, &new.record),
            counted: counted(
                new.origin,
                new.record.rules.iter().map(|rule| rule.severity).max(),
                new.record.people,
            ),
        };
        let record = StoredRecord {
            envelope: StoredEnvelope::of(&new.envelope),
            client: new.client,
            record: new.record,
            sha256: identity.whole,
            body_sha256: identity.body,
            message_id: identity.message_id,
        };
        let plain = Zeroizing::new(json_text(&record)?);
        row.record = dek.seal(Kind::Record, new.id.as_bytes(), plain.as_bytes())?;
        let sealed = seal_message(dek, new.id, new.message).await?;
        let blob = row.blob.clone();
        self.blobs.put(&blob, sealed).await?;
        let row = Box::new(row);
        let insert = match &beside {
            None => Insert::Hold(row),
            Some(delivery) => Insert::Split(row, Box::new(self.delivery_row(delivery).await?)),
        };
        let inserted = self.committer.insert(insert).await;
        if inserted == Err(StoreError::Exists) {
            let _ = self.blobs.delete(&blob).await;
            // The same message, handed over twice at once, perhaps to two nodes: it is held once.
            if let Some(mark) = &mark
                && let Some(id) = self.database.held_as(mark).await?
            {
                return parse_id(&id);
            }
        }
        if inserted.is_ok() && beside.is_some() {
            self.wake.notify_one();
        }
        // After any other error the row may be there (a commit whose answer was lost): the sweep decides.
        inserted.map(|()| new.id)
    }

    /// Holds, newest first.
    pub async fn list_holds(&self, filter: HoldFilter) -> Result<Vec<HoldSummary>, StoreError> {
        let rows = self.database.holds(filter).await?;
        rows.iter().map(|row| self.summary(row)).collect()
    }

    /// Finds a hold by its id, by its reference, or by a beginning of either that no other hold shares.
    pub async fn find_hold(&self, text: &str) -> Result<QueueId, StoreError> {
        let prefix = text.trim().replace('-', "").to_ascii_uppercase();
        if prefix.len() < 4 || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(StoreError::Missing);
        }
        match self.database.holds_like(&prefix).await?.as_slice() {
            [] => Err(StoreError::Missing),
            [id] => parse_id(id),
            _ => Err(StoreError::Ambiguous),
        }
    }

    /// What a reference that was given to a person leads to.
    pub async fn find_reference(&self, text: &str) -> Result<Referenced, StoreError> {
        match self.find_hold(text).await {
            Ok(id) => return Ok(Referenced::Hold(id)),
            Err(StoreError::Missing) => {}
            Err(error) => return Err(error),
        }
        let reference = text.trim().replace('-', "").to_ascii_uppercase();
        let mut rows = self.database.refusals(&reference).await?;
        if rows.len() > 1 {
            return Err(StoreError::Ambiguous);
        }
        let (id, at, rules, categories, explanation) = rows.pop().ok_or(StoreError::Missing)?;
        Ok(Referenced::Refusal(Refusal {
            id: parse_id(&id)?,
            at: time(at),
            rules: from_json(&rules)?,
            categories: from_json(&categories)?,
            explanation,
            severity: None,
            people: 0,
            origin: Origin::default(),
        }))
    }

    /// Everything about a hold but its message. [`StoreError::Missing`] once its content is gone.
    pub async fn open_hold(&self, id: QueueId) -> Result<HoldDetails, StoreError> {
        let row = self.database.hold(&id.to_string()).await?;
        let sealed = row.sealed().ok_or(StoreError::Missing)?;
        let (dek, record) = self.record(id, sealed)?;
        let reason = sealed
            .decision
            .map(|decision| {
                let plain = dek.open(Kind::Decision, id.as_bytes(), decision)?;
                parse::<StoredDecision>(&plain).map(|decision| decision.reason)
            })
            .transpose()?;
        let life = open_life(&dek, id, sealed)?;
        let envelope = record.envelope.into_envelope()?;
        let mut summary = bare_summary(&row)?;
        summary.word = SenderWord::of(&life.told);
        summary.sealed = Some(SealedSummary::of(&envelope, &record.record));
        Ok(HoldDetails {
            summary,
            envelope,
            client: record.client,
            record: record.record,
            sha256: record.sha256,
            reason,
            request: life.request,
            legal_hold: life.legal_hold,
            told: life.told,
        })
    }

    /// The held message, byte for byte.
    pub async fn open_message(&self, id: QueueId) -> Result<Bytes, StoreError> {
        let row = self.database.hold(&id.to_string()).await?;
        let sealed = row.sealed().ok_or(StoreError::Missing)?;
        let (dek, record) = self.record(id, sealed)?;
        let message = self.open_blob(dek, id, sealed.blob).await?;
        if Identity::of(&message).whole != record.sha256 {
            return Err(StoreError::Corrupt("message of a hold"));
        }
        Ok(message)
    }

    /// Records a decision and everything it causes, or nothing. The first decision wins: the second gets
    /// [`StoreError::Conflict`].
    pub async fn decide(&self, decision: Decision) -> Result<(), StoreError> {
        self.decide_as_asked(decision, None).await
    }

    /// As [`decide`](Self::decide), where a second person approves a request: that is entered in the ledger too.
    pub async fn decide_as_asked(
        &self,
        decision: Decision,
        request: Option<&Request>,
    ) -> Result<(), StoreError> {
        let approved = request.map(|request| {
            let detail = json!({ "version": request.version, "sha256": hex(&request.sha256) });
            ("approved", detail.to_string())
        });
        self.decide_after(decision, approved).await
    }

    /// As [`decide`](Self::decide), where it is the sender who decides on their own message; `action` says so in the ledger.
    pub async fn decide_by_sender(
        &self,
        decision: Decision,
        action: &'static str,
    ) -> Result<(), StoreError> {
        self.decide_after(decision, Some((action, String::new())))
            .await
    }

    /// Records a decision, with this entry of the ledger before its own.
    async fn decide_after(
        &self,
        decision: Decision,
        before: Option<(&'static str, String)>,
    ) -> Result<(), StoreError> {
        let id = decision.id;
        let row = self.database.hold(&id.to_string()).await?;
        let (Some(sealed), true) = (row.sealed(), state_of(&row)?.is_waiting()) else {
            return Err(conflict(&row)?);
        };
        let (dek, record) = self.record(id, sealed)?;
        let salt = reason_salt()?;
        let told = tell(&dek, id, sealed, told_of(&decision))?;
        let text = Zeroizing::new(json_text(&StoredDecision {
            reason: decision.reason.clone(),
            salt: Some(salt),
        })?);
        // Shows later that the reason is the one that was given, without keeping it in the ledger.
        let reason = reason_hash(&salt, &decision.reason);
        let sent = decision
            .delivery
            .as_ref()
            .filter(|new| new.kind == DeliveryKind::Release);
        let delivery = match &decision.delivery {
            Some(new) => Some(self.delivery_row(new).await?),
            None => None,
        };
        let mut detail = json!({
            "reason": hex(&reason),
            "delivery": decision.delivery.as_ref().map(|new| new.id.to_string()),
            "rcpts": sent.map(|new| new.envelope.rcpts.len()),
            "of": sent.map(|_| record.rcpts()),
        });
        if let Some(new) = sent {
            form_of(&mut detail, new, &decision.version_sent, &record.sha256);
        }
        let ticket = decision
            .ticket
            .as_ref()
            .map(|ticket| self.ticket_row(record, ticket, sent))
            .transpose()?;
        let mut entries = vec![(decision.to.name(), detail.to_string())];
        if let Some(before) = before {
            entries.insert(0, before);
        }
        let decision = ActRow {
            id: id.to_string(),
            version: decision.version,
            to: decision.to,
            actor: decision.actor,
            at: micros(decision.at),
            claim: None,
            request: None,
            legal_hold: sealed.legal_hold.map(<[u8]>::to_vec),
            told: Some(told),
            decision: Some(dek.seal(Kind::Decision, id.as_bytes(), text.as_bytes())?),
            delivery,
            ticket,
            entries,
        };
        let rings = decision.delivery.is_some();
        self.database.act(&decision).await?;
        if rings {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Whether a release allows this message: the same sender, Message-ID and body, recipients and findings that were all
    /// decided on, and the time not yet over. Gives the hold that was released, and the way it went.
    pub async fn was_released(
        &self,
        resend: Resend<'_>,
        now: SystemTime,
    ) -> Result<Option<Passes>, StoreError> {
        let message = self.message_mark(
            resend.envelope,
            &resend.identity.message_id,
            &resend.identity.body,
        );
        let tickets = self.database.tickets(&message, micros(now)).await?;
        let covers = |allowed: &[u8], wanted: &[[u8; MARK]]| {
            wanted
                .iter()
                .all(|mark| allowed.chunks_exact(MARK).any(|allowed| allowed == mark))
        };
        let rcpts = self.rcpt_marks(resend.envelope, 0..resend.envelope.rcpts.len());
        let values = self.value_marks(resend.values);
        for ticket in tickets {
            if covers(&ticket.rcpts, &rcpts) && covers(&ticket.vals, &values) {
                return Ok(Some(Passes {
                    hold: parse_id(&ticket.hold)?,
                    encrypt: ticket.encrypt,
                }));
            }
        }
        Ok(None)
    }

    /// Keeps what is needed to answer a question about a refusal: its reference, when, which rules; with its entry in the ledger.
    pub async fn record_refusal(&self, refusal: &Refusal) -> Result<(), StoreError> {
        self.committer
            .insert(Insert::Refusal(Box::new(RefusalRow {
                id: refusal.id.to_string(),
                reference: plain_reference(refusal.id),
                at: micros(refusal.at),
                rules: json_text(&refusal.rules)?,
                categories: json_text(&refusal.categories)?,
                explanation: refusal.explanation.clone(),
                detail: json!({ "rules": refusal.rules }).to_string(),
                counted: counted(refusal.origin.clone(), refusal.severity, refusal.people),
            })))
            .await
    }

    pub(super) fn record(
        &self,
        id: QueueId,
        sealed: SealedHold<'_>,
    ) -> Result<(DataKey, StoredRecord), StoreError> {
        let dek = self
            .master
            .unwrap(sealed.kek, &hold_context(id), sealed.dek)?;
        let plain = dek.open(Kind::Record, id.as_bytes(), sealed.record)?;
        let record = parse(&plain)?;
        Ok((dek, record))
    }

    pub(super) fn summary(&self, row: &StoredHold) -> Result<HoldSummary, StoreError> {
        let mut summary = bare_summary(row)?;
        if let Some(sealed) = row.sealed() {
            let (dek, record) = self.record(summary.id, sealed)?;
            let envelope = record.envelope.into_envelope()?;
            summary.sealed = Some(SealedSummary::of(&envelope, &record.record));
            if sealed.told.is_some() {
                summary.word = SenderWord::of(&open_life(&dek, summary.id, sealed)?.told);
            }
        }
        Ok(summary)
    }

    /// The stored message of a hold, for a delivery that is to send it.
    pub(super) async fn hold_blob(&self, id: QueueId) -> Result<(DataKey, String), StoreError> {
        let row = self.database.hold(&id.to_string()).await?;
        let sealed = row.sealed().ok_or(StoreError::Missing)?;
        let dek = self
            .master
            .unwrap(sealed.kek, &hold_context(id), sealed.dek)?;
        Ok((dek, sealed.blob.to_owned()))
    }

    /// Reads a blob and opens it as the message of `id`.
    pub(super) async fn open_blob(
        &self,
        dek: DataKey,
        id: QueueId,
        blob: &str,
    ) -> Result<Bytes, StoreError> {
        let sealed = self.blobs.get(blob).await?;
        let open = move || dek.open(Kind::Message, id.as_bytes(), &sealed);
        let mut plain = open_where_it_fits(open).await?;
        Ok(Bytes::from(std::mem::take(&mut *plain)))
    }

    /// What a release allows: the very text that it sends, not the one it was made from.
    fn ticket_row(
        &self,
        record: StoredRecord,
        ticket: &Ticket,
        sent: Option<&NewDelivery>,
    ) -> Result<TicketRow, StoreError> {
        let envelope = record.envelope.into_envelope()?;
        let rcpts = self.rcpt_marks(&envelope, ticket.rcpts.iter().copied());
        let message = match sent.map(|new| &new.body) {
            Some(Body::Message(message)) => {
                let sent = Identity::of(message);
                self.message_mark(&envelope, &sent.message_id, &sent.body)
            }
            _ => self.message_mark(&envelope, &record.message_id, &record.body_sha256),
        };
        Ok(TicketRow {
            message: message.to_vec(),
            rcpts: rcpts.concat(),
            vals: self.value_marks(&record.record.values).concat(),
            encrypt: sent.is_some_and(|new| new.encrypt),
            expires_at: micros(ticket.expires_at),
        })
    }

    /// What makes a message the same as one that waits; `None` without a Message-ID to tell it by.
    fn hold_mark(&self, envelope: &Envelope, identity: &Identity) -> Option<Vec<u8>> {
        if identity.message_id.is_empty() {
            return None;
        }
        let mut rcpts: Vec<&[u8]> = envelope
            .rcpts
            .iter()
            .map(|rcpt| rcpt.path.raw().as_bytes())
            .collect();
        rcpts.sort_unstable();
        let from = envelope.mail_from.raw().as_bytes();
        let parts = [
            &[
                b"held".as_slice(),
                from,
                &identity.message_id,
                &identity.body,
            ],
            rcpts.as_slice(),
        ]
        .concat();
        Some(mac(&self.index, &parts).to_vec())
    }

    fn message_mark(&self, envelope: &Envelope, message_id: &[u8], body: &[u8]) -> [u8; 32] {
        let from = envelope
            .mail_from
            .address()
            .map(crate::mail::Address::key)
            .unwrap_or_default();
        mac(
            &self.index,
            &[b"release", from.as_bytes(), message_id, body],
        )
    }

    fn rcpt_marks(
        &self,
        envelope: &Envelope,
        which: impl IntoIterator<Item = usize>,
    ) -> Vec<[u8; MARK]> {
        which
            .into_iter()
            .filter_map(|index| envelope.rcpts.get(index))
            .map(|rcpt| {
                let key = rcpt
                    .address()
                    .map(crate::mail::Address::key)
                    .unwrap_or_default();
                self.mark(b"rcpt", key.as_bytes())
            })
            .collect()
    }

    fn value_marks(&self, values: &[u128]) -> Vec<[u8; MARK]> {
        values
            .iter()
            .map(|value| self.mark(b"value", &value.to_be_bytes()))
            .collect()
    }

    pub(super) fn mark(&self, kind: &[u8], text: &[u8]) -> [u8; MARK] {
        let mut mark = [0; MARK];
        mark.copy_from_slice(&mac(&self.index, &[kind, text])[..MARK]);
        mark
    }
}

impl StoredRecord {
    fn rcpts(&self) -> usize {
        self.envelope.rcpts()
    }
}

/// What the key of a hold is bound to.
pub(super) fn hold_context(id: QueueId) -> Vec<u8> {
    [b"hold".as_slice(), id.as_bytes()].concat()
}

/// Seals a message for `id`, off the asynchronous threads when it is large.
pub(super) async fn seal_message(
    dek: DataKey,
    id: QueueId,
    message: Bytes,
) -> Result<Vec<u8>, StoreError> {
    if message.len() <= INLINE {
        return Ok(dek.seal(Kind::Message, id.as_bytes(), &message)?);
    }
    let sealed =
        tokio::task::spawn_blocking(move || dek.seal(Kind::Message, id.as_bytes(), &message));
    Ok(sealed.await.map_err(|_| ended())??)
}

async fn open_where_it_fits(
    open: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, super::seal::SealError> + Send + 'static,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    Ok(tokio::task::spawn_blocking(open)
        .await
        .map_err(|_| ended())??)
}

fn ended() -> StoreError {
    StoreError::Unavailable("a blocking task ended".to_owned())
}

fn plain_reference(id: QueueId) -> String {
    id.reference().to_string().replace('-', "")
}

pub(super) fn conflict(row: &StoredHold) -> Result<StoreError, StoreError> {
    Ok(StoreError::Conflict {
        state: state_of(row)?,
        by: row.decided_by.clone().or_else(|| row.acted_by.clone()),
    })
}

fn state_of(row: &StoredHold) -> Result<HoldState, StoreError> {
    HoldState::of(&row.state).ok_or(StoreError::Corrupt("state of a hold"))
}

/// Which text goes out, by which way: shows it later, when neither hold nor delivery is there any more.
fn form_of(
    detail: &mut serde_json::Value,
    new: &NewDelivery,
    version: &VersionSent,
    held: &[u8; 32],
) {
    if *version != VersionSent::Held {
        detail["version"] = json!(version.name());
    }
    if version.left_out() > 0 {
        detail["without"] = json!(version.left_out());
    }
    if new.encrypt {
        detail["encrypt"] = json!(true);
    }
    detail["sha256"] = json!(match &new.body {
        Body::Message(message) => hex(&Identity::of(message).whole),
        Body::Hold(_) => hex(held),
    });
}

/// The reason of a decision as it is kept with the others.
fn told_of(decision: &Decision) -> Told {
    Told {
        salt: None, // kept with the decision itself
        action: decision.to.name().to_owned(),
        by: decision.actor.clone(),
        at: decision.at,
        reason: decision.reason.clone(),
    }
}

fn claim_of(row: &StoredHold) -> Option<HoldClaim> {
    Some(HoldClaim {
        by: row.claimed_by.clone()?,
        until: time(row.claimed_until?),
    })
}

fn bare_summary(row: &StoredHold) -> Result<HoldSummary, StoreError> {
    Ok(HoldSummary {
        id: parse_id(&row.id)?,
        state: state_of(row)?,
        claim: claim_of(row),
        legal_hold: row.is_kept_for_a_case(),
        acted_by: row.acted_by.clone(),
        version: row.version,
        received_at: time(row.received_at),
        size: row.size.unsigned_abs(),
        rules: from_json(&row.rules)?,
        categories: from_json(&row.categories)?,
        decided_at: row.decided_at.map(time),
        decided_by: row.decided_by.clone(),
        school: row.school.clone(),
        judgement: row.judgement.as_deref().and_then(Judgement::of),
        word: None,
        sealed: None,
    })
}

/// What reports count a message by.
fn counted(origin: Origin, severity: Option<Severity>, people: usize) -> Counted {
    Counted {
        school: origin.school,
        sender_group: origin.group,
        sender: origin.sender,
        severity: severity.map(Severity::name),
        people: Some(number(people)),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn json_text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt("record cannot be written"))
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(plain: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(plain).map_err(|_| StoreError::Corrupt("sealed record"))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("list in a row"))
}

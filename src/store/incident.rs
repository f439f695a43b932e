//! Personal data breaches: when the trust became aware, which messages it is about, and the answers to the work-sheet.
//!
//! # Invariants
//! The answers are sealed; the ledger has that and when they changed, by whom, and nothing of what they say. A change names the version
//! that it was made on. A closed breach may be opened again, since what is found out later belongs to it. Nothing ends a breach: a
//! controller documents every one (UK GDPR Art. 33 (5)).
//!
//! # Standards
//! UK GDPR Art. 33 (the commissioner is told within 72 hours of becoming aware, unless a risk is unlikely), Art. 34 (people are told where the
//! risk is high), Art. 33 (3) (what is told: nature, numbers, contact, consequences, measures).

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::Custody;
use super::clock::{micros, time};
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::{from_json, json_text, parse};
use super::ledger::action;
use super::rows::{IncidentRow, NewEntry};
use super::seal::Kind;
use crate::mail::QueueId;

/// From becoming aware to telling the commissioner: UK GDPR Art. 33 (1).
pub const CLOCK: Duration = Duration::from_hours(72);

/// Messages that one breach names at most.
const HOLDS_AT_MOST: usize = 1_000;

/// Bytes of all answers together.
const ANSWERS_AT_MOST: usize = 256 * 1024;

/// The answers to the work-sheet. What is empty is not answered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentAnswers {
    /// A short name for people.
    pub title: String,
    /// What happened: the nature of the breach.
    pub nature: String,
    /// Categories of people, and about how many.
    pub people: String,
    /// Categories of records, and about how many.
    pub records: String,
    /// What is likely to follow for the people.
    pub consequences: String,
    /// What was done, and what will be.
    pub measures: String,
    /// Whether the risk to people is unlikely, likely or high, and why.
    pub risk: String,
    /// When the commissioner was told, with the reference; or why not.
    pub commissioner: String,
    /// When the people were told, and how; or why not.
    pub people_told: String,
    /// Why the commissioner was told later than after 72 hours, if so.
    pub delay: String,
    /// Who answers questions: name and contact of the data protection officer.
    pub contact: String,
}

/// A breach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: QueueId,
    /// When it was put on record.
    pub opened_at: SystemTime,
    /// When the trust became aware of it.
    pub aware_at: SystemTime,
    /// When it was last changed.
    pub changed_at: SystemTime,
    /// When it was closed.
    pub closed_at: Option<SystemTime>,
    /// Counts its changes.
    pub version: i64,
    /// The school, where it is one school's.
    pub school: Option<String>,
    /// The holds and refusals that it is about.
    pub holds: Vec<QueueId>,
    /// The answers.
    pub answers: IncidentAnswers,
}

impl Incident {
    /// Until when the commissioner is to be told.
    pub fn due_at(&self) -> SystemTime {
        self.aware_at + CLOCK
    }
}

/// What a breach is to be, newly or from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentDraft {
    /// When the trust became aware; now when not set, and as it was in a change.
    pub aware_at: Option<SystemTime>,
    /// The school.
    pub school: Option<String>,
    /// The holds and refusals.
    pub holds: Vec<QueueId>,
    /// The answers.
    pub answers: IncidentAnswers,
}

/// Why a breach is not put on record or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncidentError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else changed it since it was read.
    #[error("somebody else changed this work-sheet since you opened it; open it again")]
    Changed,
    /// The trust cannot become aware in the future.
    #[error("the moment of becoming aware lies in the future; write when the trust learnt of it")]
    Future,
    /// It is too much.
    #[error(
        "too much for one work-sheet: at most {HOLDS_AT_MOST} messages and {ANSWERS_AT_MOST} bytes of answers"
    )]
    TooMuch,
}

impl Custody {
    /// Puts a breach on record.
    pub async fn open_incident(
        &self,
        draft: IncidentDraft,
        actor: &str,
        at: SystemTime,
    ) -> Result<QueueId, IncidentError> {
        let incident = Incident {
            id: Self::new_id()?,
            opened_at: at,
            aware_at: draft.aware_at.unwrap_or(at),
            changed_at: at,
            closed_at: None,
            version: 1,
            school: draft.school,
            holds: draft.holds,
            answers: draft.answers,
        };
        let row = self.incident_row(&incident, at)?;
        let detail = detail(&incident);
        let entry = NewEntry::of(actor, action::INCIDENT_OPENED, &row.id, &detail, at);
        self.database.open_incident(&row, entry).await?;
        Ok(incident.id)
    }

    /// Writes a work-sheet anew. `version` is the one that was read.
    pub async fn change_incident(
        &self,
        id: QueueId,
        version: i64,
        draft: IncidentDraft,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), IncidentError> {
        let before = self.incident(id).await?;
        let incident = Incident {
            aware_at: draft.aware_at.unwrap_or(before.aware_at),
            changed_at: at,
            closed_at: None,
            version,
            school: draft.school,
            holds: draft.holds,
            answers: draft.answers,
            ..before
        };
        self.put_incident(incident, action::INCIDENT_CHANGED, actor, at)
            .await
    }

    /// Closes a breach with the answers as they stand; a later change opens it again.
    pub async fn close_incident(
        &self,
        id: QueueId,
        version: i64,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), IncidentError> {
        let incident = Incident {
            changed_at: at,
            closed_at: Some(at),
            version,
            ..self.incident(id).await?
        };
        self.put_incident(incident, action::INCIDENT_CLOSED, actor, at)
            .await
    }

    async fn put_incident(
        &self,
        mut incident: Incident,
        action: &'static str,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), IncidentError> {
        incident.version = incident.version.saturating_add(1);
        let row = self.incident_row(&incident, at)?;
        let detail = detail(&incident);
        let entry = NewEntry::of(actor, action, &row.id, &detail, at);
        if self.database.change_incident(&row, entry).await? {
            Ok(())
        } else {
            Err(IncidentError::Changed)
        }
    }

    /// A breach with its answers.
    pub async fn incident(&self, id: QueueId) -> Result<Incident, StoreError> {
        let row = self.database.incident(&id.to_string()).await?;
        self.open_incident_row(row)
    }

    /// Breaches, open ones first, then the latest; at most so many.
    pub async fn incidents(&self, limit: u32) -> Result<Vec<Incident>, StoreError> {
        let rows = self.database.incidents(limit).await?;
        rows.into_iter()
            .map(|row| self.open_incident_row(row))
            .collect()
    }

    /// Finds a breach by its id, its reference or a beginning of the id that no other shares.
    pub async fn find_incident(&self, text: &str) -> Result<QueueId, StoreError> {
        let prefix = text.trim().replace('-', "").to_ascii_uppercase();
        if prefix.len() < 4 {
            return Err(StoreError::Missing);
        }
        let rows = self.database.incidents(u32::MAX).await?;
        let mut found = rows
            .iter()
            .filter(|row| row.id.starts_with(&prefix) || row.id.get(8..) == Some(&prefix));
        match (found.next(), found.next()) {
            (None, _) => Err(StoreError::Missing),
            (Some(row), None) => parse_id(&row.id),
            (Some(_), Some(_)) => Err(StoreError::Ambiguous),
        }
    }

    fn incident_row(
        &self,
        incident: &Incident,
        now: SystemTime,
    ) -> Result<IncidentRow, IncidentError> {
        if incident.aware_at > now {
            return Err(IncidentError::Future);
        }
        let plain = Zeroizing::new(json_text(&incident.answers)?);
        if incident.holds.len() > HOLDS_AT_MOST || plain.len() > ANSWERS_AT_MOST {
            return Err(IncidentError::TooMuch);
        }
        let holds: Vec<String> = incident.holds.iter().map(ToString::to_string).collect();
        let sealed = self
            .secret
            .seal(Kind::Incident, &context(incident.id), plain.as_bytes())
            .map_err(StoreError::from)?;
        Ok(IncidentRow {
            id: incident.id.to_string(),
            opened_at: micros(incident.opened_at),
            aware_at: micros(incident.aware_at),
            changed_at: micros(incident.changed_at),
            closed_at: incident.closed_at.map(micros),
            version: incident.version,
            school: incident.school.clone(),
            holds: json_text(&holds)?,
            sealed,
        })
    }

    fn open_incident_row(&self, row: IncidentRow) -> Result<Incident, StoreError> {
        let id = parse_id(&row.id)?;
        let plain = self
            .secret
            .open(Kind::Incident, &context(id), &row.sealed)?;
        let holds: Vec<String> = from_json(&row.holds)?;
        Ok(Incident {
            id,
            opened_at: time(row.opened_at),
            aware_at: time(row.aware_at),
            changed_at: time(row.changed_at),
            closed_at: row.closed_at.map(time),
            version: row.version,
            school: row.school,
            holds: holds
                .iter()
                .map(|id| parse_id(id))
                .collect::<Result<_, _>>()?,
            answers: parse(&plain)?,
        })
    }
}

/// What the answers are bound to.
fn context(id: QueueId) -> Vec<u8> {
    [b"incident".as_slice(), id.as_bytes()].concat()
}

fn detail(incident: &Incident) -> String {
    json!({
        "aware": micros(incident.aware_at) / 1_000_000,
        "holds": incident.holds.len(),
        "version": incident.version,
    })
    .to_string()
}

//! What notices must remember: what was told, how often lately, what waits for a digest, what is to be escalated.
//!
//! # Invariants
//! A notice and the memory of it are one transaction: after a crash it is neither lost nor written twice. Nothing here is personal
//! data: senders, mailboxes and targets are keyed hashes, roles and rules are ids of the policy.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::Custody;
use super::clock::{micros, span, time};
use super::delivered::mac;
use super::delivery::NewDelivery;
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::from_json;
use super::rows::{EscalationRow, NoticeRow, ToldRow, WaitingRow};
use crate::detect::Category;
use crate::mail::QueueId;
use crate::policy::governance::{Kept, Retention};

/// How far back counts of what was sent are kept; limits are for an hour.
const SENT_KEPT: Duration = Duration::from_hours(2);

/// A keyed hash of whatever a notice is about or for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoticeMark(pub(crate) [u8; 16]);

/// A notice to send, with whom it is for in the ledger's words.
#[derive(Debug, Clone)]
pub struct NoticeDelivery {
    /// The message.
    pub delivery: NewDelivery,
    /// The kind of notice.
    pub kind: &'static str,
    /// A role, `sender` or `owner`.
    pub to: String,
    /// The message it is about.
    pub about: Option<QueueId>,
    /// Whose limit of the hour it counts for.
    pub scope: Option<NoticeMark>,
}

/// A role to be told of a hold unless somebody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeEscalation {
    /// The hold.
    pub hold: QueueId,
    /// The role.
    pub role: String,
    /// The rule that asks for it.
    pub rule: String,
    /// Minutes it was to wait.
    pub minutes: u32,
    /// When it is due.
    pub due_at: SystemTime,
}

/// A line of a role's digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoticeCount {
    /// The role.
    pub role: String,
    /// The rule.
    pub rule: String,
    /// What became of the messages: `held`, `refused`, `delivered`.
    pub outcome: String,
    /// How many.
    pub number: u64,
}

/// All that one message, or one round of digests and escalations, comes to.
#[derive(Debug, Clone, Default)]
pub struct NoticeRecord {
    /// Notices for the queue.
    pub deliveries: Vec<NoticeDelivery>,
    /// Marks that must not be there yet, and until when they are kept: who comes second records nothing.
    pub claims: Vec<(NoticeMark, SystemTime)>,
    /// What is not to be told again, and until when.
    pub marks: Vec<(NoticeMark, SystemTime)>,
    /// Lines for digests: role, rule, outcome.
    pub lines: Vec<(String, String, &'static str)>,
    /// New escalations.
    pub escalations: Vec<NoticeEscalation>,
    /// Escalations that are done with: hold and role.
    pub ended: Vec<(QueueId, String)>,
    /// Roles that have nothing in the digest of a day, or are new.
    pub begun: Vec<(String, jiff::civil::Date)>,
    /// Roles whose digest of a day is written: their lines end.
    pub digested: Vec<(String, jiff::civil::Date)>,
}

impl NoticeRecord {
    /// Whether there is nothing to record.
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
            && self.claims.is_empty()
            && self.marks.is_empty()
            && self.lines.is_empty()
            && self.escalations.is_empty()
            && self.ended.is_empty()
            && self.begun.is_empty()
            && self.digested.is_empty()
    }
}

/// A hold that waits, without anything personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingHold {
    /// Its id.
    pub id: QueueId,
    /// When it came.
    pub received_at: SystemTime,
    /// Ids of the rules that fired, strictest first.
    pub rules: Vec<String>,
    /// The id of the sender's school, where that is known.
    pub school: Option<String>,
    /// Its version: it grows with every act on it.
    pub version: i64,
    /// When its content ends undecided; `None` while it must be kept for a case.
    pub ends_at: Option<SystemTime>,
}

impl Custody {
    /// The mark of something: `kind` says what, `parts` which.
    pub fn notice_mark(&self, kind: &str, parts: &[&str]) -> NoticeMark {
        let texts: Vec<&[u8]> = [b"notice".as_slice(), kind.as_bytes()]
            .into_iter()
            .chain(parts.iter().map(|part| part.as_bytes()))
            .collect();
        let mut mark = [0; 16];
        mark.copy_from_slice(&mac(&self.index, &texts)[..16]);
        NoticeMark(mark)
    }

    /// Which of these have been told and are not to be told again yet.
    pub async fn notices_known(
        &self,
        marks: &[NoticeMark],
        now: SystemTime,
    ) -> Result<Vec<bool>, StoreError> {
        let mut known = Vec::with_capacity(marks.len());
        for mark in marks {
            known.push(self.database.notice_known(&mark.0, micros(now)).await?);
        }
        Ok(known)
    }

    /// How many notices went out at once to each of these since then; at most two hours back.
    pub async fn notices_sent(
        &self,
        scopes: &[NoticeMark],
        since: SystemTime,
    ) -> Result<Vec<u32>, StoreError> {
        let mut sent = Vec::with_capacity(scopes.len());
        for scope in scopes {
            sent.push(self.database.notices_sent(&scope.0, micros(since)).await?);
        }
        Ok(sent)
    }

    /// Records everything that one message or round comes to, or nothing. After `Ok(true)` its notices are in the queue; `Ok(false)`:
    /// another node was first with one of its claims, digests or escalations, and the next round sees what is left.
    pub async fn record_notices(
        &self,
        record: &NoticeRecord,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        let mut told = Vec::with_capacity(record.deliveries.len());
        for notice in &record.deliveries {
            told.push(ToldRow {
                delivery: self.delivery_row(&notice.delivery).await?,
                about: notice.about.map(|id| id.to_string()).unwrap_or_default(),
                detail: json!({ "kind": notice.kind, "to": notice.to }).to_string(),
                scope: notice.scope.map(|scope| scope.0),
            });
        }
        let rings = !told.is_empty();
        let marks = |list: &[(NoticeMark, SystemTime)]| {
            let list = list.iter();
            list.map(|(mark, until)| (mark.0, micros(*until))).collect()
        };
        let lines = record.lines.iter();
        let escalations = record.escalations.iter().map(|escalation| EscalationRow {
            hold: escalation.hold.to_string(),
            role: escalation.role.clone(),
            rule: escalation.rule.clone(),
            minutes: i64::from(escalation.minutes),
            due_at: micros(escalation.due_at),
        });
        let ended = record.ended.iter();
        let days = |list: &[(String, jiff::civil::Date)]| {
            let days = list.iter();
            days.map(|(role, day)| (role.clone(), day.to_string()))
                .collect()
        };
        let row = NoticeRow {
            at: micros(now),
            told,
            claims: marks(&record.claims),
            marks: marks(&record.marks),
            lines: lines
                .map(|(role, rule, outcome)| (role.clone(), rule.clone(), *outcome))
                .collect(),
            escalations: escalations.collect(),
            ended: ended
                .map(|(hold, role)| (hold.to_string(), role.clone()))
                .collect(),
            begun: days(&record.begun),
            digested: days(&record.digested),
        };
        let recorded = self.database.record_notices(&row).await?;
        if !recorded {
            // Another node told it; nothing refers to these.
            for told in &row.told {
                if told.delivery.sealed_as == told.delivery.id {
                    let _ = self.blobs.delete(&told.delivery.blob).await;
                }
            }
        }
        if rings && recorded {
            self.wake.notify_one();
        }
        Ok(recorded)
    }

    /// The day of each role's last digest.
    pub async fn digest_days(&self) -> Result<Vec<(String, jiff::civil::Date)>, StoreError> {
        let rows = self.database.digest_days().await?;
        rows.into_iter()
            .map(|(role, day)| {
                let day = day.parse().map_err(|_| StoreError::Corrupt("day"))?;
                Ok((role, day))
            })
            .collect()
    }

    /// What waits for digests, by role and rule.
    pub async fn digest_counts(&self) -> Result<Vec<NoticeCount>, StoreError> {
        let rows = self.database.digest_counts().await?;
        let counts = rows.into_iter().map(|(role, rule, outcome, number)| {
            let number = number.unsigned_abs();
            NoticeCount {
                role,
                rule,
                outcome,
                number,
            }
        });
        Ok(counts.collect())
    }

    /// Holds that wait, the oldest first, without opening them; at most so many.
    pub async fn waiting_holds(&self, limit: u32) -> Result<Vec<WaitingHold>, StoreError> {
        self.waiting(false, limit).await
    }

    /// Those of them that wait for a second person.
    pub async fn asked_holds(&self, limit: u32) -> Result<Vec<WaitingHold>, StoreError> {
        self.waiting(true, limit).await
    }

    async fn waiting(&self, asked: bool, limit: u32) -> Result<Vec<WaitingHold>, StoreError> {
        let retention = self.retention();
        let rows = self.database.waiting_holds(asked, limit).await?;
        rows.into_iter()
            .map(|row| waiting(row, &retention))
            .collect()
    }

    /// Escalations that are due, with whether the hold still waits.
    pub async fn due_escalations(
        &self,
        now: SystemTime,
    ) -> Result<Vec<(NoticeEscalation, bool)>, StoreError> {
        let rows = self.database.due_escalations(micros(now)).await?;
        rows.into_iter()
            .map(|(row, waits)| {
                let escalation = NoticeEscalation {
                    hold: parse_id(&row.hold)?,
                    role: row.role,
                    rule: row.rule,
                    minutes: u32::try_from(row.minutes).unwrap_or(u32::MAX),
                    due_at: time(row.due_at),
                };
                Ok((escalation, waits))
            })
            .collect()
    }

    /// Forgets marks and counts that have ended. To be called now and then.
    pub async fn forget_notices(&self, now: SystemTime) -> Result<(), StoreError> {
        let sent = micros(now).saturating_sub(span(SENT_KEPT));
        self.database.forget_notices(micros(now), sent).await
    }
}

fn waiting(row: WaitingRow, retention: &Retention) -> Result<WaitingHold, StoreError> {
    let categories: Vec<Category> = from_json(&row.categories)?;
    let kept = Duration::from_hours(24) * retention.days(Kept::Held, &categories);
    Ok(WaitingHold {
        id: parse_id(&row.id)?,
        received_at: time(row.received_at),
        rules: from_json(&row.rules)?,
        school: row.school,
        version: row.version,
        ends_at: (!row.kept).then(|| time(row.received_at.saturating_add(span(kept)))),
    })
}

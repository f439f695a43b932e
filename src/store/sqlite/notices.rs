//! Rows of what notices must remember.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::deliveries::insert_delivery;
use super::{SqliteStore, ledger};
use crate::store::error::StoreError;
use crate::store::hold::HoldState;
use crate::store::rows::{EscalationRow, NoticeRow, NoticeStore, ToldRow, WaitingRow};

/// Escalations taken up at once.
const BATCH: i64 = 100;

/// Whether another process made one of these claims, ended one of these escalations, or wrote one of these digests, since they were read.
async fn overtaken(row: &NoticeRow, tx: &mut SqliteConnection) -> Result<bool, StoreError> {
    for (mark, _) in &row.claims {
        let made: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM notice_mark WHERE mark = ? AND expires_at > ?)",
        )
        .bind(&mark[..])
        .bind(row.at)
        .fetch_one(&mut *tx)
        .await?;
        if made {
            return Ok(true);
        }
    }
    for (hold, role) in &row.ended {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM notice_escalation WHERE hold = ? AND role = ?)",
        )
        .bind(hold)
        .bind(role)
        .fetch_one(&mut *tx)
        .await?;
        if !waits {
            return Ok(true);
        }
    }
    for (role, day) in &row.digested {
        let written: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM notice_digest WHERE role = ? AND day >= ?)",
        )
        .bind(role)
        .bind(day)
        .fetch_one(&mut *tx)
        .await?;
        if written {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A role's lines end with its digest; the day is noted with or without one.
async fn end_digests(row: &NoticeRow, tx: &mut SqliteConnection) -> Result<(), StoreError> {
    for (role, _) in &row.digested {
        sqlx::query("DELETE FROM notice_pending WHERE role = ?")
            .bind(role)
            .execute(&mut *tx)
            .await?;
    }
    for (role, day) in row.digested.iter().chain(&row.begun) {
        sqlx::query(
            "INSERT INTO notice_digest (role, day) VALUES (?, ?) \
             ON CONFLICT (role) DO UPDATE SET day = excluded.day",
        )
        .bind(role)
        .bind(day)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// The delivery, its count, and the ledger's entry that somebody is told.
async fn insert_told(row: &ToldRow, tx: &mut SqliteConnection, at: i64) -> Result<(), StoreError> {
    insert_delivery(&row.delivery, &mut *tx).await?;
    if let Some(scope) = &row.scope {
        sqlx::query("INSERT INTO notice_sent (scope, at) VALUES (?, ?)")
            .bind(&scope[..])
            .bind(at)
            .execute(&mut *tx)
            .await?;
    }
    ledger::append(tx, at, "relay", "told", &row.about, &row.detail).await
}

/// A hold that somebody decided meanwhile needs none.
async fn insert_escalation(
    row: &EscalationRow,
    tx: &mut SqliteConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO notice_escalation (hold, role, rule, minutes, due_at) \
         SELECT id, ?2, ?3, ?4, ?5 FROM hold WHERE id = ?1 AND state IN ('held', 'claimed', 'awaiting') \
         ON CONFLICT DO NOTHING",
    )
    .bind(&row.hold)
    .bind(&row.role)
    .bind(&row.rule)
    .bind(row.minutes)
    .bind(row.due_at)
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl NoticeStore for SqliteStore {
    async fn record_notices(&self, row: &NoticeRow) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if overtaken(row, &mut tx).await? {
            return Ok(false);
        }
        end_digests(row, &mut tx).await?;
        for told in &row.told {
            insert_told(told, &mut tx, row.at).await?;
        }
        for (mark, until) in row.claims.iter().chain(&row.marks) {
            sqlx::query(
                "INSERT INTO notice_mark (mark, expires_at) VALUES (?, ?) \
                 ON CONFLICT (mark) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
            )
            .bind(&mark[..])
            .bind(until)
            .execute(&mut *tx)
            .await?;
        }
        for (role, rule, outcome) in &row.lines {
            sqlx::query(
                "INSERT INTO notice_pending (role, rule, outcome, number) VALUES (?, ?, ?, 1) \
                 ON CONFLICT (role, rule, outcome) DO UPDATE SET number = number + 1",
            )
            .bind(role)
            .bind(rule)
            .bind(outcome)
            .execute(&mut *tx)
            .await?;
        }
        for (hold, role) in &row.ended {
            sqlx::query("DELETE FROM notice_escalation WHERE hold = ? AND role = ?")
                .bind(hold)
                .bind(role)
                .execute(&mut *tx)
                .await?;
        }
        for escalation in &row.escalations {
            insert_escalation(escalation, &mut tx).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn notice_known(&self, mark: &[u8], now: i64) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT expires_at FROM notice_mark WHERE mark = ? AND expires_at > ?",
        )
        .bind(mark)
        .bind(now)
        .fetch_optional(&self.reader)
        .await?;
        Ok(found.is_some())
    }

    async fn notices_sent(&self, scope: &[u8], since: i64) -> Result<u32, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT count(*) FROM notice_sent WHERE scope = ? AND at > ?")
                .bind(scope)
                .bind(since)
                .fetch_one(&self.reader)
                .await?,
        )
    }

    async fn digest_days(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as("SELECT role, day FROM notice_digest")
            .fetch_all(&self.reader)
            .await?)
    }

    async fn digest_counts(&self) -> Result<Vec<(String, String, String, i64)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT role, rule, outcome, number FROM notice_pending ORDER BY role, rule, outcome",
        )
        .fetch_all(&self.reader)
        .await?)
    }

    async fn waiting_holds(&self, asked: bool, limit: u32) -> Result<Vec<WaitingRow>, StoreError> {
        let states = if asked {
            ["awaiting"; 3]
        } else {
            ["held", "claimed", "awaiting"]
        };
        Ok(sqlx::query_as(
            "SELECT id, received_at, rules, categories, school, version, legal_hold IS NOT NULL AS kept FROM hold \
             WHERE state IN (?, ?, ?) ORDER BY received_at, id LIMIT ?",
        )
        .bind(states[0])
        .bind(states[1])
        .bind(states[2])
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?)
    }

    async fn due_escalations(&self, now: i64) -> Result<Vec<(EscalationRow, bool)>, StoreError> {
        let rows: Vec<(String, String, String, i64, i64, String)> = sqlx::query_as(
            "SELECT hold, role, rule, minutes, due_at, state FROM notice_escalation \
             JOIN hold ON hold.id = notice_escalation.hold WHERE due_at <= ? ORDER BY due_at LIMIT ?",
        )
        .bind(now)
        .bind(BATCH)
        .fetch_all(&self.reader)
        .await?;
        let rows = rows.into_iter();
        let rows = rows.map(|(hold, role, rule, minutes, due_at, state)| {
            let row = EscalationRow {
                hold,
                role,
                rule,
                minutes,
                due_at,
            };
            let waits = HoldState::of(&state).is_some_and(HoldState::is_waiting);
            (row, waits)
        });
        Ok(rows.collect())
    }

    async fn forget_notices(&self, now: i64, sent: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (statement, time) in [
            ("DELETE FROM notice_mark WHERE expires_at <= ?", now),
            ("DELETE FROM notice_sent WHERE at < ?", sent),
        ] {
            sqlx::query(statement).bind(time).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

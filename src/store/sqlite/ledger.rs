//! Adding to the ledger, and checking it.

use sqlx::SqliteConnection;

use super::Database;
use crate::store::clock::time;
use crate::store::error::StoreError;
use crate::store::ledger::{Entry, GENESIS, Hashed, Head, LedgerCheck};

/// Entries read at once.
const PAGE: i64 = 1_000;

type Row = (i64, i64, String, String, String, String, Vec<u8>, Vec<u8>);

/// Adds an entry within the transaction of the act it records.
pub(crate) async fn append(
    tx: &mut SqliteConnection,
    at: i64,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut *tx)
            .await?;
    let (seq, previous) = last.map_or((1, GENESIS.to_vec()), |(seq, hash)| (seq + 1, hash));
    let hash = Hashed {
        seq,
        at,
        actor,
        action,
        subject,
        detail,
    }
    .hash(&previous);
    sqlx::query(
        "INSERT INTO ledger (seq, at, actor, action, subject, detail, prev, hash) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(seq)
    .bind(at)
    .bind(actor)
    .bind(action)
    .bind(subject)
    .bind(detail)
    .bind(previous)
    .bind(hash.as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

impl Database {
    /// Adds an entry for an act that changes nothing else.
    pub(crate) async fn note(
        &self,
        at: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        append(&mut tx, at, actor, action, subject, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Entries from `from` on, oldest first.
    pub(crate) async fn entries(&self, from: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let rows: Vec<Row> = self.ledger_page(from, i64::from(limit)).await?;
        Ok(rows
            .into_iter()
            .map(|(seq, at, actor, action, subject, detail, ..)| Entry {
                seq,
                at: time(at),
                actor,
                action,
                subject,
                detail,
            })
            .collect())
    }

    async fn ledger_page(&self, from: i64, limit: i64) -> Result<Vec<Row>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, actor, action, subject, detail, prev, hash FROM ledger \
             WHERE seq >= ? ORDER BY seq LIMIT ?",
        )
        .bind(from)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?)
    }

    /// Recomputes the whole chain; `noted` is a head that somebody wrote down earlier.
    pub(crate) async fn verify(&self, noted: Option<Head>) -> Result<LedgerCheck, StoreError> {
        let mut head = Head {
            seq: 0,
            hash: GENESIS,
        };
        let bad = |head: Head| LedgerCheck {
            good: head.seq,
            head,
            first_bad: Some(head.seq + 1),
        };
        loop {
            let rows = self.ledger_page(head.seq + 1, PAGE).await?;
            if rows.is_empty() {
                break;
            }
            for (seq, at, actor, action, subject, detail, prev, hash) in rows {
                let hashed = Hashed {
                    seq,
                    at,
                    actor: &actor,
                    action: &action,
                    subject: &subject,
                    detail: &detail,
                }
                .hash(&head.hash);
                if seq != head.seq + 1 || prev != head.hash || hash != hashed {
                    return Ok(bad(head));
                }
                head = Head { seq, hash: hashed };
                if noted.is_some_and(|noted| noted.seq == seq && noted.hash != hashed) {
                    return Ok(LedgerCheck {
                        good: seq - 1,
                        head,
                        first_bad: Some(seq),
                    });
                }
            }
        }
        if noted.is_some_and(|noted| noted.seq > head.seq) {
            return Ok(bad(head));
        }
        Ok(LedgerCheck {
            good: head.seq,
            head,
            first_bad: None,
        })
    }
}

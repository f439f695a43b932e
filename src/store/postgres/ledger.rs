//! Adding to the ledger, and reading it.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::fault::Fault;
use super::{PostgresStore, transact};
use crate::store::error::StoreError;
use crate::store::ledger::Hashed;
use crate::store::rows::{LedgerRow, LedgerStore};

/// An entry to add.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addition<'a> {
    pub(super) at: i64,
    pub(super) actor: &'a str,
    pub(super) action: &'a str,
    pub(super) subject: &'a str,
    pub(super) detail: &'a str,
}

/// Adds entries within the transaction of the acts they record; to be called last, since every other node waits for this lock.
pub(super) async fn append_all(
    tx: &mut PgConnection,
    additions: &[Addition<'_>],
) -> Result<(), Fault> {
    if additions.is_empty() {
        return Ok(());
    }
    // Locked, so that no other node adds to the same head; the trigger on the table moves it.
    let (mut seq, mut head): (i64, Vec<u8>) =
        sqlx::query_as("SELECT seq, hash FROM ledger_head FOR UPDATE")
            .fetch_one(&mut *tx)
            .await?;
    let (mut seqs, mut previous, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for new in additions {
        seq += 1;
        let hash = Hashed {
            seq,
            at: new.at,
            actor: new.actor,
            action: new.action,
            subject: new.subject,
            detail: new.detail,
        }
        .hash(&head);
        seqs.push(seq);
        previous.push(std::mem::replace(&mut head, hash.to_vec()));
        hashes.push(head.clone());
    }
    let column = |of: for<'a> fn(&Addition<'a>) -> &'a str| -> Vec<&str> {
        additions.iter().map(of).collect()
    };
    sqlx::query(
        "INSERT INTO ledger (seq, at, actor, action, subject, detail, prev, hash) \
         SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bytea[])",
    )
    .bind(seqs)
    .bind(additions.iter().map(|new| new.at).collect::<Vec<i64>>())
    .bind(column(|new| new.actor))
    .bind(column(|new| new.action))
    .bind(column(|new| new.subject))
    .bind(column(|new| new.detail))
    .bind(previous)
    .bind(hashes)
    .execute(tx)
    .await?;
    Ok(())
}

/// Adds one entry.
pub(super) async fn append(tx: &mut PgConnection, addition: Addition<'_>) -> Result<(), Fault> {
    append_all(tx, &[addition]).await
}

#[async_trait]
impl LedgerStore for PostgresStore {
    async fn note(
        &self,
        at: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let addition = Addition {
            at,
            actor,
            action,
            subject,
            detail,
        };
        transact!(self, |tx| append(tx, addition).await)
    }

    async fn ledger_page(&self, from: i64, limit: u32) -> Result<Vec<LedgerRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, actor, action, subject, detail, prev, hash FROM ledger \
             WHERE seq >= $1 ORDER BY seq LIMIT $2",
        )
        .bind(from)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }
}

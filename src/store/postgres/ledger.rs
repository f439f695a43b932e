//! Adding to the ledger, reading it, its checkpoints.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::PostgresStore;
use crate::store::error::StoreError;
use crate::store::ledger::{Author, FORMAT, Hashed, changed_detail, erased_detail};
use crate::store::rows::{
    CheckpointRow, LedgerPage, LedgerQuery, LedgerRow, LedgerStore, NewEntry,
};

/// Adds an entry within the transaction of the act it records.
pub(crate) async fn append(
    tx: &mut PgConnection,
    at: i64,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    // Held until the transaction ends: the next one sees this entry, and so the chain has no fork.
    let (last, previous): (i64, Vec<u8>) =
        sqlx::query_as("SELECT seq, hash FROM ledger_head FOR UPDATE")
            .fetch_one(&mut *tx)
            .await?;
    let seq = last + 1;
    let author = Author::of(actor)?;
    let hash = Hashed {
        format: FORMAT,
        seq,
        at,
        actor: author.own.as_bytes(),
        action: action.as_bytes(),
        subject: subject.as_bytes(),
        detail: detail.as_bytes(),
        person: author.hash(),
    }
    .hash(&previous, &mut Vec::new())
    .ok_or(StoreError::Corrupt("format of an entry"))?;
    sqlx::query(
        "WITH head AS (UPDATE ledger_head SET seq = $1, hash = $8) \
         INSERT INTO ledger (seq, at, actor, action, subject, detail, prev, hash, format, person) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(seq)
    .bind(at)
    .bind(author.own)
    .bind(action)
    .bind(subject)
    .bind(detail)
    .bind(previous)
    .bind(hash.as_slice())
    .bind(FORMAT)
    .bind(author.hash())
    .execute(&mut *tx)
    .await?;
    if let Some((_, salt)) = &author.person {
        sqlx::query("INSERT INTO ledger_person (seq, salt, actor) VALUES ($1, $2, $3)")
            .bind(seq)
            .bind(salt.as_slice())
            .bind(actor)
            .execute(tx)
            .await?;
    }
    Ok(())
}

async fn append_entry(tx: &mut PgConnection, entry: NewEntry<'_>) -> Result<(), StoreError> {
    let NewEntry {
        at,
        actor,
        action,
        subject,
        detail,
    } = entry;
    append(tx, at, actor, action, subject, detail).await
}

/// Entries with the names beside them, by the condition.
macro_rules! entries {
    ($condition:literal) => {
        concat!(
            "SELECT l.seq, l.at, l.format, l.actor, l.action, l.subject, l.detail, l.person, l.prev, l.hash, p.salt, p.actor \
             FROM ledger l LEFT JOIN ledger_person p ON p.seq = l.seq WHERE l.seq >= $1",
            $condition,
            " ORDER BY l.seq LIMIT $2"
        )
    };
}

fn lend(row: &PgRow) -> Result<LedgerRow<'_>, sqlx::Error> {
    let text = |column: usize| row.try_get::<&str, _>(column).map(str::as_bytes);
    let salt: Option<&[u8]> = row.try_get(10)?;
    let name: Option<&str> = row.try_get(11)?;
    Ok(LedgerRow {
        seq: row.try_get(0)?,
        at: row.try_get(1)?,
        format: row.try_get(2)?,
        actor: text(3)?,
        action: text(4)?,
        subject: text(5)?,
        detail: text(6)?,
        person: row.try_get(7)?,
        prev: row.try_get(8)?,
        hash: row.try_get(9)?,
        name: salt.zip(name.map(str::as_bytes)),
    })
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
        let mut tx = self.begin().await?;
        append(&mut tx, at, actor, action, subject, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn note_change(&self, entry: NewEntry<'_>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // Before the last entry is read: nobody adds one in between.
        sqlx::query("SELECT seq FROM ledger_head FOR UPDATE")
            .execute(&mut *tx)
            .await?;
        let last: Option<String> = sqlx::query_scalar(
            "SELECT detail FROM ledger WHERE action = $1 AND subject = $2 ORDER BY seq DESC LIMIT 1",
        )
        .bind(entry.action)
        .bind(entry.subject)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(detail) = changed_detail(last.as_deref(), entry.detail) else {
            return Ok(false);
        };
        let entry = NewEntry {
            detail: &detail,
            ..entry
        };
        append_entry(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn ledger_page(&self, query: LedgerQuery<'_>) -> Result<LedgerPage, StoreError> {
        let statement = match (query.about, query.actor) {
            (None, None) => entries!(""),
            (Some(_), None) => entries!(" AND l.subject = $3"),
            (None, Some(_)) => entries!(" AND (l.actor = $3 OR p.actor = $3)"),
            (Some(_), Some(_)) => {
                entries!(" AND l.subject = $3 AND (l.actor = $4 OR p.actor = $4)")
            }
        };
        let mut asked = sqlx::query(statement)
            .bind(query.from)
            .bind(i64::from(query.limit));
        for text in [query.about, query.actor].into_iter().flatten() {
            asked = asked.bind(text);
        }
        let rows = asked.fetch_all(&self.pool).await?;
        let mut page = LedgerPage::with_capacity(rows.len());
        for row in &rows {
            page.push(&lend(row)?);
        }
        Ok(page)
    }

    async fn ledger_head(&self) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        Ok(
            sqlx::query_as("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
                .fetch_optional(&self.pool)
                .await?,
        )
    }

    async fn erase_person(
        &self,
        name: &str,
        entry: NewEntry<'_>,
    ) -> Result<(u64, u64), StoreError> {
        let mut tx = self.begin().await?;
        let entries = sqlx::query("DELETE FROM ledger_person WHERE actor = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        let holds =
            sqlx::query("UPDATE hold SET decided_by = NULL WHERE decided_by = $1 AND dek IS NULL")
                .bind(name)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        if (entries, holds) == (0, 0) {
            return Ok((0, 0));
        }
        let detail = erased_detail(entries, holds, entry.detail);
        let entry = NewEntry {
            detail: &detail,
            ..entry
        };
        append_entry(&mut tx, entry).await?;
        tx.commit().await?;
        Ok((entries, holds))
    }

    async fn ledger_key(
        &self,
        offered: Option<(&str, &[u8], NewEntry<'_>)>,
    ) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        const READ: &str = "SELECT kek, dek FROM keyring WHERE name = 'ledger'";
        let Some((kek, dek, entry)) = offered else {
            return Ok(sqlx::query_as(READ).fetch_optional(&self.pool).await?);
        };
        let mut tx = self.begin().await?;
        let made = sqlx::query(
            "INSERT INTO keyring (name, kek, dek) VALUES ('ledger', $1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(kek)
        .bind(dek)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if made > 0 {
            append_entry(&mut tx, entry).await?;
        }
        let row = sqlx::query_as(READ).fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        Ok(row)
    }

    async fn keep_checkpoint(&self, row: &CheckpointRow) -> Result<CheckpointRow, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO checkpoint (seq, at, hash, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(row.seq)
        .bind(row.at)
        .bind(&row.hash)
        .bind(&row.note)
        .execute(&mut *tx)
        .await?;
        let kept = sqlx::query_as("SELECT seq, at, hash, note FROM checkpoint WHERE seq = $1")
            .bind(row.seq)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(kept)
    }

    async fn checkpoints(&self, from: i64, limit: u32) -> Result<Vec<CheckpointRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, hash, note FROM checkpoint WHERE seq >= $1 ORDER BY seq LIMIT $2",
        )
        .bind(from)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?)
    }

    async fn checkpoint_before(&self, seq: i64) -> Result<Option<CheckpointRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, at, hash, note FROM checkpoint WHERE seq <= $1 ORDER BY seq DESC LIMIT 1",
        )
        .bind(seq)
        .fetch_optional(&self.pool)
        .await?)
    }
}

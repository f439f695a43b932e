//! Rows of accounts and of what they have open.

use async_trait::async_trait;

use super::{PostgresStore, ledger};
use crate::store::error::StoreError;
use crate::store::rows::{
    AccountRow, AccountStore, Created, CredentialRow, Ends, NewEntry, SessionRow, TokenRow, ViewRow,
};

#[async_trait]
impl AccountStore for PostgresStore {
    async fn create_account(
        &self,
        row: &AccountRow,
        at_most: i64,
        entry: NewEntry<'_>,
    ) -> Result<Created, StoreError> {
        let mut tx = self.begin().await?;
        let number: i64 = sqlx::query_scalar("SELECT count(*) FROM account")
            .fetch_one(&mut *tx)
            .await?;
        if number >= at_most {
            return Ok(Created::TooMany);
        }
        let made = sqlx::query(
            "INSERT INTO account (id, kind, login, disabled, created_at, signed_in_at, version, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (login) DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.kind)
        .bind(&row.login)
        .bind(row.disabled)
        .bind(row.created_at)
        .bind(row.signed_in_at)
        .bind(row.version)
        .bind(&row.sealed)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if made == 0 {
            return Ok(Created::LoginTaken);
        }
        entered(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Created::Done)
    }

    async fn accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        Ok(
            sqlx::query_as("SELECT * FROM account ORDER BY created_at, id")
                .fetch_all(&self.pool)
                .await?,
        )
    }

    async fn account(&self, id: &str) -> Result<AccountRow, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM account WHERE id = $1")
            .bind(id)
            .fetch_one(&self.pool)
            .await?)
    }

    async fn account_by_login(&self, login: &[u8]) -> Result<Option<AccountRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM account WHERE login = $1")
            .bind(login)
            .fetch_optional(&self.pool)
            .await?)
    }

    async fn change_account(
        &self,
        row: &AccountRow,
        ends: Ends,
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE account SET disabled = $1, version = $2, sealed = $3 WHERE id = $4 AND version = $5 - 1",
        )
        .bind(row.disabled)
        .bind(row.version)
        .bind(&row.sealed)
        .bind(&row.id)
        .bind(row.version)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if changed == 0 {
            return Ok(false);
        }
        if ends.sessions {
            sqlx::query("DELETE FROM session WHERE account = $1")
                .bind(&row.id)
                .execute(&mut *tx)
                .await?;
        }
        if ends.tokens {
            sqlx::query("DELETE FROM api_token WHERE account = $1")
                .bind(&row.id)
                .execute(&mut *tx)
                .await?;
        }
        entered(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn remove_account(&self, id: &str, entry: NewEntry<'_>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query("DELETE FROM account WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if removed == 0 {
            return Ok(false);
        }
        entered(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn set_credentials(
        &self,
        row: &CredentialRow,
        entry: NewEntry<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if !gate(&mut tx, &row.account).await? {
            return Err(StoreError::Missing);
        }
        sqlx::query(
            "INSERT INTO credential (account, totp_step, sealed) VALUES ($1, 0, $2) \
             ON CONFLICT (account) DO UPDATE SET totp_step = 0, sealed = excluded.sealed",
        )
        .bind(&row.account)
        .bind(&row.sealed)
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM recovery WHERE account = $1")
            .bind(&row.account)
            .execute(&mut *tx)
            .await?;
        for sha256 in &row.recovery {
            sqlx::query("INSERT INTO recovery (account, sha256) VALUES ($1, $2)")
                .bind(&row.account)
                .bind(sha256)
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("DELETE FROM session WHERE account = $1")
            .bind(&row.account)
            .execute(&mut *tx)
            .await?;
        entered(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn credentials(&self, account: &str) -> Result<Option<CredentialRow>, StoreError> {
        let sealed: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT sealed FROM credential WHERE account = $1")
                .bind(account)
                .fetch_optional(&self.pool)
                .await?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let recovery = sqlx::query_scalar("SELECT sha256 FROM recovery WHERE account = $1")
            .bind(account)
            .fetch_all(&self.pool)
            .await?;
        Ok(Some(CredentialRow {
            account: account.to_owned(),
            sealed,
            recovery,
        }))
    }

    async fn use_totp_step(&self, account: &str, step: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let used = sqlx::query(
            "UPDATE credential SET totp_step = $1 WHERE account = $2 AND totp_step < $3",
        )
        .bind(step)
        .bind(account)
        .bind(step)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(used > 0)
    }

    async fn use_recovery(
        &self,
        account: &str,
        sha256: &[u8],
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let used = sqlx::query("DELETE FROM recovery WHERE account = $1 AND sha256 = $2")
            .bind(account)
            .bind(sha256)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if used == 0 {
            return Ok(false);
        }
        entered(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn begin_session(
        &self,
        row: &SessionRow,
        at_most: i64,
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let welcome =
            sqlx::query("UPDATE account SET signed_in_at = $1 WHERE id = $2 AND disabled = FALSE")
                .bind(row.began_at)
                .bind(&row.account)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        if welcome == 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO session (token, id, account, method, began_at, seen_at, ends_at, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&row.token)
        .bind(&row.id)
        .bind(&row.account)
        .bind(&row.method)
        .bind(row.began_at)
        .bind(row.seen_at)
        .bind(row.ends_at)
        .bind(&row.sealed)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM session WHERE account = $1 AND token <> $2 AND token NOT IN \
             (SELECT token FROM session WHERE account = $3 AND token <> $4 ORDER BY began_at DESC, id LIMIT $5)",
        )
        .bind(&row.account)
        .bind(&row.token)
        .bind(&row.account)
        .bind(&row.token)
        .bind(at_most - 1)
        .execute(&mut *tx)
        .await?;
        entered(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn session(&self, token: &[u8]) -> Result<Option<(SessionRow, AccountRow)>, StoreError> {
        let session: Option<SessionRow> = sqlx::query_as("SELECT * FROM session WHERE token = $1")
            .bind(token)
            .fetch_optional(&self.pool)
            .await?;
        let Some(session) = session else {
            return Ok(None);
        };
        let account = sqlx::query_as("SELECT * FROM account WHERE id = $1")
            .bind(&session.account)
            .fetch_optional(&self.pool)
            .await?;
        Ok(account.map(|account| (session, account)))
    }

    async fn touch_session(&self, token: &[u8], at: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE session SET seen_at = $1 WHERE token = $2 AND seen_at < $3")
            .bind(at)
            .bind(token)
            .bind(at)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn sessions_of(&self, account: &str) -> Result<Vec<SessionRow>, StoreError> {
        Ok(
            sqlx::query_as("SELECT * FROM session WHERE account = $1 ORDER BY began_at DESC, id")
                .bind(account)
                .fetch_all(&self.pool)
                .await?,
        )
    }

    async fn end_sessions(
        &self,
        account: &str,
        only: Option<&[u8]>,
        except: Option<&[u8]>,
        entry: NewEntry<'_>,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        if !gate(&mut tx, account).await? {
            return Ok(0);
        }
        let ended = sqlx::query(
            "DELETE FROM session WHERE account = $1 AND ($2::BYTEA IS NULL OR token = $3) AND ($4::BYTEA IS NULL OR token <> $5)",
        )
        .bind(account)
        .bind(only)
        .bind(only)
        .bind(except)
        .bind(except)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if ended > 0 {
            entered(&mut tx, &entry).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }

    async fn sweep_sessions(&self, sessions: i64, tokens: i64) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        // What another transaction has locked it ends itself, or the next round does: two that delete several rows in other orders wait in a ring.
        let ended = sqlx::query(
            "DELETE FROM session WHERE token IN (SELECT token FROM session WHERE ends_at < $1 FOR UPDATE SKIP LOCKED)",
        )
            .bind(sessions)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        let spent = sqlx::query(
            "DELETE FROM api_token WHERE token IN (SELECT token FROM api_token WHERE ends_at < $1 FOR UPDATE SKIP LOCKED)",
        )
            .bind(tokens)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(ended + spent)
    }

    async fn create_token(
        &self,
        row: &TokenRow,
        at_most: i64,
        entry: NewEntry<'_>,
    ) -> Result<Created, StoreError> {
        let mut tx = self.begin().await?;
        if !may_have(&mut tx, &row.account).await? {
            return Ok(Created::Missing);
        }
        let number: i64 = sqlx::query_scalar("SELECT count(*) FROM api_token WHERE account = $1")
            .bind(&row.account)
            .fetch_one(&mut *tx)
            .await?;
        if number >= at_most {
            return Ok(Created::TooMany);
        }
        sqlx::query(
            "INSERT INTO api_token (token, id, account, scopes, created_at, used_at, ends_at, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&row.token)
        .bind(&row.id)
        .bind(&row.account)
        .bind(&row.scopes)
        .bind(row.created_at)
        .bind(row.used_at)
        .bind(row.ends_at)
        .bind(&row.sealed)
        .execute(&mut *tx)
        .await?;
        entered(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Created::Done)
    }

    async fn api_tokens(&self, account: Option<&str>) -> Result<Vec<TokenRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM api_token WHERE ($1::TEXT IS NULL OR account = $2) ORDER BY created_at DESC, id",
        )
        .bind(account)
        .bind(account)
        .fetch_all(&self.pool)
        .await?)
    }

    async fn api_token(&self, token: &[u8]) -> Result<Option<(TokenRow, AccountRow)>, StoreError> {
        let found: Option<TokenRow> = sqlx::query_as("SELECT * FROM api_token WHERE token = $1")
            .bind(token)
            .fetch_optional(&self.pool)
            .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let account = sqlx::query_as("SELECT * FROM account WHERE id = $1")
            .bind(&found.account)
            .fetch_optional(&self.pool)
            .await?;
        Ok(account.map(|account| (found, account)))
    }

    async fn touch_token(&self, token: &[u8], at: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE api_token SET used_at = $1 WHERE token = $2")
            .bind(at)
            .bind(token)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn token_account(&self, id: &str) -> Result<Option<String>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT account FROM api_token WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await?,
        )
    }

    async fn revoke_token(
        &self,
        account: &str,
        id: &str,
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let revoked = sqlx::query("DELETE FROM api_token WHERE id = $1 AND account = $2")
            .bind(id)
            .bind(account)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if revoked == 0 {
            return Ok(false);
        }
        entered(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn save_view(&self, row: &ViewRow, at_most: i64) -> Result<Created, StoreError> {
        let mut tx = self.begin().await?;
        if !may_have(&mut tx, &row.account).await? {
            return Ok(Created::Missing);
        }
        let number: i64 = sqlx::query_scalar("SELECT count(*) FROM saved_view WHERE account = $1")
            .bind(&row.account)
            .fetch_one(&mut *tx)
            .await?;
        if number >= at_most {
            return Ok(Created::TooMany);
        }
        sqlx::query(
            "INSERT INTO saved_view (id, account, created_at, sealed) VALUES ($1, $2, $3, $4)",
        )
        .bind(&row.id)
        .bind(&row.account)
        .bind(row.created_at)
        .bind(&row.sealed)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Created::Done)
    }

    async fn views(&self, account: &str) -> Result<Vec<ViewRow>, StoreError> {
        Ok(
            sqlx::query_as("SELECT * FROM saved_view WHERE account = $1 ORDER BY created_at, id")
                .bind(account)
                .fetch_all(&self.pool)
                .await?,
        )
    }

    async fn delete_view(&self, account: &str, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let deleted = sqlx::query("DELETE FROM saved_view WHERE account = $1 AND id = $2")
            .bind(account)
            .bind(id)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(deleted > 0)
    }
}

/// Locks an account that is there: whatever ends several of its sessions passes here first, and so no two wait for each other in a ring.
async fn gate(
    tx: &mut sqlx::Transaction<'static, sqlx::Postgres>,
    account: &str,
) -> Result<bool, StoreError> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT id FROM account WHERE id = $1 FOR NO KEY UPDATE")
            .bind(account)
            .fetch_optional(&mut **tx)
            .await?;
    Ok(found.is_some())
}

async fn entered(
    tx: &mut sqlx::Transaction<'static, sqlx::Postgres>,
    entry: &NewEntry<'_>,
) -> Result<(), StoreError> {
    let (action, subject, detail) = (entry.action, entry.subject, entry.detail);
    ledger::append(tx, entry.at, entry.actor, action, subject, detail).await?;
    Ok(())
}

/// Whether the account is there and may sign in. Holds its row until the transaction ends, so that two at once are counted one after the other.
async fn may_have(
    tx: &mut sqlx::Transaction<'static, sqlx::Postgres>,
    account: &str,
) -> Result<bool, StoreError> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT id FROM account WHERE id = $1 AND disabled = FALSE FOR NO KEY UPDATE",
    )
    .bind(account)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}

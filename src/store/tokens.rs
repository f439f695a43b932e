//! Tokens by which programs ask in somebody's name, by their hash.
//!
//! # Invariants
//! Of a token the SHA-256 alone is kept. What is sealed is bound to the clear columns beside it, so that widened scopes or a later end do not
//! open. Making and ending have their entry in the ledger in the same transaction.

use std::time::SystemTime;

use serde_json::json;

use super::Custody;
use super::accounts::{Account, AccountError, TEXT, TOUCH, room};
use super::clock::{micros, time};
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::{from_json, json_text};
use super::ledger::action;
use super::rows::{NewEntry, TokenRow};
use crate::mail::QueueId;

/// Tokens of an account.
const TOKENS: i64 = 50;

/// A program's token to be made.
pub struct NewToken {
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// Whose.
    pub account: QueueId,
    /// What it is for, in words.
    pub label: String,
    /// Names of what it is good for.
    pub scopes: Vec<String>,
    /// When it ends.
    pub ends_at: SystemTime,
}

/// A program's token.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id; not the token.
    pub id: QueueId,
    /// Whose.
    pub account: QueueId,
    /// What it is for.
    pub label: String,
    /// Names of what it is good for.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: SystemTime,
    /// When it was last used, to the minute.
    pub used_at: Option<SystemTime>,
    /// When it ends.
    pub ends_at: SystemTime,
}

impl std::fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiToken")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl Custody {
    /// Makes a program's token; gives its id.
    pub async fn create_token(
        &self,
        new: NewToken,
        actor: &str,
        at: SystemTime,
    ) -> Result<QueueId, AccountError> {
        let account = self.account(new.account).await?;
        if new.label.trim().is_empty() || new.label.chars().nth(TEXT).is_some() {
            return Err(AccountError::Unnamed);
        }
        let id = Self::new_id()?;
        let row = TokenRow {
            token: new.sha256.to_vec(),
            id: id.to_string(),
            account: account.id.to_string(),
            scopes: json_text(&new.scopes)?,
            created_at: micros(at),
            used_at: None,
            ends_at: micros(new.ends_at),
            sealed: Vec::new(),
        };
        let row = TokenRow {
            sealed: self.seal_label(&bound_token(&row), new.label.trim())?,
            ..row
        };
        let detail = json!({ "token": row.id, "scopes": new.scopes }).to_string();
        let entry = NewEntry::of(actor, action::TOKEN_CREATED, &row.account, &detail, at);
        room(self.database.create_token(&row, TOKENS, entry).await?, id)
    }

    /// The tokens of an account, the latest first.
    pub async fn tokens_of(&self, account: QueueId) -> Result<Vec<ApiToken>, StoreError> {
        let account = account.to_string();
        let rows = self.database.api_tokens(Some(&account)).await?;
        rows.iter().map(|row| self.open_token(row)).collect()
    }

    /// Everybody's tokens, the latest first.
    pub async fn all_tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let rows = self.database.api_tokens(None).await?;
        rows.iter().map(|row| self.open_token(row)).collect()
    }

    /// The token of this hash with its account, unless it ended or the account may not sign in.
    pub async fn api_token(
        &self,
        sha256: [u8; 32],
        now: SystemTime,
    ) -> Result<Option<(ApiToken, Account)>, StoreError> {
        let Some((row, account)) = self.database.api_token(&sha256).await? else {
            return Ok(None);
        };
        let token = self.open_token(&row)?;
        if now >= token.ends_at || account.disabled {
            return Ok(None);
        }
        if token.used_at.is_none_or(|used| now >= used + TOUCH) {
            self.database.touch_token(&sha256, micros(now)).await?;
        }
        Ok(Some((token, self.open_account(&account)?)))
    }

    /// Ends a token, whosever it is; `false` when there is none.
    pub async fn revoke_token(
        &self,
        id: QueueId,
        actor: &str,
        at: SystemTime,
    ) -> Result<bool, StoreError> {
        let owner = self.database.token_account(&id.to_string()).await?;
        match owner {
            Some(owner) => {
                let owner = parse_id(&owner)?;
                self.revoke_token_of(owner, id, actor, at).await
            }
            None => Ok(false),
        }
    }

    /// Ends a token of this account; `false` when it has none such.
    pub async fn revoke_token_of(
        &self,
        account: QueueId,
        id: QueueId,
        actor: &str,
        at: SystemTime,
    ) -> Result<bool, StoreError> {
        let (account, id) = (account.to_string(), id.to_string());
        let detail = json!({ "token": id }).to_string();
        let entry = NewEntry::of(actor, action::TOKEN_REVOKED, &account, &detail, at);
        self.database.revoke_token(&account, &id, entry).await
    }

    fn open_token(&self, row: &TokenRow) -> Result<ApiToken, StoreError> {
        Ok(ApiToken {
            id: parse_id(&row.id)?,
            account: parse_id(&row.account)?,
            label: self.open_label(&bound_token(row), &row.sealed)?,
            scopes: from_json(&row.scopes)?,
            created_at: time(row.created_at),
            used_at: row.used_at.map(time),
            ends_at: time(row.ends_at),
        })
    }
}

/// A program's token's: whose it is, which token, until when and for what.
fn bound_token(row: &TokenRow) -> Vec<u8> {
    let (made, ends) = (row.created_at.to_be_bytes(), row.ends_at.to_be_bytes());
    let parts: [&[u8]; 7] = [
        b"token",
        row.id.as_bytes(),
        row.account.as_bytes(),
        &row.token,
        &made,
        &ends,
        row.scopes.as_bytes(),
    ];
    parts.concat()
}

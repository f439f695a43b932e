//! Who is signed in where: sessions of accounts, by the hash of their token.
//!
//! # Invariants
//! Of a token the SHA-256 alone is kept. What is sealed is bound to the clear columns beside it, so that a row moved to another account or
//! given a later end does not open. Beginning and ending have their entry in the ledger in the same transaction.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::Custody;
use super::accounts::{Account, TOUCH};
use super::clock::{micros, time};
use super::error::StoreError;
use super::hold::parse_id;
use super::ledger::action;
use super::rows::{NewEntry, SessionRow};
use crate::mail::QueueId;

/// Sessions of an account; of more the oldest end.
const SESSIONS: i64 = 20;

/// A session to begin.
pub struct NewSession {
    /// SHA-256 of its token.
    pub token_sha256: [u8; 32],
    /// Whose.
    pub account: QueueId,
    /// How they proved who they are: `password+totp`, `recovery`, `oidc`.
    pub method: String,
    /// The browser, as it calls itself.
    pub device: String,
    /// When.
    pub at: SystemTime,
    /// When it ends at the latest.
    pub ends_at: SystemTime,
}

/// A session.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id; not its token.
    pub id: QueueId,
    /// Whose.
    pub account: QueueId,
    /// How they proved who they are.
    pub method: String,
    /// The browser.
    pub device: String,
    /// When it began.
    pub began_at: SystemTime,
    /// When it was last used, to the minute.
    pub seen_at: SystemTime,
    /// When it ends at the latest.
    pub ends_at: SystemTime,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Custody {
    /// Begins a session of an account that may sign in; [`StoreError::Missing`] when it may not.
    pub async fn begin_session(&self, new: NewSession) -> Result<(), StoreError> {
        let account = self.account(new.account).await?;
        let id = Self::new_id()?;
        let row = SessionRow {
            token: new.token_sha256.to_vec(),
            id: id.to_string(),
            account: account.id.to_string(),
            method: new.method,
            began_at: micros(new.at),
            seen_at: micros(new.at),
            ends_at: micros(new.ends_at),
            sealed: Vec::new(),
        };
        let row = SessionRow {
            sealed: self.seal_label(&bound_session(&row), &new.device)?,
            ..row
        };
        let detail = json!({ "method": row.method }).to_string();
        let (name, subject) = (account.name.as_str(), row.account.as_str());
        let entry = NewEntry::of(name, action::SIGNED_IN, subject, &detail, new.at);
        if self.database.begin_session(&row, SESSIONS, entry).await? {
            Ok(())
        } else {
            Err(StoreError::Missing)
        }
    }

    /// The session of a token with its account, unless it ended, was idle for too long, or the account may not sign in.
    pub async fn session(
        &self,
        token_sha256: [u8; 32],
        now: SystemTime,
        idle: Duration,
    ) -> Result<Option<(Session, Account)>, StoreError> {
        let Some((row, account)) = self.database.session(&token_sha256).await? else {
            return Ok(None);
        };
        let session = self.open_session(row)?;
        let lasts = now < session.ends_at && now < session.seen_at + idle;
        if !lasts || account.disabled {
            return Ok(None);
        }
        if now >= session.seen_at + TOUCH {
            self.database
                .touch_session(&token_sha256, micros(now))
                .await?;
        }
        Ok(Some((session, self.open_account(&account)?)))
    }

    /// The sessions of an account, the latest first.
    pub async fn sessions_of(&self, account: QueueId) -> Result<Vec<Session>, StoreError> {
        let rows = self.database.sessions_of(&account.to_string()).await?;
        rows.into_iter().map(|row| self.open_session(row)).collect()
    }

    /// Ends a session.
    pub async fn end_session(
        &self,
        token_sha256: [u8; 32],
        at: SystemTime,
    ) -> Result<(), StoreError> {
        let Some((_, account)) = self.database.session(&token_sha256).await? else {
            return Ok(());
        };
        let account = self.open_account(&account)?;
        let id = account.id.to_string();
        let entry = NewEntry::of(&account.name, action::SIGNED_OUT, &id, "{}", at);
        self.database
            .end_sessions(&id, Some(&token_sha256), None, entry)
            .await?;
        Ok(())
    }

    /// Ends all sessions of an account, but for one; gives how many.
    pub async fn end_sessions_of(
        &self,
        account: QueueId,
        except: Option<[u8; 32]>,
        actor: &str,
        at: SystemTime,
    ) -> Result<u64, StoreError> {
        let id = account.to_string();
        let detail = json!({ "everywhere": true }).to_string();
        let entry = NewEntry::of(actor, action::SIGNED_OUT, &id, &detail, at);
        let except = except.as_ref().map(<[u8; 32]>::as_slice);
        self.database.end_sessions(&id, None, except, entry).await
    }

    /// Removes sessions and tokens that have ended; gives how many.
    pub async fn sweep_sessions(&self, now: SystemTime) -> Result<u64, StoreError> {
        self.database.sweep_sessions(micros(now), micros(now)).await
    }

    fn open_session(&self, row: SessionRow) -> Result<Session, StoreError> {
        Ok(Session {
            id: parse_id(&row.id)?,
            account: parse_id(&row.account)?,
            device: self.open_label(&bound_session(&row), &row.sealed)?,
            method: row.method,
            began_at: time(row.began_at),
            seen_at: time(row.seen_at),
            ends_at: time(row.ends_at),
        })
    }
}

/// A session's: whose it is, by which token, since when and until when.
fn bound_session(row: &SessionRow) -> Vec<u8> {
    let (began, ends) = (row.began_at.to_be_bytes(), row.ends_at.to_be_bytes());
    let parts: [&[u8]; 7] = [
        b"session",
        row.id.as_bytes(),
        row.account.as_bytes(),
        &row.token,
        &began,
        &ends,
        row.method.as_bytes(),
    ];
    parts.concat()
}

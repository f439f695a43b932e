//! Searches that somebody keeps under a name: sealed, since they name people, and seen by nobody else.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::Custody;
use super::accounts::{AccountError, TEXT, room};
use super::clock::micros;
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::{from_json, json_text};
use super::rows::ViewRow;
use crate::mail::QueueId;

/// Saved views of an account.
const VIEWS: i64 = 50;
/// Bytes of a saved query.
const QUERY: usize = 4_096;

/// A search that somebody kept under a name.
#[derive(Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Its id.
    pub id: QueueId,
    /// Its name.
    pub name: String,
    /// The search, as its page writes it.
    pub query: String,
}

#[derive(Serialize, Deserialize)]
struct SealedView {
    name: String,
    query: String,
}

impl Custody {
    /// Keeps a search under a name; gives its id.
    pub async fn save_view(
        &self,
        account: QueueId,
        name: &str,
        query: &str,
        at: SystemTime,
    ) -> Result<QueueId, AccountError> {
        let name = name.trim();
        if name.is_empty() || name.chars().nth(TEXT).is_some() || query.len() > QUERY {
            return Err(AccountError::Unnamed);
        }
        self.account(account).await?;
        let id = Self::new_id()?;
        let plain = json_text(&SealedView {
            name: name.to_owned(),
            query: query.to_owned(),
        })?;
        let row = ViewRow {
            id: id.to_string(),
            account: account.to_string(),
            created_at: micros(at),
            sealed: Vec::new(),
        };
        let row = ViewRow {
            sealed: self.seal_label(&bound_view(&row), &plain)?,
            ..row
        };
        room(self.database.save_view(&row, VIEWS).await?, id)
    }

    /// The saved searches of an account, the oldest first.
    pub async fn views(&self, account: QueueId) -> Result<Vec<SavedView>, StoreError> {
        let rows = self.database.views(&account.to_string()).await?;
        let opened = rows.into_iter().map(|row| {
            let id = parse_id(&row.id)?;
            let plain: SealedView = from_json(&self.open_label(&bound_view(&row), &row.sealed)?)?;
            Ok(SavedView {
                id,
                name: plain.name,
                query: plain.query,
            })
        });
        opened.collect()
    }

    /// Deletes a saved search of an account; `false` when there is none.
    pub async fn delete_view(&self, account: QueueId, id: QueueId) -> Result<bool, StoreError> {
        let (account, id) = (account.to_string(), id.to_string());
        self.database.delete_view(&account, &id).await
    }
}

/// A saved view's: whose it is.
fn bound_view(row: &ViewRow) -> Vec<u8> {
    let parts: [&[u8]; 3] = [b"view", row.id.as_bytes(), row.account.as_bytes()];
    parts.concat()
}

//! stub
use super::{Custody, StoreError};
use crate::mail::{Address, QueueId};
use std::time::{Duration, SystemTime};
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Dpo,
    Head,
    It,
    Auditor,
    Sender,
}
impl Role {
    pub fn name(self) -> &'static str {
        "dpo"
    }
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    pub schools: Vec<String>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    Local,
    Oidc,
}
impl AccountKind {
    pub fn name(self) -> &'static str {
        "local"
    }
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: QueueId,
    pub kind: AccountKind,
    pub login: String,
    pub name: String,
    pub address: Option<Address>,
    pub grants: Vec<Grant>,
    pub disabled: bool,
    pub created_at: SystemTime,
    pub signed_in_at: Option<SystemTime>,
    pub version: i64,
}
#[derive(Debug, Clone)]
pub struct Session {
    pub id: QueueId,
    pub account: QueueId,
    pub method: String,
    pub device: String,
    pub began_at: SystemTime,
    pub seen_at: SystemTime,
    pub ends_at: SystemTime,
}
pub struct NewSession {
    pub token_sha256: [u8; 32],
    pub account: QueueId,
    pub method: String,
    pub device: String,
    pub at: SystemTime,
    pub ends_at: SystemTime,
}
pub struct Credentials {
    pub password: String,
    pub totp: zeroize::Zeroizing<Vec<u8>>,
    pub recovery: Vec<[u8; 32]>,
}
impl Custody {
    pub async fn account_by_login(
        &self,
        _: AccountKind,
        _: &str,
    ) -> Result<Option<Account>, StoreError> {
        Ok(None)
    }
    pub async fn credentials(&self, _: QueueId) -> Result<Option<Credentials>, StoreError> {
        Ok(None)
    }
    pub async fn use_totp_step(&self, _: QueueId, _: i64) -> Result<bool, StoreError> {
        Ok(false)
    }
    pub async fn use_recovery(
        &self,
        _: QueueId,
        _: [u8; 32],
        _: SystemTime,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }
    pub async fn begin_session(&self, _: NewSession) -> Result<(), StoreError> {
        Ok(())
    }
    pub async fn session(
        &self,
        _: [u8; 32],
        _: SystemTime,
        _: Duration,
    ) -> Result<Option<(Session, Account)>, StoreError> {
        Ok(None)
    }
    pub async fn sessions_of(&self, _: QueueId) -> Result<Vec<Session>, StoreError> {
        Ok(vec![])
    }
    pub async fn end_session(&self, _: [u8; 32], _: SystemTime) -> Result<(), StoreError> {
        Ok(())
    }
    pub async fn end_sessions_of(
        &self,
        _: QueueId,
        _: Option<[u8; 32]>,
        _: &str,
        _: SystemTime,
    ) -> Result<u64, StoreError> {
        Ok(0)
    }
    pub async fn api_token(
        &self,
        _: [u8; 32],
        _: SystemTime,
    ) -> Result<Option<(ApiToken, Account)>, StoreError> {
        Ok(None)
    }
}
#[derive(Debug, Clone)]
pub struct ApiToken {
    pub id: QueueId,
    pub account: QueueId,
    pub label: String,
    pub scopes: Vec<String>,
    pub ends_at: SystemTime,
}

pub struct NewAccount {
    pub kind: AccountKind,
    pub login: String,
    pub name: String,
    pub address: Option<Address>,
    pub grants: Vec<Grant>,
}
pub enum AccountChange {
    Grants(Vec<Grant>),
    Disabled(bool),
    Named {
        name: String,
        address: Option<Address>,
    },
}
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("taken")]
    LoginTaken,
    #[error("missing")]
    Missing,
    #[error("conflict")]
    Conflict,
    #[error(transparent)]
    Store(#[from] StoreError),
}
impl Role {
    pub fn of(_: &str) -> Option<Self> {
        None
    }
}
impl Custody {
    pub async fn create_account(
        &self,
        _: NewAccount,
        _: &str,
        _: SystemTime,
    ) -> Result<QueueId, AccountError> {
        Err(AccountError::Missing)
    }
    pub async fn account(&self, _: QueueId) -> Result<Account, StoreError> {
        Err(StoreError::Missing)
    }
    pub async fn change_account(
        &self,
        _: QueueId,
        _: i64,
        _: AccountChange,
        _: &str,
        _: SystemTime,
    ) -> Result<(), AccountError> {
        Err(AccountError::Missing)
    }
}

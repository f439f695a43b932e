//! Who may sign in, what they may do, and what they have open.
//!
//! # Invariants
//! Names, logins and addresses are sealed; an account is found by a keyed hash of its login. Of a session's or a program's token the
//! SHA-256 alone is kept. What is sealed is bound to what stands beside it in clear (whose it is, its token's hash, when it ends, what it is good for,
//! whether it may sign in), so that whoever can write the database, but has no key, cannot make a session of one person another's. Every change has its entry in the ledger in the same transaction. An account that is disabled has nothing open; whoever gets
//! other grants signs in again. A code is good once: its step is taken by one comparison in the database.
//!
//! # Standards
//! RFC 6238 5.2 (a one-time code is accepted once); OWASP session management (hashes of tokens, renewal at a change of privilege).
//!
//! # Known gaps
//! When a session was last seen is kept to the minute. Whoever can write the database can put back an older row of an account as it was, with its
//! version; the ledger then tells of a change that the row does not have.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::{Zeroize as _, Zeroizing};

use super::Custody;
use super::clock::{micros, time};
use super::delivered::mac;
use super::error::StoreError;
use super::hold::parse_id;
use super::holding::{json_text, parse};
use super::ledger::action;
use super::rows::{AccountRow, Created, CredentialRow, Ends, NewEntry};
use super::seal::Kind;
use crate::mail::{Address, QueueId};

/// Accounts of a trust: every member of staff may sign in as a sender.
const ACCOUNTS: i64 = 20_000;
/// Characters of a name, a label, a browser.
pub(super) const TEXT: usize = 200;
/// How often it is written down that a session or a token is used.
pub(super) const TOUCH: Duration = Duration::from_mins(1);

/// What somebody is to the trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A data protection officer.
    Dpo,
    /// A head, or a head's delegate, of named schools.
    Head,
    /// IT: the service, never content.
    It,
    /// An auditor: reads, masked.
    Auditor,
    /// A sender: own holds only.
    Sender,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Dpo, Self::Head, Self::It, Self::Auditor, Self::Sender];

    /// The name used in settings, on the command line and in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dpo => "dpo",
            Self::Head => "head",
            Self::It => "it",
            Self::Auditor => "auditor",
            Self::Sender => "sender",
        }
    }

    /// The role of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A role, for some schools or all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Ids of the schools it is for; empty is every school, but for a head, who is head of none then.
    #[serde(default)]
    pub schools: Vec<String>,
}

/// By whom an account signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// By password and one-time code, here.
    Local,
    /// By the trust's identity provider.
    Oidc,
}

impl AccountKind {
    /// The name used in the database and in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Oidc => "oidc",
        }
    }

    fn of(name: &str) -> Result<Self, StoreError> {
        match name {
            "local" => Ok(Self::Local),
            "oidc" => Ok(Self::Oidc),
            _ => Err(StoreError::Corrupt("kind of account")),
        }
    }
}

/// Somebody who may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: QueueId,
    /// By whom it signs in.
    pub kind: AccountKind,
    /// What it signs in as: a short word here, `ISSUER|SUBJECT` at a provider.
    pub login: String,
    /// The name that people see, and that stands in the ledger.
    pub name: String,
    /// Its mail address, as far as somebody vouches for it.
    pub address: Option<Address>,
    /// What it may do.
    pub grants: Vec<Grant>,
    /// It may not sign in.
    pub disabled: bool,
    /// When it was made.
    pub created_at: SystemTime,
    /// When it last signed in.
    pub signed_in_at: Option<SystemTime>,
    /// Counts its changes.
    pub version: i64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

/// An account to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// By whom it signs in.
    pub kind: AccountKind,
    /// What it signs in as.
    pub login: String,
    /// Its name.
    pub name: String,
    /// Its mail address.
    pub address: Option<Address>,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// What is to be changed of an account.
#[derive(Clone)]
pub enum AccountChange {
    /// What it may do, from now on; ends its sessions.
    Grants(Vec<Grant>),
    /// Whether it may not sign in; ends its sessions and tokens.
    Disabled(bool),
    /// What it is called.
    Named {
        /// Its name.
        name: String,
        /// Its mail address.
        address: Option<Address>,
    },
}

/// Why an account is not made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Another account signs in so.
    #[error("there is an account with this login")]
    LoginTaken,
    /// A name or login is empty, or too long.
    #[error("a login and a name are needed, of at most {TEXT} characters each")]
    Unnamed,
    /// There are too many.
    #[error("there are as many as are kept; remove some first")]
    TooMany,
    /// There is no such account.
    #[error("there is no such account")]
    Missing,
    /// Somebody else changed it since it was read.
    #[error("somebody else changed this account since it was read")]
    Conflict,
    /// The store said no.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::Missing,
            error => Self::Store(error),
        }
    }
}

/// What a local account proves itself by.
#[derive(Clone)]
pub struct Credentials {
    /// The password's hash, as a PHC string.
    pub password: String,
    /// The secret of one-time codes.
    pub totp: Zeroizing<Vec<u8>>,
    /// SHA-256 of each recovery code that is left.
    pub recovery: Vec<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    login: String,
    name: String,
    address: Option<String>,
    grants: Vec<Grant>,
}

#[derive(Serialize, Deserialize)]
struct SealedCredentials {
    password: String,
    totp: Vec<u8>,
}

impl Custody {
    /// Makes an account; gives its id.
    pub async fn create_account(
        &self,
        new: NewAccount,
        actor: &str,
        at: SystemTime,
    ) -> Result<QueueId, AccountError> {
        let account = Account {
            id: Self::new_id()?,
            kind: new.kind,
            login: new.login.trim().to_owned(),
            name: new.name.trim().to_owned(),
            address: new.address,
            grants: new.grants,
            disabled: false,
            created_at: at,
            signed_in_at: None,
            version: 1,
        };
        let row = self.account_row(&account)?;
        let detail = granted(&account);
        let entry = NewEntry::of(actor, action::ACCOUNT_CREATED, &row.id, &detail, at);
        match self.database.create_account(&row, ACCOUNTS, entry).await? {
            Created::Done => Ok(account.id),
            Created::LoginTaken => Err(AccountError::LoginTaken),
            Created::TooMany => Err(AccountError::TooMany),
            Created::Missing => Err(AccountError::Missing),
        }
    }

    /// Every account, the oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows = self.database.accounts().await?;
        rows.iter().map(|row| self.open_account(row)).collect()
    }

    /// One account; [`StoreError::Missing`] when there is none.
    pub async fn account(&self, id: QueueId) -> Result<Account, StoreError> {
        self.open_account(&self.database.account(&id.to_string()).await?)
    }

    /// The account that signs in so.
    pub async fn account_by_login(
        &self,
        kind: AccountKind,
        login: &str,
    ) -> Result<Option<Account>, StoreError> {
        let login = self.login_mark(kind, login);
        let row = self.database.account_by_login(&login).await?;
        row.map(|row| self.open_account(&row)).transpose()
    }

    /// Changes an account; `version` is the one that was read.
    pub async fn change_account(
        &self,
        id: QueueId,
        version: i64,
        change: AccountChange,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), AccountError> {
        let mut account = self.account(id).await?;
        if account.version != version {
            return Err(AccountError::Conflict);
        }
        account.version += 1;
        let ends = Ends {
            sessions: !matches!(change, AccountChange::Named { .. }),
            tokens: matches!(change, AccountChange::Disabled(true)),
        };
        match change {
            AccountChange::Grants(grants) => account.grants = grants,
            AccountChange::Disabled(disabled) => account.disabled = disabled,
            AccountChange::Named { name, address } => {
                name.trim().clone_into(&mut account.name);
                account.address = address;
            }
        }
        let row = self.account_row(&account)?;
        let detail = granted(&account);
        let entry = NewEntry::of(actor, action::ACCOUNT_CHANGED, &row.id, &detail, at);
        if self.database.change_account(&row, ends, entry).await? {
            Ok(())
        } else {
            Err(AccountError::Conflict)
        }
    }

    /// Removes an account with all it has open. What it did stays in the ledger.
    pub async fn remove_account(
        &self,
        id: QueueId,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), AccountError> {
        let id = id.to_string();
        let entry = NewEntry::of(actor, action::ACCOUNT_REMOVED, &id, "{}", at);
        if self.database.remove_account(&id, entry).await? {
            Ok(())
        } else {
            Err(AccountError::Missing)
        }
    }

    /// Gives a local account a password, a secret of one-time codes and recovery codes, in the place of any before.
    pub async fn set_credentials(
        &self,
        id: QueueId,
        credentials: Credentials,
        actor: &str,
        at: SystemTime,
    ) -> Result<(), AccountError> {
        let account = self.account(id).await?;
        let mut plain = SealedCredentials {
            password: credentials.password,
            totp: credentials.totp.to_vec(),
        };
        let text = json_text(&plain).map(Zeroizing::new);
        plain.totp.zeroize();
        let plain = text?;
        let context = context("credential", id);
        let sealed = self
            .secret
            .seal(Kind::Credential, &context, plain.as_bytes());
        let row = CredentialRow {
            account: account.id.to_string(),
            sealed: sealed.map_err(StoreError::from)?,
            recovery: credentials
                .recovery
                .iter()
                .map(|one| one.to_vec())
                .collect(),
        };
        let entry = NewEntry::of(actor, action::CREDENTIALS_SET, &row.account, "{}", at);
        Ok(self.database.set_credentials(&row, entry).await?)
    }

    /// What an account proves itself by.
    pub async fn credentials(&self, id: QueueId) -> Result<Option<Credentials>, StoreError> {
        let Some(row) = self.database.credentials(&id.to_string()).await? else {
            return Ok(None);
        };
        let context = context("credential", id);
        let plain = self.secret.open(Kind::Credential, &context, &row.sealed)?;
        let plain: SealedCredentials = parse(&plain)?;
        let recovery = row.recovery.into_iter().map(|hash| {
            let hash = <[u8; 32]>::try_from(hash);
            hash.map_err(|_| StoreError::Corrupt("recovery code"))
        });
        Ok(Some(Credentials {
            password: plain.password,
            totp: Zeroizing::new(plain.totp),
            recovery: recovery.collect::<Result<_, _>>()?,
        }))
    }

    /// Takes the step of a one-time code; `false` when it, or a later one, was taken before.
    pub async fn use_totp_step(&self, id: QueueId, step: i64) -> Result<bool, StoreError> {
        self.database.use_totp_step(&id.to_string(), step).await
    }

    /// Takes a recovery code; `false` when there is none such left.
    pub async fn use_recovery(
        &self,
        id: QueueId,
        sha256: [u8; 32],
        at: SystemTime,
    ) -> Result<bool, StoreError> {
        let account = self.account(id).await?;
        let id = id.to_string();
        let entry = NewEntry::of(&account.name, action::RECOVERY_USED, &id, "{}", at);
        self.database.use_recovery(&id, &sha256, entry).await
    }

    fn login_mark(&self, kind: AccountKind, login: &str) -> [u8; 32] {
        let login = match kind {
            AccountKind::Local => login.trim().to_lowercase(),
            // Subjects of a provider differ by case (OpenID Connect Core section 2).
            AccountKind::Oidc => login.trim().to_owned(),
        };
        let parts = [b"account", kind.name().as_bytes(), login.as_bytes()];
        mac(&self.index, &parts)
    }

    fn account_row(&self, account: &Account) -> Result<AccountRow, AccountError> {
        let long = |text: &str| text.is_empty() || text.chars().nth(TEXT).is_some();
        // A provider's issuer and subject may have 255 characters each.
        if long(&account.name) || account.login.is_empty() || account.login.len() > 1024 {
            return Err(AccountError::Unnamed);
        }
        let plain = Sealed {
            login: account.login.clone(),
            name: account.name.clone(),
            address: account.address.as_ref().map(ToString::to_string),
            grants: account.grants.clone(),
        };
        let plain = Zeroizing::new(json_text(&plain)?);
        let context = bound_account(account.id, account.version, account.disabled);
        let sealed = self.secret.seal(Kind::Account, &context, plain.as_bytes());
        Ok(AccountRow {
            id: account.id.to_string(),
            kind: account.kind.name().to_owned(),
            login: self.login_mark(account.kind, &account.login).to_vec(),
            disabled: account.disabled,
            created_at: micros(account.created_at),
            signed_in_at: account.signed_in_at.map(micros),
            version: account.version,
            sealed: sealed.map_err(StoreError::from)?,
        })
    }

    pub(super) fn open_account(&self, row: &AccountRow) -> Result<Account, StoreError> {
        let id = parse_id(&row.id)?;
        let context = bound_account(id, row.version, row.disabled);
        let plain = self.secret.open(Kind::Account, &context, &row.sealed)?;
        let plain: Sealed = parse(&plain)?;
        let address = plain.address.as_deref().map(Address::parse).transpose();
        Ok(Account {
            id,
            kind: AccountKind::of(&row.kind)?,
            login: plain.login,
            name: plain.name,
            address: address.map_err(|_| StoreError::Corrupt("address of an account"))?,
            grants: plain.grants,
            disabled: row.disabled,
            created_at: time(row.created_at),
            signed_in_at: row.signed_in_at.map(time),
            version: row.version,
        })
    }

    pub(super) fn seal_label(&self, bound: &[u8], text: &str) -> Result<Vec<u8>, StoreError> {
        Ok(self.secret.seal(Kind::Label, bound, text.as_bytes())?)
    }

    pub(super) fn open_label(&self, bound: &[u8], sealed: &[u8]) -> Result<String, StoreError> {
        let plain = self.secret.open(Kind::Label, bound, sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| StoreError::Corrupt("label"))?;
        Ok(text.to_owned())
    }
}

pub(super) fn room(made: Created, id: QueueId) -> Result<QueueId, AccountError> {
    match made {
        Created::Done => Ok(id),
        Created::TooMany => Err(AccountError::TooMany),
        Created::LoginTaken | Created::Missing => Err(AccountError::Missing),
    }
}

/// What an account's sealed part is bound to: an older version, or one that might sign in, does not open in its place.
fn bound_account(id: QueueId, version: i64, disabled: bool) -> Vec<u8> {
    let version = version.to_be_bytes();
    let parts: [&[u8]; 4] = [b"account", id.as_bytes(), &version, &[u8::from(disabled)]];
    parts.concat()
}

/// What a sealed text is bound to.
pub(super) fn context(what: &str, id: QueueId) -> Vec<u8> {
    [what.as_bytes(), id.as_bytes().as_slice()].concat()
}

/// What the ledger says of an account: what it may do, and nobody's name.
fn granted(account: &Account) -> String {
    json!({
        "kind": account.kind.name(),
        "grants": account.grants,
        "disabled": account.disabled,
    })
    .to_string()
}

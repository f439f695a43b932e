//! Who may sign in: accounts, credentials, sessions, tokens of programs, saved views.

use async_trait::async_trait;

use super::NewEntry;
use crate::store::error::StoreError;

/// An account as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct AccountRow {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// A keyed hash.
    pub(crate) login: Vec<u8>,
    pub(crate) disabled: bool,
    pub(crate) created_at: i64,
    pub(crate) signed_in_at: Option<i64>,
    pub(crate) version: i64,
    pub(crate) sealed: Vec<u8>,
}

/// What becomes of what an account has open when it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) sessions: bool,
    pub(crate) tokens: bool,
}

/// What became of a new account, or of something new of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    Done,
    LoginTaken,
    TooMany,
    /// The account that it is for is not there, or may not sign in.
    Missing,
}

/// A password's hash and the secret of one-time codes, sealed, with the hashes of recovery codes.
#[derive(Debug)]
pub(crate) struct CredentialRow {
    pub(crate) account: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) recovery: Vec<Vec<u8>>,
}

/// A session as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SessionRow {
    pub(crate) token: Vec<u8>,
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) method: String,
    pub(crate) began_at: i64,
    pub(crate) seen_at: i64,
    pub(crate) ends_at: i64,
    pub(crate) sealed: Vec<u8>,
}

/// A program's token as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct TokenRow {
    pub(crate) token: Vec<u8>,
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) scopes: String,
    pub(crate) created_at: i64,
    pub(crate) used_at: Option<i64>,
    pub(crate) ends_at: i64,
    pub(crate) sealed: Vec<u8>,
}

/// A saved view as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ViewRow {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) created_at: i64,
    pub(crate) sealed: Vec<u8>,
}

/// Who may sign in. Each change has its entry in the ledger in the same transaction.
#[async_trait]
pub(crate) trait AccountStore {
    async fn create_account(
        &self,
        row: &AccountRow,
        at_most: i64,
        entry: NewEntry<'_>,
    ) -> Result<Created, StoreError>;

    async fn accounts(&self) -> Result<Vec<AccountRow>, StoreError>;

    async fn account(&self, id: &str) -> Result<AccountRow, StoreError>;

    async fn account_by_login(&self, login: &[u8]) -> Result<Option<AccountRow>, StoreError>;

    /// Puts `row`, whose version is the one it becomes, in the place of the version before; `false` when that is not the one there.
    async fn change_account(
        &self,
        row: &AccountRow,
        ends: Ends,
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError>;

    /// Removes an account with all it has; `false` when there is none.
    async fn remove_account(&self, id: &str, entry: NewEntry<'_>) -> Result<bool, StoreError>;

    /// Puts credentials in the place of any before, and ends the account's sessions; `Missing` when there is no account.
    async fn set_credentials(
        &self,
        row: &CredentialRow,
        entry: NewEntry<'_>,
    ) -> Result<(), StoreError>;

    async fn credentials(&self, account: &str) -> Result<Option<CredentialRow>, StoreError>;

    /// Whether this step is later than the last one used, which it then becomes.
    async fn use_totp_step(&self, account: &str, step: i64) -> Result<bool, StoreError>;

    /// Whether this recovery code was there; it is no longer.
    async fn use_recovery(
        &self,
        account: &str,
        sha256: &[u8],
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError>;

    /// Begins a session of an account that is there and not disabled (`false` otherwise); of more than `at_most` the oldest end, this one never.
    async fn begin_session(
        &self,
        row: &SessionRow,
        at_most: i64,
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError>;

    async fn session(&self, token: &[u8]) -> Result<Option<(SessionRow, AccountRow)>, StoreError>;

    async fn touch_session(&self, token: &[u8], at: i64) -> Result<(), StoreError>;

    async fn sessions_of(&self, account: &str) -> Result<Vec<SessionRow>, StoreError>;

    /// Ends sessions of an account: this one, or all but that one. No entry when none was there.
    async fn end_sessions(
        &self,
        account: &str,
        only: Option<&[u8]>,
        except: Option<&[u8]>,
        entry: NewEntry<'_>,
    ) -> Result<u64, StoreError>;

    /// Removes sessions and tokens that ended before.
    async fn sweep_sessions(&self, sessions: i64, tokens: i64) -> Result<u64, StoreError>;

    /// Whether the account had room for it.
    async fn create_token(
        &self,
        row: &TokenRow,
        at_most: i64,
        entry: NewEntry<'_>,
    ) -> Result<Created, StoreError>;

    /// Tokens of one account, or all.
    async fn api_tokens(&self, account: Option<&str>) -> Result<Vec<TokenRow>, StoreError>;

    async fn api_token(&self, token: &[u8]) -> Result<Option<(TokenRow, AccountRow)>, StoreError>;

    async fn touch_token(&self, token: &[u8], at: i64) -> Result<(), StoreError>;

    /// Whose token this is, by its id.
    async fn token_account(&self, id: &str) -> Result<Option<String>, StoreError>;

    /// Ends a token of this account; `false` when it has none such.
    async fn revoke_token(
        &self,
        account: &str,
        id: &str,
        entry: NewEntry<'_>,
    ) -> Result<bool, StoreError>;

    /// Whether the account had room for it.
    async fn save_view(&self, row: &ViewRow, at_most: i64) -> Result<Created, StoreError>;

    async fn views(&self, account: &str) -> Result<Vec<ViewRow>, StoreError>;

    async fn delete_view(&self, account: &str, id: &str) -> Result<bool, StoreError>;
}

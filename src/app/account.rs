//! `account`: who may sign in to the console, from the command line of the host.
//!
//! # Invariants
//! A local account is made here and nowhere else: whoever can read the master key may make one. What it proves itself by is printed once, when
//! it is made or reset, and can never be asked for again. No password is taken from the command line, where others see it.

use std::io::{self, Read as _, Write};
use std::time::SystemTime;

use clap::{Args, Subcommand, ValueEnum};
use qrcode::QrCode;
use qrcode::render::unicode;
use zeroize::Zeroizing;

use crate::app::cli::StorePlace;
use crate::app::config::Config;
use crate::app::holds::{login_name, rfc3339};
use crate::app::wiring::{self, StartError};
use crate::mail::{Address, QueueId};
use crate::policy::{Schools, SchoolsError};
use crate::store::credentials::{
    CredentialError, hash_password, new_password, new_totp, recovery_code, recovery_sha256,
    totp_uri,
};
use crate::store::{
    Account, AccountChange, AccountError, AccountKind, Credentials, Custody, Grant, NewAccount,
    Role, StoreError,
};

/// Recovery codes of an account.
const RECOVERY: usize = 10;

/// Bytes of a password that is read.
const PASSWORD_AT_MOST: u64 = 4_096;

/// Flags of `account`.
#[derive(Debug, Clone, Args)]
pub struct AccountArgs {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// What to do.
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Data protection officer: sees and decides everything.
    Dpo,
    /// Head or delegate: decides for the schools named.
    Head,
    /// IT: queue and health, never content.
    It,
    /// Auditor: reads, masked; changes nothing.
    Auditor,
    /// Sender: own held messages only.
    Sender,
}

impl RoleArg {
    fn role(self) -> Role {
        match self {
            Self::Dpo => Role::Dpo,
            Self::Head => Role::Head,
            Self::It => Role::It,
            Self::Auditor => Role::Auditor,
            Self::Sender => Role::Sender,
        }
    }
}

/// What can be done with accounts.
#[derive(Debug, Clone, Subcommand)]
pub enum AccountCommand {
    /// Make a local account with a password, one-time codes and recovery codes, which are printed once. For emergencies, and for trusts
    /// without Entra ID or Google Workspace.
    Create {
        /// What it signs in as: 1 to 32 small letters, digits, dots and hyphens.
        #[arg(long)]
        login: String,
        /// The name that stands in the ledger.
        #[arg(long)]
        name: String,
        /// Its mail address: for a sender, to know their own messages by.
        #[arg(long)]
        address: Option<String>,
        /// Its role.
        #[arg(long, value_enum)]
        role: RoleArg,
        /// The id of a school that the role is for. Repeatable; every school when none is given, but for a head.
        #[arg(long, value_name = "ID")]
        school: Vec<String>,
        /// Read the password from standard input instead of making one: one line of at least 14 characters.
        #[arg(long)]
        password_stdin: bool,
    },
    /// List accounts: login, name, roles, last sign-in.
    List,
    /// Give an account another role; ends its sessions.
    Grant {
        /// Its login or id.
        account: String,
        /// Its role from now on.
        #[arg(long, value_enum)]
        role: RoleArg,
        /// The id of a school that the role is for. Repeatable.
        #[arg(long, value_name = "ID")]
        school: Vec<String>,
    },
    /// Let an account no longer sign in; ends its sessions and tokens.
    Disable {
        /// Its login or id.
        account: String,
    },
    /// Let an account sign in again.
    Enable {
        /// Its login or id.
        account: String,
    },
    /// Give a local account a new password, one-time codes and recovery codes; ends its sessions.
    Reset {
        /// Its login or id.
        account: String,
        /// Read the password from standard input instead of making one.
        #[arg(long)]
        password_stdin: bool,
    },
    /// End every session of an account.
    SignOut {
        /// Its login or id.
        account: String,
    },
    /// Remove an account. What it did stays in the ledger.
    Remove {
        /// Its login or id.
        account: String,
    },
}

/// Why a command about accounts did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The store cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The account is not made or changed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password or the codes could not be made.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The list of schools cannot be used.
    #[error(transparent)]
    Schools(#[from] SchoolsError),
    /// A login is none.
    #[error(
        "--login: found `{0}`; allowed: 1 to 32 small letters, digits, dots and hyphens; write a short word such as `kim.ford`"
    )]
    Login(String),
    /// An address is none.
    #[error("--address: found `{0}`; allowed: an address such as kim@trust.example")]
    Address(String),
    /// A school is none of the trust's.
    #[error(
        "--school: found `{found}`; allowed: the ids of [[trust.schools]]: {known}; use one of them"
    )]
    School {
        /// What was given.
        found: String,
        /// What there is.
        known: String,
    },
    /// A head needs a school.
    #[error("--school: found none; allowed: one or more; a head decides for the schools named")]
    NoSchool,
    /// Another account signs in so.
    #[error(
        "--login: found `{0}`, and there is an account with this login; allowed: one that is free; `beadle account reset {0}` gives that account new secrets"
    )]
    Taken(String),
    /// There is no such account.
    #[error("{0}: no such account; `beadle account list` shows all")]
    Unknown(String),
    /// The account signs in elsewhere.
    #[error("{0}: signs in by the identity provider and has no password here")]
    NotLocal(String),
    /// Output failed.
    #[error("failed to write: {0}")]
    Write(#[from] io::Error),
}

impl AccountsError {
    /// Whether the command line is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Login(_)
                | Self::Address(_)
                | Self::School { .. }
                | Self::NoSchool
                | Self::Schools(_)
                | Self::Account(AccountError::Unnamed)
                | Self::Credential(CredentialError::Length | CredentialError::Name)
        )
    }

    /// Whether the answer is no rather than something being broken.
    pub fn is_no(&self) -> bool {
        matches!(
            self,
            Self::Unknown(_)
                | Self::Taken(_)
                | Self::NotLocal(_)
                | Self::Account(_)
                | Self::Store(StoreError::Missing)
        )
    }
}

/// Does what `account` was asked.
pub async fn run(
    args: &AccountArgs,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), AccountsError> {
    let store = wiring::open_store(config, false).await?;
    let (actor, now) = (login_name(), SystemTime::now());
    match &args.command {
        AccountCommand::Create {
            login,
            name,
            address,
            role,
            school,
            password_stdin,
        } => {
            let new = NewAccount {
                kind: AccountKind::Local,
                login: checked_login(login)?,
                name: name.clone(),
                address: address.as_deref().map(checked_address).transpose()?,
                grants: vec![grant(config, *role, school)?],
            };
            let password = password(*password_stdin)?;
            let made = prove(&password)?;
            let made_account = store.create_account(new, &actor, now).await;
            let id = made_account.map_err(|error| match error {
                AccountError::LoginTaken => AccountsError::Taken(login.clone()),
                error => error.into(),
            })?;
            let codes = give(&store, id, made, (&actor, now)).await?;
            print(&codes, (config, login), !*password_stdin, out)
        }
        AccountCommand::List => list(&store, out).await,
        AccountCommand::Grant {
            account,
            role,
            school,
        } => {
            let grants = vec![grant(config, *role, school)?];
            change(
                &store,
                account,
                AccountChange::Grants(grants),
                (&actor, now),
            )
            .await
        }
        AccountCommand::Disable { account } => {
            change(
                &store,
                account,
                AccountChange::Disabled(true),
                (&actor, now),
            )
            .await
        }
        AccountCommand::Enable { account } => {
            change(
                &store,
                account,
                AccountChange::Disabled(false),
                (&actor, now),
            )
            .await
        }
        AccountCommand::Reset {
            account,
            password_stdin,
        } => reset(&store, (config, account), *password_stdin, out).await,
        AccountCommand::SignOut { account } => {
            let found = find(&store, account).await?;
            let ended = store.end_sessions_of(found.id, None, &actor, now).await?;
            writeln!(out, "{ended} sessions ended")?;
            Ok(())
        }
        AccountCommand::Remove { account } => {
            let found = find(&store, account).await?;
            Ok(store.remove_account(found.id, &actor, now).await?)
        }
    }
}

async fn reset(
    store: &Custody,
    (config, account): (&Config, &str),
    from_stdin: bool,
    out: &mut dyn Write,
) -> Result<(), AccountsError> {
    let found = find(store, account).await?;
    if found.kind != AccountKind::Local {
        return Err(AccountsError::NotLocal(account.to_owned()));
    }
    let made = prove(&password(from_stdin)?)?;
    let by = (login_name(), SystemTime::now());
    let codes = give(store, found.id, made, (&by.0, by.1)).await?;
    print(&codes, (config, &found.login), !from_stdin, out)
}

/// What an account proves itself by, in clear: printed once and wiped.
pub struct Proof {
    password: Zeroizing<String>,
    hash: String,
    totp: Zeroizing<Vec<u8>>,
    recovery: Vec<Zeroizing<String>>,
}

impl Proof {
    /// The password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The recovery codes.
    pub fn recovery(&self) -> impl Iterator<Item = &str> {
        self.recovery.iter().map(|code| code.as_str())
    }
}

/// Makes what an account with this password proves itself by.
pub fn prove(password: &Zeroizing<String>) -> Result<Proof, CredentialError> {
    let codes = (0..RECOVERY).map(|_| recovery_code());
    Ok(Proof {
        password: password.clone(),
        hash: hash_password(password)?,
        totp: new_totp()?,
        recovery: codes.collect::<Result<_, _>>()?,
    })
}

/// Gives it to an account.
pub async fn give(
    store: &Custody,
    id: QueueId,
    proof: Proof,
    (actor, now): (&str, SystemTime),
) -> Result<Proof, AccountError> {
    let credentials = Credentials {
        password: proof.hash.clone(),
        totp: proof.totp.clone(),
        recovery: proof.recovery().map(recovery_sha256).collect(),
    };
    store.set_credentials(id, credentials, actor, now).await?;
    Ok(proof)
}

fn password(from_stdin: bool) -> Result<Zeroizing<String>, AccountsError> {
    if !from_stdin {
        return Ok(new_password()?);
    }
    let mut read = Zeroizing::new(String::new());
    io::stdin()
        .lock()
        .take(PASSWORD_AT_MOST)
        .read_to_string(&mut read)?;
    let line = read.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

fn print(
    proof: &Proof,
    (config, login): (&Config, &str),
    with_password: bool,
    out: &mut dyn Write,
) -> Result<(), AccountsError> {
    let trust = config.console.site.trust_name.as_str();
    let issuer = if trust.is_empty() {
        "Beadle".to_owned()
    } else {
        format!("Beadle {trust}")
    };
    let uri = totp_uri(&proof.totp, &issuer, login)?;
    writeln!(
        out,
        "This is shown once. Hand it over in person, or keep it in the safe.\n"
    )?;
    writeln!(out, "Login           {login}")?;
    if with_password {
        writeln!(out, "Password        {}", proof.password())?;
    }
    writeln!(out, "One-time codes  {}\n", uri.as_str())?;
    if let Ok(code) = QrCode::new(uri.as_bytes()) {
        let picture = code.render::<unicode::Dense1x2>().build();
        writeln!(out, "{picture}\n")?;
    }
    writeln!(
        out,
        "Recovery codes, each good once in the place of a one-time code:"
    )?;
    for code in proof.recovery() {
        writeln!(out, "  {code}")?;
    }
    Ok(())
}

async fn list(store: &Custody, out: &mut dyn Write) -> Result<(), AccountsError> {
    for account in store.accounts().await? {
        let roles = account.grants.iter().map(|grant| {
            if grant.schools.is_empty() {
                return grant.role.name().to_owned();
            }
            format!("{} of {}", grant.role.name(), grant.schools.join(" "))
        });
        let roles: Vec<String> = roles.collect();
        let last = account
            .signed_in_at
            .map_or_else(|| "never".to_owned(), rfc3339);
        let state = if account.disabled { "  DISABLED" } else { "" };
        // Of a provider's account the login is a long address and a number.
        let login = match account.kind {
            AccountKind::Local => account.login.clone(),
            AccountKind::Oidc => account.id.to_string(),
        };
        let (kind, name) = (account.kind.name(), &account.name);
        writeln!(
            out,
            "{login:<18}  {kind:<5}  {name}  [{}]  last sign-in {last}{state}",
            roles.join(", ")
        )?;
    }
    Ok(())
}

async fn change(
    store: &Custody,
    account: &str,
    change: AccountChange,
    (actor, now): (&str, SystemTime),
) -> Result<(), AccountsError> {
    let found = find(store, account).await?;
    let done = store.change_account(found.id, found.version, change, actor, now);
    Ok(done.await?)
}

async fn find(store: &Custody, text: &str) -> Result<Account, AccountsError> {
    if let Some(found) = store.account_by_login(AccountKind::Local, text).await? {
        return Ok(found);
    }
    let unknown = || AccountsError::Unknown(text.to_owned());
    let id: QueueId = text
        .trim()
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| unknown())?;
    match store.account(id).await {
        Err(StoreError::Missing) => Err(unknown()),
        found => Ok(found?),
    }
}

fn checked_login(login: &str) -> Result<String, AccountsError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    if (1..=32).contains(&login.len()) && login.chars().all(plain) {
        return Ok(login.to_owned());
    }
    Err(AccountsError::Login(login.to_owned()))
}

fn checked_address(text: &str) -> Result<Address, AccountsError> {
    Address::parse(text).map_err(|_| AccountsError::Address(text.to_owned()))
}

fn grant(config: &Config, role: RoleArg, schools: &[String]) -> Result<Grant, AccountsError> {
    let known = Schools::new(&config.trust.schools)?;
    // Without a configuration there is nothing to hold a school against: the demo's data folder has none.
    let unknown = schools.iter().find(|id| known.get(id).is_none());
    if let (Some(found), false) = (unknown, known.is_empty()) {
        let all: Vec<&str> = known.iter().map(|school| &*school.id).collect();
        return Err(AccountsError::School {
            found: found.clone(),
            known: all.join(", "),
        });
    }
    if role == RoleArg::Head && schools.is_empty() {
        return Err(AccountsError::NoSchool);
    }
    Ok(Grant {
        role: role.role(),
        schools: schools.to_vec(),
    })
}

/// An account for trying things out, good for so long as the data folder is.
pub async fn for_demo(store: &Custody) -> Result<Proof, AccountsError> {
    let new = NewAccount {
        kind: AccountKind::Local,
        login: "demo".to_owned(),
        name: "Demo reviewer".to_owned(),
        address: None,
        grants: vec![Grant {
            role: Role::Dpo,
            schools: Vec::new(),
        }],
    };
    let now = SystemTime::now();
    let made = prove(&new_password()?)?;
    let known = store.account_by_login(AccountKind::Local, "demo").await?;
    let id = match known {
        Some(account) => account.id,
        None => store.create_account(new, "system", now).await?,
    };
    Ok(give(store, id, made, ("system", now)).await?)
}

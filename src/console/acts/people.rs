//! Who may sign in, what they may do, and taking that away.
//!
//! # Invariants
//! Nobody changes their own grants, disables or removes themselves. The trust never loses its last data protection officer for the whole trust
//! who can sign in. Local accounts are made on the host alone. A change ends the sessions that it concerns, in the transaction of the store.
//!
//! # Known gaps
//! The last officer is looked for before the change and not in its transaction: two officers who remove each other in the same moment both
//! succeed, and the host makes another.

use super::moment::Moment;
use super::needs;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::mail::QueueId;
use crate::quarantine::desk::DeskError;
use crate::store::{
    Account, AccountChange, AccountError, Grant, HoldState, Role, Session, StoreError,
};

/// What somebody may do, for which schools.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct GrantLine {
    /// `dpo`, `head`, `it`, `auditor` or `sender`.
    pub role: &'static str,
    /// Ids of schools; empty for all of them.
    pub schools: Vec<String>,
}

impl GrantLine {
    pub(super) fn of(grant: &Grant) -> Self {
        Self {
            role: grant.role.name(),
            schools: grant.schools.clone(),
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PersonLine {
    /// Its id.
    pub id: String,
    /// The name that stands in the ledger.
    pub name: String,
    /// The address that their own mail comes from.
    pub address: Option<String>,
    /// `local` or `oidc`.
    pub kind: &'static str,
    /// What they may do.
    pub grants: Vec<GrantLine>,
    /// They may not sign in.
    pub disabled: bool,
    /// When they signed in last.
    pub signed_in_at: Option<Moment>,
    /// The version that a change must name.
    pub version: i64,
    /// It is the caller's own.
    pub own: bool,
}

/// A session of somebody.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct SessionLine {
    /// How they signed in.
    pub method: String,
    /// Since when.
    pub began_at: Moment,
    /// When it was used last.
    pub seen_at: Moment,
}

/// One account with its sessions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PersonPage {
    /// As in the list.
    pub line: PersonLine,
    /// When it was made.
    pub created_at: Moment,
    /// Where they are signed in.
    pub sessions: Vec<SessionLine>,
}

/// Everybody who may sign in, by name.
pub async fn list(site: &Site, caller: &Caller) -> Result<Vec<PersonLine>, Refusal> {
    needs(caller, Permission::SeePeople)?;
    let mut all = site.store().accounts().await?;
    all.sort_by_cached_key(|account| account.name.to_lowercase());
    Ok(all.iter().map(|account| line(caller, account)).collect())
}

/// One account.
pub async fn show(site: &Site, caller: &Caller, id: &str) -> Result<PersonPage, Refusal> {
    needs(caller, Permission::SeePeople)?;
    let account = site.store().account(parsed(id)?).await?;
    let sessions = site.store().sessions_of(account.id).await?;
    let session = |session: Session| SessionLine {
        method: session.method,
        began_at: session.began_at.into(),
        seen_at: session.seen_at.into(),
    };
    Ok(PersonPage {
        line: line(caller, &account),
        created_at: account.created_at.into(),
        sessions: sessions.into_iter().map(session).collect(),
    })
}

/// Gives somebody these grants in place of those they have; their sessions end.
pub async fn grant(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
    grants: Vec<Grant>,
) -> Result<(), Refusal> {
    let account = others(site, caller, id).await?;
    for grant in &grants {
        if grant.role == Role::Head && grant.schools.is_empty() {
            let text = "A head needs at least one school.";
            return Err(Refusal::Wrong(text.to_owned()));
        }
        let unknown = |school: &&String| site.schools().get(school).is_none();
        if grant.schools.iter().any(|school| unknown(&school)) {
            return Err(Refusal::Wrong("There is no such school.".to_owned()));
        }
    }
    if !grants.iter().any(is_whole_dpo) {
        keeps_an_officer(site, &account).await?;
    }
    let change = AccountChange::Grants(grants);
    changed(site, caller, (account.id, version), change).await
}

/// Lets somebody sign in, or no longer; their sessions and tokens end then.
pub async fn disable(
    site: &Site,
    caller: &Caller,
    (id, version): (&str, i64),
    disabled: bool,
) -> Result<(), Refusal> {
    let account = others(site, caller, id).await?;
    if disabled {
        keeps_an_officer(site, &account).await?;
    }
    let change = AccountChange::Disabled(disabled);
    changed(site, caller, (account.id, version), change).await
}

/// Removes an account.
pub async fn remove(site: &Site, caller: &Caller, id: &str) -> Result<(), Refusal> {
    let account = others(site, caller, id).await?;
    keeps_an_officer(site, &account).await?;
    let done = site
        .store()
        .remove_account(account.id, caller.actor(), site.now())
        .await;
    done.map_err(refused)
}

/// Ends every session of somebody.
pub async fn sign_out(site: &Site, caller: &Caller, id: &str) -> Result<u64, Refusal> {
    let account = others(site, caller, id).await?;
    let ended = site
        .store()
        .end_sessions_of(account.id, None, caller.actor(), site.now())
        .await?;
    Ok(ended)
}

/// Somebody else's account, for a caller who manages people.
async fn others(site: &Site, caller: &Caller, id: &str) -> Result<Account, Refusal> {
    needs(caller, Permission::ManagePeople)?;
    let account = site.store().account(parsed(id)?).await?;
    if account.id == caller.account.id {
        let text = "You cannot change your own account. Ask another data protection officer.";
        return Err(Refusal::Wrong(text.to_owned()));
    }
    Ok(account)
}

/// Refuses to lose the last data protection officer who can sign in.
async fn keeps_an_officer(site: &Site, leaving: &Account) -> Result<(), Refusal> {
    let all = site.store().accounts().await?;
    let mut others = all.iter().filter(|account| account.id != leaving.id);
    let was_one = !leaving.disabled && leaving.grants.iter().any(is_whole_dpo);
    if !was_one || others.any(|one| !one.disabled && one.grants.iter().any(is_whole_dpo)) {
        return Ok(());
    }
    Err(Refusal::Wrong(
        "This is the last data protection officer who can sign in. Make somebody else one first."
            .to_owned(),
    ))
}

fn is_whole_dpo(grant: &Grant) -> bool {
    grant.role == Role::Dpo && grant.schools.is_empty()
}

async fn changed(
    site: &Site,
    caller: &Caller,
    (id, version): (QueueId, i64),
    change: AccountChange,
) -> Result<(), Refusal> {
    let done = site
        .store()
        .change_account(id, version, change, caller.actor(), site.now())
        .await;
    done.map_err(refused)
}

fn refused(error: AccountError) -> Refusal {
    match error {
        AccountError::Store(error) => error.into(),
        AccountError::Missing => Refusal::Missing,
        AccountError::Conflict => Refusal::Desk(DeskError::Store(StoreError::Conflict {
            state: HoldState::Held,
            by: None,
        })),
        error => Refusal::Wrong(error.to_string()),
    }
}

fn parsed(id: &str) -> Result<QueueId, Refusal> {
    id.trim()
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| Refusal::Missing)
}

fn line(caller: &Caller, account: &Account) -> PersonLine {
    PersonLine {
        id: account.id.to_string(),
        name: account.name.clone(),
        address: account.address.as_ref().map(ToString::to_string),
        kind: account.kind.name(),
        grants: account.grants.iter().map(GrantLine::of).collect(),
        disabled: account.disabled,
        signed_in_at: account.signed_in_at.map(Moment),
        version: account.version,
        own: account.id == caller.account.id,
    }
}

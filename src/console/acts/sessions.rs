//! Where somebody is signed in, and what they may do, as they see it themselves.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::moment::Moment;
use super::needs;
use super::people::GrantLine;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// One of the caller's own sessions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnSession {
    /// Its id.
    pub id: String,
    /// The browser.
    pub device: String,
    /// How they proved who they are.
    pub method: String,
    /// When it began.
    pub began_at: Moment,
    /// When it was last used, to the minute.
    pub seen_at: Moment,
}

/// The caller's own account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnAccount {
    /// Its id.
    pub id: String,
    /// The name that stands in the ledger.
    pub name: String,
    /// The address that their own mail comes from.
    pub address: Option<String>,
    /// What they may do.
    pub grants: Vec<GrantLine>,
    /// Where they are signed in; tokens of programs are no sessions.
    pub sessions: Vec<OwnSession>,
}

/// The caller's own account and sessions.
pub async fn own(site: &Site, caller: &Caller) -> Result<OwnAccount, Refusal> {
    needs(caller, Permission::Own)?;
    let account = &caller.account;
    let sessions = site.store().sessions_of(account.id).await?;
    // One that was idle for too long, or came to its end, is there until it is swept.
    let idle = Duration::from_mins(site.config().idle_minutes.into());
    let now = site.now();
    let open = sessions
        .into_iter()
        .filter(|session| now < session.ends_at && now < session.seen_at + idle);
    Ok(OwnAccount {
        id: account.id.to_string(),
        name: account.name.clone(),
        address: account.address.as_ref().map(ToString::to_string),
        grants: account.grants.iter().map(GrantLine::of).collect(),
        sessions: open
            .map(|session| OwnSession {
                id: session.id.to_string(),
                device: session.device,
                method: session.method,
                began_at: session.began_at.into(),
                seen_at: session.seen_at.into(),
            })
            .collect(),
    })
}

/// Ends the caller's sessions, but not the one of this token; gives how many ended.
pub async fn end(site: &Site, caller: &Caller, keep: Option<[u8; 32]>) -> Result<u64, Refusal> {
    needs(caller, Permission::Own)?;
    let (account, now) = (caller.account.id, site.now());
    let ended = site
        .store()
        .end_sessions_of(account, keep, caller.actor(), now);
    Ok(ended.await?)
}

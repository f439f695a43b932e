//! Searches of the list that somebody keeps under a name, for themselves alone.
//!
//! # Invariants
//! A search is kept sealed, with the text that was searched for; only its owner reads or deletes it.

use serde::Serialize;
use utoipa::ToSchema;

use super::holds_wanted::HoldsWanted;
use crate::console::access::Permission;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::console::words::Words;
use crate::mail::QueueId;
use crate::store::AccountError;

/// How searches of this list begin among those of an account.
const BEGINS: &str = "holds?";

/// A saved search.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldSearch {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub wanted: HoldsWanted,
}

/// The caller's saved searches, the oldest first.
pub async fn list(site: &Site, caller: &Caller) -> Result<Vec<HoldSearch>, Refusal> {
    may(caller)?;
    let views = site.store().views(caller.account.id).await?;
    let own = views.into_iter().filter_map(|view| {
        Some(HoldSearch {
            wanted: HoldsWanted::parse(view.query.strip_prefix(BEGINS)?),
            id: view.id.to_string(),
            name: view.name,
        })
    });
    Ok(own.collect())
}

/// One of them.
pub async fn open(site: &Site, caller: &Caller, id: &str) -> Result<HoldSearch, Refusal> {
    let views = list(site, caller).await?;
    let view = views.into_iter().find(|view| view.id == id);
    view.ok_or(Refusal::Missing)
}

/// Keeps a search under a name; gives its id.
pub async fn save(
    site: &Site,
    caller: &Caller,
    name: &str,
    wanted: &HoldsWanted,
) -> Result<QueueId, Refusal> {
    may(caller)?;
    let words = Words::english();
    let query = format!("{BEGINS}{}", wanted.query());
    let saved = site
        .store()
        .save_view(caller.account.id, name, &query, site.now());
    match saved.await {
        Ok(id) => Ok(id),
        Err(AccountError::TooMany) => Err(Refusal::Wrong(words.say("views-many"))),
        Err(AccountError::Store(error)) => Err(error.into()),
        Err(_) => Err(Refusal::Wrong(words.say("views-unnamed"))),
    }
}

/// Deletes one of the caller's searches.
pub async fn delete(site: &Site, caller: &Caller, id: &str) -> Result<(), Refusal> {
    may(caller)?;
    let id: QueueId = id.parse().map_err(|_| Refusal::Missing)?;
    let deleted = site.store().delete_view(caller.account.id, id).await?;
    if deleted {
        Ok(())
    } else {
        Err(Refusal::Missing)
    }
}

fn may(caller: &Caller) -> Result<(), Refusal> {
    if caller.access.may(Permission::SeeHolds) {
        Ok(())
    } else {
        Err(Refusal::Denied)
    }
}

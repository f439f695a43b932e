//! The own account: tokens for programs, kept searches, where one is signed in.
//!
//! # Invariants
//! A token is good for a part of what its owner may do, for at most a year, and is shown once: what is kept is its hash. A token that a
//! program makes ends no later, and is good for no more, than the one it was made with, so that a token that leaked does not outlive
//! itself. Nobody sees another's tokens but whoever manages people, who may end them.
//!
//! # Standards
//! RFC 6750 (bearer tokens).

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::moment::Moment;
use super::needs;
use crate::console::access::Permission;
use crate::console::api::guard::BEGINS;
use crate::console::page::system;
use crate::console::refusal::Refusal;
use crate::console::scope::Scope;
use crate::console::signed::{Caller, sha256};
use crate::console::site::Site;
use crate::mail::QueueId;
use crate::store::{AccountError, ApiToken, NewToken};

/// The longest that a token is good for: whoever made it looks once a year whether it is still wanted.
pub const LONGEST: Duration = Duration::from_hours(24 * 366);

/// Tokens of everybody that are shown; a trust has a few dozen.
const SHOWN: usize = 1_000;

/// A token for a program, without the token.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct TokenLine {
    /// Its id.
    pub id: String,
    /// The id of its owner's account.
    pub owner: String,
    /// What it is for.
    pub label: String,
    /// What it is good for, where its owner may do it.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When it was last used, to the minute.
    pub used_at: Option<Moment>,
    /// When it ends.
    pub ends_at: Moment,
    /// It has ended.
    pub ended: bool,
}

/// Somebody's token among everybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedToken {
    /// The token.
    pub of: TokenLine,
    /// The name of its owner.
    pub owner: String,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct TokenInput {
    /// What it is for.
    pub label: String,
    /// Names of scopes.
    pub scopes: Vec<String>,
    /// The last day that it is good on, by the trust's clock.
    pub last_day: jiff::civil::Date,
}

/// A token that was made; the one time that it is seen.
#[derive(Clone, serde::Serialize, utoipa::ToSchema)]
pub struct MadeToken {
    /// Its id.
    pub id: String,
    /// The token. It cannot be had again.
    pub token: String,
    /// When it ends.
    pub ends_at: Moment,
}

impl std::fmt::Debug for MadeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeToken")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A search that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The scopes that a token of this caller can have: those of which they may do something.
pub fn scopes(caller: &Caller) -> impl Iterator<Item = Scope> + '_ {
    Scope::ALL
        .into_iter()
        .filter(|scope| scope.permissions().any(|one| caller.access.may(one)))
}

/// The caller's tokens, the latest first.
pub async fn tokens(site: &Site, caller: &Caller) -> Result<Vec<TokenLine>, Refusal> {
    needs(caller, Permission::Own)?;
    let tokens = site.store().tokens_of(caller.account.id).await?;
    Ok(tokens.into_iter().map(|one| line(site, one)).collect())
}

/// Everybody's tokens, the latest first.
pub async fn everybodys(site: &Site, caller: &Caller) -> Result<Vec<OwnedToken>, Refusal> {
    needs(caller, Permission::ManagePeople)?;
    let tokens = site.store().all_tokens().await?;
    let accounts = site.store().accounts().await?.into_iter();
    let names: BTreeMap<QueueId, String> = accounts.map(|one| (one.id, one.name)).collect();
    let tokens = tokens.into_iter().take(SHOWN).map(|one| OwnedToken {
        owner: names.get(&one.account).cloned().unwrap_or_default(),
        of: line(site, one),
    });
    Ok(tokens.collect())
}

/// Makes a token for the caller's programs.
pub async fn make_token(
    site: &Site,
    caller: &Caller,
    input: TokenInput,
) -> Result<MadeToken, Refusal> {
    needs(caller, Permission::Own)?;
    let say = |key: &str| Refusal::Wrong(crate::console::words::Words::english().say(key));
    if input.label.trim().is_empty() {
        return Err(say("token-wrong-label"));
    }
    let able: Vec<Scope> = scopes(caller).collect();
    let mut chosen = Vec::new();
    for name in &input.scopes {
        let scope = Scope::of(name).filter(|scope| able.contains(scope));
        let scope = scope.ok_or_else(|| say("token-wrong-scope"))?;
        if !chosen.contains(&scope.name().to_owned()) {
            chosen.push(scope.name().to_owned());
        }
    }
    if chosen.is_empty() {
        return Err(say("token-wrong-scopes"));
    }
    let now = site.now();
    let after = input.last_day.tomorrow().ok();
    let midnight = |day: jiff::civil::Date| site.time_zone().to_timestamp(day.at(0, 0, 0, 0));
    let ends_at = after.and_then(|day| midnight(day).ok()).map(system);
    let ends_at = ends_at.filter(|at| *at > now && *at <= now + LONGEST);
    let ends_at = ends_at.ok_or_else(|| say("token-wrong-end"))?;
    let ends_at = caller
        .access
        .ends_at()
        .map_or(ends_at, |own| ends_at.min(own));
    let mut random = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(random.as_mut_slice()).map_err(|_| Refusal::Fault("random"))?;
    let token = format!(
        "{BEGINS}{}",
        BASE64_URL_SAFE_NO_PAD.encode(random.as_slice())
    );
    let new = NewToken {
        sha256: sha256(token.as_bytes()),
        account: caller.account.id,
        label: input.label,
        scopes: chosen,
        ends_at,
    };
    let made = site.store().create_token(new, caller.actor(), now).await;
    match made {
        Ok(id) => Ok(MadeToken {
            id: id.to_string(),
            token,
            ends_at: ends_at.into(),
        }),
        Err(AccountError::TooMany) => Err(say("token-wrong-many")),
        Err(AccountError::Unnamed) => Err(say("token-wrong-label")),
        Err(error) => Err(error.into()),
    }
}

/// Ends a token of the caller's own.
pub async fn end_token(site: &Site, caller: &Caller, id: &str) -> Result<(), Refusal> {
    needs(caller, Permission::Own)?;
    let (own, id) = (caller.account.id, parsed(id)?);
    let ended = site
        .store()
        .revoke_token_of(own, id, caller.actor(), site.now());
    there(ended.await?)
}

/// Ends a token of anybody's.
pub async fn end_anybodys(site: &Site, caller: &Caller, id: &str) -> Result<(), Refusal> {
    needs(caller, Permission::ManagePeople)?;
    let ended = site
        .store()
        .revoke_token(parsed(id)?, caller.actor(), site.now());
    there(ended.await?)
}

fn there(done: bool) -> Result<(), Refusal> {
    if done { Ok(()) } else { Err(Refusal::Missing) }
}

/// The caller's kept searches, the oldest first.
pub async fn views(site: &Site, caller: &Caller) -> Result<Vec<ViewLine>, Refusal> {
    needs(caller, Permission::Own)?;
    let views = site.store().views(caller.account.id).await?;
    let views = views.into_iter().map(|view| ViewLine {
        id: view.id.to_string(),
        name: view.name,
    });
    Ok(views.collect())
}

/// Deletes a kept search of the caller's.
pub async fn delete_view(site: &Site, caller: &Caller, id: &str) -> Result<(), Refusal> {
    needs(caller, Permission::Own)?;
    let deleted = site.store().delete_view(caller.account.id, parsed(id)?);
    there(deleted.await?)
}

fn line(site: &Site, token: ApiToken) -> TokenLine {
    TokenLine {
        id: token.id.to_string(),
        owner: token.account.to_string(),
        label: token.label,
        scopes: token.scopes,
        created_at: token.created_at.into(),
        used_at: token.used_at.map(Moment::from),
        ended: token.ends_at <= site.now(),
        ends_at: token.ends_at.into(),
    }
}

fn parsed(id: &str) -> Result<QueueId, Refusal> {
    id.parse().map_err(|_| Refusal::Missing)
}

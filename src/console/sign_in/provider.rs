//! The way to an identity provider and back.
//!
//! # Invariants
//! What the browser must bring back is in a cookie of ten minutes that only we can write. Where the provider's settings give roles, its word
//! is the last at every sign-in; where they do not, roles are given in the console. An account stands for the provider's own name of a
//! person, never for an address, which passes from one to another.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::oidc::{Oidc, OidcError, Pending, Returned, SIGN_IN_WITHIN, SignedIn};
use super::{begin, device, leave_behind, own_path, set_cookie, welcome};
use crate::console::fields::Fields;
use crate::console::refusal::Refusal;
use crate::console::signed::cookie_of;
use crate::console::site::Site;
use crate::store::{Account, AccountChange, AccountKind, Grant, NewAccount, Role};

/// Who acts when an account is made or changed by a sign-in.
const ACTOR: &str = "system";

/// What the cookie holds.
#[derive(Serialize, Deserialize)]
struct Away {
    pending: Pending,
    next: String,
}

/// To the provider.
pub(super) async fn leave(
    State(site): State<Site>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let provider = provider(&site, &id)?;
    // Where a provider cannot be asked for that, going there and back must do.
    let anew = fields.has("again") && provider.asks_anew();
    let begun = provider.begin(site.now(), anew).await;
    let (url, pending) = begun.map_err(|error| refused(&id, &error))?;
    let away = Away {
        pending,
        next: own_path(fields.text("next")).to_owned(),
    };
    let value = sealed(&site, &away)?;
    let cookie = set_cookie(&site, cookie_name(&site), &value, Some(SIGN_IN_WITHIN));
    let mut response = Redirect::to(url.as_str()).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// And back.
pub(super) async fn come_back(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Refusal> {
    let provider = provider(&site, &id)?;
    let lost = || Refusal::Provider("try-again");
    let cookie = cookie_of(&headers, cookie_name(&site)).ok_or_else(lost)?;
    let away = opened(&site, &cookie).ok_or_else(lost)?;
    let some = |name: &str| fields.one(name).map(str::to_owned);
    let returned = Returned {
        code: some("code"),
        state: some("state"),
        iss: some("iss"),
        error: some("error"),
    };
    let who = provider.finish(&away.pending, &returned, site.now()).await;
    let who = who.map_err(|error| refused(&id, &error))?;
    let account = account(&site, provider, who).await?;
    if account.disabled {
        return Err(Refusal::Provider("not-allowed"));
    }
    let session = begin(&site, &account, "oidc", device(&headers)).await?;
    leave_behind(&site, &headers).await?;
    let mut response = welcome(&away.next, &session);
    let ended = set_cookie(
        &site,
        cookie_name(&site),
        "",
        Some(std::time::Duration::ZERO),
    );
    if let Ok(ended) = HeaderValue::from_str(&ended) {
        response.headers_mut().append(header::SET_COOKIE, ended);
    }
    Ok(response)
}

fn provider<'a>(site: &'a Site, id: &str) -> Result<&'a Oidc, Refusal> {
    let mut all = site.providers().iter();
    all.find(|provider| provider.id() == id)
        .ok_or(Refusal::Missing)
}

/// The account of whoever came back, made or brought up to date.
async fn account(site: &Site, provider: &Oidc, mut who: SignedIn) -> Result<Account, Refusal> {
    if who.name.trim().is_empty() {
        // The ledger needs a name for whoever acts.
        let address = who.address.as_ref().map(ToString::to_string);
        who.name = address.unwrap_or_else(|| format!("({} without a name)", provider.title()));
    }
    let store = site.store();
    let given: Vec<Grant> = who.grants.iter().filter_map(grant).collect();
    let known = store
        .account_by_login(AccountKind::Oidc, &who.login)
        .await?;
    let Some(known) = known else {
        let new = NewAccount {
            kind: AccountKind::Oidc,
            login: who.login,
            name: who.name,
            address: who.address,
            grants: given,
        };
        let id = store.create_account(new, ACTOR, site.now()).await?;
        return Ok(store.account(id).await?);
    };
    let mut account = known;
    if account.name != who.name || account.address != who.address {
        let named = AccountChange::Named {
            name: who.name,
            address: who.address,
        };
        account = changed(site, account, named).await?;
    }
    let grants = if provider.gives_roles() {
        given
    } else {
        let mut kept = account.grants.clone();
        kept.extend(
            given
                .into_iter()
                .filter(|one| !account.grants.contains(one)),
        );
        kept
    };
    if account.grants != grants {
        account = changed(site, account, AccountChange::Grants(grants)).await?;
    }
    Ok(account)
}

async fn changed(site: &Site, account: Account, change: AccountChange) -> Result<Account, Refusal> {
    let (id, version) = (account.id, account.version);
    site.store()
        .change_account(id, version, change, ACTOR, site.now())
        .await?;
    Ok(site.store().account(id).await?)
}

fn grant(given: &super::oidc::Granted) -> Option<Grant> {
    Some(Grant {
        role: Role::of(&given.role)?,
        schools: given.schools.clone(),
    })
}

/// What the person is told, and what the log says for whoever mends it.
fn refused(id: &str, error: &OidcError) -> Refusal {
    let word = match error {
        OidcError::TryAgain(_) => "try-again",
        OidcError::Down(_) => "down",
        OidcError::NotAllowed(_) => "not-allowed",
        OidcError::Misconfigured(_) => "misconfigured",
        OidcError::Untrusted(_) => "untrusted",
    };
    metrics::counter!("beadle_oidc_failures_total", "provider" => id.to_owned(), "why" => word)
        .increment(1);
    tracing::warn!(provider = id, %error, "console: a sign-in by a provider did not come about");
    Refusal::Provider(word)
}

fn cookie_name(site: &Site) -> &'static str {
    if site.origin().secure {
        "__Host-beadle-away"
    } else {
        "beadle-away"
    }
}

fn sealed(site: &Site, away: &Away) -> Result<String, Refusal> {
    let text = serde_json::to_vec(away).map_err(|_| Refusal::Fault("sign-in"))?;
    let text = BASE64_URL_SAFE_NO_PAD.encode(text);
    let mark = site.mark(&["away", &text]);
    Ok(format!("{text}.{mark}"))
}

fn opened(site: &Site, cookie: &str) -> Option<Away> {
    let (text, mark) = cookie.split_once('.')?;
    if !site.is_mark(&["away", text], mark) {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

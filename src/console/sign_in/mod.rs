//! Signing in and out: local accounts by password and one-time code, everybody else by the trust's identity provider.
//!
//! # Invariants
//! One answer for every wrong try, after the same work: nothing tells whether there is such an account. What is shown before a sign-in is the
//! sign-in. Where to go afterwards is a path of ours. Every sign-in is entered in the ledger in the transaction that begins it.

pub mod oidc;
mod provider;
pub mod throttle;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::sync::Semaphore;

use super::access::Permission;
use super::doors::Doors;
use super::fields::Fields;
use super::frame::Frame;
use super::origin;
use super::page::page;
use super::refusal::Refusal;
use super::serving::Peer;
use super::signed::{Signed, cookie_of, session_cookie, sha256};
use super::site::Site;
use crate::store::credentials::{recovery_sha256, verify_password, verify_totp};
use crate::store::{Account, AccountKind, NewSession};

/// Passwords checked at a time: each takes 64 MiB.
const CHECKED: usize = 2;

/// The ways in and out.
pub fn doors(doors: Doors) -> Doors {
    let checking = Arc::new(Semaphore::new(CHECKED));
    let sign_in = move |state, peer, headers, fields| {
        sign_in(state, peer, headers, fields, Arc::clone(&checking))
    };
    doors
        .open(Method::GET, "/sign-in", form)
        .open(Method::POST, "/sign-in", sign_in)
        .open(Method::GET, "/sign-in/{provider}", provider::leave)
        .open(Method::GET, "/sign-in/{provider}/back", provider::come_back)
        .post("/sign-out", Permission::Own, sign_out)
        .post("/sign-out-everywhere", Permission::Own, sign_out_everywhere)
}

/// Another way to sign in than by a local account; where to go afterwards is added by the page.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Where it begins.
    pub href: String,
    /// What it is called.
    pub title: String,
}

#[derive(askama::Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    providers: Vec<Provider>,
    next: String,
    login: String,
    error: Option<String>,
    /// They are signed in, and asked to show again that it is them.
    again: bool,
}

/// The ways to sign in that are configured.
fn offered(site: &Site) -> Vec<Provider> {
    let providers = site.providers().iter();
    providers
        .map(|provider| Provider {
            href: format!("/sign-in/{}", provider.id()),
            title: provider.title().to_owned(),
        })
        .collect()
}

async fn form(State(site): State<Site>, fields: Fields) -> Response {
    let mut frame = Frame::outside(&site, "sign-in-title").after(fields.one("done"));
    frame.nav.clear();
    page(&SignInPage {
        frame,
        providers: offered(&site),
        next: own_path(fields.text("next")).to_owned(),
        login: String::new(),
        error: None,
        again: fields.has("again"),
    })
}

async fn sign_in(
    State(site): State<Site>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    fields: Fields,
    checking: Arc<Semaphore>,
) -> Result<Response, Refusal> {
    let client = origin::client(&site, peer.ip(), &headers);
    let login = fields.text("login").to_lowercase();
    // Counted before it is checked: of many at the same time no more are checked than one after the other.
    if let Some(wait) = site.throttle().attempt(&login, client, Instant::now()) {
        return Err(Refusal::Throttled {
            seconds: wait.as_secs().max(1),
        });
    }
    match known(&site, &login, &fields, &checking).await? {
        Some((account, method)) => {
            site.throttle().right(&login, client);
            let device = device(&headers);
            let cookie = begin(&site, &account, method, device).await?;
            leave_behind(&site, &headers).await?;
            Ok(welcome(own_path(fields.text("next")), &cookie))
        }
        None => Ok(wrong(&site, &fields)),
    }
}

/// Says the one thing that is said.
fn wrong(site: &Site, fields: &Fields) -> Response {
    metrics::counter!("beadle_sign_in_failed_total").increment(1);
    let frame = Frame::outside(site, "sign-in-title");
    let error = Some(frame.words.say("sign-in-wrong"));
    let mut response = page(&SignInPage {
        frame,
        providers: offered(site),
        next: own_path(fields.text("next")).to_owned(),
        login: fields.text("login").to_owned(),
        error,
        again: fields.has("again"),
    });
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

/// Whose login, password and code these are, and by which second factor.
async fn known(
    site: &Site,
    login: &str,
    fields: &Fields,
    checking: &Arc<Semaphore>,
) -> Result<Option<(Account, &'static str)>, Refusal> {
    let store = site.store();
    let account = store.account_by_login(AccountKind::Local, login).await?;
    let account = account.filter(|account| !account.disabled);
    let credentials = match &account {
        Some(account) => store.credentials(account.id).await?,
        None => None,
    };
    let password = fields.one("password").unwrap_or_default().to_owned();
    let phc = credentials.as_ref().map(|one| one.password.clone());
    let busy = |_| Refusal::Fault("sign-in");
    let place = Arc::clone(checking).acquire_owned().await.map_err(busy)?;
    let right = tokio::task::spawn_blocking(move || {
        let _place = place;
        // An account that is not there takes as long as one that is.
        verify_password(phc.as_deref(), &password)
    });
    let right = right.await.map_err(|_| Refusal::Fault("sign-in"))?;
    let (Some(account), Some(credentials), true) = (account, credentials, right) else {
        return Ok(None);
    };
    let code: String = fields
        .text("code")
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let now = site.now();
    if let Some(step) = verify_totp(&credentials.totp, &code, now) {
        let fresh = store.use_totp_step(account.id, step).await?;
        return Ok(fresh.then_some((account, "password+totp")));
    }
    let spent = store
        .use_recovery(account.id, recovery_sha256(&code), now)
        .await?;
    Ok(spent.then_some((account, "recovery")))
}

/// Begins a session and gives its cookie.
pub async fn begin(
    site: &Site,
    account: &Account,
    method: &'static str,
    device: String,
) -> Result<String, Refusal> {
    let mut token = [0; 32];
    getrandom::fill(&mut token).map_err(|_| Refusal::Fault("random"))?;
    let token = BASE64_URL_SAFE_NO_PAD.encode(token);
    let hours = u64::from(site.config().session_hours);
    let at: SystemTime = site.now();
    let session = NewSession {
        token_sha256: sha256(token.as_bytes()),
        account: account.id,
        method: method.to_owned(),
        device,
        at,
        ends_at: at + Duration::from_hours(hours),
    };
    site.store().begin_session(session).await?;
    Ok(set_cookie(site, session_cookie(site), &token, None))
}

/// Ends the session that this browser had before: whoever signs in again leaves none open behind them.
pub async fn leave_behind(site: &Site, headers: &HeaderMap) -> Result<(), Refusal> {
    if let Some(before) = cookie_of(headers, session_cookie(site)) {
        let token = sha256(before.as_bytes());
        site.store().end_session(token, site.now()).await?;
    }
    Ok(())
}

/// The answer that sets a session's cookie and leads on.
pub fn welcome(next: &str, cookie: &str) -> Response {
    let mut response = Redirect::to(next).into_response();
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A cookie for us alone, until the browser closes or so long.
pub fn set_cookie(site: &Site, name: &str, value: &str, lasts: Option<Duration>) -> String {
    let mut cookie = cookie::Cookie::build((name.to_owned(), value.to_owned()))
        .path("/")
        .http_only(true)
        // A sign-in comes back from another site's page: `Strict` would leave the cookie out.
        .same_site(cookie::SameSite::Lax)
        .secure(site.origin().secure);
    if let Some(lasts) = lasts {
        let seconds = i64::try_from(lasts.as_secs()).unwrap_or(0);
        cookie = cookie.max_age(cookie::time::Duration::seconds(seconds));
    }
    cookie.build().to_string()
}

/// What signs in, as it calls itself.
pub fn device(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    agent
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}

/// A path of ours, or the front page: never an address elsewhere.
pub fn own_path(wanted: &str) -> &str {
    let inside = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && !wanted.contains('\\')
        && !wanted.chars().any(char::is_control);
    if inside { wanted } else { "/" }
}

async fn sign_out(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    let now = site.now();
    site.store().end_session(signed.token_sha256, now).await?;
    Ok(goodbye(&site))
}

async fn sign_out_everywhere(
    State(site): State<Site>,
    signed: Signed,
) -> Result<Response, Refusal> {
    let (account, now) = (signed.account.id, site.now());
    site.store()
        .end_sessions_of(account, None, signed.actor(), now)
        .await?;
    Ok(goodbye(&site))
}

fn goodbye(site: &Site) -> Response {
    let ended = set_cookie(site, session_cookie(site), "", Some(Duration::ZERO));
    let mut response = welcome("/sign-in?done=signed-out", &ended);
    // What the browser kept of pages seen is for nobody who comes after.
    response.headers_mut().insert(
        "clear-site-data",
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_sign_in_one_goes_to_a_page_of_ours() {
        assert_eq!(own_path("/holds?state=held"), "/holds?state=held");
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "holds",
            "/\t/evil.example",
        ] {
            assert_eq!(own_path(elsewhere), "/", "{elsewhere}");
        }
    }
}

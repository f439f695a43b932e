//! Who is signed in: a random token in a cookie, of which the store keeps the hash.
//!
//! # Invariants
//! A session ends after its hours, after its idle minutes, when it is signed out, and when the account is disabled or its grants change: the
//! store says so on every request. The token of a form belongs to one session and is compared in constant time.
//!
//! # Standards
//! RFC 6265bis (`__Host-` cookies); OWASP session management: 256 random bits, only the hash kept.

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use std::time::Duration;

use super::access::Access;
use super::origin::path_of_referer;
use super::refusal::Refusal;
use super::site::Site;
use crate::quarantine::desk::Desk;
use crate::store::{Account, Session};

/// How old a sign-in may be for what gives power beyond it: a token for a program, another's roles. It is what somebody finds who
/// comes to a browser that was left open.
pub const FRESH: Duration = Duration::from_mins(15);

/// Whoever asks for something: somebody at a page, or their program. Acts are done for a caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub account: Account,
    /// What they may do.
    pub access: Access,
}

impl Caller {
    /// The name that goes into the ledger.
    pub fn actor(&self) -> &str {
        &self.account.name
    }

    /// The desk with this person at it.
    pub fn desk(&self, site: &Site) -> Desk {
        let login = format!("{}:{}", self.account.kind.name(), self.account.login);
        site.desk().clone().signed_in_as(&login)
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who, and what they may do.
    pub caller: Caller,
    /// Since when and until when.
    pub session: Session,
    /// The hash of the session's token.
    pub token_sha256: [u8; 32],
    /// What every form of this session sends back.
    pub csrf: String,
}

impl Signed {
    /// Whose session a request belongs to.
    pub async fn of(site: &Site, parts: &Parts) -> Result<Self, Refusal> {
        let sign_in = || Refusal::SignIn {
            next: back_to(parts, site),
        };
        let token = cookie_of(&parts.headers, session_cookie(site)).ok_or_else(sign_in)?;
        let token_sha256 = sha256(token.as_bytes());
        let idle = Duration::from_mins(u64::from(site.config().idle_minutes));
        let found = site.store().session(token_sha256, site.now(), idle).await?;
        let (session, account) = found.ok_or_else(sign_in)?;
        Ok(Self {
            csrf: form_token(site, token_sha256),
            caller: Caller {
                access: Access::of(&account),
                account,
            },
            session,
            token_sha256,
        })
    }

    /// Refuses somebody whose sign-in is older than such a thing may be done by.
    pub fn is_fresh(&self, site: &Site, parts: &Parts) -> Result<(), Refusal> {
        // A form that was shown in time may be filled in.
        let within = if parts.method == Method::GET {
            FRESH
        } else {
            2 * FRESH
        };
        if site.now() < self.session.began_at + within {
            return Ok(());
        }
        Err(Refusal::Stale {
            next: back_to(parts, site),
        })
    }

    /// Whether this is the token of a form of this session.
    pub fn is_form_of(&self, site: &Site, token: &str) -> bool {
        site.is_mark(&["form", &hex(&self.token_sha256)], token)
    }
}

impl std::ops::Deref for Signed {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<S: Sync> FromRequestParts<S> for Signed {
    type Rejection = Refusal;

    /// Whom the door let in.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        // A handler behind an open door asks for nobody.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(Refusal::Fault("no door"))
    }
}

/// Where to come back to after a sign-in: what was to be seen; what was to be done is not done again.
fn back_to(parts: &Parts, site: &Site) -> String {
    let wanted = parts.uri.path_and_query();
    match wanted {
        Some(wanted) if parts.method == Method::GET => wanted.as_str().to_owned(),
        // The page that the form stood on.
        _ => path_of_referer(site, &parts.headers).unwrap_or_else(|| "/".to_owned()),
    }
}

/// The name of the session's cookie. Browsers hold `__Host-` to TLS, this host alone and every path.
pub fn session_cookie(site: &Site) -> &'static str {
    if site.origin().secure {
        "__Host-beadle"
    } else {
        "beadle"
    }
}

/// The value of a cookie.
pub fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(cookie::Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

/// The token of the forms of a session.
pub fn form_token(site: &Site, token_sha256: [u8; 32]) -> String {
    site.mark(&["form", &hex(&token_sha256)])
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

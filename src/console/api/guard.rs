//! Whose token a request carries, and whether it is good for what it asks.

use axum::extract::{FromRequestParts, Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};

use crate::console::access::{Access, Permission};
use crate::console::doors::{Doors, Key, by_method};
use crate::console::refusal::Refusal;
use crate::console::scope::Scope;
use crate::console::signed::{Caller, sha256};
use crate::console::site::Site;

/// How a token begins, so that one that leaked is recognised where it lies.
pub const BEGINS: &str = "beadle_";

impl Doors {
    /// A route for programs.
    #[must_use]
    pub fn api<H, T>(
        self,
        method: Method,
        path: &'static str,
        permission: Permission,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Site>,
        T: 'static,
    {
        let checked = by_method(&method, handler).route_layer(middleware::from_fn_with_state(
            self.site().clone(),
            move |State(site): State<Site>, request: Request, next: Next| async move {
                let passed = go_through(&site, permission, request, next).await;
                passed.unwrap_or_else(challenged)
            },
        ));
        self.add(method, path, Key::Token(permission), checked)
    }
}

/// RFC 6750 section 3: who has no token is told that one is needed, rather than led to a page.
fn challenged(refusal: Refusal) -> Response {
    let unknown = matches!(refusal, Refusal::NoToken);
    let mut response = refusal.into_response();
    if unknown {
        let challenge = HeaderValue::from_static("Bearer realm=\"beadle\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

async fn go_through(
    site: &Site,
    permission: Permission,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let caller = caller(site, &parts).await?;
    if !caller.access.may(permission) {
        return Err(Refusal::Denied);
    }
    parts.extensions.insert(caller);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Whose program asks, with what its token is good for.
async fn caller(site: &Site, parts: &Parts) -> Result<Caller, Refusal> {
    let header = parts.headers.get(header::AUTHORIZATION);
    let given = header.and_then(|value| value.to_str().ok());
    let token = given
        .and_then(|given| given.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| token.starts_with(BEGINS))
        .ok_or(Refusal::NoToken)?;
    let hash = sha256(token.as_bytes());
    let found = site.store().api_token(hash, site.now()).await?;
    let (token, account) = found.ok_or(Refusal::NoToken)?;
    let scopes = token.scopes.iter().filter_map(|name| Scope::of(name));
    Ok(Caller {
        access: Access::of(&account)
            .only(scopes.flat_map(Scope::permissions))
            .until(token.ends_at),
        account,
    })
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    /// Whose program the door let in.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or(Refusal::Fault("no door"))
    }
}

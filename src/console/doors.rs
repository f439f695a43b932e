//! Every way into the console, each with what it takes to go through.
//!
//! # Invariants
//! A route exists only with a permission beside it, or as one of the few that anybody may open; the list of all of them is what the tests of
//! denials walk. The check comes before the handler runs: a session that is not there, a permission that no grant gives, a form that was not
//! ours. What it takes for one hold of one school is checked by the act itself.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;

use super::access::Permission;
use super::fields::{self, Fields};
use super::origin;
use super::refusal::{Refusal, Refused};
use super::signed::Signed;
use super::site::Site;

/// How a route is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Anybody may: the sign-in and what it looks like.
    Open,
    /// Somebody signed in to whom a role allows it, for one school at least.
    Needs(Permission),
    /// The same, and they signed in minutes ago: what gives somebody power for longer than a session lasts.
    Fresh(Permission),
    /// The same for a program with a token.
    Token(Permission),
}

impl Key {
    /// What a role must allow; none for what anybody may open.
    pub fn permission(self) -> Option<Permission> {
        match self {
            Self::Open => None,
            Self::Needs(permission) | Self::Fresh(permission) | Self::Token(permission) => {
                Some(permission)
            }
        }
    }
}

/// A route.
#[derive(Debug, Clone)]
pub struct Door {
    /// GET or POST (or another, for programs).
    pub method: Method,
    /// Its path as axum writes it.
    pub path: &'static str,
    /// What it takes.
    pub key: Key,
}

/// All routes, as they are made.
pub struct Doors {
    site: Site,
    router: Router<Site>,
    list: Vec<Door>,
}

impl Doors {
    /// No routes yet.
    pub fn new(site: Site) -> Self {
        Self {
            site,
            router: Router::new(),
            list: Vec::new(),
        }
    }

    /// A page that anybody may open.
    #[must_use]
    pub fn open<H, T>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: 'static,
    {
        let route = by_method(&method, handler);
        let checked = route.route_layer(middleware::from_fn_with_state(
            self.site.clone(),
            |State(site): State<Site>, request: Request, next: Next| async move {
                answered(come_in(&site, request, next).await)
            },
        ));
        self.add(method, path, Key::Open, checked)
    }

    /// A page that shows something.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: 'static,
    {
        self.guarded(Method::GET, path, Key::Needs(permission), handler)
    }

    /// A form that does something.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: 'static,
    {
        self.guarded(Method::POST, path, Key::Needs(permission), handler)
    }

    /// A page that somebody who signed in minutes ago may open: it leads to what only they may do.
    #[must_use]
    pub fn get_fresh<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: 'static,
    {
        self.guarded(Method::GET, path, Key::Fresh(permission), handler)
    }

    /// A form that gives power for longer than a session lasts: whoever sends it signed in minutes ago.
    #[must_use]
    pub fn post_fresh<H, T>(self, path: &'static str, permission: Permission, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: 'static,
    {
        self.guarded(Method::POST, path, Key::Fresh(permission), handler)
    }

    fn guarded<H, T>(self, method: Method, path: &'static str, key: Key, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: 'static,
    {
        let route = by_method(&method, handler);
        let checked = route.route_layer(middleware::from_fn_with_state(
            self.site.clone(),
            move |State(site): State<Site>, request: Request, next: Next| async move {
                answered(go_through(&site, key, request, next).await)
            },
        ));
        self.add(method, path, key, checked)
    }

    /// A route that is checked by a layer of its own.
    #[must_use]
    pub fn add(
        mut self,
        method: Method,
        path: &'static str,
        key: Key,
        route: MethodRouter<Site, Infallible>,
    ) -> Self {
        self.router = self.router.route(path, route);
        self.list.push(Door { method, path, key });
        self
    }

    /// What every request has at hand.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Every route.
    pub fn list(&self) -> &[Door] {
        &self.list
    }

    /// The routes, to be served.
    pub fn router(self) -> Router<Site> {
        self.router
    }
}

/// A handler for one method.
pub(super) fn by_method<H, T>(method: &Method, handler: H) -> MethodRouter<Site, Infallible>
where
    H: Handler<T, Site>,
    T: 'static,
{
    let filter = axum::routing::MethodFilter::try_from(method.clone());
    // Every method that is used here has a filter; another would answer to GET alone.
    axum::routing::on(filter.unwrap_or(axum::routing::MethodFilter::GET), handler)
}

fn answered(done: Result<Response, Refusal>) -> Response {
    done.unwrap_or_else(Refusal::into_response)
}

/// Anybody: a form must still come from a page of ours.
async fn come_in(site: &Site, request: Request, next: Next) -> Result<Response, Refusal> {
    let request = if is_safe(request.method()) {
        request
    } else {
        origin::is_ours(site, request.headers())?;
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(fields::read(body).await?);
        Request::from_parts(parts, Body::empty())
    };
    Ok(next.run(request).await)
}

/// Somebody signed in who may.
async fn go_through(
    site: &Site,
    key: Key,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let signed = Signed::of(site, &parts).await?;
    if !key.permission().is_some_and(|one| signed.access.may(one)) {
        return Ok(known(Refusal::Denied.into_response(), &signed));
    }
    let mut body = Some(body);
    if !is_safe(&parts.method) {
        origin::is_ours(site, &parts.headers)?;
        let fields: Fields = fields::read(body.take().unwrap_or_default()).await?;
        if !signed.is_form_of(site, fields.one("csrf").unwrap_or_default()) {
            return Err(Refusal::Foreign);
        }
        parts.extensions.insert(fields);
    }
    if matches!(key, Key::Fresh(_)) {
        signed.is_fresh(site, &parts)?;
    }
    parts.extensions.insert(signed.clone());
    let request = Request::from_parts(parts, body.unwrap_or_default());
    Ok(known(next.run(request).await, &signed))
}

/// The answer, with who is signed in beside a refusal, so that its page has their navigation.
fn known(mut response: Response, signed: &Signed) -> Response {
    if let Some(refused) = response.extensions_mut().get_mut::<Refused>() {
        refused.signed = Some(Box::new(signed.clone()));
    }
    response
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

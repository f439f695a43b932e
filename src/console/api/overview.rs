//! What waits, for programs.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use utoipa::OpenApi;

use super::body::given;
use crate::console::access::Permission;
use crate::console::acts::health::Health;
use crate::console::acts::overview::Overview;
use crate::console::acts::{health, overview};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(show, healthy))]
pub(super) struct Document;

/// The first page's figures, and how things stand.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(Method::GET, "/api/v1/overview", Permission::SeeHolds, show)
        .api(
            Method::GET,
            "/api/v1/health",
            Permission::SeeHealth,
            healthy,
        )
}

/// What waits now: how much, since when, where, why.
#[utoipa::path(
    get, path = "/overview", tag = "overview",
    responses((status = 200, body = Overview))
)]
async fn show(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(overview::look(&site, &caller).await?))
}

/// How the service stands; what is not well comes first.
#[utoipa::path(
    get, path = "/health", tag = "service",
    responses((status = 200, body = Health))
)]
async fn healthy(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(health::look(&site, &caller).await?))
}

//! Whom the relay looks for, for programs: numbers, never a name.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use utoipa::OpenApi;

use super::body::given;
use super::job::JobAnswer;
use crate::console::access::Permission;
use crate::console::acts::roster::{self, RosterCount, RosterNow};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(show, count, counted))]
pub(super) struct Document;

/// The roster and its count.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(Method::GET, "/api/v1/roster", Permission::SeeRoster, show)
        .api(
            Method::POST,
            "/api/v1/roster/count",
            Permission::SeeRoster,
            count,
        )
        .api(
            Method::GET,
            "/api/v1/roster/count",
            Permission::SeeRoster,
            counted,
        )
}

/// What the relay works with: how many pupils, from which files, how old.
#[utoipa::path(
    get, path = "/roster", tag = "roster",
    responses((status = 200, body = RosterNow))
)]
async fn show(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(roster::now(&site, &caller)?))
}

/// Has the files read and counted.
#[utoipa::path(
    post, path = "/roster/count", tag = "roster",
    responses((status = 202, body = JobAnswer<RosterCount>))
)]
async fn count(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    roster::count(&site, &caller).await?;
    Ok(JobAnswer::begun(
        roster::last_count(&site, &caller)?.as_ref(),
    ))
}

/// What counting came to last.
#[utoipa::path(
    get, path = "/roster/count", tag = "roster",
    responses((status = 200, body = JobAnswer<RosterCount>))
)]
async fn counted(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(JobAnswer::looked_at(
        roster::last_count(&site, &caller)?.as_ref(),
    ))
}

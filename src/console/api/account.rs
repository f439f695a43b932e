//! The own account, for programs.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::body::given;
use crate::console::access::Permission;
use crate::console::acts::sessions::{self, OwnAccount};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(show, end))]
pub(super) struct Document;

/// The own account.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(Method::GET, "/api/v1/account", Permission::Own, show)
        .api(
            Method::POST,
            "/api/v1/account/sessions/end",
            Permission::Own,
            end,
        )
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
struct SessionsEnded {
    /// So many.
    sessions: u64,
}

/// Whose token this is, what they may do, where they are signed in.
#[utoipa::path(
    get, path = "/account", tag = "account",
    responses((status = 200, body = OwnAccount))
)]
async fn show(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(sessions::own(&site, &caller).await?))
}

/// Ends every session of the caller; tokens stay.
#[utoipa::path(
    post, path = "/account/sessions/end", tag = "account",
    responses((status = 200, body = SessionsEnded))
)]
async fn end(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    let sessions = sessions::end(&site, &caller, None).await?;
    Ok(given(SessionsEnded { sessions }))
}

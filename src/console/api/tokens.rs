//! The caller's tokens, for programs: a program that renews its own before it ends.

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::body::{Given, Sent};
use crate::console::access::Permission;
use crate::console::acts::account::{self, MadeToken, TokenInput, TokenLine};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list, make, end))]
pub(super) struct Document;

/// Tokens.
pub(super) fn doors(doors: Doors) -> Doors {
    let own = Permission::Own;
    doors
        .api(Method::GET, "/api/v1/tokens", own, list)
        .api(Method::POST, "/api/v1/tokens", own, make)
        .api(Method::DELETE, "/api/v1/tokens/{id}", own, end)
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// What it is for.
    label: String,
    /// What it is good for: no more than the token that makes it.
    scopes: Vec<String>,
    /// The last day that it is good on, within a year; it ends no later than the token that makes it.
    #[schema(value_type = String, format = Date)]
    last_day: jiff::civil::Date,
}

/// The caller's tokens, the latest first.
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = Vec<TokenLine>)))]
async fn list(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(Given(account::tokens(&site, &caller).await?).into_response())
}

/// Makes a token. It is in this answer and cannot be had again.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = Wanted, responses((status = 201, body = MadeToken)))]
async fn make(
    State(site): State<Site>,
    caller: Caller,
    Sent(wanted): Sent<Wanted>,
) -> Result<Response, Refusal> {
    let input = TokenInput {
        label: wanted.label,
        scopes: wanted.scopes,
        last_day: wanted.last_day,
    };
    let made = account::make_token(&site, &caller, input).await?;
    Ok((StatusCode::CREATED, Given(made)).into_response())
}

/// Ends a token of the caller's.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path)), responses((status = 204), (status = 404)))]
async fn end(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    account::end_token(&site, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

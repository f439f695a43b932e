//! A sender's own held messages, for programs.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::body::{OnVersion, Sent, done, given};
use crate::console::access::Permission;
use crate::console::acts::mine::{self, MinePage, MineView};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list, open, say, initials, take_back))]
pub(super) struct Document;

/// Own messages.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(Method::GET, "/api/v1/mine", Permission::OwnHolds, list)
        .api(
            Method::GET,
            "/api/v1/mine/{reference}",
            Permission::OwnHolds,
            open,
        )
        .api(
            Method::POST,
            "/api/v1/mine/{reference}/say",
            Permission::OwnHolds,
            say,
        )
        .api(
            Method::POST,
            "/api/v1/mine/{reference}/initials",
            Permission::OwnHolds,
            initials,
        )
        .api(
            Method::POST,
            "/api/v1/mine/{reference}/take-back",
            Permission::OwnHolds,
            take_back,
        )
}

/// A word to the reviewer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SenderWord {
    /// The version that was seen.
    version: i64,
    /// In words.
    text: String,
    /// The release is asked for.
    #[serde(default)]
    asks: bool,
}

/// The caller's own messages that were held, the newest first.
#[utoipa::path(
    get, path = "/mine", tag = "mine",
    params(("cursor" = Option<String>, Query, description = "next or previous of a page before")),
    responses((status = 200, body = MinePage))
)]
async fn list(
    State(site): State<Site>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, Refusal> {
    let cursor = fields.one("cursor").filter(|cursor| !cursor.is_empty());
    Ok(given(mine::list(&site, &caller, cursor).await?))
}

/// One of them.
#[utoipa::path(
    get, path = "/mine/{reference}", tag = "mine",
    params(("reference" = String, Path)),
    responses((status = 200, body = MineView))
)]
async fn open(
    State(site): State<Site>,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(mine::open(&site, &caller, &reference).await?))
}

/// Says a word to the reviewer, and asks for the release or not.
#[utoipa::path(
    post, path = "/mine/{reference}/say", tag = "mine",
    params(("reference" = String, Path)),
    request_body = SenderWord,
    responses((status = 204), (status = 409))
)]
async fn say(
    State(site): State<Site>,
    caller: Caller,
    Path(reference): Path<String>,
    Sent(word): Sent<SenderWord>,
) -> Result<Response, Refusal> {
    let at = (reference.as_str(), word.version);
    mine::justify(&site, &caller, at, (&word.text, word.asks)).await?;
    Ok(done())
}

/// Sends the version with initials, if policy would deliver it.
#[utoipa::path(
    post, path = "/mine/{reference}/initials", tag = "mine",
    params(("reference" = String, Path)),
    request_body = OnVersion,
    responses((status = 204), (status = 409))
)]
async fn initials(
    State(site): State<Site>,
    caller: Caller,
    Path(reference): Path<String>,
    Sent(on): Sent<OnVersion>,
) -> Result<Response, Refusal> {
    mine::send_with_initials(&site, &caller, (&reference, on.version)).await?;
    Ok(done())
}

/// Takes a message back: it is not sent, and nobody is told.
#[utoipa::path(
    post, path = "/mine/{reference}/take-back", tag = "mine",
    params(("reference" = String, Path)),
    request_body = OnVersion,
    responses((status = 204), (status = 409))
)]
async fn take_back(
    State(site): State<Site>,
    caller: Caller,
    Path(reference): Path<String>,
    Sent(on): Sent<OnVersion>,
) -> Result<Response, Refusal> {
    mine::take_back(&site, &caller, (&reference, on.version)).await?;
    Ok(done())
}

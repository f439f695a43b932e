//! What is held, for programs: the list, one hold, searches that are kept.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::body::{Made, Sent, done, given, made};
use crate::console::access::Permission;
use crate::console::acts::hold::{self, HoldView};
use crate::console::acts::hold_views::{self, HoldSearch};
use crate::console::acts::holds::{self, HoldsPage};
use crate::console::acts::holds_wanted::HoldsWanted;
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list, search, open, views, save_view, open_view, delete_view))]
pub(super) struct Document;

/// The list, one hold, kept searches.
pub(super) fn doors(doors: Doors) -> Doors {
    let see = Permission::SeeHolds;
    let (views_at, view_at) = ("/api/v1/holds/views", "/api/v1/holds/views/{id}");
    doors
        .api(Method::GET, "/api/v1/holds", see, list)
        .api(Method::POST, "/api/v1/holds/search", see, search)
        .api(Method::GET, "/api/v1/holds/{id}", see, open)
        .api(Method::GET, views_at, see, views)
        .api(Method::POST, views_at, see, save_view)
        .api(Method::GET, view_at, see, open_view)
        .api(Method::DELETE, view_at, see, delete_view)
}

/// A search, and where its page begins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldsSearch)]
struct Search {
    /// Which holds.
    #[serde(default)]
    wanted: HoldsWanted,
    /// `next` or `previous` of a page of the same search.
    #[serde(default)]
    cursor: Option<String>,
}

/// A search to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewView {
    /// Its name.
    name: String,
    /// Which holds.
    wanted: HoldsWanted,
}

/// A page of what is held, 25 of it, the oldest first. Words to be looked for go to `/holds/search`.
#[utoipa::path(
    get, path = "/holds", tag = "holds",
    params(
        ("state" = Option<String>, Query, description = "waiting (when none is given), mine, all, held, claimed, awaiting, released, refused, expired or purged"),
        ("rule" = Option<String>, Query, description = "the id of a rule that fired"), ("category" = Option<String>, Query),
        ("school" = Option<String>, Query, description = "the id of the sender's school"),
        ("from" = Option<String>, Query, description = "first day, 2026-11-28"), ("until" = Option<String>, Query, description = "last day"),
        ("order" = Option<String>, Query, description = "newest for the newest first"),
        ("cursor" = Option<String>, Query, description = "next or previous of a page of the same list")
    ),
    responses((status = 200, body = HoldsPage))
)]
async fn list(
    State(site): State<Site>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, Refusal> {
    let wanted = HoldsWanted::of(&fields, String::new());
    let cursor = fields.one("cursor").filter(|cursor| !cursor.is_empty());
    let filter = wanted.filter()?;
    Ok(given(holds::list(&site, &caller, &filter, cursor).await?))
}

/// The same, with words in the body rather than in an address.
#[utoipa::path(post, path = "/holds/search", tag = "holds", request_body = Search, responses((status = 200, body = HoldsPage)))]
async fn search(
    State(site): State<Site>,
    caller: Caller,
    Sent(search): Sent<Search>,
) -> Result<Response, Refusal> {
    let filter = search.wanted.filter()?;
    let page = holds::list(&site, &caller, &filter, search.cursor.as_deref());
    Ok(given(page.await?))
}

/// One hold by its id or reference, with its history and the holds like it. The ledger has it.
#[utoipa::path(get, path = "/holds/{id}", tag = "holds", params(("id" = String, Path)), responses((status = 200, body = HoldView)))]
async fn open(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(hold::open(&site, &caller, &id).await?))
}

/// The caller's kept searches.
#[utoipa::path(get, path = "/holds/views", tag = "holds", responses((status = 200, body = Vec<HoldSearch>)))]
async fn views(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(hold_views::list(&site, &caller).await?))
}

/// Keeps a search under a name, for the caller alone.
#[utoipa::path(post, path = "/holds/views", tag = "holds", request_body = NewView, responses((status = 201, body = Made)))]
async fn save_view(
    State(site): State<Site>,
    caller: Caller,
    Sent(new): Sent<NewView>,
) -> Result<Response, Refusal> {
    new.wanted.filter()?;
    let id = hold_views::save(&site, &caller, &new.name, &new.wanted).await?;
    Ok(made(id.to_string()))
}

/// One kept search.
#[utoipa::path(get, path = "/holds/views/{id}", tag = "holds", params(("id" = String, Path)), responses((status = 200, body = HoldSearch)))]
async fn open_view(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(hold_views::open(&site, &caller, &id).await?))
}

/// Deletes a kept search.
#[utoipa::path(delete, path = "/holds/views/{id}", tag = "holds", params(("id" = String, Path)), responses((status = 204)))]
async fn delete_view(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    hold_views::delete(&site, &caller, &id).await?;
    Ok(done())
}

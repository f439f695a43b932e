//! What is kept how long, for programs.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use utoipa::OpenApi;

use super::body::given;
use super::job::JobAnswer;
use crate::console::access::Permission;
use crate::console::acts::retention::{self, EndPage, KeptCount, Times};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(times, count, counted, prove))]
pub(super) struct Document;

/// Times, counts and proofs.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(
            Method::GET,
            "/api/v1/retention",
            Permission::SeeRetention,
            times,
        )
        .api(
            Method::POST,
            "/api/v1/retention/count",
            Permission::SeeRetention,
            count,
        )
        .api(
            Method::GET,
            "/api/v1/retention/count",
            Permission::SeeRetention,
            counted,
        )
        .api(
            Method::GET,
            "/api/v1/retention/proofs/{id}",
            Permission::SeeRetention,
            prove,
        )
}

/// Days that the policy says.
#[utoipa::path(
    get, path = "/retention", tag = "retention",
    responses((status = 200, body = Times))
)]
async fn times(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(retention::times(&site, &caller)?))
}

/// Has everything that is kept counted.
#[utoipa::path(
    post, path = "/retention/count", tag = "retention",
    responses((status = 202, body = JobAnswer<KeptCount>))
)]
async fn count(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    retention::count(&site, &caller).await?;
    Ok(JobAnswer::begun(
        retention::last_count(&site, &caller)?.as_ref(),
    ))
}

/// What counting came to last.
#[utoipa::path(
    get, path = "/retention/count", tag = "retention",
    responses((status = 200, body = JobAnswer<KeptCount>))
)]
async fn counted(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(JobAnswer::looked_at(
        retention::last_count(&site, &caller)?.as_ref(),
    ))
}

/// The proof that the content of a message is gone, by its id or reference. It follows the whole ledger.
#[utoipa::path(
    get, path = "/retention/proofs/{id}", tag = "retention",
    params(("id" = String, Path)),
    responses((status = 200, body = EndPage))
)]
async fn prove(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(retention::prove(&site, &caller, &id).await?))
}

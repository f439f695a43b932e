//! What is on its way, for programs.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use utoipa::OpenApi;

use super::body::{Sent, WithReason, done, given};
use crate::console::access::Permission;
use crate::console::acts::deliveries::{self, DeliveryPage, Queue};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list, show, retry, cancel))]
pub(super) struct Document;

/// The queue.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(
            Method::GET,
            "/api/v1/deliveries",
            Permission::SeeQueue,
            list,
        )
        .api(
            Method::GET,
            "/api/v1/deliveries/{id}",
            Permission::SeeQueue,
            show,
        )
        .api(
            Method::POST,
            "/api/v1/deliveries/{id}/retry",
            Permission::ActOnQueue,
            retry,
        )
        .api(
            Method::POST,
            "/api/v1/deliveries/{id}/cancel",
            Permission::ActOnQueue,
            cancel,
        )
}

/// What is in the queue in one state, at most 200 of it.
#[utoipa::path(
    get, path = "/deliveries", tag = "deliveries",
    params(("state" = Option<String>, Query, description = "waiting (when none is given), dead or finished")),
    responses((status = 200, body = Queue))
)]
async fn list(
    State(site): State<Site>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, Refusal> {
    let state = deliveries::state_of(fields.text("state"))?;
    Ok(given(deliveries::list(&site, &caller, state).await?))
}

/// One delivery, without its message.
#[utoipa::path(
    get, path = "/deliveries/{id}", tag = "deliveries",
    params(("id" = String, Path)),
    responses((status = 200, body = DeliveryPage))
)]
async fn show(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(deliveries::show(&site, &caller, &id).await?))
}

/// Has it tried now.
#[utoipa::path(
    post, path = "/deliveries/{id}/retry", tag = "deliveries",
    params(("id" = String, Path)),
    responses((status = 204))
)]
async fn retry(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    deliveries::retry(&site, &caller, &id).await?;
    Ok(done())
}

/// Takes it out of the queue for good.
#[utoipa::path(
    post, path = "/deliveries/{id}/cancel", tag = "deliveries",
    params(("id" = String, Path)),
    request_body = WithReason,
    responses((status = 204))
)]
async fn cancel(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(why): Sent<WithReason>,
) -> Result<Response, Refusal> {
    deliveries::cancel(&site, &caller, &id, &why.reason).await?;
    Ok(done())
}

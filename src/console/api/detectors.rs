//! What is looked for, for programs.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use utoipa::OpenApi;

use super::body::given;
use crate::console::access::Permission;
use crate::console::acts::detectors::{self, DetectorPage, Detectors};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list, show))]
pub(super) struct Document;

/// The catalogue.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(
            Method::GET,
            "/api/v1/detectors",
            Permission::SeeDetectors,
            list,
        )
        .api(
            Method::GET,
            "/api/v1/detectors/{id}",
            Permission::SeeDetectors,
            show,
        )
}

/// Everything that is looked for, by category and title.
#[utoipa::path(
    get, path = "/detectors", tag = "detectors",
    responses((status = 200, body = Detectors))
)]
async fn list(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(detectors::list(&site, &caller)?))
}

/// One detector, with the rules that use it.
#[utoipa::path(
    get, path = "/detectors/{id}", tag = "detectors",
    params(("id" = String, Path)),
    responses((status = 200, body = DetectorPage))
)]
async fn show(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(detectors::show(&site, &caller, &id)?))
}

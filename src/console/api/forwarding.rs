//! Mailboxes that forward to the outside, for programs.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use utoipa::OpenApi;

use super::body::given;
use crate::console::access::Permission;
use crate::console::acts::forwarding::{self, Register};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list))]
pub(super) struct Document;

/// The register.
pub(super) fn doors(doors: Doors) -> Doors {
    doors.api(
        Method::GET,
        "/api/v1/forwarding",
        Permission::SeeForwarding,
        list,
    )
}

/// The register of mailboxes that forward, last seen first.
#[utoipa::path(
    get, path = "/forwarding", tag = "forwarding",
    params(("school" = Option<String>, Query, description = "the id of a school")),
    responses((status = 200, body = Register))
)]
async fn list(
    State(site): State<Site>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, Refusal> {
    let school = fields.one("school").filter(|school| !school.is_empty());
    Ok(given(forwarding::list(&site, &caller, school).await?))
}

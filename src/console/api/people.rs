//! Who may sign in and what they may do, for programs.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::body::{OnVersion, Sent, done, given};
use crate::console::access::Permission;
use crate::console::acts::people::{self, PersonLine, PersonPage};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::store::{Grant, Role};

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list, show, grant, disable, enable, sign_out, remove))]
pub(super) struct Document;

/// People.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(Method::GET, "/api/v1/people", Permission::SeePeople, list)
        .api(
            Method::GET,
            "/api/v1/people/{id}",
            Permission::SeePeople,
            show,
        )
        .api(
            Method::PUT,
            "/api/v1/people/{id}/grants",
            Permission::ManagePeople,
            grant,
        )
        .api(
            Method::POST,
            "/api/v1/people/{id}/disable",
            Permission::ManagePeople,
            disable,
        )
        .api(
            Method::POST,
            "/api/v1/people/{id}/enable",
            Permission::ManagePeople,
            enable,
        )
        .api(
            Method::POST,
            "/api/v1/people/{id}/sign-out",
            Permission::ManagePeople,
            sign_out,
        )
        .api(
            Method::DELETE,
            "/api/v1/people/{id}",
            Permission::ManagePeople,
            remove,
        )
}

/// What somebody is to be allowed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Grants {
    /// The version of the account that was seen.
    version: i64,
    /// All of their grants; none takes every role away.
    grants: Vec<Granted>,
}

/// A role, for these schools.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Granted {
    /// `dpo`, `head`, `it`, `auditor` or `sender`.
    role: String,
    /// Ids of schools; none for the whole trust, which a head cannot have.
    #[serde(default)]
    schools: Vec<String>,
}

impl Granted {
    fn read(self) -> Result<Grant, Refusal> {
        let unknown = || Refusal::Wrong("role: dpo, head, it, auditor or sender".to_owned());
        Ok(Grant {
            role: Role::of(&self.role).ok_or_else(unknown)?,
            schools: self.schools,
        })
    }
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
struct Ended {
    /// So many.
    sessions: u64,
}

/// Everybody who may sign in, by name.
#[utoipa::path(
    get, path = "/people", tag = "people",
    responses((status = 200, body = Vec<PersonLine>))
)]
async fn list(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(people::list(&site, &caller).await?))
}

/// One account with its sessions.
#[utoipa::path(
    get, path = "/people/{id}", tag = "people",
    params(("id" = String, Path)),
    responses((status = 200, body = PersonPage))
)]
async fn show(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(people::show(&site, &caller, &id).await?))
}

/// Gives somebody these grants in place of those they have; their sessions end.
#[utoipa::path(
    put, path = "/people/{id}/grants", tag = "people",
    params(("id" = String, Path)),
    request_body = Grants,
    responses((status = 204), (status = 409))
)]
async fn grant(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(wanted): Sent<Grants>,
) -> Result<Response, Refusal> {
    let grants = wanted.grants.into_iter().map(Granted::read);
    let grants = grants.collect::<Result<Vec<_>, _>>()?;
    people::grant(&site, &caller, (&id, wanted.version), grants).await?;
    Ok(done())
}

/// Somebody may no longer sign in; their sessions and tokens end.
#[utoipa::path(
    post, path = "/people/{id}/disable", tag = "people",
    params(("id" = String, Path)),
    request_body = OnVersion,
    responses((status = 204), (status = 409))
)]
async fn disable(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(on): Sent<OnVersion>,
) -> Result<Response, Refusal> {
    people::disable(&site, &caller, (&id, on.version), true).await?;
    Ok(done())
}

/// Somebody may sign in again.
#[utoipa::path(
    post, path = "/people/{id}/enable", tag = "people",
    params(("id" = String, Path)),
    request_body = OnVersion,
    responses((status = 204), (status = 409))
)]
async fn enable(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(on): Sent<OnVersion>,
) -> Result<Response, Refusal> {
    people::disable(&site, &caller, (&id, on.version), false).await?;
    Ok(done())
}

/// Ends every session of somebody.
#[utoipa::path(
    post, path = "/people/{id}/sign-out", tag = "people",
    params(("id" = String, Path)),
    responses((status = 200, body = Ended))
)]
async fn sign_out(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let sessions = people::sign_out(&site, &caller, &id).await?;
    Ok(given(Ended { sessions }))
}

/// Removes an account.
#[utoipa::path(
    delete, path = "/people/{id}", tag = "people",
    params(("id" = String, Path)),
    responses((status = 204))
)]
async fn remove(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    people::remove(&site, &caller, &id).await?;
    Ok(done())
}

//! The register of breaches, for programs.

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::body::{Given, Made, Sent, made};
use crate::console::access::Permission;
use crate::console::acts::breaches::{self, Breach, BreachInput, BreachLine};
use crate::console::doors::Doors;
use crate::console::page::system;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list, record, open, change, close))]
pub(super) struct Document;

/// The register and its work-sheets.
pub(super) fn doors(doors: Doors) -> Doors {
    let (see, keep) = (Permission::SeeBreaches, Permission::KeepBreaches);
    doors
        .api(Method::GET, "/api/v1/breaches", see, list)
        .api(Method::POST, "/api/v1/breaches", keep, record)
        .api(Method::GET, "/api/v1/breaches/{id}", see, open)
        .api(Method::PUT, "/api/v1/breaches/{id}", keep, change)
        .api(Method::POST, "/api/v1/breaches/{id}/close", keep, close)
}

/// A work-sheet to be written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The version that was read; for a change.
    #[serde(default)]
    version: Option<i64>,
    /// When the trust became aware (RFC 3339).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    aware_at: Option<jiff::Timestamp>,
    /// The id of a school.
    #[serde(default)]
    school: Option<String>,
    /// Ids or references of holds and refusals.
    #[serde(default)]
    holds: Vec<String>,
    /// The answers, by the name of their question.
    #[serde(default)]
    answers: std::collections::BTreeMap<String, String>,
}

/// The register: open ones first, then the latest.
#[utoipa::path(get, path = "/breaches", tag = "breaches", responses((status = 200, body = Vec<BreachLine>)))]
async fn list(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(Given(breaches::list(&site, &caller).await?).into_response())
}

/// Puts a breach on record.
#[utoipa::path(post, path = "/breaches", tag = "breaches", request_body = Written, responses((status = 201, body = Made)))]
async fn record(
    State(site): State<Site>,
    caller: Caller,
    Sent(written): Sent<Written>,
) -> Result<Response, Refusal> {
    let id = breaches::record(&site, &caller, input(written)).await?;
    Ok(made(id.to_string()))
}

/// One work-sheet.
#[utoipa::path(get, path = "/breaches/{id}", tag = "breaches", params(("id" = String, Path)), responses((status = 200, body = Breach)))]
async fn open(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(Given(breaches::open(&site, &caller, &id).await?).into_response())
}

/// Writes a work-sheet anew; what is not given becomes empty.
#[utoipa::path(put, path = "/breaches/{id}", tag = "breaches", params(("id" = String, Path)), request_body = Written, responses((status = 204), (status = 409)))]
async fn change(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(written): Sent<Written>,
) -> Result<Response, Refusal> {
    let version = version(&written)?;
    breaches::change(&site, &caller, (&id, version), input(written)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Closes a work-sheet.
#[utoipa::path(post, path = "/breaches/{id}/close", tag = "breaches", params(("id" = String, Path)), request_body = Written, responses((status = 204), (status = 409)))]
async fn close(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(written): Sent<Written>,
) -> Result<Response, Refusal> {
    breaches::close(&site, &caller, (&id, version(&written)?)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn version(written: &Written) -> Result<i64, Refusal> {
    let missing = || Refusal::Wrong("version: the one that was read".to_owned());
    written.version.ok_or_else(missing)
}

fn input(written: Written) -> BreachInput {
    BreachInput {
        aware_at: written.aware_at.map(system),
        school: written.school,
        holds: written.holds,
        answers: written.answers.into_iter().collect(),
    }
}

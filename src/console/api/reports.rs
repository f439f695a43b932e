//! Reports, for programs: as JSON, or in any form that people get.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use utoipa::OpenApi;

use crate::console::access::Permission;
use crate::console::acts::reports::{self, Kind, Wanted};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::page::file;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::report::form::Form;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(make, breach))]
pub(super) struct Document;

/// Reports.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(
            Method::GET,
            "/api/v1/reports/{kind}",
            Permission::SeeReports,
            make,
        )
        .api(
            Method::GET,
            "/api/v1/breaches/{id}/report",
            Permission::SeeBreaches,
            breach,
        )
}

/// A report of a period: `summary`, `near-misses`, `senders` or `retention`.
#[utoipa::path(
    get, path = "/reports/{kind}", tag = "reports",
    params(
        ("kind" = String, Path), ("from" = Option<String>, Query, description = "first day, 2026-11-28"), ("to" = Option<String>, Query, description = "last day"),
        ("school" = Option<String>, Query), ("rule" = Option<String>, Query), ("group" = Option<String>, Query),
        ("form" = Option<String>, Query, description = "json, html, csv, xlsx, pdf or txt")
    ),
    responses((status = 200, description = "the report in this form"))
)]
async fn make(
    State(site): State<Site>,
    caller: Caller,
    Path(kind): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let kind = Kind::of(&kind).ok_or(Refusal::Missing)?;
    let wanted = Wanted::read(&fields)?;
    let report = reports::make(&site, &caller, kind, &wanted).await?;
    let form = form(&fields)?;
    let (name, bytes) = reports::save(&site, &caller, &report, form).await?;
    Ok(file(&name, form.media_type(), bytes))
}

/// The work-sheet of a breach as a report.
#[utoipa::path(
    get, path = "/breaches/{id}/report", tag = "reports",
    params(("id" = String, Path), ("form" = Option<String>, Query, description = "json, html, csv, xlsx, pdf or txt")),
    responses((status = 200, description = "the report in this form"))
)]
async fn breach(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let report = reports::breach(&site, &caller, &id).await?;
    let form = form(&fields)?;
    let (name, bytes) = reports::save(&site, &caller, &report, form).await?;
    Ok(file(&name, form.media_type(), bytes))
}

fn form(fields: &Fields) -> Result<Form, Refusal> {
    match fields.text("form") {
        "" => Ok(Form::Json),
        name => Form::of(name)
            .ok_or_else(|| Refusal::Wrong("form: json, html, csv, xlsx, pdf or txt".to_owned())),
    }
}

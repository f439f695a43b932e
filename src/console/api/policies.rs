//! Policies, for programs: what is in force, what is proposed, what it would have done.

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::body::{Made, Sent, WithReason, done, given, made};
use super::job::JobAnswer;
use crate::console::access::Permission;
use crate::console::acts::policies::{self, InForce};
use crate::console::acts::proposals::{self, ProblemLine, ProposalLine, ProposalPage, Proposed};
use crate::console::acts::replay::{self, Replayed};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(
    list,
    propose,
    in_force,
    text,
    show,
    approve,
    reject,
    begin_replay,
    replayed
))]
pub(super) struct Document;

/// Policies.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(
            Method::GET,
            "/api/v1/policies",
            Permission::SeePolicies,
            list,
        )
        .api(
            Method::POST,
            "/api/v1/policies",
            Permission::ChangePolicies,
            propose,
        )
        .api(
            Method::GET,
            "/api/v1/policies/in-force",
            Permission::SeePolicies,
            in_force,
        )
        .api(
            Method::GET,
            "/api/v1/policies/in-force/text",
            Permission::SeePolicies,
            text,
        )
        .api(
            Method::GET,
            "/api/v1/policies/{id}",
            Permission::SeePolicies,
            show,
        )
        .api(
            Method::POST,
            "/api/v1/policies/{id}/approve",
            Permission::ChangePolicies,
            approve,
        )
        .api(
            Method::POST,
            "/api/v1/policies/{id}/reject",
            Permission::ChangePolicies,
            reject,
        )
        .api(
            Method::POST,
            "/api/v1/policies/{id}/replay",
            Permission::ChangePolicies,
            begin_replay,
        )
        .api(
            Method::GET,
            "/api/v1/policies/{id}/replay",
            Permission::SeePolicies,
            replayed,
        )
}

/// A policy to be proposed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPolicy {
    /// The text of its file.
    text: String,
    /// Why.
    reason: String,
}

/// A yes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Approval {
    /// Why.
    reason: String,
    /// Whoever proposed it takes it upon themselves until a second person says yes.
    #[serde(default)]
    emergency: bool,
}

/// What became of a proposal.
#[derive(Serialize, ToSchema)]
struct Approved {
    /// `approved` or `emergency`.
    state: &'static str,
}

/// The text of a policy.
#[derive(Serialize, ToSchema)]
struct PolicyText {
    /// As it stands in its file.
    text: String,
}

/// How far back a proposal is tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Days {
    /// 1 to 366.
    days: u32,
}

/// What must be mended before a policy can be proposed: a problem (RFC 9457) with more.
#[derive(Serialize, ToSchema)]
struct Mistakes {
    /// `urn:beadle:refused:mistakes`.
    r#type: &'static str,
    /// `mistakes`.
    title: &'static str,
    /// 422.
    status: u16,
    /// Each of them.
    problems: Vec<ProblemLine>,
}

fn mistakes(problems: Vec<ProblemLine>) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let body = Mistakes {
        r#type: "urn:beadle:refused:mistakes",
        title: "mistakes",
        status: status.as_u16(),
        problems,
    };
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, kind, axum::Json(body)).into_response()
}

/// Policies on record, newest first, at most 50.
#[utoipa::path(
    get, path = "/policies", tag = "policies",
    responses((status = 200, body = Vec<ProposalLine>))
)]
async fn list(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(proposals::list(&site, &caller).await?))
}

/// Puts a policy on record for a second person. A text with mistakes is refused with all of them.
#[utoipa::path(
    post, path = "/policies", tag = "policies",
    request_body = NewPolicy,
    responses((status = 201, body = Made), (status = 422, body = Mistakes, content_type = "application/problem+json"))
)]
async fn propose(
    State(site): State<Site>,
    caller: Caller,
    Sent(new): Sent<NewPolicy>,
) -> Result<Response, Refusal> {
    match proposals::propose(&site, &caller, &new.text, &new.reason).await? {
        Proposed::Made(id) => Ok(made(id)),
        Proposed::Problems(problems) => Ok(mistakes(problems)),
    }
}

/// The policy in force: its rules in plain words, and what it does about each requirement.
#[utoipa::path(
    get, path = "/policies/in-force", tag = "policies",
    responses((status = 200, body = InForce))
)]
async fn in_force(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(policies::in_force(&site, &caller).await?))
}

/// Its text.
#[utoipa::path(
    get, path = "/policies/in-force/text", tag = "policies",
    responses((status = 200, body = PolicyText))
)]
async fn text(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    let text = policies::text_of(&site, &caller).await?;
    Ok(given(PolicyText { text }))
}

/// One policy on record, with what it changes.
#[utoipa::path(
    get, path = "/policies/{id}", tag = "policies",
    params(("id" = String, Path)),
    responses((status = 200, body = ProposalPage))
)]
async fn show(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(proposals::show(&site, &caller, &id).await?))
}

/// Says yes to what somebody else proposed.
#[utoipa::path(
    post, path = "/policies/{id}/approve", tag = "policies",
    params(("id" = String, Path)),
    request_body = Approval,
    responses((status = 200, body = Approved), (status = 409))
)]
async fn approve(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(yes): Sent<Approval>,
) -> Result<Response, Refusal> {
    let state = proposals::approve(&site, &caller, &id, &yes.reason, yes.emergency).await?;
    Ok(given(Approved {
        state: state.name(),
    }))
}

/// Says no, or takes an own proposal back.
#[utoipa::path(
    post, path = "/policies/{id}/reject", tag = "policies",
    params(("id" = String, Path)),
    request_body = WithReason,
    responses((status = 204), (status = 409))
)]
async fn reject(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(no): Sent<WithReason>,
) -> Result<Response, Refusal> {
    proposals::reject(&site, &caller, &id, &no.reason).await?;
    Ok(done())
}

/// Tries a proposal on what passed in the last days.
#[utoipa::path(
    post, path = "/policies/{id}/replay", tag = "policies",
    params(("id" = String, Path)),
    request_body = Days,
    responses((status = 202, body = JobAnswer<Replayed>))
)]
async fn begin_replay(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(over): Sent<Days>,
) -> Result<Response, Refusal> {
    replay::begin(&site, &caller, &id, over.days).await?;
    let (_, job) = replay::last(&site, &caller, &id).await?;
    Ok(JobAnswer::begun(job.as_ref()))
}

/// What trying it came to last.
#[utoipa::path(
    get, path = "/policies/{id}/replay", tag = "policies",
    params(("id" = String, Path)),
    responses((status = 200, body = JobAnswer<Replayed>))
)]
async fn replayed(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (_, job) = replay::last(&site, &caller, &id).await?;
    Ok(JobAnswer::looked_at(job.as_ref()))
}

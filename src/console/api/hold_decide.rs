//! Decisions on a hold, for programs.

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::body::{Given, OnVersion, Sent, done, given};
use super::reasons::{Reasons, Released, Written};
use crate::console::access::Permission;
use crate::console::acts::hold_decide;
use crate::console::acts::hold_plan::{self, ReleasePlan};
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::quarantine::desk::Outcome;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(
    claim, unclaim, plan, release, refuse, approve, decline, withdraw, judge, legal_hold
))]
pub(super) struct Document;

/// Decisions.
pub(super) fn doors(doors: Doors) -> Doors {
    let (decide, post) = (Permission::Decide, || Method::POST);
    let legal = Permission::LegalHold;
    doors
        .api(post(), "/api/v1/holds/{id}/claim", decide, claim)
        .api(post(), "/api/v1/holds/{id}/unclaim", decide, unclaim)
        .api(post(), "/api/v1/holds/{id}/release/plan", decide, plan)
        .api(post(), "/api/v1/holds/{id}/release", decide, release)
        .api(post(), "/api/v1/holds/{id}/refuse", decide, refuse)
        .api(post(), "/api/v1/holds/{id}/approve", decide, approve)
        .api(post(), "/api/v1/holds/{id}/decline", decide, decline)
        .api(post(), "/api/v1/holds/{id}/withdraw", decide, withdraw)
        .api(post(), "/api/v1/holds/{id}/judge", decide, judge)
        .api(post(), "/api/v1/holds/{id}/legal-hold", legal, legal_hold)
}

/// A claim.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Claim {
    /// The version that was seen.
    version: i64,
    /// From somebody else who has it.
    #[serde(default)]
    take_over: bool,
}

/// What a release came to.
#[derive(Serialize, ToSchema)]
struct ReleaseOutcome {
    /// `released`, or `asked`: a second person decides.
    outcome: &'static str,
}

/// A refusal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldRefusal)]
struct Refused {
    /// The version that was seen.
    version: i64,
    /// `wrong-person`, `too-much`, `unprotected`, `own-mailbox`, `not-work` or `other`.
    reason: String,
    /// In words; needed for `other`.
    #[serde(default)]
    text: String,
    /// Whether it was right to stop it: `right`, `partly` or `wrong`.
    #[serde(default)]
    judgement: Option<String>,
    /// The sender is told.
    tell_sender: bool,
}

/// A judgement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Judged {
    /// `right`, `partly` or `wrong`.
    judgement: String,
}

/// What is to be kept for a case, or no longer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// The version that was seen.
    version: i64,
    /// It is to be kept; otherwise it is no longer.
    place: bool,
    /// The case's reference.
    text: String,
}

/// Takes a hold for half an hour.
#[utoipa::path(post, path = "/holds/{id}/claim", tag = "decisions", params(("id" = String, Path)), request_body = Claim, responses((status = 204), (status = 409)))]
async fn claim(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(claim): Sent<Claim>,
) -> Result<Response, Refusal> {
    hold_decide::claim(&site, &caller, (&id, claim.version), claim.take_over).await?;
    Ok(done())
}

/// Gives a hold back.
#[utoipa::path(post, path = "/holds/{id}/unclaim", tag = "decisions", params(("id" = String, Path)), request_body = OnVersion, responses((status = 204), (status = 409)))]
async fn unclaim(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(on): Sent<OnVersion>,
) -> Result<Response, Refusal> {
    hold_decide::unclaim(&site, &caller, (&id, on.version)).await?;
    Ok(done())
}

/// What a release would do. Nothing is changed.
#[utoipa::path(post, path = "/holds/{id}/release/plan", tag = "decisions", params(("id" = String, Path)), request_body = Released, responses((status = 200, body = ReleasePlan), (status = 409)))]
async fn plan(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(release): Sent<Released>,
) -> Result<Response, Refusal> {
    let input = release.read()?;
    Ok(given(hold_plan::plan(&site, &caller, &id, &input).await?))
}

/// Sends a message (200), or asks a second person for it (202).
#[utoipa::path(
    post, path = "/holds/{id}/release", tag = "decisions", params(("id" = String, Path)), request_body = Released,
    responses((status = 200, body = ReleaseOutcome), (status = 202, body = ReleaseOutcome), (status = 409))
)]
async fn release(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(release): Sent<Released>,
) -> Result<Response, Refusal> {
    let outcome = hold_decide::release(&site, &caller, &id, &release.read()?).await?;
    let (status, outcome) = match outcome {
        Outcome::Released => (StatusCode::OK, "released"),
        Outcome::Asked => (StatusCode::ACCEPTED, "asked"),
    };
    Ok((status, Given(ReleaseOutcome { outcome })).into_response())
}

/// Refuses a message, and tells its sender or not.
#[utoipa::path(post, path = "/holds/{id}/refuse", tag = "decisions", params(("id" = String, Path)), request_body = Refused, responses((status = 204), (status = 409)))]
async fn refuse(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(refused): Sent<Refused>,
) -> Result<Response, Refusal> {
    let tell = refused.tell_sender;
    let why = Reasons {
        version: refused.version,
        reason: refused.reason,
        text: refused.text,
        judgement: refused.judgement,
    };
    hold_decide::refuse(&site, &caller, &id, &why.read()?, tell).await?;
    Ok(done())
}

/// Approves the release that another asked for, which sends it.
#[utoipa::path(post, path = "/holds/{id}/approve", tag = "decisions", params(("id" = String, Path)), request_body = Reasons, responses((status = 204), (status = 409)))]
async fn approve(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(why): Sent<Reasons>,
) -> Result<Response, Refusal> {
    hold_decide::approve(&site, &caller, &id, &why.read()?).await?;
    Ok(done())
}

/// Says no to the release that another asked for: the hold waits again.
#[utoipa::path(post, path = "/holds/{id}/decline", tag = "decisions", params(("id" = String, Path)), request_body = Written, responses((status = 204), (status = 409)))]
async fn decline(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(why): Sent<Written>,
) -> Result<Response, Refusal> {
    hold_decide::decline(&site, &caller, &id, &why.read()).await?;
    Ok(done())
}

/// Takes back the release that the caller asked for.
#[utoipa::path(post, path = "/holds/{id}/withdraw", tag = "decisions", params(("id" = String, Path)), request_body = OnVersion, responses((status = 204), (status = 409)))]
async fn withdraw(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(on): Sent<OnVersion>,
) -> Result<Response, Refusal> {
    hold_decide::withdraw(&site, &caller, (&id, on.version)).await?;
    Ok(done())
}

/// Notes whether it was right to stop a message.
#[utoipa::path(post, path = "/holds/{id}/judge", tag = "decisions", params(("id" = String, Path)), request_body = Judged, responses((status = 204)))]
async fn judge(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(judged): Sent<Judged>,
) -> Result<Response, Refusal> {
    let judgement = super::reasons::judgement(&judged.judgement)?;
    hold_decide::judge(&site, &caller, &id, judgement).await?;
    Ok(done())
}

/// Has the content of a hold kept for a case, or no longer.
#[utoipa::path(post, path = "/holds/{id}/legal-hold", tag = "decisions", params(("id" = String, Path)), request_body = Kept, responses((status = 204), (status = 409)))]
async fn legal_hold(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(kept): Sent<Kept>,
) -> Result<Response, Refusal> {
    let place = kept.place;
    let why = Written {
        version: kept.version,
        text: kept.text,
    };
    hold_decide::legal_hold(&site, &caller, &id, (&why.read(), place)).await?;
    Ok(done())
}

//! One decision on many holds of one kind, for programs.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::body::{Sent, given};
use crate::console::access::Permission;
use crate::console::acts::hold_bulk::{self, BulkPlan, BulkResult, Together};
use crate::console::acts::hold_decide::Why;
use crate::console::doors::Doors;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(plan, decide))]
pub(super) struct Document;

/// Deciding together.
pub(super) fn doors(doors: Doors) -> Doors {
    let (decides, post) = (Permission::Decide, Method::POST);
    doors
        .api(post.clone(), "/api/v1/holds/bulk/plan", decides, plan)
        .api(post, "/api/v1/holds/bulk", decides, decide)
}

/// Holds to be looked at together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BulkIds {
    /// Their ids, at most 200.
    holds: Vec<String>,
}

/// A hold and the version of it that was seen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BulkHold {
    /// Its id.
    id: String,
    /// The version that was seen.
    version: i64,
}

/// One decision on all of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BulkDecision {
    /// At most 200, on which the same rules fired.
    holds: Vec<BulkHold>,
    /// `release`, `refuse-tell` or `refuse`.
    together: String,
    /// One of the reasons of a release or a refusal.
    reason: String,
    /// In words; needed for `other`.
    #[serde(default)]
    text: String,
}

/// Looks at holds that are to be decided together. Nothing is changed.
#[utoipa::path(post, path = "/holds/bulk/plan", tag = "bulk", request_body = BulkIds, responses((status = 200, body = BulkPlan)))]
async fn plan(
    State(site): State<Site>,
    caller: Caller,
    Sent(ids): Sent<BulkIds>,
) -> Result<Response, Refusal> {
    Ok(given(hold_bulk::plan(&site, &caller, &ids.holds).await?))
}

/// Decides them, each by itself; the answer says what became of each.
#[utoipa::path(post, path = "/holds/bulk", tag = "bulk", request_body = BulkDecision, responses((status = 200, body = Vec<BulkResult>)))]
async fn decide(
    State(site): State<Site>,
    caller: Caller,
    Sent(decision): Sent<BulkDecision>,
) -> Result<Response, Refusal> {
    let unknown = || Refusal::Wrong("together: release, refuse-tell or refuse".to_owned());
    let together = Together::of(&decision.together).ok_or_else(unknown)?;
    let holds = decision.holds.into_iter();
    let holds: Vec<(String, i64)> = holds.map(|hold| (hold.id, hold.version)).collect();
    let why = Why {
        reason: decision.reason,
        text: decision.text,
        ..Why::default()
    };
    let results = hold_bulk::decide(&site, &caller, &holds, together, &why);
    Ok(given(results.await?))
}

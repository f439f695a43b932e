//! The ledger, for programs.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::body::{Sent, given};
use super::job::JobAnswer;
use crate::console::access::Permission;
use crate::console::acts::ledger::{self, LedgerPage, Proof, SignedHead, Wanted};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(list, search, head, verify, verified))]
pub(super) struct Document;

/// Entries, the signed head, and whether it holds.
pub(super) fn doors(doors: Doors) -> Doors {
    doors
        .api(Method::GET, "/api/v1/ledger", Permission::SeeLedger, list)
        .api(
            Method::POST,
            "/api/v1/ledger/search",
            Permission::SeeLedger,
            search,
        )
        .api(
            Method::GET,
            "/api/v1/ledger/head",
            Permission::SeeLedger,
            head,
        )
        .api(
            Method::POST,
            "/api/v1/ledger/verify",
            Permission::SeeLedger,
            verify,
        )
        .api(
            Method::GET,
            "/api/v1/ledger/verify",
            Permission::SeeLedger,
            verified,
        )
}

/// Entries to look for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
#[schema(as = LedgerSearch)]
struct Search {
    /// This entry and older ones.
    upto: Option<i64>,
    /// Of this action.
    action: String,
    /// By this person: their name as the ledger has it.
    actor: String,
    /// On this hold, policy or account: its id.
    about: String,
}

fn wanted(upto: Option<i64>, action: &str, actor: &str, about: &str) -> Result<Wanted, Refusal> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let about = given(about).map(|id| {
        let id = id.to_ascii_uppercase().parse();
        id.map_err(|_| wrong("about: the id of a hold, a policy or an account"))
    });
    Ok(Wanted {
        upto,
        action: given(action),
        actor: given(actor),
        about: about.transpose()?,
    })
}

fn wrong(text: &str) -> Refusal {
    Refusal::Wrong(text.to_owned())
}

/// A page of the ledger, newest first. The next page begins at `older`.
#[utoipa::path(
    get, path = "/ledger", tag = "ledger",
    params(("upto" = Option<i64>, Query, description = "this entry and older ones"),
        ("action" = Option<String>, Query), ("about" = Option<String>, Query, description = "the id of a hold, a policy, an account")),
    responses((status = 200, body = LedgerPage))
)]
async fn list(
    State(site): State<Site>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, Refusal> {
    let upto = match fields.text("upto") {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|_| wrong("upto: the number of an entry"))?,
        ),
    };
    let wanted = wanted(upto, fields.text("action"), "", fields.text("about"))?;
    Ok(given(ledger::page(&site, &caller, &wanted).await?))
}

/// The same, with the name of a person in the body rather than in an address.
#[utoipa::path(
    post, path = "/ledger/search", tag = "ledger",
    request_body = Search,
    responses((status = 200, body = LedgerPage))
)]
async fn search(
    State(site): State<Site>,
    caller: Caller,
    Sent(asked): Sent<Search>,
) -> Result<Response, Refusal> {
    let wanted = wanted(asked.upto, &asked.action, &asked.actor, &asked.about)?;
    Ok(given(ledger::page(&site, &caller, &wanted).await?))
}

/// The newest signed head, to be kept elsewhere; null before the first was signed.
#[utoipa::path(
    get, path = "/ledger/head", tag = "ledger",
    responses((status = 200, body = Option<SignedHead>))
)]
async fn head(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(given(ledger::signed(&site, &caller).await?))
}

/// Has the whole ledger followed.
#[utoipa::path(
    post, path = "/ledger/verify", tag = "ledger",
    responses((status = 202, body = JobAnswer<Proof>))
)]
async fn verify(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    ledger::verify(&site, &caller).await?;
    Ok(JobAnswer::begun(ledger::verified(&site, &caller)?.as_ref()))
}

/// What following it came to last.
#[utoipa::path(
    get, path = "/ledger/verify", tag = "ledger",
    responses((status = 200, body = JobAnswer<Proof>))
)]
async fn verified(State(site): State<Site>, caller: Caller) -> Result<Response, Refusal> {
    Ok(JobAnswer::looked_at(
        ledger::verified(&site, &caller)?.as_ref(),
    ))
}

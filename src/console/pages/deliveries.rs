//! What is on its way, and getting it moving.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::deliveries::{self, DeliveryLine, DeliveryPage, Queue};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, page};
use crate::console::pages::parts::When;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::store::QueueState;

/// The queue.
pub fn doors(doors: Doors) -> Doors {
    doors
        .get("/deliveries", Permission::SeeQueue, list)
        .get("/deliveries/{id}", Permission::SeeQueue, show)
        .post("/deliveries/{id}/retry", Permission::ActOnQueue, retry)
        .post("/deliveries/{id}/cancel", Permission::ActOnQueue, cancel)
}

/// States that can be looked at.
const STATES: [QueueState; 3] = [QueueState::Waiting, QueueState::Dead, QueueState::Finished];

/// A delivery with its times in words.
struct Line {
    of: DeliveryLine,
    since: When,
    next: Option<When>,
}

#[derive(askama::Template)]
#[template(path = "deliveries.html")]
struct ListPage {
    frame: Frame,
    state: &'static str,
    states: [&'static str; 3],
    of: Queue,
    lines: Vec<Line>,
}

#[derive(askama::Template)]
#[template(path = "delivery.html")]
struct OnePage {
    frame: Frame,
    line: Line,
    of: DeliveryPage,
    acts: bool,
    reason: String,
    error: Option<String>,
}

async fn list(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let wanted = fields.text("state");
    let state = STATES.into_iter().find(|state| state.name() == wanted);
    let state = state.unwrap_or(QueueState::Waiting);
    let of = deliveries::list(&site, &signed, state).await?;
    let frame = Frame::of(&site, &signed, "deliveries-title", "/deliveries");
    Ok(page(&ListPage {
        lines: of.deliveries.iter().map(|one| line(&site, one)).collect(),
        state: state.name(),
        states: STATES.map(QueueState::name),
        of,
        frame: frame.after(fields.one("done")),
    }))
}

fn line(site: &Site, of: &DeliveryLine) -> Line {
    Line {
        since: When::of(site, of.created_at),
        next: When::maybe(site, of.due_at.or(of.ended_at)),
        of: of.clone(),
    }
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    one(&site, &signed, (&id, &fields), None).await
}

async fn one(
    site: &Site,
    signed: &Signed,
    (id, fields): (&str, &Fields),
    error: Option<String>,
) -> Result<Response, Refusal> {
    let of = deliveries::show(site, signed, id).await?;
    let frame = Frame::of(site, signed, "delivery-title", "/deliveries");
    let wrong = error.is_some();
    let mut response = page(&OnePage {
        line: line(site, &of.line),
        acts: signed.access.may(Permission::ActOnQueue) && of.line.state != "finished",
        reason: fields.text("reason").to_owned(),
        of,
        error,
        frame: frame.after(fields.one("done")),
    });
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

async fn retry(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    match deliveries::retry(&site, &signed, &id).await {
        Ok(()) => Ok(done(&format!("/deliveries/{id}"), "delivery-retry")),
        Err(Refusal::Wrong(error)) => one(&site, &signed, (&id, &fields), Some(error)).await,
        Err(refusal) => Err(refusal),
    }
}

async fn cancel(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    match deliveries::cancel(&site, &signed, &id, fields.text("reason")).await {
        Ok(()) => Ok(done("/deliveries", "delivery-cancel")),
        Err(Refusal::Wrong(error)) => one(&site, &signed, (&id, &fields), Some(error)).await,
        Err(refusal) => Err(refusal),
    }
}

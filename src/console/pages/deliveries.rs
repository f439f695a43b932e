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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{Bench, bench, is_denied, signed, text};
    use crate::mail::{Address, Envelope, QueueId};
    use crate::store::{Body, DeliveryKind, NewDelivery, Role};
    use bytes::Bytes;

    async fn queued(bench: &Bench) -> String {
        let now = bench.site.now();
        let address = |text: &str| Address::parse(text).unwrap();
        let new = NewDelivery {
            id: QueueId::from_random([9; 10]),
            kind: DeliveryKind::Notice,
            envelope: Envelope::of(
                Some(address("dpo@oak.example")),
                [address("head@oak.example")],
            ),
            body: Body::Message(Bytes::from_static(b"Subject: x\r\n\r\nx\r\n")),
            prefix: String::new(),
            xforward: None,
            encrypt: false,
            created_at: now,
            not_before: now,
        };
        let id = new.id.to_string();
        bench.store.enqueue(new).await.unwrap();
        id
    }

    #[tokio::test]
    async fn it_looks_tries_again_and_takes_out_with_a_reason() {
        let bench = bench().await;
        let id = queued(&bench).await;
        let at = || State(bench.site.clone());
        let it = || signed("i.tech", Role::It, &[]);
        let all = text(list(at(), it(), Fields::default()).await).await;
        assert!(
            all.contains("1 delivery waits.") && all.contains(&id),
            "{all}"
        );
        let path = || Path(id.clone());
        let one = text(show(at(), it(), path(), Fields::default()).await).await;
        assert!(one.contains("head@oak.example") && one.contains("Take it out of the queue"));
        retry(at(), it(), path(), Fields::default()).await.unwrap();
        let again = text(cancel(at(), it(), path(), Fields::parse(b"reason=+-")).await).await;
        assert!(again.contains("A reason is needed."), "{again}");
        let done = cancel(at(), it(), path(), Fields::parse(b"reason=test"))
            .await
            .unwrap();
        assert_eq!(
            done.headers()["location"],
            "/deliveries?done=delivery-cancel"
        );
        let gone = cancel(at(), it(), path(), Fields::parse(b"reason=test")).await;
        assert!(matches!(gone, Err(Refusal::Missing)));
    }

    #[tokio::test]
    async fn an_officer_looks_only_and_a_head_sees_nothing() {
        let bench = bench().await;
        let id = queued(&bench).await;
        let at = || State(bench.site.clone());
        let path = || Path(id.clone());
        let dpo = || signed("d.officer", Role::Dpo, &[]);
        let one = text(show(at(), dpo(), path(), Fields::default()).await).await;
        assert!(!one.contains("Take it out of the queue"));
        assert!(is_denied(
            &retry(at(), dpo(), path(), Fields::default()).await
        ));
        let reason = || Fields::parse(b"reason=test");
        assert!(is_denied(&cancel(at(), dpo(), path(), reason()).await));
        let head = || signed("h.head", Role::Head, &["oak"]);
        assert!(is_denied(&list(at(), head(), Fields::default()).await));
        assert!(is_denied(
            &show(at(), head(), path(), Fields::default()).await
        ));
        let none = show(at(), dpo(), Path("AAAA".to_owned()), Fields::default()).await;
        assert!(matches!(none, Err(Refusal::Missing)));
    }
}

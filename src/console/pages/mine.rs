//! What a sender sees of their own held messages.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::hold_form::version_of;
use crate::console::access::Permission;
use crate::console::acts::mine::{self, MineLine, MineView};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::{Frame, FrameNotice};
use crate::console::page::{done, moment, page};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::quarantine::DeskError;

/// One's own messages.
pub fn doors(doors: Doors) -> Doors {
    use Permission::OwnHolds;
    doors
        .get("/mine", OwnHolds, list)
        .get("/mine/{reference}", OwnHolds, show)
        .post("/mine/{reference}/say", OwnHolds, say)
        .post("/mine/{reference}/initials", OwnHolds, initials)
        .post("/mine/{reference}/take-back", OwnHolds, take_back)
}

/// A line as it is shown.
struct Line {
    of: MineLine,
    when: String,
    state: String,
    to: String,
}

#[derive(askama::Template)]
#[template(path = "mine.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "mine_one.html")]
struct OnePage {
    frame: Frame,
    line: Line,
    view: MineView,
    decided: String,
    text: String,
    asks: bool,
    error: Option<String>,
}

async fn list(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "mine-title", "/mine").after(fields.one("done"));
    let cursor = fields.one("at").filter(|at| !at.is_empty());
    let found = mine::list(&site, &signed, cursor).await?;
    let place = |at: Option<String>| at.map(|at| format!("/mine?at={at}"));
    let lines = found.messages.into_iter().map(|of| line(&site, &frame, of));
    Ok(page(&ListPage {
        lines: lines.collect(),
        previous: place(found.previous),
        next: place(found.next),
        frame,
    }))
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let view = mine::open(&site, &signed, &id).await?;
    let frame = frame(&site, &signed, &view).after(fields.one("done"));
    Ok(page(&one(&site, frame, view, &Fields::default())))
}

async fn say(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let asks = fields.has("asks");
    let word = (fields.text("text"), asks);
    let on = (id.as_str(), version_of(&fields));
    let said = mine::justify(&site, &signed, on, word).await;
    let key = if asks { "mine-asked" } else { "mine-said" };
    after(&site, &signed, (&id, &fields), (said, key)).await
}

async fn initials(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let on = (id.as_str(), version_of(&fields));
    let sent = mine::send_with_initials(&site, &signed, on).await;
    after(&site, &signed, (&id, &fields), (sent, "mine-sent")).await
}

async fn take_back(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let on = (id.as_str(), version_of(&fields));
    let taken = mine::take_back(&site, &signed, on).await;
    after(&site, &signed, (&id, &fields), (taken, "mine-back")).await
}

/// To the message's page, which says what was done or why not.
async fn after(
    site: &Site,
    signed: &Signed,
    (id, fields): (&str, &Fields),
    (acted, key): (Result<(), Refusal>, &str),
) -> Result<Response, Refusal> {
    let refusal = match acted {
        Ok(()) => return Ok(done(&format!("/mine/{id}"), key)),
        Err(refusal @ (Refusal::Wrong(_) | Refusal::Desk(_))) => refusal,
        Err(refusal) => return Err(refusal),
    };
    let view = mine::open(site, signed, id).await?;
    let mut frame = frame(site, signed, &view);
    let status = match &refusal {
        Refusal::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
        refusal => refusal.status(),
    };
    let error = match refusal {
        Refusal::Wrong(error) => Some(error),
        refusal => {
            frame.notice = Some(FrameNotice {
                kind: "warning",
                text: frame.words.say(told(&refusal)),
            });
            None
        }
    };
    let mut shown = one(site, frame, view, fields);
    shown.error = error;
    let mut response = page(&shown);
    *response.status_mut() = status;
    Ok(response)
}

/// Why it was not done, without the name of whoever has it: a key of words.
fn told(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Desk(DeskError::Claimed { .. } | DeskError::Forbidden(_)) => "mine-in-review",
        Refusal::Desk(DeskError::ManyWords) => "mine-many",
        Refusal::Desk(DeskError::Confidential) => "mine-confidential",
        _ => "mine-changed",
    }
}

fn frame(site: &Site, signed: &Signed, view: &MineView) -> Frame {
    let frame = Frame::of(site, signed, "mine-one-title", "/mine");
    let title = frame.words.with(
        "mine-one-title-reference",
        "reference",
        &view.line.reference,
    );
    frame.titled(title)
}

fn one(site: &Site, frame: Frame, view: MineView, fields: &Fields) -> OnePage {
    let words = &frame.words;
    OnePage {
        line: line(site, &frame, view.line.clone()),
        decided: view
            .decided_by
            .as_ref()
            .map_or_else(String::new, |by| words.with("mine-decided-by", "who", by)),
        text: fields.text("text").to_owned(),
        asks: fields.has("asks"),
        error: None,
        view,
        frame,
    }
}

fn line(site: &Site, frame: &Frame, of: MineLine) -> Line {
    Line {
        when: of.time.map_or_else(String::new, |at| moment(site, at)),
        state: frame.words.say(&format!("mine-state-{}", of.state)),
        to: of.recipients.join(", "),
        of,
    }
}

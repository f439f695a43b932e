//! Tokens for programs: making one, which shows it once, and everybody's.
//!
//! # Known gaps
//! The answer to the form is the page that shows the token, since it is kept nowhere that a next page could have it from. Loading it again
//! makes another token, which the list then shows.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::account::{self, MadeToken, OwnedToken, TokenInput, TokenLine};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, page};
use crate::console::pages::parts::When;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// Days that a token is good for unless another day is chosen: a term.
const USUAL: i64 = 90;

/// Making tokens and ending them.
pub fn doors(doors: Doors) -> Doors {
    use Permission::{ManagePeople, Own};
    doors
        .get_fresh("/account/tokens/new", Own, new)
        .post_fresh("/account/tokens", Own, make)
        .post("/account/tokens/{id}/end", Own, end)
        .get("/tokens", ManagePeople, list)
        .post("/tokens/{id}/end", ManagePeople, end_anybodys)
}

/// A token in words.
pub struct Line {
    /// The token.
    pub of: TokenLine,
    /// Whose; empty on a page of its owner's.
    pub owner: String,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// When it was last used.
    pub used: Option<When>,
    /// When it ends.
    pub ends: When,
}

/// A token in words.
pub fn line(site: &Site, frame: &Frame, of: TokenLine, owner: String) -> Line {
    let scopes = of.scopes.iter();
    Line {
        scopes: scopes.map(|name| scope(frame, name)).collect(),
        used: When::maybe(site, of.used_at),
        ends: When::of(site, of.ends_at),
        owner,
        of,
    }
}

fn scope(frame: &Frame, name: &str) -> String {
    frame.words.of("scope", &name.replace(':', "-"))
}

/// A scope to choose.
struct ScopeChoice {
    name: &'static str,
    /// For ids of a page.
    id: String,
    label: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "token_new.html")]
struct NewPage {
    frame: Frame,
    label: String,
    scopes: Vec<ScopeChoice>,
    ends: String,
    first: String,
    last: String,
    error: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "token_made.html")]
struct MadePage {
    frame: Frame,
    made: MadeToken,
    ends: When,
}

#[derive(askama::Template)]
#[template(path = "tokens.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
}

async fn new(State(site): State<Site>, signed: Signed) -> Response {
    page(&form(&site, &signed, &Fields::default(), None))
}

fn form(site: &Site, signed: &Signed, fields: &Fields, error: Option<String>) -> NewPage {
    let frame = Frame::of(site, signed, "token-new-title", "/account");
    let now = jiff::Timestamp::try_from(site.now()).unwrap_or_default();
    let today = site.time_zone().to_datetime(now).date();
    let day = |days: i64| {
        let day = today.saturating_add(jiff::Span::new().days(days));
        day.to_string()
    };
    let chosen: Vec<&str> = fields.all("scope").collect();
    let scopes = account::scopes(signed).map(|one| ScopeChoice {
        name: one.name(),
        id: one.name().replace(':', "-"),
        label: scope(&frame, one.name()),
        chosen: chosen.contains(&one.name()),
    });
    NewPage {
        label: fields.text("label").to_owned(),
        scopes: scopes.collect(),
        ends: fields.one("ends").map_or_else(|| day(USUAL), str::to_owned),
        first: day(0),
        last: day(365),
        error,
        frame,
    }
}

async fn make(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "token-made-title", "/account");
    let last_day = fields.text("ends").parse();
    let made = match last_day {
        Ok(last_day) => {
            let input = TokenInput {
                label: fields.text("label").to_owned(),
                scopes: fields.all("scope").map(str::to_owned).collect(),
                last_day,
            };
            account::make_token(&site, &signed, input).await
        }
        Err(_) => Err(Refusal::Wrong(frame.words.say("token-wrong-end"))),
    };
    match made {
        Ok(made) => Ok(page(&MadePage {
            ends: When::of(&site, made.ends_at),
            made,
            frame,
        })),
        Err(Refusal::Wrong(error)) => {
            let mut again = page(&form(&site, &signed, &fields, Some(error)));
            *again.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(again)
        }
        Err(refusal) => Err(refusal),
    }
}

async fn end(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    account::end_token(&site, &signed, &id).await?;
    Ok(done("/account", "token-ended"))
}

async fn list(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "tokens-title", "/people").after(fields.one("done"));
    let tokens = account::everybodys(&site, &signed).await?.into_iter();
    let lines = tokens.map(|OwnedToken { of, owner }| line(&site, &frame, of, owner));
    Ok(page(&ListPage {
        lines: lines.collect(),
        frame,
    }))
}

async fn end_anybodys(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    account::end_anybodys(&site, &signed, &id).await?;
    Ok(done("/tokens", "token-ended"))
}

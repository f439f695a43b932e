//! One decision on many messages of one kind: a page that lists them all, with their number to be typed, and one that says what became of each.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::hold_form::why_of;
use super::hold_words::Choice;
use crate::console::access::Permission;
use crate::console::acts::hold_bulk::{self, BulkPlan, BulkResult, Together};
use crate::console::acts::hold_decide::{REFUSE_REASONS, RELEASE_REASONS};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// Deciding together.
pub fn doors(doors: Doors) -> Doors {
    doors.post("/holds/bulk", Permission::Decide, choose).post(
        "/holds/bulk/decide",
        Permission::Decide,
        decide,
    )
}

#[derive(askama::Template)]
#[template(path = "hold_bulk.html")]
struct ChoosePage {
    frame: Frame,
    plan: BulkPlan,
    number: usize,
    no_release: Option<String>,
    release_reasons: Vec<Choice>,
    refuse_reasons: Vec<Choice>,
    text: String,
    together: Option<&'static str>,
    error: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "hold_bulk_done.html")]
struct DonePage {
    frame: Frame,
    results: Vec<BulkResult>,
    summary: String,
}

async fn choose(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let ids: Vec<String> = fields.all("hold").map(str::to_owned).collect();
    let plan = hold_bulk::plan(&site, &signed, &ids).await?;
    let frame = Frame::of(&site, &signed, "bulk-title", "/holds");
    Ok(page(&choose_page(frame, plan, &fields, None)))
}

async fn decide(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "bulk-title", "/holds");
    let holds: Vec<(String, i64)> = fields.all("hold").filter_map(versioned).collect();
    let done = match input(&frame, &fields, holds.len()) {
        Ok(together) => hold_bulk::decide(&site, &signed, &holds, together, &why_of(&fields)).await,
        Err(error) => Err(Refusal::Wrong(error)),
    };
    match done {
        Ok(results) => {
            let good = results.iter().filter(|one| one.done).count();
            let of = results.len();
            let summary = frame
                .words
                .all("bulk-done", vec![("n", good.into()), ("of", of.into())]);
            let frame = Frame::of(&site, &signed, "bulk-done-title", "/holds");
            Ok(page(&DonePage {
                frame,
                results,
                summary,
            }))
        }
        Err(Refusal::Wrong(error)) => {
            let ids: Vec<String> = holds.into_iter().map(|(id, _)| id).collect();
            let plan = hold_bulk::plan(&site, &signed, &ids).await?;
            let mut response = page(&choose_page(frame, plan, &fields, Some(error)));
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(refusal) => Err(refusal),
    }
}

/// What is to be done, if the number that was typed is that of the list.
fn input(frame: &Frame, fields: &Fields, number: usize) -> Result<Together, String> {
    let words = &frame.words;
    let typed = fields.text("number").parse::<usize>();
    if typed != Ok(number) {
        return Err(words.count("bulk-type-number", &number));
    }
    Together::of(fields.text("together")).ok_or_else(|| words.say("bulk-choose"))
}

/// A hold with the version that was shown: `ID.VERSION`.
fn versioned(value: &str) -> Option<(String, i64)> {
    let (id, version) = value.split_once('.')?;
    Some((id.to_owned(), version.parse().ok()?))
}

fn choose_page(frame: Frame, plan: BulkPlan, fields: &Fields, error: Option<String>) -> ChoosePage {
    let words = &frame.words;
    let reason = fields.text("reason");
    let reasons = |kind: &str, names: &[&str]| {
        let choice = |name: &&str| Choice {
            id: (*name).to_owned(),
            name: words.say(&format!("hold-{kind}-{name}")),
            chosen: *name == reason,
        };
        names.iter().map(choice).collect()
    };
    ChoosePage {
        no_release: plan.no_release.as_ref().map(|key| words.say(key)),
        release_reasons: reasons("release", &RELEASE_REASONS),
        refuse_reasons: reasons("refuse", &REFUSE_REASONS),
        text: fields.text("text").to_owned(),
        together: Together::of(fields.text("together")).map(Together::name),
        error,
        number: plan.holds.len(),
        plan,
        frame,
    }
}

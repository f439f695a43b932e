//! The forms of a decision, and the page that says what a release will do before it is done.
//!
//! # Invariants
//! A release is sent twice: the first time it is described, with everything that was chosen, and only the second time done. After a form was
//! done the browser is sent to the page of the hold.

use axum::extract::{Path, State};
use axum::response::Response;

use super::hold::not_done;
use super::hold_form::{FormState, release_of, version_of, why_of};
use crate::console::access::Permission;
use crate::console::acts::hold_decide;
use crate::console::acts::hold_plan::{self, ReleasePlan};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, page};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::quarantine::desk::Outcome;
use crate::store::Judgement;

/// Decisions.
pub fn doors(doors: Doors) -> Doors {
    doors
        .post("/holds/{id}/release", Permission::Decide, release)
        .post("/holds/{id}/refuse", Permission::Decide, refuse)
        .post("/holds/{id}/claim", Permission::Decide, claim)
        .post("/holds/{id}/take-over", Permission::Decide, take_over)
        .post("/holds/{id}/unclaim", Permission::Decide, unclaim)
        .post("/holds/{id}/approve", Permission::Decide, approve)
        .post("/holds/{id}/decline", Permission::Decide, decline)
        .post("/holds/{id}/withdraw", Permission::Decide, withdraw)
        .post("/holds/{id}/judge", Permission::Decide, judge)
        .post("/holds/{id}/legal-hold", Permission::LegalHold, legal_hold)
}

/// Something that the form said, to be sent again.
struct Again {
    name: String,
    value: String,
}

#[derive(askama::Template)]
#[template(path = "hold_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    id: String,
    plan: ReleasePlan,
    summary: String,
    again: Vec<Again>,
}

async fn release(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let state = FormState::sent("release", &fields);
    let frame = Frame::of(&site, &signed, "hold-confirm-title", "/holds");
    let input = match release_of(&fields, &frame.words) {
        Ok(input) => input,
        Err(error) => return not_done(&site, &signed, &id, (Refusal::Wrong(error), state)).await,
    };
    if fields.has("confirmed") {
        return match hold_decide::release(&site, &signed, &id, &input).await {
            Ok(Outcome::Released) => Ok(done(&format!("/holds/{id}"), "hold-released")),
            Ok(Outcome::Asked) => Ok(done(&format!("/holds/{id}"), "hold-asked")),
            Err(refusal) => not_done(&site, &signed, &id, (refusal, state)).await,
        };
    }
    match hold_plan::plan(&site, &signed, &id, &input).await {
        Ok(plan) => Ok(page(&confirm(frame, &id, plan, &fields))),
        Err(refusal) => not_done(&site, &signed, &id, (refusal, state)).await,
    }
}

fn confirm(frame: Frame, id: &str, plan: ReleasePlan, fields: &Fields) -> ConfirmPage {
    let words = &frame.words;
    let all = plan.to.len() + plan.not_to.len();
    let to = words.all(
        if plan.not_to.is_empty() {
            "hold-plan-all"
        } else {
            "hold-plan-some"
        },
        vec![("n", plan.to.len().into()), ("of", all.into())],
    );
    let outside = match plan.outside {
        0 => words.say("hold-plan-inside"),
        n => words.all(
            "hold-plan-outside",
            vec![("n", n.into()), ("of", plan.outside_of.into())],
        ),
    };
    let form = match plan.version.as_str() {
        "initials" => words.say("hold-plan-initials"),
        "without-attachments" => words.count("hold-plan-without", &plan.left_out.len()),
        _ => words.say("hold-plan-held"),
    };
    let summary = format!("{to} {outside} {form}");
    let mut again = Vec::new();
    for name in [
        "version",
        "reason",
        "text",
        "judgement",
        "form",
        "encrypt",
        "to",
        "without",
    ] {
        again.extend(fields.all(name).map(|value| Again {
            name: name.to_owned(),
            value: value.to_owned(),
        }));
    }
    ConfirmPage {
        id: id.to_owned(),
        summary,
        again,
        plan,
        frame,
    }
}

async fn refuse(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let tell = fields.text("tell") == "yes";
    let refused = hold_decide::refuse(&site, &signed, &id, &why_of(&fields), tell).await;
    let key = if tell {
        "hold-refused-told"
    } else {
        "hold-refused"
    };
    after(&site, &signed, &id, (refused, key), ("refuse", &fields)).await
}

async fn claim(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let on = (id.as_str(), version_of(&fields));
    let claimed = hold_decide::claim(&site, &signed, on, false).await;
    after(
        &site,
        &signed,
        &id,
        (claimed, "hold-claimed"),
        ("claim", &fields),
    )
    .await
}

async fn take_over(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let on = (id.as_str(), version_of(&fields));
    let claimed = hold_decide::claim(&site, &signed, on, true).await;
    after(
        &site,
        &signed,
        &id,
        (claimed, "hold-claimed"),
        ("claim", &fields),
    )
    .await
}

async fn unclaim(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let on = (id.as_str(), version_of(&fields));
    let given = hold_decide::unclaim(&site, &signed, on).await;
    after(
        &site,
        &signed,
        &id,
        (given, "hold-unclaimed"),
        ("claim", &fields),
    )
    .await
}

async fn approve(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let approved = hold_decide::approve(&site, &signed, &id, &why_of(&fields)).await;
    after(
        &site,
        &signed,
        &id,
        (approved, "hold-approved"),
        ("approve", &fields),
    )
    .await
}

async fn decline(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let declined = hold_decide::decline(&site, &signed, &id, &why_of(&fields)).await;
    after(
        &site,
        &signed,
        &id,
        (declined, "hold-declined"),
        ("decline", &fields),
    )
    .await
}

async fn withdraw(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let on = (id.as_str(), version_of(&fields));
    let withdrawn = hold_decide::withdraw(&site, &signed, on).await;
    after(
        &site,
        &signed,
        &id,
        (withdrawn, "hold-withdrawn"),
        ("withdraw", &fields),
    )
    .await
}

async fn judge(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let judged = match Judgement::of(fields.text("judgement")) {
        Some(judgement) => hold_decide::judge(&site, &signed, &id, judgement).await,
        None => Err(Refusal::Wrong(
            crate::console::words::Words::english().say("hold-choose-judgement"),
        )),
    };
    after(
        &site,
        &signed,
        &id,
        (judged, "hold-judged"),
        ("judge", &fields),
    )
    .await
}

async fn legal_hold(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let place = fields.text("place") == "yes";
    let why = why_of(&fields);
    let kept = hold_decide::legal_hold(&site, &signed, &id, (&why, place)).await;
    let key = if place { "hold-kept" } else { "hold-not-kept" };
    after(&site, &signed, &id, (kept, key), ("legal", &fields)).await
}

/// To the page of the hold, which says what was done or why not.
async fn after(
    site: &Site,
    signed: &Signed,
    id: &str,
    (acted, key): (Result<(), Refusal>, &str),
    (which, fields): (&'static str, &Fields),
) -> Result<Response, Refusal> {
    match acted {
        Ok(()) => Ok(done(&format!("/holds/{id}"), key)),
        Err(refusal) => {
            let state = FormState::sent(which, fields);
            not_done(site, signed, id, (refusal, state)).await
        }
    }
}

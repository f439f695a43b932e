//! The front page: what waits.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::console::access::Permission;
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::store::Counts;

/// The front page, and the way to it.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/", Permission::Own, show)
}

#[derive(askama::Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    counts: Counts,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    if !signed.access.may(Permission::SeeHolds) {
        // Somebody who sees no holds begins with what they have.
        return Ok(Redirect::to("/account").into_response());
    }
    let counts = site.store().counts().await?;
    let frame = Frame::of(&site, &signed, "overview-title", "/").after(fields.one("done"));
    Ok(page(&OverviewPage { frame, counts }))
}

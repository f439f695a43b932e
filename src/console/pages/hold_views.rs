//! Saved searches of the list: opened, kept, deleted.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::holds::{address_of, search_of};
use crate::console::access::Permission;
use crate::console::acts::hold_views;
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::page::done;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// Saved searches.
pub fn doors(doors: Doors) -> Doors {
    doors
        .post("/holds/views", Permission::SeeHolds, save)
        .get("/holds/views/{id}", Permission::SeeHolds, open)
        .post("/holds/views/{id}/delete", Permission::SeeHolds, delete)
}

/// To the list with what was saved; the text is sealed anew for this sign-in.
async fn open(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let view = hold_views::open(&site, &signed, &id).await?;
    Ok(Redirect::to(&address_of(&site, &signed, &view.wanted)?).into_response())
}

async fn save(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let wanted = search_of(&site, &signed, &fields);
    hold_views::save(&site, &signed, fields.text("name"), &wanted).await?;
    Ok(done(&address_of(&site, &signed, &wanted)?, "view-saved"))
}

async fn delete(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    hold_views::delete(&site, &signed, &id).await?;
    Ok(done("/holds", "view-deleted"))
}

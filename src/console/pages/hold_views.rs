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
    let views = hold_views::list(&site, &signed).await?;
    let view = views.into_iter().find(|view| view.id == id);
    let view = view.ok_or(Refusal::Missing)?;
    let fields = Fields::parse(view.query.as_bytes());
    Ok(Redirect::to(&address_of(&site, &signed, &fields)?).into_response())
}

async fn save(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let query = search_of(&site, &signed, &fields);
    hold_views::save(&site, &signed, fields.text("name"), &query).await?;
    Ok(done(
        &address_of(&site, &signed, &Fields::parse(query.as_bytes()))?,
        "view-saved",
    ))
}

async fn delete(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    hold_views::delete(&site, &signed, &id).await?;
    Ok(done("/holds", "view-deleted"))
}

//! The text of a held message, for programs.
//!
//! # Invariants
//! Each of these is a POST, since each enters a look in the ledger before it answers.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::body::given;
use crate::console::access::Permission;
use crate::console::acts::hold_content::{self, Look};
use crate::console::acts::hold_message::{self, MessageText, VersionsText};
use crate::console::doors::Doors;
use crate::console::page::file;
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;

/// These routes.
#[derive(OpenApi)]
#[openapi(paths(message, unmask, preview, versions, attachment, save))]
pub(super) struct Document;

/// Reading and saving.
pub(super) fn doors(doors: Doors) -> Doors {
    let (read, post) = (Permission::ReadContent, Method::POST);
    doors
        .api(post.clone(), "/api/v1/holds/{id}/message", read, message)
        .api(post.clone(), "/api/v1/holds/{id}/unmask", read, unmask)
        .api(
            post.clone(),
            "/api/v1/holds/{id}/preview/{part}",
            read,
            preview,
        )
        .api(post.clone(), "/api/v1/holds/{id}/versions", read, versions)
        .api(
            post.clone(),
            "/api/v1/holds/{id}/attachments/{number}",
            read,
            attachment,
        )
        .api(post, "/api/v1/holds/{id}/save", read, save)
}

/// A page of a message.
#[derive(Serialize, ToSchema)]
struct Preview {
    /// An HTML document in which nothing is live. Show it in a frame without rights all the same.
    document: String,
}

/// A number in a path; another text names nothing.
fn number(text: &str) -> Result<usize, Refusal> {
    text.parse().map_err(|_| Refusal::Missing)
}

/// The text, with what was found masked. The ledger has a `read`.
#[utoipa::path(post, path = "/holds/{id}/message", tag = "content", params(("id" = String, Path)), responses((status = 200, body = MessageText)))]
async fn message(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let look = hold_message::look(&site, &caller, &id, Look::Text);
    Ok(given(look.await?))
}

/// The text in clear. The ledger has an `unmasked`.
#[utoipa::path(post, path = "/holds/{id}/unmask", tag = "content", params(("id" = String, Path)), responses((status = 200, body = MessageText)))]
async fn unmask(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let look = hold_message::look(&site, &caller, &id, Look::Clear);
    Ok(given(look.await?))
}

/// A page of HTML that the message has, in clear. The ledger has an `unmasked`.
#[utoipa::path(
    post, path = "/holds/{id}/preview/{part}", tag = "content",
    params(("id" = String, Path), ("part" = usize, Path, description = "one of `pages` of the message in clear")),
    responses((status = 200, body = Preview))
)]
async fn preview(
    State(site): State<Site>,
    caller: Caller,
    Path((id, part)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let document = hold_message::page(&site, &caller, &id, number(&part)?).await?;
    Ok(given(Preview { document }))
}

/// The message beside its version with initials, in clear. The ledger has an `unmasked`.
#[utoipa::path(post, path = "/holds/{id}/versions", tag = "content", params(("id" = String, Path)), responses((status = 200, body = VersionsText)))]
async fn versions(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(given(hold_message::both(&site, &caller, &id).await?))
}

/// An attachment as it is. The ledger has a `saved`.
#[utoipa::path(
    post, path = "/holds/{id}/attachments/{number}", tag = "content",
    params(("id" = String, Path), ("number" = usize, Path, description = "its number, from 1")),
    responses((status = 200, body = String, content_type = "application/octet-stream"))
)]
async fn attachment(
    State(site): State<Site>,
    caller: Caller,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let number = number(&which)?;
    let bytes = hold_content::attachment(&site, &caller, &id, number).await?;
    let name = format!("beadle-{id}-{number}.bin");
    Ok(file(&name, "application/octet-stream", bytes))
}

/// The message as it came. The ledger has a `saved`.
#[utoipa::path(
    post, path = "/holds/{id}/save", tag = "content", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "application/octet-stream"))
)]
async fn save(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let bytes = hold_content::saved(&site, &caller, &id).await?;
    let name = format!("beadle-{id}.eml");
    Ok(file(&name, "application/octet-stream", bytes.to_vec()))
}

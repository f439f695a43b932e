//! The text of a held message: asked for by a form, which the ledger notes, and shown on a mark that only that form gives.
//!
//! # Invariants
//! A mark is good for one sign-in, one hold, one way of looking and [`GOOD_FOR`]; without one nothing is shown. What a stranger wrote as a page is shown
//! in a frame without rights, under a policy of its own (`quarantine::view`). Files are only ever saved, never opened here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::hold_words;
use crate::console::access::Permission;
use crate::console::acts::hold_content::{self, Look};
use crate::console::acts::hold_message::{
    self, FileText, HeaderText, MessageText, PartText, RunText, SideText,
};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{file, page};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::console::words::Words;
use crate::quarantine::view;

/// How long a look that was noted may be gone back to.
pub const GOOD_FOR: Duration = Duration::from_mins(15);

/// Header fields that say who wrote to whom and what about come first; the rest opens when asked for.
const MAIN_FIELDS: [&str; 6] = ["from", "to", "cc", "subject", "date", "reply-to"];

/// Reading and saving.
pub fn doors(doors: Doors) -> Doors {
    use Permission::ReadContent;
    doors
        .post("/holds/{id}/message", ReadContent, read)
        .get("/holds/{id}/message", ReadContent, text)
        .post("/holds/{id}/unmask", ReadContent, unmask)
        .get("/holds/{id}/unmasked", ReadContent, clear)
        .get("/holds/{id}/preview/{part}", ReadContent, preview)
        .get("/holds/{id}/versions", ReadContent, versions)
        .post("/holds/{id}/attachments/{number}", ReadContent, save_file)
        .post("/holds/{id}/save", ReadContent, save)
}

/// Leave to look again, as an address has it: `at=…&mark=…`.
fn leave(site: &Site, signed: &Signed, look: Look, id: &str) -> String {
    let at = site.now().duration_since(UNIX_EPOCH);
    let at = at.map_or(0, |at| at.as_secs()).to_string();
    let mark = site.mark(&[look.name(), &signed.csrf, id, &at]);
    format!("at={at}&mark={mark}")
}

/// Whether an address has leave to look.
fn has_leave(site: &Site, signed: &Signed, look: Look, (id, fields): (&str, &Fields)) -> bool {
    let at = fields.text("at");
    let Ok(seconds) = at.parse::<u64>() else {
        return false;
    };
    let given = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let age = |given: SystemTime| site.now().duration_since(given);
    let fresh = given.is_some_and(|given| age(given).is_ok_and(|age| age <= GOOD_FOR));
    fresh && site.is_mark(&[look.name(), &signed.csrf, id, at], fields.text("mark"))
}

/// Back to the page of the hold: the time to look is over.
fn over(id: &str) -> Response {
    Redirect::to(&format!("/holds/{id}?done=hold-look-over")).into_response()
}

async fn read(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = hold_content::note(&site, &signed, &id, Look::Text).await?;
    let id = id.to_string();
    let leave = leave(&site, &signed, Look::Text, &id);
    Ok(Redirect::to(&format!("/holds/{id}/message?{leave}")).into_response())
}

async fn unmask(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = hold_content::note(&site, &signed, &id, Look::Clear).await?;
    let id = id.to_string();
    let leave = leave(&site, &signed, Look::Clear, &id);
    Ok(Redirect::to(&format!("/holds/{id}/unmasked?{leave}")).into_response())
}

async fn text(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    look(&site, &signed, (&id, &fields), Look::Text).await
}

async fn clear(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    look(&site, &signed, (&id, &fields), Look::Clear).await
}

/// A piece of text.
struct Shown {
    text: String,
    kind: String,
}

/// A row of a table.
struct Row {
    place: String,
    cells: Vec<Vec<Shown>>,
}

/// The text of one place.
struct Part {
    title: String,
    runs: Vec<Shown>,
    rows: Vec<Row>,
    beyond: usize,
    cut: bool,
}

/// A header field.
struct Field {
    name: String,
    value: String,
}

/// A file to be saved.
struct Saved {
    number: usize,
    name: String,
    size: String,
    kind: String,
    notes: String,
}

/// A page that the message has.
struct PageLink {
    number: usize,
    href: String,
}

#[derive(askama::Template)]
#[template(path = "hold_message.html")]
struct MessagePage {
    frame: Frame,
    id: String,
    reference: String,
    in_clear: bool,
    parts: Vec<Part>,
    files: Vec<Saved>,
    fields: Vec<Field>,
    other_fields: Vec<Field>,
    pages: Vec<PageLink>,
    versions: String,
    cut: bool,
}

async fn look(
    site: &Site,
    signed: &Signed,
    (id, fields): (&str, &Fields),
    look: Look,
) -> Result<Response, Refusal> {
    if !has_leave(site, signed, look, (id, fields)) {
        return Ok(over(id));
    }
    let of = hold_message::text(site, signed, id, look).await?;
    let title = match look {
        Look::Text => "message-title",
        Look::Clear => "message-clear-title",
    };
    let frame = Frame::of(site, signed, title, "/holds");
    let query = format!("at={}&mark={}", fields.text("at"), fields.text("mark"));
    Ok(page(&message_page(frame, id, of, &query)))
}

fn message_page(frame: Frame, id: &str, of: MessageText, query: &str) -> MessagePage {
    let words = frame.words.clone();
    let is_main = |name: &str| MAIN_FIELDS.contains(&name.to_ascii_lowercase().as_str());
    let all = of.headers.into_iter();
    let (main, other): (Vec<_>, Vec<_>) = all.partition(|one| is_main(&one.name));
    // Fields that say what the message is about may hold what was found; they stand in the text, masked.
    let field = |one: HeaderText| Field {
        name: one.name,
        value: one
            .value
            .unwrap_or_else(|| words.say("message-field-masked")),
    };
    MessagePage {
        parts: of
            .parts
            .into_iter()
            .map(|part| part_of(&words, part))
            .collect(),
        files: of
            .attachments
            .into_iter()
            .map(|one| Saved {
                number: one.number,
                size: hold_words::size(one.bytes as u64),
                notes: notes(&words, &one),
                name: one.name,
                kind: one.kind,
            })
            .collect(),
        fields: main.into_iter().map(field).collect(),
        other_fields: other.into_iter().map(field).collect(),
        pages: of
            .pages
            .into_iter()
            .map(|number| PageLink {
                number,
                href: format!("/holds/{id}/preview/{number}?{query}"),
            })
            .collect(),
        versions: format!("/holds/{id}/versions?{query}"),
        cut: of.cut,
        id: id.to_owned(),
        reference: of.reference,
        in_clear: of.in_clear,
        frame,
    }
}

fn notes(words: &Words, file: &FileText) -> String {
    let mut notes = Vec::new();
    if file.mismatch {
        notes.push(words.say("message-file-mismatch"));
    }
    for how in &file.protection {
        notes.push(words.with("hold-protected", "how", *how));
    }
    for kind in &file.unread {
        notes.push(words.with("message-file-unread", "kind", kind));
    }
    if file.recognised {
        notes.push(words.say("message-file-recognised"));
    }
    notes.join("; ")
}

fn part_of(words: &Words, part: PartText) -> Part {
    let shown = |run: RunText| Shown {
        text: run.text,
        kind: run.category.map_or_else(String::new, |category| {
            words.say(&format!("hold-found-{category}"))
        }),
    };
    let in_file = || words.with("message-in-file", "n", part.attachment.unwrap_or_default());
    Part {
        title: part.place.unwrap_or_else(in_file),
        runs: part.runs.into_iter().map(shown).collect(),
        rows: part
            .rows
            .into_iter()
            .map(|row| Row {
                place: row.place,
                cells: row
                    .cells
                    .into_iter()
                    .map(|cell| cell.into_iter().map(shown).collect())
                    .collect(),
            })
            .collect(),
        beyond: part.beyond,
        cut: part.cut,
    }
}

async fn preview(
    State(site): State<Site>,
    signed: Signed,
    Path((id, part)): Path<(String, usize)>,
    fields: Fields,
) -> Result<Response, Refusal> {
    if !has_leave(&site, &signed, Look::Clear, (&id, &fields)) {
        return Err(Refusal::Missing);
    }
    let document = hold_content::preview(&site, &signed, &id, part).await?;
    let mut response = document.into_response();
    for (name, value) in view::HEADERS {
        if let Ok(name) = HeaderName::try_from(name) {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
    }
    // Our own page frames it, and nobody else's.
    let frames = HeaderValue::from_static("SAMEORIGIN");
    response
        .headers_mut()
        .insert(header::X_FRAME_OPTIONS, frames);
    Ok(response)
}

#[derive(askama::Template)]
#[template(path = "hold_versions.html")]
struct VersionsPage {
    frame: Frame,
    id: String,
    sides: Vec<SideText>,
    passes: bool,
}

async fn versions(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    if !has_leave(&site, &signed, Look::Clear, (&id, &fields)) {
        return Ok(over(&id));
    }
    let of = hold_message::versions(&site, &signed, &id).await?;
    Ok(page(&VersionsPage {
        frame: Frame::of(&site, &signed, "versions-title", "/holds"),
        sides: of.places,
        passes: of.passes,
        id,
    }))
}

async fn save_file(
    State(site): State<Site>,
    signed: Signed,
    Path((id, number)): Path<(String, usize)>,
) -> Result<Response, Refusal> {
    let bytes = hold_content::attachment(&site, &signed, &id, number).await?;
    // Neither name nor type of a stranger's: it is saved under ours, and no program opens it by itself.
    let name = format!("beadle-{id}-{number}.bin");
    Ok(file(&name, "application/octet-stream", bytes))
}

async fn save(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let bytes = hold_content::saved(&site, &signed, &id).await?;
    let name = format!("beadle-{id}.eml");
    Ok(file(&name, "application/octet-stream", bytes.to_vec()))
}

//! The own account: what one may do, where one is signed in, and ending that.

use axum::extract::{Path, State};
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::account::{self, ViewLine};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, machine_time, moment, page};
use crate::console::pages::tokens;
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::mail::QueueId;

/// The own account.
pub fn doors(doors: Doors) -> Doors {
    let own = Permission::Own;
    doors
        .get("/account", own, show)
        .post("/account/sessions/end", own, end_others)
        .post("/account/views/{id}/delete", own, delete_view)
}

/// A grant in words.
struct GrantLine {
    role: String,
    schools: String,
}

/// A session in words.
struct SessionLine {
    device: String,
    began: String,
    began_at: String,
    seen: String,
    this: bool,
}

#[derive(askama::Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    name: String,
    address: Option<String>,
    grants: Vec<GrantLine>,
    sessions: Vec<SessionLine>,
    tokens: Vec<tokens::Line>,
    views: Vec<ViewLine>,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "account-title", "/account").after(fields.one("done"));
    let sessions = site.store().sessions_of(signed.account.id).await?;
    let this: QueueId = signed.session.id;
    // One that was idle for too long, or came to its end, is there until it is swept.
    let idle = std::time::Duration::from_mins(site.config().idle_minutes.into());
    let now = site.now();
    let open = sessions
        .into_iter()
        .filter(|session| now < session.ends_at && now < session.seen_at + idle);
    let lines = open.map(|session| SessionLine {
        device: session.device,
        began: moment(&site, session.began_at),
        began_at: machine_time(session.began_at),
        seen: moment(&site, session.seen_at),
        this: session.id == this,
    });
    let tokens = account::tokens(&site, &signed).await?.into_iter();
    let tokens = tokens.map(|of| tokens::line(&site, &frame, of, String::new()));
    let tokens: Vec<tokens::Line> = tokens.collect();
    let grants = signed.account.grants.iter().map(|grant| GrantLine {
        role: frame.words.say(&format!("role-{}", grant.role.name())),
        schools: schools(&site, &grant.schools, &frame),
    });
    Ok(page(&AccountPage {
        name: signed.account.name.clone(),
        address: signed.account.address.as_ref().map(ToString::to_string),
        grants: grants.collect(),
        sessions: lines.collect(),
        tokens,
        views: account::views(&site, &signed).await?,
        frame,
    }))
}

/// The names of schools, or that it is all of them.
fn schools(site: &Site, ids: &[String], frame: &Frame) -> String {
    if ids.is_empty() {
        return frame.words.say("every-school");
    }
    let name = |id: &String| {
        let known = site.schools().get(id);
        known.map_or_else(|| id.clone(), |school| school.name.to_string())
    };
    ids.iter().map(name).collect::<Vec<_>>().join(", ")
}

async fn delete_view(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    account::delete_view(&site, &signed, &id).await?;
    Ok(done("/account", "view-deleted"))
}

async fn end_others(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    let (account, now) = (signed.account.id, site.now());
    site.store()
        .end_sessions_of(account, Some(signed.token_sha256), signed.actor(), now)
        .await?;
    Ok(done("/account", "sessions-ended"))
}

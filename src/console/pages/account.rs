//! The own account: what one may do, where one is signed in, and ending that.

use axum::extract::State;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, machine_time, moment, page};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::mail::QueueId;

/// The own account.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/account", Permission::Own, show).post(
        "/account/sessions/end",
        Permission::Own,
        end_others,
    )
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
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "account-title", "/account").after(fields.one("done"));
    let sessions = site.store().sessions_of(signed.account.id).await?;
    let this: QueueId = signed.session.id;
    let lines = sessions.into_iter().map(|session| SessionLine {
        device: session.device,
        began: moment(&site, session.began_at),
        began_at: machine_time(session.began_at),
        seen: moment(&site, session.seen_at),
        this: session.id == this,
    });
    let grants = signed.account.grants.iter().map(|grant| GrantLine {
        role: frame.words.say(&format!("role-{}", grant.role.name())),
        schools: schools(&site, &grant.schools, &frame),
    });
    Ok(page(&AccountPage {
        name: signed.account.name.clone(),
        address: signed.account.address.as_ref().map(ToString::to_string),
        grants: grants.collect(),
        sessions: lines.collect(),
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

async fn end_others(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    let (account, now) = (signed.account.id, site.now());
    site.store()
        .end_sessions_of(account, Some(signed.token_sha256), signed.actor(), now)
        .await?;
    Ok(done("/account", "sessions-ended"))
}

//! The register of mailboxes that forward to the outside.

use axum::extract::State;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::forwarding::{self, ForwardingLine};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::pages::parts::{Choice, When, school};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// The register.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/forwarding", Permission::SeeForwarding, show)
}

/// A line with its times in words.
struct Line {
    of: ForwardingLine,
    school: String,
    first: When,
    last: When,
}

#[derive(askama::Template)]
#[template(path = "forwarding.html")]
struct ForwardingPage {
    frame: Frame,
    lines: Vec<Line>,
    schools: Vec<Choice>,
    more: bool,
    masked: bool,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "forwarding-title", "/forwarding");
    let wanted = Some(fields.text("school")).filter(|id| !id.is_empty());
    let register = forwarding::list(&site, &signed, wanted).await?;
    let seen = |id: &str| signed.access.may_for(Permission::SeeForwarding, Some(id));
    let schools = site.schools().iter().filter(|school| seen(&school.id));
    let schools = schools.map(|school| Choice {
        id: school.id.to_string(),
        name: school.name.to_string(),
        chosen: wanted == Some(&*school.id),
    });
    let line = |of: ForwardingLine| Line {
        school: school(&site, &frame, of.school.as_deref()),
        first: When::of(&site, of.first_seen),
        last: When::of(&site, of.last_seen),
        of,
    };
    Ok(page(&ForwardingPage {
        lines: register.lines.into_iter().map(line).collect(),
        schools: schools.collect(),
        more: register.more,
        masked: register.masked,
        frame,
    }))
}

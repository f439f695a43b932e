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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{Bench, bench, is_denied, signed, text};
    use crate::mail::Address;
    use crate::store::{Forwarded, Role};
    use std::time::SystemTime;

    async fn forwards(bench: &Bench, mailbox: Option<&str>) {
        let mailbox = mailbox.map(|one| Address::parse(one).unwrap());
        let target = Address::parse("private.person@freemail.example").unwrap();
        let marks = ["F4".into()];
        let noted = bench.store.note_forward(Forwarded {
            mailbox: mailbox.as_ref(),
            target: &target,
            marks: &marks,
            at: SystemTime::now(),
            day: jiff::civil::date(2026, 11, 28),
        });
        noted.await.unwrap();
    }

    #[tokio::test]
    async fn each_sees_their_schools_and_only_those_who_shut_it_where_it_goes() {
        let bench = bench().await;
        forwards(&bench, Some("t.teacher@oak.example")).await;
        forwards(&bench, None).await;
        let at = || State(bench.site.clone());
        let by = async |role, schools: &[&str]| {
            text(show(at(), signed("p", role, schools), Fields::default()).await).await
        };
        for role in [Role::Dpo, Role::It] {
            let all = by(role, &[]).await;
            assert!(all.contains("private.person@freemail.example"), "{role:?}");
            assert!(all.contains("t.teacher@oak.example") && all.contains("Not named"));
            assert!(
                all.contains("Exchange mailbox forwarding"),
                "marks in words"
            );
        }
        let own = by(Role::Head, &["oak"]).await;
        assert!(own.contains("t.teacher@oak.example") && own.contains("••••@freemail.example"));
        assert!(!own.contains("private.person") && !own.contains("Not named"));
        let other = by(Role::Head, &["elm"]).await;
        assert!(!other.contains("oak.example"), "{other}");
        assert!(!by(Role::Auditor, &[]).await.contains("private.person"));
        let of_oak = Fields::parse(b"school=oak");
        let dpo = signed("p", Role::Dpo, &[]);
        let one = text(show(at(), dpo, of_oak).await).await;
        assert!(one.contains("t.teacher@oak.example") && !one.contains("Not named"));
        let sender = signed("p", Role::Sender, &[]);
        assert!(is_denied(&show(at(), sender, Fields::default()).await));
    }
}

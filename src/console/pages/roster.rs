//! Whom the relay looks for: numbers and files, never a name.

use axum::extract::State;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::roster::{self, FileLine, RosterCount, RosterNow};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, page};
use crate::console::pages::parts::{JobLine, When, bar};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// The roster.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/roster", Permission::SeeRoster, show).post(
        "/roster/count",
        Permission::SeeRoster,
        count,
    )
}

/// A file with its time in words.
struct Line {
    of: FileLine,
    changed: Option<When>,
}

/// A school of the files.
struct SchoolLine {
    name: String,
    number: usize,
    bar: u64,
}

#[derive(askama::Template)]
#[template(path = "roster.html")]
struct RosterPage {
    frame: Frame,
    of: RosterNow,
    taken_up: Option<When>,
    files: Vec<Line>,
    job: Option<JobLine>,
    count: Option<RosterCount>,
    schools: Vec<SchoolLine>,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = Frame::of(&site, &signed, "roster-title", "/roster").after(fields.one("done"));
    let of = roster::now(&site, &signed)?;
    let job = roster::last_count(&site, &signed)?;
    let count = roster::result(job.as_ref()).map(|count| RosterCount::clone(&count));
    let line = |file: &FileLine| Line {
        changed: When::maybe(&site, file.changed_at),
        of: file.clone(),
    };
    Ok(page(&RosterPage {
        taken_up: When::maybe(&site, of.taken_up_at),
        files: of.files.iter().map(line).collect(),
        schools: count
            .as_ref()
            .map(|count| schools(count, &frame))
            .unwrap_or_default(),
        job: job.map(|job| JobLine::of(&site, &job)),
        count,
        of,
        frame,
    }))
}

fn schools(count: &RosterCount, frame: &Frame) -> Vec<SchoolLine> {
    let most = count.schools.values().max().copied().unwrap_or(0);
    let line = |(name, number): (&String, &usize)| SchoolLine {
        name: if name.is_empty() {
            frame.words.say("roster-no-school")
        } else {
            name.clone()
        },
        number: *number,
        bar: bar(*number as u64, most as u64),
    };
    count.schools.iter().map(line).collect()
}

async fn count(State(site): State<Site>, signed: Signed) -> Result<Response, Refusal> {
    roster::count(&site, &signed).await?;
    Ok(done("/roster", "roster-count"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{bench, is_denied, signed, text};
    use crate::store::Role;

    #[tokio::test]
    async fn numbers_and_never_a_name() {
        let bench = bench().await;
        let at = || State(bench.site.clone());
        let it = || signed("i.tech", Role::It, &[]);
        let before = text(show(at(), it(), Fields::default()).await).await;
        assert!(
            before.contains("2 pupils are looked for by name"),
            "{before}"
        );
        count(at(), it()).await.unwrap();
        let after = text(show(at(), it(), Fields::default()).await).await;
        assert!(after.contains("<th scope=\"row\" class=\"govuk-table__header\">Oak</th>"));
        assert!(!after.contains("Tremblay"), "a pupil");
        let head = || signed("h.head", Role::Head, &["oak"]);
        assert!(is_denied(&show(at(), head(), Fields::default()).await));
        assert!(is_denied(&count(at(), head()).await));
    }
}

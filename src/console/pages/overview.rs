//! The first page: what waits, and where to begin.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::console::access::Permission;
use crate::console::acts::overview::{self, DayLine, Overview};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::pages::parts::{bar, school, since};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// The first page.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/", Permission::Own, show)
}

/// So many of one kind, with a bar.
struct ShareLine {
    href: String,
    title: String,
    number: usize,
    bar: u64,
}

/// A day of the trend.
struct Day {
    name: String,
    of: DayLine,
    all: u64,
    bar: u64,
}

#[derive(askama::Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    of: Overview,
    headline: String,
    since: String,
    ages: Vec<ShareLine>,
    schools: Vec<ShareLine>,
    rules: Vec<ShareLine>,
    days: Vec<Day>,
    late: String,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    if !signed.access.may(Permission::SeeHolds) {
        // Somebody who sees no holds begins with what they have.
        let own = if signed.access.may(Permission::OwnHolds) {
            "/mine"
        } else {
            "/account"
        };
        return Ok(Redirect::to(own).into_response());
    }
    let of = overview::look(&site, &signed).await?;
    let frame = Frame::of(&site, &signed, "overview-title", "/").after(fields.one("done"));
    let headline = if of.waiting == 0 {
        frame.words.say("overview-none")
    } else {
        frame.words.count("overview-waiting", &of.waiting)
    };
    let since_words = of.oldest.as_ref();
    let since_words = since_words.map_or_else(String::new, |one| since(&site, &frame, one.at));
    let late = of.deliveries.as_ref().and_then(|one| one.late_since);
    let late = late.map_or_else(String::new, |at| since(&site, &frame, at));
    Ok(page(&OverviewPage {
        ages: ages(&of, &frame),
        schools: schools(&of, &site, &frame),
        rules: rules(&of),
        days: days(&of),
        headline,
        since: since_words,
        late,
        of,
        frame,
    }))
}

fn ages(of: &Overview, frame: &Frame) -> Vec<ShareLine> {
    let most = of.ages.iter().map(|band| band.number).max().unwrap_or(0);
    let line = |band: &overview::Band| ShareLine {
        href: String::new(),
        title: frame.words.of("overview-age", band.age),
        number: band.number,
        bar: bar(band.number as u64, most as u64),
    };
    of.ages.iter().map(line).collect()
}

fn schools(of: &Overview, site: &Site, frame: &Frame) -> Vec<ShareLine> {
    let most = of.schools.first().map_or(0, |share| share.number);
    let line = |share: &overview::Share| ShareLine {
        href: query("school", &share.id),
        title: school(site, frame, Some(&share.id)),
        number: share.number,
        bar: bar(share.number as u64, most as u64),
    };
    of.schools.iter().map(line).collect()
}

fn rules(of: &Overview) -> Vec<ShareLine> {
    let most = of.rules.first().map_or(0, |share| share.number);
    let line = |share: &overview::Share| ShareLine {
        href: query("rule", &share.id),
        title: share.title.clone(),
        number: share.number,
        bar: bar(share.number as u64, most as u64),
    };
    of.rules.iter().map(line).collect()
}

/// The list of holds with one filter; empty where there is nothing to filter by.
fn query(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish();
    format!("/holds?{query}")
}

fn days(of: &Overview) -> Vec<Day> {
    let all = |day: &DayLine| {
        u64::from(day.waiting)
            + u64::from(day.released)
            + u64::from(day.refused)
            + u64::from(day.turned_away)
    };
    let most = of.days.iter().map(all).max().unwrap_or(0);
    let line = |day: &DayLine| Day {
        name: day.day.parse().map_or_else(
            |_| day.day.clone(),
            |date: jiff::civil::Date| date.strftime("%a %-d %b").to_string(),
        ),
        all: all(day),
        bar: bar(all(day), most),
        of: day.clone(),
    };
    of.days.iter().map(line).collect()
}

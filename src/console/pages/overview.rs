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
    decides: bool,
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
        decides: signed.access.may(Permission::Decide),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pages::rehearsal::{bench, hold, signed, text};
    use crate::store::Role;
    use std::time::Duration;

    #[tokio::test]
    async fn the_first_thing_is_how_many_wait_and_where_to_begin() {
        let bench = bench().await;
        let dpo = signed("d.officer", Role::Dpo, &[]);
        let at = || State(bench.site.clone());
        let empty = text(show(at(), dpo.clone(), Fields::default()).await).await;
        assert!(empty.contains("No message waits"), "{empty}");
        let oldest = hold(&bench, 1, "oak", Duration::from_hours(30)).await;
        hold(&bench, 2, "elm", Duration::from_hours(1)).await;
        let page = text(show(at(), dpo, Fields::default()).await).await;
        assert!(page.contains("2 messages wait</h1>"), "{page}");
        assert!(
            page.contains("The oldest came yesterday at") || page.contains("The oldest came 2")
        );
        assert!(page.contains(&format!("href=\"/holds/{oldest}\"")));
        assert!(page.contains("Oak School") && page.contains("Elm School"));
        assert!(
            page.contains("medical, SEN or safeguarding"),
            "the rule by its title"
        );
        assert!(!page.contains("Secret subject") && !page.contains("teacher@"));
    }

    #[tokio::test]
    async fn a_head_counts_the_messages_of_their_school_alone() {
        let bench = bench().await;
        hold(&bench, 1, "oak", Duration::from_hours(30)).await;
        let own = hold(&bench, 2, "elm", Duration::from_hours(1)).await;
        let head = signed("h.head", Role::Head, &["elm"]);
        let of = overview::look(&bench.site, &head).await.unwrap();
        assert_eq!((of.waiting, of.schools.len()), (1, 1));
        assert_eq!(of.oldest.map(|one| one.id), Some(own.to_string()));
        assert_eq!(of.deliveries, None, "the queue is not a head's");
        let stopped: u32 = of.days.iter().map(|day| day.waiting).sum();
        assert_eq!((of.days.len(), stopped), (14, 1));
        let nobody = signed("s.sender", Role::Sender, &[]);
        let denied = overview::look(&bench.site, &nobody).await;
        assert!(matches!(denied, Err(Refusal::Denied)));
    }
}

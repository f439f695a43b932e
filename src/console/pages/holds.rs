//! The list of what is held: filters, search, pages, and boxes to tick.
//!
//! # Invariants
//! A text that is searched for is sent by a form and stands in addresses sealed for the sign-in. Everything else of a filter is an id, a state or
//! a day. The order begins with what has waited longest, since that is what harms people.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::hold_words::{self, Choice};
use crate::console::access::{Permission, Reach};
use crate::console::acts::hold_views::{self, HoldSearch};
use crate::console::acts::holds::{self, HoldLine, HoldsFilter, HoldsPage, PAGE, Standing};
use crate::console::acts::holds_wanted::HoldsWanted;
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::page;
use crate::console::refusal::Refusal;
use crate::console::sealed;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::console::words::Words;
use crate::store::HoldState;

/// What sealed texts of searches are for.
const SEARCH: &str = "holds search";

/// The list and its search.
pub fn doors(doors: Doors) -> Doors {
    doors.get("/holds", Permission::SeeHolds, list).post(
        "/holds/search",
        Permission::SeeHolds,
        search,
    )
}

/// A line as it is shown.
struct Line {
    of: HoldLine,
    age: String,
    time: String,
    state: String,
    colour: &'static str,
    to: String,
    found: String,
    who: String,
    can_tick: bool,
}

/// A day as a filter has it.
struct Days {
    from: String,
    until: String,
}

#[derive(askama::Template)]
#[template(path = "holds.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    range: String,
    previous: Option<String>,
    next: Option<String>,
    states: Vec<Choice>,
    rules: Vec<Choice>,
    categories: Vec<Choice>,
    schools: Vec<Choice>,
    days: Days,
    newest_first: bool,
    text: String,
    search_ended: bool,
    indexing: bool,
    filtered: bool,
    here: Vec<(&'static str, String)>,
    saved: Vec<HoldSearch>,
    decides: bool,
    live: bool,
    error: Option<String>,
}

async fn list(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let sealed = fields.text("q");
    let opened = sealed::open(&site, &signed, SEARCH, sealed);
    let search_ended = opened.is_none() && !sealed.is_empty();
    let text = opened.unwrap_or_default();
    let found = async {
        let filter = HoldsWanted::of(&fields, text.clone()).filter()?;
        let cursor = fields.one("at").filter(|at| !at.is_empty());
        let page = holds::list(&site, &signed, &filter, cursor).await?;
        Ok((filter, page))
    };
    let (filter, found, error) = match found.await {
        Ok((filter, found)) => (filter, found, None),
        Err(Refusal::Wrong(error)) => {
            let filter = HoldsFilter {
                text,
                ..HoldsFilter::default()
            };
            (filter, HoldsPage::default(), Some(error))
        }
        Err(refusal) => return Err(refusal),
    };
    let wrong = error.is_some();
    let mut shown = list_page(&site, &signed, &fields, (&filter, found));
    shown.saved = hold_views::list(&site, &signed).await?;
    shown.error = error;
    shown.search_ended = search_ended;
    let mut response = page(&shown);
    if wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

async fn search(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let wanted = HoldsWanted::of(&fields, fields.text("text").to_owned());
    Ok(Redirect::to(&address_of(&site, &signed, &wanted)?).into_response())
}

/// Fields of a filter that may stand in an address.
const PLAIN: [&str; 7] = [
    "state", "rule", "category", "school", "from", "until", "order",
];

/// The address of the list for what somebody asks for, its text sealed.
pub(super) fn address_of(
    site: &Site,
    signed: &Signed,
    wanted: &HoldsWanted,
) -> Result<String, Refusal> {
    let mut query = wanted.plain();
    let text = &wanted.text[..wanted.text.floor_char_boundary(sealed::LONGEST)];
    if !text.is_empty() {
        query.append_pair("q", &sealed::seal(site, signed, SEARCH, text)?);
    }
    let query = query.finish();
    Ok(if query.is_empty() {
        "/holds".to_owned()
    } else {
        format!("/holds?{query}")
    })
}

/// What an address of the list asks for, its text in clear.
pub(super) fn search_of(site: &Site, signed: &Signed, fields: &Fields) -> HoldsWanted {
    let text = sealed::open(site, signed, SEARCH, fields.text("q"));
    HoldsWanted::of(fields, text.unwrap_or_default())
}

fn list_page(
    site: &Site,
    signed: &Signed,
    fields: &Fields,
    (filter, found): (&HoldsFilter, HoldsPage),
) -> ListPage {
    let frame = Frame::of(site, signed, "holds-title", "/holds").after(fields.one("done"));
    let decides = signed.access.may(Permission::Decide);
    let first = fields
        .text("first")
        .parse::<u32>()
        .unwrap_or(0)
        .min(1 << 20);
    let shown = u32::try_from(found.holds.len()).unwrap_or(0);
    let range = match (shown, found.count) {
        (0, _) => String::new(),
        (_, count) => {
            let (from, to) = (first.saturating_add(1), first.saturating_add(shown));
            let of = count.max(to);
            let key = if found.more {
                "holds-range-more"
            } else {
                "holds-range"
            };
            frame.words.all(
                key,
                vec![("from", from.into()), ("to", to.into()), ("n", of.into())],
            )
        }
    };
    let here = query_of(fields);
    let place =
        |at: Option<String>, first: u32| at.map(|at| format!("/holds?{here}at={at}&first={first}"));
    let lines = found.holds.into_iter().map(|of| line(site, &frame, of));
    ListPage {
        lines: lines.collect(),
        range,
        previous: place(found.previous, first.saturating_sub(PAGE)),
        next: place(found.next, first.saturating_add(shown)),
        states: hold_words::standings(&frame.words, filter.state),
        rules: rules(site, filter.rule.as_deref()),
        categories: hold_words::categories(&frame.words, filter.category),
        schools: schools(site, signed, filter.school.as_deref()),
        days: Days {
            from: filter.from.map_or_else(String::new, |day| day.to_string()),
            until: filter.until.map_or_else(String::new, |day| day.to_string()),
        },
        newest_first: filter.newest_first,
        text: filter.text.clone(),
        search_ended: false,
        indexing: found.indexing,
        here: hidden(fields),
        saved: Vec::new(),
        filtered: *filter != HoldsFilter::default(),
        decides,
        live: filter.state == Standing::Waiting,
        error: None,
        frame,
    }
}

/// The filter as a form sends it again.
fn hidden(fields: &Fields) -> Vec<(&'static str, String)> {
    let names = PLAIN.into_iter().chain(["q"]);
    names
        .map(|name| (name, fields.text(name).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// The filter as it stands in the address, ready for more.
fn query_of(fields: &Fields) -> String {
    let mut query = HoldsWanted::of(fields, String::new()).plain();
    if !fields.text("q").is_empty() {
        query.append_pair("q", fields.text("q"));
    }
    let query = query.finish();
    if query.is_empty() {
        query
    } else {
        format!("{query}&")
    }
}

fn line(site: &Site, frame: &Frame, of: HoldLine) -> Line {
    let words = &frame.words;
    let state = HoldState::of(&of.state);
    let to = match of.more_recipients {
        0 => of.recipients.join(", "),
        more => words.all(
            "holds-to-more",
            vec![
                ("some", of.recipients.join(", ").into()),
                ("n", more.into()),
            ],
        ),
    };
    let found = of
        .categories
        .iter()
        .map(|name| words.say(&format!("hold-found-{name}")));
    Line {
        age: hold_words::span(words, of.age_seconds),
        time: of
            .received
            .map_or_else(String::new, |at| crate::console::page::moment(site, at)),
        state: words.say(&format!("hold-state-{}", of.state)),
        colour: hold_words::colour(state),
        to,
        found: found.collect::<Vec<_>>().join(", "),
        who: who(words, &of),
        can_tick: state.is_some_and(HoldState::is_waiting) && !of.own,
        of,
    }
}

/// Who has it, or who decided.
fn who(words: &Words, of: &HoldLine) -> String {
    match (of.yours, &of.claimed_by, &of.decided_by) {
        (true, ..) => words.say("holds-yours"),
        (_, Some(by), _) => words.with("holds-claimed-by", "who", by),
        (.., Some(by)) => words.with("holds-decided-by", "who", by),
        _ => String::new(),
    }
}

fn rules(site: &Site, chosen: Option<&str>) -> Vec<Choice> {
    let tools = site.pipeline().tools();
    let known = tools.policy.rules.iter();
    let mut rules: Vec<Choice> = known
        .map(|rule| Choice {
            id: rule.id.to_string(),
            name: rule.title.to_string(),
            chosen: Some(&*rule.id) == chosen,
        })
        .collect();
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    rules
}

fn schools(site: &Site, signed: &Signed, chosen: Option<&str>) -> Vec<Choice> {
    let reach = signed.access.reach(Permission::SeeHolds);
    let reached = |id: &str| match &reach {
        Reach::Nowhere => false,
        Reach::Everywhere => true,
        Reach::Schools(own) => own.contains(id),
    };
    let all = site.schools().iter().filter(|school| reached(&school.id));
    all.map(|school| Choice {
        id: school.id.to_string(),
        name: school.name.to_string(),
        chosen: Some(&*school.id) == chosen,
    })
    .collect()
}

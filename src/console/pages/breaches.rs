//! The register of breaches and its work-sheets.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::breaches::{self, Breach, BreachInput, BreachLine, QUESTIONS};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{done, local_moment, page, system};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;

/// The register and its work-sheets.
pub fn doors(doors: Doors) -> Doors {
    doors
        .get("/breaches", Permission::SeeBreaches, list)
        .get("/breaches/new", Permission::KeepBreaches, new)
        .post("/breaches", Permission::KeepBreaches, record)
        .get("/breaches/{id}", Permission::SeeBreaches, show)
        .post("/breaches/{id}", Permission::KeepBreaches, change)
        .post("/breaches/{id}/close", Permission::KeepBreaches, close)
}

/// How a line looks: its clock in words, and how urgent it is.
struct Line {
    of: BreachLine,
    school: String,
    clock: String,
    urgency: &'static str,
}

#[derive(askama::Template)]
#[template(path = "breaches.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    keeps: bool,
}

async fn list(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = frame(&site, &signed, "breaches-title").after(fields.one("done"));
    let lines = breaches::list(&site, &signed).await?;
    let lines = lines.into_iter().map(|of| line(&site, &frame, of));
    Ok(page(&ListPage {
        lines: lines.collect(),
        keeps: signed.access.may(Permission::KeepBreaches),
        frame,
    }))
}

/// A question with its answer.
struct Question {
    name: &'static str,
    label: String,
    hint: String,
    text: String,
    long: bool,
}

/// A school to choose.
struct Choice {
    id: String,
    name: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "breach.html")]
struct SheetPage {
    frame: Frame,
    line: Option<Line>,
    version: i64,
    aware: String,
    schools: Vec<Choice>,
    holds: String,
    hold_links: Vec<String>,
    questions: Vec<Question>,
    keeps: bool,
    error: Option<String>,
}

async fn new(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let frame = frame(&site, &signed, "breach-new-title");
    let input = BreachInput {
        holds: fields.one("hold").map(str::to_owned).into_iter().collect(),
        ..BreachInput::default()
    };
    let aware = local_moment(&site, site.now());
    Ok(page(&sheet(&site, frame, None, &input, aware)))
}

async fn record(
    State(site): State<Site>,
    signed: Signed,
    fields: Fields,
) -> Result<Response, Refusal> {
    let input = match input(&site, &fields) {
        Ok(input) => input,
        Err((input, error)) => return Ok(again(&site, &signed, None, (&input, &fields), error)),
    };
    match breaches::record(&site, &signed, input.clone()).await {
        Ok(id) => Ok(done(&format!("/breaches/{id}"), "breach-recorded")),
        Err(Refusal::Wrong(error)) => Ok(again(&site, &signed, None, (&input, &fields), error)),
        Err(refusal) => Err(refusal),
    }
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let breach = breaches::open(&site, &signed, &id).await?;
    let frame = frame(&site, &signed, "breach-title").after(fields.one("done"));
    let frame = titled(frame, &breach.line);
    let aware = local_moment(&site, aware_of(&breach));
    let input = of(&breach);
    let mut page_ = sheet(&site, frame, Some(&breach), &input, aware);
    page_.keeps = signed.access.may(Permission::KeepBreaches);
    Ok(page(&page_))
}

async fn change(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let breach = breaches::open(&site, &signed, &id).await?;
    let seen = (id.as_str(), version(&fields)?);
    let input = match input(&site, &fields) {
        Ok(input) => input,
        Err((input, error)) => {
            return Ok(again(
                &site,
                &signed,
                Some(&breach),
                (&input, &fields),
                error,
            ));
        }
    };
    match breaches::change(&site, &signed, seen, input.clone()).await {
        Ok(()) => Ok(done(&format!("/breaches/{id}"), "breach-saved")),
        Err(Refusal::Wrong(error)) => Ok(again(
            &site,
            &signed,
            Some(&breach),
            (&input, &fields),
            error,
        )),
        Err(refusal) => Err(refusal),
    }
}

async fn close(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    breaches::close(&site, &signed, (&id, version(&fields)?)).await?;
    Ok(done(&format!("/breaches/{id}"), "breach-closed"))
}

/// The form again, with what was typed and what is wrong.
fn again(
    site: &Site,
    signed: &Signed,
    breach: Option<&Breach>,
    (input, fields): (&BreachInput, &Fields),
    error: String,
) -> Response {
    let frame = match breach {
        Some(breach) => titled(frame(site, signed, "breach-title"), &breach.line),
        None => frame(site, signed, "breach-new-title"),
    };
    let mut sheet = sheet(site, frame, breach, input, fields.text("aware").to_owned());
    sheet.error = Some(error);
    let mut response = page(&sheet);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

fn frame(site: &Site, signed: &Signed, title: &str) -> Frame {
    Frame::of(site, signed, title, "/breaches")
}

fn titled(frame: Frame, line: &BreachLine) -> Frame {
    let title = if line.title.is_empty() {
        frame
            .words
            .with("breach-untitled", "reference", &line.reference)
    } else {
        line.title.clone()
    };
    frame.titled(title)
}

fn version(fields: &Fields) -> Result<i64, Refusal> {
    let wrong = |_| Refusal::Wrong("the form names no version".to_owned());
    fields.text("version").parse().map_err(wrong)
}

/// What was typed; with what cannot be read of it, and why.
fn input(site: &Site, fields: &Fields) -> Result<BreachInput, (BreachInput, String)> {
    let answers = QUESTIONS.iter().map(|name| {
        let text = fields.text(name).replace("\r\n", "\n");
        ((*name).to_owned(), text)
    });
    let mut input = BreachInput {
        aware_at: None,
        school: Some(fields.text("school").to_owned()),
        holds: fields
            .text("holds")
            .split([' ', ',', ';', '\n', '\r', '\t'])
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect(),
        answers: answers.collect(),
    };
    let aware = fields.text("aware");
    if aware.is_empty() {
        return Ok(input);
    }
    let read = aware.parse::<jiff::civil::DateTime>();
    let at = read.and_then(|local| site.time_zone().to_timestamp(local));
    if let Ok(at) = at {
        input.aware_at = Some(system(at));
        return Ok(input);
    }
    let words = crate::console::words::Words::english();
    Err((input, words.say("breach-aware-wrong")))
}

fn of(breach: &Breach) -> BreachInput {
    BreachInput {
        aware_at: None,
        school: breach.line.school.clone(),
        holds: breach.holds.clone(),
        answers: breach
            .answers
            .iter()
            .map(|answer| (answer.name.clone(), answer.text.clone()))
            .collect(),
    }
}

fn aware_of(breach: &Breach) -> std::time::SystemTime {
    let at = breach.line.aware_at.parse::<jiff::Timestamp>();
    at.map_or(std::time::SystemTime::UNIX_EPOCH, system)
}

fn sheet(
    site: &Site,
    frame: Frame,
    breach: Option<&Breach>,
    input: &BreachInput,
    aware: String,
) -> SheetPage {
    let questions = QUESTIONS.iter().map(|name| {
        let given = input.answers.iter().find(|(known, _)| known == name);
        Question {
            name,
            label: frame.words.say(&format!("breach-q-{name}")),
            hint: frame.words.say(&format!("breach-q-{name}-hint")),
            text: given.map_or_else(String::new, |(_, text)| text.clone()),
            long: *name != "title",
        }
    });
    let schools = site.schools().iter().map(|school| Choice {
        id: school.id.to_string(),
        name: school.name.to_string(),
        chosen: input.school.as_deref() == Some(&*school.id),
    });
    SheetPage {
        line: breach.map(|breach| line(site, &frame, breach.line.clone())),
        version: breach.map_or(0, |breach| breach.version),
        aware,
        schools: schools.collect(),
        holds: input.holds.join("\n"),
        hold_links: input.holds.clone(),
        questions: questions.collect(),
        keeps: true,
        error: None,
        frame,
    }
}

fn line(site: &Site, frame: &Frame, of: BreachLine) -> Line {
    let school = of.school.as_deref().and_then(|id| site.schools().get(id));
    let (clock, urgency) = if of.closed_at.is_some() {
        (frame.words.say("breach-clock-closed"), "govuk-tag--grey")
    } else {
        let hours = of.left_seconds.abs() / 3600;
        match of.left_seconds {
            0.. if hours >= 24 => (
                frame.words.count("breach-clock-left", &hours),
                "govuk-tag--blue",
            ),
            0.. => (
                frame.words.count("breach-clock-left", &hours),
                "govuk-tag--orange",
            ),
            _ => (
                frame.words.count("breach-clock-over", &hours),
                "govuk-tag--red",
            ),
        }
    };
    Line {
        school: school.map_or_else(
            || frame.words.say("breach-whole-trust"),
            |school| school.name.to_string(),
        ),
        clock,
        urgency,
        of,
    }
}

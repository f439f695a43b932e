//! Reports: which, of what, in which form.

use axum::extract::{Path, State};
use axum::response::Response;

use crate::console::access::Permission;
use crate::console::acts::reports::{self, Kind, Wanted};
use crate::console::doors::Doors;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::page::{file, page};
use crate::console::refusal::Refusal;
use crate::console::signed::Signed;
use crate::console::site::Site;
use crate::report::Report;
use crate::report::form::Form;

/// The list of reports, and each of them.
pub fn doors(doors: Doors) -> Doors {
    doors
        .get("/reports", Permission::SeeReports, list)
        .get("/reports/{kind}", Permission::SeeReports, show)
        .get("/breaches/{id}/report", Permission::SeeBreaches, breach)
}

/// A report that can be chosen.
struct Choice {
    name: &'static str,
    title: String,
    about: String,
}

#[derive(askama::Template)]
#[template(path = "reports.html")]
struct ListPage {
    frame: Frame,
    kinds: Vec<Choice>,
}

async fn list(State(site): State<Site>, signed: Signed) -> Response {
    let frame = Frame::of(&site, &signed, "reports-title", "/reports");
    let seen = Kind::ALL.into_iter();
    let seen = seen.filter(|kind| signed.access.may(kind.permission()));
    let kinds = seen.map(|kind| Choice {
        name: kind.name(),
        title: frame.words.say(&format!("report-{}", kind.name())),
        about: frame.words.say(&format!("report-{}-about", kind.name())),
    });
    let kinds = kinds.collect();
    page(&ListPage { frame, kinds })
}

/// Something to choose in a filter.
struct Item {
    id: String,
    name: String,
    chosen: bool,
}

/// A form to save a report in.
struct Saved {
    label: String,
    href: String,
}

#[derive(askama::Template)]
#[template(path = "report_page.html")]
struct ReportPage {
    frame: Frame,
    fragment: String,
    filter: Option<Filter>,
    forms: Vec<Saved>,
    back: &'static str,
    back_label: String,
}

struct Filter {
    action: String,
    from: String,
    to: String,
    schools: Vec<Item>,
    groups: Vec<Item>,
    rules: Vec<Item>,
}

async fn show(
    State(site): State<Site>,
    signed: Signed,
    Path(kind): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let kind = Kind::of(&kind).ok_or(Refusal::Missing)?;
    let wanted = Wanted::read(&fields)?;
    let report = reports::make(&site, &signed, kind, &wanted).await?;
    if let Some(form) = form(&fields)? {
        return saved(&site, &signed, &report, form).await;
    }
    let path = format!("/reports/{}", kind.name());
    let filter = filter(&site, &signed, (kind, &path), &wanted)?;
    let query = query(&filter, &wanted);
    let frame = Frame::of(&site, &signed, "reports-title", "/reports");
    let back = ("/reports", frame.words.say("reports-title"));
    shown(frame, &report, (path, query), Some(filter), back)
}

async fn breach(
    State(site): State<Site>,
    signed: Signed,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let report = reports::breach(&site, &signed, &id).await?;
    if let Some(form) = form(&fields)? {
        return saved(&site, &signed, &report, form).await;
    }
    let frame = Frame::of(&site, &signed, "breach-title", "/breaches");
    let back = ("/breaches", frame.words.say("breaches-title"));
    let at = (format!("/breaches/{id}/report"), String::new());
    shown(frame, &report, at, None, back)
}

fn shown(
    frame: Frame,
    report: &Report,
    (path, query): (String, String),
    filter: Option<Filter>,
    (back, back_label): (&'static str, String),
) -> Result<Response, Refusal> {
    let fragment = crate::report::html::fragment(report);
    let fragment = fragment.map_err(|_| Refusal::Fault("report"))?;
    let forms = Form::ALL.into_iter().map(|form| Saved {
        label: frame.words.say(&format!("report-save-{}", form.name())),
        href: format!("{path}?{query}form={}", form.name()),
    });
    let forms = forms.collect();
    Ok(page(&ReportPage {
        frame: frame.titled(report.title.clone()),
        fragment,
        filter,
        forms,
        back,
        back_label,
    }))
}

async fn saved(
    site: &Site,
    signed: &Signed,
    report: &Report,
    form: Form,
) -> Result<Response, Refusal> {
    let (name, bytes) = reports::save(site, signed, report, form).await?;
    Ok(file(&name, form.media_type(), bytes))
}

fn form(fields: &Fields) -> Result<Option<Form>, Refusal> {
    match fields.text("form") {
        "" => Ok(None),
        name => {
            let wrong = || Refusal::Wrong("form: html, csv, xlsx or pdf".to_owned());
            Form::of(name).map(Some).ok_or_else(wrong)
        }
    }
}

fn filter(
    site: &Site,
    signed: &Signed,
    (kind, path): (Kind, &str),
    wanted: &Wanted,
) -> Result<Filter, Refusal> {
    let period = reports::period(site, wanted)?;
    let item = |id: &str, name: &str, chosen: &Option<String>| Item {
        id: id.to_owned(),
        name: name.to_owned(),
        chosen: chosen.as_deref() == Some(id),
    };
    let schools = site.schools().iter();
    let schools = schools.filter(|school| {
        let permission = kind.permission();
        signed.access.may_for(permission, Some(&*school.id))
    });
    let groups = site.senders().groups.iter();
    let policy = site.pipeline().tools();
    let rules = policy.policy.rules.iter();
    Ok(Filter {
        action: path.to_owned(),
        from: period.from.to_string(),
        to: period.to.to_string(),
        schools: schools
            .map(|school| item(&school.id, &school.name, &wanted.school))
            .collect(),
        groups: groups
            .map(|group| item(&group.id, &group.title, &wanted.group))
            .collect(),
        rules: rules
            .map(|rule| item(&rule.id, &rule.title, &wanted.rule))
            .collect(),
    })
}

/// The same report again, for the links to its forms.
fn query(filter: &Filter, wanted: &Wanted) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("from", &filter.from);
    query.append_pair("to", &filter.to);
    let some = [
        ("school", &wanted.school),
        ("rule", &wanted.rule),
        ("group", &wanted.group),
    ];
    for (name, value) in some {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("{}&", query.finish())
}

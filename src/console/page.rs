//! A template as an answer, and the small things that every page needs.

use std::time::SystemTime;

use askama::Template;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Redirect, Response};

use super::refusal::Refusal;
use super::site::Site;

/// The page of a template.
pub fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "console: a page could not be written");
            Refusal::Fault("page").into_response()
        }
    }
}

/// After a form was done: to this page, which says so by the words of `done-KEY`.
pub fn done(path: &str, key: &str) -> Response {
    let joint = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{joint}done={key}")).into_response()
}

/// A file to be saved.
pub fn file(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    // Names are made here, of ids and dates.
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect();
    (
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{plain}\""),
            ),
        ],
        bytes,
    )
        .into_response()
}

/// A time by the trust's clock, to the minute: `28 November 2026, 16:05`.
pub fn moment(site: &Site, at: SystemTime) -> String {
    local(site, at).strftime("%-d %B %Y, %H:%M").to_string()
}

/// A day by the trust's clock: `28 November 2026`.
pub fn day(site: &Site, at: SystemTime) -> String {
    local(site, at).strftime("%-d %B %Y").to_string()
}

/// A time as machines write it, for `<time datetime>`.
pub fn machine_time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(
        |_| String::new(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

fn local(site: &Site, at: SystemTime) -> jiff::civil::DateTime {
    let at = jiff::Timestamp::try_from(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    site.time_zone().to_datetime(at)
}

/// A time by the trust's clock as `<input type="datetime-local">` has it.
pub fn local_moment(site: &Site, at: SystemTime) -> String {
    local(site, at).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// A moment as the rest of the program has it; one before 1970 is 1970.
pub fn system(at: jiff::Timestamp) -> SystemTime {
    let micros = u64::try_from(at.as_microsecond()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(micros)
}

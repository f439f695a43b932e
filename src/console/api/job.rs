//! Work that takes longer than an answer may, as programs see it: begun by a POST, looked at by a GET of the same place.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Given;
use crate::console::acts::jobs::Job;
use crate::console::acts::moment::Moment;

/// Where a job is.
#[derive(Serialize, ToSchema)]
pub struct JobAnswer<T> {
    /// `none` (it was not begun on this node), `running`, `done` or `failed`.
    state: &'static str,
    /// When it began, of one that runs; when it ended, of one that did.
    at: Option<Moment>,
    /// What it came to, once it is done.
    result: Option<T>,
}

impl<T: Clone + Serialize> JobAnswer<T> {
    fn of(job: Option<&Job<T>>) -> Self {
        let (state, at, result) = match job {
            None => ("none", None, None),
            Some(Job::Running { since }) => ("running", Some(*since), None),
            Some(Job::Failed { at }) => ("failed", Some(*at), None),
            Some(Job::Done { at, result }) => ("done", Some(*at), Some(T::clone(result))),
        };
        Self {
            state,
            at: at.map(Moment),
            result,
        }
    }

    /// Where it is.
    pub fn looked_at(job: Option<&Job<T>>) -> Response {
        Given(Self::of(job)).into_response()
    }

    /// It was begun, and may have ended meanwhile.
    pub fn begun(job: Option<&Job<T>>) -> Response {
        (StatusCode::ACCEPTED, Given(Self::of(job))).into_response()
    }
}

//! What a program sends: JSON, bounded, with errors that say where.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::console::fields::whole;
use crate::console::refusal::Refusal;

/// Bytes of a request: a policy file and its reason.
const BYTES: usize = 1 << 20;

/// What was sent.
pub struct Sent<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let body: Body = request.into_body();
        let bytes = whole(body, BYTES).await?;
        // serde's words name the place and what is allowed there, never a value of a string.
        let read = serde_json::from_slice(&bytes);
        read.map(Self).map_err(|error| {
            let place = (error.line(), error.column());
            let what = match error.classify() {
                serde_json::error::Category::Data => {
                    "a field is missing, unknown or of another kind"
                }
                _ => "no JSON",
            };
            Refusal::Wrong(format!("{what} at line {}, column {}", place.0, place.1))
        })
    }
}

/// JSON as an answer.
pub struct Given<T>(pub T);

impl<T: Serialize> IntoResponse for Given<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// An act on something that may have changed meanwhile.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnVersion {
    /// The version that was seen: another one is a conflict (409).
    pub version: i64,
}

/// An act that needs a reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithReason {
    /// Why, in words.
    pub reason: String,
}

/// The id of what was made.
#[derive(Serialize, ToSchema)]
pub struct Made {
    /// Its id.
    pub id: String,
}

/// An answer of data.
pub fn given<T: Serialize>(data: T) -> Response {
    Given(data).into_response()
}

/// Something was made.
pub fn made(id: String) -> Response {
    (StatusCode::CREATED, Given(Made { id })).into_response()
}

/// It was done, and there is nothing to say.
pub fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

//! Why a request is not done, and the page that says so.
//!
//! # Invariants
//! No text of another layer reaches the page: a fault is logged with its cause and shown without it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::signed::Signed;
use crate::quarantine::desk::DeskError;
use crate::store::{AccountError, StoreError};

/// Why a request is not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody is signed in; they may and then come back here.
    #[error("sign in first")]
    SignIn {
        /// Where they wanted to go.
        next: String,
    },
    /// They signed in too long ago for this; they may do so again and then come back here.
    #[error("sign in again first")]
    Stale {
        /// Where they wanted to go.
        next: String,
    },
    /// A program has no token that is good now.
    #[error("a token is needed")]
    NoToken,
    /// Their roles do not allow it.
    #[error("not allowed")]
    Denied,
    /// There is no such thing, or none that they may know of.
    #[error("no such thing")]
    Missing,
    /// The form was not sent by a page of ours, or by one of another sign-in.
    #[error("this form was not sent from a page of this sign-in")]
    Foreign,
    /// The form is larger than any of ours.
    #[error("the form is too large")]
    TooLarge,
    /// The form did not come in time.
    #[error("the form did not come in time")]
    Slow,
    /// What was asked for is none that can be read.
    #[error("{0}")]
    Wrong(String),
    /// The hold's state, claim or version does not allow it: the words of the desk.
    #[error("{0}")]
    Desk(DeskError),
    /// Somebody else changed it since it was seen.
    #[error("somebody else changed it since it was seen")]
    Changed,
    /// A sign-in by a provider did not come about: `try-again`, `down`, `not-allowed`, `misconfigured`, `untrusted`.
    #[error("the sign-in did not come about: {0}")]
    Provider(&'static str),
    /// Too many tries.
    #[error("too many tries")]
    Throttled {
        /// Seconds until the next.
        seconds: u64,
    },
    /// A fault of ours.
    #[error("a fault of the service")]
    Fault(&'static str),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing | StoreError::Ambiguous => Self::Missing,
            StoreError::Conflict { .. } => Self::Desk(DeskError::Store(error)),
            error => {
                tracing::error!(%error, "console: the store said no");
                Self::Fault("store")
            }
        }
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Store(error) => error.into(),
            AccountError::Missing => Self::Missing,
            AccountError::Conflict => Self::Changed,
            error => Self::Wrong(error.to_string()),
        }
    }
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Store(error) => error.into(),
            error => Self::Desk(error),
        }
    }
}

impl Refusal {
    /// The status that tells a program.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } | Self::Stale { .. } | Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Provider("down") => StatusCode::BAD_GATEWAY,
            Self::Denied | Self::Foreign | Self::Provider(_) => StatusCode::FORBIDDEN,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Changed | Self::Desk(DeskError::Store(_) | DeskError::Claimed { .. }) => {
                StatusCode::CONFLICT
            }
            Self::Desk(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Fault(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A short word for it: words `refused-WORD` and `refused-WORD-help`, and the `type` that a program reads.
    pub fn word(&self) -> &'static str {
        match self {
            Self::SignIn { .. } => "sign-in",
            Self::Stale { .. } => "again",
            Self::NoToken => "token",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Foreign => "foreign",
            Self::TooLarge => "too-large",
            Self::Slow => "slow",
            Self::Wrong(_) => "wrong",
            Self::Changed => "changed",
            Self::Desk(DeskError::Store(_)) => "decided",
            Self::Desk(_) => "desk",
            Self::Provider("try-again") => "provider-try-again",
            Self::Provider("down") => "provider-down",
            Self::Provider("not-allowed") => "provider-not-allowed",
            Self::Provider("misconfigured") => "provider-misconfigured",
            Self::Provider(_) => "provider-untrusted",
            Self::Throttled { .. } => "throttled",
            Self::Fault(_) => "fault",
        }
    }
}

/// What the page of a refusal is made from; the outermost layer makes it, which has the site at hand.
#[derive(Debug, Clone)]
pub struct Refused {
    /// As [`Refusal::word`].
    pub word: &'static str,
    /// What the desk or the reader of a form said, without personal data.
    pub detail: Option<String>,
    /// Who is signed in, for the navigation; the door knows.
    pub signed: Option<Box<Signed>>,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::SignIn { next } | Self::Stale { next } = &self {
            let mut query = form_urlencoded::Serializer::new(String::new());
            if matches!(self, Self::Stale { .. }) {
                query.append_pair("again", "yes");
            }
            let query = query.append_pair("next", next).finish();
            return Redirect::to(&format!("/sign-in?{query}")).into_response();
        }
        let status = self.status();
        let word = self.word();
        let wait = match &self {
            Self::Throttled { seconds } => HeaderValue::from_str(&seconds.to_string()).ok(),
            _ => None,
        };
        let detail = match &self {
            Self::Wrong(text) => Some(text.clone()),
            Self::Desk(error) => Some(error.to_string()),
            _ => None,
        };
        let mut response = status.into_response();
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response.extensions_mut().insert(Refused {
            word,
            detail,
            signed: None,
        });
        response
    }
}

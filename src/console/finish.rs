//! What every answer gets before it leaves: the page of a refusal, and the headers that keep a browser from doing more than it should.
//!
//! # Standards
//! Content Security Policy 3; OWASP secure headers; RFC 6797 (HSTS).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::frame::Frame;
use super::page::page;
use super::refusal::{Refusal, Refused};
use super::site::Site;

/// Nothing but our own style, script, font and pictures; forms and frames of our own only; nobody frames us.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; \
     frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer, unless it has its own.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// A year, as browsers ask of those who mean it.
const TRANSPORT: &str = "max-age=31536000";

/// The template of a refusal.
#[derive(askama::Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    frame: Frame,
    help: String,
    detail: Option<String>,
}

/// Finishes an answer.
pub async fn finish(State(site): State<Site>, request: Request, next: Next) -> Response {
    let for_programs = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    if let Some(refused) = response.extensions_mut().remove::<Refused>() {
        response = if for_programs {
            problem(&refused, &response)
        } else {
            explained(&site, refused, &response)
        };
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        set(headers, name, value);
    }
    if site.origin().secure {
        set(headers, header::STRICT_TRANSPORT_SECURITY, TRANSPORT);
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert(HeaderValue::from_static(value));
}

fn explained(site: &Site, refused: Refused, bare: &Response) -> Response {
    let title = format!("refused-{}", refused.word);
    let frame = match &refused.signed {
        Some(signed) => Frame::of(site, signed, &title, ""),
        None => Frame::outside(site, &title),
    };
    let help = frame.words.say(&format!("{title}-help"));
    let mut response = page(&RefusedPage {
        frame,
        help,
        detail: refused.detail,
    });
    *response.status_mut() = bare.status();
    response.headers_mut().extend(bare.headers().clone());
    set(
        response.headers_mut(),
        header::CONTENT_TYPE,
        "text/html; charset=utf-8",
    );
    response
}

/// Why something is not done, as a program reads it (RFC 9457).
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:beadle:refused:` and the title: what a program goes by.
    r#type: String,
    /// `token`, `denied`, `missing`, `wrong`, `changed`, `decided`, `desk`, `too-large`, `throttled` or `fault`.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong, in words, where there is more to say. Nothing of a message stands in it.
    detail: Option<String>,
}

/// RFC 9457: what a program reads of a refusal.
fn problem(refused: &Refused, bare: &Response) -> Response {
    let status = bare.status();
    let body = axum::Json(Problem {
        r#type: format!("urn:beadle:refused:{}", refused.word),
        title: refused.word,
        status: status.as_u16(),
        detail: refused.detail.clone(),
    });
    let mut response = (status, body).into_response();
    response.headers_mut().extend(bare.headers().clone());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

/// There is no such page.
pub async fn nowhere() -> Refusal {
    Refusal::Missing
}

//! The API's own description.

use axum::response::IntoResponse as _;
use axum::response::Response;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The document: every route, what it takes and gives.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Beadle",
        description = "What the console does, for programs. Every route takes a bearer token made under Your account; a token has the scopes it \
                       was made with and never more than its owner may do at that moment. Refusals are problems (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    nest(
        (path = "/api/v1", api = super::deliveries::Document),
        (path = "/api/v1", api = super::detectors::Document),
        (path = "/api/v1", api = super::forwarding::Document),
        (path = "/api/v1", api = super::ledger::Document),
        (path = "/api/v1", api = super::overview::Document),
        (path = "/api/v1", api = super::people::Document),
        (path = "/api/v1", api = super::policies::Document),
        (path = "/api/v1", api = super::retention::Document),
        (path = "/api/v1", api = super::roster::Document),
        (path = "/api/v1", api = super::breaches::Document),
        (path = "/api/v1", api = super::reports::Document),
        (path = "/api/v1", api = super::tokens::Document),
    ),
    modifiers(&Bearer),
    security(("token" = []))
)]
pub struct Document;

/// How a program says who it is.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "token",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    }
}

/// The document, for whoever asks: it holds nothing of this trust.
pub async fn show() -> Response {
    axum::Json(Document::openapi()).into_response()
}

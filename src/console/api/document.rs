//! The API's own description.
//!
//! # Invariants
//! It is made from the routes' own types; what a route takes (its scope) is taken from the list of doors, so that the two cannot part. It holds
//! nothing of a trust.
//!
//! # Standards
//! OpenAPI 3.1: `operationId` is unique, and a bearer scheme's security requirement names what a token must have.

use std::sync::OnceLock;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::console::doors::{Door, Key};
use crate::console::finish::Problem;
use crate::console::refusal::Refusal;
use crate::console::scope::Scope;
use crate::console::site::Site;

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
        (path = "/api/v1", api = super::overview::Document),
        (path = "/api/v1", api = super::holds::Document),
        (path = "/api/v1", api = super::hold_content::Document),
        (path = "/api/v1", api = super::hold_decide::Document),
        (path = "/api/v1", api = super::hold_bulk::Document),
        (path = "/api/v1", api = super::mine::Document),
        (path = "/api/v1", api = super::account::Document),
        (path = "/api/v1", api = super::deliveries::Document),
        (path = "/api/v1", api = super::detectors::Document),
        (path = "/api/v1", api = super::forwarding::Document),
        (path = "/api/v1", api = super::ledger::Document),
        (path = "/api/v1", api = super::people::Document),
        (path = "/api/v1", api = super::policies::Document),
        (path = "/api/v1", api = super::retention::Document),
        (path = "/api/v1", api = super::roster::Document),
        (path = "/api/v1", api = super::breaches::Document),
        (path = "/api/v1", api = super::reports::Document),
        (path = "/api/v1", api = super::tokens::Document),
    ),
    components(schemas(Problem)),
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

/// The document, for whoever asks.
pub async fn show(State(site): State<Site>) -> Result<Response, Refusal> {
    /// The routes of a program do not change while it runs.
    static WRITTEN: OnceLock<String> = OnceLock::new();
    let text = if let Some(text) = WRITTEN.get() {
        text
    } else {
        let text = written(crate::console::doors(&site).list());
        let text = text.map_err(|_| Refusal::Fault("document"))?;
        WRITTEN.get_or_init(|| text)
    };
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, text.as_str()).into_response())
}

fn written(doors: &[Door]) -> Result<String, serde_json::Error> {
    let mut document = serde_json::to_value(Document::openapi())?;
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                complete(operation, scope_of(doors, method, path));
            }
        }
    }
    serde_json::to_string(&document)
}

/// The scope that a token must have for a route.
fn scope_of(doors: &[Door], method: &str, path: &str) -> Option<&'static str> {
    let is_it =
        |door: &&Door| door.path == path && door.method.as_str().eq_ignore_ascii_case(method);
    match doors.iter().find(is_it)?.key {
        Key::Token(permission) => Some(Scope::for_permission(permission).name()),
        _ => None,
    }
}

/// Adds what the list of doors and every route have in common.
fn complete(operation: &mut Map<String, Value>, scope: Option<&'static str>) {
    let tag = operation.get("tags").and_then(|tags| tags.get(0));
    let tag = tag.and_then(Value::as_str).unwrap_or_default();
    let name = operation.get("operationId").and_then(Value::as_str);
    let id = format!("{tag}-{}", name.unwrap_or_default()).replace('_', "-");
    operation.insert("operationId".to_owned(), Value::String(id));
    if let Some(scope) = scope {
        let said = operation.get("description").and_then(Value::as_str);
        let said = format!("{}\n\nNeeds the scope `{scope}`.", said.unwrap_or_default());
        operation.insert("description".to_owned(), said.trim().into());
        operation.insert("security".to_owned(), json!([{ "token": [scope] }]));
    }
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    if let Some(responses) = responses {
        for (status, response) in responses.iter_mut() {
            describe(status, response);
        }
        let problem = json!({
            "description": "It is not done: a problem (RFC 9457).",
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
        });
        responses.insert("default".to_owned(), problem);
    }
}

/// OpenAPI asks for words on each answer.
fn describe(status: &str, response: &mut Value) {
    let said = match status {
        "201" => "It was made.",
        "202" => "It was begun; it may go on.",
        "204" => "It was done.",
        "409" => "Somebody was faster: read again.",
        "422" => "It must be mended.",
        _ => "What was asked for.",
    };
    if let Some(response) = response.as_object_mut() {
        response.entry("description").or_insert_with(|| said.into());
    }
}

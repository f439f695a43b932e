//! Style, script, font and icon: embedded, named by their content.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;

/// Where an asset is.
pub fn url(name: &str) -> String {
    format!("/assets/{name}")
}

/// Serves an asset.
pub async fn serve(Path(_name): Path<String>) -> Response {
    Refusal::Missing.into_response()
}

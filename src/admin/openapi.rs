//! The description of the routes for programs, as OpenAPI 3.1. A test holds it against the table of routes.

use super::{App, problem::Problem};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

pub(super) const DOCUMENT: &str = include_str!("openapi.json");

/// The description, with the version of this program. Where no token is configured, it asks for none.
pub(super) async fn document(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let mut document: serde_json::Value = serde_json::from_str(DOCUMENT)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    if let Some(version) = document.pointer_mut("/info/version") {
        *version = env!("CARGO_PKG_VERSION").into();
    }
    if let (None, Some(security)) = (&app.settings.token, document.get_mut("security")) {
        *security = serde_json::json!([]);
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], document.to_string()))
}

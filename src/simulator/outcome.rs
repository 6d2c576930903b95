//! What a request to the API comes to: a body, or a refusal.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// What an endpoint answers: a body, or a refusal.
pub(super) type Outcome = Result<Value, Refusal>;

/// A refusal with the body as it is sent.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Refusal {
    /// `{"detail": "text"}`.
    pub(super) fn text(status: StatusCode, detail: &str) -> Self {
        Self { status, body: json!({ "detail": detail }) }
    }

    /// `{"detail": [{"loc", "msg", "type"}]}`.
    pub(super) fn invalid(mistakes: Value) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, body: json!({ "detail": mistakes }) }
    }

    pub(super) fn no_thread() -> Self {
        Self::text(StatusCode::NOT_FOUND, "Thread not found")
    }
}

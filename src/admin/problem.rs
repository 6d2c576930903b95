//! Errors as `application/problem+json` (RFC 9457).

use crate::{engine::ApprovalError, store::StoreError};
use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Query,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{ToResponse, ToSchema};

pub(super) const MEDIA_TYPE: &str = "application/problem+json";
/// In bytes. What the framework says is a sentence.
const MAX_DETAIL_LEN: usize = 4_096;

/// What went wrong, as RFC 9457 has it.
#[derive(Debug, Serialize, ToSchema, ToResponse)]
#[response(description = "What went wrong.", content_type = "application/problem+json")]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    status: u16,
    detail: String,
    /// The errors in the rules, as `check --format json` prints them; only where a reload is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Object>)]
    diagnostics: Option<serde_json::Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            diagnostics: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn not_found_named(what: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} `{name}`"))
    }

    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) fn with_diagnostics(self, diagnostics: serde_json::Value) -> Self {
        Self { diagnostics: diagnostics.get("diagnostics").cloned().or(Some(diagnostics)), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(&self)).into_response();
        let value = header::HeaderValue::from_static(MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, value);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "request failed: store error");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<ApprovalError> for Problem {
    fn from(error: ApprovalError) -> Self {
        let status = match &error {
            ApprovalError::Unknown(_) => StatusCode::NOT_FOUND,
            ApprovalError::WrongState { .. } | ApprovalError::Changed | ApprovalError::Superseded => {
                StatusCode::CONFLICT
            }
            ApprovalError::EmptyText | ApprovalError::NoWorkspace(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ApprovalError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

pub(super) async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "page not found")
}

pub(super) async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed here")
}

/// Makes a problem of every error that came about outside a handler: a path, form or body that cannot be read, another
/// page's request, a time-out, a panic. Pages stay pages.
pub(super) async fn into_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let told = kind.starts_with(MEDIA_TYPE) || kind.starts_with("text/html");
    if told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, MAX_DETAIL_LEN).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let detail = match status {
        StatusCode::GATEWAY_TIMEOUT => {
            "the request took longer than a minute; a change goes on: look into the audit log before you try again"
        }
        StatusCode::INTERNAL_SERVER_ERROR => "internal error; search the log for this `x-request-id`",
        _ if text.trim().is_empty() => status.canonical_reason().unwrap_or("Error"),
        _ => text.trim(),
    };
    let (made, body) = Problem::new(status, detail).into_response().into_parts();
    // Whatever else was said, such as `Allow`, stays.
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(made.headers);
    Response::from_parts(parts, body)
}

/// A JSON body; an empty one counts as `{}`.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Problem> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::new(error.status(), error.body_text()))?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value =
            Json::<T>::from_bytes(bytes).map_err(|error: JsonRejection| Problem::bad_request(error.body_text()))?;
        Ok(Self(value.0))
    }
}

/// A query string.
pub(super) struct QueryParams<T>(pub(super) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|error: QueryRejection| Problem::bad_request(error.body_text()))
    }
}

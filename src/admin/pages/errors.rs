//! Errors as pages, for browsers.

use super::super::problem::{MEDIA_TYPE, Problem};
use super::view::SentenceTag;
use askama::Template;
use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use tower_http::request_id::RequestId;

/// In bytes; a problem with the diagnostics of many files is longer than the sentence that a page shows.
const MAX_LEN: usize = 1024 * 1024;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    status: u16,
    title: String,
    detail: SentenceTag,
    diagnostics: Vec<SentenceTag>,
    request_id: String,
}

/// Shows a problem as a page if the client accepts HTML.
pub(in crate::admin) async fn as_page(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let wants_page = accept.is_some_and(|accept| accept.contains("text/html"));
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    let request_id = id.unwrap_or_default().to_owned();
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !wants_page || !kind.is_some_and(|kind| kind.starts_with(MEDIA_TYPE)) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MAX_LEN).await.unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |key: &str| problem.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let mistakes = problem.get("diagnostics").and_then(|found| found.as_array());
    let place = |found: &serde_json::Value| {
        let part = |key: &str| found.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let line = found.get("line").and_then(serde_json::Value::as_u64).unwrap_or_default();
        SentenceTag(format!("{}:{line}: {}", part("file"), part("message")))
    };
    let page = ErrorPage {
        status: parts.status.as_u16(),
        title: text("title"),
        detail: SentenceTag(text("detail")),
        diagnostics: mistakes.into_iter().flatten().map(place).collect(),
        request_id,
    };
    let made = match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    };
    let (made, body) = made.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(made.headers);
    Response::from_parts(parts, body)
}

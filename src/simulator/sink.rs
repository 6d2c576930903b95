//! The HTTP sinks: a Slack incoming webhook, the two Slack methods that matter here, and any webhook.

use super::log::{SlackMessage, WebhookCall};
use super::options::SLACK_TOKEN;
use super::response::respond;
use super::state::Shared;
use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

/// Takes what an incoming webhook takes and answers as Slack does, in plain text.
pub(super) fn slack_webhook(shared: &Shared, body: &Bytes) -> Response {
    let plain = |status, text: &'static str| respond(status, "text/plain", text);
    let Ok(payload @ Value::Object(_)) = serde_json::from_slice::<Value>(body) else {
        return plain(StatusCode::BAD_REQUEST, "invalid_payload");
    };
    if !has_content(&payload) {
        return plain(StatusCode::BAD_REQUEST, "no_text");
    }
    keep(shared, None, payload);
    plain(StatusCode::OK, "ok")
}

/// `chat.postMessage`.
pub(super) fn slack_post(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Response {
    if let Some(error) = token_error(headers) {
        return slack_error(error);
    }
    let payload = match serde_json::from_slice::<Value>(body) {
        Ok(payload @ Value::Object(_)) => payload,
        _ => Value::Object(
            url::form_urlencoded::parse(body)
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect(),
        ),
    };
    let Some(channel) = payload.get("channel").and_then(Value::as_str).filter(|channel| !channel.is_empty()) else {
        return slack_error("channel_not_found");
    };
    if !has_content(&payload) {
        return slack_error("no_text");
    }
    let channel = channel.to_owned();
    let answered = json!({
        "ok": true, "channel": "C0SIMULATED", "ts": format!("{}.000100", shared.now().as_second()),
        "message": { "type": "message", "text": payload.get("text"), "bot_id": "B0SIMULATED" },
    });
    keep(shared, Some(channel), payload);
    respond(StatusCode::OK, "application/json", answered.to_string())
}

/// `auth.test`.
pub(super) fn slack_auth(headers: &HeaderMap) -> Response {
    if let Some(error) = token_error(headers) {
        return slack_error(error);
    }
    let answered = json!({
        "ok": true, "url": "https://simulated.slack.example/", "team": "Simulated", "user": "reply-router",
        "team_id": "T0SIMULATED", "user_id": "U0SIMULATED", "bot_id": "B0SIMULATED",
    });
    respond(StatusCode::OK, "application/json", answered.to_string())
}

/// Takes any call.
pub(super) fn webhook(shared: &Shared, parts: &Parts, body: &Bytes) -> Response {
    let at = shared.now();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let call = WebhookCall {
        at,
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        headers: headers.collect(),
        body: body.to_vec(),
    };
    shared.write(|state| state.webhooks.push(call));
    respond(StatusCode::OK, "application/json", r#"{"ok":true}"#)
}

fn keep(shared: &Shared, channel: Option<String>, payload: Value) {
    let at = shared.now();
    let text = payload.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    shared.write(|state| state.slack.push(SlackMessage { at, channel, text, payload }));
}

fn has_content(payload: &Value) -> bool {
    let filled = |name: &str| match payload.get(name) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    };
    filled("text") || filled("blocks") || filled("attachments")
}

fn token_error(headers: &HeaderMap) -> Option<&'static str> {
    let sent = headers.get("authorization").and_then(|value| value.to_str().ok());
    match sent.and_then(|value| value.strip_prefix("Bearer ")) {
        None => Some("not_authed"),
        Some(token) if token == SLACK_TOKEN => None,
        Some(_) => Some("invalid_auth"),
    }
}

/// Slack's own refusals come with status 200.
fn slack_error(error: &str) -> Response {
    respond(StatusCode::OK, "application/json", json!({ "ok": false, "error": error }).to_string())
}

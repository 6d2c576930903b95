//! What happens to every HTTP request: log, fault, response.

use super::api::{self, ApiRequest};
use super::connection::ConnectionHandle;
use super::fault::{Endpoint, Fault};
use super::log::LoggedRequest;
use super::page;
use super::response::respond;
use super::sink;
use super::state::Shared;
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Room for 10 MB of files in base64 and their JSON, and for bodies that are too large.
const MAX_BODY: usize = 32 * 1024 * 1024;

#[derive(Debug, Clone)]
struct Routes {
    shared: Arc<Shared>,
    stop: CancellationToken,
}

/// Everything that the HTTP address serves. What hangs on purpose ends with `stop`.
pub(super) fn router(shared: Arc<Shared>, stop: CancellationToken) -> Router {
    Router::new().fallback(serve).with_state(Routes { shared, stop })
}

async fn serve(
    State(routes): State<Routes>,
    ConnectInfo(connection): ConnectInfo<ConnectionHandle>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return respond(StatusCode::PAYLOAD_TOO_LARGE, "application/json", r#"{"detail":"Request body too large"}"#);
    };
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let Some(endpoint) = Endpoint::of(method, path) else {
        return page::serve_page(&routes.shared, path);
    };
    let number = log(&routes.shared, &endpoint, &parts, &body);
    if number.is_some() && !routes.shared.options.latency.is_zero() {
        wait(&routes.stop, routes.shared.options.latency).await;
    }
    let fault = routes.shared.write(|state| state.faults.take_http(&endpoint, method, path));
    let handle = || {
        let response = handle(&routes.shared, &endpoint, &parts, &body);
        let status = response.status().as_u16();
        note(&routes.shared, number, |logged| logged.carried_out = Some(status));
        response
    };
    let response = match fault {
        None => handle(),
        Some(Fault::Status(status, body)) => refuse(status, &[], body),
        Some(Fault::Respond { status, headers, body }) => refuse(status, &headers, body),
        Some(Fault::StatusAfter(status, body)) => {
            let _ = handle();
            refuse(status, &[], body)
        }
        Some(Fault::Delay(pause)) => {
            wait(&routes.stop, pause).await;
            handle()
        }
        Some(Fault::DelayAfter(pause)) => {
            let response = handle();
            wait(&routes.stop, pause).await;
            response
        }
        Some(Fault::CloseBefore) => end(&connection).await,
        Some(Fault::CloseAfter) => {
            let _ = handle();
            end(&connection).await
        }
        Some(Fault::Garbage2xx) => {
            let _ = handle();
            respond(StatusCode::OK, "application/json", "<!doctype html>{\"success\": tru")
        }
        Some(Fault::TruncateAfter(bytes)) => {
            let response = handle();
            connection.cut_after(bytes);
            response
        }
        Some(Fault::Redirect(status, place)) => {
            refuse(status, &[("location".to_owned(), place)], "{\"detail\":\"Moved\"}".to_owned())
        }
        Some(Fault::Hang) => hang(&routes.stop, &connection).await,
        Some(Fault::HangAfter) => {
            let _ = handle();
            hang(&routes.stop, &connection).await
        }
    };
    let (status, now) = (response.status().as_u16(), routes.shared.now());
    note(&routes.shared, number, |logged| (logged.status, logged.responded_at) = (Some(status), Some(now)));
    dated(&routes.shared, response)
}

/// The response with the `Date` of the simulator's own clock, unless it has one. Without any the server below would put
/// in that of the machine.
fn dated(shared: &Shared, mut response: Response) -> Response {
    let date = match shared.options.sends_date {
        true => jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&shared.now()).ok(),
        false => Some("unknown".to_owned()),
    };
    if !response.headers().contains_key(header::DATE)
        && let Some(value) = date.and_then(|date| HeaderValue::from_str(&date).ok())
    {
        response.headers_mut().insert(header::DATE, value);
    }
    response
}

/// Adds to what is noted of a request to the API.
fn note(shared: &Shared, number: Option<u64>, add: impl FnOnce(&mut LoggedRequest)) {
    let Some(number) = number else { return };
    shared.write(|state| state.requests.iter_mut().rev().find(|logged| logged.number == number).map(add));
}

/// Notes a request to the API and answers its number; what the sinks get, they keep themselves.
fn log(shared: &Shared, endpoint: &Endpoint, parts: &Parts, body: &Bytes) -> Option<u64> {
    if matches!(endpoint, Endpoint::SlackWebhook | Endpoint::SlackPost | Endpoint::SlackAuth | Endpoint::Webhook) {
        shared.write(|state| state.sink_calls += 1);
        return None;
    }
    let at = shared.now();
    let path = parts.uri.path();
    shared.write(|state| {
        state.request_number += 1;
        let number = state.request_number;
        state.requests.push(LoggedRequest {
            at,
            method: parts.method.to_string(),
            path: path.strip_prefix(super::API_BASE).unwrap_or(path).to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            body: serde_json::from_slice(body).ok(),
            status: None,
            responded_at: None,
            carried_out: None,
            key: key(parts).map(str::to_owned),
            number,
        });
        Some(number)
    })
}

fn key(parts: &Parts) -> Option<&str> {
    parts.headers.get("x-api-key").and_then(|value| value.to_str().ok()).filter(|key| !key.is_empty())
}

fn handle(shared: &Shared, endpoint: &Endpoint, parts: &Parts, body: &Bytes) -> Response {
    match endpoint {
        Endpoint::SlackWebhook => sink::slack_webhook(shared, body),
        Endpoint::SlackPost => sink::slack_post(shared, &parts.headers, body),
        Endpoint::SlackAuth => sink::slack_auth(&parts.headers),
        Endpoint::Webhook => sink::webhook(shared, parts, body),
        endpoint => {
            let path = parts.uri.path();
            let request = ApiRequest {
                endpoint: endpoint.clone(),
                path: path.strip_prefix(super::API_BASE).unwrap_or(path),
                query: parts.uri.query().unwrap_or_default(),
                key: key(parts),
                body,
            };
            let found = api::handle(shared, &request);
            let mut response = respond(found.status, "application/json", found.body.to_string());
            for (name, value) in found.headers {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
    }
}

fn refuse(status: u16, headers: &[(String, String)], body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond(status, "application/json", body);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn wait(stop: &CancellationToken, pause: Duration) {
    let _ = stop.run_until_cancelled(tokio::time::sleep(pause)).await;
}

async fn end(connection: &ConnectionHandle) -> Response {
    connection.cut();
    // The server notices when it reads next and drops this future with the connection.
    std::future::pending().await
}

async fn hang(stop: &CancellationToken, connection: &ConnectionHandle) -> Response {
    stop.cancelled().await;
    end(connection).await
}

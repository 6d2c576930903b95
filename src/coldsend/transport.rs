//! One exchange with the API: the request, its response within bounds, and what a status means.

use super::budget::{Permit, RateLimiter};
use super::error::ApiError;
use super::rate_limit_headers::RateLimitHeaders;
use jiff::Timestamp;
use reqwest::{
    Method, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use std::{error::Error as _, sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

/// The largest answer that is read, after decompression.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How much of an answer that says no is read.
const MAX_REFUSAL: usize = 64 * 1024;
/// How much of the API's own words, or of an id, an error repeats, in characters.
const MAX_DETAIL: usize = 300;

/// How long a request may take, not counting the wait for its place in the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Until the connection stands, TLS included. Keep it shorter than `whole`: a write that hits this limit surely did
    /// not leave, one that hits the other may have.
    pub connect: Duration,
    /// Until the answer is whole. A large reply gets a second more for every 256 KiB.
    pub whole: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), whole: Duration::from_secs(30) }
    }
}

/// What all requests of a client share.
pub(super) struct Transport {
    pub(super) workspace: String,
    pub(super) host: String,
    pub(super) base: Url,
    pub(super) key: HeaderValue,
    pub(super) reads: reqwest::Client,
    pub(super) writes: reqwest::Client,
    pub(super) time: TimeLimits,
    pub(super) gate: Arc<RateLimiter>,
    /// Requests in a minute and in an hour, as the client's settings say.
    pub(super) limits: (u32, u32),
    /// How many requests were sent so far.
    pub(super) sent: std::sync::atomic::AtomicU64,
}

/// A request to be made.
#[derive(Clone)]
pub(super) struct Call {
    method: Method,
    pub(super) endpoint: &'static str,
    url: Url,
    body: Option<Vec<u8>>,
    what: String,
}

impl Call {
    pub(super) fn get(endpoint: &'static str, url: Url, what: String) -> Self {
        Self { method: Method::GET, endpoint, url, body: None, what }
    }

    pub(super) fn write(method: Method, endpoint: &'static str, url: Url, body: Option<Vec<u8>>, what: String) -> Self {
        Self { method, endpoint, url, body, what }
    }
}

/// An answer: its status is known, its body may not be whole.
pub(super) struct ApiResponse {
    pub(super) status: u16,
    pub(super) body: Result<Vec<u8>, ApiError>,
    pause: Option<Duration>,
    pub(super) date: Option<Timestamp>,
}

/// What a read brought, and when the server says it was.
pub(super) struct Reading {
    pub(super) value: Value,
    /// The `Date` of the response, in whole seconds.
    pub(super) date: Option<Timestamp>,
}

/// No answer, not even a status.
pub(super) struct TransportError {
    pub(super) error: ApiError,
    /// It surely never reached the API.
    pub(super) never_left: bool,
    /// The connection broke, as an idle one does that the server has closed meanwhile.
    pub(super) broken: bool,
}

impl Transport {
    /// The URL of a path below the base.
    pub(super) fn url(&self, segments: &[&str], query: &[(&str, String)]) -> Result<Url, ApiError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ApiError::Invalid { detail: "`base_url` cannot have a path".to_owned() })?
            .pop_if_empty()
            .extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// The URL of a thread, or of something below it. The id is one path segment, whatever it holds.
    pub(super) fn thread_url(&self, id: &str, below: &[&str], query: &[(&str, String)]) -> Result<Url, ApiError> {
        // URLs have no way to write a segment that is `.` or `..`, not even percent-encoded.
        let lower = id.to_ascii_lowercase().replace("%2e", ".");
        if id.trim().is_empty() || lower == "." || lower == ".." {
            return Err(ApiError::Invalid { detail: format!("`{}` is no thread id", clip(id)) });
        }
        let mut segments = vec!["replies", "threads", id];
        segments.extend(below);
        self.url(&segments, query)
    }

    /// Sends the call and reads its answer. The permit is given back when that is over.
    pub(super) async fn exchange(
        &self,
        client: &reqwest::Client,
        call: Call,
        permit: Permit,
        limit: Option<Duration>,
    ) -> Result<ApiResponse, TransportError> {
        let span = tracing::debug_span!("coldsend", workspace = %self.workspace, endpoint = call.endpoint);
        async {
            let started = Instant::now();
            let outcome = self.exchange_unlogged(client, call, permit, limit).await;
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let left = self.gate.left();
            match &outcome {
                Ok(answer) => tracing::debug!(
                    status = answer.status,
                    whole = answer.body.is_ok(),
                    duration_ms,
                    minute_left = left.minute,
                    hour_left = left.hour,
                    "answered"
                ),
                Err(failed) => tracing::debug!(
                    error = %failed.error,
                    duration_ms,
                    minute_left = left.minute,
                    hour_left = left.hour,
                    "not answered"
                ),
            }
            outcome
        }
        .instrument(span)
        .await
    }

    async fn exchange_unlogged(
        &self,
        client: &reqwest::Client,
        call: Call,
        mut permit: Permit,
        limit: Option<Duration>,
    ) -> Result<ApiResponse, TransportError> {
        let mut request = client
            .request(call.method, call.url)
            .header("X-API-Key", self.key.clone())
            .header(ACCEPT, "application/json");
        let mut whole = limit.map_or(self.time.whole, |limit| limit.min(self.time.whole));
        if limit.is_some() {
            request = request.timeout(whole);
        }
        if let Some(body) = call.body {
            whole += Duration::from_secs(body.len() as u64 / (256 * 1024));
            request = request.header(CONTENT_TYPE, "application/json").timeout(whole).body(body);
        }
        permit.mark_sent();
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                // In this order: a connection that did not come up in time is both.
                let (connect, builder, timeout) = (error.is_connect(), error.is_builder(), error.is_timeout());
                let host = self.host.clone();
                if connect || builder {
                    permit.refund();
                    let detail = if timeout {
                        format!("no connection within {} ms", self.time.connect.as_millis())
                    } else {
                        cause(error)
                    };
                    let error = ApiError::Unreachable { host, detail };
                    return Err(TransportError { error, never_left: true, broken: false });
                }
                let error = if timeout {
                    ApiError::Timeout { host, after: whole }
                } else {
                    ApiError::Interrupted { host, detail: cause(error) }
                };
                return Err(TransportError { error, never_left: false, broken: !timeout });
            }
        };
        let status = response.status().as_u16();
        let limits = RateLimitHeaders::read(response.headers(), Timestamp::now());
        let pause = permit.on_response(&limits, status == 429);
        let limit = if response.status().is_success() { MAX_ANSWER } else { MAX_REFUSAL };
        let body = self.body(call.endpoint, response, limit, whole).await;
        Ok(ApiResponse { status, body, pause, date: limits.date })
    }

    async fn body(
        &self,
        endpoint: &'static str,
        mut response: Response,
        limit: usize,
        whole: Duration,
    ) -> Result<Vec<u8>, ApiError> {
        let too_large = || ApiError::TooLarge { endpoint, limit: format!("{} KiB", limit / 1024) };
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(too_large()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body),
                Err(error) if error.is_timeout() => {
                    return Err(ApiError::Timeout { host: self.host.clone(), after: whole });
                }
                Err(error) => return Err(ApiError::Interrupted { host: self.host.clone(), detail: cause(error) }),
            }
        }
    }

    /// What a status other than 2xx means.
    pub(super) fn refusal(&self, call: &Call, answer: ApiResponse) -> ApiError {
        let status = answer.status;
        let value = answer.body.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or(Value::Null);
        let mut detail = self.detail(&value);
        if detail.is_empty() {
            let words = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            detail = words.unwrap_or("no further words").to_owned();
        }
        let workspace = self.workspace.clone();
        match status {
            300..=399 => ApiError::Redirected { host: self.host.clone(), status },
            401 => ApiError::Unauthorized { workspace, status, detail },
            403 => {
                let scopes = |name: &str| self.texts(value.get(name));
                ApiError::Forbidden { workspace, detail, required: scopes("required"), granted: scopes("granted") }
            }
            404 => ApiError::NotFound { what: call.what.clone(), detail },
            429 => ApiError::RateLimited { workspace, retry_after: answer.pause.unwrap_or(Duration::from_secs(60)) },
            500..=599 => ApiError::Server { status, detail },
            _ => ApiError::Refused { status, detail },
        }
    }

    /// The API's own words about an error: a text, or a list of places and messages.
    pub(super) fn detail(&self, value: &Value) -> String {
        let text = match value.get("detail") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) => {
                let parts = items.iter().filter_map(|item| {
                    let message = item.get("msg")?.as_str()?;
                    let place = self.texts(item.get("loc")).join(".");
                    Some(if place.is_empty() { message.to_owned() } else { format!("{place}: {message}") })
                });
                parts.collect::<Vec<_>>().join("; ")
            }
            _ => ["message", "error"].iter().find_map(|name| value.get(name)?.as_str()).unwrap_or_default().to_owned(),
        };
        self.redact(&text)
    }

    fn texts(&self, value: Option<&Value>) -> Vec<String> {
        let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |item: &Value| match item {
            Value::String(text) => Some(self.redact(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        items.iter().take(20).filter_map(text).collect()
    }

    /// One short line, and never the key, should the API repeat it.
    fn redact(&self, text: &str) -> String {
        let key = self.key.to_str().unwrap_or_default();
        let text = if key.is_empty() { text.to_owned() } else { text.replace(key, "[REDACTED]") };
        clip(&text)
    }
}

pub(super) fn parse(endpoint: &'static str, body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::Malformed {
        endpoint,
        at: format!("line {} column {}", error.line(), error.column()),
        detail: match error.classify() {
            serde_json::error::Category::Eof if body.is_empty() => "the answer is empty".to_owned(),
            serde_json::error::Category::Eof => "the JSON ends too early".to_owned(),
            _ => format!("this is no JSON that can be read ({error})"),
        },
    })
}

/// The innermost reason, without the URL.
pub(super) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    clip(&text)
}

/// One line of bounded length.
pub(super) fn clip(text: &str) -> String {
    let mut line: String =
        text.chars().take(MAX_DETAIL).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().nth(MAX_DETAIL).is_some() {
        line.push('…');
    }
    line.trim().to_owned()
}

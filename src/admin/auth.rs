//! Who may see and change what.
//!
//! Programs send `Authorization: Bearer TOKEN`; browsers sign in once and carry a session cookie. Without a token, which
//! is possible on a loopback address only, everything is open to this machine: then the `Host` must be a loopback name,
//! so that a page from elsewhere cannot reach it through a name that it controls.

use super::{
    App, audit,
    caller::{Caller, Way},
    pages,
    problem::Problem,
};
use axum::{
    Form,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use subtle::ConstantTimeEq;

const COOKIE: &str = "reply_router_session";
/// So many wrong sign-ins in this time, from anywhere, and everybody waits: the token is long, this is only decency.
const TRIES: usize = 10;
const TRY_WINDOW: Duration = Duration::from_secs(60);

/// The sessions of browsers: one value, derived from the token and from this process, so that both a new token and a
/// restart end them all.
pub(super) struct Sessions {
    value: Option<String>,
    wrong: Mutex<VecDeque<Instant>>,
}

impl Sessions {
    pub(super) fn new(token: Option<&SecretString>) -> Self {
        let value = token.and_then(|token| {
            let mut mac = Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes()).ok()?;
            mac.update(uuid::Uuid::new_v4().as_bytes());
            Some(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
        });
        Self { value, wrong: Mutex::default() }
    }

    fn may_try(&self) -> bool {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|at| at.elapsed() < TRY_WINDOW);
        wrong.len() < TRIES
    }

    fn note_wrong(&self) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push_back(Instant::now());
    }
}

/// Lets in whoever may, and tells what follows how they got in.
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(token) = &app.settings.token else {
        if is_local(request.headers()) {
            request.extensions_mut().insert(Way::Loopback);
            return next.run(request).await;
        }
        let text = "without `admin.token` only this machine may look, under the name localhost or 127.0.0.1";
        return Problem::new(StatusCode::FORBIDDEN, text).into_response();
    };
    let headers = request.headers();
    let way = match bearer(headers) {
        Some(given) if same(&given, token.expose_secret()) => Some(Way::Token),
        _ => has_session(&app, headers).then_some(Way::Session),
    };
    if let Some(way) = way {
        request.extensions_mut().insert(way);
        return next.run(request).await;
    }
    let wants_page = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if wants_page && request.method() == axum::http::Method::GET {
        return Redirect::to("/login").into_response();
    }
    let mut response =
        Problem::new(StatusCode::UNAUTHORIZED, "send `Authorization: Bearer` with `admin.token`").into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Compares in constant time.
pub(super) fn same(given: &str, wanted: &str) -> bool {
    given.as_bytes().ct_eq(wanted.as_bytes()).into()
}

fn has_session(app: &App, headers: &HeaderMap) -> bool {
    let Some(wanted) = &app.sessions.value else { return false };
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .any(|(name, value)| name == COOKIE && same(value, wanted))
}

fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) async fn login_page() -> Response {
    pages::login(false)
}

#[derive(Deserialize)]
pub(super) struct Login {
    token: String,
}

pub(super) async fn login(State(app): State<App>, caller: Caller, Form(login): Form<Login>) -> Response {
    let (Some(token), Some(session)) = (&app.settings.token, &app.sessions.value) else {
        return Redirect::to("/").into_response();
    };
    if !app.sessions.may_try() {
        return Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens: wait a minute").into_response();
    }
    if !same(login.token.trim(), token.expose_secret()) {
        app.sessions.note_wrong();
        audit::note(&app, &caller, "login.failed", None, Value::Null).await;
        return pages::login(true);
    }
    audit::note(&app, &caller.by(Way::Session), "login", None, Value::Null).await;
    with_cookie(&app, session, "")
}

/// Ends the session of this browser.
pub(super) async fn logout(State(app): State<App>) -> Response {
    with_cookie(&app, "", "; Max-Age=0")
}

/// To the first page, with the session cookie set to a value.
fn with_cookie(app: &App, value: &str, more: &str) -> Response {
    let secure = app.settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
    let mut response = Redirect::to("/").into_response();
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

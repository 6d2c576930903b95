//! Who may see and change what.
//!
//! Programs send `Authorization: Bearer TOKEN`; browsers sign in once and carry a session cookie. Without a token, which
//! is possible on a loopback address only, everything is open to this machine: then the `Host` must be a loopback name,
//! so that a page from elsewhere cannot reach it through a name that it controls.

use super::{
    App, audit,
    caller::{AuthMethod, Caller},
    openapi::{HtmlPage, RedirectToPage},
    pages,
    problem::Problem,
};
use axum::{
    Form,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

/// The session cookie of browsers.
pub(super) const COOKIE: &str = "reply_router_session";
/// After so many wrong sign-ins from one address in this time, further wrong ones from there are refused unlooked at. The
/// right token always gets in: who guesses must not lock its owner out.
const TRIES: usize = 10;
const TRY_WINDOW: Duration = Duration::from_secs(60);
/// So many addresses and sessions are remembered; beyond that the oldest are forgotten.
const MAX_ADDRESSES: usize = 1_000;
const MAX_SESSIONS: usize = 1_000;

/// The sessions of browsers. They are kept in this process only, so that a new token and a restart end them all.
pub(super) struct Sessions {
    signed_in: Mutex<VecDeque<String>>,
    wrong: Mutex<VecDeque<(Option<IpAddr>, Instant)>>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { signed_in: Mutex::default(), wrong: Mutex::default() }
    }

    /// A session of one browser, under a name that cannot be guessed.
    fn begin(&self) -> String {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let session = random() + &random();
        let mut all = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_SESSIONS {
            all.pop_front();
        }
        all.push_back(session.clone());
        session
    }

    fn has(&self, given: &str) -> bool {
        let all = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        // All are compared, whichever it is.
        all.iter().fold(false, |found, session| found | constant_time_eq(given, session))
    }

    /// From now on the session lets nobody in, wherever its cookie was copied to.
    fn end(&self, given: &str) {
        self.signed_in
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|session| !constant_time_eq(given, session));
    }

    /// Notes a wrong sign-in, and tells whether there were too many from that address.
    fn record_failure(&self, from: Option<IpAddr>) -> bool {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|(_, at)| at.elapsed() < TRY_WINDOW);
        if wrong.iter().filter(|(address, _)| *address == from).count() >= TRIES {
            return true;
        }
        if wrong.len() >= MAX_ADDRESSES * TRIES {
            wrong.pop_front();
        }
        wrong.push_back((from, Instant::now()));
        false
    }
}

/// Who belongs together: an IPv6 network is one place, it has more addresses than anybody counts.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Lets in whoever may, and tells what follows how they got in.
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(token) = &app.settings.token else {
        if is_local(request.headers()) {
            request.extensions_mut().insert(AuthMethod::Loopback);
            return next.run(request).await;
        }
        return Problem::new(StatusCode::FORBIDDEN, ONLY_LOCAL).into_response();
    };
    let headers = request.headers();
    let way = match bearer(headers) {
        Some(given) if constant_time_eq(&given, token.expose_secret()) => Some(AuthMethod::Token),
        _ => has_session(&app, headers).then_some(AuthMethod::Session),
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
pub(super) fn constant_time_eq(given: &str, wanted: &str) -> bool {
    given.as_bytes().ct_eq(wanted.as_bytes()).into()
}

/// The sessions that a browser says it has.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

fn has_session(app: &App, headers: &HeaderMap) -> bool {
    cookies(headers).any(|value| app.sessions.has(value))
}

/// Where no token is configured, the metrics too are for this machine under its own name only.
pub(super) struct KnownHost;

impl FromRequestParts<App> for KnownHost {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if app.settings.token.is_some() || is_local(&parts.headers) {
            return Ok(Self);
        }
        Err(Problem::new(StatusCode::FORBIDDEN, ONLY_LOCAL))
    }
}

const ONLY_LOCAL: &str = "without `admin.token` only this machine has access, as localhost or 127.0.0.1";

fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Show the sign-in form.
#[utoipa::path(get, path = "/login", operation_id = "loginPage", tag = "pages", responses(HtmlPage))]
pub(super) async fn login_page() -> Response {
    pages::login(false)
}

#[derive(Deserialize, ToSchema)]
pub(super) struct Login {
    token: String,
}

/// Sign in; the response sets a session cookie.
#[utoipa::path(
    post, path = "/login", tag = "pages",
    request_body(content = inline(Login), content_type = "application/x-www-form-urlencoded"),
    responses(
        RedirectToPage,
        (status = 401, description = "The wrong token.", content_type = "text/html", body = String),
        (status = 429, response = Problem)
    )
)]
pub(super) async fn login(State(app): State<App>, caller: Caller, Form(login): Form<Login>) -> Response {
    let Some(token) = &app.settings.token else { return Redirect::to("/").into_response() };
    if !constant_time_eq(login.token.trim(), token.expose_secret()) {
        if app.sessions.record_failure(caller.remote.map(network)) {
            return Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many incorrect tokens: wait a minute")
                .into_response();
        }
        audit::record(&app, &caller, "login.failed", None, Value::Null).await;
        return pages::login(true);
    }
    audit::record(&app, &caller.with_auth(AuthMethod::Session), "login", None, Value::Null).await;
    with_cookie(&app, &app.sessions.begin(), "")
}

/// Sign out; the response ends the session cookie.
#[utoipa::path(post, path = "/logout", tag = "pages", responses(RedirectToPage))]
pub(super) async fn logout(State(app): State<App>, headers: HeaderMap) -> Response {
    cookies(&headers).for_each(|value| app.sessions.end(value));
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

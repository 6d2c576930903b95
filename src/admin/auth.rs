//! Who may see and change what.
//!
//! Programs send `Authorization: Bearer TOKEN`; browsers sign in once and carry a session cookie, or a proxy in front says
//! who signed in there. Without a token and users, which is possible on a loopback address only, everything is open to this machine: then the `Host` must be a loopback name,
//! so that a page from elsewhere cannot reach it through a name that it controls.

use super::{
    App,
    access::{AccessSettings, Needs, Principal},
    audit,
    caller::{AuthMethod, Caller},
    openapi::{HtmlPage, RedirectToPage},
    pages,
    problem::Problem,
    under_way::UnderWay,
};
use axum::{
    Form,
    extract::{FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::Value;
use std::net::{IpAddr, Ipv6Addr};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

/// The session cookie of browsers.
pub(super) const COOKIE: &str = "reply_router_session";
/// As much of a name that nobody has is shown.
const MAX_SHOWN_NAME: usize = 128;
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

/// Lets in whoever may, and tells as whom and how they got in. What they may do, each route says.
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let access = app.settings.access.current();
    let caller = Caller::of(request.extensions());
    let headers = request.headers();
    let found = match named_by_proxy(&access, caller.remote, headers) {
        Err(refused) => {
            if let Some(name) = &refused.unknown {
                note_wrong(&app, request.extensions(), Some(name)).await;
            }
            return refused.problem.into_response();
        }
        Ok(Some(principal)) => Some((AuthMethod::Proxy, principal)),
        Ok(None) if access.is_open() && is_local(headers) => Some((AuthMethod::Loopback, Principal::everything())),
        Ok(None) if access.is_open() => return Problem::new(StatusCode::FORBIDDEN, ONLY_LOCAL).into_response(),
        Ok(None) => {
            let by_token = bearer(headers).and_then(|given| access.by_token(&given));
            let by_session = || cookies(headers).find_map(|value| app.sessions.user(value, &access));
            let by_token = by_token.map(|principal| (AuthMethod::Token, principal));
            by_token.or_else(|| by_session().map(|principal| (AuthMethod::Session, principal)))
        }
    };
    if let Some((way, principal)) = found {
        request.extensions_mut().insert(way);
        request.extensions_mut().insert(principal);
        // What goes on after this request ends when somebody else may get in.
        request.extensions_mut().insert(access);
        return next.run(request).await;
    }
    if bearer(headers).is_some_and(|given| !given.is_empty()) {
        note_wrong(&app, request.extensions(), None).await;
    }
    let wants_page = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if wants_page && request.method() == axum::http::Method::GET {
        return Redirect::to("/login").into_response();
    }
    let text = "send `Authorization: Bearer` with your token, or with `admin.token`";
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, text).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Lets pass whoever has what the route needs.
pub(super) async fn authorize(needs: Needs, request: Request, next: Next) -> Response {
    let allowed = match request.extensions().get::<Principal>() {
        Some(principal) => needs.check(principal),
        None => Err(Problem::new(StatusCode::UNAUTHORIZED, "sign in first")),
    };
    match allowed {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// A proxy's word that is not taken.
struct RefusedByProxy {
    problem: Problem,
    /// The name that it gave, where nobody has it.
    unknown: Option<String>,
}

/// Who signed in at the proxy in front; `None` if the request comes from nobody who may say so, or says nothing.
fn named_by_proxy(
    access: &AccessSettings,
    peer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Option<Principal>, RefusedByProxy> {
    let Some(header) = access.believed_header(peer) else { return Ok(None) };
    let mut values = headers.get_all(header).iter();
    let (first, second) = (values.next(), values.next());
    let Some(first) = first else { return Ok(None) };
    let name = std::str::from_utf8(first.as_bytes()).ok().map(str::trim).filter(|name| !name.is_empty());
    let (Some(name), None) = (name, second) else {
        let text = format!("the proxy must name one user in `{header}`: it sent several, or an empty one");
        return Err(RefusedByProxy { problem: Problem::bad_request(text), unknown: None });
    };
    match access.by_name(name) {
        Some(principal) => Ok(Some(principal)),
        None => {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(MAX_SHOWN_NAME).collect();
            let text = format!("`{shown}` is not one of `admin.users`: ask an admin to add you");
            Err(RefusedByProxy { problem: Problem::new(StatusCode::FORBIDDEN, text), unknown: Some(shown) })
        }
    }
}

/// Notes a sign-in that failed; `true` if there were too many from there, which are not noted any more.
async fn note_failure(app: &App, caller: &Caller, name: Option<&str>) -> bool {
    let too_many = app.sessions.record_failure(caller.remote.map(network));
    if !too_many {
        audit::record_by(app, caller, "login.failed", name, Value::Null).await;
    }
    too_many
}

/// Notes that a request came with something wrong, also if whoever sent it hangs up: a guess is a guess, wherever it is made.
/// The response stays what it is.
pub(super) async fn note_wrong(app: &App, extensions: &Extensions, name: Option<&str>) {
    let (app, caller, name) = (app.clone(), Caller::of(extensions), name.map(str::to_owned));
    let noting = async move { note_failure(&app, &caller, name.as_deref()).await };
    UnderWay::of(extensions).carry_out(noting).await;
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

/// Where no token is configured, the metrics too are for this machine under its own name only.
pub(super) struct KnownHost;

impl FromRequestParts<App> for KnownHost {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !app.settings.access.current().is_open() || is_local(&parts.headers) {
            return Ok(Self);
        }
        Err(Problem::new(StatusCode::FORBIDDEN, ONLY_LOCAL))
    }
}

const ONLY_LOCAL: &str =
    "without `admin.token` and `admin.users` only this machine has access, as localhost or 127.0.0.1";

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
    let access = app.settings.access.current();
    if access.is_open() {
        return Redirect::to("/").into_response();
    }
    let Some(principal) = access.by_token(login.token.trim()) else {
        if note_failure(&app, &caller, None).await {
            return Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many incorrect tokens: wait a minute")
                .into_response();
        }
        return pages::login(true);
    };
    let session = app.sessions.begin(login.token.trim(), &principal);
    audit::record_by(&app, &caller.signed_in(AuthMethod::Session, principal), "login", None, Value::Null).await;
    with_cookie(&app, &session, "")
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

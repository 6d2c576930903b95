//! The admin server: routes, pages, authentication and metrics.
//!
//! Everything is read from the store and the engine at the time of the request; nothing is cached, so a page never tells
//! of a state that the service has left.

mod access;
mod actions;
mod audit;
mod auth;
mod backtest;
mod caller;
mod connections;
mod controls;
mod decisions;
mod events;
mod explain;
mod exposition;
mod forget;
mod hooks;
mod left;
mod long_list;
mod metrics;
mod openapi;
mod opt_outs;
mod pages;
mod pagination;
mod problem;
mod routes;
mod rule_counts;
mod rules;
mod scoped;
mod server;
mod sessions;
mod status;
mod under_way;

pub use access::{Access, AccessSettings, BadNetwork, HookTokens, Network, ProxySettings, Role, User, is_user_name};
pub use backtest::{EditError, FileList, ListedFile, RuleEdit, RuleFiles, Seen, TestRun};
pub use server::{serve, serve_within};

use crate::engine::Engine;
use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use problem::Problem;
use scoped::{App, ScopedEngine};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tower_http::{
    catch_panic::CatchPanicLayer,
    csrf::{CsrfLayer, ResponseForProtectionError},
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
};
use tracing::Instrument;
use url::Url;

/// Larger bodies are refused: nothing that is sent here is long.
const BODY_LIMIT: usize = 64 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How the admin server is reached.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// Where it listens; decides whether it may be open without a token.
    pub listen: SocketAddr,
    /// Who may get in.
    pub access: Access,
    /// How people reach it.
    pub public_url: Option<String>,
    /// The tokens of `POST /hooks/coldsend/{workspace}`; without one a workspace's hook is off.
    pub hook_tokens: HookTokens,
}

/// Loads the rules again.
#[async_trait]
pub trait Reload: Send + Sync {
    /// Puts the rules in the folder in force and tells their revision; on any mistake the old ones stay.
    async fn reload(&self) -> Result<String, ReloadError>;

    /// The rules as files, if they come from files.
    fn rule_files(&self) -> Option<&dyn RuleFiles> {
        None
    }
}

/// Why the rules were not put in force.
#[derive(Debug)]
pub enum ReloadError {
    /// Mistakes in them: the diagnostics in the shape of `check --format json`.
    Refused(serde_json::Value),
    /// Anything else.
    Failed(String),
}

/// All routes, ready to be served or to be called in a test.
pub fn router(engine: Arc<Engine>, settings: AdminSettings, reload: Option<Arc<dyn Reload>>) -> Router {
    router_within(TIME_LIMIT, engine, settings, reload)
}

/// As [`router`], with another time for a request: whoever asks for more hears so. What it changes goes on.
pub fn router_within(
    time_limit: Duration,
    engine: Arc<Engine>,
    settings: AdminSettings,
    reload: Option<Arc<dyn Reload>>,
) -> Router {
    let app = App::new(engine, settings, reload);
    routes::router(&app)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(same_origin(app.settings.public_url.as_deref()))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, time_limit))
        .layer(CatchPanicLayer::new())
        .layer(middleware::map_response(problem::into_problem))
        .layer(middleware::from_fn(pages::as_page))
        .layer(middleware::from_fn(traced))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
        .layer(set(header::CACHE_CONTROL, "no-store"))
        .with_state(app)
}

/// Lets other pages make a browser send nothing; the pages may be reached under `public_url`, whatever name a proxy passes on.
fn same_origin(public_url: Option<&str>) -> CsrfLayer<impl ResponseForProtectionError<Body> + use<>> {
    let origin = public_url.and_then(|url| Url::parse(url).ok()).map(|url| url.origin().ascii_serialization());
    let trusting = origin.and_then(|origin| CsrfLayer::new().add_trusted_origin(origin).ok());
    trusting.unwrap_or_default().with_rejection_response(|_| {
        Problem::new(StatusCode::FORBIDDEN, "request from another origin: use the pages under `admin.public_url`")
            .into_response()
    })
}

/// What is logged on the way carries the id of the request. The route and not the path: an address may stand in it.
async fn traced(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("request", id, method = %request.method(), route);
    next.run(request).instrument(span).await
}

fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

type ApiResult<T> = Result<axum::Json<T>, Problem>;

//! The admin server: routes, pages, authentication and metrics.
//!
//! Everything is read from the store and the engine at the time of the request; nothing is cached, so a page never tells
//! of a state that the service has left.

mod actions;
mod auth;
mod decisions;
mod explain;
mod hooks;
mod metrics;
mod opt_outs;
mod page;
mod problem;
mod rules;
mod status;
mod switches;

use crate::engine::Engine;
use async_trait::async_trait;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    routing::{get, post},
};
use problem::Problem;
use secrecy::SecretString;
use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer, csrf::CsrfLayer, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

/// Larger bodies are refused: nothing that is sent here is long.
const BODY_LIMIT: usize = 64 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How the admin server is reached.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// Where it listens; decides whether it may be open without a token.
    pub listen: SocketAddr,
    /// The token of programs and of the sign-in.
    pub token: Option<SecretString>,
    /// How people reach it.
    pub public_url: Option<String>,
    /// The tokens of `POST /hooks/coldsend/{workspace}`; without one a workspace's hook is off.
    pub hook_tokens: HashMap<String, SecretString>,
}

/// Loads the rules again.
#[async_trait]
pub trait Reload: Send + Sync {
    /// Puts the rules in the folder in force and tells their revision; on any mistake the old ones stay.
    async fn reload(&self) -> Result<String, ReloadError>;
}

/// Why the rules were not put in force.
#[derive(Debug)]
pub enum ReloadError {
    /// Mistakes in them: the diagnostics in the shape of `check --format json`.
    Refused(serde_json::Value),
    /// Anything else.
    Failed(String),
}

/// What every route may use.
#[derive(Clone)]
struct App {
    engine: Arc<Engine>,
    settings: Arc<AdminSettings>,
    reload: Option<Arc<dyn Reload>>,
    sessions: Arc<auth::Sessions>,
}

/// All routes, ready to be served or to be called in a test.
pub fn router(engine: Arc<Engine>, settings: AdminSettings, reload: Option<Arc<dyn Reload>>) -> Router {
    let sessions = Arc::new(auth::Sessions::new(settings.token.as_ref()));
    let app = App { engine, settings: Arc::new(settings), reload, sessions };
    let guarded = Router::new()
        .route("/", get(page::index))
        .route("/pause", post(page::pause))
        .route("/resume", post(page::resume))
        .route("/actions/{id}/{decision}", post(page::decide))
        .route("/threads/{id}", get(page::thread))
        .route("/api/v1/status", get(status::status))
        .route("/api/v1/rules", get(rules::list))
        .route("/api/v1/rules/{name}", get(rules::one))
        .route("/api/v1/rules/{name}/mode", post(rules::set_mode))
        .route("/api/v1/actions", get(actions::list))
        .route("/api/v1/actions/{id}", get(actions::one))
        .route("/api/v1/actions/{id}/approve", post(actions::approve))
        .route("/api/v1/actions/{id}/reject", post(actions::reject))
        .route("/api/v1/actions/{id}/retry", post(actions::retry))
        .route("/api/v1/actions/{id}/resolve", post(actions::resolve))
        .route("/api/v1/decisions", get(decisions::list))
        .route("/api/v1/decisions/{id}", get(decisions::one))
        .route("/api/v1/threads/{id}/explain", get(explain::explain))
        .route("/api/v1/opt-outs", get(opt_outs::list).post(opt_outs::add))
        .route("/api/v1/opt-outs/{email}", axum::routing::delete(opt_outs::remove))
        .route("/api/v1/pause", post(switches::pause))
        .route("/api/v1/resume", post(switches::resume))
        .route("/api/v1/reload", post(switches::reload))
        .layer(middleware::from_fn_with_state(app.clone(), auth::guard));
    let open = Router::new()
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/login", get(auth::login_page).post(auth::login))
        .route("/assets/style.css", get(page::style))
        .route("/hooks/coldsend/{workspace}", post(hooks::coldsend));
    guarded
        .merge(open)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CsrfLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIME_LIMIT))
        .layer(CatchPanicLayer::new())
        .layer(set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
        .layer(set(header::CACHE_CONTROL, "no-store"))
        .with_state(app)
}

fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Serves until `shutdown`; requests under way end first.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { shutdown.cancelled().await }).await;
    if let Err(error) = served {
        tracing::error!(%error, "the admin server ended");
    }
}

type Answer<T> = Result<axum::Json<T>, Problem>;

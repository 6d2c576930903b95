//! Tests of `admin`, seen from outside: the router as it is served, over the engine of the fixture and a store on disk.

mod access;
mod api_docs;
mod audit;
mod backtest;
mod connections;
mod controls;
mod event_stream;
mod hook;
mod ingress;
mod metrics;
mod pages;
mod problems;
mod responses;
pub(crate) mod rule_files;
mod rule_status;
mod statements;
mod traces;
mod under_way;
mod users;

use crate::fixture::{Fixture, FixtureOptions};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
};
use reply_router::admin::{self, Access, AccessSettings, AdminSettings, Reload};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tower::ServiceExt;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const HOOK_TOKEN: &str = "hook-0123456789abcdef";

/// A fixture and the routes over it.
struct AdminFixture {
    fixture: Fixture,
    router: Router,
}

impl AdminFixture {
    /// Reached with the token.
    async fn new(setting: FixtureOptions) -> Self {
        Self::over(Fixture::new(setting).await, Some(TOKEN), None)
    }

    fn over(fixture: Fixture, token: Option<&str>, reload: Option<Arc<dyn Reload>>) -> Self {
        Self::within(Duration::from_secs(60), fixture, token, reload)
    }

    /// The same where a request has so much time.
    fn within(time_limit: Duration, fixture: Fixture, token: Option<&str>, reload: Option<Arc<dyn Reload>>) -> Self {
        let settings = AdminSettings {
            listen: "127.0.0.1:8080".parse().unwrap(),
            access: with_token(token),
            public_url: Some("https://router.acme.example/".to_owned()),
            hook_tokens: HashMap::from([("acme".to_owned(), HOOK_TOKEN.to_owned().into())]).into(),
        };
        let router = admin::router_within(time_limit, Arc::clone(&fixture.engine), settings, reload);
        Self { fixture, router }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[bearer()], "").await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[bearer(), ("content-type", "application/json")], body).await
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }
}

/// Who may get in with one token, or everybody on this machine without.
fn with_token(token: Option<&str>) -> Access {
    let token = token.map(|token| token.to_owned().into());
    Access::new(AccessSettings { token, ..AccessSettings::default() })
}

fn bearer() -> (&'static str, &'static str) {
    ("authorization", "Bearer 0123456789abcdef0123456789abcdef")
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The body of a success.
    #[track_caller]
    fn json(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        serde_json::from_str(&self.text).unwrap()
    }

    /// An error of this status in the shape of every error; its detail comes back.
    #[track_caller]
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header(header::CONTENT_TYPE.as_str()), "application/problem+json", "{self:?}");
        let problem: Value = serde_json::from_str(&self.text).unwrap();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.is_empty());
        detail.to_owned()
    }
}

//! How many statements the store runs for a page: with many workspaces as few as with one.

use super::{TOKEN, bearer};
use crate::{
    fixture::{Fixture, FixtureOptions},
    store::row,
};
use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use reply_router::{
    admin::{self, Access, AccessSettings, AdminSettings, Role, User},
    model::Mode,
    store::prelude::*,
};
use std::{collections::BTreeMap, sync::Arc};
use tower::ServiceExt;

const USER_TOKEN: &str = "0123456789abcdef0123456789abcdee";
const PATHS: [&str; 12] = [
    "/metrics",
    "/readyz",
    "/",
    "/activity",
    "/queue",
    "/workspace",
    "/api/v1/status",
    "/api/v1/workspaces",
    "/api/v1/rules",
    "/api/v1/actions",
    "/api/v1/decisions",
    "/api/v1/opt-outs",
];

/// The routes over an engine with so many workspaces, in each of which something waits. `sees` is what a user sees.
async fn with_workspaces(count: usize) -> (Fixture, Router) {
    let names: Vec<&'static str> =
        (1..count).map(|number| &*Box::leak(format!("acme-{number}").into_boxed_str())).collect();
    let more_workspaces = names.iter().map(|name| (*name, Mode::Live)).collect();
    let fixture = Fixture::new(FixtureOptions { more_workspaces, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "Please call.");
    fixture.tick().await;
    for name in names.into_iter().chain(["acme"]) {
        fixture.store.queue_rows(name, &[row(&format!("t-{name}"), 0)], fixture.engine.now()).await.unwrap();
    }
    let user = User {
        name: "sam".to_owned(),
        token: Some(USER_TOKEN.to_owned().into()),
        role: Role::Admin,
        workspaces: Some(vec!["acme*".to_owned()]),
    };
    let access =
        AccessSettings { token: Some(TOKEN.to_owned().into()), users: vec![user], ..AccessSettings::default() };
    let settings = AdminSettings {
        listen: "127.0.0.1:8080".parse().unwrap(),
        access: Access::new(access),
        public_url: None,
        hook_tokens: Default::default(),
    };
    let router = admin::router(Arc::clone(&fixture.engine), settings, None);
    (fixture, router)
}

async fn count(fixture: &Fixture, router: &Router, path: &str, (name, value): (&str, &str)) -> u64 {
    let before = fixture.store.metrics().await.unwrap().statements;
    let request = Request::builder().uri(path).header(name, value).header(header::HOST, "127.0.0.1:8080");
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), if path == "/readyz" { answer.status() } else { 200.try_into().unwrap() }, "{path}");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert!(!body.is_empty(), "{path}");
    // The question itself is one, and it is counted after it was asked.
    fixture.store.metrics().await.unwrap().statements - before - 1
}

#[tokio::test]
async fn no_page_asks_the_store_more_often_because_there_are_more_workspaces() {
    let mut counts: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    for workspaces in [2, 40] {
        let (fixture, router) = with_workspaces(workspaces).await;
        let sam = format!("Bearer {USER_TOKEN}");
        for (who, header) in [("admin", bearer()), ("user", ("authorization", sam.as_str()))] {
            for path in PATHS {
                counts.entry((path, who)).or_default().push(count(&fixture, &router, path, header).await);
            }
        }
    }
    eprintln!("{counts:#?}");
    for (page, found) in &counts {
        assert_eq!(found[0], found[1], "{page:?}: with 2 and with 40 workspaces");
    }
    assert!(counts[&("/metrics", "admin")][0] <= 8, "{counts:#?}");
}

//! Users: sessions, single sign-on, and what becomes of both when the configuration changes.

use super::{AdminFixture, Answer};
use crate::fixture::{Fixture, FixtureOptions};
use axum::{body::Body, extract::ConnectInfo, http::Request};
use reply_router::{
    admin::{self, Access, AccessSettings, AdminSettings, ProxySettings, Role, User},
    store::prelude::*,
};
use serde_json::json;
use std::{net::SocketAddr, sync::Arc};
use tower::ServiceExt;

const SAM: &str = "sam-0123456789abcdef0123456789ab";
const KIM: &str = "kim-0123456789abcdef0123456789ab";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn user(name: &str, token: Option<&str>, role: Role) -> User {
    let token = token.map(|token| token.to_owned().into());
    User { name: name.to_owned(), token, role, workspaces: None }
}

fn people() -> AccessSettings {
    let users = vec![
        user("sam", Some(SAM), Role::Approver),
        user("kim", Some(KIM), Role::Viewer),
        user("lee@acme.example", None, Role::Admin),
    ];
    let trusted = ["10.0.0.7", "172.18.0.0/16", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec();
    let proxy = Some(ProxySettings { header: "X-Forwarded-User".to_owned(), trusted });
    AccessSettings { token: None, users, proxy }
}

async fn desk() -> (AdminFixture, Access) {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let access = Access::new(people());
    let settings = AdminSettings {
        listen: "0.0.0.0:8080".parse().unwrap(),
        access: access.clone(),
        public_url: None,
        hook_tokens: Default::default(),
    };
    let router = admin::router(Arc::clone(&fixture.engine), settings, None);
    (AdminFixture { fixture, router }, access)
}

/// Signs in and gives the session cookie.
async fn sign_in(desk: &AdminFixture, token: &str) -> String {
    let answer = desk.send("POST", "/login", &[FORM], &format!("token={token}")).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A request from an address.
async fn from(desk: &AdminFixture, peer: &str, headers: &[(&str, &str)]) -> Answer {
    let peer: SocketAddr = peer.parse().unwrap();
    let mut request = Request::builder().method("POST").uri("/api/v1/pause").extension(ConnectInfo(peer));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = desk.router.clone().oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

const HEADER: &str = "x-forwarded-user";
const LEE: (&str, &str) = (HEADER, "lee@acme.example");

#[tokio::test]
async fn a_proxy_is_believed_wherever_it_is_trusted_and_nobody_else() {
    let (desk, _) = desk().await;
    for peer in ["10.0.0.7:1", "172.18.255.1:1", "[::ffff:10.0.0.7]:1", "[fd12::1]:1"] {
        assert_eq!(from(&desk, peer, &[LEE]).await.status, 200, "{peer}");
    }
    // The header is nothing but a header from anybody else: as if it were not there.
    for peer in ["10.0.0.8:1", "[::ffff:10.0.0.8]:1", "127.0.0.1:1", "[::1]:1", "[fe80::1]:1"] {
        from(&desk, peer, &[LEE]).await.problem(401);
        let bearer = format!("Bearer {KIM}");
        let refused = from(&desk, peer, &[LEE, ("authorization", &bearer)]).await.problem(403);
        assert!(refused.contains("kim"), "{refused}");
    }
    // A router that is called without a peer trusts nobody.
    desk.send("GET", "/api/v1/status", &[LEE], "").await.problem(401);
}

#[tokio::test]
async fn a_proxy_names_one_user() {
    let (desk, _) = desk().await;
    let proxy = "10.0.0.7:1";
    let unknown = from(&desk, proxy, &[(HEADER, "eve@acme.example")]).await.problem(403);
    assert!(unknown.contains("`eve@acme.example` is not one of `admin.users`"), "{unknown}");
    from(&desk, proxy, &[(HEADER, "Lee@acme.example")]).await.problem(403);
    from(&desk, proxy, &[(HEADER, "lee@acme.example, sam")]).await.problem(403);
    for headers in [&[LEE, (HEADER, "sam")][..], &[LEE, LEE], &[(HEADER, "")], &[(HEADER, "  ")]] {
        let refused = from(&desk, proxy, headers).await.problem(400);
        assert!(refused.contains("X-Forwarded-User"), "{refused}");
    }
    // The proxy says who it is, whoever's token comes with it; programs come with a token alone.
    let bearer = format!("Bearer {SAM}");
    assert_eq!(from(&desk, proxy, &[LEE, ("authorization", &bearer)]).await.status, 200);
    let refused = from(&desk, proxy, &[("authorization", &bearer)]).await.problem(403);
    assert!(refused.contains("`admin`") && refused.contains("sam"), "{refused}");
    from(&desk, proxy, &[]).await.problem(401);
    let log = desk.send("GET", "/api/v1/audit", &[("authorization", &bearer)], "").await.json();
    assert_eq!(log["items"], json!([]), "sign-ins and the whole service are not an approver's to read");
}

#[tokio::test]
async fn the_audit_log_names_who_it_was_and_how() {
    let (desk, access) = desk().await;
    sign_in(&desk, SAM).await;
    assert_eq!(desk.send("POST", "/login", &[FORM], "token=guess").await.status, 401);
    from(&desk, "10.0.0.7:1", &[(HEADER, "eve")]).await.problem(403);
    from(&desk, "10.0.0.7:1", &[LEE]).await.json();
    access.replace(AccessSettings { token: Some(super::TOKEN.to_owned().into()), ..people() });
    let log = desk.get("/api/v1/audit").await.json();
    let log: Vec<_> = log["items"].as_array().unwrap().iter().rev().collect();
    let told: Vec<_> =
        log.iter().map(|line| json!([line["what"], line["user"], line["who"], line["target"]])).collect();
    assert_eq!(
        told,
        [
            json!(["login", "sam", "session", null]),
            json!(["login.failed", null, "nobody", null]),
            json!(["login.failed", null, "nobody", "eve"]),
            json!(["pause", "lee@acme.example", "proxy", null]),
        ]
    );
    let page = desk.get("/workspace").await.text;
    assert!(page.contains("lee@acme.example (proxy) from 10.0.0.7"), "{page}");
    let status = desk.get("/api/v1/status").await.json();
    assert_eq!(status["pause"]["by"], "lee@acme.example (proxy) from 10.0.0.7");
}

#[tokio::test]
async fn a_session_is_its_users_and_goes_with_them() {
    let (desk, access) = desk().await;
    let (sam, kim) = (sign_in(&desk, SAM).await, sign_in(&desk, KIM).await);
    let get = async |cookie: &str| desk.send("GET", "/", &[("cookie", cookie)], "").await;
    assert!(get(&sam).await.text.contains("<bdi>sam</bdi>, approver"));
    assert!(get(&kim).await.text.contains("<bdi>kim</bdi>, viewer"));
    assert!(get(&kim).await.text.contains("Sign out"));
    // A session has the role of its user.
    let pause = async |cookie: &str| desk.send("POST", "/pause?workspace=acme", &[("cookie", cookie), FORM], "").await;
    assert_eq!((pause(&sam).await.status, pause(&kim).await.status), (303, 403));
    // What the configuration says holds from the next request on.
    let mut changed = people();
    changed.users[0].role = Role::Viewer;
    changed.users[1].token = Some("kim-has-another-one-56789abcdef0".to_owned().into());
    access.replace(changed.clone());
    assert_eq!(pause(&sam).await.status, 403);
    assert_eq!(get(&kim).await.status, 401, "another token is another sign-in");
    changed.users.remove(0);
    access.replace(changed);
    assert_eq!(get(&sam).await.status, 401);
    // A token that is another user's now is another sign-in, too.
    access.replace(people());
    let sam = sign_in(&desk, SAM).await;
    let mut renamed = people();
    renamed.users[0].name = "samantha".to_owned();
    access.replace(renamed);
    assert_eq!(get(&sam).await.status, 401);
    // Who signs out ends their own session alone.
    access.replace(people());
    let (one, two) = (sign_in(&desk, SAM).await, sign_in(&desk, SAM).await);
    desk.send("POST", "/logout", &[("cookie", &one)], "").await;
    assert_eq!((get(&one).await.status, get(&two).await.status), (401, 200));
}

#[tokio::test]
async fn users_close_what_is_open_without_a_token() {
    let (desk, access) = desk().await;
    let local = ("host", "localhost");
    desk.send("GET", "/api/v1/status", &[local], "").await.problem(401);
    desk.send("GET", "/api/v1/status", &[local, ("authorization", "Bearer ")], "").await.problem(401);
    access.replace(AccessSettings::default());
    assert_eq!(desk.send("GET", "/api/v1/status", &[local], "").await.status, 200);
}

#[tokio::test]
async fn the_description_says_whether_a_token_is_needed_now() {
    let (desk, access) = desk().await;
    let bearer = format!("Bearer {SAM}");
    let headers = [("host", "localhost"), ("authorization", bearer.as_str())];
    let security = async || desk.send("GET", "/openapi.json", &headers, "").await.json()["security"].take();
    assert_eq!(security().await, json!([{ "token": [] }, { "session": [] }]));
    access.replace(AccessSettings::default());
    assert_eq!(security().await, json!([]));
    access.replace(people());
    assert_eq!(security().await, json!([{ "token": [] }, { "session": [] }]));
}

/// An empty workspace is none, and what is about all of them needs the right to all.
#[tokio::test]
async fn an_empty_workspace_gives_nobody_more() {
    let (desk, _access) = desk().await;
    let bearer = format!("Bearer {SAM}");
    let headers = [("authorization", bearer.as_str())];
    for (path, body) in [
        ("/api/v1/pause", r#"{"workspace": ""}"#),
        ("/api/v1/resume", r#"{"workspace": ""}"#),
        ("/pause?workspace=", ""),
        ("/resume?workspace=", ""),
    ] {
        desk.send("POST", path, &headers, body).await.problem(403);
    }
    assert!(desk.fixture.store.pauses().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_stream_ends_when_the_users_change() {
    let (desk, access) = desk().await;
    let bearer = format!("Bearer {KIM}");
    let request = Request::builder().uri("/api/v1/events").header("authorization", bearer);
    let response = desk.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    access.replace(people());
    let rest = axum::body::to_bytes(response.into_body(), usize::MAX);
    let rest = tokio::time::timeout(std::time::Duration::from_secs(20), rest).await.expect("it ends").unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains("event: decision"));
}

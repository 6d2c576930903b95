//! Who gets in.

use super::{AdminFixture, HOOK_TOKEN, TOKEN, bearer};
use crate::fixture::{Fixture, FixtureOptions};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const GUARDED: [&str; 22] = [
    "/",
    "/activity",
    "/queue",
    "/try",
    "/backtest",
    "/api/v1/backtest",
    "/api/v1/backtest/x",
    "/workspace",
    "/threads/x",
    "/openapi.json",
    "/api/v1/status",
    "/api/v1/workspaces",
    "/api/v1/rules",
    "/api/v1/rules/x",
    "/api/v1/actions",
    "/api/v1/actions/x",
    "/api/v1/decisions",
    "/api/v1/decisions/x",
    "/api/v1/threads/x/explain",
    "/api/v1/opt-outs",
    "/api/v1/opt-outs/export",
    "/api/v1/audit",
];

#[tokio::test]
async fn with_a_token_only_its_bearer_gets_in() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    for path in GUARDED {
        let wrong = format!("Bearer {}x", &TOKEN[1..]);
        for given in [None, Some(wrong.as_str()), Some("Bearer "), Some("Bearer"), Some("Basic 0123"), Some(TOKEN)] {
            let headers: Vec<_> = given.map(|value| ("authorization", value)).into_iter().collect();
            let answer = desk.send("GET", path, &headers, "").await;
            answer.problem(401);
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{path} {given:?}");
            assert!(!answer.text.contains(TOKEN));
        }
        let status = desk.get(path).await.status;
        assert!([200, 404].contains(&status), "{path} {status}");
    }
    let writes = [
        "/pause",
        "/resume",
        "/reload",
        "/actions/x/approve",
        "/rules/x/mode",
        "/opt-outs",
        "/opt-outs/remove",
        "/forget",
        "/try",
        "/backtest",
        "/backtest/x/cancel",
        "/api/v1/backtest",
        "/workspace/check",
        "/api/v1/pause",
        "/api/v1/resume",
        "/api/v1/reload",
        "/api/v1/opt-outs/import",
        "/api/v1/forget",
    ];
    for path in writes {
        desk.send("POST", path, &[], "").await.problem(401);
    }
    assert!(desk.fixture.engine.store().pauses().await.unwrap().is_empty());
    for path in ["/healthz", "/readyz", "/metrics", "/login", "/assets/style.css", "/assets/pages.js"] {
        assert_eq!(desk.send("GET", path, &[], "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn without_a_token_only_this_machine_gets_in_under_its_own_name() {
    let desk = AdminFixture::over(Fixture::new(FixtureOptions::default()).await, None, None);
    for (host, status) in [
        (Some("localhost:8080"), 200),
        (Some("LOCALHOST"), 200),
        (Some("127.0.0.1:8080"), 200),
        (Some("[::1]:8080"), 200),
        (Some("evil.example"), 403),
        (Some("localhost.evil.example"), 403),
        (Some("127.0.0.1.evil.example:8080"), 403),
        (Some("10.0.0.1"), 403),
        (None, 403),
    ] {
        let headers: Vec<_> = host.map(|host| ("host", host)).into_iter().collect();
        let answer = desk.send("GET", "/api/v1/status", &headers, "").await;
        assert_eq!(answer.status, status, "{host:?}");
        if status == 403 {
            answer.problem(403);
        }
    }
}

#[tokio::test]
async fn a_browser_signs_in_once() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let browser = ("accept", "text/html,application/xhtml+xml");
    let sent_away = desk.send("GET", "/", &[browser], "").await;
    assert_eq!((sent_away.status, sent_away.header("location")), (303, "/login"));

    let form = ("content-type", "application/x-www-form-urlencoded");
    let wrong = desk.send("POST", "/login", &[form], "token=wrong").await;
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, ""));
    let right = desk.send("POST", "/login", &[form], &format!("token={TOKEN}")).await;
    assert_eq!((right.status, right.header("location")), (303, "/"));
    let cookie = right.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN));
    let session = cookie.split(';').next().unwrap();
    assert_eq!(desk.send("GET", "/", &[browser, ("cookie", session)], "").await.status, 200);
    let among = format!("other=1; {session}");
    assert_eq!(desk.send("GET", "/api/v1/status", &[("cookie", &among)], "").await.status, 200);
    desk.send("GET", "/api/v1/status", &[("cookie", "reply_router_session=")], "").await.problem(401);

    // Another process, another session.
    let other = AdminFixture::new(FixtureOptions::default()).await;
    other.send("GET", "/api/v1/status", &[("cookie", session)], "").await.problem(401);
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_locks_nobody_out() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    for _ in 0..10 {
        assert_eq!(desk.send("POST", "/login", &[form], "token=wrong").await.status, 401);
    }
    desk.send("POST", "/login", &[form], "token=wrong").await.problem(429);
    let right = desk.send("POST", "/login", &[form], &format!("token={TOKEN}")).await;
    assert_eq!(right.status, 303, "the right token always gets in");
    assert_eq!(desk.get("/api/v1/status").await.status, 200, "programs go on");
}

#[tokio::test]
async fn who_signed_out_is_out_wherever_the_cookie_is() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let mut cookies = Vec::new();
    for _ in 0..2 {
        let answer = desk.send("POST", "/login", &[form], &format!("token={TOKEN}")).await;
        cookies.push(answer.header("set-cookie").split(';').next().unwrap().to_owned());
    }
    assert_ne!(cookies[0], cookies[1], "each browser has a session of its own");
    let status = |cookie: String| {
        let desk = &desk;
        async move { desk.send("GET", "/api/v1/status", &[("cookie", &cookie)], "").await.status }
    };
    assert_eq!(status(cookies[0].clone()).await, 200);
    let out = desk.send("POST", "/logout", &[("cookie", &cookies[0])], "").await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(status(cookies[0].clone()).await, 401, "a copy of the cookie is worth nothing");
    assert_eq!(status(cookies[1].clone()).await, 200, "another browser stays signed in");
}

#[tokio::test]
async fn without_a_token_the_metrics_too_are_for_this_machine_only() {
    let desk = AdminFixture::over(Fixture::new(FixtureOptions::default()).await, None, None);
    for (host, status) in [("localhost:8080", 200), ("127.0.0.1", 200), ("evil.example", 403)] {
        assert_eq!(desk.send("GET", "/metrics", &[("host", host)], "").await.status, status, "{host}");
    }
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let elsewhere = desk.send("GET", "/metrics", &[("host", "router.acme.example")], "").await;
    assert_eq!(elsewhere.status, 200, "with a token it may be scraped from elsewhere");
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let cases: [(&[(&str, &str)], u16); 7] = [
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "http://router.acme.example")], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-origin"), ("origin", "https://router.acme.example")], 200),
        // Behind a proxy that passes its own name on.
        (&[("host", "10.0.0.7:8080"), ("origin", "https://router.acme.example")], 200),
        (&[], 200),
    ];
    for (headers, status) in cases {
        let mut headers = headers.to_vec();
        headers.push(bearer());
        let answer = desk.send("POST", "/api/v1/resume", &headers, "").await;
        assert_eq!(answer.status, status, "{headers:?}");
        if status == 403 {
            assert!(answer.problem(403).contains("origin"));
        }
    }
    let looked = desk.send("GET", "/api/v1/status", &[bearer(), ("origin", "https://evil.example")], "").await;
    assert_eq!(looked.status, 200, "reading is for whoever has the token");
    assert_eq!(looked.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn the_hook_has_a_token_of_its_own() {
    let setting = FixtureOptions {
        more_workspaces: vec![("globex", reply_router::model::Mode::Live)],
        ..FixtureOptions::default()
    };
    let desk = AdminFixture::new(setting).await;
    let basic = |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let right = format!("Bearer {HOOK_TOKEN}");
    for (name, given, status) in [
        ("acme", Some(right.clone()), 202),
        ("acme", Some(basic("coldsend", HOOK_TOKEN)), 202),
        ("acme", Some(basic("", HOOK_TOKEN)), 202),
        ("acme", Some(basic(HOOK_TOKEN, "")), 401),
        ("acme", Some("Bearer wrong".to_owned()), 401),
        ("acme", Some("Basic !!!".to_owned()), 401),
        ("acme", Some(format!("Bearer {TOKEN}")), 401),
        ("acme", None, 401),
        // No `hook_token`: off.
        ("globex", Some(right.clone()), 404),
        ("nobody", Some(right.clone()), 404),
    ] {
        let headers: Vec<_> = given.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = desk.send("POST", &format!("/hooks/coldsend/{name}"), &headers, "{\"any\": true}").await;
        assert_eq!(answer.status, status, "{name} {given:?}");
        if status != 202 {
            answer.problem(status);
        }
    }
}

#[tokio::test]
async fn every_answer_keeps_a_browser_within_bounds() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    for (method, path) in
        [("GET", "/"), ("GET", "/login"), ("GET", "/api/v1/status"), ("GET", "/nowhere"), ("POST", "/login")]
    {
        let answer = desk.send(method, path, &[bearer()], "").await;
        let policy = answer.header("content-security-policy");
        let directives: Vec<_> = policy.split(';').map(str::trim).collect();
        for wanted in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(directives.contains(&wanted), "{path}: {policy}");
        }
        for never in ["unsafe-inline", "unsafe-eval", "http:", "https:", "*"] {
            assert!(!policy.contains(never), "{path}: {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn the_cookie_is_secure_exactly_where_the_pages_are() {
    use reply_router::admin::{self, AdminSettings};
    for (public_url, secure) in
        [(Some("https://router.acme.example"), true), (Some("http://10.0.0.7:8080"), false), (None, false)]
    {
        let fixture = Fixture::new(FixtureOptions::default()).await;
        let settings = AdminSettings {
            listen: "127.0.0.1:8080".parse().unwrap(),
            access: super::with_token(Some(TOKEN)),
            public_url: public_url.map(str::to_owned),
            hook_tokens: Default::default(),
        };
        let router = admin::router(std::sync::Arc::clone(&fixture.engine), settings, None);
        let desk = AdminFixture { fixture, router };
        let form = ("content-type", "application/x-www-form-urlencoded");
        let answer = desk.send("POST", "/login", &[form], &format!("token={TOKEN}")).await;
        let cookie = answer.header("set-cookie");
        assert_eq!(cookie.contains("; Secure"), secure, "{public_url:?}: {cookie}");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    }
}

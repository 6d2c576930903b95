//! Errors, whatever makes them, have one shape.

use super::{AdminFixture, TOKEN, bearer};
use crate::fixture::{Fixture, FixtureOptions};
use async_trait::async_trait;
use reply_router::admin::{Reload, ReloadError};
use reply_router::simulator::Endpoint;
use reply_router::simulator::Fault;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn what_cannot_be_read_is_told() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let json_body = ("content-type", "application/json");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let long = "x".repeat(70_000);
    for (method, path, header, body, status) in [
        ("GET", "/nowhere", json_body, "", 404),
        ("GET", "/api/v1/nowhere", json_body, "", 404),
        ("GET", "/api/v1/pause", json_body, "", 405),
        ("DELETE", "/api/v1/status", json_body, "", 405),
        ("POST", "/api/v1/pause", json_body, "{", 400),
        ("POST", "/api/v1/pause", json_body, "[1]", 400),
        ("POST", "/api/v1/pause", json_body, r#"{"workspace": 7}"#, 400),
        ("POST", "/api/v1/pause", json_body, r#"{"workspace": "nobody"}"#, 404),
        ("POST", "/api/v1/resume", json_body, r#"{"workspace": "nobody"}"#, 404),
        ("POST", "/resume?workspace=nobody", form, "", 404),
        ("POST", "/api/v1/opt-outs", json_body, "{}", 400),
        ("POST", "/api/v1/opt-outs", json_body, r#"{"email": "nonsense"}"#, 400),
        ("DELETE", "/api/v1/opt-outs/a@b.example", json_body, "", 404),
        ("GET", "/api/v1/actions?state=gone", json_body, "", 400),
        ("GET", "/api/v1/actions?kind=shout", json_body, "", 400),
        ("GET", "/api/v1/actions?cursor=nonsense", json_body, "", 400),
        ("GET", "/api/v1/decisions?cursor=nonsense", json_body, "", 400),
        ("GET", "/api/v1/decisions?matched=perhaps", json_body, "", 400),
        ("GET", "/api/v1/decisions?state=gone", json_body, "", 400),
        ("GET", "/api/v1/opt-outs?cursor=-1", json_body, "", 400),
        ("GET", "/api/v1/actions?state=done&state=held", json_body, "", 400),
        ("GET", "/api/v1/rules/%FF", json_body, "", 400),
        ("GET", "/api/v1/rules/nobody", json_body, "", 404),
        ("GET", "/api/v1/decisions/nobody", json_body, "", 404),
        ("GET", "/api/v1/threads/nobody/explain", json_body, "", 404),
        ("GET", "/api/v1/threads/nobody/explain?workspace=nobody", json_body, "", 404),
        ("GET", "/threads/nobody", json_body, "", 404),
        ("POST", "/login", json_body, "{}", 415),
        ("POST", "/login", form, "tocken=x", 422),
        ("POST", "/hooks/coldsend/acme", json_body, long.as_str(), 413),
        ("POST", "/api/v1/pause", json_body, long.as_str(), 413),
        ("POST", "/api/v1/reload", json_body, "", 501),
    ] {
        let answer = desk.send(method, path, &[bearer(), header], body).await;
        assert_eq!(answer.status, status, "{method} {path} {answer:?}");
        answer.problem(status);
        assert!(!answer.header("x-request-id").is_empty(), "{method} {path}");
        assert!(!answer.header("content-security-policy").is_empty(), "{method} {path}");
    }
    assert_eq!(desk.send("GET", "/api/v1/pause", &[bearer()], "").await.header("allow"), "POST");
    assert!(desk.fixture.engine.store().pauses().await.unwrap().is_empty());
}

/// What is asked for is never read as something else: whatever a route or a page cannot take, it says.
#[tokio::test]
async fn nonsense_in_a_query_is_told_by_each_page_and_list() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    for (path, status, told) in [
        ("/api/v1/actions?state=foo", 400, "unknown state `foo`; use one of planned"),
        ("/api/v1/actions?kind=shout", 400, "unknown kind `shout`; use one of reply"),
        ("/api/v1/actions?cursor=7", 400, "`7` is not a cursor"),
        ("/api/v1/decisions?matched=perhaps", 400, "`matched` must be true or false, not `perhaps`"),
        ("/api/v1/decisions?state=done,foo", 400, "unknown state `foo`"),
        ("/api/v1/audit?workspace=nobody", 404, "there is no workspace `nobody`"),
        ("/api/v1/audit?cursor=x", 400, "`x` is not a cursor"),
        ("/api/v1/left?workspace=nobody", 404, "there is no workspace `nobody`"),
        ("/api/v1/status?workspace=nobody", 404, "there is no workspace `nobody`"),
        ("/api/v1/rules?workspace=nobody", 404, "there is no workspace `nobody`"),
        ("/api/v1/events?after=soon", 400, "soon"),
        ("/api/v1/opt-outs?cursor=-1", 400, "`-1` is not a cursor"),
        ("/api/v1/opt-outs/export?workspace=nobody", 404, "there is no workspace `nobody`"),
        ("/api/v1/backtest/x/report?format=pdf", 400, "format"),
        ("/activity?state=foo", 400, "unknown state `foo`"),
        ("/activity?matched=perhaps", 400, "`matched` must be true or false"),
        ("/activity?cursor=x", 400, "`x` is not a cursor"),
        ("/queue?state=foo", 400, "unknown state `foo`; use one of quarantined, held"),
        ("/queue?cursor=x", 400, "`x` is not a cursor"),
        ("/queue?workspace=nobody", 404, "there is no workspace `nobody`"),
        ("/workspace?opt_outs=x", 400, "`x` is not a cursor"),
        ("/workspace?audit=x", 400, "`x` is not a cursor"),
        ("/?workspace=nobody", 404, "there is no workspace `nobody`"),
        ("/backtest?page=x", 400, "`page` must be a whole number from 1 on, not `x`"),
        ("/backtest?page=0", 400, "`page` must be a whole number"),
        ("/backtest?job=x", 404, "there is no backtest `x`"),
    ] {
        let answer = desk.get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let detail = answer.problem(status);
        assert!(detail.contains(told), "{path}: {detail}");
    }
    // A limit is no more than a wish.
    for limit in ["-1", "0", "abc", "99999999999999999999"] {
        assert_eq!(desk.get(&format!("/api/v1/actions?limit={limit}")).await.status, 200);
    }
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let given = desk.send("GET", "/healthz", &[("x-request-id", "abc-1")], "").await;
    assert_eq!(given.header("x-request-id"), "abc-1");
    let (one, other) = (desk.get("/healthz").await, desk.get("/healthz").await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn not_ready_before_the_first_poll() {
    let fixture = Fixture::without_baseline(FixtureOptions::default()).await;
    let path = fixture.store_path().display().to_string();
    let desk = AdminFixture::over(fixture, Some(TOKEN), None);
    let answer = desk.send("GET", "/readyz", &[], "").await;
    assert!(answer.problem(503).contains("acme"));
    assert!(!answer.text.contains(&path));
}

#[tokio::test]
async fn not_ready_while_a_workspace_has_failed_for_too_long() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    for (status, why) in [(503, "ColdSend fails on its side"), (401, "ColdSend does not accept the API key")] {
        desk.fixture.simulator.faults().always(Endpoint::List, Fault::Status(status, String::new()));
        for minute in 0..8 {
            desk.fixture.engine.intake().poll_and_handle(desk.fixture.workspace()).await;
            let answer = desk.send("GET", "/readyz", &[], "").await;
            if minute < 5 {
                assert_eq!((answer.status, answer.text.as_str()), (200, "ready\n"), "{status}, minute {minute}");
            } else {
                let said = answer.problem(503);
                assert!(said.contains(&format!("acme has failed for {minute}m: {why}")), "{said}");
                assert!(!answer.text.contains("127.0.0.1"), "no address: {}", answer.text);
            }
            desk.fixture.clock.advance(Duration::from_secs(60));
        }
        let report = desk.send("GET", "/api/v1/status", &[bearer()], "").await.json();
        assert!(report["workspaces"][0]["failing_since"].is_string(), "{report}");
        desk.fixture.simulator.faults().clear();
        desk.fixture.engine.intake().poll_and_handle(desk.fixture.workspace()).await;
        assert_eq!(desk.send("GET", "/readyz", &[], "").await.status, 200);
    }
}

enum Ends {
    Well,
    Refused,
    Failed,
    Panics,
}

#[async_trait]
impl Reload for Ends {
    async fn reload(&self) -> Result<String, ReloadError> {
        match self {
            Self::Well => Ok("abc".to_owned()),
            Self::Refused => Err(ReloadError::Refused(json!({"diagnostics": [{"code": "R012"}]}))),
            Self::Failed => Err(ReloadError::Failed("the folder is gone".to_owned())),
            Self::Panics => panic!("a secret"),
        }
    }
}

#[tokio::test]
async fn a_reload_tells_how_it_ended() {
    for (ends, status) in [(Ends::Well, 200), (Ends::Refused, 422), (Ends::Failed, 500), (Ends::Panics, 500)] {
        let refused = matches!(ends, Ends::Refused);
        let desk = AdminFixture::over(Fixture::new(FixtureOptions::default()).await, Some(TOKEN), Some(Arc::new(ends)));
        let answer = desk.post("/api/v1/reload", "").await;
        if status == 200 {
            assert_eq!(answer.json(), json!({"revision": "abc"}));
            continue;
        }
        answer.problem(status);
        assert!(!answer.text.contains("a secret"));
        let body: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(body.get("diagnostics").is_some_and(|found| found[0]["code"] == "R012"), refused);
    }
}

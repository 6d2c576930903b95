//! Every change is in the audit log, with who made it.

use super::{AdminFixture, TOKEN};
use crate::fixture::FixtureOptions;
use reply_router::model::ActionState;
use reply_router::store::prelude::*;
use serde_json::{Value, json};

const DRAFT: &str = r"
version: 1
rules:
  - name: careful
    mode: draft
    when: { body: call }
    then:
      - reply: { text: 'Hi {{ lead.first_name }}.' }
";

async fn log(desk: &AdminFixture, query: &str) -> Vec<Value> {
    let mut items = desk.get(&format!("/api/v1/audit?limit=1000{query}")).await.json()["items"].take();
    items.as_array_mut().unwrap().reverse();
    items.as_array().unwrap().clone()
}

#[tokio::test]
async fn every_change_is_in_it() {
    let desk = AdminFixture::new(FixtureOptions { rules: DRAFT, ..FixtureOptions::default() }).await;
    for name in ["jane", "joe", "jim", "jo"] {
        desk.fixture.hot_lead(&format!("{name}@acme.example"), "Please call.");
    }
    desk.fixture.tick().await;
    let mut ids = Vec::new();
    let states = [ActionState::Held, ActionState::Held, ActionState::Failed, ActionState::Quarantined];
    for (mut action, state) in desk.fixture.actions().await.into_iter().zip(states) {
        action.state = state;
        desk.fixture.store.update_action(&mut action).await.unwrap();
        ids.push(action.id.0);
    }
    let id = |number: usize, what: &str| format!("/api/v1/actions/{}/{what}", ids[number]);
    for (path, body, status) in [
        ("/api/v1/rules/careful/mode".to_owned(), r#"{"mode": "off"}"#, 200),
        ("/api/v1/rules/careful/mode".to_owned(), r#"{"mode": null}"#, 200),
        ("/api/v1/pause".to_owned(), "{}", 200),
        ("/api/v1/resume".to_owned(), r#"{"workspace": "acme"}"#, 200),
        (id(0, "approve"), r#"{"text": "A word that stays out."}"#, 200),
        (id(1, "reject"), "", 200),
        (id(2, "retry"), "", 200),
        (id(3, "resolve"), r#"{"outcome": "sent"}"#, 200),
        ("/api/v1/opt-outs".to_owned(), r#"{"email": "Joe@acme.example", "evidence": "phone"}"#, 201),
        // What is refused changes nothing and is not in it.
        ("/api/v1/rules/nobody/mode".to_owned(), r#"{"mode": "off"}"#, 404),
        (id(1, "reject"), "", 409),
        ("/api/v1/pause".to_owned(), r#"{"workspace": "nobody"}"#, 404),
    ] {
        assert_eq!(desk.post(&path, body).await.status, status, "{path}");
    }
    let headers = [super::bearer(), ("x-request-id", "my-request")];
    assert_eq!(desk.send("DELETE", "/api/v1/opt-outs/joe@acme.example", &headers, "").await.status, 204);
    let entries = log(&desk, "").await;
    let brief: Vec<_> =
        entries.iter().map(|entry| (entry["what"].as_str().unwrap(), entry["target"].clone())).collect();
    let action = |number: usize| json!(ids[number]);
    assert_eq!(
        brief,
        [
            ("rule.mode", json!("careful")),
            ("rule.mode", json!("careful")),
            ("pause", json!(null)),
            ("resume", json!("acme")),
            ("action.approve", action(0)),
            ("action.reject", action(1)),
            ("action.retry", action(2)),
            ("action.resolve", action(3)),
            ("opt_out.add", json!("joe@acme.example")),
            ("opt_out.remove", json!("joe@acme.example")),
        ]
    );
    assert!(entries.iter().all(|entry| entry["who"] == "token" && entry["at"] == "2026-07-15T12:00:00Z"));
    assert_eq!(entries[0]["details"], json!({"mode": "off"}));
    assert_eq!((&entries[4]["details"]["edited"], &entries[4]["details"]["state"]), (&json!(true), &json!("planned")));
    assert_eq!(entries[7]["details"]["outcome"], "sent");
    assert_eq!(entries[9]["request_id"], "my-request");
    let whole = Value::from(entries).to_string();
    assert!(!whole.contains("A word that stays out") && !whole.contains(TOKEN), "{whole}");

    assert_eq!(log(&desk, "&what=rule.mode").await.len(), 2);
    assert_eq!(log(&desk, "&target=careful").await.len(), 2);
    let page = desk.get("/api/v1/audit?limit=4").await.json();
    let next = page["next"].as_str().unwrap();
    assert_eq!(
        desk.get(&format!("/api/v1/audit?limit=100&cursor={next}")).await.json()["items"][5]["what"],
        "rule.mode"
    );
    desk.get("/api/v1/audit?cursor=nonsense").await.problem(400);
}

#[tokio::test]
async fn signing_in_and_failing_to_is_in_it() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    desk.send("POST", "/login", &[form], "token=a-wrong-guess").await;
    let signed_in = desk.send("POST", "/login", &[form], &format!("token={TOKEN}")).await;
    let session = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(desk.send("POST", "/pause", &[("cookie", &session)], "").await.status, 303);
    let entries = log(&desk, "").await;
    let brief: Vec<_> =
        entries.iter().map(|entry| (entry["what"].as_str().unwrap(), entry["who"].as_str().unwrap())).collect();
    assert_eq!(brief, [("login.failed", "nobody"), ("login", "session"), ("pause", "session")]);
    let whole = Value::from(entries).to_string();
    assert!(!whole.contains("a-wrong-guess") && !whole.contains(TOKEN) && !whole.contains(&session[25..]), "{whole}");
}

/// A guess is a guess, wherever it is made: each is counted and noted, and the right token always gets in.
#[tokio::test]
async fn wrong_tokens_of_programs_and_hooks_are_in_it() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let wrong = [("authorization", "Bearer a-wrong-guess")];
    desk.send("GET", "/api/v1/status", &wrong, "").await.problem(401);
    desk.send("POST", "/api/v1/pause", &wrong, "").await.problem(401);
    desk.send("POST", "/hooks/coldsend/acme", &wrong, "").await.problem(401);
    desk.send("POST", "/hooks/coldsend/acme", &[("authorization", "Basic eDphLXdyb25nLWd1ZXNz")], "")
        .await
        .problem(401);
    // Whoever sends nothing guesses nothing.
    desk.send("GET", "/api/v1/status", &[], "").await.problem(401);
    desk.send("GET", "/api/v1/status", &[("authorization", "Bearer ")], "").await.problem(401);
    desk.send("POST", "/hooks/coldsend/acme", &[], "").await.problem(401);
    let entries = log(&desk, "").await;
    let brief: Vec<_> = entries.iter().map(|entry| json!([entry["what"], entry["who"], entry["target"]])).collect();
    let failed = |target: Value| json!(["login.failed", "nobody", target]);
    assert_eq!(brief, [failed(json!(null)), failed(json!(null)), failed(json!("acme")), failed(json!("acme"))]);
    assert!(!Value::from(entries).to_string().contains("a-wrong-guess"));

    for _ in 0..10 {
        desk.send("GET", "/api/v1/status", &wrong, "").await.problem(401);
    }
    assert_eq!(log(&desk, "").await.len(), 10, "further ones are not noted");
    let form = ("content-type", "application/x-www-form-urlencoded");
    desk.send("POST", "/login", &[form], "token=a-wrong-guess").await.problem(429);
    assert_eq!(desk.get("/api/v1/status").await.status, 200);
}

//! Decisions with whole traces: on pages, in lists, and in lists that are sent part by part.

use super::AdminFixture;
use crate::fixture::FixtureOptions;
use reply_router::{
    engine::DECISION_POLICY,
    rules::RuleSet,
    store::{DecisionFilter, DecisionRecord, SettledThread, StoredEvent, prelude::*},
};
use rusqlite::Connection;
use serde_json::{Value, json};

const RULES: &str = r"
version: 1
rules:
  - name: demo
    when: { body: '\bdemo\b' }
    then: [star]
  - name: book-a-call
    when: { category: interested, body: '\bcall\b' }
    then: [star]
  - name: refund
    when: { category: not_interested }
    then: [mark_read]
";

fn verdicts(decision: &Value) -> Vec<(&str, bool)> {
    let rules = decision["trace"]["rules"].as_array().unwrap().iter();
    rules.map(|rule| (rule["name"].as_str().unwrap(), rule["matched"].as_bool().unwrap())).collect()
}

#[tokio::test]
async fn pages_and_routes_show_rules_that_did_not_match_after_the_rules_are_gone() {
    let desk = AdminFixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Sure, a call on Tuesday?");
    desk.fixture.tick().await;
    let whole = [("demo", false), ("book-a-call", true), ("refund", false)];
    let before = desk.get("/api/v1/decisions").await.json();
    assert_eq!(verdicts(&before["items"][0]), whole);
    desk.fixture.engine.replace_rules(RuleSet::default());
    assert_eq!(desk.get("/api/v1/decisions").await.json(), before);
    let id = before["items"][0]["id"].as_str().unwrap();
    assert_eq!(desk.get(&format!("/api/v1/decisions/{id}")).await.json(), before["items"][0]);
    let page = desk.get(&format!("/threads/{thread}")).await.text;
    assert!(page.contains(">refund<") && !page.contains("Only rules that matched"), "{page}");

    // What was kept cannot be read any more: what is stored is shown, and the page says so.
    let connection = Connection::open(desk.fixture.store_path()).unwrap();
    connection.execute("DELETE FROM rule_revisions", []).unwrap();
    let found = desk.get(&format!("/api/v1/decisions/{id}")).await.json();
    assert_eq!(verdicts(&found), [("book-a-call", true)]);
    assert_eq!(found["trace"]["incomplete"], "the rules of this decision are not in the store");
    desk.fixture
        .store
        .keep_rules(
            "other",
            r#"{"files":[{"name":"a","folder":"","text":"version: 1\nrules: [{ name: a, mood: x }]"}]}"#,
        )
        .await
        .unwrap();
    connection.execute("UPDATE decision_events SET revision = (SELECT id FROM rule_revisions)", []).unwrap();
    let found = desk.get(&format!("/api/v1/decisions/{id}")).await.json();
    assert_eq!(verdicts(&found), [("book-a-call", true)]);
    let why = found["trace"]["incomplete"].as_str().unwrap();
    assert!(why.contains("cannot be loaded by this version of Reply Router"), "{why}");
    let page = desk.get(&format!("/threads/{thread}")).await.text;
    assert!(page.contains("Only rules that matched") && !page.contains(">refund<"), "{page}");
}

#[tokio::test]
async fn a_long_list_has_every_decision_once_with_its_whole_trace() {
    const COUNT: usize = 253;
    let desk = AdminFixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Sure, a call on Tuesday?");
    desk.fixture.tick().await;
    let store = &desk.fixture.store;
    let first = store.decisions(&DecisionFilter { limit: 1, ..DecisionFilter::default() }).await.unwrap().remove(0);
    let event: StoredEvent = store.events(std::slice::from_ref(&first.id)).await.unwrap().remove(&first.id).unwrap();
    for number in 1..COUNT {
        let record = DecisionRecord {
            id: format!("ffffffff-0000-7000-8000-{number:012}"),
            trace: first.trace.clone(),
            ..first.clone()
        };
        let settled = SettledThread { row: event.row.clone(), ..SettledThread::default() };
        store.record_decision(&record, Some(event.clone()), Vec::new(), None, &settled, DECISION_POLICY).await.unwrap();
    }
    let whole = desk.get("/api/v1/decisions?limit=10000").await;
    assert_eq!(whole.header("content-type"), "application/json");
    let whole = whole.json();
    assert_eq!(whole["next"], Value::Null);
    let items = whole["items"].as_array().unwrap();
    assert_eq!(items.len(), COUNT);
    for item in items {
        assert_eq!(verdicts(item), [("demo", false), ("book-a-call", true), ("refund", false)]);
    }
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = desk.get(&format!("/api/v1/decisions?limit=120&thread={thread}&cursor={cursor}")).await.json();
        pages.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(json!(pages), whole["items"]);
}

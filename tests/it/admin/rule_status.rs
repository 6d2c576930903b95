//! What the pages say of each rule.

use super::AdminFixture;
use crate::fixture::{Fixture, FixtureOptions};
use serde_json::{Value, json};
use std::time::Duration;

const RULES: &str = r"
version: 1
rules:
  - name: quiet
    mode: off
    when: always
    then: [mark_read]
  - name: broken
    when: { category: interested }
    script: 'thread.reply_count / 0 > 1'
    then: [unstar]
  - name: hot
    when: { body: '\bcall\b' }
    then:
      - reply: { text: 'Hi.' }
      - star
    stop: true
  - name: behind
    when: always
    then: [mark_read]
";

async fn rules(desk: &AdminFixture) -> Vec<Value> {
    desk.get("/api/v1/rules").await.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_rule_is_counted_and_timed_by_itself() {
    let desk = AdminFixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    desk.fixture.hot_lead("jane@acme.example", "Give me a call.");
    desk.fixture.hot_lead("joe@acme.example", "No, thanks.");
    desk.fixture.tick().await;
    let all = rules(&desk).await;
    let figures: Vec<_> = all
        .iter()
        .map(|rule| {
            let (name, evaluations) = (rule["name"].as_str().unwrap(), rule["evaluations"].as_u64().unwrap());
            assert_eq!(rule["mean_us"].is_null(), evaluations == 0, "{rule}");
            (name, evaluations, rule["matches"]["1h"].as_u64().unwrap(), rule["last_error"]["text"].is_string())
        })
        .collect();
    assert_eq!(
        figures,
        [("quiet", 0, 0, false), ("broken", 2, 0, true), ("hot", 2, 1, false), ("behind", 1, 1, false)]
    );
    let hot = &all[2];
    assert_eq!(hot["actions"]["7d"], json!({"done": 2}));
    let days = hot["daily"].as_array().unwrap();
    assert_eq!((days.len(), &days[0]["day"], &days[0]["matched"]), (7, &json!("2026-07-09"), &json!(0)));
    assert_eq!(days[6], json!({"day": "2026-07-15", "matched": 1, "acted": 2}));

    // A day later it is no more within the hour, and yesterday on the chart.
    desk.fixture.clock.advance(Duration::from_secs(86_000));
    let hot = rules(&desk).await.remove(2);
    assert_eq!(hot["matches"], json!({"1h": 0, "24h": 1, "7d": 1, "total": 1}));
    assert_eq!(hot["daily"][5], json!({"day": "2026-07-15", "matched": 1, "acted": 2}));
    desk.fixture.clock.advance(Duration::from_secs(8 * 86_400));
    let hot = rules(&desk).await.remove(2);
    assert_eq!(hot["matches"], json!({"1h": 0, "24h": 0, "7d": 0, "total": 1}));
    assert_eq!(hot["actions"], json!({"1h": {}, "24h": {}, "7d": {}, "total": {"done": 2}}));
    assert!(hot["daily"].as_array().unwrap().iter().all(|day| day["matched"] == 0));
}

#[tokio::test]
async fn a_switch_and_a_pause_tell_who_and_when() {
    let desk = AdminFixture::over(Fixture::new(FixtureOptions::default()).await, None, None);
    let here = [("host", "localhost"), ("content-type", "application/json")];
    let post = async |path: &str, body: &str| desk.send("POST", path, &here, body).await.json();
    let rule = post("/api/v1/rules/book-a-call/mode", r#"{"mode": "draft"}"#).await;
    assert_eq!(rule["override"], json!({"mode": "draft", "since": "2026-07-15T12:00:00Z", "by": "loopback"}));
    assert_eq!(post("/api/v1/rules/book-a-call/mode", r#"{"mode": null}"#).await["override"], json!(null));
    let status = post("/api/v1/pause", r#"{"workspace": "acme"}"#).await;
    let pause = json!({"since": "2026-07-15T12:00:00Z", "by": "loopback", "reason": "a person paused it"});
    assert_eq!((&status["pause"], &status["workspaces"][0]["pause"]), (&json!(null), &pause));
    desk.fixture.clock.advance(Duration::from_secs(60));
    let status = post("/api/v1/pause", "{}").await;
    assert_eq!(status["pause"]["since"], "2026-07-15T12:01:00Z");
    let status = post("/api/v1/resume", "{}").await;
    assert_eq!((&status["pause"], &status["workspaces"][0]["pause"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn the_list_of_rules_has_pages() {
    let desk = AdminFixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    let first = desk.get("/api/v1/rules?limit=3").await.json();
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next"]), (3, &json!("3")));
    let second = desk.get("/api/v1/rules?limit=3&cursor=3").await.json();
    assert_eq!((&second["items"][0]["name"], &second["next"]), (&json!("behind"), &json!(null)));
    desk.get("/api/v1/rules?cursor=hot").await.problem(400);
}

//! What programs read: every field that is promised, and nothing that the description does not tell of.

use super::{AdminFixture, Answer};
use crate::fixture::{Fixture, FixtureOptions};
use reply_router::simulator::Endpoint;
use reply_router::{
    model::{ActionState, Mode},
    simulator::Fault,
    store::Store,
};
use serde_json::{Value, json};

/// Whether a value fits a schema of the description; fields that are not described are mistakes too.
#[track_caller]
fn check(value: &Value, schema: &Value, document: &Value, at: &str) {
    if let Some(target) = schema["$ref"].as_str() {
        let found = document.pointer(target.trim_start_matches('#')).unwrap_or_else(|| panic!("{target}"));
        return check(value, found, document, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let wanted = any.iter().find(|one| (one["type"] == "null") == value.is_null());
        return check(value, wanted.unwrap_or_else(|| panic!("{at}: {value}")), document, at);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(value, part, document, at);
    }
    if let Some(names) = schema["enum"].as_array() {
        assert!(names.contains(value), "{at}: {value} is none of {names:?}");
    }
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match &schema["type"] {
        Value::String(wanted) => assert_eq!(is, wanted, "{at}: {value}"),
        Value::Array(wanted) => assert!(wanted.contains(&json!(is)), "{at}: {value}"),
        _ => {}
    }
    for item in value.as_array().into_iter().flatten() {
        check(item, &schema["items"], document, at);
    }
    for name in schema["required"].as_array().into_iter().flatten().filter(|_| value.is_object()) {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{at}: {name} is missing in {value}");
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(found), _) | (None, Some(found)) => check(inner, found, document, &at),
            (None, None) => assert!(schema["properties"].is_null(), "{at} is not described"),
        }
    }
}

/// Every field that is named is there.
#[track_caller]
fn has(value: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        assert!(value.get(field).is_some(), "{field} is missing in {value}");
    }
}

fn first(answer: &Answer) -> Value {
    let page = answer.json();
    has(&page, "items next");
    page["items"][0].clone()
}

#[tokio::test]
async fn every_answer_has_the_shape_that_is_described() {
    let more = vec![("globex", Mode::Draft)];
    let desk =
        AdminFixture::new(FixtureOptions { mode: Mode::Live, more_workspaces: more, ..FixtureOptions::default() })
            .await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    desk.fixture.tick().await;
    desk.post("/api/v1/opt-outs", r#"{"email": "joe@acme.example"}"#).await.json();
    let document = desk.get("/openapi.json").await.json();
    assert_eq!(
        (&document["openapi"], &document["info"]["version"]),
        (&json!("3.1.0"), &json!(env!("CARGO_PKG_VERSION")))
    );

    let action = first(&desk.get("/api/v1/actions?kind=reply").await);
    let decision = first(&desk.get("/api/v1/decisions").await);
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    for (path, schema) in [
        ("/api/v1/status".to_owned(), "Status"),
        ("/api/v1/rules".to_owned(), "RulePage"),
        ("/api/v1/rules/book-a-call".to_owned(), "Rule"),
        ("/api/v1/actions".to_owned(), "ActionPage"),
        (format!("/api/v1/actions/{}", id(&action)), "Action"),
        ("/api/v1/decisions".to_owned(), "DecisionPage"),
        (format!("/api/v1/decisions/{}", id(&decision)), "Decision"),
        (format!("/api/v1/threads/{thread}/explain"), "Explanation"),
        ("/api/v1/opt-outs".to_owned(), "OptOutPage"),
        ("/api/v1/audit".to_owned(), "AuditPage"),
    ] {
        let answer = desk.get(&path).await;
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        check(&answer.json(), &document["components"]["schemas"][schema], &document, schema);
    }

    let status = desk.get("/api/v1/status").await.json();
    has(&status, "version paused rules workspaces queue");
    has(&status["rules"], "revision loaded_at error");
    has(&status["workspaces"][0], "name state paused last_poll next_poll error budget");
    has(&status["workspaces"][0]["budget"], "minute_left hour_left");
    has(&status["queue"], "waiting held unknown quarantined failed");
    let rule = first(&desk.get("/api/v1/rules").await);
    has(&rule, "name description file line mode effective_mode lowered_by matches actions suppressed last_match");
    has(&rule, "last_error mean_us");
    has(&rule["matches"], "1h 24h 7d total");
    assert_eq!(rule["actions"]["1h"], json!({"done": 3}));
    assert_eq!((&rule["effective_mode"], &rule["lowered_by"]), (&json!("live"), &json!(null)));
    assert_eq!(rule["workspace_modes"], json!({"acme": "live", "globex": "draft"}));
    has(&action, "id workspace thread_id message_id lead_email rule kind target state reason attempts due_at");
    has(&action, "created_at updated_at");
    has(&action["attempts"][0], "at outcome status");
    assert_eq!((&action["state"], &action["kind"]), (&json!("done"), &json!("reply")));
    has(&decision, "id workspace thread_id message_id lead_email at matched actions trace");
    assert_eq!(decision["matched"], json!(["book-a-call"]));
    assert_eq!(decision["actions"].as_array().unwrap().len(), 3);
    let explained = desk.get(&format!("/api/v1/threads/{thread}/explain")).await.json();
    has(&explained, "thread_id message_id body auto_reply opt_out rules");
    has(&explained["rules"][0], "name file line mode matched stopped_by conditions script actions");
    has(&explained["rules"][0]["conditions"][0], "path wanted seen held span");
    has(&explained["rules"][0]["actions"][0], "kind would reason");
    has(&first(&desk.get("/api/v1/opt-outs").await), "workspace email since evidence");

    let metrics = desk.send("GET", "/metrics", &[], "").await.text;
    assert!(metrics.contains("reply_router_rule_matches_total{rule=\"book-a-call\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_limit_is_clamped_and_a_cursor_leads_through_all() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    for number in 0..4 {
        desk.fixture.hot_lead(&format!("lead{number}@acme.example"), "Please call.");
        let body = format!(r#"{{"email": "out{number}@acme.example"}}"#);
        assert_eq!(desk.post("/api/v1/opt-outs", &body).await.status, 201);
    }
    desk.fixture.tick().await;
    for (list, all) in [("actions", 12), ("decisions", 4), ("opt-outs", 4)] {
        let length = async |limit: &str| {
            let page = desk.get(&format!("/api/v1/{list}?limit={limit}")).await.json();
            page["items"].as_array().unwrap().len()
        };
        for (limit, wanted) in [
            ("", all),
            ("0", 1),
            ("-7", 1),
            ("2", 2),
            ("10001", all),
            ("99999999999999999999", all),
            ("many", all),
            ("%20%203", 3),
        ] {
            assert_eq!(length(limit).await, wanted, "{list} {limit}");
        }
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = desk.get(&format!("/api/v1/{list}?limit=3&cursor={cursor}")).await.json();
            seen.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| item["id"].to_string() + &item["email"].to_string()),
            );
            pages += 1;
            let Some(next) = page["next"].as_str() else { break };
            cursor = next.to_owned();
        }
        assert_eq!((seen.len(), pages), (all, all.div_ceil(3)), "{list}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all, "{list}: nothing twice");
    }
}

#[tokio::test]
async fn lists_are_filtered() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Please call.");
    desk.fixture.hot_lead("joe@acme.example", "Please call.");
    desk.fixture.tick().await;
    let mut held = desk.fixture.actions().await.remove(0);
    held.state = ActionState::Held;
    desk.fixture.store.update_action(&mut held).await.unwrap();
    for (path, wanted) in [
        ("actions?state=held".to_owned(), 1),
        ("actions?state=held,done".to_owned(), 6),
        ("actions?kind=star".to_owned(), 2),
        (format!("actions?thread={thread}"), 3),
        (format!("actions?thread={thread}&kind=reply&state="), 1),
        ("actions?rule=book-a-call".to_owned(), 6),
        ("actions?rule=other".to_owned(), 0),
        ("actions?workspace=globex".to_owned(), 0),
        (format!("decisions?thread={thread}"), 1),
        ("decisions?rule=book-a-call".to_owned(), 2),
        ("decisions?rule=other".to_owned(), 0),
        ("decisions?lead=JANE@acme.example".to_owned(), 1),
        ("decisions?state=held".to_owned(), 1),
        ("decisions?campaign=q1%20product%20launch&matched=true".to_owned(), 2),
        ("decisions?matched=false".to_owned(), 0),
        ("decisions?workspace=globex".to_owned(), 0),
        ("actions?lead=jane@acme.example&campaign=Q1%20Product%20Launch".to_owned(), 3),
        ("actions?campaign=other".to_owned(), 0),
    ] {
        let page = desk.get(&format!("/api/v1/{path}")).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), wanted, "{path}");
    }
}

#[tokio::test]
async fn a_thread_is_looked_for_in_every_workspace() {
    let setting = FixtureOptions { more_workspaces: vec![("globex", Mode::Shadow)], ..FixtureOptions::default() };
    let desk = AdminFixture::over(Fixture::new(setting).await, Some(super::TOKEN), None);
    let thread = desk.fixture.hot_lead("jane@acme.example", "Please call.");
    let path = format!("/api/v1/threads/{thread}/explain");
    let mode = |answer: &Answer| answer.json()["rules"][0]["mode"].clone();
    assert_eq!(mode(&desk.get(&path).await), "live");
    let faults = desk.fixture.simulator.faults();
    faults.next(Endpoint::Thread, 1, Fault::Status(404, r#"{"detail": "no"}"#.to_owned()));
    assert_eq!(mode(&desk.get(&path).await), "shadow", "the first one does not know it");
    faults.next(Endpoint::Thread, 1, Fault::Status(401, r#"{"detail": "no"}"#.to_owned()));
    assert_eq!(mode(&desk.get(&path).await), "shadow", "the first one cannot be asked");
    faults.next(Endpoint::Thread, 1, Fault::Status(404, r#"{"detail": "no"}"#.to_owned()));
    desk.get(&format!("{path}?workspace=acme")).await.problem(404);
    faults.next(Endpoint::Thread, 1, Fault::Status(401, r#"{"detail": "no"}"#.to_owned()));
    desk.get(&format!("{path}?workspace=acme")).await.problem(502);
}
